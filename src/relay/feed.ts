import type { MessageRecord } from '../message/types.ts';
import type { AbortError } from '../errors.ts';
import type { Message } from '../protocol/message.ts';
import type { StreamEvent } from '../protocol/events.ts';
import { encodeEvent, type EncodableEvent } from '../protocol/encode.ts';
import { dropPromise, encodeOwn, type DescribeError } from './public-error.ts';

/** What a stream came to. Where nothing of a message had come, `message` is `undefined`. */
export interface RelayResult extends Omit<MessageRecord, 'message'> {
  message: Message | undefined;
}

/**
 * Changes what the client gets: gives the event to send in place of this one, several, or none. An event that is given
 * back as it is (the very object) goes out byte for byte; so never change one in place, make another. It must be
 * synchronous. An `error` event that is about the server's own account is told in general words all the same; dropping
 * an `error` leaves the client a bare end, without a reason.
 */
export type Transform = (event: StreamEvent) => EncodableEvent | readonly EncodableEvent[] | undefined | null;

/** What a feed is told about the way out. */
export interface FeedOptions {
  transform?: Transform | undefined;
  describeError?: DescribeError | undefined;
}

/**
 * A source as bytes for a client, a piece at a time: whole events, comments between them, and at the end an `error`
 * event if it ended badly. It is the one thing that the adapters see of what is being relayed.
 */
export interface Feed {
  /**
   * What came next: waits for it. `undefined` at the end. Never rejects. One call at a time.
   */
  next(): Promise<Uint8Array | undefined>;
  /** From now on nobody wants the bytes: `next()` reads on and gives only the end. */
  mute(): void;
  /** Ends it now, and closes the source. */
  abort(error: AbortError): void;
  /** What it came to. Settles once, when the source is at its end or was left; never rejects. */
  readonly end: Promise<RelayResult>;
  /** The `request-id` header, where it is known. */
  readonly requestId: string | undefined;
  /**
   * Waits until it is known whether this is an answer at all. Gives the error, where the server answers with an HTTP
   * error instead of a stream. Never rejects.
   */
  open(): Promise<Error | undefined>;
}

/** What `transform` made of an event, as a list. */
export function changedBy(transform: Transform, event: StreamEvent): readonly EncodableEvent[] {
  const made = transform(event) ?? [];
  const list = Array.isArray(made) ? (made as readonly EncodableEvent[]) : [made as EncodableEvent];
  if (list.filter(dropPromise).length > 0) {
    throw new TypeError(
      'transform must be synchronous: it gave a promise; do what takes time before or after the relay',
    );
  }
  return list;
}

/** What goes out for an event, as bytes: what a transform made is the application's own, the event itself may be an error. */
export function encodeMade(
  made: EncodableEvent,
  event: StreamEvent,
  { describeError }: FeedOptions,
  name?: string,
): Uint8Array {
  return made === event ? encodeOwn(event, describeError, name) : encodeEvent(made);
}

/** How the relay of a message ended: as the message did, or by a transform that failed, also if the message was whole. */
export function resultOf({ message, blocks, outcome }: RelayResult, failure: AbortError | undefined): RelayResult {
  if (failure === undefined || outcome.status === 'aborted') return { message, blocks, outcome };
  return { message, blocks, outcome: { status: 'aborted', stopReason: outcome.stopReason, error: failure } };
}
