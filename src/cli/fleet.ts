/**
 * Many files, all cores, bounded memory, and the same output every time.
 *
 * Paths come from an iterator that is asked only as fast as the work is done. They go to the workers in batches, a batch at
 * a time to whoever has least to do; what comes back is handed out in the order of the paths. At most {@link AHEAD} batches
 * a worker are under way, finished ones that wait for an earlier one included: that bounds the memory.
 */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Batch, BatchDone, WorkerTask } from './file-worker.ts';
import { type Done, FILE_WORK, workOn } from './file-work.ts';

/** Paths a batch: enough that the message costs nothing beside the work, few enough that no core waits at the end. */
const BATCH = 16;
/** Batches under way for each worker. */
const AHEAD = 4;
/** Up to so many files no worker is started: starting one costs as much as reading some dozens of files. */
const ALONE = 32;

/** How to work. */
export interface FleetOptions extends WorkerTask {
  /** The worker's program; without one all is done in this thread. */
  workerUrl: URL | undefined;
  /** How many workers. Default: one for each core. */
  jobs?: number | undefined;
  signal: AbortSignal;
}

/** What came of each file, in the order of the paths. Ends early when the signal fires. */
export async function* overFiles<Result>(
  paths: AsyncIterable<string> | Iterable<string>,
  options: FleetOptions,
): AsyncGenerator<Done<Result>, void, undefined> {
  const jobs = options.jobs ?? availableParallelism();
  const { first, rest } = await split(paths, ALONE);
  if (options.workerUrl === undefined || jobs < 2 || rest === undefined) {
    yield* here<Result>(chained(first, rest), options);
    return;
  }
  const crew = new Crew(jobs, options.workerUrl, { work: options.work, settings: options.settings });
  try {
    yield* crew.work<Result>(batches(chained(first, rest)), options.signal);
  } finally {
    await crew.dismiss();
  }
}

async function* here<Result>(paths: AsyncIterable<string>, options: FleetOptions): AsyncGenerator<Done<Result>> {
  const work = await FILE_WORK[options.work]();
  for await (const path of paths) {
    if (options.signal.aborted) return;
    yield (await workOn(work, path, options.settings)) as Done<Result>;
  }
}

/** The first `count` values; `rest` is there only if there are more. */
async function split<T>(
  values: AsyncIterable<T> | Iterable<T>,
  count: number,
): Promise<{ first: T[]; rest: AsyncIterator<T> | undefined }> {
  const iterator = (async function* () {
    yield* values;
  })();
  const first: T[] = [];
  while (first.length < count) {
    const { done, value } = await iterator.next();
    if (done === true) return { first, rest: undefined };
    first.push(value);
  }
  return { first, rest: iterator };
}

async function* chained<T>(
  first: readonly T[],
  rest: AsyncIterator<T> | undefined,
): AsyncGenerator<T, void, undefined> {
  yield* first;
  if (rest !== undefined) yield* { [Symbol.asyncIterator]: () => rest };
}

async function* batches(paths: AsyncIterable<string>): AsyncGenerator<string[], void, undefined> {
  let batch: string[] = [];
  for await (const path of paths) {
    batch.push(path);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** One worker thread, and what it owes. */
class Hand {
  readonly #worker: Worker;
  readonly #owed = new Map<number, { resolve: (done: Done[]) => void; reject: (reason: Error) => void }>();
  #next = 0;

  constructor(url: URL, task: WorkerTask) {
    this.#worker = new Worker(url, { workerData: task });
    this.#worker.on('message', ({ id, done }: BatchDone) => {
      this.#owed.get(id)?.resolve(done);
      this.#owed.delete(id);
    });
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`A worker thread ended with code ${code}`)));
  }

  get owes(): number {
    return this.#owed.size;
  }

  give(paths: readonly string[]): Promise<Done[]> {
    const id = this.#next++;
    const promise = new Promise<Done[]>((resolve, reject) => this.#owed.set(id, { resolve, reject }));
    // A thread has no origin to name.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#worker.postMessage({ id, paths } satisfies Batch);
    return promise;
  }

  async dismiss(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(reason: Error): void {
    for (const { reject } of this.#owed.values()) reject(reason);
    this.#owed.clear();
  }
}

class Crew {
  readonly #hands: Hand[];

  constructor(size: number, url: URL, task: WorkerTask) {
    this.#hands = Array.from({ length: size }, () => new Hand(url, task));
  }

  async *work<Result>(
    all: AsyncIterator<string[]>,
    signal: AbortSignal,
  ): AsyncGenerator<Done<Result>, void, undefined> {
    const underway: Promise<Done[]>[] = [];
    let more = true;
    while (!signal.aborted) {
      while (more && underway.length < this.#hands.length * AHEAD) {
        const { done, value } = await all.next();
        if (done === true) more = false;
        else underway.push(this.#give(value));
      }
      const next = underway.shift();
      if (next === undefined) return;
      for (const done of await next) yield done as Done<Result>;
    }
  }

  #give(paths: readonly string[]): Promise<Done[]> {
    const idlest = this.#hands.reduce((a, b) => (b.owes < a.owes ? b : a));
    const promise = idlest.give(paths);
    // Whoever reads them in order meets the error; until then it is nobody's.
    promise.catch(() => undefined);
    return promise;
  }

  async dismiss(): Promise<void> {
    await Promise.all(this.#hands.map((hand) => hand.dismiss()));
  }
}
