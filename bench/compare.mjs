/**
 * What clients make of streams: `node bench/compare.mjs --help`.
 *
 * Every fixture (bytes and golden) is given to every client as a `Response` through its own door for a `fetch`, once
 * with one event a chunk and once byte by byte. The clients are in compare/clients.mjs, the rules in compare/rules.mjs.
 * All of them, ours too, go through the same lines here.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import size from './cases/size.mjs';
import { Server } from './clients.mjs';
import { cut } from './inputs.mjs';
import { CLIENTS } from './compare/clients.mjs';
import { needsOf } from './compare/needs.mjs';
import { judge, RIGHT, VERDICTS } from './compare/rules.mjs';

const HELP = `Usage: node bench/compare.mjs [options]

  --list CLIENT   names the fixtures that this client does not get right, and what it did (any part of its name)
  --client WORDS  only clients whose name holds this
  --json          the results as JSON
  --save          writes bench/results/compare.json (all clients, with --needs)
  --needs         tries which globals each client cannot do without (half a minute)
  --show          prints the tables of the saved results instead of measuring
  --help          this`;

const SETS = { messages: 'what the API sends', hostile: 'broken connections, proxies, other servers' };
const CHUNKINGS = ['event', '1 B'];
const TIMEOUT_MS = 5000;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const SAVED = here('results/compare.json');
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

const flag = { type: 'boolean', default: false };
const { values: options } = parseArgs({
  options: {
    list: { type: 'string' },
    client: { type: 'string', default: '' },
    json: flag,
    save: flag,
    needs: flag,
    show: flag,
    help: flag,
  },
});

async function main() {
  if (options.help) return print(HELP);
  if (options.show) return printTables(readJson(SAVED));
  if (!existsSync(here('../dist/index.js'))) return fail('There is no ../dist: run `npm run build` first.');
  if (!existsSync(here('node_modules'))) return fail('The peers are not installed: run `npm ci --prefix bench` first.');
  const names = Object.keys(CLIENTS).filter((name) => options.save || name.includes(options.list ?? options.client));
  if (names.length === 0) return fail(`No client has this in its name. There are: ${Object.keys(CLIENTS).join(', ')}`);
  // A client's own noise is not ours to print, and a promise that it forgot must not end the comparison.
  for (const method of ['log', 'warn', 'error', 'info', 'debug']) console[method] = () => undefined;
  process.on('unhandledRejection', () => undefined);
  const fixtures = Object.keys(SETS).flatMap(fixturesOf);
  const clients = {};
  for (const name of names) clients[name] = await examine(name, fixtures);
  if (options.list !== undefined) return printLists(clients);
  const results = { clients, sets: countSets(fixtures) };
  if (options.save) writeFileSync(SAVED, `${JSON.stringify(sortKeys(results, ['notes']), null, 2)}\n`);
  if (options.json) print(JSON.stringify(sortKeys(results, []), null, 2));
  else printTables(results);
}

// Running

function fixturesOf(set) {
  const folder = here(`../fixtures/${set}`);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sse'))
    .sort()
    .map((file) => {
      const name = file.slice(0, -'.sse'.length);
      const [message, expect] = ['message', 'expect'].map((kind) => readJson(`${folder}/${name}.${kind}.json`));
      return { set, name, message, expect, bytes: new Uint8Array(readFileSync(`${folder}/${file}`)) };
    });
}

/** One client, all fixtures. */
async function examine(name, fixtures) {
  process.stderr.write(`${name}\n`);
  const client = CLIENTS[name];
  const server = new Server();
  const ask = await client.load(server);
  const verdicts = { hostile: {}, messages: {} };
  const notes = { hostile: {}, messages: {} };
  const uneven = [];
  for (const fixture of fixtures) {
    const tries = [];
    for (const chunking of CHUNKINGS) tries.push(await tryOnce(ask, server, fixture, chunking));
    const worst = tries.reduce((a, b) => (rank(b.verdict) > rank(a.verdict) ? b : a));
    if (tries.some(({ verdict }) => verdict !== worst.verdict)) uneven.push(fixture.name);
    verdicts[fixture.set][fixture.name] = worst.verdict;
    notes[fixture.set][fixture.name] = worst.note;
  }
  return {
    bytes: (await size.measure({ code: client.code })).value,
    ...(options.needs || options.save ? { needs: needsOf(name).join(' ') || 'nothing' } : {}),
    notes,
    reports: client.reports,
    uneven: uneven.join(' '),
    verdicts,
    versions: versionsOf(client),
  };
}

const rank = (verdict) => Object.keys(VERDICTS).indexOf(verdict);

async function tryOnce(ask, server, fixture, chunking) {
  server.chunks = cut(fixture.bytes, chunking);
  const tools = (fixture.message?.content ?? [])
    .filter(({ type }) => type === 'tool_use')
    .map(({ name }) => name ?? '');
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, TIMEOUT_MS, { hung: true })));
  const answer = Promise.resolve()
    .then(() => ask(tools))
    .catch((failed) => ({ failed }));
  const result = await Promise.race([answer, late]);
  clearTimeout(timer);
  return { verdict: judge(fixture, result), note: noteOf(result) };
}

/** What a client did, in one line. */
function noteOf(result) {
  if (result.hung) return '';
  const { failed, text, calls, doubt } = result;
  const line = 'failed' in result ? String(failed?.message ?? failed) : JSON.stringify({ text, calls, doubt });
  return line.replace(/\s+/g, ' ').slice(0, 160);
}

function versionsOf({ packages = [] }) {
  return Object.fromEntries(
    packages.map((name) => [name, readJson(here(`node_modules/${name}/package.json`)).version]),
  );
}

function countSets(fixtures) {
  const count = (set) => fixtures.filter((fixture) => fixture.set === set).length;
  return Object.fromEntries(Object.keys(SETS).map((set) => [set, count(set)]));
}

// Printing

function printTables({ clients: found, sets }) {
  // In the order of the table of clients: the saved results are sorted by name.
  const clients = Object.fromEntries(
    Object.keys(CLIENTS).flatMap((name) => (name in found ? [[name, found[name]]] : [])),
  );
  for (const [set, what] of Object.entries(SETS)) {
    print(`\n${set}: ${what}, ${sets[set]} streams\n`);
    const columns = ['right', 'read', 'reported', 'wrong', 'silent', 'refused', 'hangs'];
    const rows = Object.entries(clients).map(([name, { verdicts }]) => {
      const all = Object.values(verdicts[set]);
      const count = (...which) => String(all.filter((verdict) => which.includes(verdict)).length);
      return [name, count(...RIGHT), ...columns.slice(1).map((column) => count(column))];
    });
    printRows([['', ...columns], ...rows]);
  }
  print('\nright = read + reported');
  for (const [verdict, meaning] of Object.entries(VERDICTS)) print(`${verdict}: ${meaning}`);
  print('\nSize (minified, gzip) and the globals without which a client does not read a stream\n');
  printRows([
    ['', 'kB', 'versions', 'needs'],
    ...Object.entries(clients).map(([name, { bytes, needs, versions }]) => [
      name,
      (bytes / 1000).toFixed(1),
      Object.entries(versions)
        .map(([of, version]) => `${of} ${version}`)
        .join(', '),
      needs ?? 'not tried (--needs)',
    ]),
  ]);
  for (const [name, { uneven }] of Object.entries(clients))
    if (uneven !== '') print(`\n${name} depends on the chunks: ${uneven}`);
}

function printLists(clients) {
  for (const [name, { verdicts, notes }] of Object.entries(clients)) {
    print(`\n${name}`);
    for (const set of Object.keys(SETS))
      for (const [fixture, verdict] of Object.entries(verdicts[set]))
        if (!RIGHT.includes(verdict)) print(`  ${verdict.padEnd(8)} ${set}/${fixture}: ${notes[set][fixture]}`);
  }
}

/** Columns as wide as they must be: words to the left, numbers to the right. */
function printRows(rows) {
  const widths = rows[0].map((_, k) => Math.max(...rows.map((row) => row[k].length)));
  const isNumber = (k) => rows.slice(1).every((row) => /^[\d.]+$/.test(row[k]));
  for (const row of rows) {
    const cells = row.map((cell, k) => (isNumber(k) ? cell.padStart(widths[k]) : cell.padEnd(widths[k])));
    print(cells.join('  ').trimEnd());
  }
}

function sortKeys(value, without) {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value).filter((key) => !without.includes(key));
  return Object.fromEntries(keys.sort().map((key) => [key, sortKeys(value[key], without)]));
}

function print(text) {
  process.stdout.write(`${text}\n`);
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exitCode = 2;
}

await main();
// A client that hangs may keep timers.
process.stdout.write('', () => process.exit());
