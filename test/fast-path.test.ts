/**
 * The fast paths and their slow twins: the delta that is cut out of its data against `JSON.parse`, on whole and on mutated
 * data; the event that is read in one piece against the literal WHATWG algorithm, on mutated streams, offsets included.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDelta, readUsual } from '../src/protocol/delta.ts';
import { decodeByJson, decodeNoting } from '../src/protocol/decode.ts';
import type { SseEvent } from '../src/sse/index.ts';
import { captures, hasCaptures, readCapture } from './support/captures.ts';
import { cutAt, RUNS, seeded } from './support/chunkings.ts';
import { referenceSse } from './support/reference-sse.ts';
import { scanPlain } from './support/scan.ts';

const KINDS = [
  ['text_delta', 'text'],
  ['thinking_delta', 'thinking'],
  ['input_json_delta', 'partial_json'],
  ['signature_delta', 'signature'],
  ['connector_text_delta', 'connector_text'],
] as const;

function sse(data: string): SseEvent {
  return { event: 'content_block_delta', data, id: '', named: true };
}

function agree(data: string, event = 'content_block_delta'): void {
  const notes = { nameStoodIn: false };
  for (const named of [true, false]) {
    const whole = { ...sse(data), event: named ? event : 'message', named };
    const slow = decodeByJson(whole, notes);
    const fast = decodeNoting(whole, notes);
    expect(fast, data).toStrictEqual(slow);
    expect(JSON.stringify(fast), 'the order of keys').toBe(JSON.stringify(slow));
    expect(decodeNoting(whole, notes), 'a new object each time').not.toBe(fast);
  }
}

const MUTATIONS = fc.array(
  fc.tuple(
    fc.nat(),
    fc.nat({ max: 3 }),
    fc.constantFrom('"', '\\', '{', '}', ':', ' ', ',', 'n', 'u', '0', '\n', '\t', '\0', 'x', '😀'),
  ),
);

/** The data with up to three characters left out, put in or replaced. */
function mutate([data, changes]: [string, [number, number, string][]]): string {
  let result = data;
  for (const [where, how, unit] of changes.slice(0, 3)) {
    const at = where % (result.length + 1);
    result = result.slice(0, at) + (how === 0 ? '' : unit) + result.slice(at + (how === 1 ? 0 : 1));
  }
  return result;
}

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\n', '"', '\\', 'a', '\t', '\u2028', '😀', '\ud83d', '{', '}', ' ', '\0') }),
);

const payload = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    index: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 120 }), fc.constantFrom(-1, 0.5, 1e21, 2 ** 53)),
    text,
    spaces: fc.nat({ max: 16 }),
    writing: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat({ max: 6 })),
    tail: fc.constantFrom('', '', '', ',"estimated_tokens":5', ',"x":"}"'),
  })
  .map(({ kind: [type, field], index, text: value, spaces, tail, writing }) => {
    const string = JSON.stringify(value);
    const inner = `{"type":"${type}","${field}":${string}${tail}}`;
    return [
      `{"type":"content_block_delta","index":${index},"delta":${inner}${' '.repeat(spaces)}}`,
      `{"delta":{"${field}":${string},"type":"${type}"${tail}},"index":${index},"type":"content_block_delta"}`,
      `{"type": "content_block_delta", "index": ${index}, "delta": {"type": "${type}", "${field}": ${string}${tail}}}`,
      `{"${field}":"x","type":"content_block_delta","index":${index},"delta":{"type":"${type}","${field}":${string}}}`,
      `{"type":"content_block_delta","index":${index},"delta":{"type":"${type}","${field}":"x","${field}":${string}}}`,
      `{"type":"content_block_delta","delta":{"type":"${type}","${field}":${string}}}`,
      `{"type":"content_block_delta","index":"${index}","delta":{"type":"${type}","${field}":${string}}}`,
    ][writing] as string;
  });

describe('the fast path for deltas', () => {
  test('agrees with JSON.parse on deltas of every kind, text and padding', () => {
    fc.assert(
      fc.property(payload, (data) => agree(data)),
      { numRuns: 2000 * RUNS },
    );
  });

  test('agrees with JSON.parse on mutated deltas', () => {
    const mutated = fc.tuple(payload, MUTATIONS).map(mutate);
    fc.assert(
      fc.property(mutated, (data) => agree(data)),
      { numRuns: 4000 * RUNS },
    );
  });

  test('a delta without an index is not given one', () => {
    const data = '{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}';
    for (const _ of [1, 2, 3]) expect(decodeNoting(sse(data), { nameStoodIn: false })).not.toHaveProperty('index');
  });

  test('is taken: the properties above would hold without it', () => {
    for (const data of [
      '{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":""}}',
      '{"type":"content_block_delta","index":10,"delta":{"type":"thinking_delta","thinking":"\u2028"} }',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\\n\\"b\\""}   }',
      '{"delta":{"text":"a\\\\","type":"text_delta"},"index":12,"type":"content_block_delta"}',
      '{"type": "content_block_delta", "index": 3, "delta": {"type": "thinking_delta", "thinking": "é"}}',
    ]) {
      expect(readDelta(data)).toStrictEqual(JSON.parse(data));
    }
  });

  test('long data and data with many escapes are parsed, whatever their length', () => {
    for (const length of [1900, 2100, 300_000]) {
      for (const unit of ['a', '\n']) {
        const delta = { type: 'text_delta', text: unit.repeat(length) };
        agree(JSON.stringify({ type: 'content_block_delta', index: 0, delta }));
      }
    }
  });

  test.skipIf(!hasCaptures)('is taken by most deltas of the captures, and agrees on all their events', () => {
    let deltas = 0;
    let fast = 0;
    for (const { file } of captures) {
      for (const [, data = ''] of new TextDecoder().decode(readCapture(file)).matchAll(/^data: (.*)$/gm)) {
        agree(data);
        if (!data.startsWith('{"type":"content_block_delta"')) continue;
        deltas++;
        if (readDelta(data) !== undefined) fast++;
      }
    }
    expect(fast / deltas).toBeGreaterThan(0.97);
  });
});

describe('the fast path for bare events', () => {
  const BARE = [
    ['content_block_start', ',"index":0,"content_block":{"type":"text","text":""}'],
    ['content_block_stop', ',"index":0'],
    ['message_stop', ''],
    ['ping', ''],
  ] as const;
  const bare = fc
    .record({ event: fc.constantFrom(...BARE), index: fc.nat({ max: 12 }), spaces: fc.nat({ max: 16 }) })
    .map(({ event: [type, rest], index, spaces }) => ({
      type,
      data: `{"type":"${type}"${rest.replace('0', String(index))}${' '.repeat(spaces)}}`,
    }));

  test('agrees with JSON.parse, under its own name, another and none', () => {
    const anyType = fc.constantFrom(...BARE.map(([type]) => type), 'error');
    const property = fc.property(bare, MUTATIONS, anyType, ({ type, data }, changes, other) => {
      agree(data, type);
      agree(mutate([data, changes]), type);
      agree(data, other);
    });
    fc.assert(property, { numRuns: 2000 * RUNS });
  });

  test('is taken: the property above would hold without it', () => {
    for (const [type, rest] of BARE) {
      const data = `{"type":"${type}"${rest.replace('0', '7')}}`;
      expect(readUsual(type, data)).toStrictEqual(JSON.parse(data));
    }
    expect(readUsual('ping', '{"type": "ping"}')).toStrictEqual({ type: 'ping' });
    expect(readUsual('message_stop', '{"type":"message_stop"          }')).toStrictEqual({ type: 'message_stop' });
  });
});

test('one character more, less or another: what the fast paths still take is what JSON.parse makes of it', () => {
  const usual = [
    '{"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":"a\\n"}  }',
    '{"type": "content_block_delta", "index": 12, "delta": {"type": "thinking_delta", "thinking": "a"}}',
    '{"delta":{"partial_json":"\\"","type":"input_json_delta"},"index":10,"type":"content_block_delta"}',
    '{"type":"content_block_start","index":3,"content_block":{"type":"text","text":""} }',
    '{"type":"content_block_stop","index":3 }',
    '{"type":"message_stop" }',
    '{"type": "ping"}',
  ];
  let taken = 0;
  for (const data of usual) {
    const { type } = JSON.parse(data) as { type: string };
    for (let at = 0; at <= data.length; at++) {
      for (const unit of [
        '',
        ' ',
        '0',
        '1',
        '"',
        '\\',
        '}',
        '{',
        ',',
        'x',
        '\n',
        '\t',
        '\u001f',
        '\u007f',
        'é',
        '-',
        '.',
      ]) {
        for (const end of [at, at + 1]) {
          const edited = data.slice(0, at) + unit + data.slice(end);
          const event = readUsual(type, edited);
          if (event === undefined) continue;
          taken++;
          expect(JSON.stringify(event), edited).toBe(JSON.stringify(JSON.parse(edited)));
        }
      }
    }
  }
  expect(taken).toBeGreaterThan(100);
});

describe('the fast path for events', () => {
  const usual = (name: string, data: string): string => `event: ${name}\ndata: ${data}\n\n`;
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'ping', 'é').map((name) => usual(name, '{"x": 1}')) },
    {
      weight: 2,
      arbitrary: fc.string({ unit: fc.constantFrom('\n', '\r', ':', ' ', 'data', 'event', 'id', 'x', '\0') }),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('retry: 5\n', 'id: 7\n', ': comment\n', 'data: 2\n', 'event: a\n', '\uFEFF'),
    },
  );

  test('agrees with the literal algorithm on usual events with anything between them, offsets included', () => {
    const streams = fc.tuple(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 4 }));
    fc.assert(
      fc.property(streams, ([parts, cuts]) => {
        const bytes = new TextEncoder().encode(parts.join(''));
        const places = cuts.map((cut) => cut % (bytes.length + 1));
        expect(scanPlain(cutAt(bytes, places))).toEqual(referenceSse(bytes));
      }),
      { numRuns: 3000 * RUNS },
    );
  });

  test.skipIf(!hasCaptures)('agrees with the literal algorithm on mutated captures', () => {
    const random = seeded(7);
    for (let i = 0; i < captures.length; i += 8) {
      const bytes = readCapture((captures[i] as { file: string }).file).slice(0, 6000);
      for (let change = 0; change < 5; change++) {
        bytes[Math.floor(random() * bytes.length)] = [10, 13, 58, 32, 0xff, 0xf0, 0][
          Math.floor(random() * 7)
        ] as number;
      }
      const cuts = [random(), random(), random()].map((part) => Math.floor(part * bytes.length));
      expect(scanPlain(cutAt(bytes, cuts)), (captures[i] as { file: string }).file).toEqual(referenceSse(bytes));
    }
  });
});
