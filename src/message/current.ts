/** The message that is being built, as data: what the assembler works on, and its saved form. */

import type { StreamError } from '../errors.ts';
import type { ContentBlock } from '../protocol/blocks.ts';
import type { Wire } from '../protocol/decode.ts';
import type { Message } from '../protocol/message.ts';
import { loadError, type SavedOutcome, saveOutcome } from './outcome.ts';
import { fits, homeOf, homesOf, loadSlot, type SavedSlot, saveSlot, type Slot } from './slot.ts';
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
  at: Map<number, Slot[]>;
  /** The newest block of each index and home, open or not: a late delta may belong to one far back. */
  latest: Map<string, Slot>;
  /** In order of arrival. A set, so that closing one does not search for it. */
  open: Set<Slot>;
  newest: Slot | undefined;
  highest: number;
  /** Stopped tool blocks whose input is a prefix of JSON: the stop reason will tell whether it was cut. */
  undecided: Set<Slot>;
  /** Closed tool blocks to which input came late: parsed again when somebody looks, or something else comes. */
  late: Set<Slot>;
  damagedBy: number | undefined;
  status: OutcomeStatus;
  error: StreamError | undefined;
  finished: boolean;
  contentTouched: boolean;
  content: ContentBlock[];
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
    latest: new Map(),
    open: new Set(),
    newest: undefined,
    highest: -1,
    undecided: new Set(),
    late: new Set(),
    damagedBy: undefined,
    status: 'open',
    error: undefined,
    finished: false,
    contentTouched: false,
    content: [],
    snapshot: undefined,
    infos: undefined,
    outcome: undefined,
  };
}

/** Adds a slot; its place among the others is found when somebody looks. */
export function addSlot(now: Current, slot: Slot): void {
  const last = now.slots[now.slots.length - 1];
  if (last !== undefined && last.index > slot.index) now.unordered = true;
  now.slots.push(slot);
  noteIndex(now, slot);
  now.open.add(slot);
  now.newest = slot;
  if (slot.index > now.highest) now.highest = slot.index;
}

function noteIndex(now: Current, slot: Slot): void {
  const there = now.at.get(slot.index);
  if (there === undefined) now.at.set(slot.index, [slot]);
  else there.push(slot);
  for (const home of homesOf(slot)) now.latest.set(`${slot.index} ${home}`, slot);
}

/** The slots as `content` has them: by index, then arrival. */
export function ordered(now: Current): readonly Slot[] {
  if (now.unordered) {
    now.slots.sort((a, b) => a.index - b.index || a.ordinal - b.ordinal);
    now.unordered = false;
  }
  return now.slots;
}

/**
 * The open slots of one index, in order of arrival. A start closes what is open at its index, so only the newest started
 * one and those implied after it can be open: older ones are not looked at.
 */
export function openAt(there: readonly Slot[]): Slot[] {
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
  const open = openAt(now.at.get(index) ?? []);
  for (let i = open.length - 1; i >= 0; i--) if (fits(open[i] as Slot, deltaType)) return open[i];
  const fitting = now.latest.get(`${index} ${homeOf(deltaType)}`);
  const unknown = now.latest.get(`${index} `);
  return (unknown?.ordinal ?? -1) > (fitting?.ordinal ?? -1) ? unknown : fitting;
}

/** The block of an index that a delta of unknown type goes to: the newest open one, else the newest. */
export function newestAt(now: Current, index: number): Slot | undefined {
  const there = now.at.get(index) ?? [];
  return openAt(there).pop() ?? there[there.length - 1];
}

/** The newest of all open slots that passes. */
export function newestOpen(now: Current, passes: (slot: Slot) => boolean): Slot | undefined {
  let found: Slot | undefined;
  for (const slot of now.open) if (passes(slot)) found = slot;
  return found;
}

/** The saved form of a {@link Current}: blocks are named by their ordinals. */
export interface SavedCurrent {
  base?: Wire;
  slots: SavedSlot[];
  open: number[];
  newest?: number;
  highest: number;
  undecided: number[];
  late: number[];
  damagedBy?: number;
  finished: boolean;
  outcome: SavedOutcome;
}

/** The JSON form. */
export function saveCurrent(now: Current, outcome: Outcome): SavedCurrent {
  const { base, newest, damagedBy } = now;
  return {
    ...(base !== undefined && { base: { ...base, content: [] } }),
    slots: ordered(now).map(saveSlot),
    open: [...now.open].map((slot) => slot.ordinal),
    ...(newest !== undefined && { newest: newest.ordinal }),
    highest: now.highest,
    undecided: [...now.undecided].map((slot) => slot.ordinal),
    late: [...now.late].map((slot) => slot.ordinal),
    ...(damagedBy !== undefined && { damagedBy }),
    finished: now.finished,
    outcome: saveOutcome(outcome),
  };
}

/** What {@link saveCurrent} saved. */
export function loadCurrent(saved: SavedCurrent): Current {
  const now = noMessage();
  now.base = saved.base;
  now.slots = saved.slots.map(loadSlot);
  const byOrdinal = new Map(now.slots.map((slot) => [slot.ordinal, slot]));
  const find = (ordinal: number): Slot => byOrdinal.get(ordinal) as Slot;
  for (const slot of [...now.slots].sort((a, b) => a.ordinal - b.ordinal)) noteIndex(now, slot);
  now.open = new Set(saved.open.map(find));
  now.newest = saved.newest === undefined ? undefined : find(saved.newest);
  now.highest = saved.highest;
  now.undecided = new Set(saved.undecided.map(find));
  now.late = new Set(saved.late.map(find));
  now.damagedBy = saved.damagedBy;
  now.contentTouched = true;
  now.status = saved.outcome.status;
  now.finished = saved.finished;
  now.error = saved.outcome.error === undefined ? undefined : loadError(saved.outcome.error);
  return now;
}
