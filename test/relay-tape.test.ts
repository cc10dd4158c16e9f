/** The tape finds the ends of events where the scanner finds them, however the input was chopped; and holds back the rest. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Tape } from '../src/relay/tape.ts';
import { SseScanner } from '../src/sse/index.ts';
import { sseSoup } from './support/arbitraries.ts';

const RUNS = process.env['SSEMBLE_FUZZ'] ? 100 : 1;
const MAX = 1 << 26;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (piece: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(piece);

interface Ends {
  start: number;
  end: number;
}

function chop(input: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (input.length + 1)), input.length])].sort((a, b) => a - b);
  return places.slice(1).map((end, i) => input.slice(places[i], end));
}

/** After each chunk: the events that are whole by then. */
function byScanner(chunks: readonly Uint8Array[]): Ends[][] {
  const scanner = new SseScanner();
  const take = (): Ends[] => {
    const ends: Ends[] = [];
    while (scanner.next() !== undefined) {
      const { byte, end } = scanner.position();
      ends.push({ start: byte, end });
    }
    return ends;
  };
  return chunks.map((chunk) => {
    scanner.write(chunk);
    return take();
  });
}

function byTape(chunks: readonly Uint8Array[], drop: boolean): Ends[][] {
  const tape = new Tape(MAX);
  return chunks.map((chunk) => {
    tape.record(chunk);
    const ends: Ends[] = [];
    for (let frame = tape.take(); frame !== undefined; frame = tape.take()) ends.push({ ...frame });
    if (drop) tape.drop(tape.safe);
    return ends;
  });
}

/** Soup that the sniffer takes for an event stream. */
const input = fc
  .tuple(fc.constantFrom('', 'data: x\n\n', ':\n', '\uFEFF', '\uFEFFdata: y\r\n\r\n'), sseSoup)
  .map(([head, soup]) => new Uint8Array([...bytes(head), ...soup]))
  .filter(
    (all) =>
      ![0x7b, 0x5b, 0x3c, 0x1f].includes(all.find((byte) => ![32, 9, 10, 13, 0xef, 0xbb, 0xbf].includes(byte)) ?? 0),
  );

describe('the tape', () => {
  test('finds the events that the scanner finds, at the same chunk', () => {
    fc.assert(
      fc.property(input, fc.array(fc.nat(), { maxLength: 12 }), fc.boolean(), (all, cuts, drop) => {
        const chunks = chop(all, cuts);
        expect(byTape(chunks, drop)).toEqual(byScanner(chunks));
      }),
      { numRuns: 500 * RUNS },
    );
  });

  test('gives what came, in order, cut where the events are whole', () => {
    fc.assert(
      fc.property(input, fc.array(fc.nat(), { maxLength: 12 }), (all, cuts) => {
        const tape = new Tape(MAX);
        let given = '';
        for (const chunk of chop(all, cuts)) {
          tape.record(chunk);
          given += Buffer.from(tape.give(tape.safe)).toString('latin1');
          expect(Buffer.from(all).toString('latin1').startsWith(given)).toBe(true);
        }
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test.each<[string, string, string]>([
    ['an event that is cut', 'data: 1\n\ndata: 2\n', 'data: 1\n\n'],
    ['a comment goes out at once', ': hello\n', ': hello\n'],
    ['a comment that is cut waits', 'data: 1\n\n: hel', 'data: 1\n\n'],
    ['a comment inside an event waits with it', 'data: 1\n: inside\n', ''],
    ['a block without data, behind an event', 'data: 1\n\nretry: 300\n\n', 'data: 1\n\nretry: 300\n\n'],
    ['a block without data, before any event', 'retry: 300\n\n', ''],
    ['the same with its event', 'retry: 300\n\ndata: 1\n\n', 'retry: 300\n\ndata: 1\n\n'],
    ['blank lines', '\n\r\n\n', '\n\r\n\n'],
    ['a byte order mark', '\uFEFFdata: 1\n\n', '\uFEFFdata: 1\n\n'],
    ['an unknown field', 'foo: bar\ndata: 1\n\n', 'foo: bar\ndata: 1\n\n'],
    ['a field that only begins like data', 'database: 1\n\n', ''],
    ['data without a colon', 'data\n\n', 'data\n\n'],
    ['a JSON body', '{"type":"error"}\n\ndata: 1\n\n', ''],
    ['a page', '<html>\n\ndata: 1\n\n', ''],
  ])('%s', (_, text, given) => {
    const tape = new Tape(MAX);
    tape.record(bytes(text));
    expect(decode(tape.give(tape.safe))).toBe(given);
  });

  test.each<[string, string, number]>([
    ['an event that lacks its last line ends gets them', 'data: 1', 1],
    ['one that lacks its blank line, too', 'data: 1\n', 1],
    ['a bare CR at the end is a line end', 'data: 1\r\r', 1],
    ['a block without data is no event', 'event: x\n', 0],
    ['nor is a cut comment', ': x', 0],
    ['nor a cut field name', 'dat', 0],
  ])('at the end: %s', (_, text, events) => {
    const tape = new Tape(MAX);
    tape.record(bytes(`data: 0\n\n${text}`));
    tape.take();
    tape.give(tape.safe);
    tape.finish();
    expect(tape.take() === undefined ? 0 : 1).toBe(events);
    const rest = decode(tape.give(tape.safe));
    expect(rest.startsWith(events === 1 ? 'data: 1' : '')).toBe(true);
    if (events === 0) expect(rest).toBe('');
  });

  test('a stream that is whole is not touched at its end', () => {
    for (const text of ['data: 1\n\n', 'data: 1\r\r', 'data: 1\r\n\r\n: bye\n', '']) {
      const tape = new Tape(MAX);
      tape.record(bytes(text));
      tape.finish();
      expect(decode(tape.give(tape.safe))).toBe(text);
    }
  });

  test('keeps no more than it may of what is no event stream', () => {
    const tape = new Tape(1000);
    for (let i = 0; i < 1000; i++) tape.record(bytes(`odd: ${i}\n\n`));
    tape.record(bytes('data: 1\n\n'));
    expect(tape.take()).toBeUndefined();
    expect(tape.give(tape.safe)).toHaveLength(0);
  });

  test('is linear: a line of 8 MB in drips, and many events given one by one', () => {
    const tape = new Tape(MAX);
    const drip = bytes('x'.repeat(64));
    tape.record(bytes('data: '));
    for (let i = 0; i < 131_072; i++) tape.record(drip);
    tape.record(bytes('\n\n'));
    expect(tape.take()?.end).toBe(6 + 131_072 * 64 + 2);

    const many = new Tape(MAX);
    many.record(bytes('data: 1\n\n'.repeat(200_000)));
    let given = 0;
    for (let frame = many.take(); frame !== undefined; frame = many.take()) given += many.give(frame.end).length;
    expect(given).toBe(9 * 200_000);
  });
});
