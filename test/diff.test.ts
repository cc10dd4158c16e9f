/** Differences between streams: what is compared, what is left out, and how it is written. */

import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ASPECTS, type DiffAspect, type DiffOptions, diffStreams, type EventDifference } from '../src/diff/diff.ts';
import { diffLines, formatDiff } from '../src/diff/text.ts';
import { differences } from '../src/diff/values.ts';
import { wordDifferences } from '../src/diff/words.ts';
import { MessageParser, parseMessage } from '../src/index.ts';
import { encodeUtf8 } from '../src/sse/utf8.ts';
import { captures, hasCaptures, readCapture } from './support/captures.ts';
import * as m from './support/messages.ts';
import { meantMessage } from './support/streams-arbitrary.ts';

// A hundred times the runs take longer than a test may, and beside other work so do the usual ones.
vi.setConfig({ testTimeout: 120_000 });
const RUNS = 100 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1);
type Wire = { type: string };

const EVERYTHING: DiffOptions = { ids: true, usage: true, timing: true, chunking: true, pings: true, signatures: true };
const body = (events: readonly Wire[]): string => events.map((event) => m.frame(event)).join('');
const hello = m.textEvents(['Hello', ' ', 'world']);
const input = (index: number, ...pieces: string[]): Wire[] =>
  pieces.map((partial_json) => m.delta(index, { type: 'input_json_delta', partial_json }));
const tool = (...pieces: string[]): Wire[] => [
  m.start(),
  m.blockStart(0, { type: 'tool_use', id: 'toolu_1', name: 'get', input: {} }),
  ...input(0, ...pieces),
  m.blockStop(0),
  m.messageDelta('tool_use'),
  m.stop,
];

/** The differences in short: kind, event, and the paths. */
function short(a: readonly Wire[], b: readonly Wire[], options: DiffOptions = {}): string[] {
  return diffStreams(a, b, options).events.map(({ kind, event, values }) =>
    [kind, event, ...values.map(({ path }) => path)].join(' '),
  );
}

describe('what is no stream', () => {
  const differ = (a: string | Uint8Array, b: string | Uint8Array): string[] =>
    diffStreams(a, b).messages.map(({ kind, path }) => `${kind} ${path}`);
  const error = (type: string): string => JSON.stringify({ type: 'error', error: { type, message: 'No' } });

  it.each([
    ['two pages', '<html>\n<p>a</html>', '<html>\n<p>b</html>'],
    ['two errors as JSON', error('overloaded_error'), error('api_error')],
    ['two texts', 'one: two\n', 'one: three\n'],
    ['two binaries', Uint8Array.of(200, 1, 2, 3), Uint8Array.of(200, 1, 2, 4)],
  ])('is not the same because no event is in it: %s', (_, a, b) => {
    expect(differ(a, b)).toEqual(['changed body']);
    expect(diffStreams(a, b).same).toBe(false);
    expect(diffStreams({ chunks: [{ us: 1, bytes: bytesOf(a) }] }, b).same).toBe(false);
    expect(diffStreams(a, a).same).toBe(true);
    expect(formatDiff(diffStreams(a, b))).toMatch(/\n {2}body\n- .*\n\+ .*\n1 difference, and no events in either$/);
    expect(formatDiff(diffStreams(a, a))).toContain('no events in either');
  });

  it('names at most twenty places at which the messages differ: the events have told it', () => {
    const blocks = (word: string): Wire[] =>
      Array.from({ length: 30 }, (_, i) => [m.textStart(i), m.textDelta(i, `${word} ${i}`), m.blockStop(i)]).flat();
    const found = diffStreams([m.start(), ...blocks('a'), m.stop], [m.start(), ...blocks('b'), m.stop]);
    expect(formatDiff(found)).toContain(', content[19].text, and 10 more places\n');
  });

  it('differs from nothing at all, and from a stream; comments are still nothing', () => {
    expect(differ('', 'hello\n')).toContain('added body');
    expect(differ('hello\n', '')).toContain('removed body');
    expect(diffStreams(': ping\n\n', ': pong\n\n').same).toBe(true);
    expect(differ('hello\n', body(hello))).not.toContain('changed body');
    expect(diffStreams('hello\n', body(hello)).same).toBe(false);
  });

  function bytesOf(given: string | Uint8Array): Uint8Array {
    return typeof given === 'string' ? encodeUtf8(given) : given;
  }
});

describe('what is left out unless it is asked for', () => {
  const mapped = (events: readonly Wire[], change: (text: string) => string): Wire[] =>
    JSON.parse(change(JSON.stringify(events))) as Wire[];
  const thinking = [
    m.start(),
    m.blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
    m.delta(0, { type: 'signature_delta', signature: 'AAAA' }),
    m.blockStop(0),
    m.messageDelta(),
    m.stop,
  ];
  const rows: (readonly [DiffAspect, string, readonly Wire[], readonly Wire[]])[] = [
    ['ids', 'of messages', hello, m.textEvents(['Hello', ' ', 'world'], 'msg_2')],
    ['ids', 'of tools', tool('{}'), mapped(tool('{}'), (text) => text.replaceAll('toolu_1', 'toolu_2'))],
    [
      'usage',
      'token counts',
      hello,
      mapped(hello, (text) => text.replaceAll('"output_tokens":7', '"output_tokens":8')),
    ],
    ['chunking', 'cuts', hello, m.textEvents(['He', 'llo wor', 'ld'])],
    ['chunking', 'empty deltas', hello, m.textEvents(['', 'Hello', '', ' ', 'world'])],
    ['chunking', 'white space in tool input', tool('{"a":1}'), tool('', '{"a"', ': 1 }')],
    ['pings', 'pings', hello, hello.filter(({ type }) => type !== 'ping')],
    ['signatures', 'signatures', thinking, mapped(thinking, (text) => text.replaceAll('AAAA', 'BBBB'))],
  ];
  const sealed = (data: string): Wire[] => [m.start(), m.blockStart(0, { type: 'redacted_thinking', data }), m.stop];
  const counting = (estimated_tokens: number): Wire[] => [
    m.start(),
    m.blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
    m.delta(0, { type: 'thinking_delta', thinking: '', estimated_tokens: 1 }),
    m.delta(0, { type: 'thinking_delta', thinking: '', estimated_tokens }),
    m.stop,
  ];
  rows.push(
    ['signatures', 'hidden thinking', sealed('AAAA'), sealed('BBBB')],
    ['usage', 'estimated tokens', counting(50), counting(60)],
  );
  it.each(rows)('%s: %s', (aspect, _, a, b) => {
    expect(diffStreams(a, b)).toMatchObject({ same: true, events: [], messages: [] });
    expect(diffStreams(a, b).ignored).toContain(aspect);
    const asked = diffStreams(a, b, { [aspect]: true });
    expect(asked.same).toBe(false);
    expect(asked.ignored).not.toContain(aspect);
  });

  it('compares that there is a signature', () => {
    expect(
      short(
        thinking,
        thinking.filter((event) => !JSON.stringify(event).includes('AAAA')),
      ),
    ).toEqual(['removed content_block_delta signature_delta']);
  });

  it('compares times only where both sides have them, within a tolerance, from the first event on', () => {
    const at = (...ms: number[]): { chunks: { us: number; bytes: Uint8Array }[] } => ({
      chunks: hello.map((event, i) => ({
        us: (ms[Math.min(i, ms.length - 1)] as number) * 1000,
        bytes: encodeUtf8(m.frame(event)),
      })),
    });
    expect(diffStreams(at(0, 10), at(500, 560), { timing: true }).same).toBe(true);
    const late = diffStreams(at(0, 10), at(0, 10, 10, 10, 10, 900), { timing: true });
    expect(late.events[0]).toMatchObject({
      kind: 'changed',
      event: 'content_block_delta text_delta',
      values: [{ kind: 'changed', path: 'ms.last', a: 10, b: 900 }],
    });
    expect(diffStreams(at(0, 10), at(0, 900)).same).toBe(true);
    expect(diffStreams(at(0, 10), at(0, 60), { timing: true, withinMs: 20 }).same).toBe(false);
    expect(diffStreams(at(0, 10), body(hello), { timing: true }).ignored).toContain('timing');
    expect(() => diffStreams(hello, hello, { withinMs: -1 })).toThrow(RangeError);
  });

  it('never compares framing, the white space of JSON, or the order of keys', () => {
    const reordered = hello.map((event) => Object.fromEntries(Object.entries(event).reverse()) as unknown as Wire);
    const framed = reordered.map((event) => `data:${JSON.stringify(event, undefined, 1).replaceAll('\n', '')}\r\n\r\n`);
    expect(diffStreams(body(hello), `: comment\n\n${framed.join('')}`, EVERYTHING).same).toBe(true);
  });
});

describe('what is found', () => {
  it('text that changed, as one text with the numbers of its events', () => {
    const found = diffStreams(hello, m.textEvents(['Hello ', 'there', '!', '']));
    expect(found.events).toEqual([
      {
        kind: 'changed',
        event: 'content_block_delta text_delta',
        a: { first: 4, last: 6, value: m.textDelta(0, 'Hello world') },
        b: { first: 4, last: 7, value: m.textDelta(0, 'Hello there!') },
        values: [{ kind: 'changed', path: 'delta.text', a: 'Hello world', b: 'Hello there!' }],
      },
    ]);
    expect(found.messages).toEqual([{ kind: 'changed', path: 'content[0].text', a: 'Hello world', b: 'Hello there!' }]);
  });

  it('an event more, an event fewer, and nothing else', () => {
    const without = hello.filter(({ type }) => type !== 'content_block_stop');
    expect(short(hello, without)).toEqual(['removed content_block_stop']);
    expect(short(without, hello)).toEqual(['added content_block_stop']);
    expect(short([...hello, { type: 'vertex_event' }], hello)).toEqual(['removed unknown vertex_event']);
  });

  it('a block more, without calling the blocks after it changed but for their index', () => {
    const b = [
      m.start(),
      m.blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
      m.delta(0, { type: 'thinking_delta', thinking: 'hm' }),
      m.blockStop(0),
      m.textStart(1),
      m.textDelta(1, 'Hello world'),
      m.blockStop(1),
      ...hello.slice(-2),
    ];
    const found = diffStreams(hello, b);
    expect(found.messages.map(({ kind, path }) => [kind, path])).toEqual([['added', 'content[0]']]);
    const kinds = found.events.map(({ kind, event, values }: EventDifference) => [
      kind,
      event,
      values.map(({ path }) => path).join(),
    ]);
    expect(kinds).toEqual([
      ['added', 'content_block_start thinking', ''],
      ['added', 'content_block_delta thinking_delta', ''],
      ['added', 'content_block_stop', ''],
      ['changed', 'content_block_start text', 'index'],
    ]);
    // A delta that goes to another block than its start says is a difference of its own.
    const astray = b.map((event) => (event === b[5] ? m.textDelta(0, 'Hello world') : event));
    expect(short(b, astray)).toEqual(['changed content_block_delta text_delta index']);
  });

  it('tool input by path, whole or cut', () => {
    expect(short(tool('{"city":"Oslo","n":1}'), tool('{"city":"Bonn",', '"n":1}'))).toEqual([
      'changed content_block_delta input_json_delta delta.partial_json.city',
    ]);
    expect(short(tool('{"city":"Oslo"}'), tool('{"city":"Os'))).toEqual([
      'changed content_block_delta input_json_delta delta.partial_json',
    ]);
    // Doubles cannot tell these apart.
    expect(short(tool('{"n":12345678901234567890}'), tool('{"n":12345678901234567891}'))).toHaveLength(1);
  });

  it('an id in tool input is content', () => {
    expect(short(tool('{"id":"x"}'), tool('{"id":"y"}'))).toHaveLength(1);
    const whole = (id: string): Wire[] => [m.blockStart(0, { type: 'tool_use', id, name: 'n', input: { id } })];
    expect(short(whole('x'), whole('y'))).toEqual(['changed content_block_start tool_use content_block.input.id']);
  });

  it('text that went to another block, and keys that nobody knows', () => {
    const two = [m.textStart(0), m.textStart(1)];
    const apart = [...two, m.textDelta(0, 'a'), m.textDelta(1, 'b')];
    expect(short(apart, [...two, m.textDelta(0, 'ab')])).toHaveLength(2);
    const odd = m.delta(0, { type: 'text_delta', text: 'b', extra: 1 });
    expect(short([...two, m.textDelta(0, 'a'), odd], [...two, m.textDelta(0, 'ab')])).toHaveLength(2);
  });

  it('how the streams ended', () => {
    const whole = body(hello);
    const cut = whole.slice(0, whole.lastIndexOf('}'));
    const found = diffStreams(whole, cut);
    expect(found.messages).toEqual([
      { kind: 'changed', path: 'outcome', a: 'complete', b: 'truncated' },
      { kind: 'changed', path: 'unfinishedEvent', a: false, b: true },
    ]);
    expect(found.b).toEqual({ events: 8, messages: 1, model: 'claude-test', status: 'truncated' });
  });

  it('what nobody can read, as it came', () => {
    expect(diffStreams('data: {"a\n\n', 'data: {"b\n\n').events).toMatchObject([
      { kind: 'changed', event: 'unknown', values: [{ path: 'raw', a: '{"a', b: '{"b' }] },
    ]);
  });

  it('keys like __proto__ are keys', () => {
    const a = tool('{"__proto__":{"x":1}}');
    expect(diffStreams(a, a).same).toBe(true);
    expect(short(a, tool('{"__proto__":{"x":2}}'))).toHaveLength(1);
    expect(short(a, tool('{}'))).toEqual(['changed content_block_delta input_json_delta delta.partial_json.__proto__']);
  });

  it('values too deep for any stack are looked at as far as 512 levels', () => {
    const deep = (end: string): Wire[] => tool(`{"a":${'['.repeat(50_000)}${end}${']'.repeat(50_000)}}`);
    expect(diffStreams(deep('1'), deep('1')).same).toBe(true);
    expect(diffStreams(deep('1'), tool('{"a":[]}')).same).toBe(false);
  });

  it('in a list: positions of the first, entries aligned', () => {
    expect(differences({ a: [1, 2, 3] }, { a: [0, 1, 3] })).toEqual([
      { kind: 'added', path: 'a[0]', b: 0 },
      { kind: 'removed', path: 'a[1]', a: 2 },
    ]);
    expect(differences({ 'a b': 1 }, { 'a b': 2 })).toEqual([{ kind: 'changed', path: '["a b"]', a: 1, b: 2 }]);
  });
});

describe('against a message that was not streamed', () => {
  const message = parseMessage(body(hello));

  it('compares the messages: as an object, as text, as bytes, as a capture', () => {
    const text = `\n ${JSON.stringify({ ...message, id: 'msg_9', usage: null, container: null })}`;
    const capture = { chunks: [text.slice(0, 9), text.slice(9)].map((part) => ({ us: 1, bytes: encodeUtf8(part) })) };
    for (const other of [message, text, encodeUtf8(text), capture]) {
      expect(diffStreams(body(hello), other)).toMatchObject({
        same: true,
        compared: 'messages',
        b: { events: undefined, status: 'message' },
      });
    }
  });

  it('finds by path what differs', () => {
    const other = { ...message, stop_reason: 'max_tokens' as const };
    expect(diffStreams(other, body(hello)).messages).toEqual([
      { kind: 'changed', path: 'stop_reason', a: 'max_tokens', b: 'end_turn' },
    ]);
    expect(diffStreams(message, other).messages).toHaveLength(1);
    const cut = body(hello.slice(0, -1));
    expect(diffStreams(message, cut).messages).toEqual([
      { kind: 'changed', path: 'outcome', a: 'complete', b: 'truncated' },
    ]);
  });

  it('refuses what is nothing to compare', () => {
    expect(() => diffStreams(7 as never, '')).toThrow(TypeError);
    expect(() => diffStreams({} as never, '')).toThrow(/no Message/);
  });
});

describe('properties', () => {
  it('a stream is the same as itself, in every form, with everything asked for', () => {
    fc.assert(
      fc.property(meantMessage, ({ events }) => {
        const text = body(events);
        const forms = [events, text, encodeUtf8(text), { chunks: [{ us: 1, bytes: encodeUtf8(text) }] }];
        for (const form of forms) expect(diffStreams(text, form, EVERYTHING).same).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it('is the same as its message', () => {
    fc.assert(
      fc.property(meantMessage, ({ events }) => {
        const text = body(events);
        const parser = new MessageParser();
        parser.push(text);
        parser.end();
        expect(
          diffStreams(text, parser.message as never, { ids: true, usage: true, signatures: true }).messages,
        ).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  it('says that two streams are different exactly if it says where, and the other way round alike', () => {
    fc.assert(
      fc.property(meantMessage, meantMessage, fc.boolean(), (a, b, chunking) => {
        const [there, back] = [
          diffStreams(a.events, b.events, { chunking }),
          diffStreams(b.events, a.events, { chunking }),
        ];
        expect(there.same).toBe(there.events.length === 0 && there.messages.length === 0);
        expect(back.same).toBe(there.same);
        for (const { kind, a: x, b: y, values } of there.events) {
          expect([x !== undefined, y !== undefined]).toEqual([kind !== 'added', kind !== 'removed']);
          expect(values.length > 0).toBe(kind === 'changed');
        }
        expect(formatDiff(there).length).toBeGreaterThan(0);
      }),
      { numRuns: RUNS },
    );
  });

  it('with the cuts asked for, every event of either stream is the same or named', () => {
    fc.assert(
      fc.property(meantMessage, meantMessage, (a, b) => {
        const { events } = diffStreams(a.events, b.events, EVERYTHING);
        const [lost, more] = [
          events.filter(({ kind }) => kind === 'removed'),
          events.filter(({ kind }) => kind === 'added'),
        ];
        expect(a.events.length - lost.length).toBe(b.events.length - more.length);
      }),
      { numRuns: RUNS },
    );
  });

  it('words: a lone space between two changes belongs to them', () => {
    expect(wordDifferences('a red hot fox', 'a blue cold fox').map(({ text }) => text)).toEqual([
      'a ',
      'red hot',
      'blue cold',
      ' fox',
    ]);
  });

  it('words: each side joined is its text', () => {
    const text = fc.array(fc.constantFrom('red', 'fox', ' ', '  ', '\n', ',', '狐', '👩‍👧', 'é', '\ud800'), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(text, text, (x, y) => {
        const [a, b] = [x.join(''), y.join('')];
        const found = wordDifferences(a, b);
        const side = (name: 'a' | 'b'): string =>
          found
            .filter((one) => one.in === 'both' || one.in === name)
            .map((one) => one.text)
            .join('');
        // A space between two changes is told as changed on both sides.
        expect([side('a'), side('b')]).toEqual([a, b]);
        if (a === b) expect(found.every((one) => one.in === 'both')).toBe(true);
      }),
      { numRuns: RUNS * 3 },
    );
  });

  it('20,000 events that all differ take seconds at most', () => {
    const many = (word: string): Wire[] => m.textEvents(Array.from({ length: 20_000 }, (_, i) => `${word}${i} `));
    const [a, b] = [many('a'), many('b')];
    const started = performance.now();
    expect(diffStreams(a, b, { chunking: true }).events).toHaveLength(20_000);
    expect(formatDiff(diffStreams(a, b)).length).toBeLessThan(10_000);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it.runIf(hasCaptures)('every real stream is the same as itself, and as its message', () => {
    for (const { file, authentic } of captures) {
      const bytes = readCapture(file);
      expect(diffStreams(bytes, bytes, EVERYTHING).same, file).toBe(true);
      const parser = new MessageParser();
      parser.push(bytes);
      parser.end();
      if (!authentic || parser.outcome.status !== 'complete') continue;
      expect(diffStreams(bytes, parser.message as never, { ids: true, usage: true }).messages, file).toEqual([]);
    }
  });
});

describe('as text', () => {
  it('reads like a patch: names, what was left out, changed words, a sum', () => {
    const b = m.textEvents(['Hello there, ', 'world']).filter(({ type }) => type !== 'message_stop');
    expect(formatDiff(diffStreams(hello, b), { names: ['old.sse', 'new.sse'] })).toBe(
      [
        '--- old.sse  claude-test, 9 events, complete',
        '+++ new.sse  claude-test, 7 events, truncated',
        '    not compared: ids, usage, timing, chunking, pings, signatures',
        '@@ -4..6 +4..5 @@ content_block_delta text_delta, block 0',
        '- Hello world',
        '+ Hello {+there, +}world',
        '@@ -9 @@ message_stop',
        '- {"type":"message_stop"}',
        'the messages differ at: content[0].text, outcome',
        '1 event changed, 1 event removed, 2 differences in the messages',
      ].join('\n'),
    );
  });

  it('is one line for the same', () => {
    expect(formatDiff(diffStreams(hello, hello, { ...EVERYTHING, timing: false }))).toBe(
      'same: a (claude-test, 9 events, complete) and b (claude-test, 9 events, complete); not compared: timing',
    );
  });

  it('shortens unchanged text, cuts long changes, and keeps line feeds on their line', () => {
    const long = 'word '.repeat(200);
    const found = diffStreams(m.textEvents([`${long}red\n${long}`]), m.textEvents([`${long}blue\n${long}`]));
    const lines = formatDiff(found, { context: 12 }).split('\n');
    expect(lines[4]).toBe('- …d word word [-red-]\\nword word w…');
    expect(lines[5]).toBe('+ …d word word {+blue+}\\nword word w…');
    const huge = formatDiff(diffStreams(m.textEvents(['a b']), m.textEvents([`a ${'x'.repeat(5000)} b`])));
    expect(huge).toContain('characters more)');
    expect(huge.length).toBeLessThan(2000);
  });

  it('counts what is too much to show', () => {
    const [a, b] = ['abcdefgh', 'ABCDEFGH'].map((text) => m.textEvents(text.split(''))) as [Wire[], Wire[]];
    const text = formatDiff(diffStreams(a, b, { chunking: true }), { most: 3 });
    expect(text.match(/^@@/gm)).toHaveLength(3);
    expect(text).toContain('… and 5 more differences');
  });

  it('comes in pieces for a terminal', () => {
    const tones = new Set(
      diffLines(diffStreams(hello, m.textEvents(['Hello there']))).flatMap((line) => line.map(({ tone }) => tone)),
    );
    expect([...tones].sort()).toEqual(['a', 'b', 'dim', 'head', 'plain', 'word-a', 'word-b']);
  });

  it('names every aspect', () => {
    expect(Object.keys(ASPECTS).sort()).toEqual(Object.keys(EVERYTHING).sort());
  });
});
