/**
 * Walks over the bytes of a stream and tells its lines, one byte at a time: slow, plain, and the same for every chunking.
 *
 * Nothing is kept of a line but its field name and the beginning of its value, so a line of any length costs nothing. Lines
 * end as the SSE standard says (CR LF, LF, CR); a CR is settled by the byte after it. Event numbers are those of the
 * parser: a group of lines is an event if it has a data line.
 */

import type { LineEnd, Line } from './check.ts';
import type { Place } from './finding.ts';
import { Utf8Watch } from './utf8-watch.ts';

const LF = 10;
const CR = 13;
const COLON = 58;
const SPACE = 32;
const MAX_FIELD = 32;
const MAX_HEAD = 2;
const MARK: readonly number[] = [0xef, 0xbb, 0xbf];

/** Who hears of the lines. */
export interface LineListener {
  line(line: Line): void;
  badBytes(at: Place): void;
  /** The stream begins with a byte order mark. */
  mark(): void;
}

/** Where a byte has led: nowhere, or behind the blank line of a group of lines. */
export type Step = 'on' | 'group';

/** The state of a walk. */
export class LineWalker {
  readonly #listener: LineListener;
  readonly #utf8 = new Utf8Watch();
  #byte = 0;
  #line = 1;
  /** Number of events that have ended. */
  #events = 0;
  #lineStart = 0;
  #field = '';
  #colon = false;
  #space = false;
  #head = '';
  #valueLength = 0;
  #empty = true;
  #cr = false;
  #groupHasData = false;
  #groupIsBad = false;
  #marks = 0;

  constructor(listener: LineListener) {
    this.#listener = listener;
  }

  /** The place of the line that is being read. */
  get place(): Place {
    return { event: this.#events + 1, byte: this.#lineStart, line: this.#line };
  }

  /** Whether the group that ended last holds bytes that are no UTF-8; at the end of the input, the open one. */
  groupIsBad = false;
  /** The lines that end now are not told: they are an HTTP head. */
  muted = false;

  /** Reads one byte. `group`: this byte, or (after a CR) the one before it, ended a group of lines. */
  read(unit: number): Step {
    let step: Step = 'on';
    if (this.#cr) {
      this.#cr = false;
      if (unit === LF) {
        this.#byte++;
        return this.#endLine('CR LF');
      }
      step = this.#endLine('CR');
    }
    this.#byte++;
    if (unit === LF) return this.#endLine('LF') === 'group' ? 'group' : step;
    if (unit === CR) this.#cr = true;
    else this.#take(unit);
    return step;
  }

  /** The input is over: a CR at its very end ends a line. */
  end(): void {
    if (this.#cr && this.#endLine('CR') === 'group') return;
    this.groupIsBad = this.#groupIsBad;
  }

  #take(unit: number): void {
    if (this.#isMark(unit)) return;
    this.#empty = false;
    if (!this.#utf8.take(unit)) this.#bad();
    if (this.#colon) this.#takeValue(unit);
    else if (unit === COLON) this.#colon = true;
    else if (this.#field.length < MAX_FIELD) this.#field += String.fromCharCode(unit);
  }

  #takeValue(unit: number): void {
    if (this.#valueLength === 0 && unit === SPACE && !this.#space) this.#space = true;
    else {
      this.#valueLength++;
      if (this.#head.length < MAX_HEAD) this.#head += String.fromCharCode(unit);
    }
  }

  /** The three bytes of a byte order mark at the very beginning. */
  #isMark(unit: number): boolean {
    if (this.#marks >= MARK.length || this.#byte !== this.#marks + 1) return false;
    if (unit !== MARK[this.#marks]) {
      // It only began like one.
      for (const byte of MARK.slice(0, this.#marks)) {
        this.#utf8.take(byte);
        this.#field += String.fromCharCode(byte);
      }
      this.#empty = this.#marks === 0;
      this.#marks = MARK.length;
      return false;
    }
    this.#marks++;
    if (this.#marks === MARK.length) {
      this.#lineStart = this.#byte;
      this.#listener.mark();
    }
    return true;
  }

  #bad(): void {
    if (this.#groupIsBad) return;
    this.#groupIsBad = true;
    if (!this.muted) this.#listener.badBytes(this.place);
  }

  #endLine(end: LineEnd): Step {
    // A sequence that a line end cuts will never be whole.
    if (!this.#utf8.whole()) this.#bad();
    const field = this.#empty ? undefined : this.#field;
    const line = { at: this.place, field, colon: this.#colon, space: this.#space, head: this.#head, end };
    if (!this.muted) this.#listener.line(line);
    if (field === 'data') this.#groupHasData = true;
    this.#line++;
    this.#lineStart = this.#byte;
    this.#field = '';
    this.#head = '';
    this.#valueLength = 0;
    this.#colon = this.#space = false;
    this.#empty = true;
    return field === undefined ? this.#endGroup() : 'on';
  }

  #endGroup(): Step {
    this.groupIsBad = this.#groupIsBad;
    this.#groupIsBad = false;
    if (this.#groupHasData) this.#events++;
    this.#groupHasData = false;
    return 'group';
  }
}
