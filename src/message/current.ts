/** The message that is being built, as data: what the assembler works on, and its saved form. */

import type { StreamError } from '../errors.ts';
import type { ContentBlock } from '../protocol/blocks.ts';
import type { Wire } from '../protocol/decode.ts';
import type { Message } from '../protocol/message.ts';
import { copyOf } from '../protocol/wire-object.ts';
import { loadError, type SavedOutcome, saveOutcome } from './outcome.ts';
import { fits, homeOf, homesOf, saveSlot, type Slot, viewOf } from './slot.ts';
import type { BlockInfo, Outcome, OutcomeStatus } from './types.ts';

/** The message that is being built. */
export interface Current {
  base: Wire | undefined;
  /** The `base` of `snapshot`: each change makes a new one. */
  shownBase: Wire | undefined;
  /** Whether `base.usage` is an object that nobody else holds. */
  ownUsage: boolean;
  /** In the order of `content` after {@link ordered}; until then a late one may stand at the end. */
  slots: Slot[];
  unordered: boolean;
  /** In order of arrival. */
  at: Map<number, Slot[]>;
  /**
   * The newest block of each index and home, open or not: a late delta may belong to one far back. Only of indexes that
   * were used again: else there is but one.
   */
  latest: Map<string, Slot> | undefined;
  /** In order of arrival. A set, so that closing one does not search for it. */
  open: Set<Slot>;
  newest: Slot | undefined;
  highest: number;
  /** Stopped tool blocks whose input is a prefix of JSON: the stop reason will tell whether it was cut. */
  undecided: Set<Slot> | undefined;
  /** Closed tool blocks to which input came late: parsed again when somebody looks, or something else comes. */
  late: Slot[];
  damagedBy: number | undefined;
  status: OutcomeStatus;
  error: StreamError | undefined;
  finished: boolean;
  /** What has changed since `content` was shown: mostly one block, and then the others need not be asked. */
  touched: Slot | 'several' | undefined;
  content: readonly ContentBlock[];
  snapshot: Message | undefined;
  infos: readonly BlockInfo[] | undefined;
  outcome: Outcome | undefined;
}

/** Before anything of a message has come. */
export function noMessage(): Current {
  return {
    base: undefined,
    shownBase: undefined,
    ownUsage: false,
    slots: [],
    unordered: false,
    at: new Map(),
    latest: undefined,
    open: new Set(),
    newest: undefined,
    highest: -1,
    undecided: undefined,
    late: [],
    damagedBy: undefined,
    status: 'open',
    error: undefined,
    finished: false,
    touched: undefined,
    content: [],
    snapshot: undefined,
    infos: undefined,
    outcome: undefined,
  };
}

/** Adds a slot; its place among the others is found when somebody looks. */
export function addSlot(now: Current, slot: Slot): void {
  if ((last(now.slots)?.index ?? 0) > slot.index) now.unordered = true;
  now.slots.push(slot);
  noteIndex(now, slot);
  now.open.add(slot);
  now.newest = slot;
  if (slot.index > now.highest) now.highest = slot.index;
}

function noteIndex(now: Current, slot: Slot): void {
  const there = now.at.get(slot.index);
  if (there === undefined) return void now.at.set(slot.index, [slot]);
  there.push(slot);
  now.latest ??= new Map();
  for (const each of there.length === 2 ? there : [slot]) {
    for (const home of homesOf(each)) now.latest.set(`${each.index} ${home}`, each);
  }
}

/** The slots as `content` has them: by index, then arrival. */
export function ordered(now: Current): readonly Slot[] {
  if (now.unordered) {
    now.slots.sort((a, b) => a.index - b.index || a.ordinal - b.ordinal);
    now.unordered = false;
  }
  return now.slots;
}

/** Notes that a block is another than `content` shows. */
export function touch(now: Current, slot: Slot | 'several'): void {
  now.touched = now.touched === undefined || now.touched === slot ? slot : 'several';
}

/** Brings `content` up to date: it stays the same list where every block is the one that it shows. */
export function showContent(now: Current): void {
  const { touched, content } = now;
  if (touched === undefined) return;
  now.touched = undefined;
  const slots = ordered(now);
  if (touched === 'several') {
    const shown = slots.map(viewOf);
    // A block that was closed is mostly as it was: then the list, and with it the message, stays the one that was shown.
    if (shown.length === content.length && shown.every((block, k) => block === content[k])) return;
    now.content = shown;
  } else {
    // Slots come in by `several`, so both lists have the same places. The last one is the one that mostly grows.
    const at = slots.lastIndexOf(touched);
    const block = viewOf(touched);
    if (block === content[at]) return;
    const shown = content.slice();
    shown[at] = block;
    now.content = shown;
  }
  now.snapshot = undefined;
}

/**
 * The open slots of one index, in order of arrival. A start closes what is open at its index, so only the newest started
 * one and those implied after it can be open: older ones are not looked at.
 */
export function openAt(there: readonly Slot[] = []): readonly Slot[] {
  if (there.length === 1 && there[0]?.state === 'open') return there;
  const open: Slot[] = [];
  for (let i = there.length - 1; i >= 0; i--) {
    const slot = there[i] as Slot;
    if (slot.state === 'open') open.push(slot);
    if (!slot.implied) break;
  }
  return open.reverse();
}

/** The block of an index that a delta goes to: the newest open one that it fits, else the newest that it fits. */
export function targetAt(now: Current, index: number, deltaType: string): Slot | undefined {
  const there = now.at.get(index);
  if (there === undefined) return undefined;
  const open = openAt(there);
  for (let i = open.length - 1; i >= 0; i--) if (fits(open[i] as Slot, deltaType)) return open[i];
  const [first] = there;
  if (there.length === 1 && first !== undefined) return fits(first, deltaType) ? first : undefined;
  const home = now.latest?.get(`${index} ${homeOf(deltaType)}`);
  const unknown = now.latest?.get(`${index} `);
  return (unknown?.ordinal ?? -1) > (home?.ordinal ?? -1) ? unknown : home;
}

/** The block of an index that a delta of unknown type goes to: the newest open one, else the newest. */
export function newestAt(now: Current, index: number): Slot | undefined {
  const there = now.at.get(index);
  return last(openAt(there)) ?? last(there);
}

export function last<T>(list: readonly T[] = []): T | undefined {
  return list[list.length - 1];
}

/** The newest of all open slots that passes. */
export function newestOpen(now: Current, passes: (slot: Slot) => boolean): Slot | undefined {
  let found: Slot | undefined;
  for (const slot of now.open) if (passes(slot)) found = slot;
  return found;
}

/** The saved form of a {@link Current}: blocks are named by their ordinals. */
export interface SavedCurrent extends Pick<Current, 'base' | 'highest' | 'damagedBy' | 'finished'> {
  slots: Slot[];
  newest: number | undefined;
  undecided: number[];
  late: number[];
  outcome: SavedOutcome;
}

const ordinalOf = (slot: Slot): number => slot.ordinal;

/** The JSON form. */
export function saveCurrent(now: Current, outcome: Outcome): SavedCurrent {
  const { base, highest, damagedBy, finished } = now;
  return {
    base: base && copyOf(base, { content: [] }),
    highest,
    damagedBy,
    finished,
    slots: ordered(now).map(saveSlot),
    newest: now.newest?.ordinal,
    undecided: [...(now.undecided ?? [])].map(ordinalOf),
    late: now.late.map(ordinalOf),
    outcome: saveOutcome(outcome),
  };
}

/** What {@link saveCurrent} saved, when it has come back from JSON: its objects are ours to write. */
export function loadCurrent(saved: SavedCurrent): Current {
  const { base, highest, damagedBy, finished, slots, outcome } = saved;
  const arrived = [...slots].sort((a, b) => a.ordinal - b.ordinal);
  const byOrdinal = new Map(slots.map((slot) => [slot.ordinal, slot]));
  const find = (ordinal: number): Slot => byOrdinal.get(ordinal) as Slot;
  const now: Current = {
    ...noMessage(),
    base,
    highest,
    damagedBy,
    finished,
    slots,
    newest: saved.newest === undefined ? undefined : find(saved.newest),
    open: new Set(arrived.filter((slot) => slot.state === 'open')),
    undecided: new Set(saved.undecided.map(find)),
    late: saved.late.map(find),
    touched: 'several',
    status: outcome.status,
    error: outcome.error && loadError(outcome.error),
  };
  for (const slot of arrived) noteIndex(now, slot);
  return now;
}
