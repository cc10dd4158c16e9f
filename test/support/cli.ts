/** The command line from inside: `run` with a made-up world, and what it printed. */

import { Readable } from 'node:stream';
import { run, type World } from '../../src/cli/run.ts';
import type { Sink } from '../../src/cli/terminal.ts';

/** A sink that keeps all it is given. With a width it is a terminal. */
export class TextSink implements Sink {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly closed: boolean = false;

  constructor(columns?: number) {
    this.isTTY = columns !== undefined;
    this.columns = columns;
  }

  write(text: string): void {
    this.text += text;
  }

  writeBytes(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString();
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }
}

/** What a run came to. */
export interface Ran {
  out: string;
  err: string;
  code: number;
}

/** Runs one command line; `input` stands on standard input, as a file would. */
export async function ran(argv: readonly string[], input = '', changes: Partial<World> = {}): Promise<Ran> {
  const [stdout, stderr] = [new TextSink(), new TextSink()];
  const world: World = {
    stdin: { stream: Readable.from([Buffer.from(input)]), isTTY: false, isFile: true },
    stdout,
    stderr,
    env: {},
    version: '0.0.0',
    interrupt: new AbortController().signal,
    now: () => 0,
    ...changes,
  };
  const code = await run(argv, world);
  return { out: (world.stdout as TextSink).text, err: (world.stderr as TextSink).text, code };
}
