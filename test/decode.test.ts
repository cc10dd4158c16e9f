/** From one server-sent event to one stream event: every reason, every shape of an error, and never a throw. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEvent, KNOWN_EVENT_TYPES, toStreamEvent } from '../src/index.ts';
import type { StreamEvent } from '../src/index.ts';
import { RUNS } from './support/chunkings.ts';
import * as m from './support/messages.ts';

const decode = (data: string, name?: string): StreamEvent =>
  decodeEvent({ event: name ?? 'message', data, id: '', named: name !== undefined });

const KNOWN: readonly { type: string }[] = [
  m.start(),
  m.textStart(0),
  m.textDelta(0, 'x'),
  m.blockStop(0),
  m.messageDelta(),
  m.stop,
  m.ping,
  m.apiError(),
];

test('the known events are all there', () => {
  expect(KNOWN.map(({ type }) => type).toSorted()).toEqual(Object.keys(KNOWN_EVENT_TYPES).toSorted());
});

describe.each(KNOWN.map((event) => [event.type, event] as const))('%s', (type, event) => {
  test('is what JSON.parse makes of it, with or without its name', () => {
    expect(decode(JSON.stringify(event), type)).toEqual(event);
    expect(decode(JSON.stringify(event))).toEqual(event);
    expect(decode(`${JSON.stringify(event).slice(0, -1)}              }`, type)).toEqual(event);
  });

  test('data.type rules over another name', () => {
    expect(decode(JSON.stringify(event), 'message_stop')).toEqual(event);
    expect(decode(JSON.stringify(event), 'nonsense')).toEqual(event);
  });

  test('the name stands for a type that is not there', () => {
    const { type: _, ...rest } = event;
    expect(decode(JSON.stringify(rest), type)).toEqual(event);
    expect(decode(JSON.stringify({ ...rest, type: null }), type)).toEqual(event);
  });

  test('decoded already, it comes back as it is', () => {
    expect(toStreamEvent(event)).toBe(event);
  });

  test('unknown fields stay', () => {
    expect(decode(JSON.stringify({ ...event, extra: [1] }), type)).toEqual({ ...event, extra: [1] });
  });
});

describe.each<[reason: string, cases: readonly (readonly string[])[]]>([
  ['empty', [[''], ['', 'ping'], ['  ', 'x'], ['\n']]],
  ['sentinel', [['[DONE]'], ['[DONE]', 'done'], [' [DONE]\n', 'data']]],
  ['json', [['{'], ['oops', 'content_block_delta'], ['{"type":"ping"}}'], ['[done]'], ['NaN', 'ping'], ['\uFEFF{}']]],
  [
    'shape',
    [
      ['7'],
      ['null'],
      ['"text"', 'ping'],
      ['[]'],
      ['[{"type":"ping"}]'],
      ['{}'],
      ['{"type":7}'],
      ['{}', 'constructor'],
      ['{}', 'message_start'],
      ['{"type":"message_start"}'],
      ['{"type":"message_start","message":[]}'],
      ['{"type":"message_start","message":{"content":7}}'],
      ['{"type":"message_start","message":{"content":[{}]}}'],
      ['{"type":"content_block_start","index":0}'],
      ['{"type":"content_block_start","index":0,"content_block":{}}'],
      ['{"type":"content_block_delta","index":0}'],
      ['{"type":"content_block_delta","index":0,"delta":{"text":"x"}}'],
      ['{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":{}}}'],
      ['{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":{"a":1}}}'],
      ['{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":null}}'],
      ['{"type":"message_delta","usage":{}}'],
      ['{"choices":[{"delta":{"content":"x"}}]}'],
    ],
  ],
  [
    'type',
    [
      ['{"type":"vertex_event"}', 'vertex_event'],
      ['{"type":"constructor"}'],
      ['{"type":"__proto__"}', 'ping'],
      ['{"type":"message","content":[]}'],
      ['{"type":""}'],
    ],
  ],
])('unknown: %s', (reason, cases) => {
  test.each(cases.map(([data = '', name]) => [data, name] as const))('%j under the name %j', (data, name) => {
    const event = decode(data, name);
    expect(event).toMatchObject({ type: 'unknown', reason, raw: data });
    if (reason === 'type' || reason === 'shape') {
      expect(event).toMatchObject({ wire: JSON.parse(data) as unknown });
    } else expect(event).not.toHaveProperty('wire');
  });
});

describe('what is let through', () => {
  test.each([
    '{"type":"message_start","message":{}}',
    '{"type":"message_start","message":{"content":null}}',
    '{"type":"content_block_start","content_block":{"type":"odd"}}',
    '{"type":"content_block_delta","index":"0","delta":{"type":"text_delta"}}',
    '{"type":"content_block_delta","delta":{"type":"text_delta","text":null}}',
    '{"type":"content_block_delta","index":0,"delta":{"type":"odd_delta"}}',
    '{"type":"content_block_stop"}',
    '{"type":"message_delta","delta":{}}',
  ])('%s', (data) => {
    expect(decode(data)).toEqual(JSON.parse(data));
  });
});

describe('errors, in whatever shape', () => {
  test.each<[data: string, name: string | undefined, type: string, message: string]>([
    [
      '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
      'error',
      'overloaded_error',
      'Overloaded',
    ],
    ['{"type":"error","error":{"details":null,"type":"x","message":"m"}}', undefined, 'x', 'm'],
    ['{"error":{"type":"x","message":"m"}}', undefined, 'x', 'm'],
    ['{"error":"boom"}', undefined, 'api_error', 'boom'],
    ['{"type":"error","error":"boom"}', 'error', 'api_error', 'boom'],
    ['{"type":"error","message":"boom"}', 'error', 'api_error', 'boom'],
    ['{"type":"error"}', 'error', 'api_error', '{"type":"error"}'],
    ['{"type":"overloaded_error","message":"busy"}', 'error', 'overloaded_error', 'busy'],
    ['{"detail":1}', 'error', 'api_error', '{"detail":1}'],
    ['boom', 'error', 'api_error', 'boom'],
    ['"boom"', 'error', 'api_error', 'boom'],
    ['[1]', 'error', 'api_error', '[1]'],
    ['{"type":"error","error":{"code":500}}', 'error', 'api_error', '{"code":500}'],
    ['{"type":"error","error":{"type":"x"}}', 'error', 'x', '{"type":"x"}'],
  ])('%s under the name %s', (data, name, type, message) => {
    expect(decode(data, name)).toMatchObject({ type: 'error', error: { type, message } });
  });

  test('an error that nests too deep to be printed', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    expect(decode(`{"type":"error","error":${deep}}`, 'error')).toMatchObject({ error: { message: '[object]' } });
    expect(decode(deep)).toMatchObject({ type: 'unknown', reason: 'shape' });
  });

  test('what stands beside it stays', () => {
    expect(
      decode('{"error":{"type":"x","message":"m","details":{"error_code":"c"}},"request_id":"req_1"}', 'error'),
    ).toEqual({
      type: 'error',
      error: { type: 'x', message: 'm', details: { error_code: 'c' } },
      request_id: 'req_1',
    });
  });
});

describe('toStreamEvent', () => {
  test('an unknown event comes back as it is', () => {
    const event: StreamEvent = { type: 'unknown', reason: 'json', raw: '{' };
    expect(toStreamEvent(event)).toBe(event);
  });

  test.each([undefined, 7n, Symbol('x'), () => 0, NaN])('%s does not throw', (value) => {
    expect(toStreamEvent(value)).toMatchObject({ type: 'unknown', reason: 'shape' });
  });

  test('a cycle does not throw', () => {
    const cycle: Record<string, unknown> = { type: 'odd' };
    cycle['self'] = cycle;
    expect(toStreamEvent(cycle)).toMatchObject({ type: 'unknown', reason: 'type' });
  });

  test('agrees with decodeEvent on every JSON', () => {
    fc.assert(
      fc.property(nearlyAnEvent, (wire) => {
        const { raw: _, ...here } = toStreamEvent(JSON.parse(JSON.stringify(wire))) as { raw?: string };
        const { raw, ...there } = decode(JSON.stringify(wire)) as { raw?: string };
        expect(here).toEqual(there);
        if (raw !== undefined) expect(raw).toBe(JSON.stringify(wire));
      }),
      { numRuns: 300 * RUNS },
    );
  });
});

const word = fc.constantFrom(
  ...Object.keys(KNOWN_EVENT_TYPES),
  'odd',
  'text_delta',
  'citations_delta',
  'text',
  '__proto__',
);
/** JSON that often looks like an event. */
const nearlyAnEvent: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      type: fc.oneof(word, fc.jsonValue()),
      index: fc.oneof(fc.nat(3), fc.jsonValue()),
      delta: fc.oneof(fc.record({ type: word, text: fc.jsonValue() }, { requiredKeys: [] }), fc.jsonValue()),
      content_block: fc.oneof(fc.record({ type: word }, { requiredKeys: [] }), fc.jsonValue()),
      message: fc.oneof(fc.record({ content: fc.jsonValue() }, { requiredKeys: [] }), fc.jsonValue()),
      error: fc.jsonValue(),
    },
    { requiredKeys: [] },
  ),
);

describe('decodeEvent never throws', () => {
  test.each([
    ['JSON', nearlyAnEvent.map((wire) => JSON.stringify(wire))],
    ['any text', fc.string({ unit: 'binary' })],
    ['JSON, cut', fc.tuple(nearlyAnEvent, fc.nat(40)).map(([wire, cut]) => JSON.stringify(wire).slice(0, -1 - cut))],
  ])('%s', (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, fc.option(word, { nil: undefined }), (data, name) => {
        const event = decode(data, name);
        expect(typeof event.type).toBe('string');
        expect(Object.hasOwn(KNOWN_EVENT_TYPES, event.type) || event.type === 'unknown').toBe(true);
        if (event.type === 'unknown') expect(event.raw).toBe(data);
        if (event.type === 'error') {
          expect(typeof event.error.type).toBe('string');
          expect(typeof event.error.message).toBe('string');
        }
      }),
      { numRuns: 300 * RUNS },
    );
  });
});
