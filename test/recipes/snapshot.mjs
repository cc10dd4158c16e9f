// The message as it stands, at any time: `snapshot` has the shape of a finished message.
import { streamMessage } from 'ssemble/fetch';

const stream = await streamMessage({
  model: 'claude-opus-4-6',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Count to three.' }],
});

for await (const event of stream) {
  if (event.type !== 'content_block_delta') continue;
  const { content } = stream.snapshot;
  console.log(`so far: ${JSON.stringify(content)} (block ${stream.blocks.at(-1).state})`);
}
console.log(stream.outcome.status, stream.snapshot.stop_reason);
