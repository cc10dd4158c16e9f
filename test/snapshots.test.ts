/** Snapshots: what did not change is the same object, what did is a new one, and nothing that was given is written to. */

import { describe, expect, test } from 'vitest';
import { MessageAssembler, toStreamEvent } from '../src/index.ts';
import type { Message } from '../src/index.ts';
import * as m from './support/messages.ts';

const json = (partial_json: string): object => ({ type: 'input_json_delta', partial_json });
const TOOL = { type: 'tool_use', id: 't', name: 'n', input: {} };

function started(...events: object[]): { assembler: MessageAssembler; next: (event: object) => Message } {
  const assembler = new MessageAssembler();
  const next = (event: object): Message => {
    assembler.apply(toStreamEvent(event));
    return assembler.message as Message;
  };
  for (const event of [m.start(), ...events]) next(event);
  return { assembler, next };
}

describe('identity', () => {
  test('two looks are one object', () => {
    const { assembler } = started(m.textStart(0), m.blockStart(1, TOOL), m.delta(1, json('{"a":"b')));
    expect(assembler.message).toBe(assembler.message);
    expect(assembler.blocks).toBe(assembler.blocks);
    expect(assembler.outcome).toBe(assembler.outcome);
  });

  test.each<[string, object]>([
    ['ping', m.ping],
    ['an unknown event', { type: 'odd' }],
    ['an empty delta', m.textDelta(0, '')],
    ['an unknown delta', m.delta(0, { type: 'odd_delta' })],
    ['a repeated start', m.start()],
  ])('%s changes nothing', (_, event) => {
    const { assembler, next } = started(m.textStart(0), m.textDelta(0, 'A'));
    const before = assembler.message;
    expect(next(event)).toBe(before);
  });

  test('a delta changes its block alone', () => {
    const { assembler, next } = started(m.textStart(0, 'A'), m.textStart(1));
    const before = assembler.message as Message;
    const after = next(m.textDelta(1, 'B'));
    expect(after).not.toBe(before);
    expect(after.content).not.toBe(before.content);
    expect(after.content[1]).not.toBe(before.content[1]);
    expect(after.content[0]).toBe(before.content[0]);
    expect(after.usage).toBe(before.usage);
    expect(before.content[1]).toEqual({ type: 'text', text: '' });
    expect(assembler.blocks[0]).toBe(assembler.blocks[0]);
  });

  test('a delta of text leaves the block infos as they are; a stop changes one', () => {
    const { assembler, next } = started(m.textStart(0), m.textStart(1));
    const before = assembler.blocks;
    next(m.textDelta(0, 'A'));
    expect(assembler.blocks).toBe(before);
    next(m.blockStop(0));
    expect(assembler.blocks).not.toBe(before);
    expect(assembler.blocks[0]).toMatchObject({ state: 'closed' });
    expect(before[0]).toMatchObject({ state: 'open' });
    expect(assembler.blocks[1]).toBe(before[1]);
  });

  test('message_delta leaves the content as it is', () => {
    const { assembler, next } = started(m.textStart(0, 'A'), m.blockStop(0));
    const before = assembler.message as Message;
    const after = next(m.messageDelta());
    expect(after).not.toBe(before);
    expect(after.usage).not.toBe(before.usage);
    expect(after.content).toBe(before.content);
    expect(before).toMatchObject({ stop_reason: null, usage: { output_tokens: 1 } });
  });

  test('many deltas without a look are one change', () => {
    const { assembler, next } = started(m.textStart(0));
    const before = assembler.message as Message;
    for (const each of ['a', 'b', 'c']) assembler.apply(toStreamEvent(m.textDelta(0, each)));
    expect(before.content[0]).toEqual({ type: 'text', text: '' });
    expect(next(m.ping).content[0]).toEqual({ type: 'text', text: 'abc' });
  });

  test('citations that were shown do not grow', () => {
    const cite = { type: 'citations_delta', citation: { type: 'char_location' } };
    const { next } = started(m.blockStart(0, { type: 'text', text: '', citations: [] }));
    const one = next(m.delta(0, cite)).content[0] as { citations: unknown[] };
    const two = next(m.delta(0, cite)).content[0] as { citations: unknown[] };
    expect([one.citations.length, two.citations.length]).toEqual([1, 2]);
    expect(two.citations[0]).toBe(one.citations[0]);
  });

  test('unknown deltas that were shown do not grow', () => {
    const odd = m.delta(0, { type: 'odd_delta' });
    const { assembler, next } = started(m.textStart(0), odd);
    const before = assembler.blocks[0]?.unknownDeltas;
    next(odd);
    expect(before).toHaveLength(1);
    expect(assembler.blocks[0]?.unknownDeltas).toHaveLength(2);
  });
});

describe('live tool input', () => {
  const inputOf = (message: Message): unknown => (message.content[0] as { input: unknown }).input;

  test('each snapshot gives the block a new identity; its `input` is one object that grows', () => {
    const { assembler, next } = started(m.blockStart(0, TOOL));
    const empty = assembler.message as Message;
    const one = next(m.delta(0, json('{"path":"a')));
    expect(inputOf(one)).toEqual({ path: 'a' });
    const two = next(m.delta(0, json('b","list":[1,')));
    expect(two.content[0]).not.toBe(one.content[0]);
    expect(inputOf(two)).toBe(inputOf(one));
    expect(inputOf(two)).toEqual({ path: 'ab', list: [1] });
    expect(inputOf(empty)).toEqual({});
    expect(TOOL.input).toEqual({});
  });

  test('what was shown keeps its identity at the end', () => {
    const { next } = started(m.blockStart(0, TOOL));
    const shown = inputOf(next(m.delta(0, json('{"a":{"b":1},"c":[')))) as { a: unknown; c: unknown };
    const { a, c } = shown;
    next(m.delta(0, json('2]')));
    next(m.delta(0, json('}')));
    const final = inputOf(next(m.blockStop(0))) as { a: unknown; c: unknown };
    expect(final).toBe(shown);
    expect(final.a).toBe(a);
    expect(final.c).toBe(c);
    expect(final).toEqual({ a: { b: 1 }, c: [2] });
  });

  test('no look: the same value, parsed at the stop', () => {
    const { assembler } = started();
    for (const event of [m.blockStart(0, TOOL), m.delta(0, json('{"a":')), m.delta(0, json('1}')), m.blockStop(0)]) {
      assembler.apply(toStreamEvent(event));
    }
    expect(inputOf(assembler.message as Message)).toEqual({ a: 1 });
  });

  test.each<[string, readonly string[], string, unknown]>([
    ['none: open, no text', [], 'none', {}],
    ['none: only empty text', [''], 'none', {}],
    ['partial: open with text', ['{"a":1'], 'partial', { a: 1 }],
    ['partial: open with all of its text', ['{"a":1}'], 'partial', { a: 1 }],
    ['partial: text that is no JSON shows what was read', ['{"a":1,!'], 'partial', { a: 1 }],
  ])('%s', (_, texts, state, input) => {
    const { assembler } = started(m.blockStart(0, TOOL), ...texts.map((text) => m.delta(0, json(text))));
    expect(assembler.blocks[0]).toMatchObject({ state: 'open', inputState: state });
    expect(inputOf(assembler.message as Message)).toEqual(input);
  });

  test.each<[string, readonly string[], string | undefined, object]>([
    ['stopped, no text', [], undefined, { inputState: 'valid', state: 'closed' }],
    ['stopped, whole', ['{"a":1}'], undefined, { inputState: 'valid', state: 'closed', inputText: '{"a":1}' }],
    [
      'stopped, broken',
      ['{"a":1', ',!'],
      'invalid-tool-input',
      { inputState: 'invalid', inputText: '{"a":1,!', inputError: { offset: 7 } },
    ],
    [
      'stopped, incomplete',
      ['{"a":1'],
      'invalid-tool-input',
      { inputState: 'invalid', inputText: '{"a":1', inputError: { offset: 6 } },
    ],
  ])('%s', (_, texts, code, info) => {
    for (const looks of [true, false]) {
      const assembler = new MessageAssembler();
      const events = [
        m.start(),
        m.blockStart(0, { ...TOOL, input: { said: 1 } }),
        ...texts.map((text) => m.delta(0, json(text))),
        m.blockStop(0),
        m.messageDelta('tool_use'),
      ];
      for (const event of events) {
        assembler.apply(toStreamEvent(event));
        if (looks) void assembler.message;
      }
      expect(assembler.blocks[0]).toMatchObject(info);
      const valid = texts.length > 0 && code === undefined;
      expect(inputOf(assembler.message as Message)).toEqual(valid ? { a: 1 } : { said: 1 });
      expect(assembler.diagnostics.map((each) => each.code)).toEqual(code === undefined ? [] : [code]);
    }
  });

  test('cut: `input` is what the start said, `inputText` holds every character', () => {
    for (const text of ['{"a":1', '{"a":1}']) {
      const { assembler } = started(m.blockStart(0, TOOL), m.delta(0, json(text)));
      expect(inputOf(assembler.message as Message)).toEqual({ a: 1 });
      assembler.end();
      expect(assembler.blocks[0]).toMatchObject({ state: 'cut', inputState: 'partial', inputText: text });
      expect(inputOf(assembler.message as Message)).toEqual({});
    }
  });

  test('inputState is absent on blocks that take no input', () => {
    const { assembler } = started(m.textStart(0));
    expect(assembler.blocks[0]).toEqual({ index: 0, ordinal: 0, type: 'text', state: 'open' });
  });
});

test('what the wire gave is never written to', () => {
  const events = [
    m.start(),
    m.blockStart(0, { type: 'text', text: 'a', citations: [] }),
    m.textDelta(0, 'b'),
    m.delta(0, { type: 'citations_delta', citation: { type: 'char_location' } }),
    m.blockStop(0),
    m.blockStart(1, { ...TOOL, input: { x: {} } }),
    m.delta(1, json('{"x":{"y":1}}')),
    m.blockStop(1),
    m.blockStart(2, { type: 'compaction', content: null }),
    m.delta(2, { type: 'compaction_delta', content: 'c' }),
    m.delta(2, { type: 'odd_delta' }),
    m.blockStop(2),
    m.messageDelta('tool_use'),
    m.stop,
  ];
  const copy = structuredClone(events);
  deepFreeze(events);
  for (const looks of [true, false]) {
    const assembler = new MessageAssembler();
    for (const event of events) {
      assembler.apply(toStreamEvent(event));
      if (looks) deepFreeze(assembler.messages.map(({ message }) => message.usage));
    }
    assembler.end();
    expect(assembler.outcome.status).toBe('complete');
  }
  expect(events).toEqual(copy);
});

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
}
