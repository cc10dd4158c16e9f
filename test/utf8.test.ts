import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8, utf8Length } from '../src/sse/utf8.ts';
import { anyText, utf8Soup, UTF8_EDGES } from './support/arbitraries.ts';
import { RUNS } from './support/chunkings.ts';

const native = new TextDecoder('utf-8', { ignoreBOM: true });
const nativeEncoder = new TextEncoder();

function expectLikeNative(bytes: Uint8Array): void {
  // the comparison by === first: `expect` on every one of some 100,000 inputs would take a minute
  const ours = decodeUtf8(bytes);
  if (ours !== native.decode(bytes)) expect(ours, `bytes ${[...bytes].join(' ')}`).toBe(native.decode(bytes));
}

/** Both sides of every bound in the table of well-formed UTF-8 (Unicode 3.9, table 3-7). */
const BOUNDS = [
  0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
  0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
];

describe('decodeUtf8 gives what TextDecoder gives', () => {
  test('every single byte', () => {
    for (let byte = 0; byte < 256; byte++) expectLikeNative(Uint8Array.of(byte));
  });

  test('every pair of bytes', () => {
    for (let pair = 0; pair < 65536; pair++) expectLikeNative(Uint8Array.of(pair >> 8, pair & 0xff));
  });

  test('every three of the bounds, and every four of them after a lead byte', () => {
    for (const a of BOUNDS) {
      for (const b of BOUNDS) {
        for (const c of BOUNDS) {
          expectLikeNative(Uint8Array.of(a, b, c));
          if (a >= 0xe0) for (const d of BOUNDS) expectLikeNative(Uint8Array.of(a, b, c, d));
        }
      }
    }
  });

  test.each(UTF8_EDGES.map((bytes) => [Buffer.from(bytes).toString('hex'), bytes] as const))('edge %s', (_, bytes) => {
    for (const before of [[], [0x61], [0xf0, 0x9f]]) {
      for (const after of [[], [0x0a], [0x80], [0xf0, 0x9f, 0x98, 0x80]]) {
        expectLikeNative(Uint8Array.from([...before, ...bytes, ...after]));
      }
    }
  });

  test('every code point', () => {
    for (let codePoint = 0; codePoint <= 0x10ffff; codePoint += 0x100) {
      const points = Array.from({ length: 0x100 }, (_, i) => codePoint + i).filter((p) => p < 0xd800 || p > 0xdfff);
      const text = String.fromCodePoint(...points);
      const bytes = nativeEncoder.encode(text);
      if (decodeUtf8(bytes) !== text) expect(decodeUtf8(bytes)).toBe(text);
      if (utf8Length(text) !== bytes.length) expect(utf8Length(text)).toBe(bytes.length);
    }
  });

  test('any bytes', () => {
    fc.assert(
      fc.property(utf8Soup, (bytes) => {
        expect(decodeUtf8(bytes)).toBe(native.decode(bytes));
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('a part of the bytes is decoded as if it were all', () => {
    fc.assert(
      fc.property(utf8Soup, fc.nat(), fc.nat(), (bytes, a, b) => {
        const start = a % (bytes.length + 1);
        const end = start + (b % (bytes.length - start + 1));
        expect(decodeUtf8(bytes, start, end)).toBe(native.decode(bytes.subarray(start, end)));
        expect(decodeUtf8(bytes, start)).toBe(native.decode(bytes.subarray(start)));
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('text longer than one batch of String.fromCharCode, a pair across its edge', () => {
    for (const size of [4094, 4095, 4096, 4097, 100_000]) {
      const bytes = nativeEncoder.encode(`${'a'.repeat(size)}😀${'€'.repeat(size)}`);
      expectLikeNative(bytes);
    }
  });

  test('a byte order mark stays: it is the scanner that takes it off', () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\uFEFFa');
  });
});

describe('encodeUtf8 and utf8Length give what TextEncoder gives', () => {
  test('any text, lone surrogates included', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const expected = nativeEncoder.encode(text);
        expect([...encodeUtf8(text)]).toEqual([...expected]);
        expect(utf8Length(text)).toBe(expected.length);
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('every UTF-16 unit alone, and after and before a half of a pair', () => {
    for (let unit = 0; unit < 0x10000; unit++) {
      const one = String.fromCharCode(unit);
      for (const text of unit >= 0xd7f0 && unit <= 0xe010 ? [one, `\ud83d${one}`, `${one}\ude00`] : [one]) {
        const expected = nativeEncoder.encode(text);
        const ours = encodeUtf8(text);
        if (utf8Length(text) !== expected.length || Buffer.compare(ours, expected) !== 0) {
          expect([...ours], `unit ${unit.toString(16)}`).toEqual([...expected]);
          expect(utf8Length(text)).toBe(expected.length);
        }
      }
    }
  });

  test('the length of a part is the length of that slice', () => {
    fc.assert(
      fc.property(anyText, fc.nat(), fc.nat(), (text, a, b) => {
        const from = a % (text.length + 1);
        const to = from + (b % (text.length - from + 1));
        expect(utf8Length(text, from, to)).toBe(nativeEncoder.encode(text.slice(from, to)).length);
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('decode after encode is the identity on well-formed text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeUtf8(encodeUtf8(text))).toBe(text);
      }),
      { numRuns: 300 * RUNS },
    );
  });
});
