/**
 * The `Message` and all that it holds beside its content.
 *
 * Shapes follow the official SDK's beta types. Of the keys typed `X | null`, real wires leave out whatever was added
 * after they were built, so read them as "may be absent". What is always there: `id`, `type`, `role`, `model`,
 * `content`, `stop_reason`, `stop_sequence` and, on native streams, `usage` with its two totals.
 */

import type { ContentBlock } from './blocks.ts';

/**
 * Every known stop reason, as data.
 *
 * - `end_turn`: the model was done
 * - `max_tokens`: cut by the token limit; the last block may have no stop, a tool input may be half
 * - `stop_sequence`: the text in `stop_sequence` came up
 * - `tool_use`: the caller's tools are to be run
 * - `pause_turn`: the server's tool loop hit its limit; send the content back to go on
 * - `compaction`: only the compaction block was wanted
 * - `refusal`: the request was declined; see `stop_details`
 * - `model_context_window_exceeded`: cut by the context window
 */
export const STOP_REASONS = [
  'end_turn',
  'max_tokens',
  'stop_sequence',
  'tool_use',
  'pause_turn',
  'compaction',
  'refusal',
  'model_context_window_exceeded',
] as const;

/** Why the model stopped. Servers may send further values: at run time any string can stand here. */
export type StopReason = (typeof STOP_REASONS)[number];

/** What is known about a refusal. Only where `stop_reason` is `refusal`; `null` on real wires otherwise, or absent. */
export interface StopDetails {
  type: 'refusal';
  /** The policy that was touched; `null` where it has no name. Branch on `stop_reason`, not on this. */
  category: 'cyber' | 'bio' | 'frontier_llm' | 'reasoning_extraction' | 'general_harms' | null;
  /** For people; the wording changes. */
  explanation: string | null;
  /** Beta. A short-lived code that lowers the price of a retry on the fallback model. May be absent. */
  fallback_credit_token: string | null;
  /** Beta. Whether that retry may carry the partial answer as an assistant turn. May be absent. */
  fallback_has_prefill_claim: boolean | null;
  /** Beta. The model that the server suggests for a retry. May be absent. */
  recommended_model: string | null;
}

/** A skill that is loaded in a container. */
export interface ContainerSkill {
  type: 'anthropic' | 'custom';
  skill_id: string;
  version: string;
}

/** The container that ran the code. */
export interface Container {
  id: string;
  /** ISO 8601 time. */
  expires_at: string;
  /** Absent on most wires. */
  skills: ContainerSkill[] | null;
}

// --- usage ---

/** Tokens written to the cache, by how long they live there. */
export interface CacheCreation {
  ephemeral_5m_input_tokens: number;
  ephemeral_1h_input_tokens: number;
}

/** What part of the output tokens went where. Only in the last `message_delta`. */
export interface OutputTokensDetails {
  thinking_tokens: number;
}

/** How often the server's web tools ran. Older wires have only `web_search_requests`. */
export interface ServerToolUsage {
  web_search_requests: number;
  web_fetch_requests: number;
}

/** The fallback credit was used. */
export interface FallbackCreditRedeemed {
  type: 'redeemed';
}

/** The fallback credit was not used, and why. */
export interface FallbackCreditNotApplied {
  type: 'not_applied';
  reason:
    | 'body_mismatch'
    | 'continuation_excluded'
    | 'continuation_only'
    | 'expired'
    | 'invalid_target_model'
    | 'not_enabled'
    | 'reprice_unavailable'
    | 'temporarily_unavailable'
    | 'variant_fields_present'
    | 'wrong_organization'
    | 'wrong_platform'
    | 'wrong_workspace';
  /** Which request fields to take out before a retry. Only with `variant_fields_present`. */
  remove_to_redeem?: string[] | null;
}

/** What became of the `fallback_credit_token` of the request. */
export interface FallbackCredit {
  status: FallbackCreditRedeemed | FallbackCreditNotApplied;
}

/** The counters that every kind of iteration has. */
export interface IterationTokens {
  input_tokens: number;
  output_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
  cache_creation: CacheCreation | null;
}

/** One sampling of the model itself. */
export interface MessageIteration extends IterationTokens {
  type: 'message';
  /** Absent on most wires. */
  model: string | null;
}

/** One compaction. Its tokens are not in the totals of {@link Usage}. */
export interface CompactionIteration extends IterationTokens {
  type: 'compaction';
}

/** One sampling of the advisor. */
export interface AdvisorMessageIteration extends IterationTokens {
  type: 'advisor_message';
  model: string;
}

/** One sampling of a fallback model. Its presence is the sign that a fallback model served the message. */
export interface FallbackMessageIteration extends IterationTokens {
  type: 'fallback_message';
  model: string;
}

/** One step of the work behind a message, with its own counters. */
export type Iteration = MessageIteration | CompactionIteration | AdvisorMessageIteration | FallbackMessageIteration;

/**
 * What a message cost, in tokens. All input is the sum of `input_tokens`, `cache_creation_input_tokens` and
 * `cache_read_input_tokens`.
 */
export interface Usage {
  input_tokens: number;
  /** In `message_start` a small first number, not a total. */
  output_tokens: number;
  /** Absent on older and Bedrock wires. */
  cache_creation_input_tokens: number | null;
  /** Absent on older and Bedrock wires. */
  cache_read_input_tokens: number | null;
  /** Only in `message_start`; absent on older wires. */
  cache_creation: CacheCreation | null;
  /** Absent unless a server tool ran. */
  server_tool_use: ServerToolUsage | null;
  /** Comes with the last `message_delta`, if at all. */
  output_tokens_details: OutputTokensDetails | null;
  /** Often absent. */
  service_tier: 'standard' | 'priority' | 'batch' | null;
  /** Often absent. */
  inference_geo: string | null;
  /** Mostly absent. */
  speed: 'standard' | 'fast' | null;
  /** Beta. Mostly absent. */
  iterations: Iteration[] | null;
  /** Beta. Only where the request carried a `fallback_credit_token`. */
  fallback_credit: FallbackCredit | null;
}

/**
 * The usage of a `message_delta`: totals of the whole message so far. They overwrite, they are never added. Only
 * `output_tokens` is always there; newer native wires repeat the input and cache counts.
 */
export interface MessageDeltaUsage {
  output_tokens: number;
  /** Absent on older, Vertex and Bedrock wires. May be larger than at the start: server tools add input. */
  input_tokens: number | null;
  /** Absent on older, Vertex and Bedrock wires. */
  cache_creation_input_tokens: number | null;
  /** Absent on older, Vertex and Bedrock wires. */
  cache_read_input_tokens: number | null;
  /** Absent unless a server tool ran. */
  server_tool_use: ServerToolUsage | null;
  /** Absent unless the model thought. */
  output_tokens_details: OutputTokensDetails | null;
  /** Beta. Mostly absent. */
  iterations: Iteration[] | null;
  /** Beta. Only where the request carried a `fallback_credit_token`. */
  fallback_credit: FallbackCredit | null;
}

// --- what the server did to the request ---

/** Old tool uses were dropped from the context. */
export interface ClearToolUsesEdit {
  type: 'clear_tool_uses_20250919';
  cleared_tool_uses: number;
  cleared_input_tokens: number;
}

/** Old thinking was dropped from the context. */
export interface ClearThinkingEdit {
  type: 'clear_thinking_20251015';
  cleared_thinking_turns: number;
  cleared_input_tokens: number;
}

/** How the server edited the context. Comes with the last `message_delta`, beside its `delta`. */
export interface ContextManagement {
  applied_edits: (ClearToolUsesEdit | ClearThinkingEdit)[];
}

/** Why the prompt cache could not be used, and how much that cost. */
export interface CacheMissChanged<Type extends string> {
  type: Type;
  cache_missed_input_tokens: number;
}

/** Why the prompt cache could not be used, where no number is known. */
export interface CacheMissUnmeasured<Type extends string> {
  type: Type;
}

/** Why the prompt cache could not be used in full. */
export type CacheMissReason =
  | CacheMissChanged<'model_changed'>
  | CacheMissChanged<'system_changed'>
  | CacheMissChanged<'tools_changed'>
  | CacheMissChanged<'messages_changed'>
  | CacheMissUnmeasured<'previous_message_not_found'>
  | CacheMissUnmeasured<'unavailable'>;

/** What the server says about the prompt cache. Only in `message_start`. */
export interface Diagnostics {
  /** `null` while the server has not found out. */
  cache_miss_reason: CacheMissReason | null;
}

/** What did not match about a thinking block that the request sent back. */
export type ThinkingMismatch =
  'model_binding_mismatch' | 'prefix_binding_mismatch' | 'organization_binding_mismatch' | 'end_user_binding_mismatch';

/** A thinking block of the request was left out. */
export interface ThinkingDropped {
  type: 'thinking_dropped';
  /** Where it was: `messages.{i}.content.{j}`, both from 0. */
  path: string;
  reason: ThinkingMismatch;
}

/** A thinking block of the request does not match, and was used all the same. */
export interface ThinkingMismatchAllowed {
  type: 'thinking_mismatch_allowed';
  /** Where it is: `messages.{i}.content.{j}`, both from 0. */
  path: string;
  reason: ThinkingMismatch;
}

/** One change that the server made to the request before it used it. */
export type InputTransformation = ThinkingDropped | ThinkingMismatchAllowed;

// --- the message ---

/**
 * A message, exactly as the API gives it without streaming; `message_start` brings it without its content.
 *
 * Nothing about how it arrived is in here. At run time, unknown keys, blocks and stop reasons are kept as they came;
 * {@link isKnownBlock} (in `blocks.ts`) tells known blocks from others.
 *
 * @example
 * ```ts
 * import { type Message, parseMessage } from 'ssemble';
 *
 * function textOf(message: Message): string {
 *   let text = '';
 *   for (const block of message.content) if (block.type === 'text') text += block.text;
 *   return text;
 * }
 * const start = 'data: {"type":"message_start","message":{"content":[{"type":"text","text":"Hi"}]}}\n\n';
 * textOf(parseMessage(start + 'data: {"type":"message_stop"}\n\n')); // 'Hi'
 * ```
 */
export interface Message {
  id: string;
  type: 'message';
  role: 'assistant';
  /** After a mid-stream fallback the name of the model that took over. */
  model: string;
  /**
   * `[]` in `message_start`. One exception: when a programmatic tool call resumes, it already holds the whole `tool_use`
   * and no block events follow.
   */
  content: ContentBlock[];
  /** `null` in `message_start`, but for the same exception. */
  stop_reason: StopReason | null;
  /** The sequence that was met, where `stop_reason` is `stop_sequence`. */
  stop_sequence: string | null;
  /** Absent on older wires. */
  stop_details: StopDetails | null;
  /** Absent unless code ran. */
  container: Container | null;
  /** Mostly absent. */
  diagnostics: Diagnostics | null;
  /** Compatible servers leave it out in places; native ones do not. */
  usage: Usage;
  /** Beta. Mostly absent. */
  context_management: ContextManagement | null;
  /** Beta. */
  input_transformations?: InputTransformation[] | null;
}
