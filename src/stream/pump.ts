/**
 * The machine under `MessageStream`: it moves items from a source into the message reader, on demand.
 *
 * At any time it is in one of three states: *idle* (nothing is asked of the source), *reading* (one read is pending, the
 * idle timer runs) or *ended*. It goes from idle to reading only because somebody wants an event that is not there yet,
 * so an unread stream reads nothing. It ends once, for the first of these reasons: the source is at its end or fails, an
 * `error` event was handed out, the idle timer fires, the reader refuses the bytes, or the caller aborts. A read that
 * is still pending then is forgotten: nobody waits for it, and what it brings is dropped.
 *
 * Who wants events: at most one **consumer** (an open iterator), which takes them one by one, and any number of
 * **watchers** (`finalMessage()` and the like), which only want to know the end. While there is a consumer the watchers
 * wait; while there is none, they drive.
 *
 * The path of an event makes no promise and no closure here: `take()` is synchronous, and a read that settles calls the
 * consumer's `pump()`.
 */

import { AbortError, ConnectionError, IdleTimeoutError, ProtocolError, StreamError } from '../errors.ts';
import type { MessageAssembler } from '../message/assembler.ts';
import type { Diagnostic } from '../message/types.ts';
import type { StreamEvent } from '../protocol/events.ts';
import { globals, MAX_TIMER_MS, throwApart } from './globals.ts';
import { checkResult, type AbortSignalLike, type ReadResult, type Source } from './source.ts';
import type { Tap } from './tap.ts';

/** What turns items of a source into events that have been applied to the message. */
export interface Intake {
  readonly assembler: MessageAssembler;
  /** Gives it an item. @throws TypeError if it is none. */
  write(item: unknown): void;
  /** The next event, applied; `undefined` if an item is needed. */
  next(): StreamEvent | undefined;
  /** The name that the event given last came under, where it came as a server-sent event with one. */
  readonly eventName: string | undefined;
  /**
   * The source is at its end, or failed with `error`. Gives an event that only now turns out to be whole, applied. May
   * throw, as `next` does; settling the outcome is left to the assembler.
   */
  endInput(error?: StreamError): StreamEvent | undefined;
}

export interface Consumer {
  /** A read has settled or the stream has ended: take what there is, ask for more if it is wanted. */
  pump(): void;
}

export interface Watcher {
  /** An event has been handed out, or taken on behalf of the watchers. Must not throw. */
  onEvent?(): void;
  /** The stream has ended. Called once. What it throws is reported as uncaught; the others are told all the same. */
  onEnd(): void;
  /** Whether its end rejects a promise: the error is told then, and no later iterator has to throw it. */
  readonly rejects?: boolean;
}

export interface PumpOptions {
  signal?: AbortSignalLike | undefined;
  idleTimeoutMs?: number | undefined;
  onDiagnostic?: ((diagnostic: Diagnostic) => void) | undefined;
}

export class Pump {
  readonly tap: Tap;
  readonly source: Source;
  /** Made when somebody first wants something of it: most of what a stream holds is there, and an unread one needs none. */
  #intake: Intake | undefined;
  readonly #makeIntake: (() => Intake) | undefined;
  readonly #signal: AbortSignalLike | undefined;
  readonly #idleTimeoutMs: number;
  readonly #onDiagnostic: ((diagnostic: Diagnostic) => void) | undefined;

  #ended = false;
  #aborted = false;
  #reading = false;
  /** An `error` event was handed out: nothing may follow. */
  #failed = false;
  #touched = false;
  /** Diagnostics are being told: an event is on its way to whoever took it, nobody else may go on. */
  #telling = false;
  /** The event that the end of the source brought to light; handed out before the end is told. */
  #last: StreamEvent | undefined;
  /** Whether the end is an error that no iterator has thrown yet. */
  #owed = false;

  #consumer: Consumer | undefined;
  #watchers: Watcher[] | undefined;
  #timer: unknown;

  /** The source is opened, and thereby locked, when nothing else can be refused any more. */
  constructor(open: () => Source, intake: Intake | (() => Intake), tap: Tap, options: PumpOptions) {
    this.tap = tap;
    if (typeof intake === 'function') this.#makeIntake = intake;
    else this.#intake = intake;
    this.#idleTimeoutMs = checkTimeout(options.idleTimeoutMs);
    this.source = open();
    this.#onDiagnostic = options.onDiagnostic ?? undefined;
    this.#signal = options.signal ?? undefined;
    if (this.#signal?.aborted === true) this.#onSignal();
    else this.#signal?.addEventListener('abort', this.#onSignal);
  }

  get #reader(): Intake {
    return (this.#intake ??= (this.#makeIntake as () => Intake)());
  }

  get assembler(): MessageAssembler {
    return this.#reader.assembler;
  }

  /** Nothing more will be read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the caller ended it. */
  get aborted(): boolean {
    return this.#aborted;
  }

  /** Whether an event has been taken. */
  get touched(): boolean {
    return this.#touched;
  }

  /** The name that the event taken last came under; see {@link Intake.eventName}. */
  get eventName(): string | undefined {
    return this.#reader.eventName;
  }

  /** Whether an iterator is open. */
  get open(): boolean {
    return this.#consumer !== undefined;
  }

  /** Whether somebody waits for the end. */
  get watched(): boolean {
    return this.#watchers !== undefined;
  }

  /** Lets `consumer` take the events; it takes over from the watchers at once. */
  enter(consumer: Consumer): void {
    this.#consumer = consumer;
  }

  leave(consumer: Consumer): void {
    if (this.#consumer !== consumer) return;
    this.#consumer = undefined;
    this.tap.listener = undefined;
  }

  /**
   * Waits for the end, and a microtask later drives towards it unless somebody iterates. Only while the stream runs.
   */
  watch(watcher: Watcher): void {
    (this.#watchers ??= []).push(watcher);
    void Promise.resolve().then(this.#drive);
  }

  /** The next event, applied, if it is there without reading. */
  take(): StreamEvent | undefined {
    if (this.#ended) return this.#takeLast();
    if (this.#failed) {
      this.#end(undefined, 'left');
      return undefined;
    }
    let event: StreamEvent | undefined;
    try {
      event = this.#reader.next();
    } catch (error) {
      this.#refuse(error);
      return undefined;
    }
    if (this.tap.diagnostics.length > 0) this.#tellDiagnostics();
    if (event !== undefined) this.#noteTaken(event);
    return event;
  }

  /** Reads the next item, unless that is under way already. */
  read(): void {
    if (this.#reading || this.#ended) return;
    this.#reading = true;
    if (this.#idleTimeoutMs !== 0) this.#timer = globals().setTimeout?.(this.#onIdle, this.#idleTimeoutMs);
    try {
      this.source.read().then(this.#onItem, this.#onFailure);
    } catch (error) {
      this.#onFailure(error);
    }
  }

  /** Ends it from the caller's side, at once. Nothing happens if it has ended. */
  abort(error: AbortError): void {
    this.#stop(error, 'left');
  }

  /** The error of the end, for the one iterator that has to throw it. */
  claimError(): Error | undefined {
    if (!this.#owed) return undefined;
    this.#owed = false;
    return this.error;
  }

  /** Nobody is left to tell: the iterator that would have thrown it has caused it. */
  waiveError(): void {
    this.#owed = false;
  }

  /** Why it is no success; `undefined` if it is one. */
  get error(): Error | undefined {
    const { outcome } = this.assembler;
    return outcome.status === 'complete' ? undefined : outcome.error;
  }

  /** Stops listening to the signal. */
  detach(): void {
    this.#signal?.removeEventListener('abort', this.#onSignal);
  }

  #noteTaken(event: StreamEvent): void {
    this.#touched = true;
    if (event.type === 'error') this.#failed = this.assembler.outcome.status === 'errored';
    if (this.#watchers !== undefined) for (const watcher of this.#watchers) watcher.onEvent?.();
  }

  #takeLast(): StreamEvent | undefined {
    const event = this.#last;
    this.#last = undefined;
    if (event !== undefined) this.#noteTaken(event);
    return event;
  }

  /**
   * A handler that throws is the caller stopping the stream: its event stays applied, nothing more is read. At the end
   * there is nothing left to stop.
   */
  #tellDiagnostics(): void {
    const { diagnostics } = this.tap;
    this.tap.diagnostics = [];
    this.#telling = true;
    try {
      for (const diagnostic of diagnostics) this.#onDiagnostic?.(diagnostic);
    } catch (error) {
      this.#stop(abortError('by onDiagnostic, which threw', error), 'left');
    } finally {
      this.#telling = false;
    }
  }

  readonly #onItem = (result: ReadResult): void => {
    if (this.#ended) return;
    this.#readSettled();
    try {
      if (checkResult(result).done === true) this.#end(undefined, 'at its end');
      else this.#reader.write(result.value);
    } catch (error) {
      this.#refuse(error);
    }
    this.#progress();
  };

  readonly #onFailure = (cause: unknown): void => {
    if (this.#ended) return;
    this.#readSettled();
    this.#end(readError(cause, this.#signal), 'at its end');
    this.#progress();
  };

  readonly #onIdle = (): void => {
    this.#stop(idleError(this.#idleTimeoutMs), 'stalled');
  };

  readonly #onSignal = (): void => {
    this.abort(abortError('by its signal', this.#signal?.reason));
  };

  readonly #drive = (): void => {
    if (this.#consumer !== undefined || this.#watchers === undefined) return;
    while (this.take() !== undefined);
    this.read();
  };

  /** Whoever took the event that is being told about goes on by itself, once it holds the event. */
  #progress(): void {
    if (this.#telling) return;
    if (this.#consumer === undefined) this.#drive();
    else this.#consumer.pump();
  }

  #stop(error: StreamError, source: 'left' | 'stalled'): void {
    if (this.#ended) return;
    this.#end(error, source);
    this.#progress();
  }

  /** The reader threw: a broken rule or limit, of which it holds the outcome, or an item that is no chunk. */
  #refuse(error: unknown): void {
    this.#end(error instanceof ProtocolError ? error : readError(error, undefined), 'left');
  }

  /**
   * The one end. A source that we have left is not at its end: what it gave and nobody took stays unread, so that the
   * message is the one of the event that was handed out last.
   */
  #end(error: StreamError | undefined, source: 'at its end' | 'stalled' | 'left'): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#aborted = error instanceof AbortError;
    this.#readSettled();
    this.detach();
    if (source !== 'at its end') this.source.cancel(error);
    try {
      if (source !== 'left') this.#last = this.#reader.endInput(error);
      this.assembler.end(error);
    } catch {
      // Under `strict`, and past a limit, the end throws what the outcome holds.
    }
    if (this.tap.diagnostics.length > 0) this.#tellDiagnostics();
    this.#tellEnd();
  }

  /** A rejection answers for the end unless an iterator is there, or may expect one: an abort is told to both. */
  #tellEnd(): void {
    const watchers = this.#watchers ?? [];
    this.#watchers = undefined;
    const told = watchers.some((watcher) => watcher.rejects === true);
    this.#owed = this.error !== undefined && (this.#aborted || this.#consumer !== undefined || !told);
    for (const watcher of watchers) {
      try {
        watcher.onEnd();
      } catch (thrown) {
        throwApart(thrown);
      }
    }
  }

  #readSettled(): void {
    this.#reading = false;
    if (this.#timer === undefined) return;
    globals().clearTimeout?.(this.#timer);
    this.#timer = undefined;
  }
}

/** What silence is, as the error that the end carries. */
export function idleError(ms: number): IdleTimeoutError {
  const hint = 'if the server may be silent for longer, raise idleTimeoutMs';
  return new IdleTimeoutError(`Cannot read the stream: nothing came for ${ms} ms; ${hint}`);
}

/** What the caller did, as the error that the end carries. */
export function abortError(how: string, cause: unknown): AbortError {
  const message = how === '' ? 'The stream was aborted' : `The stream was aborted ${how}`;
  return new AbortError(message, cause === undefined ? undefined : { cause });
}

/**
 * What a failed read means. One that the caller's signal brought about, or that calls itself an abort, is the caller's
 * doing; an error of ours is passed on; all else is the connection's fault.
 */
function readError(cause: unknown, signal: AbortSignalLike | undefined): StreamError {
  if (cause instanceof StreamError) return cause;
  const { name, detail } = describeFailure(cause);
  if (signal?.aborted === true || name === 'AbortError') return abortError('while it was read', cause);
  return new ConnectionError(`Cannot read the stream: ${detail}`, { cause });
}

/** Anything may be thrown, also what throws again when it is looked at. */
function describeFailure(cause: unknown): { name?: unknown; detail: string } {
  try {
    const { name, message } = (cause ?? {}) as { name?: unknown; message?: unknown };
    return { name, detail: typeof message === 'string' && message !== '' ? message : String(cause) };
  } catch {
    return { detail: 'it failed with a value that has no text' };
  }
}

/** 0 stands for "none". */
function checkTimeout(ms: number | undefined): number {
  if (ms === undefined) return 0;
  if (typeof ms !== 'number' || !(ms > 0)) throw new RangeError(`idleTimeoutMs must be above 0, this is ${String(ms)}`);
  if (globals().setTimeout === undefined) throw new TypeError('idleTimeoutMs needs setTimeout, this runtime has none');
  return Math.min(ms, MAX_TIMER_MS);
}
