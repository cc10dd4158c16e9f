/**
 * The body of a request, typed for what the API documents and open for what it will add: a key or a kind of block that is
 * not named here is sent as it is. Shapes fit those of the official SDK, so that its objects can be given.
 */

import type { ContentBlock, TextCitation } from '../protocol/blocks.ts';
import type { CacheControl, ToolDefinition } from '../protocol/tool-definitions.ts';

export type {
  AllowedCaller,
  CacheControl,
  CustomToolDefinition,
  McpToolsetDefinition,
  ToolDefinition,
  ToolInputSchema,
} from '../protocol/tool-definitions.ts';

/** Anything with a `type` that is not known here: a value of a named type, or a literal with whatever keys. */
export type Unlisted = { type: string } | { type: string; [key: string]: unknown };

/** Any other name: lists of names stay open, and an editor still offers those it knows. */
export type Other = string & {};

/** Text of the caller's. */
export interface TextParam {
  type: 'text';
  text: string;
  cache_control?: CacheControl | null;
  citations?: TextCitation[] | Unlisted[] | null;
}

/** Where an image or a document is. */
export type SourceParam =
  | { type: 'base64'; media_type: string; data: string }
  | { type: 'text'; media_type: 'text/plain'; data: string }
  | { type: 'url'; url: string }
  | { type: 'file'; file_id: string }
  | Unlisted;

/** An image. */
export interface ImageParam {
  type: 'image';
  source: SourceParam;
  cache_control?: CacheControl | null;
}

/** A document that can be cited. */
export interface DocumentParam {
  type: 'document';
  source: SourceParam;
  title?: string | null;
  context?: string | null;
  citations?: { enabled?: boolean } | null;
  cache_control?: CacheControl | null;
}

/** What a tool of the caller's gave. */
export interface ToolResultParam {
  type: 'tool_result';
  /** The `id` of the `tool_use` block that asked for it. */
  tool_use_id: string;
  content?: string | (TextParam | ImageParam | DocumentParam | Unlisted)[];
  is_error?: boolean;
  cache_control?: CacheControl | null;
}

/** A block of a turn: the caller's own, or one of an earlier answer, given back as it came. */
export type ContentBlockParam = TextParam | ImageParam | DocumentParam | ToolResultParam | ContentBlock | Unlisted;

/** One turn; `system` is beta, and may stand between the others. */
export type MessageParam =
  | { role: 'user' | 'assistant'; content: string | ContentBlockParam[] }
  | { role: 'system'; content?: string | ContentBlockParam[] }
  | { role: 'system'; [key: string]: unknown };

/** Which tools the model may or must use. */
export type ToolChoice =
  | { type: 'auto'; disable_parallel_tool_use?: boolean }
  | { type: 'any'; disable_parallel_tool_use?: boolean }
  | { type: 'tool'; name: string; disable_parallel_tool_use?: boolean }
  | { type: 'none' };

/** Whether and how the model thinks before it answers. */
export type ThinkingConfig =
  | { type: 'enabled'; budget_tokens: number; display?: 'summarized' | 'omitted' | Other | null }
  | { type: 'adaptive'; display?: 'summarized' | 'omitted' | Other | null }
  | { type: 'between_tools' }
  | { type: 'disabled' }
  | Unlisted;

/** What the API documents. */
export interface KnownMessageParams {
  model: string;
  max_tokens: number;
  messages: MessageParam[];
  system?: string | (TextParam | Unlisted)[];
  tools?: (ToolDefinition | { name: string } | { name: string; [key: string]: unknown } | Unlisted)[];
  tool_choice?: ToolChoice;
  thinking?: ThinkingConfig;
  /** From 0 to 1. */
  temperature?: number;
  top_k?: number;
  top_p?: number;
  stop_sequences?: string[];
  metadata?: { user_id?: string | null };
  service_tier?: 'auto' | 'standard_only' | Other;
  speed?: 'standard' | 'fast' | Other | null;
  cache_control?: CacheControl | null;
  output_config?: {
    effort?: 'low' | 'medium' | 'high' | 'xhigh' | 'max' | Other | null;
    format?: { type: 'json_schema'; schema: { [key: string]: unknown } } | Unlisted | null;
  };
  /** An id, or what to make a container of. */
  container?: string | object | null;
  /** Beta. */
  mcp_servers?: object[];
  /** Beta. */
  context_management?: object | null;
  inference_geo?: string | null;
  /** Sent as `true`, whatever stands here. */
  stream?: boolean;
}

/** What {@link streamMessage} takes: {@link KnownMessageParams}, and any other key. */
export type MessageParams = KnownMessageParams | (KnownMessageParams & { [key: string]: unknown });
