// Iteration by hand: take one event at a time, and leave when it is enough.
import { streamMessage } from 'ssemble/fetch';

const stream = await streamMessage({
  model: 'claude-opus-4-6',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Tell me about rivers.' }],
});

const pieces = stream.textStream[Symbol.asyncIterator]();
let text = '';
for (;;) {
  const { done, value } = await pieces.next();
  if (done) break;
  text += value;
  // One sentence will do. `abort()` closes the connection, as `break` does in a `for await` loop.
  if (text.includes('.')) {
    stream.abort();
    break;
  }
}
console.log(text);
console.log(stream.outcome.status);
