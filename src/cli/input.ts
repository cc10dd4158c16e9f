/** Where the bytes come from: a saved file, or a live source (standard input, a named pipe). */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';

/** Standard input, as `main.ts` found it. */
export interface StandardInput {
  readonly stream: Readable;
  /** A person sits there, typing. */
  readonly isTTY: boolean;
  /** It is a regular file (`< answer.sse`): its bytes carry no times. */
  readonly isFile: boolean;
}

/** Something that can be read from start to end, once. */
export interface Source {
  /** The name to show. */
  readonly name: string;
  /** Its bytes come as they are made, so the times at which they come mean something. */
  readonly live: boolean;
  readonly stream: Readable;
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

/** Why reading failed, in words where the system's code is known. */
export function inputError(name: string, cause: unknown): InputError {
  const code = (cause as { code?: unknown } | null)?.code;
  const known = typeof code === 'string' ? (REASONS[code] ?? code) : String(cause);
  return new InputError(`Cannot read ${name}: ${known}`, { cause });
}

/**
 * Opens a file, or standard input for `-`.
 *
 * @throws InputError if there is nothing to read there.
 */
export async function openSource(name: string, standardInput: StandardInput): Promise<Source> {
  if (name === '-') {
    return { name: 'standard input', live: !standardInput.isFile, stream: standardInput.stream };
  }
  const status = await stat(name).catch((cause: unknown) => {
    throw inputError(name, cause);
  });
  if (status.isDirectory()) throw inputError(name, { code: 'EISDIR' });
  return { name, live: !status.isFile(), stream: createReadStream(name) };
}

/**
 * The chunks of a source until its end, or until the signal; then it just ends. The source is closed afterwards, whichever
 * way it ended.
 *
 * @throws InputError if reading fails on the way.
 */
export async function* chunksOf(source: Source, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const stop = (): void => void source.stream.destroy();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of source.stream) yield chunk as Uint8Array;
  } catch (cause) {
    if (!signal.aborted) throw inputError(source.name, cause);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
