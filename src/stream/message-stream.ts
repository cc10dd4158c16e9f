import type { DiagnosticCode } from '../protocol/codes.ts';
import type { ContentBlock } from '../protocol/blocks.ts';
import type { StreamEvent } from '../protocol/events.ts';
import type { Message } from '../protocol/message.ts';
import type { Limits } from '../limits.ts';
import { MessageReader, type ReaderOptions } from '../message/reader.ts';
import type { BlockInfo, Diagnostic, MessageRecord, Outcome } from '../message/types.ts';
import {
  blockCursor,
  eventCursor,
  namedEventCursor,
  textCursor,
  thinkingCursor,
  type Cursor,
  type NamedEvent,
} from './cursors.ts';
import type { ByteStream } from './globals.ts';
import { BytesIntake, EventsIntake } from './intake.ts';
import { abortError, Pump, type Intake, type Watcher } from './pump.ts';
import {
  ignore,
  isResponse,
  openBytes,
  openEvents,
  type AbortSignalLike,
  type ByteSource,
  type EventIterator,
  type ResponseLike,
  type Source,
} from './source.ts';
import { toSseReadable } from './sse-readable.ts';
import { Tap } from './tap.ts';
import { teeSource } from './tee.ts';
import { View } from './view.ts';

/** Set by the class, whose private fields it needs. */
let watch: (stream: MessageStream, watcher: Watcher) => void;
let openThrough: typeof streamThrough;
let openNamed: typeof namedEvents;

/** What a {@link MessageStream} may be told. */
export interface MessageStreamOptions {
  /** Aborts the stream. If it has fired already, nothing is read. */
  signal?: AbortSignalLike | undefined;
  /**
   * Milliseconds without a byte, while somebody waits for one, after which the connection counts as dead. Pings and
   * comments are bytes. No default: without it a dead connection is waited for as long as the source does.
   */
  idleTimeoutMs?: number | undefined;
  /** `true`: a diagnostic of severity `error` ends the stream with a `ProtocolError`. A list: those codes do. */
  strict?: boolean | readonly DiagnosticCode[] | undefined;
  /** Ceilings other than the defaults. */
  limits?: Limits | undefined;
  /**
   * Gets each diagnostic when its event has been applied, before it is handed out. It may call `abort()`; if it throws, the
   * stream is aborted, with what it threw as the `cause`. What is found when the stream has ended is told then: it is too
   * late for aborting, and what it throws changes nothing. After `tee()` each half tells its own.
   */
  onDiagnostic?: ((diagnostic: Diagnostic) => void) | undefined;
}

/**
 * A message as it streams, for runtimes with promises: events to iterate over, the message as it grows, and the finished
 * message, over anything that gives bytes.
 *
 * - **Pull.** Nothing is read until somebody wants an event, and no more than that needs. An unread stream reads nothing.
 * - **`snapshot` is the state after the event that you hold**, not after the chunk that it came in.
 * - **An end that is no success is never silent.** Iterators hand out every event, and then, unless the outcome is
 *   `complete`, throw `outcome.error` once: a stream that was cut does not look like one that was finished. Iterating
 *   after the end ends at once.
 * - **One reader at a time.** All iterators share one lock; to read twice, {@link MessageStream.tee}. `finalMessage()` and
 *   `finalText()` need no lock: they drive the stream if nobody iterates, and wait if somebody does, in either order.
 * - **Leaving closes the connection**: `break`, {@link MessageStream.abort}, the `signal`, and `await using`.
 * - No promise of this class turns into an unhandled rejection.
 *
 * @example
 * ```ts
 * import { MessageStream } from 'ssemble';
 *
 * const body = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n';
 * const stream = MessageStream.from(new Response(body));
 * try {
 *   for await (const event of stream) console.log(event.type); // 'error'
 * } catch {
 *   console.log(stream.outcome.error?.name); // 'OverloadedError'
 * }
 * ```
 */
export class MessageStream implements AsyncIterable<StreamEvent> {
  readonly #pump: Pump;
  /** The way to make this again over the half of a source. */
  readonly #again: (source: Source) => MessageStream;
  #halves: [MessageStream, MessageStream] | undefined;

  /** The response that was given to {@link MessageStream.from}, for its status and headers; `undefined` otherwise. */
  readonly response: ResponseLike | undefined;

  /** Aborts the stream if it has not ended. Only where the runtime has `Symbol.asyncDispose`. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;

  private constructor(
    open: () => Source,
    makeIntake: (reader: MessageReader) => Intake,
    options: MessageStreamOptions,
    response?: ResponseLike,
  ) {
    this.response = response;
    this.#again = (half) => new MessageStream(() => half, makeIntake, options, response);
    const tap = new Tap();
    const make = (): Intake => makeIntake(new MessageReader(readerOptions(options, tap), tap));
    // What may be wrong with these options the reader says, and that is now.
    const early = options.strict !== undefined || options.limits !== undefined;
    this.#pump = new Pump(open, early ? make() : make, tap, options);
  }

  /**
   * Opens a stream over bytes or text: a `fetch` response, a `ReadableStream`, a Node `Readable`, any iterable or async
   * iterable of chunks, or one whole body. The stream owns it from here on. Nothing is read yet.
   *
   * @throws TypeError for anything else, for a body that has been read or is locked, and for an `idleTimeoutMs` in a
   * runtime without timers. RangeError for an `idleTimeoutMs` that is not above 0.
   * @example
   * ```ts
   * import { MessageStream } from 'ssemble';
   *
   * const stream = MessageStream.from(['event: ping\n', 'data: {"type": "ping"}\n\n']);
   * for await (const event of stream) {
   *   console.log(event.type); // 'ping'
   *   break; // closes the source
   * }
   * ```
   */
  static from(source: ByteSource, options: MessageStreamOptions = {}): MessageStream {
    return streamThrough(source, options, (intake) => intake);
  }

  /**
   * Opens a stream over events that are decoded already: those of this library, or wire objects from another carrier
   * (the official SDK's raw stream, NDJSON, a queue). Diagnostics then have no byte offsets. Nothing is read yet.
   *
   * @throws TypeError for what cannot be iterated; otherwise as {@link MessageStream.from}.
   * @example
   * ```ts
   * import { MessageStream } from 'ssemble';
   *
   * const stream = MessageStream.fromEvents([{ type: 'ping' }]);
   * for await (const event of stream) {
   *   console.log(event.type); // 'ping'
   *   break;
   * }
   * ```
   */
  static fromEvents(
    events: AsyncIterable<unknown> | Iterable<unknown>,
    options: MessageStreamOptions = {},
  ): MessageStream {
    return new MessageStream(
      () => openEvents(events),
      (reader) => new EventsIntake(reader),
      options,
    );
  }

  /**
   * Every event in wire order, `ping`, `error` and `unknown` included. Takes the lock at once.
   *
   * @throws TypeError if another iterator is unfinished.
   */
  [Symbol.asyncIterator](): EventIterator {
    return this.#open(eventCursor);
  }

  /** The text as it comes, in pieces; joined they are what `finalText()` gives. Locks like the stream itself. */
  get textStream(): AsyncIterable<string> {
    return this.#view(textCursor);
  }

  /** The thinking as it comes, in pieces. Locks like the stream itself. */
  get thinkingStream(): AsyncIterable<string> {
    return this.#view(thinkingCursor);
  }

  /** Each content block once, when it is no longer open, in its last form. Locks like the stream itself. */
  get blockStream(): AsyncIterable<ContentBlock> {
    return this.#view(blockCursor);
  }

  /**
   * The finished message; of several, the last. Reads the stream to its end, unless an iterator does.
   *
   * @returns A promise that rejects with `outcome.error`, which carries what had come, unless the outcome is `complete`.
   * @example
   * ```ts
   * import { MessageStream } from 'ssemble';
   *
   * const stream = MessageStream.from('data: {"type":"message_start","message":{"content":[]}}\n\n');
   * const error = await stream.finalMessage().catch((reason) => reason);
   * console.log(error.name); // 'TruncatedError'
   * ```
   */
  finalMessage(): Promise<Message> {
    return this.#final((message) => message);
  }

  /** The text blocks of the finished message, joined with nothing between them. Otherwise as {@link finalMessage}. */
  finalText(): Promise<string> {
    return this.#final(joinText);
  }

  /** The message as it stands after the event handed out last; `undefined` before there is one. */
  get snapshot(): Message | undefined {
    return this.#pump.assembler.message;
  }

  /** Every message of the stream. There is more than one only where a server sends them one after the other. */
  get messages(): readonly MessageRecord[] {
    return this.#pump.assembler.messages;
  }

  /** What is known about each block of `snapshot.content`. */
  get blocks(): readonly BlockInfo[] {
    return this.#pump.assembler.blocks;
  }

  /** Every deviation from the protocol so far. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#pump.assembler.diagnostics;
  }

  /** How the message stands, or how it ended. */
  get outcome(): Outcome {
    return this.#pump.assembler.outcome;
  }

  /** The `request-id` header, or the `request_id` of an error; `undefined` if neither came. */
  get requestId(): string | undefined {
    return this.#pump.assembler.requestId;
  }

  /**
   * Ends the stream now and closes its source, without waiting for a read that hangs. A pending or next `next()` and the
   * final promises reject with an `AbortError` whose `cause` is `reason`. If the message was complete it stays so.
   */
  abort(reason?: unknown): void {
    if (this.#halves === undefined) this.#pump.abort(abortError('', reason));
    else for (const half of this.#halves) half.abort(reason);
  }

  /**
   * Splits the stream in two, each whole, each with its own snapshot and the same options. The source is read at the pace
   * of the faster half; the slower one's chunks wait in memory. It is closed when both halves are. This stream is locked
   * then; aborting it aborts both.
   *
   * @throws TypeError after the first event has been taken, and while an iterator, a final promise or a store is
   * waiting.
   * @example
   * ```ts
   * import { MessageStream } from 'ssemble';
   *
   * const [shown, logged] = MessageStream.from('data: {"type":"ping"}\n\n').tee();
   * const types = [];
   * for await (const event of shown) {
   *   types.push(event.type);
   *   break;
   * }
   * for await (const event of logged) {
   *   types.push(event.type);
   *   break;
   * }
   * console.log(types); // ['ping', 'ping']
   * ```
   */
  tee(): [MessageStream, MessageStream] {
    this.#checkFree();
    if (this.#pump.touched) throw new TypeError('Cannot tee the stream: an event has been taken already');
    if (this.#pump.watched) throw new TypeError('Cannot tee the stream: a final promise or a store is reading it');
    this.#pump.detach();
    const [left, right] = teeSource(this.#pump.source);
    this.#halves = [this.#again(left), this.#again(right)];
    if (this.#pump.ended) this.abort(this.outcome.error);
    return [...this.#halves];
  }

  /**
   * The events as server-sent events in bytes, for another client: re-encoded, so comments and padding are gone. Takes the
   * lock at once; reads when it is read; cancelling it aborts this stream. If the stream ends in an error and sent no
   * `error` event of its own, one is appended; an abort errors the stream. An event that could not be read is sent on
   * as it came, under the name it came under.
   *
   * @throws TypeError if an iterator is unfinished, or where the runtime has no `ReadableStream`.
   * @example
   * ```ts
   * import { MessageStream } from 'ssemble';
   *
   * const stream = MessageStream.fromEvents([{ type: 'ping' }]);
   * const text = await new Response(stream.toReadableStream()).text();
   * console.log(text.split('\n')[0]); // 'event: ping'
   * ```
   */
  toReadableStream(): ByteStream {
    return toSseReadable(() => this.#open(namedEventCursor));
  }

  #view<T>(makeCursor: (pump: Pump) => Cursor<T>): AsyncIterable<T> {
    return { [Symbol.asyncIterator]: () => this.#open(makeCursor) };
  }

  #open<T>(makeCursor: (pump: Pump) => Cursor<T>): View<T> {
    this.#checkFree();
    return new View(this.#pump, makeCursor(this.#pump));
  }

  #checkFree(): void {
    if (this.#halves !== undefined) throw new TypeError('Cannot read the stream: tee() split it, read its halves');
    if (this.#pump.open) {
      throw new TypeError('Cannot read the stream: another iterator is unfinished; to read it twice, tee() it first');
    }
  }

  #final<T>(pick: (message: Message) => T): Promise<T> {
    const promise = new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        const { assembler, error } = this.#pump;
        if (error !== undefined || assembler.message === undefined) return reject(error);
        try {
          resolve(pick(assembler.message));
        } catch (thrown) {
          reject(thrown);
        }
      };
      this.#watch({ rejects: true, onEnd: settle });
    });
    promise.catch(ignore);
    return promise;
  }

  #watch(watcher: Watcher): void {
    if (this.#halves !== undefined) this.#checkFree();
    if (this.#pump.ended) watcher.onEnd();
    else this.#pump.watch(watcher);
  }

  static {
    watch = (stream, watcher) => stream.#watch(watcher);
    openNamed = (stream) => stream.#open(namedEventCursor);
    openThrough = (source, options, wrap) => {
      const response = isResponse(source) ? source : undefined;
      const makeIntake = (reader: MessageReader): Intake => wrap(new BytesIntake(reader, response));
      return new MessageStream(() => openBytes(source), makeIntake, options, response);
    };
    const key: symbol | undefined = (Symbol as { asyncDispose?: symbol }).asyncDispose;
    if (key !== undefined) {
      Object.defineProperty(this.prototype, key, {
        configurable: true,
        writable: true,
        value(this: MessageStream): Promise<void> {
          this.abort();
          return Promise.resolve();
        },
      });
    }
  }
}

/**
 * Follows a stream to its end without reading it, unless nobody else does: how a store is built over one. Not public.
 *
 * @throws TypeError if `tee()` has split the stream.
 */
export function watchStream(stream: MessageStream, watcher: Watcher): void {
  watch(stream, watcher);
}

/**
 * The events with the names they came under, for whoever sends them on. Takes the lock at once. Not public.
 *
 * @throws TypeError if another iterator is unfinished.
 */
export function namedEvents(stream: MessageStream): AsyncIterator<NamedEvent, undefined> {
  return openNamed(stream);
}

/** {@link MessageStream.from}, over an intake that `wrap` has its hand on: how a transport keeps keys out. Not public. */
export function streamThrough(
  source: ByteSource,
  options: MessageStreamOptions,
  wrap: (intake: Intake) => Intake,
): MessageStream {
  return openThrough(source, options, wrap);
}

/** Diagnostics are kept until their event has been applied: a handler never sees, or stops, half an event. */
function readerOptions({ strict, limits, onDiagnostic }: MessageStreamOptions, tap: Tap): ReaderOptions {
  return {
    ...(strict !== undefined && { strict }),
    ...(limits !== undefined && { limits }),
    ...(onDiagnostic !== undefined && { onDiagnostic: (found) => void tap.diagnostics.push(found) }),
  };
}

function joinText(message: Message): string {
  let text = '';
  for (const block of message.content) {
    // A wire may say anything here; `textStream` leaves out what is no text, too.
    if (block.type === 'text' && typeof block.text === 'string') text += block.text;
  }
  return text;
}
