// Ctrl-C stops the answer, closes the connection, and keeps what had come.
import { AbortError } from 'ssemble';
import { streamMessage } from 'ssemble/fetch';

const controller = new AbortController();
process.once('SIGINT', () => controller.abort());

try {
  const stream = await streamMessage(
    { model: 'claude-opus-4-6', max_tokens: 4096, messages: [{ role: 'user', content: 'Tell me a long story.' }] },
    { signal: controller.signal },
  );
  for await (const text of stream.textStream) process.stdout.write(text);
  console.log();
} catch (error) {
  if (!(error instanceof AbortError)) throw error;
  console.log(`\nstopped; had come: ${JSON.stringify(error.snapshot?.content ?? [])}`);
  process.exitCode = 130;
}
