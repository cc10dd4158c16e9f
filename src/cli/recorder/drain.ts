/** Back-pressure: waiting for who reads slower than we write. */

import type { EventEmitter } from 'node:events';

/** Resolves when the stream wants more, or is gone. It leaves no listener behind, however often it is asked. */
export function drained(stream: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}
