/** Blocks, their deltas, and the calls of tools. */

import { type Check, Habit, type Report, type SeenBlock, type SeenEvent } from '../check.ts';
import type { Place } from '../finding.ts';
import { TOKEN_BLOCKS, TOKEN_CHARS } from '../thresholds.ts';
import { isObject, type Wire } from '../../protocol/decode.ts';
import type { ContentBlockDeltaEvent, ContentBlockStartEvent, MessageStartEvent } from '../../protocol/events.ts';

/** What is watched of a block while it is open. */
interface Track {
  type: string;
  at: Place;
  index: number;
  pieces: number;
  length: number;
  inputDeltas: number;
  cited: boolean;
  emptyInput: boolean;
  called: boolean;
  /** The beginning of its text, until it is long enough to be judged. */
  opening: string | undefined;
}

/** A run of blocks that may be one a token. */
interface Run {
  type: string;
  length: number;
  at: Place;
  index: number;
  told: boolean;
}

const THINK = '<think>';
/** Ids that are remembered, of one message; far more than any message has. */
const MOST_IDS = 10_000;

/** Checks blocks. */
export class BlocksCheck implements Check {
  readonly #report: Report;
  readonly #fromMiddle: boolean;
  readonly #open: Map<number, Track> = new Map();
  readonly #overlaps = new Habit('overlapping-blocks', (times) => `A block started while another was open, ${times}`);
  readonly #filled = new Habit('text-in-start', (times) => `The start of a block holds text already, ${times}`);
  #ids: Set<string> = new Set();
  #messageId: unknown = undefined;
  #run: Run | undefined = undefined;

  constructor(report: Report, fromMiddle: boolean) {
    this.#report = report;
    this.#fromMiddle = fromMiddle;
  }

  event({ event, at }: SeenEvent): void {
    switch (event.type) {
      case 'message_start':
        return this.#begin(event);
      case 'content_block_start':
        return this.#start(event, at);
      case 'content_block_delta':
        return this.#delta(event, at);
      case 'content_block_stop':
        return this.#stop(event.index, at);
      case 'message_stop':
        this.#open.clear();
        return;
      default:
    }
  }

  #begin({ message }: MessageStartEvent): void {
    // The same start again begins nothing.
    if (message.id !== undefined && message.id === this.#messageId) return;
    this.#messageId = message.id;
    this.#open.clear();
    this.#run = undefined;
    this.#ids = new Set();
    for (const block of Array.isArray(message.content) ? message.content : []) {
      const { id } = block as unknown as Wire;
      if (typeof id === 'string') this.#ids.add(id);
    }
  }

  #start({ index, content_block }: ContentBlockStartEvent, at: Place): void {
    const block = content_block as unknown as Wire & { type: string };
    if (this.#open.size > (this.#open.has(index) ? 1 : 0)) this.#overlaps.see(at, { index: numberOf(index) });
    const track = trackOf(block, index, at);
    this.#open.set(index, track);
    this.#checkParts(block, index, at);
    if (isTool(block.type)) this.#checkCall(block, index, at);
    else if (block.type.endsWith('tool_result')) this.#checkResult(block, index, at);
    const text = block.type === 'text' || block.type === 'thinking' ? block[block.type] : undefined;
    if (typeof text === 'string' && text !== '') {
      this.#filled.see(at, { index: numberOf(index) });
      if (block.type === 'text') this.#listen(track, text);
    }
  }

  #checkParts(block: Wire, index: number, at: Place): void {
    const parts = block['type'] === 'text' ? ['text'] : block['type'] === 'thinking' ? ['thinking', 'signature'] : [];
    const missing = parts.filter((part) => typeof block[part] !== 'string');
    if (missing.length === 0) return;
    const actual = `a ${String(block['type'])} block without ${missing.join(' and ')}`;
    const message = `content_block_start has ${actual}`;
    this.#report({ rule: 'incomplete-block-start', message, at, index: numberOf(index), actual });
  }

  #checkCall(block: Wire, place: number, at: Place): void {
    const index = numberOf(place);
    const { id, name, input } = block;
    const named = typeof id === 'string' && id !== '';
    if (!named) this.#report({ rule: 'missing-tool-id', message: 'A tool call has no id', at, index });
    if (typeof name !== 'string' || name === '') {
      this.#report({ rule: 'missing-tool-name', message: 'A tool call has no name', at, index });
    }
    if (named && this.#ids.has(id)) {
      const message = `Two tool calls of the message have the id ${JSON.stringify(id.slice(0, 60))}`;
      this.#report({ rule: 'duplicate-tool-id', message, at, index });
    }
    if (named) this.#remember(id);
    if (input === undefined) {
      const message = 'content_block_start of a tool call has no input: read as {}';
      this.#report({ rule: 'tool-start-without-input', message, at, index });
    } else if (!isEmptyObject(input) && !isCalled(block)) {
      const message = 'content_block_start of a tool call holds an input already';
      this.#report({ rule: 'tool-input-in-start', message, at, index });
    }
  }

  #checkResult(block: Wire, index: number, at: Place): void {
    const use = block['tool_use_id'];
    if (this.#fromMiddle || (typeof use === 'string' && this.#ids.has(use))) return;
    const message = 'The result of a server tool names a call that this message does not have';
    this.#report({ rule: 'orphan-tool-result', message, at, index: numberOf(index) });
  }

  #remember(id: string): void {
    if (this.#ids.size < MOST_IDS) this.#ids.add(id);
  }

  #delta({ index, delta }: ContentBlockDeltaEvent, at: Place): void {
    const track = this.#open.get(index);
    if (track === undefined) return;
    switch (delta.type) {
      case 'text_delta':
      case 'thinking_delta': {
        const text = (delta as unknown as Wire)[delta.type === 'text_delta' ? 'text' : 'thinking'];
        if (typeof text !== 'string' || text === '') return;
        track.pieces++;
        track.length += text.length;
        if (track.type === 'text' && delta.type === 'text_delta') this.#listen(track, text);
        return;
      }
      case 'input_json_delta':
        track.inputDeltas++;
        if ((delta.partial_json ?? '') === '' && (track.type === 'text' || track.type === 'thinking')) {
          const message = `An input_json_delta without content came in a ${track.type} block: its text was lost on the way`;
          this.#report({ rule: 'text-as-tool-input', message, at, index: numberOf(index) });
        }
        return;
      case 'citations_delta':
        track.cited = true;
        return;
      default:
    }
  }

  /** Hears the beginning of a text. */
  #listen(track: Track, text: string): void {
    if (track.opening === undefined) return;
    const opening = (track.opening + text.slice(0, 200)).trimStart();
    if (opening.startsWith(THINK)) {
      const message = 'A text block begins with <think>: the thinking of the model was put into its text';
      this.#report({ rule: 'think-tags', message, at: track.at, index: numberOf(track.index) });
    }
    track.opening = opening.length < THINK.length && THINK.startsWith(opening) ? opening : undefined;
  }

  #stop(index: number, at: Place): void {
    const track = this.#open.get(index);
    if (track === undefined) return;
    this.#open.delete(index);
    if (track.type === 'tool_use' && track.inputDeltas === 0 && track.emptyInput && !track.called) {
      const message = 'A tool call was stopped without any input_json_delta: no input, or it was lost';
      this.#report({ rule: 'tool-without-input-delta', message, at, index: numberOf(index) });
    }
    this.#countRun(track);
  }

  #countRun(track: Track): void {
    const { type, at } = track;
    const small = track.pieces <= 1 && track.length > 0 && track.length <= TOKEN_CHARS && !track.cited;
    if (!small || (type !== 'text' && type !== 'thinking')) this.#run = undefined;
    else if (this.#run?.type === type) this.#run.length++;
    else this.#run = { type, length: 1, at, index: track.index, told: false };
    const run = this.#run;
    if (run === undefined || run.told || run.length < TOKEN_BLOCKS) return;
    run.told = true;
    const message = `${TOKEN_BLOCKS} ${type} blocks in a row hold one short delta each: one block a token`;
    this.#report({ rule: 'block-per-token', message, at: run.at, index: numberOf(run.index) });
  }

  block({ info, content, at }: SeenBlock): void {
    if (info.state !== 'closed') return;
    const { index, type } = info;
    if (type === 'thinking' && (content['signature'] ?? '') === '') {
      const message = 'A thinking block ended without a signature';
      this.#report({ rule: 'thinking-without-signature', message, at, index });
    }
    if (type === 'text' && (content['text'] ?? '') === '') {
      this.#report({ rule: 'empty-text-block', message: 'A text block ended without any text', at, index });
    }
  }

  end(): void {
    this.#overlaps.tell(this.#report);
    this.#filled.tell(this.#report);
  }
}

function trackOf(block: Wire & { type: string }, index: number, at: Place): Track {
  return {
    type: block.type,
    at,
    index,
    pieces: 0,
    length: 0,
    inputDeltas: 0,
    cited: Array.isArray(block['citations']) && block['citations'].length > 0,
    emptyInput: block['input'] === undefined || isEmptyObject(block['input']),
    called: isCalled(block),
    opening: block.type === 'text' ? '' : undefined,
  };
}

function isTool(type: string): boolean {
  return type === 'tool_use' || type === 'server_tool_use' || type === 'mcp_tool_use';
}

/** Whether code in a container made the call: then its input comes whole. */
function isCalled({ caller }: Wire): boolean {
  return isObject(caller) && typeof caller['type'] === 'string' && caller['type'] !== 'direct';
}

function isEmptyObject(value: unknown): boolean {
  return value === null || (isObject(value) && Object.keys(value).length === 0);
}

/** The wire may say anything. */
function numberOf(index: unknown): number | undefined {
  return typeof index === 'number' ? index : undefined;
}
