/**
 * Two streams → what differs. First their events are put side by side, in units (`units.ts`); then the messages that they
 * make are compared by path. Where one side is a message that was never streamed, only the messages are.
 */

import type { OutcomeStatus } from '../message/types.ts';
import { sideBySide } from './align.ts';
import { type Asked, ASPECTS, comparable, type DiffAspect } from './aspects.ts';
import { type DiffInput, type ReadSide, readSide } from './side.ts';
import { type Unit, unitsOf } from './units.ts';
import { differences, type ValueDifference } from './values.ts';

export { ASPECTS, type DiffAspect } from './aspects.ts';
export type { DiffInput } from './side.ts';

/** What {@link diffStreams} may be told. Everything is left out unless it is asked for. */
export interface DiffOptions extends Partial<Readonly<Record<DiffAspect, boolean>>> {
  /** With `timing`: how many milliseconds apart two events may be and still count as the same. Default 100. */
  withinMs?: number | undefined;
}

/** Two events may be so many milliseconds apart, if times are asked for: less differs from run to run. */
const WITHIN_MS = 100;

/** An event, or neighbouring deltas of one block that were joined. */
export interface DiffedEvent {
  /** Numbers of its first and its last event, from 1. */
  first: number;
  last: number;
  /** What was compared: the event without what was left out. */
  value: unknown;
}

/** One event that differs. */
export interface EventDifference {
  /** `added`: only the second stream has it. `removed`: only the first has it. */
  kind: 'added' | 'removed' | 'changed';
  /** Its type, and that of its delta, block or error: `content_block_delta text_delta`. */
  event: string;
  /** In the first stream; absent if it is not there. */
  a?: DiffedEvent;
  /** In the second stream; absent if it is not there. */
  b?: DiffedEvent;
  /** Where the two differ; empty unless `changed`. A difference in time has the path `ms` or `ms.last`. */
  values: ValueDifference[];
}

/** What one side is. */
export interface DiffSide {
  /** `undefined` for a message that was never streamed. */
  events: number | undefined;
  messages: number;
  /** Of its last message. */
  model: string | undefined;
  /** How the stream ended; `message` for one that was never streamed. */
  status: OutcomeStatus | 'message';
}

/** What differs between two streams. */
export interface StreamDiff {
  /** Nothing differs, but for what was left out. */
  same: boolean;
  /** `messages`: one side has no events. */
  compared: 'events' | 'messages';
  a: DiffSide;
  b: DiffSide;
  /** In the order of the streams. */
  events: EventDifference[];
  /** Between the messages that the streams make, in how they ended (path `outcome`), and what stands there instead (`body`). */
  messages: ValueDifference[];
  /** What was left out: not asked for, or (`timing`) not there. */
  ignored: DiffAspect[];
}

/**
 * Compares two streams, or a stream with a message that was not streamed.
 *
 * Events are aligned, so that one more or one fewer moves nothing else. The white space of JSON and the order of keys are
 * never compared, neither is framing (comments, event names, line ends); `null` and a missing key differ in events, not in
 * messages. Values nested deeper than 512 levels are not looked at.
 *
 * @param a - the first: what was, or what is expected
 * @param b - the second: what is
 * @throws TypeError for what cannot be compared; RangeError for a `withinMs` below 0
 * @example
 * const before = [{ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello world' } }];
 * const cut = ['Hello', ' ', 'there'];
 * const after = cut.map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }));
 * const diff = diffStreams(before, after);
 * diff.same; // false
 * diff.events[0]?.kind; // 'changed'
 * diff.events[0]?.b?.last; // 3
 * diff.events[0]?.values; // [{ kind: 'changed', path: 'delta.text', a: 'Hello world', b: 'Hello there' }]
 * diffStreams(after, after).same; // true
 */
export function diffStreams(a: DiffInput, b: DiffInput, options: DiffOptions = {}): StreamDiff {
  const { withinMs = WITHIN_MS } = options;
  if (!(withinMs >= 0)) throw new RangeError(`withinMs must be 0 or more, this is ${withinMs}`);
  const sides: readonly [ReadSide, ReadSide] = [readSide(a), readSide(b)];
  const timed = sides.every(({ events }) => events?.some(({ us }) => us !== undefined) === true);
  const asked = askedOf(options, timed);
  const both = sides[0].events !== undefined && sides[1].events !== undefined;
  const events = both ? diffEvents(sides, asked, withinMs) : [];
  const messages = diffMessages(sides, asked, both);
  return {
    same: events.length === 0 && messages.length === 0,
    compared: both ? 'events' : 'messages',
    a: sideOf(sides[0]),
    b: sideOf(sides[1]),
    events,
    messages,
    ignored: ALL.filter((aspect) => !asked[aspect]),
  };
}

const ALL = Object.keys(ASPECTS) as DiffAspect[];

function askedOf(options: DiffOptions, timed: boolean): Asked {
  const asked = Object.fromEntries(ALL.map((aspect) => [aspect, options[aspect] === true])) as Record<
    DiffAspect,
    boolean
  >;
  return { ...asked, timing: asked.timing && timed };
}

function sideOf({ events, messages, status }: ReadSide): DiffSide {
  const model: unknown = messages.at(-1)?.model;
  return {
    events: events?.length,
    messages: messages.length,
    model: typeof model === 'string' && model !== '' ? model : undefined,
    status,
  };
}

function diffEvents(sides: readonly [ReadSide, ReadSide], asked: Asked, withinMs: number): EventDifference[] {
  const [x, y] = [unitsOf(sides[0].events ?? [], asked), unitsOf(sides[1].events ?? [], asked)];
  const zero: Zero = asked.timing ? { a: x[0]?.from, b: y[0]?.from, withinMs } : undefined;
  const indexes = new IndexMap();
  return sideBySide(x, y).flatMap((step) => {
    const a = step.a === undefined ? undefined : (x[step.a] as Unit);
    const b = step.b === undefined ? undefined : (y[step.b] as Unit);
    return eventDifference(a, b, indexes, zero);
  });
}

/**
 * Which block of the first stream is which of the second. Where blocks were added before it, a block has another index: that
 * is told once, at its start, and not at each of its deltas.
 */
class IndexMap {
  readonly #map = new Map<unknown, unknown>();

  /** Whether the pair's indexes say something new. */
  differs(a: Unit, b: Unit): boolean {
    if (a.kind.startsWith('content_block_start') && b.kind.startsWith('content_block_start')) {
      this.#map.set(a.index, b.index);
      return a.index !== b.index;
    }
    const expected = this.#map.has(a.index) ? this.#map.get(a.index) : a.index;
    return b.index !== expected;
  }
}

/** When the first unit of each stream came: times count from there, whatever the zero of the captures was. */
type Zero = { a: number | undefined; b: number | undefined; withinMs: number } | undefined;

function eventDifference(a: Unit | undefined, b: Unit | undefined, indexes: IndexMap, zero: Zero): EventDifference[] {
  if (b === undefined) return a === undefined ? [] : [{ kind: 'removed', event: a.kind, a: shown(a), values: [] }];
  if (a === undefined) return [{ kind: 'added', event: b.kind, b: shown(b), values: [] }];
  const moved = indexes.differs(a, b);
  const values = a.key === b.key && !moved ? [] : differences(a.value, b.value);
  const told = moved ? values : values.filter(({ path }) => path !== 'index');
  told.push(...timeDifferences(a, b, zero));
  return told.length === 0 ? [] : [{ kind: 'changed', event: a.kind, a: shown(a), b: shown(b), values: told }];
}

function shown({ first, last, value }: Unit): DiffedEvent {
  return { first, last, value };
}

function timeDifferences(a: Unit, b: Unit, zero: Zero): ValueDifference[] {
  if (zero === undefined) return [];
  return [
    ...timeDifference('ms', since(a.from, zero.a), since(b.from, zero.b), zero.withinMs),
    ...(a.first === a.last && b.first === b.last
      ? []
      : timeDifference('ms.last', since(a.to, zero.a), since(b.to, zero.b), zero.withinMs)),
  ];
}

function since(us: number | undefined, zero: number | undefined): number | undefined {
  return us === undefined || zero === undefined ? undefined : (us - zero) / 1000;
}

function timeDifference(path: string, a: number | undefined, b: number | undefined, within: number): ValueDifference[] {
  if (a === undefined || b === undefined || Math.abs(a - b) <= within) return [];
  return [{ kind: 'changed', path, a, b }];
}

function diffMessages([a, b]: readonly [ReadSide, ReadSide], asked: Asked, both: boolean): ValueDifference[] {
  const [x, y] = [a, b].map(({ messages }) => messages.map((message) => comparable(message, asked, true)));
  const found = differences(x, y).map(({ path, ...rest }) => ({ ...rest, path: shortPath(path, a, b) }));
  return [...found, ...endDifferences(a, b, both), ...bodyDifferences(a, b)] as ValueDifference[];
}

/** Two inputs without events (pages, errors as JSON, anything) are the same only if the same stands in them. */
function bodyDifferences(a: ReadSide, b: ReadSide): ValueDifference[] {
  if (a.events?.length !== 0 || b.events?.length !== 0 || a.body === b.body) return [];
  if (a.body === '') return [{ kind: 'added', path: 'body', b: b.body }];
  if (b.body === '') return [{ kind: 'removed', path: 'body', a: a.body }];
  return [{ kind: 'changed', path: 'body', a: a.body, b: b.body }];
}

/** Nearly every stream has one message: then the path begins inside it. */
function shortPath(path: string, a: ReadSide, b: ReadSide): string {
  const one = a.messages.length === 1 && b.messages.length === 1;
  return one ? path.replace(/^\[0\]\.?/, '') : `messages${path}`;
}

/** How they ended. A message that was never streamed is whole. */
function endDifferences(a: ReadSide, b: ReadSide, both: boolean): ValueDifference[] {
  const [x, y] = [a, b].map(({ status }) => (!both && status === 'message' ? 'complete' : status));
  const status: ValueDifference[] = x === y ? [] : [{ kind: 'changed', path: 'outcome', a: x, b: y }];
  if (a.unfinished === b.unfinished) return status;
  return [...status, { kind: 'changed', path: 'unfinishedEvent', a: a.unfinished, b: b.unfinished }];
}
