/** Counts checks and tells failures as lines of text: all that a runtime must be able to do is print. */

import type { Binary } from './cases.ts';

/** What a suite came to. */
export interface Tally {
  cases: number;
  checks: number;
  failures: number;
}

/** How many failures are told in full. */
const TOLD = 20;

/** One run of the suite. */
export class Checks {
  readonly tally: Tally = { cases: 0, checks: 0, failures: 0 };
  readonly #print: (line: string) => void;
  #name = '';
  #clean = true;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** Runs one case; what it throws is a failure. */
  case(name: string, run: () => void): void {
    this.tally.cases++;
    this.#name = name;
    this.#clean = true;
    try {
      run();
    } catch (error) {
      this.#fail(`it threw ${String(error)}`);
    }
    if (this.#clean) this.#print(`ok ${name}`);
  }

  /** Both must have the same JSON. */
  same(what: string, got: unknown, wanted: unknown): void {
    this.tally.checks++;
    const [a, b] = [canonical(got), canonical(wanted)];
    if (a !== b) this.#fail(`${what}: got ${around(a, b)}, wanted ${around(b, a)}`);
  }

  #fail(why: string): void {
    this.tally.failures++;
    this.#clean = false;
    if (this.tally.failures <= TOLD) this.#print(`not ok ${this.#name}: ${why}`);
  }
}

/** JSON in which the order of keys says nothing: goldens have the order of the wire, snapshots that of assembly. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? 'undefined'
  );
}

/** The place where they part. */
function around(text: string, other: string): string {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at++;
  const from = Math.max(0, at - 30);
  return `${from > 0 ? '…' : ''}${text.slice(from, at + 60)}`;
}

/** The bytes of a {@link Binary}. */
export function bytesOf(binary: Binary): Uint8Array {
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** A small seeded generator (a linear congruence): the next whole number below `limit`. */
function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % limit;
  };
}

/** Ways to cut the bytes: whole, in pieces of 1, 2, 3, 7, 64 and 1,400 bytes, and at random. Big ones are spared the smallest. */
export function choppings(bytes: Uint8Array): Uint8Array[][] {
  const sizes = bytes.length > 20_000 ? [64, 1400] : [1, 2, 3, 7, 64, 1400];
  const all = [[bytes], ...sizes.map((size) => pieces(bytes, () => size))];
  for (let seed = 1; seed <= 3; seed++) {
    const next = seeded(seed);
    all.push(pieces(bytes, () => 1 + next(Math.min(300, bytes.length + 1))));
  }
  return all;
}

function pieces(bytes: Uint8Array, size: () => number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + size());
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}
