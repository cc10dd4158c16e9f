/**
 * Tool definitions as a response can hold them: in the `tool_changes` of a compaction block, and nowhere else.
 *
 * They are an entry of the request's `tools`, given back. A program has no reason to look inside (the block goes back to
 * the server unchanged), so they are written in the fewest lines that fit the official SDK's types.
 */

/** Who may call a tool. */
export type AllowedCaller =
  'direct' | 'code_execution_20250825' | 'code_execution_20260120' | 'code_execution_20260521';

/** A cache breakpoint. */
export interface CacheControl {
  type: 'ephemeral';
  ttl?: '5m' | '1h';
}

/** The JSON Schema of a tool's input. */
export interface ToolInputSchema {
  type: 'object';
  properties?: { [key: string]: unknown } | null;
  required?: string[] | null;
  [k: string]: unknown;
}

interface CallableTool {
  allowed_callers?: AllowedCaller[];
  defer_loading?: boolean;
  strict?: boolean;
}

interface InputExamples {
  input_examples?: { [key: string]: unknown }[];
}

interface Cacheable {
  cache_control?: CacheControl | null;
}

/** A tool of the caller's own. */
export interface CustomToolDefinition extends CallableTool, InputExamples {
  type?: 'custom' | null;
  name: string;
  description?: string;
  input_schema: ToolInputSchema;
  eager_input_streaming?: boolean | null;
}

/** One version of a predefined tool: `type` carries the version, `name` is fixed. */
interface VersionedTool<Type extends string, Name extends string> extends CallableTool, Cacheable {
  type: Type;
  name: Name;
}

interface ExampleTool<Type extends string, Name extends string> extends VersionedTool<Type, Name>, InputExamples {}

interface ComputerTool<Type extends string> extends ExampleTool<Type, 'computer'> {
  display_width_px: number;
  display_height_px: number;
  display_number?: number | null;
}

interface ZoomComputerTool extends ComputerTool<'computer_20251124'> {
  enable_zoom?: boolean;
}

interface LimitedEditorTool extends ExampleTool<'text_editor_20250728', 'str_replace_based_edit_tool'> {
  max_characters?: number | null;
}

interface UserLocation {
  type: 'approximate';
  city?: string | null;
  country?: string | null;
  region?: string | null;
  timezone?: string | null;
}

interface WebTool<Type extends string, Name extends string> extends VersionedTool<Type, Name> {
  allowed_domains?: string[] | null;
  blocked_domains?: string[] | null;
  max_uses?: number | null;
}

interface WebSearchTool<Type extends string> extends WebTool<Type, 'web_search'> {
  user_location?: UserLocation | null;
}

interface UrlSourceTool {
  type: 'tool_reference';
  name: string;
}

type UrlSource = { type: 'all' } | { type: 'none' };
type ToolUrlSource = UrlSource | { type: 'only'; tools: UrlSourceTool[] } | { type: 'except'; tools: UrlSourceTool[] };

interface WebFetchTool<Type extends string> extends WebTool<Type, 'web_fetch'> {
  citations?: { enabled?: boolean } | null;
  max_content_tokens?: number | null;
  url_sources?: {
    client_tool_results?: ToolUrlSource;
    server_tool_results?: ToolUrlSource;
    user_input?: UrlSource;
  } | null;
}

interface CachingWebFetchTool<Type extends string> extends WebFetchTool<Type> {
  use_cache?: boolean;
}

interface ResponseInclusion {
  response_inclusion?: 'full' | 'excluded';
}

interface WebSearchTool20260318 extends WebSearchTool<'web_search_20260318'>, ResponseInclusion {}

interface WebFetchTool20260318 extends CachingWebFetchTool<'web_fetch_20260318'>, ResponseInclusion {}

interface AdvisorTool extends VersionedTool<'advisor_20260301', 'advisor'> {
  model: string;
  caching?: CacheControl | null;
  max_tokens?: number | null;
  max_uses?: number | null;
}

type ComputerMember =
  | 'double_click'
  | 'hold_key'
  | 'key'
  | 'left_click'
  | 'left_click_drag'
  | 'left_mouse_down'
  | 'left_mouse_up'
  | 'middle_click'
  | 'mouse_move'
  | 'right_click'
  | 'screenshot'
  | 'scroll'
  | 'triple_click'
  | 'type'
  | 'wait'
  | 'zoom';

type BrowserOnlyMember =
  | 'close_tab'
  | 'file_upload'
  | 'find'
  | 'form_input'
  | 'get_page_text'
  | 'hover'
  | 'javascript_exec'
  | 'list_tabs'
  | 'navigate'
  | 'new_tab'
  | 'read_console'
  | 'read_network'
  | 'read_page'
  | 'scroll_to'
  | 'switch_tab';

interface MemberConfig {
  defer_loading?: boolean | null;
  enabled?: boolean | null;
}

interface Toolset<Type extends string, Member extends string> extends Cacheable {
  type: Type;
  configs?: { [Name in Member]?: MemberConfig | null } | null;
}

interface McpToolConfig {
  defer_loading?: boolean;
  enabled?: boolean;
}

interface McpToolDescription {
  name: string;
  description?: string | null;
  input_schema: { [key: string]: unknown };
}

/** The tools of an MCP server. */
export interface McpToolsetDefinition extends Cacheable {
  type: 'mcp_toolset';
  mcp_server_name: string;
  default_config?: McpToolConfig;
  configs?: { [name: string]: McpToolConfig } | null;
  tools?: McpToolDescription[] | null;
}

/** Any entry of a request's `tools`. */
export type ToolDefinition =
  | CustomToolDefinition
  | ExampleTool<'bash_20241022', 'bash'>
  | ExampleTool<'bash_20250124', 'bash'>
  | ExampleTool<'memory_20250818', 'memory'>
  | ExampleTool<'text_editor_20241022', 'str_replace_editor'>
  | ExampleTool<'text_editor_20250124', 'str_replace_editor'>
  | ExampleTool<'text_editor_20250429', 'str_replace_based_edit_tool'>
  | LimitedEditorTool
  | ComputerTool<'computer_20241022'>
  | ComputerTool<'computer_20250124'>
  | ZoomComputerTool
  | VersionedTool<'code_execution_20250522', 'code_execution'>
  | VersionedTool<'code_execution_20250825', 'code_execution'>
  | VersionedTool<'code_execution_20260120', 'code_execution'>
  | VersionedTool<'code_execution_20260521', 'code_execution'>
  | WebSearchTool<'web_search_20250305'>
  | WebSearchTool<'web_search_20260209'>
  | WebSearchTool20260318
  | WebFetchTool<'web_fetch_20250910'>
  | WebFetchTool<'web_fetch_20260209'>
  | CachingWebFetchTool<'web_fetch_20260309'>
  | WebFetchTool20260318
  | AdvisorTool
  | VersionedTool<'tool_search_tool_bm25_20251119' | 'tool_search_tool_bm25', 'tool_search_tool_bm25'>
  | VersionedTool<'tool_search_tool_regex_20251119' | 'tool_search_tool_regex', 'tool_search_tool_regex'>
  | Toolset<'browser_toolset_20260801', ComputerMember | BrowserOnlyMember>
  | Toolset<'computer_toolset_20260801', ComputerMember | 'cursor_position'>
  | McpToolsetDefinition;
