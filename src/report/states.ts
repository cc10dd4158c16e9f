/**
 * The state of the message after any event, fast: the core is asked, never imitated. Reading 20,000 events takes the core
 * some ten milliseconds, so a few saved states on the way are enough to be anywhere at once.
 *
 * Saved states are kept as JSON text: what `toJSON()` gives may share objects with the reader, which goes on writing them.
 */

import type { CaptureEnd } from '../capture/format.ts';
import { AbortError, ConnectionError, IdleTimeoutError, ProtocolError } from '../errors.ts';
import type { Message } from '../protocol/message.ts';
import type { BlockInfo, Outcome } from '../message/types.ts';
import { MessageReader, type MessageReaderState } from '../message/reader.ts';
import { PIECE_BYTES } from './entries.ts';
import { jsonText } from './wording.ts';

/** How many states are kept over a whole stream, at most: what they hold together stays a few times the stream. */
const SAVED = 32;
/** A stream shorter than this needs none. */
const LEAST_BYTES = 64 * 1024;

/** The message at one moment. */
export interface Shot {
  message: Message | undefined;
  blocks: readonly BlockInfo[];
  outcome: Outcome;
}

interface Saved {
  /** How many events had been applied, and how many bytes read. */
  events: number;
  bytes: number;
  json: string;
}

/** Finds the state after each event of one body. */
export class States {
  readonly #bytes: Uint8Array;
  /** How many events there are: the state behind them is that of the end. */
  readonly #last: number;
  readonly #ending: CaptureEnd | undefined;
  #saved: Saved[] | undefined;
  #reader = new MessageReader();
  #read = 0;
  #applied = 0;
  #ended = false;

  /** @param ending - how the body ended, if that is known */
  constructor(bytes: Uint8Array, events: number, ending?: CaptureEnd) {
    this.#bytes = bytes;
    this.#last = events;
    this.#ending = ending;
  }

  /**
   * The state after event `n`; 0: before the first; past the last: after the end. The shot is independent of all others.
   */
  after(n: number): Shot {
    this.#goTo(n);
    const { message, blocks, outcome } = this.#reader.assembler;
    // The input of an open tool is one live object: the next event would change it under the eyes of who holds it.
    return { message: message && frozen(message, blocks), blocks, outcome };
  }

  #goTo(n: number): void {
    const back = n < this.#applied || this.#ended;
    const nearest = this.#nearest(n);
    if (back || nearest.events > this.#applied) this.#restore(nearest);
    while (this.#applied < n && this.#step()) this.#applied++;
    if (n > this.#last) this.#end();
  }

  /** Applies one event; `false` if there is none any more. */
  #step(): boolean {
    try {
      for (;;) {
        if (this.#reader.next() !== undefined) return true;
        if (this.#read >= this.#bytes.length)
          return this.#applied < this.#last && this.#reader.endInput() !== undefined;
        this.#reader.write(this.#piece());
      }
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }

  #piece(): Uint8Array {
    const from = this.#read;
    this.#read = Math.min(from + PIECE_BYTES, this.#bytes.length);
    return this.#bytes.subarray(from, this.#read);
  }

  #end(): void {
    this.#ended = true;
    try {
      this.#reader.end(errorOf(this.#ending));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  #restore({ events, bytes, json }: Saved): void {
    const state = json === '' ? undefined : (JSON.parse(json) as MessageReaderState);
    this.#reader = new MessageReader({}, undefined, state);
    this.#read = bytes;
    this.#applied = events;
    this.#ended = false;
  }

  #nearest(n: number): Saved {
    this.#saved ??= saveStates(this.#bytes);
    const past = this.#saved.findIndex((saved) => saved.events > n);
    return this.#saved.at(past < 0 ? -1 : past - 1) as Saved;
  }
}

/** Reads all once, and keeps the state at equal distances. */
function saveStates(bytes: Uint8Array): Saved[] {
  const saved: Saved[] = [{ events: 0, bytes: 0, json: '' }];
  const step = Math.max(LEAST_BYTES, Math.ceil(bytes.length / SAVED / PIECE_BYTES) * PIECE_BYTES);
  const reader = new MessageReader();
  let events = 0;
  try {
    for (let read = 0; read < bytes.length;) {
      const from = read;
      read = Math.min(from + PIECE_BYTES, bytes.length);
      reader.write(bytes.subarray(from, read));
      while (reader.next() !== undefined) events++;
      const json = read % step === 0 ? jsonText(reader) : undefined;
      if (json !== undefined) saved.push({ events, bytes: read, json });
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  return saved;
}

/** Why the body ended, if not by its own end. */
function errorOf(ending: CaptureEnd | undefined): Error | undefined {
  if (ending?.end === 'reset') return new ConnectionError(ending.error ?? 'The connection broke');
  if (ending?.end === 'abort') return new AbortError('The reader called it off');
  return ending?.end === 'timeout' ? new IdleTimeoutError('Nothing came for too long') : undefined;
}

function frozen(message: Message, blocks: readonly BlockInfo[]): Message {
  const isLive = (k: number): boolean => blocks[k]?.inputState === 'partial' && blocks[k]?.state === 'open';
  if (!blocks.some((_, k) => isLive(k))) return message;
  const content = message.content.map((block, k) => (isLive(k) ? copied(block) : block));
  return { ...message, content };
}

/** A deep copy without recursion: input may be 512 levels deep. Through JSON, which is what the wire was. */
function copied<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
