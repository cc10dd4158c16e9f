/**
 * Anything that a program may hold a stream in, as one thing: `read()` and `cancel()`.
 *
 * Two rules make everything above simple. Nothing is read before `read()` is called, so an unread stream costs nothing.
 * And `cancel()` acts at once: it never waits for a read that hangs, and never throws. That is why a Web stream is
 * cancelled through its reader and a Node stream is destroyed, and neither through its async iterator, whose `return()`
 * queues behind the read that hangs.
 */

import type { StreamEvent } from '../protocol/events.ts';

/** A piece of a stream: bytes, or text. */
export type Chunk = Uint8Array | string | ArrayBuffer | ArrayBufferView;

/** What a `ReadableStream` of any runtime offers; no more is used. */
export interface ReadableStreamLike<T = unknown> {
  getReader(): ReadableStreamReaderLike<T>;
}

/** A reader of a {@link ReadableStreamLike}. */
export interface ReadableStreamReaderLike<T = unknown> {
  read(): Promise<{ done: boolean; value?: T | undefined }>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}

/** What a `fetch` response of any runtime offers; no more is used. */
export interface ResponseLike {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body?: ReadableStreamLike | AsyncIterable<unknown> | null;
  readonly bodyUsed?: boolean;
}

/** What an `AbortSignal` of any runtime offers; no more is used. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * What `MessageStream.from` takes: a `fetch` response, a `ReadableStream`, a Node `Readable`, any (async) iterable of
 * chunks, or one whole body.
 */
export type ByteSource = ResponseLike | ReadableStreamLike | AsyncIterable<unknown> | Iterable<unknown> | Chunk;

/**
 * Events, one at a time; it can be iterated over itself. The language's `AsyncIterableIterator` has no place for "ends with
 * nothing" before TypeScript 5.6.
 */
export interface EventIterator extends AsyncIterator<StreamEvent, undefined, undefined> {
  [Symbol.asyncIterator](): EventIterator;
}

/** What one read gives, as iterators give it. */
export interface ReadResult {
  done?: boolean | undefined;
  value?: unknown;
}

/** Where items come from. One read at a time; none after the end or a `cancel`. */
export interface Source {
  /** Takes the next item; starts work only now. */
  read(): Promise<ReadResult>;
  /** Lets go at once. A pending read may then settle in any way, or never. */
  cancel(reason: unknown): void;
}

/** One item that is there already: a whole body. */
class WholeSource implements Source {
  #body: unknown;
  constructor(body: unknown) {
    this.#body = body;
  }
  read(): Promise<ReadResult> {
    const value = this.#body;
    this.#body = undefined;
    return Promise.resolve(value === undefined ? { done: true } : { value });
  }
  cancel(): void {
    this.#body = undefined;
  }
}

/** A Web stream. Its lock is taken at once: a stream that somebody else reads is refused when it is given. */
class WebSource implements Source {
  readonly #reader: ReadableStreamReaderLike;
  constructor(stream: ReadableStreamLike) {
    this.#reader = stream.getReader();
  }
  read(): Promise<ReadResult> {
    return this.#reader.read();
  }
  cancel(reason: unknown): void {
    quietly(() => this.#reader.cancel(reason));
    quietly(() => this.#reader.releaseLock());
  }
}

/** Any iterable. Its iterator is made by the first read; `destroy` is the short way out that Node streams have. */
class IterableSource implements Source {
  readonly #open: () => Iterator<unknown> | AsyncIterator<unknown>;
  readonly #destroy: (() => void) | undefined;
  #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined;

  constructor(open: () => Iterator<unknown> | AsyncIterator<unknown>, destroy?: () => void) {
    this.#open = open;
    this.#destroy = destroy;
  }

  read(): Promise<ReadResult> {
    this.#iterator ??= this.#open();
    return Promise.resolve(this.#iterator.next());
  }

  cancel(): void {
    if (this.#destroy !== undefined) quietly(this.#destroy);
    else quietly(() => (this.#iterator ??= this.#open()).return?.());
  }
}

/** An iterable of promises, as `for await` takes it. */
class PromisesSource implements Source {
  readonly #inner: Source;
  constructor(inner: Source) {
    this.#inner = inner;
  }
  async read(): Promise<ReadResult> {
    const result = checkResult(await this.#inner.read());
    return result.done === true ? { done: true } : { value: await result.value };
  }
  cancel(reason: unknown): void {
    this.#inner.cancel(reason);
  }
}

/** Node's streams: `destroy()` ends them although a read hangs, and an `error` event that nobody hears is fatal. */
interface NodeReadable extends AsyncIterable<unknown> {
  on(event: 'error', listener: () => void): unknown;
  destroy(): unknown;
}

/**
 * Opens whatever holds the bytes; reads nothing yet.
 *
 * @throws TypeError for anything that holds no bytes, a body that was read already, and a response of a runtime whose
 * `fetch` does not stream.
 */
export function openBytes(source: ByteSource): Source {
  if (isWhole(source)) return new WholeSource(source);
  if (isResponse(source)) return openBody(source);
  return openStream(source) ?? refuse('bytes', source);
}

/**
 * Opens an iterable of events; reads nothing yet.
 *
 * @throws TypeError for anything that cannot be iterated.
 */
export function openEvents(source: unknown): Source {
  return (isWhole(source) ? undefined : openStream(source)) ?? refuse('events', source);
}

/**
 * A chunk as the reader takes it.
 *
 * @throws TypeError for anything but bytes and text.
 */
export function toChunk(value: unknown): Uint8Array | string {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (isArrayBuffer(value)) return new Uint8Array(value);
  throw new TypeError(`Cannot read a chunk: bytes or text are needed, this is ${describe(value)}`);
}

/**
 * What a read gave, if it is what iterators give.
 *
 * @throws TypeError for anything else.
 */
export function checkResult(result: unknown): ReadResult {
  if (isObject(result)) return result;
  throw new TypeError(`the source must give { done, value }, this is ${describe(result)}`);
}

export function isResponse(value: unknown): value is ResponseLike {
  if (!isObject(value) || typeof value['status'] !== 'number' || !isObject(value['headers'])) return false;
  return typeof value['headers']['get'] === 'function';
}

function openBody(response: ResponseLike): Source {
  if (response.bodyUsed === true) throw new TypeError('Cannot read the response: its body has been read already');
  const { body } = response;
  if (body === null) return new WholeSource(undefined);
  if (body === undefined) {
    throw new TypeError(
      'Cannot read the response: it has no body stream in this runtime; give its text to parseMessage(), or read it with XMLHttpRequest and MessageParser',
    );
  }
  return openStream(body) ?? refuse('bytes', body);
}

function openStream(value: unknown): Source | undefined {
  if (!isObject(value)) return undefined;
  if (typeof value['getReader'] === 'function') return new WebSource(value as unknown as ReadableStreamLike);
  if (Symbol.asyncIterator in value) return openAsync(value as unknown as AsyncIterable<unknown>);
  if (!(Symbol.iterator in value)) return undefined;
  const items = value as unknown as Iterable<unknown>;
  return new PromisesSource(new IterableSource(() => items[Symbol.iterator]()));
}

function openAsync(items: AsyncIterable<unknown>): Source {
  const open = (): AsyncIterator<unknown> => items[Symbol.asyncIterator]();
  if (!isNodeReadable(items)) return new IterableSource(open);
  items.on('error', ignore);
  return new IterableSource(open, () => void items.destroy());
}

function isNodeReadable(value: object): value is NodeReadable {
  const stream = value as Partial<NodeReadable>;
  return typeof stream.on === 'function' && typeof stream.destroy === 'function';
}

function isWhole(value: unknown): value is Chunk {
  return typeof value === 'string' || ArrayBuffer.isView(value) || isArrayBuffer(value);
}

/** By its tag, so that a buffer of another realm (a frame, a `vm` context) is one too. */
function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return Object.prototype.toString.call(value) === '[object ArrayBuffer]';
}

function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function refuse(what: 'bytes' | 'events', value: unknown): never {
  const wanted =
    what === 'bytes'
      ? 'a Response, a ReadableStream, a Node Readable, an iterable of chunks, or a whole body is needed'
      : 'an iterable or async iterable of events is needed';
  throw new TypeError(`Cannot read ${what}: ${wanted}, this is ${describe(value)}`);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (!isObject(value)) return `a ${typeof value}`;
  if (typeof value['then'] === 'function') return 'a Promise (await it first)';
  const name = (value.constructor as { name?: string } | undefined)?.name;
  return name === undefined || name === 'Object' ? 'a plain object' : `an instance of ${name}`;
}

/** Runs a way out whose own failure interests nobody: neither a throw nor a rejection of it gets further. */
function quietly(leave: () => unknown): void {
  try {
    const left = leave() as { then?: (done: () => void, failed: () => void) => unknown } | undefined;
    if (typeof left?.then === 'function') left.then(ignore, ignore);
  } catch {
    // Nothing to do: we were leaving.
  }
}

export function ignore(): void {}
