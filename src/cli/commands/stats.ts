/** `ssemble stats`: when things came. One stream gives a page, many a table with a row for each model. */

import { ProtocolError } from '../../errors.ts';
import { STALL_CAUSES, STALL_MS } from '../../timing/stalls.ts';
import { StatsReader, type StreamStats, type Zero } from '../../timing/stream-stats.ts';
import { Totals } from '../../timing/totals.ts';
import type { Call, Command, Options } from '../command.ts';
import { CLEAN, heaviest, INCOMPLETE, INPUT_OUTPUT, INTERRUPTED } from '../exit.ts';
import { STREAM_FILES } from '../file-list.ts';
import type { Done } from '../file-work.ts';
import { type Input, InputError, openFile, openOrTell } from '../input.ts';
import { overMany, type Subject, subjectOf } from '../many.ts';
import { printPage, printTable } from '../stats-text.ts';
import { jsonText, oneLine } from '../terminal.ts';

/** The command. */
export const STATS: Command = {
  name: 'stats',
  summary: 'print when things came: named clocks, gaps, speed, stalls and who made them',
  usage: '[options] [file or folder…]',
  about: [
    'One stream gives a page. Several, a folder, or a list of paths on standard input (JSON lines) give a table.',
    'Times come from captures and from live streams; a saved body has none, so it gives counts only.',
    'Stalls, by the first that fits:',
    ...STALL_CAUSES.map(({ cause, meanwhile, after }) => `  ${cause}: ${meanwhile} came meanwhile; after it ${after}.`),
  ],
  options: [
    { name: 'stall', value: 'SECONDS', summary: `how long without progress is a stall (default: ${STALL_MS / 1000})` },
    {
      name: 'by',
      choices: ['model', 'all'],
      summary: 'rows of the table (default: model); also makes one of one stream',
    },
    { name: 'each', summary: 'print a line of JSON for each stream instead of the table' },
    { name: 'jobs', value: 'N', summary: 'work with so many threads (default: one for each core)' },
    { name: 'json', summary: 'print JSON; times are milliseconds' },
  ],
  examples: [
    ['curl -sN https://… | ssemble stats', 'time a live stream'],
    ['ssemble stats answer.capture.jsonl', 'time a recorded one'],
    ['ssemble stats captures/', 'p50 and p95 for each model'],
  ],
  readsInput: true,
  run: stats,
};

/** What a worker is told. */
export interface StatsSettings {
  stallMs: number;
}

async function stats(call: Call): Promise<number> {
  const stallMs = stallMsOf(call.options);
  const began = call.world.now();
  const subject = await subjectOf(call);
  const table = call.options.has('by') || call.options.has('each');
  const codes =
    subject.kind === 'one' && !table
      ? await one(call, subject.name, stallMs, began)
      : await many(call, subject, stallMs);
  if (call.world.interrupt.aborted) codes.push(INTERRUPTED);
  return heaviest([CLEAN, ...codes]);
}

function stallMsOf(options: Options): number {
  // Below a millisecond everything is a stall.
  return (options.number('stall', { least: 0.001 }) ?? STALL_MS / 1000) * 1000;
}

async function one(call: Call, name: string, stallMs: number, began: number): Promise<number[]> {
  const { world, out, err, options } = call;
  const waited = world.now() - began;
  const input = await openOrTell(name, call);
  if (input === undefined) return [INPUT_OUTPUT];
  const reader = new StatsReader({ stallMs, keepTimeline: true });
  const codes: number[] = [];
  // To tell a stream from a list of paths its beginning was waited for: that belongs to its times.
  const failure = await feed(reader, input, world.interrupt, Math.round(waited * 1000));
  const found = finish(reader, input, Math.round(waited * 1000));
  // Of what could not be read at all there is nothing to say.
  if (failure === undefined || found.timing.bytes > 0) {
    if (options.has('json')) out.write(`${jsonText({ name, ...dataOf(found) })}\n`);
    else printPage(out, found, reader.timeline, input.header !== undefined);
    await out.flush();
  }
  if (failure !== undefined) {
    err.write('ssemble: ', 'bold').write(`${failure.message}\n`);
    if (failure instanceof InputError) codes.push(INPUT_OUTPUT);
  }
  if (!found.complete) codes.push(INCOMPLETE);
  return codes;
}

/** Reads to the end; gives the reason if that was not possible. What came before is counted. */
async function feed(
  reader: StatsReader,
  input: Input,
  signal: AbortSignal,
  waitedUs: number,
): Promise<InputError | ProtocolError | undefined> {
  try {
    for await (const { us, bytes } of input.chunks(signal)) {
      reader.push({ us: us === undefined ? undefined : us + lateness(input, waitedUs), bytes });
    }
  } catch (error) {
    if (error instanceof InputError || error instanceof ProtocolError) return error;
    throw error;
  }
  return undefined;
}

/** The clock of a capture has its own zero; that of a live stream began with the program. */
function lateness({ header }: Input, waitedUs: number): number {
  return header === undefined ? waitedUs : 0;
}

function finish(reader: StatsReader, input: Input, waitedUs: number): StreamStats {
  const { header } = input;
  const headersUs = header?.response?.us;
  if (headersUs !== undefined) reader.headers(headersUs);
  const endMs = input.endMs();
  const zero: Zero = header === undefined ? 'reading' : (header.clock?.zero ?? 'first-chunk');
  return reader.end(endMs === undefined ? undefined : Math.round(endMs * 1000) + lateness(input, waitedUs), zero);
}

/**
 * The figures of one file: work that can be done in any thread.
 *
 * @throws InputError if it cannot be read; ProtocolError past a limit
 */
export async function statsOfFile(path: string, settings: unknown): Promise<StreamStats> {
  const { stallMs } = settings as StatsSettings;
  const input = await openFile(path);
  const reader = new StatsReader({ stallMs });
  const failure = await feed(reader, input, new AbortController().signal, 0);
  if (failure !== undefined) throw failure;
  return finish(reader, input, 0);
}

async function many(call: Call, subject: Subject, stallMs: number): Promise<number[]> {
  const { options, out } = call;
  const all: Subject & { kind: 'many' } =
    subject.kind === 'many' ? subject : { kind: 'many', words: [subject.name], listed: false };
  const settings: StatsSettings = { stallMs };
  const totals = new Totals();
  const codes = new Set<number>();
  const failed: { path: string; error: string }[] = [];
  for await (const done of overMany<StreamStats>(call, all, { work: 'stats', settings, endings: STREAM_FILES })) {
    const { path, result } = done;
    if (result === undefined) {
      codes.add(INPUT_OUTPUT);
      await tellFailure(call, done, failed);
      // Whoever reads lines counts on one for each path.
      if (options.has('each')) await out.write(`${jsonText({ name: path, error: done.error })}\n`).flush();
      continue;
    }
    if (!result.complete) codes.add(INCOMPLETE);
    if (options.has('each')) await out.write(`${jsonText({ name: path, ...dataOf(result) })}\n`).flush();
    else totals.add(options.text('by') === 'all' ? 'all' : (result.model ?? ''), result);
  }
  if (!options.has('each')) printTotals(call, totals, failed);
  await out.flush();
  return [...codes];
}

/** How many of the files that could not be read are named in the JSON. */
const MOST_FAILED = 1000;

async function tellFailure(
  { err }: Call,
  { path, error = '' }: Done,
  failed: { path: string; error: string }[],
): Promise<void> {
  if (failed.length < MOST_FAILED) failed.push({ path, error });
  err.write('ssemble: ', 'bold').write(`${error.includes(oneLine(path)) ? '' : `${oneLine(path)}: `}${error}\n`);
  await err.flush();
}

function printTotals({ out, options }: Call, totals: Totals, failed: readonly { path: string; error: string }[]): void {
  const by = options.text('by') ?? 'model';
  const rows = totals.rows();
  if (options.has('json')) out.write(`${jsonText({ by, streams: totals.streams, rows: rows.map(rounded), failed })}\n`);
  else if (rows.length > 0) printTable(out, rows, by);
}

/** As JSON: what is not known is `null`, so that every line has the same keys. */
function dataOf({ model, complete, zero, timing }: StreamStats): Record<string, unknown> {
  // Without times nobody knows whether the chunks were those of the network.
  const made = timing.timed ? {} : { chunks: null, mostEventsInChunk: null };
  return { model: model ?? null, complete, zero: zero ?? null, ...(rounded(timing) as object), ...made };
}

/** Times to the microsecond: the rest is the noise of dividing. */
function rounded(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === 'number') return Math.round(value * 1000) / 1000;
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rounded(inner)]));
}
