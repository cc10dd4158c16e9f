/**
 * `SseEvent` → `StreamEvent`: JSON, the type, the fields that an event cannot do without. Nothing throws and nothing is
 * dropped: what cannot be read comes out as `unknown` with the data as it came.
 *
 * Which name rules: the data's own `type`. The SSE event name stands in only where the data has none; an `error` name
 * also makes an error of data whose type nobody knows, because errors come in many shapes and none may be missed.
 */

import type { SseEvent } from '../sse/event.ts';
import { readUsual } from './delta.ts';
import type { ErrorEvent, StreamEvent, UnknownReason, WireEvent } from './events.ts';
import { copyOf } from './wire-object.ts';

/** A JSON object that nobody has looked at yet. */
export interface Wire {
  [key: string]: unknown;
}

/** The field of each delta type that must be a string, if it is there and not null. */
export const DELTA_TEXT: Readonly<Record<string, string>> = {
  text_delta: 'text',
  thinking_delta: 'thinking',
  signature_delta: 'signature',
  input_json_delta: 'partial_json',
  connector_text_delta: 'connector_text',
};

/** Whether `value` is a JSON object. */
export function isObject(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Decodes one server-sent event. Never throws.
 *
 * @returns a known wire event, its object just as `JSON.parse` made it; else `{ type: 'unknown', reason, raw }`
 * @example
 * decodeEvent({ event: 'ping', data: '{"type": "ping"}', id: '', named: true }); // { type: 'ping' }
 * const foreign = decodeEvent({ event: 'message', data: '[DONE]', id: '', named: false });
 * foreign; // { type: 'unknown', reason: 'sentinel', raw: '[DONE]' }
 */
export function decodeEvent(sse: SseEvent): StreamEvent {
  return decodeNoting(sse, { nameStoodIn: false });
}

/** What decoding found that the event itself does not tell. */
export interface DecodeNotes {
  /** The data had no `type`: the event name stood in for it. */
  nameStoodIn: boolean;
}

/** {@link decodeEvent}, with notes for the diagnostics; the caller clears and reuses the object. */
export function decodeNoting(sse: SseEvent, notes: DecodeNotes): StreamEvent {
  // Where no name says what to expect, it is most likely a delta.
  return readUsual(sse.named ? sse.event : 'content_block_delta', sse.data) ?? decodeByJson(sse, notes);
}

/** The slow twin: `JSON.parse` for everything. What the fast path gives is what this gives. */
export function decodeByJson(sse: SseEvent, notes: DecodeNotes): StreamEvent {
  const { data } = sse;
  let wire: unknown;
  try {
    wire = JSON.parse(data);
  } catch {
    if (sse.named && sse.event === 'error') return errorEvent({}, data);
    const text = data.trim();
    return unknown(text === '' ? 'empty' : text === '[DONE]' ? 'sentinel' : 'json', data);
  }
  return classify(wire, sse.named ? sse.event : undefined, data, notes);
}

/**
 * The same for an object that is decoded already (from another carrier, or a stored event). A `StreamEvent` comes back
 * as it is.
 *
 * @example
 * toStreamEvent({ type: 'message_stop' }); // { type: 'message_stop' }
 */
export function toStreamEvent(wire: unknown): StreamEvent {
  if (
    isObject(wire) &&
    wire['type'] === 'unknown' &&
    typeof wire['reason'] === 'string' &&
    typeof wire['raw'] === 'string'
  ) {
    return wire as unknown as StreamEvent;
  }
  return classify(wire, undefined, undefined);
}

function classify(wire: unknown, name: string | undefined, data: string | undefined, notes?: DecodeNotes): StreamEvent {
  if (!isObject(wire)) {
    if (name === 'error') return errorEvent({}, typeof wire === 'string' ? wire : (data ?? jsonText(wire)));
    return unknown('shape', data ?? jsonText(wire), wire);
  }
  const type = wire['type'];
  const whole = isWhole(wire, type);
  if (type === 'error' || (whole === undefined && name === 'error')) return errorEvent(wire);
  if (whole === true) return wire as unknown as WireEvent;
  if (whole === undefined && typeof type === 'string') return unknown('type', data ?? jsonText(wire), wire);
  if (type === undefined || type === null) {
    if (name !== undefined && isWhole(wire, name) !== undefined) {
      if (notes !== undefined) notes.nameStoodIn = true;
      return classify(copyOf(wire, { type: name }), name, data);
    }
    const error = wire['error'];
    if (typeof error === 'string' || isObject(error)) return errorEvent(wire);
  }
  return unknown('shape', data ?? jsonText(wire), wire);
}

function unknown(reason: UnknownReason, raw: string, wire?: unknown): StreamEvent {
  return wire === undefined ? { type: 'unknown', reason, raw } : { type: 'unknown', reason, wire, raw };
}

/** For what came decoded: its JSON, or what stands for it where it has none (a cycle, a BigInt, a very deep nest). */
function jsonText(wire: unknown): string {
  try {
    return JSON.stringify(wire) ?? String(wire);
  } catch {
    return typeof wire === 'bigint' ? String(wire) : '[object]';
  }
}

/**
 * Whether an event of this type has what it cannot do without; `undefined` for a type that is not known. A missing or odd
 * `index` is judged where blocks are known.
 */
function isWhole(wire: Wire, type: unknown): boolean | undefined {
  switch (type) {
    case 'message_start': {
      const message = wire['message'];
      if (!isObject(message)) return false;
      const content = message['content'];
      return content === undefined || content === null || (Array.isArray(content) && content.every(isTyped));
    }
    case 'content_block_start':
      return isTyped(wire['content_block']);
    case 'content_block_delta': {
      const delta = wire['delta'];
      if (!isTyped(delta)) return false;
      const field = Object.hasOwn(DELTA_TEXT, delta.type) ? DELTA_TEXT[delta.type] : undefined;
      if (field !== undefined) return typeof (delta[field] ?? '') === 'string';
      return delta.type !== 'citations_delta' || isObject(delta['citation']);
    }
    case 'message_delta':
      return isObject(wire['delta']);
    case 'content_block_stop':
    case 'message_stop':
    case 'ping':
    case 'error':
      return true;
    default:
      return undefined;
  }
}

function isTyped(value: unknown): value is Wire & { type: string } {
  return isObject(value) && typeof value['type'] === 'string';
}

/** An error in whatever shape it came, as the documented one. What is not said is `api_error`, the catch-all type. */
function errorEvent(wire: Wire, text?: string): ErrorEvent {
  const error = wire['error'];
  const said = isObject(error) ? error : {};
  if (wire['type'] === 'error' && typeof said['type'] === 'string' && typeof said['message'] === 'string') {
    return wire as unknown as ErrorEvent;
  }
  const ownType = typeof wire['type'] === 'string' && wire['type'] !== 'error' ? wire['type'] : 'api_error';
  const type = typeof said['type'] === 'string' ? said['type'] : ownType;
  const found = [text, error, said['message'], wire['message']].find((value) => typeof value === 'string');
  const message = found ?? jsonText(error ?? wire);
  return copyOf(wire, { type: 'error', error: copyOf(said, { type, message }) }) as unknown as ErrorEvent;
}
