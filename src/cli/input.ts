/**
 * Where the bytes come from: a saved body, a capture, or a live source (standard input, a named pipe). Every command reads
 * all of them the same way: as chunks, with times where there are any.
 */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { CaptureChunk, CaptureEnd, CaptureHeader } from '../capture/format.ts';
import { CaptureReader, isCapture } from '../capture/reader.ts';
import { AbortError, ConnectionError, IdleTimeoutError, ProtocolError } from '../errors.ts';
import type { Call } from './command.ts';
import { oneLine } from './terminal.ts';
import { nearest } from './usage.ts';
import type { World } from './world.ts';

/** Standard input, as `main.ts` found it. */
export interface StandardInput {
  readonly stream: Readable;
  /** A person sits there, typing. */
  readonly isTTY: boolean;
  /** It is a regular file (`< answer.sse`): its bytes carry no times. */
  readonly isFile: boolean;
}

/** Something that can be read from start to end, once. */
export interface Input {
  /** The name to show. */
  readonly name: string;
  /** Its bytes come as they are made, so the times at which they come mean something. */
  readonly live: boolean;
  /** The header of a capture; `undefined` for a body, and before the first chunk was asked for. */
  readonly header: CaptureHeader | undefined;
  /**
   * The chunks until the end, or until the signal; then it just ends. The source is closed afterwards, whichever way it ended.
   *
   * @throws InputError if reading fails on the way.
   */
  chunks(signal: AbortSignal): AsyncGenerator<CaptureChunk, void, undefined>;
  /** How the recorded stream ended; `undefined` for a body, and for a recording that was interrupted. */
  ending(): CaptureEnd | undefined;
  /** The time of the end, on the clock of the chunks, where there is one. */
  endMs(): number | undefined;
}

/** The input cannot be read: exit code 3. */
export class InputError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'InputError';
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  EMFILE: 'too many files are open',
};

function codeOf(cause: unknown): unknown {
  return (cause as { code?: unknown } | null | undefined)?.code;
}

/** Why reading failed, in words where the system's code is known. */
export function inputError(name: string, cause: unknown): InputError {
  const code = codeOf(cause);
  const known = typeof code === 'string' ? (REASONS[code] ?? code) : String(cause);
  return new InputError(`Cannot read ${oneLine(name)}: ${known}`, { cause });
}

/**
 * Opens a file, or standard input for `-`.
 *
 * @throws InputError if there is nothing to read there.
 */
export async function openInput(name: string, world: Pick<World, 'stdin' | 'now'>): Promise<Input> {
  if (name === '-') {
    const { stdin } = world;
    return new Stream('standard input', stdin.stream, stdin.isFile ? undefined : world.now);
  }
  return openPath(name, world.now);
}

/**
 * Opens one file among many, which may be read in a worker thread: there is no standard input there.
 *
 * @throws InputError if there is nothing to read there.
 */
export async function openFile(path: string): Promise<Input> {
  if (path === '-') throw new InputError('Cannot read standard input as one of several; name files, or pipe in a list');
  return openPath(path, () => performance.now());
}

async function openPath(path: string, now: () => number): Promise<Input> {
  const status = await stat(path).catch((cause: unknown) => {
    throw inputError(path, cause);
  });
  if (status.isDirectory()) throw inputError(path, { code: 'EISDIR' });
  return new Stream(path, createReadStream(path), status.isFile() ? undefined : now);
}

/** Opens an input for a command that goes on with the next one if it cannot be read; then it says why. */
export async function openOrTell(name: string, { world, err, commands }: Call): Promise<Input | undefined> {
  try {
    return await openInput(name, world);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const hint = codeOf(error.cause) === 'ENOENT' ? commandHint(name, commands) : '';
    err.write('ssemble: ', 'bold').write(`${error.message}${hint}\n`);
    await err.flush();
    return undefined;
  }
}

/** For a file that is not there and looks like a command. `ssemble view view` means a file of that name. */
function commandHint(file: string, commands: readonly string[]): string {
  if (commands.includes(file)) return '';
  const meant = nearest(file, commands);
  if (meant !== undefined) return `; did you mean the command \`${meant}\`?`;
  return /^[a-z]+$/i.test(file) ? `; the commands are ${commands.join(', ')}` : '';
}

/** The error with which a recorded stream ended; `undefined` if it ended plainly, or nobody knows. */
export function endingError(end: CaptureEnd | undefined): Error | undefined {
  switch (end?.end) {
    case 'reset':
      return new ConnectionError(`The recorded connection broke${end.error === undefined ? '' : `: ${end.error}`}`);
    case 'abort':
      return new AbortError('The client called the recorded stream off');
    case 'timeout':
      return new IdleTimeoutError('The recorded stream fell silent, and the client gave up');
    default:
      return undefined;
  }
}

class Stream implements Input {
  readonly name: string;
  readonly #source: Readable;
  /** For a live source: the clock, and when reading began. */
  readonly #now: (() => number) | undefined;
  readonly #start: number;
  #reader: CaptureReader | undefined;

  constructor(name: string, source: Readable, now: (() => number) | undefined) {
    this.name = name;
    this.#source = source;
    this.#now = now;
    this.#start = now?.() ?? 0;
  }

  get live(): boolean {
    return this.#now !== undefined;
  }

  get header(): CaptureHeader | undefined {
    return this.#reader?.header;
  }

  ending(): CaptureEnd | undefined {
    return this.#reader?.ending;
  }

  endMs(): number | undefined {
    if (this.#reader === undefined) return this.#elapsedMs();
    const us = this.#reader.ending?.us;
    return us === undefined ? undefined : us / 1000;
  }

  #elapsedMs(): number | undefined {
    return this.#now === undefined ? undefined : this.#now() - this.#start;
  }

  async *chunks(signal: AbortSignal): AsyncGenerator<CaptureChunk, void, undefined> {
    // What came before it was clear whether this is a capture: a few bytes, mostly the first piece.
    let undecided: CaptureChunk[] = [];
    let decided = false;
    for await (const bytes of this.#pieces(signal)) {
      const ms = this.#elapsedMs();
      const piece = { bytes, us: ms === undefined ? undefined : Math.round(ms * 1000) };
      if (decided) yield* this.#read(piece);
      else {
        undecided.push(piece);
        const found = isCapture(joined(undecided));
        decided = found !== undefined;
        if (found === true) this.#reader = new CaptureReader();
        if (decided) for (const held of undecided) yield* this.#read(held);
        if (decided) undecided = [];
      }
    }
    yield* undecided;
    if (this.#reader !== undefined && !signal.aborted) yield* this.#parsed((reader) => reader.end());
  }

  *#read(piece: CaptureChunk): Generator<CaptureChunk, void, undefined> {
    if (this.#reader === undefined) yield piece;
    else yield* this.#parsed((reader) => reader.push(piece.bytes));
  }

  #parsed(step: (reader: CaptureReader) => CaptureChunk[]): CaptureChunk[] {
    try {
      return step(this.#reader as CaptureReader);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new InputError(`Cannot read ${oneLine(this.name)}: ${error.message}`, { cause: error });
    }
  }

  async *#pieces(signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const stop = (): void => void this.#source.destroy();
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const chunk of this.#source) yield chunk as Uint8Array;
    } catch (cause) {
      if (!signal.aborted) throw inputError(this.name, cause);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}

function joined(chunks: readonly CaptureChunk[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let at = 0;
  for (const { bytes } of chunks) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}
