/**
 * The way out: pieces of a feed for one client, heartbeats while there are none, and what happens when the client leaves.
 *
 * It is pull, like everything before it: the adapter asks for a piece when the client has room. So a slow client slows the
 * feed, and the feed its source, and at most one piece waits here. The heartbeat's timer runs only while a client waits
 * and nothing has come: it is never in the way of data, and never left behind.
 */

import type { AbortError } from '../errors.ts';
import { encodeUtf8 } from '../sse/utf8.ts';
import { MAX_TIMER_MS, throwApart } from '../stream/globals.ts';
import { MessageStream } from '../stream/message-stream.ts';
import { abortError } from '../stream/pump.ts';
import { ignore, type AbortSignalLike, type ByteSource } from '../stream/source.ts';
import { ByteFeed, type ByteFeedOptions } from './byte-feed.ts';
import type { Feed, RelayResult } from './feed.ts';
import { webGlobals, type WebAbortSignal } from './globals.ts';
import { LateFeed } from './late-feed.ts';
import { StreamFeed } from './stream-feed.ts';

/** Between events, so that no reader of server-sent events takes it for a part of one. */
const HEARTBEAT = ': heartbeat\n\n';

/** The pause after which a heartbeat goes out, in milliseconds: well under the 60 s that many proxies wait. */
const HEARTBEAT_MS = 15_000;

/** What holds a stream: bytes in any form that `MessageStream.from` takes, or a `MessageStream`. */
export type RelayedStream = ByteSource | MessageStream;

/**
 * What can be relayed: a stream, the promise of one, or a function that asks for one. The function gets a signal that
 * fires when the stream is not wanted any more, so that a request that is still under way is given up, too.
 */
export type RelaySource =
  RelayedStream | PromiseLike<RelayedStream> | ((signal: WebAbortSignal) => RelayedStream | PromiseLike<RelayedStream>);

/** What a relay may be told. */
export interface RelayOptions extends ByteFeedOptions {
  /**
   * What to do when the client leaves. `abort` (the default) closes the connection to the API at once: nobody pays for
   * text that nobody reads. `finish` reads on to the end without a client, so that the whole message can be stored.
   */
  onClientGone?: 'abort' | 'finish' | undefined;
  /**
   * Milliseconds of silence after which a comment is sent, so that no proxy takes the connection for dead. Default
   * 15,000; 0 sends none.
   */
  heartbeatMs?: number | undefined;
  /** Ends the relay from the server's side: the client is told in an `error` event. */
  signal?: AbortSignalLike | undefined;
  /** Fires when the client has left, where the framework says so in a signal: `request.signal`. */
  clientSignal?: AbortSignalLike | undefined;
  /**
   * Gets what the stream came to, once, however it ended. It may be asynchronous; nobody waits for it. What it throws, or
   * rejects with, is reported as an uncaught error.
   */
  onDone?: ((result: RelayResult) => unknown) | undefined;
}

export class Outlet {
  readonly done: Promise<RelayResult>;
  readonly #feed: Feed;
  readonly #heartbeatMs: number;
  readonly #finishAlone: boolean;
  #waiter: ((bytes: Uint8Array | undefined) => void) | undefined;
  #reading = false;
  /** A piece that came when nobody waited: its waiter had got a heartbeat. */
  #ready: { bytes: Uint8Array | undefined } | undefined;
  #timer: unknown;
  #gone = false;
  /** What has gone out so far: nothing, heartbeats alone, or bytes of the stream. */
  #sent: 'nothing' | 'heartbeats' | 'stream' = 'nothing';
  readonly #detach: () => void;

  /**
   * @param gone - whether the client has left already: then a source that would have to be asked for is not
   * @throws TypeError for a source that holds no stream. RangeError for an odd time.
   */
  constructor(source: RelaySource, options: RelayOptions, gone = false) {
    this.#heartbeatMs = checkHeartbeat(options.heartbeatMs);
    this.#finishAlone = checkGone(options.onClientGone) === 'finish';
    checkOptions(options);
    const unwanted =
      gone || options.clientSignal?.aborted === true
        ? leftError(undefined)
        : options.signal?.aborted === true
          ? signalError(options.signal)
          : undefined;
    this.#feed = openFeed(source, options, unwanted);
    this.done = this.#feed.end;
    const { signal, clientSignal, onDone } = options;
    const stop = listen(signal, () => this.#feed.abort(signalError(signal)));
    const leave = listen(clientSignal, () => this.leave());
    this.#detach = () => {
      stop();
      leave();
    };
    void this.done.then((result) => {
      this.#detach();
      if (onDone !== undefined) tell(onDone, result);
    });
  }

  get requestId(): string | undefined {
    return this.#feed.requestId;
  }

  /**
   * Waits until it is known whether the answer is a stream or an HTTP error, but not longer than a heartbeat: a proxy would
   * lose patience. An error that comes later is told in the stream.
   */
  open(): Promise<Error | undefined> {
    const opening = this.#feed.open();
    if (this.#heartbeatMs === 0) return opening;
    return new Promise((resolve) => {
      const timer = startTimer(() => resolve(undefined), this.#heartbeatMs);
      void opening.then((error) => {
        stopTimer(timer);
        resolve(error);
      });
    });
  }

  /** The next piece; a heartbeat if there is none for too long; `undefined` at the end, or when the client has left. */
  next(): Promise<Uint8Array | undefined> {
    if (this.#gone) return Promise.resolve(undefined);
    const ready = this.#ready;
    if (ready !== undefined) {
      this.#ready = undefined;
      return Promise.resolve(ready.bytes);
    }
    return new Promise((resolve) => {
      this.#waiter = resolve;
      if (this.#heartbeatMs > 0) this.#timer = startTimer(this.#beat, this.#heartbeatMs);
      if (!this.#reading) this.#read();
    });
  }

  /**
   * The client has left.
   *
   * @param cause - what shows it, if writing to it failed
   */
  leave(cause?: unknown): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#ready = undefined;
    this.#answer(undefined);
    if (!this.#finishAlone) return this.#feed.abort(leftError(cause));
    this.#feed.mute();
    if (!this.#reading) this.#read();
  }

  #read(): void {
    this.#reading = true;
    void this.#feed.next().then((piece) => {
      this.#reading = false;
      const bytes = piece && this.#withoutMark(piece);
      if (this.#gone) {
        if (bytes !== undefined && this.#finishAlone) this.#read();
      } else if (this.#waiter === undefined) this.#ready = { bytes };
      else this.#answer(bytes);
    });
  }

  #answer(bytes: Uint8Array | undefined): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    stopTimer(this.#timer);
    this.#timer = undefined;
    waiter?.(bytes);
  }

  /** A byte order mark is one only as the very first bytes; behind a heartbeat it would spoil the first field. */
  #withoutMark(piece: Uint8Array): Uint8Array {
    const late = this.#sent === 'heartbeats';
    this.#sent = 'stream';
    return late && piece[0] === 0xef && piece[1] === 0xbb && piece[2] === 0xbf ? piece.subarray(3) : piece;
  }

  readonly #beat = (): void => {
    if (this.#sent === 'nothing') this.#sent = 'heartbeats';
    this.#answer(encodeUtf8(HEARTBEAT));
  };
}

function leftError(cause: unknown): AbortError {
  return abortError('because the client left', cause);
}

function signalError(signal: AbortSignalLike | undefined): AbortError {
  return abortError('by its signal', signal?.reason);
}

function openFeed(source: RelaySource, options: RelayOptions, unwanted: AbortError | undefined): Feed {
  const open = (stream: RelayedStream): Feed =>
    stream instanceof MessageStream ? new StreamFeed(stream, options) : new ByteFeed(stream, options);
  if (typeof source === 'function') return askFeed(source, open, options, unwanted);
  if (isPromise(source)) return new LateFeed(Promise.resolve(source).then(open), ignore, options);
  return open(source);
}

function askFeed(
  ask: (signal: WebAbortSignal) => RelayedStream | PromiseLike<RelayedStream>,
  open: (stream: RelayedStream) => Feed,
  options: RelayOptions,
  unwanted: AbortError | undefined,
): Feed {
  if (unwanted !== undefined) return new LateFeed(Promise.reject(unwanted), ignore, options);
  const { AbortController } = webGlobals();
  if (AbortController === undefined) {
    throw new TypeError('A function as source needs AbortController, this runtime has none: give the promise itself');
  }
  const controller = new AbortController();
  // As the body of a promise: what the function throws is an error like one that it rejects with.
  const asked = new Promise<RelayedStream>((resolve) => resolve(ask(controller.signal)));
  return new LateFeed(asked.then(open), (reason) => controller.abort(reason), options);
}

function isPromise(source: object | string): source is PromiseLike<RelayedStream> {
  return typeof (source as { then?: unknown } | null | undefined)?.then === 'function';
}

function listen(signal: AbortSignalLike | undefined, act: () => void): () => void {
  if (signal === undefined) return ignore;
  if (signal.aborted) {
    act();
    return ignore;
  }
  signal.addEventListener('abort', act);
  return () => signal.removeEventListener('abort', act);
}

/** @throws TypeError for what would fail later, when nobody could be told. */
function checkOptions({ onDone, signal, clientSignal }: RelayOptions): void {
  if (onDone !== undefined && typeof onDone !== 'function') {
    throw new TypeError(`onDone must be a function, this is ${typeof onDone}`);
  }
  for (const [name, value] of Object.entries({ signal, clientSignal })) {
    if (value !== undefined && value !== null && typeof value.addEventListener !== 'function') {
      throw new TypeError(`${name} must be an AbortSignal; of an AbortController give its signal`);
    }
  }
}

function tell(onDone: (result: RelayResult) => void, result: RelayResult): void {
  try {
    const made = onDone(result);
    if (typeof (made as { then?: unknown } | null | undefined)?.then === 'function') {
      Promise.resolve(made).then(ignore, throwApart);
    }
  } catch (error) {
    throwApart(error);
  }
}

/** A timer does not keep a process alive: the connection does, as long as there is one. */
function startTimer(act: () => void, ms: number): unknown {
  const timer = webGlobals().setTimeout?.(act, ms);
  (timer as { unref?: () => void } | undefined)?.unref?.();
  return timer;
}

function stopTimer(timer: unknown): void {
  if (timer !== undefined) webGlobals().clearTimeout?.(timer);
}

function checkHeartbeat(ms: number | undefined = HEARTBEAT_MS): number {
  if (typeof ms !== 'number' || !(ms >= 0)) {
    throw new RangeError(`heartbeatMs must be 0 (none) or above, this is ${String(ms)}`);
  }
  return Math.min(ms, MAX_TIMER_MS);
}

function checkGone(choice: 'abort' | 'finish' = 'abort'): 'abort' | 'finish' {
  if (choice === 'abort' || choice === 'finish') return choice;
  throw new TypeError(`onClientGone must be 'abort' or 'finish', this is ${String(choice)}`);
}
