/** A source that a test feeds when it likes. */

import { frame } from './messages.ts';

export interface Feed extends AsyncIterable<string> {
  /** Gives events in one chunk. */
  give(...events: readonly { type: string }[]): this;
  end(): this;
  fail(error: Error): this;
  /** How often a chunk was asked for. */
  readonly reads: number;
}

export function feed(): Feed {
  const waiting: (() => IteratorResult<string, undefined> | Promise<never>)[] = [];
  let wake: (() => void) | undefined;
  let reads = 0;
  const put = (result: () => IteratorResult<string, undefined> | Promise<never>): void => {
    waiting.push(result);
    wake?.();
  };
  return {
    give(...events) {
      put(() => ({ value: events.map(frame).join(''), done: false }));
      return this;
    },
    end() {
      put(() => ({ value: undefined, done: true }));
      return this;
    },
    fail(error) {
      put(() => Promise.reject(error));
      return this;
    },
    get reads() {
      return reads;
    },
    [Symbol.asyncIterator]() {
      return {
        async next() {
          reads++;
          if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
          return waiting.shift()!();
        },
        return: () => Promise.resolve({ value: undefined, done: true }),
      };
    },
  };
}
