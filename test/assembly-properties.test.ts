/** What holds for every input: properties of assembly, each named as it is promised. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeEvent,
  MessageAssembler,
  MessageParser,
  ProtocolError,
  StreamError,
  toStreamEvent,
} from '../src/index.ts';
import type { BlockInfo, Message, StreamEvent } from '../src/index.ts';
import { SseScanner } from '../src/sse/scanner.ts';
import { cutPlaces, sseSoup } from './support/arbitraries.ts';
import { captures, hasCaptures, readCapture } from './support/captures.ts';
import { cutAt, RUNS, seeded } from './support/chunkings.ts';
import { codesOf, eventsOf, observe, type Seen, sse } from './support/stream.ts';
import { anyEvents, meantMessage, nearlyStream, oddEvent } from './support/streams-arbitrary.ts';

const bytesOf = (events: readonly { type: string }[]): Uint8Array =>
  new Uint8Array(Buffer.from(events.map((event) => sse(event)).join('')));
const cutUp = (bytes: Uint8Array, places: readonly number[]): Uint8Array[] =>
  cutAt(
    bytes,
    places.map((place) => place % (bytes.length + 1)),
  );

/** What no input may break. */
function expectSound({ message, blocks, messages, outcome, diagnostics, calls }: Seen): void {
  expect(outcome.status).not.toBe('open');
  expect(outcome.error === undefined).toBe(outcome.status === 'complete');
  expect(blocks.map(({ type }) => type)).toEqual(message?.content.map(({ type }) => type) ?? []);
  expect(blocks.filter(({ state }) => state === 'open')).toEqual([]);
  const order = blocks.toSorted((a, b) => a.index - b.index || a.ordinal - b.ordinal);
  expect(blocks).toEqual(order);
  expect(new Set(blocks.map(({ ordinal }) => ordinal)).size).toBe(blocks.length);
  for (const [k, info] of blocks.entries()) {
    const { input } = (message as Message).content[k] as { input?: unknown };
    if (info.inputState === 'valid' && info.inputText !== undefined && info.inputText.trim() !== '') {
      expect(input).toEqual(JSON.parse(info.inputText));
    }
    expect(['none', undefined].includes(info.inputState) || input !== undefined).toBe(true);
  }
  expect(calls.filter(([name]) => name === 'message')).toHaveLength(messages.length);
  const told = calls.filter(([name]) => name === 'block');
  expect(told).toHaveLength(messages.reduce((sum, each) => sum + each.blocks.length, 0));
  expect(calls.filter(([name]) => name === 'diagnostic').map(([, each]) => each)).toEqual(diagnostics);
}

describe('any bytes at all give only ProtocolError, or nothing', () => {
  const body = oddEvent.map(
    (event) => new Uint8Array(Buffer.from(JSON.stringify((event as { message?: unknown }).message ?? event))),
  );
  const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), sseSoup, body, nearlyStream, nearlyStream);

  test('tolerant: nothing is thrown, and what comes out is sound', () => {
    fc.assert(
      fc.property(anyBytes, cutPlaces, (bytes, places) => {
        const seen = observe(cutUp(bytes, places));
        expect(seen.thrown).toBeUndefined();
        expectSound(seen);
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('strict, or with small limits: push throws ProtocolError, end what the outcome holds', () => {
    fc.assert(
      fc.property(anyBytes, cutPlaces, fc.integer({ min: 20, max: 300 }), (bytes, places, maxEventBytes) => {
        const parser = new MessageParser({}, { strict: true, limits: { maxEventBytes } });
        let thrown: unknown;
        try {
          for (const chunk of cutUp(bytes, places)) parser.push(chunk);
        } catch (error) {
          thrown = error;
          expect(error).toBeInstanceOf(ProtocolError);
        }
        try {
          parser.end();
        } catch (error) {
          expect(error).toBeInstanceOf(StreamError);
          if (thrown !== undefined) expect(error).toBe(thrown);
          else if (!(error instanceof ProtocolError)) expect(error).toBe(parser.outcome.error);
        }
        expect(parser.outcome.status).not.toBe('open');
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('every chunking gives the same', () => {
    fc.assert(
      fc.property(nearlyStream, cutPlaces, cutPlaces, (bytes, one, other) => {
        expect(observe(cutUp(bytes, one))).toStrictEqual(observe(cutUp(bytes, other)));
      }),
      { numRuns: 200 * RUNS },
    );
  });

  test('saved and restored at any place, nothing changes', () => {
    fc.assert(
      fc.property(nearlyStream, cutPlaces, (bytes, places) => {
        const chunks = cutUp(bytes, places);
        expect(observe(chunks, { restoring: true })).toEqual(observe(chunks));
      }),
      { numRuns: 200 * RUNS },
    );
  });
});

/** The events by the SSE layer alone; the last one counts where only its blank line was missing. */
function countOf(bytes: Uint8Array): { dispatched: number; unfinished: boolean } {
  const scanner = new SseScanner();
  scanner.write(bytes);
  let dispatched = 0;
  while (scanner.next() !== undefined) dispatched++;
  const unfinished = scanner.end() !== undefined;
  while (scanner.next() !== undefined) dispatched++;
  return { dispatched, unfinished };
}

test('events in = events out', () => {
  fc.assert(
    fc.property(anyEvents, sseSoup, (events, soup) => {
      const bytes = new Uint8Array(Buffer.concat([Buffer.from(': x\n'), bytesOf(events), soup]));
      const seen = observe([bytes]);
      expect(seen.thrown).toBeUndefined();
      const { dispatched, unfinished } = countOf(bytes);
      const adopted = codesOf(seen).includes('missing-final-blank-line');
      expect(eventsOf(seen)).toHaveLength(dispatched + (adopted ? 1 : 0));
      expect(adopted || codesOf(seen).includes('unfinished-event')).toBe(unfinished);
    }),
    { numRuns: 200 * RUNS },
  );
});

test('any valid event sequence in any chunking gives the message of a one-shot assembly, and the one that was meant', () => {
  fc.assert(
    fc.property(meantMessage, cutPlaces, ({ events, message }, places) => {
      const oneShot = new MessageAssembler();
      for (const event of events)
        oneShot.apply(decodeEvent({ event: event.type, named: true, id: '', data: JSON.stringify(event) }));
      oneShot.end();
      const seen = observe(cutUp(bytesOf(events), places));
      expect(oneShot.message).toEqual(message);
      expect(seen.message).toEqual(message);
      expect(seen.blocks).toEqual(oneShot.blocks);
      expect(seen.outcome).toEqual({ status: 'complete', stopReason: message.stop_reason });
      expect(codesOf(seen)).toEqual([]);
      expect(eventsOf(seen).map(({ event }) => event)).toEqual(JSON.parse(JSON.stringify(events)));
      expect(
        seen.calls
          .filter(([name]) => name === 'text')
          .map(([, text]) => text)
          .join('').length,
      ).toBeLessThanOrEqual(JSON.stringify(events).length);
      expectSound(seen);
    }),
    { numRuns: 200 * RUNS },
  );
});

/** What a snapshot holds that may not change: all but the live input of blocks that were open. */
function fixed(message: Message, blocks: readonly BlockInfo[]): unknown {
  const content = message.content.map((block, k) => {
    if (blocks[k]?.inputState !== 'partial' || blocks[k]?.state !== 'open') return block;
    const { input: _, ...rest } = block as unknown as Record<string, unknown>;
    return rest;
  });
  return { ...message, content };
}

test('looking after every event changes nothing, and what was shown never changes', () => {
  fc.assert(
    fc.property(anyEvents, (events) => {
      const list: StreamEvent[] = events.map((event) => toStreamEvent(event));
      const frozen = structuredClone(list);
      const blind = new MessageAssembler();
      const looking = new MessageAssembler();
      const shown: { message: Message; blocks: readonly BlockInfo[]; copy: unknown }[] = [];
      for (const event of list) {
        blind.apply(event);
        looking.apply(event);
        const { message, blocks } = looking;
        if (message !== undefined)
          shown.push({ message, blocks, copy: structuredClone([fixed(message, blocks), blocks]) });
      }
      blind.end();
      looking.end();
      expect(looking.message).toEqual(blind.message);
      expect(looking.blocks).toEqual(blind.blocks);
      expect(looking.diagnostics).toEqual(blind.diagnostics);
      expect(looking.messages.map(({ message }) => message)).toEqual(blind.messages.map(({ message }) => message));
      for (const { message, blocks, copy } of shown) expect([fixed(message, blocks), blocks]).toEqual(copy);
      expect(list).toEqual(frozen);
    }),
    { numRuns: 300 * RUNS },
  );
});

test('no text is lost: every delta of text is in some block of some message', () => {
  fc.assert(
    fc.property(anyEvents, (events) => {
      const seen = observe([bytesOf(events)]);
      const told = seen.calls.filter(([name]) => name === 'text').map(([, text]) => text);
      const held = seen.messages.flatMap(({ message, blocks }) => [
        ...message.content.map((block) => (block as { text?: string }).text ?? ''),
        ...blocks.flatMap(({ unknownDeltas = [] }) =>
          unknownDeltas.map((delta) => (delta as { text?: string }).text ?? ''),
        ),
      ]);
      const count = (texts: readonly unknown[]): number => texts.join('').replaceAll(/[^a]/g, '').length;
      expect(count(held)).toBe(count(told));
    }),
    { numRuns: 200 * RUNS },
  );
});

/** A capture with a few places changed: bytes flipped, taken out, doubled; lines swapped. */
function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  let result = Buffer.from(bytes);
  const place = (): number => Math.floor(random() * result.length);
  for (let i = 0; i < 1 + random() * 4; i++) {
    const [from, to] = [place(), place()].sort((a, b) => a - b) as [number, number];
    const end = Math.min(to, from + 400);
    const [before, middle, after] = [result.subarray(0, from), result.subarray(from, end), result.subarray(end)];
    const ways: Buffer[][] = [
      [before, after],
      [before, middle, middle, after],
      [before, Buffer.from([Math.floor(random() * 256)]), after],
      [before, Buffer.from(middle.toReversed()), after],
      [before],
      [before, Buffer.from('\n\n'), middle, after],
    ];
    result = Buffer.concat(ways[Math.floor(random() * ways.length)] as Buffer[]);
  }
  return new Uint8Array(result);
}

describe.skipIf(!hasCaptures)('the captures, mutated', () => {
  test('never throw, and what comes out is sound in every chunking', () => {
    const small = captures.map(({ file }) => file).filter((_, i) => i % 20 === 0);
    for (const [i, file] of small.entries()) {
      const original = readCapture(file).subarray(0, 20_000);
      for (let run = 0; run < RUNS; run++) {
        const seed = i * 1000 + run;
        const random = seeded(seed);
        const bytes = mutate(original, random);
        const name = `${file}, seed ${seed}`;
        const whole = observe([bytes]);
        expect(whole.thrown, name).toBeUndefined();
        expectSound(whole);
        const places = Array.from({ length: 20 }, () => Math.floor(random() * (bytes.length + 1)));
        expect(observe(cutAt(bytes, places)), name).toStrictEqual(whole);
      }
    }
  });
});
