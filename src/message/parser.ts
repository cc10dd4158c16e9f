import { StreamError } from '../errors.ts';
import { isHighSurrogate } from '../sse/utf8.ts';
import type { ContentBlock } from '../protocol/blocks.ts';
import type { Delta, StreamEvent } from '../protocol/events.ts';
import type { Message } from '../protocol/message.ts';
import type { AssemblyObserver, MessageAssembler } from './assembler.ts';
import { MessageReader, type MessageReaderState, type ReaderOptions, type Taker } from './reader.ts';
import { infoOf, type Slot, viewOf } from './slot.ts';
import type { At, BlockInfo, Diagnostic, MessageRecord, Outcome } from './types.ts';
import { MessageView } from './view.ts';

/**
 * What a {@link MessageParser} calls. For one event: it is applied, then `onDiagnostic`, then `onEvent`, then the
 * specific one. An exception of a handler leaves `push` unchanged: its event has been applied, the rest of the chunk is
 * read at the next `push` or `end`.
 */
export interface MessageHandlers {
  /** Every event in wire order, `ping` and `unknown` included. */
  onEvent?: (event: StreamEvent, at: At) => void;
  /** A piece of text. */
  onText?: (delta: string, block: BlockInfo) => void;
  /** A piece of thinking. */
  onThinking?: (delta: string, block: BlockInfo) => void;
  /** A piece of the JSON text of a tool's input. */
  onToolInput?: (partialJson: string, block: BlockInfo) => void;
  /** A block that is no longer open, once; `content` is the block itself, in its final form. */
  onBlock?: (block: BlockInfo, content: ContentBlock) => void;
  /** A message that is finished, however it ended, once. */
  onMessage?: (message: Message, outcome: Outcome) => void;
  /** A deviation from the protocol. */
  onDiagnostic?: (diagnostic: Diagnostic) => void;
}

/** What a {@link MessageParser} may be told. */
export type MessageParserOptions = Omit<ReaderOptions, 'onDiagnostic'>;

/** The saved state of a {@link MessageParser}: plain JSON. */
export interface MessageParserState {
  version: 1;
  reader: MessageReaderState;
  cumulative: { seen: number; tail: string; waiting: string };
}

/** How much of the text before is compared, to see that cumulative text extends it. */
const TAIL = 1024;
const REPLACEMENT = 0xfffd;

/**
 * Bytes or text in, messages out, synchronously: for runtimes without async, and for callbacks.
 *
 * @example
 * const parser = new MessageParser({ onText: (delta) => print(delta) });
 * parser.push('event: content_block_delta\n');
 * parser.push('data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n');
 * parser.end();
 * parser.message?.content; // [{ type: 'text', text: 'Hi' }]
 * parser.outcome.status; // 'truncated'
 */
export class MessageParser extends MessageView {
  /** @internal */
  override readonly assembler: MessageAssembler;
  readonly #reader: MessageReader;
  readonly #handlers: MessageHandlers;
  /** Whether there is any handler: who only wants the message pays for no calls. */
  readonly #listens: boolean;
  readonly #taker: Taker = { took: (event) => this.#tell(event) };
  #busy = false;
  // What the event that is being applied did; told to the handlers when it is.
  #diagnostics: Diagnostic[] = [];
  #delta: Delta | undefined = undefined;
  #deltaSlot: Slot | undefined = undefined;
  #closed: Slot[] = [];
  #finished: MessageRecord[] = [];
  // pushCumulative: how much was read, how it ended, and what waits.
  #seen = 0;
  #tail = '';
  #waiting = '';

  constructor(handlers: MessageHandlers = {}, options: MessageParserOptions = {}, state?: MessageParserState) {
    super();
    this.#handlers = handlers;
    const { onText, onThinking, onToolInput, onBlock, onMessage, onDiagnostic } = handlers;
    const wantsDeltas = onText !== undefined || onThinking !== undefined || onToolInput !== undefined;
    const observer: AssemblyObserver = {
      delta: (slot, delta) => {
        if (!wantsDeltas) return;
        this.#delta = delta;
        this.#deltaSlot = slot;
      },
      closed: (slot) => {
        if (onBlock !== undefined) this.#closed.push(slot);
      },
      finished: (look) => {
        if (onMessage !== undefined) this.#finished.push(look());
      },
    };
    const report = (found: Diagnostic): void => void this.#diagnostics.push(found);
    this.#listens = Object.values(handlers).some((handler) => handler !== undefined);
    this.#reader = new MessageReader(
      onDiagnostic === undefined ? options : { ...options, onDiagnostic: report },
      this.#listens ? observer : undefined,
      state?.reader,
    );
    this.assembler = this.#reader.assembler;
    if (state !== undefined) ({ seen: this.#seen, tail: this.#tail, waiting: this.#waiting } = state.cumulative);
  }

  /**
   * Reads a chunk: bytes of any length, or text.
   *
   * @throws ProtocolError past a limit, and under `strict`; a handler's own exception; TypeError from inside a handler
   *   or after `end()`
   */
  push(chunk: Uint8Array | string): void {
    this.#guard('push');
    try {
      this.#reader.write(chunk, this.#taker);
    } catch (error) {
      // Under `strict` the event that broke the rule may have told of others before it.
      if (error instanceof StreamError) this.#tell(undefined);
      throw error;
    }
    if (!this.#reader.idle || this.#diagnostics.length > 0) this.#drain();
  }

  /**
   * Reads what is new in the whole text so far, as `XMLHttpRequest.responseText` gives it. A U+FFFD at its end waits:
   * it may be half a character.
   *
   * @throws RangeError if the text does not extend the one before (its length and the last 1,024 characters tell)
   */
  pushCumulative(allTextSoFar: string): void {
    this.#guard('pushCumulative');
    const from = this.#seen;
    if (allTextSoFar.length < from || !allTextSoFar.startsWith(this.#tail, from - this.#tail.length)) {
      throw new RangeError(`Cannot read cumulative text: it does not extend the ${from} characters read before`);
    }
    let end = allTextSoFar.length;
    while (end > from && allTextSoFar.charCodeAt(end - 1) === REPLACEMENT) end--;
    if (end > from && isHighSurrogate(allTextSoFar.charCodeAt(end - 1))) end--;
    this.#seen = end;
    this.#tail = allTextSoFar.slice(Math.max(0, end - TAIL), end);
    this.#waiting = allTextSoFar.slice(end);
    this.push(allTextSoFar.slice(from, end));
  }

  /** Applies an event that came in another carrier. `at` is where it stood there; by default events are counted. */
  apply(event: StreamEvent, at?: At): void {
    this.#guard('apply');
    this.#reader.apply(event, at);
    this.#tell(event);
  }

  /**
   * Ends the input and settles the outcome.
   *
   * @param error - why it ended, if not by its own end; see `MessageAssembler.end`
   * @throws under `strict` the outcome's error; ProtocolError past a limit; a handler's own exception
   */
  end(error?: unknown): void {
    this.#guard('end');
    if (this.#waiting !== '') {
      const waiting = this.#waiting;
      this.#waiting = '';
      this.#reader.write(waiting);
    }
    this.#drain();
    let last: StreamEvent | undefined;
    try {
      last = this.#reader.endInput();
      this.#reader.end(error);
    } finally {
      // Also where `strict` throws: what came is told first.
      this.#tell(last);
    }
  }

  /** Forgets everything and begins anew with the same handlers and options. */
  reset(): void {
    this.#guard('reset');
    this.#reader.reset();
    this.#forget();
    this.#seen = 0;
    this.#tail = this.#waiting = '';
  }

  /** The whole state as plain JSON, at any byte. Handlers and options are not part of it. */
  toJSON(): MessageParserState {
    const cumulative = { seen: this.#seen, tail: this.#tail, waiting: this.#waiting };
    return { version: 1, reader: this.#reader.toJSON(), cumulative };
  }

  /**
   * A parser that goes on where `toJSON()` was called.
   *
   * @throws TypeError if the state is not one of ours, or of another version
   */
  static from(
    state: MessageParserState,
    handlers: MessageHandlers = {},
    options: MessageParserOptions = {},
  ): MessageParser {
    if (state?.version !== 1) throw new TypeError('Cannot restore a parser: the state is not of version 1');
    return new MessageParser(handlers, options, state);
  }

  #guard(call: string): void {
    if (this.#busy) throw new TypeError(`Cannot call ${call}() from inside a handler`);
  }

  #drain(): void {
    for (;;) {
      let event: StreamEvent | undefined;
      try {
        event = this.#reader.next();
      } catch (error) {
        // Under `strict` the event that broke the rule may have told of others before it.
        if (error instanceof StreamError) this.#tell(undefined);
        throw error;
      }
      // What was found outside of any event (an HTTP head) must not wait: a saved state does not hold it.
      if (event !== undefined || this.#diagnostics.length > 0) this.#tell(event);
      if (event === undefined) return;
    }
  }

  /** Tells the handlers what the event did. What one throws is thrown on; the rest of this event's calls are dropped. */
  #tell(event: StreamEvent | undefined): void {
    if (!this.#listens) return;
    const handlers = this.#handlers;
    const [diagnostics, closed, finished] = [this.#diagnostics, this.#closed, this.#finished];
    const [delta, slot] = [this.#delta, this.#deltaSlot];
    this.#forget();
    this.#busy = true;
    try {
      for (const diagnostic of diagnostics) handlers.onDiagnostic?.(diagnostic);
      if (event !== undefined) handlers.onEvent?.(event, this.#reader.at());
      if (delta !== undefined && slot !== undefined) tellDelta(handlers, delta, slot);
      for (const each of closed) handlers.onBlock?.(infoOf(each), viewOf(each));
      for (const { message, outcome } of finished) handlers.onMessage?.(message, outcome);
    } finally {
      this.#busy = false;
    }
  }

  #forget(): void {
    if (this.#diagnostics.length > 0) this.#diagnostics = [];
    if (this.#closed.length > 0) this.#closed = [];
    if (this.#finished.length > 0) this.#finished = [];
    this.#delta = undefined;
    this.#deltaSlot = undefined;
  }
}

function tellDelta(handlers: MessageHandlers, delta: Delta, slot: Slot): void {
  switch (delta.type) {
    case 'text_delta':
      return handlers.onText?.(delta.text ?? '', infoOf(slot));
    case 'thinking_delta':
      return handlers.onThinking?.(delta.thinking ?? '', infoOf(slot));
    case 'input_json_delta':
      return handlers.onToolInput?.(delta.partial_json ?? '', infoOf(slot));
    default:
  }
}
