/** How `message_start` and `message_delta` change the fields of the message (all but its content). */

import type { MessageDeltaEvent } from '../protocol/events.ts';
import { isObject, type Wire } from '../protocol/decode.ts';
import { copyOf, define } from '../protocol/wire-object.ts';

/** Keys that no event after the start may change. */
const RESERVED: readonly string[] = ['type', 'role', 'content'];

/** The message that content without a start belongs to; the start's keys overwrite it when it comes. */
export function provisionalMessage(): Wire {
  return {
    id: '',
    type: 'message',
    role: 'assistant',
    model: '',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: {},
  };
}

/** The keys of the event that are not merged like those in `delta`: they have a meaning of their own, or are reserved. */
const NOT_SIBLINGS: readonly string[] = ['delta', 'usage', ...RESERVED];

/** A non-null value overwrites; `null` is set only where the key is missing, so that it never erases what was said. */
function mergeInto(target: Wire, source: Wire, skip: readonly string[]): void {
  for (const key of Object.keys(source)) {
    if (skip.includes(key)) continue;
    if ((source[key] ?? undefined) !== undefined || !Object.hasOwn(target, key)) define(target, key, source[key]);
  }
}

/** The keys of a `message_delta` that it may not change, each once. */
export function reservedKeys(event: MessageDeltaEvent): string[] {
  return RESERVED.filter((key) => Object.hasOwn(event.delta, key) || (key !== 'type' && Object.hasOwn(event, key)));
}

/**
 * Merges a `message_delta` into `base`, which is ours to write; {@link reservedKeys} are left out. Counts in `usage` are
 * totals: they overwrite and are never added.
 *
 * @param ownUsage - whether `base.usage` is ours to write as well
 * @returns whether it is afterwards: a `usage` inside `delta` is the event's own object
 */
export function mergeMessageDelta(base: Wire, event: MessageDeltaEvent, ownUsage: boolean): boolean {
  const held = base['usage'];
  mergeInto(base, event.delta as unknown as Wire, RESERVED);
  let own = ownUsage && base['usage'] === held;
  if (isObject(event.usage)) {
    const before = base['usage'];
    const usage: Wire = isObject(before) ? (own ? before : copyOf(before)) : {};
    mergeInto(usage, event.usage, []);
    base['usage'] = usage;
    own = true;
  }
  mergeInto(base, event as unknown as Wire, NOT_SIBLINGS);
  return own;
}

/** Gives a provisional message its start: the start's keys rule, but a `null` does not erase what deltas said. */
export function adoptStart(base: Wire, start: Wire): void {
  for (const key of Object.keys(start)) {
    if (key !== 'content' && (start[key] !== null || (base[key] ?? null) === null)) define(base, key, start[key]);
  }
}
