/** The message that is being built, as data: what the assembler works on, and its saved form. */

import type { StreamError } from '../errors.ts';
import type { ContentBlock } from '../protocol/blocks.ts';
import type { Wire } from '../protocol/decode.ts';
import type { Message } from '../protocol/message.ts';
import { loadError, type SavedOutcome, saveOutcome } from './outcome.ts';
import { loadSlot, type SavedSlot, saveSlot, type Slot } from './slot.ts';
import type { BlockInfo, Outcome, OutcomeStatus } from './types.ts';

/** The message that is being built. */
export interface Current {
  base: Wire | undefined;
  /** The `base` of `snapshot`: each change makes a new one. */
  shownBase: Wire | undefined;
  slots: Slot[];
  at: Map<number, Slot[]>;
  open: Slot[];
  newest: Slot | undefined;
  highest: number;
  /** Stopped tool blocks whose input is a prefix of JSON: the stop reason will tell whether it was cut. */
  undecided: Slot[];
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
    slots: [],
    at: new Map(),
    open: [],
    newest: undefined,
    highest: -1,
    undecided: [],
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

/** Puts a slot in its place: by index, then arrival. */
export function insertSlot(now: Current, slot: Slot): void {
  const { slots } = now;
  let spot = slots.length;
  while (spot > 0 && (slots[spot - 1] as Slot).index > slot.index) spot--;
  if (spot === slots.length) slots.push(slot);
  else slots.splice(spot, 0, slot);
  noteIndex(now, slot);
}

function noteIndex(now: Current, slot: Slot): void {
  const there = now.at.get(slot.index);
  if (there === undefined) now.at.set(slot.index, [slot]);
  else there.push(slot);
}

/** The newest open slot that passes, else the newest that passes. */
export function newestOf(slots: readonly Slot[], passes: (slot: Slot) => boolean): Slot | undefined {
  let closed: Slot | undefined;
  for (let i = slots.length - 1; i >= 0; i--) {
    const slot = slots[i] as Slot;
    if (!passes(slot)) continue;
    if (slot.state === 'open') return slot;
    closed ??= slot;
  }
  return closed;
}

/** The saved form of a {@link Current}: blocks are named by their ordinals. */
export interface SavedCurrent {
  base?: Wire;
  slots: SavedSlot[];
  open: number[];
  newest?: number;
  highest: number;
  undecided: number[];
  damagedBy?: number;
  finished: boolean;
  outcome: SavedOutcome;
}

/** The JSON form. */
export function saveCurrent(now: Current, outcome: Outcome): SavedCurrent {
  const { base, newest, damagedBy } = now;
  return {
    ...(base !== undefined && { base: { ...base, content: [] } }),
    slots: now.slots.map(saveSlot),
    open: now.open.map((slot) => slot.ordinal),
    ...(newest !== undefined && { newest: newest.ordinal }),
    highest: now.highest,
    undecided: now.undecided.map((slot) => slot.ordinal),
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
  now.open = saved.open.map(find);
  now.newest = saved.newest === undefined ? undefined : find(saved.newest);
  now.highest = saved.highest;
  now.undecided = saved.undecided.map(find);
  now.damagedBy = saved.damagedBy;
  now.contentTouched = true;
  now.status = saved.outcome.status;
  now.finished = saved.finished;
  now.error = saved.outcome.error === undefined ? undefined : loadError(saved.outcome.error);
  return now;
}
