/** Responses that are no stream, by their status: redirects and HTTP errors. */

import { AbortError, IdleTimeoutError, type StreamError } from '../errors.ts';
import { MAX_FOREIGN_BODY_BYTES } from '../limits.ts';
import { ApiError } from '../protocol/api-error.ts';
import { decodeUtf8, encodeUtf8 } from '../sse/utf8.ts';
import { ignore, openBytes, toChunk, type ResponseLike } from '../stream/source.ts';
import { failureOf, HeldBody, NOTHING } from './held-body.ts';
import type { Leash } from './leash.ts';
import { blot, setCause, type Secrets } from './secrets.ts';

/** How long the body of an HTTP error may take: what matters is known, only the words are missing. */
const ERROR_BODY_MS = 5000;

/** Browsers hide a redirect that is not followed behind status 0. */
export function isRedirect({ status }: ResponseLike): boolean {
  return status === 0 || (status >= 300 && status < 400);
}

/**
 * None is followed: platforms send `x-api-key` along to wherever it leads (they take out `authorization` only), and most
 * turn a POST into a GET. Where it leads is told in the `cause` alone: the message may be shown to a stranger, and the
 * place may be inside a company's net.
 */
export function redirected(response: ResponseLike): ApiError {
  const { status } = response;
  const place = response.headers.get('location')?.split(/[?#]/, 1)[0];
  const message = 'Not followed, the key would go along: a redirect; set baseURL to where it leads';
  const error = new ApiError({ type: 'redirect', message }, status === 0 ? undefined : status);
  if (place !== undefined) setCause(error, new Error(`The redirect leads to ${place}`));
  return error;
}

/** The error of a status from 400 on, with all that the response says. @throws AbortError when the caller leaves meanwhile. */
export async function refused(
  response: ResponseLike,
  secrets: Secrets,
  leash: Leash,
  idleTimeoutMs: number,
): Promise<ApiError> {
  const { status, headers } = response;
  const bodyText = blot(await readText(response, leash, Math.min(idleTimeoutMs, ERROR_BODY_MS)), secrets);
  const found = await failureOf({ status, headers, body: new HeldBody([bodyText], NOTHING, ignore) });
  // A whole stream under such a status has no error of its own.
  const error =
    found instanceof ApiError ? found : ApiError.from(status, { type: 'api_error', message: `HTTP ${status}` });
  error.bodyText = bodyText;
  return error;
}

/** As much of the body as comes in time. @throws AbortError when the caller leaves meanwhile. */
async function readText(response: ResponseLike, leash: Leash, ms: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  const late = (): StreamError => new IdleTimeoutError('The body of the error did not come');
  try {
    await leash.within(ms, readPieces(response, pieces), late);
  } catch (error) {
    if (error instanceof AbortError) throw error;
    // Cut or late: the status stands, and the words that did come.
  }
  return decodeUtf8(join(pieces));
}

async function readPieces(response: ResponseLike, pieces: Uint8Array[]): Promise<void> {
  const { body, text } = response as ResponseLike & { text?: () => Promise<string> };
  // React Native gives no streams, but it gives whole texts.
  if (body === undefined && text !== undefined) {
    pieces.push(encodeUtf8(await text.call(response)));
    return;
  }
  const source = openBytes(response);
  for (let size = 0; size < MAX_FOREIGN_BODY_BYTES;) {
    const { done, value } = await source.read();
    if (done === true) return;
    const chunk = toChunk(value);
    const bytes = typeof chunk === 'string' ? encodeUtf8(chunk) : chunk;
    size += bytes.length;
    pieces.push(bytes);
  }
  source.cancel(undefined);
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(
    Math.min(
      MAX_FOREIGN_BODY_BYTES,
      pieces.reduce((sum, { length }) => sum + length, 0),
    ),
  );
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece.subarray(0, whole.length - at), at);
    at += piece.length;
  }
  return whole;
}
