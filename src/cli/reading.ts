/** One stream being read: the parser, its findings counted, and where the last event was. Every command is built on it. */

import { ProtocolError } from '../errors.ts';
import type { MessageHandlers } from '../message/parser.ts';
import { MessageParser } from '../message/parser.ts';
import type { At, Outcome } from '../message/types.ts';
import { Tally } from './tally.ts';

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

  constructor(handlers: MessageHandlers = {}) {
    this.parser = new MessageParser({
      ...handlers,
      onDiagnostic: (diagnostic) => this.tally.add(diagnostic),
      onEvent: (event, at) => {
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
    survives(() => this.parser.end(error));
    return { outcome: this.parser.outcome, reading: this };
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
