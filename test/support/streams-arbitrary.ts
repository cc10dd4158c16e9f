/** What the property tests of assembly draw from: well-formed messages with what they mean, and sequences of anything. */

import fc from 'fast-check';
import type { Message } from '../../src/index.ts';
import { sseSoup } from './arbitraries.ts';
import * as m from './messages.ts';
import { sse } from './stream.ts';

/** One block: its start, its deltas, and the block that they mean. */
interface Part {
  start: object;
  deltas: readonly object[];
  block: object;
}

const piece = fc.string({ unit: 'grapheme', maxLength: 6 });
const pieces = fc.array(piece, { maxLength: 4 });

/** Cuts the JSON text of tool input anywhere. */
function cutJson(value: unknown, places: readonly number[]): string[] {
  const text = JSON.stringify(value);
  const cuts = [0, ...places.map((place) => place % (text.length + 1)).sort((a, b) => a - b), text.length];
  return ['', ...cuts.slice(1).map((end, i) => text.slice(cuts[i], end))];
}

const textPart: fc.Arbitrary<Part> = fc.tuple(piece, pieces, fc.nat(2)).map(([begins, texts, citations]) => {
  const cited = Array.from({ length: citations }, (_, i) => ({ type: 'char_location', document_index: i }));
  return {
    start: { type: 'text', text: begins },
    deltas: [
      ...texts.map((text) => ({ type: 'text_delta', text })),
      ...cited.map((citation) => ({ type: 'citations_delta', citation })),
    ],
    block: { type: 'text', text: begins + texts.join(''), ...(citations > 0 && { citations: cited }) },
  };
});

const thinkingPart: fc.Arbitrary<Part> = fc.tuple(pieces, piece).map(([texts, signature]) => ({
  start: { type: 'thinking', thinking: '', signature: '' },
  deltas: [...texts.map((thinking) => ({ type: 'thinking_delta', thinking })), { type: 'signature_delta', signature }],
  block: { type: 'thinking', thinking: texts.join(''), signature },
}));

const input = fc.dictionary(fc.oneof(piece, fc.constant('__proto__')), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
const toolPart: fc.Arbitrary<Part> = fc
  .tuple(fc.constantFrom('tool_use', 'server_tool_use', 'mcp_tool_use'), input, fc.array(fc.nat(), { maxLength: 5 }))
  .map(([type, value, places]) => ({
    start: { type, id: 't', name: 'n', input: {} },
    deltas: cutJson(value, places).map((partial_json) => ({ type: 'input_json_delta', partial_json })),
    block: { type, id: 't', name: 'n', input: JSON.parse(JSON.stringify(value)) as unknown },
  }));

const wholePart: fc.Arbitrary<Part> = piece.map((data) => {
  const block = { type: 'redacted_thinking', data };
  return { start: block, deltas: [], block };
});

const compactionPart: fc.Arbitrary<Part> = fc.option(piece).map((content) => ({
  start: { type: 'compaction', content: null },
  deltas: [{ type: 'compaction_delta', content, encrypted_content: 'e' }],
  block: { type: 'compaction', content, encrypted_content: 'e' },
}));

const part = fc.oneof(textPart, thinkingPart, toolPart, wholePart, compactionPart);

/** A well-formed message: its events, and the message that they mean. */
export interface Meant {
  events: readonly { type: string }[];
  message: Message;
}

/** The events of all blocks, in the order of each block, the blocks interleaved as `turns` say (or one after another). */
function blockEvents(parts: readonly Part[], turns: readonly number[]): { type: string }[] {
  const queues = parts.map(({ deltas }, index) => [
    ...deltas.map((delta) => m.delta(index, delta)),
    m.blockStop(index),
  ]);
  if (turns.length === 0) {
    return queues.flatMap((queue, index) => [m.blockStart(index, (parts[index] as Part).start), ...queue]);
  }
  const events: { type: string }[] = parts.map(({ start }, index) => m.blockStart(index, start));
  for (let i = 0; queues.some((queue) => queue.length > 0); i++) {
    const left = queues.filter((queue) => queue.length > 0);
    const queue = left[(turns[i % turns.length] as number) % left.length] as { type: string }[];
    events.push(queue.shift() as { type: string });
  }
  return events;
}

export const meantMessage: fc.Arbitrary<Meant> = fc
  .record({
    parts: fc.array(part, { maxLength: 5 }),
    turns: fc.oneof(fc.constant([]), fc.array(fc.nat(9), { minLength: 1, maxLength: 20 })),
    pings: fc.array(fc.nat(), { maxLength: 4 }),
    usages: fc.array(fc.nat(999), { minLength: 1, maxLength: 3 }),
  })
  .map(({ parts, turns, pings, usages }) => {
    const start = m.start();
    const begun = start['message'] as object;
    const reason = parts.some(({ block }) => (block as { type: string }).type === 'tool_use')
      ? 'tool_use'
      : 'stop_sequence';
    const deltas = usages.map((output_tokens, i) => ({
      type: 'message_delta',
      delta: i === usages.length - 1 ? { stop_reason: reason, stop_sequence: null } : {},
      usage: { output_tokens },
    }));
    const events: { type: string }[] = [start, ...blockEvents(parts, turns), ...deltas, m.stop];
    for (const place of pings) events.splice(1 + (place % (events.length - 1)), 0, m.ping);
    const message = {
      ...begun,
      content: parts.map(({ block }) => block),
      stop_reason: reason,
      usage: { input_tokens: 3, output_tokens: usages.at(-1) },
    };
    return { events, message: message as unknown as Message };
  });

const index = fc.oneof(
  { weight: 12, arbitrary: fc.nat(3) },
  { weight: 1, arbitrary: fc.constantFrom(-1, 1.5, '0', null, 2 ** 53, Number.MAX_SAFE_INTEGER) },
) as fc.Arbitrary<number>;

const anyStart = fc.constantFrom<object>(
  { type: 'text', text: '' },
  { type: 'text', text: 'x', citations: null },
  { type: 'thinking', thinking: '', signature: '' },
  { type: 'tool_use', id: 't', name: 'n', input: {} },
  { type: 'server_tool_use', id: 't', name: 'n' },
  { type: 'compaction', content: null },
  { type: 'fallback', to: { model: 'm' } },
  { type: 'hologram', text: '' },
);
const anyDelta = fc.constantFrom<object>(
  { type: 'text_delta', text: 'a' },
  { type: 'text_delta', text: '' },
  { type: 'text_delta' },
  { type: 'thinking_delta', thinking: 'b', estimated_tokens: 3 },
  { type: 'signature_delta', signature: 's' },
  { type: 'input_json_delta', partial_json: '{"a":' },
  { type: 'input_json_delta', partial_json: '"b' },
  { type: 'input_json_delta', partial_json: '"}' },
  { type: 'input_json_delta', partial_json: '!' },
  { type: 'citations_delta', citation: { type: 'char_location' } },
  { type: 'compaction_delta', content: 'c' },
  { type: 'odd_delta', depth: 1 },
);

/** Any event at all: well-formed ones mostly, in no order. */
const anyEvent: fc.Arbitrary<{ type: string }> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(index, anyStart).map(([i, block]) => m.blockStart(i, block)) },
  { weight: 8, arbitrary: fc.tuple(index, anyDelta).map(([i, delta]) => m.delta(i, delta)) },
  { weight: 4, arbitrary: index.map((i) => m.blockStop(i)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('end_turn', 'max_tokens', 'tool_use').map((reason) => m.messageDelta(reason)),
  },
  { weight: 1, arbitrary: fc.constantFrom('msg_1', 'msg_2').map((id) => m.start(id)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<{ type: string }>(
      m.stop,
      m.ping,
      m.apiError(),
      { type: 'odd_event' },
      { type: 'content_block_delta' },
      { type: 'message_delta', delta: { role: 'user' } } as { type: string },
    ),
  },
);

/** What a field of a known event may hold on a wire that nobody checked. */
const oddValue = fc.oneof(
  fc.constantFrom<unknown>(null, 7, '', [], [null], {}, { toString: 1, valueOf: 1 }, { type: 'text' }, { length: -1 }),
  fc.jsonValue({ maxDepth: 2 }),
);

/** The event with one of its fields, at any depth, taken out or replaced; or with one more. */
function changed(event: unknown, keys: readonly number[], value: unknown): unknown {
  if (typeof event !== 'object' || event === null || keys.length === 0) return value;
  const names = [...Object.keys(event), 'raw', 'index', 'usage', 'request_id', 'reason'];
  const name = names[(keys[0] as number) % names.length] as string;
  return { ...event, [name]: changed((event as Record<string, unknown>)[name], keys.slice(1), value) };
}

/** Known events with odd values in them. */
export const oddEvent: fc.Arbitrary<{ type: string }> = fc
  .tuple(anyEvent, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), oddValue)
  .map(([event, keys, value]) => changed(event, keys, value) as { type: string });

/** Events in no order, mostly behind a start. */
export const anyEvents: fc.Arbitrary<{ type: string }[]> = fc
  .tuple(fc.boolean(), fc.array(anyEvent, { maxLength: 25 }))
  .map(([starts, events]) => (starts ? [m.start(), ...events] : events));

/** Bytes that are nearly a stream: framed events, with soup between them and names that may be wrong. */
export const nearlyStream: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: anyEvent.map((event) => Buffer.from(sse(event))) },
      { weight: 3, arbitrary: oddEvent.map((event) => Buffer.from(sse(event, 'content_block_start'))) },
      { weight: 1, arbitrary: anyEvent.map((event) => Buffer.from(sse(event, null))) },
      { weight: 1, arbitrary: anyEvent.map((event) => Buffer.from(sse(event, 'ping'))) },
      { weight: 1, arbitrary: anyEvent.map((event) => Buffer.from(sse(event).slice(0, -3))) },
      { weight: 1, arbitrary: sseSoup },
      {
        weight: 1,
        arbitrary: fc.constantFrom('{', '<', 'HTTP/1.1 200\n\n', 'data: [DONE]\n\n').map((text) => Buffer.from(text)),
      },
    ),
    { maxLength: 14 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));
