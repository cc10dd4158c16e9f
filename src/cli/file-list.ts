/**
 * What the words of a command line mean where many files are meant: a file is itself, a folder is every stream in it, and
 * `-` with JSON lines on it is a list of paths, so that another program can hand out the work:
 *
 * ```
 * "captures/a.sse"
 * {"path":"captures/b.capture.jsonl"}
 * ```
 */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, inputError } from './input.ts';

/** Files that hold streams, by the end of their names. */
export const STREAM_FILES: readonly string[] = ['.sse', '.capture.jsonl'];

/** The files in a folder and the folders in it, in the order of their names. Links to folders are not followed. */
export async function* filesIn(folder: string, endings: readonly string[]): AsyncGenerator<string, void, undefined> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw inputError(folder, cause);
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path, endings);
    else if (endings.some((ending) => entry.name.endsWith(ending))) yield path;
  }
}

/** Whether the path names a folder; `false` for what is not there. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
}

/** Whether a text on standard input is a list of paths: no stream of any kind begins like one. `undefined`: more is needed. */
export function isPathList(start: string): boolean | undefined {
  const text = start.replace(/^\uFEFF?\s*/, '');
  if (text === '') return undefined;
  if (text.startsWith('"')) return true;
  const begin = '{"path":';
  const dense = text.slice(0, 40).replace(/\s/g, '');
  if (dense.startsWith(begin)) return true;
  return begin.startsWith(dense) ? undefined : false;
}

/** The path that one line names; `undefined` for a blank line. */
export function pathOf(line: string, number: number): string | undefined {
  if (line.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  const path = typeof value === 'object' && value !== null ? (value as { path?: unknown }).path : value;
  if (typeof path === 'string') return path;
  throw new InputError(`Cannot read line ${number} of the list of files: it is neither a JSON string nor {"path":"…"}`);
}
