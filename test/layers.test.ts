/**
 * The house as a test: imports point back along the way the data flows, the core touches nothing but the language, and
 * only the command line names `node:`.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/** What each room may import from, besides itself. `errors` and `limits` are open to all. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  sse: [],
  json: [],
  protocol: ['sse'],
  message: ['sse', 'json', 'protocol'],
  stream: ['sse', 'protocol', 'message'],
  transport: ['sse', 'protocol', 'message', 'stream'],
  relay: ['sse', 'protocol', 'message', 'stream'],
  carriers: ['sse', 'protocol', 'message', 'stream'],
  capture: ['sse', 'json', 'protocol', 'message', 'stream', 'carriers'],
  timing: ['sse', 'protocol', 'message', 'capture'],
  diff: ['sse', 'protocol', 'message', 'capture'],
  lint: ['sse', 'json', 'protocol', 'message', 'capture', 'timing'],
  testing: ['sse', 'protocol', 'message', 'stream', 'capture', 'diff'],
  report: ['sse', 'protocol', 'message', 'capture', 'timing', 'lint'],
  cli: [
    'sse',
    'protocol',
    'message',
    'stream',
    'carriers',
    'capture',
    'timing',
    'diff',
    'lint',
    'testing',
    'report',
    'index',
  ],
  index: ['sse', 'json', 'protocol', 'message', 'stream'],
  limits: [],
  errors: [],
};

/** What a room may import as a type only. The errors carry the message, so they name its types. */
const TYPES_ONLY: Readonly<Record<string, readonly string[]>> = { errors: ['message', 'protocol'] };

/** Who may name Node's modules and a package: the transport that is made of one, and is imported by its own name. */
const FOREIGN: Readonly<Record<string, readonly string[]>> = {
  'transport/undici.ts': ['node:stream', 'node:zlib', 'undici'],
};

/** Globals that the core must not name; `TextDecoder` is looked up in one place, through `globalThis`. */
const CORE = new Set(['sse', 'json', 'protocol', 'message', 'errors', 'limits']);
const FORBIDDEN =
  /\b(process|Buffer|setTimeout|setInterval|queueMicrotask|Promise|fetch|ReadableStream|TransformStream|Response|AbortController|TextEncoder|performance|Date|console|structuredClone|btoa|atob|async|await)\b/;

const files = (readdirSync(SRC, { recursive: true }) as string[]).filter((file) => file.endsWith('.ts')).sort();

function roomOf(file: string): string {
  const [first = ''] = file.split('/');
  return first.endsWith('.ts') ? first.slice(0, -'.ts'.length) : first;
}

interface Import {
  from: string;
  typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const source = readFileSync(SRC + file, 'utf8');
  return [...source.matchAll(/^(?:import|export)\s(type\s)?[^;]*?from '([^']+)'/gm)].map((found) => ({
    typeOnly: found[1] !== undefined,
    from: found[2] as string,
  }));
}

/** The code without comments and strings. */
function codeOf(file: string): string {
  return readFileSync(SRC + file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, "''");
}

describe('the house', () => {
  test.each(files)('%s imports only from rooms before its own', (file) => {
    const room = roomOf(file);
    const wrong = importsOf(file)
      .filter(({ from }) => from.startsWith('.'))
      .map(({ from, typeOnly }) => ({ target: roomOf(relative(SRC, join(SRC, dirname(file), from))), typeOnly }))
      .filter(({ target, typeOnly }) => {
        if (target === room || target === 'errors' || target === 'limits') return false;
        return !(ROOMS[room] ?? []).includes(target) && !(typeOnly && (TYPES_ONLY[room] ?? []).includes(target));
      });
    expect(wrong).toEqual([]);
  });

  test.each(files.filter((file) => roomOf(file) !== 'cli'))('%s imports no package and no node: module', (file) => {
    const foreign = importsOf(file).filter(({ from }) => !from.startsWith('.'));
    expect(foreign.map(({ from }) => from)).toEqual(FOREIGN[file] ?? []);
  });

  test.each(files.filter((file) => CORE.has(roomOf(file))))('%s touches nothing but the language', (file) => {
    expect(FORBIDDEN.exec(codeOf(file))?.[0]).toBeUndefined();
  });

  test('every room is in the table', () => {
    expect([...new Set(files.map(roomOf))].filter((room) => ROOMS[room] === undefined)).toEqual([]);
  });
});
