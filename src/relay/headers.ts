import { errorPayload, type PublicError } from './public-error.ts';

/**
 * The headers of a stream that must pass through proxies as it comes: nobody may cache it, compress it (`no-transform`;
 * compressors hold bytes back) or buffer it (`X-Accel-Buffering` is nginx's name for that).
 *
 * @example
 * import { RELAY_HEADERS } from 'ssemble/relay';
 *
 * RELAY_HEADERS['content-type']; // 'text/event-stream; charset=utf-8'
 * RELAY_HEADERS['x-accel-buffering']; // 'no'
 */
export const RELAY_HEADERS: Readonly<Record<'content-type' | 'cache-control' | 'x-accel-buffering', string>> =
  Object.freeze({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });

/** The status, headers and body of an answer. */
export interface Head {
  status: number;
  headers: Record<string, string>;
}

/** The head of a stream. The caller's headers win. */
export function streamHead(requestId: string | undefined, own: Readonly<Record<string, string>> = {}): Head {
  return { status: 200, headers: { ...RELAY_HEADERS, ...idHeader(requestId), ...lowerCase(own) } };
}

/** An error before the stream, as the API answers with one. The caller's headers do not change its content type. */
export function errorAnswer(error: PublicError, own: Readonly<Record<string, string>> = {}): Head & { body: string } {
  const { retryAfterMs } = error;
  const headers = {
    ...lowerCase(own),
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...idHeader(error.requestId),
    ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
    // Clients of the API ask again on a 502; here that would be of no use.
    ...(error.final && { 'x-should-retry': 'false' }),
  };
  return { status: error.status, headers, body: JSON.stringify(errorPayload(error)) };
}

/** The upstream chose it, an error body may hold anything: one that no header can carry is left out. */
function idHeader(requestId: string | undefined): Record<string, string> {
  return typeof requestId === 'string' && /^[\x21-\x7e]+$/.test(requestId) ? { 'request-id': requestId } : {};
}

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Looks at the caller's headers before anything is asked for. What a value is stays untold: it may be a cookie.
 *
 * @throws TypeError for a name or value that no header can carry
 */
export function checkHeaders(own: Readonly<Record<string, unknown>> = {}): void {
  if (Symbol.iterator in own) {
    throw new TypeError('Cannot send the headers: a plain object is needed, Object.fromEntries(headers) makes one');
  }
  for (const [name, value] of Object.entries(own)) {
    if (!HEADER_NAME.test(name)) throw new TypeError(`Cannot send the header ${JSON.stringify(name)}: that is no name`);
    if (typeof value !== 'string') {
      throw new TypeError(`Cannot send the header ${name}: its value must be a string, this is ${typeof value}`);
    }
    if (!HEADER_VALUE.test(value)) {
      throw new TypeError(`Cannot send the header ${name}: its value holds a line end, or a character above U+00FF`);
    }
  }
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
