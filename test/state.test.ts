/** Saved as JSON text and restored, at every byte and at every event: nothing that can be seen changes. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  ApiError,
  MessageAssembler,
  MessageParser,
  ProtocolError,
  toStreamEvent,
  TruncatedError,
} from '../src/index.ts';
import type { MessageAssemblerState, MessageParserState, StreamEvent } from '../src/index.ts';
import { cutAt, pieces, seeded } from './support/chunkings.ts';
import * as m from './support/messages.ts';
import { observe, type ObserveOptions, seeError, sse } from './support/stream.ts';

const TOOL = { type: 'tool_use', id: 't', name: 'n', input: { said: 1 } };
const json = (index: number, partial_json: string): { type: string } =>
  m.delta(index, { type: 'input_json_delta', partial_json });
const bodyOf = (events: readonly object[]): string => events.map((event) => sse(event)).join('');
const THINKING = { type: 'thinking', thinking: '', signature: '' };

const STREAMS: Readonly<Record<string, readonly object[]>> = {
  'text, tools, thinking': [
    m.start(),
    m.blockStart(0, THINKING),
    m.delta(0, { type: 'thinking_delta', thinking: 'hm', estimated_tokens: 5 }),
    m.delta(0, { type: 'signature_delta', signature: 's' }),
    m.blockStop(0),
    m.blockStart(1, { type: 'text', text: '', citations: null }),
    m.textDelta(1, 'é€😀'),
    m.delta(1, { type: 'citations_delta', citation: { type: 'char_location' } }),
    m.blockStop(1),
    m.blockStart(2, TOOL),
    json(2, '{"__proto__":"a'),
    json(2, '","b":[1'),
    json(2, ']}'),
    m.blockStop(2),
    m.messageDelta('tool_use'),
    m.stop,
  ],
  'a cut tool, max_tokens after its stop': [
    m.start(),
    m.blockStart(0, TOOL),
    json(0, '{"a":"b'),
    m.blockStop(0),
    m.blockStart(1, TOOL),
    json(1, '{"a":'),
    m.messageDelta('max_tokens'),
    m.stop,
  ],
  'a broken tool, then late input': [
    m.start(),
    m.blockStart(0, TOOL),
    json(0, '{!'),
    m.blockStop(0),
    json(0, '}'),
    m.messageDelta(),
  ],
  'an error in the middle, and what follows': [
    m.start(),
    m.textStart(0),
    { ...m.apiError('rate_limit_error', 'm'), request_id: 'req_1' },
    m.textDelta(0, 'A'),
    m.stop,
  ],
  'two messages, the first cut off': [
    m.start(),
    m.textStart(0),
    m.textDelta(0, 'A'),
    m.start('msg_2'),
    m.blockStart(0, TOOL),
    json(0, '{}'),
    m.stop,
    m.ping,
  ],
  'no start, odd indexes, unknown things': [
    m.delta(3, { type: 'odd_delta', x: 1 }),
    m.textDelta(1.5, 'A'),
    m.blockStart(0, { type: 'hologram' }),
    m.delta(0, { type: 'odd_delta', x: 1 }),
    json(0, '{"a":1}'),
    m.textDelta(0, 'kept'),
    { type: 'content_block_delta' },
    { type: 'odd_event' },
    m.textStart(0),
    m.blockStop(7),
    { type: 'message_delta', delta: { role: 'user', stop_reason: 'tool_use' } },
    m.stop,
  ],
};

const BODIES: Readonly<Record<string, readonly [input: string | Uint8Array, options?: ObserveOptions]>> = {
  ...Object.fromEntries(Object.entries(STREAMS).map(([name, events]) => [name, [bodyOf(events)] as const])),
  'a broken connection': [bodyOf([m.start(), m.textStart(0)]), { end: new TypeError('terminated') }],
  'CRLF, BOM, comments, no last blank line': [
    `\uFEFF: hi\r\n${m.textBody(['é😀']).replaceAll('\n', '\r\n').slice(0, -2)}`,
  ],
  'a cut event': [m.textBody(['A']).slice(0, -12)],
  'a JSON error': [JSON.stringify(m.apiError('rate_limit_error', 'slow 😀'))],
  'a whole Message': [JSON.stringify(m.start()['message'])],
  'a page': ['<html>\n😀</html>'],
  gzip: [new Uint8Array(gzipSync(m.textBody(['A'])))],
  'curl -i': [`HTTP/1.1 200 OK\r\ndate: x\r\n\r\n${m.textBody(['A'])}`],
  'curl -i, an error': [`HTTP/2 503\r\n\r\n${sse(m.apiError())}`],
  nothing: [''],
  strict: [bodyOf([m.start(), m.textStart(0), m.textDelta(2, 'x')]), { strict: true }],
  'a limit': [bodyOf([m.start(), m.textStart(0), m.textDelta(0, 'x'.repeat(400))]), { limits: { maxLineBytes: 300 } }],
};

describe.each(Object.entries(BODIES))('a parser: %s', (_, [input, options = {}]) => {
  const bytes = typeof input === 'string' ? new Uint8Array(Buffer.from(input)) : input;
  const whole = observe([bytes], options);
  const restoring: ObserveOptions = { ...options, restoring: true };

  test('saved after each byte', () => {
    expect(observe(pieces(bytes, 1), restoring)).toEqual(whole);
    if (typeof input === 'string') expect(observe(pieces(input, 1), restoring)).toEqual(whole);
  });

  test('saved once, at each byte', () => {
    for (let place = 0; place <= bytes.length; place++) {
      expect(observe(cutAt(bytes, [place]), restoring), `saved at ${place}`).toEqual(whole);
    }
  });

  test('the state is plain JSON, and another parser can begin from it as well', () => {
    const parser = new MessageParser({}, { ...options });
    const half = cutAt(bytes, [bytes.length >> 1]);
    try {
      parser.push(half[0] as Uint8Array);
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
    }
    const state = parser.toJSON();
    const copy = JSON.parse(JSON.stringify(state)) as MessageParserState;
    expect(copy).toEqual(state);
    const finish = (from: MessageParserState): unknown => {
      const restored = MessageParser.from(from, {}, { ...options });
      try {
        restored.push(half[1] as Uint8Array);
        restored.end(options.end);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
      return [restored.message, restored.blocks, restored.diagnostics];
    };
    expect(finish(copy)).toEqual([whole.message, whole.blocks, whole.diagnostics]);
    expect(finish(copy)).toEqual([whole.message, whole.blocks, whole.diagnostics]);
    expect(copy).toEqual(state);
  });
});

test('pushCumulative: what waits is saved too', () => {
  const text = m.textBody(['é€😀', '\uFFFD']);
  const whole = observe([text]);
  const give = (parser: MessageParser, sofar: Uint8Array | string): void => parser.pushCumulative(sofar as string);
  const growing = Array.from({ length: text.length }, (_, i) => text.slice(0, i + 1));
  expect(observe(growing, { give, restoring: true })).toEqual(whole);
  expect(observe(['\uFFFD', `\uFFFD${text}`], { give, restoring: true })).toEqual(observe([`\uFFFD${text}`]));
  const waiting = MessageParser.from(JSON.parse(JSON.stringify(cumulative('\uFFFD'))) as MessageParserState);
  expect(() => waiting.pushCumulative('')).not.toThrow();
  const read = MessageParser.from(JSON.parse(JSON.stringify(cumulative(text))) as MessageParserState);
  expect(() => read.pushCumulative(text.slice(1))).toThrow(RangeError);
});

function cumulative(text: string): MessageParser {
  const parser = new MessageParser();
  parser.pushCumulative(text);
  return parser;
}

test('a ProtocolError is thrown on by the restored parser, always the same one', () => {
  const parser = new MessageParser({}, { strict: true });
  let thrown: unknown;
  try {
    parser.push(bodyOf([m.start(), m.textDelta(0, 'x')]));
  } catch (error) {
    thrown = error;
  }
  const restored = MessageParser.from(JSON.parse(JSON.stringify(parser)) as MessageParserState, {}, { strict: true });
  const again: unknown[] = [];
  for (const call of [
    () => restored.push(''),
    () => restored.push('x'),
    () => restored.apply({ type: 'ping' }),
    () => restored.end(),
  ]) {
    try {
      call();
    } catch (error) {
      again.push(error);
    }
  }
  expect(again).toHaveLength(4);
  expect(new Set(again).size).toBe(1);
  expect(seeError(again[0])).toEqual(seeError(thrown));
  expect(restored.outcome.error).toBe(again[0]);
});

test('after end() a restored parser takes nothing more', () => {
  const parser = new MessageParser();
  parser.push(m.textBody(['A']));
  parser.end();
  const restored = MessageParser.from(JSON.parse(JSON.stringify(parser)) as MessageParserState);
  expect(() => restored.push('x')).toThrow(TypeError);
  expect(() => restored.apply({ type: 'ping' })).toThrow(TypeError);
  restored.end();
  expect(restored.outcome.status).toBe('complete');
});

describe.each(Object.entries(STREAMS))('an assembler: %s', (_, events) => {
  const list: StreamEvent[] = events.map((event) => toStreamEvent(event));
  const see = (assembler: MessageAssembler): unknown => [
    assembler.message,
    assembler.blocks,
    assembler.messages.map(({ message, blocks }) => [message, blocks]),
    assembler.diagnostics,
    assembler.diagnosticCount,
    assembler.orphanDeltas,
    assembler.outcome.status,
    assembler.outcome.stopReason,
    assembler.outcome.error && seeError(assembler.outcome.error),
    assembler.requestId,
  ];
  const throughJson = (assembler: MessageAssembler): MessageAssembler =>
    MessageAssembler.from(JSON.parse(JSON.stringify(assembler)) as MessageAssemblerState);

  test.each([false, true])('saved after each event; looks: %s', (looks) => {
    const steady = new MessageAssembler();
    let moving = new MessageAssembler();
    for (const [i, event] of list.entries()) {
      const at = i % 2 === 0 ? { event: 100 + i, byte: i } : undefined;
      steady.apply(event, at);
      moving.apply(event, at);
      if (looks) void moving.message;
      moving = throughJson(moving);
      if (looks) expect(see(moving)).toEqual(see(steady));
    }
    steady.end();
    moving.end();
    moving = throughJson(moving);
    expect(see(moving)).toEqual(see(steady));
  });

  test('the same through a parser that is given events', () => {
    const run = (save: boolean): unknown => {
      let parser = new MessageParser();
      for (const [i, event] of list.entries()) {
        parser.apply(event, i % 2 === 0 ? { event: 100 + i, byte: i } : undefined);
        if (save) parser = MessageParser.from(JSON.parse(JSON.stringify(parser)) as MessageParserState);
      }
      parser.end();
      return see(parser.assembler);
    };
    expect(run(true)).toEqual(run(false));
  });
});

test('errors keep their class and fields', () => {
  const parser = new MessageParser();
  parser.push(sse(m.start()) + sse(m.start('msg_2')) + sse({ ...m.apiError('odd_error', 'm'), request_id: 'req_1' }));
  parser.end();
  const restored = MessageParser.from(JSON.parse(JSON.stringify(parser)) as MessageParserState);
  const [first, last] = restored.messages.map(({ outcome }) => outcome.error);
  expect(first).toBeInstanceOf(TruncatedError);
  expect(last).toBeInstanceOf(ApiError);
  expect(last).toMatchObject({ name: 'ApiError', type: 'odd_error', status: undefined, requestId: 'req_1' });
});

test('a state of another version is a TypeError', () => {
  for (const state of [undefined, null, {}, { version: 2 }]) {
    expect(() => MessageAssembler.from(state as never)).toThrow(TypeError);
    expect(() => MessageParser.from(state as never)).toThrow(TypeError);
  }
});

const FIXTURES = ['messages', 'hostile'].map((folder) =>
  fileURLToPath(new URL(`../fixtures/${folder}/`, import.meta.url)),
);
const files = FIXTURES.filter((folder) => existsSync(folder)).flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.sse'))
    .map((name) => folder + name),
);

test.skipIf(files.length === 0)('every fixture, saved at 20 places', () => {
  const random = seeded(7);
  for (const file of files) {
    const bytes = new Uint8Array(readFileSync(file));
    const places = Array.from({ length: 20 }, () => Math.floor(random() * (bytes.length + 1)));
    expect(observe(cutAt(bytes, places), { restoring: true }), file).toEqual(observe([bytes]));
  }
});
