/** `ssemble/undici`: Claude over undici, for servers that hold many streams open. */

import { pipeline, Readable, type Duplex } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { errors, getGlobalDispatcher, util, type Dispatcher } from 'undici';
import { ProtocolError } from '../errors.ts';
import type { MessageStream } from '../stream/message-stream.ts';
import { Queue } from '../stream/queue.ts';
import { ignore, type ReadableStreamLike, type ReadableStreamReaderLike, type ResponseLike } from '../stream/source.ts';
import { NotSent, type Send } from './attempt.ts';
import type { MessageParams } from './params.ts';
import { streamWith, type TransportOptions } from './policy.ts';

export type * from './params.ts';
export type { RetryInfo, TransportOptions } from './policy.ts';
export { type HeadersLike, readRateLimits } from '../stream/response-headers.ts';
export type { RequestOptions } from './request.ts';

/** What {@link streamMessage} may be told. */
export interface UndiciOptions extends TransportOptions {
  /**
   * What sends the requests: an `Agent` (`new Agent({ allowH2: true })` for HTTP/2), a `ProxyAgent`, a `MockAgent`. Default:
   * undici's global one. Make it once, and give the same to every call: it keeps the connections.
   */
  dispatcher?: Dispatcher | undefined;
}

/**
 * Asks Claude, and gives the answer as a stream. Everything but what carries it is as in `ssemble/fetch`: when the promise
 * resolves, what is tried again, what it rejects with.
 *
 * undici's own timeouts for head and body are switched off: `connectTimeoutMs` and `idleTimeoutMs` decide alone.
 *
 * @example
 * ```ts
 * import { streamMessage } from 'ssemble/undici';
 * import { MockAgent } from 'undici';
 *
 * const dispatcher = new MockAgent();
 * const body = 'data: {"type":"message_start","message":{"content":[]}}\n\n'
 *   + 'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hello"}}\n\n'
 *   + 'data: {"type":"message_stop"}\n\n';
 * dispatcher.get('https://api.anthropic.com').intercept({ path: '/v1/messages', method: 'POST' }).reply(200, body);
 * const stream = await streamMessage(
 *   { model: 'claude-sonnet-5', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] },
 *   { apiKey: 'my-key', dispatcher, baseURL: 'https://api.anthropic.com' },
 * );
 * console.log(await stream.finalText()); // 'Hello'
 * ```
 */
export function streamMessage(params: MessageParams, options: UndiciOptions = {}): Promise<MessageStream> {
  return streamWith(sendWith(options.dispatcher), params, options);
}

function sendWith(dispatcher: Dispatcher | undefined): Send {
  return (url, { method, headers, body, signal }) => {
    const carrier = checkDispatcher(dispatcher ?? getGlobalDispatcher());
    const { origin, pathname, search } = new URL(url);
    const exchange = new Exchange();
    signal.addEventListener('abort', () => void exchange.cancel(signal.reason), { once: true });
    carrier.dispatch(
      {
        origin,
        path: pathname + search,
        method,
        // Some firewalls refuse a request without a name. Compression would hold events back.
        headers: { 'user-agent': 'ssemble', 'accept-encoding': 'identity', ...headers },
        body,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      exchange,
    );
    return exchange.response;
  };
}

function checkDispatcher(given: Dispatcher & { closed?: boolean; destroyed?: boolean }): Dispatcher {
  if (typeof given.dispatch !== 'function') {
    throw new NotSent("Cannot send the request: dispatcher must be one of undici's, such as new Agent()");
  }
  if (given.closed === true || given.destroyed === true) {
    throw new NotSent('Cannot send the request: the dispatcher is closed; make one, and close it when all is done');
  }
  return given;
}

/** How much is taken in while nobody reads, in bytes; then the connection is paused. As undici's own bodies. */
const HIGH_WATER_BYTES = 64 * 1024;

/**
 * One request, and the body of its response, straight from undici's parser. undici's `request` gives the body as a Node
 * stream; through that and its async iterator, a chunk costs about as much as all else that is done with it.
 *
 * It has the handler's older form, as undici's own `request` has: the global dispatcher may be the one that Node's `fetch`
 * made, of an older undici, and that one knows no other. Where the newer form is spoken, undici translates.
 *
 * Until there is a response, what goes wrong rejects `response`; then it rejects the read that comes to it. There is at most one
 * read at a time, as the source above promises.
 */
class Exchange implements Dispatcher.DispatchHandler, ReadableStreamLike, ReadableStreamReaderLike {
  readonly response: Promise<ResponseLike>;
  #resolve!: (response: ResponseLike) => void;
  #reject!: (error: unknown) => void;
  #abort: ((reason?: Error) => void) | undefined;
  #resume: (() => void) | undefined;
  /** Came, and nobody has read it. */
  #chunks = new Queue<Uint8Array>();
  #waitingBytes = 0;
  #paused = false;
  /** The read that waits. */
  #read: Waiter | undefined;
  /** What a read gets behind the chunks: the end, or an error. */
  #end: { error?: unknown } | undefined;
  /** We have left, and why. */
  #left: { reason: Error } | undefined;

  constructor() {
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever asked may have left by then.
    this.response.catch(ignore);
  }

  // What undici calls

  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort;
    if (this.#left !== undefined) abort(this.#left.reason);
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void): boolean {
    // 103 Early Hints, for one: the answer follows.
    if (status < 200) return true;
    this.#resume = resume;
    try {
      this.#resolve(toResponse(status, util.parseHeaders(rawHeaders), this));
    } catch (error) {
      this.#reject(error);
      void this.cancel(error);
    }
    return true;
  }

  /** `false` pauses the connection. */
  onData(chunk: Uint8Array): boolean {
    if (this.#left !== undefined) return true;
    const read = this.#read;
    if (read !== undefined) {
      this.#read = undefined;
      read.resolve({ done: false, value: chunk });
      return true;
    }
    this.#chunks.push(chunk);
    this.#waitingBytes += chunk.length;
    this.#paused = this.#waitingBytes >= HIGH_WATER_BYTES;
    return !this.#paused;
  }

  onComplete(): void {
    this.#end ??= {};
    this.#read?.resolve({ done: true });
  }

  onError(error: Error): void {
    this.#end ??= { error };
    this.#reject(error);
    this.#read?.reject(error);
  }

  // What reads the body

  getReader(): this {
    return this;
  }

  read(): Promise<{ done: boolean; value?: unknown }> {
    const value = this.#chunks.shift();
    if (value !== undefined) {
      this.#waitingBytes -= value.length;
      if (this.#paused && this.#waitingBytes < HIGH_WATER_BYTES) {
        this.#paused = false;
        this.#resume?.();
      }
      return Promise.resolve({ done: false, value });
    }
    if (this.#end !== undefined)
      return 'error' in this.#end ? Promise.reject(this.#end.error) : Promise.resolve({ done: true });
    return new Promise((resolve, reject) => {
      this.#read = { resolve, reject };
    });
  }

  /** Closes the connection, unless the response has come to its end: then it is kept for the next request. */
  cancel(reason?: unknown): Promise<void> {
    this.#chunks = new Queue();
    if (this.#end === undefined && this.#left === undefined) {
      this.#left = { reason: reason instanceof Error ? reason : new errors.RequestAbortedError() };
      this.#abort?.(this.#left.reason);
    }
    return Promise.resolve();
  }

  releaseLock(): void {}
}

interface Waiter {
  resolve: (result: { done: boolean; value?: unknown }) => void;
  reject: (error: unknown) => void;
}

function toResponse(status: number, headers: Record<string, string | string[]>, body: Exchange): ResponseLike {
  const get = (name: string): string | null => {
    const value = headers[name.toLowerCase()];
    return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value;
  };
  return { status, headers: { get }, body: decompress(body, get('content-encoding')) };
}

const DECODERS: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Some gateways compress although they were asked not to. */
function decompress(body: Exchange, encoding: string | null): Exchange | Readable {
  const name = (encoding ?? 'identity').trim().toLowerCase();
  if (name === 'identity' || name === '') return body;
  const make = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
  if (make === undefined) {
    const message = `Cannot read the body: its content-encoding is ${name}, although identity was asked for`;
    throw new ProtocolError('content-encoding', message, { event: 0, byte: 0, line: 1 });
  }
  const decoder = make();
  // Whichever is destroyed takes the other with it; what went wrong is told by the decoder.
  pipeline(toReadable(body), decoder, ignore);
  return decoder;
}

function toReadable(body: Exchange): Readable {
  return new Readable({
    read() {
      body.read().then(
        ({ done, value }) => this.push(done ? null : value),
        (error: unknown) => this.destroy(error as Error),
      );
    },
    destroy(error, done) {
      void body.cancel(error ?? undefined);
      done(error);
    },
  });
}
