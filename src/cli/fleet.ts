/**
 * Many files, all cores, bounded memory, and the same output every time.
 *
 * Files come from an iterator that is asked only as fast as the work is done. They go to the workers in batches, a batch at
 * a time to whoever has least to do; what comes back is handed out in the order of the files. At most {@link AHEAD} batches
 * a worker are under way, finished ones that wait for an earlier one included: that bounds the memory.
 *
 * Giving out and handing back do not wait for each other. A job queue may name one file and want its line before it names
 * the next: so a batch goes out as it is when no further file comes at once.
 */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Found } from './file-list.ts';
import type { Batch, BatchDone, WorkerTask } from './file-worker.ts';
import { type Done, FILE_WORK, workOn } from './file-work.ts';
import { InputError } from './input.ts';

/** Files a batch: enough that the message costs nothing beside the work, few enough that no core waits at the end. */
const BATCH = 16;
/** Batches under way for each worker. */
const AHEAD = 4;
/** So many files are worked on here before any worker is started: starting one costs as much as reading some dozens. */
const ALONE = 32;

/** A worker takes some 60 MB; no machine that this is run on has more cores to spare. */
const MOST_WORKERS = 64;

/** How to work. */
export interface FleetOptions extends WorkerTask {
  /** The worker's program; without one all is done in this thread. */
  workerUrl: URL | undefined;
  /** How many workers, at most {@link MOST_WORKERS}. Default: one for each core. */
  jobs?: number | undefined;
  signal: AbortSignal;
}

/** What came of each file, in their order. Ends early when the signal fires. */
export async function* overFiles<Result>(
  files: AsyncIterable<Found>,
  options: FleetOptions,
): AsyncGenerator<Done<Result>, void, undefined> {
  const { workerUrl, signal, settings } = options;
  const jobs = Math.min(options.jobs ?? availableParallelism(), MOST_WORKERS);
  const alone = workerUrl === undefined || jobs < 2 ? Infinity : ALONE;
  const work = await FILE_WORK[options.work]();
  const iterator = files[Symbol.asyncIterator]();
  for (let count = 0; count < alone; count++) {
    const { done, value } = await iterator.next();
    if (done === true || signal.aborted) return;
    yield (await workOn(work, value, settings)) as Done<Result>;
  }
  if (workerUrl === undefined) return;
  // No worker for the files that are not there.
  const next = await iterator.next();
  if (next.done === true) return;
  const crew = new Crew(jobs, workerUrl, { work: options.work, settings });
  try {
    yield* crew.work<Result>(batches(next.value, iterator), signal);
  } finally {
    await crew.dismiss();
  }
}

async function* batches(first: Found, files: AsyncIterator<Found>): AsyncGenerator<Found[], void, undefined> {
  let batch = [first];
  for (;;) {
    const next = files.next();
    if (batch.length > 0 && (batch.length >= BATCH || !(await isSoon(next)))) {
      yield batch;
      batch = [];
    }
    const { done, value } = await next;
    if (done === true) break;
    batch.push(value);
  }
  if (batch.length > 0) yield batch;
}

/** Whether it is settled before anything else can happen. */
function isSoon(promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const soon = (): void => resolve(true);
    promise.then(soon, soon);
    setImmediate(() => resolve(false));
  });
}

/** Something changed: whoever waits looks again. */
class Bell {
  #ring: () => void = () => undefined;
  #rung: Promise<void> = Promise.resolve();

  constructor() {
    this.ring();
  }

  ring(): void {
    this.#ring();
    this.#rung = new Promise((resolve) => {
      this.#ring = resolve;
    });
  }

  get rung(): Promise<void> {
    return this.#rung;
  }
}

/** One worker thread, and what it owes. */
class Hand {
  readonly #worker: Worker;
  readonly #owed = new Map<number, { resolve: (done: Done[]) => void; reject: (reason: Error) => void }>();
  #next = 0;
  #failure: Error | undefined;

  constructor(url: URL, task: WorkerTask) {
    this.#worker = new Worker(url, { workerData: task });
    this.#worker.on('message', ({ id, done }: BatchDone) => {
      this.#owed.get(id)?.resolve(done);
      this.#owed.delete(id);
    });
    this.#worker.on('error', (error) => this.#fail(`failed: ${error.message}`));
    this.#worker.on('exit', (code) => this.#fail(`ended with code ${code}`));
  }

  get owes(): number {
    return this.#owed.size;
  }

  give(files: readonly Found[]): Promise<Done[]> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = this.#next++;
    const promise = new Promise<Done[]>((resolve, reject) => this.#owed.set(id, { resolve, reject }));
    // A thread has no origin to name.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#worker.postMessage({ id, files } satisfies Batch);
    return promise;
  }

  async dismiss(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(what: string): void {
    this.#failure ??= new InputError(`Cannot go on: a worker thread ${what}. --jobs 1 works without threads`);
    for (const { reject } of this.#owed.values()) reject(this.#failure);
    this.#owed.clear();
  }
}

class Crew {
  /** Started one by one, when all others have something to do. */
  readonly #hands: Hand[] = [];
  readonly #size: number;
  readonly #newHand: () => Hand;
  readonly #underway: Promise<Done[]>[] = [];
  readonly #bell = new Bell();
  /** No further batch comes. */
  #fed = false;
  /** Nobody wants more. */
  #left = false;

  constructor(size: number, url: URL, task: WorkerTask) {
    this.#size = size;
    this.#newHand = () => new Hand(url, task);
  }

  async *work<Result>(all: AsyncIterable<Found[]>, signal: AbortSignal): AsyncGenerator<Done<Result>, void, undefined> {
    const stop = (): void => this.#bell.ring();
    signal.addEventListener('abort', stop);
    void this.#feed(all);
    try {
      while (!signal.aborted) {
        const next = this.#underway[0];
        if (next !== undefined) {
          for (const done of await next) yield done as Done<Result>;
          void this.#underway.shift();
          this.#bell.ring();
        } else if (this.#fed) return;
        else await this.#bell.rung;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.#left = true;
      this.#bell.ring();
    }
  }

  /** Gives out batches as long as there is room. */
  async #feed(all: AsyncIterable<Found[]>): Promise<void> {
    try {
      for await (const batch of all) {
        this.#take(this.#give(batch));
        while (!this.#left && this.#underway.length >= this.#size * AHEAD) await this.#bell.rung;
        if (this.#left) return;
      }
    } catch (error) {
      this.#take(Promise.reject(error));
    } finally {
      this.#fed = true;
      this.#bell.ring();
    }
  }

  #take(batch: Promise<Done[]>): void {
    // Whoever reads them in order meets the error; until then it is nobody's.
    batch.catch(() => undefined);
    this.#underway.push(batch);
    this.#bell.ring();
  }

  #give(files: readonly Found[]): Promise<Done[]> {
    const idlest = this.#hands.reduce<Hand | undefined>(
      (a, b) => (a === undefined || b.owes < a.owes ? b : a),
      undefined,
    );
    if (idlest !== undefined && (idlest.owes === 0 || this.#hands.length === this.#size)) return idlest.give(files);
    const hand = this.#newHand();
    this.#hands.push(hand);
    return hand.give(files);
  }

  async dismiss(): Promise<void> {
    await Promise.all(this.#hands.map((hand) => hand.dismiss()));
  }
}
