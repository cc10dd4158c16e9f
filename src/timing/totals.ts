/**
 * The figures of many streams, by model (or by anything else). Every value is kept, at 8 bytes: 100,000 streams with 12
 * figures each are 10 MB, and the percentiles are exact.
 */

import { CLOCKS } from './names.ts';
import { percentile } from './percentile.ts';
import type { StreamStats } from './stream-stats.ts';
import type { NamedClocks, StallCause } from './timing.ts';

/** A figure over many streams: how many had it, and its percentiles by nearest rank. */
export interface Spread {
  count: number;
  p50: number;
  p95: number;
}

/** What is measured of each stream. Gaps and stalls are in milliseconds, too. */
export type Figure = keyof NamedClocks | 'contentGapP95' | 'longestGap' | 'tokensPerSecond';

const FIGURES: readonly Figure[] = [...CLOCKS, 'contentGapP95', 'longestGap', 'tokensPerSecond'];

/** One row: the streams of one model. */
export interface Row {
  /** The model; '' for streams that name none. */
  name: string;
  streams: number;
  incomplete: number;
  /** Streams with times, and how many of those do not know when the request was sent: their clocks are not counted. */
  timed: number;
  clockless: number;
  /** Stalls of all streams, by who made them. */
  stalls: Readonly<Record<StallCause, number>>;
  /** Figures that no stream had are absent. */
  figures: Readonly<Partial<Record<Figure, Spread>>>;
}

interface Group {
  streams: number;
  incomplete: number;
  timed: number;
  clockless: number;
  stalls: Record<StallCause, number>;
  values: Record<Figure, number[]>;
}

/** Adds up streams. */
export class Totals {
  readonly #groups = new Map<string, Group>();

  /** Adds one stream to the row of this name. */
  add(name: string, { complete, zero, timing }: StreamStats): void {
    const group = this.#groupOf(name);
    group.streams++;
    if (!complete) group.incomplete++;
    if (timing.timed) group.timed++;
    for (const { cause } of timing.stalls) group.stalls[cause]++;
    const { values } = group;
    // Waiting that began at an unknown moment must not lower the percentiles of the others.
    if (zero === 'first-chunk') group.clockless++;
    else for (const clock of CLOCKS) keep(values[clock], timing.clocks[clock]);
    keep(values.contentGapP95, timing.contentGaps?.p95);
    keep(values.longestGap, timing.gaps?.max);
    keep(values.tokensPerSecond, timing.tokensPerSecond);
  }

  /** How many streams were added. */
  get streams(): number {
    let sum = 0;
    for (const { streams } of this.#groups.values()) sum += streams;
    return sum;
  }

  /** One row for each name, in the order of the names. */
  rows(): Row[] {
    const names = [...this.#groups.keys()].sort();
    return names.map((name) => rowOf(name, this.#groups.get(name) as Group));
  }

  #groupOf(name: string): Group {
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const values = Object.fromEntries(FIGURES.map((figure) => [figure, []])) as unknown as Group['values'];
    const stalls = { 'server-silent': 0, 'server-alive': 0, 'held-back': 0 };
    const group: Group = { streams: 0, incomplete: 0, timed: 0, clockless: 0, stalls, values };
    this.#groups.set(name, group);
    return group;
  }
}

function keep(values: number[], value: number | undefined): void {
  if (value !== undefined) values.push(value);
}

function rowOf(name: string, { values, ...counts }: Group): Row {
  const figures: Partial<Record<Figure, Spread>> = {};
  for (const figure of FIGURES) {
    const sorted = Float64Array.from(values[figure]).sort();
    const [p50, p95] = [percentile(sorted, 50), percentile(sorted, 95)];
    if (p50 !== undefined && p95 !== undefined) figures[figure] = { count: sorted.length, p50, p95 };
  }
  return { name, ...counts, figures };
}
