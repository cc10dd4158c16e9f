/**
 * A carrier, and a source of chunks, as one iterable of events: what `MessageStream.fromEvents` takes.
 *
 * Not an async generator: its `return()` queues behind a read that hangs, so an abort would close nothing. Here `return()`
 * lets go of the source at once.
 */

import type { StreamEvent } from '../protocol/events.ts';
import type { EventIterator, Source } from '../stream/source.ts';

/** What takes chunks and gives events. Both `next` and `end` may throw: what the bytes did wrong. */
export interface Carrier {
  write(chunk: unknown): void;
  next(): StreamEvent | undefined;
  /** No more chunks come. Afterwards `next()` gives what was left. */
  end(): void;
}

type Result = IteratorResult<StreamEvent, undefined>;
const DONE: Result = { done: true, value: undefined };

/** Reads a source through a carrier, one event at a time, and reads no chunk before it is needed. */
export class CarriedEvents implements EventIterator {
  readonly #source: Source;
  readonly #carrier: Carrier;
  /** The call before: calls are answered in their order, as generators do. */
  #last: Promise<unknown> = Promise.resolve();
  #sourceEnded = false;
  #done = false;

  constructor(source: Source, carrier: Carrier) {
    this.#source = source;
    this.#carrier = carrier;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    const result = this.#last.then(
      () => this.#take(),
      () => this.#take(),
    );
    this.#last = result;
    return result;
  }

  /** Leaves: the source is cancelled now, also while a read of it hangs. */
  return(): Promise<Result> {
    this.#leave();
    return Promise.resolve(DONE);
  }

  async #take(): Promise<Result> {
    try {
      for (;;) {
        if (this.#done) return DONE;
        const event = this.#carrier.next();
        if (event !== undefined) return { done: false, value: event };
        if (this.#sourceEnded) break;
        const read = await this.#source.read();
        if (read.done !== true) this.#carrier.write(read.value);
        else {
          this.#sourceEnded = true;
          this.#carrier.end();
        }
      }
    } catch (error) {
      this.#leave();
      throw error;
    }
    this.#done = true;
    return DONE;
  }

  #leave(): void {
    if (this.#done) return;
    this.#done = true;
    if (!this.#sourceEnded) this.#source.cancel(undefined);
  }
}
