/** The parts of a report that need no screen: its data, the page around it, and what is worked out from the bytes. */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StreamEvent } from '../src/index.ts';
import type { Finding, Rule } from '../src/lint/finding.ts';
import { MessageReader } from '../src/message/reader.ts';
import { allNew, compare, type Changed } from '../src/report/changes.ts';
import { bodyOf, chunkAt, readStream, type Stream } from '../src/report/entries.ts';
import { lastAtMost } from '../src/report/halving.ts';
import { eventMarkdown, findingMarkdown, findingsMarkdown } from '../src/report/markdown.ts';
import { byteSize, column, counted, duration, grouped } from '../src/report/numbers.ts';
import { embedJson, reportPage } from '../src/report/page.ts';
import { hexRows, marksOf, type Mark } from '../src/report/raw.ts';
import { MOST_LANES, rowsOf } from '../src/report/rows.ts';
import { Scale } from '../src/report/scale.ts';
import { NO_QUERY, Search } from '../src/report/search.ts';
import { sha256Base64 } from '../src/report/sha256.ts';
import { States } from '../src/report/states.ts';
import { familyOfBlock, preview, typeName } from '../src/report/wording.ts';
import type { Position } from '../src/sse/event.ts';
import { SseScanner } from '../src/sse/scanner.ts';
import { captures, hasCaptures, readCapture } from './support/captures.ts';
import { cutAt, RUNS } from './support/chunkings.ts';
import * as m from './support/messages.ts';
import { captureOf, dataOf, type Piece, streamOf } from './support/report.ts';
import { seeOutcome } from './support/stream.ts';
import { nearlyStream } from './support/streams-arbitrary.ts';

const HOSTILE = fileURLToPath(new URL('../fixtures/hostile/', import.meta.url));
const fixtures = readdirSync(HOSTILE).filter((file) => file.endsWith('.sse'));
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const frames = (...events: { type: string }[]): string => events.map(m.frame).join('');
const read = (body: string | Uint8Array): Stream => {
  const capture = captureOf([[undefined, body]]);
  return readStream(bodyOf(streamOf('x', capture).chunks));
};

/** What the core says: every event with its place, and the state after each. */
function byTheCore(bytes: Uint8Array): { events: StreamEvent[]; after: (n: number) => object } {
  const events: StreamEvent[] = [];
  const shots: object[] = [];
  const shot = (): object =>
    JSON.parse(
      JSON.stringify({ message: parser.message ?? null, blocks: parser.blocks, outcome: seeOutcome(parser.outcome) }),
    ) as object;
  // In pull form: a parser's handlers hear of an event that `end()` gave only when the outcome is settled.
  const reader = new MessageReader();
  const parser = reader.assembler;
  const first = shot();
  reader.write(bytes);
  for (
    let event = reader.next() ?? reader.endInput();
    event !== undefined;
    event = reader.next() ?? reader.endInput()
  ) {
    events.push(event);
    shots.push(shot());
  }
  reader.end();
  const last = shot();
  return { events, after: (n) => (n === 0 ? first : n > events.length ? last : (shots[n - 1] as object)) };
}

const seen = (states: States, n: number): object => {
  const { message, blocks, outcome } = states.after(n);
  return JSON.parse(JSON.stringify({ message: message ?? null, blocks, outcome: seeOutcome(outcome) })) as object;
};

describe('the page', () => {
  test('no byte of a stream can leave its script', () => {
    const hostile = '</script><!-- <script>\u2028\u2029\u0000\u001b[2J\u009b\ufeff\ud800 "\\';
    const json = embedJson({ text: hostile });
    expect(json).not.toMatch(/[<\u007f-\u009f\u2028\u2029\ufeff]/);
    expect(JSON.parse(json)).toEqual({ text: hostile });
  });

  test('embedJson() gives back what it was given', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = embedJson(value);
        expect(json).not.toContain('<');
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 200 * RUNS },
    );
  });

  test('the policy allows its own script and style, and nothing else', () => {
    const page = reportPage({ viewer: 'run()', style: 'b{}', data: dataOf() });
    const hash = (text: string): string => createHash('sha256').update(text).digest('base64');
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
    expect(policy?.split('; ')).toEqual([
      "default-src 'none'",
      `script-src 'sha256-${hash('run()')}'`,
      `style-src 'sha256-${hash('b{}')}'`,
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
  });

  test('names are text in the title', () => {
    const stream = streamOf('</title><script>\u202e&"', captureOf([]));
    const page = reportPage({ viewer: '', style: '', data: dataOf(stream, stream) });
    expect(page).toContain('<title>&lt;/title&gt;&lt;script&gt;\ufffd&amp;&quot; and 1 more · ssemble report</title>');
  });

  test('a script that would end itself is refused', () => {
    expect(() => reportPage({ viewer: 'x="</SCRIPT>"', style: '', data: dataOf() })).toThrow(TypeError);
    expect(() => reportPage({ viewer: 'a<!--b', style: '', data: dataOf() })).toThrow(TypeError);
    expect(() => reportPage({ viewer: '', style: '</style>', data: dataOf() })).toThrow(TypeError);
  });

  test('sha256Base64() is what everybody else has', () => {
    const texts = ['', 'abc', 'é€😀', ...[55, 56, 63, 64, 65, 119, 120, 1000].map((length) => 'x'.repeat(length))];
    for (const text of texts) {
      expect(sha256Base64(text)).toBe(createHash('sha256').update(text).digest('base64'));
    }
  });
});

describe('the data', () => {
  test('a capture comes back to the byte and to the chunk', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(fc.nat(40), { maxLength: 4 }), (bytes, places) => {
        const pieces = cutAt(
          bytes,
          places.map((place) => Math.min(place, bytes.length)),
        );
        const stream = streamOf('x', captureOf(pieces.map((piece, i): Piece => [i, piece])));
        const body = bodyOf(JSON.parse(embedJson(stream.chunks)) as typeof stream.chunks);
        expect([...body.bytes]).toEqual([...bytes]);
        expect(body.chunks.map(({ from, end }) => end - from)).toEqual(pieces.map((piece) => piece.length));
        expect(body.chunks.map(({ us }) => us)).toEqual(pieces.map((_, i) => i * 1000));
      }),
      { numRuns: 200 * RUNS },
    );
  });

  test('no secret of the header gets in', () => {
    const headers = [['x-api-key', 'sk-ant-secret']] as const;
    const stream = streamOf('x', captureOf([], undefined, { request: { url: 'https://u:p@h/?key=k', headers } }));
    expect(JSON.stringify(stream)).not.toMatch(/sk-ant|u:p/);
  });

  test('only the rules that are named come along, and the error as name and message', () => {
    const stream = streamOf('x', captureOf([[undefined, frames(m.start(), m.textStart(0))]]));
    const named = new Set(stream.lint.findings.map(({ rule }) => rule));
    expect(named.size).toBeGreaterThan(0);
    expect(new Set(stream.rules.map(({ id }) => id))).toEqual(named);
    expect(stream.lint.outcome).toMatchObject({ status: 'truncated', error: { name: 'TruncatedError' } });
  });
});

describe('rows', () => {
  /** The rows against the scanner and the parser, which know nothing of each other. */
  function check(bytes: Uint8Array, stream: Stream): void {
    const { events } = byTheCore(bytes);
    const rows = stream.entries.slice(0, -1);
    expect(rows.map(({ event }) => event)).toEqual(events);
    expect(rows.map(({ n }) => n)).toEqual(events.map((_, i) => i + 1));
    const positions: Position[] = [];
    const scanner = new SseScanner();
    scanner.write(bytes);
    for (;;) {
      const sse = scanner.next() ?? scanner.end() ?? scanner.next();
      if (sse === undefined || positions.length === events.length) break;
      positions.push(scanner.position());
    }
    expect(rows.map(({ byte, from, end, line }) => ({ byte, from, end, line }))).toEqual(
      positions.map(({ byte, from, end, line }) => ({ byte, from, end, line })),
    );
    const end = stream.entries.at(-1);
    expect(end).toMatchObject({ event: undefined, from: rows.at(-1)?.end ?? 0, end: bytes.length });
  }

  test.each(fixtures)('%s: as the core reads it', (file) => {
    const bytes = new Uint8Array(readFileSync(HOSTILE + file));
    check(bytes, readStream({ bytes, chunks: [{ from: 0, end: bytes.length, us: undefined }] }));
  });

  test.skipIf(!hasCaptures)('real streams, as the core reads them', () => {
    const native = captures.filter(({ file }) => file.startsWith('raw/'));
    expect(native.length).toBeGreaterThan(100);
    for (const { file } of native.filter((_, i) => i % 10 === 0)) {
      const bytes = readCapture(file);
      const stream = readStream({ bytes, chunks: [{ from: 0, end: bytes.length, us: undefined }] });
      check(bytes, stream);
      const states = new States(bytes, stream.entries.length - 1);
      const { after } = byTheCore(bytes);
      for (const n of [stream.entries.length, 1, stream.entries.length >> 1]) expect(seen(states, n)).toEqual(after(n));
    }
  });

  test('whatever comes, cut wherever, as the core reads it', () => {
    fc.assert(
      fc.property(nearlyStream, fc.array(fc.nat(), { maxLength: 6 }), (bytes, cuts) => {
        const pieces = cutAt(
          bytes,
          cuts.map((cut) => cut % (bytes.length + 1)),
        );
        const stream = readStream(bodyOf(streamOf('x', captureOf(pieces.map((piece, i): Piece => [i, piece]))).chunks));
        check(bytes, stream);
      }),
      { numRuns: 150 * RUNS },
    );
  });

  test('an event has the time of the chunk that completed it', () => {
    const [a, b] = [m.frame(m.ping), m.frame(m.stop)];
    const capture = captureOf([
      [1, a.slice(0, 9)],
      [5, a.slice(9) + b.slice(0, -1)],
      [11, b.slice(-1)],
    ]);
    const { entries } = readStream(bodyOf(streamOf('x', capture).chunks));
    expect(entries.map(({ us, gapUs, chunk }) => [us, gapUs, chunk])).toEqual([
      [5000, undefined, 1],
      [11_000, 6000, 2],
      [11_000, 0, 2],
    ]);
  });

  test('an event is on the lane of the block that took it', () => {
    const { entries, lanes } = read(
      frames(
        m.start(),
        m.textStart(0),
        m.blockStart(1, { type: 'tool_use', id: 't', name: 'look', input: {} }),
        m.textDelta(0, 'a'),
        m.textDelta(1, 'stray'),
        m.blockStop(0),
        m.textStart(0),
        m.blockStop(0),
      ),
    );
    expect(lanes).toEqual([
      { ordinal: 0, index: 0, type: 'text', name: '', first: 2, last: 6 },
      { ordinal: 1, index: 1, type: 'tool_use', name: 'look', first: 3, last: 3 },
      { ordinal: 2, index: 1, type: 'text', name: '', first: 5, last: 5 },
      { ordinal: 3, index: 0, type: 'text', name: '', first: 7, last: 8 },
    ]);
    expect(entries.map(({ ordinal }) => ordinal)).toEqual([-1, 0, 1, 0, 2, 0, 3, 3, -1]);
  });

  test('what no event took is in the end', () => {
    const { entries, body } = read(`${frames(m.ping)}data: {"cut`);
    expect(entries).toHaveLength(2);
    const { from = 0, end } = entries[1] ?? {};
    expect(new TextDecoder().decode(body.bytes.slice(from, end))).toBe('data: {"cut');
    expect(read('<html>\ndata: x\n\n').entries).toHaveLength(1);
  });

  test('many blocks share lanes by type', () => {
    const few = Array.from({ length: MOST_LANES }, (_, i) => m.textStart(i));
    expect(rowsOf(read(frames(m.start(), ...few))).rows).toHaveLength(MOST_LANES);
    const many = [...few, m.blockStart(99, { type: 'thinking', thinking: '', signature: '' })];
    const { rows, rowOf } = rowsOf(read(frames(m.start(), ...many)));
    expect(rows).toEqual([
      { label: `text ×${MOST_LANES}`, family: 'text' },
      { label: 'thinking ×1', family: 'thinking' },
    ]);
    expect([...rowOf.values()]).toEqual([...few.map(() => 0), 1]);
  });

  test('chunkAt() and lastAtMost() halve as a loop would', () => {
    const values = fc.array(fc.nat(20), { maxLength: 12 }).map((all) => all.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(values, fc.integer({ min: -2, max: 22 }), (sorted, value) => {
        expect(lastAtMost(sorted, value)).toBe(sorted.findLastIndex((each) => each <= value));
        const chunks = sorted.slice(1).map((end, i) => ({ from: sorted[i] as number, end, us: undefined }));
        const found = chunks.findIndex(({ from, end }) => value >= from && value < end);
        expect(chunkAt(chunks, value)).toBe(found);
      }),
      { numRuns: 200 * RUNS },
    );
  });
});

describe('states', () => {
  test('the state after any event is the core’s, in whatever order they are asked for', () => {
    fc.assert(
      fc.property(nearlyStream, fc.array(fc.nat(), { minLength: 1, maxLength: 12 }), (bytes, wanted) => {
        const { events, after } = byTheCore(bytes);
        const states = new States(bytes, events.length);
        for (const each of wanted) {
          const n = each % (events.length + 2);
          expect(seen(states, n)).toEqual(after(n));
        }
      }),
      { numRuns: 150 * RUNS },
    );
  });

  test.each(fixtures)('%s: every state, forwards and backwards', (file) => {
    const bytes = new Uint8Array(readFileSync(HOSTILE + file));
    const { events, after } = byTheCore(bytes);
    if (events.length > 300) return expect(file).toMatch(/./);
    const states = new States(bytes, events.length);
    const all = [...events.keys(), events.length, events.length + 1];
    for (const n of [...all, ...all.toReversed()]) expect(seen(states, n)).toEqual(after(n));
  });

  test('a long stream is entered in the middle, from a saved state', () => {
    const pieces = Array.from({ length: 3000 }, (_, i) => m.textDelta(0, `word ${i} `));
    const bytes = encode(frames(m.start(), m.textStart(0), ...pieces, m.blockStop(0), m.messageDelta(), m.stop));
    expect(bytes.length).toBeGreaterThan(256 * 1024);
    const { events, after } = byTheCore(bytes);
    const states = new States(bytes, events.length);
    for (const n of [2990, 3, 1500, 1501, 1499, events.length + 1, 700, events.length]) {
      expect(seen(states, n)).toEqual(after(n));
    }
  });

  test('a shot does not change while the reader goes on', () => {
    const tool = m.blockStart(0, { type: 'tool_use', id: 't', name: 'n', input: {} });
    const json = (partial_json: string): { type: string } => m.delta(0, { type: 'input_json_delta', partial_json });
    const bytes = encode(frames(m.start(), tool, json('{"a":[1'), json(',2]'), json('}')));
    const states = new States(bytes, 5);
    const third = states.after(3);
    const before = JSON.stringify(third.message);
    states.after(5);
    expect(JSON.stringify(third.message)).toBe(before);
    expect(before).toContain('"input":{"a":[1]}');
  });

  test('the end is how the capture says that the body ended', () => {
    const bytes = encode(frames(m.start()));
    expect(new States(bytes, 1).after(2).outcome.status).toBe('truncated');
    expect(new States(bytes, 1, { end: 'reset' }).after(2).outcome.status).toBe('disconnected');
    expect(new States(bytes, 1, { end: 'abort' }).after(2).outcome.status).toBe('aborted');
    expect(new States(bytes, 1, { end: 'timeout' }).after(2).outcome.status).toBe('stalled');
  });
});

describe('changes', () => {
  /** The next value again, out of the tree. */
  function rebuilt({ value, children }: Changed): unknown {
    if (children === undefined) return value;
    const kept = children().filter(({ change }) => change !== 'gone');
    return Array.isArray(value)
      ? kept.map(rebuilt)
      : Object.fromEntries(kept.map((child) => [String(child.key), rebuilt(child)]));
  }
  const value = fc.jsonValue({ maxDepth: 3 });

  test('the tree is the next value, and `same` means equal', () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        const plain = (each: unknown): unknown => JSON.parse(JSON.stringify(each));
        const tree = compare(before, after);
        expect(plain(rebuilt(tree))).toEqual(plain(after));
        expect(tree.change === 'same').toBe(JSON.stringify(canonical(before)) === JSON.stringify(canonical(after)));
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test.each<[name: string, before: unknown, after: unknown, changes: Record<string, string>]>([
    ['a string that grew', { text: 'a' }, { text: 'ab' }, { text: 'grown' }],
    ['a string that became another', { text: 'ab' }, { text: 'b' }, { text: 'changed' }],
    ['null that became something', { a: null }, { a: {} }, { a: 'changed' }],
    ['what is new and what is gone', { a: 1 }, { b: 1 }, { b: 'new', a: 'gone' }],
    ['a nested change', { a: { b: 1 }, c: { d: 1 } }, { a: { b: 2 }, c: { d: 1 } }, { a: 'changed', c: 'same' }],
    ['an array that became longer', [1], [1, 2], { 0: 'same', 1: 'new' }],
    ['an own __proto__', JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":2}'), { ['__proto__']: 'changed' }],
  ])('%s', (_, before, after, changes) => {
    const children = compare(before, after).children?.() ?? [];
    expect(children.map(({ key, change }) => [String(key), change])).toEqual(Object.entries(changes));
  });

  test('all of a new value is new, down to the leaves', () => {
    const leaves = ({ change, children }: Changed): string[] => children?.().flatMap(leaves) ?? [change];
    expect(leaves(allNew({ a: [1, { b: 2 }] }))).toEqual(['new', 'new']);
    expect(leaves(compare({ a: null }, { a: { b: 1 } }))).toEqual(['new']);
  });
});

function canonical(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value;
  if (Array.isArray(value)) return value.map(canonical);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { members: entries.map(([key, each]) => [key, canonical(each)]) };
}

describe('raw bytes', () => {
  const piecesAt = (length: number, ...cuts: number[]): { from: number; end: number; us: undefined }[] =>
    [0, ...cuts].map((from, i) => ({ from, end: cuts[i] ?? length, us: undefined }));
  const text = (mark: Mark): string =>
    mark.kind === 'border'
      ? `|${mark.chunk}${mark.inside ? `+${mark.inside}` : ''}|`
      : mark.kind === 'text'
        ? mark.text
        : `<${mark.text}>`;
  const show = (body: string | Uint8Array, ...cuts: number[]): string => {
    const bytes = typeof body === 'string' ? encode(body) : body;
    return marksOf(bytes, piecesAt(bytes.length, ...cuts), 0, bytes.length)
      .map(text)
      .join('');
  };

  test.each<[body: string | Uint8Array, cuts: number[], shown: string]>([
    ['a\nb', [], '|0|a<LF>b'],
    ['a\r\n\rb', [], '|0|a<CRLF><CR>b'],
    ['a\r\nb', [2], '|0|a<CRLF>|1+1|b'],
    ['ab', [1], '|0|a|1|b'],
    ['é€', [1, 3, 4], '|0|é|1+1|€|2+1||3+2|'],
    ['😀x', [2, 4], '|0|😀|1+2||2|x'],
    [new Uint8Array([0x61, 0xff, 0xc3, 0x28, 0xe2, 0x82]), [], '|0|a<\\xff><\\xc3>(<\\xe2><\\x82>'],
    ['\ufeffa\u0000\u001b\u200b\u2028\u009b', [], '|0|<U+FEFF>a<\\x00><\\x1b><U+200B><U+2028><U+009B>'],
    ['\ufffd', [], '|0|\ufffd'],
    [new Uint8Array([0xed, 0xa0, 0x80, 0xf5]), [], '|0|<\\xed><\\xa0><\\x80><\\xf5>'],
  ])('%j cut at %j', (body, cuts, shown) => {
    expect(show(body, ...cuts)).toBe(shown);
  });

  test('text and line ends are those of the bytes, and every chunk is marked once', () => {
    // oxlint-disable-next-line no-control-regex
    const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 20 }),
        fc.array(fc.nat(), { maxLength: 5 }),
        (body, places) => {
          fc.pre(!UNSEEN.test(body));
          const bytes = encode(`${body}\n`);
          const cuts = [...new Set(places.map((place) => 1 + (place % (bytes.length - 1 || 1))))]
            .filter((cut) => cut < bytes.length)
            .toSorted((a, b) => a - b);
          const marks = marksOf(bytes, piecesAt(bytes.length, ...cuts), 0, bytes.length);
          const joined = marks
            .map((mark) => (mark.kind === 'text' ? mark.text : mark.kind === 'end' ? '\n' : ''))
            .join('');
          expect(joined).toBe(`${body}\n`);
          expect(marks.filter(({ kind }) => kind === 'border').map(({ chunk }) => chunk)).toEqual(
            [0, ...cuts].map((_, i) => i),
          );
        },
      ),
      { numRuns: 200 * RUNS },
    );
  });

  test('a part shows the borders of that part alone', () => {
    const bytes = encode('abcdef');
    expect(
      marksOf(bytes, piecesAt(6, 2, 4), 2, 4)
        .map(text)
        .join(''),
    ).toBe('|1|cd');
    expect(
      marksOf(bytes, piecesAt(6, 2, 4), 3, 4)
        .map(text)
        .join(''),
    ).toBe('d');
  });

  test('a dump has every byte, its offset, and where chunks begin', () => {
    const rows = hexRows(encode('event: x\ndata'), piecesAt(13, 9), 1, 13, 8);
    expect(rows.map(({ at, cells, text: ascii }) => [at, cells.map(({ hex }) => hex).join(' '), ascii])).toEqual([
      [1, '76 65 6e 74 3a 20 78 0a', 'vent: x·'],
      [9, '64 61 74 61', 'data'],
    ]);
    expect(rows.map(({ cells }) => cells.findIndex(({ starts }) => starts))).toEqual([-1, 0]);
  });
});

describe('search', () => {
  const stream = read(
    frames(
      m.start(),
      m.textStart(0),
      ...['Hel', 'lo w', 'or', 'ld, hello', '!'].map((text) => m.textDelta(0, text)),
      m.blockStop(0),
      m.ping,
      m.stop,
    ),
  );
  const search = new Search(stream, (n) => (n === 9 ? 'warning' : n === 1 ? 'info' : undefined));
  const find = (query: Partial<typeof NO_QUERY>): number[] => search.find({ ...NO_QUERY, ...query });

  test.each<[query: Partial<typeof NO_QUERY>, rows: number[]]>([
    [{}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
    [{ text: 'hello world' }, [3, 4, 5, 6]],
    [{ text: 'HELLO' }, [3, 4, 6]],
    [{ text: 'd, h' }, [6]],
    [{ text: 'content_block_stop' }, [8]],
    [{ text: 'nowhere' }, []],
    [{ type: 'text_delta' }, [3, 4, 5, 6, 7]],
    [{ block: 0 }, [2, 3, 4, 5, 6, 7, 8]],
    [{ severity: 'info' }, [1, 9]],
    [{ severity: 'warning' }, [9]],
    [{ severity: 'error' }, []],
    [{ text: 'world', type: 'text_delta', block: 0 }, [4, 5, 6]],
  ])('%j', (query, rows) => {
    expect(find(query)).toEqual(rows);
  });

  test('a phrase is found however the deltas cut it', () => {
    const phrase = 'the quick brown fox';
    fc.assert(
      fc.property(fc.array(fc.nat(phrase.length), { maxLength: 8 }), (places) => {
        const texts = cutAt<string>(`so ${phrase}!`, places);
        const found = new Search(
          read(frames(m.start(), m.textStart(0), ...texts.map((each) => m.textDelta(0, each)))),
          () => undefined,
        ).find({ ...NO_QUERY, text: phrase });
        let at = 0;
        const expected = texts.flatMap((each, i) => {
          const from = at;
          at += each.length;
          return each !== '' && from < 3 + phrase.length && at > 3 ? [i + 3] : [];
        });
        expect(found).toEqual(expected);
      }),
      { numRuns: 200 * RUNS },
    );
  });
});

describe('Markdown', () => {
  const rule: Rule = {
    id: 'a-rule',
    group: 'deltas',
    level: 'documented',
    severity: 'error',
    rule: 'The *rule*.',
    expected: 'this',
    actual: 'that',
    fix: 'Do it.',
    clients: {},
    seen: [],
  };
  const finding: Finding = {
    rule: 'a-rule',
    severity: 'error',
    message: 'Found <b>',
    at: { event: 2, byte: 1234, line: 9 },
  };

  test('a finding has its rule, what was expected and what came', () => {
    expect(findingMarkdown(finding, rule).split('\n')).toEqual([
      '**error** `a-rule` at event 2, byte 1,234, line 9: Found \\<b\\>',
      '- Rule: The \\*rule\\*.',
      '- Expected: this',
      '- Actual: that',
      '- Fix: Do it.',
    ]);
    expect(findingMarkdown({ ...finding, expected: 'E', actual: 'A', at: { event: 0 } }, rule)).toMatch(
      /^\*\*error\*\* `a-rule`: Found[^]*Expected: E\n- Actual: A/,
    );
  });

  test('an event is in a fence that it cannot leave', () => {
    const body = frames(m.start(), m.textStart(0), m.textDelta(0, '````\n```js'));
    const source = streamOf('a*b.sse', captureOf([[undefined, body]]));
    const stream = readStream(bodyOf(source.chunks));
    const entry = stream.entries[2];
    if (entry === undefined) throw new Error('no such row');
    const text = eventMarkdown(source, stream, entry, [finding], 'ssemble/1');
    expect(text).toContain('**a\\*b.sse**: `claude-test` · truncated');
    expect(text).toContain(`\n\n\`\`\`\`\`\n${m.frame(m.textDelta(0, '````\n```js')).trimEnd()}\n\`\`\`\`\`\n\n`);
    expect(text).toContain('Event 3 `text_delta`: bytes ');
    expect(findingsMarkdown(source, stream, 'ssemble/1')).toContain('truncated');
  });

  test('a long event is cut, and says so', () => {
    const source = streamOf('x', captureOf([[undefined, m.frame(m.textDelta(0, 'x'.repeat(9000)))]]));
    const stream = readStream(bodyOf(source.chunks));
    const [entry] = stream.entries;
    if (entry === undefined) throw new Error('no such row');
    const text = eventMarkdown(source, stream, entry, [], 't');
    expect(text.length).toBeLessThan(4500);
    expect(text).toMatch(/… 5,\d{3} bytes more/);
  });
});

describe('words and numbers', () => {
  test('every kind of event has a type and a preview on one line', () => {
    const { entries } = read(
      `${frames(
        m.start(),
        m.blockStart(0, { type: 'tool_use', id: 't', name: 'look', input: {} }),
        m.delta(0, { type: 'input_json_delta', partial_json: '{"a"\n' }),
        m.delta(0, { type: 'hologram_delta', depth: 3 }),
        m.messageDelta(),
        m.apiError(),
      )}event: x\ndata: [DONE]\n\n`,
    );
    expect(entries.map(({ event }) => [typeName(event), event === undefined ? '' : preview(event)])).toEqual([
      ['message_start', expect.stringContaining('claude-test') as string],
      ['content_block_start', 'tool_use look t'],
      ['input_json_delta', '"{\\"a\\"\\n"'],
      ['hologram_delta', '{"depth":3}'],
      ['message_delta', expect.stringContaining('end_turn') as string],
      ['error', expect.stringContaining('overloaded_error') as string],
      ['unknown', 'sentinel: [DONE]'],
      ['end', ''],
    ]);
  });

  test.each([
    ['text', 'text'],
    ['redacted_thinking', 'thinking'],
    ['server_tool_use', 'tool'],
    ['web_search_tool_result', 'result'],
    ['hologram', 'other'],
  ])('a block of type %s is of the family %s', (type, family) => {
    expect(familyOfBlock(type)).toBe(family);
  });

  test.each([
    [grouped(1234567), '1,234,567'],
    [counted(1, 'event'), '1 event'],
    [counted(2000, 'event'), '2,000 events'],
    [duration(undefined), '-'],
    [duration(0.44), '0.4 ms'],
    [duration(38.4), '38 ms'],
    [duration(1254), '1.25 s'],
    [duration(12_540), '12.5 s'],
    [duration(123_000), '2 min 3 s'],
    [column(undefined), ''],
    [column(0), '0'],
    [column(1500), '1.5'],
    [column(1_234_567_000), '1,234,567'],
    [byteSize(812), '812 B'],
    [byteSize(12_345), '12.3 kB'],
    [byteSize(1_200_000), '1.2 MB'],
  ])('%s', (shown, expected) => {
    expect(shown).toBe(expected);
  });
});

describe('the scale', () => {
  test('never shows what is beyond the ends, and zooms around a place that stays', () => {
    const step = fc.oneof(
      fc.record({ zoom: fc.double({ min: 0.1, max: 10, noNaN: true }), x: fc.nat(500) }),
      fc.record({ pan: fc.integer({ min: -900, max: 900 }) }),
      fc.record({ reveal: fc.nat(1000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const scale = new Scale(0, 1000, 5);
        scale.width = 500;
        for (const each of steps) {
          if ('zoom' in each) {
            const value = scale.value(each.x);
            scale.zoom(each.zoom, each.x);
            const free = scale.from > 0 && scale.to < 1000;
            if (free) expect(scale.value(each.x)).toBeCloseTo(value, 6);
          } else if ('pan' in each) scale.pan(each.pan);
          else {
            scale.reveal(each.reveal);
            expect(scale.x(each.reveal)).toBeGreaterThanOrEqual(-1e-6);
            expect(scale.x(each.reveal)).toBeLessThanOrEqual(500 + 1e-6);
          }
          expect(scale.from).toBeGreaterThanOrEqual(-1e-9);
          expect(scale.to).toBeLessThanOrEqual(1000 + 1e-9);
          expect(scale.to - scale.from).toBeGreaterThan(4.99);
        }
      }),
      { numRuns: 200 * RUNS },
    );
  });

  test('its ticks are round and apart', () => {
    const scale = new Scale(0, 15_217, 1);
    scale.width = 1000;
    expect(scale.ticks(90)).toEqual([0, 2000, 4000, 6000, 8000, 10_000, 12_000, 14_000]);
  });
});

test('the fixtures are there', () => {
  expect(existsSync(HOSTILE)).toBe(true);
  expect(fixtures.length).toBeGreaterThan(50);
});
