/**
 * The bench: `node bench/run.mjs --help`.
 *
 * One variant per process, so that no variant's types or garbage reach another's compiled code. Rounds are interleaved
 * (A B C A B C …): a slow minute of the machine hits everybody. Before a cell is timed, every variant says what it found
 * in the input, and they must say the same.
 */

import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { hasCell, variantsOf } from './forms.mjs';
import { makeInput, pack, titleOf } from './inputs.mjs';
import { report } from './report.mjs';
import { attempt, Query } from './stats.mjs';

const HELP = `Usage: node bench/run.mjs [options]

  --filter WORDS     only this question, 'sse', or cells of it: 'sse/cjk', 'message/captures event'; may come again
  --variants WORDS   only variants whose name holds one of these (the first one, ssemble, always runs)
  --short            the short form: what the goals of an afternoon need, in under three minutes
  --goals            what every goal needs, with the peers of the short form: twenty minutes
  --rounds N         rounds of each variant (default 5; short: 2, goals: 3)
  --ms N             milliseconds of each round (default 300; short: 100)
  --captures DIR     real streams: every .sse file below it (default: shared/captures/raw beside this repository)
  --runtime NAME     node (the one that runs this; default), node24, bun, deno, or a path to one of them
  --profile          one round of ours and of the floors of the cells that --filter names, and the functions in which
                     the time of ours goes (Node only; --variants names another variant of ours, or a peer)
  --check            exit 1 if a goal that was measured is not met, nor, where it has one, its ceiling
  --json             results as JSON on stdout instead of tables
  --show FILE        prints the tables of a saved JSON instead of measuring
  --help             this
Progress goes to stderr.`;

const QUESTIONS = ['sse', 'events', 'message', 'iterate', 'tool-input', 'snapshot', 'linear', 'memory', 'size'];
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const { values: options } = parseArgs({
  options: {
    filter: { type: 'string', multiple: true, default: [] },
    variants: { type: 'string', default: '' },
    short: { type: 'boolean', default: false },
    goals: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    ms: { type: 'string' },
    captures: { type: 'string' },
    runtime: { type: 'string', default: 'node' },
    profile: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    show: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

/** Words of `--variants`. */
const ASKED = options.variants.split(',').filter((word) => word !== '');

const note = (text) => process.stderr.write(`${text}\n`);

async function main() {
  if (!existsSync(here('../dist/index.js'))) return fail('There is no ../dist: run `npm run build` first.');
  // The library alone needs no peers: its size is checked where only the root's packages are installed.
  if (options.variants !== 'ssemble' && !existsSync(here('node_modules')))
    return fail(
      'The peers are not installed: run `npm ci --prefix bench` first (or `--variants ssemble` for the library alone).',
    );
  const runtime = findRuntime(options.runtime);
  if (runtime === undefined) return fail(`${options.runtime} is not there: it is an optional package of bench.`);
  const { short, goals, profile } = options;
  if (profile && options.filter.length === 0)
    return fail('Which cells? --profile wants --filter, as in --profile --filter "sse/text:1000 event".');
  if (profile && runtime.kind !== 'node')
    return fail(
      `--profile reads V8's profiler through node:inspector: ${runtime.kind} cannot, use --runtime node or node24.`,
    );
  const settings = {
    short,
    goals,
    profile,
    rounds: Number(options.rounds ?? (profile ? 1 : short ? 2 : goals ? 3 : 5)),
    ms: Number(options.ms ?? (short ? 100 : 300)),
    warmMs: short ? 2000 : goals ? 2500 : 4000,
    profileMs: 2000,
  };
  const folder = mkdtempSync(join(tmpdir(), 'ssemble-bench-'));
  // A copy: a build that runs meanwhile must not get into the middle of it.
  // With package.json, whose `sideEffects` tells a bundler what it may leave out.
  cpSync(here('../dist'), join(folder, 'dist'), { recursive: true });
  cpSync(here('../package.json'), join(folder, 'package.json'));
  const bench = new Bench(runtime, settings, folder);
  try {
    const questions = {};
    for (const id of QUESTIONS) {
      if (!wanted(id)) continue;
      const { default: question } = await import(`./cases/${id}.mjs`);
      const done = await bench.ask(id, question);
      if (done.cells.length > 0) questions[id] = done;
      else note(`${id}: no cell of it was measured`);
    }
    const results = { ...about(runtime), settings, questions };
    console.log(options.json ? JSON.stringify(results, undefined, 1) : report(results));
    const missed = Object.values(questions).some(({ goals }) => goals.some(isMissed));
    return bench.wrong || (options.check && missed) ? 1 : 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A goal that is not reached yet may have a ceiling: what has been reached must not be lost again. */
function isMissed({ met, value, ceiling }) {
  return met === false && !(value <= ceiling);
}

function fail(message) {
  note(message);
  return 2;
}

/** A filter is `question` or `question/part of a cell's name`; a cell's name is its input and its chunking. */
function wanted(id, cellName) {
  if (options.filter.length === 0) return true;
  return options.filter.some((term) => {
    const [question, cell] = term.split('/');
    return question === id && (cellName === undefined || cell === undefined || cellName.includes(cell));
  });
}

function findRuntime(name) {
  const places = {
    node: [process.execPath],
    node24: [here('node_modules/node/bin/node')],
    bun: [here('node_modules/.bin/bun')],
    deno: [here('node_modules/.bin/deno'), 'run', '-A', '--quiet'],
  };
  const [command, ...args] = places[name] ?? [name];
  if (!existsSync(command)) return undefined;
  const version = attemptVersion(command);
  if (version === undefined) return undefined;
  const kind = /deno/.test(version) ? 'deno' : /^v/.test(version) ? 'node' : 'bun';
  return { kind, command, args, version: version.replace(/^(v|deno )/, '').split(' ')[0] };
}

function attemptVersion(command) {
  try {
    return execFileSync(command, ['--version'], { encoding: 'utf8' }).trim().split('\n')[0];
  } catch {
    return undefined;
  }
}

function about({ kind, version }) {
  const git = (...args) => execFileSync('git', args, { cwd: here('.'), encoding: 'utf8' }).trim();
  let commit = 'unknown';
  try {
    const changed = git('status', '--porcelain', '--', '../src', '../fixtures/generator').length > 0;
    commit = git('rev-parse', '--short', 'HEAD') + (changed ? ' and changes' : '');
  } catch {
    // No git, or no repository: an unpacked archive can be measured too.
  }
  return {
    commit,
    runtime: { name: kind, version },
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGB: Math.round(totalmem() / 1e9),
      os: `${type()} ${release().split('-')[0]}`,
    },
  };
}

class Bench {
  #runtime;
  #settings;
  #folder;
  #packs = new Map();
  /** Whether variants disagreed where they must not, or one of them broke. */
  wrong = false;

  constructor(runtime, settings, folder) {
    this.#runtime = runtime;
    this.#settings = settings;
    this.#folder = folder;
  }

  async ask(id, question) {
    const { title, unit, suffix, scale, parts } = question;
    const cells = [];
    for (const cell of question.cells) {
      const name = `${cell.input} ${cell.chunking}`;
      if (!hasCell(cell, this.#settings) || !wanted(id, name)) continue;
      const done = await this.#cell(id, question, cell);
      if (done !== undefined) cells.push(done);
    }
    const query = new Query(cells);
    const goals = this.#settings.profile ? [] : question.goals.map((goal) => this.#judge(goal, query));
    return { title, unit, ...(suffix && { suffix }), ...(scale && { scale }), ...(parts && { parts }), cells, goals };
  }

  #judge({ text, limit, atMost = false, ceiling, of }, query) {
    const found = attempt(() => of(query));
    const { value, where } = typeof found === 'object' ? found : { value: found };
    const { kind, version } = this.#runtime;
    if (limit === undefined) return { text, value };
    const bound =
      typeof limit === 'number' ? limit : limit[kind === 'node' && Number.parseInt(version, 10) < 24 ? 20 : 24];
    const met = value === undefined ? undefined : atMost ? value <= bound : value >= bound;
    return { text, limit: bound, atMost, value, where, met, ...(ceiling !== undefined && { ceiling }) };
  }

  async #cell(id, question, cell) {
    const label = `${id}: ${titleOf(cell.input)}${cell.chunking === '' ? '' : `, ${cell.chunking}`}`;
    const input = (cell.made ?? question.made) ? {} : this.#input(cell.input);
    if (input === undefined) {
      note(`${label}: no such folder of streams, left out`);
      return undefined;
    }
    const names = variantsOf(question, cell, this.#settings, this.#runtime.kind, ASKED);
    if (this.#settings.profile && question.suffix === 'B') {
      note(`${label}: bytes are weighed here, and no time is measured: there is nothing to profile`);
      return undefined;
    }
    const results = Object.fromEntries(names.map((name) => [name, { rounds: [] }]));
    const job = {
      question: id,
      weighs: question.weighs,
      ...cell,
      pack: input.file,
      clock: { warmMs: this.#settings.warmMs, ms: this.#settings.ms, profileMs: this.#settings.profileMs },
    };
    const agreed = input.file === undefined ? {} : await this.#check(label, question, job, names, results);
    if (agreed.only?.length === 0) return undefined;
    await this.#time(label, question, { ...job, only: agreed.only }, names, results);
    if (this.#settings.profile) await this.#profile(label, question, { ...job, only: agreed.only }, names, results);
    return {
      input: cell.input,
      chunking: cell.chunking,
      bodies: agreed.only?.length,
      leftOut: agreed.leftOut,
      variants: results,
    };
  }

  #input(spec) {
    if (!this.#packs.has(spec)) {
      const bodies = makeInput(spec, options);
      const file = join(this.#folder, `${spec.replace(':', '-')}.bin`);
      if (bodies !== undefined) pack(file, bodies);
      this.#packs.set(spec, bodies === undefined ? undefined : { file, names: bodies.map(({ name }) => name) });
    }
    return this.#packs.get(spec);
  }

  /** What all variants found, body by body. A generated body must be the same for all; of a folder, some are left out. */
  async #check(label, question, job, names, results) {
    if (question.claims === undefined) return {};
    const claims = {};
    for (const name of names) {
      if (question.variants[name].floor || question.unchecked?.(name, job)) continue;
      const said = await this.#child(job, name, { mode: 'check' });
      if (said.error !== undefined) this.#broke(label, name, said.error, results);
      else claims[name] = said.claims;
    }
    const sayers = Object.keys(claims);
    const bodies = Object.keys(claims[sayers[0]] ?? {});
    const leftOut = bodies.flatMap((body) => {
      const who = odd(Object.fromEntries(sayers.map((name) => [name, claims[name][body]])));
      return who === undefined ? [] : [{ body, who }];
    });
    const only = bodies.filter((body) => leftOut.every((left) => left.body !== body));
    if (leftOut.length > bodies.length / 3) {
      this.wrong = true;
      note(`${label}: the variants do not agree: ${JSON.stringify(leftOut.slice(0, 3))}`);
    }
    return { only, leftOut };
  }

  async #time(label, question, job, names, results) {
    const { rounds } = this.#settings;
    for (let round = 0; round < rounds; round += 1) {
      for (const name of names) {
        if (results[name].note !== undefined || round >= (question.rounds?.(name, job, this.#settings) ?? rounds))
          continue;
        process.stderr.write(`\r\u001b[K${label}: round ${round + 1} of ${rounds}, ${name} `);
        const { error, value, ns, parts, seconds, weights } = await this.#child(job, name, {
          mode: 'time',
          variant: name,
        });
        if (error !== undefined) this.#broke(label, name, error, results);
        else {
          results[name].rounds.push(round6(value ?? ns));
          // What is run once and cold: how long one waits for it.
          if (seconds !== undefined) results[name].seconds = round6(seconds);
          if (weights !== undefined) results[name].weights = weights;
          if (parts !== undefined) (results[name].parts ??= []).push(parts.map(round6));
        }
      }
    }
    process.stderr.write('\r\u001b[K');
  }

  async #profile(label, question, job, names, results) {
    for (const name of names) {
      if (question.variants[name].floor || results[name].note !== undefined) continue;
      process.stderr.write(`\r\u001b[K${label}: profile of ${name} `);
      const { error, profile } = await this.#child(job, name, { mode: 'profile' });
      if (error === undefined) results[name].profile = profile;
      else this.#broke(label, name, error, results);
    }
    process.stderr.write('\r\u001b[K');
  }

  #broke(label, name, error, results) {
    this.wrong = true;
    results[name].note = 'failed';
    note(`\n${label}, ${name}: ${error}`);
  }

  /** @returns {Promise<any>} the child's one line of JSON, or `{ error }` */
  #child(job, variant, more) {
    const { weighs } = job;
    const { kind, command, args } = this.#runtime;
    const flags = weighs ? { node: ['--expose-gc'], deno: [...args, '--v8-flags=--expose-gc'], bun: args }[kind] : args;
    const env = { ...process.env, SSEMBLE_DIST: pathToFileURL(join(this.#folder, 'dist/')).href };
    const child = spawn(command, [...flags, here('child.mjs'), JSON.stringify({ ...job, variant, ...more })], { env });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    return new Promise((resolve) => {
      child.on('close', (code) => {
        const line = out.trim().split('\n').at(-1);
        resolve(
          code === 0 && line.startsWith('{')
            ? JSON.parse(line)
            : { error: err.trim().slice(-1500) || `exit code ${code}` },
        );
      });
    });
  }
}

function round6(value) {
  return Number(value.toPrecision(6));
}

/** @returns {string | undefined} who disagrees: the one that stands alone, or all of them */
function odd(claims) {
  const names = Object.keys(claims);
  const failed = names.filter((name) => claims[name].failed !== undefined);
  if (failed.length > 0) return `${failed.join(', ')} failed`;
  const keys = [...new Set(names.flatMap((name) => Object.keys(claims[name])))];
  for (const key of keys) {
    const said = names.filter((name) => key in claims[name]);
    const groups = groupBy(said, (name) => claims[name][key]);
    if (groups.size === 1) continue;
    const alone = [...groups.values()].filter((group) => group.length === 1);
    if (said.length > 2 && alone.length === 1 && groups.size === 2) return `${alone[0][0]} has another ${key}`;
    return `${said.join(', ')} disagree on ${key}`;
  }
  return undefined;
}

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

if (options.help) console.log(HELP);
else if (options.show !== undefined) console.log(report(JSON.parse(readFileSync(options.show, 'utf8'))));
else process.exitCode = await main();
