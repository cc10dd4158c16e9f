/**
 * The load benchmark: `node bench/load.mjs --help`. Many streams at once, from one server process to one client process, over
 * real sockets on loopback.
 *
 * The server sends each stream up to the hold; there all of them wait for each other, and the client's memory is weighed. Then
 * they go on, round after round, one write for each stream, at a pace that every client keeps up with; the CPU time that the
 * client needs for some of these rounds, divided by the events, is the figure. One variant per process, rounds interleaved, as in
 * `run.mjs`.
 */

import { execFileSync, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { prose } from '../fixtures/generator/prose.mjs';
import { Stream } from '../fixtures/generator/stream.mjs';
import { eventsOf, payloadsOf } from './inputs.mjs';
import { VARIANTS } from './load/variants.mjs';
import { report } from './report.mjs';
import { attempt, Query } from './stats.mjs';

const HELP = `Usage: node bench/load.mjs [options]

  --streams N,N      how many at once (default 1000,5000)
  --per-write N,N    events in each write of the server (default 1,5)
  --variants WORDS   only variants whose name holds one of these, with a comma between them
  --rounds N         rounds of each variant (default 3)
  --rate N           events a second, over all streams (default 15000; 0: as fast as the server can)
  --only WHAT        'time' or 'weigh' alone
  --check            exit 1 if a goal that was measured is not met
  --json             results as JSON on stdout instead of tables
  --help             this
Progress goes to stderr.`;

const { values: options } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000,5000' },
    'per-write': { type: 'string', default: '1,5' },
    variants: { type: 'string', default: '' },
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '15000' },
    only: { type: 'string' },
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const note = (text) => process.stderr.write(text);
const numbers = (text) => text.split(',').map(Number);

/** Behind how many events a stream waits until all are open. */
const HOLD = 40;
/** How many events are timed, over all streams, and how many each stream gets at least; a few more follow to the end. */
const TIMED = 60_000;
const TIMED_EACH = 30;
const REST = 20;
/** How many streams a client reads before it is measured, a few at a time. */
const WARM = { time: 600, weigh: 100 };
const MOST_MINUTES = 5;

const SDK = '@anthropic-ai/sdk stream().finalMessage()';
const BY_STREAM = 'eventsource-parser, as a stream over fetch';
const BY_HAND = 'eventsource-parser, fed by hand from fetch';

async function main() {
  if (!existsSync(here('../dist/transport/undici.js'))) return fail('There is no ../dist: run `npm run build` first.');
  if (!existsSync(here('node_modules'))) return fail('The peers are not installed: run `npm ci --prefix bench` first.');
  const most = Math.max(...numbers(options.streams));
  // Each process has a socket for each stream, and a few files of its own.
  const files = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).replace('unlimited', 'Infinity'));
  if (files < most + 100) {
    return fail(
      `${most} streams need ${most + 100} open files, ${files} are allowed: run \`ulimit -n ${most + 100}\`.`,
    );
  }
  const folder = mkdtempSync(join(tmpdir(), 'ssemble-load-'));
  // A copy: a build that runs meanwhile must not get into the middle of it. It finds its peer undici where the bench has it.
  cpSync(here('../dist'), join(folder, 'dist'), { recursive: true });
  cpSync(here('../package.json'), join(folder, 'package.json'));
  symlinkSync(here('node_modules'), join(folder, 'node_modules'));
  process.env.SSEMBLE_DIST ??= pathToFileURL(join(folder, 'dist/')).href;
  try {
    const { results, wrong } = await measure();
    console.log(options.json ? JSON.stringify(results, undefined, 1) : report(results));
    const missed = Object.values(results.questions).some(({ goals }) => goals.some(({ met }) => met === false));
    return wrong || (options.check && missed) ? 1 : 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function fail(message) {
  note(`${message}\n`);
  return 2;
}

async function measure() {
  const words = options.variants.split(',').filter((word) => word !== '');
  const names = Object.keys(VARIANTS).filter((name) => words.length === 0 || words.some((word) => name.includes(word)));
  const rounds = Number(options.rounds);
  const [cpu, memory] = [[], []];
  let wrong = false;
  for (const streams of numbers(options.streams)) {
    for (const perWrite of numbers(options['per-write'])) {
      const modes = ['time', 'weigh'].filter((mode) => mode === (options.only ?? mode));
      for (const mode of modes) {
        // What is held in memory does not depend on how the bytes were cut.
        if (mode === 'weigh' && perWrite !== numbers(options['per-write'])[0]) continue;
        const cell = {
          input: `${streams.toLocaleString('en')} streams`,
          chunking: perWrite === 1 ? 'each event in a write of its own' : `${perWrite} events a write`,
          variants: Object.fromEntries(names.map((name) => [name, { rounds: [] }])),
        };
        (mode === 'time' ? cpu : memory).push(cell);
        for (let round = 0; round < rounds; round += 1) {
          for (const name of names) {
            if (cell.variants[name].note !== undefined) continue;
            note(`\r\u001b[K${cell.input}, ${cell.chunking}, ${mode}: round ${round + 1} of ${rounds}, ${name} `);
            try {
              const { value, parts } = await once(name, streams, perWrite, mode);
              cell.variants[name].rounds.push(value);
              (cell.variants[name].parts ??= []).push(parts);
            } catch (error) {
              wrong = true;
              cell.variants[name].note = 'failed';
              note(`\n${error.message}\n`);
            }
          }
        }
      }
    }
  }
  note('\r\u001b[K');
  const questions = {
    ...(cpu.length > 0 && { time: judged(TIME, cpu) }),
    ...(memory.length > 0 && { weigh: judged(WEIGH, memory) }),
  };
  return {
    results: { ...about(), settings: { short: false, rounds, ms: roundMs(), rate: Number(options.rate) }, questions },
    wrong,
  };
}

const TIME = {
  title: 'CPU of the client under load',
  unit: 'event; a µs here is a CPU second for a million events',
  parts: ['events a read', 'ms to open and end one'],
  goals: (cells) =>
    cells.flatMap((cell) =>
      ['ssemble/undici', 'ssemble/fetch'].map((name) => ({
        text: `${name} against the SDK's helper, ${cell.input}, ${cell.chunking}`,
        limit: 3,
        of: (q) => q.ratio(cell, SDK, name),
      })),
    ),
};

const WEIGH = {
  title: 'Memory of the client for each open stream',
  unit: 'open stream',
  suffix: 'B',
  parts: ['kB heap + external'],
  goals: (cells) =>
    cells.flatMap((cell) =>
      ['ssemble/undici', 'ssemble/fetch'].flatMap((name) =>
        [SDK, BY_STREAM, BY_HAND].map((peer) => ({
          text: `${peer} against ${name}, ${cell.input}`,
          limit: 1,
          of: (q) => q.ratio(cell, peer, name),
        })),
      ),
    ),
};

function judged({ goals, ...question }, cells) {
  const query = new Query(cells);
  return {
    ...question,
    cells,
    goals: goals(cells).map(({ text, limit, of }) => {
      const value = attempt(() => of(query));
      return { text, limit, atMost: false, value, met: value === undefined ? undefined : value >= limit };
    }),
  };
}

/** The stream that every client gets, as the writes of the server. */
function script(streams, perWrite) {
  const timed = Math.max(TIMED_EACH, Math.ceil(TIMED / streams));
  const stream = new Stream('bench load', true);
  stream.open();
  stream.text(prose(stream.random, Math.ceil((HOLD + timed + REST) / 4)));
  stream.close();
  const bytes = stream.wire.bytes();
  const events = eventsOf(bytes).map((event) => Buffer.from(event).toString());
  const parts = payloadsOf(bytes).map((data) => JSON.parse(data));
  const text = parts.map(({ delta }) => delta?.text ?? '').join('');
  const hold = Math.floor(HOLD / perWrite);
  const pause = hold + Math.floor(timed / perWrite);
  const writes = [];
  for (let at = 0; at < events.length; at += perWrite) writes.push(events.slice(at, at + perWrite).join(''));
  if (writes.length <= pause) throw new Error(`The stream has ${events.length} events, that is too few`);
  return { writes, hold, pause, events: (pause - hold) * perWrite, text };
}

/** One run: a server, a client, and their figures. */
async function once(variant, streams, perWrite, mode) {
  const { writes, hold, pause, events, text } = script(streams, perWrite);
  // Nothing is timed when memory is weighed.
  const rate = mode === 'weigh' ? 0 : Number(options.rate);
  const server = start('load/server.mjs');
  server.send({ writes, hold, pause, streams, perWrite, rate });
  const { port } = await Promise.race([server.told('listening'), server.died]);
  const client = start(
    'load/client.mjs',
    [JSON.stringify({ variant, mode, streams, port, warm: WARM[mode] })],
    mode === 'weigh' ? ['--expose-gc'] : [],
  );
  for (const type of ['held', 'paused']) server.pass(type, client);
  for (const type of ['go', 'finish']) client.pass(type, server);
  try {
    const said = await Promise.race([client.told('done'), server.died, client.died, late(variant)]);
    const expected = VARIANTS[variant].floor === true ? undefined : hashOf(text);
    if (said.texts.length !== 1 || (said.texts[0] ?? undefined) !== expected) {
      throw new Error(`${variant} read ${said.texts.length} different texts, or another than was sent`);
    }
    const timed = streams * events;
    if (mode === 'time') {
      const perRead = said.reads === 0 ? undefined : timed / said.reads;
      return { value: round6((said.cpuUs * 1000) / timed), parts: [perRead, said.aroundUs / streams / 1000] };
    }
    const { before, open } = said;
    const per = (key) => (open[key] - before[key]) / streams;
    return { value: round6(per('rss')), parts: [per('heap') / 1000] };
  } finally {
    client.end();
    server.end();
  }
}

/** A process of ours that talks. */
function start(file, args = [], flags = []) {
  const child = fork(here(file), args, {
    execArgv: flags,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const told = (type) =>
    new Promise((resolve) => child.on('message', (message) => message.type === type && resolve(message)));
  let err = '';
  child.stderr.on('data', (data) => (err += data));
  let ending = false;
  const died = new Promise((_, reject) => {
    child.on('close', (code) => {
      if (!ending) reject(new Error(`${file} has ended with ${code}: ${err.trim().slice(-1500)}`));
    });
  });
  died.catch(() => {});
  const end = () => {
    ending = true;
    child.kill();
  };
  const send = (message) => child.connected && child.send(message);
  /** Passes on what it says to another. */
  const pass = (type, other) => void told(type).then(other.send);
  return { told, pass, died, end, send };
}

function late(variant) {
  return new Promise((_, reject) => {
    const failLate = () => reject(new Error(`${variant} was not ready within ${MOST_MINUTES} minutes`));
    setTimeout(failLate, MOST_MINUTES * 60_000).unref();
  });
}

function hashOf(text) {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function round6(value) {
  return Number(value.toPrecision(6));
}

/** About how long the events of a round are timed. */
function roundMs() {
  const rate = Number(options.rate);
  return rate === 0 ? 0 : Math.round((TIMED / rate) * 1000);
}

function about() {
  const git = (...args) => execFileSync('git', args, { cwd: here('.'), encoding: 'utf8' }).trim();
  let commit = 'unknown';
  try {
    commit = git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', '../src') ? ' and changes' : '');
  } catch {
    // No git, or no repository: an unpacked archive can be measured too.
  }
  const [{ model } = {}] = cpus();
  const memoryGB = Math.round(totalmem() / 1e9);
  return {
    commit,
    runtime: { name: 'node', version: process.versions.node },
    machine: { cpu: model ?? 'unknown', cores: cpus().length, memoryGB, os: `${type()} ${release().split('-')[0]}` },
  };
}

if (options.help) console.log(HELP);
else process.exitCode = await main();
