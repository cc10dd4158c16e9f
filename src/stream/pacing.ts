/**
 * Text comes in bursts; shown as it comes it jumps. A pacer lets it out evenly, at the pace of the caller's clock.
 *
 * There is no timer and no promise here, and nothing waits: the reading of the stream is never held up by how it is
 * shown. Whoever draws asks `take(now)` at each frame, with the time that the frame has.
 *
 * The pace. At least `charsPerSecond`; faster if some text would else be shown later than `catchUpMs` after it was first
 * seen. So the display never lags further behind than that, however fast the text comes, and a tab that was asleep shows
 * at once what is overdue.
 */

import { isHighSurrogate, isLowSurrogate } from '../sse/utf8.ts';

/** What a {@link TextPacer} may be told. */
export interface TextPacerOptions {
  /** The slowest pace, in UTF-16 units a second. Default 80: a little faster than people read. */
  charsPerSecond?: number | undefined;
  /** The longest time, in milliseconds, between the first `take` after a `push` and the moment its text is out. Default 500. */
  catchUpMs?: number | undefined;
}

/** All text before `end` is to be out at `due`. */
interface Due {
  end: number;
  due: number;
}

/**
 * Evens out text for display, driven by the caller's clock.
 *
 * - What is taken, joined, is what was pushed.
 * - Text is out at most `catchUpMs` after the first `take` that followed its `push`.
 * - The first character of a burst is not held back.
 * - The halves of a surrogate pair come out together.
 *
 * @example
 * import { TextPacer } from 'ssemble';
 *
 * const pacer = new TextPacer({ charsPerSecond: 100, catchUpMs: 1000 });
 * pacer.push('Hello world');
 * pacer.take(0); // 'H'
 * pacer.take(50); // 'ello '
 * pacer.take(1000); // 'world'
 */
export class TextPacer {
  readonly #slowest: number;
  readonly #catchUpMs: number;
  #text = '';
  /** How many units were pushed and shown in all; what of the pushed ones has been given a time. */
  #pushed = 0;
  #shown = 0;
  #seen = 0;
  #dues: Due[] = [];
  #now = 0;
  /** Units a millisecond, from the last `take` on. 0: nothing waited then, so what waits now begins a burst. */
  #pace = 0;
  /** The part of a unit that is due already. */
  #carry = 0;
  #ended = false;

  /** @throws RangeError for a pace or a time that is not above 0, and for an endless pace */
  constructor(options: TextPacerOptions = {}) {
    this.#slowest = finite(positive('charsPerSecond', options.charsPerSecond ?? 80)) / 1000;
    this.#catchUpMs = positive('catchUpMs', options.catchUpMs ?? 500);
  }

  /** How many UTF-16 units wait. */
  get pending(): number {
    return this.#text.length;
  }

  /** Whether `end()` was called and everything is out. */
  get done(): boolean {
    return this.#ended && this.#text === '';
  }

  /** Gives text that has come. @throws TypeError after `end()` */
  push(text: string): void {
    if (this.#ended) throw new TypeError('Cannot push text: end() was called');
    this.#text += text;
    this.#pushed += text.length;
  }

  /** No more comes: half a surrogate pair is not waited for. What waits still comes out evenly. */
  end(): void {
    this.#ended = true;
  }

  /**
   * What is to be shown in addition now; `''` if nothing is.
   *
   * @param nowMs - the time in milliseconds, of any clock that runs forward (`performance.now()`, the frame's own time)
   * @throws RangeError if it is not a finite number
   */
  take(nowMs: number): string {
    if (!Number.isFinite(nowMs))
      throw new RangeError(`take() needs the time in milliseconds, this is ${String(nowMs)}`);
    const elapsed = Math.max(0, nowMs - this.#now);
    this.#now = nowMs;
    if (this.#pushed > this.#seen) {
      this.#seen = this.#pushed;
      this.#dues.push({ end: this.#pushed, due: nowMs + this.#catchUpMs });
    }
    const even = this.#pace === 0 ? 1 : this.#carry + elapsed * this.#pace;
    const text = this.#cut(Math.max(even, this.#overdue(nowMs)));
    this.#pace = this.#nextPace(nowMs);
    this.#carry = this.#pace === 0 ? 0 : clamp(even - text.length);
    return text;
  }

  /** Everything that waits, at once: for the end of a page, or a reader who does not want to wait. */
  flush(): string {
    const text = this.#text;
    this.#text = '';
    this.#shown += text.length;
    this.#dues = [];
    this.#pace = this.#carry = 0;
    return text;
  }

  /** How much has to come out now whatever the pace. */
  #overdue(nowMs: number): number {
    let end = this.#shown;
    while (this.#dues[0] !== undefined && this.#dues[0].due <= nowMs) end = (this.#dues.shift() as Due).end;
    return end - this.#shown;
  }

  /** The slowest pace at which everything is out in time. */
  #nextPace(nowMs: number): number {
    if (this.#text === '') {
      this.#dues = [];
      return 0;
    }
    let pace = this.#slowest;
    for (const { end, due } of this.#dues) pace = Math.max(pace, (end - this.#shown) / (due - nowMs));
    return pace;
  }

  #cut(units: number): string {
    let end = Math.min(this.#text.length, Math.floor(units));
    if (end > 0 && isHighSurrogate(this.#text.charCodeAt(end - 1))) {
      if (end < this.#text.length) end += isLowSurrogate(this.#text.charCodeAt(end)) ? 1 : 0;
      // Its other half may come with the next push.
      else if (!this.#ended) end -= 1;
    }
    const text = this.#text.slice(0, end);
    this.#text = this.#text.slice(end);
    this.#shown += end;
    return text;
  }
}

/** A pair that came out whole is owed one unit; nothing is saved up while half a pair is waited for. */
function clamp(carry: number): number {
  return Math.max(-1, Math.min(1, carry));
}

/** Without an end to the pace there is nothing to even out. */
function finite(pace: number): number {
  if (pace !== Infinity) return pace;
  throw new RangeError('charsPerSecond must be finite, this is Infinity: to show text as it comes, use no pacer');
}

function positive(name: string, value: number): number {
  if (typeof value === 'number' && value > 0) return value;
  throw new RangeError(`${name} must be above 0, this is ${String(value)}`);
}
