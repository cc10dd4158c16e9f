#!/usr/bin/env node
/** The only file that touches `process`: it hands the world to `run` and leaves with its exit code. */

import { once } from 'node:events';
import { createReadStream, fstatSync, readFileSync, type Stats } from 'node:fs';
import type { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import type { WriteStream } from 'node:tty';
import type { StandardInput } from './input.ts';
import { run } from './run.ts';
import type { Sink } from './terminal.ts';

/** Standard output or error. A pipe whose reader left (EPIPE) is closed; any other failure is kept for the exit code. */
class ProcessSink implements Sink {
  readonly isTTY: boolean;
  readonly #stream: WriteStream;
  #full = false;
  #failure: NodeJS.ErrnoException | undefined;

  constructor(stream: WriteStream, fd: number) {
    this.#stream = stream;
    this.isTTY = isatty(fd);
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure = error;
    });
  }

  get columns(): number | undefined {
    return this.isTTY ? this.#stream.columns : undefined;
  }

  get closed(): boolean {
    return this.#failure?.code === 'EPIPE' || this.#failure?.code === 'EOF';
  }

  /** Why writing failed, a reader that left not counted. */
  get failure(): Error | undefined {
    return this.closed ? undefined : this.#failure;
  }

  write(text: string): void {
    if (this.#failure === undefined) this.#full = !this.#stream.write(text);
  }

  writeBytes(bytes: Uint8Array): void {
    if (this.#failure === undefined) this.#full = !this.#stream.write(bytes);
  }

  async drained(): Promise<void> {
    if (this.#full && this.#failure === undefined) {
      // The error is the listener's business; here it only ends the waiting.
      await once(this.#stream, 'drain').catch(() => undefined);
    }
    this.#full = false;
  }

  /** Resolves when all that was written is out of our hands. */
  async finished(): Promise<void> {
    if (this.#failure === undefined) await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
  }
}

function standardInput(): StandardInput {
  const status = statusOf(0);
  let folder: Readable | undefined;
  return {
    isFile: status?.isFile() === true,
    isTTY: isatty(0),
    get stream() {
      // Node makes an empty stream of a folder (`< captures/`).
      return status?.isDirectory() === true
        ? (folder ??= createReadStream('', { fd: 0, autoClose: false }))
        : process.stdin;
    },
  };
}

/** `undefined` for one that is closed (`<&-`): reading it will say so. */
function statusOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}

/** How long after Ctrl-C the end may take. Opening a named pipe that nobody writes to cannot be called off, for one. */
const PATIENCE_MS = 1000;

/** The first Ctrl-C asks to finish; the second, or the end of patience, meets no handler any more and kills. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => {
    controller.abort();
    setTimeout(() => process.kill(process.pid, 'SIGINT'), PATIENCE_MS).unref();
  });
  return controller.signal;
}

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const stdout = new ProcessSink(process.stdout, 1);
const stderr = new ProcessSink(process.stderr, 2);

/** What no command expects: JSON nested so deep that it cannot be printed, a bug. One line, and no stack. */
function unforeseen(error: unknown): number {
  const what = error instanceof RangeError ? 'it is nested too deep, or too large' : String(error);
  stderr.write(`ssemble: Cannot print the result: ${what}\n`);
  return 3;
}

let code = await run(process.argv.slice(2), {
  stdin: standardInput(),
  stdout,
  stderr,
  env: process.env,
  version: manifest.version,
  interrupt: interruptSignal(),
  workerUrl: new URL('./file-worker.js', import.meta.url),
  now: () => performance.now(),
}).catch(unforeseen);
await stdout.finished();
if (stdout.failure !== undefined) {
  stderr.write(`ssemble: Cannot write the output: ${stdout.failure.message}\n`);
  code = 3;
}
await stderr.finished();
// Not `exitCode`: a live standard input that nobody reads any more would keep the process waiting.
process.exit(code);
