/**
 * When things came. A chunk has one moment, and all events that it completed share it: nobody can know more, since a reader
 * is given chunks. So the order of calls is the chunk first, then its events; what a chunk was is known when the next one
 * comes (`#settle`).
 */

import type { StreamEvent } from '../protocol/events.ts';
import { gapsOf } from './percentile.ts';
import { type ChunkFacts, STALL_MS, StallFinder } from './stalls.ts';
import type { NamedClocks, Timing } from './timing.ts';
import { showsText, weightOf } from './weight.ts';

/** What a {@link StreamClock} may be told. */
export interface StreamClockOptions {
  /** From how many milliseconds without progress on it is a stall. Default {@link STALL_MS}, 2,000. */
  stallMs?: number | undefined;
}

/** A chunk that completed no event is part of a larger one if it is longer than any ping: then it is progress. */
const LONGER_THAN_A_PING = 64;

type Moment = keyof NamedClocks;

/**
 * Takes the times of one stream. Microseconds in, milliseconds out.
 *
 * @example
 * const clock = new StreamClock();
 * clock.headers(210_000);
 * clock.chunk(250_000, 40);
 * clock.event({ type: 'ping' }, 1);
 * clock.chunk(900_000, 120);
 * clock.event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } }, 2);
 * const timing = clock.end(950_000);
 * timing.clocks.firstByte; // 250
 * timing.clocks.firstContent; // 900
 * timing.gaps?.max; // 650
 */
export class StreamClock {
  readonly #stalls: StallFinder;
  readonly #gaps: number[] = [];
  readonly #contentGaps: number[] = [];
  /** The message has ended, and no other has begun. */
  #over = false;
  readonly #clocks: NamedClocks = {
    headers: undefined,
    firstByte: undefined,
    messageStart: undefined,
    firstContent: undefined,
    firstVisibleText: undefined,
    lastContent: undefined,
    messageStop: undefined,
    end: undefined,
  };
  #timed = false;
  /** The newest time that was given, in microseconds. */
  #us = 0;
  #backwards = 0;
  #chunks = 0;
  #events = 0;
  #pings = 0;
  #comments = 0;
  #bytes = 0;
  #mostEventsInChunk = 0;
  /** What the chunk has brought that is being read. */
  #now: ChunkFacts | undefined = undefined;
  #nowBytes = 0;
  #nowContent = false;
  #stopped = false;
  /** When the previous chunk came, and the previous one with content. */
  #before: number | undefined = undefined;
  /** When a thinking block began whose text has not come; `null` once some has. */
  #hiddenSince: number | undefined | null = undefined;
  #tokensBefore = 0;
  #tokens: number | undefined = undefined;

  /** @throws RangeError for a `stallMs` that is not above 0 */
  constructor({ stallMs = STALL_MS }: StreamClockOptions = {}) {
    if (!(stallMs > 0)) throw new RangeError(`stallMs must be above 0, this is ${stallMs}`);
    this.#stalls = new StallFinder(stallMs);
  }

  /** The response's head was complete, in microseconds since the capture's zero. */
  headers(us: number): void {
    this.#clocks.headers = us / 1000;
  }

  /**
   * A chunk came. Its events and comments follow.
   *
   * @param us - microseconds since the capture's zero; `undefined` where the input has no times. A time before that of
   *   the previous chunk counts as equal to it, and is counted in `backwards`
   * @param bytes - its length
   */
  chunk(us: number | undefined, bytes: number): void {
    this.#settle();
    if (us !== undefined) this.#advance(us);
    this.#chunks++;
    this.#bytes += bytes;
    this.#nowBytes = bytes;
    this.#nowContent = false;
    const lastEvent = this.#now?.lastEvent ?? 0;
    const at = this.#us / 1000;
    this.#now = { at, events: 0, deltas: 0, toolInput: 0, pings: 0, signs: 0, progress: false, lastEvent };
    this.#mark('firstByte');
    if (this.#timed && this.#before !== undefined) this.#gaps.push(at - this.#before);
    this.#before = at;
  }

  #advance(us: number): void {
    this.#timed = true;
    if (us >= this.#us) this.#us = us;
    else this.#backwards++;
  }

  /** A comment came with the chunk. */
  comment(): void {
    this.#comments++;
    if (this.#now !== undefined) this.#now.signs++;
  }

  /**
   * The chunk completed an event.
   *
   * @param number - its number in the stream, from 1
   */
  event(event: StreamEvent, number: number): void {
    this.#events++;
    if (event.type === 'ping') this.#pings++;
    // What comes after the end of a message belongs to no message: it moves no clock.
    if (event.type === 'message_start') this.#over = false;
    const now = this.#now;
    if (now !== undefined && !this.#over) this.#weigh(event, number, now);
    if (event.type === 'message_stop') this.#over = true;
    this.#watchMessage(event);
    this.#watchThinking(event);
  }

  #weigh(event: StreamEvent, number: number, now: ChunkFacts): void {
    now.events++;
    now.lastEvent = number;
    const weight = weightOf(event);
    if (weight === 'life') now.signs++;
    else now.progress = true;
    if (event.type === 'ping') now.pings++;
    if (weight !== 'content') return;
    this.#nowContent = true;
    if (event.type !== 'content_block_delta') return;
    now.deltas++;
    if (event.delta.type === 'input_json_delta') now.toolInput++;
  }

  /** The moments and counts of the message itself. A further message gives no new first moments, but a new stop. */
  #watchMessage(event: StreamEvent): void {
    if (showsText(event)) this.#mark('firstVisibleText');
    if (event.type === 'message_start') {
      this.#mark('messageStart');
      this.#stopped = false;
      this.#tokensBefore += this.#tokens ?? 0;
      if (this.#tokens !== undefined) this.#tokens = 0;
    } else if (event.type === 'message_stop') {
      this.#clocks.messageStop = undefined;
      this.#mark('messageStop');
      this.#stopped = true;
    } else if (event.type === 'message_delta') {
      // Compatible servers leave usage out, or send null.
      const tokens: unknown = (event.usage as { output_tokens?: unknown } | null | undefined)?.output_tokens;
      if (typeof tokens === 'number') this.#tokens = tokens;
    }
  }

  #watchThinking(event: StreamEvent): void {
    if (this.#hiddenSince === null) return;
    if (event.type === 'content_block_start' && event.content_block.type === 'thinking') {
      this.#hiddenSince ??= this.#us / 1000;
    }
    const seen = event.type === 'content_block_delta' && event.delta.type === 'thinking_delta';
    if (seen && weightOf(event) === 'content') this.#hiddenSince = null;
  }

  #mark(moment: Moment): void {
    if (this.#timed) this.#clocks[moment] ??= this.#us / 1000;
  }

  /** The chunk that was read is complete. */
  #settle(): void {
    const now = this.#now;
    if (now === undefined) return;
    this.#mostEventsInChunk = Math.max(this.#mostEventsInChunk, now.events);
    if (now.events === 0 && now.signs === 0 && this.#nowBytes > LONGER_THAN_A_PING) now.progress = true;
    if (!this.#timed) return;
    if (this.#nowContent) {
      const { lastContent } = this.#clocks;
      if (lastContent !== undefined) this.#contentGaps.push(now.at - lastContent);
      this.#clocks.firstContent ??= now.at;
      this.#clocks.lastContent = now.at;
    }
    this.#stalls.take(now);
    if (this.#stopped) this.#stalls.stop();
  }

  /**
   * The stream is over. Call it once.
   *
   * @param us - when, in microseconds since the capture's zero; `undefined` where nobody knows
   */
  end(us?: number): Timing {
    this.#settle();
    if (us !== undefined) {
      this.#advance(us);
      this.#mark('end');
    }
    const outputTokens = this.#tokens === undefined ? undefined : this.#tokensBefore + this.#tokens;
    return {
      timed: this.#timed,
      clocks: this.#clocks,
      gaps: gapsOf(this.#gaps),
      contentGaps: gapsOf(this.#contentGaps),
      stalls: this.#timed ? this.#stalls.end(this.#clocks.end) : [],
      backwards: this.#backwards,
      chunks: this.#chunks,
      events: this.#events,
      pings: this.#pings,
      comments: this.#comments,
      bytes: this.#bytes,
      mostEventsInChunk: this.#mostEventsInChunk,
      outputTokens,
      tokensPerSecond: this.#speed(outputTokens),
    };
  }

  #speed(tokens: number | undefined): number | undefined {
    const { firstContent, lastContent } = this.#clocks;
    if (tokens === undefined || firstContent === undefined || lastContent === undefined) return undefined;
    const seconds = (lastContent - Math.min(firstContent, this.#hiddenSince ?? firstContent)) / 1000;
    return seconds > 0 ? tokens / seconds : undefined;
  }
}
