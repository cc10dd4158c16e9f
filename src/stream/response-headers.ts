/** What the headers of a response say beside its body (protocol notes §8.3): who, when to come back, how much is left. */

import type { ApiError, RateLimit, RateLimits } from '../protocol/api-error.ts';

/** What the headers of each counter begin with, as data. */
const COUNTERS: Readonly<Record<keyof RateLimits, string>> = {
  requests: 'anthropic-ratelimit-requests',
  tokens: 'anthropic-ratelimit-tokens',
  inputTokens: 'anthropic-ratelimit-input-tokens',
  outputTokens: 'anthropic-ratelimit-output-tokens',
  priorityInputTokens: 'anthropic-priority-input-tokens',
  priorityOutputTokens: 'anthropic-priority-output-tokens',
};

/** The part of `Headers` that is used. */
export interface HeadersLike {
  get(name: string): string | null;
}

/**
 * The rate limits that a response tells: of a stream (`stream.response.headers`) or of any other call.
 *
 * @returns `undefined` if there are none. What is no number, and a time that is no time, is left out.
 * @example
 * const headers = new Headers({
 *   'anthropic-ratelimit-requests-limit': '50',
 *   'anthropic-ratelimit-requests-remaining': '49',
 *   'anthropic-ratelimit-requests-reset': '2026-11-20T12:00:00Z',
 * });
 * readRateLimits(headers)?.requests; // { limit: 50, remaining: 49, resetAtMs: 1795176000000 }
 */
export function readRateLimits(headers: HeadersLike): RateLimits | undefined {
  const limits: RateLimits = {};
  for (const [name, prefix] of Object.entries(COUNTERS)) {
    const limit = readOne(headers, prefix);
    if (Object.keys(limit).length > 0) limits[name as keyof RateLimits] = limit;
  }
  return Object.keys(limits).length > 0 ? limits : undefined;
}

function readOne(headers: HeadersLike, prefix: string): RateLimit {
  const limit = count(headers.get(`${prefix}-limit`));
  const remaining = count(headers.get(`${prefix}-remaining`));
  const resetAtMs = Date.parse(headers.get(`${prefix}-reset`) ?? '');
  return {
    ...(limit !== undefined && { limit }),
    ...(remaining !== undefined && { remaining }),
    ...(!Number.isNaN(resetAtMs) && { resetAtMs }),
  };
}

function count(text: string | null): number | undefined {
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * What the server asks for: `retry-after-ms`, else `retry-after` in seconds or as a date. 0 for a time that has passed.
 * A date is measured against the server's own `date`, where it sent one, so that a wrong clock of ours does no harm.
 */
export function readRetryAfterMs(headers: HeadersLike): number | undefined {
  const ms = number(headers.get('retry-after-ms'));
  if (ms !== undefined) return ms;
  const text = headers.get('retry-after');
  const seconds = number(text);
  if (seconds !== undefined) return seconds * 1000;
  const at = Date.parse(text ?? '');
  if (Number.isNaN(at)) return undefined;
  const sent = Date.parse(headers.get('date') ?? '');
  return Math.max(0, at - (Number.isNaN(sent) ? Date.now() : sent));
}

function number(text: string | null): number | undefined {
  return text !== null && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}

/** Puts onto an error what the headers of its response say: its id, and when to come back. */
export function addHeaders(error: ApiError, headers: HeadersLike): void {
  error.requestId = headers.get('request-id') ?? error.requestId;
  const retryAfterMs = readRetryAfterMs(headers);
  if (retryAfterMs !== undefined) error.retryAfterMs = retryAfterMs;
  const rateLimits = readRateLimits(headers);
  if (rateLimits !== undefined) error.rateLimits = rateLimits;
}
