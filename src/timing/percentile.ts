/** Percentiles by nearest rank: always a value that was measured, never one in between. */

import type { Gaps } from './timing.ts';

/**
 * The `p`-th percentile by nearest rank: the smallest value that at least `p` per cent of the values do not exceed.
 *
 * @param sorted - ascending
 * @param p - 0 (the least) to 100 (the greatest)
 * @returns `undefined` for no values
 * @example
 * percentile([10, 20, 30, 40], 50); // 20
 * percentile([10, 20, 30, 40], 95); // 40
 */
export function percentile(sorted: ArrayLike<number>, p: number): number | undefined {
  const rank = Math.ceil((p / 100) * sorted.length);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1];
}

/** The gaps as figures; `undefined` if there were none. */
export function gapsOf(ms: readonly number[]): Gaps | undefined {
  if (ms.length === 0) return undefined;
  const sorted = Float64Array.from(ms).sort();
  const at = (p: number): number => percentile(sorted, p) as number;
  return { count: sorted.length, p50: at(50), p95: at(95), max: at(100) };
}
