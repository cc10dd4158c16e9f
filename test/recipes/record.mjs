// Records what comes over the wire, with the time of each chunk and without keys: one capture for each request.
import { appendFileSync } from 'node:fs';
import { recordingFetch } from 'ssemble/capture';
import { streamMessage } from 'ssemble/fetch';

let requests = 0;
const recording = recordingFetch(fetch, () => {
  const file = `answer-${++requests}.capture`;
  // Each line is written when its chunk is read: a program that crashes leaves what it had.
  return { write: (line) => appendFileSync(file, line) };
});

const stream = await streamMessage(
  { model: 'claude-opus-4-6', max_tokens: 1024, messages: [{ role: 'user', content: 'Hello' }] },
  { fetch: recording },
);
for await (const text of stream.textStream) process.stdout.write(text);
console.log();
