// The answer grows while the program does something else.
import { setTimeout as sleep } from 'node:timers/promises';
import { streamMessage } from 'ssemble/fetch';

async function ask(question) {
  const stream = await streamMessage({
    model: 'claude-opus-4-6',
    max_tokens: 1024,
    messages: [{ role: 'user', content: question }],
  });
  return stream.finalText();
}

async function otherWork() {
  for (let step = 1; step <= 3; step++) {
    console.log(`working, step ${step}`);
    await sleep(10);
  }
}

// Promise.all, so that a request that fails meanwhile is heard at once.
const [answer] = await Promise.all([ask('Why do cats purr?'), otherWork()]);
console.log(answer);
