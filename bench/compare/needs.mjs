/**
 * Which globals a client cannot do without, found by taking them away: one process for each client and global, in which
 * the global is removed before the client is loaded, and a small stream with one tool call is read. The body that it
 * reads is made with what the harness kept for itself.
 *
 * `node bench/compare/needs.mjs CLIENT GLOBAL FIXTURE` is one such process.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What an embedder may have to bring along. The language's own globals are not tried. */
const GLOBALS = [
  'AbortController',
  'Buffer',
  'Headers',
  'ReadableStream',
  'Response',
  'TextDecoder',
  'TextEncoder',
  'TransformStream',
  'URL',
  'crypto',
  'fetch',
  'process',
  'setTimeout',
];

/**
 * @param {string} client
 * @returns {string[]} the globals without which it does not read a small stream, sorted by name
 */
export function needsOf(client) {
  const runs = (global) =>
    spawnSync(process.execPath, [here('needs.mjs'), client, global], { timeout: 20_000 }).status === 0;
  if (!runs('')) return ['(does not run in a process of its own)'];
  return GLOBALS.filter((global) => !runs(global));
}

async function tryWithout(client, global) {
  const { Server } = await import('../clients.mjs');
  const { cut } = await import('../inputs.mjs');
  const { CLIENTS } = await import('./clients.mjs');
  const { judge } = await import('./rules.mjs');
  const fixture = here('../../fixtures/messages/tool');
  const [message, expect] = ['message', 'expect'].map((kind) =>
    JSON.parse(readFileSync(`${fixture}.${kind}.json`, 'utf8')),
  );
  const exit = process.exit.bind(process);
  // What comes back is made before anything is taken away.
  const server = new Server();
  server.chunks = cut(new Uint8Array(readFileSync(`${fixture}.sse`)), 'event');
  const response = await server.fetch();
  server.fetch = () => Promise.resolve(response);
  delete globalThis[global];
  let verdict = 'failed';
  try {
    const ask = await CLIENTS[client].load(server);
    const tools = message.content.filter(({ type }) => type === 'tool_use').map(({ name }) => name);
    verdict = judge({ name: 'tool', message, expect }, await ask(tools));
  } catch {
    // It needs what was taken.
  }
  exit(verdict === 'read' ? 0 : 1);
}

if (process.argv[1] === here('needs.mjs')) await tryWithout(process.argv[2], process.argv[3]);
