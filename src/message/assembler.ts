/**
 * `StreamEvent` → `Message`, by the meaning that DESIGN §4 gives: nothing is lost, nothing is invented, nothing is silent.
 *
 * How it works. Each event asks `protocol/order` what it may do in the present phase; then it is applied to the one
 * message that is being built (`#now`): content events to a {@link Slot} found by the wire's index, the others to `base`,
 * the message without its content. What is wrong with an event is reported before it changes anything, so under `strict`
 * a refused event leaves no trace; what shows only when a block or a message is closed is reported as it closes.
 *
 * Invariants
 * - `now.slots` is ordered as `content` is: by index, then arrival. `now.at` finds the slots of one index; `now.open`
 *   holds those that are open, in order of arrival. No array is ever sized by an index.
 * - `now.base` and each slot's block may be written only while no snapshot holds them (`shared`).
 * - `now.snapshot` is the last one handed out; it stands until the base is another one, or a block is.
 * - What the wire gave us is never written: a nested value of an event may sit in the snapshot as it is.
 */

import { DamagedError, type ProtocolError, type StreamError, TruncatedError } from '../errors.ts';
import { ApiError } from '../protocol/api-error.ts';
import type { DiagnosticCode } from '../protocol/codes.ts';
import { isObject, type Wire } from '../protocol/decode.ts';
import {
  type ContentBlockDeltaEvent,
  type ContentBlockStartEvent,
  type ContentBlockStopEvent,
  type Delta,
  isKnownDelta,
  type MessageDeltaEvent,
  type MessageStartEvent,
  type StreamEvent,
  type UnknownDelta,
  type UnknownEvent,
} from '../protocol/events.ts';
import type { Message, StopReason } from '../protocol/message.ts';
import { advance, BLOCK_ORDER, CUTTING_REASONS, kindOf, type Phase } from '../protocol/order.ts';
import { copyOf } from '../protocol/wire-object.ts';
import {
  addSlot,
  type Current,
  last,
  loadCurrent,
  newestAt,
  newestOpen,
  noMessage,
  openAt,
  ordered,
  saveCurrent,
  showContent,
  targetAt,
  touch,
  type SavedCurrent,
} from './current.ts';
import { DiagnosticLog, type DiagnosticLogState, type DiagnosticOptions } from './diagnostic-log.ts';
import { adoptStart, mergeMessageDelta, provisionalMessage, reservedKeys } from './merge.ts';
import {
  loadError,
  loadOutcome,
  type SavedError,
  type SavedOutcome,
  saveError,
  saveOutcome,
  statusOf,
  toStreamError,
} from './outcome.ts';
import { applyDelta, closeSlot, fits, hasGrown, impliedBlock, infoOf, keepDelta, openSlot, type Slot } from './slot.ts';
import type { At, BlockInfo, Diagnostic, MessageRecord, Outcome, OutcomeStatus } from './types.ts';
import { badIndex, clip, deltaMessage, ORDER_MESSAGES, show, truncatedMessage, unreadable } from './wording.ts';

/** What an assembler may be told. */
export type AssemblerOptions = DiagnosticOptions;

/** The server-sent event that a stream event came in, for what only the framing can tell. */
export interface Envelope {
  event: string;
  named: boolean;
}

/** Who wants to hear what an event does while it is applied. Internal: the rooms above use it. */
export interface AssemblyObserver {
  /** A delta of a known type went to this block. */
  delta(slot: Slot, delta: Delta): void;
  /** A block is no longer open. */
  closed(slot: Slot): void;
  /** A message is finished, however it ended; `look` gives it: who does not look does not make it. */
  finished(look: () => MessageRecord): void;
}

/** A message with what stands beside it, as plain JSON. */
interface SavedRecord {
  message: Message;
  blocks: readonly BlockInfo[];
  outcome: SavedOutcome;
}

/** The saved state of an assembler: plain JSON. */
export interface MessageAssemblerState {
  version: 1;
  phase: Phase;
  events: number;
  earlier: SavedRecord[];
  now: SavedCurrent;
  arrived: number;
  log: DiagnosticLogState;
  orphanDeltas: readonly (UnknownDelta | Delta)[];
  requestId: string | undefined;
  status: number | undefined;
  at: At | undefined;
  ended: boolean;
  failure: SavedError | undefined;
}

/**
 * Assembles events into messages.
 *
 * @example
 * const assembler = new MessageAssembler();
 * assembler.apply({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '', citations: null } });
 * assembler.apply({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } });
 * assembler.message?.content; // [{ type: 'text', text: 'Hi', citations: null }]
 * assembler.diagnostics[0]?.code; // 'content-before-start'
 */
export class MessageAssembler {
  readonly #options: AssemblerOptions;
  readonly #observer: AssemblyObserver | undefined;
  /** Tells where the event is that is being applied, if somebody knows better than to count. */
  readonly #where: (() => At) | undefined;
  #phase: Phase = 'before';
  #now: Current = noMessage();
  #earlier: MessageRecord[] = [];
  #arrived = 0;
  #events = 0;
  #at: At | undefined = undefined;
  #log: DiagnosticLog;
  #orphanDeltas: (UnknownDelta | Delta)[] = [];
  #ended = false;
  #failure: StreamError | undefined = undefined;

  /** The `request-id` of the response, or what an error event said; goes onto every error. */
  requestId: string | undefined = undefined;
  /** The HTTP status of the response, if it is known: an `error` in a body of status >= 400 has that status. */
  status: number | undefined = undefined;

  constructor(options?: AssemblerOptions);
  /** @internal */
  constructor(options?: AssemblerOptions, observer?: AssemblyObserver, where?: () => At);
  constructor(options: AssemblerOptions = {}, observer?: AssemblyObserver, where?: () => At) {
    this.#options = options;
    this.#observer = observer;
    this.#where = where;
    this.#log = new DiagnosticLog(options);
  }

  // ── Looking ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The message as far as it has come, in the shape that the API answers without streaming; `undefined` before
   * `message_start` or the first block. Immutable by promise, but for the live `input` of an open tool block. What did
   * not change since the last look is `===`; a look costs the changed blocks and one pointer a block.
   */
  get message(): Message | undefined {
    const now = this.#now;
    if (now.base === undefined) return undefined;
    this.#settleLate();
    showContent(now);
    if (now.snapshot === undefined || now.base !== now.shownBase) {
      now.snapshot = copyOf(now.base, { content: now.content }) as unknown as Message;
      now.shownBase = now.base;
      now.ownUsage = false;
    }
    return now.snapshot;
  }

  /** What is known about each block: `blocks[k]` describes `message.content[k]`. */
  get blocks(): readonly BlockInfo[] {
    this.#settleLate();
    return (this.#now.infos ??= ordered(this.#now).map(infoOf));
  }

  /** How the message stands or ended. */
  get outcome(): Outcome {
    const now = this.#now;
    return (now.outcome ??= {
      status: now.status,
      stopReason: (now.base?.['stop_reason'] as StopReason | null | undefined) ?? null,
      ...(now.error !== undefined && { error: now.error }),
    });
  }

  /** All messages of the stream in order, the last one as it stands. */
  get messages(): readonly MessageRecord[] {
    const { message } = this;
    return message === undefined
      ? [...this.#earlier]
      : [...this.#earlier, { message, blocks: this.blocks, outcome: this.outcome }];
  }

  /** The deviations so far, at most `maxDiagnostics` of them. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#log.list;
  }

  /** How many deviations there were, those past `maxDiagnostics` included. */
  get diagnosticCount(): number {
    return this.#log.count;
  }

  /** Deltas of unknown type for which no block was there. */
  get orphanDeltas(): readonly (UnknownDelta | Delta)[] {
    return this.#orphanDeltas;
  }

  /**
   * How many events were applied.
   *
   * @internal
   */
  get eventCount(): number {
    return this.#events;
  }

  // ── Applying ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Applies one event.
   *
   * @param at - where it stood, for diagnostics; counted from 1 where it is not given
   * @param envelope - the server-sent event that it came in, if it came in one
   * @throws ProtocolError under `strict`; from then on every call throws the same one. TypeError after `end()`
   */
  apply(event: StreamEvent, at?: At, envelope?: Envelope): void {
    this.check();
    if (this.#ended) throw new TypeError('Cannot apply an event: the stream has ended; reset() begins a new one');
    this.#events++;
    this.#at = at;
    // Mostly they agree. What is unknown has a type of its own to compare.
    if (envelope !== undefined && (envelope.event !== event.type || event.type === 'unknown')) {
      this.#checkName(event, envelope);
    }
    // The delta of a message that is open needs no table: it is most of every stream.
    if (event.type === 'content_block_delta' && this.#phase === 'open') return this.#delta(event);
    this.#tellLate();
    const malformedPing = event.type === 'unknown' && envelope?.named === true && envelope.event === 'ping';
    const kind = malformedPing && event.reason !== 'type' ? 'ping' : kindOf(event, this.#now.base?.['id']);
    const { action, phase, code } = advance(this.#phase, kind);
    if (code !== undefined) this.#report(code, this.#orderMessage(code, event.type), event);
    const unstarted = this.#phase === 'provisional';
    this.#phase = phase;
    switch (action) {
      case 'begin':
        return this.#begin(event as MessageStartEvent);
      case 'replace':
        this.#settle('truncated', new TruncatedError('A new message began before message_stop'));
        return this.#begin(event as MessageStartEvent);
      case 'adopt':
        return this.#adopt(event as MessageStartEvent);
      case 'apply':
        this.#change(event);
        if (phase === 'errored') this.#equip(this.#now.error as StreamError);
        return;
      case 'finish':
        return this.#stop(unstarted);
      case 'fail':
        return this.#error(event as Extract<StreamEvent, { type: 'error' }>);
      case 'pass':
        return this.#pass(event, malformedPing);
      case 'note':
        return;
    }
  }

  #orderMessage(code: DiagnosticCode, type: string): string {
    const { error } = this.#now;
    // An error that came before any message belongs to none, so it is told here.
    if (code === 'further-message' && error !== undefined) return `A message follows an error (${error.message})`;
    return ORDER_MESSAGES[code]?.(type) ?? code;
  }

  /**
   * Ends the stream and settles the outcome; a second call changes nothing.
   *
   * @param error - why it ended, if not by its own end: an `IdleTimeoutError` makes it `stalled`, an `AbortError`
   *   `aborted`, anything else `disconnected`. After `message_stop` it is only noted.
   * @throws the outcome's error, under `strict` and if no `error` was given
   */
  end(error?: unknown): void {
    this.check();
    if (this.#ended) return;
    this.#ended = true;
    // Node's callbacks say `null` where there was no error.
    if (error === null) error = undefined;
    this.#tellLate();
    const now = this.#now;
    if (now.finished) {
      const late = this.#phase === 'stopped' && error !== undefined && statusOf(error) !== 'aborted';
      if (late) this.#report('event-after-stop', `After message_stop: ${toStreamError(error).message}`);
      return;
    }
    if (this.#phase === 'provisional') {
      this.#report('missing-message-start', 'The stream has content but no message_start');
    }
    if (now.error !== undefined) this.#settle(now.status, now.error);
    else if (error === undefined) this.#settle('truncated', new TruncatedError(truncatedMessage(now, this.#phase)));
    else this.#settle(statusOf(error), toStreamError(error));
    if (this.#options.strict === true && error === undefined) throw now.error as StreamError;
  }

  /**
   * Makes the outcome `errored` with an error that the body earned; `end()` settles it. The first error stands.
   *
   * @internal
   */
  fail(error: StreamError): void {
    const now = this.#now;
    if (now.finished || now.error !== undefined) return;
    now.status = 'errored';
    now.error = error;
    now.outcome = undefined;
    this.#equip(error);
  }

  /**
   * Throws what `strict` or a limit has ended everything with, if one has.
   *
   * @internal
   */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Forgets everything and begins anew with the same options. */
  reset(): void {
    this.#restore(new MessageAssembler().toJSON());
  }

  // ── The message ───────────────────────────────────────────────────────────────────────────────────────────────────

  #begin(event: MessageStartEvent): void {
    const done = this.#now;
    if (done.base !== undefined) {
      if (!done.finished) this.#settle(done.status, done.error);
      this.#earlier.push({ message: this.message as Message, blocks: this.blocks, outcome: this.outcome });
    }
    const damagedBy = done.base === undefined ? done.damagedBy : undefined;
    this.#now = noMessage();
    this.#now.damagedBy = damagedBy;
    this.#arrived = 0;
    this.#now.base = copyOf(event.message as unknown as Wire, { content: [] });
    this.#startWith(event);
  }

  #adopt(event: MessageStartEvent): void {
    adoptStart(this.#writableBase(), event.message as unknown as Wire);
    // It may be the event's from now on.
    this.#now.ownUsage = false;
    this.#startWith(event);
  }

  /** What a start brings besides its fields: finished blocks, and a note if it has no usage. */
  #startWith(event: MessageStartEvent): void {
    const now = this.#now;
    now.outcome = undefined;
    for (const [index, block] of (event.message.content ?? []).entries()) {
      const slot = this.#addSlot(index, block as unknown as Wire, false);
      this.#close(slot, 'closed');
    }
    if (!isObject(event.message.usage)) this.#noteOnce('missing-usage', 'message_start has no usage');
  }

  #writableBase(): Wire {
    const now = this.#now;
    if (now.base === undefined) now.base = provisionalMessage();
    else if (now.base === now.shownBase) now.base = copyOf(now.base);
    return now.base;
  }

  #change(event: StreamEvent): void {
    switch (event.type) {
      case 'content_block_start':
        return this.#start(event);
      case 'content_block_delta':
        return this.#delta(event);
      case 'content_block_stop':
        return this.#stopBlock(event);
      case 'message_delta':
        return this.#messageDelta(event);
      case 'unknown':
        return this.#malformed(event);
      default:
    }
  }

  #messageDelta(event: MessageDeltaEvent): void {
    const refused = reservedKeys(event);
    if (refused.length > 0) {
      this.#report('reserved-key', `message_delta may not change ${refused.join(', ')}: left as it was`, event);
    }
    if (!isObject(event.usage)) this.#noteOnce('missing-usage', 'message_delta has no usage');
    const now = this.#now;
    now.ownUsage = mergeMessageDelta(this.#writableBase(), event, now.ownUsage);
    now.outcome = undefined;
    if (now.base?.['stop_reason'] != null) this.#decideInputs();
  }

  #stop(unstarted: boolean): void {
    const now = this.#now;
    this.#closeOpen('closed');
    this.#decideInputs();
    this.#checkStopReason();
    if (now.damagedBy !== undefined) {
      this.#settle('damaged', new DamagedError(`Event ${now.damagedBy} could not be read: content may be missing`));
    } else if (unstarted) {
      this.#settle('damaged', new DamagedError('The message has no message_start: content may be missing'));
    } else this.#settle('complete');
  }

  #checkStopReason(): void {
    const { base, slots } = this.#now;
    const reason = base?.['stop_reason'] ?? null;
    if (reason === null) this.#report('missing-stop-reason', 'The message stopped without a stop_reason');
    const wantsTool = slots.some((slot) => slot.type === 'tool_use');
    if (reason === 'end_turn' && wantsTool) {
      this.#report('stop-reason-mismatch', 'stop_reason is end_turn, but the message has a tool_use block');
    } else if (reason === 'tool_use' && !slots.some((slot) => slot.type.endsWith('tool_use'))) {
      this.#report('stop-reason-mismatch', 'stop_reason is tool_use, but the message has no tool_use block');
    }
  }

  #error(event: Extract<StreamEvent, { type: 'error' }>): void {
    if (typeof event.request_id === 'string') this.requestId ??= event.request_id;
    this.fail(ApiError.from(this.status, event.error, this.requestId));
  }

  /** Ends the message that is being built: closes what is open, fixes the outcome, tells the observer. Once. */
  #settle(status: OutcomeStatus, error?: StreamError): void {
    const now = this.#now;
    if (now.finished) return;
    this.#closeOpen('cut');
    this.#decideInputs();
    now.status = status;
    now.error = error;
    now.finished = true;
    now.outcome = undefined;
    if (error !== undefined) this.#equip(error);
    if (now.base === undefined) return;
    this.#observer?.finished(() => ({ message: this.message as Message, blocks: this.blocks, outcome: this.outcome }));
  }

  /** Puts what had arrived onto an error. */
  #equip(error: StreamError): void {
    error.snapshot = this.message;
    error.blocks = this.blocks;
    error.outcome = this.outcome;
    error.requestId ??= this.requestId;
  }

  // ── Blocks ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #start(event: ContentBlockStartEvent): void {
    const now = this.#now;
    const start = event.content_block as unknown as Wire;
    const index = this.#startIndex(event);
    for (const slot of openAt(now.at.get(index))) this.#closeUnstopped(slot, 'closed');
    const slot = this.#addSlot(index, start, false);
    if (!slot.known) this.#noteOnce('unknown-block', `Block type ${slot.type} is not known: kept as it came`, slot);
    if (slot.type === 'fallback') {
      const to = start['to'];
      if (isObject(to) && typeof to['model'] === 'string') this.#writableBase()['model'] = to['model'];
    }
  }

  /** The index that a start stands for, its deviations reported. */
  #startIndex(event: ContentBlockStartEvent): number {
    const now = this.#now;
    const { index } = event;
    if (!isIndex(index)) {
      this.#report('invalid-index', `${badIndex(index)}: read as ${now.highest + 1}`, event);
      return now.highest + 1;
    }
    const newest = last(now.at.get(index));
    const code = BLOCK_ORDER.start[newest === undefined ? 'none' : newest.state === 'open' ? 'open' : 'closed'];
    if (code !== undefined) {
      this.#report(code, `Index ${index} was used before: read as a further block`, event, newest);
    } else if (index > now.highest + 1) {
      const before =
        now.highest === -1 ? `The first index is ${index}, not 0` : `Index ${index} follows ${now.highest}`;
      this.#report('index-gap', `${before}: taken as it is`, event);
    } else if (index <= now.highest) {
      this.#report('index-out-of-order', `Index ${index} comes after ${now.highest}: put in its place`, event);
    }
    return index === 0 ? 0 : index;
  }

  #addSlot(index: number, start: Wire, implied: boolean): Slot {
    const now = this.#now;
    if (now.base === undefined) this.#writableBase();
    const slot = openSlot(index, this.#arrived++, start, implied);
    addSlot(now, slot);
    this.#touchContent('several');
    return slot;
  }

  #touchContent(slot: Slot | 'several'): void {
    const now = this.#now;
    touch(now, slot);
    now.infos = undefined;
  }

  #delta(event: ContentBlockDeltaEvent): void {
    const { index, delta } = event;
    const { newest } = this.#now;
    if (newest !== undefined && newest.index === index && newest.state === 'open' && newest.accepts === delta.type) {
      return this.#put(newest, delta);
    }
    if (!isKnownDelta(delta)) return this.#keepUnknown(event);
    const slot = this.#target(event, delta);
    this.#now.newest = slot;
    slot.accepts = delta.type;
    this.#put(slot, delta);
    if (slot.state === 'open' || delta.type !== 'input_json_delta') return;
    if (slot.late === undefined) this.#now.late.push(slot);
    slot.late = 'unread';
  }

  #put(slot: Slot, delta: Delta): void {
    applyDelta(slot, delta);
    const now = this.#now;
    // A block that a snapshot holds and that nothing was written to is as it was: an empty delta changes nothing.
    if (hasGrown(slot)) touch(now, slot);
    if (slot.info === undefined) now.infos = undefined;
    this.#observer?.delta(slot, delta);
  }

  /** The block that a delta goes to: the newest open one there that it fits, else the newest closed one, else a new one. */
  #target(event: ContentBlockDeltaEvent, delta: Delta): Slot {
    const now = this.#now;
    const valid = isIndex(event.index);
    const candidates = now.at.get(event.index);
    const fit = valid ? targetAt(now, event.index, delta.type) : newestOpen(now, (slot) => fits(slot, delta.type));
    if (!valid) {
      const reading = fit === undefined ? 'an implied block' : `block ${fit.index}`;
      this.#report('invalid-index', `${badIndex(event.index)}: ${delta.type} goes to ${reading}`, event, fit);
      return fit ?? this.#addSlot(now.highest + 1, impliedBlock(delta.type), true);
    }
    const stands =
      fit === undefined ? (candidates === undefined ? 'none' : 'unfit') : fit.state === 'open' ? 'open' : 'closed';
    const code = BLOCK_ORDER.delta[stands];
    if (code !== undefined) this.#report(code, deltaMessage(stands, event.index, delta.type, candidates), event, fit);
    return fit ?? this.#addSlot(event.index, impliedBlock(delta.type), true);
  }

  #keepUnknown(event: ContentBlockDeltaEvent): void {
    const delta = event.delta as unknown as UnknownDelta;
    const slot = isIndex(event.index) ? newestAt(this.#now, event.index) : newestOpen(this.#now, () => true);
    this.#noteOnce('unknown-delta', `Delta type ${delta.type} is not known: kept aside`, slot, event.index, delta.type);
    if (slot === undefined) this.#orphanDeltas.push(delta);
    else {
      keepDelta(slot, delta);
      this.#now.infos = undefined;
    }
  }

  #stopBlock(event: ContentBlockStopEvent): void {
    const now = this.#now;
    const { index } = event;
    if (!isIndex(index)) {
      const newest = newestOpen(now, () => true);
      const reading = newest === undefined ? 'nothing is open' : `closes block ${newest.index}`;
      this.#report('invalid-index', `${badIndex(index)}: ${reading}`, event, newest);
      if (newest !== undefined) this.#close(newest, 'closed');
      return;
    }
    const there = now.at.get(index);
    const open = openAt(there);
    const code = BLOCK_ORDER.stop[there === undefined ? 'none' : open.length > 0 ? 'open' : 'closed'];
    if (code !== undefined) {
      const state = there === undefined ? 'it never started' : 'it is closed';
      this.#report(code, `Cannot stop block ${index}: ${state}`, event, last(there));
    }
    for (const slot of open) this.#close(slot, 'closed');
  }

  /** Closes what is open, though no stop came: at `message_stop`, or (`cut`) where the stream ends. */
  #closeOpen(how: 'closed' | 'cut'): void {
    for (const slot of this.#now.open) this.#closeUnstopped(slot, how);
  }

  #closeUnstopped(slot: Slot, how: 'closed' | 'cut'): void {
    if (this.#isCut && how === 'closed' && this.#phase === 'stopped') how = 'cut';
    const cut = this.#isCut && how === 'cut';
    const by = how === 'cut' ? (cut ? show(this.#now.base?.['stop_reason']) : 'the end of the stream') : 'the protocol';
    this.#report(
      cut ? 'cut-block' : 'missing-block-stop',
      `Block ${slot.index} has no content_block_stop: closed by ${by}`,
      undefined,
      slot,
    );
    this.#close(slot, how);
  }

  /** Whether the stop reason says that the server cut the message. */
  get #isCut(): boolean {
    return CUTTING_REASONS.includes(this.#now.base?.['stop_reason'] as string);
  }

  #close(slot: Slot, state: 'closed' | 'cut'): void {
    const now = this.#now;
    const wasOpen = slot.state === 'open';
    now.open.delete(slot);
    closeSlot(slot, state);
    this.#touchContent(slot);
    if (wasOpen) this.#observer?.closed(slot);
    this.#tellVerdict(slot);
  }

  /** Says what a block's end told of its input. */
  #tellVerdict(slot: Slot): void {
    const { verdict, index } = slot;
    if (verdict === 'cut') this.#reportInput('tool-input-cut', slot);
    else if (verdict === 'invalid') this.#reportInput('invalid-tool-input', slot);
    else if (verdict === 'not-object') {
      this.#report('tool-input-not-object', `The input of block ${index} is not an object`, undefined, slot);
    } else if (verdict === 'incomplete') {
      (this.#now.undecided ??= new Set()).add(slot);
      if (this.#now.base?.['stop_reason'] != null) this.#decideInputs();
    }
  }

  /**
   * Input that came after its block's stop is parsed when somebody looks or another event comes, not at every delta:
   * each time it is the whole text. What is found is told with the next event; a look throws nothing.
   */
  #settleLate(): void {
    const { late } = this.#now;
    for (const slot of late) {
      if (slot.late !== 'unread') continue;
      slot.late = 'untold';
      closeSlot(slot, slot.state === 'cut' ? 'cut' : 'closed');
      this.#touchContent(slot);
    }
  }

  #tellLate(): void {
    const { late } = this.#now;
    if (late.length === 0) return;
    this.#settleLate();
    this.#now.late = [];
    for (const slot of late) {
      slot.late = undefined;
      this.#tellVerdict(slot);
    }
  }

  /** Now that the stop reason is known (or never will be): inputs that just end early were cut, or are invalid. */
  #decideInputs(): void {
    const { undecided } = this.#now;
    if (undecided === undefined) return;
    this.#now.undecided = undefined;
    for (const slot of undecided) {
      // Late input may have decided it.
      if (slot.verdict !== 'incomplete') continue;
      slot.verdict = 'fine';
      this.#reportInput(this.#isCut ? 'tool-input-cut' : 'invalid-tool-input', slot);
    }
  }

  #reportInput(code: DiagnosticCode, slot: Slot): void {
    const error = slot.inputError;
    const where = error === undefined ? `it was cut after ${slot.inputText.length} characters` : error.message;
    this.#report(code, `Cannot use the input of block ${slot.index}: ${where}`, undefined, slot, slot.inputText);
  }

  // ── Diagnostics ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Events that change nothing: what is to be said of them. */
  #pass(event: StreamEvent, malformedPing: boolean): void {
    if (event.type !== 'unknown') return;
    if (event.reason === 'sentinel') this.#report('done-sentinel', '[DONE] is not of this protocol: ignored', event);
    else if (event.reason === 'empty') this.#report('empty-data', 'An event without data: ignored');
    else if (malformedPing) this.#report('malformed-ping', 'The data of a ping cannot be read: ignored', event);
    else {
      const type = (event.wire as { type?: unknown } | undefined)?.type;
      this.#noteOnce(
        'unknown-event',
        `Event type ${show(type)} is not known: handed on`,
        undefined,
        undefined,
        show(type),
      );
    }
  }

  #malformed(event: UnknownEvent): void {
    this.#report(event.reason === 'json' ? 'invalid-json' : 'invalid-event', unreadable(event), event);
    this.#now.damagedBy ??= this.#events;
  }

  #checkName(event: StreamEvent, envelope: Envelope): void {
    const { reason } = event as { reason?: string };
    if (reason === 'sentinel' || reason === 'empty') return;
    const type = event.type === 'unknown' ? show((event.wire as Wire | undefined)?.['type']) : event.type;
    if (!envelope.named) this.#noteOnce('missing-event-name', 'No event line: the type in the data rules');
    else if (envelope.event !== type && reason !== 'json' && reason !== 'shape') {
      this.#report(
        'event-name-mismatch',
        `The event line says ${clip(envelope.event)}, the data ${clip(type)}: the data rules`,
        event,
      );
    }
  }

  #noteOnce(code: DiagnosticCode, message: string, slot?: Slot, index?: number, key: string = slot?.type ?? ''): void {
    if (this.#log.isNew(code, key)) this.#report(code, message, index === undefined ? undefined : { index }, slot);
  }

  /** Records a deviation, or throws it under `strict`. */
  #report(code: DiagnosticCode, message: string, event?: object, slot?: Slot, raw?: string): void {
    const at = this.#at ?? this.#where?.() ?? { event: this.#events };
    const refusal = this.#failure === undefined ? this.#log.refuse(code, message, at) : undefined;
    if (refusal !== undefined) {
      this.poison(refusal);
      throw refusal;
    }
    const index = (event !== undefined && 'index' in event ? event.index : undefined) ?? slot?.index;
    this.#log.write(code, message, at, { index, ordinal: slot?.ordinal, raw: raw ?? rawOf(event) });
  }

  /**
   * A deviation that the parser found, in the framing or at the end of the input.
   *
   * @internal
   */
  report(code: DiagnosticCode, message: string, at?: At, raw?: string): void {
    if (at !== undefined) this.#at = at;
    this.#report(code, message, undefined, undefined, raw);
  }

  /**
   * Ends everything with an error that every further call throws; a message that was not finished is `errored` by it.
   * What is found while its blocks are closed is only collected.
   *
   * @internal
   */
  poison(error: ProtocolError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#settle('errored', error);
    this.#equip(error);
  }

  // ── State ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The whole state as plain JSON, in the middle of a stream. Options are not part of it. */
  toJSON(): MessageAssemblerState {
    // From here on the state holds that object as well, and must not change when we go on.
    this.#now.ownUsage = false;
    return {
      version: 1,
      phase: this.#phase,
      events: this.#events,
      earlier: this.#earlier.map((record) => ({ ...record, outcome: saveOutcome(record.outcome) })),
      now: saveCurrent(this.#now, this.outcome),
      arrived: this.#arrived,
      log: this.#log.toJSON(),
      orphanDeltas: [...this.#orphanDeltas],
      requestId: this.requestId,
      status: this.status,
      at: this.#at,
      ended: this.#ended,
      failure: this.#failure && saveError(this.#failure),
    };
  }

  /**
   * An assembler that goes on where `toJSON()` was called.
   *
   * @throws TypeError if the state is not one of ours, or of another version
   */
  static from(
    state: MessageAssemblerState,
    options: AssemblerOptions = {},
    observer?: AssemblyObserver,
    where?: () => At,
  ): MessageAssembler {
    if (state?.version !== 1) throw new TypeError('Cannot restore an assembler: the state is not of version 1');
    const assembler = new MessageAssembler(options, observer, where);
    assembler.#restore(structuredCopy(state));
    return assembler;
  }

  #restore(state: MessageAssemblerState): void {
    this.#phase = state.phase;
    this.#events = state.events;
    this.#earlier = state.earlier.map(({ message, blocks, outcome }) => {
      const record = { message, blocks, outcome: loadOutcome(outcome) };
      const error = record.outcome.error as StreamError | undefined;
      if (error !== undefined) Object.assign(error, { snapshot: message, blocks, outcome: record.outcome });
      return record;
    });
    const now = (this.#now = loadCurrent(state.now));
    this.#arrived = state.arrived;
    this.#log = new DiagnosticLog(this.#options, state.log);
    this.#orphanDeltas = [...state.orphanDeltas];
    this.requestId = state.requestId;
    this.status = state.status;
    this.#at = state.at;
    this.#ended = state.ended;
    const { failure } = state;
    this.#failure = failure && (now.status === 'errored' ? now.error : undefined);
    if (failure !== undefined) this.#failure ??= loadError(failure);
    if (now.error !== undefined) this.#equip(now.error);
    if (this.#failure !== undefined) this.#equip(this.#failure);
  }
}

/** The data of an event that could not be read. On any other event `raw` is the server's own field. */
function rawOf(event: object | undefined): string | undefined {
  const { type, raw } = (event ?? {}) as Partial<UnknownEvent>;
  return type === 'unknown' && typeof raw === 'string' ? raw : undefined;
}

function isIndex(index: unknown): index is number {
  return Number.isSafeInteger(index) && (index as number) >= 0;
}

/** The state is the caller's: what we go on to change must be ours. */
function structuredCopy(state: MessageAssemblerState): MessageAssemblerState {
  return JSON.parse(JSON.stringify(state)) as MessageAssemblerState;
}
