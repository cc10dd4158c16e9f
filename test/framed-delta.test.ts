/**
 * Deltas that the parser reads together with their frame (event line, data, blank line), without cutting the data out
 * first. The slow twin: the literal WHATWG algorithm for the events and their places, `JSON.parse` for their data.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessageAssembler } from '../src/message/assembler.ts';
import { MessageParser } from '../src/message/parser.ts';
import { MessageReader } from '../src/message/reader.ts';
import type { At } from '../src/message/types.ts';
import { decodeByJson } from '../src/protocol/decode.ts';
import { matchDelta, takeMatched } from '../src/protocol/delta.ts';
import type { StreamEvent } from '../src/protocol/events.ts';
import { captures, hasCaptures, readCapture } from './support/captures.ts';
import { cutAt, pieces, RUNS, seeded } from './support/chunkings.ts';
import { referenceSse } from './support/reference-sse.ts';

interface Taken {
  events: [StreamEvent, At][];
  message: unknown;
  diagnostics: unknown;
}

/** What the twin makes of the bytes: each event by the standard, its data by `JSON.parse`. */
function twin(bytes: Uint8Array): Taken {
  const { events, positions } = referenceSse(bytes);
  const assembler = new MessageAssembler();
  const taken: Taken['events'] = [];
  for (const [k, sse] of events.entries()) {
    const { event, byte, line } = positions[k] as At & { event: number };
    const at = { event, byte, line } as At;
    const notes = { nameStoodIn: false };
    const decoded = decodeByJson(sse, notes);
    taken.push([decoded, at]);
    const stoodIn = 'The data has no type: the event line stands for it';
    if (notes.nameStoodIn) assembler.report('event-name-mismatch', stoodIn, at);
    assembler.apply(decoded, at, sse);
  }
  return { events: taken, message: assembler.message, diagnostics: assembler.diagnostics };
}

function pushed(chunks: readonly (Uint8Array | string)[]): Taken {
  const events: Taken['events'] = [];
  const parser = new MessageParser({ onEvent: (event, at) => void events.push([event, at]) });
  for (const chunk of chunks) parser.push(chunk);
  return { events, message: parser.message, diagnostics: parser.diagnostics };
}

function pulled(chunks: readonly (Uint8Array | string)[]): Taken {
  const events: Taken['events'] = [];
  const reader = new MessageReader();
  for (const chunk of chunks) {
    reader.write(chunk);
    for (let event = reader.next(); event !== undefined; event = reader.next()) events.push([event, reader.at()]);
  }
  return { events, message: reader.assembler.message, diagnostics: reader.assembler.diagnostics };
}

/** Keys in their order, too. */
function same(found: Taken, expected: Taken, label = ''): void {
  expect(found, label).toStrictEqual(expected);
  expect(JSON.stringify(found), label).toBe(JSON.stringify(expected));
}

const FIELDS = { text_delta: 'text', thinking_delta: 'thinking', input_json_delta: 'partial_json' } as const;
const START = '{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[]}}';

const value = fc.oneof(
  fc.constantFrom('', 'a', '\n', '"', '\\', '灯台', '🫖', '\u{FFFD}', '\t', '\u2028', '"}}', '\n\nevent: ping'),
  fc.string({ maxLength: 30 }),
  fc.nat(300).map((length) => 'x'.repeat(length)),
  fc.nat(700).map((length) => '\\"'.repeat(length)),
);
const delta = fc
  .record({
    kind: fc.constantFrom('text_delta', 'text_delta', 'thinking_delta', 'input_json_delta', 'signature_delta'),
    index: fc.constantFrom(0, 0, 1, 10, 100),
    value,
    spaces: fc.nat(15),
    writing: fc.nat(3),
  })
  .map(({ kind, index, value: text, spaces, writing }) => {
    const field = FIELDS[kind as keyof typeof FIELDS] ?? 'signature';
    const string = JSON.stringify(text);
    const pad = ' '.repeat(spaces);
    return [
      `{"type":"content_block_delta","index":${index},"delta":{"type":"${kind}","${field}":${string}}${pad}}`,
      `{"delta":{"${field}":${string},"type":"${kind}"},"index":${index},"type":"content_block_delta"}`,
      `{"type": "content_block_delta", "index": ${index}, "delta": {"type": "${kind}", "${field}": ${string}}}`,
      `{"type":"content_block_delta","index":${index},"delta":{"type":"${kind}","${field}":${string}},"x":1${pad}}`,
    ][writing] as string;
  });
const part = fc.oneof(
  { weight: 8, arbitrary: delta.map((data) => `event: content_block_delta\ndata: ${data}\n\n`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'event: ping\ndata: {"type": "ping"}\n\n',
      'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
      'event: content_block_delta\ndata: {"type":"content_block_delta"}\n\n',
      ': comment\n',
      'retry: 5\n',
      'id: 7\n',
      '\r\n',
      'event: content_block_delta\n',
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(delta, fc.nat(), fc.constantFrom('\n', '\r', '', '\n\n', '"', '\\', '\t'))
      .map(([data, at, unit]) => {
        const event = `event: content_block_delta\ndata: ${data}\n\n`;
        const place = at % event.length;
        return event.slice(0, place) + unit + event.slice(place + 1);
      }),
  },
);
const stream = fc
  .tuple(fc.array(part, { maxLength: 30 }), fc.constantFrom('\n', '\n', '\n', '\r\n'))
  .map(([parts, end]) =>
    new TextEncoder().encode([`event: message_start\ndata: ${START}\n\n`, ...parts].join('').replaceAll('\n', end)),
  );

describe('a delta read with its frame', () => {
  test('is what the standard and JSON.parse make of it, and so is its place, pushed and pulled', () => {
    const cut = fc.tuple(stream, fc.array(fc.nat(), { maxLength: 3 }), fc.constantFrom(0, 1, 64, 600, 1400));
    fc.assert(
      fc.property(cut, ([bytes, cuts, size]) => {
        const expected = twin(bytes);
        const chunks =
          size > 0
            ? pieces(bytes, size)
            : cutAt(
                bytes,
                cuts.map((place) => place % (bytes.length + 1)),
              );
        // A bare CR at the end waits: what is there by then must agree.
        const count = pushed(chunks).events.length;
        expect(expected.events.length - count).toBeLessThanOrEqual(bytes.at(-1) === 13 ? 1 : 0);
        if (count < expected.events.length) return;
        same(pushed(chunks), expected);
        same(pulled(chunks), expected);
      }),
      { numRuns: 400 * RUNS },
    );
  });

  test('each event a chunk, as the API sends them', () => {
    fc.assert(
      fc.property(fc.array(delta, { maxLength: 20 }), (datas) => {
        const parts = [`event: message_start\ndata: ${START}\n\n`].concat(
          datas.map((data) => `event: content_block_delta\ndata: ${data}\n\n`),
        );
        const chunks = parts.map((each) => new TextEncoder().encode(each));
        const expected = twin(new Uint8Array(Buffer.concat(chunks)));
        same(pushed(chunks), expected);
        same(pulled(chunks), expected);
        same(pushed(parts), expected);
      }),
      { numRuns: 200 * RUNS },
    );
  });

  test.skipIf(!hasCaptures)('on captures, whole and mutated', () => {
    const random = seeded(11);
    for (let i = 0; i < captures.length; i += 4) {
      const { file } = captures[i] as { file: string };
      const bytes = readCapture(file).slice(0, 8000);
      for (let change = i % 8 === 0 ? 3 : 0; change > 0; change--) {
        bytes[Math.floor(random() * bytes.length)] = [10, 34, 92, 32, 0xff, 0x30, 9][
          Math.floor(random() * 7)
        ] as number;
      }
      const expected = twin(bytes);
      for (const size of [97, 1400]) {
        same(pushed(pieces(bytes, size)), expected, file);
        same(pulled(pieces(bytes, size)), expected, file);
      }
    }
  });

  test('is taken: the properties above would hold without it', () => {
    const data = '{"type":"content_block_delta","index":12,"delta":{"type":"text_delta","text":"a\\n🫖"}  }';
    const event = `event: content_block_delta\ndata: ${data}\n\n`;
    // The writing that came last is the one that is tried.
    pushed([event]);
    expect(matchDelta(`x${event}`, 1, false)).toBe(event.length - 1);
    expect(takeMatched()).toStrictEqual(JSON.parse(data));
    expect(matchDelta(event, 0, true)).toBe(event.length - 2);
    expect(takeMatched()).toStrictEqual(JSON.parse(data));
    expect(matchDelta(`${event}x`, 0, true)).toBe(-1);
    // Not without its blank line, nor with a line end of another kind.
    for (const alone of [true, false]) {
      expect(matchDelta(event.slice(0, -1), 0, alone)).toBe(-1);
      expect(matchDelta(event.replace('\n', '\r\n'), 0, alone)).toBe(-1);
      expect(matchDelta(event.replaceAll('\n', '\r'), 0, alone)).toBe(-1);
    }
  });
});
