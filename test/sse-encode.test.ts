import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeSse } from '../src/sse/encode.ts';
import type { SseEventInit } from '../src/sse/encode.ts';
import { emittedEvent, sseSoup } from './support/arbitraries.ts';
import { RUNS } from './support/chunkings.ts';
import { referenceSse } from './support/reference-sse.ts';
import { scan } from './support/scan.ts';

const text = (event: SseEventInit): string => Buffer.from(encodeSse(event)).toString('utf8');

describe('encodeSse writes', () => {
  test.each<[string, SseEventInit, string]>([
    ['data alone', { data: 'x' }, 'data: x\n\n'],
    ['empty data', { data: '' }, 'data: \n\n'],
    [
      'the event of the Messages API',
      { event: 'ping', data: '{"type": "ping"}' },
      'event: ping\ndata: {"type": "ping"}\n\n',
    ],
    ['one data line for each line', { data: 'a\n\n b\n' }, 'data: a\ndata: \ndata:  b\ndata: \n\n'],
    ['everything', { event: 'e', id: '1', retry: 0, data: 'x' }, 'event: e\nid: 1\nretry: 0\ndata: x\n\n'],
    ['no line for the default name', { event: 'message', data: 'x' }, 'data: x\n\n'],
    ['no line for the default name, not named', { event: 'message', named: false, data: 'x' }, 'data: x\n\n'],
    ['a line for it where there was one', { event: 'message', named: true, data: 'x' }, 'event: message\ndata: x\n\n'],
    [
      'a name that is not the default, whatever named says',
      { event: 'a', named: false, data: 'x' },
      'event: a\ndata: x\n\n',
    ],
    ['spaces, colons and NUL as they are', { event: ' :', data: ' : \0' }, 'event:  :\ndata:  : \0\n\n'],
    ['UTF-8', { event: 'é', id: '€', data: '😀\u2028' }, 'event: é\nid: €\ndata: 😀\u2028\n\n'],
  ])('%s', (_, event, expected) => {
    expect(text(event)).toBe(expected);
  });
});

describe('encodeSse refuses what SSE cannot carry, with a TypeError', () => {
  test.each<[string, SseEventInit]>([
    ['CR in data', { data: 'a\rb' }],
    ['CRLF in data', { data: 'a\r\nb' }],
    ['CR at the end of data', { data: 'a\r' }],
    ['LF in the event type', { data: 'x', event: 'a\nb' }],
    ['CR in the event type', { data: 'x', event: 'a\r' }],
    ['an empty event type', { data: 'x', event: '' }],
    ['LF in the id', { data: 'x', id: '\n' }],
    ['CR in the id', { data: 'x', id: 'a\rb' }],
    ['NUL in the id', { data: 'x', id: 'a\0' }],
    ['a negative retry', { data: 'x', retry: -1 }],
    ['a broken retry', { data: 'x', retry: 1.5 }],
    ['NaN as retry', { data: 'x', retry: NaN }],
    ['an infinite retry', { data: 'x', retry: Infinity }],
    ['a retry past 2^53', { data: 'x', retry: 2 ** 53 }],
    ['no data', {} as SseEventInit],
    ['data that is no string', { data: 5 } as unknown as SseEventInit],
  ])('%s', (_, event) => {
    expect(() => encodeSse(event)).toThrow(TypeError);
  });
});

describe('parse ∘ encode is the identity', () => {
  test('for every event that the parser can emit', () => {
    fc.assert(
      fc.property(emittedEvent, (event) => {
        const seen = scan([encodeSse(event)]);
        expect(seen.events).toEqual([event]);
        expect(seen.unfinished).toBeUndefined();
      }),
      { numRuns: 500 * RUNS },
    );
  });

  test('for every event that it did emit from any bytes', () => {
    fc.assert(
      fc.property(sseSoup, (bytes) => {
        for (const event of scan([bytes]).events) expect(scan([encodeSse(event)]).events).toEqual([event]);
      }),
      { numRuns: 500 * RUNS },
    );
  });

  test('for a sequence whose id, once there, is never taken away', () => {
    fc.assert(
      fc.property(fc.array(emittedEvent, { maxLength: 6 }), (events) => {
        // an id stays until the next one, so an event without its own has the one before it
        let standing = '';
        const sequence = events.map((event) => ({ ...event, id: (standing = event.id === '' ? standing : event.id) }));
        const bytes = Buffer.concat(sequence.map((event) => encodeSse(event)));
        expect(scan([bytes]).events).toEqual(sequence);
        expect(referenceSse(bytes).events).toEqual(sequence);
      }),
      { numRuns: 300 * RUNS },
    );
  });
});

test('it needs no TextEncoder', () => {
  const saved = globalThis.TextEncoder;
  Reflect.deleteProperty(globalThis, 'TextEncoder');
  let bytes: Uint8Array;
  try {
    bytes = encodeSse({ event: 'é', data: '€😀' });
  } finally {
    globalThis.TextEncoder = saved;
  }
  expect(Buffer.from(bytes).toString('utf8')).toBe('event: é\ndata: €😀\n\n');
});
