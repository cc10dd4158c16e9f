/** What a runner gives, and how the lines of the suite are read. */

import { fileURLToPath } from 'node:url';

export const HERE = fileURLToPath(new URL('./', import.meta.url));

/**
 * @typedef {object} Tally
 * @property {number} cases
 * @property {number} checks
 * @property {number} failures
 * @property {string[]} told - the lines that tell failures
 */

/**
 * @typedef {object} Result
 * @property {string} version
 * @property {Tally} tally
 * @property {[what: string, holds: boolean | string][]} shown - what the runtime showed besides the suite; a text is a figure
 */

/**
 * @typedef {object} Runner
 * @property {string} id
 * @property {string} title
 * @property {() => string | undefined} missing - how to get it, if it is not here
 * @property {(built: import('./build.mjs').Built) => Promise<Result>} run
 */

/**
 * Reads what the suite printed. A suite that did not come to its last line has failed.
 * @param {string} output
 * @returns {Tally}
 */
export function tallyOf(output) {
  const lines = output.split('\n').map((line) => line.trim());
  const last = /^# (\d+) cases, (\d+) checks, (\d+) failures$/m.exec(lines.join('\n'));
  const told = lines.filter((line) => line.startsWith('not ok'));
  if (last === null)
    throw new Error(`The suite did not come to its end; its last lines:\n${lines.slice(-5).join('\n')}`);
  const [cases = 0, checks = 0, failures = 0] = last.slice(1).map(Number);
  if (
    lines.filter((line) => line.startsWith('ok ')).length +
      new Set(told.map((line) => line.split(': ', 2).join())).size >
    cases
  ) {
    throw new Error('The suite told more cases than it counted');
  }
  return { cases, checks, failures, told };
}
