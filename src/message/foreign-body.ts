/**
 * Bodies that are no event stream: a JSON error, a whole `Message` (somebody forgot `"stream": true`), an HTML page of a
 * proxy, compressed bytes. A parser of server-sent events reads all of these as nothing at all; here they are named.
 *
 * The first non-blank byte decides. `{`, `[` and `<` never begin a stream of ours, and neither does gzip's magic: such a
 * body is kept (64 kB of it) and judged at its end. The head that `curl -i` prints is told from its first line; its lines
 * are unknown fields to SSE, so the scanner reads on through them, and behind the blank line the question is asked anew.
 */

import { ProtocolError, type StreamError } from '../errors.ts';
import { MAX_FOREIGN_BODY_BYTES } from '../limits.ts';
import { ApiError } from '../protocol/api-error.ts';
import { isObject, toStreamEvent } from '../protocol/decode.ts';
import type { Message } from '../protocol/message.ts';
import { fromBase64, toBase64 } from '../sse/base64.ts';
import { decodeUtf8, encodeUtf8, isHighSurrogate } from '../sse/utf8.ts';

/** What the body is, as far as it is known: blank so far; in an HTTP head; an event stream; anything else. */
type Finding = 'blank' | 'magic' | 'maybe-head' | 'head' | 'events' | 'body';

const HEAD = 'HTTP/';
/** One for all: making it is most of what a sniffer would cost. */
const NOTHING = new Uint8Array(0);
const BLANKS = ' \t\r\n\ufeff\u00ef\u00bb\u00bf';

/** The saved state of a {@link BodySniffer}. */
export interface BodySnifferState {
  finding: Finding;
  head: string;
  lineLength: number;
  compressed: boolean;
  kept: string;
  half: string;
}

/** What a foreign body turned out to be. */
export interface Verdict {
  error: StreamError;
  /** The whole message, where the body was one. */
  message?: Message;
}

/** Looks at the beginning of the input. */
export class BodySniffer {
  #finding: Finding = 'blank';
  /** The first line of an HTTP head, as far as it is needed. */
  #head = '';
  #lineLength = 0;
  #compressed = false;
  #kept: Uint8Array = NOTHING;
  /** The first half of a surrogate pair, at the end of a text chunk. */
  #half = '';

  /** Nothing more to find: everything goes to the scanner. */
  get settled(): boolean {
    return this.#finding === 'events';
  }

  /** Whether the input is no event stream. */
  get isForeign(): boolean {
    return this.#finding === 'body';
  }

  /** The HTTP status of the head that stood before the body, if one did. */
  get headStatus(): number | undefined {
    const status = /^HTTP\/[\d.]+ (\d{3})/.exec(this.#head);
    return status === null ? undefined : Number(status[1]);
  }

  /** Whether a head of `curl -i` came. */
  get sawHead(): boolean {
    return this.#head.startsWith(HEAD);
  }

  /** How much of the chunk the scanner gets (from its beginning); the rest is kept as a foreign body. */
  feed(chunk: Uint8Array | string): number {
    if (this.#finding === 'body') {
      this.#keep(chunk, 0);
      return 0;
    }
    for (let i = 0; i < chunk.length; i++) {
      const unit = typeof chunk === 'string' ? chunk.charCodeAt(i) : (chunk[i] as number);
      this.#look(unit);
      if (this.settled) break;
      if (this.isForeign) {
        this.#keep(chunk, i);
        return i;
      }
    }
    return chunk.length;
  }

  #look(unit: number): void {
    const character = String.fromCharCode(unit);
    switch (this.#finding) {
      case 'blank':
        if (BLANKS.includes(character)) return;
        if (character === '{' || character === '[' || character === '<') this.#finding = 'body';
        else if (unit === 0x1f) this.#finding = 'magic';
        else if (character === 'H') this.#headCharacter(character);
        else this.#finding = 'events';
        return;
      case 'magic':
        // As text, the second byte of the magic is U+FFFD.
        this.#compressed = unit === 0x8b || unit === 0xfffd;
        this.#finding = this.#compressed ? 'body' : 'events';
        return;
      case 'maybe-head':
        return this.#headCharacter(character);
      case 'head':
        if (this.#head.length < 16) this.#head += character;
        if (character === '\n') {
          if (this.#lineLength === 0) this.#finding = 'blank';
          this.#lineLength = 0;
        } else if (character !== '\r') this.#lineLength++;
        return;
      default:
    }
  }

  /** A new head takes the place of the one before (a proxy's `200 Connection established`). */
  #headCharacter(character: string): void {
    this.#head = this.#finding === 'blank' ? character : this.#head + character;
    if (!HEAD.startsWith(this.#head)) {
      this.#finding = 'events';
      this.#head = '';
    } else if (this.#head === HEAD) {
      this.#finding = 'head';
      this.#lineLength = HEAD.length;
    } else this.#finding = 'maybe-head';
  }

  #keep(chunk: Uint8Array | string, from: number): void {
    const room = MAX_FOREIGN_BODY_BYTES - this.#kept.length;
    if (room <= 0) return;
    const piece =
      typeof chunk === 'string' ? this.#encode(chunk.slice(from, from + room)) : chunk.subarray(from, from + room);
    const kept = new Uint8Array(Math.min(this.#kept.length + piece.length, MAX_FOREIGN_BODY_BYTES));
    kept.set(this.#kept);
    kept.set(piece.subarray(0, kept.length - this.#kept.length), this.#kept.length);
    this.#kept = kept;
  }

  #encode(chunk: string): Uint8Array {
    const text = this.#half + chunk;
    const whole = isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.slice(0, -1) : text;
    this.#half = text.slice(whole.length);
    return encodeUtf8(whole);
  }

  /**
   * At the end of a foreign body: what it is.
   *
   * @param status - the HTTP status of the response, if it is known
   */
  verdict(status: number | undefined): Verdict {
    if (this.#compressed) {
      return { error: refusal('gzip-body', 'it is gzip-compressed; decompress it first (curl --compressed)') };
    }
    return judge(decodeUtf8(this.#kept), status ?? this.headStatus);
  }

  toJSON(): BodySnifferState {
    return {
      finding: this.#finding,
      head: this.#head,
      lineLength: this.#lineLength,
      compressed: this.#compressed,
      kept: toBase64(this.#kept),
      half: this.#half,
    };
  }

  static from(state: BodySnifferState): BodySniffer {
    const sniffer = new BodySniffer();
    sniffer.#finding = state.finding;
    sniffer.#head = state.head;
    sniffer.#lineLength = state.lineLength;
    sniffer.#compressed = state.compressed;
    sniffer.#kept = fromBase64(state.kept);
    sniffer.#half = state.half;
    return sniffer;
  }
}

function refusal(code: string, what: string): ProtocolError {
  return new ProtocolError(code, `The body is not an event stream: ${what}`, { event: 0, byte: 0, line: 1 });
}

/** Judges a body that begins with `{`, `[` or `<`. */
function judge(text: string, status: number | undefined): Verdict {
  const body = text.replace(/^\uFEFF/, '').trim();
  const firstLine = body.split(/[\r\n]/, 1)[0] as string;
  if (body.startsWith('<')) return { error: refusal('html-body', `it is a page that begins with ${quote(firstLine)}`) };
  const wire = parse(body);
  if (isObject(wire)) return judgeObject(wire, body, status);
  const first = parse(firstLine);
  if (wire === undefined && isObject(first) && isLineOfEvents(first)) {
    return {
      error: refusal('ndjson-body', 'it is one JSON object a line, not server-sent events'),
    };
  }
  if (wire === undefined && /"type"\s*:\s*"message"/.test(body)) return { error: wholeMessage() };
  const kind = wire === undefined ? 'it begins like JSON' : 'it is JSON';
  return { error: refusal('json-body', `${kind}: ${quote(body)}`) };
}

function judgeObject(wire: { [key: string]: unknown }, body: string, status: number | undefined): Verdict {
  const event = toStreamEvent(wire);
  if (event.type === 'error') {
    const requestId = typeof event.request_id === 'string' ? event.request_id : undefined;
    return { error: ApiError.from(status, event.error, requestId) };
  }
  const start = toStreamEvent({ type: 'message_start', message: wire });
  if (wire['type'] === 'message' && Array.isArray(wire['content']) && start.type === 'message_start') {
    return { error: wholeMessage(), message: start.message };
  }
  if (status !== undefined && status >= 400) {
    return { error: ApiError.from(status, { type: 'api_error', message: body.slice(0, 500) }) };
  }
  if (isLineOfEvents(wire)) {
    return { error: refusal('ndjson-body', 'it is one JSON event, not server-sent events') };
  }
  return { error: refusal('json-body', `it is JSON: ${quote(body)}`) };
}

function wholeMessage(): ProtocolError {
  return refusal(
    'whole-message',
    'it is a whole Message; `"stream": true` was missing in the request, or the server ignores it',
  );
}

function isLineOfEvents(wire: { [key: string]: unknown }): boolean {
  return wire['type'] === 'stream_event' || toStreamEvent(wire).type !== 'unknown';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function quote(text: string): string {
  return `\`${text.length > 200 ? `${text.slice(0, 200)}…` : text}\``;
}
