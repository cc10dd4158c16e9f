import { encodeUtf8 } from '../sse/utf8.ts';
import type { RelayResult } from './feed.ts';
import { checkHeaders, errorAnswer, streamHead } from './headers.ts';
import { Outlet, type RelaySource } from './outlet.ts';
import { publicError } from './public-error.ts';
import type { RelayResponseOptions } from './response.ts';

/** What a `ServerResponse` of Node offers, over HTTP/1 or HTTP/2, and those of frameworks built on it; no more is used. */
export interface ServerResponseLike {
  statusCode: number;
  readonly headersSent: boolean;
  readonly destroyed?: boolean;
  /** The stream under a response of HTTP/2: it alone tells that the client has left. */
  readonly stream?: { readonly destroyed?: boolean; readonly closed?: boolean } | null;
  setHeader(name: string, value: string): unknown;
  flushHeaders?(): void;
  write(chunk: Uint8Array): boolean;
  end(): unknown;
  on(event: 'close' | 'drain' | 'error', listener: () => void): unknown;
  removeListener(event: 'close' | 'drain' | 'error', listener: () => void): unknown;
}

/**
 * The same into a `ServerResponse` of Node's `http`, `https` or `http2`, as plain Node, Express, Koa and Fastify hold one.
 *
 * The head goes out as soon as it is known that there is a stream; headers that were set on the response stay, unless they
 * are those of {@link RELAY_HEADERS}. If the head was sent already, only the events follow. A full socket holds the source
 * up until it has drained; a closed one means that the client has left. Errors before the stream are answered as
 * {@link relayResponse} answers them.
 *
 * @returns What the stream came to, when the source has ended or was left, and the response is written. Rejects with a
 * TypeError or RangeError alone, for a source or an option that is none, a header that cannot be sent among them: nothing
 * was asked for or written then. A response that cannot be written to counts as a client that has left.
 * @example
 * import { createServer } from 'node:http';
 * import { relayTo } from 'ssemble/relay';
 *
 * const server = createServer((request, response) => {
 *   void relayTo(response, 'event: ping\ndata: {"type": "ping"}\n\n');
 * });
 * await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
 * const { port } = server.address() as { port: number };
 * const answer = await fetch(`http://127.0.0.1:${port}`);
 * answer.headers.get('content-type'); // 'text/event-stream; charset=utf-8'
 * await answer.text();
 * server.close();
 */
export async function relayTo(
  response: ServerResponseLike,
  source: RelaySource,
  options: RelayResponseOptions = {},
): Promise<RelayResult> {
  checkHeaders(options.headers);
  const outlet = new Outlet(source, options, isGone(response));
  const door = new Door(response, (cause) => outlet.leave(cause));
  try {
    const error = await outlet.open();
    if (!door.closed) {
      // Behind a head that was sent already an error can only be an event: the stream tells it.
      if (error === undefined || response.headersSent) await writeStream(response, door, outlet, options);
      else writeError(response, error, options);
    }
  } catch (error) {
    door.shut(error);
    endQuietly(response);
  } finally {
    door.unhinge();
  }
  return outlet.done;
}

async function writeStream(
  response: ServerResponseLike,
  door: Door,
  outlet: Outlet,
  options: RelayResponseOptions,
): Promise<void> {
  if (!response.headersSent) {
    const { status, headers } = streamHead(outlet.requestId, options.headers);
    setHead(response, status, headers);
    response.flushHeaders?.();
  }
  for (;;) {
    const bytes = await outlet.next();
    if (door.closed) return;
    if (bytes === undefined) break;
    // A response may fail without a word: then it is never drained.
    if (!response.write(bytes)) await door.drained();
    if (door.closed) return;
  }
  response.end();
}

function writeError(response: ServerResponseLike, error: Error, options: RelayResponseOptions): void {
  const { status, headers, body } = errorAnswer(publicError(error, options.describeError), options.headers);
  setHead(response, status, headers);
  response.write(encodeUtf8(body));
  response.end();
}

function setHead(response: ServerResponseLike, status: number, headers: Readonly<Record<string, string>>): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

/** Whether nobody is there to write to. Node tells it by `close` only once: not whoever comes later. */
function isGone({ destroyed, stream }: ServerResponseLike): boolean {
  return destroyed === true || stream?.destroyed === true || stream?.closed === true;
}

/** What cannot be written to may not be ended, either. */
function endQuietly(response: ServerResponseLike): void {
  try {
    response.end();
  } catch {
    // It is closed: nothing is left to do.
  }
}

/** What the socket under a response tells: that it has room again, and that it has closed. */
class Door {
  closed: boolean;
  readonly #response: ServerResponseLike;
  readonly #onClose: (cause?: unknown) => void;
  #waiter: (() => void) | undefined;

  constructor(response: ServerResponseLike, onClose: (cause?: unknown) => void) {
    this.#response = response;
    this.#onClose = onClose;
    this.closed = isGone(response);
    response.on('close', this.#close);
    response.on('drain', this.#wake);
    response.on('error', this.#close);
    if (this.closed) onClose();
  }

  /** Settles when there is room, or nobody to write to. */
  drained(): Promise<void> {
    if (isGone(this.#response)) this.shut();
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => (this.#waiter = resolve));
  }

  /** The listener for errors stays: a response that fails late must not bring the process down. */
  unhinge(): void {
    this.#response.removeListener('close', this.#close);
    this.#response.removeListener('drain', this.#wake);
  }

  /** @param cause - what shows that nobody is there, if it was not the socket that said so */
  shut(cause?: unknown): void {
    if (this.closed) return;
    this.closed = true;
    this.#onClose(cause);
    this.#wake();
  }

  readonly #close = (): void => this.shut();

  readonly #wake = (): void => {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.();
  };
}
