// Waits for the whole message: what the API would have given without streaming.
import { streamMessage } from 'ssemble/fetch';

const stream = await streamMessage({
  model: 'claude-opus-4-6',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Name three tides.' }],
});

// Resolves only if the message is complete; else it rejects, and the error has what had come.
const message = await stream.finalMessage();
console.log(await stream.finalText());
console.log(`${message.id}: ${message.stop_reason}, ${message.usage.output_tokens} tokens`);
