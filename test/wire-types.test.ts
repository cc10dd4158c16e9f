/**
 * The wire types fit the official SDK's beta types both ways.
 *
 * Most of this file is checked by the compiler (`npm run typecheck`), not by the test runner: each `Expect` below is a
 * compile error when it does not hold. `Same` is stronger than "assignable both ways": optional and readonly marks must
 * agree too, at every depth. Two differences are allowed, and no third: `connector_text`, which the SDK does not have,
 * and model names, which are an open list there and a plain string here.
 */

import type Anthropic from '@anthropic-ai/sdk';
import type * as Beta from '@anthropic-ai/sdk/resources/beta/messages/messages';
import { describe, expect, it } from 'vitest';
import { KNOWN_BLOCK_TYPES, isKnownBlock } from '../src/protocol/blocks.ts';
import type * as blocks from '../src/protocol/blocks.ts';
import { KNOWN_DELTA_TYPES, KNOWN_EVENT_TYPES, isKnownDelta } from '../src/protocol/events.ts';
import type * as events from '../src/protocol/events.ts';
import { STOP_REASONS } from '../src/protocol/message.ts';
import type * as message from '../src/protocol/message.ts';
import type { ToolDefinition } from '../src/protocol/tool-definitions.ts';

// --- the tools of the comparison ---

type Expect<T extends true> = T;

/** `true` only for identical types: `any` is not `unknown`, optional is not required, readonly is not mutable. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the comparison of two deferred conditions is the trick
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** The same type with every open list of names (`'a' | 'b' | (string & {})`) written as `string`, at every depth. */
type Plain<T> = unknown extends T
  ? T
  : [string & {}] extends [T]
    ? string | Exclude<T, string>
    : T extends object
      ? { [K in keyof T]: Plain<T[K]> }
      : T;

type Assignable<A, B> = [A] extends [B] ? true : false;

/** Without a cast both ways, and equal to the last mark. */
type Same<Ours, Theirs> = [
  Assignable<Ours, Theirs>,
  Assignable<Theirs, Ours>,
  Equal<Plain<Ours>, Plain<Theirs>>,
] extends [true, true, true]
  ? true
  : false;

type Without<Union, Type> = Exclude<Union, { type: Type }>;
type Swap<T, K extends keyof T, V> = { [P in keyof T]: P extends K ? V : T[P] };

// --- the tools themselves can say no ---

type ToolsCanFail = [
  Expect<Equal<Same<{ a: string }, { a: number }>, false>>,
  Expect<Equal<Same<{ a?: string }, { a: string }>, false>>,
  Expect<Equal<Same<{ a: string | null }, { a: string }>, false>>,
  Expect<Equal<Same<{ readonly a: string }, { a: string }>, false>>,
  Expect<Equal<Same<{ a: readonly string[] }, { a: string[] }>, false>>,
  Expect<Equal<Same<{ a: { b?: string }[] }, { a: { b: string }[] }>, false>>,
  Expect<Equal<Same<{ a: 'x' | 'y' }, { a: 'x' }>, false>>,
  Expect<Equal<Same<{ a: 'x' }, { a: string }>, false>>,
  Expect<Equal<Same<{ a: unknown }, { a: string }>, false>>,
  Expect<Same<{ a: string | null }, { a: 'x' | (string & {}) | null }>>,
];

// --- ours and theirs ---

type SdkBlock = Without<blocks.ContentBlock, 'connector_text'>;
type SdkDelta = Without<events.Delta, 'connector_text_delta'>;
type SdkMessage = Swap<message.Message, 'content', SdkBlock[]>;
type SdkEvent =
  | Swap<events.MessageStartEvent, 'message', SdkMessage>
  | Swap<events.ContentBlockStartEvent, 'content_block', SdkBlock>
  | Swap<events.ContentBlockDeltaEvent, 'delta', SdkDelta>
  | events.ContentBlockStopEvent
  | events.MessageDeltaEvent
  | events.MessageStopEvent;

type Whole = [
  Expect<Same<SdkBlock, Beta.BetaContentBlock>>,
  Expect<Same<SdkDelta, Beta.BetaRawContentBlockDelta>>,
  Expect<Same<SdkMessage, Beta.BetaMessage>>,
  Expect<Same<SdkEvent, Beta.BetaRawMessageStreamEvent>>,
  Expect<Same<message.StopReason, Beta.BetaStopReason>>,
  Expect<Same<message.Usage, Beta.BetaUsage>>,
  Expect<Same<message.MessageDeltaUsage, Beta.BetaMessageDeltaUsage>>,
  Expect<Same<blocks.TextCitation, Beta.BetaTextCitation>>,
];

// The same again, one by one: an error then names the part that differs.
type Blocks = [
  Expect<Same<blocks.TextBlock, Beta.BetaTextBlock>>,
  Expect<Same<blocks.ThinkingBlock, Beta.BetaThinkingBlock>>,
  Expect<Same<blocks.RedactedThinkingBlock, Beta.BetaRedactedThinkingBlock>>,
  Expect<Same<blocks.ToolUseBlock, Beta.BetaToolUseBlock>>,
  Expect<Same<blocks.ServerToolUseBlock, Beta.BetaServerToolUseBlock>>,
  Expect<Same<blocks.WebSearchToolResultBlock, Beta.BetaWebSearchToolResultBlock>>,
  Expect<Same<blocks.WebFetchToolResultBlock, Beta.BetaWebFetchToolResultBlock>>,
  Expect<Same<blocks.AdvisorToolResultBlock, Beta.BetaAdvisorToolResultBlock>>,
  Expect<Same<blocks.CodeExecutionToolResultBlock, Beta.BetaCodeExecutionToolResultBlock>>,
  Expect<Same<blocks.BashCodeExecutionToolResultBlock, Beta.BetaBashCodeExecutionToolResultBlock>>,
  Expect<Same<blocks.TextEditorCodeExecutionToolResultBlock, Beta.BetaTextEditorCodeExecutionToolResultBlock>>,
  Expect<Same<blocks.ToolSearchToolResultBlock, Beta.BetaToolSearchToolResultBlock>>,
  Expect<Same<blocks.McpToolUseBlock, Beta.BetaMCPToolUseBlock>>,
  Expect<Same<blocks.McpToolResultBlock, Beta.BetaMCPToolResultBlock>>,
  Expect<Same<blocks.McpToolListingBlock, Beta.BetaMCPToolListingBlock>>,
  Expect<Same<blocks.ContainerUploadBlock, Beta.BetaContainerUploadBlock>>,
  Expect<Same<blocks.CompactionBlock, Beta.BetaCompactionBlock>>,
  Expect<Same<blocks.FallbackBlock, Beta.BetaFallbackBlock>>,
  Expect<Same<ToolDefinition, Beta.BetaResponseToolUnion>>,
];

type Parts = [
  Expect<Same<events.TextDelta, Beta.BetaTextDelta>>,
  Expect<Same<events.InputJsonDelta, Beta.BetaInputJSONDelta>>,
  Expect<Same<events.CitationsDelta, Beta.BetaCitationsDelta>>,
  Expect<Same<events.ThinkingDelta, Beta.BetaThinkingDelta>>,
  Expect<Same<events.SignatureDelta, Beta.BetaSignatureDelta>>,
  Expect<Same<events.CompactionDelta, Beta.BetaCompactionContentBlockDelta>>,
  Expect<Same<events.MessageDeltaEvent, Beta.BetaRawMessageDeltaEvent>>,
  Expect<Same<message.StopDetails, Beta.BetaRefusalStopDetails>>,
  Expect<Same<message.Container, Beta.BetaContainer>>,
  Expect<Same<message.Diagnostics, Beta.BetaDiagnostics>>,
  Expect<Same<message.ContextManagement, Beta.BetaContextManagementResponse>>,
  Expect<Same<message.InputTransformation, Beta.BetaInputTransformation>>,
  Expect<Same<message.FallbackCredit, Beta.BetaFallbackCreditUsage>>,
  Expect<Same<message.Iteration[], Beta.BetaIterationsUsage>>,
];

// The only known types that the SDK does not have.
type Surplus = [
  Expect<Equal<Exclude<blocks.ContentBlock['type'], Beta.BetaContentBlock['type']>, 'connector_text'>>,
  Expect<Equal<Exclude<events.Delta['type'], Beta.BetaRawContentBlockDelta['type']>, 'connector_text_delta'>>,
  Expect<Equal<Exclude<events.WireEvent['type'], Beta.BetaRawMessageStreamEvent['type']>, 'ping' | 'error'>>,
  // Ours is wider here on purpose: any error type, and what the wire leaves out.
  Expect<Assignable<Anthropic.ErrorResponse, events.ErrorEvent>>,
];

// What only we have is held by writing it twice.
type Own = [
  Expect<Equal<blocks.ConnectorTextBlock, { type: 'connector_text'; connector_text: string }>>,
  Expect<Equal<events.ConnectorTextDelta, { type: 'connector_text_delta'; connector_text: string }>>,
  Expect<Equal<blocks.UnknownBlock, { type: string; [key: string]: unknown }>>,
  Expect<Equal<events.UnknownDelta, { type: string; [key: string]: unknown }>>,
  Expect<Equal<events.PingEvent, { type: 'ping' }>>,
  Expect<
    Equal<
      events.ErrorEvent,
      {
        type: 'error';
        error: {
          type: string;
          message: string;
          details?: { error_code?: string; [key: string]: unknown } | null;
        };
        request_id?: string | null;
      }
    >
  >,
  Expect<
    Equal<
      events.UnknownEvent,
      { type: 'unknown'; reason: 'type' | 'shape' | 'json' | 'sentinel' | 'empty'; wire?: unknown; raw: string }
    >
  >,
];

/** Keeps the compiler from calling the assertions unused. */
export type Checked = [ToolsCanFail, Whole, Blocks, Parts, Surplus, Own];

// --- as a program would write it ---

const usage: message.Usage = {
  input_tokens: 1,
  output_tokens: 2,
  cache_creation_input_tokens: null,
  cache_read_input_tokens: null,
  cache_creation: null,
  server_tool_use: null,
  output_tokens_details: null,
  service_tier: 'standard',
  inference_geo: null,
  speed: null,
  iterations: null,
  fallback_credit: null,
};

const ours: message.Message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-4-6',
  content: [{ type: 'text', text: 'Hi', citations: null }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  stop_details: null,
  container: null,
  diagnostics: null,
  usage,
  context_management: null,
};

function isSdkBlock(block: blocks.ContentBlock): block is SdkBlock {
  return block.type !== 'connector_text';
}

describe('wire types and the official SDK', () => {
  it('assign both ways without a cast', () => {
    const theirs: Anthropic.Beta.BetaMessage = { ...ours, content: ours.content.filter(isSdkBlock) };
    const back: message.Message = theirs;
    const event: Anthropic.Beta.BetaRawMessageStreamEvent = { type: 'message_start', message: theirs };
    const asWire: events.WireEvent = event;
    const asStream: events.StreamEvent = asWire;
    expect(back).toStrictEqual(ours);
    expect(asStream).toBe(event);
  });

  it('a message with connector_text is not an SDK message: the filter above is needed', () => {
    // @ts-expect-error the SDK's content has no connector_text
    const theirs: Anthropic.Beta.BetaMessage = ours;
    expect(theirs).toBe(ours);
  });
});

// --- narrowing ---

function nameOfEvent(event: events.StreamEvent): string {
  switch (event.type) {
    case 'message_start':
      return event.message.id;
    case 'content_block_start':
      return event.content_block.type;
    case 'content_block_delta':
      return event.delta.type;
    case 'content_block_stop':
      return String(event.index);
    case 'message_delta':
      return String(event.delta.stop_reason);
    case 'message_stop':
    case 'ping':
      return event.type;
    case 'error':
      return event.error.message;
    case 'unknown':
      return event.reason;
    default:
      return event satisfies never;
  }
}

function textOfDelta(delta: events.Delta): string {
  switch (delta.type) {
    case 'text_delta':
      return delta.text;
    case 'input_json_delta':
      return delta.partial_json;
    case 'citations_delta':
      return delta.citation.cited_text;
    case 'thinking_delta':
      return delta.thinking;
    case 'signature_delta':
      return delta.signature;
    case 'compaction_delta':
      return delta.content ?? '';
    case 'connector_text_delta':
      return delta.connector_text;
    default:
      return delta satisfies never;
  }
}

describe('switch narrows, and ends in never', () => {
  it('over events', () => {
    expect(nameOfEvent({ type: 'message_start', message: ours })).toBe('msg_1');
    expect(nameOfEvent({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })).toBe(
      'Overloaded',
    );
    expect(nameOfEvent({ type: 'unknown', reason: 'sentinel', raw: '[DONE]' })).toBe('sentinel');
  });

  it('over deltas', () => {
    expect(textOfDelta({ type: 'connector_text_delta', connector_text: 'and then' })).toBe('and then');
    expect(textOfDelta({ type: 'compaction_delta', content: null, encrypted_content: null })).toBe('');
  });
});

// --- tables and guards ---

function insideBlock(block: blocks.ContentBlock | blocks.UnknownBlock): unknown {
  if (isKnownBlock(block)) return block.type === 'text' ? block.text : block.type;
  return block['depth'];
}

function insideDelta(delta: events.Delta | events.UnknownDelta): unknown {
  return isKnownDelta(delta) ? textOfDelta(delta) : delta['depth'];
}

/** Names that every object has, and names that are nearly right. */
const foreign = ['', 'Text', 'text ', 'hologram', 'constructor', '__proto__', 'toString', 'hasOwnProperty'];

describe('KNOWN_BLOCK_TYPES and isKnownBlock()', () => {
  it('hold the eighteen types of the SDK and connector_text', () => {
    expect(Object.keys(KNOWN_BLOCK_TYPES).toSorted()).toStrictEqual([
      'advisor_tool_result',
      'bash_code_execution_tool_result',
      'code_execution_tool_result',
      'compaction',
      'connector_text',
      'container_upload',
      'fallback',
      'mcp_tool_listing',
      'mcp_tool_result',
      'mcp_tool_use',
      'redacted_thinking',
      'server_tool_use',
      'text',
      'text_editor_code_execution_tool_result',
      'thinking',
      'tool_search_tool_result',
      'tool_use',
      'web_fetch_tool_result',
      'web_search_tool_result',
    ]);
  });

  it('say yes to every entry', () => {
    for (const type of Object.keys(KNOWN_BLOCK_TYPES)) expect(isKnownBlock({ type }), type).toBe(true);
  });

  it.each(foreign)('say no to %j', (type) => {
    expect(isKnownBlock({ type })).toBe(false);
  });

  it('say no to a type that is no string, and to a missing one', () => {
    for (const json of ['{}', '{"type":null}', '{"type":1}', '{"type":{}}', '{"type":["text"]}']) {
      const wire: blocks.UnknownBlock = JSON.parse(json);
      expect(isKnownBlock(wire), json).toBe(false);
    }
  });

  it('narrow both branches', () => {
    expect(insideBlock({ type: 'text', text: 'Hi', citations: null })).toBe('Hi');
    expect(insideBlock({ type: 'hologram', depth: 3 })).toBe(3);
  });
});

describe('KNOWN_DELTA_TYPES and isKnownDelta()', () => {
  it('hold the six types of the SDK and connector_text_delta', () => {
    expect(Object.keys(KNOWN_DELTA_TYPES).toSorted()).toStrictEqual([
      'citations_delta',
      'compaction_delta',
      'connector_text_delta',
      'input_json_delta',
      'signature_delta',
      'text_delta',
      'thinking_delta',
    ]);
  });

  it('say yes to every entry', () => {
    for (const type of Object.keys(KNOWN_DELTA_TYPES)) expect(isKnownDelta({ type }), type).toBe(true);
  });

  it.each([...foreign, 'text'])('say no to %j', (type) => {
    expect(isKnownDelta({ type })).toBe(false);
  });

  it('say no to a type that is no string, and to a missing one', () => {
    for (const json of ['{}', '{"type":null}', '{"type":1}', '{"type":{}}', '{"type":["text_delta"]}']) {
      const wire: events.UnknownDelta = JSON.parse(json);
      expect(isKnownDelta(wire), json).toBe(false);
    }
  });

  it('narrow both branches', () => {
    expect(insideDelta({ type: 'text_delta', text: 'Hi' })).toBe('Hi');
    expect(insideDelta({ type: 'hologram_delta', depth: 3 })).toBe(3);
  });
});

describe('the other tables', () => {
  it('KNOWN_EVENT_TYPES holds the eight events, and not our own name for the rest', () => {
    expect(Object.keys(KNOWN_EVENT_TYPES).toSorted()).toStrictEqual([
      'content_block_delta',
      'content_block_start',
      'content_block_stop',
      'error',
      'message_delta',
      'message_start',
      'message_stop',
      'ping',
    ]);
  });

  it('STOP_REASONS holds each reason once', () => {
    expect(new Set(STOP_REASONS).size).toBe(STOP_REASONS.length);
    expect(STOP_REASONS).toHaveLength(8);
  });
});
