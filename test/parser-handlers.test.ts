/** What a `MessageParser` tells its handlers: order, place, exceptions, and what may not be done from inside of one. */

import { describe, expect, test } from 'vitest';
import { MessageParser } from '../src/index.ts';
import type { BlockInfo, MessageHandlers } from '../src/index.ts';
import { forEveryChunking } from './support/chunkings.ts';
import * as m from './support/messages.ts';
import { eventsOf, observe, placesOf, sse } from './support/stream.ts';

const TOOL = { type: 'tool_use', id: 't', name: 'n', input: {} };
const json = (index: number, partial_json: string): { type: string } =>
  m.delta(index, { type: 'input_json_delta', partial_json });
const EVENTS: readonly { type: string }[] = [
  m.start(),
  m.ping,
  m.blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
  m.delta(0, { type: 'thinking_delta', thinking: 'hm' }),
  m.delta(0, { type: 'signature_delta', signature: 's' }),
  m.blockStop(0),
  m.textStart(1),
  m.textDelta(1, 'A'),
  m.blockStop(1),
  m.blockStart(2, TOOL),
  json(2, '{"a"'),
  json(2, ':1}'),
  m.blockStop(2),
  m.messageDelta('tool_use'),
  m.stop,
];
const parts = EVENTS.map((event) => sse(event));
const body = parts.join('');

describe('order', () => {
  test('each event in wire order, then what it did', () => {
    const bytes = new Uint8Array(Buffer.from(body));
    const seen = forEveryChunking(bytes, (chunks) => observe(chunks));
    const calls = seen.calls.map(([name, value]) =>
      name === 'event'
        ? (value as { type: string }).type
        : `${String(name)} ${typeof value === 'string' ? value : ''}`.trim(),
    );
    expect(calls).toEqual([
      'message_start',
      'ping',
      'content_block_start',
      'content_block_delta',
      'thinking hm',
      'content_block_delta',
      'content_block_stop',
      'block',
      'content_block_start',
      'content_block_delta',
      'text A',
      'content_block_stop',
      'block',
      'content_block_start',
      'content_block_delta',
      'toolInput {"a"',
      'content_block_delta',
      'toolInput :1}',
      'content_block_stop',
      'block',
      'message_delta',
      'message_stop',
      'message',
    ]);
    expect(eventsOf(seen).map(({ event }) => event)).toEqual(EVENTS);
    expect(eventsOf(seen).map(({ at }) => at)).toEqual(placesOf(parts));
  });

  test('for one event: applied, onDiagnostic, onEvent, the specific one', () => {
    const log: string[] = [];
    const parser: MessageParser = new MessageParser({
      onDiagnostic: ({ code }) => log.push(`${code} ${JSON.stringify(parser.message?.content)}`),
      onEvent: ({ type }) => log.push(type),
      onText: (delta, block) => log.push(`${delta} in ${block.ordinal}`),
    });
    parser.push(sse(m.textDelta(0, 'A')));
    const content = JSON.stringify([{ type: 'text', text: 'A' }]);
    expect(log).toEqual([
      `content-before-start ${content}`,
      `delta-without-start ${content}`,
      'content_block_delta',
      'A in 0',
    ]);
  });

  test('one event may end many blocks and a message', () => {
    const seen = observe([
      [m.start(), m.textStart(0), m.blockStart(1, TOOL), m.stop].map((event) => sse(event)).join(''),
    ]);
    expect(seen.calls.slice(-4).map(([name]) => name)).toEqual(['event', 'block', 'block', 'message']);
  });
});

describe('once', () => {
  test('onBlock: once a block, with its final form', () => {
    const blocks: [BlockInfo, unknown][] = [];
    const parser = new MessageParser({ onBlock: (info, content) => blocks.push([info, content]) });
    parser.push(body + sse(m.blockStop(1)));
    parser.end();
    expect(blocks.map(([info]) => info)).toEqual(parser.blocks);
    expect(blocks.map(([, content]) => content)).toEqual(parser.message?.content);
    expect(blocks[2]).toEqual([
      { index: 2, ordinal: 2, type: 'tool_use', state: 'closed', inputState: 'valid', inputText: '{"a":1}' },
      { ...TOOL, input: { a: 1 } },
    ]);
  });

  test('onBlock: not again for a late delta; also for the block that the end cuts, and for those in a start', () => {
    const states: string[] = [];
    const parser = new MessageParser({ onBlock: ({ ordinal, state }) => states.push(`${ordinal} ${state}`) });
    parser.push(sse({ type: 'message_start', message: { id: 'x', content: [{ type: 'text', text: 'here' }] } }));
    parser.push(
      [m.textStart(1), m.blockStop(1), m.textDelta(1, 'late'), m.textStart(2)].map((event) => sse(event)).join(''),
    );
    expect(states).toEqual(['0 closed', '1 closed']);
    parser.end();
    expect(states).toEqual(['0 closed', '1 closed', '2 cut']);
  });

  test.each<[string, string, unknown, string[]]>([
    ['at message_stop', body, undefined, ['msg_1 complete']],
    ['at the end', body.slice(0, -parts.at(-1)!.length), undefined, ['msg_1 truncated']],
    ['at a broken end', parts.slice(0, 3).join(''), new Error('x'), ['msg_1 disconnected']],
    ['at the end after an error', parts[0] + sse(m.apiError()), undefined, ['msg_1 errored']],
    ['for each of several', body + m.textBody(['two'], 'msg_2'), undefined, ['msg_1 complete', 'msg_2 complete']],
    [
      'for one that was cut off by the next',
      parts[0] + m.textBody(['two'], 'msg_2'),
      undefined,
      ['msg_1 truncated', 'msg_2 complete'],
    ],
    ['never for no message', sse(m.ping), undefined, []],
  ])('onMessage: once a message, %s', (_, text, error, expected) => {
    const messages: string[] = [];
    const parser = new MessageParser({ onMessage: ({ id }, { status }) => messages.push(`${id} ${status}`) });
    parser.push(text);
    parser.end(error);
    parser.end();
    expect(messages).toEqual(expected);
  });

  test('onBlock and onMessage come also where `strict` ends it', () => {
    const log: string[] = [];
    const parser = new MessageParser(
      { onBlock: ({ state }) => log.push(state), onMessage: (_, { status }) => log.push(status) },
      { strict: true },
    );
    const text = [m.start(), m.textStart(0), m.textDelta(3, 'x')].map((event) => sse(event)).join('');
    expect(() => parser.push(text)).toThrow('block 3');
    expect(log).toEqual(['cut', 'errored']);
    expect(parser.blocks).toMatchObject([{ state: 'cut' }]);
  });
});

describe('an exception of a handler', () => {
  const names = ['onEvent', 'onText', 'onThinking', 'onToolInput', 'onBlock', 'onMessage'] as const;

  test.each(names)('of %s leaves push; its event has been applied, the rest is read at the next push', (name) => {
    const boom = new Error('boom');
    let armed = true;
    const log: string[] = [];
    const handlers: MessageHandlers = {
      onEvent: ({ type }) => log.push(type),
    };
    handlers[name] = (...args: unknown[]): void => {
      if (name === 'onEvent') log.push((args[0] as { type: string }).type);
      if (!armed) return;
      armed = false;
      throw boom;
    };
    const parser = new MessageParser(handlers);
    expect(() => parser.push(body)).toThrow(boom);
    const after = log.length;
    if (name === 'onText') expect(parser.message?.content[1]).toEqual({ type: 'text', text: 'A' });
    parser.push('');
    expect(log.length > after).toBe(name !== 'onMessage');
    parser.end();
    expect(log).toEqual(EVENTS.map(({ type }) => type));
    expect(parser.outcome.status).toBe('complete');
    expect(parser.message?.content).toHaveLength(3);
  });

  test('the rest is read at end() as well', () => {
    let left = 3;
    const parser = new MessageParser({
      onEvent: () => {
        if (left-- > 0) throw new Error('boom');
      },
    });
    expect(() => parser.push(body)).toThrow('boom');
    expect(() => parser.end()).toThrow('boom');
    expect(() => parser.end()).toThrow('boom');
    parser.end();
    expect(parser.outcome.status).toBe('complete');
  });

  test('of onDiagnostic: the same', () => {
    let armed = true;
    const events: string[] = [];
    const parser = new MessageParser({
      onEvent: ({ type }) => events.push(type),
      onDiagnostic: () => {
        if (armed) throw new Error('boom');
      },
    });
    expect(() => parser.push(sse(m.textDelta(0, 'A')) + sse(m.ping))).toThrow('boom');
    armed = false;
    expect(parser.message?.content).toEqual([{ type: 'text', text: 'A' }]);
    parser.push('');
    expect(events).toEqual(['ping']);
  });
});

describe("what is the caller's fault", () => {
  test.each<[string, (parser: MessageParser) => void]>([
    ['push', (parser) => parser.push('')],
    ['pushCumulative', (parser) => parser.pushCumulative('')],
    ['apply', (parser) => parser.apply({ type: 'ping' })],
    ['end', (parser) => parser.end()],
    ['reset', (parser) => parser.reset()],
  ])('%s from inside a handler is a TypeError', (name, call) => {
    const thrown: unknown[] = [];
    const inside = (): void => {
      try {
        call(parser);
      } catch (error) {
        thrown.push(error);
      }
    };
    const handlers = { onEvent: inside, onText: inside, onBlock: inside, onMessage: inside, onDiagnostic: inside };
    const parser: MessageParser = new MessageParser(handlers);
    parser.push(sse(m.ping) + body.replace('event: ping\n', ''));
    parser.end();
    expect(thrown.length).toBeGreaterThan(EVENTS.length);
    for (const error of thrown) expect(error).toBeInstanceOf(TypeError);
    expect(String(thrown[0])).toContain(`${name}()`);
    expect(parser.message?.content).toHaveLength(3);
  });

  test.each([body, '', '{"type":"error"}', '<html>', parts[0] as string])(
    'push after end is a TypeError: %j',
    (text) => {
      const parser = new MessageParser();
      parser.push(text);
      parser.end();
      const { outcome } = parser;
      for (const call of [
        () => parser.push('x'),
        () => parser.push(''),
        () => parser.push(sse(m.ping)),
        () => parser.apply({ type: 'ping' }),
      ]) {
        expect(call).toThrow(TypeError);
      }
      expect(() => parser.pushCumulative('x')).toThrow(TypeError);
      parser.end();
      expect(parser.outcome).toBe(outcome);
      parser.reset();
      parser.push(body);
      expect(parser.outcome.status).toBe('complete');
    },
  );

  test('what is no chunk is a TypeError', () => {
    for (const chunk of [7, null, {}, undefined] as unknown as string[]) {
      const parser = new MessageParser();
      expect(() => parser.push(chunk)).toThrow(TypeError);
      parser.push(body);
      expect(parser.outcome.status).toBe('complete');
      expect(() => parser.push(chunk)).toThrow(TypeError);
    }
  });

  test('a state that is not ours is a TypeError', () => {
    for (const state of [null, undefined, {}, { version: 2 }]) {
      expect(() => MessageParser.from(state as never)).toThrow(TypeError);
    }
  });
});

describe('apply, for other carriers', () => {
  test('events are counted, or stand where the carrier says', () => {
    const places: unknown[] = [];
    const parser = new MessageParser({ onEvent: (_, at) => places.push(at) });
    parser.apply({ type: 'ping' });
    parser.apply({ type: 'ping' }, { event: 40, byte: 7 });
    parser.apply(m.textStart(0) as never);
    parser.apply(m.textStart(0) as never);
    expect(places).toEqual([{ event: 1 }, { event: 40, byte: 7 }, { event: 3 }, { event: 4 }]);
    parser.end();
    expect(parser.diagnostics.map(({ code, at }) => [code, at])).toEqual([
      ['content-before-start', { event: 3 }],
      ['index-reused', { event: 4 }],
      ['missing-block-stop', { event: 4 }],
      ['missing-message-start', { event: 4 }],
      ['missing-block-stop', { event: 4 }],
    ]);
  });
});
