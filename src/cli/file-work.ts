/**
 * The work on one file that can be done anywhere: here, or in a worker thread. A table, because a worker is told a name.
 * Settings and results travel between threads, so both are plain data.
 */

import type { Found } from './file-list.ts';

/** Work on one file. */
export type FileWork = (path: string, settings: unknown) => Promise<unknown>;

/** The kinds of work. */
export type WorkName = 'lint' | 'stats' | 'convert';

/** Loads the function: only the worker that needs one pays for it. */
export const FILE_WORK: Readonly<Record<WorkName, () => Promise<FileWork>>> = {
  lint: async () => (await import('./commands/lint.ts')).lintFile,
  stats: async () => (await import('./commands/stats.ts')).statsOfFile,
  convert: async () => (await import('./commands/convert.ts')).convertFile as FileWork,
};

/** What came of one file: its result, or why it has none. */
export interface Done<Result = unknown> {
  path: string;
  result?: Result;
  /** Why the file could not be read. */
  error?: string;
}

/** Does the work; a file that cannot be read, or is too hard, does not stop the others. */
export async function workOn(work: FileWork, { path, error }: Found, settings: unknown): Promise<Done> {
  if (error !== undefined) return { path, error };
  try {
    return { path, result: await work(path, settings) };
  } catch (reason) {
    return { path, error: reason instanceof Error ? reason.message : String(reason) };
  }
}
