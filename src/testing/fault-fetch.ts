/**
 * A `fetch` without a network: every request gets the same stream, chopped and broken as told, chunk by chunk.
 *
 * A real server cannot do that: the kernel joins what is written in one go and cuts what is long, so what a client sees
 * differs from run to run. Here one step is one chunk, always.
 */

import { headerPairs, type HeadersLike } from '../capture/secrets.ts';
import { globals, type ByteStream } from '../stream/globals.ts';
import type { AbortSignalLike, ResponseLike } from '../stream/source.ts';
import { parseFaults, type FaultList } from './fault-grammar.ts';
import { playMaterial, type PlayOptions } from './faults.ts';
import type { Playback } from './schedule.ts';
import { materialOf, type FaultSource, type Material } from './material.ts';
import { callerPace, noPace, timedPace, type Pace } from './pace.ts';
import { Player, waitForHead } from './player.ts';

// Merged with the Web's own name where the program has it; see `stream/globals.ts`.
declare global {
  interface Response {
    readonly status: number;
  }
}

/** What was asked of a {@link FaultFetch}. */
export interface FaultRequest {
  /** Which request this is, from 1: a test may answer the second attempt otherwise. */
  number: number;
  url: string;
  method: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** The body, if it was a string. */
  body: string | undefined;
}

/** A `Response`, as every runtime's `fetch` gives it. */
export type FaultResponse = Response & ResponseLike;

/** A function that stands in for `fetch`. */
export interface FaultFetch {
  (input: unknown, init?: unknown): Promise<FaultResponse>;
  /** What was asked so far. */
  readonly requests: readonly FaultRequest[];
}

type ChooseSource = (request: FaultRequest) => FaultSource | PromiseLike<FaultSource>;

/** How {@link faultStream} plays. */
export interface FaultStreamOptions extends PlayOptions {
  /**
   * Waits for so many milliseconds, in place of real timers: a test may let no time pass. Without it and without `speed`,
   * whatever has to wait waits for ever.
   */
  sleep?: (ms: number) => PromiseLike<unknown>;
  /** Breaks the stream off with the signal's reason. */
  signal?: AbortSignalLike;
}

/** How {@link faultFetch} plays; the signal is the request's own. */
export interface FaultFetchOptions extends Omit<FaultStreamOptions, 'signal'> {
  /** The HTTP status. Default: that of the capture, or 200. */
  status?: number;
  /** Set in place of those of the source, by name in lower case. */
  headers?: Readonly<Record<string, string>>;
}

/**
 * Makes a `fetch` that plays a source. It fits `@anthropic-ai/sdk` (`fetch` option), `ssemble/fetch`, the AI SDK's providers,
 * and whatever else takes a `fetch`. Status and headers are those of the capture; a body alone is a 200 of `text/event-stream`.
 *
 * Deterministic: one step is one chunk, and no time passes. A `stall` hangs until the request's signal fires, unless `speed`
 * (then with real timers) or `sleep` is given.
 *
 * @param source - what is played, or a function of the request that gives it
 * @param faults - see `parseFault`, or a function of the request: `({ number }) => (number === 1 ? 'reset@event:2' : [])`
 * @throws RangeError, TypeError at once as `applyFaults` does; what a function gives is only known when it is asked, and
 *   then rejects the request
 * @example
 * import { streamMessage } from 'ssemble/fetch';
 * import { faultFetch } from 'ssemble/testing';
 *
 * const body =
 *   'data: {"type":"message_start","message":{"content":[]}}\n\n' +
 *   'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hi"}}\n\n' +
 *   'data: {"type":"message_stop"}\n\n';
 * const fetch = faultFetch(body, 'reset@type:message_stop', { chop: 'byte' });
 * const params = { model: 'claude-opus-4-5', max_tokens: 99, messages: [{ role: 'user' as const, content: 'Hi' }] };
 * const stream = await streamMessage(params, { apiKey: 'none', fetch });
 * await stream.finalMessage().catch((error: Error) => error.name); // 'ConnectionError'
 * stream.snapshot?.content; // [{ type: 'text', text: 'Hi' }]
 */
export function faultFetch(
  source: FaultSource | ChooseSource,
  faults: FaultList | ((request: FaultRequest) => FaultList) = [],
  options: FaultFetchOptions = {},
): FaultFetch {
  const requests: FaultRequest[] = [];
  let count = 0;
  const known = typeof source === 'function' ? undefined : materialOf(source);
  const fixed =
    known !== undefined && typeof faults !== 'function' ? playMaterial(known, parseFaults(faults), options) : undefined;

  const answer = async (input: unknown, init?: unknown): Promise<FaultResponse> => {
    // Counted before anything is waited for: requests may be asked at once.
    const asked = await requestOf(input, init, ++count);
    const { signal, ...request } = asked;
    requests.push(request);
    requests.sort((a, b) => a.number - b.number);
    const material = known ?? materialOf(await (source as ChooseSource)(request));
    const list = typeof faults === 'function' ? faults(request) : faults;
    const playback = fixed ?? playMaterial(material, parseFaults(list), options);
    return respond(material, playback, { ...options, ...(signal && { signal }) });
  };
  return Object.assign(answer, { requests });
}

/**
 * The chunks of a source, broken as told, for what takes an async iterable: `MessageStream.from`, Node's `Readable.from`, a
 * loop. It ends with an error for `reset`, and never for a `stall` without a time.
 *
 * @throws RangeError, TypeError at once as `applyFaults` does
 * @example
 * import { MessageStream } from 'ssemble';
 * import { faultStream } from 'ssemble/testing';
 *
 * const body = 'data: {"type":"message_start","message":{"content":[]}}\n\ndata: {"type":"message_stop"}\n\n';
 * const stream = MessageStream.from(faultStream(body, 'cut@event:2'));
 * await stream.finalMessage().catch((error: Error) => error.name); // 'TruncatedError'
 */
export function faultStream(
  source: FaultSource,
  faults: FaultList = [],
  options: FaultStreamOptions = {},
): AsyncIterableIterator<Uint8Array> {
  return new Player(playMaterial(materialOf(source), parseFaults(faults), options), paceOf(options), options.signal);
}

/**
 * {@link faultStream} as a Web `ReadableStream`. One read gives one chunk; nothing is read ahead.
 *
 * @throws TypeError where the runtime has no `ReadableStream`; RangeError, TypeError as `applyFaults` does
 * @example
 * import { MessageStream } from 'ssemble';
 * import { faultReadable } from 'ssemble/testing';
 *
 * const body = 'data: {"type":"message_start","message":{"content":[]}}\n\ndata: {"type":"message_stop"}\n\n';
 * const stream = MessageStream.from(faultReadable(body, 'insert@event:2:error'));
 * await stream.finalMessage().catch((error: Error) => error.name); // 'OverloadedError'
 */
export function faultReadable(
  source: FaultSource,
  faults: FaultList = [],
  options: FaultStreamOptions = {},
): ByteStream {
  return readable(faultStream(source, faults, options));
}

function paceOf({ sleep, speed }: FaultStreamOptions): Pace {
  if (sleep !== undefined) return callerPace(sleep);
  return speed === undefined ? noPace : timedPace();
}

async function respond(
  material: Material,
  playback: Playback,
  options: FaultStreamOptions & FaultFetchOptions,
): Promise<FaultResponse> {
  const { Response } = globalThis as unknown as { Response?: ResponseClass };
  if (Response === undefined) throw new TypeError('Cannot answer: this runtime has no Response; use faultStream');
  const { signal, status = material.status } = options;
  const pace = paceOf(options);
  await waitForHead(playback, pace, signal);
  const bodyless = status === 204 || status === 205 || status === 304;
  const body = bodyless ? null : readable(new Player(playback, pace, signal));
  return new Response(body, { status, headers: headersOf(material, options.headers) });
}

type ResponseClass = new (
  body: ByteStream | null,
  init: { status: number; headers: (readonly [string, string])[] },
) => FaultResponse;

/** What describes the bytes on a wire that is not there: the body is what the capture holds, whole and not encoded. */
const OF_THE_WIRE: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// oxlint-disable-next-line no-control-regex
const NO_HEADER_VALUE = /[\0\r\n]|[^\0-\xff]/;

/** The headers to answer with: those that say something about the wire, and what no response can carry, are left out. */
export function headersOf(
  { headers }: Material,
  own: Readonly<Record<string, string>> = {},
): (readonly [string, string])[] {
  const set = Object.entries(own);
  const replaced = new Set(set.map(([name]) => name.toLowerCase()));
  const kept = headers.filter(([name, value]) => {
    const lower = name.toLowerCase();
    if (OF_THE_WIRE.has(lower) || replaced.has(lower)) return false;
    return HEADER_NAME.test(name) && !NO_HEADER_VALUE.test(value);
  });
  return [...kept, ...set];
}

function readable(chunks: AsyncIterableIterator<Uint8Array>): ByteStream {
  const { ReadableStream } = globals();
  if (ReadableStream === undefined) throw new TypeError('Cannot make a stream: this runtime has no ReadableStream');
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close?.();
        else controller.enqueue(value);
      },
      cancel: () => void chunks.return?.(),
    },
    { highWaterMark: 0 },
  );
}

interface RequestLike {
  url?: unknown;
  href?: unknown;
  method?: unknown;
  headers?: HeadersLike | null;
  body?: unknown;
  signal?: AbortSignalLike | null;
  clone?: () => { text(): Promise<string> };
}

/** What a `fetch` was given, in any of the forms that it takes. */
async function requestOf(
  input: unknown,
  init: unknown,
  number: number,
): Promise<FaultRequest & { signal: AbortSignalLike | undefined }> {
  const given = (typeof input === 'object' && input !== null ? input : {}) as RequestLike;
  const set = (init ?? {}) as RequestLike;
  const pairs = headerPairs(set.headers ?? given.headers ?? []);
  const { method = given.method ?? 'GET', signal = given.signal } = set;
  return {
    number,
    url: String(given.url ?? given.href ?? input),
    method: String(method).toUpperCase(),
    headers: Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value])),
    body: typeof set.body === 'string' ? set.body : await given.clone?.().text(),
    signal: signal ?? undefined,
  };
}
