/** The commands that take many files: what their words mean, the work on all cores, and how far it is. */

import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { stat } from 'node:fs/promises';
import type { Call } from './command.ts';
import type { Done, WorkName } from './file-work.ts';
import { fileNamedBy, filesInNamed, type Found, isFolder, isPathList } from './file-list.ts';
import { overFiles } from './fleet.ts';
import { inputError } from './input.ts';
import { Progress } from './progress.ts';
import { counted } from './tally.ts';
import { UsageError } from './usage.ts';

/** What a call is about. */
export type Subject =
  /** One input, read here, live if it is: a file, or standard input. */
  | { kind: 'one'; name: string }
  /** Files and folders; `listed`: and a list of paths on standard input. */
  | { kind: 'many'; words: readonly string[]; listed: boolean };

/** Tells one stream from many files. Standard input is looked at, and nothing of it is lost. */
export async function subjectOf({ words, world }: Call): Promise<Subject> {
  const names = words.length === 0 ? ['-'] : words;
  if (names.includes('-')) {
    const start = await startOf(world.stdin.stream);
    if (isPathList(start) === true) return { kind: 'many', words: names, listed: true };
    await refuseBareNames(start);
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
  const { world, options, out, err } = call;
  let count = 0;
  const progress = new Progress(world.stderr, world.now, 'files');
  // What is said meanwhile stands above the bar, which comes back with the next step that draws it.
  err.beforeWrite = () => progress.clear();
  if (world.stdout.isTTY) out.beforeWrite = err.beforeWrite;
  if (world.stderr.isTTY && !subject.listed)
    progress.total = await countOf(filesOf(call, subject, endings), world.interrupt);
  const jobs = options.number('jobs', { least: 1, whole: true });
  const fleet = { work, settings, workerUrl: world.workerUrl, jobs, signal: world.interrupt };
  for await (const done of overFiles<Result>(filesOf(call, subject, endings), fleet)) {
    if (world.stdout.closed) break;
    yield done;
    count++;
    progress.step();
  }
  progress.clear();
  if (!world.interrupt.aborted || world.stdout.closed) return;
  // Half a table looks like a whole one.
  err.write(`Interrupted: this is what came of the first ${counted(count, 'file')}.\n`);
  await err.flush();
}

async function* filesOf(
  { world }: Call,
  { words, listed }: Subject & { kind: 'many' },
  endings: readonly string[],
): AsyncGenerator<Found, void, undefined> {
  for (const word of words) {
    if (word === '-' && listed) yield* filesListedIn(world.stdin.stream, world.interrupt);
    else if (await isFolder(word)) yield* filesInNamed(word, endings);
    else yield { path: word };
  }
}

async function countOf(files: AsyncIterable<Found>, signal: AbortSignal): Promise<number> {
  let total = 0;
  for await (const _ of files) {
    if (signal.aborted) break;
    total++;
  }
  return total;
}

/** Ends when the signal fires, also while nobody writes: what was named before still has its results. */
async function* filesListedIn(stream: Readable, signal: AbortSignal): AsyncGenerator<Found, void, undefined> {
  const lines = createInterface({ input: stream, crlfDelay: Infinity, signal });
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure = error;
    lines.close();
  };
  stream.once('error', fail);
  let number = 0;
  for await (const line of lines) {
    const found = fileNamedBy(line, ++number);
    if (found !== undefined) yield found;
  }
  stream.off('error', fail);
  if (failure !== undefined) throw inputError('the list of files', failure);
}

/** `find … | ssemble lint -` without the quotes of JSON: read as a stream, it would only be a strange one. */
async function refuseBareNames(start: string): Promise<void> {
  const [line = ''] = start.split(/\r?\n/, 1);
  if (!/^[^:{<]{1,4096}$/.test(line) || !/[./]/.test(line)) return;
  const exists = await stat(line).catch(() => undefined);
  if (exists === undefined) return;
  throw new UsageError(
    'Standard input is a list of file names, not a stream',
    'Write each name as a JSON string, such as with: sed \'s/.*/"&"/\'',
  );
}

/** Looks at the beginning of a stream until it is clear whether it is a list of paths, and puts it back. */
async function startOf(stream: Readable): Promise<string> {
  const pieces: Buffer[] = [];
  let start = '';
  while (isPathList(start) === undefined) {
    const piece = await nextPiece(stream);
    if (piece === undefined) break;
    pieces.push(piece);
    start = Buffer.concat(pieces).toString('utf8');
  }
  if (pieces.length > 0) stream.unshift(Buffer.concat(pieces));
  return start;
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
