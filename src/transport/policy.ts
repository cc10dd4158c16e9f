/**
 * The one policy of all transports: make the request, try again while nothing has been delivered, give the stream. What is
 * left to a transport is to send one request.
 */

import { StreamError } from '../errors.ts';
import { ApiError } from '../protocol/api-error.ts';
import type { MessageStream } from '../stream/message-stream.ts';
import { abortError } from '../stream/pump.ts';
import { addOutcome, attempt, type Result, type Send, type Timeouts } from './attempt.ts';
import type { MessageParams } from './params.ts';
import { prepareRequest, type RequestOptions } from './request.ts';
import { backoffMs, pause } from './retry.ts';

/**
 * Four minutes, for both timeouts. A timeout that is too short costs more than one that is too long: watchdogs of half a
 * minute are on record as having cut streams that were alive, and how often the server pings is documented nowhere. But it
 * stays below the five minutes after which a `fetch` on Node gives up by itself, so that where that limit holds the error is
 * still ours, and says what happened.
 */
const DEFAULT_TIMEOUT_MS = 240_000;
/** As the official SDKs. */
const DEFAULT_MAX_RETRIES = 2;
/** A server that asks for a longer wait than a person would sit through is obeyed by telling the caller. */
const DEFAULT_MAX_RETRY_DELAY_MS = 60_000;

/** What `onRetry` is told. */
export interface RetryInfo {
  /** Which attempt failed, from 1. */
  attempt: number;
  /** Of what. */
  error: StreamError;
  /** How long is waited before the next, in milliseconds. */
  delayMs: number;
}

/** The options that both transports share. */
export interface TransportOptions extends RequestOptions {
  /**
   * Milliseconds until the head of the response is there, for each attempt. Default 240,000. A server may be silent for
   * long before it answers a large prompt.
   */
  connectTimeoutMs?: number | undefined;
  /**
   * Milliseconds without a byte, while somebody waits for one, after which the connection counts as dead. Pings and
   * comments are bytes. Default 240,000; `Infinity` for none.
   */
  idleTimeoutMs?: number | undefined;
  /** How often a failure is tried again, as long as no content has come. Default 2. */
  maxRetries?: number | undefined;
  /**
   * The longest wait before a further attempt, in milliseconds. Default 60,000. The own waits (0.5 s, 1 s, 2 s, up to 8 s,
   * each less up to a quarter) are cut to it. If the server asks for a longer one, there is no further attempt: the
   * promise rejects, and the error has the `retryAfterMs`.
   */
  maxRetryDelayMs?: number | undefined;
  /** Is told of each failure that is tried again, before the wait. What it throws ends everything. */
  onRetry?: ((info: RetryInfo) => void) | undefined;
}

/** Makes the request and gives the stream; see `streamMessage`. */
export async function streamWith(send: Send, params: MessageParams, options: TransportOptions): Promise<MessageStream> {
  const { signal } = options;
  checkSignal(signal);
  if (options.onRetry !== undefined && typeof options.onRetry !== 'function') {
    throw new TypeError(`onRetry must be a function, this is ${typeof options.onRetry}`);
  }
  const maxRetries = checkRetries(options.maxRetries);
  const maxDelayMs = checkMs('maxRetryDelayMs', options.maxRetryDelayMs, DEFAULT_MAX_RETRY_DELAY_MS);
  const timeouts: Timeouts = {
    connectTimeoutMs: checkMs('connectTimeoutMs', options.connectTimeoutMs, DEFAULT_TIMEOUT_MS),
    idleTimeoutMs: checkMs('idleTimeoutMs', options.idleTimeoutMs, DEFAULT_TIMEOUT_MS),
  };
  const request = prepareRequest(params, options);
  const ask = (): Promise<Result> => attempt(send, request, options, timeouts);
  try {
    if (signal?.aborted === true) throw abortError('by its signal', signal.reason);
    return await tryAgain(ask, maxRetries, maxDelayMs, options);
  } catch (error) {
    if (error instanceof StreamError) addOutcome(error);
    throw error;
  }
}

/** Asks until it succeeds, until it is no use, or until that was often enough. */
async function tryAgain(
  ask: () => Promise<Result>,
  maxRetries: number,
  maxDelayMs: number,
  { onRetry, signal }: TransportOptions,
): Promise<MessageStream> {
  for (let count = 1; ; count++) {
    const result = await ask();
    if ('stream' in result) return result.stream;
    const { error, retry } = result;
    if (!retry || count > maxRetries) throw error;
    const delayMs = delayAfter(error, count, maxDelayMs);
    if (delayMs === undefined) throw error;
    onRetry?.({ attempt: count, error, delayMs });
    await pause(delayMs, signal ?? undefined);
  }
}

/** `undefined` if the server asks for more patience than there is. */
function delayAfter(error: StreamError, count: number, maxDelayMs: number): number | undefined {
  const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
  if (asked > maxDelayMs) return undefined;
  return asked > 0 ? asked : Math.min(backoffMs(count, Math.random()), maxDelayMs);
}

function checkSignal(signal: unknown): void {
  if (signal === undefined || signal === null) return;
  const { aborted, addEventListener, removeEventListener } = signal as { [key: string]: unknown };
  const methods = [addEventListener, removeEventListener];
  if (typeof aborted === 'boolean' && methods.every((method) => typeof method === 'function')) return;
  throw new TypeError(
    'Cannot send the request: signal must be an AbortSignal; give the `signal` of an AbortController',
  );
}

function checkMs(name: string, ms: number | undefined, standard: number): number {
  if (ms === undefined) return standard;
  if (typeof ms !== 'number' || !(ms > 0)) throw new RangeError(`${name} must be above 0, this is ${String(ms)}`);
  return ms;
}

function checkRetries(count: number | undefined): number {
  if (count === undefined) return DEFAULT_MAX_RETRIES;
  if (count === Infinity || (Number.isSafeInteger(count) && count >= 0)) return count;
  throw new RangeError(`maxRetries must be a whole number from 0, this is ${String(count)}`);
}
