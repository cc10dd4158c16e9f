/** What diagnostics say where the code alone does not: one sentence each, what was found and how it was read. */

import type { DiagnosticCode } from '../protocol/codes.ts';
import type { UnknownEvent } from '../protocol/events.ts';
import type { Phase } from '../protocol/order.ts';
import { type Current, last } from './current.ts';
import type { Slot } from './slot.ts';
import type { At } from './types.ts';

/** What the order's own codes say; the rest is said where it is found. */
export const ORDER_MESSAGES: Partial<Record<DiagnosticCode, (type: string) => string>> = {
  'content-before-start': (type) =>
    type === 'message_stop'
      ? 'message_stop came before any message: there is nothing to stop'
      : `${type} came before message_start: put into a provisional message`,
  'missing-message-start': () => 'The message stopped or failed without a message_start',
  'duplicate-message-start': () => 'message_start came again with the same id: ignored',
  'spliced-message-start': () =>
    'A message_start with another id came before message_stop: the first message is cut off',
  'further-message': () => 'Another message follows in the same stream',
  'event-after-stop': (type) => `${type} came after message_stop: not applied`,
  'noise-after-stop': (type) => `${type} came after message_stop: ignored`,
  'event-after-error': (type) =>
    type === 'message_stop' || type === 'error'
      ? `${type} came after an error: the outcome stays`
      : `${type} came after an error: applied, the outcome stays`,
};

/** For a delta that no open block of its index takes; `stands` is the column of the block order. */
export function deltaMessage(stands: string, index: number, type: string, there: readonly Slot[] | undefined): string {
  if (stands === 'none') return `Cannot append ${type} to block ${index}: it has no start; put into an implied block`;
  if (stands === 'closed') return `${type} came after the stop of block ${index}: applied to it`;
  return `Cannot append ${type} to block ${index}: block is ${last(there)?.type}; put into an implied block`;
}

/** For a stream that ended before `message_stop`: how far it had come. */
export function truncatedMessage(now: Current, phase: Phase): string {
  if (now.base === undefined) return 'The stream ended before it began: no message_start came';
  const blocks = now.slots.length === 1 ? '1 block' : `${now.slots.length} blocks`;
  const newest = [...now.open].pop();
  const open = newest === undefined ? '' : `, block ${newest.index} open`;
  return `The stream ended before message_stop (${phase === 'provisional' ? 'no message_start, ' : ''}${blocks}${open})`;
}

/** `event 14, byte 2213`, with what is known of it. */
export function place(at: At): string {
  return at.byte === undefined ? `event ${at.event}` : `event ${at.event}, byte ${at.byte}`;
}

/** A value of the wire in a message. It may be anything: an object with a `toString` of its own has no text. */
export function show(value: unknown): string {
  if (typeof value !== 'object' || value === null) return clip(String(value));
  return Array.isArray(value) ? 'an array' : 'an object';
}

/** A name of the wire, not more of it than a message can bear. */
export function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Says of an index that it is none. */
export function badIndex(index: unknown): string {
  if (index === undefined) return 'There is no index';
  return `Index ${typeof index === 'string' ? JSON.stringify(clip(index)) : show(index)} is no block index`;
}

/** Why the data of an event could not be read. */
export function unreadable(event: UnknownEvent): string {
  if (event.reason === 'json') return 'Cannot read an event: its data is not JSON';
  const { wire } = event;
  if (typeof wire !== 'object' || wire === null || Array.isArray(wire)) {
    return `Cannot read an event: its data is ${show(wire)}, not an object`;
  }
  const { type } = wire as { type?: unknown };
  if (type === undefined) return 'Cannot read an event: its data has no type';
  if (typeof type !== 'string') return `Cannot read an event: its type is ${show(type)}`;
  return `Cannot read an event: its data lacks a field that ${clip(type)} cannot do without`;
}
