/** The clocks of a stream: what counts as content, gaps, speed, stalls and who made them. */

import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { CLOCK_NAMES, CLOCKS } from '../src/timing/names.ts';
import { StreamClock } from '../src/timing/clock.ts';
import { gapsOf, percentile } from '../src/timing/percentile.ts';
import { BURST_MS, HELD_BACK_DELTAS, STALL_CAUSES, STALL_MS } from '../src/timing/stalls.ts';
import { StatsReader } from '../src/timing/stream-stats.ts';
import type { Timing } from '../src/timing/timing.ts';
import { type TimedChunk, timingOf, type TimingOptions } from '../src/timing/timing-of.ts';
import { Totals } from '../src/timing/totals.ts';
import { weightOf } from '../src/timing/weight.ts';
import { toStreamEvent } from '../src/protocol/decode.ts';
import { encodeUtf8 } from '../src/sse/utf8.ts';
import { captures, hasCaptures, readCapture } from './support/captures.ts';
import * as m from './support/messages.ts';
import { meantMessage } from './support/streams-arbitrary.ts';

// A hundred times the runs take longer than a test may, and beside other work so do the usual ones.
vi.setConfig({ testTimeout: 120_000 });
const RUNS = 100 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1);

/** What came at one moment: events, or text as it stands. */
type Came = readonly [ms: number | undefined, ...what: ({ type: string } | string)[]];

function chunksOf(came: readonly Came[]): TimedChunk[] {
  return came.map(([ms, ...what]) => ({
    us: ms === undefined ? undefined : ms * 1000,
    bytes: encodeUtf8(what.map((one) => (typeof one === 'string' ? one : m.frame(one))).join('')),
  }));
}

function timing(came: readonly Came[], options: TimingOptions = {}): Timing {
  return timingOf(chunksOf(came), options);
}

const texts = (count: number): { type: string }[] => Array.from({ length: count }, (_, i) => m.textDelta(0, `${i} `));
const thinkingStart = m.blockStart(0, { type: 'thinking', thinking: '', signature: '' });
const thinking = (text: string): { type: string } => m.delta(0, { type: 'thinking_delta', thinking: text });
const signature = m.delta(0, { type: 'signature_delta', signature: 'c2ln' });
const tokens = (count: number): { type: string } => ({ ...m.messageDelta(), usage: { output_tokens: count } }) as never;

describe('the named clocks', () => {
  it('tells first byte, start, content, visible text, last content, stop and end apart', () => {
    const { clocks } = timing(
      [
        [250, m.ping],
        [300, m.start(), thinkingStart, thinking('')],
        [900, thinking('hm')],
        [950, signature, m.blockStop(0), m.textStart(1)],
        [1000, m.textDelta(1, '')],
        [1400, m.textDelta(1, 'Hi')],
        [1900, m.textDelta(1, '!')],
        [1950, m.blockStop(1), m.messageDelta()],
        [2000, m.stop],
      ],
      { headersUs: 210_000, end: 2_100_000 },
    );
    expect(clocks).toEqual({
      headers: 210,
      firstByte: 250,
      messageStart: 300,
      firstContent: 900,
      firstVisibleText: 1400,
      lastContent: 1900,
      messageStop: 2000,
      end: 2100,
    });
  });

  it('is not moved by what comes after the end of its message', () => {
    const after: Came = [900, m.textStart(1), m.textDelta(1, 'late'), m.ping];
    const whole: Came[] = [
      [100, m.start(), m.textStart(0)],
      [200, m.textDelta(0, 'Hi')],
      [300, m.messageDelta(), m.stop],
    ];
    const { clocks } = timing([...whole, after]);
    expect(clocks).toMatchObject({ firstContent: 200, lastContent: 200, messageStop: 300 });
    // A further message is one again.
    const second = timing([...whole, after, [1000, m.start(), m.textStart(0), m.textDelta(0, 'Again')]]);
    expect(second.clocks.lastContent).toBe(1000);
  });

  it('leaves a moment that never came undefined', () => {
    const { clocks } = timing([[5, m.ping]]);
    expect(Object.keys(clocks)).toEqual(CLOCKS);
    expect(clocks).toEqual({ ...Object.fromEntries(CLOCKS.map((clock) => [clock, undefined])), firstByte: 5 });
  });

  it('only counts where the input has no times', () => {
    const found = timing([
      [undefined, m.start(), m.textStart(0)],
      [undefined, ...texts(3), ': life\n\n', m.ping],
      [undefined, tokens(9), m.stop],
    ]);
    expect(found).toMatchObject({
      timed: false,
      gaps: undefined,
      contentGaps: undefined,
      stalls: [],
      tokensPerSecond: undefined,
    });
    expect(found).toMatchObject({ chunks: 3, events: 8, pings: 1, comments: 1, mostEventsInChunk: 4, outputTokens: 9 });
    expect(Object.values(found.clocks).every((ms) => ms === undefined)).toBe(true);
  });

  it('knows when the head came, and nothing more, where only the head has a time', () => {
    const found = timing([[undefined, m.start(), m.textStart(0), ...texts(3), m.stop]], { headersUs: 400_000 });
    expect(found).toMatchObject({ timed: false, gaps: undefined, stalls: [], tokensPerSecond: undefined });
    const clocks = Object.entries(found.clocks).filter(([, ms]) => ms !== undefined);
    expect(clocks).toEqual([['headers', 400]]);
    const clock = new StreamClock();
    clock.chunk(undefined, 10);
    clock.event(m.textDelta(0, 'a') as never, 1);
    clock.headers(400_000);
    expect(clock.end().clocks).toMatchObject({ headers: 400, firstContent: undefined, lastContent: undefined });
  });

  it('takes an earlier time as not later, and counts it', () => {
    const found = timing([
      [100, m.start()],
      [50, m.textStart(0), m.textDelta(0, 'a')],
      [120, m.textDelta(0, 'b')],
    ]);
    expect(found.backwards).toBe(1);
    expect(found.clocks.firstContent).toBe(100);
    expect(found.gaps).toEqual({ count: 2, p50: 0, p95: 20, max: 20 });
  });

  it('has the first start and the last stop of several messages, and adds up their tokens', () => {
    const one = (from: number, count: number): Came[] => [
      [from, m.start()],
      [from + 1, tokens(1)],
      [from + 2, tokens(count), m.stop],
    ];
    const found = timing([...one(10, 5), ...one(100, 7)]);
    expect(found.clocks.messageStart).toBe(10);
    expect(found.clocks.messageStop).toBe(102);
    expect(found.outputTokens).toBe(12);
  });

  it('gives the last event its place though its blank line is missing, as assembly does', () => {
    const last = 'event: message_stop\ndata: {"type":"message_stop"}';
    expect(
      timing([
        [1, m.start()],
        [7, last],
      ]),
    ).toMatchObject({ events: 2, clocks: { messageStop: 7 } });
    expect(
      timing([
        [1, m.start()],
        [7, last.slice(0, -3)],
      ]),
    ).toMatchObject({ events: 1 });
    expect(
      timing([
        [1, m.start()],
        [7, `${last}\r\r`.replaceAll('\n', '\r')],
      ]),
    ).toMatchObject({ events: 2 });
  });

  it('leaves an event out that ended before it had data, as assembly does', () => {
    expect(timing([[1, m.start(), 'event: error\n']])).toMatchObject({ events: 1 });
  });

  it('finds no events in a body of another kind', () => {
    expect(
      timing([
        [1, '{"type":"error",'],
        [2, '"error":{"type":"x","message":"y"}}\n\n'],
      ]),
    ).toMatchObject({
      events: 0,
      chunks: 2,
      clocks: { firstByte: 1, firstContent: undefined },
    });
    expect(timing([[1, `<pre>\n\n${m.frame(m.ping)}</pre>`]])).toMatchObject({ events: 0 });
  });

  it('has a name for every clock', () => {
    for (const clock of CLOCKS) expect(CLOCK_NAMES[clock].label).not.toBe('');
  });
});

describe('what is content', () => {
  const block = (value: object): { type: string } => m.blockStart(0, value);
  const rows: readonly (readonly [string, { type: string }, string])[] = [
    ['ping', m.ping, 'life'],
    ['an unknown event', { type: 'vertex_event' }, 'life'],
    ['an empty message_start', m.start(), 'progress'],
    ['an empty text block', m.textStart(0), 'progress'],
    ['an empty text block with citations', block({ citations: [], type: 'text', text: '' }), 'progress'],
    ['a text block that begins with text', m.textStart(0, 'Hi'), 'content'],
    ['an empty thinking block', thinkingStart, 'progress'],
    ['an empty tool block', block({ type: 'tool_use', id: 't', name: 'n', input: {} }), 'progress'],
    ['a tool block without input', block({ type: 'server_tool_use', id: 't', name: 'n' }), 'progress'],
    ['a tool block that came whole', block({ type: 'tool_use', id: 't', name: 'n', input: { a: 1 } }), 'content'],
    ['a result', block({ type: 'web_search_tool_result', tool_use_id: 't', content: [] }), 'content'],
    ['hidden thinking', block({ type: 'redacted_thinking', data: 'x' }), 'content'],
    ['an empty compaction', block({ type: 'compaction', content: null }), 'progress'],
    ['a compaction', block({ type: 'compaction', content: 'x' }), 'content'],
    ['text', m.textDelta(0, 'a'), 'content'],
    ['empty text', m.textDelta(0, ''), 'life'],
    ['thinking', thinking('a'), 'content'],
    ['empty thinking', thinking(''), 'life'],
    ['tool input', m.delta(0, { type: 'input_json_delta', partial_json: '{' }), 'content'],
    ['the empty piece before tool input', m.delta(0, { type: 'input_json_delta', partial_json: '' }), 'life'],
    ['a citation', m.delta(0, { type: 'citations_delta', citation: {} }), 'content'],
    ['a signature', signature, 'progress'],
    ['a block stop', m.blockStop(0), 'progress'],
    ['an error', m.apiError(), 'progress'],
  ];
  it.each(rows)('%s', (_, wire, weight) => {
    expect(weightOf(toStreamEvent(wire))).toBe(weight);
  });

  it('a start that brings its content', () => {
    const event = m.start();
    (event['message'] as { content: unknown[] }).content = [{ type: 'tool_use', id: 't', name: 'n', input: { a: 1 } }];
    expect(weightOf(toStreamEvent(event))).toBe('content');
    expect(timing([[3, event, m.stop]]).clocks).toMatchObject({ firstContent: 3, firstVisibleText: undefined });
  });
});

describe('gaps and speed', () => {
  it('measures between chunks and, apart from that, between chunks with content', () => {
    const found = timing([
      [0, m.start(), m.textStart(0)],
      [100, m.textDelta(0, 'a')],
      [150, m.ping],
      [400, m.textDelta(0, 'b')],
      [410, m.textDelta(0, 'c')],
    ]);
    expect(found.gaps).toEqual({ count: 4, p50: 50, p95: 250, max: 250 });
    expect(found.contentGaps).toEqual({ count: 2, p50: 10, p95: 300, max: 300 });
  });

  it('divides the output tokens by the time from first to last content', () => {
    const came: Came[] = [
      [500, m.start(), m.textStart(0)],
      [1000, m.textDelta(0, 'a')],
      [3000, m.textDelta(0, 'b')],
      [3100, tokens(100), m.stop],
    ];
    expect(timing(came).tokensPerSecond).toBe(50);
    // All content at one moment has no speed.
    expect(timing([came[0] as Came, [1000, ...texts(5), tokens(100)]]).tokensPerSecond).toBeUndefined();
  });

  it('counts the time of hidden thinking, since its tokens are counted', () => {
    const hidden = timing([
      [500, m.start(), thinkingStart, thinking('')],
      [4000, signature, m.blockStop(0), m.textStart(1)],
      [4500, m.textDelta(1, 'a')],
      [5500, m.textDelta(1, 'b'), tokens(1000)],
    ]);
    expect(hidden.tokensPerSecond).toBe(200);
    const seen = timing([
      [500, m.start(), thinkingStart],
      [1500, thinking('a')],
      [5500, m.textDelta(1, 'b'), tokens(1000)],
    ]);
    expect(seen.tokensPerSecond).toBe(250);
  });
});

describe('stalls', () => {
  const begun: Came = [0, m.start(), m.textStart(0), m.textDelta(0, 'a')];

  it('are held back, alive or silent, by the table', () => {
    expect(STALL_CAUSES.map(({ cause }) => cause)).toEqual(['held-back', 'server-alive', 'server-silent']);
    const after = (came: readonly Came[]): [string, number, number][] =>
      timing([begun, ...came]).stalls.map(({ cause, signs, eventsAfter }) => [cause, signs, eventsAfter]);
    expect(after([[3000, m.textDelta(0, 'b')]])).toEqual([['server-silent', 0, 1]]);
    expect(after([[3000, ...texts(HELD_BACK_DELTAS)]])).toEqual([['held-back', 0, HELD_BACK_DELTAS]]);
    expect(
      after([
        [1500, m.ping],
        [3000, ...texts(HELD_BACK_DELTAS)],
      ]),
    ).toEqual([['server-alive', 1, HELD_BACK_DELTAS]]);
    expect(
      after([
        [1500, m.ping],
        [1600, ': alive\n\n'],
        [3000, m.textDelta(0, 'b')],
      ]),
    ).toEqual([['server-alive', 2, 1]]);
    // Comments are a proxy's: it may be the one that holds back.
    expect(
      after([
        [1500, ': alive\n\n'],
        [3000, ...texts(HELD_BACK_DELTAS)],
      ]),
    ).toEqual([['held-back', 1, HELD_BACK_DELTAS]]);
  });

  it('hold for what was collected and then read in several chunks', () => {
    const found = timing([begun, [2500, ...texts(4)], [2500 + BURST_MS / 2, ...texts(4)], [2600, ...texts(4)]]);
    expect(found.stalls).toMatchObject([{ cause: 'held-back', eventsAfter: 8 }]);
  });

  it('blame nobody for holding back where so many deltas in a chunk are usual', () => {
    const usual: Came[] = [100, 200, 300, 400].map((ms) => [ms, ...texts(10)]);
    expect(timing([begun, ...usual, [5000, ...texts(12)]]).stalls).toMatchObject([{ cause: 'server-silent' }]);
    expect(timing([begun, ...usual, [5000, ...texts(40)]]).stalls).toMatchObject([{ cause: 'held-back' }]);
  });

  it('tell a proxy that collects all the time: every burst follows a stall', () => {
    const found = timing([begun, [2500, ...texts(30)], [5000, ...texts(30)], [7500, ...texts(30)]]);
    expect(found.stalls.map(({ cause }) => cause)).toEqual(['held-back', 'held-back', 'held-back']);
  });

  it('count tool input apart: the API collects that itself', () => {
    const input = Array.from({ length: 9 }, () => m.delta(0, { type: 'input_json_delta', partial_json: '1' }));
    expect(timing([begun, [4000, ...input]]).stalls).toMatchObject([{ cause: 'held-back', toolInputAfter: 9 }]);
  });

  it('count signs of life only from the chunks that brought nothing else', () => {
    expect(
      timing([
        [0, m.start(), m.textStart(0), m.ping],
        [3000, m.textDelta(0, 'b')],
      ]).stalls,
    ).toMatchObject([{ cause: 'server-silent', signs: 0 }]);
    expect(timing([begun, [3000, m.ping, m.textDelta(0, 'b')]]).stalls).toMatchObject([{ signs: 0 }]);
  });

  it('have their place and their length', () => {
    const found = timing([begun, [700, m.ping], [3200, m.textDelta(0, 'b')]]);
    expect(found.stalls).toEqual([
      { afterEvent: 4, from: 0, ms: 3200, cause: 'server-alive', signs: 1, eventsAfter: 1, toolInputAfter: 0 },
    ]);
  });

  it('begin at the threshold, and the threshold can be set', () => {
    expect(timing([begun, [STALL_MS - 1, m.textDelta(0, 'b')]]).stalls).toEqual([]);
    expect(timing([begun, [STALL_MS, m.textDelta(0, 'b')]]).stalls).toHaveLength(1);
    expect(timing([begun, [300, m.textDelta(0, 'b')]], { stallMs: 250 }).stalls).toHaveLength(1);
    expect(() => new StreamClock({ stallMs: 0 })).toThrow(RangeError);
    expect(() => new StreamClock({ stallMs: Number.NaN })).toThrow(RangeError);
  });

  it('are not the wait for the first byte, and not what comes after message_stop', () => {
    expect(
      timing(
        [
          [9000, m.start()],
          [9001, m.stop],
        ],
        { end: 60_000_000 },
      ).stalls,
    ).toEqual([]);
    expect(timing([begun, [10, m.stop], [9000, m.ping]], { end: 60_000_000 }).stalls).toEqual([]);
  });

  it('are at the end of a stream that was cut in silence', () => {
    expect(timing([begun], { end: 30_000_000 }).stalls).toMatchObject([{ ms: 30_000, eventsAfter: 0, afterEvent: 3 }]);
  });

  it('are none while a large event comes in many chunks', () => {
    const large = m.frame(m.blockStart(0, { type: 'web_search_tool_result', content: 'x'.repeat(1000) }));
    const pieces = Array.from({ length: 10 }, (_, i): Came => [i * 900, large.slice(i * 100, i * 100 + 100)]);
    expect(timing([[0, m.start()], ...pieces, [9000, large.slice(1000)]]).stalls).toEqual([]);
  });
});

describe('percentiles', () => {
  it('are by nearest rank: always a value that was measured', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 1 }), fc.integer({ min: 0, max: 100 }), (values, p) => {
        const sorted = [...values].sort((a, b) => a - b);
        const found = percentile(sorted, p) as number;
        expect(values).toContain(found);
        const notAbove = values.filter((value) => value <= found).length;
        const below = values.filter((value) => value < found).length;
        expect(notAbove).toBeGreaterThanOrEqual((p / 100) * values.length);
        expect(below).toBeLessThan(Math.max(1, (p / 100) * values.length + 1e-9));
      }),
      { numRuns: RUNS },
    );
    expect(percentile([], 50)).toBeUndefined();
    expect(gapsOf([])).toBeUndefined();
  });
});

describe('the clock and the chunks', () => {
  it('counts the same however the bytes were cut', () => {
    fc.assert(
      fc.property(meantMessage, fc.array(fc.nat(400), { maxLength: 8 }), ({ events }, cuts) => {
        const bytes = encodeUtf8(events.map((event) => m.frame(event)).join(''));
        const places = [...new Set([0, ...cuts.map((cut) => cut % bytes.length), bytes.length])].sort((a, b) => a - b);
        const chunks = places.slice(1).map((end, i) => ({ us: undefined, bytes: bytes.subarray(places[i], end) }));
        const whole = timingOf([{ us: undefined, bytes }]);
        expect(whole.events).toBe(events.length);
        expect(timingOf(chunks)).toEqual({
          ...whole,
          chunks: chunks.length,
          mostEventsInChunk: expect.any(Number) as number,
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('keeps its order whatever the times are', () => {
    const us = fc.oneof(fc.nat(10_000_000), fc.constant(Number.NaN), fc.integer({ min: -1000, max: 0 }));
    fc.assert(
      fc.property(meantMessage, fc.array(us, { minLength: 1, maxLength: 30 }), ({ events }, times) => {
        const chunks = events.map((event, i) => ({
          us: times[i % times.length] as number,
          bytes: encodeUtf8(m.frame(event)),
        }));
        const { clocks, gaps, stalls } = timingOf(chunks);
        const order = [
          clocks.firstByte,
          clocks.messageStart,
          clocks.firstContent,
          clocks.lastContent,
          clocks.messageStop,
        ];
        const known = order.filter((ms) => ms !== undefined);
        expect(known).toEqual([...known].sort((a, b) => a - b));
        expect(gaps === undefined || (gaps.p50 >= 0 && gaps.p50 <= gaps.p95 && gaps.p95 <= gaps.max)).toBe(true);
        expect(stalls.every(({ ms }) => ms >= STALL_MS)).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it.runIf(hasCaptures)('counts the events and tokens of every real stream', () => {
    for (const { file, authentic } of captures) {
      const bytes = readCapture(file);
      const found = timingOf([{ us: 1000, bytes }], { end: 2000 });
      expect(found.timed).toBe(true);
      if (authentic) expect(found.events, file).toBeGreaterThan(0);
    }
  });
});

describe('totals over many streams', () => {
  const stats = (
    came: readonly Came[],
    zero: 'request' | 'first-chunk' = 'request',
  ): ReturnType<StatsReader['end']> => {
    const reader = new StatsReader();
    for (const chunk of chunksOf(came)) reader.push(chunk);
    return reader.end(undefined, zero);
  };
  const whole = (from: number): Came[] => [
    [from, m.start(), m.textStart(0)],
    [from + 100, m.textDelta(0, 'a')],
    [from + 200, m.textDelta(0, 'b'), m.blockStop(0), tokens(10), m.stop],
  ];

  it('has exact percentiles for each name, and tells what is cut', () => {
    const totals = new Totals();
    for (let i = 1; i <= 100; i++) totals.add('x', stats(whole(i)));
    totals.add('a', stats([[1, m.start()]]));
    const [first, second] = totals.rows();
    expect(first).toMatchObject({ name: 'a', streams: 1, incomplete: 1, timed: 1 });
    expect(second).toMatchObject({ name: 'x', streams: 100, incomplete: 0 });
    expect(second?.figures.firstByte).toEqual({ count: 100, p50: 50, p95: 95 });
    expect(second?.figures.tokensPerSecond).toEqual({ count: 100, p50: 100, p95: 100 });
    expect(first?.figures.firstContent).toBeUndefined();
  });

  it('leaves the clocks of streams out that do not know when the request was sent, but not their gaps', () => {
    const totals = new Totals();
    totals.add('x', stats(whole(0), 'first-chunk'));
    const [row] = totals.rows();
    expect(row).toMatchObject({ streams: 1, clockless: 1 });
    expect(row?.figures.firstContent).toBeUndefined();
    expect(row?.figures.contentGapP95).toEqual({ count: 1, p50: 100, p95: 100 });
  });

  it('does not count a stream without times as waiting', () => {
    const totals = new Totals();
    const untimed = whole(0).map(([, ...what]): Came => [undefined, ...what]);
    totals.add('x', stats(untimed));
    expect(totals.rows()).toMatchObject([{ streams: 1, timed: 0, clockless: 0, figures: {} }]);
  });

  it('counts the stalls of all streams, by who made them', () => {
    const totals = new Totals();
    for (const late of [0, 5000, 6000]) totals.add('x', stats([...whole(0).slice(0, 2), ...whole(late).slice(2)]));
    expect(totals.rows()[0]?.stalls).toEqual({ 'server-silent': 2, 'server-alive': 0, 'held-back': 0 });
    expect(totals.streams).toBe(3);
  });

  it('knows what is complete: stopped, without an error, every event readable', () => {
    expect(stats([[0, m.start(), m.stop]]).complete).toBe(true);
    expect(stats([[0, m.start()]]).complete).toBe(false);
    expect(stats([[0, m.start(), m.apiError()]]).complete).toBe(false);
    expect(stats([[0, m.start(), 'data: {"type":\n\n', m.stop]]).complete).toBe(false);
    expect(stats([[0, m.start(), m.stop, m.apiError()]]).complete).toBe(true);
    expect(stats([[0, m.start(), m.stop, m.start()]]).complete).toBe(false);
    expect(stats([]).complete).toBe(false);
  });
});
