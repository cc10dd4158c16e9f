// Three timeouts: until an answer begins, between two bytes, and for all of it.
import { AbortError, ConnectionError, IdleTimeoutError } from 'ssemble';
import { streamMessage } from 'ssemble/fetch';

try {
  const stream = await streamMessage(
    { model: 'claude-opus-4-6', max_tokens: 1024, messages: [{ role: 'user', content: 'Hello' }] },
    {
      connectTimeoutMs: 30_000,
      idleTimeoutMs: 120_000, // any byte is a sign of life, pings too
      signal: AbortSignal.timeout(600_000),
    },
  );
  for await (const text of stream.textStream) process.stdout.write(text);
  console.log();
} catch (error) {
  if (error instanceof IdleTimeoutError) console.log(`\nit went silent: ${error.message}`);
  else if (error instanceof ConnectionError) console.log(`\nno connection: ${error.message}`);
  else if (error instanceof AbortError) console.log(`\nout of time: ${error.message}`);
  else throw error;
  process.exitCode = 1;
}
