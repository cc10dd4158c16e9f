/** The commands that take many files: what their words mean, the work on all cores, and how far it is. */

import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import type { Call } from './command.ts';
import type { Done, WorkName } from './file-work.ts';
import { filesIn, isFolder, isPathList, pathOf } from './file-list.ts';
import { overFiles } from './fleet.ts';
import { Progress } from './progress.ts';

/** What a call is about. */
export type Subject =
  /** One input, read here, live if it is: a file, or standard input. */
  | { kind: 'one'; name: string }
  /** Files and folders; `listed`: and a list of paths on standard input. */
  | { kind: 'many'; words: readonly string[]; listed: boolean };

/** Tells one stream from many files. Standard input is looked at, and nothing of it is lost. */
export async function subjectOf({ words, world }: Call): Promise<Subject> {
  const names = words.length === 0 ? ['-'] : words;
  if (names.includes('-') && (await startsWithPath(world.stdin.stream))) {
    return { kind: 'many', words: names, listed: true };
  }
  const folders = (await Promise.all(names.filter((name) => name !== '-').map(isFolder))).includes(true);
  if (names.length === 1 && !folders) return { kind: 'one', name: names[0] as string };
  return { kind: 'many', words: names, listed: false };
}

/** What to do with each file. */
export interface ManyWork {
  work: WorkName;
  settings: unknown;
  /** Which files of a folder are meant, by the end of their names. */
  endings: readonly string[];
}

/** What came of each file, in order, with a progress bar on a terminal. */
export async function* overMany<Result>(
  call: Call,
  subject: Subject & { kind: 'many' },
  { work, settings, endings }: ManyWork,
): AsyncGenerator<Done<Result>, void, undefined> {
  const { world, options } = call;
  const progress = new Progress(world.stderr, world.now, 'files');
  if (world.stderr.isTTY && !subject.listed) progress.total = await count(pathsOf(call, subject, endings));
  const jobs = options.number('jobs', { least: 1, whole: true });
  const fleet = { work, settings, workerUrl: world.workerUrl, jobs, signal: world.interrupt };
  for await (const done of overFiles<Result>(pathsOf(call, subject, endings), fleet)) {
    if (world.stdout.closed) break;
    // Whoever takes it may write to the same terminal.
    progress.clear();
    yield done;
    progress.step();
  }
  progress.clear();
}

async function* pathsOf(
  { world }: Call,
  { words, listed }: Subject & { kind: 'many' },
  endings: readonly string[],
): AsyncGenerator<string, void, undefined> {
  for (const word of words) {
    if (word === '-' && listed) yield* pathsIn(world.stdin.stream);
    else if (await isFolder(word)) yield* filesIn(word, endings);
    else yield word;
  }
}

async function count(paths: AsyncIterable<string>): Promise<number> {
  let total = 0;
  for await (const _ of paths) total++;
  return total;
}

async function* pathsIn(stream: Readable): AsyncGenerator<string, void, undefined> {
  let number = 0;
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    const path = pathOf(line, ++number);
    if (path !== undefined) yield path;
  }
}

/** Looks at the beginning of a stream, and puts it back. */
async function startsWithPath(stream: Readable): Promise<boolean> {
  const pieces: Buffer[] = [];
  let found: boolean | undefined;
  while (found === undefined) {
    const piece = await nextPiece(stream);
    if (piece === undefined) break;
    pieces.push(piece);
    found = isPathList(Buffer.concat(pieces).toString('utf8'));
  }
  if (pieces.length > 0) stream.unshift(Buffer.concat(pieces));
  return found === true;
}

/** What can be read next, without taking the stream over; `undefined` at its end. */
function nextPiece(stream: Readable): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const settle = (piece: Buffer | undefined): void => {
      stream.off('readable', look).off('end', end).off('error', end).off('close', end);
      resolve(piece);
    };
    const look = (): void => {
      const piece = stream.read() as Buffer | string | null;
      if (piece !== null) settle(Buffer.from(piece));
    };
    // Whoever reads it next meets the error.
    const end = (): void => settle(undefined);
    stream.on('readable', look).on('end', end).on('error', end).on('close', end);
    if (stream.readableEnded || stream.destroyed) end();
    else look();
  });
}
