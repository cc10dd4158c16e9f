// The response under the stream: status, headers, request id, rate limits.
import { readRateLimits, streamMessage } from 'ssemble/fetch';

const stream = await streamMessage({
  model: 'claude-opus-4-6',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Hello' }],
});

console.log('status', stream.response.status);
console.log('type', stream.response.headers.get('content-type'));
console.log('request id', stream.requestId);
console.log('requests left', readRateLimits(stream.response.headers)?.requests?.remaining);
console.log(await stream.finalText());
