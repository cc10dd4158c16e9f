#!/usr/bin/env node
/**
 * Runs the portable suite in every runtime that can be had, and prints what each has shown. `--only ID` runs one, `--require`
 * fails if one cannot be had (for CI), `--save` keeps the result in `results.json`, from which the README's table is made, and
 * `--check` fails if what that file says no longer holds. Exit code 1 if anything fails.
 */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildSuite } from './build.mjs';
import { HERE } from './result.mjs';
import { BROWSERS } from './runners/browser.mjs';
import { PROCESSES } from './runners/process.mjs';
import { SANDBOXES } from './runners/sandbox.mjs';
import { WORKERD } from './runners/workerd.mjs';

/** @type {import('./result.mjs').Runner[]} */
export const RUNNERS = [...PROCESSES, WORKERD, ...BROWSERS, ...SANDBOXES];

const SAVED = join(HERE, 'results.json');

/**
 * @typedef {object} Row
 * @property {string} id
 * @property {string} title
 * @property {string} version
 * @property {number} cases
 * @property {number} checks
 * @property {number} failures
 * @property {[what: string, holds: boolean | string][]} shown
 */

const { values } = parseArgs({
  options: {
    check: { type: 'boolean' },
    only: { type: 'string', multiple: true },
    require: { type: 'boolean' },
    save: { type: 'boolean' },
  },
});

/**
 * @param {import('./result.mjs').Runner} runner
 * @param {import('./build.mjs').Built} built
 * @returns {Promise<Row | undefined>} nothing if it cannot be had, or broke
 */
async function runOne({ id, title, run }, built) {
  try {
    const { version, tally, shown } = await run(built);
    const { cases, checks, failures, told } = tally;
    const besides = shown.map(([what, holds]) => `${what} ${typeof holds === 'string' ? holds : holds ? 'yes' : 'NO'}`);
    console.log(`${title} ${version}: ${checks} checks, ${failures} failures; ${besides.join(', ')}`);
    for (const line of told) console.log(`  ${line}`);
    return { id, title, version, cases, checks, failures, shown };
  } catch (error) {
    console.log(`${title}: FAILED: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** One line for each runtime, in columns. @param {Row[]} table @returns {void} */
function printTable(table) {
  const cells = table.map(({ title, version, cases, checks, failures }) => [
    title,
    version,
    `${cases} cases`,
    `${checks} checks`,
    `${failures} failures`,
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(0, ...cells.map((row) => row[column]?.length ?? 0)));
  console.log('');
  for (const row of cells)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

/** What of a row must stay as it was saved: versions and figures may change. @param {Row} row @returns {string} */
function promiseOf({ id, cases, checks, failures, shown }) {
  return JSON.stringify([
    id,
    cases,
    checks,
    failures,
    shown.map(([what, holds]) => [what, typeof holds === 'string' || holds]),
  ]);
}

const built = await buildSuite();
const chosen = RUNNERS.filter(({ id }) => values.only === undefined || values.only.includes(id));
/** @type {Row[]} */
const rows = [];
let failed = false;
for (const runner of chosen) {
  const missing = runner.missing();
  const row = missing === undefined ? await runOne(runner, built) : undefined;
  if (missing !== undefined) console.log(`${runner.title}: skipped, it is not here (${missing})`);
  if (row !== undefined) rows.push(row);
  failed ||= row === undefined ? missing === undefined || values.require === true : row.failures > 0;
  failed ||= row?.shown.some(([, holds]) => holds === false) === true;
}
rmSync(built.folder, { recursive: true, force: true });
printTable(rows);
if (values.save === true) writeFileSync(SAVED, `${JSON.stringify(rows, undefined, 2)}\n`);
if (values.check === true) {
  const saved = new Map(
    /** @type {Row[]} */ (JSON.parse(readFileSync(SAVED, 'utf8'))).map((row) => [row.id, promiseOf(row)]),
  );
  const stale = rows.filter((row) => saved.get(row.id) !== promiseOf(row)).map(({ title }) => title);
  if (stale.length > 0) {
    console.log(
      `results.json is stale for ${stale.join(', ')}: run \`npm run test:runtimes -- --save\`, then UPDATE_README=1`,
    );
    failed = true;
  }
}
process.exit(failed ? 1 : 0);
