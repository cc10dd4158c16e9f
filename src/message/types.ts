/** What stands beside a message: how it arrived. Nothing of this ever goes into the `Message` itself. */

import type { Message, StopReason } from '../protocol/message.ts';
import type { UnknownDelta, Delta } from '../protocol/events.ts';
import type { DiagnosticCode, Severity } from '../protocol/codes.ts';

/** Where in the input something is. */
export interface At {
  /** Number of the dispatched event, from 1. */
  event: number;
  /** Byte at which the event's first field begins, from 0. Absent where the carrier has no bytes. */
  byte?: number;
  /** Line at which the event's first field begins, from 1. */
  line?: number;
}

/** One deviation from the protocol, and where it was. */
export interface Diagnostic {
  /** Stable, kebab-case; see the table of codes. */
  code: DiagnosticCode;
  severity: Severity;
  /** What was found and how it was read, in one sentence. */
  message: string;
  at: At;
  /** The wire's block index, where there is one. */
  index?: number;
  /** The {@link BlockInfo.ordinal} of the block it concerns. */
  ordinal?: number;
  /** The data as received, at most 4 kB of it. */
  raw?: string;
}

/** Why tool input is not valid JSON. */
export interface InputError {
  message: string;
  /** UTF-16 offset into `inputText` of the first character at which the text is no prefix of any JSON text. */
  offset: number;
}

/** What is known about one block beside its content: `blocks[k]` describes `message.content[k]`. */
export interface BlockInfo {
  /** The wire's index. */
  index: number;
  /** Arrival number from 0: unique and stable, a key for lists. */
  ordinal: number;
  /** The block's `type`. */
  type: string;
  /** `open` while it grows; `closed` when it ended; `cut` when the stream or `max_tokens` ended it. */
  state: 'open' | 'closed' | 'cut';
  /** The raw JSON text of the tool input, every character of it, where any came. */
  inputText?: string;
  /**
   * Only on blocks that take input. `none`: open, no text. `partial`: open with text, or cut. `valid`: stopped and its
   * text parses, or it had none and the start's `input` stands. `invalid`: stopped and its text does not parse.
   */
  inputState?: 'none' | 'partial' | 'valid' | 'invalid';
  /** Where and why the input is not valid. */
  inputError?: InputError;
  /** Deltas of unknown type, and known ones that have no place on this block, as they came. */
  unknownDeltas?: readonly (UnknownDelta | Delta)[];
  /** The sum of `estimated_tokens` of its deltas. */
  estimatedTokens?: number;
}

/** How a stream stands: `open`, or how it ended. */
export type OutcomeStatus =
  'open' | 'complete' | 'damaged' | 'truncated' | 'errored' | 'aborted' | 'stalled' | 'disconnected';

/** How the message stands or ended. */
export interface Outcome {
  status: OutcomeStatus;
  stopReason: StopReason | null;
  /** Present for every status but `open` and `complete`. */
  error?: Error;
}

/** One of the messages of a stream, with what stands beside it. */
export interface MessageRecord {
  message: Message;
  blocks: readonly BlockInfo[];
  outcome: Outcome;
}
