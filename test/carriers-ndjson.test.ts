/** Lines of JSON: wire events, envelopes, the program's own lines, and whatever else stands in a log. */

import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LineOrigin, ndjsonEvents, NdjsonParser } from '../src/carriers/ndjson.ts';
import { type At, MessageStream, ProtocolError, type StreamEvent } from '../src/index.ts';
import { encodeUtf8 } from '../src/sse/utf8.ts';
import { cutAt, forEveryChunking, pieces, RUNS } from './support/chunkings.ts';
import { start, stop, textEvents } from './support/messages.ts';

interface Read {
  events: StreamEvent[];
  places: At[];
  origins: LineOrigin[];
  others: [unknown, At][];
}

function read(chunks: readonly (Uint8Array | string)[]): Read {
  const result: Read = { events: [], places: [], origins: [], others: [] };
  const parser = new NdjsonParser({
    onEvent: (event, at, origin) => {
      result.events.push(event);
      result.places.push(at);
      result.origins.push(origin);
    },
    onOther: (line, at) => result.others.push([line, at]),
  });
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return result;
}

/** Read as text and as bytes, under every chunking; all must agree. */
function readEveryWay(text: string): Read {
  const asBytes = forEveryChunking(encodeUtf8(text), read);
  expect(forEveryChunking(text, read)).toEqual(asBytes);
  return asBytes;
}

const wrap = (event: unknown, parent: string | null = null): string =>
  JSON.stringify({ type: 'stream_event', event, session_id: 's', parent_tool_use_id: parent, uuid: 'u' });
const lines = (...each: unknown[]): string =>
  each.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
const HELLO = textEvents(['Hel', 'lo 😀']);

async function collect(source: AsyncIterable<StreamEvent>): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of source) events.push(event);
  return events;
}

describe('a line', () => {
  test('is a wire event, or an envelope round one', () => {
    const bare = readEveryWay(lines(...HELLO));
    expect(bare.events).toEqual(HELLO);
    expect(bare.origins[0]).toEqual({ parentToolUseId: null });
    const wrapped = readEveryWay(lines(...HELLO.map((event) => wrap(event, 'toolu_1'))));
    expect(wrapped.events).toEqual(HELLO);
    expect(wrapped.origins[0]).toEqual({ parentToolUseId: 'toolu_1', sessionId: 's', uuid: 'u' });
    expect(wrapped.others).toEqual([]);
  });

  test('has its place: number of the event, byte and line', () => {
    const { places, others } = readEveryWay('\ufeff{"type":"ping"}\r\n\n \r\n{"type":"system"}\n{"type":"ping"}');
    expect(places).toEqual([
      { event: 1, byte: 0, line: 1 },
      { event: 2, byte: 42, line: 5 },
    ]);
    expect(others).toEqual([[{ type: 'system' }, { event: 1, byte: 24, line: 4 }]]);
  });

  test.each(['system', 'assistant', 'user', 'result', 'control_request', 'control_response', 'keep_alive'])(
    'of type %s is the program’s own',
    (type) => {
      const { events, others } = read([lines({ type, a: 1 })]);
      expect(events).toEqual([]);
      expect(others).toEqual([
        [
          { type, a: 1 },
          { event: 0, byte: 0, line: 1 },
        ],
      ]);
    },
  );

  test('of an unknown type with the ids of Claude Code is its own, else an event of the wire', () => {
    const { events, others } = read([lines({ type: 'new', session_id: 's', uuid: 'u' }, { type: 'new' })]);
    expect(others).toHaveLength(1);
    expect(events).toEqual([{ type: 'unknown', reason: 'type', wire: { type: 'new' }, raw: '{"type":"new"}' }]);
  });

  test.each<[string, string, StreamEvent]>([
    ['is no JSON', 'oops {', { type: 'unknown', reason: 'json', raw: 'oops {' }],
    ['is the sentinel', '[DONE]', { type: 'unknown', reason: 'sentinel', raw: '[DONE]' }],
    ['is a list', '[1]', { type: 'unknown', reason: 'shape', wire: [1], raw: '[1]' }],
    ['is null', 'null', { type: 'unknown', reason: 'shape', wire: null, raw: 'null' }],
    ['has no type', '{"a": 1}', { type: 'unknown', reason: 'shape', wire: { a: 1 }, raw: '{"a": 1}' }],
    [
      'is an envelope without a letter',
      '{"type":"stream_event"}',
      { type: 'unknown', reason: 'shape', wire: { type: 'stream_event' }, raw: '{"type":"stream_event"}' },
    ],
    [
      'is a known event without what it needs',
      '{"type": "message_delta"}',
      { type: 'unknown', reason: 'shape', wire: { type: 'message_delta' }, raw: '{"type": "message_delta"}' },
    ],
    [
      'is one of our unknown events, written down',
      '{"type":"unknown","reason":"type","wire":{"type":"x"},"raw":"{ }"}',
      { type: 'unknown', reason: 'type', wire: { type: 'x' }, raw: '{ }' },
    ],
    ['is an error in any shape', '{"error":"bad"}', { type: 'error', error: { type: 'api_error', message: 'bad' } }],
  ])('that %s is an event too', (_, line, event) => {
    const { events, others } = readEveryWay(line);
    expect(events).toMatchObject([event]);
    expect(others).toEqual([]);
  });

  test('that was cut is told, not dropped', () => {
    const { events } = readEveryWay(lines(start()) + '{"type":"message_st');
    expect(events[1]).toEqual({ type: 'unknown', reason: 'json', raw: '{"type":"message_st' });
  });

  test('may hold half a surrogate pair: it becomes what UTF-8 makes of it', () => {
    expect(read(['\ud83d', '\ude00\n', '\ud83d']).events.map((event) => event.type === 'unknown' && event.raw)).toEqual(
      ['😀', '\ufffd'],
    );
  });
});

describe('any text', () => {
  const soup = fc
    .array(
      fc.constantFrom(
        '{"type":"ping"}',
        '\n',
        '\r',
        '\r\n',
        '{"type":"stream_event","event":',
        '}',
        '"é😀"',
        '\ufeff',
        ' ',
        '{"type":"user"}',
        '[DONE]',
      ),
      { maxLength: 25 },
    )
    .map((parts) => parts.join(''));

  test('gives the same for any chunking, bytes or text, and never throws', () => {
    fc.assert(
      fc.property(soup, fc.array(fc.nat(), { maxLength: 12 }), (text, places) => {
        const whole = read([text]);
        const bytes = encodeUtf8(text);
        expect(
          read(
            cutAt(
              bytes,
              places.map((place) => place % (bytes.length + 1)),
            ),
          ),
        ).toEqual(whole);
        expect(
          read(
            cutAt(
              text,
              places.map((place) => place % (text.length + 1)),
            ),
          ),
        ).toEqual(whole);
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('loses no line', () => {
    fc.assert(
      fc.property(soup, (text) => {
        const { events, others } = read([text]);
        const filled = text.split('\n').filter((line) => line.trim() !== '');
        expect(events.length + others.length).toBe(filled.length);
      }),
      { numRuns: 300 * RUNS },
    );
  });
});

describe('interleaved streams', () => {
  const main = textEvents(['main'], 'msg_main');
  const sub = textEvents(['sub'], 'msg_sub');
  const log = lines({ type: 'system' }, ...main.flatMap((event, i) => [wrap(event), wrap(sub[i], 'toolu_1')]), {
    type: 'result',
  });

  test.each([
    [null, 'main', 'msg_main'],
    ['toolu_1', 'sub', 'msg_sub'],
  ])('are told apart by parent_tool_use_id: %s', async (parentToolUseId, text, id) => {
    const others: unknown[] = [];
    const stream = MessageStream.fromEvents(
      ndjsonEvents(pieces(log, 11), { parentToolUseId, onOther: (line) => others.push(line['type']) }),
    );
    const message = await stream.finalMessage();
    expect(message.id).toBe(id);
    expect(await stream.finalText()).toBe(text);
    expect(stream.diagnostics).toEqual([]);
    expect(others).toEqual(['system', 'result']);
  });

  test('are all there where none is asked for, and a MessageStream says that they are two', async () => {
    expect(await collect(ndjsonEvents(log))).toHaveLength(main.length + sub.length);
    const stream = MessageStream.fromEvents(ndjsonEvents(log));
    await stream.finalMessage().catch(() => undefined);
    expect(stream.diagnostics.map(({ code }) => code)).toContain('spliced-message-start');
  });

  test('a line that could not be read is in each', async () => {
    const broken = `${log}oops\n`;
    for (const parentToolUseId of [null, 'toolu_1', 'toolu_2']) {
      const events = await collect(ndjsonEvents(broken, { parentToolUseId }));
      expect(events.at(-1)).toMatchObject({ type: 'unknown', raw: 'oops' });
    }
  });
});

describe('ndjsonEvents()', () => {
  test('reads a process, a response and a whole text', async () => {
    const text = lines(...HELLO);
    const bytes = encodeUtf8(text) as Uint8Array<ArrayBuffer>;
    for (const source of [
      text,
      bytes,
      Readable.from([Buffer.from(bytes)]),
      new Response(bytes),
      new Blob([bytes]).stream(),
    ]) {
      expect(await MessageStream.fromEvents(ndjsonEvents(source)).finalText()).toBe('Hello 😀');
    }
  });

  test('reads no chunk before it is needed', async () => {
    let given = 0;
    function* chunks(): Generator<string> {
      for (const event of HELLO) {
        given++;
        yield lines(event);
      }
    }
    const events = ndjsonEvents(chunks());
    expect(given).toBe(0);
    await events.next();
    expect(given).toBe(1);
  });

  test('passes on what onOther throws, and closes the source', async () => {
    let closed = false;
    const source = (async function* () {
      try {
        yield lines({ type: 'system' });
        yield lines(stop);
      } finally {
        closed = true;
      }
    })();
    const events = ndjsonEvents(source, {
      onOther: () => {
        throw new Error('mine');
      },
    });
    await expect(events.next()).rejects.toThrow('mine');
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(closed).toBe(true);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });
});

describe('the handlers', () => {
  test('may throw: the line counts as read, the rest comes at the next call', () => {
    const seen: string[] = [];
    const parser = new NdjsonParser({
      onEvent: ({ type }) => seen.push(type),
      onOther: () => {
        throw new Error('mine');
      },
    });
    expect(() => parser.push(lines({ type: 'ping' }, { type: 'system' }, stop))).toThrow('mine');
    expect(seen).toEqual(['ping']);
    parser.push('');
    expect(seen).toEqual(['ping', 'message_stop']);
    parser.reset();
    parser.push(lines({ type: 'ping' }));
    expect(seen).toHaveLength(3);
  });

  test('may not call back', () => {
    const again: NdjsonParser = new NdjsonParser({ onEvent: () => again.end() });
    expect(() => again.push(lines(stop))).toThrow(new TypeError('Cannot call end() from inside a handler'));
    const other: NdjsonParser = new NdjsonParser({ onOther: () => other.push('') });
    expect(() => other.push(lines({ type: 'user' }))).toThrow('Cannot call push() from inside a handler');
  });

  test('are both optional', () => {
    const parser = new NdjsonParser({});
    parser.push(lines(stop, { type: 'user' }));
    parser.end();
    parser.end();
    expect(() => parser.push('')).toThrow(new TypeError('Cannot write after end(): the input has ended'));
  });
});

describe('the longest line', () => {
  const limit = (maxLineBytes: number, text: string): Read => {
    const result: Read = { events: [], places: [], origins: [], others: [] };
    const parser = new NdjsonParser({ onEvent: (event) => result.events.push(event) }, { limits: { maxLineBytes } });
    for (const piece of pieces(text, 1)) parser.push(piece);
    parser.end();
    return result;
  };

  test('may have maxLineBytes, and no byte more; its end does not count', () => {
    const line = JSON.stringify({ type: 'ping' });
    for (const end of ['\n', '\r\n', '']) {
      expect(limit(line.length, line + end).events, JSON.stringify(end)).toEqual([{ type: 'ping' }]);
      expect(() => limit(line.length - 1, line + end), JSON.stringify(end)).toThrow(
        expect.objectContaining({ code: 'line-too-long', at: { event: 0, byte: 0, line: 1 } }) as Error,
      );
    }
    expect(() => limit(0, '')).toThrow(RangeError);
  });

  test('is refused again until reset()', () => {
    const seen: string[] = [];
    const parser = new NdjsonParser({ onEvent: ({ type }) => seen.push(type) }, { limits: { maxLineBytes: 20 } });
    expect(() => parser.push(`${lines({ type: 'ping' })}${'x'.repeat(21)}`)).toThrow(ProtocolError);
    expect(seen).toEqual(['ping']);
    expect(() => parser.push('\n')).toThrow('line 2, byte 16');
    expect(() => parser.end()).toThrow('line 2, byte 16');
    parser.reset();
    parser.push(lines({ type: 'ping' }));
    parser.end();
    expect(seen).toEqual(['ping', 'ping']);
  });

  test('costs the same in drips', () => {
    const text = 'x'.repeat(10_000_000);
    const bytes = encodeUtf8(JSON.stringify({ type: 'error', error: text }));
    const started = performance.now();
    const { events } = read(pieces(bytes, 16));
    // 0.2 s for 625,000 drips; a copy or a search a drip would be 3,000 GB.
    expect(performance.now() - started).toBeLessThan(8000);
    expect(events).toMatchObject([{ type: 'error', error: { message: text } }]);
  });
});
