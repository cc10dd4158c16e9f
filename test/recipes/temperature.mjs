// Temperature: from 0 (the likeliest words) to 1 (more variety).
import { streamMessage } from 'ssemble/fetch';

const stream = await streamMessage({
  model: 'claude-opus-4-6',
  max_tokens: 100,
  temperature: 0.2,
  messages: [{ role: 'user', content: 'A name for a boat, please.' }],
});

for await (const text of stream.textStream) process.stdout.write(text);
console.log();
