/**
 * What the words of a command line mean where many files are meant: a file is itself, a folder is every stream in it, and
 * `-` with JSON lines on it is a list of paths, so that another program can hand out the work:
 *
 * ```
 * "captures/a.sse"
 * {"path":"captures/b.capture.jsonl"}
 * ```
 *
 * What is no file (a folder that cannot be read, a line that is no path) is found, too, with the reason: one of them must
 * not stop a hundred thousand others.
 */

import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inputError } from './input.ts';
import { oneLine } from './terminal.ts';

/** Files that hold streams, by the end of their names. */
export const STREAM_FILES: readonly string[] = ['.sse', '.capture.jsonl'];

/** A file to work on, or why there is none. */
export interface Found {
  /** Its path; for what is no file, the folder or the line. */
  path: string;
  error?: string;
}

/**
 * The files in a folder and the folders in it, in the order of their names. Links to folders are not followed. Named pipes
 * and devices are left out: reading one may wait for ever.
 */
export async function* filesIn(folder: string, endings: readonly string[]): AsyncGenerator<Found, void, undefined> {
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    yield { path: folder, error: inputError(folder, cause).message };
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path, endings);
    else if (endings.some((ending) => entry.name.endsWith(ending)) && (await isMeant(entry, path))) yield { path };
  }
}

/** A link that leads nowhere is meant: whoever opens it says so. */
async function isMeant(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isFile();
  return stat(path).then(
    (status) => status.isFile(),
    () => true,
  );
}

/** The files in a folder that a person named: it is an error if there are none. */
export async function* filesInNamed(
  folder: string,
  endings: readonly string[],
): AsyncGenerator<Found, void, undefined> {
  let empty = true;
  for await (const found of filesIn(folder, endings)) {
    empty = false;
    yield found;
  }
  if (empty)
    yield { path: folder, error: `No streams in ${oneLine(folder)}: there is no ${listed(endings)} file there` };
}

function listed(endings: readonly string[]): string {
  return endings.length < 2 ? endings.join('') : `${endings.slice(0, -1).join(', ')} or ${endings.at(-1) as string}`;
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

/** The file that one line names; `undefined` for a blank line. */
export function fileNamedBy(line: string, number: number): Found | undefined {
  // Takes a byte order mark away, too.
  const text = line.trim();
  if (text === '') return undefined;
  const path = pathIn(text);
  if (path !== undefined) return { path };
  return {
    path: text,
    error: `Cannot read line ${number} of the list of files: it is neither a JSON string nor {"path":"…"}`,
  };
}

function pathIn(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const path = typeof value === 'object' && value !== null ? (value as { path?: unknown }).path : value;
  return typeof path === 'string' ? path : undefined;
}
