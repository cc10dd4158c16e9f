/**
 * The bytes of a stream as they came, cut at the places where an event is whole.
 *
 * Theory. What is passed on untouched must be the very bytes, so beside the reader that makes events of them runs this
 * tape. It knows as little of SSE as it takes to find the ends of events: line ends (LF, CR, CRLF), blank lines, comments,
 * and whether a block of lines holds a `data` line, because only such a block is dispatched. It and the scanner find the
 * same ends at the same byte of input; a property test holds that.
 *
 * Everything before `safe` is whole: events, and comments between them. Only that is ever passed on. So whatever is put
 * into the output (a heartbeat, an error) stands between events, and an event that is cut upstream reaches nobody.
 *
 * Until the first event has come, a block without data is kept back: it may be the body of something else (a page, a
 * JSON error), and that is not for the client. Comments go out at once: they are signs of life.
 *
 * All offsets are absolute: bytes of input, from 0.
 */

const LF = 10;
const CR = 13;
const COLON = 58;
const BLANK_LINE = new Uint8Array([LF, LF]);
const NOTHING = new Uint8Array(0);
/** A buffer larger than this is given back once it is empty. */
const KEEP_BYTES = 4096;

/** Where an event stands: at its first field, and one past its blank line. */
export interface Frame {
  readonly start: number;
  readonly end: number;
}

export class Tape {
  /** The input from `#base` on; what is before `#given` is not needed any more. */
  #bytes: Uint8Array = NOTHING;
  #length = 0;
  #base = 0;
  #given = 0;

  #lineStart = 0;
  /** Up to here line ends were looked for. */
  #looked = 0;
  /** The first field of the block that is being read. */
  #field: number | undefined = undefined;
  #hasData = false;
  #safe = 0;

  /** Whether an event has come. */
  #begun = false;
  /** Whether a block without data came before the first event. */
  #doubtful = false;
  /** Whether this is no event stream: then nothing is kept. */
  #foreign = false;
  #blank = true;

  #frames: Frame[] = [];
  #taken = 0;
  readonly #maxBytes: number;

  /** @param maxBytes - how much may come before the first event; more is no event stream */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Everything before this is whole. */
  get safe(): number {
    return this.#safe;
  }

  /** Whether no whole event waits. */
  get empty(): boolean {
    return this.#taken === this.#frames.length;
  }

  /** Takes input; copies it. */
  record(chunk: Uint8Array): void {
    if (this.#blank) this.#sniff(chunk);
    if (this.#foreign) return;
    this.#append(chunk);
    this.#scan(false);
    if (!this.#begun && this.#length > this.#maxBytes) this.#refuse();
  }

  /** The place of the next event; `undefined` if none is whole, or this is no event stream. */
  take(): Frame | undefined {
    if (this.empty) return undefined;
    const frame = this.#frames[this.#taken++];
    if (this.empty) {
      this.#frames = [];
      this.#taken = 0;
    }
    return frame;
  }

  /** The bytes from the first that was not given or dropped up to `end`. They are a copy. */
  give(end: number): Uint8Array {
    const bytes = this.#bytes.slice(this.#given - this.#base, Math.max(this.#given, end) - this.#base);
    this.drop(end);
    return bytes;
  }

  /** Forgets everything before `end`. */
  drop(end: number): void {
    this.#given = Math.max(this.#given, end);
    if (this.#given < this.#base + this.#length) return;
    this.#base = this.#given;
    this.#length = 0;
    if (this.#bytes.length > KEEP_BYTES) this.#bytes = NOTHING;
  }

  /** Forgets all that is whole, the events that were not taken included. */
  discard(): void {
    this.#frames = [];
    this.#taken = 0;
    this.drop(this.#safe);
  }

  /**
   * The input has ended. An event that lacks nothing but its final line ends gets them and is a frame like any other;
   * anything else that is not whole is forgotten.
   */
  finish(): void {
    this.#scan(true);
    if (this.#base + this.#length === this.#safe) return;
    const whole = this.#safe;
    const waiting = this.#frames.length;
    this.#append(BLANK_LINE);
    this.#scan(true);
    if (this.#frames.length > waiting) return;
    this.#safe = whole;
    this.#length = whole - this.#base;
  }

  /** As the reader does, by the first byte that is not blank: `{`, `[`, `<` and gzip's magic begin no event stream. */
  #sniff(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (byte === 32 || byte === 9 || byte === LF || byte === CR || byte === 0xef || byte === 0xbb || byte === 0xbf)
        continue;
      this.#blank = false;
      if (byte === 0x7b || byte === 0x5b || byte === 0x3c || byte === 0x1f) this.#refuse();
      return;
    }
  }

  #refuse(): void {
    this.#foreign = true;
    this.#bytes = NOTHING;
    this.#length = 0;
    this.#frames = [];
    this.#taken = 0;
    this.#safe = this.#given = this.#base;
  }

  #append(chunk: Uint8Array): void {
    const unused = this.#given - this.#base;
    // Moved only when at least as much is free as is moved: linear, however it was chopped.
    if (unused > this.#length / 2) {
      this.#bytes.copyWithin(0, unused, this.#length);
      this.#length -= unused;
      this.#base = this.#given;
    }
    const needed = this.#length + chunk.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = needed;
  }

  /** Reads the lines that are whole. A CR at the very end waits: only the next byte tells whether it is a CRLF. */
  #scan(atEnd: boolean): void {
    const view = this.#bytes.subarray(0, this.#length);
    let at = this.#looked - this.#base;
    let lf = view.indexOf(LF, at);
    let cr = view.indexOf(CR, at);
    at = view.length;
    while (lf >= 0 || cr >= 0) {
      const end = cr >= 0 && (lf < 0 || cr < lf) ? cr : lf;
      let next = end + 1;
      if (end === cr) {
        if (next === view.length && !atEnd) {
          at = end;
          break;
        }
        if (view[next] === LF) next++;
      }
      this.#readLine(view, end, next);
      this.#lineStart = this.#base + next;
      if (lf >= 0 && lf < next) lf = view.indexOf(LF, next);
      if (cr >= 0 && cr < next) cr = view.indexOf(CR, next);
    }
    this.#looked = this.#base + at;
  }

  #readLine(view: Uint8Array, end: number, next: number): void {
    let start = this.#lineStart - this.#base;
    const hasMark = this.#lineStart === 0 && view[0] === 0xef && view[1] === 0xbb && view[2] === 0xbf;
    if (hasMark) start += 3;
    if (start === end) return this.#endBlock(this.#base + next);
    if (view[start] === COLON) {
      if (this.#field === undefined && !this.#doubtful) this.#safe = this.#base + next;
      return;
    }
    this.#field ??= this.#base + start;
    this.#hasData ||= isData(view, start, end);
  }

  #endBlock(end: number): void {
    const start = this.#field;
    const dispatched = this.#hasData;
    this.#field = undefined;
    this.#hasData = false;
    if (dispatched) {
      this.#frames.push({ start: start as number, end });
      this.#begun = true;
      this.#doubtful = false;
    } else if (start !== undefined && !this.#begun) this.#doubtful = true;
    if (!this.#doubtful) this.#safe = end;
  }
}

/** Whether a line is a `data` field: `data`, and then a colon or nothing. */
function isData(view: Uint8Array, start: number, end: number): boolean {
  return (
    (end === start + 4 || (end > start + 4 && view[start + 4] === COLON)) &&
    view[start] === 0x64 &&
    view[start + 1] === 0x61 &&
    view[start + 2] === 0x74 &&
    view[start + 3] === 0x61
  );
}

/** Puts pieces into one; a single one stays as it is. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
