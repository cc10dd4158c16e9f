/** `ssemble/fetch`: Claude over the `fetch` of any runtime. */

import type { MessageStream } from '../stream/message-stream.ts';
import { NotSent, type Send } from './attempt.ts';
import type { MessageParams } from './params.ts';
import { streamWith, type TransportOptions } from './policy.ts';
import { runtime, type FetchInit, type FetchLike } from './runtime.ts';
import type { ResponseLike } from '../stream/source.ts';

export type * from './params.ts';
export type { RetryInfo, TransportOptions } from './policy.ts';
export { type HeadersLike, readRateLimits } from '../stream/response-headers.ts';
export type { RequestOptions } from './request.ts';
export type { FetchInit, FetchLike } from './runtime.ts';

/** What {@link streamMessage} may be told. */
export interface FetchOptions extends TransportOptions {
  /** Stands in for the runtime's `fetch`: a proxy, a recorder, a test. */
  fetch?: FetchLike | undefined;
}

/**
 * Asks Claude, and gives the answer as a stream.
 *
 * - **The promise resolves when content begins**: with the first event that is not `ping`, `unknown` or `message_start`. Those
 *   that came before are handed out by the stream all the same.
 * - **Until then failures are tried again**: HTTP 408, 409, 429 and from 500 on, a connection that fails, stalls or ends, and
 *   an `error` event of such a kind. `x-should-retry`, `retry-after-ms` and `retry-after` are obeyed. Never after content.
 * - **Leaving closes the connection**: `signal`, `stream.abort()`, `break`, `await using`.
 * - **Redirects are not followed**, so that the key goes nowhere else. (React Native's `fetch` follows them by itself.)
 * - **Keys appear in no error**, nor in an `error` event: what quotes one has `[key]` there.
 *
 * **A promise that is started now and awaited later needs a `catch` of its own**, or a failure meanwhile is an unhandled
 * rejection: start several with `Promise.all` or `Promise.allSettled`.
 *
 * Node's own `fetch` ends a response that is silent for 300 s. That limit is switched off for these requests, so that
 * `idleTimeoutMs` alone decides; with a `fetch` of your own, its limits hold, and `ssemble/undici` has none.
 *
 * @returns A promise that rejects with an `ApiError` when the server says no, a `ConnectionError` or `IdleTimeoutError` when
 * it cannot be reached, a `TruncatedError` when the stream ends before content, a `ProtocolError` for a body that is no
 * stream, an `AbortError` when `signal` fires, each with its `outcome`; with a `TypeError` or `RangeError`, before anything is
 * sent, for a missing key and for options that cannot be meant.
 * @example
 * ```ts
 * import { streamMessage } from 'ssemble/fetch';
 *
 * const body = 'event: message_start\ndata: {"type":"message_start","message":{"content":[]}}\n\n'
 *   + 'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hello"}}\n\n'
 *   + 'data: {"type":"message_stop"}\n\n';
 * const stream = await streamMessage(
 *   { model: 'claude-sonnet-5', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] },
 *   { apiKey: 'my-key', fetch: async () => new Response(body) },
 * );
 * console.log(await stream.finalText()); // 'Hello'
 * ```
 */
export function streamMessage(params: MessageParams, options: FetchOptions = {}): Promise<MessageStream> {
  return streamWith(options.fetch === undefined ? platformFetch : checkFetch(options.fetch), params, options);
}

/** What is no function is refused when it is called, so that the promise rejects and nothing throws. */
function checkFetch(given: FetchLike): Send {
  if (typeof given === 'function') return given;
  return () => {
    throw new NotSent(
      `Cannot send the request: fetch must be a function, this is ${typeof given}; leave it out or give one`,
    );
  };
}

async function platformFetch(url: string, init: FetchInit): Promise<ResponseLike> {
  const { fetch } = runtime();
  if (fetch === undefined) throw new NotSent('Cannot send the request: this runtime has no fetch; give one');
  return fetch(url, withoutBodyTimeout(init));
}

interface Dispatcher {
  readonly isMockActive?: boolean;
  dispatch(options: object, handler: unknown): unknown;
}

/** Under this name Node keeps what sends its fetches, which is undici's; so does undici itself. */
const DISPATCHER: unique symbol = Symbol.for('undici.globalDispatcher.1') as never;

/**
 * Node's `fetch` gives up after 300 s without a byte, and there is no option for it. But it can be told what to send a
 * request with: the one that it would take anyway, proxies and all, called with its two timeouts off. Elsewhere, and
 * should Node change, there is nothing under that name, and nothing happens.
 */
function withoutBodyTimeout(init: FetchInit): FetchInit {
  // The first look at it makes Node load its fetch, and so fill that place.
  void (globalThis as { Response?: unknown }).Response;
  const standard = (globalThis as { [DISPATCHER]?: Dispatcher })[DISPATCHER];
  if (standard === undefined) return init;
  const dispatcher: Dispatcher = {
    isMockActive: standard.isMockActive === true,
    dispatch: (options, handler) => standard.dispatch({ ...options, headersTimeout: 0, bodyTimeout: 0 }, handler),
  };
  return { ...init, dispatcher } as FetchInit;
}
