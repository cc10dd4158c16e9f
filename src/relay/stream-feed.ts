import type { AbortError } from '../errors.ts';
import { messageToEvents } from '../message/to-events.ts';
import type { StreamEvent } from '../protocol/events.ts';
import type { MessageStream } from '../stream/message-stream.ts';
import { abortError } from '../stream/pump.ts';
import { encodeAll, type Feed, type FeedOptions, type RelayResult, resultOf } from './feed.ts';
import { encodeError } from './public-error.ts';
import { joinBytes } from './tape.ts';

const TURN = Promise.resolve();
/** About how much one piece holds at most. */
const PIECE_BYTES = 65_536;

interface Asked {
  result: IteratorResult<StreamEvent, undefined> | undefined;
  settled: boolean;
  promise: Promise<void>;
}

/**
 * A feed over a `MessageStream`: its events, encoded anew. If some have been taken before, the client still gets the whole
 * message: what has come of it goes first, as events of its own.
 */
export class StreamFeed implements Feed {
  readonly end: Promise<RelayResult>;
  readonly #stream: MessageStream;
  readonly #options: FeedOptions;
  readonly #iterator: AsyncIterator<StreamEvent, undefined>;
  #before: StreamEvent[] | undefined;
  #asked: Asked | undefined;
  #muted = false;
  #told = false;
  /** The transform failed: the client is told, whatever had come. */
  #failure: AbortError | undefined;
  #closed = false;

  /** @throws TypeError if somebody else reads the stream. */
  constructor(stream: MessageStream, options: FeedOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#iterator = stream[Symbol.asyncIterator]() as AsyncIterator<StreamEvent, undefined>;
    this.#before = eventsSoFar(stream);
    const settle = (): RelayResult => {
      const { snapshot: message, blocks, outcome } = stream;
      return resultOf({ message, blocks, outcome }, this.#failure);
    };
    this.end = stream.finalMessage().then(settle, settle);
  }

  get requestId(): string | undefined {
    return this.#stream.requestId;
  }

  open(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  mute(): void {
    this.#muted = true;
  }

  abort(error: AbortError): void {
    this.#stream.abort(error.cause ?? error);
  }

  async next(): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for (const event of this.#takeBefore()) this.#emit(event, parts);
    while (size < PIECE_BYTES) {
      const asked = this.#ask();
      // An event that is there without reading has settled by the next turn.
      if (!asked.settled) await TURN;
      if (!asked.settled && parts.length > 0) break;
      if (!asked.settled) await asked.promise;
      if (asked.result?.done !== false) break;
      this.#asked = undefined;
      size += this.#emit(asked.result.value, parts);
    }
    return parts.length > 0 ? joinBytes(parts) : this.#last();
  }

  #takeBefore(): readonly StreamEvent[] {
    const events = this.#before ?? [];
    this.#before = undefined;
    return this.#muted ? [] : events;
  }

  /** Asks for the next event, unless it is being waited for. */
  #ask(): Asked {
    if (this.#asked !== undefined) return this.#asked;
    const asked: Asked = { result: undefined, settled: false, promise: Promise.resolve() };
    asked.promise = this.#iterator.next().then(
      (result) => {
        asked.result = result;
        asked.settled = true;
      },
      () => {
        asked.settled = true;
      },
    );
    this.#asked = asked;
    return asked;
  }

  /** Adds what goes out for an event; gives its size. */
  #emit(event: StreamEvent, parts: Uint8Array[]): number {
    if (event.type === 'error') this.#told = true;
    if (this.#muted) return 0;
    try {
      const made = encodeAll(this.#options.transform, event);
      parts.push(...made);
      return made.reduce((size, { length }) => size + length, 0);
    } catch (error) {
      this.#failure = abortError('by transform, which failed', error);
      this.#stream.abort(error);
      return 0;
    }
  }

  /** The end: once an error, if there is one that the client does not know. */
  #last(): Uint8Array | undefined {
    if (this.#closed) return undefined;
    this.#closed = true;
    const { error, status } = this.#stream.outcome;
    const why = this.#failure ?? (status === 'damaged' ? undefined : error);
    if (why === undefined || this.#told || this.#muted) return undefined;
    return encodeError(why, this.#options.describeError);
  }
}

/** What a client that comes late has missed. */
function eventsSoFar({ snapshot, blocks, outcome }: MessageStream): StreamEvent[] | undefined {
  if (snapshot === undefined) return undefined;
  const finished = outcome.status === 'complete' || outcome.status === 'damaged';
  return messageToEvents(snapshot, { blocks, finished });
}
