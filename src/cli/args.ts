/**
 * argv → what to do. The commands are data: parsing, help, and the "did you mean" hints all read the same table, so that
 * none of them can promise what the others do not know.
 */

import { parseArgs } from 'node:util';

/** The commands that exist. */
export type CommandName = 'view' | 'events' | 'message';

/** What the options of a run came to. */
export interface Flags {
  json: boolean;
  partial: boolean;
  all: boolean;
  compact: boolean;
  /** The least severity that makes the exit code 1. */
  failOn: 'error' | 'warning';
}

/** What the person asked for. */
export type Request =
  | { kind: 'run'; command: CommandName; files: readonly string[]; flags: Flags }
  | { kind: 'help'; command: CommandName | undefined }
  | { kind: 'version' };

/** The command line itself is wrong: exit code 2. `hint` says what to type instead. */
export class UsageError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = 'UsageError';
    this.hint = hint;
  }
}

interface Option {
  name: string;
  short?: string;
  /** The values it takes; without them it is a switch. */
  values?: readonly string[];
  summary: string;
}

interface Command {
  name: CommandName;
  summary: string;
  /** What goes where, for `--help`. */
  about: readonly string[];
  options: readonly Option[];
  examples: readonly (readonly [string, string])[];
}

const COMMON: readonly Option[] = [
  {
    name: 'fail-on',
    values: ['error', 'warning'],
    summary: 'exit 1 if there is a finding at least this bad (default: error)',
  },
  { name: 'help', short: 'h', summary: 'print this help' },
  { name: 'version', short: 'v', summary: 'print the version' },
];

const VIEW: Command = {
  name: 'view',
  summary: 'print the message while it builds, then a summary (the default)',
  about: [
    'Standard output has the message and the summary line: model, stop reason, usage, times when the input is live,',
    'and how many findings. Standard error has the findings, each with its place, and why a stream failed.',
    'Control characters in the text are shown as \\x1b; `message` prints it unchanged.',
  ],
  options: [{ name: 'json', summary: 'print one line of JSON: message, blocks, outcome, diagnostics' }],
  examples: [
    ['curl -sN https://… | ssemble', 'watch a live stream'],
    ['ssemble answer.sse', 'read a saved one'],
    ['ssemble view --json answer.sse | jq .outcome', 'how it ended, for programs'],
  ],
};

/** Every command, in the order in which help lists them. The first is the default. */
export const COMMANDS: readonly Command[] = [
  VIEW,
  {
    name: 'events',
    summary: 'print one line per event: number, +ms, gap, bytes, type, index, preview',
    about: [
      'Times are those of the network piece that brought the event; they are `-` for files, which have none.',
      'Bytes are those of the whole event, from its first field to its blank line.',
    ],
    options: [{ name: 'json', summary: 'print one JSON object a line, with the event whole' }],
    examples: [
      ['ssemble events answer.sse', 'list the events'],
      ['curl -sN https://… | ssemble events', 'with the time of each'],
      ['ssemble events --json answer.sse | jq -r .type | sort | uniq -c', 'count them by type'],
    ],
  },
  {
    name: 'message',
    summary: 'print the final Message as JSON',
    about: [
      'A stream that did not complete prints nothing and exits with 4, so that a cut answer is never taken for a whole one.',
      'If a stream has several messages, the last one is printed.',
    ],
    options: [
      { name: 'partial', summary: 'print it even if the stream did not complete' },
      { name: 'all', summary: 'print every message of the stream, one line of JSON each' },
      { name: 'compact', summary: 'print on one line' },
      { name: 'json', summary: 'accepted as everywhere; the output is JSON anyway' },
    ],
    examples: [
      ['ssemble message answer.sse', 'what the non-streaming API would have returned'],
      ["ssemble message answer.sse | jq -r '.content[].text // empty'", 'only the text'],
      ['ssemble message --partial cut.sse', 'what came of a broken stream'],
    ],
  },
];

const EXIT_CODES: readonly string[] = [
  '0 clean · 1 findings (see --fail-on) · 2 wrong usage · 3 cannot read or write',
  '4 a stream did not complete · 130 interrupted. The first of 2, 3, 4, 1 that applies.',
];

/**
 * Reads the arguments after the program's name.
 *
 * @throws UsageError for an option or a value that does not exist.
 */
export function parseCommandLine(argv: readonly string[]): Request {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: parseArgsOptions(),
  });
  const words = tokens.filter((token) => token.kind === 'positional').map((token) => token.value);
  const given = tokens.filter((token) => token.kind === 'option');
  const first = words[0];

  if (first === 'help') return { kind: 'help', command: helpTopic(words[1]) };
  const named = COMMANDS.find((command) => command.name === first);
  const command = named ?? VIEW;
  const flags: Flags = { json: false, partial: false, all: false, compact: false, failOn: 'error' };
  let wish: Request | undefined;
  for (const { rawName, name, value } of given) {
    const option = findOption(command, rawName, name);
    checkValue(option, value);
    if (option.name === 'help') wish ??= { kind: 'help', command: named?.name };
    else if (option.name === 'version') wish ??= { kind: 'version' };
    else if (option.name === 'fail-on') flags.failOn = value as Flags['failOn'];
    else flags[option.name as 'json' | 'partial' | 'all' | 'compact'] = true;
  }
  if (wish !== undefined) return wish;
  const files = named === undefined ? words : words.slice(1);
  if (files.filter((file) => file === '-').length > 1) {
    throw new UsageError('Cannot read standard input twice', 'Give `-` only once.');
  }
  return { kind: 'run', command: command.name, files, flags };
}

/** The help page: of the whole program, or of one command. It ends with a line end. */
export function helpText(topic: CommandName | undefined): string {
  const command = COMMANDS.find((one) => one.name === topic);
  return command === undefined ? programHelp() : commandHelp(command);
}

/** The word of `words` that `typed` most likely was meant to be, if any is near. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  const ranked = words.map((word) => ({ word, distance: editDistance(typed, word) }));
  ranked.sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.word.length / 3)) ? best.word : undefined;
}

function programHelp(): string {
  return page([
    ['Examples', COMMANDS.map((command) => command.examples[0] as readonly [string, string])],
    [
      'Usage',
      ['ssemble [command] [file…]', 'A file is the saved body of a stream; `-`, or none, is standard input, live.'],
    ],
    ['Commands', COMMANDS.map((command) => [command.name, command.summary] as const)],
    ['Options', [...COMMON.map(optionRow), ['--json', 'machine-readable output, for every command']]],
    ['Exit codes', EXIT_CODES],
    ['More', ['ssemble help <command>. Colours follow NO_COLOR and FORCE_COLOR. No command here opens a connection.']],
  ]);
}

function commandHelp(command: Command): string {
  return page([
    ['Examples', command.examples],
    ['Usage', [`ssemble ${command.name} [options] [file…]`, `${capital(command.summary)}.`, ...command.about]],
    ['Options', [...command.options, ...COMMON].map(optionRow)],
    ['Exit codes', EXIT_CODES],
  ]);
}

type Row = string | readonly [string, string];

function page(sections: readonly (readonly [string, readonly Row[]])[]): string {
  return sections.map(([title, rows]) => `${title}\n${table(rows)}`).join('\n');
}

function table(rows: readonly Row[]): string {
  const width = Math.max(0, ...rows.map((row) => (typeof row === 'string' ? 0 : row[0].length)));
  return rows.map((row) => `  ${typeof row === 'string' ? row : `${row[0].padEnd(width)}  ${row[1]}`}\n`).join('');
}

function optionRow(option: Option): readonly [string, string] {
  const value = option.values === undefined ? '' : ` ${option.values.join('|')}`;
  const short = option.short === undefined ? '' : `-${option.short}, `;
  return [`${short}--${option.name}${value}`, option.summary];
}

function helpTopic(word: string | undefined): CommandName | undefined {
  if (word === undefined || word === 'help') return undefined;
  const command = COMMANDS.find((one) => one.name === word);
  if (command !== undefined) return command.name;
  const names = COMMANDS.map((one) => one.name);
  throw new UsageError(
    `No command is called "${word}"`,
    didYouMean(nearest(word, names), `There are ${names.join(', ')}.`),
  );
}

/** All options of all commands: which option takes a value must be known before the command is. */
function parseArgsOptions(): Record<string, { type: 'string' | 'boolean'; short?: string }> {
  const known: Record<string, { type: 'string' | 'boolean'; short?: string }> = {};
  for (const option of [...COMMON, ...COMMANDS.flatMap((command) => command.options)]) {
    const type = option.values === undefined ? 'boolean' : 'string';
    known[option.name] = option.short === undefined ? { type } : { type, short: option.short };
  }
  return known;
}

function findOption(command: Command, typed: string, name: string): Option {
  const available = [...command.options, ...COMMON];
  const option = available.find((one) => one.name === name);
  if (option !== undefined) return option;
  const owners = COMMANDS.filter((one) => one.options.some((own) => own.name === name)).map((one) => `\`${one.name}\``);
  if (owners.length > 0) {
    throw new UsageError(`\`${command.name}\` has no option ${typed}`, `It belongs to ${owners.join(' and ')}.`);
  }
  const near = nearest(
    name,
    available.map((one) => one.name),
  );
  const suggestion = near === undefined ? undefined : `--${near}`;
  throw new UsageError(`There is no option ${typed}`, didYouMean(suggestion, `See \`ssemble help ${command.name}\`.`));
}

function checkValue(option: Option, value: string | undefined): void {
  if (option.values === undefined) {
    if (value !== undefined) throw new UsageError(`--${option.name} takes no value`, `Leave out "${value}".`);
  } else if (value === undefined || !option.values.includes(value)) {
    const problem = value === undefined ? 'needs a value' : `cannot be "${value}"`;
    throw new UsageError(`--${option.name} ${problem}`, `Choose one of: ${option.values.join(', ')}.`);
  }
}

function didYouMean(suggestion: string | undefined, otherwise: string): string {
  return suggestion === undefined ? otherwise : `Did you mean \`${suggestion}\`?`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** How many letters to add, drop, change or swap with their neighbour (optimal string alignment). The words are short. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? (before[j - 2] as number) + 1 : Infinity;
      next.push(Math.min(change, swap, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] as number;
}
