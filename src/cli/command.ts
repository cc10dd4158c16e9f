/** What a command is. The table of all of them is `commands.ts`; arguments, help and hints are read from it. */

import type { Ink } from './terminal.ts';
import type { World } from './world.ts';

/** One option of a command. */
export interface Option {
  name: string;
  short?: string;
  /** What stands for its value in the help, such as `FILE`; an option without one (and without `choices`) is a switch. */
  value?: string;
  /** The values it takes, where they are few. */
  choices?: readonly string[];
  /** It may be given several times. */
  many?: true;
  summary: string;
}

/** One command. */
export interface Command {
  name: string;
  /** One line, without a full stop. */
  summary: string;
  /** What follows the name, such as `[options] [file…]`. */
  usage: string;
  /** What goes where, for `--help`. */
  about: readonly string[];
  options: readonly Option[];
  /** Command lines and what each is for; the first stands in the help of the whole program. */
  examples: readonly (readonly [line: string, what: string])[];
  /** It reads standard input if no file is named; then a terminal on standard input is answered with the help. */
  readsInput: boolean;
  /** What stands behind `--` is a command to run, not file names. */
  takesCommand?: true;
  /**
   * Does the work.
   *
   * @returns the exit code, see `exit.ts`
   * @throws UsageError for a value that makes no sense
   * @throws InputError for what cannot be read or written
   */
  run(call: Call): Promise<number>;
}

/** One call of a command. */
export interface Call {
  /** File names and other words, in order. */
  words: readonly string[];
  /** What stood behind `--`; `undefined` if there was none. */
  rest: readonly string[] | undefined;
  options: Options;
  world: World;
  /** The names of all commands, for hints. */
  commands: readonly string[];
  out: Ink;
  err: Ink;
}

/** The options of one call. Their values were checked against `choices`. */
export interface Options {
  has(name: string): boolean;
  /** The last value given. */
  text(name: string): string | undefined;
  /** All values given, in order. */
  texts(name: string): readonly string[];
  /**
   * The last value as a number.
   *
   * @throws UsageError if it is no number from `least` (default 0) up, or no whole one where `whole` is asked for
   */
  number(name: string, limits?: { least?: number; whole?: boolean }): number | undefined;
}
