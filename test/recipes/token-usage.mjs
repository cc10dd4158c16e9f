// Token usage while it streams. The counts are running totals: take the last one, never add them up.
import { streamMessage } from 'ssemble/fetch';

const stream = await streamMessage({
  model: 'claude-opus-4-6',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Write a haiku about logs.' }],
});

for await (const event of stream) {
  if (event.type !== 'message_start' && event.type !== 'message_delta') continue;
  const { input_tokens, output_tokens } = stream.snapshot.usage;
  console.log(`${event.type}: in ${input_tokens}, out ${output_tokens}`);
}
const { usage } = await stream.finalMessage();
console.log(`total: ${usage.input_tokens + usage.output_tokens}`);
