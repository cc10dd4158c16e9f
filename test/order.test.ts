/** The order of events: each cell of the table is what a real assembler does, and `advance` is pure. */

import { describe, expect, test } from 'vitest';
import { MessageAssembler, SEVERITIES, toStreamEvent } from '../src/index.ts';
import type { StreamEvent } from '../src/index.ts';
import { type Action, advance, BLOCK_ORDER, type Kind, kindOf, ORDER, type Phase } from '../src/protocol/order.ts';
import * as m from './support/messages.ts';
import { codesOf, seeOutcome } from './support/stream.ts';

/** The events that bring a stream into a phase. */
const WAY: Readonly<Record<Phase, readonly object[]>> = {
  before: [],
  provisional: [m.textStart(0, 'A')],
  open: [m.start(), m.textStart(0, 'A')],
  stopped: m.textEvents(['A']),
  errored: [m.start(), m.textStart(0, 'A'), m.apiError()],
};

/** An event of each kind. */
const EVENT: Readonly<Record<Kind, StreamEvent>> = {
  message_start: toStreamEvent(m.start('msg_2')),
  same_start: toStreamEvent(m.start('msg_1')),
  content: toStreamEvent(m.textStart(1, 'B')),
  message_delta: toStreamEvent(m.messageDelta('stop_sequence')),
  message_stop: { type: 'message_stop' },
  error: toStreamEvent(m.apiError()),
  ping: { type: 'ping' },
  unknown: toStreamEvent({ type: 'odd_event' }),
  sentinel: { type: 'unknown', reason: 'sentinel', raw: '[DONE]' },
  malformed: { type: 'unknown', reason: 'json', raw: '{' },
};

function at(phase: Phase): MessageAssembler {
  const assembler = new MessageAssembler();
  for (const event of WAY[phase]) assembler.apply(toStreamEvent(event));
  return assembler;
}

const phases = Object.keys(ORDER) as Phase[];
const kinds = Object.keys(EVENT) as Kind[];
const cells = phases.flatMap((phase) => kinds.map((kind) => [phase, kind] as const));

/** What shows, of each action. */
const SHOWS: Readonly<Record<Action, (before: MessageAssembler, after: MessageAssembler, phase: Phase) => void>> = {
  begin: (before, after) => {
    expect(after.messages).toHaveLength(before.messages.length + 1);
    expect(after.message?.content).toEqual([]);
    expect(after.outcome).toEqual({ status: 'open', stopReason: null });
  },
  replace: (before, after) => {
    expect(after.messages).toHaveLength(before.messages.length + 1);
    expect(after.messages.at(-2)?.outcome.status).toBe('truncated');
    expect(after.message).toMatchObject({ id: 'msg_2', content: [] });
  },
  adopt: (before, after) => {
    expect(after.messages).toHaveLength(1);
    expect(after.message?.id).toMatch(/^msg_/);
    expect(after.message?.content).toEqual(before.message?.content);
  },
  apply: (before, after) => {
    expect([after.message, codesOf(after)]).not.toEqual([before.message, codesOf(before)]);
    expect(after.messages).toHaveLength(after.message === undefined ? 0 : 1);
  },
  finish: (_, after, phase) => {
    expect(after.outcome.status).toBe(phase === 'provisional' ? 'damaged' : 'complete');
  },
  fail: (_, after) => {
    expect(after.outcome).toMatchObject({ status: 'errored', error: { name: 'OverloadedError' } });
  },
  pass: (before, after) => {
    expect([after.message, seeOutcome(after.outcome)]).toEqual([before.message, seeOutcome(before.outcome)]);
  },
  note: (before, after) => {
    expect([after.message, seeOutcome(after.outcome)]).toEqual([before.message, seeOutcome(before.outcome)]);
    expect(after.diagnosticCount).toBe(before.diagnosticCount + 1);
  },
};

test('the table is whole', () => {
  expect(phases.toSorted()).toEqual(Object.keys(WAY).toSorted());
  for (const phase of phases) expect(Object.keys(ORDER[phase]).toSorted()).toEqual(kinds.toSorted());
});

describe.each(cells)('in phase %s: %s', (phase, kind) => {
  const step = ORDER[phase][kind];

  test('does what the table says', () => {
    const before = at(phase);
    const after = at(phase);
    after.apply(EVENT[kind]);
    SHOWS[step.action](before, after, phase);
    const fresh = codesOf(after).slice(before.diagnosticCount);
    if (step.code !== undefined) expect(fresh).toContain(step.code);
    else expect(fresh.filter((code) => /start|further|after/.test(code))).toEqual([]);
    if (step.code !== undefined) expect(SEVERITIES).toHaveProperty([step.code]);
  });

  test('leads to the phase that the table says', () => {
    const assembler = at(phase);
    assembler.apply(EVENT[kind]);
    expect(assembler.toJSON().phase).toBe(step.phase);
  });

  test('advance is pure', () => {
    const first = advance(phase, kind);
    const copy = structuredClone(first);
    expect(advance(phase, kind)).toEqual(copy);
    expect(first).toEqual(copy);
    expect(first).toBe(step);
  });
});

test('each way leads to its phase', () => {
  for (const phase of phases) expect(at(phase).toJSON().phase).toBe(phase);
});

test.each<[StreamEvent, unknown, Kind]>([
  [EVENT.same_start, 'msg_1', 'same_start'],
  [EVENT.same_start, 'msg_7', 'message_start'],
  [EVENT.same_start, undefined, 'message_start'],
  [toStreamEvent(m.textDelta(0, 'x')), undefined, 'content'],
  [toStreamEvent(m.blockStop(0)), undefined, 'content'],
  [EVENT.content, undefined, 'content'],
  [{ type: 'unknown', reason: 'empty', raw: '' }, undefined, 'sentinel'],
  [{ type: 'unknown', reason: 'shape', raw: '7', wire: 7 }, undefined, 'malformed'],
  [EVENT.unknown, undefined, 'unknown'],
  [EVENT.error, undefined, 'error'],
  [EVENT.ping, undefined, 'ping'],
])('the kind of %j with %j open is %s', (event, openId, kind) => {
  expect(kindOf(event, openId)).toBe(kind);
});

describe('blocks', () => {
  const at0 = {
    none: [m.start()],
    open: [m.start(), m.textStart(0)],
    closed: [m.start(), m.textStart(0), m.blockStop(0)],
    unfit: [m.start(), m.blockStart(0, { type: 'redacted_thinking', data: 'd' })],
  };
  const does = { start: m.textStart(0), delta: m.textDelta(0, 'x'), stop: m.blockStop(0) };

  test.each(
    Object.entries(BLOCK_ORDER).flatMap(([what, row]) =>
      Object.entries(row).map(([stands, code]) => [what, stands, code] as const),
    ),
  )('%s where the index is %s: %s', (what, stands, code) => {
    const assembler = new MessageAssembler();
    for (const event of at0[stands as keyof typeof at0]) assembler.apply(toStreamEvent(event));
    assembler.apply(toStreamEvent(does[what as keyof typeof does]));
    const also = what === 'start' && stands === 'open' ? ['missing-block-stop'] : [];
    expect(codesOf(assembler)).toEqual([...(code === undefined ? [] : [code]), ...also]);
  });
});
