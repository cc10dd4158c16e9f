/** argv and a world → exit code. Nothing here touches `process`: `main.ts` hands it in, a test may hand in something else. */

import type { Request } from './args.ts';
import { parseCommandLine } from './args.ts';
import type { Call, Command } from './command.ts';
import { COMMANDS } from './commands.ts';
import { CLEAN, INPUT_OUTPUT, USAGE } from './exit.ts';
import { helpText } from './help.ts';
import { InputError } from './input.ts';
import { Ink, wantsColor } from './terminal.ts';
import { UsageError } from './usage.ts';
import type { World } from './world.ts';

export type { World } from './world.ts';

/**
 * Runs one command line. Gives the exit code: 0 clean, 1 findings, 2 usage, 3 input or output, 4 a stream did not
 * complete, 130 interrupted. A reader of standard output that goes away ends it quietly with 0.
 */
export async function run(argv: readonly string[], world: World): Promise<number> {
  const out = new Ink(world.stdout, wantsColor(world.stdout, world.env));
  const err = new Ink(world.stderr, wantsColor(world.stderr, world.env));
  const code = await explained(() => dispatch(argv, world, out, err), err);
  await out.close();
  await err.close();
  return world.stdout.closed ? CLEAN : code;
}

/** What the person did wrong, and what the system refused, in a line each. */
async function explained(work: () => Promise<number>, err: Ink): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UsageError) {
      err.write('ssemble: ', 'bold').write(`${error.message}. ${error.hint}\n`);
      return USAGE;
    }
    if (error instanceof InputError) {
      err.write('ssemble: ', 'bold').write(`${error.message}\n`);
      return INPUT_OUTPUT;
    }
    throw error;
  }
}

async function dispatch(argv: readonly string[], world: World, out: Ink, err: Ink): Promise<number> {
  const request = parseCommandLine(argv);
  if (request.kind === 'version') out.write(`${world.version}\n`);
  else if (request.kind === 'help') out.write(helpText(request.command));
  else if (hasNothingToRead(request, world)) return nothingToRead(request.command, err);
  else return request.command.run(callOf(request, world, out, err));
  return CLEAN;
}

function callOf({ words, rest, options }: Request & { kind: 'run' }, world: World, out: Ink, err: Ink): Call {
  return { words, rest, options, world, commands: COMMANDS.map((command) => command.name), out, err };
}

function hasNothingToRead({ command, words, rest }: Request & { kind: 'run' }, world: World): boolean {
  return command.readsInput && words.length === 0 && rest === undefined && world.stdin.isTTY;
}

function nothingToRead(command: Command, err: Ink): number {
  err.write('ssemble: ', 'bold').write('Nothing to read: name a file, or pipe a stream into it.\n\n');
  err.write(helpText(command === COMMANDS[0] ? undefined : command));
  return USAGE;
}
