/** The capture format: no byte and no border is lost, whatever came, however the file is cut; and no key gets in. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Capture, CaptureChunk, CaptureHeader } from '../src/capture/format.ts';
import { CaptureReader, isCapture, parseCapture, readCapture } from '../src/capture/reader.ts';
import { chunkLine, endLine, formatCapture, headerLine } from '../src/capture/writer.ts';
import { ProtocolError } from '../src/errors.ts';
import { UTF8_EDGES } from './support/arbitraries.ts';

const RUNS = 200 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1);
const HEADER: CaptureHeader = { ssemble: 'capture', version: 1 };
const encoder = new TextEncoder();

const AWKWARD = [
  '\ufeff',
  '\u2028',
  '\u2029',
  '\u0000',
  '\u007f',
  '\u0085',
  '\ufffd',
  '😀',
  '\ud83d',
  '"',
  '\\',
  '\r\n',
];

const bytes: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc.constantFrom(...UTF8_EDGES).map((edge) => Uint8Array.from(edge)),
      fc.constantFrom(...AWKWARD).map((text) => encoder.encode(text)),
      fc.string({ unit: 'binary', maxLength: 10 }).map((text) => encoder.encode(text)),
      fc.uint8Array({ maxLength: 6 }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

const chunks: fc.Arbitrary<CaptureChunk[]> = fc
  .array(fc.record({ gap: fc.option(fc.nat(1e9), { nil: undefined }), bytes }), { maxLength: 8 })
  .map((list) => {
    let now = 0;
    return list.map(({ gap, bytes: own }) => ({ us: gap === undefined ? undefined : (now += gap), bytes: own }));
  });

const header: fc.Arbitrary<CaptureHeader> = fc.record(
  {
    ssemble: fc.constant('capture' as const),
    version: fc.constant(1 as const),
    tool: fc.string({ unit: 'grapheme' }),
    response: fc.record({ status: fc.integer({ min: 100, max: 599 }), us: fc.nat(1e9) }),
    clock: fc.record({ zero: fc.constantFrom('request' as const, 'first-chunk' as const) }),
  },
  { requiredKeys: ['ssemble', 'version'] },
);

const capture: fc.Arbitrary<Capture> = fc.record({
  header,
  chunks,
  end: fc.constantFrom(undefined, { end: 'eof' as const }, { end: 'reset' as const, us: 9e9, error: 'ECONNRESET\n' }),
});

const plain = (list: readonly CaptureChunk[]): unknown[] => list.map((chunk) => [chunk.us, [...chunk.bytes]]);
const plainCapture = (one: Capture): unknown => ({ ...one, chunks: plain(one.chunks) });

/** What a reader gives for pieces, in order. */
function readPieces(pieces: readonly (Uint8Array | string)[]): Capture & { unfinishedLine: boolean } {
  const reader = new CaptureReader();
  const found = pieces.flatMap((piece) => reader.push(piece));
  found.push(...reader.end());
  const { header: first, ending, unfinishedLine } = reader;
  return { header: first as CaptureHeader, chunks: found, end: ending, unfinishedLine };
}

describe('a capture', () => {
  it('gives back every byte, every border, every time', () => {
    fc.assert(
      fc.property(capture, (original) => {
        const file = formatCapture(original);
        expect(plainCapture(parseCapture(file))).toEqual(plainCapture(original));
        expect(plainCapture(parseCapture(encoder.encode(file)))).toEqual(plainCapture(original));
      }),
      { numRuns: RUNS },
    );
  });

  it('has no control character but its line ends, and no line that other readers would split', () => {
    fc.assert(
      fc.property(capture, (original) => {
        const file = formatCapture(original);
        // oxlint-disable-next-line no-control-regex
        expect(file).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]|\p{Surrogate}/u);
        expect(file.split('\n')).toHaveLength(1 + original.chunks.length + (original.end === undefined ? 0 : 1) + 1);
      }),
      { numRuns: RUNS },
    );
  });

  it('reads the same however the file is split, as text or as bytes', () => {
    fc.assert(
      fc.property(capture, fc.array(fc.nat()), fc.array(fc.boolean()), (original, cuts, kinds) => {
        const file = formatCapture(original);
        const places = [0, ...cuts.map((cut) => cut % (file.length + 1)).sort((a, b) => a - b), file.length];
        const texts = places.slice(1).map((end, i) => file.slice(places[i], end));
        expect(plainCapture(readPieces(texts))).toEqual({
          ...(plainCapture(original) as object),
          unfinishedLine: false,
        });
        // The file is ASCII but for the text of chunks: mixed pieces need whole characters.
        const mixed = texts.map((text, i) =>
          kinds[i] === true && !/\p{Surrogate}/u.test(text) ? encoder.encode(text) : text,
        );
        expect(plainCapture(readPieces(mixed))).toEqual(plainCapture(readPieces(texts)));
        const raw = encoder.encode(file);
        const singles = Array.from(raw, (_, i) => raw.subarray(i, i + 1));
        expect(plainCapture(readPieces(singles))).toEqual(plainCapture(readPieces(texts)));
      }),
      { numRuns: RUNS / 2 },
    );
  });

  it('cut anywhere, has everything up to its last whole line', () => {
    fc.assert(
      fc.property(capture, fc.nat(), (original, at) => {
        const raw = encoder.encode(formatCapture(original));
        const first = raw.indexOf(0x0a);
        const cut = first + (at % (raw.length - first + 1));
        const kept = raw.subarray(0, cut);
        const read = readPieces([kept]);
        const text = new TextDecoder().decode(kept);
        const lines = text.split('\n').length - 1;
        // A line is whole with its line feed, or just before it.
        const before = raw[cut] === 0x0a ? lines + 1 : lines;
        expect(read.chunks).toHaveLength(Math.min(original.chunks.length, Math.max(0, before - 1)));
        expect(plain(read.chunks)).toEqual(plain(original.chunks.slice(0, read.chunks.length)));
        expect(read.unfinishedLine).toBe(!text.endsWith('\n') && raw[cut] !== 0x0a && cut < raw.length);
        expect(read.end).toEqual(before > original.chunks.length + 1 ? original.end : undefined);
      }),
      { numRuns: RUNS },
    );
  });

  it('is text where it can be, base64 where not', () => {
    const line = (text: string | number[]): string =>
      chunkLine({ us: 7, bytes: typeof text === 'string' ? encoder.encode(text) : Uint8Array.from(text) });
    expect(line('é\u2028\ufeff\ufffd"')).toBe('[7,"é\\u2028\\ufeff\ufffd\\""]\n');
    expect(line([0xc3])).toBe('[7,{"b64":"ww=="}]\n');
    expect(line([0xef, 0xbf, 0xbd, 0xff])).toBe('[7,{"b64":"77+9/w=="}]\n');
    expect(line([0xed, 0xa0, 0x80])).toBe('[7,{"b64":"7aCA"}]\n');
    expect(line([0xef, 0xbb, 0xbf, 0x61])).toBe('[7,"\\ufeffa"]\n');
    expect(line([])).toBe('[7,""]\n');
  });

  it('refuses times that are none', () => {
    for (const us of [NaN, -1, Infinity]) expect(() => chunkLine({ us, bytes: new Uint8Array() })).toThrow(RangeError);
    expect(() => endLine({ end: 'eof', us: -1 })).toThrow(RangeError);
    expect(chunkLine({ us: 1.6, bytes: new Uint8Array() })).toBe('[2,""]\n');
  });

  it('begins with what it is, wherever the caller put that', () => {
    const turned = { tool: 'x', version: 1, ssemble: 'capture' } as const;
    expect(isCapture(headerLine(turned))).toBe(true);
  });
});

describe('the reader', () => {
  const head = headerLine(HEADER);

  it.each([
    ['an event stream', 'event: ping\ndata: {}\n\n', /does not begin with a header \(line 1\)/],
    ['nothing', '', /ends before its header/],
    ['half a header', head.slice(0, 20), /ends before its header/],
    ['a JSON array', '[1,"x"]\n', /does not begin with a header/],
    ['another JSON', '{"a":1}\n', /does not begin with a header/],
    ['a later version', '{"ssemble":"capture","version":2}\n', /its version is 2, and 1 is the only one/],
    ['a header with a wrong part', '{"ssemble":"capture","version":1,"request":7}\n', /`request` of the header/],
    ['headers that are an object', '{"ssemble":"capture","version":1,"request":{"headers":{}}}\n', /`request.headers`/],
    ['a status that is text', '{"ssemble":"capture","version":1,"response":{"status":"ok"}}\n', /`response.status`/],
    ['a line that is no JSON', `${head}\n[1,"a"]\nnope\n[2,"b"]\n`, /not JSON \(line 4\)/],
    ['a chunk of one', `${head}[1]\n`, /a chunk is \[µs/],
    ['a chunk of a number', `${head}[1,2]\n`, /a chunk is "text" or/],
    ['base64 that is none', `${head}[1,{"b64":"*"}]\n`, /base64 of the chunk is broken \(line 2\)/],
    ['half a surrogate pair', `${head}[1,"\\ud83d"]\n`, /half a surrogate pair/],
    ['time that goes back', `${head}[5,"a"]\n[4,"b"]\n`, /time goes back, from 5 to 4 µs \(line 3\)/],
    ['time that is text', `${head}["5","a"]\n`, /a time is a number/],
    ['time beyond all numbers', `${head}[1e999,"a"]\n`, /a time is a number of µs from 0 up, or null \(line 2\)/],
    ['an end beyond all numbers', `${head}{"end":"eof","us":1e999}\n`, /a time is a number/],
    ['a response before the request', '{"ssemble":"capture","version":1,"response":{"us":-5}}\n', /`response.us`/],
    ['a response that never came', '{"ssemble":"capture","version":1,"response":{"us":1e999}}\n', /`response.us`/],
    [
      'a status beyond all numbers',
      '{"ssemble":"capture","version":1,"response":{"status":1e999}}\n',
      /`response.status`/,
    ],
    ['counts that are none', '{"ssemble":"capture","version":1,"redacted":[null]}\n', /`redacted` of the header/],
    ['an error that is no text', `${head}{"end":"reset","error":{"a":1}}\n`, /`error` of the end .* \(line 2\)/],
    ['masked that is no number', `${head}{"end":"eof","masked":"x"}\n`, /`masked` of the end/],
    ['an unknown end', `${head}{"end":"bang"}\n`, /neither a chunk nor the end/],
    ['a scalar', `${head}7\n`, /neither a chunk nor the end/],
    ['something after the end', `${head}{"end":"eof"}\n[1,"a"]\n`, /follows the end of the capture; are these two/],
  ])('refuses %s, with the line', (_, file, words) => {
    let caught: unknown;
    try {
      parseCapture(file);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ProtocolError);
    expect((caught as ProtocolError).code).toBe('invalid-capture');
    expect((caught as ProtocolError).message).toMatch(words);
    expect(() => readPieces(file.split(''))).toThrow(words);
  });

  it('throws nothing else, whatever the bytes', () => {
    const soup = fc.array(
      fc.oneof(
        fc.constantFrom(head, '[1,"a"]\n', '{"end":"eof"}', '\n', '[', '{', '"', ',', '\u0000', '\ufeff', '{"b64":'),
        fc.string(),
      ),
    );
    fc.assert(
      fc.property(soup, (parts) => {
        try {
          parseCapture(parts.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('says the same again after an error, and wants nothing after the end', () => {
    const reader = new CaptureReader();
    expect(() => reader.push('x\n')).toThrow(ProtocolError);
    expect(() => reader.push(head)).toThrow(/does not begin/);
    const whole = new CaptureReader();
    whole.push(head);
    expect(whole.end()).toEqual([]);
    expect(whole.end()).toEqual([]);
    expect(() => whole.push('')).toThrow(TypeError);
  });

  it('takes CRLF, blank lines, a byte order mark, white space in the header, unknown fields, no last line feed', () => {
    const file = `\ufeff { "ssemble" : "capture", "version": 1, "later": [1] }\r\n\r\n[1,"a"]\r\n{"end":"eof","later":2}`;
    for (const input of [file, encoder.encode(file)]) {
      expect(isCapture(input)).toBe(true);
      const read = parseCapture(input);
      expect(read.header).toEqual({ ...HEADER, later: [1] });
      expect(plain(read.chunks)).toEqual([[1, [97]]]);
      expect(read.end).toEqual({ end: 'eof', later: 2 });
    }
  });

  it('does not keep the caller’s buffer', () => {
    // A `Buffer` is a Uint8Array whose `slice` copies nothing.
    for (const buffer of [encoder.encode(`${head}[1,"ab`), Buffer.from(`${head}[1,"ab`)]) {
      const reader = new CaptureReader();
      reader.push(buffer);
      buffer.fill(0x20);
      expect(plain(reader.push('c"]\n'))).toEqual([[1, [97, 98, 99]]]);
    }
  });

  it('is linear: a line of 32 MB in pieces of 4 kB', () => {
    const piece = 'x'.repeat(4096);
    const timed = (count: number): number => {
      const reader = new CaptureReader();
      reader.push(`${head}[1,"`);
      const start = performance.now();
      for (let i = 0; i < count; i++) reader.push(piece);
      expect(reader.push('"]\n')[0]?.bytes.length).toBe(count * 4096);
      return performance.now() - start;
    };
    timed(500);
    const best = (count: number): number => Math.min(timed(count), timed(count), timed(count));
    const [small, large] = [best(1000), best(8000)];
    // 8 times as much; 40 is far below the 64 of a quadratic reader, and above what a busy machine does to a linear one.
    expect(large).toBeLessThan(Math.max(small, 2) * 40);
  });
});

describe('isCapture', () => {
  it('tells as soon as it can, and never changes its mind', () => {
    const file = encoder.encode(`\ufeff\n{"ssemble":"capture","version":1}\n`);
    const answers = Array.from(file, (_, i) => isCapture(file.subarray(0, i)));
    const sure = answers.indexOf(true);
    expect(sure).toBe('\ufeff\n{"ssemble":"capture"'.length + 2);
    expect(answers.slice(0, sure).every((answer) => answer === undefined)).toBe(true);
    expect(answers.slice(sure).every((answer) => answer === true)).toBe(true);
  });

  it.each(['event: x', ': comment', '{"type":"error"}', '{"ssemble":"other"}', '[', '<', 'x', '\ufeffdata', '\u0000'])(
    'is false for %j',
    (text) => {
      expect(isCapture(text)).toBe(false);
      expect(isCapture(encoder.encode(text))).toBe(false);
    },
  );

  it('does not wait for ever', () => {
    expect(isCapture('\n'.repeat(1024))).toBeUndefined();
    expect(isCapture('\n'.repeat(1025))).toBe(false);
    expect(isCapture('')).toBeUndefined();
    expect(isCapture(new Uint8Array())).toBeUndefined();
    expect(isCapture(Uint8Array.of(0xef, 0x41))).toBe(false);
  });
});

describe('readCapture', () => {
  const file = formatCapture({
    header: HEADER,
    chunks: [1, 2, 3].map((us) => ({ us, bytes: encoder.encode(`chunk ${us}`) })),
    end: { end: 'abort', us: 9 },
  });

  it('gives the header first, then chunks as they are asked for', async () => {
    let given = 0;
    const lines = function* (): Generator<string> {
      for (const one of file.match(/.*\n/g) ?? []) {
        given += 1;
        yield one;
      }
    };
    const stream = await readCapture(lines());
    expect([stream.header, given]).toEqual([HEADER, 1]);
    const seen: unknown[] = [];
    for await (const chunk of stream) seen.push([chunk.us, given]);
    expect(seen).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
    ]);
    expect(stream.ending).toEqual({ end: 'abort', us: 9 });
    expect(stream.unfinishedLine).toBe(false);
  });

  it('lets go of its source: at a break, at an error, and when there is no header', async () => {
    let closed = 0;
    const source = async function* (text: string): AsyncGenerator<Uint8Array> {
      try {
        for (const one of text.match(/.*\n/g) ?? []) yield encoder.encode(one);
        for (;;) yield encoder.encode('[9,""]\n');
      } finally {
        closed += 1;
      }
    };
    for await (const chunk of await readCapture(source(headerLine(HEADER)))) {
      expect(chunk.us).toBe(9);
      break;
    }
    expect(closed).toBe(1);
    const broken = await readCapture(source(`${headerLine(HEADER)}nope\n`));
    await expect(broken[Symbol.asyncIterator]().next()).rejects.toThrow(ProtocolError);
    expect(closed).toBe(2);
    await expect(readCapture(source('nope\n'))).rejects.toThrow(ProtocolError);
    expect(closed).toBe(3);
    await expect(readCapture([])).rejects.toThrow(/ends before its header/);
  });

  it('reads a Response and a whole file', async () => {
    for (const source of [new Response(file), file, encoder.encode(file)]) {
      const found: unknown[] = [];
      for await (const chunk of await readCapture(source)) found.push(chunk.us);
      expect(found).toEqual([1, 2, 3]);
    }
  });
});

describe('a runtime without TextDecoder and TextEncoder', () => {
  afterEach(() => void vi.unstubAllGlobals());

  it('writes and reads the same', () => {
    fc.assert(
      fc.property(capture, (original) => {
        const file = formatCapture(original);
        const raw = encoder.encode(file);
        vi.stubGlobal('TextDecoder', undefined);
        vi.stubGlobal('TextEncoder', undefined);
        expect(formatCapture(original)).toBe(file);
        expect(plainCapture(parseCapture(raw))).toEqual(plainCapture(original));
        vi.unstubAllGlobals();
      }),
      { numRuns: RUNS / 4 },
    );
  });
});

describe('recorded streams', () => {
  const folder = fileURLToPath(new URL('../../shared/captures/raw', import.meta.url));
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.sse')) : [];
  if (names.length === 0) it.skip('there is no ../shared/captures');

  it.runIf(names.length > 0)('come back to the byte, in pieces of 1000 bytes', () => {
    for (const name of names.filter((_, i) => i % 10 === 0)) {
      const body = readFileSync(join(folder, name));
      const pieces = Array.from({ length: Math.ceil(body.length / 1000) }, (_, i) =>
        body.subarray(i * 1000, (i + 1) * 1000),
      );
      const file = formatCapture({
        header: HEADER,
        chunks: pieces.map((piece, i) => ({ us: i, bytes: piece })),
        end: { end: 'eof' },
      });
      const back = parseCapture(encoder.encode(file));
      expect(back.chunks.map((chunk) => chunk.bytes.length)).toEqual(pieces.map((piece) => piece.length));
      expect(Buffer.concat(back.chunks.map((chunk) => chunk.bytes)).equals(body), name).toBe(true);
    }
  });
});
