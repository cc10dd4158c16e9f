/** The commands that read one stream after the other and show what came: open, feed, tell how it ended. */

import { AbortError, ConnectionError } from '../errors.ts';
import type { Call, Options } from './command.ts';
import { CLEAN, FINDINGS, heaviest, INCOMPLETE, INPUT_OUTPUT, INTERRUPTED } from './exit.ts';
import type { Input } from './input.ts';
import { endingError, InputError, openOrTell } from './input.ts';
import type { Job, Verdict } from './reading.ts';
import { isWhole, printFailures } from './summary.ts';
import { type Ink, oneLine } from './terminal.ts';

/** What is particular to one of these commands. */
export interface Manner {
  /** Begins to read one input. `title` is its name, where there are several. */
  start: (out: Ink, options: Options, title: string | undefined) => Job;
  /** Whether the name of each input stands over what was printed of it, where there are several. */
  title: 'unless-json' | 'never';
  /** Say nothing on standard error but that the input broke. */
  quiet?: boolean;
  /** Tell how to print what came of a cut message. Default: yes. */
  offerPartial?: boolean;
}

/** Reads every input of the call; gives the exit code. */
export async function readStreams(call: Call, manner: Manner): Promise<number> {
  const { words, world } = call;
  const files = words.length === 0 ? ['-'] : words;
  const codes: number[] = [CLEAN];
  for (const file of files) {
    if (world.stdout.closed || world.interrupt.aborted) break;
    codes.push(...(await readOne(file, files.length > 1 ? file : undefined, call, manner)));
  }
  if (world.interrupt.aborted) codes.push(INTERRUPTED);
  return heaviest(codes);
}

/** Reads one input; gives the codes that apply. */
async function readOne(file: string, title: string | undefined, call: Call, manner: Manner): Promise<number[]> {
  const { world, out, err, options } = call;
  const input = await openOrTell(file, call);
  if (input === undefined) return [INPUT_OUTPUT];
  if (title !== undefined && manner.title === 'unless-json' && !options.has('json')) {
    out.write(`${out.empty ? '' : '\n'}==> ${oneLine(title)} <==\n`, 'bold');
  }
  const job = manner.start(out, options, title);
  const { failure, broken } = await feed(job, input, call);
  const verdict = job.end(failure, input.endMs());
  await out.flush();
  // A reader that went away wants to hear nothing more.
  if (!world.stdout.closed && manner.quiet !== true) tellVerdict(err, verdict, title, manner.offerPartial ?? true);
  const codes: number[] = [];
  if (broken) {
    err.write('ssemble: ', 'bold').write(`${(failure as Error).message}\n`);
    codes.push(INPUT_OUTPUT);
  }
  await err.flush();
  if (!isWhole(verdict)) codes.push(INCOMPLETE);
  const failOn = options.text('fail-on') === 'warning' ? 'warning' : 'error';
  if (verdict.reading.tally.reaches(failOn)) codes.push(FINDINGS);
  return codes;
}

/** Findings, failure, and a last word, under the name of the input where there are several. */
function tellVerdict(err: Ink, verdict: Verdict, title: string | undefined, offerPartial: boolean): void {
  const { reading, note } = verdict;
  const hasNews = !isWhole(verdict) || reading.tally.reaches('info');
  if (title !== undefined && hasNews) err.write(`${oneLine(title)}:\n`, 'bold');
  reading.tally.print(err);
  printFailures(err, verdict, offerPartial);
  if (note !== undefined) err.write(`${note}\n`);
}

/**
 * Reads until the end and shows what came after each piece. Gives the reason if it was not the plain end; `broken`: the
 * input itself could not be read on.
 */
async function feed(
  job: Job,
  input: Input,
  { world, out }: Call,
): Promise<{ failure: Error | undefined; broken: boolean }> {
  try {
    for await (const { bytes, us } of input.chunks(world.interrupt)) {
      const goesOn = job.push(bytes, us === undefined ? undefined : us / 1000);
      await out.flush();
      if (!goesOn || world.stdout.closed) break;
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { failure: new ConnectionError(error.message, { cause: error }), broken: true };
  }
  const failure = world.interrupt.aborted ? new AbortError('Interrupted') : endingError(input.ending());
  return { failure, broken: false };
}
