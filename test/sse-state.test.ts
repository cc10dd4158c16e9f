/** Saving and restoring at any byte, and at any step between two bytes, changes nothing that can be seen. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Position, SseEvent } from '../src/sse/event.ts';
import { SseParser } from '../src/sse/parser.ts';
import { SseScanner, type SseScannerState } from '../src/sse/scanner.ts';
import { cutPlaces, sseSoup, sseTextSoup } from './support/arbitraries.ts';
import { cutAt, forEveryChunking, pieces, RUNS } from './support/chunkings.ts';
import { referenceSse } from './support/reference-sse.ts';
import { asText, scan, scanPlain } from './support/scan.ts';

/** The scanner after a way through JSON text; its state must survive that as it is. */
function throughJson(scanner: SseScanner): SseScanner {
  const state = scanner.toJSON();
  const copy = JSON.parse(JSON.stringify(state)) as SseScannerState;
  expect(copy).toEqual(state);
  const restored = SseScanner.from(copy);
  expect(restored.position()).toEqual(scanner.position());
  expect(restored.lastEventId).toBe(scanner.lastEventId);
  expect(restored.reconnectionTime).toBe(scanner.reconnectionTime);
  return restored;
}

function withoutComments<T extends { comments: string[] }>(result: T): Omit<T, 'comments'> {
  const { comments: _, ...rest } = result;
  return rest;
}

const inputs: [string, Uint8Array][] = [
  ['BOM, CRLF, multi-byte', '\uFEFFevent: é\r\nid: €\r\ndata: 😀\r\n\r\ndata: ü\r\n\r\n: c\r\nretry: 5\r\ndata: z'],
  ['bare CR to the very end', 'data: a\rdata: b\r\rid: 1\r\r: c\revent: x\rdata: c\r\r'],
  ['LF, then a bare CR', 'data: a\n\ndata: b\n\r'],
  ['an unfinished event', 'data: a\n\nid: 3\nretry: 4\nevent: b\ndata: c\ndata: d\n'],
  ['blocks without data', 'retry: 1\n\nid: 1\n\nevent: x\n\n\n\ndata: y\n\n'],
  ['a BOM alone', '\uFEFF'],
  [
    'invalid bytes',
    [0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xf0, 0x9f, 0x98, 10, 0xc3, 10, 10, 0x64, 0x61, 0x74, 0x61, 0x3a, 0xe2, 0x82],
  ],
].map(([name, input]) => [
  name as string,
  new Uint8Array(typeof input === 'string' ? Buffer.from(input) : (input as number[])),
]);

function check(input: Uint8Array | string): void {
  const seen = forEveryChunking(input, (chunks) => withoutComments(scanPlain(chunks, { between: throughJson })));
  expect(seen).toEqual(withoutComments(referenceSse(input)));
}

describe.each(inputs)('%s', (_, bytes) => {
  test('saved and restored at every step of every chunking', () => {
    check(bytes);
    const text = asText(bytes);
    if (text !== undefined) check(text);
  });

  test('saved while many chunks wait', () => {
    const expected = referenceSse(bytes);
    for (let size = 1; size <= 8; size++) {
      let scanner = new SseScanner();
      for (const piece of pieces(bytes, size)) {
        scanner.write(piece);
        scanner = throughJson(scanner);
      }
      const events: SseEvent[] = [];
      const positions: Position[] = [];
      const take = (): void => {
        for (let event = scanner.next(); event; event = scanner.next()) {
          events.push(event);
          positions.push(scanner.position());
          scanner = throughJson(scanner);
        }
      };
      take();
      const unfinished = scanner.end();
      scanner = throughJson(scanner);
      if (unfinished === undefined) take();
      else positions.push(scanner.position());
      expect({ events, positions, unfinished }).toEqual({
        events: expected.events,
        positions: expected.positions,
        unfinished: expected.unfinished,
      });
    }
  });

  test('saved after end(), while events wait', () => {
    const expected = referenceSse(bytes);
    let scanner = new SseScanner();
    scanner.write(bytes);
    let unfinished = scanner.end();
    const events: SseEvent[] = [];
    if (unfinished === undefined) {
      scanner = throughJson(scanner);
      for (let event = scanner.next(); event; event = scanner.next()) {
        events.push(event);
        scanner = throughJson(scanner);
      }
      unfinished = scanner.end();
      for (let event = scanner.next(); event; event = scanner.next()) events.push(event);
    }
    expect(events).toEqual(expected.events);
    expect(unfinished).toEqual(expected.unfinished);
    scanner = throughJson(scanner);
    expect(scanner.end()).toBeUndefined();
    expect(() => scanner.write('x')).toThrow(TypeError);
  });

  test('the parser too', () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const seen: [SseEvent, Position][] = [];
      const note = (event: SseEvent, parser: SseParser): unknown => seen.push([event, parser.position()]);
      const first = new SseParser(note);
      first.push(bytes.subarray(0, cut));
      const second = SseParser.from(JSON.parse(JSON.stringify(first)), note);
      second.push(bytes.subarray(cut));
      const unfinished = second.end();
      const expected = referenceSse(bytes);
      expect(seen).toEqual(expected.events.map((event, i) => [event, expected.positions[i]]));
      expect(unfinished).toEqual(expected.unfinished);
      expect(second.lastEventId).toBe(expected.lastEventId);
      expect(second.reconnectionTime).toBe(expected.reconnectionTime);
    }
  });
});

test('a surrogate pair cut in two, as the input was text or bytes before', () => {
  const cases: (Uint8Array | string)[][] = [
    ['data: \ud83d', '\ude00\n\n'],
    [Buffer.from('data: '), '\ud83d', '\ude00\n\n'],
    [Buffer.from('data: é'), 'x\ud83d', '\ude00', Buffer.from('\n\n')],
    [Buffer.from(': c\n'), '\ud83d', '\ude00\ndata: 😀\n\n'],
  ];
  for (const chunks of cases) {
    const seen = scan(chunks, { between: throughJson });
    expect(seen.events.map(({ data }) => data.replace('éx', ''))).toEqual(['😀']);
    expect(seen).toEqual({ ...scan(chunks), comments: [] });
  }
});

test('a parser whose handler threw goes on where it was', () => {
  const parser = new SseParser((event) => {
    throw new Error(event.data);
  });
  expect(() => parser.push('data: 1\n\ndata: é2\n\ndata: 3')).toThrow('1');
  const seen: string[] = [];
  const restored = SseParser.from(JSON.parse(JSON.stringify(parser)), (event, self) =>
    seen.push(`${event.data}@${self.position().byte}`),
  );
  restored.push('0\n\n');
  expect(seen).toEqual(['é2@9', '30@20']);
});

function saved(scanner: SseScanner): SseScanner {
  JSON.stringify(scanner);
  return scanner;
}

test('saving changes nothing in the one that is saved', () => {
  const input = inputs[0]?.[1] as Uint8Array;
  expect(forEveryChunking(input, (chunks) => scanPlain(chunks, { between: saved }))).toEqual(referenceSse(input));
});

test('the state has a version; another one is refused', () => {
  const state = new SseScanner().toJSON();
  expect(state.version).toBe(1);
  const bad: unknown[] = [{ ...state, version: 2 }, { ...state, version: undefined }, {}, null, undefined, 'x'];
  for (const one of bad) {
    expect(() => SseScanner.from(one as SseScannerState)).toThrow(TypeError);
    expect(() => SseParser.from(one as SseScannerState, () => {})).toThrow(TypeError);
  }
});

test('undecoded bytes that are not base64 are refused', () => {
  const scanner = new SseScanner();
  scanner.write(Uint8Array.of(0x64, 0xff));
  const state = scanner.toJSON();
  expect(JSON.stringify(state)).toContain('"base64"');
  for (const base64 of ['ZP$=', 'Z', '=', 'Z P8=']) {
    expect(() => SseScanner.from({ ...state, input: [{ base64 }] }), base64).toThrow(TypeError);
  }
});

describe('properties', () => {
  test('any bytes, saved and restored at any cut, give what the twin gives', () => {
    fc.assert(
      fc.property(sseSoup, cutPlaces, (bytes, places) => {
        const cuts = places.map((place) => place % (bytes.length + 1));
        const seen = scanPlain(cutAt(bytes, cuts), { between: throughJson });
        expect(withoutComments(seen)).toEqual(withoutComments(referenceSse(bytes)));
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('any text, saved and restored at any cut, gives what it gives whole', () => {
    fc.assert(
      fc.property(sseTextSoup, cutPlaces, (text, places) => {
        const cuts = places.map((place) => place % (text.length + 1));
        const seen = scanPlain(cutAt(text, cuts), { between: throughJson });
        expect(withoutComments(seen)).toEqual(withoutComments(scanPlain([text])));
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('text and bytes by turns, saved and restored, give what they give without', () => {
    const chunk = fc.oneof(sseSoup, sseTextSoup, fc.constantFrom('\ud83d', '\ude00', '\r', '\n', ''));
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 6 }), (chunks) => {
        const seen = scan(chunks, { between: throughJson });
        expect(withoutComments(seen)).toEqual(withoutComments(scan(chunks)));
      }),
      { numRuns: 300 * RUNS },
    );
  });
});

test('half a pair behind a bare CR: the CR has ended its line, whatever comes next', () => {
  const chunks = [
    Uint8Array.from([100, 97, 116, 97]),
    'id: 7\r\ud83d',
    new Uint8Array([0]),
    Uint8Array.from([10, 13, 0]),
  ];
  const plain = scan(chunks);
  expect(scan(chunks, { between: throughJson })).toEqual(plain);
  expect(plain.positions.at(-1)?.line).toBe(4);
});
