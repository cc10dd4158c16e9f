/** What a check is: a small object with one concern, fed with lines, events, blocks and messages in the order of the stream. */

import type { Message } from '../protocol/message.ts';
import type { StreamEvent } from '../protocol/events.ts';
import type { BlockInfo, Outcome } from '../message/types.ts';
import type { Place } from './finding.ts';

/** How a line ended. */
export type LineEnd = 'LF' | 'CR LF' | 'CR';

/** One line of the stream. The text of its value is not kept: only what the rules ask for. */
export interface Line {
  at: Place;
  /** The field name, at most 32 bytes of it; `''` for a comment, `undefined` for a blank line. */
  field: string | undefined;
  /** Whether a colon followed the field name. */
  colon: boolean;
  /** Whether a space followed the colon. */
  space: boolean;
  /** The first two characters of the value. */
  head: string;
  end: LineEnd;
}

/** One event, as it was received and as the core read it. */
export interface SeenEvent {
  event: StreamEvent;
  at: Place;
  /** The value of its event line; `undefined` if it had none. */
  name: string | undefined;
  data: string;
  /** Whether it holds bytes that are no UTF-8. */
  damaged: boolean;
}

/** A block that is no longer open. */
export interface SeenBlock {
  info: BlockInfo;
  content: { readonly [key: string]: unknown };
  at: Place;
}

/** A message that is finished. */
export interface SeenMessage {
  message: Message;
  outcome: Outcome;
  at: Place;
}

/** A finding as a check gives it; its severity is the profile's business. */
export interface Note {
  rule: string;
  message: string;
  at: Place;
  index?: number | undefined;
  expected?: string | undefined;
  actual?: string | undefined;
  raw?: string | undefined;
}

/** Where findings go. */
export type Report = (note: Note) => void;

/** One concern. What it does not ask for it leaves out. */
export interface Check {
  /** A line ended; blank lines too. */
  line?(line: Line): void;
  /** Bytes that are no UTF-8 stand in the event at this place; once an event. */
  badBytes?(at: Place): void;
  event?(seen: SeenEvent): void;
  block?(seen: SeenBlock): void;
  message?(seen: SeenMessage): void;
  /** The stream is over; `at` is its last event. */
  end?(outcome: Outcome, at: Place): void;
}

/** A broken rule that is a habit of the whole stream: told once, at its first place, with how often it was found. */
export class Habit {
  readonly #rule: string;
  readonly #say: (times: string) => string;
  #first: Omit<Note, 'rule' | 'message'> | undefined = undefined;
  #times = 0;

  /** `say` makes the sentence; it is given `once` or `12 times`. */
  constructor(rule: string, say: (times: string) => string) {
    this.#rule = rule;
    this.#say = say;
  }

  /** It was found again. */
  see(at: Place, more: { index?: number | undefined; actual?: string; raw?: string } = {}): void {
    this.#first ??= { at, ...more };
    this.#times++;
  }

  /** At the end of the stream. */
  tell(report: Report): void {
    if (this.#first === undefined) return;
    const times = this.#times === 1 ? 'once' : `${this.#times} times`;
    report({ rule: this.#rule, message: this.#say(times), ...this.#first });
  }
}
