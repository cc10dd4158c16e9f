/**
 * What assembly means: every row of the table that is about blocks. The message around them is in
 * `assembly-message.test.ts`, identity in `snapshots.test.ts`.
 */

import { describe, expect, test } from 'vitest';
import { MessageAssembler, toStreamEvent } from '../src/index.ts';
import type { AssemblerOptions, Message, StreamEvent } from '../src/index.ts';
import * as m from './support/messages.ts';
import { codesOf } from './support/stream.ts';

function assemble(events: readonly object[], options?: AssemblerOptions): MessageAssembler {
  const assembler = new MessageAssembler(options);
  for (const event of events) assembler.apply(toStreamEvent(event));
  return assembler;
}

/** What one block becomes with these deltas, stopped. */
function built(block: object, ...deltas: object[]): { block: unknown; assembler: MessageAssembler } {
  const assembler = assemble([
    m.start(),
    m.blockStart(0, block),
    ...deltas.map((delta) => m.delta(0, delta)),
    m.blockStop(0),
  ]);
  return { block: assembler.message?.content[0], assembler };
}

const THINKING = { type: 'thinking', thinking: '', signature: '' };
const TOOL = { type: 'tool_use', id: 't', name: 'n', input: {} };
const json = (partial_json: unknown): object => ({ type: 'input_json_delta', partial_json });
const text = (value: unknown): object => ({ type: 'text_delta', text: value });
const cite = (n: number): object => ({
  type: 'citations_delta',
  citation: { type: 'char_location', document_index: n },
});
const cited = (n: number): object => ({ type: 'char_location', document_index: n });

describe('message_start', () => {
  test('the snapshot is its message', () => {
    const event = m.start();
    expect(assemble([event]).message).toEqual(event['message']);
    expect(assemble([]).message).toBeUndefined();
  });

  test('content that is not empty gives closed blocks, index = position', () => {
    const content = [TOOL, { type: 'text', text: 'A', citations: null }];
    const { message, blocks } = assemble([{ type: 'message_start', message: { id: 'x', content } }]);
    expect(message?.content).toEqual(content);
    expect(blocks).toEqual([
      { index: 0, ordinal: 0, type: 'tool_use', state: 'closed', inputState: 'valid' },
      { index: 1, ordinal: 1, type: 'text', state: 'closed' },
    ]);
  });

  test.each([undefined, null])('a start whose `content` is %s gets []', (content) => {
    expect(assemble([{ type: 'message_start', message: { id: 'x', content } }]).message).toEqual({
      id: 'x',
      content: [],
    });
  });

  test('programmatic tool calling, resumed: message_start and message_stop alone', () => {
    const message = {
      ...(m.start()['message'] as object),
      content: [{ ...TOOL, input: { a: 1 } }],
      stop_reason: 'tool_use',
    };
    const assembler = assemble([{ type: 'message_start', message }, m.stop]);
    expect(assembler.message).toEqual(message);
    expect(assembler.outcome).toEqual({ status: 'complete', stopReason: 'tool_use' });
    expect(assembler.diagnostics).toEqual([]);
  });
});

describe.each<[string, object, object[], object]>([
  ['text_delta appends', { type: 'text', text: 'a' }, [text('b'), text('c')], { type: 'text', text: 'abc' }],
  [
    'absent or null counts as ""',
    { type: 'text', text: 'a' },
    [text(null), text(undefined)],
    { type: 'text', text: 'a' },
  ],
  ['to text that is null', { type: 'text', text: null }, [text('b')], { type: 'text', text: 'b' }],
  [
    'thinking_delta appends, signature_delta assigns',
    THINKING,
    [
      { type: 'thinking_delta', thinking: 'I ' },
      { type: 'thinking_delta', thinking: 'think' },
      { type: 'signature_delta', signature: 'old' },
      { type: 'signature_delta', signature: 'sig' },
    ],
    { type: 'thinking', thinking: 'I think', signature: 'sig' },
  ],
  [
    'connector_text_delta appends',
    { type: 'connector_text', connector_text: '' },
    [{ type: 'connector_text_delta', connector_text: 'then' }],
    { type: 'connector_text', connector_text: 'then' },
  ],
  [
    'citations_delta appends one, to null',
    { type: 'text', text: '', citations: null },
    [cite(1), cite(2)],
    { type: 'text', text: '', citations: [cited(1), cited(2)] },
  ],
  [
    'citations_delta appends one, to nothing',
    { type: 'text', text: '' },
    [cite(1)],
    { type: 'text', text: '', citations: [cited(1)] },
  ],
  [
    'citations_delta appends one, to what is there',
    { type: 'text', text: '', citations: [cited(0)] },
    [cite(1)],
    { type: 'text', text: '', citations: [cited(0), cited(1)] },
  ],
  [
    'compaction_delta copies every key but `type`',
    { type: 'compaction', content: null },
    [{ type: 'compaction_delta', content: null, encrypted_content: 'e', signature: 's', tool_changes: [] }],
    { type: 'compaction', content: null, encrypted_content: 'e', signature: 's', tool_changes: [] },
  ],
  [
    'input_json_delta is parsed at block stop',
    TOOL,
    [json(''), json('{"a":'), json('[1]}')],
    { ...TOOL, input: { a: [1] } },
  ],
  ['no text: `input` stays what the start said', { ...TOOL, input: { x: 1 } }, [], { ...TOOL, input: { x: 1 } }],
  ['only white space: the same', { ...TOOL, input: { x: 1 } }, [json(''), json(' \n')], { ...TOOL, input: { x: 1 } }],
  ['text overrides what the start said', { ...TOOL, input: { x: 1 } }, [json('{"a":1}')], { ...TOOL, input: { a: 1 } }],
  [
    'redacted_thinking is whole',
    { type: 'redacted_thinking', data: 'd' },
    [],
    { type: 'redacted_thinking', data: 'd' },
  ],
])('%s', (_, start, deltas, expected) => {
  test('gives the block', () => {
    const { block, assembler } = built(start, ...deltas);
    expect(block).toEqual(expected);
    expect(assembler.blocks[0]).toMatchObject({ state: 'closed', index: 0, ordinal: 0 });
    expect(assembler.diagnostics).toEqual([]);
  });

  test('the same from one event each and with a look after each', () => {
    const assembler = new MessageAssembler();
    for (const event of [
      m.start(),
      m.blockStart(0, start),
      ...deltas.map((each) => m.delta(0, each)),
      m.blockStop(0),
    ]) {
      assembler.apply(toStreamEvent(event));
      expect(assembler.message).toBeDefined();
    }
    expect(assembler.message?.content[0]).toEqual(expected);
  });
});

test('`estimated_tokens` are summed in the block info', () => {
  const thinking = (estimated_tokens: unknown): object => ({ type: 'thinking_delta', thinking: '', estimated_tokens });
  const { assembler, block } = built(THINKING, thinking(50), thinking(null), thinking(25));
  expect(assembler.blocks[0]?.estimatedTokens).toBe(75);
  expect(block).toEqual(THINKING);
  expect(built(THINKING, { type: 'thinking_delta', thinking: 'x' }).assembler.blocks[0]).not.toHaveProperty(
    'estimatedTokens',
  );
});

test("a fallback block makes the snapshot's `model` `to.model`", () => {
  const assembler = assemble([
    m.start(),
    m.blockStart(0, { type: 'fallback', from: { model: 'a' }, to: { model: 'b' } }),
  ]);
  expect(assembler.message?.model).toBe('b');
});

describe('unknown things are kept', () => {
  test('a delta of unknown type on its block, or beside them', () => {
    const odd = { type: 'odd_delta', depth: 3 };
    const assembler = assemble([
      m.start(),
      m.delta(0, odd),
      m.textStart(0),
      m.delta(0, odd),
      m.blockStop(0),
      m.delta(0, odd),
    ]);
    expect(assembler.orphanDeltas).toEqual([odd]);
    expect(assembler.blocks[0]?.unknownDeltas).toEqual([odd, odd]);
    expect(assembler.message?.content).toEqual([{ type: 'text', text: '' }]);
    expect(assembler.diagnostics.every(({ severity }) => severity === 'info')).toBe(true);
  });

  test.each<[string, object, object, object, boolean]>([
    ['text where there is a string', { text: 'a' }, text('b'), { text: 'ab' }, true],
    ['text where there is none', {}, text('b'), {}, false],
    ['text where there is no string', { text: 7 }, text('b'), { text: 7 }, false],
    ['a signature', { signature: '' }, { type: 'signature_delta', signature: 's' }, { signature: 's' }, true],
    ['input', {}, json('{"a":1}'), { input: { a: 1 } }, true],
    ['a citation', { citations: [] }, cite(1), { citations: [] }, false],
    ['compaction', { content: null }, { type: 'compaction_delta', content: 'c' }, { content: null }, false],
  ])('a known delta on a block of unknown type: %s', (_, fields, delta, expected, applied) => {
    const { block, assembler } = built({ type: 'hologram', ...fields }, delta);
    expect(block).toEqual({ type: 'hologram', ...expected });
    expect(assembler.blocks[0]?.unknownDeltas).toEqual(applied ? undefined : [delta]);
    expect(codesOf(assembler)).toEqual(['unknown-block']);
  });

  test('an open block of the index goes before a newer one that is closed', () => {
    const odd = { type: 'odd_delta' };
    const assembler = assemble([
      m.start(),
      m.blockStart(0, TOOL),
      m.delta(0, text('an implied block')),
      m.blockStop(-1), // closes that one
      m.delta(0, odd),
    ]);
    expect(assembler.blocks).toMatchObject([{ state: 'open', unknownDeltas: [odd] }, { state: 'closed' }]);
    expect(assembler.blocks[1]).not.toHaveProperty('unknownDeltas');
  });

  test('fields stay on their object', () => {
    const { block } = built({ type: 'text', text: '', mood: 'fine' }, text('x'));
    expect(block).toEqual({ type: 'text', text: 'x', mood: 'fine' });
  });
});

describe('content is dense, ordered by index, then arrival', () => {
  test.each<[readonly number[], string]>([
    [[0, 1, 2], '0 1 2'],
    [[2, 0, 1], '0 1 2'],
    [[5, 5, 3, 5, 0], '0 3 5 5 5'],
    [[Number.MAX_SAFE_INTEGER, 7], `7 ${Number.MAX_SAFE_INTEGER}`],
  ])('starts at %j', (indexes, order) => {
    const assembler = assemble([
      m.start(),
      ...indexes.flatMap((index, i) => [m.textStart(index, `${i}`), m.blockStop(index)]),
    ]);
    expect(assembler.blocks.map(({ index }) => index).join(' ')).toBe(order);
    expect(assembler.blocks.map(({ ordinal }) => String(ordinal))).toEqual(
      assembler.message?.content.map((block) => (block as { text: string }).text),
    );
    expect(Object.keys(assembler.message?.content as object)).toHaveLength(indexes.length);
  });

  test('a huge index allocates nothing', () => {
    const before = process.memoryUsage().heapUsed;
    const events = Array.from({ length: 100 }, (_, i) => m.textStart(Number.MAX_SAFE_INTEGER - i));
    const assembler = assemble([m.start(), ...events, m.textDelta(2 ** 40, 'x')]);
    expect(assembler.message?.content).toHaveLength(101);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
  });
});

describe('__proto__ is a key like any other', () => {
  const own = JSON.parse('{"__proto__":{"polluted":true}}') as object;

  test.each<[string, StreamEvent | object, (message: Message) => unknown]>([
    ['message_start', { type: 'message_start', message: { id: 'x', ...own } }, (message) => message],
    ['delta', { type: 'message_delta', delta: own, usage: {} }, (message) => message],
    ['usage', { type: 'message_delta', delta: {}, usage: own }, (message) => message.usage],
    ['a sibling', { type: 'message_delta', delta: {}, ...own }, (message) => message],
    ['a block', m.blockStart(0, { type: 'text', text: '', ...own }), (message) => message.content[0]],
    [
      'a compaction delta',
      [m.blockStart(0, { type: 'compaction', content: null }), m.delta(0, { type: 'compaction_delta', ...own })],
      (message) => message.content[0],
    ],
    [
      'tool input',
      [m.blockStart(0, TOOL), m.delta(0, json('{"__proto__":{"polluted":true}}')), m.blockStop(0)],
      (message) => (message.content[0] as { input: unknown }).input,
    ],
    [
      'live tool input',
      [m.blockStart(0, TOOL), m.delta(0, json('{"__proto__":{"polluted":true'))],
      (message) => (message.content[0] as { input: unknown }).input,
    ],
  ])('in %s', (_, events, pick) => {
    const list = [events].flat() as object[];
    const started = (list[0] as { type: string }).type === 'message_start' ? list : [m.start(), ...list];
    for (const looks of [false, true]) {
      const assembler = new MessageAssembler();
      for (const event of started) {
        assembler.apply(toStreamEvent(event));
        if (looks) void assembler.message;
      }
      const target = pick(assembler.message as Message) as object;
      expect(Object.getOwnPropertyDescriptor(target, '__proto__')?.value).toEqual({ polluted: true });
      expect(Object.getPrototypeOf(target)).toBe(Object.prototype);
      expect((target as { polluted?: unknown }).polluted).toBeUndefined();
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
