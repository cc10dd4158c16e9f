/**
 * A client of the load benchmark: one variant, one process, forked by `../load.mjs`.
 *
 * Two kinds of run, because a forced collection throws compiled code away: **time** measures the CPU time from the hold to the
 * pause, and collects nothing; **weigh** collects, and measures memory before the streams and with all of them open.
 *
 * Warm first, with the same streams, few at a time: so the code is compiled, and its memory, before anything is measured.
 */

import { createHash } from 'node:crypto';
import { collect } from '../measure.mjs';
import { VARIANTS } from './variants.mjs';

/** @type {{ variant: string, mode: 'time' | 'weigh', streams: number, port: number, warm: number }} */
const job = JSON.parse(process.argv[2]);
const base = `http://127.0.0.1:${job.port}`;
const WARM_TOGETHER = 50;
/** So many are asked for every so often: no burst that the listen queue would have to take. */
const WAVE = 50;
const WAVE_MS = 20;
const SETTLE_MS = 500;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const messages = [];
let wake = () => {};
process.on('message', (message) => {
  messages.push(message);
  wake();
});
process.on('disconnect', () => process.exit());

async function told(type) {
  while (messages.shift()?.type !== type) await new Promise((resolve) => (wake = resolve));
}

async function weigh() {
  for (let k = 0; k < 4; k += 1) {
    await sleep(50);
    collect();
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external };
}

const cpuMicros = (since) => {
  const { user, system } = process.cpuUsage(since);
  return user + system;
};

const ask = await VARIANTS[job.variant].load();
let reads = 0;
const count = () => {
  reads += 1;
};

let left = job.warm;
await Promise.all(
  Array.from({ length: WARM_TOGETHER }, async () => {
    while (left-- > 0) await ask(`${base}/warm`, count);
  }),
);
const before = job.mode === 'weigh' ? await weigh() : undefined;

const opening = process.cpuUsage();
const asked = [];
for (let k = 0; k < job.streams; k += 1) {
  if (k % WAVE === 0) await sleep(WAVE_MS);
  asked.push(ask(base, count));
}
const all = Promise.all(asked);
all.catch(() => {});
await Promise.race([told('held'), all]);
const openUs = cpuMicros(opening);
const open = job.mode === 'weigh' ? await weigh() : undefined;
if (job.mode === 'time') await sleep(SETTLE_MS);
reads = 0;
const start = process.cpuUsage();
process.send({ type: 'go' });
await Promise.race([told('paused'), all]);
// What was written last is read by then.
await sleep(SETTLE_MS);
const cpuUs = cpuMicros(start);
const readsOfThese = reads;
const ending = process.cpuUsage();
process.send({ type: 'finish' });
const texts = await all;
process.send({
  type: 'done',
  cpuUs,
  aroundUs: openUs + cpuMicros(ending),
  before,
  open,
  reads: readsOfThese,
  texts: [...new Set(texts)].map((text) => (text === undefined ? undefined : hashOf(text))),
});

function hashOf(text) {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
