/** A worker thread of the fleet: gets batches of paths, gives what came of each. */

import { parentPort, workerData } from 'node:worker_threads';
import { type Done, FILE_WORK, workOn, type WorkName } from './file-work.ts';

/** What a worker is started with. */
export interface WorkerTask {
  work: WorkName;
  settings: unknown;
}

/** What a worker is told, and what it answers. */
export interface Batch {
  id: number;
  paths: readonly string[];
}

/** The answer to a {@link Batch}. */
export interface BatchDone {
  id: number;
  done: Done[];
}

const { work: name, settings } = workerData as WorkerTask;
const work = FILE_WORK[name]();

parentPort?.on('message', ({ id, paths }: Batch) => {
  void (async () => {
    const done: Done[] = [];
    for (const path of paths) done.push(await workOn(await work, path, settings));
    // A thread has no origin to name.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    parentPort?.postMessage({ id, done } satisfies BatchDone);
  })();
});
