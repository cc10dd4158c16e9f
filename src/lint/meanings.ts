/**
 * What each diagnostic code means, in one line: for the command line, the linter and the README.
 *
 * It stands outside the core so that programs that only parse do not carry the prose. The type makes the compiler ask for
 * a line here whenever a code is added to the table of severities.
 */

import type { DiagnosticCode } from '../protocol/codes.ts';

/**
 * One sentence for each {@link DiagnosticCode}: what was found and how it was read. Source: the deviation table of the design.
 */
export const MEANINGS: Readonly<Record<DiagnosticCode, string>> = {
  // framing
  'http-head': 'The body begins with the HTTP head (`curl -i`); the stream after it is read as usual.',
  'missing-event-name': 'Events have no `event:` line; the `type` in the data is used.',
  'event-name-mismatch':
    'The `event:` line and the `type` in the data disagree: the data is believed; if it has no type, the line is.',
  'done-sentinel': 'A `[DONE]` line, which belongs to another protocol; left out.',
  'empty-data': 'An event with empty data; left out.',
  'missing-final-blank-line': 'The last event has no blank line after it but is whole; it was applied.',
  'unfinished-event': 'The input ends inside an event; that event was left out.',
  'invalid-json': 'The data of an event is not JSON; it was left out, so content may be missing.',
  'invalid-event': 'The data is JSON but no event: not an object, or a required field is missing; it was left out.',
  'malformed-ping': 'A `ping` whose data cannot be read; it does no harm.',
  // lifecycle
  'duplicate-message-start': 'A second `message_start` with the same id; ignored.',
  'spliced-message-start':
    'A `message_start` with a new id inside a message; the first one is cut, the new one starts over.',
  'further-message': 'A `message_start` after the end of a message; a further message was begun.',
  'content-before-start': 'Content came before `message_start`; it was kept, and a later start adopts it.',
  'missing-message-start': 'There was no `message_start` at all; id, model and input usage are unknown.',
  'event-after-stop': 'An event after `message_stop`; noted, the finished message is unchanged.',
  'noise-after-stop': 'A `ping` or an unknown event after `message_stop`; without effect.',
  'event-after-error': 'An event after an `error` event; it was applied, the stream still counts as failed.',
  'missing-stop-reason': 'The message ended without a stop reason.',
  'stop-reason-mismatch':
    'The stop reason and the tool calls in the message do not agree; both were kept as they came.',
  'missing-usage': 'Token usage is missing where the protocol has it.',
  'reserved-key': '`message_delta` tried to overwrite `type`, `role` or `content`; that key was ignored.',
  'unknown-event': 'An event of a type that this version does not know; handed out as it came.',
  // blocks
  'invalid-index': 'A block index is missing or is no whole number from 0 up; the place that fits best was used.',
  'index-gap': 'An index was skipped; blocks are kept in the order of their indexes.',
  'index-out-of-order': 'A block came later than one with a higher index; it was put in its place by index.',
  'index-reused': 'A block was started on an index that was already used; both blocks were kept.',
  'delta-without-start': 'A delta for a block that was never started; a block was made for it.',
  'delta-mismatch': 'A delta that fits no block of its index; a block was made for it.',
  'delta-after-stop': 'A delta for a block that had already ended; it was applied to that block.',
  'stop-without-start': 'A `content_block_stop` for a block that was never started; ignored.',
  'repeated-stop': 'A block was stopped again; ignored.',
  'missing-block-stop': 'A block never got its `content_block_stop`.',
  'cut-block': 'A block was open when the token limit ended the message.',
  'unknown-block': 'A block of a type that this version does not know; kept as it came.',
  'unknown-delta': 'A delta of a type that this version does not know; kept beside its block.',
  // tool input
  'invalid-tool-input': 'The input of a tool is not valid JSON; its raw text is in `inputText`, do not run the tool.',
  'tool-input-cut': 'The input of a tool was cut before its end; its raw text is in `inputText`, do not run the tool.',
  'tool-input-not-object': 'The input of a tool is valid JSON but not an object; kept as it is.',
};
