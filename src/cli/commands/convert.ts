/** `ssemble convert`: captures, bodies and events made of what was saved by something else. */

import { mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { Capture } from '../../capture/format.ts';
import { importCaptures, IMPORTERS, type ImportKind, type Skipped } from '../../capture/importers/index.ts';
import { formatCapture } from '../../capture/writer.ts';
import { MessageParser } from '../../message/parser.ts';
import { StreamError } from '../../errors.ts';
import type { StreamEvent } from '../../protocol/events.ts';
import type { Call, Command } from '../command.ts';
import { CLEAN, heaviest, INPUT_OUTPUT, INTERRUPTED } from '../exit.ts';
import { InputError, inputError } from '../input.ts';
import { overMany, subjectOf, type Subject } from '../many.ts';
import { jsonText } from '../terminal.ts';
import { UsageError } from '../usage.ts';
import type { World } from '../world.ts';

/** What a capture can be turned into, and how the names of such files end. */
const ENDINGS = {
  capture: '.capture.jsonl',
  sse: '.sse',
  events: '.events.jsonl',
  'stream-json': '.stream.jsonl',
} as const;

/** What a capture can be turned into. */
export type Target = keyof typeof ENDINGS;

/** Files of a folder that may hold streams, by the end of their names. */
const SOURCES: readonly string[] = ['.sse', '.capture.jsonl', '.har', '.jsonl', '.ndjson', '.json', '.bin'];

/** Parts that were left out are listed up to this many; the rest is counted. */
const LISTED = 20;

/** The command. */
export const CONVERT: Command = {
  name: 'convert',
  summary: 'turn saved streams of other tools into captures, and captures into bodies or events',
  usage: '[options] [file…]',
  about: [
    `Reads ${IMPORTERS.map(({ kind }) => kind).join(', ')}; the shape of the file tells which.`,
    'Writes a capture, the body as it was (--to sse), or its events, one line of JSON each.',
    'A file with several streams, several files and folders need -o with a folder. Nothing there is overwritten',
    'without --force. Secrets in URLs and headers are taken out. What is no stream is listed on standard error.',
  ],
  options: [
    {
      name: 'from',
      value: 'KIND',
      choices: IMPORTERS.map(({ kind }) => kind),
      summary: 'what the input is (default: its shape tells)',
    },
    { name: 'to', value: 'KIND', choices: Object.keys(ENDINGS), summary: 'what to make of it (default: capture)' },
    { name: 'output', short: 'o', value: 'FILE|DIR', summary: 'write there; a folder ends in / or exists' },
    { name: 'force', summary: 'overwrite files in the folder' },
    { name: 'jobs', value: 'N', summary: 'how many files at a time (default: one a core)' },
    { name: 'json', summary: 'tell what was done, as a line of JSON a file' },
  ],
  examples: [
    ['ssemble convert session.har -o streams/', 'every stream that a browser recorded'],
    ['ssemble convert --to sse answer.capture.jsonl > answer.sse', 'the body, byte for byte'],
    ['ssemble convert session.jsonl -o turns/', 'each request of a Claude Code session (stream-json)'],
  ],
  readsInput: true,
  run: runConvert,
};

/** What to do with a file; plain data, so that a worker thread can be told. */
export interface ConvertSettings {
  from?: ImportKind | undefined;
  to: Target;
  /** Program and version, for the captures that are made. */
  tool: string;
  /** The folder to write to. */
  folder: string;
  force: boolean;
  /** The folders that were named: below `folder`, files lie as they lie below these. */
  roots: readonly string[];
}

/** One result. */
export interface ConvertOutput {
  /** What its file is called. */
  name: string;
  bytes: Uint8Array;
}

/** What came of one input. */
export interface Conversion {
  kind: ImportKind;
  outputs: ConvertOutput[];
  skipped: Skipped[];
}

/** What is told of one input. */
export interface ConvertReport {
  input: string;
  kind: ImportKind;
  /** The files that were written. */
  outputs: string[];
  skipped: Skipped[];
}

/**
 * Converts what a file holds. Pure: nothing is read or written.
 *
 * @param name - of the file, without its folder
 * @throws ProtocolError for what cannot be imported; its message says what, where, and what now
 */
export function convertBytes(
  name: string,
  bytes: Uint8Array,
  { from, to, tool }: Pick<ConvertSettings, 'from' | 'to' | 'tool'>,
): Conversion {
  const { kind, captures, skipped } = importCaptures(bytes, { kind: from, name });
  const notes = [...skipped];
  const digits = String(captures.length).length;
  const outputs = captures.map((capture, i) => {
    const number = captures.length === 1 ? '' : `-${String(i + 1).padStart(digits, '0')}`;
    const { data, note } = write(capture, to, tool);
    if (note !== undefined) notes.push({ where: captures.length === 1 ? 'the stream' : `stream ${i + 1}`, why: note });
    return { name: `${stemOf(name, to)}${number}${ENDINGS[to]}`, bytes: data };
  });
  return { kind, outputs, skipped: notes };
}

/**
 * Converts a file, and writes what comes of it below the folder of the settings: the work of one file among many.
 *
 * @throws InputError for what cannot be read or written, or holds no stream; ProtocolError for what cannot be imported
 */
export async function convertFile(path: string, settings: ConvertSettings): Promise<ConvertReport> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw inputError(path, cause);
  });
  const { kind, outputs, skipped } = convertBytes(basename(path), bytes, settings);
  if (outputs.length === 0) throw noStream(path, skipped);
  const folder = join(settings.folder, placeBelow(path, settings.roots));
  const files = outputs.map(({ name }) => join(folder, name));
  await mkdir(folder, { recursive: true });
  for (const [i, file] of files.entries()) await writeNew(file, outputs[i]?.bytes ?? bytes, settings.force);
  return { input: path, kind, outputs: files, skipped };
}

/** The capture as the target wants it, and what of it has no place there. */
function write(capture: Capture, to: Target, tool: string): { data: Uint8Array; note?: string | undefined } {
  if (to === 'sse') return { data: Buffer.concat(capture.chunks.map(({ bytes }) => bytes)) };
  if (to === 'capture') {
    const header = { ...capture.header, tool: capture.header.tool ?? tool };
    return { data: Buffer.from(formatCapture({ ...capture, header })) };
  }
  const { events, note } = eventsOf(capture);
  const lines = events.map((event) =>
    to === 'events' ? event : { type: 'stream_event', event, parent_tool_use_id: null },
  );
  return { data: Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join('')), note };
}

/** The events of a capture, and what stood in it besides. */
function eventsOf(capture: Capture): { events: StreamEvent[]; note: string | undefined } {
  const events: StreamEvent[] = [];
  const parser = new MessageParser({ onEvent: (event) => void events.push(event) });
  try {
    for (const { bytes } of capture.chunks) parser.push(bytes);
    parser.end();
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    return { events, note: error.message };
  }
  const cut = parser.diagnostics.find(({ code }) => code === 'unfinished-event');
  const foreign = events.length === 0 ? parser.outcome.error?.message : undefined;
  return { events, note: cut?.message ?? foreign };
}

/** The ending that each target takes the place of. Any other stays, so that no two files of a folder meet in one name. */
const REPLACED: Readonly<Partial<Record<Target, string>>> = { capture: ENDINGS.sse, sse: ENDINGS.capture };

function stemOf(name: string, to: Target): string {
  const ending = REPLACED[to];
  return ending !== undefined && name.endsWith(ending) ? name.slice(0, -ending.length) : name;
}

/** Where below the output folder: as below its root; a file that was named itself right there; else by its whole path. */
function placeBelow(path: string, roots: readonly string[]): string {
  const root = roots.find((each) => path.startsWith(each.endsWith(sep) ? each : `${each}${sep}`));
  if (root !== undefined) return join(roots.length > 1 ? basename(root) : '', relative(root, dirname(path)));
  if (roots.includes(path)) return '';
  return dirname(path)
    .split(sep)
    .filter((part) => part !== '' && part !== '.' && part !== '..')
    .join(sep);
}

async function writeNew(file: string, bytes: Uint8Array, force: boolean): Promise<void> {
  await writeFile(file, bytes, { flag: force ? 'w' : 'wx' }).catch((cause: unknown) => {
    if ((cause as { code?: unknown } | null)?.code === 'EEXIST')
      throw new InputError(`Cannot write ${file}: it is there already; use --force to overwrite it`, { cause });
    throw cannotWrite(file, cause);
  });
}

function cannotWrite(file: string, cause: unknown): InputError {
  return new InputError(`Cannot write ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}

function noStream(path: string, skipped: readonly Skipped[]): InputError {
  const [first] = skipped;
  const example = first === undefined ? 'it is empty' : `${first.where}: ${first.why}`;
  const more = skipped.length > 1 ? `, and ${skipped.length - 1} more` : '';
  return new InputError(`Cannot convert ${path}: there is no stream in it (${example}${more})`);
}

// ── The command ─────────────────────────────────────────────────────────────────────────────────────────────────────────

async function runConvert(call: Call): Promise<number> {
  const subject = await subjectOf(call);
  const output = call.options.text('output');
  const toFolder = output !== undefined && (/[\\/]$/.test(output) || (await isFolder(output)));
  if (subject.kind === 'many') return convertMany(call, subject, output, toFolder);
  return convertOne(call, subject.name, output, toFolder);
}

function settingsOf({ options, words, world }: Call, folder: string): ConvertSettings {
  return {
    from: options.text('from') as ImportKind | undefined,
    to: (options.text('to') ?? 'capture') as Target,
    tool: `ssemble/${world.version}`,
    folder,
    force: options.has('force'),
    roots: words.filter((word) => word !== '-'),
  };
}

async function convertMany(
  call: Call,
  subject: Subject & { kind: 'many' },
  output: string | undefined,
  toFolder: boolean,
): Promise<number> {
  if (output === undefined || (!toFolder && (await exists(output)))) {
    const what = output === undefined ? 'Several inputs need a folder to write to' : `${output} is not a folder`;
    throw new UsageError(what, 'Give one with `-o DIR/`.');
  }
  refuseTwins(subject.words);
  const codes: number[] = [];
  const work = { work: 'convert', settings: settingsOf(call, output), endings: SOURCES } as const;
  for await (const { path, result, error } of overMany<ConvertReport>(call, subject, work)) {
    if (result !== undefined) await tell(call, result, true);
    else codes.push(await tellFailure(call, path, error ?? 'it is not known why'));
  }
  return heaviest(call.world.interrupt.aborted ? [...codes, INTERRUPTED] : codes);
}

/** Two files that were named themselves and are called alike would be written to one place. */
function refuseTwins(words: readonly string[]): void {
  const names = words.map((word) => basename(word));
  const twin = names.find((name, i) => names.indexOf(name) !== i);
  if (twin !== undefined) {
    throw new UsageError(`Two inputs are called ${twin}`, 'Convert them one at a time, each to its own folder.');
  }
}

async function convertOne(call: Call, name: string, output: string | undefined, toFolder: boolean): Promise<number> {
  const shown = name === '-' ? 'standard input' : name;
  try {
    const bytes = await readAll(name, call.world);
    const done = await convertBytesOf(call, name, shown, bytes, output, toFolder);
    await tell(call, done, output !== undefined);
  } catch (error) {
    if (!(error instanceof StreamError || error instanceof InputError)) throw error;
    await tellFailure(call, shown, error.message);
    return INPUT_OUTPUT;
  }
  return call.world.interrupt.aborted ? INTERRUPTED : CLEAN;
}

async function convertBytesOf(
  call: Call,
  name: string,
  shown: string,
  bytes: Uint8Array,
  output: string | undefined,
  toFolder: boolean,
): Promise<ConvertReport> {
  const settings = settingsOf(call, output ?? '');
  const { kind, outputs, skipped } = convertBytes(name === '-' ? 'stdin' : basename(name), bytes, settings);
  const [first] = outputs;
  if (first === undefined) throw noStream(shown, skipped);
  if (outputs.length > 1 && !toFolder) {
    throw new UsageError(`There are ${outputs.length} streams in ${shown}`, 'Give a folder for them with `-o DIR/`.');
  }
  const report = { input: shown, kind, outputs: [] as string[], skipped };
  if (output === undefined) await print(call, first.bytes);
  else if (toFolder) {
    await mkdir(output, { recursive: true }).catch((cause: unknown) => {
      throw cannotWrite(output, cause);
    });
    report.outputs = outputs.map((each) => join(output, each.name));
    for (const [i, file] of report.outputs.entries()) await writeNew(file, outputs[i]?.bytes ?? bytes, settings.force);
  } else {
    if (await isSame(name, output)) throw new UsageError(`${output} is the input`, 'Give another file with `-o FILE`.');
    await writeFile(output, first.bytes).catch((cause: unknown) => {
      throw cannotWrite(output, cause);
    });
    report.outputs = [output];
  }
  return report;
}

/** As it is into a pipe or a file; a terminal gets it with its control characters made visible. */
async function print({ out, world }: Call, bytes: Uint8Array): Promise<void> {
  if (world.stdout.isTTY) out.write(Buffer.from(bytes).toString('utf8'));
  await out.flush();
  if (!world.stdout.isTTY) world.stdout.writeBytes(bytes);
  await world.stdout.drained();
}

/** The whole input. Ctrl-C ends standard input where it is. */
async function readAll(name: string, world: World): Promise<Uint8Array> {
  if (name !== '-') {
    return readFile(name).catch((cause: unknown) => {
      throw inputError(name, cause);
    });
  }
  const { stream } = world.stdin;
  const stop = (): void => void stream.destroy();
  world.interrupt.addEventListener('abort', stop, { once: true });
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of stream) pieces.push(Buffer.from(piece as Uint8Array | string));
  } catch (cause) {
    if (!world.interrupt.aborted) throw inputError('standard input', cause);
  } finally {
    world.interrupt.removeEventListener('abort', stop);
  }
  return Buffer.concat(pieces);
}

async function tell({ options, out, err }: Call, report: ConvertReport, toFiles: boolean): Promise<void> {
  const ink = toFiles ? out : err;
  if (options.has('json')) ink.write(`${jsonText(report)}\n`);
  else {
    const { input, skipped } = report;
    for (const { where, why } of skipped.slice(0, LISTED)) err.write(`ssemble: ${input}: ${where}: ${why}\n`, 'dim');
    const more = skipped.length - LISTED;
    if (more > 0) err.write(`ssemble: ${input}: ${more} more were left out; --json lists them all\n`, 'dim');
  }
  await ink.flush();
  await err.flush();
}

async function tellFailure({ options, out, err }: Call, input: string, error: string): Promise<number> {
  if (options.has('json')) out.write(`${jsonText({ input, error })}\n`);
  else err.write('ssemble: ', 'bold').write(error.includes(input) ? `${error}\n` : `${input}: ${error}\n`);
  await out.flush();
  await err.flush();
  return INPUT_OUTPUT;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function isSame(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map((path) => realpath(path).catch(() => undefined)));
  return first !== undefined && first === second;
}
