/**
 * The promises of a snapshot, held over whole streams: it never changes, what did not change since the last one is the
 * same object, what did is another one, and looking changes nothing. `snapshots.test.ts` has the single rules.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { MessageAssembler, MessageParser, toStreamEvent } from '../src/index.ts';
import type { BlockInfo, ContentBlock, Message, StreamEvent } from '../src/index.ts';
import { PartialJson } from '../src/json/partial.ts';
import { captures, hasCaptures, readCapture } from './support/captures.ts';
import { FUZZ, RUNS, seeded } from './support/chunkings.ts';
import * as m from './support/messages.ts';
import { anyEvents, meantMessage } from './support/streams-arbitrary.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/', import.meta.url));
const FIXTURES = ['messages', 'hostile'].flatMap((set) =>
  readdirSync(FOLDER + set)
    .filter((file) => file.endsWith('.sse'))
    .map((file) => `${set}/${file}`),
);

function eventsIn(bytes: Uint8Array): StreamEvent[] {
  const events: StreamEvent[] = [];
  const parser = new MessageParser({ onEvent: (event) => events.push(event) });
  parser.push(bytes);
  parser.end();
  return events;
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
}

/** Deltas that may make a new block with the old content: they assign, or the input has not grown to the eye. */
const REPEATING = new Set(['signature_delta', 'compaction_delta', 'input_json_delta']);

/** Whether the event may give this block a new identity though it says what it said. */
function mayRepeat(event: StreamEvent | undefined, info: BlockInfo): boolean {
  if (event?.type === 'content_block_delta' && REPEATING.has(event.delta.type)) return true;
  // Input that came to nothing: what was shown of it makes room for what the start said.
  return info.state !== 'open' && info.inputState !== undefined && info.inputState !== 'valid';
}

/** One look: what was handed out, frozen, and what it said at that time. */
class Look {
  readonly message: Message | undefined;
  readonly blocks: readonly BlockInfo[];
  readonly texts: readonly string[];
  /** All of it but the live input of open blocks. */
  readonly text: string;

  constructor({ message, blocks }: MessageAssembler) {
    this.message = message;
    this.blocks = blocks;
    this.texts = (message?.content ?? []).map((block) => JSON.stringify(block));
    this.text = this.#lasting();
    deepFreeze(blocks);
    if (message === undefined) return;
    for (const [k, block] of message.content.entries()) {
      const { input, ...rest } = block as { input?: unknown };
      deepFreeze(this.#isLive(k) ? rest : { ...rest, input });
      Object.freeze(block);
    }
    Object.freeze(message.content);
    deepFreeze({ ...message, content: undefined });
    Object.freeze(message);
  }

  #isLive(k: number): boolean {
    const info = this.blocks[k];
    return info?.state === 'open' && info.inputState !== undefined;
  }

  #lasting(): string {
    const content = this.message?.content.map((block, k) => (this.#isLive(k) ? { ...block, input: 0 } : block));
    return JSON.stringify([{ ...this.message, content }, this.blocks]);
  }

  expectUnchanged(): void {
    expect(this.#lasting()).toBe(this.text);
  }

  /** However many events lie between: what says something else is something else. */
  expectNewWhereChanged(before: Look): void {
    const old = new Map(before.message?.content.map((block, k) => [block, before.texts[k]]));
    for (const [k, block] of (this.message?.content ?? []).entries()) {
      if (old.has(block)) expect(this.texts[k], `block ${k}`).toBe(old.get(block));
    }
  }

  /** Holds this look against the one before it, one event earlier (the end of the stream has none). */
  expectToShareWith(before: Look, event: StreamEvent | undefined): void {
    const [now, then] = [this.message, before.message];
    // A start begins another message, even where it has the same id.
    if (now === undefined || then === undefined || event?.type === 'message_start') return;
    const places = new Map(before.blocks.map(({ ordinal }, k) => [ordinal, k]));
    let changed = now.content.length === then.content.length ? 0 : 1;
    for (const [k, info] of this.blocks.entries()) {
      const at = places.get(info.ordinal);
      if (at === undefined) continue;
      const [block, was] = [now.content[k] as ContentBlock, then.content[at] as ContentBlock];
      if (block !== was) changed++;
      const equal = this.texts[k] === before.texts[at];
      const name = `block ${k} after ${JSON.stringify(event)}`;
      if (equal && !mayRepeat(event, info)) expect(block, name).toBe(was);
      expectToShareValues(block, was, name);
      const elsewhere = (event as { index?: unknown } | undefined)?.index !== info.index;
      if (elsewhere && JSON.stringify(info) === JSON.stringify(before.blocks[at])) {
        expect(info, name).toBe(before.blocks[at]);
      }
    }
    if (event?.type === 'content_block_delta') expect(changed).toBeLessThanOrEqual(1);
    if (event?.type.startsWith('content_block_')) expect(now.usage).toBe(then.usage);
    if (event?.type === 'message_delta') expect(now.content).toBe(then.content);
    if (changed === 0) expect(now.content).toBe(then.content);
    if (changed === 0 && event?.type !== 'message_delta' && event?.type !== 'content_block_start') {
      expect(now).toBe(then);
    }
    if (now === then) expect(this.texts).toEqual(before.texts);
  }
}

/** What is inside a block that was replaced: citations, nested results. The input is live. */
function expectToShareValues(block: ContentBlock, was: ContentBlock, name: string): void {
  for (const [key, value] of Object.entries(block)) {
    const old = (was as unknown as Record<string, unknown>)[key];
    if (key !== 'input' && JSON.stringify(value) === JSON.stringify(old)) expect(value, `${key} of ${name}`).toBe(old);
  }
}

const told = ({ messages, diagnostics, outcome, orphanDeltas }: MessageAssembler): string =>
  JSON.stringify([messages, diagnostics, outcome, orphanDeltas], (_, value: unknown) =>
    value instanceof Error ? String(value) : value,
  );

/** Assembles with a look after each event for which `looks` says so, and gives what it came to. */
function assemble(events: readonly StreamEvent[], looks: (n: number) => boolean): string {
  const assembler = new MessageAssembler();
  let last = new Look(assembler);
  const kept = [last];
  const look = (event: StreamEvent | undefined, follows: boolean): void => {
    const next = new Look(assembler);
    next.expectNewWhereChanged(last);
    if (follows) next.expectToShareWith(last, event);
    last = next;
    // All of a short stream, some of a long one: each is held against every later event.
    if (kept.length < 200) kept.push(next);
  };
  let followed = true;
  for (const [n, event] of events.entries()) {
    assembler.apply(event);
    if (looks(n)) look(event, followed);
    followed = looks(n);
  }
  assembler.end();
  look(undefined, followed);
  for (const each of kept) each.expectUnchanged();
  return told(assembler);
}

/** What a look shows after the events, `looked` at after each of them or never before. */
function shownAfter(events: readonly StreamEvent[], looked: boolean): string {
  const assembler = new MessageAssembler();
  for (const event of events) {
    assembler.apply(event);
    if (looked) void new Look(assembler);
  }
  return JSON.stringify([assembler.message, assembler.blocks]);
}

const always = (): boolean => true;
const never = (): boolean => false;

describe('a look at every event, each frozen: the same comes out as without a look', () => {
  test.each(FIXTURES)('%s', (file) => {
    const bytes = new Uint8Array(readFileSync(FOLDER + file));
    const looked = assemble(eventsIn(bytes), always);
    // New events: the first ones are frozen as far as the snapshots held them.
    expect(assemble(eventsIn(bytes), never)).toBe(looked);
  });

  test.skipIf(!hasCaptures)('captures', () => {
    const random = seeded(3);
    const chosen = captures.filter(() => FUZZ || random() < 0.06);
    expect(chosen.length).toBeGreaterThan(30);
    for (const { file } of chosen) {
      const looked = assemble(eventsIn(readCapture(file)), always);
      expect(assemble(eventsIn(readCapture(file)), never), file).toBe(looked);
    }
  });

  test('any events, with a look here and there', () => {
    const streams = fc.oneof(
      anyEvents,
      meantMessage.map(({ events }) => events),
    );
    fc.assert(
      fc.property(streams, fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), (wires, pattern) => {
        const events = (): StreamEvent[] => structuredClone(wires as object[]).map((wire) => toStreamEvent(wire));
        const without = assemble(events(), never);
        expect(assemble(events(), always)).toBe(without);
        expect(assemble(events(), (n) => pattern[n % pattern.length] as boolean)).toBe(without);
      }),
      { numRuns: 200 * RUNS },
    );
  });
});

test('a look in the middle shows the same, whether it is the first or not', () => {
  fc.assert(
    fc.property(anyEvents, fc.nat(), (wires, place) => {
      const events = (): StreamEvent[] =>
        structuredClone(wires.slice(0, 1 + (place % (wires.length + 1))) as object[]).map((wire) =>
          toStreamEvent(wire),
        );
      expect(shownAfter(events(), true)).toBe(shownAfter(events(), false));
    }),
    { numRuns: 300 * RUNS },
  );
});

const BLOCKS = 20;
const DELTAS = 10_000;

interface Tall {
  assembler: MessageAssembler;
  blocks: Set<ContentBlock>;
  contents: Set<unknown>;
  /** Nanoseconds of each look with its delta. */
  times: number[];
}

/** `DELTAS` deltas over `BLOCKS` blocks, with a look at each; which block is next is for `choose`. */
function tall(choose: (n: number) => number, check: boolean): Tall {
  const assembler = new MessageAssembler();
  assembler.apply(toStreamEvent(m.start()));
  for (let k = 0; k < BLOCKS; k++) assembler.apply(toStreamEvent(m.textStart(k)));
  let last = assembler.message as Message;
  const [blocks, contents, times] = [new Set(last.content), new Set<unknown>([last.content]), [] as number[]];
  for (let n = 0; n < DELTAS; n++) {
    const k = choose(n);
    const event = toStreamEvent(m.textDelta(k, 'word '));
    const begun = process.hrtime.bigint();
    assembler.apply(event);
    const next = assembler.message as Message;
    times.push(Number(process.hrtime.bigint() - begun));
    if (check) {
      const changed = next.content.flatMap((block, i) => (block === last.content[i] ? [] : [i]));
      if (changed.length !== 1 || changed[0] !== k) expect(changed, `delta ${n}`).toEqual([k]);
      if (next.usage !== last.usage) expect(next.usage).toBe(last.usage);
      for (const block of next.content) blocks.add(block);
      contents.add(next.content);
    }
    last = next;
  }
  return { assembler, blocks, contents, times };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

describe(`a look at each of ${DELTAS} deltas over ${BLOCKS} blocks`, () => {
  test.each<[string, (n: number) => number]>([
    ['in turns', (n) => n % BLOCKS],
    ['one after another', (n) => Math.floor((n * BLOCKS) / DELTAS)],
  ])('copies the block that changed and no other: %s', (_, choose) => {
    const { assembler, blocks, contents } = tall(choose, true);
    expect(blocks.size).toBe(BLOCKS + DELTAS);
    expect(contents.size).toBe(1 + DELTAS);
    const text = 'word '.repeat(DELTAS / BLOCKS);
    expect(assembler.message?.content).toEqual(Array.from({ length: BLOCKS }, () => ({ type: 'text', text })));
  });

  // The bench measures the ratio; this only sees that the cost does not grow with what has come.
  test('costs the same at the end as at the start, loosely', { retry: 3 }, () => {
    tall((n) => n % BLOCKS, false);
    const { times } = tall((n) => n % BLOCKS, false);
    const tenth = DELTAS / 10;
    expect(median(times.slice(-tenth)) / median(times.slice(0, tenth))).toBeLessThan(3);
  });
});

describe('nobody looking', () => {
  afterEach(() => void vi.restoreAllMocks());

  const PIECES = 1000;
  const tool = [
    m.start(),
    m.blockStart(0, { type: 'tool_use', id: 't', name: 'n', input: {} }),
    m.delta(0, { type: 'input_json_delta', partial_json: '[0' }),
    ...Array.from({ length: PIECES }, (_, n) => m.delta(0, { type: 'input_json_delta', partial_json: `,${n}` })),
    m.delta(0, { type: 'input_json_delta', partial_json: ']' }),
    m.blockStop(0),
  ];

  // What a block's copies cost cannot be seen from outside; what live input costs can be counted.
  test.each([
    ['no look: the input is not read before its block stops', never, 0],
    ['one look: it is read from there on in one go', (n: number) => n === PIECES / 2, 1],
    ['a look at every event: once each', always, PIECES + 2],
  ])('%s', (_, looks, reads) => {
    const push = vi.spyOn(PartialJson.prototype, 'push');
    const assembler = new MessageAssembler();
    for (const [n, event] of tool.entries()) {
      if (n === tool.length - 1) expect(push).toHaveBeenCalledTimes(reads);
      assembler.apply(toStreamEvent(event));
      if (looks(n)) void assembler.message;
    }
    expect(assembler.message).toMatchObject({ content: [{ input: { length: PIECES + 1 } }] });
  });
});
