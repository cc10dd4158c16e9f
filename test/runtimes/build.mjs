/**
 * Makes the portable suite: packs the package as it would be published, puts it beside the suite, and bundles both, with the
 * cases, into one file that needs nothing. Run by `run.mjs`; by hand it prints where the files are.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HERE = fileURLToPath(new URL('./', import.meta.url));

/**
 * @typedef {object} Built
 * @property {string} folder - where everything lies, with the unpacked package in its `node_modules`
 * @property {string} module - the suite as a module that exports `runSuite(print)`
 * @property {string} script - the suite as a script that sets the globals `suite` and `runSuite`
 */

/** @returns {Promise<Built>} */
export async function buildSuite() {
  const folder = mkdtempSync(join(tmpdir(), 'ssemble-runtimes-'));
  installTarball(folder);
  writeFileSync(join(folder, 'cases.json'), JSON.stringify(await collectCases(folder)));
  const [module, script] = [join(folder, 'suite.mjs'), join(folder, 'suite.js')];
  await bundleSuite(folder, module, 'esm', '');
  await bundleSuite(folder, script, 'iife', 'var runSuite = suite.runSuite;');
  return { folder, module, script };
}

/** `npm pack`, and what a user gets of it. @param {string} folder */
function installTarball(folder) {
  const packed = run('npm', ['pack', '--json', '--pack-destination', folder], ROOT);
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('[')));
  const target = join(folder, 'node_modules/ssemble');
  mkdirSync(target, { recursive: true });
  run('tar', ['-xzf', join(folder, filename), '-C', target, '--strip-components=1'], folder);
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}\n');
}

/** @param {string} command @param {string[]} args @param {string} cwd @returns {string} */
function run(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`);
  return stdout;
}

/**
 * @param {string} folder
 * @param {string} outfile
 * @param {'esm' | 'iife'} format
 * @param {string} footer
 */
async function bundleSuite(folder, outfile, format, footer) {
  await build({
    entryPoints: [join(HERE, 'suite/main.ts')],
    bundle: true,
    outfile,
    format,
    ...(format === 'iife' ? { globalName: 'suite', footer: { js: footer } } : {}),
    target: 'es2022',
    charset: 'ascii',
    logLevel: 'error',
    plugins: [
      {
        name: 'from the tarball',
        setup(bundler) {
          // Not what stands around the suite: a package may import itself by its name, and that would be `dist`.
          bundler.onResolve({ filter: /^ssemble(\/|$)/ }, ({ path, kind, pluginData }) =>
            pluginData === 'asked'
              ? undefined
              : bundler.resolve(path, { resolveDir: folder, kind, pluginData: 'asked' }),
          );
          bundler.onResolve({ filter: /^cases$/ }, () => ({ path: join(folder, 'cases.json') }));
        },
      },
    ],
  });
}

/** @param {string} folder @returns {Promise<import('./suite/cases.ts').Cases>} */
async function collectCases(folder) {
  const outfile = join(folder, 'tables.mjs');
  const contents = [
    `export { SSE_ROWS, bytesOf } from ${JSON.stringify(join(ROOT, 'test/support/sse-rows.ts'))};`,
    `export { ACCEPTED, REFUSED } from ${JSON.stringify(join(ROOT, 'test/support/json-table.ts'))};`,
  ].join('\n');
  await build({ stdin: { contents, resolveDir: ROOT }, bundle: true, outfile, format: 'esm', platform: 'node' });
  const { SSE_ROWS, bytesOf, ACCEPTED, REFUSED } = await import(pathToFileURL(outfile).href);
  return {
    sse: SSE_ROWS.map((/** @type {import('../support/sse-rows.ts').SseRow} */ row) => ({
      name: row.name,
      input: binary(typeof row.input === 'string' ? bytesOf(row.input) : row.input),
      events: row.events,
      at: row.at,
      unfinished: row.unfinished,
    })),
    fixtures: ['messages', 'hostile'].flatMap(fixturesOf),
    json: [...ACCEPTED, ...REFUSED].map(([name, text, offset]) => ({ name, text, offset })),
  };
}

/** @param {string} set */
function fixturesOf(set) {
  const folder = join(ROOT, 'fixtures', set);
  const names = readdirSync(folder).filter((name) => name.endsWith('.sse'));
  return names.map((file) => {
    const path = join(folder, file.slice(0, -'.sse'.length));
    return {
      name: `${set}/${file.slice(0, -'.sse'.length)}`,
      body: binary(readFileSync(`${path}.sse`)),
      log: readFileSync(`${path}.log`, 'utf8'),
      message: JSON.parse(readFileSync(`${path}.message.json`, 'utf8')),
      expect: JSON.parse(readFileSync(`${path}.expect.json`, 'utf8')),
    };
  });
}

/** @param {Uint8Array} bytes @returns {string} one character for each byte */
function binary(bytes) {
  return Buffer.from(bytes).toString('latin1');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await buildSuite());
