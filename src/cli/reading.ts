/** One stream being read: the parser, its findings counted, and where the last event was. Every command is built on it. */

import { AbortError, ProtocolError } from '../errors.ts';
import type { MessageHandlers } from '../message/parser.ts';
import { MessageParser } from '../message/parser.ts';
import type { At, Outcome } from '../message/types.ts';
import type { DiagnosticCode } from '../protocol/codes.ts';
import { Tally } from './tally.ts';

/** What any stream has that is left in the middle: no fault of a server whose answer a person interrupted. */
const OF_INTERRUPTION: ReadonlySet<DiagnosticCode> = new Set<DiagnosticCode>([
  'unfinished-event',
  'missing-block-stop',
]);

/** What `run` wants to know when a stream has been read. */
export interface Verdict {
  /** How it ended; decides the exit code. */
  outcome: Outcome;
  reading: Reading;
  /** One more line for standard error. */
  note?: string;
}

/** What a command does with one input. */
export interface Job {
  /** Takes the next bytes; `ms` since reading began, `undefined` where times mean nothing. `false`: wants no more. */
  push(chunk: Uint8Array, ms: number | undefined): boolean;
  /** There is no more; `error` tells why, if it was not the plain end. `ms` as above. */
  end(error: Error | undefined, ms: number | undefined): Verdict;
}

/** A `MessageParser` that counts its findings and never throws: how it failed is in its outcome. */
export class Reading {
  readonly tally: Tally = new Tally();
  readonly parser: MessageParser;
  /** The place of the newest event. */
  last: At | undefined;
  /** How many bytes came. */
  bytes = 0;
  /** The input ended inside an event. */
  unfinished = false;
  /** Where each message ended that is not the last: at its error, else at its last event. */
  readonly #ends = new Map<number, At>();
  #interrupted = false;

  constructor(handlers: MessageHandlers = {}) {
    this.parser = new MessageParser({
      ...handlers,
      onDiagnostic: (diagnostic) => {
        if (diagnostic.code === 'unfinished-event') this.unfinished = true;
        if (!this.#interrupted || !OF_INTERRUPTION.has(diagnostic.code)) this.tally.add(diagnostic);
      },
      onEvent: (event, at) => {
        if (event.type === 'error') this.#noteEnd(this.parser.messages.length - 1, at);
        if (event.type === 'message_start') this.#noteEnd(this.parser.messages.length - 2, this.last);
        this.last = at;
        handlers.onEvent?.(event, at);
      },
    });
  }

  /** Takes bytes; `false` if the stream broke a limit and no more can be read. */
  push(chunk: Uint8Array): boolean {
    this.bytes += chunk.length;
    return survives(() => this.parser.push(chunk));
  }

  /** Settles the outcome. */
  end(error?: Error): Verdict {
    this.#interrupted = error instanceof AbortError;
    survives(() => this.parser.end(error));
    return { outcome: this.parser.outcome, reading: this };
  }

  /** The place of the event that ended the message at `position` of `parser.messages`, or was its last so far. */
  endOf(position: number): At | undefined {
    return position < this.parser.messages.length - 1 ? this.#ends.get(position) : this.last;
  }

  /** The first word stands: what follows an error does not move the place where the message failed. */
  #noteEnd(position: number, at: At | undefined): void {
    if (position >= 0 && at !== undefined && !this.#ends.has(position)) this.#ends.set(position, at);
  }
}

function survives(step: () => void): boolean {
  try {
    step();
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}
