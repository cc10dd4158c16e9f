/**
 * What a client is told of an error.
 *
 * What the API said about the request (too long, too many, overloaded) is the client's business: it is told word for word,
 * so that the client's parser makes the same `ApiError` of it. Two things are not. What the API said about the server's
 * own account (its key, its rights, its bill): told as it is, a 401 would look like the client's own session. And what
 * went wrong between the server and the API: such messages hold addresses and pieces of foreign pages. For both there is
 * a fixed sentence; the server's own log has the rest, in `outcome.error`. The same rule holds for an error before the
 * stream, in it and behind it.
 *
 * Gateways put errors of their own into bodies and events that look nearly like the API's, and our readers are kind to
 * them. So words are passed on only where it is known that the API wrote them: by the body itself where it was kept, else
 * by an `error.type` that the API documents. `api_error` alone proves nothing: it stands for all that has no type.
 */

import { AbortError, DamagedError, IdleTimeoutError, ProtocolError, StreamError, TruncatedError } from '../errors.ts';
import { ApiError, ERROR_STATUS } from '../protocol/api-error.ts';
import { isObject } from '../protocol/decode.ts';
import type { ErrorBody, ErrorEvent, StreamEvent } from '../protocol/events.ts';
import { throwApart } from '../stream/globals.ts';
import { ignore } from '../stream/source.ts';
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
const OWN_ACCOUNT: ReadonlySet<number | undefined> = new Set([401, 402, 403, 407]);
const OWN_ACCOUNT_TYPES: ReadonlySet<string> = new Set(['authentication_error', 'billing_error', 'permission_error']);

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
    const body = describe?.(error) ?? undefined;
    return body === undefined ? told : { ...told, body: checkBody(body) };
  } catch (thrown) {
    throwApart(thrown);
    return told;
  }
}

/** @throws TypeError for what no client could be told */
function checkBody(body: unknown): ErrorBody {
  if (dropPromise(body)) throw new TypeError('describeError must be synchronous: it gave a promise');
  if (isErrorBody(body)) return body;
  throw new TypeError('describeError must give { type, message }, two strings, and nothing that JSON cannot write');
}

function isErrorBody(body: unknown): body is ErrorBody {
  try {
    return isObject(body) && isWords(JSON.parse(JSON.stringify(body)));
  } catch {
    return false;
  }
}

function isWords(body: unknown): boolean {
  return isObject(body) && typeof body['type'] === 'string' && typeof body['message'] === 'string';
}

/** Whether a handler gave a promise. Nobody waits for it, so if it rejects that is no unhandled rejection. */
export function dropPromise(made: unknown): boolean {
  if (typeof (made as { then?: unknown } | null | undefined)?.then !== 'function') return false;
  Promise.resolve(made).then(ignore, ignore);
  return true;
}

function fromApi(error: ApiError): PublicError {
  const { requestId, retryAfterMs } = error;
  if (OWN_ACCOUNT.has(error.status) || OWN_ACCOUNT_TYPES.has(error.type)) {
    return { ...toPublic(REFUSED, requestId), final: true };
  }
  if (!isFromApi(error)) return { ...toPublic(FOREIGN, requestId), retryAfterMs };
  const status = error.status !== undefined && error.status >= 400 && error.status < 600 ? error.status : 502;
  return { status, body: error.body, requestId, retryAfterMs, final: false };
}

/** Whether the words are the API's own. */
function isFromApi({ type, body, bodyText }: ApiError): boolean {
  if (!isErrorBody(body)) return false;
  if (bodyText !== undefined) return isOwnShape(bodyText);
  return type !== 'api_error' && Object.hasOwn(ERROR_STATUS, type);
}

/** Whether the text is an error as the API writes it: the type, and in `error` the type and the words. */
function isOwnShape(text: string): boolean {
  try {
    const wire: unknown = JSON.parse(text);
    return isObject(wire) && wire['type'] === 'error' && isWords(wire['error']);
  } catch {
    return false;
  }
}

/**
 * What a client gets in place of an `error` event of the stream; `undefined`: the event as it came.
 *
 * @param data - the event's data as it came, where it is there
 */
export function publicEvent(
  event: ErrorEvent,
  data: string | undefined,
  describe: DescribeError | undefined,
): Uint8Array | undefined {
  const requestId = typeof event.request_id === 'string' ? event.request_id : undefined;
  const error = ApiError.from(undefined, event.error, requestId);
  if (data !== undefined) error.bodyText = data;
  return fromApi(error).body === event.error ? undefined : encodeError(error, describe);
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

/** An event of the stream, encoded anew; an error that is not for the client is told in general words. */
export function encodeOwn(event: StreamEvent, describe: DescribeError | undefined, name?: string): Uint8Array {
  return (event.type === 'error' ? publicEvent(event, undefined, describe) : undefined) ?? encodeEvent(event, name);
}
