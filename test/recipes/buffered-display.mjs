// Even display: text comes in bursts, the pacer lets it out at a steady pace. The stream itself is never held up.
import { setTimeout as sleep } from 'node:timers/promises';
import { TextPacer } from 'ssemble';
import { streamMessage } from 'ssemble/fetch';

const pacer = new TextPacer({ charsPerSecond: 200, catchUpMs: 500 });

async function display() {
  while (!pacer.done) {
    process.stdout.write(pacer.take(performance.now()));
    await sleep(1000 / 30);
  }
  console.log();
}

const shown = display();
try {
  const stream = await streamMessage({
    model: 'claude-opus-4-6',
    max_tokens: 1024,
    messages: [{ role: 'user', content: 'Tell me a short story.' }],
  });
  for await (const text of stream.textStream) pacer.push(text);
} finally {
  pacer.end();
  await shown;
}
