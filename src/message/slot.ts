/**
 * One block as it is being assembled: its content, and what stands beside it.
 *
 * Sharing. `block` is written in place until somebody looks; a look (`viewOf`) hands out that very object and marks it
 * `shared`; the next change copies it first. So a snapshot costs one copy of each changed block, nobody looking costs
 * nothing, and what did not change keeps its identity. The one exception is live tool input: the `input` of an open block
 * is a single object that grows in place, and only the block around it gets a new identity.
 *
 * Growing text. A delta's text is a slice of its chunk, and a string built by `+=` is a rope of such slices: it would keep
 * every chunk alive, and the garbage collector busy. So the young end of a text (`tail`) is copied into memory of its own
 * each time it has grown to {@link FLAT} characters, and the whole once more when the block closes: linear, and a finished
 * message holds its own characters and nothing else.
 */

import { own } from '../json/own.ts';
import { PartialJson } from '../json/partial.ts';
import type { ContentBlock } from '../protocol/blocks.ts';
import { isKnownBlock } from '../protocol/blocks.ts';
import { DELTA_TEXT, type Wire } from '../protocol/decode.ts';
import type { Delta, UnknownDelta } from '../protocol/events.ts';
import { copyOf, define } from '../protocol/wire-object.ts';
import type { BlockInfo, InputError } from './types.ts';

/** How long the young end of a text gets before it is copied. */
const FLAT = 256;

/** The state of one block. */
export interface Slot {
  readonly index: number;
  readonly ordinal: number;
  readonly type: string;
  readonly known: boolean;
  /** The type of delta that was found to fit it last: the next one is mostly like it. */
  accepts: string | undefined;
  /** Made for a delta that had no block: a tool made this way never has valid input. */
  readonly implied: boolean;
  state: BlockInfo['state'];
  block: Wire;
  shared: boolean;
  /** What was appended to `block[tailField]` since it was last written there; `''` most of the time nobody looks. */
  tail: string;
  tailField: string;
  /** Whether `block.citations` is an array that nobody else holds. */
  ownCitations: boolean;
  takesInput: boolean;
  readonly startInput: unknown;
  /** The input's text but for `inputTail`; {@link inputTextOf} gives the whole. */
  inputText: string;
  inputTail: string;
  inputState: BlockInfo['inputState'];
  inputError: InputError | undefined;
  /** Reads the input while somebody looks; once there, what it has not been given yet is in `unread`. */
  live: PartialJson | undefined;
  unread: string;
  /** Whether input came since the last look. */
  inputGrew: boolean;
  /** Input came after the block's end: it is to be parsed again, or was and what was found is to be told. */
  late: 'unread' | 'untold' | undefined;
  /** What the block's end told of its input. */
  verdict: Verdict;
  unknownDeltas: (UnknownDelta | Delta)[] | undefined;
  estimatedTokens: number | undefined;
  info: BlockInfo | undefined;
}

/** What a block's end tells about its input. `incomplete`: it is a prefix of JSON, so it may have been cut. */
type Verdict = 'fine' | 'cut' | 'incomplete' | 'invalid' | 'not-object';

/** The type of block that each kind of delta belongs to; `input_json_delta` goes to any that takes input. */
const TARGET: Readonly<Record<string, string>> = {
  text_delta: 'text',
  citations_delta: 'text',
  thinking_delta: 'thinking',
  signature_delta: 'thinking',
  compaction_delta: 'compaction',
  connector_text_delta: 'connector_text',
};

/** The block that a delta without one implies. */
const IMPLIED: Readonly<Record<string, () => Wire>> = {
  text: () => ({ type: 'text', text: '' }),
  thinking: () => ({ type: 'thinking', thinking: '', signature: '' }),
  compaction: () => ({ type: 'compaction', content: null }),
  connector_text: () => ({ type: 'connector_text', connector_text: '' }),
};

/** The block that `deltaType` implies where there is none. */
export function impliedBlock(deltaType: string): Wire {
  const make = IMPLIED[TARGET[deltaType] ?? ''];
  return make === undefined ? { type: 'tool_use', id: '', name: '', input: {} } : make();
}

/** Opens a block on a copy of what the start said. */
export function openSlot(index: number, ordinal: number, start: Wire, implied: boolean): Slot {
  const type = String(start['type']);
  const takesInput = type.endsWith('tool_use') || Object.hasOwn(start, 'input');
  return {
    index,
    ordinal,
    type,
    known: isKnownBlock(start as unknown as ContentBlock),
    accepts: undefined,
    implied,
    state: 'open',
    block: copyOf(start),
    shared: false,
    tail: '',
    tailField: '',
    ownCitations: false,
    takesInput,
    startInput: start['input'],
    inputText: '',
    inputTail: '',
    inputState: takesInput ? 'none' : undefined,
    inputError: undefined,
    live: undefined,
    unread: '',
    inputGrew: false,
    late: undefined,
    verdict: 'fine',
    unknownDeltas: undefined,
    estimatedTokens: undefined,
    info: undefined,
  };
}

/** Whether a delta of this (known) type may go to the block. */
export function fits(slot: Slot, deltaType: string): boolean {
  return homesOf(slot).includes(homeOf(deltaType)) || !slot.known;
}

/** What a block is to deltas: its type, `input` if it takes input, and `''` if its type is not known: that takes all. */
export function homesOf(slot: Slot): string[] {
  if (!slot.known) return [''];
  return slot.takesInput ? [slot.type, 'input'] : [slot.type];
}

/** Where a delta of this (known) type belongs. */
export function homeOf(deltaType: string): string {
  return deltaType === 'input_json_delta' ? 'input' : (TARGET[deltaType] as string);
}

function writable(slot: Slot): Wire {
  if (slot.shared) {
    slot.block = copyOf(slot.block);
    slot.shared = false;
  }
  return slot.block;
}

/** Applies a delta of a known type that fits; keeps it aside where the block has no place for it. */
export function applyDelta(slot: Slot, delta: Delta): void {
  if (!slot.known) return applyToUnknown(slot, delta);
  switch (delta.type) {
    case 'text_delta':
      return append(slot, 'text', delta.text);
    case 'thinking_delta':
      countTokens(slot, delta.estimated_tokens);
      return append(slot, 'thinking', delta.thinking);
    case 'input_json_delta':
      return appendInput(slot, delta.partial_json ?? '');
    case 'connector_text_delta':
      return append(slot, 'connector_text', delta.connector_text);
    case 'signature_delta':
      return assign(slot, delta.signature);
    case 'citations_delta':
      return addCitation(slot, delta.citation);
    case 'compaction_delta':
      return copyFields(slot, delta);
    default:
      return delta satisfies never;
  }
}

/** A block of unknown type takes a known delta where it has the field for it. */
function applyToUnknown(slot: Slot, delta: Delta): void {
  countTokens(slot, (delta as { estimated_tokens?: unknown }).estimated_tokens);
  if (delta.type === 'input_json_delta') return appendInput(slot, delta.partial_json ?? '');
  const field = DELTA_TEXT[delta.type];
  if (field === undefined || typeof slot.block[field] !== 'string') return keepDelta(slot, delta);
  if (delta.type === 'signature_delta') assign(slot, delta.signature);
  else append(slot, field, (delta as unknown as Wire)[field]);
}

function countTokens(slot: Slot, estimated: unknown): void {
  if (typeof estimated !== 'number') return;
  slot.estimatedTokens = (slot.estimatedTokens ?? 0) + estimated;
  slot.info = undefined;
}

function assign(slot: Slot, signature: unknown): void {
  if (typeof signature === 'string') writable(slot)['signature'] = own(signature);
}

function append(slot: Slot, field: string, value: unknown): void {
  if (typeof value !== 'string') return;
  if (slot.tailField !== field) {
    writeTail(slot);
    slot.tailField = field;
    if (typeof slot.block[field] !== 'string') writable(slot)[field] = '';
  }
  slot.tail += value;
  if (slot.tail.length >= FLAT) writeTail(slot);
}

/** Moves the tail into the block, where everybody may see it. */
function writeTail(slot: Slot): void {
  if (slot.tail === '') return;
  const block = writable(slot);
  block[slot.tailField] = (block[slot.tailField] as string) + own(slot.tail);
  slot.tail = '';
}

function appendInput(slot: Slot, text: string): void {
  if (!slot.takesInput) {
    slot.takesInput = true;
    slot.inputState = 'none';
    slot.info = undefined;
  }
  if (text === '') return;
  slot.inputTail += text;
  if (slot.inputTail.length >= FLAT) inputTextOf(slot);
  if (slot.live !== undefined) slot.unread += text;
  slot.inputGrew = true;
  slot.inputState = 'partial';
  slot.info = undefined;
}

/** The whole text of the input so far. */
function inputTextOf(slot: Slot): string {
  if (slot.inputTail !== '') {
    slot.inputText += own(slot.inputTail);
    slot.inputTail = '';
  }
  return slot.inputText;
}

function addCitation(slot: Slot, citation: unknown): void {
  const block = writable(slot);
  const before = block['citations'];
  if (slot.ownCitations) (before as unknown[]).push(citation);
  else {
    block['citations'] = Array.isArray(before) ? [...(before as unknown[]), citation] : [citation];
    slot.ownCitations = true;
  }
}

function copyFields(slot: Slot, delta: Delta): void {
  const block = writable(slot);
  for (const key of Object.keys(delta)) {
    if (key !== 'type') define(block, key, (delta as unknown as Wire)[key]);
  }
}

/** Keeps a delta that has no place on its block. */
export function keepDelta(slot: Slot, delta: Delta | UnknownDelta): void {
  (slot.unknownDeltas ??= []).push(delta);
  slot.info = undefined;
}

/** The whole text of a field so far, as {@link viewOf} would show it. */
export function textOf(slot: Slot, field: string): string | undefined {
  const text = slot.block[field];
  if (typeof text !== 'string') return undefined;
  return slot.tailField === field ? text + slot.tail : text;
}

/** Whether the block is another than the one that was handed out last. */
export function hasGrown(slot: Slot): boolean {
  return !slot.shared || slot.tail !== '' || slot.inputGrew;
}

/** The block as a snapshot may hold it. */
export function viewOf(slot: Slot): ContentBlock {
  if (slot.tail !== '') writeTail(slot);
  if (slot.inputGrew) showInput(slot);
  slot.shared = true;
  slot.ownCitations = false;
  return slot.block as unknown as ContentBlock;
}

/** Shows the input as far as it has come. */
function showInput(slot: Slot): void {
  slot.inputGrew = false;
  if (slot.live === undefined) {
    slot.live = new PartialJson();
    slot.live.push(inputTextOf(slot));
  } else {
    slot.live.push(slot.unread);
    slot.unread = '';
  }
  if (slot.live.value !== undefined) writable(slot)['input'] = slot.live.value;
}

/** What is known beside the block; the same object until something of it changes. */
export function infoOf(slot: Slot): BlockInfo {
  return (slot.info ??= makeInfo(slot));
}

function makeInfo(slot: Slot): BlockInfo {
  // Not `inputTextOf`: asked at every delta, it would make a block of each.
  const inputText = slot.inputText + slot.inputTail;
  return {
    index: slot.index,
    ordinal: slot.ordinal,
    type: slot.type,
    state: slot.state,
    ...(inputText !== '' && { inputText }),
    ...(slot.inputState !== undefined && { inputState: slot.inputState }),
    ...(slot.inputError !== undefined && { inputError: slot.inputError }),
    ...(slot.unknownDeltas !== undefined && { unknownDeltas: [...slot.unknownDeltas] }),
    ...(slot.estimatedTokens !== undefined && { estimatedTokens: slot.estimatedTokens }),
  };
}

/** Ends the block, or ends it again after a late delta; settles its input, and says in `verdict` what that told. */
export function closeSlot(slot: Slot, state: 'closed' | 'cut'): void {
  writeTail(slot);
  const text = slot.block[slot.tailField];
  // Who has looked at this very block keeps it: equal text is no change.
  if (typeof text === 'string' && !slot.shared) slot.block[slot.tailField] = own(text);
  slot.state = state;
  slot.info = undefined;
  if (slot.takesInput) slot.verdict = settleInput(slot);
}

function settleInput(slot: Slot): Verdict {
  const text = (slot.inputText = own(inputTextOf(slot)));
  const grew = slot.inputGrew;
  slot.inputGrew = false;
  const blank = !/[^ \t\n\r]/.test(text);
  slot.inputError = undefined;
  if (slot.state === 'cut' || blank) {
    slot.inputState = slot.state === 'cut' ? 'partial' : slot.implied ? 'invalid' : 'valid';
    restoreInput(slot);
    return slot.state === 'cut' && !blank ? 'cut' : 'fine';
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuseInput(slot, text);
  }
  if (slot.implied) {
    slot.inputState = 'invalid';
    restoreInput(slot);
    return 'fine';
  }
  slot.inputState = 'valid';
  const input = shownInput(slot) ?? value;
  if (grew || slot.block['input'] !== input) writable(slot)['input'] = input;
  slot.live = undefined;
  slot.unread = '';
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? 'fine' : 'not-object';
}

/** Who looked while it grew keeps the objects that were shown: they equal what `JSON.parse` made. */
function shownInput(slot: Slot): unknown {
  const { live } = slot;
  live?.push(slot.unread);
  live?.end();
  return live?.error === undefined ? live?.value : undefined;
}

function refuseInput(slot: Slot, text: string): Verdict {
  const parser = new PartialJson({ maxDepth: Infinity });
  parser.push(text);
  const incomplete = parser.error === undefined;
  parser.end();
  slot.inputState = 'invalid';
  slot.inputError = parser.error ?? { message: 'Cannot parse the input', offset: text.length };
  restoreInput(slot);
  return incomplete ? 'incomplete' : 'invalid';
}

/** Input that is not valid is what the start said. */
function restoreInput(slot: Slot): void {
  const input = slot.startInput ?? {};
  slot.live = undefined;
  slot.unread = '';
  if (slot.block['input'] !== input) writable(slot)['input'] = input;
}

/** What only serves looks: it is not saved, and the next look makes it anew. */
const UNSEEN = { shared: false, ownCitations: false, live: undefined, unread: '', info: undefined };

/** A copy of the slot that is plain JSON: what comes back from JSON goes on where this one stood. */
export function saveSlot(slot: Slot): Slot {
  writeTail(slot);
  const inputText = inputTextOf(slot);
  // The state must not change when the block does: from here on the list is not ours alone.
  slot.ownCitations = false;
  const block = copyOf(slot.block);
  const inputGrew = slot.state === 'open' && inputText !== '';
  if (inputGrew) {
    if (slot.startInput === undefined) delete block['input'];
    else block['input'] = slot.startInput;
  }
  const unknownDeltas = slot.unknownDeltas && [...slot.unknownDeltas];
  return { ...slot, ...UNSEEN, block, inputGrew, unknownDeltas };
}
