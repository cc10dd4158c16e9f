// Errors by class. A program that only wants to tell them prints `error.message`: it says what failed, and never a key.
import * as ssemble from 'ssemble';
import { streamMessage } from 'ssemble/fetch';

try {
  const stream = await streamMessage({
    model: 'claude-opus-4-6',
    max_tokens: 1024,
    messages: [{ role: 'user', content: 'Hello' }],
  });
  for await (const text of stream.textStream) process.stdout.write(text);
} catch (error) {
  console.error(`\n${advice(error)}`);
  process.exitCode = 1;
}

function advice(error) {
  // Retries are over by now: two by default, only while no content had come.
  if (error instanceof ssemble.RateLimitError)
    return error.retryAfterMs === undefined
      ? `Over the limit: ${error.message}`
      : `Too many requests: again in ${error.retryAfterMs / 1000} s`;
  if (error instanceof ssemble.OverloadedError) return 'Claude is overloaded: try again later';
  if (error instanceof ssemble.AuthenticationError) return 'The key is wrong: look at ANTHROPIC_API_KEY';
  if (error instanceof ssemble.PermissionDeniedError) return 'The key may not do this: ask whoever made it';
  if (error instanceof ssemble.ApiError)
    return `${error.status} ${error.message} (${error.requestId ?? 'no request id'})`;
  // The connection: what had come is on the error.
  if (error instanceof ssemble.IdleTimeoutError) return 'Claude went silent';
  if (error instanceof ssemble.StreamError)
    return `${error.message}; had come: ${JSON.stringify(error.snapshot?.content ?? [])}`;
  // Ours: a missing key, an option that cannot be meant.
  return error.message;
}
