#!/usr/bin/env node
/**
 * Compiles the users in test/package/consumer against the packed package, by every TypeScript that we promise, in every
 * module resolution, and in four worlds: the language alone, the DOM's types, Node's, and both. The compiler checks our
 * declarations too (`skipLibCheck` is off).
 *
 * Before it, `attw` (are the types wrong?) looks at the same tarball as each resolution does.
 *
 * Needs `npm ci --prefix test/package`. `--tarball FILE` takes a tarball that is there; `--only 5.5` runs one compiler.
 * Exit code 1 if anything does not compile.
 */

import { spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, run, unpack, withPackage } from './packed.mjs';

const CONSUMER = join(ROOT, 'test/package');
const COMPILERS = ['5.5', '5.6', '5.9', '6.0', '7.0'];

/** The resolution, and the kind of module that goes with it. */
const RESOLUTIONS = [
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
  ['bundler', 'preserve'],
];

/** What is known besides the package: libraries, type packages; and which users compile there. */
const WORLDS = [
  { name: 'language', lib: ['ES2022'], types: [], users: ['anywhere.ts'] },
  {
    name: 'DOM',
    lib: ['ES2022', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
    types: [],
    users: ['anywhere.ts', 'web.ts'],
  },
  { name: 'Node', lib: ['ES2022'], types: ['node'], users: ['anywhere.ts', 'web.ts', 'node.ts'] },
  {
    name: 'DOM, Node',
    lib: ['ES2022', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
    types: ['node'],
    users: ['anywhere.ts', 'web.ts', 'node.ts'],
  },
];

const { values } = parseArgs({ options: { tarball: { type: 'string' }, only: { type: 'string' } } });

if (!existsSync(join(CONSUMER, 'node_modules'))) {
  console.error(
    'Cannot compile the users: their compilers are not installed. Run `npm ci --prefix test/package` first.',
  );
  process.exit(1);
}

/** What a user's folder looks like: the package unpacked beside those that it may need. @param {string} folder @param {string} tarball */
function install(folder, tarball) {
  const modules = join(folder, 'node_modules');
  unpack(tarball, join(modules, 'ssemble'));
  for (const name of ['@types', 'undici', 'undici-types']) {
    const from = join(CONSUMER, 'node_modules', name);
    if (existsSync(from)) symlinkSync(from, join(modules, name));
  }
  cpSync(join(CONSUMER, 'consumer'), join(folder, 'consumer'), { recursive: true });
  rmSync(join(folder, 'consumer/tsconfig.json'));
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}\n');
}

/** What a compiler said, and where it said the same. @type {Map<string, string[]>} */
const problems = new Map();
await withPackage(values.tarball, async ({ tarball, folder }) => {
  install(folder, tarball);
  const attw = join(CONSUMER, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  run(process.execPath, [attw, tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji'], folder);
  console.log('attw: no problem in any entry');

  const jobs = COMPILERS.filter((version) => values.only === undefined || values.only === version).flatMap((version) =>
    RESOLUTIONS.flatMap(([resolution, module]) => WORLDS.map((world) => ({ version, resolution, module, world }))),
  );
  const results = new Map();
  const queue = [...jobs.entries()];
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [at, job] = next;
        results.set(job, await compile(join(folder, `tsconfig.${at}.json`), job, folder));
      }
    }),
  );
  print(jobs, results);
});
for (const [said, places] of problems) {
  const others = places.length > 1 ? ` and ${places.length - 1} more` : '';
  console.error(`\n${places[0]}${others}:\n${said}`);
}
process.exit(problems.size > 0 ? 1 : 0);

/** @typedef {{ version: string, resolution: string, module: string, world: (typeof WORLDS)[number] }} Job */

/** @param {string} project @param {Job} job @param {string} folder @returns {Promise<boolean>} */
function compile(project, { version, resolution, module, world }, folder) {
  const config = {
    compilerOptions: {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      verbatimModuleSyntax: true,
      noEmit: true,
      target: 'ES2022',
      lib: world.lib,
      types: world.types,
      module,
      moduleResolution: resolution,
      skipLibCheck: false,
    },
    files: world.users.map((name) => `consumer/${name}`),
  };
  writeFileSync(project, JSON.stringify(config));
  const compiler = join(CONSUMER, `node_modules/typescript-${version}/bin/tsc`);
  return new Promise((done) => {
    const child = spawn(process.execPath, [compiler, '-p', project, '--pretty', 'false'], { cwd: folder });
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    child.stderr.on('data', (chunk) => (said += chunk));
    child.on('close', (code) => {
      if (code !== 0) {
        const lines = said.trim().split('\n');
        const more = lines.length > 12 ? [`… and ${lines.length - 12} lines more`] : [];
        const text = [...lines.slice(0, 12), ...more].join('\n');
        const place = `TypeScript ${version}, ${resolution}, ${world.name}`;
        problems.set(text, [...(problems.get(text) ?? []), place]);
      }
      done(code === 0);
    });
  });
}

/** @param {Job[]} jobs @param {Map<Job, boolean>} results */
function print(jobs, results) {
  const rows = [['TypeScript', 'resolution', ...WORLDS.map(({ name }) => name)]];
  for (const version of new Set(jobs.map((job) => job.version))) {
    const { version: exact } = JSON.parse(
      readFileSync(join(CONSUMER, `node_modules/typescript-${version}/package.json`), 'utf8'),
    );
    for (const [resolution] of RESOLUTIONS) {
      const own = jobs.filter((job) => job.version === version && job.resolution === resolution);
      rows.push([exact, resolution ?? '', ...own.map((job) => (results.get(job) === true ? 'ok' : 'FAILED'))]);
    }
  }
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  for (const row of rows)
    console.log(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}
