/**
 * The order of events: all rules about what may follow what, as data, and one pure function over it.
 *
 * Two rules hold for this file. All ordering knowledge is here: the assembler asks first and changes afterwards. And
 * nothing here knows how a message is built: it knows phases, kinds and codes.
 *
 * The grammar (protocol notes §9):
 *
 *     stream := noise* message_start (noise | block | message_delta)* message_delta noise* message_stop
 *     block  := content_block_start(i) noise* content_block_delta(i)* content_block_stop(i)
 *     noise  := ping | unknown event
 *
 * `error` and the end of the input may stand for any suffix.
 */

import type { DiagnosticCode } from './codes.ts';
import type { StreamEvent } from './events.ts';

/**
 * Where a stream stands: nothing of a message yet; content but no start; in a message; behind its `message_stop`;
 * behind an `error`.
 */
export type Phase = 'before' | 'provisional' | 'open' | 'stopped' | 'errored';

/** What an event is to the order. `same_start` repeats the id of the message that is open. */
export type Kind =
  | 'message_start'
  | 'same_start'
  | 'content'
  | 'message_delta'
  | 'message_stop'
  | 'error'
  | 'ping'
  | 'unknown'
  | 'sentinel'
  | 'malformed';

/**
 * What is to be done with an event: begin a message; begin one in place of the unfinished one; give the provisional
 * message its start; change the message; finish it; fail it; leave the event be; only note it.
 */
export type Action = 'begin' | 'replace' | 'adopt' | 'apply' | 'finish' | 'fail' | 'pass' | 'note';

/** One step: what to do, where the stream stands then, and the deviation, if it is one. */
export interface Step {
  readonly action: Action;
  readonly phase: Phase;
  readonly code?: DiagnosticCode;
}

function step(action: Action, phase: Phase, code?: DiagnosticCode): Step {
  return code === undefined ? { action, phase } : { action, phase, code };
}

/** Events that change nothing where a message may still come or grow. `malformed` is applied: it is reported as damage. */
function noise(phase: Phase): Record<'ping' | 'unknown' | 'sentinel' | 'malformed', Step> {
  const pass = step('pass', phase);
  return { ping: pass, unknown: pass, sentinel: pass, malformed: step('apply', phase) };
}

/** The table. A row for each phase, a column for each kind. */
export const ORDER: Readonly<Record<Phase, Readonly<Record<Kind, Step>>>> = {
  before: {
    message_start: step('begin', 'open'),
    same_start: step('begin', 'open'),
    content: step('apply', 'provisional', 'content-before-start'),
    message_delta: step('apply', 'provisional', 'content-before-start'),
    message_stop: step('note', 'before', 'content-before-start'),
    error: step('fail', 'errored'),
    ...noise('before'),
  },
  provisional: {
    message_start: step('adopt', 'open'),
    same_start: step('adopt', 'open'),
    content: step('apply', 'provisional'),
    message_delta: step('apply', 'provisional'),
    message_stop: step('finish', 'stopped', 'missing-message-start'),
    error: step('fail', 'errored', 'missing-message-start'),
    ...noise('provisional'),
  },
  open: {
    message_start: step('replace', 'open', 'spliced-message-start'),
    same_start: step('note', 'open', 'duplicate-message-start'),
    content: step('apply', 'open'),
    message_delta: step('apply', 'open'),
    message_stop: step('finish', 'stopped'),
    error: step('fail', 'errored'),
    ...noise('open'),
  },
  stopped: {
    message_start: step('begin', 'open', 'further-message'),
    same_start: step('begin', 'open', 'further-message'),
    content: step('note', 'stopped', 'event-after-stop'),
    message_delta: step('note', 'stopped', 'event-after-stop'),
    message_stop: step('note', 'stopped', 'event-after-stop'),
    error: step('note', 'stopped', 'event-after-stop'),
    ping: step('note', 'stopped', 'noise-after-stop'),
    unknown: step('note', 'stopped', 'noise-after-stop'),
    sentinel: step('pass', 'stopped'),
    malformed: step('note', 'stopped', 'event-after-stop'),
  },
  errored: {
    message_start: step('begin', 'open', 'further-message'),
    same_start: step('begin', 'open', 'further-message'),
    content: step('apply', 'errored', 'event-after-error'),
    message_delta: step('apply', 'errored', 'event-after-error'),
    message_stop: step('note', 'errored', 'event-after-error'),
    error: step('note', 'errored', 'event-after-error'),
    ...noise('errored'),
  },
};

/** What `event` is to the order while the message `openId` is open (`undefined`: none, or one without an id). */
export function kindOf(event: StreamEvent, openId: unknown): Kind {
  switch (event.type) {
    case 'content_block_start':
    case 'content_block_delta':
    case 'content_block_stop':
      return 'content';
    case 'message_start':
      return event.message.id === openId ? 'same_start' : 'message_start';
    case 'unknown':
      if (event.reason === 'type') return 'unknown';
      return event.reason === 'sentinel' || event.reason === 'empty' ? 'sentinel' : 'malformed';
    default:
      return event.type;
  }
}

/**
 * The step that an event of `kind` takes in `phase`. Pure.
 *
 * @example
 * advance('open', 'message_stop'); // { action: 'finish', phase: 'stopped' }
 */
export function advance(phase: Phase, kind: Kind): Step {
  return ORDER[phase][kind];
}

/**
 * The same for blocks: the deviation that an event is, by what stands at its index. `open` and `closed`: the newest
 * block there that the event may concern; `none`: no block has that index; `unfit`: none there takes the delta.
 */
export const BLOCK_ORDER: {
  readonly start: Readonly<Record<'none' | 'open' | 'closed', DiagnosticCode | undefined>>;
  readonly delta: Readonly<Record<'none' | 'open' | 'closed' | 'unfit', DiagnosticCode | undefined>>;
  readonly stop: Readonly<Record<'none' | 'open' | 'closed', DiagnosticCode | undefined>>;
} = {
  start: { none: undefined, open: 'index-reused', closed: 'index-reused' },
  delta: { none: 'delta-without-start', open: undefined, closed: 'delta-after-stop', unfit: 'delta-mismatch' },
  stop: { none: 'stop-without-start', open: undefined, closed: 'repeated-stop' },
};

/** Stop reasons under which the server cuts the open block. */
export const CUTTING_REASONS: readonly string[] = ['max_tokens', 'model_context_window_exceeded'];
