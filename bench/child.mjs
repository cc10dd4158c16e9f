/**
 * One process, one variant, one input, one chunking: `node child.mjs '{"question": …}'`. Started by run.mjs; prints one
 * line of JSON. `mode: 'check'` gives what the variant found in each body, `mode: 'time'` what it cost, `mode: 'profile'`
 * where it went.
 */

import { cut, eventsOf, unpack } from './inputs.mjs';
import { time } from './measure.mjs';

const job = JSON.parse(process.argv.at(-1));
const { default: question } = await import(`./cases/${job.question}.mjs`);
const variant = question.variants[job.variant];
const bodies = job.pack === undefined ? [] : load();
const context = { ...job, bodies, events: bodies.reduce((sum, { bytes }) => sum + eventsOf(bytes).length, 0) };

const print = (result) => process.stdout.write(`\n${JSON.stringify(result)}\n`);
if (job.mode === 'check') print({ claims: await check() });
else if (job.mode === 'profile') print({ profile: await profile() });
else if (question.measure !== undefined) print(await question.measure(variant, context));
else print(await clock());

function load() {
  const only = job.only === undefined ? undefined : new Set(job.only);
  return unpack(job.pack)
    .filter(({ name }) => only === undefined || only.has(name))
    .map(({ name, bytes }) => ({ name, bytes, chunks: question.lazy ? undefined : cut(bytes, job.chunking) }));
}

/** What the variant found in each body. A body that it cannot read is a claim of its own. */
async function check() {
  const sink = question.sink?.(true);
  const run = await variant.load(context, sink);
  const claims = {};
  for (const body of bodies) {
    try {
      claims[body.name] = question.claims(await run(body), sink, body, variant);
    } catch (error) {
      sink?.take?.();
      claims[body.name] = { failed: String(error?.message ?? error).slice(0, 200) };
    }
  }
  return claims;
}

/** @returns {Promise<() => unknown>} all bodies, once */
async function passOf() {
  const run = await variant.load(context, question.sink?.(false));
  let last;
  const sync = () => {
    for (let k = 0; k < bodies.length; k += 1) last = run(bodies[k]);
  };
  const async = async () => {
    for (let k = 0; k < bodies.length; k += 1) last = await run(bodies[k]);
  };
  // Somebody could still look at it: no engine may leave the work out.
  globalThis.kept = () => last;
  return variant.async ? async : sync;
}

/** Warm first. What has a clock of its own is seen with its warm-up. */
async function profile() {
  const { profiled } = await import('./profile.mjs');
  const nothing = () => Promise.resolve();
  if (question.measure !== undefined) return profiled(nothing, () => question.measure(variant, context));
  const { warmMs, profileMs } = job.clock;
  let once;
  return profiled(
    async () => {
      once = await passOf();
      await time(once, { warmMs, ms: 0 });
    },
    () => time(once, { warmMs: 0, ms: profileMs }),
  );
}

async function clock() {
  const once = await passOf();
  const cold = variant.cold?.(job) ?? false;
  const spent = await time(once, { ...job.clock, cold });
  const units = question.units?.(context) ?? context.events;
  const bytes = bodies.reduce((sum, body) => sum + body.bytes.length, 0);
  return {
    ns: (spent.cpuUs * 1000) / (spent.runs * units),
    wallNs: (spent.wallMs * 1e6) / (spent.runs * units),
    runs: spent.runs,
    units,
    bytes,
    ...(cold && { seconds: spent.cpuUs / 1e6 }),
  };
}
