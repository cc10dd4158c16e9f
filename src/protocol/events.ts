/**
 * The events of a message stream and the deltas inside them.
 *
 * {@link WireEvent} is what the server sends, closed, so that `switch (event.type)` narrows. {@link StreamEvent} adds
 * {@link UnknownEvent}, which stands for everything else that came, so that nothing is dropped. Two fields are typed closed
 * but may hold unknown types at run time: the start's `content_block` and the delta's `delta`.
 */

import type { ContentBlock, TextCitation } from './blocks.ts';
import type {
  Container,
  ContextManagement,
  InputTransformation,
  Message,
  MessageDeltaUsage,
  StopDetails,
  StopReason,
} from './message.ts';

// --- deltas ---

/** Append `text` to a text block. */
export interface TextDelta {
  type: 'text_delta';
  text: string;
}

/** Append `partial_json` to the raw input text of a tool block. */
export interface InputJsonDelta {
  type: 'input_json_delta';
  /** A piece of JSON text, cut anywhere. The first of a block is nearly always `""`. */
  partial_json: string;
}

/** Add one citation to a text block. */
export interface CitationsDelta {
  type: 'citations_delta';
  citation: TextCitation;
}

/** Append `thinking` to a thinking block. */
export interface ThinkingDelta {
  type: 'thinking_delta';
  /** May be `""`: that is all that comes when the display of thinking is off. */
  thinking: string;
  /** Beta; absent without it. How many tokens came since the last delta, roughly: sum them for a progress bar. */
  estimated_tokens: number | null;
}

/** Set the signature of a thinking block: it replaces, it is not appended. */
export interface SignatureDelta {
  type: 'signature_delta';
  signature: string;
}

/** Set the values of a compaction block. Copy every key but `type`: newer servers may send more than is typed here. */
export interface CompactionDelta {
  type: 'compaction_delta';
  /** `null` if compaction failed. */
  content: string | null;
  /** Absent on older wires. */
  encrypted_content: string | null;
}

/** Append `connector_text` to a connector text block. In no official type; see `ConnectorTextBlock`. */
export interface ConnectorTextDelta {
  type: 'connector_text_delta';
  connector_text: string;
}

/** A change to a block: every type that is known today, and no other, so that `switch (delta.type)` narrows. */
export type Delta =
  TextDelta | InputJsonDelta | CitationsDelta | ThinkingDelta | SignatureDelta | CompactionDelta | ConnectorTextDelta;

/** A delta of a type that is not known here, as it came. */
export interface UnknownDelta {
  type: string;
  [key: string]: unknown;
}

/**
 * Every `type` of {@link Delta}, as data. The record type makes a missing or a surplus entry a compile error.
 * Read it with `Object.hasOwn` or `Object.keys`: a `type` from the wire may well be `constructor`.
 */
export const KNOWN_DELTA_TYPES: Readonly<Record<Delta['type'], true>> = {
  text_delta: true,
  input_json_delta: true,
  citations_delta: true,
  thinking_delta: true,
  signature_delta: true,
  compaction_delta: true,
  connector_text_delta: true,
};

/**
 * Tells whether a delta is of a known type. It looks at `type` alone: fields may still be missing where the wire left
 * them out.
 *
 * @param d - the `delta` of a `content_block_delta`, or anything of that shape
 * @returns `true` for a type of {@link KNOWN_DELTA_TYPES}; in the other branch `d` is an {@link UnknownDelta}
 *
 * @example
 * ```ts
 * import { isKnownDelta } from 'ssemble';
 *
 * isKnownDelta({ type: 'text_delta', text: 'Hi' }); // true
 * isKnownDelta({ type: 'hologram_delta', depth: 3 }); // false
 * ```
 */
export function isKnownDelta(d: Delta | UnknownDelta): d is Delta {
  // hasOwn alone would say yes to ['text_delta']: it turns its key into a string.
  return typeof d.type === 'string' && Object.hasOwn(KNOWN_DELTA_TYPES, d.type);
}

// --- events ---

/** The first event of a message: the message without its content. */
export interface MessageStartEvent {
  type: 'message_start';
  message: Message;
}

/** A block begins. */
export interface ContentBlockStartEvent {
  type: 'content_block_start';
  /** The block's place in the final `content`, from 0. */
  index: number;
  /**
   * The block, with placeholders for what the deltas bring. At run time its type may be unknown: `isKnownBlock` tells.
   * Fields that the wire left out are missing here too.
   */
  content_block: ContentBlock;
}

/** A block grows. */
export interface ContentBlockDeltaEvent {
  type: 'content_block_delta';
  index: number;
  /** At run time its type may be unknown: {@link isKnownDelta} tells. */
  delta: Delta;
}

/** A block ends. May never come for the block that `max_tokens` cut. */
export interface ContentBlockStopEvent {
  type: 'content_block_stop';
  index: number;
}

/** The fields of the message that a {@link MessageDeltaEvent} changes. */
export interface MessageDelta {
  stop_reason: StopReason | null;
  stop_sequence: string | null;
  /** Absent on older wires. */
  stop_details: StopDetails | null;
  /** Absent unless code ran. */
  container: Container | null;
}

/** Changes to the message itself. At least one comes, mostly exactly one near the end. */
export interface MessageDeltaEvent {
  type: 'message_delta';
  delta: MessageDelta;
  /** Compatible servers leave it out in places. */
  usage: MessageDeltaUsage;
  /** Beta; stands beside `delta`, not in it. Absent on most wires. */
  context_management: ContextManagement | null;
  /** Beta; only after a mid-stream fallback. Replaces the value of `message_start`. */
  input_transformations?: InputTransformation[] | null;
}

/** The last event of a message. Bedrock adds `amazon-bedrock-invocationMetrics`. */
export interface MessageStopEvent {
  type: 'message_stop';
}

/** A sign of life, at any place after the response began. The official SDK has no type for it. */
export interface PingEvent {
  type: 'ping';
}

/** What went wrong, as the server says it. */
export interface ErrorBody {
  /** Such as `overloaded_error`. The list grows. */
  type: string;
  message: string;
  /** `null` on native wires where there are none; often absent. */
  details?: { error_code?: string; [key: string]: unknown } | null;
}

/**
 * The request failed after the response had begun (HTTP status 200). In practice the last event; may be the first, on
 * overload. The JSON body of an HTTP error has the same shape.
 */
export interface ErrorEvent {
  type: 'error';
  error: ErrorBody;
  /** Mostly absent inside a stream. */
  request_id?: string | null;
}

/** An event as the server sends it: every type that is known today, and no other. */
export type WireEvent =
  | MessageStartEvent
  | ContentBlockStartEvent
  | ContentBlockDeltaEvent
  | ContentBlockStopEvent
  | MessageDeltaEvent
  | MessageStopEvent
  | PingEvent
  | ErrorEvent;

/**
 * Why an event is {@link UnknownEvent}:
 *
 * - `type`: an object with a `type` that is not known here
 * - `shape`: JSON, but no object, or a known type that lacks a field it cannot do without
 * - `json`: not JSON
 * - `sentinel`: `[DONE]`, which other protocols send at their end
 * - `empty`: no data at all
 */
export type UnknownReason = 'type' | 'shape' | 'json' | 'sentinel' | 'empty';

/** Whatever came that is no {@link WireEvent}. Nothing is dropped: it is handed out in its place, in wire order. */
export interface UnknownEvent {
  type: 'unknown';
  reason: UnknownReason;
  /** The decoded JSON. Present where the data was JSON (`type`, `shape`). */
  wire?: unknown;
  /** The data as it came, every character; for an event that came decoded, its JSON text. */
  raw: string;
}

/**
 * An event as this library hands it out.
 *
 * @example
 * ```ts
 * import type { StreamEvent } from 'ssemble';
 *
 * function describe(event: StreamEvent): string {
 *   switch (event.type) {
 *     case 'content_block_delta':
 *       return event.delta.type;
 *     case 'error':
 *       return event.error.message;
 *     case 'unknown':
 *       return event.reason;
 *     default:
 *       return event.type;
 *   }
 * }
 * describe({ type: 'unknown', reason: 'sentinel', raw: '[DONE]' }); // 'sentinel'
 * ```
 */
export type StreamEvent = WireEvent | UnknownEvent;

/**
 * Every `type` of {@link WireEvent}, as data. The record type makes a missing or a surplus entry a compile error.
 * Read it with `Object.hasOwn` or `Object.keys`: a `type` from the wire may well be `constructor`.
 */
export const KNOWN_EVENT_TYPES: Readonly<Record<WireEvent['type'], true>> = {
  message_start: true,
  content_block_start: true,
  content_block_delta: true,
  content_block_stop: true,
  message_delta: true,
  message_stop: true,
  ping: true,
  error: true,
};
