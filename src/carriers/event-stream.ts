/**
 * The binary event stream of Amazon (`application/vnd.amazon.eventstream`): frames in, frames out.
 *
 * A frame is a prelude of 12 bytes, headers, a payload, and a checksum; all numbers are big-endian:
 *
 * ```
 * total length  4   of the whole frame, these 4 bytes and the last checksum counted
 * headers       4   their length in bytes
 * checksum      4   CRC-32 of the 8 bytes before
 * headers       …   name length 1, name, type 1, value: fixed by its type, or 2 bytes of length and that many bytes
 * payload       …   total length - headers - 16
 * checksum      4   CRC-32 of everything before
 * ```
 *
 * The prelude has a checksum of its own so that a wrong length is found before anybody waits for 4 GB. Both are checked
 * before a byte is believed. Nothing is skipped to find the next frame: behind a wrong length there is no way back.
 *
 * Source: "Event stream encoding", Amazon Transcribe and Smithy documentation; ceilings as in aws-c-event-stream.
 */

import { ProtocolError, TruncatedError } from '../errors.ts';
import { MAX_FRAME_BYTES, MAX_FRAME_HEADER_BYTES } from '../limits.ts';
import { decodeUtf8 } from '../sse/utf8.ts';
import { crc32 } from './crc32.ts';
import { encodeHeader, type EventStreamHeader, readHeaders, viewOf } from './event-stream-headers.ts';

export type { EventStreamHeader, EventStreamValue } from './event-stream-headers.ts';

const PRELUDE_BYTES = 12;
const CHECKSUM_BYTES = 4;
const MIN_FRAME_BYTES: number = PRELUDE_BYTES + CHECKSUM_BYTES;

/** One frame. */
export interface EventStreamMessage {
  /** In the order of the wire; a name that comes twice is there twice. */
  headers: EventStreamHeader[];
  payload: Uint8Array;
}

/**
 * The value of the first header of this name, if that is a string.
 *
 * @example
 * import { eventStreamText } from 'ssemble/bedrock';
 *
 * const frame = { headers: [{ name: ':event-type', type: 'string', value: 'chunk' } as const], payload: new Uint8Array() };
 * eventStreamText(frame, ':event-type'); // 'chunk'
 * eventStreamText(frame, ':exception-type'); // undefined
 */
export function eventStreamText(message: EventStreamMessage, name: string): string | undefined {
  const found = message.headers.find((header) => header.name === name);
  return found?.type === 'string' ? found.value : undefined;
}

/**
 * Takes frames out of bytes that come in any pieces, one at a time: `write()` a chunk, then `next()` until it gives
 * nothing, and `end()` when there are no more.
 *
 * After a `ProtocolError` every further call throws the same one: behind a wrong length there is no next frame.
 *
 * @example
 * import { encodeEventStreamMessage, EventStreamDecoder } from 'ssemble/bedrock';
 *
 * const decoder = new EventStreamDecoder();
 * decoder.write(encodeEventStreamMessage({ headers: [], payload: new Uint8Array([104, 105]) }));
 * decoder.next()?.payload; // new Uint8Array([104, 105])
 * decoder.next(); // undefined
 * decoder.end();
 */
export class EventStreamDecoder {
  /** What was written and not taken: `#held[#from, #to)`. */
  #held: Uint8Array = new Uint8Array(0);
  #from = 0;
  #to = 0;
  /** Where `#from` is in the input. */
  #offset = 0;
  /** The whole length of the frame at `#from`, once its prelude has been checked. */
  #length: number | undefined = undefined;
  #frames = 0;
  /** Where the frame began that was given last. */
  #byte = 0;
  #failure: ProtocolError | undefined = undefined;
  #ended = false;

  /**
   * Takes a chunk of any length. It is copied: the caller may use its buffer again.
   *
   * @throws TypeError after `end()`, and for anything but bytes (a frame does not survive being text); the ProtocolError
   *   that ended it
   */
  write(chunk: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) throw new TypeError('Cannot write after end(): make a new decoder');
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(`Cannot read an event stream from a ${typeof chunk}: it is binary, give its bytes`);
    }
    this.#makeRoom(chunk.length);
    this.#held.set(chunk, this.#to);
    this.#to += chunk.length;
  }

  /**
   * The next frame, or `undefined` when more bytes are needed. Its payload is a copy.
   *
   * @throws ProtocolError with the frame's number and first byte: `frame-length` for a length that cannot be,
   *   `frame-checksum` for a checksum that does not match, `frame-header` for headers that cannot be read
   */
  next(): EventStreamMessage | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    this.#length ??= this.#checkPrelude();
    const length = this.#length;
    if (length === undefined || this.#to - this.#from < length) return undefined;
    const frame = this.#held.slice(this.#from, this.#from + length);
    const view = viewOf(frame);
    const told = view.getUint32(length - CHECKSUM_BYTES);
    const found = crc32(frame, 0, length - CHECKSUM_BYTES);
    if (told !== found) throw this.#fail('frame-checksum', mismatch('the checksum of the frame', told, found));
    const headersEnd = PRELUDE_BYTES + view.getUint32(4);
    const headers = readHeaders(frame.subarray(PRELUDE_BYTES, headersEnd));
    if (typeof headers === 'string') throw this.#fail('frame-header', headers);
    this.#frames++;
    this.#byte = this.#offset;
    this.#from += length;
    this.#offset += length;
    this.#length = undefined;
    return { headers, payload: frame.subarray(headersEnd, length - CHECKSUM_BYTES) };
  }

  /**
   * Says that there are no more bytes. Call it when `next()` gives nothing more.
   *
   * @throws TruncatedError if the bytes end inside a frame
   */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended) return;
    this.#ended = true;
    const held = this.#to - this.#from;
    if (held === 0) return;
    const length = this.#length === undefined ? '' : ` of ${this.#length}`;
    throw new TruncatedError(
      `Cannot read frame ${this.#frames + 1}: the stream ended in it, after ${held}${length} bytes (byte ${this.#offset})`,
    );
  }

  /** Number of the frame that was given last, from 1, and the byte at which it begins, from 0. */
  position(): { event: number; byte: number } {
    return { event: this.#frames, byte: this.#byte };
  }

  /** Forgets everything and begins anew. */
  reset(): void {
    this.#held = new Uint8Array(0);
    this.#from = this.#to = this.#offset = this.#frames = this.#byte = 0;
    this.#length = undefined;
    this.#failure = undefined;
    this.#ended = false;
  }

  /** The buffer at least doubles when it grows, so that a byte is moved a bounded number of times on average. */
  #makeRoom(bytes: number): void {
    if (this.#to + bytes <= this.#held.length) return;
    const held = this.#to - this.#from;
    const wanted = held + bytes;
    const target = wanted * 2 <= this.#held.length ? this.#held : new Uint8Array(Math.max(wanted * 2, 1024));
    target.set(this.#held.subarray(this.#from, this.#to));
    this.#held = target;
    this.#from = 0;
    this.#to = held;
  }

  #checkPrelude(): number | undefined {
    if (this.#to - this.#from < PRELUDE_BYTES) return undefined;
    const prelude = this.#held.subarray(this.#from, this.#from + PRELUDE_BYTES);
    const view = viewOf(prelude);
    const [total, headers, told] = [view.getUint32(0), view.getUint32(4), view.getUint32(8)];
    const found = crc32(prelude, 0, 8);
    // A body of text has lengths as well, of the order of 2,000,000,000: say what it is rather than what is wrong.
    if (told !== found && isText(prelude)) {
      const start = JSON.stringify(decodeUtf8(prelude));
      throw this.#fail('frame-length', `the bytes are text (${start}), not an event stream`);
    }
    if (told !== found) throw this.#fail('frame-checksum', mismatch('the checksum of the prelude', told, found));
    if (total < MIN_FRAME_BYTES || total > MAX_FRAME_BYTES) {
      const why = `its length of ${total} bytes is not between ${MIN_FRAME_BYTES} and ${MAX_FRAME_BYTES}`;
      throw this.#fail('frame-length', why);
    }
    if (headers > total - MIN_FRAME_BYTES || headers > MAX_FRAME_HEADER_BYTES) {
      throw this.#fail('frame-length', `headers of ${headers} bytes do not fit a frame of ${total}`);
    }
    return total;
  }

  #fail(code: string, why: string): ProtocolError {
    const at = { event: this.#frames + 1, byte: this.#offset };
    return (this.#failure = new ProtocolError(code, `Cannot read frame ${at.event} (byte ${at.byte}): ${why}`, at));
  }
}

/**
 * Whether bytes begin like an event stream: a prelude whose checksum is right.
 *
 * @returns `undefined` if there are fewer than the 12 bytes that it takes to tell
 * @example
 * import { encodeUtf8 } from 'ssemble/sse';
 * import { isEventStream } from 'ssemble/bedrock';
 *
 * isEventStream(encodeUtf8('event: ping\ndata: {}\n\n')); // false
 */
export function isEventStream(start: Uint8Array): boolean | undefined {
  if (start.length < PRELUDE_BYTES) return undefined;
  return viewOf(start).getUint32(8) === crc32(start, 0, 8);
}

/**
 * Writes one frame, with both its checksums.
 *
 * @throws TypeError for a name of no or more than 255 bytes, a value that its type cannot hold, and a frame beyond the
 *   ceilings
 * @example
 * import { encodeEventStreamMessage } from 'ssemble/bedrock';
 *
 * encodeEventStreamMessage({ headers: [], payload: new Uint8Array() }).length; // 16
 */
export function encodeEventStreamMessage(message: EventStreamMessage): Uint8Array {
  const headers = message.headers.map(encodeHeader);
  const headerBytes = headers.reduce((sum, { length }) => sum + length, 0);
  const total = MIN_FRAME_BYTES + headerBytes + message.payload.length;
  if (headerBytes > MAX_FRAME_HEADER_BYTES || total > MAX_FRAME_BYTES) {
    throw new TypeError(`Cannot encode a frame of ${total} bytes, ${headerBytes} of them headers: it is too large`);
  }
  const frame = new Uint8Array(total);
  const view = viewOf(frame);
  view.setUint32(0, total);
  view.setUint32(4, headerBytes);
  view.setUint32(8, crc32(frame, 0, 8));
  let at = PRELUDE_BYTES;
  for (const header of headers) {
    frame.set(header, at);
    at += header.length;
  }
  frame.set(message.payload, at);
  view.setUint32(total - CHECKSUM_BYTES, crc32(frame, 0, total - CHECKSUM_BYTES));
  return frame;
}

function mismatch(what: string, told: number, found: number): string {
  return `${what} is ${hex8(found)}, the stream says ${hex8(told)}: bytes were changed or lost on the way`;
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function isText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x09 || byte === 0x0a || byte === 0x0d || (byte >= 0x20 && byte < 0x7f));
}
