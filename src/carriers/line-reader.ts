/**
 * Bytes or text in, lines out. A line ends with LF; a CR before it belongs to the end. A lone CR ends nothing: to JSON it
 * is white space, and inside a line of JSON it may stand.
 *
 * Every byte is looked at once for its line end and moved a bounded number of times on average, so a line of 50 MB in drips
 * of 16 bytes costs what it costs in one piece.
 */

import { ProtocolError } from '../errors.ts';
import { MAX_LINE_BYTES } from '../limits.ts';
import { decodeLines, encodeUtf8, isHighSurrogate, nativeDecoder, type LineDecoder } from '../sse/utf8.ts';

const LF = 0x0a;
const CR = 0x0d;
const NOTHING = new Uint8Array(0);

/** A line without its end, and where it is: `byte` from 0, `line` from 1. */
export interface Line {
  text: string;
  byte: number;
  line: number;
  /** It has its line end. Only the last line of an input may lack it. */
  ended: boolean;
}

export class LineReader {
  readonly #decoder: LineDecoder | undefined = nativeDecoder();
  readonly #maxLineBytes: number;
  /** `#held[#from, #to)` was written and not taken; there is no LF before `#searched`. */
  #held: Uint8Array = NOTHING;
  #from = 0;
  #to = 0;
  #searched = 0;
  /** Where `#from` is in the input. */
  #offset = 0;
  #lines = 0;
  /** The first half of a surrogate pair, at the end of a text chunk. */
  #half = '';
  #failure: ProtocolError | undefined = undefined;
  #ended = false;

  /** @param maxLineBytes - the longest line, its end not counted; RangeError unless it is above 0 */
  constructor(maxLineBytes: number = MAX_LINE_BYTES) {
    if (!(maxLineBytes > 0)) throw new RangeError(`maxLineBytes must be above 0, this is ${String(maxLineBytes)}`);
    this.#maxLineBytes = maxLineBytes;
  }

  /** Takes a chunk; it is copied. TypeError after `end()`. */
  write(chunk: Uint8Array | string): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw new TypeError('Cannot write after end(): the input has ended');
    this.#append(typeof chunk === 'string' ? this.#encode(chunk) : chunk);
  }

  /**
   * The next line, `undefined` when more input is needed. After `end()` the last one, also without its line end.
   *
   * @throws ProtocolError `line-too-long` past the ceiling; then every further call throws it
   */
  next(): Line | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const found = this.#held.subarray(0, this.#to).indexOf(LF, this.#searched);
    const end = found < 0 ? this.#to : found;
    if (end - this.#from > this.#maxLineBytes && !this.#fits(end)) throw this.#tooLong();
    if (found < 0) this.#searched = this.#to;
    if (found < 0 && (!this.#ended || this.#from === this.#to)) return undefined;
    return this.#take(end, found >= 0);
  }

  /** No more input comes. `next()` gives what was left. */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) return;
    if (this.#half !== '') this.#append(encodeUtf8(this.#half));
    this.#half = '';
    this.#ended = true;
  }

  reset(): void {
    this.#held = NOTHING;
    this.#from = this.#to = this.#searched = this.#offset = this.#lines = 0;
    this.#half = '';
    this.#failure = undefined;
    this.#ended = false;
  }

  #take(end: number, ended: boolean): Line {
    const stop = end > this.#from && this.#held[end - 1] === CR ? end - 1 : end;
    const text = decodeLines(this.#decoder, this.#held.subarray(this.#from, stop), 0);
    const byte = this.#offset;
    const next = ended ? end + 1 : end;
    this.#offset += next - this.#from;
    this.#from = this.#searched = next;
    this.#lines++;
    return { text: byte === 0 ? text.replace(/^\uFEFF/, '') : text, byte, line: this.#lines, ended };
  }

  /** A CR that may be half of the line end is not counted. */
  #fits(end: number): boolean {
    return end - this.#from === this.#maxLineBytes + 1 && this.#held[end - 1] === CR;
  }

  #tooLong(): ProtocolError {
    const at = { event: 0, byte: this.#offset, line: this.#lines + 1 };
    const what = `Cannot read a line: it is longer than ${this.#maxLineBytes} bytes (maxLineBytes)`;
    this.#failure = new ProtocolError('line-too-long', `${what} (line ${at.line}, byte ${at.byte})`, at);
    this.#held = NOTHING;
    this.#from = this.#to = this.#searched = 0;
    return this.#failure;
  }

  #encode(chunk: string): Uint8Array {
    const text = this.#half + chunk;
    const whole = isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.slice(0, -1) : text;
    this.#half = text.slice(whole.length);
    return encodeUtf8(whole);
  }

  /** The buffer at least doubles when it grows. */
  #append(bytes: Uint8Array): void {
    if (this.#to + bytes.length > this.#held.length) {
      const held = this.#to - this.#from;
      const wanted = held + bytes.length;
      const target = wanted * 2 <= this.#held.length ? this.#held : new Uint8Array(Math.max(wanted * 2, 1024));
      target.set(this.#held.subarray(this.#from, this.#to));
      this.#held = target;
      this.#searched -= this.#from;
      this.#from = 0;
      this.#to = held;
    }
    this.#held.set(bytes, this.#to);
    this.#to += bytes.length;
  }
}
