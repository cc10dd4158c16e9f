/** The keys that events have on native streams, as data. Whatever is not here came from somebody else, or is new. */

/** Keys of an event, by its type. `usage` beside a message has a rule of its own. */
export const EVENT_KEYS: Readonly<Record<string, readonly string[]>> = {
  message_start: ['type', 'message', 'usage'],
  content_block_start: ['type', 'index', 'content_block'],
  content_block_delta: ['type', 'index', 'delta'],
  content_block_stop: ['type', 'index'],
  // The reserved ones have a rule of their own.
  message_delta: ['type', 'delta', 'usage', 'context_management', 'input_transformations', 'role', 'content'],
  message_stop: ['type', 'amazon-bedrock-invocationMetrics'],
  ping: ['type'],
  error: ['type', 'error', 'request_id'],
};

/** Keys of the message in message_start. */
export const MESSAGE_KEYS: readonly string[] = [
  'id',
  'type',
  'role',
  'model',
  'content',
  'stop_reason',
  'stop_sequence',
  'stop_details',
  'container',
  'diagnostics',
  'usage',
  'context_management',
  'input_transformations',
];

/** Keys of the delta in message_delta; the reserved ones have a rule of their own. */
export const MESSAGE_DELTA_KEYS: readonly string[] = [
  'stop_reason',
  'stop_sequence',
  'stop_details',
  'container',
  'type',
  'role',
  'content',
];

/** Keys of a usage. */
export const USAGE_KEYS: readonly string[] = [
  'input_tokens',
  'output_tokens',
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
  'cache_creation',
  'server_tool_use',
  'output_tokens_details',
  'service_tier',
  'inference_geo',
  'speed',
  'iterations',
  'fallback_credit',
];

/** Keys of a delta, by its type. */
export const DELTA_KEYS: Readonly<Record<string, readonly string[]>> = {
  text_delta: ['type', 'text'],
  input_json_delta: ['type', 'partial_json'],
  citations_delta: ['type', 'citation'],
  thinking_delta: ['type', 'thinking', 'estimated_tokens'],
  signature_delta: ['type', 'signature'],
  connector_text_delta: ['type', 'connector_text'],
};

/** Keys of a block that grows, by its type; blocks that come whole hold what a tool gave, and are not looked into. */
export const BLOCK_KEYS: Readonly<Record<string, readonly string[]>> = {
  text: ['type', 'text', 'citations'],
  thinking: ['type', 'thinking', 'signature'],
  redacted_thinking: ['type', 'data'],
  tool_use: ['type', 'id', 'name', 'input', 'caller', 'toolset_name'],
  server_tool_use: ['type', 'id', 'name', 'input', 'caller'],
  mcp_tool_use: ['type', 'id', 'name', 'input', 'server_name'],
};
