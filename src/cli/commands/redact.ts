/** `ssemble redact`: a capture or a body without secrets, to be shown to others. */

import { realpath, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { runInNewContext } from 'node:vm';
import type { Capture, CaptureChunk } from '../../capture/format.ts';
import {
  customPattern,
  redact,
  type RedactionCount,
  type RedactionPattern,
  REDACTION_PATTERNS,
  wordPattern,
} from '../../capture/redact.ts';
import { formatCapture } from '../../capture/writer.ts';
import { ProtocolError } from '../../errors.ts';
import type { Call, Command, Options } from '../command.ts';
import { CLEAN, INPUT_OUTPUT, INTERRUPTED } from '../exit.ts';
import { type Input, InputError, openOrTell } from '../input.ts';
import { groupDigits } from '../tally.ts';
import { jsonText } from '../terminal.ts';
import { didYouMean, nearest, UsageError } from '../usage.ts';

/** The command. */
export const REDACT: Command = {
  name: 'redact',
  summary: 'paint over secrets in a capture or a body, across the borders of deltas',
  usage: '[options] [file]',
  about: [
    'What is found in the assembled text, in tool input, in errors and in headers is painted over with x, byte for byte:',
    'lengths, times, chunks and events stay, so the result replays and lints like the original.',
    'A capture gives a capture that lists what was removed; a body gives a body. Standard error has the counts.',
    'Look at the result before you publish it: no pattern knows every secret.',
  ],
  options: [
    { name: 'output', short: 'o', value: 'FILE', summary: 'write there instead of to standard output' },
    {
      name: 'pattern',
      value: 'REGEX',
      many: true,
      summary: 'also remove what a JavaScript regular expression matches',
    },
    { name: 'word', value: 'TEXT', many: true, summary: 'also remove a text, in capital and small letters' },
    {
      name: 'only',
      value: 'NAMES',
      summary: 'of the built-in patterns use only these, separated by commas; `none` for none',
    },
    { name: 'also', value: 'NAMES', summary: 'use optional patterns too' },
    { name: 'signatures', summary: 'also remove signatures, encrypted content and redacted thinking' },
    { name: 'list', summary: 'list the built-in patterns, read nothing' },
    { name: 'json', summary: 'print the counts (with --list: the patterns) as JSON; needs -o' },
  ],
  examples: [
    ['ssemble redact answer.capture.jsonl -o public.capture.jsonl', 'a capture for a public issue'],
    ['ssemble redact --word "Acme Corp" --signatures answer.sse > public.sse', 'a body without a name'],
    ['ssemble redact --list', 'what is looked for'],
  ],
  readsInput: false,
  run: runRedact,
};

async function runRedact(call: Call): Promise<number> {
  const { options, words, world } = call;
  if (options.has('list')) return listPatterns(call);
  const patterns = patternsOf(options);
  const [name = '-', second] = words;
  const output = options.text('output');
  if (second !== undefined) throw new UsageError('Cannot redact more than one file', 'Call it once for each.');
  if (words.length === 0 && world.stdin.isTTY)
    throw new UsageError('Nothing to redact', 'Name a file, or pipe a stream into it.');
  if (options.has('json') && output === undefined)
    throw new UsageError('--json needs -o FILE', 'The result would mix with the counts.');
  if (output !== undefined && name !== '-' && (await isSame(output, name))) {
    throw new UsageError(
      'Cannot write over the input',
      'Name another file: what is painted over cannot be brought back.',
    );
  }
  const input = await openOrTell(name, call);
  if (input === undefined) return INPUT_OUTPUT;
  const whole = await readAll(input, world.interrupt);
  // Half a stream with its secrets found is of no use, and the person wanted it to stop.
  if (world.interrupt.aborted) return INTERRUPTED;
  const done = limited(call, whole, () => redact(whole, { patterns, signatures: options.has('signatures') }));
  if (done === undefined) return INTERRUPTED;
  const { capture, counts } = done;
  const result =
    input.header === undefined ? bytesOf(capture.chunks) : new TextEncoder().encode(formatCapture(capture));
  await write(call, output, result);
  tellCounts(call, counts, output);
  return CLEAN;
}

async function readAll(input: Input, signal: AbortSignal): Promise<Capture> {
  const chunks: CaptureChunk[] = [];
  for await (const { us, bytes } of input.chunks(signal)) chunks.push({ us, bytes });
  return { header: input.header ?? { ssemble: 'capture', version: 1 }, chunks, end: input.ending() };
}

/** How long patterns of the user may take, and as much again for each MB. */
const PATIENCE_MS = 5000;

/**
 * Does the work, which nothing in the language can interrupt: a regular expression that never ends would not even hear
 * Ctrl-C. The runtime can, in code that runs under its watch. `undefined`: Ctrl-C.
 *
 * @throws UsageError if patterns of the user take too long; InputError for a body that cannot be searched
 */
function limited<T>({ options }: Call, { chunks }: Capture, work: () => T): T | undefined {
  const isCustom = options.texts('pattern').length > 0;
  const timeout = Math.ceil(PATIENCE_MS * (1 + chunks.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1e6));
  try {
    return runInNewContext('work()', { work }, { breakOnSigint: true, ...(isCustom && { timeout }) }) as T;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED') return undefined;
    if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
      throw new UsageError(
        `--pattern takes too long: ${Math.round(timeout / 1000)} s were not enough`,
        'Give its repetitions a limit, such as {0,100}, and put something fixed between them; or use --word.',
      );
    }
    if (error instanceof ProtocolError) throw new InputError(error.message, { cause: error });
    throw error;
  }
}

async function isSame(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map((path) => realpath(path).catch(() => resolve(path))));
  return first === second;
}

function bytesOf(chunks: readonly CaptureChunk[]): Uint8Array {
  return Buffer.concat(chunks.map(({ bytes }) => bytes));
}

/** As it is into a pipe or a file; a terminal gets it with its control characters made visible. */
async function write({ out }: Call, output: string | undefined, bytes: Uint8Array): Promise<void> {
  if (output === undefined) {
    if (out.sink.isTTY) out.write(new TextDecoder().decode(bytes));
    await out.flush();
    if (!out.sink.isTTY) out.sink.writeBytes(bytes);
    await out.sink.drained();
    return;
  }
  try {
    await writeFile(output, bytes);
  } catch (cause) {
    throw new InputError(`Cannot write ${output}: ${(cause as Error).message}`, { cause });
  }
}

function tellCounts({ out, err, options }: Call, counts: readonly RedactionCount[], output: string | undefined): void {
  if (options.has('json')) out.write(`${jsonText({ output, redacted: counts })}\n`);
  const list = counts.map(({ pattern, count }) => (count === 1 ? pattern : `${pattern} ×${groupDigits(count)}`));
  err.write(counts.length === 0 ? 'Nothing found to remove.\n' : `Removed: ${list.join(', ')}.\n`);
  err.write('Look at the result before you publish it.\n', 'dim');
}

function patternsOf(options: Options): RedactionPattern[] {
  const only = options.text('only');
  const names = only === 'none' ? [] : only === undefined ? undefined : namesOf(only);
  const also = namesOf(options.text('also') ?? '');
  const builtIn = REDACTION_PATTERNS.filter(({ name, optional }) =>
    also.includes(name) ? true : (names?.includes(name) ?? optional !== true),
  );
  const custom = options.texts('pattern').map((source, i) => made(() => customPattern(source, `pattern-${i + 1}`)));
  const words = options.texts('word').map((text, i) => made(() => wordPattern(text, `word-${i + 1}`)));
  return [...builtIn, ...custom, ...words];
}

function namesOf(list: string): string[] {
  const known = REDACTION_PATTERNS.map(({ name }) => name);
  const names = list.split(',').map((name) => name.trim());
  return names
    .filter((name) => name !== '')
    .map((name) => {
      if (known.includes(name)) return name;
      throw new UsageError(
        `There is no pattern \`${name}\``,
        didYouMean(nearest(name, known), `They are ${known.join(', ')}.`),
      );
    });
}

function made(make: () => RedactionPattern): RedactionPattern {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message, 'Write it another way, or use --word for a plain text.');
  }
}

function listPatterns({ out, options }: Call): number {
  if (options.has('json')) {
    const list = REDACTION_PATTERNS.map(({ name, what, optional }) => ({ name, what, optional: optional === true }));
    out.write(`${jsonText(list, 2)}\n`);
    return CLEAN;
  }
  const widest = Math.max(...REDACTION_PATTERNS.map(({ name }) => name.length));
  for (const { name, what, optional } of REDACTION_PATTERNS) {
    out
      .write(name.padEnd(widest), 'bold')
      .write(`  ${what}${optional === true ? ' (only if asked for with --also)' : ''}\n`);
  }
  return CLEAN;
}
