/** Lines of megabytes, of which pieces are decoded while they are held: nobody can tell, whatever the bytes and the cuts. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SseScanner, type SseScannerState } from '../src/sse/scanner.ts';
import { characterEnd } from '../src/sse/utf8.ts';
import { utf8Soup } from './support/arbitraries.ts';
import { pieces, RUNS } from './support/chunkings.ts';
import { referenceSse } from './support/reference-sse.ts';
import { scan } from './support/scan.ts';

const MEBIBYTE = 1024 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const BROKEN = Uint8Array.of(0x61, 0xf0, 0x9f, 0x98, 0x62, 0x80, 0x80, 0x80, 0x80, 0x80, 0xff, 0xe2, 0x82, 0x63);

/** `unit` again and again, about `size` bytes. */
function filled(unit: Uint8Array, size: number): Uint8Array {
  const bytes = new Uint8Array(Math.floor(size / unit.length) * unit.length);
  for (let at = 0; at < bytes.length; at += unit.length) bytes.set(unit, at);
  return bytes;
}

function joined(...parts: (Uint8Array | string)[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part))));
}

const SIZE = 2.5 * MEBIBYTE;
const fillings: [string, Uint8Array][] = [
  ['ASCII', filled(encoder.encode('abcdefg'), SIZE)],
  ['two, three and four bytes', filled(encoder.encode('aé€😀'), SIZE)],
  ['three bytes', filled(encoder.encode('€'), SIZE)],
  ['ASCII, then not', joined(filled(encoder.encode('a'), 1.2 * MEBIBYTE), filled(encoder.encode('😀'), MEBIBYTE))],
  ['not UTF-8', filled(BROKEN, SIZE)],
  ['not UTF-8 at the end', joined(filled(encoder.encode('a€'), SIZE), BROKEN)],
  ['not UTF-8 at the beginning', joined(BROKEN, filled(encoder.encode('a€'), SIZE))],
  ['U+FFFD as it should be', filled(encoder.encode('ab\uFFFD'), SIZE)],
];

describe.each(fillings)('a line of %s', (_, filling) => {
  const body = joined('\uFEFFevent: é\ndata: ', filling, '\n\ndata: b\n\nevent: c\ndata: d\r\n\r\n');
  const expected = referenceSse(body);

  test.each([65_536, 16_384, 1_399, 251])('in chunks of %i bytes', (size) => {
    const { error, ...seen } = scan(pieces(body, size));
    expect(error).toBeUndefined();
    expect(seen.events.map(({ data }) => data.length)).toEqual(expected.events.map(({ data }) => data.length));
    // Compared by === first: to show how strings of megabytes differ takes minutes.
    expect(seen.events.every(({ data }, k) => data === expected.events[k]?.data)).toBe(true);
    expect(seen.events.map(({ event }) => event)).toEqual(expected.events.map(({ event }) => event));
    expect(seen.positions).toEqual(expected.positions);
  });

  test('saved in the middle of it, and gone on with', () => {
    const before = body.subarray(0, 1.7 * MEBIBYTE);
    const after = body.subarray(before.length);
    let scanner = new SseScanner();
    for (const piece of pieces(before, 16_384)) scanner.write(piece);
    const state = JSON.parse(JSON.stringify(scanner.toJSON())) as SseScannerState;
    scanner = SseScanner.from(state);
    for (const piece of pieces(after, 16_384)) scanner.write(piece);
    expect(scanner.next()?.data === expected.events[0]?.data).toBe(true);
    expect(scanner.position()).toEqual(expected.positions[0]);
    expect(scanner.next()?.data).toBe('b');
  });

  test('cut off', () => {
    const cut = body.subarray(0, 1.7 * MEBIBYTE);
    const seen = scan(pieces(cut, 16_384));
    const last = referenceSse(cut);
    expect(seen.unfinished?.data === last.unfinished?.data).toBe(true);
    expect(seen.positions).toEqual(last.positions);
  });
});

test('text after the bytes of a long line goes on with it', () => {
  const long = filled(encoder.encode('a€'), 1.5 * MEBIBYTE);
  const scanner = new SseScanner();
  scanner.write('data: ');
  for (const piece of pieces(long, 16_384)) scanner.write(piece);
  scanner.write('é\n\n');
  expect(scanner.next()?.data === `${decoder.decode(long)}é`).toBe(true);
  expect(scanner.position().end).toBe(long.length + 10);
});

test.each(['', 'event: ping\n', '\uFEFF', ': ', '\uFEFF: '])('a limit of megabytes trips alike after %j', (before) => {
  const body = joined(
    before,
    before.endsWith(': ') ? '' : 'data: ',
    filled(encoder.encode('a€'), 2 * MEBIBYTE),
    '\n\n',
  );
  for (const options of [{ maxLineBytes: 1.5 * MEBIBYTE }, { maxEventBytes: 1.5 * MEBIBYTE }]) {
    const whole = scan([body], options);
    expect(whole.error === undefined).toBe('maxEventBytes' in options && before.endsWith(': '));
    expect(scan(pieces(body, 16_384), options)).toEqual(whole);
  }
});

test('an event line whose data line is as long as a line may be', () => {
  const limit = 2 * MEBIBYTE;
  const body = joined('event: x\ndata: ', filled(encoder.encode('a'), limit - 6), '\n\n');
  const { events, error } = scan(pieces(body, 16_384), { maxLineBytes: limit });
  expect(error).toBeUndefined();
  expect(events.map(({ event, data }) => [event, data.length])).toEqual([['x', limit - 6]]);
});

test('characterEnd: two halves decode as the whole', () => {
  fc.assert(
    fc.property(utf8Soup, fc.nat(), (bytes, place) => {
      const end = place % (bytes.length + 1);
      const cut = characterEnd(bytes.subarray(0, end));
      expect(end - cut).toBeLessThanOrEqual(3);
      expect(decoder.decode(bytes.subarray(0, cut)) + decoder.decode(bytes.subarray(cut))).toBe(decoder.decode(bytes));
    }),
    { numRuns: 2000 * RUNS },
  );
});

test('characterEnd: of bytes that end there, nothing is left in a decoder that waits for more', () => {
  fc.assert(
    fc.property(utf8Soup, (bytes) => {
      fc.pre(characterEnd(bytes) === bytes.length);
      const waiting = new TextDecoder('utf-8', { ignoreBOM: true });
      expect(waiting.decode(bytes, { stream: true })).toBe(decoder.decode(bytes));
    }),
    { numRuns: 2000 * RUNS },
  );
});
