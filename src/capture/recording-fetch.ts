/**
 * A `fetch` that keeps what it brings, for programs that want captures of their own traffic.
 *
 * The body is passed on read by read: nothing is read before the caller reads, so neither time nor back-pressure changes.
 * Where the runtime undoes a compression before anybody sees the bytes, the capture has the plain ones.
 */

import type { CapturedRequest } from './format.ts';
import { CaptureRecorder, type RecorderOptions } from './recorder.ts';
import { headerPairs, type HeadersLike } from './secrets.ts';

/** What is used of a `fetch`'s second argument. */
interface InitLike {
  method?: string | undefined;
  headers?: unknown;
  body?: unknown;
}

interface RequestLike {
  url?: string;
  method?: string;
  headers?: HeadersLike;
}

interface ReaderLike {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(reason?: unknown): Promise<void>;
}

interface AnswerLike {
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  readonly headers: HeadersLike;
  readonly body: { getReader(): ReaderLike } | null;
}

interface ControllerLike {
  enqueue(chunk: Uint8Array): void;
  close(): void;
  error(reason: unknown): void;
}

interface WebGlobals {
  Response: new (body: unknown, init: object) => object;
  ReadableStream: new (source: object, strategy: object) => object;
}

/** Says, for each request, where its capture goes; `undefined`: it is not recorded. */
export type OpenRecording = (request: CapturedRequest) => RecorderOptions | undefined;

/**
 * Wraps `fetch` so that responses are recorded. `open` is called for each request; what it gives is completed with the
 * request, and the capture is written as the caller reads the body. A body that is never read is never recorded to its end.
 * The body of the request is not kept, unless `open` puts it there. If `write` throws, the recording stops there, without
 * a last line, and the response goes on: traffic matters more than its record.
 *
 * @example
 * const lines: string[] = [];
 * const answer = (_url: string, _init: object) => Promise.resolve(new Response('data: x\n\n'));
 * const fetch = recordingFetch(answer, () => ({ write: (line) => lines.push(line) }));
 * await (await fetch('https://api.example.com/v1/messages', { headers: { 'x-api-key': 'sk-ant-1234' } })).text(); // 'data: x\n\n'
 * lines.length; // 3
 * lines.join('').includes('sk-ant'); // false
 */
export function recordingFetch<Fetch extends (input: never, init: never) => Promise<object>>(
  fetch: Fetch,
  open: OpenRecording,
): Fetch {
  const recording = async (input: unknown, init?: InitLike): Promise<object> => {
    const request = requestOf(input, init);
    const options = open(request);
    if (options === undefined) return fetch(input as never, init as never);
    const recorder = new CaptureRecorder({ request, ...options, write: harmless(options.write) });
    try {
      const response = (await fetch(input as never, init as never)) as AnswerLike;
      recorder.head({ status: response.status, headers: headerPairs(response.headers) });
      return response.body === null
        ? ended(response, recorder)
        : recorded(response, response.body.getReader(), recorder);
    } catch (error) {
      recorder.end(isAbort(error) ? 'abort' : 'reset', error);
      throw error;
    }
  };
  return recording as unknown as Fetch;
}

/** Writes until writing fails. */
function harmless(write: (line: string) => void): (line: string) => void {
  let failed = false;
  return (line) => {
    if (failed) return;
    try {
      write(line);
    } catch {
      failed = true;
    }
  };
}

function requestOf(input: unknown, init: InitLike = {}): CapturedRequest {
  const { url, method, headers } = (typeof input === 'object' ? input : {}) as RequestLike;
  return {
    method: init.method ?? method ?? 'GET',
    url: url ?? String(input),
    headers: headerPairs((init.headers ?? headers ?? []) as HeadersLike),
  };
}

function ended(response: AnswerLike, recorder: CaptureRecorder): AnswerLike {
  recorder.end('eof');
  return response;
}

/** A response like the one given, whose body is recorded as it is read. */
function recorded(response: AnswerLike, reader: ReaderLike, recorder: CaptureRecorder): object {
  const { Response, ReadableStream } = globalThis as unknown as WebGlobals;
  const source = {
    async pull(controller: ControllerLike): Promise<void> {
      try {
        const { done, value } = await reader.read();
        if (done) recorder.end('eof');
        else recorder.chunk(value as Uint8Array);
        if (done) controller.close();
        else controller.enqueue(value as Uint8Array);
      } catch (error) {
        recorder.end(isAbort(error) ? 'abort' : 'reset', error);
        controller.error(error);
      }
    },
    cancel(reason: unknown): Promise<void> {
      recorder.end('abort');
      return reader.cancel(reason);
    },
  };
  const { status, statusText, headers, url } = response;
  const body = new ReadableStream(source, { highWaterMark: 0 });
  // A `Response` that is made has no URL; this one keeps that of the one it stands for.
  return Object.defineProperty(new Response(body, { status, statusText, headers }), 'url', { value: url });
}

function isAbort(error: unknown): boolean {
  return (error as { name?: unknown } | null)?.name === 'AbortError';
}
