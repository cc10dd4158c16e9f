import type { AbortError } from '../errors.ts';
import { abortError, type Consumer, type Pump } from './pump.ts';
import { ignore } from './source.ts';

type Result<T> = IteratorResult<T, undefined>;

/** A `next()` that waits, and the one that came after it. */
class Waiter<T> {
  readonly promise: Promise<Result<T>>;
  resolve!: (result: Result<T>) => void;
  reject!: (error: Error) => void;
  next: Waiter<T> | undefined = undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/**
 * An open iterator over a stream, and with it the lock. `take` says what it shows: it takes events from the pump until
 * one gives a value. A call of `next()` that needs no read is answered at once; the others queue and are answered in order.
 *
 * The lock goes back when the iterator is done, in whatever way. Leaving early (`return`, which is what `break` calls, or
 * `throw`) aborts the stream: a connection that nobody reads is closed, never left hanging.
 */
export class View<T> implements AsyncIterableIterator<T, undefined, undefined>, Consumer {
  readonly #pump: Pump;
  readonly #take: () => T | undefined;
  /** Those that wait: a list, because mostly there is one. */
  #first: Waiter<T> | undefined = undefined;
  #last: Waiter<T> | undefined = undefined;
  #done = false;

  constructor(pump: Pump, take: () => T | undefined) {
    this.#pump = pump;
    this.#take = take;
    pump.enter(this);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#done) return Promise.resolve({ value: undefined, done: true });
    // While others wait there is nothing to take, so this cannot overtake them.
    const value = this.#take();
    if (value !== undefined) return Promise.resolve({ value, done: false });
    return this.#wait().promise;
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#quit(abortError('because its reader stopped early', undefined));
    return Promise.resolve({ value: undefined, done: true });
  }

  throw(error?: unknown): Promise<IteratorResult<T, undefined>> {
    this.#quit(abortError('because its reader failed', error));
    const rejected = Promise.reject(error);
    rejected.catch(ignore);
    return rejected;
  }

  pump(): void {
    while (this.#first !== undefined) {
      const value = this.#take();
      if (value === undefined) return this.#more();
      this.#shift()?.resolve({ value, done: false });
    }
  }

  #wait(): Waiter<T> {
    const waiter = new Waiter<T>();
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.next = waiter;
    this.#last = waiter;
    this.#more();
    return waiter;
  }

  /** There is nothing to take: something must be read, or this is the end. */
  #more(): void {
    if (this.#pump.ended) this.#finish(this.#pump.claimError());
    else this.#pump.read();
  }

  #shift(): Waiter<T> | undefined {
    const waiter = this.#first;
    this.#first = waiter?.next;
    if (this.#first === undefined) this.#last = undefined;
    return waiter;
  }

  /** Tells the end: its error to the first that waits, a plain end to the others. */
  #finish(error: Error | undefined): void {
    this.#done = true;
    this.#pump.leave(this);
    if (error !== undefined) {
      const first = this.#shift();
      first?.promise.catch(ignore);
      first?.reject(error);
    }
    while (this.#first !== undefined) this.#shift()?.resolve({ value: undefined, done: true });
  }

  #quit(error: AbortError): void {
    this.#finish(undefined);
    this.#pump.abort(error);
    this.#pump.waiveError();
  }
}
