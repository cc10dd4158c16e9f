import { webGlobals, type WebResponse } from './globals.ts';
import { checkHeaders, errorAnswer, streamHead } from './headers.ts';
import { Outlet, type RelayOptions, type RelaySource } from './outlet.ts';
import { publicError } from './public-error.ts';
import { toReadable } from './relay.ts';

/** What an answer may be told besides. */
export interface RelayResponseOptions extends RelayOptions {
  /** Headers of the answer besides {@link RELAY_HEADERS} (CORS, cookies); they win over those. */
  headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * The same as a `Response`, for handlers that give one (Hono, Workers, Deno, Bun, Next): the headers are set, and
 * `request-id` is passed on. What the stream came to is told to `onDone`.
 *
 * Best give it a function: it gets a signal for the request, and what it throws is answered.
 *
 * If the source is promised and the promise rejects within `heartbeatMs`, the answer is an HTTP error with the JSON body of
 * the API, the status and `retry-after` of the `ApiError` included. 401, 402 and 403 become a 502, because they are about
 * the key of this server and not about the client's session. After `heartbeatMs` the answer begins, so that no proxy
 * loses patience; an error is then an `error` event.
 *
 * @returns A promise that rejects with a TypeError or RangeError alone, for a source or an option that is none, a header
 * that cannot be sent among them: that is found before the source is asked.
 * @example
 * import { OverloadedError } from 'ssemble';
 * import { relayResponse } from 'ssemble/relay';
 *
 * const overloaded = new OverloadedError({ type: 'overloaded_error', message: 'Overloaded' }, 529);
 * const response = await relayResponse(() => Promise.reject(overloaded));
 * response.status; // 529
 */
export async function relayResponse(source: RelaySource, options: RelayResponseOptions = {}): Promise<WebResponse> {
  const { Response } = webGlobals();
  if (Response === undefined) throw new TypeError('relayResponse() needs Response, this runtime has none');
  checkHeaders(options.headers);
  const outlet = new Outlet(source, options);
  const error = await outlet.open();
  try {
    if (error !== undefined) {
      const { status, headers, body } = errorAnswer(publicError(error, options.describeError), options.headers);
      return new Response(body, { status, headers: Object.entries(headers) });
    }
    const { status, headers } = streamHead(outlet.requestId, options.headers);
    return new Response(toReadable(outlet), { status, headers: Object.entries(headers) });
  } catch (failed) {
    // Nobody will read it, so nobody else would close the source.
    outlet.leave(failed);
    throw failed;
  }
}
