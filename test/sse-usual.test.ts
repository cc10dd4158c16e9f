/**
 * The fast path of the scanner (a run of events of the usual shape) gives what the twin of the standard gives: on streams
 * of usual events with all that ends a run between them, in chunks small and large, in ASCII and beyond.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../src/errors.ts';
import type { Position, SseEvent, SseOptions } from '../src/sse/event.ts';
import { SseParser } from '../src/sse/parser.ts';
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
  // So long that large chunks are cut inside of characters.
  fc.tuple(fc.constantFrom('灯台', 'é', '🫖x'), fc.nat(120)).map(([unit, times]) => unit.repeat(times)),
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
    'event: ping\rdata: x\r\r\n',
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
  .chain((parts) => fc.constantFrom('\n', '\n', '\r\n').map((end) => parts.join('').replaceAll(/(?<!\r)\n/g, end)))
  .map((input) => Buffer.from(input, 'utf8'))
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
        fc.constantFrom(1, 7, 64, 140, 512, 700, 1400, 4096),
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

/** Pushes all chunks and ends; the handler takes notes, and throws at the events that `stumbles` names. */
function pushed(chunks: readonly Uint8Array[], options: SseOptions = {}, stumbles?: (count: number) => boolean) {
  const events: SseEvent[] = [];
  const positions: Position[] = [];
  let error: { code: string; at: unknown } | undefined;
  const parser = new SseParser((event, self) => {
    events.push(event);
    positions.push(self.position());
    if (stumbles?.(events.length) === true) throw new Error('stumbled');
  }, options);
  const run = (step: () => void): void => {
    for (;;) {
      try {
        return step();
      } catch (thrown) {
        if (thrown instanceof ProtocolError) error ??= { code: thrown.code, at: thrown.at };
        if (!(thrown instanceof Error && thrown.message === 'stumbled')) return;
        // The chunk was taken: what is left of it is read by the next call.
        step = () => parser.push(new Uint8Array(0));
      }
    }
  };
  let unfinished: SseEvent | undefined;
  for (const chunk of chunks) run(() => parser.push(chunk));
  run(() => {
    unfinished = parser.end();
  });
  if (unfinished !== undefined) positions.push(parser.position());
  return { events, positions, unfinished, error };
}

describe('pushed, where events are given as they are found', () => {
  const sizes = fc.constantFrom(7, 140, 512, 700, 1400, 4096, 1e6);

  test('they are what the standard says, and so are their places', () => {
    fc.assert(
      fc.property(stream, sizes, (bytes, size) => {
        const { events, positions, unfinished } = referenceSse(bytes);
        expect(pushed(pieces(bytes, size))).toEqual({ events, positions, unfinished, error: undefined });
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('one a chunk, and whatever stands between them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 3, arbitrary: usual }, { weight: 1, arbitrary: odd }), { maxLength: 20 }),
        (parts) => {
          const { events, positions, unfinished } = referenceSse(Buffer.from(parts.join('')));
          const chunks = parts.map((part) => new Uint8Array(Buffer.from(part)));
          expect(pushed(chunks)).toEqual({ events, positions, unfinished, error: undefined });
        },
      ),
      { numRuns: 300 * RUNS },
    );
  });

  test.each([
    ['a character of four bytes', [0xf0, 0x9f, 0xab, 0x96]],
    ['a byte that is no UTF-8', [0xff]],
    ['half a character', [0xe2, 0x82]],
    ['a CR', [0x0d]],
    ['a line end', [0x0a]],
  ])('%s at each place around a cut', (_, bytes) => {
    const plain = Buffer.from(`event: ping\ndata: ${'x'.repeat(50)}\n\n`.repeat(20));
    for (let place = 690; place < 790; place++) {
      const whole = new Uint8Array(
        Buffer.concat([plain.subarray(0, place), Buffer.from(bytes), plain.subarray(place)]),
      );
      const { events, positions, unfinished } = referenceSse(whole);
      for (const size of [725, 727]) {
        expect(pushed(pieces(whole, size))).toEqual({ events, positions, unfinished, error: undefined });
        expect(scanPlain(pieces(whole, size))).toMatchObject({ events, positions, unfinished });
      }
    }
  });

  test('a handler that throws loses none and gets none twice', () => {
    fc.assert(
      fc.property(stream, sizes, fc.integer({ min: 1, max: 5 }), (bytes, size, every) => {
        const { events, positions, unfinished } = referenceSse(bytes);
        // At the end nothing may be thrown: `end()` gives its event only once.
        const chunks = [...pieces(bytes, size), new Uint8Array(0)];
        const seen = pushed(chunks, {}, (count) => count % every === 0 && count < events.length);
        expect(seen).toEqual({ events, positions, unfinished, error: undefined });
      }),
      { numRuns: 200 * RUNS },
    );
  });

  test('a parser that a handler has saved goes on behind that event', () => {
    fc.assert(
      fc.property(stream, sizes, fc.nat(), (bytes, size, place) => {
        const { events } = referenceSse(bytes);
        const chosen = events.length === 0 ? -1 : place % events.length;
        const seen: SseEvent[] = [];
        let saved: SseParser | undefined;
        const parser = new SseParser((event, self) => {
          seen.push(event);
          if (seen.length !== chosen + 1) return;
          saved = SseParser.from(JSON.parse(JSON.stringify(self)) as SseScannerState, (later) => after.push(later));
        });
        const after: SseEvent[] = [];
        for (const chunk of pieces(bytes, size)) {
          const earlier = saved;
          parser.push(chunk);
          earlier?.push(chunk);
        }
        saved?.end();
        parser.end();
        if (saved !== undefined) expect([...seen.slice(0, chosen + 1), ...after]).toEqual(events);
        expect(seen).toEqual(events);
      }),
      { numRuns: 200 * RUNS },
    );
  });

  test('limits trip where they trip on the slow path', () => {
    fc.assert(
      fc.property(
        stream,
        sizes,
        fc.integer({ min: 5, max: 300 }),
        fc.integer({ min: 5, max: 400 }),
        fc.constantFrom(0, 500, 2000),
        (bytes, size, line, event, more) => {
          const limits = { maxLineBytes: line + more, maxEventBytes: event + more };
          const { events, positions, error } = scan(pieces(bytes, 1), limits);
          expect(pushed(pieces(bytes, size), limits)).toMatchObject({ events, positions, error });
        },
      ),
      { numRuns: 150 * RUNS },
    );
  });
});

test('an event line that waits for its data line is no part of that line when its length is judged', () => {
  const before = 'event: ping\ndata: {}\n\n'.repeat(30);
  const long = `event: ping\ndata: ${'x'.repeat(900)}\n\n`;
  const bytes = new Uint8Array(Buffer.from(before + long));
  // The chunks end behind the event line, and in the middle of the data line.
  for (const [maxLineBytes, code] of [
    [906, undefined],
    [905, 'line-too-long'],
  ] as const) {
    const cuts = [before.length + 12, before.length + 12 + 600, before.length + 12 + 906];
    expect(pushed(cutAt(bytes, cuts), { maxLineBytes }).error?.code).toBe(code);
  }
});

test('a last line of a large chunk that holds a bare CR is no event line that waits', () => {
  const bytes = Buffer.from(`: ${'x'.repeat(600)}\r\n\nevent: ping\rdata: y\r\r\n`);
  expect(scanPlain([bytes])).toEqual(referenceSse(bytes));
  expect(scanPlain([bytes, Buffer.from('data: z\n\n')])).toEqual(
    referenceSse(Buffer.concat([bytes, Buffer.from('data: z\n\n')])),
  );
});

test('an event line that waits as text, then a string, then a limit: the place is the line that was too long', () => {
  const first = `: ${'x'.repeat(600)}\n\nevent: ping\n`;
  const places = [[first + 'data: 1\n' + 'y'.repeat(800) + '\n'], [first, 'data: 1\n', 'y'.repeat(800), '\n']].map(
    (input) => {
      const scanner = new SseScanner({ maxLineBytes: 700 });
      try {
        for (const [k, piece] of input.entries()) {
          scanner.write(k === 0 ? new TextEncoder().encode(piece) : piece);
          while (scanner.next() !== undefined);
        }
      } catch (error) {
        return (error as ProtocolError).at;
      }
      return undefined;
    },
  );
  expect(places[0]).toBeDefined();
  expect(places[1]).toEqual(places[0]);
});

test('a character that is cut behind an event line that waits, near a limit', () => {
  const input = `: ${'x'.repeat(90)}\n`.repeat(6) + `event: ping\ndata: ${'y'.repeat(75)}é灯\n\ndata: z\n\n`;
  const bytes = new TextEncoder().encode(input);
  const cut = bytes.indexOf(0xc3) + 1;
  const found = scan([bytes.subarray(0, cut), bytes.subarray(cut)], { maxLineBytes: 92 });
  expect(found.events.map(({ data }) => data)).toEqual([`${'y'.repeat(75)}é灯`, 'z']);
});

test('large and small chunks, saved between them, near limits: all as byte by byte', () => {
  const run = (bytes: Uint8Array, sizes: readonly number[], saves: boolean, options: SseOptions): unknown[] => {
    let scanner = new SseScanner(options);
    const seen: unknown[] = [];
    let at = 0;
    try {
      for (let k = 0; at < bytes.length; k++) {
        const chunk = bytes.slice(at, (at += sizes[k % sizes.length] as number));
        scanner.write(chunk);
        // The caller may write over it.
        chunk.fill(88);
        for (let event = scanner.next(); event !== undefined; event = scanner.next())
          seen.push(event, scanner.position());
        if (saves) scanner = SseScanner.from(JSON.parse(JSON.stringify(scanner)) as SseScannerState, options);
      }
      let last = scanner.end();
      for (let event = scanner.next(); event !== undefined; event = scanner.next())
        seen.push(event, scanner.position());
      last ??= scanner.end();
      seen.push(last, scanner.position());
    } catch (error) {
      seen.push((error as ProtocolError).message, (error as ProtocolError).at);
    }
    return seen;
  };
  const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 500, max: 1600 })), {
    minLength: 1,
    maxLength: 4,
  });
  const limit = fc.option(fc.integer({ min: 20, max: 700 }), { nil: undefined });
  fc.assert(
    fc.property(stream, sizes, fc.boolean(), limit, limit, (bytes, each, saves, maxLineBytes, maxEventBytes) => {
      const options = { ...(maxLineBytes && { maxLineBytes }), ...(maxEventBytes && { maxEventBytes }) };
      expect(run(bytes, each, saves, options)).toEqual(run(bytes, [1], false, options));
    }),
    { numRuns: 600 * RUNS },
  );
});

test('two halves of characters that end a chunk stay out of the decoder that all streams share', () => {
  const dense = Buffer.from(`data: ${'灯台'.repeat(120)}\n\n`);
  const broken = Buffer.concat([Buffer.from(`event: ping\ndata: ${'灯台'.repeat(120)}`), Buffer.from([0xe5, 0xe2])]);
  const chunks = [dense, broken, Buffer.from('\n\n'), dense, dense];
  expect(scanPlain(chunks)).toEqual(referenceSse(Buffer.concat(chunks)));
  expect(scanPlain([dense, dense])).toEqual(referenceSse(Buffer.concat([dense, dense])));
});
