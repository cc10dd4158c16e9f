/**
 * JSON that is still arriving.
 *
 * How it works. One state machine reads each character once and never goes back. `#state` says what may come next.
 * `#frame` is the innermost open container with the place in it that is being filled, linked to the frame around it; the
 * outermost is a holder whose `value` is the root. Nothing recurses. A value is written into its place as soon as it may
 * be seen (`place`) and written again as it grows, so the tree that the caller holds is always current.
 *
 * Invariants:
 *
 * - Every state that is reached without an error can still end well. That is why the first character that fits no
 *   transition is also the first one at which the text is no prefix of any JSON text.
 * - Nothing but the end of `push` depends on where a piece ends. What is held back is held back because of the
 *   characters, not because of the piece: this makes chunking invisible.
 *
 * Traps:
 *
 * - A growing string is a rope: `+=` costs the new part only. Whoever looks into it (`charCodeAt`, `slice`, a comparison)
 *   makes the engine copy all of it; done at each push that is quadratic. Look at the new part instead.
 * - A key such as `__proto__` must not be assigned: it would set the prototype. And where `Object.prototype` is frozen,
 *   assigning `toString` throws. `place` defines every inherited name.
 */

import { MAX_DEPTH } from '../limits.ts';
import {
  AFTER_ITEM,
  AFTER_MEMBER,
  CLOSER,
  COLON,
  DONE,
  ESCAPE,
  ESCAPED,
  EXPECTED,
  FIRST_ITEM,
  FIRST_KEY,
  HEX,
  LITERAL,
  MEANT,
  MINUS,
  NEXT,
  START,
  STRING,
  VALUE,
  WANTED,
  ZERO,
  advanceNumber,
  isDigit,
} from './grammar.ts';
import { own, ownSum } from './own.ts';

/** What JSON can say. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/**
 * Why a text is not JSON. A plain object and no `Error`: it is never thrown, needs no stack, and survives
 * `JSON.stringify`.
 */
export interface JsonError {
  /** What could not be done, what was found, what was expected, and the offset. */
  message: string;
  /**
   * UTF-16 offset, from 0, of the first character at which the text is no prefix of any JSON text; the length of the
   * text where it just ended too early.
   */
  offset: number;
}

/** What a caller of {@link PartialJson} may set. */
export interface PartialJsonOptions {
  /** How many containers may be open at once: a whole number from 0, or `Infinity`. Default 512. */
  maxDepth?: number;
}

/** Asked which names every object inherits. */
const PLAIN = {};

/**
 * How much of an unfinished number is converted, in characters: else a number of a million digits in small pieces would
 * be converted anew at each. No double needs more than about 800 digits.
 */
const NUMBER_HEAD = 1024;

/**
 * How long the young end of a growing string gets, in characters, before it joins the rest as one flat block. A long
 * string is then a rope of few blocks and not of a cell for each piece, which is dear to the garbage collector.
 */
const BLOCK = 4096;

type Container = JsonValue[] | { [key: string]: JsonValue };

/** An open container and the place in it that is being filled. */
interface Frame {
  container: Container;
  /** `undefined` while the key is being read. */
  key: string | number | undefined;
  /** Whether assigning the key would not make it an own property. Asked once a key: asking takes as long as assigning. */
  inherited: boolean;
  /** The frame around it; `undefined` for the holder of the root. */
  around: Frame | undefined;
  /** How many containers are open, this one included; 0 for the holder. */
  depth: number;
}

/** Writes a value where it belongs; again each time that it has grown. */
function place(frame: Frame, value: JsonValue): void {
  const key = frame.key as string;
  if (frame.inherited) {
    Object.defineProperty(frame.container, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    (frame.container as { [key: string | number]: JsonValue })[key] = value;
  }
}

/** A spread defines properties: an own `__proto__` stays one. */
function copyFrame(frame: Frame): Frame {
  const { container } = frame;
  return { ...frame, container: Array.isArray(container) ? container.slice() : { ...container } };
}

/**
 * Reads a JSON text (RFC 8259, the grammar of `JSON.parse`) in pieces and shows what it says so far.
 *
 * Its promises, each held by a property test of the same number:
 *
 * 1. **Same as `JSON.parse`.** After `end()` there is no error exactly when `JSON.parse` accepts the whole text (as far as
 *    `maxDepth` allows), and `value` deep-equals what it returns, the order of keys included.
 * 2. **Chunking is invisible.** `value`, `complete` and `error` depend on the text so far, not on how it was cut.
 * 3. **A prefix shows a prefix.** `value` only grows: strings and containers get longer, an unfinished number is a longest
 *    valid prefix, nothing shown is taken back. The one exception is a key that comes again: its new value takes the
 *    place of the old one as soon as it may be seen.
 * 4. **Early.** A string is visible from its opening quote, a container from its bracket, a number from its first digit
 *    (`-` shows nothing, `1.` and `1e` show 1; past 1,024 characters it stands still until it ends). Hidden until they
 *    are whole: a key, a literal, an escape, and a high surrogate, which waits for what follows it.
 * 5. **Finished is final.** A value that has ended is never written again and keeps its identity.
 * 6. **Live.** An unfinished container is one object that grows in place until it closes.
 * 7. **Errors have a place.** `error.offset` is the first offset at which the text is no prefix of any JSON text. What was
 *    shown before it stays, and nothing after it is read.
 * 8. **`push` never throws** for a string, whatever is in it.
 * 9. **Any key is a plain key**, `__proto__`, `constructor` and `toString` included: an own property, as in `JSON.parse`.
 * 10. **Copies are independent**: pushing into one never changes what the other shows.
 * 11. **Depth is bounded** by `maxDepth`, and reading does not recurse, however deep.
 * 12. **Linear.** Each character is looked at once, also when `value` is read after every push.
 *
 * A finished string is a copy: it keeps no piece alive.
 *
 * @example
 * ```ts
 * import { PartialJson } from 'ssemble/json';
 *
 * const json = new PartialJson();
 * json.push('{"city":"Par');
 * json.value; // { city: 'Par' }
 * json.push('is","days":[1,2');
 * json.value; // { city: 'Paris', days: [1, 2] }
 * json.push(']}');
 * json.complete; // true
 * ```
 */
export class PartialJson {
  readonly #maxDepth: number;
  #state: number = VALUE;
  /** Holds the value at the top level. */
  #root: { [key: string]: JsonValue } = {};
  #frame: Frame = { container: this.#root, key: 'value', inherited: false, around: undefined, depth: 0 };
  /** The number or literal so far; of a string only its full blocks: the whole of it is `#text + #tail + #held`. */
  #text = '';
  /** The young end of a string, shorter than a block. */
  #tail = '';
  /** A high surrogate that is seen once the next character is known. */
  #held = '';
  /** The literal that is being read, or the hex digits that have come of an escape. */
  #part = '';
  /** How much of the literal has come. */
  #count = 0;
  /** The piece that is being read, and how far. */
  #piece = '';
  #at = 0;
  /** Characters pushed before it. */
  #offset = 0;
  #ended = false;
  #error: JsonError | undefined = undefined;

  /**
   * Starts with no text.
   *
   * @throws RangeError when `maxDepth` is not a whole number from 0 or `Infinity`.
   */
  constructor(options: PartialJsonOptions = {}) {
    const { maxDepth = MAX_DEPTH } = options;
    if (!(maxDepth >= 0 && (maxDepth === Infinity || Number.isInteger(maxDepth)))) {
      throw new RangeError(`Cannot create PartialJson: maxDepth is ${String(maxDepth)}, not a whole number from 0`);
    }
    this.#maxDepth = maxDepth;
  }

  /**
   * What the text says so far; `undefined` while nothing may be seen yet. Reading it costs nothing. Open containers in it
   * are live: they grow with the next `push` (take a {@link copy} to keep a state).
   */
  get value(): JsonValue | undefined {
    return this.#root['value'];
  }

  /**
   * Whether the text so far is one whole JSON text. A number at the top level is whole only after `end()` or white space,
   * since another digit may come. False once there is an error.
   */
  get complete(): boolean {
    return this.#state === DONE && this.#error === undefined;
  }

  /** Why the text is not JSON, and where; `undefined` as long as it may still become JSON. The first error stays. */
  get error(): JsonError | undefined {
    return this.#error;
  }

  /**
   * Reads the next piece of the text. Bad JSON sets {@link error} and is not read further; it does not throw.
   *
   * @param text - Any number of characters; a piece may end anywhere, in the middle of a surrogate pair too.
   * @throws TypeError when `text` is not a string, or after {@link end}.
   */
  push(text: string): void {
    if (typeof text !== 'string') throw new TypeError(`Cannot push: the text is ${typeof text}, not a string`);
    if (this.#ended) throw new TypeError('Cannot push: the text has ended');
    this.#piece = text;
    this.#at = 0;
    // After an error nothing is read: what follows the loop then writes the same value again.
    while (this.#at < text.length && this.#error === undefined) this.#read(text.charCodeAt(this.#at++));
    this.#piece = '';
    // Once a piece, not once a run: a string in one piece is written once.
    if (this.#state >= STRING && this.#state <= HEX && this.#frame.key !== undefined) {
      place(this.#frame, this.#text + this.#tail);
    }
    this.#offset += text.length;
  }

  /**
   * Says that no more text comes: a text that is not whole gets its {@link error}, with the length of the text as offset.
   * A second call does nothing.
   *
   * @example
   * ```ts
   * import { PartialJson } from 'ssemble/json';
   *
   * const json = new PartialJson();
   * json.push('[1, 2');
   * json.end();
   * json.value; // [1, 2]
   * json.error; // { message: 'Cannot read JSON: unexpected end, expected , or ] (offset 5)', offset: 5 }
   * ```
   */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#error !== undefined) return;
    if (this.#state >= ZERO && this.#state < MINUS) this.#endNumber();
    if (this.#state !== DONE) this.#refuse('end', this.#offset);
  }

  /**
   * An independent reader in the same state: what is pushed into one is not seen by the other. Costs one shallow copy of
   * each open container; values that have ended are shared, since nobody writes them again.
   *
   * @example
   * ```ts
   * import { PartialJson } from 'ssemble/json';
   *
   * const json = new PartialJson();
   * json.push('["a"');
   * const before = json.copy();
   * json.push(',"b"]');
   * before.value; // ['a']
   * json.value; // ['a', 'b']
   * ```
   */
  copy(): PartialJson {
    const copy = new PartialJson({ maxDepth: this.#maxDepth });
    copy.#state = this.#state;
    let frame = (copy.#frame = copyFrame(this.#frame));
    while (frame.around !== undefined) {
      const around = (frame.around = copyFrame(frame.around));
      place(around, frame.container);
      frame = around;
    }
    copy.#root = frame.container as { [key: string]: JsonValue };
    copy.#text = this.#text;
    copy.#tail = this.#tail;
    copy.#held = this.#held;
    copy.#part = this.#part;
    copy.#count = this.#count;
    copy.#offset = this.#offset;
    copy.#ended = this.#ended;
    copy.#error = this.#error;
    return copy;
  }

  /** Reads the character before `#at`; a reader of a longer run moves `#at` to the end of that. */
  #read(code: number): void {
    const state = this.#state;
    if (state === STRING) this.#readString(code);
    else if (state < STRING) this.#readStructure(code);
    else if (state === ESCAPE) this.#readEscape(code);
    else if (state === HEX) this.#readHex(code);
    else if (state === LITERAL) this.#readLiteral(code);
    else this.#readNumber();
  }

  #readStructure(code: number): void {
    const state = this.#state;
    if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) return;
    if (code === CLOSER[state]) {
      this.#frame = this.#frame.around as Frame;
      this.#after();
    } else if (state <= FIRST_ITEM) {
      this.#begin(code);
    } else if (code === WANTED[state]) {
      if (code === 0x22) this.#frame.key = undefined;
      if (state === AFTER_ITEM) (this.#frame.key as number)++;
      this.#state = NEXT[state] ?? VALUE;
    } else {
      this.#fail();
    }
  }

  #begin(code: number): void {
    if (code === 0x22) this.#state = STRING;
    else if (code === 0x7b) this.#open({}, FIRST_KEY);
    else if (code === 0x5b) this.#open([], FIRST_ITEM);
    else if (code === 0x74) this.#beginLiteral('true');
    else if (code === 0x66) this.#beginLiteral('false');
    else if (code === 0x6e) this.#beginLiteral('null');
    else if (code === 0x2d || isDigit(code)) {
      this.#state = START;
      this.#readNumber();
    } else {
      this.#fail();
    }
  }

  #beginLiteral(word: string): void {
    this.#part = word;
    this.#state = LITERAL;
    this.#at--;
  }

  #open(container: Container, state: number): void {
    const around = this.#frame;
    const depth = around.depth + 1;
    if (depth > this.#maxDepth) return this.#fail(`at most ${this.#maxDepth} open containers`);
    place(around, container);
    this.#frame = { container, key: 0, inherited: false, around, depth };
    this.#state = state;
  }

  #readString(code: number): void {
    if (code === 0x22) this.#endString('');
    else if (code === 0x5c) this.#state = ESCAPE;
    else if (code < 0x20) this.#fail();
    else this.#readRun();
  }

  /** Reads characters that stand for themselves. */
  #readRun(): void {
    const piece = this.#piece;
    const start = this.#at - 1;
    let end = this.#at;
    for (; end < piece.length; end++) {
      const code = piece.charCodeAt(end);
      if (code === 0x22 || code === 0x5c || code < 0x20) break;
    }
    const run = piece.slice(start, end);
    // Mostly the quote follows: then nothing is put together before the whole is.
    const ends = end < piece.length && piece.charCodeAt(end) === 0x22;
    this.#at = ends ? end + 1 : end;
    if (ends) this.#endString(run);
    else this.#append(run);
  }

  /** The string ends with this run. */
  #endString(run: string): void {
    const string = ownSum(this.#text + this.#tail + this.#held, run);
    this.#text = this.#tail = this.#held = '';
    if (this.#frame.key !== undefined) return this.#finish(string);
    this.#frame.key = string;
    this.#frame.inherited = string in PLAIN;
    this.#state = COLON;
  }

  #readEscape(code: number): void {
    const meant = ESCAPED.indexOf(String.fromCharCode(code));
    if (code === 0x75) {
      this.#part = '';
      this.#state = HEX;
    } else if (meant < 0) {
      this.#fail();
    } else {
      this.#append(MEANT.charAt(meant));
      this.#state = STRING;
    }
  }

  #readHex(code: number): void {
    const digit = String.fromCharCode(code);
    if (Number.isNaN(parseInt(digit, 16))) return this.#fail();
    this.#part += digit;
    if (this.#part.length < 4) return;
    this.#append(String.fromCharCode(parseInt(this.#part, 16)));
    this.#state = STRING;
  }

  #readLiteral(code: number): void {
    const word = this.#part;
    if (code !== word.charCodeAt(this.#count)) return this.#fail();
    if (++this.#count < word.length) return;
    this.#count = 0;
    this.#finish(word === 'null' ? null : word === 'true');
  }

  #readNumber(): void {
    const piece = this.#piece;
    const start = this.#at - 1;
    let end = start;
    for (; end < piece.length; end++) {
      const next = advanceNumber(this.#state, piece.charCodeAt(end));
      if (next < 0) break;
      this.#state = next;
    }
    this.#at = end;
    const short = this.#text.length < NUMBER_HEAD;
    this.#text += piece.slice(start, end);
    if (end < piece.length && this.#state < MINUS) return this.#endNumber();
    // The longest valid prefix of an unfinished number is what `parseFloat` reads.
    const number = short ? parseFloat(this.#text.slice(0, NUMBER_HEAD)) : NaN;
    if (!Number.isNaN(number)) place(this.#frame, number);
    if (end === piece.length) return;
    this.#at++;
    this.#fail();
  }

  #endNumber(): void {
    const number = Number(this.#text);
    this.#text = '';
    this.#finish(number);
  }

  /** Adds decoded characters, at least one. A high surrogate at their end is held: half a pair must not be seen. */
  #append(run: string): void {
    const last = run.length - 1;
    const half = (run.charCodeAt(last) & 0xfc00) === 0xd800;
    this.#tail += this.#held + (half ? run.slice(0, last) : run);
    this.#held = half ? run.charAt(last) : '';
    if (this.#tail.length < BLOCK) return;
    this.#text += own(this.#tail);
    this.#tail = '';
  }

  #finish(value: JsonValue): void {
    place(this.#frame, value);
    this.#after();
  }

  /** A value has ended. */
  #after(): void {
    const { container, depth } = this.#frame;
    this.#state = depth === 0 ? DONE : Array.isArray(container) ? AFTER_ITEM : AFTER_MEMBER;
  }

  /** Refuses the character before `#at`. */
  #fail(wanted?: string): void {
    const at = this.#at - 1;
    this.#refuse(JSON.stringify(this.#piece.charAt(at)), this.#offset + at, wanted);
  }

  #refuse(found: string, offset: number, wanted: string = this.#wanted()): void {
    this.#error = { message: `Cannot read JSON: unexpected ${found}, expected ${wanted} (offset ${offset})`, offset };
  }

  #wanted(): string {
    const state = this.#state;
    return state === LITERAL ? this.#part : (EXPECTED[state] ?? 'a digit');
  }
}
