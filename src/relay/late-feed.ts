import { AbortError } from '../errors.ts';
import { statusOf } from '../message/outcome.ts';
import { ApiError } from '../protocol/api-error.ts';
import { StreamError } from '../errors.ts';
import type { Feed, FeedOptions, RelayResult } from './feed.ts';
import { encodeError } from './public-error.ts';

/**
 * A feed whose source is still being asked for. If that fails, the client is told why; if it is aborted first, it ends at
 * once, and the source that may yet come is closed.
 */
export class LateFeed implements Feed {
  readonly end: Promise<RelayResult>;
  readonly #options: FeedOptions;
  readonly #cancel: (reason: unknown) => void;
  readonly #ready: Promise<void>;
  #feed: Feed | undefined;
  #error: Error | undefined;
  #settle!: (result: RelayResult | Promise<RelayResult>) => void;
  #wake!: () => void;
  #muted = false;
  #told = false;

  /**
   * @param source - settles with the feed
   * @param cancel - tells whoever makes the source that it is not wanted any more
   */
  constructor(source: Promise<Feed>, cancel: (reason: unknown) => void, options: FeedOptions) {
    this.#options = options;
    this.#cancel = cancel;
    this.end = new Promise((resolve) => (this.#settle = resolve));
    this.#ready = new Promise((resolve) => (this.#wake = resolve));
    source.then(
      (feed) => this.#begin(feed),
      (error: unknown) => this.#fail(error),
    );
  }

  get requestId(): string | undefined {
    return this.#feed?.requestId ?? (this.#error as Partial<StreamError> | undefined)?.requestId;
  }

  async open(): Promise<Error | undefined> {
    await this.#ready;
    return this.#error ?? this.#feed?.open();
  }

  async next(): Promise<Uint8Array | undefined> {
    await this.#ready;
    if (this.#feed !== undefined) return this.#feed.next();
    if (this.#told || this.#muted || this.#error === undefined) return undefined;
    this.#told = true;
    return encodeError(this.#error, this.#options.describeError);
  }

  mute(): void {
    this.#muted = true;
    this.#feed?.mute();
  }

  abort(error: AbortError): void {
    this.#cancel(error);
    if (this.#feed === undefined) this.#fail(error);
    else this.#feed.abort(error);
  }

  #begin(feed: Feed): void {
    if (this.#error instanceof AbortError) return feed.abort(this.#error);
    this.#feed = feed;
    if (this.#muted) feed.mute();
    this.#settle(feed.end);
    this.#wake();
  }

  #fail(error: unknown): void {
    if (this.#error !== undefined) return;
    this.#error = error instanceof Error ? error : new Error(String(error));
    this.#settle(failedResult(this.#error));
    this.#wake();
  }
}

/** A request that brought no stream. What is none of the stream's errors is a fault of the program, and stays itself. */
function failedResult(error: Error): RelayResult {
  const known = error instanceof StreamError || error.name === 'AbortError';
  const { snapshot: message, blocks = [] } = error as Partial<StreamError>;
  const status = known && !(error instanceof ApiError) ? statusOf(error) : 'errored';
  return { message, blocks, outcome: { status, stopReason: null, error } };
}
