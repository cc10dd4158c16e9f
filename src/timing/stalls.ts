/**
 * Who made the stream stall.
 *
 * A stall is a time of at least {@link STALL_MS} without progress, between the first chunk and `message_stop`; pings,
 * comments and empty deltas are no progress. Waiting for the first byte is not a stall: that has clocks of its own. What
 * came meanwhile, and what came right after it, tell who made it; {@link STALL_CAUSES} is the table.
 *
 * "Many deltas at once" are at least {@link HELD_BACK_DELTAS} within {@link BURST_MS}, and {@link HELD_BACK_FACTOR} times
 * the stream's usual number in a chunk. A model makes one delta after another, every few milliseconds at best, so that many
 * were made before and waited somewhere. Deltas count, not events: what a server tool found comes with its start, its
 * stop and the next start in one chunk on healthy streams, too.
 */

import { percentile } from './percentile.ts';
import type { Stall, StallCause } from './timing.ts';

/** From how many milliseconds without progress on it is a stall. Native streams are below 1 s between deltas. */
export const STALL_MS = 2000;
/** What comes within so many milliseconds came at once: a collected piece may be read in several chunks. */
export const BURST_MS = 20;
/** So many deltas at once were collected by somebody: 8 in 20 ms would be 400 in a second. */
export const HELD_BACK_DELTAS = 8;
/** And so many times more than the stream usually has in one chunk. */
const HELD_BACK_FACTOR = 4;

/** How a stall's cause is told. The first row that fits. */
export interface StallRow {
  cause: StallCause;
  /** What came while there was no progress. */
  meanwhile: string;
  /** What came after it. */
  after: string;
  /** What it means. */
  meaning: string;
}

/** The table of causes, for the help and the reports; `causeOf` is the same as code. */
export const STALL_CAUSES: readonly StallRow[] = [
  {
    cause: 'held-back',
    meanwhile: 'no ping',
    after: `${HELD_BACK_DELTAS} or more deltas within ${BURST_MS} ms, and ${HELD_BACK_FACTOR} times the usual`,
    meaning: 'the deltas were made in time and collected on the way: a buffering proxy, or the API for tool input',
  },
  {
    cause: 'server-alive',
    meanwhile: 'pings, comments, empty deltas or unknown events',
    after: 'anything',
    meaning: 'the connection lived, the model was busy: hidden thinking, a server tool, load',
  },
  {
    cause: 'server-silent',
    meanwhile: 'nothing',
    after: 'no more than usual, or the end',
    meaning: 'nothing was sent: the server, or the network before the recorder, was silent',
  },
];

/** A stall of which the cause is not known yet. */
interface Suspect {
  afterEvent: number;
  from: number;
  to: number;
  pings: number;
  signs: number;
  events: number;
  deltas: number;
  toolInput: number;
}

/** What one chunk brought. */
export interface ChunkFacts {
  /** Milliseconds. */
  at: number;
  events: number;
  /** How many of them were deltas with content, and how many of those were tool input. */
  deltas: number;
  toolInput: number;
  pings: number;
  /** Pings, comments, empty deltas, unknown events. */
  signs: number;
  /** It brought more than signs of life: an event, or a part of one. */
  progress: boolean;
  /** Number of the last event after it. */
  lastEvent: number;
}

/** Finds the stalls of one stream, chunk by chunk. */
export class StallFinder {
  readonly #least: number;
  readonly #found: Suspect[] = [];
  /** Deltas in each chunk that had any and did not follow a stall: what is usual. */
  readonly #usual: number[] = [];
  /** When there was progress last; `undefined` before the first chunk and after `message_stop`. */
  #since: number | undefined = undefined;
  #lastEvent = 0;
  #pings = 0;
  #signs = 0;

  constructor(leastMs: number) {
    this.#least = leastMs;
  }

  /** Takes the next chunk, in order of time. */
  take(chunk: ChunkFacts): void {
    this.#since ??= chunk.at;
    if (chunk.progress) this.#settle(chunk.at);
    const burst = this.#found.at(-1);
    if (burst !== undefined && chunk.at <= burst.to + BURST_MS && chunk.at >= burst.to) {
      burst.events += chunk.events;
      burst.deltas += chunk.deltas;
      burst.toolInput += chunk.toolInput;
    } else if (chunk.deltas > 0) this.#usual.push(chunk.deltas);
    this.#lastEvent = chunk.lastEvent;
    if (chunk.progress) return;
    this.#pings += chunk.pings;
    this.#signs += chunk.signs;
  }

  /** The message stopped: what comes now stalls nobody. */
  stop(): void {
    this.#since = undefined;
  }

  /** The stalls; `at`: when the stream ended, if that is known. */
  end(at: number | undefined): Stall[] {
    if (at !== undefined && this.#since !== undefined) this.#settle(at);
    const usual =
      percentile(
        this.#usual.sort((a, b) => a - b),
        50,
      ) ?? 0;
    return this.#found.map((suspect) => ({
      afterEvent: suspect.afterEvent,
      from: suspect.from,
      ms: suspect.to - suspect.from,
      cause: causeOf(suspect, usual),
      signs: suspect.signs,
      eventsAfter: suspect.events,
      toolInputAfter: suspect.toolInput,
    }));
  }

  /** There is progress: was there none for too long? */
  #settle(at: number): void {
    const from = this.#since as number;
    if (at - from >= this.#least) {
      const counts = { pings: this.#pings, signs: this.#signs, events: 0, deltas: 0, toolInput: 0 };
      this.#found.push({ afterEvent: this.#lastEvent, from, to: at, ...counts });
    }
    this.#since = at;
    this.#pings = 0;
    this.#signs = 0;
  }
}

function causeOf({ pings, signs, deltas }: Suspect, usual: number): StallCause {
  const many = deltas >= HELD_BACK_DELTAS && deltas >= HELD_BACK_FACTOR * usual;
  // Comments do not speak against it: the API sends none, so they come from a proxy, maybe the one that holds back.
  if (many && pings === 0) return 'held-back';
  return signs > 0 ? 'server-alive' : 'server-silent';
}
