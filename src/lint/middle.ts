/**
 * A stream that is looked at from its middle on: nothing is said about what stood before.
 *
 * Two parts. {@link Seam} finds the first byte that can be read: behind the first blank line, if the input does not begin
 * with a field. {@link MiddleFilter} knows which findings of the core only say that the beginning is missing.
 */

import type { StreamEvent } from '../protocol/events.ts';
import type { Outcome } from '../message/types.ts';
import type { Note } from './check.ts';

/** The input begins with a whole line, an HTTP head, a byte order mark, or a blank line. */
const BEGINS_WELL = /^(?:event|data|id|retry)[:\r\n]|^:|^[\r\n]|^HTTP\/|^\u00ef\u00bb\u00bf/;
const LONGEST = 'event:'.length;
const LF = 10;
const CR = 13;

/** Finds where to begin. */
export class Seam {
  /** Bytes and line ends before the first byte that is read. */
  bytes = 0;
  lines = 0;
  #start = '';
  #kept: number[] = [];
  #skipping = false;
  #found = false;
  #lineIsEmpty = false;
  #cr = false;
  #startsCut = false;

  /** Whether the beginning was found: what comes now is all read. */
  get found(): boolean {
    return this.#found;
  }

  /**
   * Whether the event line of the first event may have been cut off: the input begins with a data line, with a comment, which
   * may be what is left of an event line, or with a blank line, which may be its end.
   */
  get startsCut(): boolean {
    return this.#startsCut;
  }

  /** Takes one byte before the beginning is found; gives the bytes that are to be read. */
  take(unit: number): readonly number[] {
    if (this.#skipping) return this.#skip(unit);
    this.#kept.push(unit);
    this.#start += String.fromCharCode(unit);
    const well = BEGINS_WELL.test(this.#start);
    if (!well && this.#start.length < LONGEST && !/[\r\n]/.test(this.#start)) return [];
    const kept = this.#kept;
    this.#kept = [];
    if (well) return this.#begin(kept);
    this.#skipping = true;
    for (const [k, byte] of kept.entries()) {
      const rest = this.#skip(byte);
      if (this.#found) return [...rest, ...kept.slice(k + 1)];
    }
    return [];
  }

  /** The input is over; gives what was held. */
  end(): readonly number[] {
    const kept = this.#kept;
    this.#kept = [];
    return kept;
  }

  #begin(kept: readonly number[]): readonly number[] {
    this.#found = true;
    this.#startsCut = /^(?:data|[:\r\n])/.test(this.#start);
    return kept;
  }

  #skip(unit: number): readonly number[] {
    if (this.#cr) {
      this.#cr = false;
      const done = this.#lineIsEmpty && unit !== LF;
      if (unit === LF) {
        this.bytes++;
        return this.#endLine();
      }
      this.#endLine();
      if (done) return [unit];
    }
    this.bytes++;
    if (unit === LF) return this.#endLine();
    if (unit === CR) this.#cr = true;
    else this.#lineIsEmpty = false;
    return [];
  }

  #endLine(): readonly number[] {
    this.lines++;
    if (this.#lineIsEmpty) this.#found = true;
    this.#lineIsEmpty = true;
    return [];
  }
}

/** Codes that only say that there is no beginning. */
const OF_THE_START: ReadonlySet<string> = new Set(['content-before-start', 'missing-message-start']);
/** Codes that only say that the start of a block was not seen. */
const OF_A_BLOCK: ReadonlySet<string> = new Set([
  'delta-without-start',
  'delta-mismatch',
  'stop-without-start',
  'invalid-tool-input',
  'tool-input-cut',
  'tool-input-not-object',
  'thinking-without-signature',
]);

/** Tells which findings the missing beginning explains. */
export class MiddleFilter {
  readonly #started: Set<unknown> = new Set();
  #startSeen = false;
  #stopSeen = false;
  #damaged = false;
  #events = 0;
  #nameless = false;

  /** Sees an event, after its findings. */
  see(event: StreamEvent): void {
    this.#events++;
    if (event.type === 'message_start') this.#startSeen = true;
    if (event.type === 'content_block_start') this.#started.add(event.index);
    if (event.type === 'message_stop') this.#stopSeen = true;
  }

  /** Whether the next event is the first, so that a part of it may be missing. */
  get atFirst(): boolean {
    return this.#events === 0;
  }

  /** Whether an event without a name is the first of them: the core tells only of one, and that may have been cut. */
  namelessNow(named: boolean): boolean {
    if (named || this.#nameless) return false;
    this.#nameless = true;
    return true;
  }

  /** Whether a finding says no more than that the beginning is missing. */
  hides({ rule, index }: Note, event: StreamEvent | undefined): boolean {
    if (rule === 'missing-event-name') return true;
    if (rule === 'invalid-json' || rule === 'invalid-event') this.#damaged = true;
    if (this.#startSeen || event?.type === 'message_start') return false;
    if (OF_THE_START.has(rule)) return true;
    if (OF_A_BLOCK.has(rule)) return !this.#started.has(index);
    if (rule === 'index-gap' || rule === 'index-out-of-order') return this.#started.size === 0;
    if (rule === 'missing-stop-reason') return this.#events === 0;
    if (rule === 'stop-reason-mismatch') return true;
    return rule === 'empty-answer' || rule === 'input-tokens-unknown';
  }

  /** The outcome, if a missing beginning is no damage. */
  outcome(outcome: Outcome): Outcome {
    if (this.#damaged || this.#startSeen) return outcome;
    const late = outcome.status === 'truncated' && this.#stopSeen;
    if (outcome.status !== 'damaged' && !late) return outcome;
    return { status: 'complete', stopReason: outcome.stopReason };
  }
}
