/** When things came. The clock knows; here it is judged. */

import type { Report } from '../check.ts';
import type { Place } from '../finding.ts';
import { BURST_EVENTS, BURST_MS, HELD_BACK_MS, LATE_FIRST_BYTE_MS, LATE_PING_MS, SILENCE_MS } from '../thresholds.ts';
import type { StreamEvent } from '../../protocol/events.ts';
import { StreamClock } from '../../timing/clock.ts';
import type { Stall, Timing } from '../../timing/timing.ts';

/** A time without a byte. */
interface Silence {
  ms: number;
  at: Place;
  pinged: boolean;
}

/** Checks the times of chunks. Unlike the other checks it is told of chunks. */
export class TimingCheck {
  readonly #report: Report;
  readonly #clock = new StreamClock({ stallMs: HELD_BACK_MS });
  #last: number | undefined = undefined;
  /** The silence before the present chunk, until its first event tells whether it ended with a ping. */
  #silence: Silence | undefined = undefined;
  #at: Place = { event: 0 };
  #contents = 0;
  /** The clock's zero is the request, not the first chunk: so the time to the first byte is known. */
  readonly #fromRequest: boolean;
  /** After the end of the message silence hurts nobody. */
  #over = false;

  constructor(report: Report, fromRequest: boolean) {
    this.#report = report;
    this.#fromRequest = fromRequest;
  }

  chunk(us: number | undefined, bytes: number): void {
    this.#settle();
    this.#clock.chunk(us, bytes);
    if (us === undefined || bytes === 0) return;
    if (this.#last !== undefined) this.#hush(us);
    else if (this.#fromRequest && us / 1000 >= LATE_FIRST_BYTE_MS) {
      const message = `The first byte came ${seconds(us / 1000)} after the request`;
      this.#report({ rule: 'late-first-byte', message, at: { event: 1, us } });
    }
    this.#last = us;
  }

  #hush(us: number): void {
    const from = this.#last ?? us;
    const ms = (us - from) / 1000;
    if (ms >= LATE_PING_MS && !this.#over) this.#silence = { ms, at: { ...this.#at, us: from }, pinged: false };
  }

  comment(): void {
    this.#clock.comment();
  }

  event(event: StreamEvent, at: Place): void {
    this.#clock.event(event, at.event);
    // The API itself may collect the pieces of a tool input.
    if (event.type === 'content_block_delta' && event.delta.type !== 'input_json_delta') this.#contents++;
    if (this.#silence !== undefined && event.type === 'ping') this.#silence.pinged = true;
    this.#settle();
    this.#over =
      event.type === 'message_stop' || event.type === 'error' || (this.#over && event.type !== 'message_start');
    this.#at = at;
  }

  /** Tells the silence before the chunk, now that it is known what ended it. */
  #settle(): void {
    const silence = this.#silence;
    if (silence === undefined) return;
    this.#silence = undefined;
    const { ms, at, pinged } = silence;
    if (ms >= SILENCE_MS) {
      this.#report({ rule: 'silence', message: `Nothing came for ${seconds(ms)} after this event`, at });
    } else if (pinged) {
      this.#report({ rule: 'late-pings', message: `A ping came only after ${seconds(ms)} of silence`, at });
    }
  }

  end(us: number | undefined): void {
    if (us !== undefined && this.#last !== undefined) this.#hush(us);
    this.#settle();
    const timing = this.#clock.end(us);
    if (!timing.timed) return;
    this.#tellBurst(timing);
    this.#tellStalls(timing.stalls);
  }

  #tellBurst({ clocks }: Timing): void {
    const { firstContent, lastContent } = clocks;
    if (firstContent === undefined || lastContent === undefined || this.#contents < BURST_EVENTS) return;
    const span = lastContent - firstContent;
    if (span > BURST_MS) return;
    const message = `All ${this.#contents} deltas came within ${Math.round(span)} ms: the answer was collected first`;
    this.#report({ rule: 'fake-streaming', message, at: { ...this.#at, us: Math.round(lastContent * 1000) } });
  }

  #tellStalls(stalls: readonly Stall[]): void {
    // As above: what came after it was mostly tool input.
    const held = stalls.filter(({ cause, eventsAfter, toolInputAfter }) => {
      return cause === 'held-back' && toolInputAfter * 2 < eventsAfter;
    });
    const longest = held.reduce<Stall | undefined>(
      (most, stall) => (most && most.ms >= stall.ms ? most : stall),
      undefined,
    );
    if (longest !== undefined) {
      const message = `After ${seconds(longest.ms)} without progress ${longest.eventsAfter} events came at once; ${times(held.length)} in this stream`;
      this.#report({ rule: 'held-back', message, at: placeOf(longest) });
    }
    for (const stall of stalls) {
      if (stall.cause !== 'server-alive' || stall.ms < SILENCE_MS) continue;
      const message = `Up to this event only signs of life came, for ${seconds(stall.ms)}`;
      this.#report({ rule: 'pings-without-content', message, at: placeOf(stall) });
    }
  }
}

function placeOf({ afterEvent, from }: Stall): Place {
  return { event: afterEvent, us: Math.round(from * 1000) };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
