/** Engines without a host: a bare `node:vm` context, QuickJS, Hermes. They have the language and a way to print. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { HERE, tallyOf } from '../result.mjs';

/** @typedef {import('../result.mjs').Runner} Runner */

/** From the packages of this folder, which may not be there. */
const load = createRequire(join(HERE, 'package.json'));

/** Which of these the engine has: the less, the better for the proof. */
const ABSENT = ['TextDecoder', 'TextEncoder', 'ReadableStream', 'fetch', 'setTimeout', 'URL', 'atob', 'process'];

/** Says what is not there, as the suite's other lines are said. */
const LOOK = `print('without ' + ${JSON.stringify(ABSENT)}.filter(function (name) { return typeof globalThis[name] === 'undefined'; }).join(' '));`;

/** A message of `bytes` bytes as text, in pieces of 16 kB; prints how long its text came to be. */
const BIG = `
(function () {
  var parser = new suite.MessageParser();
  parser.push('data: {"type":"message_start","message":{"id":"m","content":[]}}\\n\\n');
  parser.push('data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\\n\\n');
  var line = 'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"' + new Array(93).join('x') + '"}}\\n\\n';
  var batch = new Array(100).join(line) + line;
  for (var sent = 0; sent < 5e6; sent += batch.length) parser.push(batch);
  parser.push('data: {"type":"content_block_stop","index":0}\\n\\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}\\n\\ndata: {"type":"message_stop"}\\n\\n');
  parser.end();
  print('5 MB ' + (parser.outcome.status === 'complete' && parser.message.content[0].text.length > 2e6));
})();
`;

/** A whole body in one call, as a plugin gets it that cannot stream. */
const WHOLE = `
(function () {
  var body = 'data: {"type":"message_start","message":{"id":"m","content":[]}}\\n\\n' +
    'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"hi"}}\\n\\n' +
    'data: {"type":"content_block_stop","index":0}\\n\\n' +
    'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}\\n\\ndata: {"type":"message_stop"}\\n\\n';
  print('parseMessage ' + (suite.parseMessage(body).content[0].text === 'hi'));
})();
`;

/** All of the text so far at every call, as an XMLHttpRequest gives it. */
const CUMULATIVE = `
(function () {
  var body = 'data: {"type":"message_start","message":{"id":"m","content":[]}}\\n\\n' +
    'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"h\\u00e9 \\ud83c\\udf0d"}}\\n\\n';
  var parser = new suite.MessageParser();
  for (var end = 1; end <= body.length; end++) parser.pushCumulative(body.slice(0, end));
  print('pushCumulative ' + (parser.message.content[0].text === 'h\\u00e9 \\ud83c\\udf0d'));
})();
`;

/** @param {string} output @returns {[string, boolean | string][]} */
function shownIn(output) {
  const lines = output.split('\n').map((line) => line.trim());
  const held = lines
    .map((line) => /^(5 MB|parseMessage|pushCumulative) (true|false)$/.exec(line))
    .filter((found) => found !== null);
  const without = lines.find((line) => line.startsWith('without '))?.slice('without '.length) ?? '';
  return [
    ...held.map((found) => /** @type {[string, boolean]} */ ([found[1] ?? '', found[2] === 'true'])),
    ['without', without],
  ];
}

/** @type {Runner} */
const VM = {
  id: 'sandbox',
  title: 'a bare `node:vm` context',
  missing: () => undefined,
  run({ script }) {
    /** @type {string[]} */
    const lines = [];
    const context = createContext({});
    // What the language itself brings and a poor sandbox takes away.
    runInContext(
      `for (const name of ['Promise', 'WeakRef', 'Atomics', 'SharedArrayBuffer', 'WebAssembly', 'eval']) delete globalThis[name];`,
      context,
    );
    Object.assign(context, { print: (/** @type {string} */ line) => void lines.push(line) });
    const code = readFileSync(script, 'utf8');
    runInContext(`${code}\nrunSuite(print);${LOOK}${WHOLE}${CUMULATIVE}`, context);
    const output = lines.join('\n');
    return Promise.resolve({
      version: `of Node ${process.versions.node}`,
      tally: tallyOf(output),
      shown: shownIn(output),
    });
  },
};

const MEMORY_LIMIT = 128 * 1024 * 1024;

/** @type {Runner} */
const QUICKJS = {
  id: 'quickjs',
  title: 'QuickJS',
  missing: () =>
    existsSync(join(HERE, 'node_modules/quickjs-emscripten')) ? undefined : 'npm ci --prefix test/runtimes',
  async run({ script }) {
    const { getQuickJS } = load('quickjs-emscripten');
    const { version } = load('quickjs-emscripten/package.json');
    const engine = await getQuickJS();
    const runtime = engine.newRuntime();
    runtime.setMemoryLimit(MEMORY_LIMIT);
    runtime.setMaxStackSize(1024 * 1024);
    const context = runtime.newContext();
    /** @type {string[]} */
    const lines = [];
    const print = context.newFunction('print', (/** @type {unknown} */ line) => void lines.push(context.dump(line)));
    context.setProp(context.global, 'print', print);
    print.dispose();
    for (const code of [readFileSync(script, 'utf8'), `runSuite(print);`, LOOK + BIG + WHOLE + CUMULATIVE]) {
      context.unwrapResult(context.evalCode(code)).dispose();
    }
    context.dispose();
    runtime.dispose();
    const output = lines.join('\n');
    const shown = shownIn(output);
    shown.push(['memory limit', `${MEMORY_LIMIT / 1024 / 1024} MiB`]);
    return { version: `emscripten ${version}`, tally: tallyOf(output), shown };
  },
};

/** @type {Partial<Record<string, string>>} */
const HERMES_FOLDERS = { darwin: 'osx-bin', win32: 'win64-bin' };

const hermes = join(
  HERE,
  'node_modules/hermes-engine-cli',
  HERMES_FOLDERS[process.platform] ?? 'linux64-bin',
  'hermes',
);

/** @type {Runner} */
const HERMES = {
  id: 'hermes',
  title: 'Hermes, after React Native’s Babel preset',
  missing: () => (existsSync(hermes) ? undefined : 'npm ci --prefix test/runtimes'),
  async run({ folder, script }) {
    const { transformAsync } = load('@babel/core');
    const code = `${readFileSync(script, 'utf8')}\nrunSuite(print);${LOOK}${BIG}${CUMULATIVE}`;
    const preset = load.resolve('@react-native/babel-preset');
    const made = await transformAsync(code, {
      presets: [[preset, { enableBabelRuntime: false }]],
      filename: 'suite.js',
      babelrc: false,
      configFile: false,
      compact: true,
      sourceType: 'script',
    });
    const file = join(folder, 'hermes.js');
    writeFileSync(file, made.code);
    const { status, stdout, stderr } = spawnSync(hermes, ['-w', file], { encoding: 'utf8', maxBuffer: 1 << 26 });
    if (status !== 0) throw new Error(`hermes: ${stderr.slice(0, 2000)}${stdout.slice(-500)}`);
    const { version } = load('hermes-engine-cli/package.json');
    return { version, tally: tallyOf(stdout), shown: shownIn(stdout) };
  },
};

/** @type {Runner[]} */
export const SANDBOXES = [HERMES, QUICKJS, VM];
