/** The message around its blocks: `message_delta`, the provisional message, the outcome, and what is noted. */

import { describe, expect, test } from 'vitest';
import { MessageAssembler, TruncatedError, toStreamEvent } from '../src/index.ts';
import type { AssemblerOptions, Message } from '../src/index.ts';
import * as m from './support/messages.ts';
import { codesOf } from './support/stream.ts';

function assemble(events: readonly object[], options?: AssemblerOptions): MessageAssembler {
  const assembler = new MessageAssembler(options);
  for (const event of events) assembler.apply(toStreamEvent(event));
  return assembler;
}

/** What one block becomes with these deltas, stopped. */
describe('message_delta', () => {
  const merged = (...deltas: object[]): Message => {
    const start = {
      type: 'message_start',
      message: { id: 'x', role: 'assistant', usage: { input_tokens: 3, output_tokens: 1, cache: null } },
    };
    const events = deltas.map((each) => ({ type: 'message_delta', delta: {}, usage: {}, ...each }));
    return assemble([start, ...events]).message as Message;
  };

  test('usage is cumulative: it overwrites, it is never added; every event of several counts', () => {
    expect(merged({ usage: { output_tokens: 5 } }, { usage: { output_tokens: 9, input_tokens: 10 } }).usage).toEqual({
      input_tokens: 10,
      output_tokens: 9,
      cache: null,
    });
  });

  test('null is set only where the key was missing', () => {
    const message = merged(
      { delta: { stop_reason: 'end_turn', container: null }, usage: { input_tokens: null, fresh: null } },
      { delta: { stop_reason: null, container: { id: 'c' } } },
    );
    expect(message).toMatchObject({ stop_reason: 'end_turn', container: { id: 'c' } });
    expect(message.usage).toEqual({ input_tokens: 3, output_tokens: 1, cache: null, fresh: null });
  });

  test('siblings of `delta` are merged like it', () => {
    expect(merged({ context_management: { applied_edits: [] }, new_thing: 7 })).toMatchObject({
      context_management: { applied_edits: [] },
      new_thing: 7,
    });
  });

  test('`type`, `role`, `content` are never overwritten', () => {
    const assembler = assemble([
      ...m.textEvents(['A']).slice(0, -2),
      { type: 'message_delta', delta: { type: 'x', role: 'user', content: [] }, usage: {}, content: 'no', role: 'no' },
    ]);
    expect(assembler.message).toMatchObject({
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: 'A' }],
    });
    expect(assembler.diagnostics.map(({ code, severity, message }) => [code, severity, message])).toEqual([
      ['reserved-key', 'warning', 'message_delta may not change type, role, content: left as it was'],
    ]);
  });

  test('under `strict` a refused one leaves no trace', () => {
    const assembler = assemble([m.start()], { strict: ['reserved-key'] });
    const before = assembler.message;
    expect(() =>
      assembler.apply(toStreamEvent({ type: 'message_delta', delta: { role: 'user', stop_reason: 'x' } })),
    ).toThrow('role');
    expect(assembler.message).toBe(before);
  });
});

describe('the provisional message', () => {
  test('nothing before the first block', () => {
    expect(assemble([m.ping, { type: 'odd' }]).message).toBeUndefined();
  });

  test('is adopted by the start, whose keys overwrite it; what came stays', () => {
    const assembler = assemble([
      m.textStart(0, 'A'),
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: {} },
    ]);
    expect(assembler.message).toEqual({
      id: '',
      type: 'message',
      role: 'assistant',
      model: '',
      content: [{ type: 'text', text: 'A' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: {},
    });
    assembler.apply(toStreamEvent(m.start()));
    expect(assembler.message).toMatchObject({
      id: 'msg_1',
      model: 'claude-test',
      stop_reason: 'end_turn',
      usage: { input_tokens: 3, output_tokens: 1 },
      content: [{ type: 'text', text: 'A' }],
    });
    assembler.apply(toStreamEvent(m.blockStop(0)));
    assembler.apply(toStreamEvent(m.stop));
    expect(assembler.outcome.status).toBe('complete');
  });
});

describe('the outcome', () => {
  test('is open while it runs, and settles once', () => {
    const assembler = assemble([m.start()]);
    expect(assembler.outcome).toEqual({ status: 'open', stopReason: null });
    assembler.end();
    const { outcome } = assembler;
    expect(outcome).toMatchObject({ status: 'truncated', stopReason: null });
    expect(outcome.error).toBeInstanceOf(TruncatedError);
    assembler.end(new Error('late'));
    expect(assembler.outcome).toBe(outcome);
    expect(() => assembler.apply({ type: 'ping' })).toThrow(TypeError);
  });

  test('after message_stop nothing changes it, and what came late is noted', () => {
    const assembler = assemble(m.textEvents(['A']));
    const { message, outcome } = assembler;
    assembler.apply(toStreamEvent(m.apiError()));
    assembler.apply(toStreamEvent(m.messageDelta('max_tokens')));
    assembler.end(new Error('socket reset'));
    expect(assembler.message).toBe(message);
    expect(assembler.outcome).toBe(outcome);
    expect(outcome.status).toBe('complete');
    expect(codesOf(assembler)).toEqual(['event-after-stop', 'event-after-stop', 'event-after-stop']);
  });

  test('`messages` holds them all; the others are about the last', () => {
    const assembler = assemble([...m.textEvents(['one']), ...m.textEvents(['two'], 'msg_2').slice(0, -1)]);
    expect(assembler.messages).toMatchObject([
      { message: { id: 'msg_1', content: [{ text: 'one' }] }, blocks: [{ index: 0 }], outcome: { status: 'complete' } },
      { message: { id: 'msg_2', content: [{ text: 'two' }] }, blocks: [{ index: 0 }], outcome: { status: 'open' } },
    ]);
    expect(assembler.messages[1]?.message).toBe(assembler.message);
    expect(assembler.messages[1]?.blocks).toBe(assembler.blocks);
    expect(assembler.messages[1]?.outcome).toBe(assembler.outcome);
  });
});

describe('diagnostics', () => {
  test('at most `maxDiagnostics` are kept, the rest is counted and still delivered', () => {
    const told: unknown[] = [];
    const assembler = new MessageAssembler({ maxDiagnostics: 2, onDiagnostic: (each) => told.push(each) });
    for (const event of [m.start(), m.blockStop(1), m.blockStop(2), m.blockStop(3)])
      assembler.apply(toStreamEvent(event));
    expect(assembler.diagnostics.map(({ index, at }) => [index, at.event])).toEqual([
      [1, 2],
      [2, 3],
    ]);
    expect(assembler.diagnosticCount).toBe(3);
    expect(told).toHaveLength(3);
  });

  test('1,000 by default; `raw` is at most 4 kB', () => {
    const raw = 'x'.repeat(10_000);
    const assembler = assemble([
      m.start(),
      ...Array.from({ length: 1200 }, () => ({ type: 'unknown', reason: 'json', raw })),
    ]);
    expect(assembler.diagnostics).toHaveLength(1000);
    expect(assembler.diagnosticCount).toBe(1200);
    expect(assembler.diagnostics[0]?.raw).toBe('x'.repeat(4096));
  });

  test('`at` is what the carrier says', () => {
    const assembler = new MessageAssembler();
    assembler.apply(toStreamEvent(m.textStart(0)), { event: 40, byte: 4000 });
    expect(assembler.diagnostics[0]?.at).toEqual({ event: 40, byte: 4000 });
  });
});

describe('fields that hold anything', () => {
  /** An object whose own `toString` is no function has no text. */
  const textless = { toString: 1, valueOf: 1 };

  test.each<[string, readonly object[], string]>([
    [
      'a start whose index is an object',
      [m.blockStart(textless as never, { type: 'text' })],
      'Index an object is no block index: read as 0',
    ],
    [
      'a delta whose index is an array',
      [m.textDelta([1] as never, 'x')],
      'Index an array is no block index: text_delta goes to an implied block',
    ],
    [
      'a stop whose index is an object',
      [m.blockStop(textless as never)],
      'Index an object is no block index: nothing is open',
    ],
    ['an event with a field `raw`', [{ ...m.blockStop(0), raw: 7 }], 'Cannot stop block 0: it never started'],
    ['a shape whose type is an object', [{ type: textless }], 'Cannot read an event: its type is an object'],
  ])('%s', (_, events, message) => {
    const assembler = assemble([m.start(), ...events]);
    expect(assembler.diagnostics[0]?.message).toBe(message);
    assembler.end();
  });

  test('a stop reason that is an object', () => {
    const assembler = assemble([
      m.start(),
      m.textStart(0),
      { type: 'message_delta', delta: { stop_reason: textless }, usage: {} },
      m.stop,
    ]);
    expect(codesOf(assembler)).toEqual(['missing-block-stop']);
    expect(assembler.message?.stop_reason).toEqual(textless);
  });

  test("the server's own `raw` is not quoted as the data", () => {
    expect(assemble([m.start(), { ...m.blockStop(0), raw: 'mine' }]).diagnostics[0]).not.toHaveProperty('raw');
  });
});

test("a usage inside delta is the event's own object, and is not written", () => {
  const inside = { type: 'message_delta', delta: { usage: {} }, usage: { output_tokens: 7 } };
  const assembler = assemble([m.start(), { ...m.messageDelta(), usage: { output_tokens: 1 } }, inside]);
  expect(inside.delta.usage).toEqual({});
  expect(assembler.message?.usage.output_tokens).toBe(7);
});
