/**
 * argv → what to do. The commands are data (`commands.ts`): parsing, help, and the "did you mean" hints all read the same
 * table, so that none of them can promise what the others do not know.
 */

import { parseArgs } from 'node:util';
import type { Command, Option, Options } from './command.ts';
import { COMMANDS } from './commands.ts';
import { didYouMean, nearest, UsageError } from './usage.ts';

/** What the person asked for. */
export type Request =
  | {
      kind: 'run';
      command: Command;
      words: readonly string[];
      rest: readonly string[] | undefined;
      options: Options;
    }
  | { kind: 'help'; command: Command | undefined }
  | { kind: 'version' };

/** What every command takes. */
export const COMMON: readonly Option[] = [
  { name: 'help', short: 'h', summary: 'print this help' },
  { name: 'version', short: 'v', summary: 'print the version' },
];

/**
 * Reads the arguments after the program's name.
 *
 * @throws UsageError for an option or a value that does not exist.
 */
export function parseCommandLine(argv: readonly string[]): Request {
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  const rest = end < 0 ? undefined : argv.slice(end + 1);
  const first = firstWord(own);
  if (first === 'help') return { kind: 'help', command: helpTopic(own[own.indexOf('help') + 1]) };
  const named = COMMANDS.find((command) => command.name === first);
  const command = named ?? COMMANDS[0];
  const { tokens } = parseArgs({
    args: [...own],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: parseArgsOptions(command.options),
  });
  const given = new Given();
  let wish: Request | undefined;
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = findOption(command, token.rawName, token.name);
    checkValue(option, token.value);
    if (option.name === 'help') wish ??= { kind: 'help', command: named };
    else if (option.name === 'version') wish ??= { kind: 'version' };
    else given.add(option, token.value);
  }
  if (wish !== undefined) return wish;
  const all = tokens.filter((token) => token.kind === 'positional').map((token) => token.value);
  // What stands behind `--` is a file name even if it looks like an option; only `record` runs it as a command.
  const behind = command.takesCommand === true ? [] : (rest ?? []);
  const words = [...(named === undefined ? all : all.slice(1)), ...behind];
  if (words.filter((word) => word === '-').length > 1) {
    throw new UsageError('Cannot read standard input twice', 'Give `-` only once.');
  }
  return { kind: 'run', command, words, rest, options: given };
}

/** The command must be known before its options are; so here an option takes a value if it does in any command. */
function firstWord(argv: readonly string[]): string | undefined {
  const all = COMMANDS.flatMap((command) => command.options);
  const options = [...all.filter((option) => !takesValue(option)), ...all.filter(takesValue)];
  const { positionals } = parseArgs({ args: [...argv], strict: false, options: parseArgsOptions(options) });
  return positionals[0];
}

/** The options of one call, as given. */
class Given implements Options {
  readonly #values = new Map<string, string[]>();

  add(option: Option, value: string | undefined): void {
    const values = this.#values.get(option.name) ?? [];
    if (value !== undefined) values.push(value);
    this.#values.set(option.name, values);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  texts(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  number(name: string, { least = 0, whole = false }: { least?: number; whole?: boolean } = {}): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^[+-]?\d+(?:\.\d+)?$/.test(text) ? Number(text) : NaN;
    if (value >= least && (!whole || Number.isSafeInteger(value))) return value;
    throw new UsageError(`--${name} cannot be "${text}"`, `Give a ${whole ? 'whole ' : ''}number from ${least} up.`);
  }
}

function helpTopic(word: string | undefined): Command | undefined {
  if (word === undefined || word === 'help') return undefined;
  const command = COMMANDS.find((one) => one.name === word);
  if (command !== undefined) return command;
  const names = COMMANDS.map((one) => one.name);
  throw new UsageError(
    `No command is called "${word}"`,
    didYouMean(nearest(word, names), `There are ${names.join(', ')}.`),
  );
}

function takesValue(option: Option): boolean {
  return option.value !== undefined || option.choices !== undefined;
}

/** As Node wants them; the later of two with the same name wins. */
function parseArgsOptions(options: readonly Option[]): Record<string, { type: 'string' | 'boolean'; short?: string }> {
  const known: Record<string, { type: 'string' | 'boolean'; short?: string }> = {};
  for (const option of [...COMMON, ...options]) {
    const type = takesValue(option) ? 'string' : 'boolean';
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
    const all = owners.length > 1 ? `${owners.slice(0, -1).join(', ')} and ${owners.at(-1) as string}` : owners[0];
    throw new UsageError(`\`${command.name}\` has no option ${typed}`, `It belongs to ${all}.`);
  }
  const near = nearest(
    name,
    available.map((one) => one.name),
  );
  const suggestion = near === undefined ? undefined : `--${near}`;
  throw new UsageError(`There is no option ${typed}`, didYouMean(suggestion, `See \`ssemble help ${command.name}\`.`));
}

function checkValue(option: Option, value: string | undefined): void {
  if (!takesValue(option)) {
    if (value !== undefined) throw new UsageError(`--${option.name} takes no value`, `Leave out "${value}".`);
    return;
  }
  const choices = option.choices;
  if (value === undefined) {
    const what =
      choices === undefined ? `Give --${option.name} ${option.value}.` : `Choose one of: ${choices.join(', ')}.`;
    throw new UsageError(`--${option.name} needs a value`, what);
  }
  if (choices !== undefined && !choices.includes(value)) {
    throw new UsageError(`--${option.name} cannot be "${value}"`, `Choose one of: ${choices.join(', ')}.`);
  }
}
