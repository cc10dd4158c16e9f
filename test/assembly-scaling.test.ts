/** Hostile messages cost what they weigh: twice the events, about twice the work, and no memory beyond the ceilings. */

import { describe, expect, test } from 'vitest';
import { MessageAssembler, MessageParser, type StreamEvent } from '../src/index.ts';

const wire = (event: object): StreamEvent => event as StreamEvent;
const start = (index: number, block: object): StreamEvent =>
  wire({ type: 'content_block_start', index, content_block: block });
const delta = (index: number, change: object): StreamEvent =>
  wire({ type: 'content_block_delta', index, delta: change });
const stop = (index: number): StreamEvent => wire({ type: 'content_block_stop', index });
const begin: StreamEvent = wire({ type: 'message_start', message: { id: 'm', usage: {} } });
const text = { type: 'text', text: '' };
const tool = { type: 'tool_use', id: 't', name: 'n', input: {} };
const words = { type: 'text_delta', text: 'x'.repeat(100) };
const thought = { type: 'thinking_delta', thinking: 'x' };
const json = { type: 'input_json_delta', partial_json: '["'.padEnd(100, 'x') };

function* each(count: number, make: (i: number) => Iterable<StreamEvent>): Generator<StreamEvent> {
  for (let i = 0; i < count; i++) yield* make(i);
}

/** Name, how many at first, the events of each, and what stands before them. */
const kinds: [string, number, (i: number, count: number) => Iterable<StreamEvent>, StreamEvent[]?][] = [
  [
    'message_deltas with ever new keys',
    2000,
    (i) => [wire({ type: 'message_delta', delta: { [`k${i}`]: i }, usage: { [`u${i}`]: i } })],
  ],
  ['text after the stop of its block', 20_000, () => [delta(0, words)], [start(0, text), stop(0)]],
  ['input after the stop of its block', 4000, () => [delta(0, json)], [start(0, tool), stop(0)]],
  ['tools whose input is cut', 10_000, (i) => [start(i, tool), delta(i, json), stop(i)]],
  [
    'one index over and over',
    10_000,
    () => [start(0, text), delta(0, thought), delta(0, words), stop(0), delta(0, thought)],
  ],
  ['blocks that never stop', 10_000, (i) => [start(i, text)]],
  [
    'blocks that stop in the order of their starts',
    10_000,
    (i, count) => (i < count / 2 ? [start(i, text)] : [stop(i - count / 2)]),
  ],
  ['indexes that go down', 10_000, (i, count) => [start(count - i, text), stop(count - i)]],
  [
    'bad indexes',
    4000,
    (i) => [start(-1, text), delta(-1, words), wire({ type: 'content_block_stop', index: i + 0.5 })],
  ],
  ['unknown deltas', 20_000, () => [delta(0, { type: 'later' })], [start(0, text)]],
  ['citations', 20_000, () => [delta(0, { type: 'citations_delta', citation: {} })], [start(0, text)]],
];

function work(count: number, kind: (typeof kinds)[number]): number {
  const [, , make, before = []] = kind;
  const assembler = new MessageAssembler();
  const events = [begin, ...before, ...each(count, (i) => make(i, count))];
  const since = performance.now();
  for (const event of events) assembler.apply(event);
  assembler.end();
  expect(assembler.message).toBeDefined();
  return performance.now() - since;
}

describe('twice the events cost about twice the work', () => {
  test.each(kinds)('%s', { timeout: 60_000, retry: 3 }, (...kind) => {
    const count = kind[1];
    work(count / 2, kind);
    const once = work(count, kind);
    const twice = work(2 * count, kind);
    // Quadratic work is four times; noise is allowed for, and little time tells nothing.
    expect(twice).toBeLessThan(Math.max(3 * once, 60));
  });
});

test('diagnostics hold no more than they quote', () => {
  const parser = new MessageParser();
  for (let i = 0; i < 20; i++) {
    parser.push(`data: {"type":"${'y'.repeat(200_000)}${i}"}\n\ndata: nonsense${'z'.repeat(200_000)}\n\n`);
  }
  const size = JSON.stringify(parser.diagnostics).length;
  expect(parser.diagnostics.length).toBeGreaterThan(20);
  expect(size).toBeLessThan(40 * 5000);
});

test('a saved state does not change when the parser goes on', () => {
  const assembler = new MessageAssembler();
  const citing = delta(0, { type: 'citations_delta', citation: { n: 1 } });
  const events = [begin, start(0, text), citing, delta(0, { type: 'later' }), delta(9, { type: 'orphan' })];
  for (const event of events) assembler.apply(event);
  assembler.apply(wire({ type: 'message_delta', delta: {}, usage: { output_tokens: 1 } }));
  const state = assembler.toJSON();
  const saved = JSON.stringify(state);
  for (const event of [citing, delta(0, { type: 'later' }), delta(9, { type: 'orphan' }), delta(3, words)])
    assembler.apply(event);
  assembler.apply(wire({ type: 'message_delta', delta: {}, usage: { output_tokens: 2 } }));
  expect(JSON.stringify(state)).toBe(saved);
});
