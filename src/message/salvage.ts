/**
 * What of a message may be sent back to the API, when the stream that brought it was cut (protocol notes §11, §13, §15).
 *
 * The rules are reasons to drop; what no rule names is kept as it came:
 *
 * - tool use and thinking cannot be recovered in part; text can;
 * - thinking without its signature is refused for good, and so is text that is empty or white space;
 * - a server's tool use needs its result, unless the server itself paused there;
 * - before the last `fallback` block only what every model may read back stays;
 * - of a refused message nothing is to be used.
 */

import type { ContentBlock } from '../protocol/blocks.ts';
import type { Wire } from '../protocol/decode.ts';
import type { Message } from '../protocol/message.ts';
import type { BlockInfo } from './types.ts';

/**
 * Why a block may not be sent back.
 *
 * - `unfinished`: the stream or the token limit cut it
 * - `invalid-input`: its tool input is not valid JSON
 * - `no-result`: a tool of the server ran, and its result did not come
 * - `no-tool-use`: it is the result of a tool use that may not be sent back
 * - `no-signature`: thinking that is not signed
 * - `empty`: text without a visible character
 * - `before-fallback`: another model wrote it, see the `fallback` block behind it
 * - `refused`: the model declined; nothing of such a message is to be used
 */
export type DropReason =
  | 'unfinished'
  | 'invalid-input'
  | 'no-result'
  | 'no-tool-use'
  | 'no-signature'
  | 'empty'
  | 'before-fallback'
  | 'refused';

/** A block that was left out. */
export interface DroppedBlock {
  block: ContentBlock;
  reason: DropReason;
}

/** What {@link salvage} gives. */
export interface Salvaged {
  /** What may be sent back, as the content of an assistant turn. May be empty: an API request must not carry it then. */
  content: ContentBlock[];
  /** What was left out, in order. */
  dropped: DroppedBlock[];
}

/** Stop reasons with which the server leaves its own tool use open on purpose: the content goes back unchanged. */
const PAUSES: ReadonlySet<string | null> = new Set(['pause_turn', 'tool_use']);
/** What may not stand before the last `fallback` block. */
const ONE_MODEL_ONLY: ReadonlySet<string> = new Set(['thinking', 'redacted_thinking', 'connector_text', 'tool_use']);

/**
 * Takes from a message what may be sent back to the API as (the beginning of) an assistant turn. Nothing is repaired and
 * nothing is changed: the blocks are those of the message.
 *
 * @param message - finished or not, as `snapshot` or a `StreamError` has it; `undefined` if nothing had come
 * @param blocks - what stands beside it; of a whole message from elsewhere, `[]`
 * @example
 * import { MessageParser, salvage } from 'ssemble';
 *
 * const parser = new MessageParser();
 * parser.push('data: {"type":"message_start","message":{"content":[]}}\n\n');
 * parser.push('data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Once"}}\n\n');
 * parser.end();
 * salvage(parser.message, parser.blocks).content; // [{ type: 'text', text: 'Once' }]
 */
export function salvage(message: Message | undefined, blocks: readonly BlockInfo[]): Salvaged {
  if (message === undefined) return { content: [], dropped: [] };
  if (!Array.isArray(message.content) || !Array.isArray(blocks)) {
    throw new TypeError('salvage() needs a message and its blocks: give stream.snapshot and stream.blocks');
  }
  const facts = factsOf(message, blocks);
  const reasons = message.content.map((block, k) => reasonToDrop(block, k, blocks[k], facts));
  const lost = new Set(ids(message.content.filter((_, k) => reasons[k] !== undefined).map(idOf)));
  const salvaged: Salvaged = { content: [], dropped: [] };
  message.content.forEach((block, k) => {
    const reason = reasons[k] ?? (lost.has(resultOf(block)) ? 'no-tool-use' : undefined);
    if (reason === undefined) salvaged.content.push(block);
    else salvaged.dropped.push({ block, reason });
  });
  return salvaged;
}

/** What the rules ask of the message as a whole. */
interface Facts {
  refused: boolean;
  paused: boolean;
  /** The ids of the tool uses that have their result. */
  answered: ReadonlySet<unknown>;
  /** The place of the last `fallback` block; -1 without one. */
  fallback: number;
}

function factsOf({ content, stop_reason }: Message, blocks: readonly BlockInfo[]): Facts {
  return {
    refused: stop_reason === 'refusal',
    paused: PAUSES.has(stop_reason),
    answered: new Set(ids(content.filter((_, k) => isClosed(blocks[k])).map(resultOf))),
    fallback: content.map((block) => block.type).lastIndexOf('fallback'),
  };
}

function reasonToDrop(
  block: ContentBlock,
  k: number,
  info: BlockInfo | undefined,
  facts: Facts,
): DropReason | undefined {
  const wire = block as unknown as Wire;
  if (facts.refused) return 'refused';
  if (k < facts.fallback && ONE_MODEL_ONLY.has(block.type)) return 'before-fallback';
  if (block.type === 'text') return isBlank(wire['text']) ? 'empty' : undefined;
  if (!isClosed(info)) return 'unfinished';
  if (info?.inputState !== undefined && info.inputState !== 'valid') return 'invalid-input';
  if (block.type === 'thinking') return isBlank(wire['signature']) ? 'no-signature' : undefined;
  if (!isServerToolUse(block.type) || facts.answered.has(wire['id'])) return undefined;
  return facts.paused && k > facts.fallback ? undefined : 'no-result';
}

/** Of a block from elsewhere nothing is known: it is taken for whole. */
function isClosed(info: BlockInfo | undefined): boolean {
  return info === undefined || info.state === 'closed';
}

/** Tools that run on the server's side: their use and their result belong together in one message. */
function isServerToolUse(type: string): boolean {
  return type.endsWith('tool_use') && type !== 'tool_use';
}

/** The id of a tool use. */
function idOf(block: ContentBlock): unknown {
  return block.type.endsWith('tool_use') ? (block as unknown as Wire)['id'] : undefined;
}

function ids(found: readonly unknown[]): readonly unknown[] {
  return found.filter((id) => id !== undefined);
}

/** The id of the tool use that a block is the result of. */
function resultOf(block: ContentBlock): unknown {
  const id = (block as unknown as Wire)['tool_use_id'];
  return typeof id === 'string' ? id : undefined;
}

function isBlank(value: unknown): boolean {
  return typeof value !== 'string' || value.trim() === '';
}
