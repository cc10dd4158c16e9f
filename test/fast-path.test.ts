/**
 * The fast paths and their slow twins: the delta that is cut out of its data against `JSON.parse`, on whole and on mutated
 * data; the event that is read in one piece against the literal WHATWG algorithm, on mutated streams, offsets included.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDelta } from '../src/protocol/delta.ts';
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

function agree(data: string): void {
  const notes = { nameStoodIn: false };
  const slow = decodeByJson(sse(data), notes);
  // Twice: the first may teach the fast path the shape, the second takes it.
  for (const _ of [1, 2]) expect(decodeNoting(sse(data), notes), data).toStrictEqual(slow);
  const fast = readDelta(data);
  if (fast !== undefined) expect(fast, data).toStrictEqual(slow);
  expect(JSON.stringify(decodeNoting(sse(data), notes)), 'the order of keys').toBe(JSON.stringify(slow));
}

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\n', '"', '\\', 'a', '\t', '\u2028', '😀', '\ud83d', '{', '}', ' ', '\0') }),
);

const payload = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    index: fc.oneof(fc.nat({ max: 3 }), fc.constantFrom(-1, 0.5, 1e21, 2 ** 53)),
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
    fc.assert(fc.property(payload, agree), { numRuns: 2000 * RUNS });
  });

  test('agrees with JSON.parse on mutated deltas', () => {
    const mutated = fc
      .tuple(
        payload,
        fc.array(
          fc.tuple(
            fc.nat(),
            fc.nat({ max: 3 }),
            fc.constantFrom('"', '\\', '{', '}', ':', ' ', ',', 'n', 'u', '0', '\n', '\t', '\0', 'x', '😀'),
          ),
        ),
      )
      .map(([data, changes]) => {
        let result = data;
        for (const [where, how, unit] of changes.slice(0, 3)) {
          const at = where % (result.length + 1);
          result = result.slice(0, at) + (how === 0 ? '' : unit) + result.slice(at + (how === 1 ? 0 : 1));
        }
        return result;
      });
    fc.assert(fc.property(mutated, agree), { numRuns: 4000 * RUNS });
  });

  test('a delta without an index is not given one', () => {
    const data = '{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}';
    for (const _ of [1, 2, 3]) expect(decodeNoting(sse(data), { nameStoodIn: false })).not.toHaveProperty('index');
  });

  test('is taken: the properties above would hold without it', () => {
    for (const data of [
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\\n\\"b\\""}   }',
      '{"delta":{"text":"a\\\\","type":"text_delta"},"index":12,"type":"content_block_delta"}',
      '{"type": "content_block_delta", "index": 3, "delta": {"type": "thinking_delta", "thinking": "é"}}',
    ]) {
      decodeNoting(sse(data), { nameStoodIn: false });
      expect(readDelta(data)).toStrictEqual(JSON.parse(data));
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
