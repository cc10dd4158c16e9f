// Thinking, apart from the answer: thinking to standard error, the answer to standard output.
import { streamMessage } from 'ssemble/fetch';

const stream = await streamMessage({
  model: 'claude-opus-4-6',
  max_tokens: 16_000,
  thinking: { type: 'adaptive' },
  messages: [{ role: 'user', content: 'Is 1,027 a prime?' }],
});

for await (const event of stream) {
  if (event.type !== 'content_block_delta') continue;
  if (event.delta.type === 'thinking_delta') process.stderr.write(event.delta.thinking);
  if (event.delta.type === 'text_delta') process.stdout.write(event.delta.text);
}
console.log();
