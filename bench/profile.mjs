/**
 * Where the time of a variant goes: V8's sampling profiler (the one behind `node --cpu-prof`), once the variant is warm.
 * A sample belongs to the function that runs (self time). What has no frame of its own, such as `indexOf`, counts for its
 * caller, and so does some of what the compiler inlined. Only the main thread is seen: what the helper threads of the
 * garbage collector use is in the CPU time of the tables, and not in the shares.
 */

const INTERVAL_US = 100;
const ROOT = new URL('..', import.meta.url).href;
/** The copy that is measured. */
const DIST = process.env.SSEMBLE_DIST ?? new URL('../dist/', import.meta.url).href;
const NATIVE = { '(garbage collector)': 'V8', '(program)': 'native code outside of any function' };

/**
 * The profiler runs while `warm` does, too, and is then started anew: code that was compiled without it does not know
 * which function its inlined parts came from.
 *
 * @param {() => Promise<unknown>} warm
 * @param {() => Promise<unknown>} work
 * @returns {Promise<{ samples: number, functions: { name: string, where: string, share: number }[] }>} by self time,
 *   largest first; a share is one of all the time in which the thread was not idle
 */
export async function profiled(warm, work) {
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
  await session.post('Profiler.start');
  await warm();
  await session.post('Profiler.stop');
  await session.post('Profiler.start');
  await work();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  return selfTimes(profile);
}

/** Samples are not evenly apart (a collection holds them up): what counts is the time until the next one. */
function timesOf({ samples, timeDeltas }) {
  const times = new Map();
  for (let k = 0; k + 1 < samples.length; k += 1) {
    times.set(samples[k], (times.get(samples[k]) ?? 0) + timeDeltas[k + 1]);
  }
  return times;
}

function selfTimes(profile) {
  const times = timesOf(profile);
  const functions = new Map();
  let whole = 0;
  for (const { id, callFrame } of profile.nodes) {
    const time = times.get(id);
    if (time === undefined || callFrame.functionName === '(idle)') continue;
    whole += time;
    const where = placeOf(callFrame);
    const name = callFrame.functionName || '(anonymous)';
    const one = functions.get(`${name} ${where}`) ?? { name, where, time: 0 };
    functions.set(`${name} ${where}`, one);
    one.time += time;
  }
  const sorted = [...functions.values()].sort((a, b) => b.time - a.time);
  return {
    samples: profile.samples.length,
    functions: sorted.map(({ name, where, time }) => ({ name, where, share: time / whole })),
  };
}

function placeOf({ functionName, url, lineNumber }) {
  if (url === '') return NATIVE[functionName] ?? 'native';
  const at = `:${lineNumber + 1}`;
  if (url.startsWith(DIST)) return `dist/${url.slice(DIST.length)}${at}`;
  // A peer's place may be a link to somewhere else.
  const peer = url.indexOf('/node_modules/');
  if (peer !== -1) return url.slice(peer + 1) + at;
  return (url.startsWith(ROOT) ? url.slice(ROOT.length) : url) + at;
}
