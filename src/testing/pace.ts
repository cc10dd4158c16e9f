/** How a player waits. Waits can be called off, so that a reader who leaves is never held. */

import { globals, MAX_TIMER_MS } from '../stream/globals.ts';

/** A wait that has begun. */
export interface Wait {
  over: PromiseLike<unknown>;
  /** Lets go of the timer; `over` may then never settle. */
  cancel?: () => void;
}

/** Begins to wait for so many milliseconds, counted from the end of the wait before. */
export type Pace = (ms: number) => Wait;

/** No time passes: what has to wait waits for ever. So a test that forgot about time hangs, and does not pass by luck. */
export const noPace: Pace = () => ({ over: new Promise(() => {}) });

/** The caller's own waiting. */
export function callerPace(sleep: (ms: number) => PromiseLike<unknown>): Pace {
  return (ms) => ({ over: sleep(ms) });
}

/**
 * Real time. Waits are counted from one beginning and not from each other, so late timers and slow readers do not add up:
 * what is overdue comes at once.
 *
 * @param now - milliseconds from any fixed moment
 */
export function timedPace(now: () => number = clock()): Pace {
  let due = now();
  return (ms) => {
    due += ms;
    return waitUntil(due, now);
  };
}

function waitUntil(due: number, now: () => number): Wait {
  const { setTimeout, clearTimeout } = globals();
  if (setTimeout === undefined) throw new TypeError('Cannot wait: this runtime has no setTimeout; give a `sleep`');
  let timer: unknown;
  const over = new Promise<void>((resolve) => {
    const turn = (): void => {
      const left = due - now();
      if (left <= 0) resolve();
      else timer = setTimeout(turn, Math.min(Math.ceil(left), MAX_TIMER_MS));
    };
    turn();
  });
  return { over, cancel: () => clearTimeout?.(timer) };
}

/** The runtime's steady clock, or its wall clock. */
function clock(): () => number {
  const { performance, Date } = globalThis as unknown as {
    performance?: { now(): number };
    Date: { now(): number };
  };
  return performance === undefined ? () => Date.now() : () => performance.now();
}
