/**
 * Chunking is invisible: the same input gives the same result however the network cuts it. This file cuts.
 *
 * A case is written once, as a whole input. `chunkings` gives the ways to cut it: whole, byte by byte, every 2-cut,
 * pieces of each size from 2 to 64, seeded random cuts, and the same with empty chunks between. `forEveryChunking`
 * runs the case under each and compares with the whole one. Strings are cut between UTF-16 units, so surrogate pairs
 * are cut too.
 */

import { isDeepStrictEqual } from 'node:util';
import { expect, vi } from 'vitest';

/** One way to cut an input: the chunks joined are the input. */
export interface Chunking<T> {
  /** What was done, so that a failure can be repeated, e.g. `2-cut at 17`. */
  name: string;
  chunks: readonly T[];
}

export interface ChunkingOptions {
  /** Largest piece of the equal-size chunkings. Default 64. */
  maxSize?: number;
  /** How many 2-cuts a big input gets. Default 64. */
  samples?: number;
  /** How many seeded random cuts. Default 8. */
  randomCuts?: number;
}

/** Whether to look 100 times as long (`SSEMBLE_FUZZ=1`). */
export const FUZZ: boolean = Boolean(process.env['SSEMBLE_FUZZ']);

// Cases under every chunking take a second or two where the machine is busy; properties take minutes under SSEMBLE_FUZZ.
vi.setConfig({ testTimeout: FUZZ ? 1_800_000 : 30_000 });

/** Multiplies the runs of a property: `{ numRuns: 200 * RUNS }`. */
export const RUNS: number = FUZZ ? 100 : 1;

/** An input longer than this gets a sample of its 2-cuts, unless `SSEMBLE_FUZZ` is set. */
const BIG_INPUT = 2048;

/** A small seeded generator (mulberry32): the next number in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The input cut at the given places (any order, repeats give empty chunks). */
export function cutAt<T extends Uint8Array | string>(input: T, places: readonly number[]): T[] {
  const sorted = places.toSorted((a, b) => a - b);
  return [0, ...sorted].map((start, i) => input.slice(start, sorted[i] ?? input.length) as T);
}

/** The input in pieces of `size`; the last may be shorter. */
export function pieces<T extends Uint8Array | string>(input: T, size: number): T[] {
  const places: number[] = [];
  for (let place = size; place < input.length; place += size) places.push(place);
  return cutAt(input, places);
}

function* twoCuts(length: number, samples: number): Generator<number> {
  if (length <= BIG_INPUT || FUZZ) {
    for (let place = 1; place < length; place++) yield place;
    return;
  }
  const random = seeded(length);
  for (let i = 0; i < samples; i++) yield 1 + Math.floor(random() * (length - 1));
}

function randomPlaces(length: number, seed: number): number[] {
  const random = seeded(seed);
  const count = 1 + Math.floor(random() * Math.min(length, 40));
  return Array.from({ length: count }, () => Math.floor(random() * (length + 1)));
}

/** Every way to cut `input` that the harness knows, the whole one first. */
export function* chunkings<T extends Uint8Array | string>(
  input: T,
  options: ChunkingOptions = {},
): Generator<Chunking<T>> {
  const { maxSize = 64, samples = 64, randomCuts = 8 } = options;
  const empty = input.slice(0, 0) as T;
  yield { name: 'whole', chunks: [input] };
  yield { name: 'whole between empty chunks', chunks: [empty, input, empty, empty] };
  if (input.length === 0) {
    yield { name: 'no chunk at all', chunks: [] };
    return;
  }
  const single = pieces(input, 1);
  yield { name: 'one by one', chunks: single };
  yield { name: 'one by one with empty chunks between', chunks: single.flatMap((piece) => [empty, piece]) };
  for (const place of twoCuts(input.length, samples)) {
    yield { name: `2-cut at ${place}`, chunks: cutAt(input, [place]) };
  }
  for (let size = 2; size <= Math.min(input.length, maxSize); size++) {
    yield { name: `pieces of ${size}`, chunks: pieces(input, size) };
  }
  for (let seed = 1; seed <= randomCuts; seed++) {
    yield { name: `random cuts, seed ${seed}`, chunks: cutAt(input, randomPlaces(input.length, seed)) };
  }
}

/**
 * Runs a case under every chunking and expects the result of the whole one each time. A failure names the case and the
 * chunking. `run` gives whatever should not change: events, offsets, diagnostics, errors, the message.
 *
 * @returns the result of the whole input, to be compared with what the case expects.
 */
export function forEveryChunking<T extends Uint8Array | string, R>(
  input: T,
  run: (chunks: readonly T[]) => R,
  label: string = show(input),
  options?: ChunkingOptions,
): R {
  const whole = run([input]);
  for (const { name, chunks } of chunkings(input, options)) {
    let result: R;
    try {
      result = run(chunks);
    } catch (error) {
      throw new Error(`${label}: ${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    // vitest's own comparison is 50 times slower: it is only asked to show the difference
    if (!isDeepStrictEqual(result, whole)) expect(result, `${label}: ${name}`).toStrictEqual(whole);
    if (!isDeepStrictEqual(result, whole)) throw new Error(`${label}: ${name}: not the result of the whole input`);
  }
  return whole;
}

function show(input: Uint8Array | string): string {
  const text = typeof input === 'string' ? input : Buffer.from(input).toString('latin1');
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
