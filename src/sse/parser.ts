import type { Position, SseEvent, SseOptions } from './event.ts';
import { SseScanner, type SseScannerState } from './scanner.ts';

/**
 * The push form of the SSE parser: a handler gets each event while `push` runs. It is a loop over {@link SseScanner}.
 *
 * An exception of the handler leaves `push` unchanged; its event counts as read, and the rest of the chunk is read at
 * the next `push` or `end`. Calling `push`, `end` or `reset` from inside the handler is a `TypeError`.
 *
 * @example
 * const events: string[] = [];
 * const parser = new SseParser((event) => events.push(`${event.event} ${event.data}`));
 * parser.push('data: hel');
 * parser.push('lo\n\n');
 * parser.end();
 * events; // ['message hello']
 */
export class SseParser {
  #scanner: SseScanner;
  readonly #onEvent: (event: SseEvent, parser: SseParser) => void;
  #busy = false;

  constructor(onEvent: (event: SseEvent, parser: SseParser) => void, options: SseOptions = {}) {
    if (typeof onEvent !== 'function')
      throw new TypeError('Cannot make an SseParser: the event handler is not a function');
    this.#onEvent = onEvent;
    this.#scanner = new SseScanner(options);
  }

  /** As {@link SseScanner.lastEventId}. */
  get lastEventId(): string {
    return this.#scanner.lastEventId;
  }

  /** As {@link SseScanner.reconnectionTime}. */
  get reconnectionTime(): number | undefined {
    return this.#scanner.reconnectionTime;
  }

  /**
   * Reads a chunk and gives its events to the handler.
   *
   * @throws ProtocolError past a limit; TypeError from inside the handler, or after `end()`.
   */
  push(chunk: Uint8Array | string): void {
    this.#guard('push');
    this.#busy = true;
    try {
      this.#scanner.write(chunk, this.#onEvent, this);
    } finally {
      this.#busy = false;
    }
    if (!this.#scanner.idle) this.#drain();
  }

  /** Ends the input; gives the last event if no blank line ended it. It was not given to the handler. */
  end(): SseEvent | undefined {
    this.#guard('end');
    this.#drain();
    const last = this.#scanner.end();
    if (last !== undefined) return last;
    this.#drain();
    return this.#scanner.end();
  }

  /** Forgets everything and begins a new input with the same handler and options. */
  reset(): void {
    this.#guard('reset');
    this.#scanner.reset();
  }

  /** Where the event stood that the handler got last, or that `end()` gave. Costs nothing unless called. */
  position(): Position {
    return this.#scanner.position();
  }

  /** The whole state as plain JSON, at any byte of the input. */
  toJSON(): SseScannerState {
    return this.#scanner.toJSON();
  }

  /** A parser that goes on where `toJSON()` was called. */
  static from(
    state: SseScannerState,
    onEvent: (event: SseEvent, parser: SseParser) => void,
    options: SseOptions = {},
  ): SseParser {
    const parser = new SseParser(onEvent, options);
    parser.#scanner = SseScanner.from(state, options);
    return parser;
  }

  #guard(call: string): void {
    if (this.#busy) throw new TypeError(`Cannot call ${call}() from inside the event handler`);
  }

  #drain(): void {
    this.#busy = true;
    try {
      for (let event = this.#scanner.next(); event !== undefined; event = this.#scanner.next()) {
        this.#onEvent(event, this);
      }
    } finally {
      this.#busy = false;
    }
  }
}
