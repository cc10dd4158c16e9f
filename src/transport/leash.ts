/**
 * What ties one attempt to the caller: the caller's signal and the timeouts. A promise of the attempt is awaited through
 * `within`, which rejects at once when the signal fires or the time is up, whether or not the platform reacts; `cut` then
 * closes the connection.
 */

import type { StreamError } from '../errors.ts';
import { globals, MAX_TIMER_MS } from '../stream/globals.ts';
import { abortError } from '../stream/pump.ts';
import { ignore, type AbortSignalLike } from '../stream/source.ts';
import { makeAbortController } from './runtime.ts';

export class Leash {
  /** For the platform: fires when the attempt is cut. */
  readonly signal: AbortSignal;
  readonly #controller: ReturnType<typeof makeAbortController>;
  readonly #callers: AbortSignalLike | undefined;
  readonly #aborted: Promise<never>;
  #rejectAborted: (error: StreamError) => void = ignore;

  constructor(callers: AbortSignalLike | undefined) {
    this.#controller = makeAbortController();
    this.signal = this.#controller.signal;
    this.#callers = callers;
    this.#aborted = new Promise((_, reject) => {
      this.#rejectAborted = reject;
    });
    this.#aborted.catch(ignore);
    if (callers?.aborted === true) this.#onAbort();
    else callers?.addEventListener('abort', this.#onAbort);
  }

  /** Whether the connection has been given up. */
  get isCut(): boolean {
    return this.signal.aborted;
  }

  /**
   * Awaits `promise`, `ms` milliseconds at most.
   *
   * @throws AbortError when the caller's signal fires, what `late` makes when the time is up, else as `promise` does.
   */
  async within<T>(ms: number, promise: PromiseLike<T>, late: () => StreamError): Promise<T> {
    let timer: unknown;
    const timeout = new Promise<never>((_, reject) => {
      timer = globals().setTimeout?.(() => reject(late()), Math.min(ms, MAX_TIMER_MS));
    });
    try {
      return await Promise.race([this.#aborted, timeout, promise]);
    } finally {
      globals().clearTimeout?.(timer);
    }
  }

  /** Stops listening to the caller's signal: the stream that was won does so itself. */
  release(): void {
    this.#callers?.removeEventListener('abort', this.#onAbort);
  }

  /** Gives the attempt up and closes its connection. */
  cut(reason?: unknown): void {
    this.release();
    this.#controller.abort(reason);
  }

  readonly #onAbort = (): void => {
    this.#rejectAborted(abortError('by its signal', this.#callers?.reason));
  };
}
