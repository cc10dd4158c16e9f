// Prints the answer as it comes.
import { streamMessage } from 'ssemble/fetch';

const stream = await streamMessage({
  model: 'claude-opus-4-6',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
});

// Throws if the answer is cut or the server sends an error: half an answer never looks like a whole one.
for await (const text of stream.textStream) process.stdout.write(text);
console.log();
