/**
 * One attempt: a request is sent, and its response read as far as it takes to know whether it is worth handing out. What comes
 * of it is a stream that begins with content, or an error and whether to try again. In the second case the connection is
 * closed, whatever state it is in.
 */

import { ConnectionError, ProtocolError, StreamError } from '../errors.ts';
import { statusOf } from '../message/outcome.ts';
import { ApiError } from '../protocol/api-error.ts';
import type { MessageStream } from '../stream/message-stream.ts';
import { abortError } from '../stream/pump.ts';
import { addHeaders } from '../stream/response-headers.ts';
import { ignore, isResponse, openBytes, type ResponseLike } from '../stream/source.ts';
import { begin } from './beginning.ts';
import { Leash } from './leash.ts';
import { isRedirect, redirected, refused } from './refusal.ts';
import type { PreparedRequest, RequestOptions } from './request.ts';
import { mayRetry, shouldRetry } from './retry.ts';
import type { FetchInit } from './runtime.ts';
import { blotError } from './secrets.ts';

/** The whole of a transport: sends a request, gives the head of the response with its body still to be read. */
export type Send = (url: string, init: FetchInit) => PromiseLike<ResponseLike>;

/** What an attempt came to. */
export type Result = { stream: MessageStream } | { error: StreamError; retry: boolean };

/** The timeouts of an attempt, in milliseconds. */
export interface Timeouts {
  connectTimeoutMs: number;
  idleTimeoutMs: number;
}

/** The request was not sent, and never will be: the caller's fault. A second attempt would not mend it. */
export class NotSent extends TypeError {}

/** @throws TypeError what no second attempt would mend: a request that cannot be sent, a response without a readable body. */
export async function attempt(
  send: Send,
  request: PreparedRequest,
  options: RequestOptions,
  timeouts: Timeouts,
): Promise<Result> {
  const leash = new Leash(options.signal ?? undefined);
  let result: Result | undefined;
  try {
    result = await exchange(send, request, options, timeouts, leash);
  } catch (error) {
    if (error instanceof Error) blotError(error, request.secrets);
    if (!(error instanceof StreamError)) throw error;
    result = { error, retry: mayRetry(error) };
  } finally {
    if (result !== undefined && 'stream' in result) leash.release();
    else leash.cut();
  }
  if ('error' in result) {
    blotError(result.error, request.secrets);
    addOutcome(result.error);
  }
  return result;
}

/** An error has an outcome, also where nothing had begun that could end. */
export function addOutcome(error: StreamError): void {
  error.outcome ??= { status: statusOf(error), stopReason: null, error };
}

async function exchange(
  send: Send,
  request: PreparedRequest,
  options: RequestOptions,
  timeouts: Timeouts,
  leash: Leash,
): Promise<Result> {
  const response = await open(send, request, leash, timeouts.connectTimeoutMs);
  const { headers, status } = response;
  let result: Result;
  if (isRedirect(response)) result = { error: redirected(response), retry: false };
  else if (status >= 400) {
    const error = await refused(response, request.secrets, leash, timeouts.idleTimeoutMs);
    result = { error, retry: shouldRetry(error, headers) };
  } else result = await begin(response, options, request.secrets, leash, timeouts);
  if ('error' in result) {
    if (result.error instanceof ApiError) addHeaders(result.error, headers);
    doubtBaseURL(result.error, request.url);
  }
  return result;
}

/** An answer that no Messages API gives: a page, other JSON, a missing path. Mostly the address is wrong, so it is named. */
function doubtBaseURL(error: StreamError, url: string): void {
  const isForeign = error instanceof ProtocolError && (error.code === 'html-body' || error.code === 'json-body');
  // An error of the API's own has a type of its own, also for a model that it does not know.
  const isMissing =
    error instanceof ApiError && (error.status === 404 || error.status === 405) && error.type === 'api_error';
  if (isForeign || isMissing) error.message += `; ${originOf(url)} gave this, check baseURL`;
}

/** Waits for the head of the response. */
async function open(
  send: Send,
  request: PreparedRequest,
  leash: Leash,
  connectTimeoutMs: number,
): Promise<ResponseLike> {
  const { url, headers, body } = request;
  const late = (): StreamError =>
    new ConnectionError(
      `Cannot reach ${originOf(url)}: no answer began within ${connectTimeoutMs} ms; if it may take longer, raise connectTimeoutMs`,
    );
  let sent: PromiseLike<ResponseLike> | undefined;
  try {
    sent = send(url, { method: 'POST', headers, body, signal: leash.signal, redirect: 'manual' });
    const response = await leash.within(connectTimeoutMs, sent, late);
    if (isResponse(response)) return response;
    throw new NotSent('Cannot read the response: fetch must give a Response');
  } catch (error) {
    // A `fetch` that does not listen to its signal may answer yet; nobody would read that.
    sent?.then(discard, ignore);
    throw sendError(url, error);
  }
}

function discard(response: ResponseLike): void {
  try {
    openBytes(response).cancel(undefined);
  } catch {
    // It has no body, or one that somebody reads.
  }
}

/** What a request that got no answer failed of. What calls itself an abort is the caller's doing. */
function sendError(url: string, error: unknown): unknown {
  if (error instanceof StreamError || error instanceof NotSent) return error;
  const { name, code, cause } = (error ?? {}) as { name?: unknown; code?: unknown; cause?: unknown };
  if (name === 'AbortError') return abortError('before it began', error);
  const deeper = (cause ?? {}) as { code?: unknown; message?: unknown };
  // How undici, and so Node's fetch, refuses what it is given.
  if ([code, deeper.code].some((found) => found === 'UND_ERR_INVALID_ARG' || found === 'UND_ERR_NOT_SUPPORTED')) {
    return new NotSent(`Cannot send the request: ${describe(error)}; check baseURL and headers`, { cause: error });
  }
  if (deeper.message === 'bad port') {
    const message = 'fetch refuses this port of baseURL, as browsers do; take another, or use ssemble/undici';
    return new NotSent(`Cannot send the request: ${message}`, { cause: error });
  }
  return new ConnectionError(`Cannot reach ${originOf(url)}: ${describe(error)}`, { cause: error });
}

/** The platforms' own messages ("fetch failed") say little; the reason lies one deeper, and sometimes has but a code. */
function describe(error: unknown): string {
  const { message, code, cause } = (error ?? {}) as { message?: unknown; code?: unknown; cause?: unknown };
  const own = typeof message === 'string' && message !== '' ? message : typeof code === 'string' ? code : String(error);
  return typeof cause === 'object' && cause !== null ? `${own}: ${describe(cause)}` : own;
}

/** Neither path nor query: a gateway may carry its key there. */
const originOf = (url: string): string => /^\w+:\/\/[^/?#]+/.exec(url)?.[0] ?? 'the server';
