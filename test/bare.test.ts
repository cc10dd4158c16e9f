/**
 * The core in a context that has nothing but the language: bundled into one script and run by `node:vm` with the globals
 * of the host (and even `Promise`) taken away, it parses every fixture to the message that it gives here.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { build } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { MessageParser } from '../src/index.ts';

const ENTRY = fileURLToPath(new URL('../src/index.ts', import.meta.url));
const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));
const GONE = ['TextDecoder', 'TextEncoder', 'setTimeout', 'Promise', 'fetch', 'process', 'ReadableStream', 'Response'];

let context: vm.Context;

beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'ssemble',
    target: 'es2022',
  });
  context = vm.createContext({});
  for (const name of GONE) vm.runInContext(`delete globalThis[${JSON.stringify(name)}]`, context);
  vm.runInContext(outputFiles[0]?.text ?? '', context);
});

function inContext(bytes: Uint8Array): string {
  context['input'] = [...bytes];
  return vm.runInContext(
    `(() => {
      const parser = new ssemble.MessageParser();
      const bytes = Uint8Array.from(input);
      for (let i = 0; i < bytes.length; i += 7) parser.push(bytes.subarray(i, i + 7));
      parser.end();
      return JSON.stringify([parser.message ?? null, parser.outcome.status, parser.diagnostics]);
    })()`,
    context,
  ) as string;
}

function here(bytes: Uint8Array): string {
  const parser = new MessageParser();
  parser.push(bytes);
  parser.end();
  return JSON.stringify([parser.message ?? null, parser.outcome.status, parser.diagnostics]);
}

describe('a runtime that has nothing but the language', () => {
  test('the globals are gone', () => {
    for (const name of GONE) expect(vm.runInContext(`typeof ${name}`, context), name).toBe('undefined');
  });

  for (const set of ['messages', 'hostile']) {
    const names = readdirSync(FIXTURES + set).filter((file) => file.endsWith('.sse'));
    test(`parses and assembles ${set}`, () => {
      for (const name of names) {
        const bytes = new Uint8Array(readFileSync(`${FIXTURES}${set}/${name}`));
        expect(inContext(bytes), name).toBe(here(bytes));
      }
    });
  }

  test('parses a whole body in one call', () => {
    const body = readFileSync(`${FIXTURES}messages/text.sse`, 'utf8');
    context['body'] = body;
    const parser = new MessageParser();
    parser.push(body);
    parser.end();
    expect(vm.runInContext('JSON.stringify(ssemble.parseMessage(body))', context)).toBe(JSON.stringify(parser.message));
  });
});
