/**
 * What comes out, cut into chunks, and when each goes out: when the last of its bytes had come. Recorded time runs at the
 * speed that was asked for; the time of a stall is added to it, and is never changed.
 */

import { chopPlaces } from './chop.ts';
import type { Material, PlayedEnding } from './material.ts';

/** One step: wait, then give the bytes. A pause before the end has no bytes. */
export interface Step {
  /** Milliseconds since the step before. */
  waitMs: number;
  bytes: Uint8Array;
}

/** What a reader sees of a source, step by step. */
export interface Playback {
  /** Milliseconds from the request to the head of the response; the first step counts from there. */
  headMs: number;
  steps: Step[];
  ending: PlayedEnding;
}

/** A piece of what comes out. `chunk` is the number of the recorded chunk that the bytes came in. */
export type Atom = { bytes: Uint8Array; chunk: number } | { waitMs: number };

/** All that comes out, in order. */
export interface Written {
  atoms: readonly Atom[];
  /** The ending that a fault made, if one did. */
  ending: PlayedEnding | undefined;
}

/** Chops, and says when each chunk goes out. Times are whole microseconds here, so that nothing adds up. */
export function schedule(material: Material, { atoms, ending }: Written, how: string, speed: number): Playback {
  const { chunks, headUs, endUs } = material;
  const played = (us: number | undefined): number => Math.round((us ?? 0) / speed);
  const { bytes, recorded, waits, dues } = flatten(atoms, (chunk) => played(chunks[chunk]?.us));
  const head = Math.min(played(headUs), played(chunks[0]?.us ?? headUs));
  const places = [...chopPlaces(bytes, how, recorded), ...waits.keys(), bytes.length].sort((a, b) => a - b);
  const steps: Step[] = [];
  let [from, now, k] = [0, head, 0];
  for (const place of places) {
    if (place === from) continue;
    while (k < dues.length - 1 && (dues[k] as Due).end < place) k++;
    const due = Math.max(now, dues[k]?.us ?? now);
    steps.push({ waitMs: (due - now) / 1000 + (waits.get(from) ?? 0), bytes: bytes.subarray(from, place) });
    [from, now] = [place, due];
  }
  // The source's own end has its time; one that a fault made comes at once.
  const rest = ending === undefined ? Math.max(0, played(endUs) - now) : 0;
  const lastMs = (waits.get(bytes.length) ?? 0) + rest / 1000;
  if (lastMs > 0) steps.push({ waitMs: lastMs, bytes: new Uint8Array(0) });
  return { headMs: head / 1000, steps, ending: ending ?? material.ending };
}

/** The bytes before `end` had come after so many microseconds. */
interface Due {
  end: number;
  us: number;
}

/** All bytes that come out, and what is known of their places. */
interface Flat {
  bytes: Uint8Array;
  /** Where the recorded chunks end now. */
  recorded: number[];
  /** Milliseconds to wait at each place. */
  waits: Map<number, number>;
  /** Rising in both. */
  dues: Due[];
}

function flatten(atoms: readonly Atom[], chunkUs: (chunk: number) => number): Flat {
  const flat: Flat = { bytes: new Uint8Array(0), recorded: [], waits: new Map(), dues: [] };
  const pieces: Uint8Array[] = [];
  let [length, before, us] = [0, -1, 0];
  for (const atom of atoms) {
    if ('waitMs' in atom) flat.waits.set(length, (flat.waits.get(length) ?? 0) + atom.waitMs);
    else if (atom.bytes.length > 0) {
      if (before !== -1 && atom.chunk !== before) flat.recorded.push(length);
      before = atom.chunk;
      pieces.push(atom.bytes);
      length += atom.bytes.length;
      us = Math.max(us, chunkUs(atom.chunk));
      flat.dues.push({ end: length, us });
    }
  }
  flat.bytes = joined(pieces, length);
  return flat;
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
