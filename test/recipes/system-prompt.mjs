// A system prompt is a parameter of its own, not a message.
import { streamMessage } from 'ssemble/fetch';

const stream = await streamMessage({
  model: 'claude-opus-4-6',
  max_tokens: 1024,
  system: 'You are a lighthouse keeper. Answer in one sentence.',
  messages: [{ role: 'user', content: 'How is the weather?' }],
});

for await (const text of stream.textStream) process.stdout.write(text);
console.log();
