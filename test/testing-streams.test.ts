/** Choppers and faults on whole streams: those of the project, and the real ones where they are. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { MessageParser } from '../src/index.ts';
import { SseScanner } from '../src/sse/index.ts';
import { applyFaults, chop, parseFault } from '../src/testing/index.ts';
import { captures, readCapture } from './support/captures.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/', import.meta.url));
const CHOPS = ['whole', 'event', 'line', 'byte', 'utf8', 'crlf', 'random:1', 'random:2', 'size:3'];

const fixtures = ['messages', 'hostile'].flatMap((set) =>
  readdirSync(FOLDER + set)
    .filter((file) => file.endsWith('.sse'))
    .map((file) => `${set}/${file}`),
);

/** All that the library says of a stream. */
function reading(chunks: readonly Uint8Array[]): object {
  const parser = new MessageParser();
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  const { messages, blocks, diagnostics, outcome } = parser;
  return { messages, blocks, diagnostics, outcome: { ...outcome, error: String(outcome.error) } };
}

function dataOf(bytes: Uint8Array): string[] {
  const scanner = new SseScanner();
  scanner.write(bytes);
  const data: string[] = [];
  for (let event = scanner.next(); event !== undefined; event = scanner.next()) data.push(event.data);
  // The event that a bare CR at the very end completes.
  scanner.end();
  for (let event = scanner.next(); event !== undefined; event = scanner.next()) data.push(event.data);
  return data;
}

const played = (bytes: Uint8Array, ...faults: string[]): Uint8Array =>
  Buffer.concat(applyFaults(bytes, faults.map(parseFault)).steps.map((step) => step.bytes));

describe('a fixture', () => {
  test.each(fixtures)('%s reads the same however it is chopped', (name) => {
    const bytes = new Uint8Array(readFileSync(FOLDER + name));
    const whole = reading([bytes]);
    for (const how of CHOPS) {
      const chunks = chop(bytes, how);
      expect(Buffer.concat(chunks), how).toEqual(Buffer.from(bytes));
      expect(reading(chunks), how).toEqual(whole);
    }
  });
});

describe('every stream', () => {
  const streams = [
    ...fixtures.map((name) => ({ name, read: () => new Uint8Array(readFileSync(FOLDER + name)) })),
    // The bodies only: the folder has binary event streams, too.
    ...captures
      .filter(({ file }) => file.endsWith('.sse'))
      .map(({ file }) => ({ name: file, read: () => readCapture(file) })),
  ];

  test('comes out unchanged without faults, and event faults do to its events what they say', () => {
    let broken = 0;
    for (const { name, read } of streams) {
      const bytes = read();
      expect(Buffer.compare(played(bytes), bytes), name).toBe(0);
      const data = dataOf(bytes);
      if (data.length < 4) continue;
      broken += 1;
      const at = 2 + (data.length % (data.length - 3));
      const without = data.filter((_, i) => i !== at - 1);
      expect(dataOf(played(bytes, `drop@event:${at}`)), name).toEqual(without);
      expect(dataOf(played(bytes, `dup@event:${at}`)), name).toEqual(data.toSpliced(at, 0, data[at - 1] as string));
      expect(dataOf(played(bytes, `swap@event:${at}`)), name).toEqual(without.toSpliced(at, 0, data[at - 1] as string));
      expect(dataOf(played(bytes, `cut@event:${at}`)), name).toEqual(data.slice(0, at - 1));
      expect(dataOf(played(bytes, `insert@event:${at}:done`)), name).toEqual(data.toSpliced(at - 1, 0, '[DONE]'));
    }
    expect(broken).toBeGreaterThan(streams.length / 2);
  });
});
