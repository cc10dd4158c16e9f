/**
 * Two lists of keys → which entries are the same, in order.
 *
 * Theory. Myers' greedy algorithm (1986) finds a shortest edit script in O((N + M) D), where D is the number of entries that
 * are in one list only. It keeps one row of furthest points for each step, so both time and memory are bounded by a ceiling
 * on D ({@link MAX_EDITS}). Lists that differ by more are cut at the keys that occur exactly once in both ("patience"
 * anchors, the longest run of them that is in order in both), and the pieces are compared by themselves. Where there is
 * no such key, nothing is paired: lists so different have no alignment that would mean anything.
 */

/** One entry of each list, as positions from 0. */
export type Pair = readonly [a: number, b: number];

/** The most entries that Myers' algorithm leaves unpaired in one piece: 1,000 rows take 4 MB and some milliseconds. */
const MAX_EDITS = 1000;
/** How often a piece is cut anew; each cut is linear. */
const MAX_CUTS = 24;

/** A piece of both lists; ends are exclusive. */
interface Piece {
  a: number;
  aEnd: number;
  b: number;
  bEnd: number;
  cuts: number;
}

/**
 * Pairs the entries that are the same, both positions ascending. Deterministic; the most pairs there can be, unless more
 * than 1,000 entries differ.
 */
export function align(a: readonly string[], b: readonly string[]): Pair[] {
  const [x, y] = intern(a, b);
  const pairs: Pair[] = [];
  const pieces: Piece[] = [{ a: 0, aEnd: x.length, b: 0, bEnd: y.length, cuts: 0 }];
  for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) {
    trim(piece, x, y, pairs);
    if (piece.a === piece.aEnd || piece.b === piece.bEnd) continue;
    const found = shortestEdit(piece, x, y);
    if (found !== undefined) for (const pair of found) pairs.push(pair);
    else if (piece.cuts < MAX_CUTS) pieces.push(...cut(piece, x, y, pairs));
  }
  return pairs.sort(([i], [j]) => i - j);
}

/** The keys as numbers, the same for the same key: comparing numbers is cheap. */
function intern(a: readonly string[], b: readonly string[]): [Int32Array, Int32Array] {
  const numbers = new Map<string, number>();
  const numberOf = (key: string): number => {
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, numbers.size);
    return numbers.size - 1;
  };
  return [Int32Array.from(a, numberOf), Int32Array.from(b, numberOf)];
}

/** Pairs what is the same at both ends; the piece is what lies between. */
function trim(piece: Piece, x: Int32Array, y: Int32Array, pairs: Pair[]): void {
  while (piece.a < piece.aEnd && piece.b < piece.bEnd && x[piece.a] === y[piece.b]) pairs.push([piece.a++, piece.b++]);
  while (piece.a < piece.aEnd && piece.b < piece.bEnd && x[piece.aEnd - 1] === y[piece.bEnd - 1]) {
    pairs.push([--piece.aEnd, --piece.bEnd]);
  }
}

/** The pairs of a shortest edit script; `undefined` if it has more than {@link MAX_EDITS} edits. */
function shortestEdit({ a, aEnd, b, bEnd }: Piece, x: Int32Array, y: Int32Array): Pair[] | undefined {
  const [n, m] = [aEnd - a, bEnd - b];
  const most = Math.min(n + m, MAX_EDITS);
  // `row[k + most + 1]`: how far into `a` one comes on diagonal k (position in a minus position in b).
  const row = new Int32Array(2 * most + 3);
  const rows: Int32Array[] = [];
  for (let d = 0; d <= most; d++) {
    rows.push(row.slice(most - d, most + d + 3));
    for (let k = -d; k <= d; k += 2) {
      let i = furthest(row, most + 1 + k, k === -d, k === d);
      while (i < n && i - k < m && x[a + i] === y[b + i - k]) i++;
      row[most + 1 + k] = i;
      if (i >= n && i - k >= m) return walkBack(rows, d, k, n, a, b);
    }
  }
  return undefined;
}

/** Where a step to this diagonal leads: down from the diagonal above (an entry of `b`), or right (one of `a`). */
function furthest(row: Int32Array, at: number, lowest: boolean, highest: boolean): number {
  const down = row[at + 1] as number;
  const right = (row[at - 1] as number) + 1;
  return lowest || (!highest && right <= down) ? down : right;
}

/** From the end to the beginning through the rows: every diagonal step is a pair. */
function walkBack(
  rows: readonly Int32Array[],
  edits: number,
  diagonal: number,
  end: number,
  a: number,
  b: number,
): Pair[] {
  const pairs: Pair[] = [];
  let [k, i] = [diagonal, end];
  for (let d = edits; d >= 0; d--) {
    const row = rows[d] as Int32Array;
    const at = k + d + 1;
    const from = d === 0 ? 0 : furthest(row, at, k === -d, k === d);
    while (i > from) pairs.push([a + --i, b + i - k]);
    if (d === 0) break;
    const down = k === -d || (k !== d && (row[at - 1] as number) + 1 <= (row[at + 1] as number));
    if (!down) i--;
    k += down ? 1 : -1;
  }
  return pairs;
}

/** Cuts a piece at the keys that occur once in both; pairs those, and gives the pieces between. */
function cut({ a, aEnd, b, bEnd, cuts }: Piece, x: Int32Array, y: Int32Array, pairs: Pair[]): Piece[] {
  const inA = onceIn(x, a, aEnd);
  const inB = onceIn(y, b, bEnd);
  const common = [...inA].flatMap(([key, i]): Pair[] => {
    const j = inB.get(key);
    return j === undefined ? [] : [[i, j]];
  });
  const anchors = longestRising(common.sort(([i], [j]) => i - j));
  if (anchors.length === 0) return [];
  for (const anchor of anchors) pairs.push(anchor);
  const pieces: Piece[] = [];
  let [fromA, fromB] = [a, b];
  for (const [i, j] of [...anchors, [aEnd, bEnd] as const]) {
    pieces.push({ a: fromA, aEnd: i, b: fromB, bEnd: j, cuts: cuts + 1 });
    [fromA, fromB] = [i + 1, j + 1];
  }
  return pieces;
}

/** The keys that occur exactly once in the piece, and where. */
function onceIn(keys: Int32Array, from: number, end: number): Map<number, number> {
  const places = new Map<number, number>();
  const repeated = new Set<number>();
  for (let i = from; i < end; i++) {
    const key = keys[i] as number;
    if (places.has(key)) repeated.add(key);
    places.set(key, i);
  }
  for (const key of repeated) places.delete(key);
  return places;
}

/** The longest run of pairs that rises in `b` too (patience sorting). */
function longestRising(pairs: readonly Pair[]): Pair[] {
  /** For each length the run of that length that ends lowest: position of its last pair. */
  const ends: number[] = [];
  const before = new Int32Array(pairs.length);
  pairs.forEach(([, j], p) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[ends[middle] as number] as Pair)[1] < j) low = middle + 1;
      else high = middle;
    }
    before[p] = low === 0 ? -1 : (ends[low - 1] as number);
    ends[low] = p;
  });
  const run: Pair[] = [];
  for (let p = ends.at(-1) ?? -1; p >= 0; p = before[p] as number) run.push(pairs[p] as Pair);
  return run.reverse();
}

/** One step of two lists side by side: the same entry, one that changed, or one that only one list has. */
export interface Step {
  a?: number;
  b?: number;
  same: boolean;
}

/** An entry of a list that is compared. */
export interface Entry {
  /** Two entries with the same key are the same. */
  key: string;
  /** Two entries of the same kind may be one that changed. */
  kind: string;
}

/**
 * Puts two lists side by side: first the same entries are paired, then, between those, the ones of the same kind; what is
 * left is in one list only.
 */
export function sideBySide(a: readonly Entry[], b: readonly Entry[]): Step[] {
  const same = align(
    a.map(({ key }) => key),
    b.map(({ key }) => key),
  );
  const steps: Step[] = [];
  let [i, j] = [0, 0];
  for (const [nextA, nextB] of [...same, [a.length, b.length] as const]) {
    for (const step of changes(a.slice(i, nextA), b.slice(j, nextB), i, j)) steps.push(step);
    if (nextA < a.length && nextB < b.length) steps.push({ a: nextA, b: nextB, same: true });
    [i, j] = [nextA + 1, nextB + 1];
  }
  return steps;
}

/** The steps between two same entries. */
function changes(a: readonly Entry[], b: readonly Entry[], fromA: number, fromB: number): Step[] {
  const steps: Step[] = [];
  let [i, j] = [0, 0];
  const skip = (toA: number, toB: number): void => {
    while (i < toA) steps.push({ a: fromA + i++, same: false });
    while (j < toB) steps.push({ b: fromB + j++, same: false });
  };
  if (a.length > 0 && b.length > 0) {
    const kinds = align(
      a.map(({ kind }) => kind),
      b.map(({ kind }) => kind),
    );
    for (const [nextA, nextB] of kinds) {
      skip(nextA, nextB);
      steps.push({ a: fromA + i++, b: fromB + j++, same: false });
    }
  }
  skip(a.length, b.length);
  return steps;
}
