/** `ssemble lint`: which rules a stream breaks, where, and what that does to its readers. */

import { AbortError, ConnectionError } from '../../errors.ts';
import type { Severity } from '../../lint/finding.ts';
import { reaches, type FormatName, type FormatRun, type ReportData } from '../../lint/formats/format.ts';
import { FORMATS } from '../../lint/formats/index.ts';
import { reportObject } from '../../lint/formats/json.ts';
import { Linter } from '../../lint/linter.ts';
import { PROFILES } from '../../lint/profiles.ts';
import type { ProfileName } from '../../lint/finding.ts';
import { RULES, ruleOf } from '../../lint/rules.ts';
import type { Call, Command, Options } from '../command.ts';
import { CLEAN, FINDINGS, heaviest, INCOMPLETE, INPUT_OUTPUT, INTERRUPTED } from '../exit.ts';
import { STREAM_FILES } from '../file-list.ts';
import { endingError, type Input, InputError, openFile, openOrTell } from '../input.ts';
import { overMany, subjectOf } from '../many.ts';
import { printRules } from '../rule-text.ts';
import { jsonText, oneLine } from '../terminal.ts';
import { didYouMean, nearest, UsageError } from '../usage.ts';

/**
 * What comes through a pipe and is over within this time counts as a saved stream (`cat answer.sse | …`): its times tell how
 * fast the pipe is. A choice, not a measurement: a network and a model together are hardly ever done so soon.
 */
const INSTANT_MS = 500;

const FAIL_ON = ['error', 'warning', 'never'] as const;

/** The command. */
export const LINT: Command = {
  name: 'lint',
  summary: 'print which rules of the protocol a stream breaks, where, and what that does to clients',
  usage: '[options] [file or folder…]',
  about: [
    'Reads saved bodies, captures, folders of them, a live stream, or a list of paths on standard input (JSON lines; then',
    'with --json each stream gives a line). Findings go to standard output.',
    'Profiles:',
    ...Object.values(PROFILES).map(({ name, summary }) => `  ${name}: ${summary}`),
    'Formats:',
    ...Object.values(FORMATS).map(({ name, summary }) => `  ${name}: ${summary}`),
  ],
  options: [
    {
      name: 'format',
      value: 'NAME',
      choices: Object.keys(FORMATS),
      summary: 'how findings are written (default: text)',
    },
    { name: 'json', summary: 'the same as --format json' },
    {
      name: 'profile',
      value: 'NAME',
      choices: Object.keys(PROFILES),
      summary: 'who is to read the stream (default: strict)',
    },
    { name: 'from-middle', summary: 'the input begins in the middle of a stream: say nothing about its beginning' },
    {
      name: 'fail-on',
      choices: FAIL_ON,
      summary: 'exit 1 if there is a finding at least this bad (default: error); never: 0, whatever is found',
    },
    { name: 'ignore', value: 'RULE', many: true, summary: 'do not report a rule; may be given several times' },
    { name: 'rules', summary: 'list every rule, read nothing' },
    { name: 'jobs', value: 'N', summary: 'for many files: work with so many threads (default: one for each core)' },
  ],
  examples: [
    ['ssemble lint answer.sse', 'say what is wrong with a stream, to be pasted into an issue'],
    ['curl -sN https://… | ssemble lint --profile claude-code', 'does this stream work in Claude Code?'],
    ['ssemble lint --format sarif captures/ > lint.sarif', 'a folder, for code scanning'],
  ],
  // `--rules` reads none, so the command itself sees to it that there is something to read.
  readsInput: false,
  run: lint,
};

/** How a stream is linted; plain data, so that a worker thread can be told. */
export interface LintSettings {
  profile: ProfileName;
  fromMiddle: boolean;
  ignore: readonly string[];
}

async function lint(call: Call): Promise<number> {
  const { options, world, out } = call;
  if (options.has('rules')) return listRules(call);
  if (call.words.length === 0 && world.stdin.isTTY) {
    throw new UsageError('Nothing to read', 'Name a file or a folder, or pipe a stream into it.');
  }
  const settings = settingsOf(options);
  const failOn = (options.text('fail-on') ?? 'error') as Severity | 'never';
  const began = world.now();
  const subject = await subjectOf(call);
  const name = formatOf(options);
  const lines = subject.kind === 'many' && subject.listed && name === 'json';
  const width = world.stdout.isTTY ? { width: out.width } : {};
  const run = lines ? jsonLines() : FORMATS[name].start({ ...width, failOn, version: world.version });
  const codes = new Set<number>([CLEAN]);
  const take = async (report: ReportData): Promise<void> => {
    for (const code of codesOf(report, failOn)) codes.add(code);
    // What machines read holds the name as it is; a person's line must stay one line.
    out.write(
      run.report(name === 'text' && report.name !== undefined ? { ...report, name: oneLine(report.name) } : report),
    );
    await out.flush();
  };
  if (subject.kind === 'one') await readHere(call, subject.name, settings, began, take, codes);
  else {
    const work = { work: 'lint', settings, endings: STREAM_FILES } as const;
    for await (const { path, result, error } of overMany<ReportData>(call, subject, work)) {
      if (result === undefined) {
        codes.add(INPUT_OUTPUT);
        // Whoever reads lines counts on one for each path.
        if (lines) out.write(`${jsonText({ name: path, error })}\n`);
        await tell(call, error ?? `Cannot lint ${path}`);
      } else await take(result);
    }
  }
  out.write(run.end());
  await out.flush();
  if (world.interrupt.aborted) codes.add(INTERRUPTED);
  return heaviest([...codes]);
}

/** A stream that is read here, live if it is. */
async function readHere(
  call: Call,
  name: string,
  settings: LintSettings,
  began: number,
  take: (report: ReportData) => Promise<void>,
  codes: Set<number>,
): Promise<void> {
  const input = await openOrTell(name, call);
  if (input === undefined) {
    codes.add(INPUT_OUTPUT);
    return;
  }
  const { report, failure } = await lintInput(input, name, settings, call.world.interrupt);
  const instant = input.live && input.header === undefined && call.world.now() - began < INSTANT_MS;
  // Of what could not be read at all there is nothing to say.
  if (failure === undefined || report.bytes > 0) await take(instant ? untimed(report) : report);
  if (failure === undefined) return;
  codes.add(INPUT_OUTPUT);
  await tell(call, failure.message);
}

async function tell({ err, world }: Call, message: string): Promise<void> {
  if (world.stdout.closed) return;
  err.write('ssemble: ', 'bold').write(`${message}\n`);
  await err.flush();
}

/**
 * Lints one file: work that can be done in any thread.
 *
 * @throws InputError if it cannot be read
 */
export async function lintFile(path: string, settings: unknown): Promise<ReportData> {
  const input = await openFile(path);
  const { report, failure } = await lintInput(input, path, settings as LintSettings, new AbortController().signal);
  if (failure !== undefined) throw failure;
  return report;
}

/** Reads to the end. `failure`: the input could not be read on; what came before is in the report. */
async function lintInput(
  input: Input,
  name: string,
  settings: LintSettings,
  signal: AbortSignal,
): Promise<{ report: ReportData; failure?: InputError }> {
  // What the times mean is in the header of a capture, and that is known with the first chunk.
  const begin = (): Linter =>
    new Linter({ ...settings, ...(name === '-' ? {} : { name }), clock: input.header?.clock });
  let begun: Linter | undefined;
  let failure: InputError | undefined;
  try {
    for await (const { bytes, us } of input.chunks(signal)) (begun ??= begin()).push(bytes, us);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    failure = error;
  }
  const endMs = input.endMs();
  const report = (begun ?? begin()).end(
    reasonOf(input, failure, signal),
    endMs === undefined ? undefined : Math.round(endMs * 1000),
  );
  const data = reportObject({ ...report, capture: input.header !== undefined });
  return failure === undefined ? { report: data } : { report: data, failure };
}

/** The report without times, and without what was found by them. */
function untimed(report: ReportData): ReportData {
  const isTiming = (id: string): boolean => ruleOf(id)?.group === 'timing';
  const counts = { ...report.counts };
  for (const { rule, severity } of report.findings) if (isTiming(rule)) counts[severity]--;
  const findings = report.findings
    .filter(({ rule }) => !isTiming(rule))
    .map(({ at: { us: _us, ...at }, ...finding }) => ({ ...finding, at }));
  return { ...report, counts, findings };
}

function reasonOf(input: Input, failure: InputError | undefined, signal: AbortSignal): Error | undefined {
  if (failure !== undefined) return new ConnectionError(failure.message, { cause: failure });
  return signal.aborted ? new AbortError('Interrupted') : endingError(input.ending());
}

function codesOf({ counts, outcome }: ReportData, failOn: Severity | 'never'): number[] {
  // A job queue takes any other code for a job to do again.
  if (failOn === 'never') return [];
  const found = (['error', 'warning', 'info'] as const).some((one) => counts[one] > 0 && reaches(one, failOn));
  return [...(outcome.status === 'complete' ? [] : [INCOMPLETE]), ...(found ? [FINDINGS] : [])];
}

function settingsOf(options: Options): LintSettings {
  const ignore = options.texts('ignore').flatMap((list) => list.split(',').map((id) => id.trim()));
  for (const id of ignore) {
    if (ruleOf(id) !== undefined) continue;
    const ids = RULES.map((rule) => rule.id);
    throw new UsageError(
      `There is no rule \`${id}\``,
      didYouMean(nearest(id, ids), '`ssemble lint --rules` lists them.'),
    );
  }
  const profile = (options.text('profile') ?? 'strict') as ProfileName;
  return { profile, fromMiddle: options.has('from-middle'), ignore };
}

function formatOf(options: Options): FormatName {
  const name = options.text('format') as FormatName | undefined;
  if (options.has('json') && name !== undefined && name !== 'json') {
    throw new UsageError(`--json and --format ${name} do not go together`, 'Leave one of them out.');
  }
  return options.has('json') ? 'json' : (name ?? 'text');
}

/** One line for each stream: for programs that spread a list of paths over many machines. */
function jsonLines(): FormatRun {
  return { report: (report) => `${jsonText(reportObject(report))}\n`, end: () => '' };
}

async function listRules({ out, options }: Call): Promise<number> {
  if (formatOf(options) === 'json') out.write(`${jsonText(RULES, 2)}\n`);
  else printRules(out);
  await out.flush();
  return CLEAN;
}
