/** Runtimes that are a program which runs a file: all versions of Node, Bun, Deno. */

import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HERE, tallyOf } from '../result.mjs';

/** @typedef {import('../result.mjs').Runner} Runner */

/** What runs the suite and reports it, in all of them. */
const MAIN = `
import { runSuite } from './suite.mjs';
runSuite((line) => console.log(line));
`;

/** Reads a stream that comes in pieces, by the runtime's own \`fetch\`, and from a Node stream. */
const SOURCES = `
import { Readable } from 'node:stream';
import { createServer } from 'node:http';
import { MessageStream } from 'ssemble';

const events = [
  { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  ...['Grü', 'ße, ', '世界 🌍'].map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 4 } },
  { type: 'message_stop' },
];
const body = Buffer.from(events.map((event) => \`event: \${event.type}\\ndata: \${JSON.stringify(event)}\\n\\n\`).join(''));
const wanted = 'Grüße, 世界 🌍';

const server = createServer(async (_, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let at = 0; at < body.length; at += 50) {
    response.write(body.subarray(at, at + 50));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  response.end();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const response = await fetch(\`http://127.0.0.1:\${server.address().port}/\`);
console.log('fetch', (await MessageStream.from(response).finalText()) === wanted);
server.close();
const pieces = Array.from({ length: body.length }, (_, at) => body.subarray(at, at + 1));
console.log('node stream', (await MessageStream.from(Readable.from(pieces)).finalText()) === wanted);
`;

/** Every entry, by `import` and, where the runtime can, by `require`. `undici` is a peer that is not there. */
const IMPORTS = `
import manifest from './node_modules/ssemble/package.json' with { type: 'json' };
const names = Object.keys(manifest.exports).filter((name) => !/package.json$|undici$/.test(name));
const modules = await Promise.all(names.map((name) => import('ssemble' + name.slice(1))));
console.log('import', names.length > 0 && modules.every((one) => Object.keys(one).length > 0));
`;
const REQUIRES = `
const names = Object.keys(require('./node_modules/ssemble/package.json').exports).filter((name) => !/undici$/.test(name));
console.log('require()', names.length > 0 && names.every((name) => Object.keys(require('ssemble' + name.slice(1))).length > 0));
`;

/**
 * @param {string} program
 * @param {string[]} args
 * @param {string} cwd
 * @returns {string} what it printed
 */
function ask(program, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (error !== undefined || status !== 0)
    throw new Error(`${program} ${args.join(' ')}: ${error ?? stderr.slice(0, 2000)}`);
  return stdout;
}

/** @param {string} output @returns {[string, boolean][]} */
const shownIn = (output) =>
  output
    .trim()
    .split('\n')
    .map((line) => /^(.*) (true|false)$/.exec(line))
    .filter((found) => found !== null)
    .map((found) => [found[1] ?? '', found[2] === 'true']);

/**
 * @param {string} id
 * @param {string} title
 * @param {string} program
 * @param {{ run?: string[], version?: string[], require?: boolean, check?: (folder: string) => [string, boolean][] }} options
 * @returns {Runner}
 */
function programRunner(id, title, program, { run = [], version = ['--version'], require = true, check } = {}) {
  return {
    id,
    title,
    missing: () => (program === process.execPath || existsSync(program) ? undefined : 'npm ci --prefix test/runtimes'),
    run({ folder }) {
      const files = { 'main.mjs': MAIN, 'sources.mjs': SOURCES, 'imports.mjs': IMPORTS, 'requires.cjs': REQUIRES };
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      const go = (/** @type {string} */ file) => ask(program, [...run, file], folder);
      const shown = [...shownIn(go('imports.mjs')), ...(require ? shownIn(go('requires.cjs')) : [])];
      shown.push(...shownIn(ask(program, [...run, ...(id === 'deno' ? ['--allow-net'] : []), 'sources.mjs'], folder)));
      return Promise.resolve({
        version: /\d+[\d.]+/.exec(ask(program, version, folder))?.[0] ?? '?',
        tally: tallyOf(go('main.mjs')),
        shown: [...shown, ...(check?.(folder) ?? [])],
      });
    },
  };
}

const bin = (/** @type {string} */ name) => join(HERE, 'node_modules/.bin', name);
const node = (/** @type {number} */ major) => join(HERE, `node_modules/node-${major}/bin/node`);

/** Deno asks for a permission by stopping; without a terminal it refuses instead. The core must need none. */
function checkTypes(/** @type {string} */ folder) {
  const source = `
import { MessageParser, type Message } from 'ssemble';
import { SseParser } from 'ssemble/sse';
const parser: MessageParser = new MessageParser({ onText: (delta: string) => void delta });
parser.push('data: {"type":"ping"}\\n\\n');
export const message: Message | undefined = parser.message;
export const sse: SseParser = new SseParser((event) => void event.data);
`;
  writeFileSync(join(folder, 'types.ts'), source);
  ask(bin('deno'), ['check', 'types.ts'], folder);
  return /** @type {[string, boolean][]} */ ([
    ['deno check', true],
    ['no permission asked', true],
  ]);
}

/** @type {Runner[]} */
export const PROCESSES = [
  programRunner('node-20', 'Node 20', process.execPath),
  ...[22, 24, 26].map((major) => programRunner(`node-${major}`, `Node ${major}`, node(major))),
  programRunner('bun', 'Bun', bin('bun')),
  programRunner('deno', 'Deno', bin('deno'), { run: ['run', '--no-prompt'], require: false, check: checkTypes }),
];
