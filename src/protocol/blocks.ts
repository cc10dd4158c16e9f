/**
 * The content blocks of a message, and what stands inside them.
 *
 * The unions here are closed, so that `switch (block.type)` narrows. They have the shape that the official SDK's beta
 * types give them: what is `null` there is `null` here, what is optional there is optional here. Real servers are less
 * exact: a key typed `X | null` is often absent on the wire. Where that was seen, the comment on the field says so.
 * New block types may come at any time. At run time such a block sits where a {@link ContentBlock} is typed, so code
 * that must not be surprised asks {@link isKnownBlock}.
 */

import type { ToolDefinition } from './tool-definitions.ts';

// --- citations ---

/** A citation of characters in a plain text document. */
export interface CharLocationCitation {
  type: 'char_location';
  cited_text: string;
  /** Which document of the request, from 0. */
  document_index: number;
  document_title: string | null;
  /** First character cited, from 0. */
  start_char_index: number;
  /** One past the last character cited. */
  end_char_index: number;
  /** Absent on every wire seen so far. */
  file_id: string | null;
}

/** A citation of pages in a PDF document. */
export interface PageLocationCitation {
  type: 'page_location';
  cited_text: string;
  /** Which document of the request, from 0. */
  document_index: number;
  document_title: string | null;
  /** First page cited, from 1. */
  start_page_number: number;
  /** One past the last page cited. */
  end_page_number: number;
  /** May be absent on the wire. */
  file_id: string | null;
}

/** A citation of content blocks in a document that was given as blocks. */
export interface ContentBlockLocationCitation {
  type: 'content_block_location';
  cited_text: string;
  /** Which document of the request, from 0. */
  document_index: number;
  document_title: string | null;
  /** First block cited, from 0. */
  start_block_index: number;
  /** One past the last block cited. */
  end_block_index: number;
  /** May be absent on the wire. */
  file_id: string | null;
}

/** A citation of a web page that the web search tool found. */
export interface WebSearchResultLocationCitation {
  type: 'web_search_result_location';
  cited_text: string;
  url: string;
  title: string | null;
  /** Opaque; must go back to the server unchanged. */
  encrypted_index: string;
}

/** A citation of a search result that the caller supplied. */
export interface SearchResultLocationCitation {
  type: 'search_result_location';
  cited_text: string;
  /** The source as the caller named it. */
  source: string;
  title: string | null;
  /** Which search result of the request, from 0. */
  search_result_index: number;
  /** First block cited, from 0. */
  start_block_index: number;
  /** One past the last block cited. */
  end_block_index: number;
}

/** What a text block cites. One `citations_delta` brings one of them. */
export type TextCitation =
  | CharLocationCitation
  | PageLocationCitation
  | ContentBlockLocationCitation
  | WebSearchResultLocationCitation
  | SearchResultLocationCitation;

// --- text and thinking ---

/** Text for the reader. Grows by `text_delta`; `citations` grow by `citations_delta`. */
export interface TextBlock {
  type: 'text';
  /** `""` in the start event. Some compatible servers already put text there. */
  text: string;
  /** Absent in nine of ten start events; `[]` in most others, and then often the first key of the block. */
  citations: TextCitation[] | null;
}

/**
 * The model's reasoning. Grows by `thinking_delta`; one `signature_delta` just before the block's end sets `signature`.
 * Must go back to the server byte for byte. An empty `thinking` with a signature is valid: that is how thinking looks
 * when its display is off.
 */
export interface ThinkingBlock {
  type: 'thinking';
  /** `""` in the start event. */
  thinking: string;
  /** `""` in the start event. Compatible servers leave it out, and never send a signature. */
  signature: string;
}

/** Reasoning that only the server can read. Comes whole in the start event. */
export interface RedactedThinkingBlock {
  type: 'redacted_thinking';
  /** Opaque; must go back to the server unchanged. */
  data: string;
}

// --- tool use ---

/** The model itself made the call. */
export interface DirectCaller {
  type: 'direct';
}

/** Code in the code execution tool made the call (tool version 2025-08-25). */
export interface CodeExecutionCaller20250825 {
  type: 'code_execution_20250825';
  /** The `id` of the `server_tool_use` block whose code it was. */
  tool_id: string;
}

/** Code in the code execution tool made the call (tool version 2026-01-20). */
export interface CodeExecutionCaller20260120 {
  type: 'code_execution_20260120';
  /** The `id` of the `server_tool_use` block whose code it was. */
  tool_id: string;
}

/** Who made a tool call. */
export type ToolCaller = DirectCaller | CodeExecutionCaller20250825 | CodeExecutionCaller20260120;

/**
 * A call of one of the caller's own tools. `input` streams as JSON text in `input_json_delta`s, and the start event holds
 * `{}` in its place. A call made by code (`caller.type` begins with `code_execution`) has its whole input in the start
 * event and no delta.
 */
export interface ToolUseBlock {
  type: 'tool_use';
  id: string;
  name: string;
  /** An object by the rules, but other values come too. Compatible servers leave it out of the start event. */
  input: unknown;
  caller?: ToolCaller;
  /** The toolset that `name` is a member of, such as `computer` or `browser`. */
  toolset_name?: string | null;
}

/** A call of a tool that the server runs. `input` streams like that of a {@link ToolUseBlock}. */
export interface ServerToolUseBlock {
  type: 'server_tool_use';
  id: string;
  name:
    | 'advisor'
    | 'web_search'
    | 'web_fetch'
    | 'code_execution'
    | 'bash_code_execution'
    | 'text_editor_code_execution'
    | 'tool_search_tool_regex'
    | 'tool_search_tool_bm25';
  /** May be absent in the start event. */
  input: { [key: string]: unknown };
  caller?: ToolCaller;
}

/** A call of a tool on an MCP server that the API talks to. `input` streams like that of a {@link ToolUseBlock}. */
export interface McpToolUseBlock {
  type: 'mcp_tool_use';
  id: string;
  name: string;
  server_name: string;
  /** `{}` in the start event. */
  input: unknown;
}

// --- results of server tools: each comes whole in its start event ---

/** One page that a web search found. */
export interface WebSearchResult {
  type: 'web_search_result';
  url: string;
  title: string;
  /** Opaque; must go back to the server unchanged. */
  encrypted_content: string;
  /** How old the page is, as text for people; `null` where it is not known. */
  page_age: string | null;
}

/** Why a web search gave nothing. */
export interface WebSearchToolResultError {
  type: 'web_search_tool_result_error';
  error_code:
    | 'invalid_tool_input'
    | 'unavailable'
    | 'max_uses_exceeded'
    | 'too_many_requests'
    | 'query_too_long'
    | 'request_too_large';
}

/** What a web search gave: a list of pages, or one error object in place of the list. */
export interface WebSearchToolResultBlock {
  type: 'web_search_tool_result';
  /** The `id` of the call. */
  tool_use_id: string;
  content: WebSearchToolResultError | WebSearchResult[];
  caller?: ToolCaller;
}

/** A fetched PDF, as base64. */
export interface Base64PdfSource {
  type: 'base64';
  media_type: 'application/pdf';
  data: string;
}

/** A fetched page, as plain text. */
export interface PlainTextSource {
  type: 'text';
  media_type: 'text/plain';
  data: string;
}

/** Whether a document may be cited. */
export interface CitationConfig {
  enabled: boolean;
}

/** What a web fetch brought. */
export interface FetchedDocument {
  type: 'document';
  source: Base64PdfSource | PlainTextSource;
  title: string | null;
  /** Absent on most wires. */
  citations: CitationConfig | null;
}

/** A web fetch that succeeded. */
export interface WebFetchResult {
  type: 'web_fetch_result';
  url: string;
  content: FetchedDocument;
  /** ISO 8601 time; `null` where it is not known. */
  retrieved_at: string | null;
}

/** Why a web fetch gave nothing. */
export interface WebFetchToolResultError {
  type: 'web_fetch_tool_result_error';
  error_code:
    | 'invalid_tool_input'
    | 'url_too_long'
    | 'url_not_allowed'
    | 'url_not_in_prior_context'
    | 'url_not_accessible'
    | 'unsupported_content_type'
    | 'too_many_requests'
    | 'max_uses_exceeded'
    | 'unavailable'
    | 'content_too_large';
}

/** What a web fetch gave. */
export interface WebFetchToolResultBlock {
  type: 'web_fetch_tool_result';
  /** The `id` of the call. */
  tool_use_id: string;
  content: WebFetchToolResultError | WebFetchResult;
  caller?: ToolCaller;
}

/** A file that the code execution tool made. */
export interface CodeExecutionOutput {
  type: 'code_execution_output';
  file_id: string;
}

/** What a run of code printed and made. Real wires add `abort_reason`, mostly `null`. */
export interface CodeExecutionResult {
  type: 'code_execution_result';
  stdout: string;
  stderr: string;
  return_code: number;
  content: CodeExecutionOutput[];
}

/** The same, with a `stdout` that only the server can read: the code had called the web search tool. */
export interface EncryptedCodeExecutionResult {
  type: 'encrypted_code_execution_result';
  /** Opaque; must go back to the server unchanged. */
  encrypted_stdout: string;
  stderr: string;
  return_code: number;
  content: CodeExecutionOutput[];
}

/** Why a run of code gave nothing. */
export interface CodeExecutionToolResultError {
  type: 'code_execution_tool_result_error';
  error_code: 'invalid_tool_input' | 'unavailable' | 'too_many_requests' | 'execution_time_exceeded';
}

/** What a run of code gave. */
export interface CodeExecutionToolResultBlock {
  type: 'code_execution_tool_result';
  /** The `id` of the call. */
  tool_use_id: string;
  content: CodeExecutionToolResultError | CodeExecutionResult | EncryptedCodeExecutionResult;
}

/** A file that a shell command made. */
export interface BashCodeExecutionOutput {
  type: 'bash_code_execution_output';
  file_id: string;
}

/** What a shell command printed and made. */
export interface BashCodeExecutionResult {
  type: 'bash_code_execution_result';
  stdout: string;
  stderr: string;
  return_code: number;
  content: BashCodeExecutionOutput[];
}

/** Why a shell command gave nothing. */
export interface BashCodeExecutionToolResultError {
  type: 'bash_code_execution_tool_result_error';
  error_code:
    'invalid_tool_input' | 'unavailable' | 'too_many_requests' | 'execution_time_exceeded' | 'output_file_too_large';
}

/** What a shell command gave. */
export interface BashCodeExecutionToolResultBlock {
  type: 'bash_code_execution_tool_result';
  /** The `id` of the call. */
  tool_use_id: string;
  content: BashCodeExecutionToolResultError | BashCodeExecutionResult;
}

/** A file, or part of it, that the text editor showed. */
export interface TextEditorViewResult {
  type: 'text_editor_code_execution_view_result';
  file_type: 'text' | 'image' | 'pdf';
  content: string;
  /** First line shown, from 1. */
  start_line: number | null;
  /** How many lines are shown. */
  num_lines: number | null;
  /** How many lines the file has. */
  total_lines: number | null;
}

/** A file that the text editor wrote. */
export interface TextEditorCreateResult {
  type: 'text_editor_code_execution_create_result';
  /** `true` if the file was there before. */
  is_file_update: boolean;
}

/** A replacement that the text editor made, as one hunk of a diff. */
export interface TextEditorStrReplaceResult {
  type: 'text_editor_code_execution_str_replace_result';
  old_start: number | null;
  old_lines: number | null;
  new_start: number | null;
  new_lines: number | null;
  /** The lines of the hunk, each with its sign. */
  lines: string[] | null;
}

/** Why the text editor did nothing. */
export interface TextEditorToolResultError {
  type: 'text_editor_code_execution_tool_result_error';
  error_code: 'invalid_tool_input' | 'unavailable' | 'too_many_requests' | 'execution_time_exceeded' | 'file_not_found';
  error_message: string | null;
}

/** What the text editor gave. */
export interface TextEditorCodeExecutionToolResultBlock {
  type: 'text_editor_code_execution_tool_result';
  /** The `id` of the call. */
  tool_use_id: string;
  content: TextEditorToolResultError | TextEditorViewResult | TextEditorCreateResult | TextEditorStrReplaceResult;
}

/** A tool that a tool search found. */
export interface ToolReference {
  type: 'tool_reference';
  tool_name: string;
}

/** A tool search that succeeded. */
export interface ToolSearchResult {
  type: 'tool_search_tool_search_result';
  tool_references: ToolReference[];
}

/** Why a tool search gave nothing. */
export interface ToolSearchToolResultError {
  type: 'tool_search_tool_result_error';
  error_code: 'invalid_tool_input' | 'unavailable' | 'too_many_requests' | 'execution_time_exceeded';
  error_message: string | null;
}

/** What a tool search gave. */
export interface ToolSearchToolResultBlock {
  type: 'tool_search_tool_result';
  /** The `id` of the call. */
  tool_use_id: string;
  content: ToolSearchToolResultError | ToolSearchResult;
}

/** The advisor's answer. */
export interface AdvisorResult {
  type: 'advisor_result';
  text: string;
  /** Why the advisor stopped: a value as in the message's own `stop_reason`. Absent on some wires. */
  stop_reason: string | null;
}

/** The advisor's answer in a form that only the server can read. */
export interface AdvisorRedactedResult {
  type: 'advisor_redacted_result';
  /** Opaque; must go back to the server unchanged. */
  encrypted_content: string;
  /** Why the advisor stopped. May be absent on the wire. */
  stop_reason: string | null;
}

/** Why the advisor gave no answer. */
export interface AdvisorToolResultError {
  type: 'advisor_tool_result_error';
  error_code:
    | 'max_uses_exceeded'
    | 'prompt_too_long'
    | 'too_many_requests'
    | 'overloaded'
    | 'unavailable'
    | 'execution_time_exceeded'
    | 'model_not_found';
}

/** What the advisor gave. */
export interface AdvisorToolResultBlock {
  type: 'advisor_tool_result';
  /** The `id` of the call. */
  tool_use_id: string;
  content: AdvisorToolResultError | AdvisorResult | AdvisorRedactedResult;
}

/** What a tool on an MCP server gave. Its text blocks mostly come without `citations`. */
export interface McpToolResultBlock {
  type: 'mcp_tool_result';
  /** The `id` of the call. */
  tool_use_id: string;
  is_error: boolean;
  content: string | TextBlock[];
}

/** A tool as an MCP server describes it. */
export interface McpListedTool {
  name: string;
  description?: string;
  /** A JSON Schema. */
  input_schema: { [key: string]: unknown };
}

/** The tools that an MCP server offered. Goes back to the server unchanged, which then need not ask again. */
export interface McpToolListingBlock {
  type: 'mcp_tool_listing';
  mcp_server_name: string;
  tools: McpListedTool[];
}

// --- everything else ---

/** A file that was put into the container. Comes whole in the start event. */
export interface ContainerUploadBlock {
  type: 'container_upload';
  file_id: string;
}

/** A tool, by its name. */
export interface ToolChangeToolReference {
  type: 'tool_reference';
  name: string;
}

/** A tool on an MCP server, by its name. */
export interface ToolChangeMcpToolReference {
  type: 'mcp_tool_reference';
  name: string;
  server_name: string;
}

/** All tools of an MCP server. */
export interface ToolChangeMcpToolsetReference {
  type: 'mcp_toolset_reference';
  server_name: string;
}

/** A tool, by its whole definition. */
export interface ToolChangeToolDefinition {
  type: 'tool_definition';
  definition: ToolDefinition;
}

/** A tool that came into use in the part that was compacted. */
export interface ToolAddition {
  type: 'tool_addition';
  tool: ToolChangeToolReference | ToolChangeMcpToolReference | ToolChangeMcpToolsetReference | ToolChangeToolDefinition;
}

/** A tool that went out of use in the part that was compacted. */
export interface ToolRemoval {
  type: 'tool_removal';
  tool: ToolChangeToolReference | ToolChangeMcpToolReference | ToolChangeMcpToolsetReference;
}

/**
 * What stands for the earlier conversation from here on. The start event holds a shell of `null`s; one `compaction_delta`
 * brings the values. Goes back to the server unchanged.
 */
export interface CompactionBlock {
  type: 'compaction';
  /** The summary. `null` for good means that compaction failed; the block is valid even then. */
  content: string | null;
  /** Opaque. Absent on older wires. */
  encrypted_content: string | null;
  signature?: string | null;
  tool_changes?: (ToolAddition | ToolRemoval)[] | null;
}

/** One side of a {@link FallbackBlock}. */
export interface FallbackModel {
  model: string;
}

/** What made one model hand over to the next. */
export interface FallbackTrigger {
  type: 'refusal';
  category: 'cyber' | 'bio' | 'frontier_llm' | 'reasoning_extraction' | 'general_harms' | null;
}

/** The place at which one model declined and the next took over. Comes whole in the start event. */
export interface FallbackBlock {
  type: 'fallback';
  /** Who wrote what stands before this block. */
  from: FallbackModel;
  /** Who writes what comes after it. */
  to: FallbackModel;
  /** Absent on older wires. */
  trigger: FallbackTrigger;
}

/**
 * Narration between tool calls. The official pages name it, the official SDK has no type for it; this shape is what
 * programs in the field read. Grows by `connector_text_delta`.
 */
export interface ConnectorTextBlock {
  type: 'connector_text';
  connector_text: string;
}

/**
 * A block of a message's `content`: every type that is known today, and no other, so that `switch (block.type)` narrows.
 *
 * @example
 * ```ts
 * import type { ContentBlock } from 'ssemble';
 *
 * function preview(block: ContentBlock): string {
 *   switch (block.type) {
 *     case 'text':
 *       return block.text;
 *     case 'tool_use':
 *       return block.name;
 *     default:
 *       return block.type;
 *   }
 * }
 * preview({ type: 'text', text: 'Hi', citations: null }); // 'Hi'
 * ```
 */
export type ContentBlock =
  | TextBlock
  | ThinkingBlock
  | RedactedThinkingBlock
  | ToolUseBlock
  | ServerToolUseBlock
  | WebSearchToolResultBlock
  | WebFetchToolResultBlock
  | AdvisorToolResultBlock
  | CodeExecutionToolResultBlock
  | BashCodeExecutionToolResultBlock
  | TextEditorCodeExecutionToolResultBlock
  | ToolSearchToolResultBlock
  | McpToolUseBlock
  | McpToolResultBlock
  | McpToolListingBlock
  | ContainerUploadBlock
  | CompactionBlock
  | FallbackBlock
  | ConnectorTextBlock;

/** A block of a type that is not known here, as it came. */
export interface UnknownBlock {
  type: string;
  [key: string]: unknown;
}

/**
 * Every `type` of {@link ContentBlock}, as data. The record type makes a missing or a surplus entry a compile error.
 * Read it with `Object.hasOwn` or `Object.keys`: a `type` from the wire may well be `constructor`.
 */
export const KNOWN_BLOCK_TYPES: Readonly<Record<ContentBlock['type'], true>> = {
  text: true,
  thinking: true,
  redacted_thinking: true,
  tool_use: true,
  server_tool_use: true,
  web_search_tool_result: true,
  web_fetch_tool_result: true,
  advisor_tool_result: true,
  code_execution_tool_result: true,
  bash_code_execution_tool_result: true,
  text_editor_code_execution_tool_result: true,
  tool_search_tool_result: true,
  mcp_tool_use: true,
  mcp_tool_result: true,
  mcp_tool_listing: true,
  container_upload: true,
  compaction: true,
  fallback: true,
  connector_text: true,
};

/**
 * Tells whether a block is of a known type. It looks at `type` alone: fields may still be missing where the wire left
 * them out.
 *
 * @param b - a block of a message, or anything of that shape
 * @returns `true` for a type of {@link KNOWN_BLOCK_TYPES}; in the other branch `b` is an {@link UnknownBlock}
 *
 * @example
 * ```ts
 * import { isKnownBlock } from 'ssemble';
 *
 * isKnownBlock({ type: 'text', text: 'Hi', citations: null }); // true
 * isKnownBlock({ type: 'hologram', depth: 3 }); // false
 * ```
 */
export function isKnownBlock(b: ContentBlock | UnknownBlock): b is ContentBlock {
  // hasOwn alone would say yes to ['text']: it turns its key into a string.
  return typeof b.type === 'string' && Object.hasOwn(KNOWN_BLOCK_TYPES, b.type);
}
