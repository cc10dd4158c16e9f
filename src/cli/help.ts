/** The help pages, made from the table of commands. */

import { COMMON } from './args.ts';
import type { Command, Option } from './command.ts';
import { COMMANDS } from './commands.ts';
import { EXIT_CODES } from './exit.ts';

/** Whose first example opens the help of the whole program. */
const SHOWN_FIRST: ReadonlySet<string> = new Set(['view', 'lint', 'record']);

/** The help page: of the whole program, or of one command. It ends with a line end. */
export function helpText(command: Command | undefined): string {
  return command === undefined ? programHelp() : commandHelp(command);
}

function programHelp(): string {
  const examples = COMMANDS.filter((command) => SHOWN_FIRST.has(command.name)).flatMap((command) =>
    command.examples.slice(0, 1),
  );
  return page([
    ['Examples', examples],
    [
      'Usage',
      [
        'ssemble [command] [file…]',
        'A file is the saved body of a stream, or a capture; `-`, or none, is standard input, live.',
      ],
    ],
    ['Commands', COMMANDS.map((command) => [command.name, command.summary] as const)],
    ['Options', [...COMMON.map(optionRow), ['--json', 'machine-readable output, for every command']]],
    ['Exit codes', EXIT_CODES],
    [
      'More',
      [
        'ssemble help <command>. Colours follow NO_COLOR and FORCE_COLOR.',
        'No command opens a connection but `record` and `replay --serve`, and those only on this machine unless told.',
      ],
    ],
  ]);
}

function commandHelp(command: Command): string {
  return page([
    ['Examples', command.examples],
    ['Usage', [`ssemble ${command.name} ${command.usage}`, `${capital(command.summary)}.`, ...command.about]],
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
  const value = option.choices?.join('|') ?? option.value;
  const short = option.short === undefined ? '' : `-${option.short}, `;
  return [`${short}--${option.name}${value === undefined ? '' : ` ${value}`}`, option.summary];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
