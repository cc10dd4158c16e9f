/**
 * A message as the events that would have brought it.
 *
 * The rule: assembling the events gives the same message, key for key. What streams on real wires streams here (text,
 * thinking, citations, tool input, compaction), what comes whole there comes whole here (results, redacted thinking,
 * anything unknown), and a field that cannot be streamed without changing it stays in the start of its block.
 */

import type { ContentBlock } from '../protocol/blocks.ts';
import { isObject, type Wire } from '../protocol/decode.ts';
import type { StreamEvent } from '../protocol/events.ts';
import type { Message } from '../protocol/message.ts';
import { copyOf } from '../protocol/wire-object.ts';
import { isHighSurrogate, isLowSurrogate } from '../sse/utf8.ts';
import type { BlockInfo } from './types.ts';

/** What {@link messageToEvents} may be told. */
export interface MessageToEventsOptions {
  /** How many UTF-16 units of text, thinking or tool input one delta brings at most. Default: all in one delta. */
  pieceLength?: number | undefined;
  /**
   * What is known of each block, for a message that is not finished: blocks keep their wire `index`, open and cut ones get
   * no stop, tool input is the raw text as far as it came. Default: every block is whole.
   */
  blocks?: readonly BlockInfo[] | undefined;
  /** Whether the events end in `message_stop`. Default: whether the message has a `stop_reason`. */
  finished?: boolean | undefined;
}

/** Keys that come with the `message_delta`, beside those of its `usage`. */
const DELTA_KEYS: readonly string[] = ['stop_reason', 'stop_sequence', 'stop_details'];
/** Keys that come beside the `delta` of a `message_delta`. */
const SIBLING_KEYS: readonly string[] = ['context_management'];
/** Counts that are known only at the end. */
const FINAL_USAGE: readonly string[] = ['output_tokens', 'output_tokens_details', 'server_tool_use', 'iterations'];

/**
 * Gives the events of a well-formed stream that brings this message: a stored answer can be sent like a live one. The
 * message is not changed; the events share its nested values.
 *
 * Without a `stop_reason` a message was never finished, and neither are its events: who reads them sees a truncated stream.
 *
 * @throws TypeError for a message without a list of content, or with a block that has no type. RangeError for a
 * `pieceLength` that is not above 0.
 * @example
 * import { MessageAssembler, parseMessage } from 'ssemble';
 * import { messageToEvents } from 'ssemble/relay';
 *
 * const body =
 *   'data: {"type":"message_start","message":{"content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn"}}\n\n' +
 *   'data: {"type":"message_stop"}\n\n';
 * const events = messageToEvents(parseMessage(body));
 * events.map((event) => event.type).slice(0, 3); // ['message_start', 'content_block_start', 'content_block_delta']
 * const assembler = new MessageAssembler();
 * for (const event of events) assembler.apply(event);
 * assembler.message; // { content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn' }
 */
export function messageToEvents(message: Message, options: MessageToEventsOptions = {}): StreamEvent[] {
  const { pieceLength = Infinity, blocks, finished = typeof message.stop_reason === 'string' } = options;
  if (!(pieceLength > 0)) throw new RangeError(`pieceLength must be above 0, this is ${String(pieceLength)}`);
  const content: unknown = message.content;
  if (!Array.isArray(content)) throw new TypeError('Cannot make events of the message: it has no list of content');
  const events: unknown[] = [startOf(message as unknown as Wire, finished)];
  content.forEach((block: unknown, k) => events.push(...blockEvents(block, k, blocks?.[k], pieceLength)));
  events.push(...endOf(message as unknown as Wire, finished));
  return events as StreamEvent[];
}

/** The start: everything but what the end brings, which is null here as it is on the wire. */
function startOf(wire: Wire, finished: boolean): unknown {
  const message = copyOf(wire, { content: [] });
  if (!finished) return { type: 'message_start', message };
  for (const key of DELTA_KEYS) if (key in message) message[key] = null;
  for (const key of SIBLING_KEYS) delete message[key];
  if (isObject(message['usage'])) {
    const usage = copyOf(message['usage']);
    for (const key of FINAL_USAGE) if (typeof usage[key] !== 'number') delete usage[key];
    if (typeof usage['output_tokens'] === 'number') usage['output_tokens'] = 0;
    message['usage'] = usage;
  }
  return { type: 'message_start', message };
}

function endOf(wire: Wire, finished: boolean): unknown[] {
  // Assembly takes the model's name from a fallback block; a message may have been stored without that.
  const relabelled = lastFallback(wire['content'] as unknown[]);
  const own = relabelled === undefined || relabelled === wire['model'] ? {} : pick(wire, ['model']);
  if (finished) return [deltaOf(wire, own), { type: 'message_stop' }];
  return Object.keys(own).length > 0 ? [{ type: 'message_delta', delta: own }] : [];
}

function deltaOf(wire: Wire, own: Wire): unknown {
  const delta = { ...pick(wire, DELTA_KEYS), ...own };
  const usage = isObject(wire['usage']) ? { usage: pick(wire['usage'], FINAL_USAGE) } : {};
  return { type: 'message_delta', delta, ...usage, ...pick(wire, SIBLING_KEYS) };
}

function lastFallback(content: readonly unknown[]): unknown {
  for (let k = content.length - 1; k >= 0; k--) {
    const block = content[k];
    if (!isObject(block) || block['type'] !== 'fallback' || !isObject(block['to'])) continue;
    if (typeof block['to']['model'] === 'string') return block['to']['model'];
  }
  return undefined;
}

function pick(from: Wire, keys: readonly string[]): Wire {
  const picked: Wire = {};
  for (const key of keys) if (Object.hasOwn(from, key)) picked[key] = from[key];
  return picked;
}

/** How a block begins, and what it gains. */
interface Growth {
  start: Wire;
  deltas: readonly Wire[];
}

function blockEvents(block: unknown, k: number, info: BlockInfo | undefined, length: number): unknown[] {
  if (!isObject(block) || typeof block['type'] !== 'string') {
    throw new TypeError(`Cannot make events of the message: content[${k}] has no type`);
  }
  const index = info?.index ?? k;
  const { start, deltas } = growthOf(block as unknown as ContentBlock, info, length);
  const events: unknown[] = [];
  if (!isImpliedTool(block, info)) events.push({ type: 'content_block_start', index, content_block: start });
  for (const delta of [...deltas, ...(info?.unknownDeltas ?? [])]) {
    events.push({ type: 'content_block_delta', index, delta });
  }
  if (info === undefined || info.state === 'closed') events.push({ type: 'content_block_stop', index });
  return events;
}

function growthOf(block: ContentBlock, info: BlockInfo | undefined, length: number): Growth {
  const wire = block as unknown as Wire;
  switch (block.type) {
    case 'text':
      return textGrowth(wire, length);
    case 'thinking':
      return thinkingGrowth(wire, info, length);
    case 'compaction':
      return compactionGrowth(wire);
    case 'connector_text':
      return grow(wire, 'connector_text', 'connector_text_delta', length);
    default:
      return inputGrowth(wire, info, length);
  }
}

/** A field that begins empty and grows by deltas, which name it alike. */
function grow(block: Wire, field: string, type: string, length: number): Growth {
  const text = block[field];
  if (typeof text !== 'string') return { start: block, deltas: [] };
  return {
    start: copyOf(block, { [field]: '' }),
    deltas: cut(text, length).map((piece) => ({ type, [field]: piece })),
  };
}

function textGrowth(block: Wire, length: number): Growth {
  const { start, deltas } = grow(block, 'text', 'text_delta', length);
  const { citations } = block;
  if (!Array.isArray(citations) || citations.length === 0 || !citations.every(isObject)) return { start, deltas };
  const cited = citations.map((citation) => ({ type: 'citations_delta', citation }));
  return { start: copyOf(start, { citations: [] }), deltas: [...deltas, ...cited] };
}

function thinkingGrowth(block: Wire, info: BlockInfo | undefined, length: number): Growth {
  const { start, deltas } = grow(block, 'thinking', 'thinking_delta', length);
  const counted = countTokens(deltas, info?.estimatedTokens);
  const { signature } = block;
  if (typeof signature !== 'string' || signature === '') return { start, deltas: counted };
  return { start: copyOf(start, { signature: '' }), deltas: [...counted, { type: 'signature_delta', signature }] };
}

/** The sum of the estimates goes with the first delta. */
function countTokens(deltas: readonly Wire[], tokens: number | undefined): readonly Wire[] {
  if (tokens === undefined) return deltas;
  const [first = { type: 'thinking_delta', thinking: '' }, ...others] = deltas;
  return [{ ...first, estimated_tokens: tokens }, ...others];
}

/** The start is a shell of nulls, one delta brings every field. */
function compactionGrowth(block: Wire): Growth {
  const { type, ...fields } = block;
  const shell = Object.fromEntries(Object.keys(fields).map((key) => [key, null]));
  return { start: { type, ...shell }, deltas: [{ type: 'compaction_delta', ...fields }] };
}

/** Tool input streams as JSON text. Input that is no object would be reported: it stays in the start, as it is. */
function inputGrowth(block: Wire, info: BlockInfo | undefined, length: number): Growth {
  const { input } = block;
  const begun = info?.inputText;
  if (info !== undefined && begun !== undefined) {
    const start = keepsInput(info, begun) ? block : copyOf(block, { input: {} });
    return { start, deltas: inputDeltas(begun, length) };
  }
  const takesInput = typeof block['type'] === 'string' && block['type'].endsWith('tool_use');
  if (!takesInput || !isObject(input) || info !== undefined) return { start: block, deltas: [] };
  const text = Object.keys(input).length === 0 ? '' : JSON.stringify(input);
  return { start: copyOf(block, { input: {} }), deltas: inputDeltas(text, length) };
}

/** Whether the input is what the start said: the text that came has not changed it. */
function keepsInput({ state, inputState }: BlockInfo, text: string): boolean {
  return text.trim() === '' || (state !== 'open' && inputState !== 'valid');
}

/**
 * Whether no start brought this tool use: assembly made it for input that had no place. With a start it would turn out
 * valid, and somebody would call a tool without a name.
 */
function isImpliedTool(block: Wire, info: BlockInfo | undefined): boolean {
  const { type, id, name, input } = block;
  if (info === undefined || info.inputState === 'valid' || type !== 'tool_use' || id !== '' || name !== '')
    return false;
  return info.state === 'open' || (isObject(input) && Object.keys(input).length === 0);
}

/** The first one is empty, as on native wires. */
function inputDeltas(text: string, length: number): Wire[] {
  return ['', ...cut(text, length)].map((partial_json) => ({ type: 'input_json_delta', partial_json }));
}

/** Cuts text into pieces of about `length`; the halves of a surrogate pair stay together. */
function cut(text: string, length: number): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length;) {
    let to = Math.min(text.length, from + Math.max(1, Math.floor(length)));
    if (isHighSurrogate(text.charCodeAt(to - 1)) && isLowSurrogate(text.charCodeAt(to))) to++;
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
}
