/** A playback as an async iterable of chunks. */

import type { AbortSignalLike } from '../stream/source.ts';
import type { Playback } from './schedule.ts';
import type { Pace, Wait } from './pace.ts';

/**
 * Gives the steps one by one, each as one chunk, and then ends as the playback says: plainly, with an error, or never.
 * `return()` and the signal act at once, also while a wait goes on.
 */
export class Player implements AsyncIterableIterator<Uint8Array> {
  readonly #playback: Playback;
  readonly #pace: Pace;
  readonly #signal: AbortSignalLike | undefined;
  readonly #onAbort = (): void => this.#interrupt();
  #step = 0;
  #over = false;
  /** Ends the wait that goes on. */
  #wake: (() => void) | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(playback: Playback, pace: Pace, signal?: AbortSignalLike) {
    this.#playback = playback;
    this.#pace = pace;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next chunk. Calls queue up, as those of an async generator do. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const result = this.#queue.then(() => this.#advance());
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** The reader leaves. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#finish();
    this.#interrupt();
    return Promise.resolve({ done: true, value: undefined });
  }

  async #advance(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (!this.#over) {
      if (this.#signal?.aborted === true) throw this.#fail(reasonOf(this.#signal));
      const step = this.#playback.steps[this.#step];
      if (step === undefined) await this.#end();
      else if (step.waitMs === 0 || (await this.#wait(this.#pace(step.waitMs)))) {
        this.#step += 1;
        if (step.bytes.length > 0) return { done: false, value: step.bytes };
      }
    }
    return { done: true, value: undefined };
  }

  async #end(): Promise<void> {
    const { ending } = this.#playback;
    if (ending === 'reset') throw this.#fail(resetError());
    if (ending === 'hang') await this.#wait({ over: new Promise(() => {}) });
    else this.#finish();
  }

  /** Whether the wait came to its end, and was not interrupted. */
  async #wait({ over, cancel }: Wait): Promise<boolean> {
    const whole = await new Promise<boolean>((resolve, reject) => {
      this.#wake = () => resolve(false);
      over.then(() => resolve(true), reject);
    });
    this.#wake = undefined;
    cancel?.();
    return whole;
  }

  #interrupt(): void {
    this.#wake?.();
  }

  #fail(error: unknown): unknown {
    this.#finish();
    return error;
  }

  #finish(): void {
    this.#over = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}

/**
 * Resolves when the head of the response is due. It is waited for as a step is.
 *
 * @throws the signal's reason if it fires before
 */
export async function waitForHead({ headMs }: Playback, pace: Pace, signal?: AbortSignalLike): Promise<void> {
  const head: Playback = { headMs: 0, steps: [{ waitMs: headMs, bytes: new Uint8Array(0) }], ending: 'eof' };
  await new Player(head, pace, signal).next();
}

/** What a signal was aborted with. */
function reasonOf(signal: AbortSignalLike): unknown {
  return signal.reason ?? Object.assign(new Error('This operation was aborted'), { name: 'AbortError' });
}

/** What a broken connection looks like under Node's `fetch`. */
function resetError(): Error {
  const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', errno: -104, syscall: 'read' });
  return new TypeError('terminated', { cause });
}
