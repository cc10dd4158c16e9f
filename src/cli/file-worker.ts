/** A worker thread of the fleet: gets batches of files, gives what came of each. */

import { parentPort, workerData } from 'node:worker_threads';
import type { Found } from './file-list.ts';
import { type Done, FILE_WORK, workOn, type WorkName } from './file-work.ts';

/** What a worker is started with. */
export interface WorkerTask {
  work: WorkName;
  settings: unknown;
}

/** What a worker is told, and what it answers. */
export interface Batch {
  id: number;
  files: readonly Found[];
}

/** The answer to a {@link Batch}. */
export interface BatchDone {
  id: number;
  done: Done[];
}

const { work: name, settings } = workerData as WorkerTask;
const work = FILE_WORK[name]();

parentPort?.on('message', ({ id, files }: Batch) => {
  void (async () => {
    const done: Done[] = [];
    for (const file of files) done.push(await workOn(await work, file, settings));
    // A thread has no origin to name.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    parentPort?.postMessage({ id, done } satisfies BatchDone);
  })();
});
