/** The figures of one stream, as plain data: they travel between threads, and into JSON. */

import type { StreamEvent } from '../protocol/events.ts';
import { StreamTimer, type StreamTimerOptions, type TimedChunk } from './timing-of.ts';
import type { Timing } from './timing.ts';

/**
 * What 0 ms is. `request`: it was sent. `reading`: this program began to read a live stream, mostly when the request was sent.
 * `first-chunk`: nobody knows when the request was sent, so the clocks of this stream say nothing about waiting.
 */
export type Zero = 'request' | 'reading' | 'first-chunk';

/** The figures of one stream. */
export interface StreamStats {
  /** Of the first message. */
  model: string | undefined;
  /** It reached `message_stop`, and every event could be read. */
  complete: boolean;
  /** `undefined` if the input has no times. */
  zero: Zero | undefined;
  timing: Timing;
}

/** When events came: one entry for each chunk that completed some. */
export interface EventCount {
  /** Milliseconds. */
  at: number;
  events: number;
}

/** What a {@link StatsReader} may be told. */
export interface StatsReaderOptions extends Pick<StreamTimerOptions, 'stallMs'> {
  /** Keep when events came, for a picture of it. Costs 16 bytes a chunk. */
  keepTimeline?: boolean | undefined;
}

/** Reads one stream for its figures. */
export class StatsReader {
  readonly #timer: StreamTimer;
  /** Empty unless it was asked for. */
  readonly timeline: EventCount[] = [];
  #model: string | undefined = undefined;
  #open = false;
  #stopped = false;
  #failed = false;

  constructor({ stallMs, keepTimeline = false }: StatsReaderOptions = {}) {
    this.#timer = new StreamTimer({
      stallMs,
      onEvent: (event, _, us) => {
        this.#follow(event);
        if (keepTimeline && us !== undefined) this.#draw(us / 1000);
      },
    });
  }

  /** @throws ProtocolError past a limit of the scanner */
  push(chunk: TimedChunk): void {
    this.#timer.push(chunk);
  }

  /** The response's head was complete, in microseconds. */
  headers(us: number): void {
    this.#timer.headers(us);
  }

  /**
   * @param endUs - when the body ended
   * @param zero - what the times count from; ignored if there were none
   */
  end(endUs: number | undefined, zero: Zero): StreamStats {
    const timing = this.#timer.end(endUs);
    const complete = this.#stopped && !this.#open && !this.#failed;
    return { model: this.#model, complete, zero: timing.timed ? zero : undefined, timing };
  }

  /** What comes after `message_stop` changes nothing but for a further message. */
  #follow(event: StreamEvent): void {
    if (event.type === 'message_start') {
      const model: unknown = event.message.model;
      if (typeof model === 'string' && model !== '') this.#model ??= model;
      this.#open = true;
    } else if (event.type === 'message_stop') {
      this.#stopped = true;
      this.#open = false;
    } else if (this.#open || !this.#stopped) {
      const unreadable = event.type === 'unknown' && (event.reason === 'json' || event.reason === 'shape');
      if (unreadable || event.type === 'error') this.#failed = true;
    }
  }

  #draw(at: number): void {
    const last = this.timeline.at(-1);
    if (last !== undefined && last.at === at) last.events++;
    else this.timeline.push({ at, events: 1 });
  }
}
