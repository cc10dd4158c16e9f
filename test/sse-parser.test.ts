import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Position, SseEvent } from '../src/sse/event.ts';
import { SseParser } from '../src/sse/parser.ts';
import { SseScanner } from '../src/sse/scanner.ts';
import { cutPlaces, sseSoup, sseTextSoup, UTF8_EDGES } from './support/arbitraries.ts';
import { chunkings, cutAt, forEveryChunking, pieces, RUNS, seeded } from './support/chunkings.ts';
import { referenceSse } from './support/reference-sse.ts';
import { asText, scan, scanPlain } from './support/scan.ts';
import { bytesOf, concat, event, SSE_ROWS } from './support/sse-rows.ts';

/** The input under every chunking, as bytes and, where it is UTF-8, as text; always as the twin says. */
function everyWay(bytes: Uint8Array, label?: string): ReturnType<typeof scanPlain> {
  const seen = forEveryChunking(bytes, (chunks) => scanPlain(chunks), label);
  expect(seen, label).toEqual(referenceSse(bytes));
  const text = asText(bytes);
  if (text !== undefined) expect(forEveryChunking(text, (chunks) => scanPlain(chunks), label)).toEqual(seen);
  return seen;
}

function oneCut(chunks: readonly string[]): boolean {
  return chunks.length === 2 && chunks[0] === 'abcde';
}

function failsAtOneCut(chunks: readonly string[]): void {
  if (oneCut(chunks)) throw new Error('boom');
}

describe('the harness', () => {
  test('every chunking joined is the input', () => {
    for (const input of ['', 'a', 'data: é😀\n\n', 'x'.repeat(3000)]) {
      const names = new Set<string>();
      for (const { name, chunks } of chunkings(input)) {
        expect(chunks.join(''), name).toBe(input);
        names.add(name);
      }
      for (const { name, chunks } of chunkings(bytesOf(input))) {
        expect(new Uint8Array(Buffer.concat(chunks)), name).toEqual(bytesOf(input));
      }
      if (input.length > 1 && input.length < 100) expect(names).toContain('2-cut at 1');
    }
    expect([...chunkings('abc')].map(({ chunks }) => chunks)).toContainEqual(['ab', 'c']);
  });

  test('it finds what depends on one cut, names it, and passes on what run throws', () => {
    expect(() => forEveryChunking('abcdefgh', oneCut, 'the case')).toThrow(/the case: 2-cut at 5/);
    expect(() => forEveryChunking('abcdefgh', failsAtOneCut, 'the case')).toThrow(/the case: 2-cut at 5: boom/);
  });
});

describe('table', () => {
  test.each(SSE_ROWS.map((row) => [row.name, row] as const))('%s', (_, row) => {
    const input = typeof row.input === 'string' ? bytesOf(row.input) : row.input;
    const seen = everyWay(input, row.name);
    expect(seen.events).toEqual(row.events);
    expect(seen.unfinished).toEqual(row.unfinished);
    expect(seen.comments).toEqual(row.comments ?? []);
    expect(seen.reconnectionTime).toBe(row.reconnectionTime);
    if (row.lastEventId !== undefined) expect(seen.lastEventId).toBe(row.lastEventId);
    if (row.at !== undefined) {
      expect(seen.positions).toEqual(
        row.at.map(([byte, line, from, end], i): Position => ({ event: i + 1, byte, line, from, end })),
      );
    }
  });

  test('an event without retry has no such key', () => {
    expect(Object.keys(scan(['retry: 1\ndata: a\n\ndata: b\n\n']).events[1] as SseEvent)).not.toContain('retry');
  });
});

describe('invalid UTF-8', () => {
  const places: [string, (edge: readonly number[]) => Uint8Array][] = [
    ['before LF', (edge) => concat('data: a', edge, '\ndata: b\n\ndata: c\n\n')],
    ['before CR', (edge) => concat('data: a', edge, '\rdata: b\r\rdata: c\r\r')],
    ['before CRLF', (edge) => concat('data: a', edge, '\r\ndata: b\r\n\r\ndata: c\r\n\r\n')],
    ['at the start of a value', (edge) => concat('data:', edge, 'x\n\ndata: c\n\n')],
    ['between a name and its colon', (edge) => concat('data', edge, ':x\ndata: y\n\ndata: z\n\n')],
    ['at the start of the input', (edge) => concat(edge, 'data: x\n\ndata: y\n\n')],
    ['in a comment', (edge) => concat(':', edge, '\ndata: x\n\n')],
    ['in an id and an event name', (edge) => concat('id: 1', edge, '\nevent: é', edge, '\ndata: x\n\ndata: y\n\n')],
    ['at the end of the input', (edge) => concat('data: x\n\ndata: y', edge)],
    ['between multi-byte characters', (edge) => concat('data: é', edge, '€', edge, '😀\n\ndata: ü\n\n')],
  ];

  describe.each(places)('%s', (_, make) => {
    test.each(UTF8_EDGES.map((edge) => [Buffer.from(edge).toString('hex'), edge] as const))('%s', (hex, edge) => {
      everyWay(make(edge), hex);
    });
  });
});

/** Neighbouring strings joined, so that pairs are whole again. */
function joinHalves(chunks: readonly (Uint8Array | string)[]): Uint8Array[] {
  const joined: (Uint8Array | string)[] = [];
  for (const chunk of chunks) {
    const last = joined.at(-1);
    if (typeof chunk === 'string' && typeof last === 'string') joined[joined.length - 1] = last + chunk;
    else joined.push(chunk);
  }
  return joined.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk));
}

/** Text and bytes by turns: text is cut inside surrogate pairs where text follows, bytes are cut anywhere. */
function mixed(text: string, seed: number): (Uint8Array | string)[] {
  const random = seeded(seed);
  const chunks: (Uint8Array | string)[] = [];
  const characters = Array.from(text);
  while (characters.length > 0) {
    const part = characters.splice(0, 1 + Math.floor(random() * 6)).join('');
    const whole = random() < 0.5 ? part : bytesOf(part);
    chunks.push(...cutAt<Uint8Array | string>(whole, [Math.floor(random() * (whole.length + 1))]));
  }
  return chunks;
}

describe('chunks', () => {
  const input = bytesOf('\uFEFFevent: é\r\ndata: €😀\r\n\r\n: c\ndata: two\n\nid: 3\rdata: ü\r\rdata: last');

  test('their memory may be reused as soon as write has returned', () => {
    for (let size = 1; size <= 16; size++) {
      const memory = new Uint8Array(size);
      const scanner = new SseScanner();
      const events: SseEvent[] = [];
      for (const piece of pieces(input, size)) {
        memory.set(piece);
        scanner.write(memory.subarray(0, piece.length));
        memory.fill(0x58);
        for (let next = scanner.next(); next; next = scanner.next()) events.push(next);
      }
      expect(events).toEqual(referenceSse(input).events);
    }
  });

  test('all may be written before the first event is taken, their memory reused between', () => {
    for (let size = 1; size <= 16; size++) {
      const memory = new Uint8Array(size);
      const scanner = new SseScanner();
      for (const piece of pieces(input, size)) {
        memory.set(piece);
        scanner.write(memory.subarray(0, piece.length));
        memory.fill(0x58);
      }
      const events: SseEvent[] = [];
      const positions: Position[] = [];
      for (let next = scanner.next(); next; next = scanner.next()) {
        events.push(next);
        positions.push(scanner.position());
      }
      const expected = referenceSse(input);
      expect(events).toEqual(expected.events);
      expect(scanner.end()).toEqual(expected.unfinished);
      positions.push(scanner.position());
      expect(positions).toEqual(expected.positions);
    }
  });

  test('end() waits for events that were not taken', () => {
    const scanner = new SseScanner();
    scanner.write('data: a\n\ndata: b\n\ndata: c');
    expect(scanner.end()).toBeUndefined();
    expect(scanner.next()?.data).toBe('a');
    expect(scanner.next()?.data).toBe('b');
    expect(scanner.next()).toBeUndefined();
    expect(scanner.end()).toEqual(event('c'));
    expect(scanner.end()).toBeUndefined();
    expect(scanner.next()).toBeUndefined();
  });

  test('views that start inside their buffer, Node buffers and other views', () => {
    const padded = new Uint8Array([1, 2, 3, ...input, 4, 5]);
    expect(scan([padded.subarray(3, 3 + input.length)])).toEqual(scan([input]));
    expect(scan([Buffer.from(input)])).toEqual(scan([input]));
    const view = new DataView(padded.buffer, 3, input.length);
    expect(scan([view as unknown as Uint8Array])).toEqual(scan([input]));
  });

  test.each([[null], [undefined], [7], [[100, 97]], [{}], [new ArrayBuffer(4)]])('%j is no chunk', (chunk) => {
    const scanner = new SseScanner();
    scanner.write('data: a');
    expect(() => scanner.write(chunk as unknown as string)).toThrow(TypeError);
    scanner.write('b\n\n');
    expect(scanner.next()?.data).toBe('ab');
  });

  test('text and bytes may follow each other', () => {
    const text = Buffer.from(input).toString('utf8');
    const expected = referenceSse(text);
    for (let seed = 1; seed <= 300 * RUNS; seed++) {
      expect(scanPlain(mixed(text, seed)), `seed ${seed}`).toEqual(expected);
    }
  });

  const half: [string, (Uint8Array | string)[], string][] = [
    ['bytes in the middle of a character, then text', [concat('data: ', [0xe2, 0x82]), 'a\n\n'], '\uFFFDa'],
    ['half a pair, then bytes', ['data: \ud83d', bytesOf('a\n\n')], '\uFFFDa'],
    ['bytes, half a pair, the other half', [bytesOf('data: '), '\ud83d', '\ude00\n\n'], '😀'],
    ['bytes, half a pair, nothing, the other half', [bytesOf('data: '), '\ud83d', '', '\ude00\n\n'], '😀'],
    ['bytes, half a pair, bytes', [bytesOf('data: '), '\ud83d', bytesOf('\n\n')], '\uFFFD'],
    ['bytes, half a pair, a line end', [bytesOf('data: '), '\ud83d', '\n', '\n'], '\uFFFD'],
    ['a bare CR in bytes, then half a pair', [bytesOf('data: x\r'), '\ud83d', '\ude00: y\r', bytesOf('\r'), 'a'], 'x'],
  ];

  test.each(half)('%s', (_, chunks, expected) => {
    const seen = scanPlain(chunks);
    // whether a lone surrogate stays one or is U+FFFD already is not fixed
    expect(seen.events.map((one) => Buffer.from(one.data, 'utf8').toString('utf8'))).toEqual([expected]);
    const length = seen.positions[0]?.end;
    const tail = chunks.at(-1) === 'a' ? 1 : 0;
    expect(length).toBe(Buffer.concat(joinHalves(chunks)).length - tail);
  });

  test('a bare CR in bytes, then half a pair, then the end', () => {
    const seen = scanPlain([bytesOf('data: a\r'), '\ud83d']);
    expect(seen.events).toEqual([]);
    expect(seen.unfinished).toEqual(event('a'));
    expect(seen.positions).toEqual([{ event: 1, byte: 0, line: 1, from: 0, end: 11 }]);
  });
});

/** The positions that a scan gives; `asks` tells after which events they are asked for. */
function ask(chunks: readonly Uint8Array[], asks: (i: number) => boolean): (Position | undefined)[] {
  const scanner = new SseScanner();
  const seen: (Position | undefined)[] = [];
  const note = (): unknown => seen.push(asks(seen.length) ? scanner.position() : undefined);
  for (const chunk of chunks) {
    scanner.write(chunk);
    while (scanner.next()) note();
  }
  if (scanner.end()) note();
  return seen;
}

describe('position', () => {
  const input = concat(
    '\uFEFF: ü\n',
    ...Array.from({ length: 20 }, (_, i) =>
      i % 3 === 0 ? 'data: é😀\r\n\r\n' : i % 3 === 1 ? 'data: a\n\n' : ': €\nid: ✔\ndata\r\r',
    ),
    'data: ',
    [0xff, 0xe2, 0x82],
    '\n\ndata: z',
  );
  const expected = referenceSse(input).positions;

  test.each([
    ['never', () => false],
    ['now and then', (i: number) => i % 4 === 1],
    ['at the last', (i: number) => i === expected.length - 1],
  ])('asked for %s', (_, asks) => {
    const seen = forEveryChunking(input, (chunks) => ask(chunks, asks), 'positions');
    expect(seen).toEqual(expected.map((one, i) => (asks(i) ? one : undefined)));
  });

  test('it stays until the next event, also while input comes in', () => {
    const scanner = new SseScanner();
    scanner.write('data: é\n\n');
    scanner.next();
    const position = { event: 1, byte: 0, line: 1, from: 0, end: 10 };
    expect(scanner.position()).toEqual(position);
    scanner.write('data: b\n');
    expect(scanner.position()).toEqual(position);
    expect(scanner.position()).toEqual(position);
  });

  test('before the first event', () => {
    expect(new SseScanner().position()).toEqual({ event: 0, byte: 0, line: 1, from: 0, end: 0 });
  });
});

function throwing(at: number): { parser: SseParser; seen: string[]; boom: Error } {
  const boom = new Error('boom');
  const seen: string[] = [];
  const parser = new SseParser((one, self) => {
    seen.push(`${one.data}@${self.position().byte}`);
    if (seen.length === at) throw boom;
  });
  return { parser, seen, boom };
}

describe('SseParser', () => {
  const text = 'data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4';

  test('gives its events and itself to the handler; end() gives the unfinished one', () => {
    const whole = forEveryChunking(text, (chunks) => {
      const seen: [SseEvent, Position][] = [];
      const parser = new SseParser((one, self) => {
        expect(self).toBe(parser);
        seen.push([one, self.position()]);
      });
      for (const chunk of chunks) parser.push(chunk);
      const last = parser.end();
      return { seen, last, position: parser.position() };
    });
    const expected = referenceSse(text);
    expect(whole.seen).toEqual(expected.events.map((one, i) => [one, expected.positions[i]]));
    expect(whole.last).toEqual(expected.unfinished);
    expect(whole.position).toEqual(expected.positions.at(-1));
  });

  test('at the end, a bare CR that was a blank line gives its event to the handler', () => {
    const seen: string[] = [];
    const parser = new SseParser((one) => seen.push(one.data));
    parser.push('id: 5\ndata: a\r\r');
    expect(seen).toEqual([]);
    expect(parser.end()).toBeUndefined();
    expect(seen).toEqual(['a']);
    expect(parser.lastEventId).toBe('5');
  });

  describe("a handler's exception leaves push unchanged, and nothing is lost", () => {
    test('the rest of the chunk is read at the next push', () => {
      const { parser, seen, boom } = throwing(2);
      expect(() => parser.push(text)).toThrow(boom);
      expect(seen).toEqual(['1@0', '2@9']);
      parser.push('');
      expect(seen).toEqual(['1@0', '2@9', '3@18']);
      parser.push('0\n\n');
      expect(seen).toEqual(['1@0', '2@9', '3@18', '40@27']);
    });

    test('before the bytes of that push', () => {
      const { parser, seen, boom } = throwing(1);
      expect(() => parser.push(bytesOf(text))).toThrow(boom);
      parser.push(bytesOf('\n\ndata: 5\n\n'));
      expect(seen).toEqual(['1@0', '2@9', '3@18', '4@27', '5@36']);
    });

    test('or at end', () => {
      const { parser, seen, boom } = throwing(2);
      expect(() => parser.push(text)).toThrow(boom);
      expect(parser.end()).toEqual(event('4'));
      expect(seen).toEqual(['1@0', '2@9', '3@18']);
    });

    test('or at the next end, if it was end that threw', () => {
      const { parser, seen, boom } = throwing(2);
      expect(() => parser.push(text)).toThrow(boom);
      seen.length = 1;
      expect(() => parser.end()).toThrow(boom);
      expect(parser.end()).toEqual(event('4'));
      expect(seen).toEqual(['1@0', '3@18']);
    });

    test('for every event of every chunking', () => {
      const expected = referenceSse(text).events.map(({ data }) => data);
      for (const size of [1, 2, 5, 9, 10, 100]) {
        const seen: string[] = [];
        const parser = new SseParser((one) => {
          seen.push(one.data);
          throw new Error('each time');
        });
        const calls = [
          ...pieces(text, size).map((piece) => () => parser.push(piece)),
          ...Array(4).fill(() => parser.end()),
        ];
        for (const call of calls) {
          try {
            call();
          } catch (error) {
            expect((error as Error).message).toBe('each time');
          }
        }
        expect(seen).toEqual(expected);
      }
    });

    test('so does one of onComment: its line has been read and counts', () => {
      const lines: number[] = [];
      const comments: string[] = [];
      const parser = new SseParser((_, self) => lines.push(self.position().line), {
        onComment: (comment) => {
          comments.push(comment);
          if (comment === 'b') throw new Error('boom');
        },
      });
      expect(() => parser.push(':a\n:b\n:c\ndata: x\n\ndata: y\n\n')).toThrow('boom');
      parser.push('');
      expect(comments).toEqual(['a', 'b', 'c']);
      expect(lines).toEqual([4, 6]);
    });

    test('so does one of onComment in an unfinished last line', () => {
      let calls = 0;
      const parser = new SseParser(() => {}, {
        onComment: () => {
          calls++;
          if (calls === 1) throw new Error('boom');
        },
      });
      parser.push('data: x\n:c');
      expect(() => parser.end()).toThrow('boom');
      expect(parser.end()).toEqual(event('x'));
      expect(calls).toBe(1);
    });
  });

  describe('calls from inside a handler', () => {
    test.each([
      ['push', (parser: SseParser) => parser.push('data: z\n\n')],
      ['end', (parser: SseParser) => parser.end()],
      ['reset', (parser: SseParser) => parser.reset()],
    ])('%s is a TypeError and changes nothing', (_, call) => {
      const seen: string[] = [];
      const refused = vi.fn();
      const parser = new SseParser(
        (one, self) => {
          seen.push(one.data);
          expect(() => call(self)).toThrow(TypeError);
          refused();
        },
        { onComment: () => expect(() => call(parser)).toThrow(TypeError) },
      );
      parser.push(':c\ndata: 1\n\ndata: 2\n\ndata: 3');
      expect(parser.end()).toEqual(event('3'));
      expect(seen).toEqual(['1', '2']);
      expect(refused).toHaveBeenCalledTimes(2);
    });

    test('the TypeError reaches the caller of push if the handler lets it pass', () => {
      const parser = new SseParser((_, self) => self.push(''));
      expect(() => parser.push('data: 1\n\n')).toThrow(TypeError);
      parser.push('');
    });
  });

  test('push after end is a TypeError until reset', () => {
    const seen: string[] = [];
    const parser = new SseParser((one) => seen.push(one.data));
    parser.push('data: 1\n\n');
    parser.end();
    expect(() => parser.push('data: 2\n\n')).toThrow(TypeError);
    expect(() => parser.push('')).toThrow(TypeError);
    expect(parser.end()).toBeUndefined();
    parser.reset();
    parser.push('data: 3\n\n');
    expect(seen).toEqual(['1', '3']);
  });

  test('reset forgets everything, in the middle of anything', () => {
    const first = bytesOf('\uFEFFid: 9\nretry: 8\nevent: é\ndata: 1\r\n\r\nid: 7\nretry: 6\nevent: u\ndata: €\r');
    const second = '\uFEFFdata: 2\n\ndata: 3';
    for (let cut = 0; cut <= first.length; cut++) {
      const seen: [SseEvent, Position][] = [];
      const parser = new SseParser((one, self) => seen.push([one, self.position()]));
      parser.push(first.subarray(0, cut));
      if (cut % 2 === 0) parser.end();
      parser.reset();
      expect(parser.lastEventId).toBe('');
      expect(parser.reconnectionTime).toBeUndefined();
      expect(parser.position()).toEqual({ event: 0, byte: 0, line: 1, from: 0, end: 0 });
      seen.length = 0;
      parser.push(second);
      const last = parser.end();
      const expected = referenceSse(second);
      expect(seen).toEqual([[expected.events[0], expected.positions[0]]]);
      expect(last).toEqual(expected.unfinished);
      expect(parser.position()).toEqual(expected.positions[1]);
    }
  });

  test('a handler that is no function is refused at once', () => {
    expect(() => new SseParser(undefined as unknown as () => void)).toThrow(TypeError);
  });
});

test('a character that the end cuts is U+FFFD there, and nothing of it gets into the next input', () => {
  // Long and not ASCII: that is what the runtime's decoder is asked to read in its streaming mode.
  const line = bytesOf(`data: ${'€'.repeat(300)}\n\n`);
  for (const missing of [3, 4]) {
    const cut = line.subarray(0, line.length - missing);
    expect(scanPlain([line, cut])).toEqual(referenceSse(Buffer.concat([line, cut])));
    expect(scanPlain([line, line])).toEqual(referenceSse(Buffer.concat([line, line])));
  }
});

describe('properties', () => {
  test('any bytes under any cuts give what the twin gives', () => {
    fc.assert(
      fc.property(sseSoup, cutPlaces, (bytes, places) => {
        const cuts = places.map((place) => place % (bytes.length + 1));
        expect(scanPlain(cutAt(bytes, cuts))).toEqual(referenceSse(bytes));
      }),
      { numRuns: 1000 * RUNS },
    );
  });

  test('any bytes, one by one, give what the twin gives', () => {
    fc.assert(
      fc.property(sseSoup, (bytes) => {
        expect(scanPlain(pieces(bytes, 1))).toEqual(referenceSse(bytes));
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('any text under any cuts gives what the twin gives', () => {
    fc.assert(
      fc.property(sseTextSoup, cutPlaces, (text, places) => {
        const cuts = places.map((place) => place % (text.length + 1));
        const seen = scanPlain(cutAt(text, cuts));
        // a lone surrogate in text has no UTF-8 form: the twin sees U+FFFD
        const wellFormed = JSON.parse(JSON.stringify(seen).replaceAll(/\\ud[89a-f][0-9a-f]{2}/g, '\uFFFD')) as unknown;
        expect(wellFormed).toEqual(JSON.parse(JSON.stringify(referenceSse(text))));
        expect(seen).toEqual(scanPlain([text]));
      }),
      { numRuns: 500 * RUNS },
    );
  });
});

describe('a chunk belongs to the caller', () => {
  test.each<[string, (text: string) => Uint8Array]>([
    ['Uint8Array', (text) => new Uint8Array(Buffer.from(text))],
    ['Buffer', (text) => Buffer.from(text)],
  ])('a %s that is written over after `write()` has been read', (_, make) => {
    const events = Array.from({ length: 8 }, (_unused, i) => `data: ${String(i).repeat(20_000)}\n\n`);
    for (const sizes of [[events.join('')], events]) {
      const scanner = new SseScanner();
      for (const text of sizes) {
        const chunk = make(text);
        scanner.write(chunk);
        chunk.fill(0x78);
      }
      const seen: string[] = [];
      for (let next = scanner.next(); next !== undefined; next = scanner.next()) seen.push(next.data);
      expect(seen).toEqual(events.map((text) => text.slice(6, -2)));
    }
  });
});
