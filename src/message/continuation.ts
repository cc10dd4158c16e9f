/**
 * The request that goes on where a stream was cut (protocol notes §15). There is no resume on the server's side: the model
 * is asked anew, and shown what it had said. How depends on its version:
 *
 * - up to 4.5 the request ends in an assistant turn, which the model continues (a *prefill*). It must not end in white space;
 * - from 4.6 on that is refused ("must end with a user message"): a user turn quotes what had come and asks to go on.
 *
 * A model that cannot be told falls under the newer rule: a user turn is accepted by every model, a prefill is not.
 */

import type { ContentBlock } from '../protocol/blocks.ts';
import type { Message } from '../protocol/message.ts';
import { salvage } from './salvage.ts';
import type { BlockInfo } from './types.ts';

/** How a model is asked to go on. */
export type ContinuationMode = 'prefill' | 'user';

/** Which models are asked how. */
export interface ContinuationRules {
  /** The newest version that takes a prefill: major and minor. */
  readonly prefillUntil: readonly [major: number, minor: number];
  /**
   * The families of which that holds, in lower case. A family that is not named here is newer than this list, whatever its
   * number: it is asked by `otherwise`. Ids that begin with the version (`claude-3-5-sonnet`) are old, and need no name.
   */
  readonly prefillFamilies: readonly string[];
  /** Models by a part of their id, whatever their version; the first that is found rules. */
  readonly named: Readonly<Record<string, ContinuationMode>>;
  /** For ids that tell no version. */
  readonly otherwise: ContinuationMode;
}

/**
 * The rules as of November 2026 (the API's guide to error recovery in streams).
 *
 * @example
 * CONTINUATION_RULES.prefillUntil; // [4, 5]
 */
export const CONTINUATION_RULES: ContinuationRules = {
  prefillUntil: [4, 5],
  prefillFamilies: ['haiku', 'sonnet', 'opus', 'instant'],
  named: { 'mythos-preview': 'user' },
  otherwise: 'user',
};

/** What {@link continuation} may be told. */
export interface ContinuationOptions {
  /** Overrules the model's version. */
  mode?: ContinuationMode | undefined;
  /** Other rules than {@link CONTINUATION_RULES}. */
  rules?: ContinuationRules | undefined;
  /** The words of the user turn, in another language for example; gets the text that had come. */
  instruction?: ((text: string) => string) | undefined;
}

/** The part of a request that counts here; every other key is passed on as it is. */
export interface ContinuableRequest {
  model?: string;
  messages: readonly { readonly role: string; readonly content?: unknown }[];
  thinking?: { readonly type: string } | null | undefined;
}

/** How far a version has come: `[4, 5]`. */
type Version = readonly [major: number, minor: number];

/** Newer ids name the family first (`claude-sonnet-4-5-20250929`), older ones the version (`claude-3-5-sonnet-20241022`). */
const VERSIONS: readonly RegExp[] = [
  /claude[-_](?<family>[a-z]+)[-_](?<major>\d{1,2})(?:[-_.](?<minor>\d{1,2}))?(?!\d)/,
  /claude[-_]v?(?<major>\d{1,2})(?:[-_.:](?<minor>\d{1,2}))?(?!\d)/,
];

/** What an id tells. Without a family it is one of the older ids. */
interface ModelName {
  family: string | undefined;
  version: Version;
}

function readName(model: string): ModelName | undefined {
  for (const pattern of VERSIONS) {
    const found = pattern.exec(model.toLowerCase())?.groups;
    if (found === undefined) continue;
    return { family: found['family'], version: [Number(found['major']), Number(found['minor'] ?? 0)] };
  }
  return undefined;
}

/**
 * Tells the version from a model's id, in any form that the API, Bedrock, Vertex or a gateway writes it.
 *
 * @returns major and minor; `undefined` if the id tells none
 * @example
 * modelVersion('claude-3-5-sonnet-20241022'); // [3, 5]
 * modelVersion('us.anthropic.claude-opus-4-1-20250805-v1:0'); // [4, 1]
 * modelVersion('claude-sonnet-4@20250514'); // [4, 0]
 * modelVersion('claude_sonnet_4_5'); // [4, 5]
 * modelVersion('my-deployment'); // undefined
 */
export function modelVersion(model: string): readonly [major: number, minor: number] | undefined {
  return readName(model)?.version;
}

/**
 * How a model is asked to go on.
 *
 * @example
 * continuationMode('claude-haiku-4-5-20251001'); // 'prefill'
 * continuationMode('claude-opus-4-6'); // 'user'
 * continuationMode('my-deployment'); // 'user'
 * // A family that is not known:
 * continuationMode('claude-fable-1'); // 'user'
 */
export function continuationMode(model: string, rules: ContinuationRules = CONTINUATION_RULES): ContinuationMode {
  return modeOf(model, rules) ?? rules.otherwise;
}

function modeOf(model: string, rules: ContinuationRules): ContinuationMode | undefined {
  const id = model.toLowerCase();
  for (const [part, mode] of Object.entries(rules.named)) if (id.includes(part)) return mode;
  const name = readName(id);
  if (name === undefined) return undefined;
  if (isAfter(name.version, rules.prefillUntil)) return 'user';
  const isKnown = name.family === undefined || rules.prefillFamilies.includes(name.family);
  return isKnown ? 'prefill' : rules.otherwise;
}

function isAfter([major, minor]: Version, [lastMajor, lastMinor]: Version): boolean {
  return major > lastMajor || (major === lastMajor && minor > lastMinor);
}

/** Why each of these needs no continuation, and what it needs instead. */
const FINISHED: Readonly<Record<string, string>> = {
  end_turn: 'it is finished',
  stop_sequence: 'it is finished',
  tool_use: 'it waits for its tools: run them and send their results',
  refusal: 'the model declined: change the request',
  compaction: 'it is a finished compaction: send it back with the next turn',
};

/**
 * Gives the request that continues a cut message: yours, with one more turn, or (a prefill behind your own prefill) a longer
 * last one. Nothing of yours is changed. It goes on from the last text block; what came behind that is asked for anew. If
 * there is no text yet, the request is the same again. A message that paused (`pause_turn`) goes back as it is.
 *
 * The whole text is then what was salvaged, without white space at its end, and the text of the new answer. A model that
 * is asked in a user turn may begin with a space or repeat a word.
 *
 * A prefill takes along every block that may be sent back; a user turn quotes the text alone.
 *
 * With extended thinking on, a prefill is refused by the older models, too: they are asked in a user turn.
 *
 * @param message - what had come, as `snapshot` or a `StreamError` has it; `undefined` if nothing had
 * @param blocks - what stands beside it
 * @param request - the request that was cut: any object with `messages`
 * @throws RangeError for a `mode` that is none
 * @throws TypeError for a message that needs no continuation: its stop reason says that it is finished
 * @example
 * import { continuation, MessageParser } from 'ssemble';
 *
 * const parser = new MessageParser();
 * parser.push('data: {"type":"message_start","message":{"content":[]}}\n\n');
 * parser.push('data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Once "}}\n\n');
 * parser.end();
 * const request = { model: 'claude-haiku-4-5', messages: [{ role: 'user', content: 'A story, please' }] };
 * const { messages } = continuation(parser.message, parser.blocks, request);
 * messages[1]; // { role: 'assistant', content: [{ type: 'text', text: 'Once' }] }
 */
export function continuation<Request extends ContinuableRequest>(
  message: Message | undefined,
  blocks: readonly BlockInfo[],
  request: Request,
  options: ContinuationOptions = {},
): Request {
  // Whoever has no types gets to know it here, and not where the list is used.
  if (!Array.isArray(request?.messages)) {
    throw new TypeError('Cannot continue the message: the request has no `messages`; give the one that was sent');
  }
  if (message === undefined) return { ...request };
  const reason = message.stop_reason;
  if (reason !== null && reason !== undefined && Object.hasOwn(FINISHED, reason)) {
    throw new TypeError(`Cannot continue the message: ${FINISHED[reason]} (stop reason ${reason})`);
  }
  if (reason === 'pause_turn') return withAssistant(request, message.content);
  const content = resumable(salvage(message, blocks).content);
  const text = textOf(content);
  if (text === '') return { ...request };
  if (chooseMode(message, request, options) === 'prefill') return withAssistant(request, stripEnd(content));
  return withTurn(request, { role: 'user', content: (options.instruction ?? instruct)(text) });
}

function chooseMode(message: Message, request: ContinuableRequest, options: ContinuationOptions): ContinuationMode {
  const { mode, rules = CONTINUATION_RULES } = options;
  if (mode === 'prefill' || mode === 'user') return mode;
  if (mode !== undefined) {
    throw new RangeError(`mode must be 'prefill' or 'user', not ${JSON.stringify(mode) as string | undefined}`);
  }
  const thinks = request.thinking?.type !== undefined && request.thinking.type !== 'disabled';
  if (thinks) return 'user';
  // A deployment's own name tells nothing; what served it names itself.
  return modeOf(request.model ?? '', rules) ?? modeOf(message.model, rules) ?? rules.otherwise;
}

/** The words that the API's guide suggests. */
function instruct(text: string): string {
  return `Your previous response was interrupted and ended with:\n\n${text}\n\nContinue from where you left off.`;
}

/** Up to the last text block; without uses of the caller's tools, which would need their results. */
function resumable(content: readonly ContentBlock[]): ContentBlock[] {
  const last = content.map((block) => block.type).lastIndexOf('text');
  return content.slice(0, last + 1).filter((block) => block.type !== 'tool_use');
}

function textOf(content: readonly ContentBlock[]): string {
  let text = '';
  for (const block of content) if (block.type === 'text') text += block.text;
  return text.trimEnd();
}

/** The last block is text that is not blank: salvage saw to that. */
function stripEnd(content: readonly ContentBlock[]): ContentBlock[] {
  return content.map((block, k) =>
    k === content.length - 1 && block.type === 'text' ? { ...block, text: block.text.trimEnd() } : block,
  );
}

function withTurn<Request extends ContinuableRequest>(
  request: Request,
  turn: { role: string; content: unknown },
): Request {
  return { ...request, messages: [...request.messages, turn] };
}

/** An assistant turn at the end of the request is the caller's own prefill: what came belongs to it. */
function withAssistant<Request extends ContinuableRequest>(
  request: Request,
  content: readonly ContentBlock[],
): Request {
  const last = request.messages[request.messages.length - 1];
  if (last?.role !== 'assistant') return withTurn(request, { role: 'assistant', content });
  const turn = { ...last, content: joinContent(last.content, content) };
  return { ...request, messages: [...request.messages.slice(0, -1), turn] };
}

/** Two plain texts that meet are one text. */
function joinContent(before: unknown, after: readonly ContentBlock[]): unknown[] {
  const blocks: unknown[] = typeof before === 'string' ? [{ type: 'text', text: before }] : [...(before as unknown[])];
  const last = blocks[blocks.length - 1];
  const [first, ...rest] = after;
  if (!isPlainText(last) || !isPlainText(first)) return [...blocks, ...after];
  return [...blocks.slice(0, -1), { ...first, text: last.text + first.text }, ...rest];
}

function isPlainText(block: unknown): block is { type: 'text'; text: string } {
  const { type, text, citations } = (block ?? {}) as { type?: unknown; text?: unknown; citations?: unknown };
  return type === 'text' && typeof text === 'string' && !(Array.isArray(citations) && citations.length > 0);
}
