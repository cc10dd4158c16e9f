/** Choppers: the chunks are always the input, and each cuts where it says. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SseScanner } from '../src/sse/index.ts';
import { chop, CHOPPERS, chunkings } from '../src/testing/index.ts';
import { sseSoup } from './support/arbitraries.ts';

const RUNS = 200 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1);
const text = (chunks: readonly Uint8Array[]): string[] => chunks.map((chunk) => Buffer.from(chunk).toString('latin1'));
const bytes = (input: string): Uint8Array => Uint8Array.from(Buffer.from(input));

const how: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('recorded', 'whole', 'event', 'line', 'byte', 'utf8', 'crlf'),
  fc.nat().map((seed) => `random:${seed}`),
  fc.integer({ min: 1, max: 50 }).map((size) => `size:${size}`),
);

describe('chop()', () => {
  it('gives chunks that are the input when joined, none of them empty', () => {
    fc.assert(
      fc.property(sseSoup, how, fc.array(fc.nat(60)), (input, name, places) => {
        const chunks = chop(
          input,
          name,
          places.sort((a, b) => a - b),
        );
        expect(Buffer.concat(chunks)).toEqual(Buffer.from(input));
        expect(chunks.every(({ length }) => length > 0)).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it.each([
    ['whole', 'a\n\nb', ['a\n\nb']],
    ['event', 'data: a\n\n: c\n\ndata: b\r\n\r\nrest', ['data: a\n\n', ': c\n\ndata: b\r\n\r\n', 'rest']],
    ['line', 'a\r\nb\rc\n\nd', ['a\r\n', 'b\r', 'c\n', '\n', 'd']],
    ['line', 'a\r', ['a\r']],
    ['byte', 'abc', ['a', 'b', 'c']],
    ['utf8', 'aé€b', ['a\xc3', '\xa9\xe2', '\x82', '\xacb']],
    ['crlf', 'a\r\n\r\nb\n\nc\nd', ['a\r', '\n', '\r', '\nb\n', '\nc\nd']],
    ['size:2', 'abcde', ['ab', 'cd', 'e']],
    ['recorded', 'abcde', ['abcde']],
  ])('%s', (name, input, expected) => {
    expect(text(chop(bytes(input), name))).toEqual(expected);
  });

  it('cuts as recorded, where places are given', () => {
    expect(text(chop(bytes('abcde'), 'recorded', [1, 4]))).toEqual(['a', 'bcd', 'e']);
  });

  it('cuts events where a reader ends them', () => {
    fc.assert(
      fc.property(sseSoup, (input) => {
        const ends: number[] = [];
        const scanner = new SseScanner();
        scanner.write(input);
        while (scanner.next() !== undefined) ends.push(scanner.position().end);
        scanner.end();
        while (scanner.next() !== undefined) ends.push(scanner.position().end);
        let at = 0;
        const cuts = chop(input, 'event').map(({ length }) => (at += length));
        expect(cuts).toEqual([...new Set([...ends, ...(input.length > 0 ? [input.length] : [])])]);
      }),
      { numRuns: RUNS },
    );
  });

  it('cuts at random by the seed alone', () => {
    const input = new Uint8Array(5000);
    const lengths = (seed: number): number[] => chop(input, `random:${seed}`).map(({ length }) => length);
    expect(lengths(7)).toEqual(lengths(7));
    expect(lengths(7)).not.toEqual(lengths(8));
    expect(lengths(2 ** 40)).not.toEqual(lengths(0));
    // Written down: another engine, or another version, must cut at the same places.
    expect(lengths(7).slice(0, 8)).toMatchInlineSnapshot(`
      [
        246,
        148,
        160,
        31,
        8,
        103,
        6,
        49,
      ]
    `);
    // Short and long ones.
    expect(Math.min(...lengths(1))).toBe(1);
    expect(Math.max(...lengths(1))).toBeGreaterThan(100);
  });

  it.each([
    ['', /Cannot chop by "": use one of recorded, whole, .*random:SEED, size:N$/],
    ['bytes', /use one of/],
    ['byte:3', /write it as byte$/],
    ['random', /write it as random:SEED$/],
    ['size:0', /N is a whole number from 1 to/],
    ['size:-1', /N is a whole number/],
    ['random:1e3', /SEED is a whole number from 0 to/],
    ['random:9007199254740992', /SEED is a whole number/],
    ['size:1:2', /write it as size:N$/],
    ['__proto__', /use one of/],
  ])('refuses "%s"', (name, message) => {
    expect(() => chop(new Uint8Array(3), name)).toThrow(RangeError);
    expect(() => chop(new Uint8Array(3), name)).toThrow(message);
  });

  it('has a summary for each', () => {
    expect(CHOPPERS.every(({ summary }) => /^[a-z].*[^.]$/.test(summary))).toBe(true);
  });
});

describe('chunkings()', () => {
  it('gives the input when joined, and empty chunks now and then', () => {
    let empty = 0;
    fc.assert(
      fc.property(
        sseSoup.chain((input) => fc.tuple(fc.constant(input), chunkings(fc, input))),
        ([input, chunks]) => {
          expect(Buffer.concat(chunks)).toEqual(Buffer.from(input));
          if (chunks.some(({ length }) => length === 0)) empty += 1;
        },
      ),
      { numRuns: RUNS },
    );
    expect(empty).toBeGreaterThan(0);
  });
});
