/** The promises of `TextPacer`, as properties over any text and any clock that runs forward. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextPacer } from '../src/stream/pacing.ts';

const RUNS = process.env['SSEMBLE_FUZZ'] ? 100 : 1;

/** What happens to a pacer: text comes, or time passes and a frame is drawn. */
type Step = { push: string } | { after: number };
const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constantFrom('\ud83d', '\ude00', '😀😀'));
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    text.map((push) => ({ push })),
    fc.double({ min: 0, max: 900, noNaN: true }).map((after) => ({ after })),
  ),
  { maxLength: 40 },
);
const options = fc.record({
  charsPerSecond: fc.integer({ min: 1, max: 2000 }),
  catchUpMs: fc.integer({ min: 1, max: 2000 }),
});

/** Whether the text begins with half a pair whose other half stands before it. */
const splits = (before: string, after: string): boolean =>
  /[\ud800-\udbff]$/.test(before) && /^[\udc00-\udfff]/.test(after);

describe('TextPacer', () => {
  test('what is taken, joined, is what was pushed; no pair is split; nothing is later than catchUpMs', () => {
    fc.assert(
      fc.property(steps, options, (script, given) => {
        const pacer = new TextPacer(given);
        let pushed = '';
        let shown = '';
        let now = 1e6;
        /** What must be out when, by the takes that first saw it. */
        const dues: { length: number; due: number }[] = [];
        const take = (): void => {
          dues.push({ length: pushed.length, due: now + given.catchUpMs });
          const piece = pacer.take(now);
          expect(splits(shown, piece)).toBe(false);
          shown += piece;
          const overdue = dues.filter(({ due }) => due <= now).map(({ length }) => length);
          // Half a pair at the very end may wait for its other half.
          const held = /[\ud800-\udbff]$/.test(pushed) ? 1 : 0;
          expect(shown.length).toBeGreaterThanOrEqual(Math.max(0, ...overdue) - held);
        };
        for (const step of script) {
          if ('push' in step) {
            pacer.push(step.push);
            pushed += step.push;
          } else {
            now += step.after;
            take();
          }
          expect(pushed.startsWith(shown)).toBe(true);
          expect(pacer.pending).toBe(pushed.length - shown.length);
        }
        pacer.end();
        take();
        now += given.catchUpMs;
        take();
        expect(shown).toBe(pushed);
        expect(pacer.done).toBe(true);
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('a burst comes out evenly over the frames', () => {
    const pacer = new TextPacer({ charsPerSecond: 10, catchUpMs: 1000 });
    pacer.push('x'.repeat(101));
    const lengths = Array.from({ length: 11 }, (_, frame) => pacer.take(frame * 100).length);
    expect(lengths[0]).toBe(1);
    for (const length of lengths.slice(1)) expect(Math.abs(length - 10)).toBeLessThanOrEqual(1);
    expect(pacer.pending).toBe(0);
  });

  test('a small rest comes at the slowest pace, not ever slower', () => {
    const pacer = new TextPacer({ charsPerSecond: 100, catchUpMs: 10_000 });
    pacer.push('abcdefghijk');
    expect(pacer.take(0)).toBe('a');
    expect(pacer.take(50)).toBe('bcdef');
    expect(pacer.take(100)).toBe('ghijk');
  });

  test('a pause does not save up time: the next burst begins with one character', () => {
    const pacer = new TextPacer({ charsPerSecond: 100, catchUpMs: 1000 });
    pacer.push('a');
    expect(pacer.take(0)).toBe('a');
    expect(pacer.take(60_000)).toBe('');
    pacer.push('hello');
    expect(pacer.take(120_000)).toBe('h');
  });

  test('a tab that was asleep shows at once what is overdue', () => {
    const pacer = new TextPacer({ charsPerSecond: 1, catchUpMs: 500 });
    pacer.push('x'.repeat(1000));
    pacer.take(0);
    expect(pacer.take(60_000)).toBe('x'.repeat(999));
  });

  test('a clock that is set back shows nothing and breaks nothing', () => {
    const pacer = new TextPacer({ charsPerSecond: 100, catchUpMs: 1000 });
    pacer.push('abc');
    expect(pacer.take(1000)).toBe('a');
    expect(pacer.take(0)).toBe('');
    expect(pacer.take(2000)).toBe('bc');
  });

  test('flush gives everything', () => {
    const pacer = new TextPacer();
    pacer.push('abc');
    expect(pacer.take(0) + pacer.flush()).toBe('abc');
    expect(pacer.pending).toBe(0);
    expect(pacer.done).toBe(false);
    pacer.end();
    expect(pacer.done).toBe(true);
  });

  test('is linear: a megabyte in small pushes', () => {
    const pacer = new TextPacer({ catchUpMs: 100 });
    let shown = 0;
    for (let i = 0; i < 100_000; i++) {
      pacer.push('0123456789');
      if (i % 100 === 0) shown += pacer.take(i).length;
    }
    expect(shown + pacer.flush().length).toBe(1_000_000);
  });

  test('an endless pace is refused: nothing would be left to even out', () => {
    expect(() => new TextPacer({ charsPerSecond: Infinity })).toThrow(/use no pacer/);
    const pacer = new TextPacer({ charsPerSecond: Number.MAX_VALUE, catchUpMs: Infinity });
    pacer.push('Hello');
    expect(pacer.take(0) + pacer.take(0) + pacer.take(1)).toBe('Hello');
  });

  test('refuses what makes no sense', () => {
    expect(() => new TextPacer({ charsPerSecond: 0 })).toThrow(RangeError);
    expect(() => new TextPacer({ catchUpMs: Number.NaN })).toThrow(RangeError);
    expect(() => new TextPacer().take(Number.NaN)).toThrow(RangeError);
    const ended = new TextPacer();
    ended.end();
    expect(() => ended.push('x')).toThrow(TypeError);
  });
});
