import type { AbortError } from '../errors.ts';
import { messageToEvents } from '../message/to-events.ts';
import type { Outcome } from '../message/types.ts';
import type { StreamEvent } from '../protocol/events.ts';
import type { Message } from '../protocol/message.ts';
import type { NamedEvent } from '../stream/cursors.ts';
import { namedEvents, type MessageStream } from '../stream/message-stream.ts';
import { abortError } from '../stream/pump.ts';
import { changedBy, encodeMade, type Feed, type FeedOptions, type RelayResult, resultOf } from './feed.ts';
import { encodeError } from './public-error.ts';
import { joinBytes } from './tape.ts';

/**
 * A feed over a `MessageStream`: its events, encoded anew. If some have been taken before, the client still gets the whole
 * message: what has come of it goes first, as events of its own.
 */
export class StreamFeed implements Feed {
  readonly end: Promise<RelayResult>;
  readonly #stream: MessageStream;
  readonly #options: FeedOptions;
  readonly #iterator: AsyncIterator<NamedEvent, undefined>;
  #before: StreamEvent[] | undefined;
  #muted = false;
  #told = false;
  /** The transform failed: the client is told, whatever had come. */
  #failure: AbortError | undefined;
  /** Why the relay aborted the stream. */
  #reason: AbortError | undefined;
  #closed = false;

  /** @throws TypeError if somebody else reads the stream. */
  constructor(stream: MessageStream, options: FeedOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#iterator = namedEvents(stream);
    this.#before = eventsSoFar(stream);
    const settle = (): RelayResult => {
      const { snapshot: message, blocks, outcome } = stream;
      return resultOf({ message, blocks, outcome: this.#withReason(outcome) }, this.#failure);
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
    if (this.#stream.outcome.status === 'open') this.#reason = error;
    this.#stream.abort(error.cause ?? error);
  }

  /** The stream knows that it was aborted, and not how: the relay does. */
  #withReason(outcome: Outcome): Outcome {
    const reason = this.#reason ?? this.#failure;
    if (outcome.status !== 'aborted' || reason === undefined) return outcome;
    const { snapshot, blocks, requestId } = this.#stream;
    const told: Outcome = { ...outcome, error: reason };
    return Object.assign(reason, { snapshot, blocks, requestId, outcome: told }).outcome;
  }

  /** One event at a time, and none that nobody waits for: reading ahead would start the stream's idle timer. */
  async next(): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    for (const event of this.#takeBefore()) this.#emit({ event, name: undefined }, parts);
    while (parts.length === 0) {
      const taken = await this.#take();
      if (taken === undefined) return this.#last();
      this.#emit(taken, parts);
    }
    return joinBytes(parts);
  }

  #takeBefore(): readonly StreamEvent[] {
    const events = this.#before ?? [];
    this.#before = undefined;
    return this.#muted ? [] : events;
  }

  /** The error in which the stream ends is read off its outcome. */
  async #take(): Promise<NamedEvent | undefined> {
    try {
      return (await this.#iterator.next()).value;
    } catch {
      return undefined;
    }
  }

  #emit({ event, name }: NamedEvent, parts: Uint8Array[]): void {
    if (event.type === 'error') this.#told = true;
    if (this.#muted) return;
    const { transform } = this.#options;
    try {
      const made = transform === undefined ? [event] : changedBy(transform, event);
      parts.push(...made.map((one) => encodeMade(one, event, this.#options, name)));
    } catch (error) {
      this.#failure = abortError('by transform, which failed', error);
      this.#stream.abort(error);
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
function eventsSoFar(stream: MessageStream): StreamEvent[] | undefined {
  const { snapshot, blocks, outcome } = stream;
  if (snapshot === undefined) return undefined;
  const finished = outcome.status === 'complete' || outcome.status === 'damaged';
  const events = messageToEvents(snapshot, { blocks, finished });
  return isProvisional(stream) ? [...events.slice(1), ...statedSoFar(snapshot)] : events;
}

/**
 * Whether the content came before any start. The client must not get one then: the real one may yet come, and would begin
 * a second message there.
 */
function isProvisional({ snapshot, diagnostics }: MessageStream): boolean {
  return snapshot?.id === '' && diagnostics.some(({ code }) => code === 'content-before-start');
}

/** What stands in the start that was left out, as far as anything does: it came in a `message_delta`. */
function statedSoFar({ stop_reason, stop_sequence, usage }: Message): StreamEvent[] {
  if (stop_reason === null && Object.keys(usage).length === 0) return [];
  return [{ type: 'message_delta', delta: { stop_reason, stop_sequence }, usage }] as unknown as StreamEvent[];
}
