/**
 * A body that is read anew. Chunks that were looked at are held, and given again before the rest; a `MessageStream` over them
 * is one that nobody has touched. And the one place that tells what a failed body means is that stream, not this room.
 */

import { ProtocolError, StreamError } from '../errors.ts';
import { ApiError } from '../protocol/api-error.ts';
import { MessageStream } from '../stream/message-stream.ts';
import { Queue } from '../stream/queue.ts';
import {
  ignore,
  type ReadableStreamLike,
  type ReadableStreamReaderLike,
  type ReadResult,
  type ResponseLike,
  type Source,
} from '../stream/source.ts';

/**
 * The error in which a response ends; `undefined` if it is none, or if it was broken off behind content, which is for
 * whoever reads it to hear. (Content can come to light at the end only: a last event without its blank line.)
 */
export async function failureOf(response: ResponseLike): Promise<StreamError | undefined> {
  const stream = MessageStream.from(response);
  await stream.finalMessage().catch(ignore);
  const { error, status } = stream.outcome;
  if (!(error instanceof StreamError) || status === 'damaged') return undefined;
  const isVerdict = error instanceof ApiError || error instanceof ProtocolError;
  return isVerdict || stream.blocks.length === 0 ? error : undefined;
}

/** A source at its end. */
export const NOTHING: Source = { read: () => Promise.resolve({ done: true }), cancel: ignore };

/** A source that breaks. */
export class FailedSource implements Source {
  readonly #error: unknown;
  constructor(error: unknown) {
    this.#error = error;
  }
  read(): Promise<ReadResult> {
    return Promise.reject(this.#error);
  }
  cancel(): void {}
}

/** Chunks that came already, and then the rest. Its fields are private, so that nothing of the connection is printed. */
export class HeldBody implements ReadableStreamLike, ReadableStreamReaderLike {
  #held = new Queue<unknown>();
  readonly #rest: Source;
  readonly #close: (reason: unknown) => void;

  constructor(held: readonly unknown[], rest: Source, close: (reason: unknown) => void) {
    for (const chunk of held) this.#held.push(chunk);
    this.#rest = rest;
    this.#close = close;
  }

  getReader(): this {
    return this;
  }

  read(): Promise<{ done: boolean; value?: unknown }> {
    if (this.#held.length > 0) return Promise.resolve({ done: false, value: this.#held.shift() });
    return this.#rest.read() as Promise<{ done: boolean; value?: unknown }>;
  }

  cancel(reason?: unknown): Promise<void> {
    this.#held = new Queue();
    this.#close(reason);
    return Promise.resolve();
  }

  releaseLock(): void {}
}
