/**
 * Reads a response until it is clear whether it is one: the first event that is not `ping`, `unknown` or `message_start`. Up to
 * there nothing has been delivered, so a failure may be tried again, and from there on it may not.
 *
 * To find that place the chunks are scanned here, and held; the stream that the caller gets reads them anew.
 */

import type { StreamError } from '../errors.ts';
import type { Diagnostic } from '../message/types.ts';
import { decodeEvent } from '../protocol/decode.ts';
import { SseScanner } from '../sse/scanner.ts';
import { MessageStream, streamThrough, type MessageStreamOptions } from '../stream/message-stream.ts';
import { idleError } from '../stream/pump.ts';
import { ignore, openBytes, toChunk, type ReadResult, type ResponseLike, type Source } from '../stream/source.ts';
import type { Result, Timeouts } from './attempt.ts';
import { DiscreetIntake } from './discreet-intake.ts';
import { FailedSource, failureOf, HeldBody, NOTHING } from './held-body.ts';
import type { Leash } from './leash.ts';
import type { RequestOptions } from './request.ts';
import { shouldRetry } from './retry.ts';
import { blotDiagnostic, type Secrets } from './secrets.ts';

/**
 * How much is held while nothing but pings, comments, unknown events and the start has come. Past it the caller gets the
 * stream as it is: a start is a few kB, so this is no stream that will turn out well, and it must not pile up.
 */
const MAX_HELD_BYTES: number = 1024 * 1024;
/** What a chunk costs beside its bytes, about: a proxy may send them one by one. */
const CHUNK_OVERHEAD_BYTES = 128;

/**
 * Gives the stream where it begins well, and the error where it does not.
 *
 * @throws TypeError for a response without a readable body.
 */
export async function begin(
  response: ResponseLike,
  options: RequestOptions,
  secrets: Secrets,
  leash: Leash,
  { idleTimeoutMs }: Timeouts,
): Promise<Result> {
  const { status, headers } = response;
  const source = openBytes(response);
  const held: unknown[] = [];
  const rest = await hold(source, held, leash, idleTimeoutMs);
  const winner = (): Result => {
    const body = new HeldBody(held, rest ?? source, (reason) => source.cancel(reason));
    return { stream: openDiscreetly({ status, headers, body }, { ...options, idleTimeoutMs }, secrets) };
  };
  if (rest === undefined) return winner();
  // Nothing more is read from it, also if what is held turns out to be content.
  source.cancel(undefined);
  const error = await failureOf({ status, headers, body: new HeldBody(held, rest, ignore) });
  return error === undefined ? winner() : { error, retry: shouldRetry(error, headers) };
}

/** The stream that the caller gets: its errors and diagnostics quote no key. */
function openDiscreetly(
  response: ResponseLike,
  { signal, strict, limits, onDiagnostic, idleTimeoutMs }: MessageStreamOptions,
  secrets: Secrets,
): MessageStream {
  const options = { signal, strict, limits, idleTimeoutMs };
  if (secrets === undefined) return MessageStream.from(response, { ...options, onDiagnostic });
  const tell = (found: Diagnostic): void => {
    blotDiagnostic(found, secrets);
    onDiagnostic?.(found);
  };
  return streamThrough(response, { ...options, onDiagnostic: tell }, (intake) => new DiscreetIntake(intake, secrets));
}

/**
 * Reads until there is content. Gives `undefined` then; otherwise what comes behind the held chunks: the end, or a failed
 * read. An `error` event ends it too: whether the server closes the connection behind one, nobody knows.
 */
async function hold(source: Source, held: unknown[], leash: Leash, idleTimeoutMs: number): Promise<Source | undefined> {
  const late = (): StreamError => idleError(idleTimeoutMs);
  const scanner = new SseScanner();
  for (let size = 0; size <= MAX_HELD_BYTES;) {
    let result: ReadResult;
    try {
      result = await leash.within(idleTimeoutMs, source.read(), late);
    } catch (error) {
      return new FailedSource(error);
    }
    if (result.done === true) return NOTHING;
    held.push(result.value);
    try {
      const chunk = toChunk(result.value);
      size += chunk.length + CHUNK_OVERHEAD_BYTES;
      const type = firstTelling(scanner, chunk);
      if (type !== undefined) return type === 'error' ? NOTHING : undefined;
    } catch {
      // No chunk, or past a limit: the stream itself says it best.
      return undefined;
    }
  }
  return undefined;
}

/** The type of the first event in the chunk that tells how it goes. */
function firstTelling(scanner: SseScanner, chunk: Uint8Array | string): string | undefined {
  scanner.write(chunk);
  for (let event = scanner.next(); event !== undefined; event = scanner.next()) {
    const { type } = decodeEvent(event);
    if (type !== 'ping' && type !== 'unknown' && type !== 'message_start') return type;
  }
  return undefined;
}
