import type { AbortError } from '../errors.ts';
import { abortError, type Consumer, type Pump } from './pump.ts';
import { Queue } from './queue.ts';
import { ignore } from './source.ts';

interface Waiter<T> {
  promise: Promise<IteratorResult<T, undefined>>;
  resolve: (result: IteratorResult<T, undefined>) => void;
  reject: (error: Error) => void;
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
  readonly #waiters = new Queue<Waiter<T>>();
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
    const waiter = makeWaiter<T>();
    this.#waiters.push(waiter);
    this.pump();
    return waiter.promise;
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
    while (this.#waiters.length > 0) {
      const value = this.#take();
      if (value !== undefined) this.#waiters.shift()?.resolve({ value, done: false });
      else if (this.#pump.ended) return this.#finish(this.#pump.claimError());
      else return this.#pump.read();
    }
  }

  /** Tells the end: its error to the first that waits, a plain end to the others. */
  #finish(error: Error | undefined): void {
    this.#done = true;
    this.#pump.leave(this);
    if (error !== undefined) {
      const first = this.#waiters.shift();
      first?.promise.catch(ignore);
      first?.reject(error);
    }
    while (this.#waiters.length > 0) this.#waiters.shift()?.resolve({ value: undefined, done: true });
  }

  #quit(error: AbortError): void {
    this.#finish(undefined);
    this.#pump.abort(error);
    this.#pump.waiveError();
  }
}

function makeWaiter<T>(): Waiter<T> {
  let resolve!: Waiter<T>['resolve'];
  let reject!: Waiter<T>['reject'];
  const promise = new Promise<IteratorResult<T, undefined>>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
