/**
 * The clock. CPU time and not wall time: `process.cpuUsage` counts what this process and its helper threads (garbage
 * collector, compiler) used, so a busy neighbour on the same machine does not show, and work that was merely moved to
 * another thread does. Milliseconds of warm-up and of a round are CPU time too: on a busy machine they would else be
 * shorter, and a variant that is not warm costs several times what it will.
 */

/**
 * Collects garbage where the runtime lets us. For weighing memory only: in V8 a forced collection throws compiled code
 * away, and a loop that is timed right behind it runs at half its speed or less.
 */
export function collect() {
  if (typeof globalThis.gc === 'function') globalThis.gc();
  else if (typeof globalThis.Bun !== 'undefined') globalThis.Bun.gc(true);
}

/** Warm is when a slice of this many milliseconds is no longer clearly cheaper than the best one before. */
const SLICE_MS = 120;
const CLEARLY = 0.96;

/**
 * Runs until warm, then until enough time has passed. Engines take seconds to compile some of these variants (what costs
 * 30 µs cold costs 11 µs warm), so warm-up has no fixed length: it ends when it no longer helps.
 *
 * @param {() => unknown} once does the whole job; if it gives a promise, it is awaited
 * @param {{ warmMs: number, ms: number, cold?: boolean }} how `warmMs`: the longest warm-up; `cold`: exactly one run and no
 *   warm-up, for what takes seconds by itself
 * @returns {Promise<{ runs: number, cpuUs: number, wallMs: number }>}
 */
export async function time(once, { warmMs, ms, cold = false }) {
  if (!cold) await warmUp(once, warmMs);
  return spend(once, cold ? 0 : ms);
}

async function warmUp(once, warmMs) {
  let [best, spent, stale] = [Infinity, 0, 0];
  while (stale < 3 && spent < warmMs) {
    const { runs, cpuUs } = await spend(once, SLICE_MS);
    const cost = cpuUs / runs;
    stale = cost < best * CLEARLY ? 0 : stale + 1;
    best = Math.min(best, cost);
    spent += cpuUs / 1000;
  }
}

async function spend(once, ms) {
  const wall = performance.now();
  const start = process.cpuUsage();
  let runs = 0;
  for (;;) {
    const result = once();
    // A promise that need not be awaited would still cost a turn of the event loop.
    if (typeof result?.then === 'function') await result;
    runs += 1;
    const { user, system } = process.cpuUsage(start);
    const cpuUs = user + system;
    if (cpuUs >= ms * 1000) return { runs, cpuUs, wallMs: performance.now() - wall };
  }
}
