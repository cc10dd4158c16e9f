/**
 * `ssemble/bedrock`: message streams as Amazon Bedrock sends them (`InvokeModelWithResponseStream`).
 *
 * The events are those of the Messages API, each in a binary frame of its own: the payload is
 * `{"bytes":"…","p":"…"}`, where `bytes` is the event's JSON in base64 and `p` is padding that hides its length. There are
 * no pings, and `message_stop` carries `amazon-bedrock-invocationMetrics`. What goes wrong after the stream has begun is
 * an exception frame; it becomes an `error` event, typed as the Messages API would type it.
 */

import { MAX_FOREIGN_BODY_BYTES } from '../limits.ts';
import { MessageParser } from '../message/parser.ts';
import type { At } from '../message/types.ts';
import { ApiError } from '../protocol/api-error.ts';
import type { StreamEvent } from '../protocol/events.ts';
import type { Message } from '../protocol/message.ts';
import { decodeUtf8 } from '../sse/utf8.ts';
import {
  isResponse,
  openBytes,
  toChunk,
  type ByteSource,
  type EventIterator,
  type ResponseLike,
} from '../stream/source.ts';
import { bedrockError, BedrockReader } from './bedrock-reader.ts';
import { CarriedEvents, type Carrier } from './carried-events.ts';

export { BEDROCK_ERROR_TYPES } from './bedrock-reader.ts';
export {
  encodeEventStreamMessage,
  EventStreamDecoder,
  type EventStreamHeader,
  type EventStreamMessage,
  eventStreamText,
  type EventStreamValue,
  isEventStream,
} from './event-stream.ts';
export { MAX_FRAME_BYTES, MAX_FRAME_HEADER_BYTES } from '../limits.ts';

/**
 * Bytes of a Bedrock stream in, events out, synchronously: the handler gets each event while `push` runs. Give them to
 * `MessageParser.apply` for the message.
 *
 * An exception of the handler leaves `push` unchanged; its event counts as read, and the rest of the chunk is read at the
 * next `push` or `end`.
 *
 * @example
 * import { MessageParser } from 'ssemble';
 * import { BedrockParser, encodeEventStreamMessage } from 'ssemble/bedrock';
 * import { encodeUtf8 } from 'ssemble/sse';
 *
 * const message = new MessageParser();
 * const bedrock = new BedrockParser((event, at) => message.apply(event, at));
 * const headers = [{ name: ':event-type', type: 'string', value: 'chunk' } as const];
 * const payload = encodeUtf8(`{"bytes":"${btoa('{"type":"message_start","message":{"id":"msg_1"}}')}","p":"abc"}`);
 * bedrock.push(encodeEventStreamMessage({ headers, payload }));
 * bedrock.end();
 * message.end();
 * message.message?.id; // 'msg_1'
 * message.outcome.status; // 'truncated'
 */
export class BedrockParser {
  readonly #reader = new BedrockReader();
  readonly #onEvent: (event: StreamEvent, at: At) => void;
  #busy = false;

  /** @param onEvent - gets each event, with the number of its frame and the byte at which that begins */
  constructor(onEvent: (event: StreamEvent, at: At) => void) {
    if (typeof onEvent !== 'function') throw new TypeError('Cannot make a BedrockParser: onEvent is not a function');
    this.#onEvent = onEvent;
  }

  /**
   * Reads a chunk of any length.
   *
   * @throws ProtocolError for frames that cannot be read (`frame-length`, `frame-checksum`, `frame-header`) and for the
   *   stream of the Converse API (`converse-stream`), with the number of the frame and its first byte; TypeError from inside
   *   the handler, after `end()`, and for text
   */
  push(chunk: Uint8Array): void {
    this.#guard('push');
    this.#reader.write(chunk);
    this.#drain();
  }

  /**
   * Ends the input. Whether the message was complete is what `MessageParser.end()` tells.
   *
   * @throws TruncatedError if the bytes end inside a frame; otherwise as `push`
   */
  end(): void {
    this.#guard('end');
    this.#drain();
    this.#reader.end();
  }

  /** Forgets everything and begins anew with the same handler. */
  reset(): void {
    this.#guard('reset');
    this.#reader.reset();
  }

  #guard(call: string): void {
    if (this.#busy) throw new TypeError(`Cannot call ${call}() from inside the event handler`);
  }

  #drain(): void {
    for (let event = this.#reader.next(); event !== undefined; event = this.#reader.next()) {
      this.#busy = true;
      try {
        this.#onEvent(event, this.#reader.at());
      } finally {
        this.#busy = false;
      }
    }
  }
}

/**
 * The events of a Bedrock stream, for `MessageStream.fromEvents`: of a `Response`, a `ReadableStream`, a Node `Readable`, an
 * iterable of bytes, or a whole body. Pull-based; leaving it closes the source.
 *
 * The iterator throws where the stream is broken: `ProtocolError` as {@link BedrockParser.push}, `TruncatedError` if it ends
 * inside a frame, `ApiError` for a `Response` with a status of 400 or more. A stream that ends between two frames just ends
 * here; `MessageStream` then tells that the message was truncated.
 *
 * @throws TypeError for what holds no bytes, or has been read already
 * @example
 * import { MessageStream } from 'ssemble';
 * import { bedrockEvents } from 'ssemble/bedrock';
 *
 * const refusal = new Response('{"message":"Too many tokens"}', {
 *   status: 429,
 *   headers: { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/' },
 * });
 * const stream = MessageStream.fromEvents(bedrockEvents(refusal));
 * const error = await stream.finalMessage().catch((reason) => reason);
 * error.message; // 'rate_limit_error: Too many tokens'
 */
export function bedrockEvents(source: ByteSource): EventIterator {
  const opened = openBytes(source);
  const refused = isResponse(source) && source.status >= 400;
  return new CarriedEvents(opened, refused ? new RefusalReader(source) : new BedrockReader());
}

/**
 * Parses the whole body of a Bedrock stream in one call.
 *
 * @returns the finished message; the last one, if the body holds several
 * @throws as `parseMessage`, the outcome's error unless the message is complete: `TruncatedError` also if the body ends
 *   inside a frame, an `ApiError` for an exception frame, `ProtocolError` for a frame that cannot be read
 * @example
 * import { parseBedrock } from 'ssemble/bedrock';
 *
 * try {
 *   parseBedrock(new Uint8Array([0, 0, 1]));
 * } catch (error) {
 *   console.log(String(error)); // 'TruncatedError: Cannot read frame 1: the stream ended in it, after 3 bytes (byte 0)'
 * }
 */
export function parseBedrock(body: Uint8Array): Message {
  const message = new MessageParser();
  const bedrock = new BedrockParser((event, at) => message.apply(event, at));
  let failure: unknown;
  try {
    bedrock.push(body);
    bedrock.end();
  } catch (error) {
    failure = error;
  }
  message.end(failure);
  if (message.outcome.error !== undefined) throw message.outcome.error;
  return message.message as Message;
}

/** The body of a request that was refused: JSON, and small. */
class RefusalReader implements Carrier {
  readonly #response: ResponseLike;
  #body: Uint8Array = new Uint8Array(0);

  constructor(response: ResponseLike) {
    this.#response = response;
  }

  write(chunk: unknown): void {
    const taken = toChunk(chunk);
    if (typeof taken === 'string') throw new TypeError('Cannot read the body of a response as text: bytes are needed');
    const kept = new Uint8Array(Math.min(MAX_FOREIGN_BODY_BYTES, this.#body.length + taken.length));
    kept.set(this.#body);
    kept.set(taken.subarray(0, kept.length - this.#body.length), this.#body.length);
    this.#body = kept;
  }

  next(): undefined {
    return undefined;
  }

  end(): never {
    const { status, headers } = this.#response;
    const text = decodeUtf8(this.#body).trim();
    const { error } = bedrockError(headers.get('x-amzn-errortype') ?? undefined, text, `HTTP ${status}`);
    throw ApiError.from(status, error, headers.get('x-amzn-requestid') ?? undefined);
  }
}
