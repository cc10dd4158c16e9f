/**
 * A stream as a store: one value that is replaced when something changed, and a way to be told. It is what user interfaces
 * ask for (`useSyncExternalStore` of React, and the like elsewhere).
 *
 * How it works. Every event that is taken from the stream makes the published state *stale*; no snapshot is made for that.
 * If somebody is subscribed, a publication is then *due*: in a microtask, or, when the last one is younger than `everyMs`,
 * by a timer for the rest of that time. Only the publication looks at the stream. So what nobody sees is never built, and
 * there is a timer only while something waits for it.
 *
 * Publications wait for a microtask, never run inside the event: all events that are taken in one go (those of one chunk,
 * while nobody iterates) are one publication, a listener may do to the stream whatever it likes, and whoever iterates
 * finds the store as far as the event it holds.
 */

import type { BlockInfo, Outcome } from '../message/types.ts';
import type { Message } from '../protocol/message.ts';
import { globals, MAX_TIMER_MS, throwApart } from './globals.ts';
import { type MessageStream, watchStream } from './message-stream.ts';

/** What a {@link store} may be told. */
export interface StoreOptions {
  /**
   * Milliseconds between two publications, at least; the first change and the end do not wait. `0`, the default: no
   * waiting, every change is published, and those that are read in one go are published together.
   */
  everyMs?: number | undefined;
}

/** What a {@link MessageStore} publishes: a message and what stands beside it, all at the same moment. */
export interface StoreSnapshot {
  /** `undefined` until `message_start` or the first block. */
  readonly message: Message | undefined;
  /** `blocks[k]` describes `message.content[k]`; its `ordinal` is a key for lists. */
  readonly blocks: readonly BlockInfo[];
  /** `open`, or how the message ended; then with the error, unless it is `complete`. */
  readonly outcome: Outcome;
}

/** A stream that can be subscribed to. Both functions are bound: they may be handed on as they are. */
export interface MessageStore {
  /**
   * Calls `listener`, without arguments, after each publication. Gives the way to stop that; to call it twice does no
   * harm. A listener that throws stops neither the stream nor the other listeners: its error is thrown in a job of its
   * own, where the runtime reports it like any uncaught one.
   */
  readonly subscribe: (listener: () => void) => () => void;
  /**
   * What was published last: the same object until the next publication. While nobody is subscribed, and after the end,
   * it is the present state.
   */
  readonly getSnapshot: () => StoreSnapshot;
}

/**
 * Makes a stream a store for a user interface.
 *
 * - The snapshot is `{ message, blocks, outcome }` and not the message alone, because a view needs all three, of the same
 *   moment: under `everyMs`, `stream.blocks` is ahead of the message that was published.
 * - What did not change since the last publication is `===`: each block, `content`, `usage`. So a memoized component of a
 *   block does not render again while another one grows. (The exception is the `input` of a tool block that is open: one
 *   object that grows. The block around it is a new one each time.)
 * - The first change is published at once (a microtask after its event), then at most every `everyMs`, and the end always
 *   and at once, in whatever way the stream ended. An event that changes nothing publishes nothing.
 * - It is a watcher, as `finalMessage()` is: a microtask after the call it drives the stream if nobody iterates, else it
 *   goes along. Subscribing and unsubscribing do not touch the stream; `stream.abort()` stops it. It never rejects: an
 *   error is in `outcome`.
 * - A timer runs only while a change waits for it and somebody is subscribed. Where the runtime has no `setTimeout`, a
 *   change that came too early is published with the next event after `everyMs`, or at the end.
 *
 * In React: `useSyncExternalStore(live.subscribe, live.getSnapshot, live.getSnapshot)`; the third is for the server.
 *
 * @throws TypeError if `tee()` has split the stream: give it one of the halves. RangeError for an `everyMs` that is
 * negative or no number.
 * @example
 * ```ts
 * import { MessageStream, store } from 'ssemble';
 *
 * const stream = MessageStream.fromEvents([
 *   { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
 *   { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
 * ]);
 * const live = store(stream, { everyMs: 50 });
 * const shown: unknown[] = [];
 * live.subscribe(() => {
 *   const { message, outcome } = live.getSnapshot();
 *   shown.push([outcome.status, message?.content[0]]);
 * });
 * // This one is cut off; the snapshot says so.
 * await stream.finalMessage().catch(() => {});
 * console.log(shown[0]); // ['open', { type: 'text', text: '' }]
 * console.log(shown.at(-1)); // ['truncated', { type: 'text', text: 'Hi' }]
 * ```
 */
export function store(stream: MessageStream, options: StoreOptions = {}): MessageStore {
  return new Store(stream, checkInterval(options.everyMs));
}

class Store implements MessageStore {
  readonly #stream: MessageStream;
  readonly #everyMs: number;
  readonly #listeners = new Set<() => void>();
  #snapshot: StoreSnapshot;
  /** Whether the stream has moved on since `#snapshot` was made. */
  #stale = false;
  #ended = false;
  /** What the listeners were told of last. */
  #told: StoreSnapshot;
  #toldAt = -Infinity;
  /** A publication is due in a microtask. */
  #queued = false;
  /** Or when this fires. */
  #timer: unknown;

  constructor(stream: MessageStream, everyMs: number) {
    this.#stream = stream;
    this.#everyMs = everyMs;
    this.#snapshot = this.#told = look(stream);
    watchStream(stream, { onEvent: () => this.#move(), onEnd: () => this.#end() });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    // One function may be subscribed twice; each time it is an entry of its own.
    const entry = (): void => listener();
    if (this.#listeners.size === 0) this.#told = this.#snapshot;
    this.#listeners.add(entry);
    if (this.#stale) this.#schedule();
    return () => {
      this.#listeners.delete(entry);
      if (this.#listeners.size === 0) this.#stopTimer();
    };
  };

  readonly getSnapshot = (): StoreSnapshot => {
    if (this.#ended || this.#listeners.size === 0) this.#refresh();
    return this.#snapshot;
  };

  #move(): void {
    this.#stale = true;
    this.#schedule();
  }

  #end(): void {
    this.#ended = true;
    this.#stopTimer();
    this.#move();
  }

  #schedule(): void {
    if (this.#queued || this.#timer !== undefined || this.#listeners.size === 0) return;
    const elapsed = Date.now() - this.#toldAt;
    // Less than nothing has elapsed when the clock was set back: rather too early than never.
    if (this.#ended || elapsed >= this.#everyMs || elapsed < 0) {
      this.#queued = true;
      void Promise.resolve().then(this.#publish);
    } else this.#timer = globals().setTimeout?.(this.#publish, this.#everyMs - elapsed);
  }

  readonly #publish = (): void => {
    this.#queued = false;
    this.#timer = undefined;
    if (this.#listeners.size === 0) return;
    this.#refresh();
    if (this.#snapshot === this.#told) return;
    this.#told = this.#snapshot;
    this.#toldAt = Date.now();
    for (const listener of Array.from(this.#listeners)) if (this.#listeners.has(listener)) call(listener);
  };

  #refresh(): void {
    if (!this.#stale) return;
    this.#stale = false;
    const next = look(this.#stream);
    const { message, blocks, outcome } = this.#snapshot;
    if (next.message !== message || next.blocks !== blocks || next.outcome !== outcome) this.#snapshot = next;
  }

  #stopTimer(): void {
    if (this.#timer === undefined) return;
    globals().clearTimeout?.(this.#timer);
    this.#timer = undefined;
  }
}

function look(stream: MessageStream): StoreSnapshot {
  return { message: stream.snapshot, blocks: stream.blocks, outcome: stream.outcome };
}

/** Calls a listener so that what it throws is reported and harms nobody else. */
function call(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    throwApart(error);
  }
}

function checkInterval(everyMs: number | undefined): number {
  if (everyMs === undefined) return 0;
  if (typeof everyMs !== 'number' || !(everyMs >= 0)) {
    throw new RangeError(`everyMs must be 0 or more, this is ${String(everyMs)}`);
  }
  return Math.min(everyMs, MAX_TIMER_MS);
}
