/** What a row says: the words for an event, its family (which has a colour), and a preview of its content. */

import type { StreamEvent, UnknownReason } from '../protocol/events.ts';
import { type Entry, wireIndex } from './entries.ts';

/** What an event or a block is about. Each family has a colour and a name; colours never tell anything alone. */
export type Family = 'text' | 'thinking' | 'tool' | 'result' | 'other' | 'message' | 'ping' | 'error' | 'unknown';

/** The longest preview, in characters: a row is cut by its width long before. */
const PREVIEW = 300;
/** Stands for what is nested too deep. */
const DEEP = '{…}';

/**
 * The value as JSON; `undefined` if it is nested too deep for that: reading JSON has no such limit, so the wire may hold it.
 */
export function jsonText(value: unknown, indent?: number): string | undefined {
  try {
    return JSON.stringify(value, undefined, indent);
  } catch {
    return undefined;
  }
}

/** What turns the direction of the text around it: embeddings, overrides, isolates. */
const TURNS = /[\u061c\u202a-\u202e\u2066-\u2069]/g;

/**
 * The text with the characters that turn its direction as `\u` escapes: what they hide must be seen. Arabic and Hebrew need
 * none of them.
 *
 * @example
 * upright('a\u202eb'); // 'a\\u202eb'
 */
export function upright(line: string): string {
  return line.replace(TURNS, (turn) => `\\u${turn.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * The family of a block by its type.
 *
 * @example
 * familyOfBlock('web_search_tool_result'); // 'result'
 */
export function familyOfBlock(type: string): Family {
  if (type === 'text' || type === 'connector_text') return 'text';
  if (type.includes('thinking')) return 'thinking';
  if (type.endsWith('tool_use')) return 'tool';
  return type.endsWith('_result') ? 'result' : 'other';
}

/** The family of an event; what concerns a block has that of the block. */
export function familyOf({ event, ordinal }: Entry, blockType: string | undefined): Family {
  if (event === undefined) return 'message';
  if (event.type === 'ping' || event.type === 'error' || event.type === 'unknown') return event.type;
  return ordinal >= 0 && blockType !== undefined ? familyOfBlock(blockType) : 'message';
}

/** The type on the wire, as far as there is one; of a delta, the delta's. */
export function typeName(event: StreamEvent | undefined): string {
  if (event === undefined) return 'end';
  if (event.type === 'content_block_delta') return text(fields(event.delta)['type']) || event.type;
  return event.type === 'unknown' ? text(fields(event.wire)['type']) || 'unknown' : event.type;
}

/** The index as it came, to be shown. */
export function indexText(event: StreamEvent | undefined): string {
  const index = event && wireIndex(event);
  return index === undefined ? '' : clipped(typeof index === 'number' ? String(index) : (jsonText(index) ?? DEEP), 12);
}

/** One line of what the event brings; text with its quotes and escapes, so that spaces and line ends can be seen. */
export function preview(event: StreamEvent): string {
  switch (event.type) {
    case 'message_start':
      return words(text(event.message.id), text(event.message.model), tokens(event.message.usage));
    case 'content_block_start':
      return blockPreview(fields(event.content_block));
    case 'content_block_delta':
      return deltaPreview(fields(event.delta));
    case 'message_delta':
      return words(text(fields(event.delta)['stop_reason']), tokens(event.usage));
    case 'error':
      return clipped(words(text(event.error.type), text(event.error.message)), PREVIEW);
    case 'unknown':
      return clipped(words(REASONS[event.reason], event.raw), PREVIEW);
    default:
      return '';
  }
}

const REASONS: Readonly<Record<UnknownReason, string>> = {
  type: 'unknown type:',
  shape: 'no valid event:',
  json: 'not JSON:',
  sentinel: 'sentinel:',
  empty: 'no data',
};

function blockPreview(block: Readonly<Record<string, unknown>>): string {
  const { type, name, id } = block;
  const rest = Object.entries(block).filter(([key, value]) => !NAMED.has(key) && !isEmpty(value));
  const tail = rest.length === 0 ? '' : (jsonText(Object.fromEntries(rest)) ?? DEEP);
  return clipped(words(text(type), text(name), text(id), tail), PREVIEW);
}

const NAMED: ReadonlySet<string> = new Set(['type', 'name', 'id']);

function isEmpty(value: unknown): boolean {
  return value === '' || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

function deltaPreview(delta: Readonly<Record<string, unknown>>): string {
  const { type: _, ...rest } = delta;
  const values = Object.values(rest);
  const [only] = values;
  if (values.length !== 1 || typeof only !== 'string') return clipped(jsonText(rest) ?? DEEP, PREVIEW);
  return JSON.stringify(clipped(only, PREVIEW));
}

function tokens(usage: unknown): string {
  const { input_tokens: input, output_tokens: output } = fields(usage);
  return words(typeof input === 'number' ? `in ${input}` : '', typeof output === 'number' ? `out ${output}` : '');
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function words(...all: string[]): string {
  return all.filter((word) => word !== '').join(' ');
}

function clipped(value: string, length: number): string {
  return value.length > length ? `${value.slice(0, length)}…` : value;
}
