/** Amazon's binary event stream: frames in and out, both checksums, every header type, every place to cut. */

import { crc32 as nodeCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeEventStreamMessage,
  EventStreamDecoder,
  type EventStreamHeader,
  type EventStreamMessage,
  eventStreamText,
  isEventStream,
} from '../src/carriers/event-stream.ts';
import { MAX_FRAME_BYTES, MAX_FRAME_HEADER_BYTES } from '../src/limits.ts';
import { crc32 } from '../src/carriers/crc32.ts';
import { ProtocolError, TruncatedError } from '../src/errors.ts';
import { encodeUtf8 } from '../src/sse/utf8.ts';
import { cutAt, forEveryChunking, pieces, RUNS } from './support/chunkings.ts';

interface Decoded {
  messages: EventStreamMessage[];
  positions: { event: number; byte: number }[];
  error: string | undefined;
}

/** What comes of the chunks, and what ended it if that was an error. */
function decode(chunks: readonly Uint8Array[]): Decoded {
  const decoder = new EventStreamDecoder();
  const result: Decoded = { messages: [], positions: [], error: undefined };
  const drain = (): void => {
    for (let message = decoder.next(); message !== undefined; message = decoder.next()) {
      result.messages.push(message);
      result.positions.push(decoder.position());
    }
  };
  try {
    for (const chunk of chunks) {
      decoder.write(chunk);
      drain();
    }
    decoder.end();
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof TruncatedError)) throw error;
    result.error = `${error instanceof ProtocolError ? error.code : error.name}: ${error.message}`;
  }
  return result;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** A frame with the bytes at `at` replaced; where asked for, with checksums that fit again. */
function patch(frame: Uint8Array, at: number, bytes: readonly number[], mend: 'prelude' | 'both' | 'none'): Uint8Array {
  const changed = frame.slice();
  changed.set(bytes, at);
  const view = new DataView(changed.buffer);
  if (mend !== 'none') view.setUint32(8, crc32(changed, 0, 8));
  if (mend === 'both') view.setUint32(changed.length - 4, crc32(changed, 0, changed.length - 4));
  return changed;
}

const EVERY_TYPE: readonly EventStreamHeader[] = [
  { name: 'yes', type: 'boolean', value: true },
  { name: 'no', type: 'boolean', value: false },
  { name: 'byte', type: 'byte', value: -128 },
  { name: 'short', type: 'short', value: -32768 },
  { name: 'integer', type: 'integer', value: -2147483648 },
  { name: 'long', type: 'long', value: -(2n ** 63n) },
  { name: 'bytes', type: 'bytes', value: new Uint8Array([0, 255]) },
  { name: 'text', type: 'string', value: 'é€😀' },
  { name: 'time', type: 'timestamp', value: 1700000000000n },
  { name: 'id', type: 'uuid', value: '01020304-0506-0708-090a-0b0c0d0e0fff' },
];
const PLAIN = encodeEventStreamMessage({
  headers: [{ name: ':event-type', type: 'string', value: 'chunk' }],
  payload: encodeUtf8('{"bytes":"e30="}'),
});

const header: fc.Arbitrary<EventStreamHeader> = fc
  .tuple(
    fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme' }),
    fc.oneof(
      fc.boolean().map((value) => ({ type: 'boolean' as const, value })),
      fc.integer({ min: -128, max: 127 }).map((value) => ({ type: 'byte' as const, value })),
      fc.integer({ min: -32768, max: 32767 }).map((value) => ({ type: 'short' as const, value })),
      fc.integer().map((value) => ({ type: 'integer' as const, value })),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({ type: 'long' as const, value })),
      fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map((value) => ({ type: 'timestamp' as const, value })),
      fc.uint8Array({ maxLength: 40 }).map((value) => ({ type: 'bytes' as const, value })),
      fc.string({ maxLength: 40 }).map((value) => ({ type: 'string' as const, value })),
      fc.uuid().map((value) => ({ type: 'uuid' as const, value })),
    ),
  )
  .map(([name, value]) => ({ name, ...value }));
const message: fc.Arbitrary<EventStreamMessage> = fc.record({
  headers: fc.array(header, { maxLength: 5 }),
  payload: fc.uint8Array({ maxLength: 200 }),
});

describe('CRC-32', () => {
  test('gives the check value of the catalogue, and 0 for nothing', () => {
    expect(crc32(encodeUtf8('123456789'))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
  });

  test.skipIf(typeof nodeCrc32 !== 'function')("gives what Node's zlib gives", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => crc32(bytes) === nodeCrc32(bytes)),
      { numRuns: 200 * RUNS },
    );
  });
});

describe('a frame', () => {
  test('has the bytes of the specification', () => {
    // The empty message of the test vectors that Amazon's SDKs share.
    expect([...encodeEventStreamMessage({ headers: [], payload: new Uint8Array() })]).toEqual([
      0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff,
    ]);
  });

  test('carries every type of header', () => {
    const frame = encodeEventStreamMessage({ headers: [...EVERY_TYPE], payload: encodeUtf8('hi') });
    const { messages, error } = decode([frame]);
    expect(error).toBeUndefined();
    expect(messages).toEqual([{ headers: EVERY_TYPE, payload: encodeUtf8('hi') }]);
  });

  test('comes back from its bytes, wherever they are cut', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 4 }), fc.array(fc.nat(), { maxLength: 12 }), (messages, places) => {
        const bytes = join(messages.map(encodeEventStreamMessage));
        const cuts = places.map((place) => place % (bytes.length + 1));
        expect(decode(cutAt(bytes, cuts))).toEqual({ ...decode([bytes]), messages, error: undefined });
      }),
      { numRuns: 200 * RUNS },
    );
  });

  test('is found by number and byte', () => {
    const bytes = join([PLAIN, encodeEventStreamMessage({ headers: [], payload: new Uint8Array() }), PLAIN]);
    const { positions } = forEveryChunking(bytes, decode);
    expect(positions).toEqual([
      { event: 1, byte: 0 },
      { event: 2, byte: PLAIN.length },
      { event: 3, byte: PLAIN.length + 16 },
    ]);
  });

  test('is the decoder’s own: a reused buffer changes nothing', () => {
    const decoder = new EventStreamDecoder();
    const buffer = PLAIN.slice();
    decoder.write(buffer);
    buffer.fill(0);
    const first = decoder.next();
    decoder.write(PLAIN);
    decoder.next();
    expect(first?.payload).toEqual(encodeUtf8('{"bytes":"e30="}'));
  });
});

describe('what cannot be', () => {
  const last = PLAIN.length - 1;
  const two = (broken: Uint8Array): Uint8Array => join([PLAIN, broken, PLAIN]);
  test.each<[string, Uint8Array, string]>([
    [
      'a flipped bit in the payload',
      patch(PLAIN, last - 6, [0x7e], 'none'),
      'frame-checksum: Cannot read frame 2 (byte 52): the checksum of the frame is',
    ],
    [
      'a flipped bit in the frame’s checksum',
      patch(PLAIN, last, [(PLAIN[last] as number) ^ 1], 'none'),
      'frame-checksum: Cannot read frame 2 (byte 52): the checksum of the frame is',
    ],
    [
      'a flipped bit in the length',
      patch(PLAIN, 3, [1], 'none'),
      'frame-checksum: Cannot read frame 2 (byte 52): the checksum of the prelude is',
    ],
    [
      'a frame shorter than a frame',
      patch(PLAIN, 0, [0, 0, 0, 15], 'prelude'),
      'frame-length: Cannot read frame 2 (byte 52): its length of 15 bytes is not between 16 and 16777216',
    ],
    [
      'a frame of 4 GB',
      patch(PLAIN, 0, [255, 255, 255, 255], 'prelude'),
      'frame-length: Cannot read frame 2 (byte 52): its length of 4294967295 bytes',
    ],
    [
      'headers that are longer than the frame',
      patch(PLAIN, 4, [0, 0, 0, 37], 'prelude'),
      'frame-length: Cannot read frame 2 (byte 52): headers of 37 bytes do not fit a frame of 52',
    ],
    [
      'headers that go into the payload',
      patch(PLAIN, 4, [0, 0, 0, 15], 'both'),
      'frame-header: Cannot read frame 2 (byte 52): header 1 goes beyond the end of the headers',
    ],
    [
      'a header of no type',
      patch(PLAIN, 24, [10], 'both'),
      'frame-header: Cannot read frame 2 (byte 52): header 1 (":event-type") has type 10',
    ],
    [
      'server-sent events',
      encodeUtf8('event: ping\ndata: {}\n\n'),
      'frame-length: Cannot read frame 2 (byte 52): the bytes are text ("event: ping\\n"), not an event stream',
    ],
    ['a cut frame', PLAIN.subarray(0, 20), 'TruncatedError: Cannot read frame 3'],
  ])('%s is refused, with its place', (_, broken, expected) => {
    const bytes = expected.startsWith('Truncated') ? join([PLAIN, PLAIN, broken]) : two(broken);
    const { messages, error } = forEveryChunking(bytes, decode);
    expect(error).toContain(expected);
    // What came before is given, however the bytes were cut.
    expect(messages.length).toBe(expected.startsWith('Truncated') ? 2 : 1);
  });

  test('a cut frame tells how much of it came', () => {
    expect(decode([PLAIN.subarray(0, 7)]).error).toBe(
      'TruncatedError: Cannot read frame 1: the stream ended in it, after 7 bytes (byte 0)',
    );
    expect(decode([PLAIN.subarray(0, 40)]).error).toBe(
      'TruncatedError: Cannot read frame 1: the stream ended in it, after 40 of 52 bytes (byte 0)',
    );
  });

  test('every changed byte is noticed', () => {
    for (let at = 0; at < PLAIN.length; at++) {
      const { messages, error } = decode([patch(PLAIN, at, [(PLAIN[at] as number) ^ 0x40], 'none')]);
      expect(error, `byte ${at}`).toBeDefined();
      expect(messages).toEqual([]);
    }
  });

  test('any bytes give frames or one of our errors, the same for any chunking', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(decode(pieces(bytes, 3))).toEqual(decode([bytes]));
      }),
      { numRuns: 200 * RUNS },
    );
  });

  test('is thrown again until reset()', () => {
    const decoder = new EventStreamDecoder();
    decoder.write(patch(PLAIN, 20, [0], 'none'));
    expect(() => decoder.next()).toThrow(ProtocolError);
    expect(() => decoder.write(PLAIN)).toThrow('the checksum of the frame');
    expect(() => decoder.end()).toThrow('the checksum of the frame');
    decoder.reset();
    decoder.write(PLAIN);
    expect(decoder.next()).toBeDefined();
    decoder.end();
    expect(() => decoder.write(PLAIN)).toThrow(new TypeError('Cannot write after end(): make a new decoder'));
  });

  test('text is the caller’s mistake', () => {
    expect(() => new EventStreamDecoder().write('text' as unknown as Uint8Array)).toThrow(TypeError);
  });
});

describe('the ceilings', () => {
  test('a frame of 16 MiB goes through, in small pieces, and one byte more does not', () => {
    const frame = encodeEventStreamMessage({ headers: [], payload: new Uint8Array(MAX_FRAME_BYTES - 16) });
    const decoder = new EventStreamDecoder();
    for (const piece of pieces(frame, 65_537)) decoder.write(piece);
    expect(decoder.next()?.payload.length).toBe(MAX_FRAME_BYTES - 16);
    expect(() => encodeEventStreamMessage({ headers: [], payload: new Uint8Array(MAX_FRAME_BYTES - 15) })).toThrow(
      'too large',
    );
    const prelude = patch(PLAIN, 0, [1, 0, 0, 1], 'prelude');
    expect(decode([prelude]).error).toContain('its length of 16777217 bytes');
  });

  test('headers of 128 KiB go through, and one byte more does not', () => {
    const headers = (bytes: number): EventStreamHeader[] => [
      { name: 'a', type: 'bytes', value: new Uint8Array(65_535) },
      { name: 'b', type: 'bytes', value: new Uint8Array(bytes - 65_535 - 10) },
    ];
    const frame = encodeEventStreamMessage({ headers: headers(MAX_FRAME_HEADER_BYTES), payload: new Uint8Array() });
    expect(decode([frame]).messages).toHaveLength(1);
    expect(() =>
      encodeEventStreamMessage({ headers: headers(MAX_FRAME_HEADER_BYTES + 1), payload: new Uint8Array() }),
    ).toThrow('too large');
    const told = patch(frame, 0, [0, 2, 0, 17, 0, 2, 0, 1], 'prelude');
    expect(decode([told]).error).toContain('headers of 131073 bytes do not fit');
  });

  test('one frame in drips of a byte costs no more than a copy or two', () => {
    const frame = encodeEventStreamMessage({ headers: [], payload: new Uint8Array(1_000_000) });
    const started = performance.now();
    const decoder = new EventStreamDecoder();
    for (let i = 0; i < frame.length; i++) {
      decoder.write(frame.subarray(i, i + 1));
      if (i < frame.length - 1 && decoder.next() !== undefined) throw new Error('too early');
    }
    expect(decoder.next()).toBeDefined();
    // About 0.1 s; a copy a byte would be 500 GB.
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('small things', () => {
  test('isEventStream tells from the prelude', () => {
    expect(isEventStream(PLAIN)).toBe(true);
    expect(isEventStream(PLAIN.subarray(0, 11))).toBeUndefined();
    expect(isEventStream(encodeUtf8('{"ssemble":"capture"}'))).toBe(false);
  });

  test('eventStreamText gives strings only', () => {
    const [frame] = decode([
      encodeEventStreamMessage({ headers: [...EVERY_TYPE], payload: new Uint8Array() }),
    ]).messages;
    expect(eventStreamText(frame as EventStreamMessage, 'text')).toBe('é€😀');
    expect(eventStreamText(frame as EventStreamMessage, 'id')).toBeUndefined();
  });

  test.each<[string, EventStreamHeader]>([
    ['an empty name', { name: '', type: 'boolean', value: true }],
    ['a name of 256 bytes', { name: 'é'.repeat(128), type: 'boolean', value: true }],
    ['a byte of 128', { name: 'a', type: 'byte', value: 128 }],
    ['a long of 2^63', { name: 'a', type: 'long', value: 2n ** 63n }],
    ['a string of 64 KiB', { name: 'a', type: 'string', value: 'a'.repeat(65_536) }],
    ['a UUID that is none', { name: 'a', type: 'uuid', value: 'abc' }],
  ])('%s cannot be encoded', (_, wrong) => {
    expect(() => encodeEventStreamMessage({ headers: [wrong], payload: new Uint8Array() })).toThrow(TypeError);
  });
});
