/**
 * Bytes in, applied events out, one at a time: scanner, decoder and assembler in one, in pull form. `MessageParser` is
 * the push façade over it, `MessageStream` the async one. Pulling matters: the state after `next()` is the state after
 * the event it gave, not after the chunk.
 */

import { ProtocolError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { DiagnosticCode } from '../protocol/codes.ts';
import { type DecodeNotes, decodeNoting } from '../protocol/decode.ts';
import { matchDelta, takeMatched } from '../protocol/delta.ts';
import type { MessageStartEvent, StreamEvent } from '../protocol/events.ts';
import type { SseEvent } from '../sse/event.ts';
import { MATCHED, SseScanner, type SseScannerState } from '../sse/scanner.ts';
import { type AssemblyObserver, MessageAssembler, type MessageAssemblerState } from './assembler.ts';
import { BodySniffer, type BodySnifferState } from './foreign-body.ts';
import type { At, Diagnostic } from './types.ts';

/** What a parser or stream may be told. */
export interface ReaderOptions {
  /** `true`: diagnostics of severity error are thrown as `ProtocolError`; a list: those codes are. Default: none. */
  strict?: boolean | readonly DiagnosticCode[];
  /** Ceilings; see `Limits` for the defaults. */
  limits?: Limits;
  /** Gets each deviation when it is found. */
  onDiagnostic?: (diagnostic: Diagnostic) => void;
}

/** The saved state of a reader: plain JSON. */
export interface MessageReaderState {
  version: 1;
  scanner: SseScannerState;
  assembler: MessageAssemblerState;
  sniffer: BodySnifferState;
  notedHead: boolean;
  ended: boolean;
  carried: boolean;
  given: At | undefined;
}

/** Who is told of events as they are found. */
export interface Taker {
  took(event: StreamEvent): void;
}

/** The pull form of the message parser. Internal: the parser and the stream are its public forms. */
export class MessageReader {
  readonly #scanner: SseScanner;
  readonly assembler: MessageAssembler;
  #sniffer: BodySniffer;
  #notedHead = false;
  readonly #notes: DecodeNotes = { nameStoodIn: false };
  /** Whether the event that was applied last came in another carrier, and where it stood there, if that was said. */
  #carried = false;
  #given: At | undefined = undefined;
  #eventName: string | undefined = undefined;
  #taker: Taker | undefined = undefined;
  /** The input has; what the outcome is, the assembler knows. */
  #ended = false;

  constructor(options: ReaderOptions = {}, observer?: AssemblyObserver, state?: MessageReaderState) {
    const { limits = {}, strict, onDiagnostic } = options;
    const where = (): At => this.at();
    const assembling = { strict, maxDiagnostics: limits.maxDiagnostics, onDiagnostic };
    if (state === undefined) {
      this.#scanner = new SseScanner(limits);
      this.assembler = new MessageAssembler(assembling, observer, where);
      this.#sniffer = new BodySniffer();
    } else {
      this.#scanner = SseScanner.from(state.scanner, limits);
      this.assembler = MessageAssembler.from(state.assembler, assembling, observer, where);
      this.#sniffer = BodySniffer.from(state.sniffer);
      this.#notedHead = state.notedHead;
      this.#ended = state.ended;
      this.#carried = state.carried;
      this.#given = state.given;
    }
  }

  /**
   * Gives bytes or text; see `SseScanner.write` for what it throws.
   *
   * @param taker - is told of events as they are found and applied, where that can be; the others wait for `next()`
   */
  write(chunk: Uint8Array | string, taker?: Taker): void {
    this.assembler.check();
    if (this.#sniffer.settled || this.#ended) {
      if (taker === undefined) return this.#scanner.write(chunk);
      this.#taker = taker;
      return this.#scanner.write(chunk, MessageReader.#give, this, matchDelta);
    }
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) {
      // What is no chunk at all the scanner refuses; any other view (of another realm, say) is bytes.
      if (!ArrayBuffer.isView(chunk)) return this.#scanner.write(chunk);
      const { buffer, byteOffset, byteLength } = chunk as ArrayBufferView;
      chunk = new Uint8Array(buffer, byteOffset, byteLength);
    }
    const events = this.#sniffer.feed(chunk);
    if (events > 0) this.#scanner.write(events === chunk.length ? chunk : chunk.slice(0, events));
    if (this.#sniffer.settled) this.assembler.status ??= this.#sniffer.headStatus;
    if (this.#sniffer.sawHead && !this.#notedHead) {
      this.#notedHead = true;
      this.assembler.report('http-head', 'The input begins with an HTTP head (curl -i): skipped', {
        event: 0,
        byte: 0,
        line: 1,
      });
    }
  }

  /** The next event, applied; `undefined` when more input is needed. Throws `ProtocolError` under `strict` and past limits. */
  next(): StreamEvent | undefined {
    this.assembler.check();
    let sse: SseEvent | undefined;
    try {
      sse = this.#scanner.next(matchDelta);
    } catch (error) {
      throw this.#poisoned(error);
    }
    return sse === undefined ? undefined : this.#take(sse);
  }

  static #give(this: void, sse: SseEvent, reader: MessageReader): void {
    reader.#taker?.took(reader.#take(sse));
  }

  /** Whether `next()` has nothing to give. */
  get idle(): boolean {
    return this.#scanner.idle;
  }

  #take(sse: SseEvent): StreamEvent {
    this.#carried = false;
    if (sse === MATCHED) {
      const delta = takeMatched();
      this.#eventName = delta.type;
      this.assembler.apply(delta);
      return delta;
    }
    const event = this.#decode(sse);
    this.#eventName = sse.named ? sse.event : undefined;
    this.assembler.apply(event, undefined, sse);
    return event;
  }

  #decode(sse: SseEvent): StreamEvent {
    const notes = this.#notes;
    notes.nameStoodIn = false;
    const event = decodeNoting(sse, notes);
    if (notes.nameStoodIn) {
      this.assembler.report('event-name-mismatch', 'The data has no type: the event line stands for it', this.at());
    }
    return event;
  }

  /** Applies an event of another carrier. */
  apply(event: StreamEvent, at?: At): void {
    this.#carried = true;
    this.#given = at;
    this.#eventName = undefined;
    this.assembler.apply(event, at);
  }

  /** The name of the server-sent event that was given last; `undefined` if it had none, or came in another carrier. */
  get eventName(): string | undefined {
    return this.#eventName;
  }

  /**
   * Ends the input. Gives the last event where only its blank line was missing: it is applied. The outcome stays open:
   * `end()` settles it, and may throw; so who hands out events calls this first.
   *
   * @throws ProtocolError as `next` does
   */
  endInput(): StreamEvent | undefined {
    if (this.#ended) return undefined;
    this.#ended = true;
    const last = this.#takeLast();
    if (this.#sniffer.isForeign) this.#endForeign();
    return last;
  }

  /**
   * Settles the outcome; first ends the input, if `endInput()` has not.
   *
   * @throws under `strict`, as `MessageAssembler.end`, and past limits
   */
  end(error?: unknown): void {
    this.endInput();
    this.assembler.end(error);
  }

  /** What is left at the end of the bytes: an event whose final line ends or blank line are missing. */
  #takeLast(): StreamEvent | undefined {
    let last: SseEvent | undefined;
    let terminated: SseEvent | undefined;
    try {
      last = this.#scanner.end();
      if (last === undefined) {
        // A bare CR at the very end is the blank line of an event that is complete.
        terminated = this.#scanner.next();
        last = this.#scanner.end();
      }
    } catch (error) {
      throw this.#poisoned(error);
    }
    const taken = terminated === undefined ? undefined : this.#take(terminated);
    if (last === undefined || this.#sniffer.isForeign) return taken;
    this.#carried = false;
    const event = this.#decode(last);
    if (last.data !== '' && event.type !== 'unknown') {
      this.assembler.report(
        'missing-final-blank-line',
        'The last event lacks its blank line: applied, it is whole',
        this.at(),
        last.data,
      );
      this.#eventName = last.named ? last.event : undefined;
      this.assembler.apply(event, undefined, last);
      return event;
    }
    this.assembler.report('unfinished-event', 'The last event is cut: left out', this.at(), last.data);
    return taken;
  }

  #endForeign(): void {
    const { error, message } = this.#sniffer.verdict(this.assembler.status);
    if (message !== undefined) this.assembler.apply({ type: 'message_start', message } satisfies MessageStartEvent);
    this.assembler.fail(error);
  }

  /** A limit of the scanner ends the message too. Anything else is the caller's fault and passes through. */
  #poisoned(error: unknown): unknown {
    if (error instanceof ProtocolError) this.assembler.poison(error);
    return error;
  }

  /** Where the event stood that `next()` gave last. */
  at(): At {
    if (this.#carried) return this.#given ?? { event: this.assembler.eventCount };
    const { event, byte, line } = this.#scanner.position();
    return { event, byte, line };
  }

  /** Forgets everything and begins anew with the same options. */
  reset(): void {
    this.#scanner.reset();
    this.assembler.reset();
    this.#sniffer = new BodySniffer();
    this.#notedHead = false;
    this.#carried = false;
    this.#given = undefined;
    this.#eventName = undefined;
    this.#ended = false;
  }

  /** The whole state as plain JSON, at any byte. */
  toJSON(): MessageReaderState {
    return {
      version: 1,
      scanner: this.#scanner.toJSON(),
      assembler: this.assembler.toJSON(),
      sniffer: this.#sniffer.toJSON(),
      notedHead: this.#notedHead,
      ended: this.#ended,
      carried: this.#carried,
      given: this.#given,
    };
  }
}
