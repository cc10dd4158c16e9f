/** Chunks with times → `Timing`: the scanner and the clock together. */

import { BodySniffer } from '../message/foreign-body.ts';
import { decodeEvent } from '../protocol/decode.ts';
import type { StreamEvent } from '../protocol/events.ts';
import { SseScanner } from '../sse/scanner.ts';
import { StreamClock, type StreamClockOptions } from './clock.ts';
import type { Timing } from './timing.ts';

/** A chunk as captures have it. */
export interface TimedChunk {
  /** Microseconds since the capture's zero; `undefined` where there are no times. */
  us: number | undefined;
  bytes: Uint8Array;
}

/** What a {@link StreamTimer} may be told. */
export interface StreamTimerOptions extends StreamClockOptions {
  /** When the response's head was complete, in microseconds. */
  headersUs?: number | undefined;
  /** Gets every event with its number, when its chunk is read; `us` is the chunk's. */
  onEvent?: ((event: StreamEvent, number: number, us: number | undefined) => void) | undefined;
}

/**
 * Reads a stream chunk by chunk and takes its times. A body that is no event stream has chunks and no events.
 *
 * @throws ProtocolError from `push` and `end`, past the limits of the scanner
 * @example
 * const timer = new StreamTimer();
 * timer.push({ us: 1500, bytes: encodeUtf8('event: ping\ndata: {"type": "ping"}\n\n') });
 * const timing = timer.end(2500);
 * timing.events; // 1
 * timing.clocks.end; // 2.5
 */
export class StreamTimer {
  readonly #clock: StreamClock;
  readonly #sniffer = new BodySniffer();
  readonly #scanner: SseScanner;
  readonly #onEvent: StreamTimerOptions['onEvent'];
  #events = 0;
  #us: number | undefined = undefined;

  constructor(options: StreamTimerOptions = {}) {
    this.#clock = new StreamClock(options);
    this.#onEvent = options.onEvent;
    this.#scanner = new SseScanner({ onComment: () => this.#clock.comment() });
    if (options.headersUs !== undefined) this.#clock.headers(options.headersUs);
  }

  /** The response's head was complete, in microseconds, where that is known later than the first chunk. */
  headers(us: number): void {
    this.#clock.headers(us);
  }

  /** Takes the next chunk. */
  push({ us, bytes }: TimedChunk): void {
    this.#us = us;
    this.#clock.chunk(us, bytes.length);
    const length = this.#sniffer.settled ? bytes.length : this.#sniffer.feed(bytes);
    if (length > 0) this.#scanner.write(length === bytes.length ? bytes : bytes.subarray(0, length));
    for (let sse = this.#scanner.next(); sse !== undefined; sse = this.#scanner.next()) this.#take(decodeEvent(sse));
  }

  /** The stream is over; `us`: when, if that is known. */
  end(us?: number): Timing {
    let last = this.#scanner.end();
    if (last === undefined) {
      // A bare CR at the very end is the blank line of an event that is complete.
      const completed = this.#scanner.next();
      if (completed !== undefined) this.#take(decodeEvent(completed));
      last = this.#scanner.end();
    }
    const event = last === undefined || this.#sniffer.isForeign || last.data === '' ? undefined : decodeEvent(last);
    // As assembly does: whole but for its blank line, it counts.
    if (event !== undefined && event.type !== 'unknown') this.#take(event);
    return this.#clock.end(us);
  }

  #take(event: StreamEvent): void {
    this.#clock.event(event, ++this.#events);
    this.#onEvent?.(event, this.#events, this.#us);
  }
}

/** What {@link timingOf} may be told. */
export interface TimingOptions extends StreamTimerOptions {
  /** When the body ended, in microseconds; `undefined` where nobody knows. */
  end?: number | undefined;
}

/**
 * The timing of a whole stream, from its chunks.
 *
 * @throws ProtocolError past the limits of the scanner
 * @example
 * const bytes = encodeUtf8('event: ping\ndata: {"type": "ping"}\n\n');
 * const timing = timingOf([{ us: undefined, bytes }]);
 * timing.timed; // false
 * timing.events; // 1
 */
export function timingOf(chunks: Iterable<TimedChunk>, options: TimingOptions = {}): Timing {
  const timer = new StreamTimer(options);
  for (const chunk of chunks) timer.push(chunk);
  return timer.end(options.end);
}
