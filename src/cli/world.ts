/** All of the world that the program may see: `main.ts` hands it in, a test may hand in something else. */

import type { StandardInput } from './input.ts';
import type { Sink } from './terminal.ts';

/** The world. */
export interface World {
  stdin: StandardInput;
  stdout: Sink;
  stderr: Sink;
  env: Readonly<Record<string, string | undefined>>;
  version: string;
  /** Fires at Ctrl-C. */
  interrupt: AbortSignal;
  /** The program of a worker thread; without one, all work is done in one thread. */
  workerUrl?: URL;
  /** Milliseconds from any fixed moment; never goes back. */
  now: () => number;
}
