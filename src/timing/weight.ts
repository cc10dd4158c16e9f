/**
 * How much an event weighs: is it content, progress, or only a sign of life?
 *
 * Source of the rule: OpenTelemetry's conventions for generative AI (`gen_ai.client.operation.time_to_first_chunk`,
 * `time_per_output_chunk`): text, reasoning and tool calls are output, notifications are not. Real streams begin every
 * tool input with `partial_json: ""`, and hidden thinking is one `thinking: ""`: an empty delta is no output.
 */

import { DELTA_TEXT, isObject, type Wire } from '../protocol/decode.ts';
import type { StreamEvent } from '../protocol/events.ts';

/**
 * `content`: a piece of the answer. `progress`: the message goes on, but brings no content (its start, the start of an
 * empty block, a signature, a stop). `life`: the connection lives, the message does not go on (a ping, an empty delta, an
 * event that nobody knows).
 */
export type EventWeight = 'content' | 'progress' | 'life';

/** Deltas that seal or describe a block and are no part of the answer. */
const SEALS: ReadonlySet<unknown> = new Set(['signature_delta']);

/**
 * Weighs one event.
 *
 * @example
 * weightOf({ type: 'ping' }); // 'life'
 * weightOf({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } }); // 'content'
 * weightOf({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: '' } }); // 'life'
 */
export function weightOf(event: StreamEvent): EventWeight {
  switch (event.type) {
    case 'ping':
    case 'unknown':
      return 'life';
    case 'content_block_delta':
      return weightOfDelta(event.delta as unknown as Wire);
    case 'content_block_start':
      return hasContent(event.content_block) ? 'content' : 'progress';
    case 'message_start': {
      const content: unknown = event.message.content;
      return Array.isArray(content) && content.some(hasContent) ? 'content' : 'progress';
    }
    default:
      return 'progress';
  }
}

function weightOfDelta(delta: Wire): EventWeight {
  const { type } = delta;
  const field = typeof type === 'string' && Object.hasOwn(DELTA_TEXT, type) ? DELTA_TEXT[type] : undefined;
  if (field !== undefined && isEmpty(delta[field])) return 'life';
  return SEALS.has(type) ? 'progress' : 'content';
}

/** Whether a block begins with content: one that grows begins empty, any other came whole. */
function hasContent(block: unknown): boolean {
  if (!isObject(block)) return false;
  const { type } = block;
  if (type === 'text' || type === 'thinking' || type === 'connector_text') return !isEmpty(block[type]);
  if (type === 'compaction') return !isEmpty(block['content']);
  if (typeof type === 'string' && type.endsWith('tool_use')) return !isEmpty(block['input']);
  return true;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (isObject(value) && Object.keys(value).length === 0);
}

/** Whether a reader of the answer sees new text with this event: not thinking, not tool input, not empty. */
export function showsText(event: StreamEvent): boolean {
  switch (event.type) {
    case 'content_block_delta':
      return event.delta.type === 'text_delta' && !isEmpty(event.delta.text);
    case 'content_block_start':
      return isText(event.content_block);
    case 'message_start': {
      const content: unknown = event.message.content;
      return Array.isArray(content) && content.some(isText);
    }
    default:
      return false;
  }
}

function isText(block: unknown): boolean {
  return isObject(block) && block['type'] === 'text' && !isEmpty(block['text']);
}
