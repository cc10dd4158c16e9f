import type { AbortError } from '../errors.ts';
import { MAX_EVENT_BYTES, type Limits } from '../limits.ts';
import { MessageReader, type ReaderOptions } from '../message/reader.ts';
import type { Diagnostic } from '../message/types.ts';
import type { DiagnosticCode } from '../protocol/codes.ts';
import type { StreamEvent } from '../protocol/events.ts';
import { SseParser } from '../sse/parser.ts';
import { encodeUtf8, isHighSurrogate } from '../sse/utf8.ts';
import { BytesIntake } from '../stream/intake.ts';
import { abortError, Pump, type Consumer } from '../stream/pump.ts';
import { isResponse, openBytes, toChunk, type ByteSource, type ResponseLike } from '../stream/source.ts';
import { Tap } from '../stream/tap.ts';
import { encodeEvent, type EncodableEvent } from '../protocol/encode.ts';
import { changedBy, encodeMade, type Feed, type FeedOptions, type RelayResult, resultOf } from './feed.ts';
import { encodeError, publicEvent } from './public-error.ts';
import { type Frame, joinBytes, Tape } from './tape.ts';

/** About how much one piece holds at most: a client that leaves in the middle of a large chunk is noticed there. */
const PIECE_BYTES = 65_536;

/** What a feed of bytes is told besides. */
export interface ByteFeedOptions extends FeedOptions {
  idleTimeoutMs?: number | undefined;
  strict?: boolean | readonly DiagnosticCode[] | undefined;
  limits?: Limits | undefined;
  onDiagnostic?: ((diagnostic: Diagnostic) => void) | undefined;
}

/** The bytes go to the reader, and onto a tape beside it. */
class TapedIntake extends BytesIntake {
  readonly #tape: Tape;
  /** A high surrogate that ended a text chunk. */
  #half = '';

  constructor(reader: MessageReader, response: ResponseLike | undefined, tape: Tape) {
    super(reader, response);
    this.#tape = tape;
  }

  override write(item: unknown): void {
    const chunk = toChunk(item);
    const bytes = typeof chunk === 'string' ? this.#encode(chunk) : chunk;
    this.#tape.record(bytes);
    super.write(bytes);
  }

  #encode(chunk: string): Uint8Array {
    const text = this.#half + chunk;
    this.#half = isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.slice(-1) : '';
    return encodeUtf8(this.#half === '' ? text : text.slice(0, -1));
  }
}

/**
 * A feed over bytes. It is the consumer of a pump, as the iterators of a `MessageStream` are, so ends, aborts and timeouts
 * are the same here. Each event that the pump gives is the next frame on the tape; whether it goes out as it came or
 * encoded anew, its frame is used up, so both stay in step. A body that is no event stream has no frames.
 */
export class ByteFeed implements Feed, Consumer {
  readonly end: Promise<RelayResult>;
  readonly #pump: Pump;
  readonly #tape: Tape;
  readonly #options: FeedOptions;
  readonly #badStatus: boolean;
  #settle!: (result: RelayResult) => void;
  #waiter: ((bytes: Uint8Array | undefined) => void) | undefined;
  #first: Promise<Uint8Array | undefined> | undefined;
  #collecting = false;
  #muted = false;
  #taped = false;
  #told = false;
  /** The transform failed: the client is told, whatever had come. */
  #failure: AbortError | undefined;
  #closed = false;

  /** @throws TypeError for what holds no bytes, as `MessageStream.from`. RangeError for an odd `idleTimeoutMs`. */
  constructor(source: ByteSource, options: ByteFeedOptions) {
    const response = isResponse(source) ? source : undefined;
    const { idleTimeoutMs, onDiagnostic, limits } = options;
    const tap = new Tap();
    this.#options = options;
    this.#badStatus = response !== undefined && response.status >= 400;
    this.#tape = new Tape(limits?.maxEventBytes ?? MAX_EVENT_BYTES);
    const intake = new TapedIntake(new MessageReader(readerOptions(options, tap), tap), response, this.#tape);
    this.#pump = new Pump(() => openBytes(source), intake, tap, { idleTimeoutMs, onDiagnostic });
    this.end = new Promise((resolve) => (this.#settle = resolve));
    this.#pump.enter(this);
    this.#pump.watch({ rejects: true, onEnd: () => this.#settle(this.#result()) });
  }

  get requestId(): string | undefined {
    return this.#pump.assembler.requestId;
  }

  /** A status of an error promises no stream: then the body is read, and says which error. */
  async open(): Promise<Error | undefined> {
    if (!this.#badStatus) return undefined;
    this.#first = this.next();
    await this.#first;
    return this.#pump.assembler.message === undefined ? this.#pump.error : undefined;
  }

  next(): Promise<Uint8Array | undefined> {
    const first = this.#first;
    if (first !== undefined) {
      this.#first = undefined;
      return first;
    }
    return new Promise((resolve) => {
      this.#waiter = resolve;
      this.pump();
    });
  }

  mute(): void {
    this.#muted = true;
  }

  abort(error: AbortError): void {
    this.#pump.abort(error);
  }

  /** Something has come, or the end: answers whoever waits. */
  pump(): void {
    // What is collected may abort the pump, which calls back: the loop below sees the end by itself.
    if (this.#collecting) return;
    while (this.#waiter !== undefined) {
      const bytes = this.#collect();
      if (bytes.length > 0) this.#answer(bytes);
      else if (this.#pump.ended) this.#answer(this.#last());
      else return this.#pump.read();
    }
  }

  #answer(bytes: Uint8Array | undefined): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.(bytes);
  }

  /** The events that are there without reading, as bytes. */
  #collect(): Uint8Array {
    this.#collecting = true;
    const parts: Uint8Array[] = [];
    let size = 0;
    let sent = 0;
    let event: StreamEvent | undefined;
    while (size < PIECE_BYTES && (event = this.#take()) !== undefined) {
      if (event.type === 'error') this.#told = true;
      const frame = this.#tape.take();
      if (this.#muted) continue;
      this.#emit(event, frame, parts);
      sent = frame?.end ?? sent;
      size += frame === undefined ? 1 : frame.end - frame.start;
    }
    this.#flush(event === undefined, sent, parts);
    this.#collecting = false;
    return joinBytes(parts);
  }

  /** An event that only the end of the source brings to light lacks its last line ends on the tape. */
  #take(): StreamEvent | undefined {
    const event = this.#pump.take();
    if (this.#pump.ended && !this.#taped) {
      this.#taped = true;
      this.#tape.finish();
    }
    return event;
  }

  /** Untouched, it only waits on the tape, to be given together with its neighbours. */
  #emit(event: StreamEvent, frame: Frame | undefined, parts: Uint8Array[]): void {
    const { transform } = this.#options;
    if (frame !== undefined && transform === undefined && event.type !== 'error') return;
    try {
      const made = transform === undefined ? [event] : changedBy(transform, event);
      if (frame === undefined) parts.push(...made.map((one) => encodeMade(one, event, this.#options)));
      else this.#change(made, event, frame, parts);
    } catch (error) {
      if (frame !== undefined) this.#tape.drop(frame.end);
      this.#failure = abortError('by transform, which failed', error);
      this.#pump.abort(this.#failure);
    }
  }

  #change(made: readonly EncodableEvent[], event: StreamEvent, { start, end }: Frame, parts: Uint8Array[]): void {
    const asItCame = made.length === 1 && made[0] === event;
    if (asItCame && event.type !== 'error') return;
    push(parts, this.#tape.give(start));
    const original = this.#tape.give(end);
    for (const one of made) parts.push(one === event ? this.#own(event, original) : encodeEvent(one));
  }

  /** An event that goes out as it came, unless it is an error that is not for the client. */
  #own(event: StreamEvent, original: Uint8Array): Uint8Array {
    if (event.type !== 'error') return original;
    return publicEvent(event, dataOf(original), this.#options.describeError) ?? original;
  }

  /** Gives what waits on the tape: all that is whole, if every event of it was taken; else up to the last that was. */
  #flush(drained: boolean, sent: number, parts: Uint8Array[]): void {
    const tape = this.#tape;
    if (this.#muted) return tape.discard();
    push(parts, tape.give(tape.empty ? tape.safe : sent));
    // Frames of which the reader makes no event: no event stream after all.
    if (drained && !tape.empty && !this.#pump.ended) tape.discard();
  }

  /** The end: once an error, if there is one that the client does not know. */
  #last(): Uint8Array | undefined {
    if (this.#closed) return undefined;
    this.#closed = true;
    const { status } = this.#pump.assembler.outcome;
    const why = this.#failure ?? (status === 'damaged' ? undefined : this.#pump.error);
    if (why === undefined || this.#told || this.#muted) return undefined;
    return encodeError(why, this.#options.describeError);
  }

  #result(): RelayResult {
    const { message, blocks, outcome } = this.#pump.assembler;
    return resultOf({ message, blocks, outcome }, this.#failure);
  }
}

/** The data of one event in bytes. */
function dataOf(bytes: Uint8Array): string | undefined {
  let data: string | undefined;
  const parser = new SseParser((sse) => void (data = sse.data));
  parser.push(bytes);
  parser.end();
  return data;
}

function push(parts: Uint8Array[], bytes: Uint8Array): void {
  if (bytes.length > 0) parts.push(bytes);
}

function readerOptions({ strict, limits, onDiagnostic }: ByteFeedOptions, tap: Tap): ReaderOptions {
  return {
    ...(strict !== undefined && { strict }),
    ...(limits !== undefined && { limits }),
    ...(onDiagnostic !== undefined && { onDiagnostic: (found) => void tap.diagnostics.push(found) }),
  };
}
