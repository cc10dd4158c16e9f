/**
 * When to try again, and how long to wait before. The numbers are those of the official SDKs (protocol notes §8.3), so that
 * a fleet that changes over does not change its load on the server.
 */

import { AbortError, ProtocolError, type StreamError } from '../errors.ts';
import { ApiError } from '../protocol/api-error.ts';
import { globals, MAX_TIMER_MS } from '../stream/globals.ts';
import { abortError } from '../stream/pump.ts';
import type { AbortSignalLike } from '../stream/source.ts';
import type { HeadersLike } from '../stream/response-headers.ts';

/** The first wait; it doubles with every attempt. */
const FIRST_DELAY_MS = 500;
/** Our own waits grow no longer than this. */
const LONGEST_BACKOFF_MS = 8000;
/** By how much of itself a wait is shortened at most, at random, so that clients which failed together do not return together. */
const JITTER = 0.25;

/** The wait after the n-th attempt (from 1), if the server did not ask for one. `random` is from 0 to 1. */
export function backoffMs(attempt: number, random: number): number {
  const delay = Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_BACKOFF_MS);
  return delay * (1 - JITTER * random);
}

/**
 * Whether what went wrong before any content may be tried again. An end is a failed connection, too: with or without a
 * reset, nothing has been delivered.
 */
export function mayRetry(error: StreamError): boolean {
  if (error instanceof ApiError) return error.retryable;
  return !(error instanceof ProtocolError || error instanceof AbortError);
}

/**
 * The same for a response with these headers. Where the server itself says what went wrong, by a status or by an `error`
 * event, its word wins.
 */
export function shouldRetry(error: StreamError, headers: HeadersLike): boolean {
  const word = error instanceof ApiError ? headers.get('x-should-retry') : null;
  return word === 'true' || (word !== 'false' && mayRetry(error));
}

/** Waits. @throws AbortError as soon as the signal fires. */
export function pause(ms: number, signal: AbortSignalLike | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const { setTimeout, clearTimeout } = globals();
    const leave = (): void => {
      clearTimeout?.(timer);
      reject(abortError('by its signal', signal?.reason));
    };
    const timer = setTimeout?.(
      () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      },
      Math.min(ms, MAX_TIMER_MS),
    );
    if (signal?.aborted === true) leave();
    else signal?.addEventListener('abort', leave);
  });
}
