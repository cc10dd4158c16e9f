/** How far a long job is, on one line of a terminal that is written over and over. A sink that is no terminal gets nothing. */

import { clip, type Sink } from './terminal.ts';
import { groupDigits } from './tally.ts';

const EVERY_MS = 100;
const BAR = 24;

/** A progress bar on standard error. */
export class Progress {
  readonly #sink: Sink;
  readonly #now: () => number;
  readonly #start: number;
  /** What is counted, such as `files`. */
  readonly #noun: string;
  #total: number | undefined;
  #done = 0;
  #drawn = -Infinity;
  #shown = false;

  constructor(sink: Sink, now: () => number, noun: string) {
    this.#sink = sink;
    this.#now = now;
    this.#noun = noun;
    this.#start = now();
  }

  /** How many there are, once that is known. */
  set total(count: number) {
    this.#total = count;
  }

  /** One more is done. */
  step(): void {
    this.#done++;
    const now = this.#now();
    if (!this.#sink.isTTY || now - this.#drawn < EVERY_MS) return;
    this.#drawn = now;
    this.#shown = true;
    // One that wraps could not be taken away again.
    this.#sink.write(`\r\u001b[K${clip(this.line(), (this.#sink.columns || 80) - 1)}`);
  }

  /** Takes the line away. Call it before anything else is written to the sink. */
  clear(): void {
    if (this.#shown) this.#sink.write('\r\u001b[K');
    this.#shown = false;
  }

  /** Such as `[######------------------] 25,000 of 100,000 files, 3,100/s, 24 s left`. */
  line(): string {
    const seconds = (this.#now() - this.#start) / 1000;
    const rate = seconds > 0 ? this.#done / seconds : 0;
    const speed = `${groupDigits(Math.round(rate))}/s`;
    if (this.#total === undefined) return `${groupDigits(this.#done)} ${this.#noun}, ${speed}`;
    const filled = Math.round((BAR * this.#done) / Math.max(1, this.#total));
    const left = rate > 0 ? `, ${groupDigits(Math.ceil((this.#total - this.#done) / rate))} s left` : '';
    const bar = `${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}`;
    return `[${bar}] ${groupDigits(this.#done)} of ${groupDigits(this.#total)} ${this.#noun}, ${speed}${left}`;
  }
}
