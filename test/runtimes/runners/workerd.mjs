/** Cloudflare's runtime: a worker that runs the suite, and one route of it that relays a stream to the official SDK. */

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { build } from 'esbuild';
import { HERE, tallyOf } from '../result.mjs';

/** Not the script in `.bin`: killing that would leave the program. */
const NAMES = { x64: '64', arm64: 'arm64' };
const program = join(
  HERE,
  `node_modules/@cloudflare/workerd-${process.platform}-${NAMES[/** @type {'x64' | 'arm64'} */ (process.arch)]}/bin/workerd`,
);

/** One request for the suite; any other is relayed from the upstream, whose address the worker is told. */
const WORKER = `
import { relayResponse } from 'ssemble/relay';
import { MessageStream } from 'ssemble';
import { runSuite } from './suite.mjs';

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === '/suite') {
      const lines = [];
      runSuite((line) => lines.push(line));
      return new Response(lines.join('\\n'));
    }
    if (pathname === '/assemble') {
      const stream = MessageStream.from(await fetch(env.UPSTREAM));
      return new Response((await stream.finalText()).length + '');
    }
    return relayResponse(() => fetch(env.UPSTREAM, { method: 'POST', body: request.body }));
  },
};
`;

/** @param {string} upstream @param {number} port @returns {string} */
const config = (upstream, port) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker.mjs")],
      compatibilityDate = "2026-01-01",
      bindings = [(name = "UPSTREAM", text = "${upstream}")],
      globalOutbound = "local",
    )),
    (name = "local", network = (allow = ["private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`;

const EVENTS = 20_000;

/** A message of many deltas, as the API frames it. @returns {Buffer} */
function longBody() {
  const events = [
    {
      type: 'message_start',
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'm',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: 1, output_tokens: 1 },
      },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...Array.from({ length: EVENTS }, () => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text: 'ten chars.' },
    })),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 4 } },
    { type: 'message_stop' },
  ];
  return Buffer.from(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
}

/** @param {number | undefined} pid @returns {number} CPU seconds that a process has used; 100 ticks a second on Linux */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** @returns {Promise<number>} a port that nobody listens on */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** @param {string} url @returns {Promise<void>} */
async function untilReady(url) {
  for (let tries = 0; tries < 100; tries++) {
    if (
      await fetch(url).then(
        (response) => response.text(),
        () => undefined,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('workerd does not answer');
}

/** @type {import('../result.mjs').Runner} */
export const WORKERD = {
  id: 'workerd',
  title: 'Cloudflare’s workerd',
  missing: () => (existsSync(program) ? undefined : 'npm ci --prefix test/runtimes'),
  async run({ folder }) {
    const body = longBody();
    const upstream = createServer((_, response) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(body),
    );
    await new Promise((resolve) => upstream.listen(0, '127.0.0.1', () => resolve(undefined)));
    const { port } = /** @type {import('node:net').AddressInfo} */ (upstream.address());
    const own = await freePort();
    writeFileSync(join(folder, 'worker-source.mjs'), WORKER);
    await build({
      entryPoints: [join(folder, 'worker-source.mjs')],
      bundle: true,
      format: 'esm',
      outfile: join(folder, 'worker.mjs'),
      target: 'es2022',
      charset: 'ascii',
      logLevel: 'error',
    });
    writeFileSync(join(folder, 'config.capnp'), config(`http://127.0.0.1:${port}/`, own));
    const child = spawn(program, ['serve', join(folder, 'config.capnp')], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (/** @type {Buffer} */ text) => (said += text.toString()));
    const base = `http://127.0.0.1:${own}`;
    try {
      await untilReady(`${base}/suite`).catch((/** @type {Error} */ error) => {
        throw new Error(`${error.message}: ${said.slice(0, 1000)}`);
      });
      const tally = tallyOf(await (await fetch(`${base}/suite`)).text());
      const client = new Anthropic({ apiKey: 'none', baseURL: base, maxRetries: 0 });
      const message = await client.messages
        .stream({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] })
        .finalText();
      const before = cpuOf(child.pid);
      const rounds = 10;
      for (let round = 0; round < rounds; round++) await (await fetch(`${base}/assemble`)).text();
      const micros = ((cpuOf(child.pid) - before) * 1e6) / (rounds * EVENTS);
      return {
        version: execFileSync(program, ['--version'], { encoding: 'utf8' }).replace(/^\D+/, '').trim(),
        tally,
        shown: [
          ['relays to the official SDK', message.length === EVENTS * 10],
          ['CPU per event, bytes to message', `${micros.toFixed(1)} µs`],
        ],
      };
    } finally {
      child.kill();
      upstream.close();
    }
  },
};
