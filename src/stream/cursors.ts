/**
 * What each iterator shows. A cursor takes events from the pump until one brings something; `undefined` means that more
 * must be read, or that there is no more. What an event brings is told by the assembler, not read off the event: so a
 * delta that was not applied is not shown, and text that came in a start is.
 */

import { type Slot, textOf, viewOf } from '../message/slot.ts';
import type { ContentBlock } from '../protocol/blocks.ts';
import type { Delta, StreamEvent } from '../protocol/events.ts';
import type { Pump } from './pump.ts';
import { Queue } from './queue.ts';
import type { Observer } from './tap.ts';

/** Gives the next value that is there without reading. */
export type Cursor<T> = () => T | undefined;

export function eventCursor(pump: Pump): Cursor<StreamEvent> {
  pump.tap.listener = undefined;
  return () => pump.take();
}

/** An event, and the name of the server-sent event that it came in, if it came in one that was named. */
export interface NamedEvent {
  event: StreamEvent;
  name: string | undefined;
}

/** The events with the names they came under, which an event that could not be read does not tell. */
export function namedEventCursor(pump: Pump): Cursor<NamedEvent> {
  pump.tap.listener = undefined;
  return () => {
    const event = pump.take();
    return event && { event, name: pump.eventName };
  };
}

export function textCursor(pump: Pump): Cursor<string> {
  return pieceCursor(pump, 'text', (delta) => (delta.type === 'text_delta' ? delta.text : undefined));
}

export function thinkingCursor(pump: Pump): Cursor<string> {
  return pieceCursor(pump, 'thinking', (delta) => (delta.type === 'thinking_delta' ? delta.thinking : undefined));
}

export function blockCursor(pump: Pump): Cursor<ContentBlock> {
  const closed = new ClosedBlocks();
  pump.tap.listener = closed;
  return () => {
    while (closed.slots.length === 0 && pump.take() !== undefined);
    const slot = pump.aborted ? undefined : closed.slots.shift();
    return slot && viewOf(slot);
  };
}

/** `field` names both a block type and the field of it that grows. */
function pieceCursor(
  pump: Pump,
  field: 'text' | 'thinking',
  read: (delta: Delta) => string | undefined,
): Cursor<string> {
  const pieces = new Pieces(field, read, pump.assembler.blocks.length);
  pump.tap.listener = pieces;
  return () => {
    while (pieces.fresh === '' && pump.take() !== undefined);
    if (pieces.fresh === '' || pump.aborted) return undefined;
    const piece = pieces.fresh;
    pieces.fresh = '';
    return piece;
  };
}

class ClosedBlocks implements Observer {
  readonly slots = new Queue<Slot>();
  delta(): void {}
  closed(slot: Slot): void {
    this.slots.push(slot);
  }
  finished(): void {}
}

/** Collects what blocks of one type gain. A block that is new brings all its text, what its start held included. */
class Pieces implements Observer {
  fresh = '';
  readonly #field: 'text' | 'thinking';
  readonly #read: (delta: Delta) => string | undefined;
  readonly #seen = new WeakSet<Slot>();
  /** Blocks with an ordinal below this were there before we listened: what they held then is not ours to show. */
  #old: number;

  constructor(field: 'text' | 'thinking', read: (delta: Delta) => string | undefined, old: number) {
    this.#field = field;
    this.#read = read;
    this.#old = old;
  }

  delta(slot: Slot, delta: Delta): void {
    if (slot.type === this.#field)
      this.fresh += (this.#isNew(slot) ? textOf(slot, this.#field) : this.#read(delta)) ?? '';
  }

  closed(slot: Slot): void {
    if (slot.type === this.#field && this.#isNew(slot)) this.fresh += textOf(slot, this.#field) ?? '';
  }

  /** Ordinals begin anew with the next message. */
  finished(): void {
    this.#old = 0;
  }

  #isNew(slot: Slot): boolean {
    if (slot.ordinal < this.#old || this.#seen.has(slot)) return false;
    this.#seen.add(slot);
    return true;
  }
}
