/**
 * The work grows with the input and not faster, for every way to cut it. Times are taken on the machine at hand, so the
 * bounds are loose (quadratic work would be 4 times, and thousands of times over for the 50 MB line) and a test that
 * fails on a busy machine is tried again.
 */

import { describe, expect, test } from 'vitest';
import { SseScanner } from '../src/sse/scanner.ts';

const MEGABYTE = 1_000_000;

/** Twice the work may take this many times as long. */
const FACTOR = 3;

test('50 MB in one line, in pieces of 16 bytes', { timeout: 120_000 }, () => {
  const scanner = new SseScanner();
  scanner.write('data: ');
  const piece = new Uint8Array(16).fill(0x78);
  const pieces = (50 * MEGABYTE) / 16;
  for (let i = 0; i < pieces; i++) {
    scanner.write(piece);
    scanner.next();
  }
  scanner.write('\n\n');
  expect(scanner.next()?.data.length).toBe(50 * MEGABYTE);
  expect(scanner.position().end).toBe(50 * MEGABYTE + 8);
});

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** Feeds `size` bytes as the same piece over and over; gives the count of events, so that the work is used. */
function repeated(piece: Uint8Array | string, asks = false): (size: number) => number {
  const length = typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length;
  return (size) => {
    const scanner = new SseScanner();
    let seen = 0;
    for (let fed = 0; fed < size; fed += length) {
      scanner.write(piece);
      while (scanner.next()) seen += asks ? scanner.position().event : 1;
    }
    scanner.end();
    return seen;
  };
}

/** Gives `before`, then the same text over and over, as one chunk. */
function oneChunk(text: string, asText: boolean, asks: boolean, before = ''): (size: number) => number {
  return (size) => {
    const whole = before + text.repeat(Math.ceil(size / Buffer.byteLength(text)));
    const scanner = new SseScanner();
    scanner.write(asText ? whole : bytes(whole));
    let seen = 0;
    // asked twice, as two layers may
    while (scanner.next()) seen += asks ? scanner.position().end - scanner.position().from : 1;
    return seen;
  };
}

const EVENT = 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0}\n\n';

/** Writes all chunks before the first event is taken. */
function waiting(piece: string): (size: number) => number {
  return (size) => {
    const scanner = new SseScanner();
    for (let fed = 0; fed < size; fed += piece.length) scanner.write(piece);
    let events = 0;
    while (scanner.next()) events++;
    return events;
  };
}

/** Name, work, and a size in bytes that takes some 20 to 100 ms. */
const kinds: [string, (size: number) => number, number][] = [
  ['one line in 16-byte pieces', repeated(bytes('x'.repeat(16))), 16 * MEGABYTE],
  ['one line of text in 16-unit pieces', repeated('x'.repeat(16)), 8 * MEGABYTE],
  ['one line of text in 2-unit pieces that are cut in the middle of pairs', repeated('\ude00\ud83d'), MEGABYTE],
  ['one line byte by byte', repeated(bytes('x')), MEGABYTE],
  ['one line of CRs, byte by byte', repeated(bytes('\r')), MEGABYTE / 2],
  ['blank lines, byte by byte', repeated(bytes('\n')), MEGABYTE],
  ['blank lines in one chunk', oneChunk('\n', false, false), 4 * MEGABYTE],
  ['CRs in one chunk', oneChunk('\r', false, false), 4 * MEGABYTE],
  ['comments in small pieces', repeated(bytes(': ping\n\n')), 4 * MEGABYTE],
  ['one event of many data lines in small pieces', repeated(bytes('data: xxxxxxxx\n')), 16 * MEGABYTE],
  ['one event of many data lines in one chunk', oneChunk('data: x\n', false, false), 12 * MEGABYTE],
  ['one event of many data lines in one text', oneChunk('data: x\n', true, false), 12 * MEGABYTE],
  ['events in one chunk', oneChunk(EVENT, false, false), 16 * MEGABYTE],
  ['events with bare CRs in one chunk', oneChunk(EVENT.replaceAll('\n', '\r'), false, false), 16 * MEGABYTE],
  ['events with CRLF in one chunk', oneChunk(EVENT.replaceAll('\n', '\r\n'), false, false), 16 * MEGABYTE],
  ['events with LF after a single CR in one chunk', oneChunk(EVENT, false, false, ':\r'), 16 * MEGABYTE],
  [
    'events with bare CRs after a single LF in one chunk',
    oneChunk(EVENT.replaceAll('\n', '\r'), false, false, ':\n'),
    16 * MEGABYTE,
  ],
  ['events with bare CRs in one text', oneChunk(EVENT.replaceAll('\n', '\r'), true, false), 16 * MEGABYTE],
  ['positions of events in one chunk', oneChunk(EVENT, false, true), 16 * MEGABYTE],
  ['positions of non-ASCII events in one chunk', oneChunk(`: é\n${EVENT}`, false, true), 8 * MEGABYTE],
  ['positions of non-ASCII events in one text', oneChunk(`: é\n${EVENT}`, true, true), 8 * MEGABYTE],
  ['positions of events with U+FFFD in one chunk', oneChunk(`: é\uFFFD\n${EVENT}`, false, true), 4 * MEGABYTE],
  ['chunks that wait', waiting('data: x\n\n'), 4 * MEGABYTE],
  ['positions of events in small pieces', repeated(bytes('data: é\n\n'), true), 2 * MEGABYTE],
];

function time(work: (size: number) => number, size: number): number {
  const start = performance.now();
  work(size);
  return performance.now() - start;
}

describe('twice the input costs about twice the work', () => {
  test.each(kinds)('%s', { timeout: 60_000, retry: 3 }, (_, work, size) => {
    work(size / 8);
    // The best of three of each, by turns. Twice twice the input, because the collector blurs a single doubling.
    let once = Infinity;
    let fourfold = Infinity;
    for (let round = 0; round < 3; round++) {
      once = Math.min(once, time(work, size / 4));
      fourfold = Math.min(fourfold, time(work, size));
    }
    const limit = FACTOR ** 2 * Math.max(once, 2);
    expect(fourfold, `${once.toFixed(1)} ms, four times the input ${fourfold.toFixed(1)} ms`).toBeLessThan(limit);
  });
});
