// max_tokens reached: the answer is cut. Keep what is whole, and ask Claude to go on.
import { continuation, salvage } from 'ssemble';
import { streamMessage } from 'ssemble/fetch';

let request = {
  model: 'claude-haiku-4-5',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Write down the story of the swallows.' }],
};
let answer = '';

for (let part = 1; part <= 5; part++) {
  const stream = await streamMessage(request);
  const message = await stream.finalMessage();
  // A tool call or a thought that was cut is never sent back, and never run.
  const { content, dropped } = salvage(message, stream.blocks);
  for (const { block, reason } of dropped) console.log(`left out: ${block.type}, ${reason}`);
  for (const block of content) if (block.type === 'text') answer += block.text;
  console.log(`part ${part}: ${message.stop_reason}`);
  if (message.stop_reason !== 'max_tokens') break;
  // Up to Claude 4.5 the answer goes back as the beginning of its next turn; newer models are asked in words.
  request = continuation(message, stream.blocks, request);
  answer = answer.trimEnd();
}
console.log(answer);
