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

/** An error that can end a stream, with what had arrived by then. */
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
}

/** The bytes break a limit, a strict rule, or are no event stream at all. */
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

/** The stream ended before `message_stop`. */
export class TruncatedError extends StreamError {
  override name = 'TruncatedError';
}

/** The stream reached `message_stop`, but an event on the way could not be read: content may be missing. */
export class DamagedError extends StreamError {
  override name = 'DamagedError';
}

/** The connection broke; the original error is the `cause`. */
export class ConnectionError extends StreamError {
  override name = 'ConnectionError';
}

/** No byte came for `idleTimeoutMs` while somebody waited for one. */
export class IdleTimeoutError extends StreamError {
  override name = 'IdleTimeoutError';
}

/** The caller ended it: `abort()`, `break`, or a signal. */
export class AbortError extends StreamError {
  override name = 'AbortError';
}
