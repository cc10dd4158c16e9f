/**
 * The whole SSE suite once more in a runtime without `TextDecoder`, and the table once with decoders that are broken in
 * the ways of known polyfills: our own decoder takes over and nothing changes.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { nativeDecoder } from '../src/sse/utf8.ts';
import { forEveryChunking } from './support/chunkings.ts';
// imported before the global goes: the twin keeps its own decoder
import { referenceSse } from './support/reference-sse.ts';
import { scanPlain } from './support/scan.ts';

const Native = globalThis.TextDecoder;

function without(): void {
  Reflect.deleteProperty(globalThis, 'TextDecoder');
}

afterAll(() => {
  globalThis.TextDecoder = Native;
});

const input = new Uint8Array(Buffer.from('\uFEFFdata: é€😀\n\ndata: _\n\n\uFEFFdata: x\n\ndata: \uFEFF\n\n'));
// `_` becomes an ill-formed sequence
input[input.indexOf(0x5f)] = 0xf0;

class StripsTheMark extends Native {
  constructor() {
    super('utf-8', { ignoreBOM: false });
  }
}

class Latin1 extends Native {
  constructor() {
    super('latin1');
  }
}

class OneForAll {
  decode(bytes: Uint8Array): string {
    return new Native('utf-8', { ignoreBOM: true }).decode(bytes).replaceAll(/\uFFFD+/g, '\uFFFD');
  }
}

function Throws(): never {
  throw new RangeError('the label utf-8 is not supported');
}

function WithoutDecode(): void {}

describe('a decoder that does not do what the standard says is not used', () => {
  test.each<[string, unknown]>([
    ['one that takes the mark off', StripsTheMark],
    ['one of another encoding', Latin1],
    ['one that gives a single U+FFFD for many', OneForAll],
    ['one that cannot be made', Throws],
    ['one without decode', WithoutDecode],
    ['something else of that name', 'TextDecoder'],
  ])('%s', (_, Broken) => {
    globalThis.TextDecoder = Broken as typeof TextDecoder;
    try {
      expect(nativeDecoder()).toBeUndefined();
      expect(forEveryChunking(input, (chunks) => scanPlain(chunks))).toEqual(referenceSse(input));
    } finally {
      without();
    }
  });

  test('a good one is', () => {
    globalThis.TextDecoder = Native;
    try {
      expect(nativeDecoder()?.whole).toBeInstanceOf(Native);
    } finally {
      without();
    }
  });
});

without();

const absent = (): void => {
  expect(globalThis).not.toHaveProperty('TextDecoder');
  expect(nativeDecoder()).toBeUndefined();
};

describe('without TextDecoder', async () => {
  test('before: the global is not there', absent);
  await import('./sse-cases.test.ts');
  await import('./sse-parser.test.ts');
  await import('./sse-encode.test.ts');
  await import('./sse-limits.test.ts');
  await import('./sse-state.test.ts');
  test('after: it is still not there', absent);
});
