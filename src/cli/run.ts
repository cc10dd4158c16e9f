/** argv and a world → exit code. Nothing here touches `process`: `main.ts` hands it in, a test may hand in something else. */

import { AbortError, ConnectionError } from '../errors.ts';
import type { CommandName, Flags, Request } from './args.ts';
import { helpText, nearest, COMMANDS, parseCommandLine, UsageError } from './args.ts';
import { startEvents } from './events.ts';
import type { Source, StandardInput } from './input.ts';
import { chunksOf, InputError, openSource } from './input.ts';
import { startMessage } from './message.ts';
import type { Job, Verdict } from './reading.ts';
import { isWhole, printFailures } from './summary.ts';
import type { Sink } from './terminal.ts';
import { Ink, wantsColor } from './terminal.ts';
import { startView } from './view.ts';

/** All of the world that the program may see. */
export interface World {
  stdin: StandardInput;
  stdout: Sink;
  stderr: Sink;
  env: Readonly<Record<string, string | undefined>>;
  version: string;
  /** Fires at Ctrl-C. */
  interrupt: AbortSignal;
  /** Milliseconds from any fixed moment; never goes back. */
  now: () => number;
}

const CLEAN = 0;
const FINDINGS = 1;
const USAGE = 2;
const INPUT_OUTPUT = 3;
const INCOMPLETE = 4;
const INTERRUPTED = 130;

/** The worst first. */
const BY_WEIGHT: readonly number[] = [INTERRUPTED, USAGE, INPUT_OUTPUT, INCOMPLETE, FINDINGS, CLEAN];

/**
 * Runs one command line. Gives the exit code: 0 clean, 1 findings, 2 usage, 3 input or output, 4 a stream did not
 * complete, 130 interrupted. A reader of standard output that goes away ends it quietly with 0.
 */
export async function run(argv: readonly string[], world: World): Promise<number> {
  const out = new Ink(world.stdout, wantsColor(world.stdout, world.env));
  const err = new Ink(world.stderr, wantsColor(world.stderr, world.env));
  const code = await dispatch(argv, world, out, err);
  await out.close();
  await err.close();
  return world.stdout.closed ? CLEAN : code;
}

async function dispatch(argv: readonly string[], world: World, out: Ink, err: Ink): Promise<number> {
  let request: Request;
  try {
    request = parseCommandLine(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    err.write('ssemble: ', 'bold').write(`${error.message}. ${error.hint}\n`);
    return USAGE;
  }
  if (request.kind === 'version') out.write(`${world.version}\n`);
  else if (request.kind === 'help') out.write(helpText(request.command));
  else if (request.files.length === 0 && world.stdin.isTTY) return nothingToRead(request.command, err);
  else return readAll(request, world, out, err);
  return CLEAN;
}

function nothingToRead(command: CommandName, err: Ink): number {
  err.write('ssemble: ', 'bold').write('Nothing to read: name a file, or pipe a stream into it.\n\n');
  err.write(helpText(command === 'view' ? undefined : command));
  return USAGE;
}

async function readAll(request: Request & { kind: 'run' }, world: World, out: Ink, err: Ink): Promise<number> {
  const files = request.files.length === 0 ? ['-'] : request.files;
  const codes: number[] = [CLEAN];
  for (const file of files) {
    if (world.stdout.closed || world.interrupt.aborted) break;
    const title = files.length > 1 ? file : undefined;
    codes.push(...(await readOne(file, title, request, world, out, err)));
  }
  if (world.interrupt.aborted) codes.push(INTERRUPTED);
  return BY_WEIGHT.find((code) => codes.includes(code)) as number;
}

/** Reads one input with the command; gives the codes that apply. `title` is its name, where there are several. */
async function readOne(
  file: string,
  title: string | undefined,
  { command, flags }: Request & { kind: 'run' },
  world: World,
  out: Ink,
  err: Ink,
): Promise<number[]> {
  const source = await openOrTell(file, world, err);
  if (source === undefined) return [INPUT_OUTPUT];
  if (title !== undefined && command !== 'message' && !flags.json) {
    out.write(`${out.empty ? '' : '\n'}==> ${title} <==\n`, 'bold');
  }
  const job = START[command](out, flags, title);
  const clock = stopwatch(source, world);
  const failure = await feed(job, source, clock, world, out);
  const verdict = job.end(failure, clock());
  await out.flush();
  // With `view --json` findings and failure are in the JSON. A reader that went away wants to hear nothing more.
  if (!world.stdout.closed && !(command === 'view' && flags.json)) tellVerdict(err, verdict, title, command);
  const codes: number[] = [];
  if (failure instanceof ConnectionError) {
    err.write('ssemble: ', 'bold').write(`${failure.message}\n`);
    codes.push(INPUT_OUTPUT);
  }
  await err.flush();
  if (!isWhole(verdict)) codes.push(INCOMPLETE);
  if (verdict.reading.tally.reaches(flags.failOn)) codes.push(FINDINGS);
  return codes;
}

const START: Readonly<Record<CommandName, (out: Ink, flags: Flags, title: string | undefined) => Job>> = {
  view: startView,
  events: startEvents,
  message: startMessage,
};

async function openOrTell(file: string, world: World, err: Ink): Promise<Source | undefined> {
  try {
    return await openSource(file, world.stdin);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    err.write('ssemble: ', 'bold').write(`${error.message}${commandHint(file)}\n`);
    await err.flush();
    return undefined;
  }
}

/** For a file that is not there and looks like a command. `ssemble view view` means a file of that name. */
function commandHint(file: string): string {
  const names: string[] = COMMANDS.map((command) => command.name);
  if (names.includes(file)) return '';
  const meant = nearest(file, names);
  if (meant !== undefined) return `; did you mean the command \`${meant}\`?`;
  return /^[a-z]+$/i.test(file) ? `; the commands are ${names.join(', ')}` : '';
}

/** Findings, failure, and a last word, under the name of the input where there are several. */
function tellVerdict(err: Ink, verdict: Verdict, title: string | undefined, command: CommandName): void {
  const { reading, note } = verdict;
  const hasNews = !isWhole(verdict) || reading.tally.reaches('info');
  if (title !== undefined && hasNews) err.write(`${title}:\n`, 'bold');
  reading.tally.print(err);
  // `message` prints what came, or says in its note how to get it.
  printFailures(err, verdict, command !== 'message');
  if (note !== undefined) err.write(`${note}\n`);
}

/** Reads until the end and shows what came after each piece. Gives the reason if it was not the plain end. */
async function feed(
  job: Job,
  source: Source,
  clock: () => number | undefined,
  world: World,
  out: Ink,
): Promise<Error | undefined> {
  try {
    for await (const chunk of chunksOf(source, world.interrupt)) {
      const goesOn = job.push(chunk, clock());
      await out.flush();
      if (!goesOn || world.stdout.closed) break;
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return new ConnectionError(error.message, { cause: error });
  }
  return world.interrupt.aborted ? new AbortError('Interrupted') : undefined;
}

/** Milliseconds since now, for a live source; a file has no times. */
function stopwatch(source: Source, world: World): () => number | undefined {
  if (!source.live) return () => undefined;
  const start = world.now();
  return () => world.now() - start;
}
