/**
 * What a client is told of an error.
 *
 * What the API said about the request (too long, too many, overloaded) is the client's business: it is told word for word,
 * so that the client's parser makes the same `ApiError` of it. Two things are not. What the API said about the server's
 * own account (its key, its rights, its bill): told as it is, a 401 would look like the client's own session. And what
 * went wrong between the server and the API: such messages hold addresses and pieces of foreign pages. For both there is
 * a fixed sentence; the server's own log has the rest, in `outcome.error`.
 */

import { AbortError, DamagedError, IdleTimeoutError, ProtocolError, StreamError, TruncatedError } from '../errors.ts';
import { ApiError } from '../protocol/api-error.ts';
import type { ErrorBody } from '../protocol/events.ts';
import { throwApart } from '../stream/globals.ts';
import { encodeEvent } from '../protocol/encode.ts';

/** An error as a client may know it. */
export interface PublicError {
  /** The HTTP status, where the answer has not begun. */
  status: number;
  body: ErrorBody;
  requestId: string | undefined;
  /** How long the client should wait before it asks again, in milliseconds. */
  retryAfterMs: number | undefined;
  /** Whether asking again is known to be of no use. */
  final: boolean;
}

/** Chooses the words for an error in place of the default ones; `undefined` leaves them. */
export type DescribeError = (error: Error) => ErrorBody | undefined;

/** Statuses that are about the server's own account: authentication, billing, permission, proxy authentication. */
const OWN_ACCOUNT: ReadonlySet<number> = new Set([401, 402, 403, 407]);

interface Words {
  status: number;
  type: string;
  message: string;
}

const bad = (message: string): Words => ({ status: 502, type: 'api_error', message });
const REFUSED = bad('The server could not use its access to the model');
const FOREIGN = bad('The model could not be reached');
const INTERNAL: Words = { status: 500, type: 'api_error', message: 'The server failed' };

/** The first class that fits says it. An error that is none of ours is a fault of the server itself. */
const WORDS: readonly (readonly [abstract new (...args: never[]) => Error, Words])[] = [
  [IdleTimeoutError, { status: 504, type: 'timeout_error', message: 'The model sent nothing for too long' }],
  [AbortError, { status: 503, type: 'api_error', message: 'The server ended the stream' }],
  [TruncatedError, bad('The stream from the model ended early')],
  [DamagedError, bad('The stream from the model could not be read in full')],
  [ProtocolError, bad('The model did not send a readable stream')],
  [StreamError, bad('The connection to the model broke')],
];

/** What the client is told of `error`. */
export function publicError(error: Error, describe: DescribeError | undefined): PublicError {
  const told = error instanceof ApiError ? fromApi(error) : fromOurs(error);
  try {
    const body = describe?.(error);
    return body === undefined ? told : { ...told, body };
  } catch (thrown) {
    throwApart(thrown);
    return told;
  }
}

function fromApi(error: ApiError): PublicError {
  const { requestId, retryAfterMs } = error;
  if (error.status !== undefined && OWN_ACCOUNT.has(error.status)) {
    return { ...toPublic(REFUSED, requestId), final: true };
  }
  if (isQuoted(error)) return { ...toPublic(FOREIGN, requestId), retryAfterMs };
  const status = error.status !== undefined && error.status >= 400 && error.status < 600 ? error.status : 502;
  return { status, body: error.body, requestId, retryAfterMs, final: false };
}

/**
 * An error status with a body that is none of the API's (a line or a page of a proxy): its message is a piece of that body,
 * in the two forms that our readers give it.
 */
function isQuoted({ type, body }: ApiError): boolean {
  return type === 'api_error' && /^(?:HTTP \d{3}|\{)/.test(body.message);
}

function fromOurs(error: Error): PublicError {
  const words = WORDS.find(([Class]) => error instanceof Class)?.[1] ?? INTERNAL;
  return toPublic(words, error instanceof StreamError ? error.requestId : undefined);
}

function toPublic({ status, type, message }: Words, requestId: string | undefined): PublicError {
  return { status, body: { type, message }, requestId, retryAfterMs: undefined, final: false };
}

/** The error as the API writes it, in a body or in an event. */
export function errorPayload({ body, requestId }: PublicError): { type: 'error'; [key: string]: unknown } {
  return { type: 'error', error: body, ...(requestId !== undefined && { request_id: requestId }) };
}

/** The `error` event for a stream that has begun. */
export function encodeError(error: Error, describe: DescribeError | undefined): Uint8Array {
  return encodeEvent(errorPayload(publicError(error, describe)));
}
