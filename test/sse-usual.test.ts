/**
 * The fast path of the scanner (a run of events of the usual shape) gives what the twin of the standard gives: on streams
 * of usual events with all that ends a run between them, in chunks small and large, in ASCII and beyond.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SseScanner, type SseScannerState } from '../src/sse/scanner.ts';
import { cutAt, pieces, RUNS } from './support/chunkings.ts';
import { referenceSse } from './support/reference-sse.ts';
import { scan, scanPlain } from './support/scan.ts';

const name = fc.constantFrom(
  'ping',
  'content_block_delta',
  'content_block_stop',
  'message_stop',
  'a',
  'é',
  'x'.repeat(41),
);
const text = fc.oneof(
  fc.constantFrom('{"type": "ping"}', '', ' ', 'event: ping', 'data: ', '\u{FEFF}', '灯台', '🫖', '\u{FFFD}', '\0'),
  fc.string({ maxLength: 40 }).map((any) => any.replaceAll(/[\r\n]/g, '')),
  fc.nat(200).map((length) => 'x'.repeat(length)),
);
const usual = fc.tuple(name, text).map(([event, data]) => `event: ${event}\ndata: ${data}\n\n`);

/** What ends a run, or looks as if it did not. */
const odd = fc.oneof(
  fc.constantFrom(
    ': heartbeat\n\n',
    ':\n',
    '\n',
    'retry: 10\n\n',
    'retry: 9\n',
    'id: 7\n',
    'id\n\n',
    'data\n\n',
    'event: ping\n',
    'event: ping\n\n',
    'event: ping\r\ndata: x\r\n\r\n',
    'event: ping\ndata: a\rb\n\n',
    'event: ping\ndata: x\n\r\n',
    'event: ping\rdata: x\r\r',
    'event: ping\ndata: x\ndata: y\n\n',
    'event: ping\ndata:x\n\n',
    'event:ping\ndata: x\n\n',
    'data: x\nevent: ping\n\n',
    'event: pingdata: \n\n',
    'event: ping\ndata: \uD800\n\n',
    'event: ping\nid: 3\ndata: x\n\n',
    'Event: ping\ndata: x\n\n',
  ),
  usual.map((event) => event.slice(0, -1)),
  fc.tuple(usual, fc.nat()).map(([event, place]) => event.slice(place % event.length)),
);
const stream = fc
  .array(fc.oneof({ weight: 6, arbitrary: usual }, { weight: 1, arbitrary: odd }), { maxLength: 40 })
  .map((parts) => Buffer.from(parts.join(''), 'utf8'))
  .chain((bytes) =>
    // Now and then bytes that are no UTF-8.
    fc.array(fc.tuple(fc.nat(), fc.constantFrom(0xff, 0xc3, 0xe2, 0x0a, 0x0d)), { maxLength: 1 }).map((changes) => {
      const changed = new Uint8Array(bytes);
      for (const [at, byte] of changes) if (changed.length > 0) changed[at % changed.length] = byte;
      return changed;
    }),
  );

describe('a run of usual events', () => {
  test('is what the standard says, in whole, in large and in small chunks', () => {
    fc.assert(
      fc.property(
        stream,
        fc.constantFrom(1, 7, 64, 140, 1400, 4096),
        fc.array(fc.nat(), { maxLength: 4 }),
        (bytes, size, places) => {
          const expected = referenceSse(bytes);
          expect(scanPlain([bytes])).toEqual(expected);
          expect(scanPlain(pieces(bytes, size))).toEqual(expected);
          expect(
            scanPlain(
              cutAt(
                bytes,
                places.map((place) => place % (bytes.length + 1)),
              ),
            ),
          ).toEqual(expected);
        },
      ),
      { numRuns: 300 * RUNS },
    );
  });

  test('is counted right when nobody asks on the way', () => {
    fc.assert(
      fc.property(stream, fc.constantFrom(7, 140, 1400, 1e6), fc.nat(), (bytes, size, place) => {
        const { positions, events } = referenceSse(bytes);
        const asked = events.length === 0 ? -1 : place % events.length;
        const scanner = new SseScanner();
        let seen = -1;
        for (const chunk of pieces(bytes, size)) {
          scanner.write(chunk);
          while (scanner.next() !== undefined)
            if (++seen === asked) expect(scanner.position()).toEqual(positions[asked]);
        }
      }),
      { numRuns: 200 * RUNS },
    );
  });

  test('can be saved and restored in the middle', () => {
    fc.assert(
      fc.property(stream, fc.constantFrom(7, 140, 1400), (bytes, size) => {
        const chunks = pieces(bytes, size);
        const between = (scanner: SseScanner): SseScanner =>
          SseScanner.from(JSON.parse(JSON.stringify(scanner)) as SseScannerState);
        // What is restored has no `onComment`.
        expect({ ...scan(chunks, { between }), comments: [] }).toEqual({ ...scan(chunks), comments: [] });
      }),
      { numRuns: 100 * RUNS },
    );
  });

  test('limits trip where they trip on the slow path', () => {
    fc.assert(
      fc.property(
        stream,
        fc.integer({ min: 5, max: 300 }),
        fc.integer({ min: 5, max: 400 }),
        (bytes, maxLineBytes, maxEventBytes) => {
          const limits = { maxLineBytes, maxEventBytes };
          const whole = scan([bytes], limits);
          expect(scan(pieces(bytes, 1), limits)).toEqual(whole);
          expect(scan(pieces(bytes, 33), limits)).toEqual(whole);
        },
      ),
      { numRuns: 150 * RUNS },
    );
  });
});
