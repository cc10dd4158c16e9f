/**
 * Bytes or strings → `SseEvent`, to the letter of WHATWG HTML §9.2.6, incrementally.
 *
 * Theory. Input is cut at the last line end that is certain. What stands before it is a **block** of whole lines; what
 * stands after it is **held** until its line ends. Line ends never occur inside a UTF-8 sequence, and a character that a
 * chunk cuts waits as bytes: so no decoder is ever left mid-character, and state can be saved at any byte. Offsets are
 * found on demand from the block alone.
 *
 * Two ways in. A chunk of valid UTF-8 is decoded whole and what is held of it is text (`#loadEvents`, `#loadWhole`): to cut
 * and join arrays of bytes takes longer than to decode them. All others (small pieces, bare CRs, invalid bytes, no decoder)
 * are held as bytes, in a buffer that doubles, and decoded as lines (`#loadBytes`). Both are linear however the input was
 * chopped. Of a line of megabytes the whole characters are decoded a MiB at a time: larger buffers cost more for each byte.
 *
 * Two ways out. Most events have one shape: an event line, one data line, a blank line. Those are cut out in one step
 * (`#usual`, and for the push form `#giveRun` and `#giveOne`); all else is read line by line. An event line that ends a
 * chunk waits for its data line, so that an event cut by a chunk has that shape, too.
 *
 * Invariants
 * - `#text` holds whole lines; `0 <= #pos <= #text.length`; every line before `#pos` has been read. After `#giveOne` there
 *   is no block: `#text` is empty and `#pos` is the length of the chunk.
 * - A CR that is the last byte of the input so far is held: only the next byte tells whether it is CR or CRLF. Waiting
 *   for it keeps offsets the same under every chunking. The price: where line ends are bare CRs, an event comes with
 *   the byte after it (or with `end()`). Nothing that is known to serve Claude streams ends lines with bare CRs.
 * - What events of the usual shape change (counts, places, the last id) is settled before anybody looks (`#settleRun`).
 * - Held input is text (`#heldText`), then bytes (`#held`), then the bytes of a cut character (`#part`). Text that came as
 *   bytes was valid: it encodes to just those again. `#half` is a high surrogate that ended a string.
 * - An offset is a {@link Mark}: a byte; in a block where bytes and units differ an index into `#text`, until it is left.
 *
 * Traps for the next editor: never search for CR once per line (quadratic); never keep a reference to a caller's chunk
 * after `write` (it may be reused); a limit must trip at the same event whether the line came whole or in drips, so it
 * is checked when the line is read or would be next, not when its bytes come in.
 */

import { ProtocolError } from '../errors.ts';
import { MAX_EVENT_BYTES, MAX_LINE_BYTES } from '../limits.ts';
import { fromBase64, toBase64 } from './base64.ts';
import type { Position, SseEvent, SseOptions } from './event.ts';
import { findHead, hasHead, type Head, learnHead, VIEW_BYTES } from './heads.ts';
import { endOfData, lastLineEnd, lastLineEndOfText, lastLineFeed, nearLineEnd } from './line-ends.ts';
import {
  bytesOfUnits,
  encodeUtf8,
  isHighSurrogate,
  isLowSurrogate,
  characterEnd,
  characterLength,
  decodeLines,
  decodeUtf8,
  densityOf,
  nativeDecoder,
  utf8Length,
} from './utf8.ts';

const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
const LOWER_E = 101;
const BOM = 0xfeff;
const NOTHING = new Uint8Array(0);
/** A held buffer larger than this is given back as soon as a chunk comes that finds it empty. */
const KEEP_BYTES = 4096;
/** A longer chunk is read in pieces of this length. */
const PIECE = 64 * 1024;
/** Held bytes become text when more than these have come together. */
const HELD_BYTES = 1024 * 1024;
/** A shorter chunk that ends no event is held as bytes: text in small pieces costs more. */
const WHOLE_BYTES = 512;
/** A longer line, too: text of megabytes in pieces of a chunk each keeps the garbage collector busy. */
const LONG_BYTES = 128 * 1024;
/** A longer event line does not wait for its data line: nor is its type one that is learned. */
const MAX_EVENT_LINE = 64;
/** In place of a unit: what is held came as bytes. */
const NO_STRING = -1;
/** Not looked for yet. */
const UNKNOWN = -2;

/** A place in the input: a byte offset, or `~index` (negative) for an index into the block, if it is not even. */
type Mark = number;

/** Who gets an event, and what else it is told. */
type Give<P = unknown> = (event: SseEvent, parser: P) => void;

/**
 * Reads the whole event that begins at `pos`, from its event line on, if it is one that it knows; with `alone` only if
 * nothing is behind it. Gives the index of the LF behind its data, -1 if it is another one. The scanner then gives
 * {@link MATCHED} in its place: what was read, the matcher has.
 */
export type Match = (text: string, pos: number, alone: boolean) => number;

/** Stands for the event that a {@link Match} has read. */
export const MATCHED: SseEvent = { event: '', data: '', id: '', named: true };

/** The saved state of a scanner: plain JSON. */
export interface SseScannerState {
  version: 1;
  /** Input that was not read yet: strings as they are, bytes as base64. */
  input: (string | { base64: string })[];
  /** Where that input begins. */
  offset: number;
  lines: number;
  events: number;
  atStart: boolean;
  ended: boolean;
  /** The end was read: what is in `input` is lines, and no more comes. */
  closed: boolean;
  lastEventId: string;
  reconnectionTime?: number;
  open: { start: number; line: number; data?: string; event?: string } | null;
  idBuffer: string;
  retry?: number;
  position: Position;
  failure?: { code: string; message: string; at: { event: number; byte: number; line: number } };
}

/**
 * The pull form of the SSE parser: `write` input, take events with `next` until it gives `undefined`, `end` once.
 *
 * ```
 * scanner.write(chunk);
 * for (let event = scanner.next(); event; event = scanner.next()) use(event);
 * ```
 *
 * The caller may reuse a chunk's memory as soon as `write` has returned. The constructor throws a `RangeError` for a
 * limit that is not above 0.
 *
 * @example
 * const scanner = new SseScanner();
 * scanner.write('event: ping\ndata: {}\n\n');
 * scanner.next(); // { event: 'ping', data: '{}', id: '', named: true }
 * scanner.position(); // { event: 1, byte: 0, line: 1, from: 0, end: 22 }
 * scanner.next(); // undefined
 */
export class SseScanner {
  readonly #maxLineBytes: number;
  readonly #maxEventBytes: number;
  readonly #decoder = nativeDecoder();
  readonly #onComment: ((comment: string) => void) | undefined;

  // Held input: what came after the last certain line end.
  #held: Uint8Array = NOTHING;
  /** Of all that is held; `#heldYoung`: of them in `#held`. */
  #heldBytes = 0;
  #heldYoung = 0;
  /** How many of them are a whole event line, which waits for its data line: an event is read faster in one piece. */
  #heldHead = 0;
  #heldText = '';
  /**
   * Its last unit if it came as a string, which may hold half a surrogate pair; else {@link NO_STRING}. Looking it up in
   * a rope would flatten the rope at every write.
   */
  #heldLast = NO_STRING;
  #heldCr = false;
  /** Whether there may be a CR in what is held as text: an event line that waits may end in one. */
  #heldReturn = false;
  #half = '';
  /** The bytes of the character in which the last chunk was cut; they follow what is held. */
  #part: number[] = [];
  /** Chunks that came while the block was not read to its end; bytes are copies. */
  #queue: (Uint8Array | string)[] = [];
  /** How many of them were loaded: `shift` would move all the others. */
  #taken = 0;

  // The block.
  #text = '';
  #pos = 0;
  /** The next LF and CR of the block at or behind `#pos`; -1: there is none. */
  #lf = -1;
  #cr = -1;
  #blockStart = 0;
  #blockEnd = 0;
  /** The block's bytes, kept only where units and bytes cannot be matched from the text (it holds U+FFFD). */
  #raw: Uint8Array | undefined;
  /** Whether one byte is one unit throughout. */
  #even = true;
  /** How much of the last chunk was not ASCII: the next one will be alike. */
  #density = 0;
  #mayExceed = false;
  // The last place that was asked for, so that asking at every event stays linear.
  #knownIndex = 0;
  #knownByte = 0;

  // The event being read.
  #open = false;
  #start: Mark = 0;
  #startLine = 1;
  #data: string | undefined = undefined;
  #event: string | undefined = undefined;
  #idBuffer = '';
  #retry: number | undefined = undefined;

  // The run: events of the usual shape, one behind the other.
  /** How many events of usual shape were given that are not counted yet, and where the last of them begins. */
  #unsettled = 0;
  #usualStart: Mark = 0;
  /** The one that fitted last. */
  #head: Head | undefined = undefined;

  // What has been read.
  #atStart = true;
  #lines = 0;
  #events = 0;
  #from: Mark = 0;
  #end: Mark = 0;
  #given: Mark = 0;
  #givenLine = 1;
  #givenEvent = 0;
  #lastEventId = '';
  #reconnectionTime: number | undefined = undefined;
  #ended = false;
  #closed = false;
  #failure: ProtocolError | undefined = undefined;

  constructor(options: SseOptions = {}) {
    this.#maxLineBytes = ceiling('maxLineBytes', options.maxLineBytes ?? MAX_LINE_BYTES);
    this.#maxEventBytes = ceiling('maxEventBytes', options.maxEventBytes ?? MAX_EVENT_BYTES);
    this.#onComment = options.onComment;
  }

  /** WHATWG's "last event ID string": what the last blank line made of the `id` lines so far. */
  get lastEventId(): string {
    this.#settleRun();
    return this.#lastEventId;
  }

  /** WHATWG's "reconnection time" in milliseconds, as the last valid `retry` line set it. */
  get reconnectionTime(): number | undefined {
    return this.#reconnectionTime;
  }

  /**
   * Gives input: bytes of any length, or text. A string may end between the halves of a surrogate pair.
   *
   * @throws TypeError if the chunk is neither, or after `end()`; the `ProtocolError` that ended the scan, if one did.
   */
  write(chunk: Uint8Array | string): void;
  /** @internal */
  write<P>(chunk: Uint8Array | string, give: Give<P>, parser: P, match?: Match): void;
  write(chunk: Uint8Array | string, give?: Give, parser?: unknown, match?: Match): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw new TypeError('Cannot write: the input has ended; reset() begins a new one');
    const text = typeof chunk === 'string';
    if (!text && !(chunk instanceof Uint8Array)) {
      if (!ArrayBuffer.isView(chunk))
        throw new TypeError('Cannot write a chunk that is neither a Uint8Array nor a string');
      const view = chunk as ArrayBufferView;
      chunk = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    }
    if (chunk.length === 0) return;
    if (this.#waits) {
      this.#queue.push(typeof chunk === 'string' ? chunk : new Uint8Array(chunk));
    } else if (chunk.length <= PIECE) this.#load(chunk, give, parser, match);
    else {
      // Strings of megabytes are made, and read, at half the speed of small ones.
      for (let from = PIECE; from < chunk.length; from += PIECE) {
        // Bytes are copied: they are the caller's to write over. (`slice` of Node's `Buffer` is no copy.)
        this.#queue.push(
          typeof chunk === 'string'
            ? chunk.slice(from, from + PIECE)
            : new Uint8Array(chunk.subarray(from, from + PIECE)),
        );
      }
      this.#load(typeof chunk === 'string' ? chunk.slice(0, PIECE) : chunk.subarray(0, PIECE), give, parser, match);
    }
  }

  /**
   * Whether `next()` has nothing to say: everything is read, and no limit is near.
   *
   * @internal
   */
  get idle(): boolean {
    if (this.#waits || this.#open) return false;
    return this.#heldBytes <= this.#maxLineBytes && this.#heldBytes <= this.#maxEventBytes;
  }

  /** Whether input was loaded or queued and not read. */
  get #waits(): boolean {
    return this.#pos < this.#text.length || this.#queue.length > 0;
  }

  /**
   * The next event, or `undefined` when more input is needed.
   *
   * @throws ProtocolError `line-too-long` or `event-too-large`, after all events before it were given; from then on
   *   every call throws the same one until `reset()`.
   */
  next(): SseEvent | undefined;
  /** @internal */
  next(match?: Match): SseEvent | undefined;
  next(match?: Match): SseEvent | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    for (;;) {
      if (this.#pos < this.#text.length) {
        const event = this.#read(match);
        if (event !== undefined) return event;
      }
      this.#settleRun();
      if (this.#queue.length === 0) break;
      const chunk = this.#queue[this.#taken] as Uint8Array | string;
      this.#queue[this.#taken++] = '';
      if (this.#taken === this.#queue.length) {
        this.#queue = [];
        this.#taken = 0;
      }
      this.#load(chunk);
    }
    if (!this.#closed) this.#checkHeld();
    return undefined;
  }

  /**
   * Ends the input. Gives the last event if fields of it had come but no blank line (by the standard it is not
   * dispatched): an unterminated last line counts as a line, and `data` is `''` if no data line came. Gives `undefined`
   * where nothing is left, and while events wait for `next()`: take those first, then call `end()` once more. A bare CR
   * at the very end is a line end, so `next()` may have one more event after `end()`.
   *
   * @throws ProtocolError as `next` does.
   */
  end(): SseEvent | undefined {
    this.#settleRun();
    if (this.#failure !== undefined) throw this.#failure;
    this.#ended = true;
    if (this.#waits) return undefined;
    if (!this.#closed) {
      this.#checkHeld();
      this.#closed = true;
      this.#loadHeld();
      // The CR that waited is a blank line: the event is complete, and `next()` has it.
      const last = this.#text.length - 1;
      const blank = this.#text.charCodeAt(last) === CR && (last === 0 || this.#text.charCodeAt(last - 1) === LF);
      if (blank && this.#data !== undefined) return undefined;
      this.#read();
    }
    return this.#open ? this.#give(this.#text.length) : undefined;
  }

  /**
   * Where the event stood that `next()` or `end()` gave last; valid until the following `next()`. Found when asked for:
   * not asking costs nothing.
   */
  position(): Position {
    this.#settleRun();
    // In the order of the input, and kept as bytes: going back would count from the start of the block again.
    const from = (this.#from = this.#byteOf(this.#from));
    const byte = (this.#given = this.#byteOf(this.#given));
    const end = (this.#end = this.#byteOf(this.#end));
    return { event: this.#givenEvent, byte, line: this.#givenLine, from, end };
  }

  /** Forgets everything and begins a new input with the same options. */
  reset(): void {
    this.#restore({
      version: 1,
      input: [],
      offset: 0,
      lines: 0,
      events: 0,
      atStart: true,
      ended: false,
      closed: false,
      lastEventId: '',
      open: null,
      idBuffer: '',
      position: { event: 0, byte: 0, line: 1, from: 0, end: 0 },
    });
  }

  /** The whole state as plain JSON, at any byte of the input. Options are not part of it. */
  toJSON(): SseScannerState {
    this.#settleRun();
    const open = this.#open
      ? {
          start: this.#byteOf(this.#start),
          line: this.#startLine,
          ...(this.#data !== undefined && { data: this.#data }),
          ...(this.#event !== undefined && { event: this.#event }),
        }
      : null;
    return {
      version: 1,
      input: this.#unread(),
      offset: this.#byteAt(this.#pos),
      lines: this.#lines,
      events: this.#events,
      atStart: this.#atStart,
      ended: this.#ended,
      closed: this.#closed,
      lastEventId: this.#lastEventId,
      ...(this.#reconnectionTime !== undefined && { reconnectionTime: this.#reconnectionTime }),
      open,
      idBuffer: this.#idBuffer,
      ...(this.#retry !== undefined && { retry: this.#retry }),
      position: this.position(),
      ...(this.#failure !== undefined && {
        failure: {
          code: this.#failure.code,
          message: this.#failure.message,
          at: this.#failure.at as { event: number; byte: number; line: number },
        },
      }),
    };
  }

  /**
   * A scanner that goes on where `toJSON()` was called.
   *
   * @throws TypeError if the state is not one of ours, or of another version.
   */
  static from(state: SseScannerState, options: SseOptions = {}): SseScanner {
    if (state?.version !== 1) throw new TypeError('Cannot restore a scanner: the state is not of version 1');
    const scanner = new SseScanner(options);
    scanner.#restore(state);
    return scanner;
  }

  #restore(state: SseScannerState): void {
    this.#dropHeld();
    this.#half = '';
    this.#queue = [];
    this.#taken = 0;
    this.#text = '';
    this.#pos = 0;
    this.#unsettled = 0;
    this.#raw = undefined;
    this.#even = true;
    this.#blockStart = this.#blockEnd = this.#knownByte = state.offset;
    this.#knownIndex = 0;
    this.#open = state.open !== null;
    this.#start = state.open?.start ?? 0;
    this.#startLine = state.open?.line ?? 1;
    this.#data = state.open?.data;
    this.#event = state.open?.event;
    this.#idBuffer = state.idBuffer;
    this.#retry = state.retry;
    this.#atStart = state.atStart;
    this.#lines = state.lines;
    this.#events = state.events;
    this.#from = state.position.from;
    this.#end = state.position.end;
    this.#given = state.position.byte;
    this.#givenLine = state.position.line;
    this.#givenEvent = state.position.event;
    this.#lastEventId = state.lastEventId;
    this.#reconnectionTime = state.reconnectionTime;
    this.#failure = undefined;
    this.#ended = this.#closed = false;
    for (const piece of state.input) this.write(typeof piece === 'string' ? piece : fromBase64(piece.base64));
    this.#ended = state.ended;
    this.#closed = state.closed;
    if (state.closed) this.#loadHeld();
    if (state.failure !== undefined) {
      this.#failure = new ProtocolError(state.failure.code, state.failure.message, state.failure.at);
    }
  }

  /** Everything that was written and not read: the rest of the block, what is held, what is queued. */
  #unread(): (string | { base64: string })[] {
    const pieces: (string | { base64: string })[] = [];
    const rest = this.#text.slice(this.#pos);
    const asText = this.#raw === undefined && !(this.#even && rest.includes('\uFFFD'));
    if (this.#heldYoung === 0 && asText) {
      if (rest + this.#heldText !== '') pieces.push(rest + this.#heldText);
      if (this.#part.length > 0) pieces.push({ base64: toBase64(Uint8Array.from(this.#part)) });
    } else {
      const from = this.#raw === undefined ? 0 : this.#byteAt(this.#pos) - this.#blockStart;
      const block = this.#raw === undefined ? encodeUnits(rest, this.#even) : this.#raw.subarray(from);
      const bytes = joined(block, this.#allHeld());
      if (bytes.length > 0) pieces.push({ base64: toBase64(bytes) });
    }
    if (this.#half !== '') pieces.push(this.#half);
    for (const chunk of this.#queue.slice(this.#taken))
      pieces.push(typeof chunk === 'string' ? chunk : { base64: toBase64(chunk) });
    return pieces;
  }

  // ── Input: chunks → a block of whole lines, and what is held ──────────────────────────────────────────────────────

  #load(chunk: Uint8Array | string, give?: Give, parser?: unknown, match?: Match): void {
    this.#leaveBlock();
    if (typeof chunk === 'string') {
      if (this.#half !== '') {
        chunk = this.#half + chunk;
        this.#half = '';
      }
      if (this.#heldYoung === 0 && this.#part.length === 0) return this.#loadText(chunk);
      if (isHighSurrogate(chunk.charCodeAt(chunk.length - 1))) {
        this.#half = chunk.charAt(chunk.length - 1);
        chunk = chunk.slice(0, -1);
      }
      return this.#loadBytes(encodeUtf8(chunk), true);
    }
    const from = this.#part.length === 0 ? 0 : this.#completePart(chunk);
    if (from > 0 && from === chunk.length) return;
    if (this.#mayBeWhole(chunk)) {
      const alone = this.#heldBytes === 0 && endsEvent(chunk);
      if (alone ? this.#loadEvents(chunk, give, parser, match) : this.#loadWhole(chunk, from, give, parser, match))
        return;
    }
    let bytes = from === 0 ? chunk : chunk.subarray(from);
    if (this.#half !== '') {
      // In front of the chunk, not behind what is held: a CR that waits there ends its line now.
      bytes = joined(encodeUtf8(this.#half), bytes);
      this.#half = '';
    }
    this.#loadBytes(bytes, bytes.length > 0);
  }

  /**
   * Ends the character that the chunk before was cut in, and tells how many bytes of this one that took. 0: they do not
   * continue it, and what was there waits as bytes.
   */
  #completePart(chunk: Uint8Array): number {
    const part = this.#part;
    const missing = characterLength(part[0] as number) - part.length;
    const taken = chunk.subarray(0, missing);
    if (!taken.every((byte) => byte >= 0x80 && byte < 0xc0)) return 0;
    part.push(...taken);
    if (taken.length < missing) return taken.length;
    const character = decodeUtf8(Uint8Array.from(part));
    if (character.includes('\uFFFD')) {
      part.length -= missing;
      return 0;
    }
    this.#heldText += character;
    this.#heldBytes += part.length;
    this.#part = [];
    return missing;
  }

  /** Whether it is worth trying {@link #loadWhole}. Makes text of what is held, if that is short. */
  #mayBeWhole(chunk: Uint8Array): boolean {
    if (this.#decoder === undefined || this.#heldCr || this.#half !== '' || this.#part.length > 0) return false;
    if (this.#heldBytes > LONG_BYTES || (chunk.length < WHOLE_BYTES && !endsEvent(chunk))) return false;
    if (this.#heldYoung === 0) return this.#heldBytes === this.#heldText.length || this.#heldLast === NO_STRING;
    if (this.#heldYoung > KEEP_BYTES) return false;
    const text = decodeLines(this.#decoder, this.#held.subarray(0, this.#heldYoung), this.#density);
    if (text.includes('\uFFFD')) return false;
    this.#heldText += text;
    this.#heldLast = NO_STRING;
    this.#heldReturn ||= this.#heldHead > 0 && text.includes('\r');
    this.#heldYoung = 0;
    return true;
  }

  /**
   * The fast way in. A chunk of valid UTF-8, as nearly all are, is decoded whole, and what is held of it is text: not a
   * byte is copied. Gives `false`, and changes nothing, if it is another one. This is for a chunk that ends an event, with
   * nothing held: most are that, and one event.
   */
  #loadEvents(chunk: Uint8Array, give: Give | undefined, parser: unknown, match: Match | undefined): boolean {
    const text = decodeLines(this.#decoder, chunk, this.#density);
    const even = text.length === chunk.length;
    this.#density = densityOf(text.length, chunk.length);
    if (give !== undefined && this.#giveOne(chunk, text, give, parser, match)) return true;
    // A byte that is no UTF-8 is one unit, too: if all are one, it does no harm.
    if (!even && text.includes('\uFFFD')) return false;
    this.#setLines(text, chunk.length, true);
    if (give !== undefined) this.#giveRun(give, parser, match, chunk, chunk.length, 0);
    return true;
  }

  /**
   * The same for any other chunk; also `false` if a bare CR may end its last line.
   *
   * @param from - where the chunk begins: what is before has been read
   */
  #loadWhole(
    chunk: Uint8Array,
    from: number,
    give: Give | undefined,
    parser: unknown,
    match: Match | undefined,
  ): boolean {
    const ends = endsEvent(chunk);
    const to = ends ? chunk.length : characterEnd(chunk);
    const bytes = from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to);
    const text = decodeLines(this.#decoder, bytes, this.#density);
    const even = text.length === bytes.length;
    this.#density = densityOf(text.length, bytes.length);
    const held = this.#heldText;
    const cr = this.#heldReturn || text.indexOf('\r') !== -1;
    if (text.includes('\uFFFD')) return false;
    let line = ends ? to : nearLineEnd(chunk, from, to);
    let cut = even ? line - from : text.length;
    if (line === 0) {
      // The last line is long.
      cut = lastLineFeed(text) + 1;
      if (cut > 0) line = even ? from + cut : chunk.lastIndexOf(LF, to - 1) + 1;
    } else if (!even && !ends) cut = text.lastIndexOf('\n') + 1;
    if (cr && chunk.indexOf(CR, line) !== -1) return false;
    if (line === 0) {
      this.#heldText = held + text;
      this.#heldBytes += bytes.length;
      this.#heldLast = NO_STRING;
      if (to < chunk.length) this.#part = [...chunk.subarray(to)];
      return true;
    }
    const head = ends ? 0 : this.#eventLine(chunk, line, cut);
    line -= head;
    cut -= head;
    const before = this.#heldBytes;
    this.#heldText = cut === text.length ? '' : text.substring(cut);
    this.#heldBytes = to - line;
    this.#heldHead = head;
    this.#heldReturn = cr && head > 0;
    this.#heldLast = NO_STRING;
    if (to < chunk.length) this.#part = [...chunk.subarray(to)];
    if (cut === 0) return true;
    // Joined first and cut then: what is cut off a joined string is flat, and read faster than the joined one.
    const lines = held === '' ? text : held + text;
    const end = lines.length - text.length + cut;
    this.#setLines(end === lines.length ? lines : lines.substring(0, end), before + line - from, cr);
    if (give !== undefined) this.#giveRun(give, parser, match, chunk, line, before - from);
    return true;
  }

  /**
   * The length of the line of the chunk that ends at `line`, and in its text at `cut`, if it is an event line: alone it does
   * nothing yet; held with what follows, the event has the shape for the fast path. Else 0.
   */
  #eventLine(chunk: Uint8Array, line: number, cut: number): number {
    const near = Math.max(line - MAX_EVENT_LINE, 0);
    let start = line - 1;
    for (; start > near && chunk[start - 1] !== LF; start--) {
      const byte = chunk[start - 1] as number;
      // It is ASCII, so that its bytes are its units; and with a bare CR in it, it is more than one line.
      if (byte >= 0x80 || (byte === CR && start < line - 1)) return 0;
    }
    const length = line - start;
    if (chunk[start] !== LOWER_E) return 0;
    if (start > 0) return chunk[start - 1] === LF ? length : 0;
    return this.#heldText === '' && length === cut ? length : 0;
  }

  /** The slow way in, for all chunks that are not for the fast one: small ones, CRs, invalid bytes, no decoder. */
  #loadBytes(chunk: Uint8Array, more: boolean): void {
    // Half a pair in a string is no text for bytes to follow; and of what is short, its line may be asked for.
    if (this.#heldYoung === 0 && this.#heldText !== '') {
      if (this.#heldLast !== NO_STRING || this.#heldBytes <= MAX_EVENT_LINE) this.#holdAsBytes();
    }
    if (this.#part.length > 0) {
      const part = Uint8Array.from(this.#part);
      this.#part = [];
      this.#hold(part, 0);
    }
    const line = lastLineEnd(chunk);
    const cut = line < 2 || chunk[line - 2] === LF ? line : this.#beforeEventLine(chunk, line);
    if (cut === 0 && (line > 0 || !(this.#heldCr && more))) {
      if (line > 0) this.#heldHead = this.#heldBytes + line;
      this.#hold(chunk, 0);
    } else {
      // With a CR held and no line end in the chunk, the block is just what is held: `cut` is 0.
      if (this.#heldBytes === 0) this.#setBlock(cut === chunk.length ? chunk : chunk.subarray(0, cut));
      else {
        this.#hold(cut === chunk.length ? chunk : chunk.subarray(0, cut), 0);
        this.#setBlock(this.#held.subarray(0, this.#heldYoung));
        this.#heldBytes = this.#heldYoung = 0;
        // A long line has ended.
        if (this.#held.length > KEEP_BYTES) this.#held = NOTHING;
      }
      this.#heldHead = line - cut;
      this.#heldReturn = false;
      if (cut < chunk.length) this.#hold(chunk, cut);
    }
    this.#heldCr = this.#heldYoung > 0 && this.#held[this.#heldYoung - 1] === CR;
  }

  /**
   * Where to cut a chunk whose last certain line end is at `end`: there, or before its last line if that is an event line.
   * Alone it does nothing yet; held with what follows, the event has the shape for the fast path.
   */
  #beforeEventLine(chunk: Uint8Array, end: number): number {
    let from = end - 1;
    if (chunk[from] !== LF) return end;
    if (chunk[from - 1] === CR) from--;
    for (; from > 0 && chunk[from - 1] !== LF; from--) {
      if (chunk[from - 1] === CR || end - from > MAX_EVENT_LINE) return end;
    }
    if (from > 0) return chunk[from] === LOWER_E ? from : end;
    const first = this.#heldBytes > 0 ? this.#held[0] : chunk[0];
    const fits = this.#heldHead === 0 && !this.#heldCr && this.#heldBytes + end <= MAX_EVENT_LINE;
    return fits && first === LOWER_E ? 0 : end;
  }

  /** Holds a chunk from `from` on. */
  #hold(chunk: Uint8Array, from: number): void {
    const added = chunk.length - from;
    let length = this.#heldYoung + added;
    if (length > this.#held.length) {
      if (length > HELD_BYTES) length = this.#decodeHeld() + added;
      if (length > this.#held.length) {
        const grown = new Uint8Array(Math.max(length, this.#held.length * 2, 64));
        grown.set(this.#held.subarray(0, this.#heldYoung));
        this.#held = grown;
      }
    }
    this.#held.set(from === 0 ? chunk : chunk.subarray(from), this.#heldYoung);
    this.#heldYoung = length;
    this.#heldBytes += added;
  }

  /** Makes text of the whole characters in `#held`, if all are valid; tells how many bytes are left there. */
  #decodeHeld(): number {
    const cut = characterEnd(this.#held.subarray(0, this.#heldYoung));
    const text = decodeLines(this.#decoder, this.#held.subarray(0, cut), this.#density);
    if (!text.includes('\uFFFD')) {
      this.#heldText += text;
      this.#held.copyWithin(0, cut, this.#heldYoung);
      this.#heldYoung -= cut;
    }
    return this.#heldYoung;
  }

  /** All that is held, as bytes. */
  #allHeld(): Uint8Array {
    const bytes = joined(encodeUtf8(this.#heldText), this.#held.subarray(0, this.#heldYoung));
    return this.#part.length === 0 ? bytes : joined(bytes, Uint8Array.from(this.#part));
  }

  #holdAsBytes(): void {
    this.#held = this.#allHeld();
    this.#heldBytes = this.#heldYoung = this.#held.length;
    this.#heldText = '';
    this.#part = [];
  }

  #dropHeld(): void {
    this.#held = NOTHING;
    this.#heldBytes = this.#heldYoung = this.#heldHead = 0;
    this.#heldText = '';
    this.#heldCr = this.#heldReturn = false;
    this.#part = [];
  }

  /** The block is what is held as text, if any is, and `bytes`: whole lines together. */
  #setBlock(bytes: Uint8Array): void {
    const before = this.#heldText;
    const young = decodeLines(this.#decoder, bytes, this.#density);
    this.#density = densityOf(young.length, bytes.length);
    const size = this.#heldBytes - this.#heldYoung + bytes.length;
    const text = before + young;
    this.#heldText = '';
    // Units never outnumber bytes, so equal counts mean one unit a byte throughout.
    if (text.length !== size && text.includes('\uFFFD')) this.#raw = joined(encodeUtf8(before), bytes);
    this.#setLines(text, size, text.indexOf('\r') !== -1);
  }

  #loadText(chunk: string): void {
    const cut = lastLineEndOfText(chunk);
    if (cut === 0 && !this.#heldCr) {
      // A pair that two pieces share is 4 bytes, not 3 + 3.
      const shared = this.#heldText !== '' && isHighSurrogate(this.#heldLast) && isLowSurrogate(chunk.charCodeAt(0));
      this.#heldText += chunk;
      this.#heldBytes += utf8Length(chunk) - (shared ? 2 : 0);
    } else {
      const text = this.#heldText + chunk.slice(0, cut);
      const bytes = utf8Length(text);
      this.#heldText = chunk.slice(cut);
      this.#heldBytes = utf8Length(this.#heldText);
      this.#heldHead = 0;
      this.#heldReturn = false;
      this.#setLines(text, bytes, true);
    }
    this.#heldLast = chunk.charCodeAt(chunk.length - 1);
    this.#heldCr = this.#heldText !== '' && this.#heldLast === CR;
  }

  /** Turns the marks into bytes, while the block that they point into is still there. */
  #leaveBlock(): void {
    this.#settleRun();
    if (!this.#even) {
      this.#from = this.#byteOf(this.#from);
      this.#given = this.#byteOf(this.#given);
      this.#end = this.#byteOf(this.#end);
      this.#start = this.#byteOf(this.#start);
      this.#raw = undefined;
      this.#even = true;
    }
    this.#blockStart = this.#blockEnd;
    this.#text = '';
    this.#pos = 0;
  }

  /** The block is `text`: whole lines, that were `size` bytes. */
  #setLines(text: string, size: number, cr: boolean): void {
    this.#blockEnd = this.#blockStart + size;
    this.#even = text.length === size;
    this.#text = text;
    this.#pos = 0;
    this.#knownIndex = 0;
    this.#knownByte = this.#blockStart;
    this.#lf = UNKNOWN;
    this.#cr = cr ? text.indexOf('\r') : -1;
    if (this.#atStart) {
      this.#atStart = false;
      if (text.charCodeAt(0) === BOM) this.#pos = 1;
    }
    const begin = this.#open ? this.#start : this.#blockStart;
    this.#mayExceed = size > this.#maxLineBytes || this.#blockEnd - begin > this.#maxEventBytes;
  }

  /** At the end: what is held becomes the block. */
  #loadHeld(): void {
    this.#leaveBlock();
    if (this.#half !== '') {
      this.#hold(encodeUtf8(this.#half), 0);
      this.#half = '';
    }
    if (this.#part.length > 0) this.#hold(Uint8Array.from(this.#part), 0);
    const size = this.#heldBytes;
    if (this.#heldYoung === 0 && size > 0) this.#setLines(this.#heldText, size, true);
    else if (size > 0) this.#setBlock(this.#held.subarray(0, this.#heldYoung));
    this.#dropHeld();
  }

  // ── Lines → fields → event ────────────────────────────────────────────────────────────────────────────────────────

  /** Reads lines of the block until one dispatches an event, or the block is read. */
  #read(match?: Match): SseEvent | undefined {
    const text = this.#text;
    // Kept from event to event: where one of the two kinds is missing, looking for it again each time is quadratic.
    let lf = this.#lf;
    let cr = this.#cr;
    while (this.#pos < text.length) {
      if (!this.#open && !this.#mayExceed && text.charCodeAt(this.#pos) === LOWER_E) {
        const event = this.#usual(match);
        if (event !== undefined) return event;
      }
      this.#settleRun();
      const pos = this.#pos;
      if (lf !== -1 && lf < pos) lf = text.indexOf('\n', pos);
      if (cr !== -1 && cr < pos) cr = text.indexOf('\r', pos);
      const bare = cr !== -1 && (lf === -1 || cr < lf);
      // At the end of the input the last line may lack its line end; it is read as a line without one.
      const end = bare ? cr : lf === -1 ? text.length : lf;
      const after = bare && lf === cr + 1 ? lf + 1 : Math.min(end + 1, text.length);
      if (end === pos) {
        this.#pos = after;
        this.#lines++;
        this.#lf = lf;
        this.#cr = cr;
        const event = this.#blank(after);
        if (event !== undefined) return event;
      } else {
        if (this.#mayExceed) this.#checkLine(pos, end);
        this.#pos = after;
        this.#lines++;
        this.#field(text, pos, end);
      }
    }
    return undefined;
  }

  /**
   * The fast path: gives the next event, if it has the one shape that the API sends (an event line whose type was seen
   * before, one data line, a blank line; all ended by LF, or all by CRLF). Anything else is left to the lines' path, which
   * gives the same events, only slower.
   */
  #usual(match: Match | undefined): SseEvent | undefined {
    const text = this.#text;
    const pos = this.#pos;
    const known = match === undefined ? -1 : match(text, pos, false);
    if (known !== -1) {
      this.#pass(pos, known + 2);
      this.#retry = undefined;
      return MATCHED;
    }
    const crlf = this.#cr !== -1;
    let head = this.#head;
    if (head === undefined || !hasHead(head, text, pos, undefined, undefined, 0)) {
      head = findHead(head, crlf, text, pos, undefined, undefined, 0);
      if (head === undefined) return undefined;
      this.#head = head;
    }
    const end = endOfData(text, pos + head.length, crlf);
    if (end === -1) return undefined;
    this.#pass(pos, end + (crlf ? 4 : 2));
    const data = text.substring(pos + head.length, end);
    if (this.#retry !== undefined) return makeEvent(head.name, data, this.#idBuffer, this.#takeRetry());
    return { event: head.name, data, id: this.#idBuffer, named: true };
  }

  /** The event from `pos` to `end` is given. What else that changes is settled when somebody looks, or the run ends. */
  #pass(pos: number, end: number): void {
    this.#usualStart = this.#even || pos === 0 ? this.#blockStart + pos : ~pos;
    this.#pos = end;
    this.#unsettled++;
  }

  /**
   * The same for all events with which the block begins, each given as it is found: `position()` and all else are as after
   * `next()`.
   *
   * @param chunk - the bytes in which the block ends, at `line`: heads are compared faster there
   * @param shift - where they begin in the block, if one unit is one byte: what is before came earlier
   */
  #giveRun(
    give: Give,
    parser: unknown,
    match: Match | undefined,
    chunk: Uint8Array,
    line: number,
    shift: number,
  ): void {
    if (this.#open || this.#mayExceed || this.#retry !== undefined) return;
    const text = this.#text;
    const { length } = text;
    const id = this.#idBuffer;
    const crlf = this.#cr !== -1;
    const bytes = this.#even ? chunk : undefined;
    const view =
      bytes === undefined || line < VIEW_BYTES ? undefined : new DataView(bytes.buffer, bytes.byteOffset, line);
    let head: Head | undefined = this.#head;
    let pos = this.#pos;
    while (pos < length) {
      const known = match === undefined ? -1 : match(text, pos, false);
      if (known !== -1) {
        this.#pass(pos, known + 2);
        pos = known + 2;
        give(MATCHED, parser);
        continue;
      }
      const raw = pos < shift ? undefined : bytes;
      if (head === undefined || !hasHead(head, text, pos, raw, view, pos - shift)) {
        head = findHead(head, crlf, text, pos, raw, view, pos - shift);
        if (head === undefined) break;
        this.#head = head;
      }
      const end = endOfData(text, pos + head.length, crlf);
      if (end === -1) break;
      const data = text.substring(pos + head.length, end);
      this.#pass(pos, end + (crlf ? 4 : 2));
      pos = end + (crlf ? 4 : 2);
      give({ event: head.name, data, id, named: true }, parser);
    }
    // The last event's place as a byte, while the bytes are here: to count them from the text takes as long as reading it.
    if (this.#usualStart < 0 && pos === length) {
      const before = chunk.lastIndexOf(LF, Math.max(chunk.lastIndexOf(LF, line - 4) - 1, 0));
      if (before > 0) this.#usualStart = this.#blockEnd - (line - before - 1);
    }
  }

  /** The same for a chunk that is one event, as most are: there is no block, and nothing to count. `false`: it is not. */
  #giveOne(chunk: Uint8Array, text: string, give: Give, parser: unknown, match: Match | undefined): boolean {
    const size = chunk.length;
    if (this.#open || this.#retry !== undefined || size > this.#maxLineBytes || size > this.#maxEventBytes)
      return false;
    const event = match !== undefined && match(text, 0, true) !== -1 ? MATCHED : this.#only(chunk, text);
    if (event === undefined) return false;
    this.#atStart = false;
    this.#even = true;
    this.#usualStart = this.#blockStart;
    this.#blockEnd = this.#blockStart + size;
    this.#pos = size;
    this.#unsettled = 1;
    give(event, parser);
    return true;
  }

  /** The event that is all of the text, if it has the usual shape. */
  #only(chunk: Uint8Array, text: string): SseEvent | undefined {
    let head = this.#head;
    if (head === undefined || !hasHead(head, text, 0, chunk, undefined, 0)) {
      head = findHead(head, false, text, 0, chunk, undefined, 0);
      if (head === undefined) return undefined;
      this.#head = head;
    }
    const end = text.length - 2;
    if (text.indexOf('\n', head.length) !== end || text.indexOf('\r') !== -1) return undefined;
    return { event: head.name, data: text.substring(head.length, end), id: this.#idBuffer, named: true };
  }

  /** Counts the events of usual shape that were given. */
  #settleRun(): void {
    const given = this.#unsettled;
    if (given === 0) return;
    this.#unsettled = 0;
    this.#given = this.#usualStart;
    // Before the first of them comments may stand; the others follow each other.
    this.#from = given === 1 ? this.#end : this.#given;
    this.#end = this.#markOf(this.#pos);
    this.#events += given;
    this.#givenEvent = this.#events;
    this.#lines += 3 * given;
    this.#givenLine = this.#lines - 2;
    this.#lastEventId = this.#idBuffer;
  }

  #field(text: string, pos: number, end: number): void {
    const first = text.charCodeAt(pos);
    if (first === COLON) {
      if (this.#onComment !== undefined) this.#onComment(text.slice(pos + 1, end));
      return;
    }
    if (!this.#open) {
      this.#open = true;
      this.#start = this.#markOf(pos);
      this.#startLine = this.#lines;
    }
    if (first === 100 && isField(text, pos, end, 'data')) {
      const value = text.slice(valueStart(text, pos + 4, end), end);
      this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    } else if (first === 101 && isField(text, pos, end, 'event')) {
      this.#event = text.slice(valueStart(text, pos + 5, end), end);
    } else if (first === 105 && isField(text, pos, end, 'id')) {
      const id = text.slice(valueStart(text, pos + 2, end), end);
      if (!id.includes('\0')) this.#idBuffer = id;
    } else if (first === 114 && isField(text, pos, end, 'retry')) {
      const digits = text.slice(valueStart(text, pos + 5, end), end);
      if (/^[0-9]+$/.test(digits)) {
        this.#reconnectionTime = this.#retry = Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
      }
    }
  }

  /** A blank line: dispatches the event if it has data. `after` is the index behind the line. */
  #blank(after: number): SseEvent | undefined {
    this.#lastEventId = this.#idBuffer;
    if (this.#data === undefined) {
      this.#event = undefined;
      this.#open = false;
      return undefined;
    }
    return this.#give(after);
  }

  #give(after: number): SseEvent {
    const name = this.#event;
    const event = makeEvent(name, this.#data ?? '', this.#idBuffer, this.#takeRetry());
    if (name !== undefined) learnHead(name, this.#cr !== -1);
    this.#mark(after);
    this.#open = false;
    this.#data = undefined;
    this.#event = undefined;
    return event;
  }

  #takeRetry(): number | undefined {
    const retry = this.#retry;
    if (retry !== undefined) this.#retry = undefined;
    return retry;
  }

  /** The event from `#start` to `after` was given: `position()` may be asked for it. */
  #mark(after: number): void {
    this.#from = this.#end;
    this.#end = this.#markOf(after);
    this.#given = this.#start;
    this.#givenLine = this.#startLine;
    this.#givenEvent = ++this.#events;
  }

  // ── Offsets ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #markOf(index: number): Mark {
    if (this.#even || index === 0) return this.#blockStart + index;
    return index === this.#text.length ? this.#blockEnd : ~index;
  }

  #byteOf(mark: Mark): number {
    return mark < 0 ? this.#byteAt(~mark) : mark;
  }

  /** The byte offset of index `index` of the block, counted from the nearest place that is known. */
  #byteAt(index: number): number {
    if (this.#even) return this.#blockStart + index;
    const text = this.#text;
    const ahead = index - this.#knownIndex;
    if (this.#raw !== undefined) {
      if (ahead < 0) this.#know(0, this.#blockStart);
      const from = this.#knownByte - this.#blockStart;
      const units = index - this.#knownIndex;
      return this.#know(index, this.#knownByte + bytesOfUnits(this.#raw, from, units));
    }
    if (text.length - index < Math.abs(ahead)) return this.#know(index, this.#blockEnd - utf8Length(text, index));
    if (ahead >= 0) return this.#know(index, this.#knownByte + utf8Length(text, this.#knownIndex, index));
    if (index < -ahead) return this.#know(index, this.#blockStart + utf8Length(text, 0, index));
    return this.#know(index, this.#knownByte - utf8Length(text, index, this.#knownIndex));
  }

  #know(index: number, byte: number): number {
    this.#knownIndex = index;
    this.#knownByte = byte;
    return byte;
  }

  // ── Limits ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Before the line `[pos, end)` of the block is read. */
  #checkLine(pos: number, end: number): void {
    this.#check(this.#byteAt(pos), this.#byteAt(end), this.#text.charCodeAt(pos) === COLON);
  }

  /** When the block is read: the line that is held and has not ended. */
  #checkHeld(): void {
    if (this.#heldBytes === 0) return;
    const opened = this.#open ? this.#blockEnd - this.#byteOf(this.#start) : 0;
    const held = this.#heldBytes - (this.#heldCr ? 1 : 0);
    if (held <= 0) return;
    if (held <= this.#maxLineBytes && held + opened <= this.#maxEventBytes) return;
    if (this.#heldHead > 0) return this.#releaseHead();
    const text = this.#heldText;
    const bytes = text === '';
    const mark = bytes
      ? this.#held[0] === 0xef && this.#held[1] === 0xbb && this.#held[2] === 0xbf
      : text.charCodeAt(0) === BOM;
    const skip = this.#atStart && mark;
    const first = bytes ? this.#held[skip ? 3 : 0] : text.charCodeAt(skip ? 1 : 0);
    const begin = this.#blockEnd + (skip ? 3 : 0);
    this.#check(begin, this.#blockEnd + held, first === COLON);
  }

  /** Reads the event line that waits, so that the line behind it can be judged by itself. */
  #releaseHead(): void {
    this.#holdAsBytes();
    const head = this.#held.subarray(0, this.#heldHead);
    this.#held = this.#held.subarray(head.length);
    this.#heldBytes = this.#heldYoung -= head.length;
    this.#heldHead = 0;
    this.#leaveBlock();
    this.#setBlock(head);
    this.#read();
    this.#checkHeld();
  }

  /** Trips the limit that the line `[begin, end)` crosses first, so that drips and whole lines fail alike. */
  #check(begin: number, end: number, comment: boolean): void {
    const lineFull = begin + this.#maxLineBytes;
    const event = { event: this.#events + 1, byte: begin, line: this.#lines + 1 };
    if (this.#open) {
      event.byte = this.#byteOf(this.#start);
      event.line = this.#startLine;
    }
    const eventFull = comment && !this.#open ? Infinity : event.byte + this.#maxEventBytes;
    if (end <= lineFull && end <= eventFull) return;
    if (lineFull <= eventFull) {
      const at = { event: this.#events + 1, byte: begin, line: this.#lines + 1 };
      this.#fail(
        'line-too-long',
        `Cannot read a line: it is longer than ${this.#maxLineBytes} bytes (maxLineBytes)`,
        at,
      );
    }
    this.#fail(
      'event-too-large',
      `Cannot read an event: it is larger than ${this.#maxEventBytes} bytes (maxEventBytes)`,
      event,
    );
  }

  #fail(code: string, message: string, at: { event: number; byte: number; line: number }): never {
    this.#failure = new ProtocolError(code, `${message} (event ${at.event}, line ${at.line}, byte ${at.byte})`, at);
    this.#queue = [];
    this.#taken = 0;
    this.#dropHeld();
    throw this.#failure;
  }
}

/** A ceiling as the caller gave it; `Infinity` is none. */
function ceiling(name: string, bytes: number): number {
  if (!(bytes > 0)) throw new RangeError(`Cannot use ${name} ${bytes}: it is not a number of bytes above 0`);
  return bytes;
}

/** Two literals, so that an event without `retry` (nearly all) has no such key. */
function makeEvent(name: string | undefined, data: string, id: string, retry: number | undefined): SseEvent {
  const named = name !== undefined;
  const event = name === undefined || name === '' ? 'message' : name;
  return retry === undefined ? { event, data, id, named } : { event, data, id, retry, named };
}

/** Whether nothing is to be held of the chunk. */
function endsEvent(chunk: Uint8Array): boolean {
  const last = chunk.length - 1;
  return chunk[last] === LF && chunk[last - 1] === LF;
}

/** Whether the line `[pos, end)` has the field name `name`: it ends there, or a colon follows. */
function isField(text: string, pos: number, end: number, name: string): boolean {
  const after = pos + name.length;
  return text.startsWith(name, pos) && (after === end || (after < end && text.charCodeAt(after) === COLON));
}

/** Where a field's value begins, its name ending at `after`: behind the colon and one space, if they are there. */
function valueStart(text: string, after: number, end: number): number {
  if (after >= end) return end;
  return after + 1 < end && text.charCodeAt(after + 1) === SPACE ? after + 2 : after + 1;
}

/** In an even block U+FFFD is one byte that was no UTF-8. Which one it was does not matter: it stays such a byte. */
function encodeUnits(text: string, even: boolean): Uint8Array {
  return even ? Uint8Array.from(text, (unit) => Math.min(unit.charCodeAt(0), 0xff)) : encodeUtf8(text);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
