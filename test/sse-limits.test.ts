/**
 * Each limit is walked up to and past, on the open road and by small steps. The error and its place are the same under
 * every chunking, the events before it are all given, and it comes as soon as the byte that breaks the limit is there.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../src/errors.ts';
import { MAX_EVENT_BYTES, MAX_LINE_BYTES } from '../src/limits.ts';
import type { SseOptions } from '../src/sse/event.ts';
import { SseParser } from '../src/sse/parser.ts';
import { SseScanner } from '../src/sse/scanner.ts';
import { cutPlaces, sseSoup } from './support/arbitraries.ts';
import { cutAt, forEveryChunking, pieces, RUNS } from './support/chunkings.ts';
import { referenceLimit, referenceSse } from './support/reference-sse.ts';
import { scan, type Scan } from './support/scan.ts';

type Place = { event: number; byte: number; line: number };

/** Under every chunking, as text and as bytes. */
function everyWay(input: string, options: SseOptions, label?: string): Scan {
  const seen = forEveryChunking(input, (chunks) => scan(chunks, options), label);
  const bytes = forEveryChunking(new Uint8Array(Buffer.from(input)), (chunks) => scan(chunks, options), label);
  expect(bytes).toEqual(seen);
  return seen;
}

function passes(input: string, options: SseOptions): void {
  const seen = everyWay(input, options);
  expect(seen.error).toBeUndefined();
  expect(seen.events).toEqual(referenceSse(input).events);
}

function breaks(input: string, options: SseOptions, code: string, at: Place): void {
  const seen = everyWay(input, options);
  expect(seen.error).toEqual({ code, at });
  expect(seen.events).toHaveLength(at.event - 1);
}

describe('maxLineBytes', () => {
  const limits = [3, 7, 16, 64];
  const ends = ['\n', '\r', '\r\n', ''];
  const grid = limits.flatMap((max) => ends.map((end) => [max, end] as const));

  test.each(grid)('a line of %i bytes, and one more, ended by %j', (max, end) => {
    passes('x'.repeat(max) + end, { maxLineBytes: max });
    breaks('x'.repeat(max + 1) + end, { maxLineBytes: max }, 'line-too-long', { event: 1, byte: 0, line: 1 });
  });

  test.each(ends)('after other events, in the middle of an event, ended by %j', (end) => {
    const before = 'data: a\n\ndata: b\r\n\r\n: c\n';
    const max = 10;
    passes(`${before}event: e\ndata: 7890${end}`, { maxLineBytes: max });
    const at = { event: 3, byte: 33, line: 7 };
    breaks(`${before}event: e\ndata: 78901${end}`, { maxLineBytes: max }, 'line-too-long', at);
  });

  test('comments are lines', () => {
    passes('data: a\n\n:234567\n', { maxLineBytes: 7 });
    breaks('data: a\n\n:2345678\n', { maxLineBytes: 7 }, 'line-too-long', { event: 2, byte: 9, line: 3 });
  });

  test('it is bytes that count, not units', () => {
    passes('data:é€😀\n\n', { maxLineBytes: 14 });
    breaks('data:é€😀\n\n', { maxLineBytes: 13 }, 'line-too-long', { event: 1, byte: 0, line: 1 });
  });

  test('a BOM is no part of the line', () => {
    passes('\uFEFFdata:67\n\n', { maxLineBytes: 7 });
    breaks('\uFEFFdata:678\n\n', { maxLineBytes: 7 }, 'line-too-long', { event: 1, byte: 3, line: 1 });
  });

  test('all events before it in the same chunk are given', () => {
    const seen = everyWay(`${'data: a\n\n'.repeat(5)}data: too long\n\ndata: b\n\n`, { maxLineBytes: 7 });
    expect(seen.events.map(({ data }) => data)).toEqual(['a', 'a', 'a', 'a', 'a']);
    expect(seen.error).toEqual({ code: 'line-too-long', at: { event: 6, byte: 45, line: 11 } });
  });
});

describe('maxEventBytes', () => {
  test('one line', () => {
    passes('data: 78\n\n', { maxEventBytes: 8 });
    breaks('data: 789\n\n', { maxEventBytes: 8 }, 'event-too-large', { event: 1, byte: 0, line: 1 });
  });

  test.each([
    ['data lines', 'data:\n', 5],
    ['data lines with CRLF', 'data: a\r\n', 7],
    ['data lines with CR', 'data: a\r', 7],
    ['lines of one byte', 'x\n', 1],
    ['comments inside it', ':\n', 1],
    ['event lines', 'event: é\n', 9],
    ['id lines that are ignored', 'id: \0\n', 5],
    ['retry lines', 'retry: 1\n', 8],
  ])('many small lines: %s', (_, line, content) => {
    const size = Buffer.byteLength(line);
    const max = 6 + 9 * size + content;
    const before = 'data: 0\n\n';
    passes(`${before}data:\n${line.repeat(10)}\n`, { maxEventBytes: max });
    const at = { event: 2, byte: 9, line: 3 };
    breaks(`${before}data:\n${line.repeat(11)}\n`, { maxEventBytes: max }, 'event-too-large', at);
    breaks(`${before}data:\n${line.repeat(10)}\n`, { maxEventBytes: max - 1 }, 'event-too-large', at);
  });

  test('it begins anew with each event, and with each block that gives none', () => {
    passes('data: 78\n\n'.repeat(20), { maxEventBytes: 8 });
    passes('id: 6789\n\n'.repeat(20), { maxEventBytes: 8 });
    passes('\n'.repeat(100), { maxEventBytes: 8 });
    passes('\r\n'.repeat(100), { maxEventBytes: 8 });
  });

  test('comments between events belong to none', () => {
    passes(`data: 78\n\n${': a comment that is longer\n'.repeat(20)}data: 78\n\n`, { maxEventBytes: 8 });
    passes(': a comment that is longer', { maxEventBytes: 8 });
  });

  test('a BOM is no part of the event', () => {
    passes('\uFEFFdata: 78\n\n', { maxEventBytes: 8 });
    passes('\uFEFF: a comment that is longer\ndata: 78\n\n', { maxEventBytes: 8 });
    breaks('\uFEFFdata: 789\n\n', { maxEventBytes: 8 }, 'event-too-large', { event: 1, byte: 3, line: 1 });
  });

  test('the one of the two limits that is crossed first speaks; a line where both are', () => {
    const input = 'data: 789\ndata: 789\n\n';
    breaks(input, { maxLineBytes: 8, maxEventBytes: 8 }, 'line-too-long', { event: 1, byte: 0, line: 1 });
    breaks(input, { maxLineBytes: 8, maxEventBytes: 7 }, 'event-too-large', { event: 1, byte: 0, line: 1 });
    breaks(input, { maxLineBytes: 9, maxEventBytes: 18 }, 'event-too-large', { event: 1, byte: 0, line: 1 });
    breaks(`${input}data: 7890`, { maxLineBytes: 9 }, 'line-too-long', { event: 2, byte: 21, line: 4 });
  });
});

/** How many one-byte chunks go in before the error, for input that would never end. */
function bytesUntilError(unit: string, options: SseOptions, asText: boolean): number {
  const scanner = new SseScanner(options);
  const bytes = Buffer.from(unit);
  for (let i = 0; i < 10_000; i++) {
    const byte = bytes[i % bytes.length] as number;
    scanner.write(asText ? String.fromCharCode(byte) : Uint8Array.of(byte));
    try {
      while (scanner.next());
    } catch {
      return i + 1;
    }
  }
  return Infinity;
}

describe('a limit is noticed with the byte that breaks it', () => {
  test.each([[true], [false]])('text: %s', (asText) => {
    expect(bytesUntilError('x', { maxLineBytes: 100 }, asText)).toBe(101);
    expect(bytesUntilError('x', { maxEventBytes: 100 }, asText)).toBe(101);
    expect(bytesUntilError('d\n', { maxEventBytes: 100 }, asText)).toBe(101);
    // a CR waits for its next byte, the content does not
    expect(bytesUntilError('d\r', { maxEventBytes: 100 }, asText)).toBe(101);
    expect(bytesUntilError('\n', { maxLineBytes: 100, maxEventBytes: 100 }, asText)).toBe(Infinity);
    expect(bytesUntilError('\r', { maxLineBytes: 100, maxEventBytes: 100 }, asText)).toBe(Infinity);
    expect(bytesUntilError(':\n', { maxLineBytes: 100, maxEventBytes: 100 }, asText)).toBe(Infinity);
    expect(bytesUntilError('d\n\n', { maxLineBytes: 100, maxEventBytes: 100 }, asText)).toBe(Infinity);
  });
});

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return 'nothing was thrown';
}

describe('after the error', () => {
  test('every call throws the same one until reset', () => {
    const scanner = new SseScanner({ maxLineBytes: 7 });
    scanner.write('data: a\n\ndata: too long\n\ndata: b\n\n');
    expect(scanner.next()?.data).toBe('a');
    const error = caught(() => scanner.next());
    expect(error).toBeInstanceOf(ProtocolError);
    expect((error as ProtocolError).name).toBe('ProtocolError');
    expect((error as ProtocolError).code).toBe('line-too-long');
    expect((error as ProtocolError).at).toEqual({ event: 2, byte: 9, line: 3 });
    expect((error as ProtocolError).message).toMatch(/7 bytes.*event 2.*byte 9/);
    for (const call of [() => scanner.next(), () => scanner.write('x'), () => scanner.write(''), () => scanner.end()]) {
      expect(caught(call)).toBe(error);
    }
    scanner.reset();
    scanner.write('data: c\n\ndata');
    expect(scanner.next()?.data).toBe('c');
    expect(scanner.position()).toEqual({ event: 1, byte: 0, line: 1, from: 0, end: 9 });
    expect(scanner.end()?.data).toBe('');
  });

  test('at the end of the input', () => {
    const scanner = new SseScanner({ maxLineBytes: 7 });
    scanner.write('data: too long');
    const error = caught(() => scanner.end());
    expect(error).toBeInstanceOf(ProtocolError);
    expect(caught(() => scanner.end())).toBe(error);
    expect(caught(() => scanner.next())).toBe(error);
  });

  test('the parser: events before it reach the handler, push and end throw it', () => {
    const seen: string[] = [];
    const parser = new SseParser((event) => seen.push(event.data), { maxEventBytes: 10 });
    const error = caught(() => parser.push('data: a\n\ndata: b\ndata: c\n\ndata: d\n\n'));
    expect(seen).toEqual(['a']);
    expect((error as ProtocolError).code).toBe('event-too-large');
    expect(caught(() => parser.push('data: e\n\n'))).toBe(error);
    expect(caught(() => parser.end())).toBe(error);
    expect(seen).toEqual(['a']);
    parser.reset();
    parser.push('data: f\n\n');
    expect(seen).toEqual(['a', 'f']);
  });

  test('a saved and restored one still has it', () => {
    const scanner = new SseScanner({ maxLineBytes: 7 });
    scanner.write('data: a\n\ndata: too long\n\n');
    scanner.next();
    const error = caught(() => scanner.next()) as ProtocolError;
    const restored = SseScanner.from(JSON.parse(JSON.stringify(scanner)), { maxLineBytes: 7 });
    const again = caught(() => restored.next()) as ProtocolError;
    expect([again.name, again.code, again.message, again.at]).toEqual([
      error.name,
      error.code,
      error.message,
      error.at,
    ]);
    expect(caught(() => restored.end())).toBe(again);
    restored.reset();
    restored.write('data: c\n\n');
    expect(restored.next()?.data).toBe('c');
  });
});

describe('defaults', () => {
  test('are 64 MiB', () => {
    expect([MAX_LINE_BYTES, MAX_EVENT_BYTES]).toEqual([67_108_864, 67_108_864]);
  });

  test('hold: a line of 64 MiB passes, one more byte does not', () => {
    const mib = new Uint8Array(1024 * 1024).fill(0x78);
    const fill = (scanner: SseScanner): void => {
      for (let i = 0; i < 64; i++) {
        scanner.write(mib);
        scanner.next();
      }
    };
    const scanner = new SseScanner();
    fill(scanner);
    scanner.write(Uint8Array.of(0x78));
    expect(() => scanner.next()).toThrow(ProtocolError);
    scanner.reset();
    fill(scanner);
    expect(scanner.end()?.data).toBe('');
  });
});

describe('properties', () => {
  test('any bytes, any limits, any cuts break the limit that the twin breaks', () => {
    const limit = fc.integer({ min: 3, max: 40 });
    fc.assert(
      fc.property(sseSoup, limit, limit, cutPlaces, (bytes, maxLineBytes, maxEventBytes, places) => {
        const expected = referenceLimit(bytes, maxLineBytes, maxEventBytes);
        const cuts = places.map((place) => place % (bytes.length + 1));
        for (const chunks of [cutAt(bytes, cuts), pieces(bytes, 1), [bytes]]) {
          const seen = scan(chunks, { maxLineBytes, maxEventBytes });
          expect(seen.error).toEqual(expected && { code: expected.code, at: expected.at });
          const events = referenceSse(bytes).events;
          expect(seen.events).toEqual(expected === undefined ? events : events.slice(0, expected.events));
        }
      }),
      { numRuns: 500 * RUNS },
    );
  });
});

test.each([0, -1, NaN])('a limit of %s is refused', (bytes) => {
  expect(() => new SseScanner({ maxLineBytes: bytes })).toThrow(RangeError);
  expect(() => new SseScanner({ maxEventBytes: bytes })).toThrow(RangeError);
  expect(() => new SseScanner({ maxLineBytes: Infinity, maxEventBytes: Infinity })).not.toThrow();
});
