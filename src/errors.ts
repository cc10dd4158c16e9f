/**
 * The errors of the library. The class tells whose fault it was:
 *
 * - the caller's: a plain `TypeError` or `RangeError`;
 * - the bytes': {@link ProtocolError};
 * - the server said so: `ApiError` (in `protocol/api-error.ts`);
 * - the stream just ended: {@link TruncatedError}, {@link DamagedError};
 * - the connection's: {@link ConnectionError}, {@link IdleTimeoutError}, {@link AbortError}, the original in `cause`.
 *
 * Messages say what could not be done, then the state; they never hold a key or an auth header.
 */

import type { At, BlockInfo, Outcome } from './message/types.ts';
import type { Message } from './protocol/message.ts';

/**
 * An error that can end a stream, with what had arrived by then.
 *
 * @example
 * try {
 *   parseMessage('data: {"type":"message_start","message":{"id":"msg_1","content":[]}}\n\n');
 * } catch (error) {
 *   error instanceof StreamError; // true
 *   if (error instanceof StreamError) console.log(error.snapshot?.id); // 'msg_1'
 * }
 */
export class StreamError extends Error {
  override name = 'StreamError';
  /** The message as far as it had come; `undefined` if nothing had. */
  snapshot: Message | undefined = undefined;
  /** What is known about each block of `snapshot.content`. */
  blocks: readonly BlockInfo[] = [];
  /** How the stream ended. */
  outcome: Outcome | undefined = undefined;
  /** The `request-id` header, or the error body's `request_id`. */
  requestId: string | undefined = undefined;

  /**
   * What a logger that writes JSON gets: name, message and every field. The outcome without its error, which is this one,
   * and without the `cause`.
   *
   * @example
   * const error = new TruncatedError('The stream ended');
   * JSON.stringify(error); // '{"name":"TruncatedError","message":"The stream ended","blocks":[]}'
   */
  toJSON(): object {
    const { name, message, outcome } = this;
    const ended = outcome && { status: outcome.status, stopReason: outcome.stopReason };
    return Object.assign({ name, message }, this, { outcome: ended });
  }
}

/**
 * The bytes break a limit, a strict rule, or are no event stream at all.
 *
 * @example
 * const parser = new MessageParser({}, { strict: true });
 * try {
 *   parser.push('data: {"type":"message_start","message":{"id":"msg_1","content":[]}}\n\ndata: oops\n\n');
 * } catch (error) {
 *   if (error instanceof ProtocolError) console.log(error.code); // 'invalid-json'
 *   if (error instanceof ProtocolError) console.log(error.at); // { event: 2, byte: 70, line: 3 }
 * }
 */
export class ProtocolError extends StreamError {
  override name = 'ProtocolError';
  /** Stable, kebab-case. */
  readonly code: string;
  /** Where in the input. */
  readonly at: At;
  /** A JSON Pointer into the event's data, where one place is meant. */
  readonly path?: string;

  constructor(code: string, message: string, at: At, options: { cause?: unknown; path?: string } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.at = at;
    if (options.path !== undefined) this.path = options.path;
  }
}

/**
 * The stream ended before `message_stop`.
 *
 * @example
 * const parser = new MessageParser();
 * parser.push('data: {"type":"message_start","message":{"id":"msg_1","content":[]}}\n\n');
 * parser.end();
 * parser.outcome.error instanceof TruncatedError; // true
 */
export class TruncatedError extends StreamError {
  override name = 'TruncatedError';
}

/**
 * The stream reached `message_stop`, but an event on the way could not be read: content may be missing.
 *
 * @example
 * const parser = new MessageParser();
 * parser.push('data: {"type":"message_start","message":{"id":"msg_1","content":[]}}\n\n');
 * parser.push('data: oops\n\ndata: {"type":"message_stop"}\n\n');
 * parser.end();
 * parser.outcome.error instanceof DamagedError; // true
 */
export class DamagedError extends StreamError {
  override name = 'DamagedError';
}

/**
 * The connection broke; the original error is the `cause`.
 *
 * @example
 * const parser = new MessageParser();
 * parser.end(new TypeError('terminated'));
 * parser.outcome.error instanceof ConnectionError; // true
 * String(parser.outcome.error?.cause); // 'TypeError: terminated'
 */
export class ConnectionError extends StreamError {
  override name = 'ConnectionError';
}

/**
 * No byte came for `idleTimeoutMs` while somebody waited for one.
 *
 * @example
 * const silent = new ReadableStream<Uint8Array>();
 * const error = await MessageStream.from(silent, { idleTimeoutMs: 5 })
 *   .finalMessage()
 *   .catch((reason: unknown) => reason);
 * error instanceof IdleTimeoutError; // true
 */
export class IdleTimeoutError extends StreamError {
  override name = 'IdleTimeoutError';
}

/**
 * The caller ended it: `abort()`, `break`, or a signal.
 *
 * @example
 * const stream = MessageStream.from('data: {"type":"ping"}\n\n');
 * stream.abort();
 * stream.outcome.error instanceof AbortError; // true
 */
export class AbortError extends StreamError {
  override name = 'AbortError';
}
