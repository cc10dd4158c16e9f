/** Alignment: against a slow longest common subsequence, and where it is bounded. */

import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { align, sideBySide } from '../src/diff/align.ts';

// A hundred times the runs take longer than a test may, and beside other work so do the usual ones.
vi.setConfig({ testTimeout: 120_000 });
const RUNS = 300 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1);

/** The length of the longest common subsequence, by the textbook's table. */
function slowLength(a: readonly string[], b: readonly string[]): number {
  let row = Array.from({ length: b.length + 1 }, () => 0);
  for (const x of a) {
    const next = [0];
    b.forEach((y, j) => {
      next.push(x === y ? (row[j] as number) + 1 : Math.max(row[j + 1] as number, next[j] as number));
    });
    row = next;
  }
  return row.at(-1) as number;
}

const keys = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 30 });

function checkPairs(a: readonly string[], b: readonly string[]): number {
  const pairs = align(a, b);
  let [lastA, lastB] = [-1, -1];
  for (const [i, j] of pairs) {
    expect(i).toBeGreaterThan(lastA);
    expect(j).toBeGreaterThan(lastB);
    expect(a[i]).toBe(b[j]);
    [lastA, lastB] = [i, j];
  }
  return pairs.length;
}

describe('align', () => {
  it('pairs as many as there can be', () => {
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        expect(checkPairs(a, b)).toBe(slowLength(a, b));
      }),
      { numRuns: RUNS },
    );
  });

  it('finds what stayed among thousands of changes, by the keys that occur once', () => {
    const a = Array.from({ length: 20_000 }, (_, i) => (i % 4 === 0 ? `keep ${i}` : `old ${i}`));
    const b = Array.from({ length: 20_000 }, (_, i) => (i % 4 === 0 ? `keep ${i}` : `new ${i}`));
    expect(checkPairs(a, b)).toBe(5000);
  });

  it('cuts a piece anew where keys are unique only in it', () => {
    const part = (word: string): string[] =>
      Array.from({ length: 2000 }, (_, i) => (i % 4 === 0 ? `keep ${i}` : `${word} ${i}`));
    const list = (word: string): string[] => [...part(`${word}1`), 'anchor', ...part(`${word}2`)];
    expect(checkPairs(list('old'), list('new'))).toBe(1001);
  });

  it('pairs nothing in lists that have too little in common, and is quick about it', () => {
    const a = Array.from({ length: 20_000 }, (_, i) => `a${i}`);
    const b = Array.from({ length: 20_000 }, (_, i) => `b${i}`);
    const started = performance.now();
    expect(checkPairs(a, b)).toBe(0);
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('stays bounded where no key is unique', () => {
    const random = (seed: number) => (i: number) => `k${(((i + seed) * 2654435761) % 97) % 13}`;
    const a = Array.from({ length: 20_000 }, (_, i) => random(1)(i * i));
    const b = Array.from({ length: 20_000 }, (_, i) => random(7)(i * i * i));
    const started = performance.now();
    checkPairs(a, b);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

describe('sideBySide', () => {
  const entries = fc.array(fc.record({ key: fc.constantFrom('1', '2', '3'), kind: fc.constantFrom('x', 'y') }), {
    maxLength: 12,
  });

  it('names every entry of both lists once, in order, and calls none the same that is not', () => {
    fc.assert(
      fc.property(entries, entries, (a, b) => {
        const steps = sideBySide(a, b);
        expect(steps.flatMap((step) => step.a ?? [])).toEqual(a.map((_, i) => i));
        expect(steps.flatMap((step) => step.b ?? [])).toEqual(b.map((_, j) => j));
        for (const { a: i, b: j, same } of steps) {
          if (i === undefined || j === undefined) expect(same).toBe(false);
          else if (same) expect(a[i]?.key).toBe(b[j]?.key);
          else expect(a[i]?.kind).toBe(b[j]?.kind);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('pairs entries of one kind between same ones', () => {
    const e = (key: string, kind: string): { key: string; kind: string } => ({ key, kind });
    expect(
      sideBySide([e('1', 'x'), e('2', 'y'), e('3', 'x')], [e('1', 'x'), e('4', 'y'), e('5', 'z'), e('3', 'x')]),
    ).toEqual([
      { a: 0, b: 0, same: true },
      { a: 1, b: 1, same: false },
      { b: 2, same: false },
      { a: 2, b: 3, same: true },
    ]);
  });
});
