/**
 * `ssemble view`: the message as it builds.
 *
 * Theory. The parser tells what came; this file only keeps apart what is on the screen: `#showing` is the block whose text
 * the cursor stands in. A text block follows one that has ended without a gap, as the API means them (an answer with
 * citations is one text in many blocks); any other block begins a paragraph with a title. Blocks may grow in turns: a block that goes
 * on after another gets its title again. Footnotes are held until the text they belong to is left.
 *
 * A summary is due when a message ends, but it waits for the end of the input or for the next message, so that times and
 * findings can stand in it.
 */

import type { ContentBlock } from '../../protocol/blocks.ts';
import type { StreamEvent } from '../../protocol/events.ts';
import type { Message } from '../../protocol/message.ts';
import type { BlockInfo, MessageRecord, Outcome } from '../../message/types.ts';
import type { Command, Options } from '../command.ts';
import type { Fields } from '../blocks.ts';
import { fieldsOf, footnoteOf, searchResults, textOf, titleOf } from '../blocks.ts';
import { FAIL_ON } from '../options.ts';
import type { Job, Verdict } from '../reading.ts';
import { Reading } from '../reading.ts';
import { readStreams } from '../read-streams.ts';
import type { Times } from '../summary.ts';
import { outcomeData, printSummary, timeWords } from '../summary.ts';
import { counted, groupDigits } from '../tally.ts';
import type { Ink, Style } from '../terminal.ts';
import { clip, jsonText } from '../terminal.ts';

/** The command. */
export const VIEW: Command = {
  name: 'view',
  summary: 'print the message while it builds, then a summary (the default)',
  usage: '[options] [file…]',
  about: [
    'Standard output has the message and the summary line: model, stop reason, usage, times where the input has them,',
    'and how many findings. Standard error has the findings, each with its place, and why a stream failed.',
    'Control characters in the text are shown as \\x1b; `message` prints it unchanged.',
  ],
  options: [{ name: 'json', summary: 'print one line of JSON: message, blocks, outcome, diagnostics' }, FAIL_ON],
  examples: [
    ['curl -sN https://… | ssemble', 'watch a live stream'],
    ['ssemble answer.sse', 'read a saved one'],
    ['ssemble view --json answer.sse | jq .outcome', 'how it ended, for programs'],
  ],
  readsInput: true,
  // With --json findings and failure are in the JSON.
  run: (call) => readStreams(call, { start: startView, title: 'unless-json', quiet: call.options.has('json') }),
};

/** Prints to `out` as the stream comes. `file` is given where there are several, for `--json`. */
function startView(out: Ink, options: Options, file: string | undefined): Job {
  return options.has('json') ? jsonView(out, file) : new MessageView(out);
}

function jsonView(out: Ink, file: string | undefined): Job {
  const reading = new Reading();
  return {
    push: (chunk) => reading.push(chunk),
    end(error) {
      const verdict = reading.end(error);
      const { message, messages, blocks, diagnostics, orphanDeltas } = reading.parser;
      const earlier = messages.slice(0, -1).map(recordData);
      const data = {
        ...(file === undefined ? {} : { file }),
        message: message ?? null,
        blocks,
        outcome: outcomeData(verdict.outcome),
        diagnostics,
        ...(orphanDeltas.length > 0 ? { orphanDeltas } : {}),
        ...(earlier.length > 0 ? { earlierMessages: earlier } : {}),
      };
      out.write(`${jsonText(data)}\n`);
      return verdict;
    },
  };
}

function recordData({ message, blocks, outcome }: MessageRecord): Record<string, unknown> {
  return { message, blocks, outcome: outcomeData(outcome) };
}

/** What is on the screen of one block. */
interface Shown {
  /** Something of its own was printed, the title not counted. */
  body: boolean;
  titled: boolean;
  /** Another block had its index before: not a further piece of the same text. */
  reused: boolean;
}

class MessageView implements Job {
  readonly #out: Ink;
  readonly #reading: Reading;
  /** By ordinal, for the message that is being built. */
  readonly #shown = new Map<number, Shown>();
  readonly #indexes = new Set<number>();
  /** Inputs that just end early. Whether `max_tokens` cut them is known when the stop reason comes. */
  #undecided: { block: BlockInfo; fields: Fields }[] = [];
  #showing: number | undefined;
  /** The cursor stands at the end of a text; of one that has ended, if `#textEnded`: the next text may follow it. */
  #inText = false;
  #textEnded = false;
  #footnotes: string[] = [];
  /** How many footnotes were printed: numbers go on through a message. */
  #notesBefore = 0;
  #due: { message: Message; outcome: Outcome } | undefined;
  #messages = 0;
  #times: Times = { firstByte: undefined, firstContent: undefined, total: undefined };
  #now: number | undefined;

  constructor(out: Ink) {
    this.#out = out;
    this.#reading = new Reading({
      onEvent: (event) => this.#onEvent(event),
      onText: (delta, block) => this.#grow(block, delta),
      onThinking: (delta, block) => this.#grow(block, delta),
      onToolInput: (text, block) => this.#grow(block, text),
      onBlock: (block, content) => this.#finish(block, fieldsOf(content)),
      onMessage: (message, outcome) => {
        if (this.#due !== undefined) this.#nextMessage();
        this.#decide(message.stop_reason);
        this.#due = { message, outcome };
        // Every block was told of by now, and the next message counts its blocks from 0 again.
        this.#shown.clear();
        this.#indexes.clear();
      },
    });
  }

  push(chunk: Uint8Array, ms: number | undefined): boolean {
    this.#now = ms;
    this.#times.firstByte ??= ms;
    return this.#reading.push(chunk);
  }

  end(error: Error | undefined, ms: number | undefined): Verdict {
    const verdict = this.#reading.end(error);
    if (this.#due !== undefined && this.#reading.parser.messages.length > this.#messages + 1) this.#nextMessage();
    this.#leaveBlock();
    this.#times.total = ms;
    const extra = [...timeWords(this.#times), this.#reading.tally.summary()];
    this.#printSummary(this.#reading.parser.message, verdict.outcome, extra);
    return verdict;
  }

  #onEvent(event: StreamEvent): void {
    if (event.type === 'content_block_delta') this.#times.firstContent ??= this.#now;
    if (event.type === 'message_delta') this.#decide(this.#reading.parser.message?.stop_reason ?? null);
    if (event.type !== 'content_block_start') return;
    // A start after the end of its message made no block.
    if (this.#due !== undefined && this.#reading.parser.messages.length <= this.#messages + 1) return;
    // The block that this start made is the newest; if the start was left out, the newest is known already.
    const { parser } = this.#reading;
    const { blocks } = parser;
    // Ordinals count the blocks of a message, so the newest one's is known; mostly it is the last in content too.
    const ordinal = blocks.length - 1;
    const newest = blocks[ordinal]?.ordinal === ordinal ? ordinal : blocks.findIndex((one) => one.ordinal === ordinal);
    const block = blocks[newest];
    if (block !== undefined) this.#open(block, parser.message?.content[newest]);
  }

  /** A block began: calls get their title at once, because their input may take its time. */
  #open(block: BlockInfo, content: ContentBlock | undefined): void {
    if (this.#shown.has(block.ordinal)) return;
    this.#meet(block);
    const fields = fieldsOf(content);
    if (block.inputState !== undefined) this.#turnTo(block, fields);
    const initial = flowOf(fields);
    if (initial !== '') this.#grow(block, initial);
  }

  /** A block is heard of for the first time: by its start, or by a delta where the start is missing. */
  #meet(block: BlockInfo): Shown {
    if (this.#due !== undefined) this.#nextMessage();
    const shown: Shown = { body: false, titled: false, reused: this.#indexes.has(block.index) };
    this.#shown.set(block.ordinal, shown);
    this.#indexes.add(block.index);
    return shown;
  }

  #grow(block: BlockInfo, delta: string): void {
    const shown = this.#shown.get(block.ordinal) ?? this.#meet(block);
    if (delta === '') return;
    if (this.#showing !== block.ordinal) this.#turnTo(block, this.#contentOf(block));
    shown.body = true;
    if (block.type === 'text') this.#out.write(delta);
    else if (block.inputState !== undefined) this.#out.writeInset(delta, '  ');
    else this.#out.writeInset(delta, '│ ', 'dim');
  }

  /** A block ended: what did not come in deltas is shown now. */
  #finish(block: BlockInfo, fields: Fields): void {
    const shown = this.#shown.get(block.ordinal) ?? this.#meet(block);
    const flow = shown.body ? '' : flowOf(fields);
    if (flow !== '') {
      this.#turnTo(block, fields);
      this.#grow(block, flow);
    } else if (!shown.body && block.type === 'thinking') {
      this.#title(block, 'thinking', withheld(fields));
    } else if (!shown.body && block.type !== 'text') {
      this.#turnTo(block, fields);
      this.#whole(block, fields);
    }
    this.#cite(block, fields);
    if (this.#showing === block.ordinal) this.#textEnded = this.#inText;
    if (endsEarly(block)) this.#undecided.push({ block, fields });
    else this.#remark(block, fields, inputRemark(block));
    const { unknownDeltas } = block;
    if (unknownDeltas !== undefined) {
      this.#remark(block, fields, `${counted(unknownDeltas.length, 'delta')} of unknown use, kept aside`, 'dim');
    }
    if (block.state === 'cut') this.#remark(block, fields, '! cut: the block did not end');
  }

  /** The message's stop reason is known, or none will come. */
  #decide(stopReason: unknown): void {
    if (this.#undecided.length === 0) return;
    const undecided = this.#undecided;
    this.#undecided = [];
    const cutBy =
      stopReason === 'max_tokens' || stopReason === 'model_context_window_exceeded' ? stopReason : undefined;
    for (const { block, fields } of undecided) {
      const length = groupDigits((block.inputText ?? '').length);
      const cut = `! cut by ${String(cutBy)} after ${length} characters: do not run it`;
      this.#remark(block, fields, cutBy === undefined ? inputRemark(block) : cut);
    }
  }

  #remark(block: BlockInfo, fields: Fields, remark: string, style: Style = 'red'): void {
    if (remark === '') return;
    this.#turnTo(block, fields);
    this.#line(remark, style);
  }

  #whole(block: BlockInfo, fields: Fields): void {
    for (const { title, url } of searchResults(fields)) this.#line(`${title}  ${url}`, 'plain');
    if (block.inputState === 'valid') this.#line(jsonText(fields['input']), 'plain');
  }

  /** Moves the cursor to the block: a new paragraph and a title, unless it stands there, or text follows text. */
  #turnTo(block: BlockInfo, fields: Fields): void {
    if (this.#showing === block.ordinal) return;
    const shown = this.#shown.get(block.ordinal);
    const again = shown?.body === true || shown?.titled === true;
    if (block.type === 'text') {
      if (again) this.#title(block, 'text', goesOn(block));
      else if (!this.#inText || !this.#textEnded || shown?.reused === true) this.#paragraph();
      this.#inText = true;
      this.#textEnded = false;
      this.#showing = block.ordinal;
      return;
    }
    const { name, detail } = titleOf(fields);
    this.#title(block, name || block.type, again ? goesOn(block) : flowOf(fields) === '' ? detail : '');
  }

  #title(block: BlockInfo, name: string, detail: string): void {
    this.#paragraph();
    this.#showing = block.ordinal;
    const shown = this.#shown.get(block.ordinal);
    if (shown !== undefined) shown.titled = true;
    const mark = block.inputState !== undefined ? '●' : block.type.endsWith('_result') ? '↳' : '○';
    this.#out.write(`${mark} `, 'cyan').write(clip(name, 80), 'bold');
    const room = this.#out.width - name.length - 4;
    this.#out.write(detail === '' ? '' : `  ${clip(detail, Math.max(room, 20))}`, 'dim').write('\n');
  }

  #paragraph(): void {
    this.#leaveBlock();
    if (!this.#out.empty) this.#out.write('\n');
  }

  /** Ends the line, and prints the footnotes of the text that is left. */
  #leaveBlock(): void {
    this.#out.endLine();
    this.#showing = undefined;
    this.#inText = false;
    this.#footnotes.slice(this.#notesBefore).forEach((note, i) => {
      this.#line(`[${this.#notesBefore + i + 1}] ${note}`, 'dim');
    });
    this.#notesBefore = this.#footnotes.length;
  }

  #cite(block: BlockInfo, fields: Fields): void {
    const { citations } = fields;
    if (!Array.isArray(citations) || citations.length === 0) return;
    this.#turnTo(block, fields);
    for (const note of new Set(citations.map(footnoteOf))) {
      if (!this.#footnotes.includes(note)) this.#footnotes.push(note);
      this.#out.write(`[${this.#footnotes.indexOf(note) + 1}]`, 'dim');
    }
  }

  #line(text: string, style: Style): void {
    this.#out.endLine().write(`  ${clip(text, this.#out.width - 2)}\n`, style);
  }

  #contentOf(block: BlockInfo): Fields {
    const { blocks, message } = this.#reading.parser;
    const { ordinal } = block;
    const place = blocks[ordinal]?.ordinal === ordinal ? ordinal : blocks.findIndex((one) => one.ordinal === ordinal);
    return fieldsOf(message?.content[place]);
  }

  #nextMessage(): void {
    const due = this.#due as { message: Message; outcome: Outcome };
    this.#leaveBlock();
    this.#printSummary(due.message, due.outcome, []);
    this.#out.write(`\n── message ${this.#messages + 1} ──\n`, 'dim');
  }

  #printSummary(message: Message | undefined, outcome: Outcome, extra: readonly string[]): void {
    if (!this.#out.empty) this.#out.write('\n');
    printSummary(this.#out, message, outcome, extra);
    this.#messages += 1;
    this.#due = undefined;
    this.#footnotes = [];
    this.#notesBefore = 0;
  }
}

/** The running text of a block, whatever its field is called. */
function flowOf(fields: Fields): string {
  switch (fields['type']) {
    case 'text':
      return textOf(fields['text']);
    case 'thinking':
      return textOf(fields['thinking']);
    case 'connector_text':
      return textOf(fields['connector_text']);
    case 'compaction':
      return textOf(fields['content']);
    default:
      return '';
  }
}

/** The input is JSON as far as it goes. */
function endsEarly({ inputState, inputError, inputText }: BlockInfo): boolean {
  return inputState === 'invalid' && inputError !== undefined && inputError.offset === inputText?.length;
}

/** Why the input is of no use, if it is not. The error's message has the place. */
function inputRemark({ inputState, inputError }: BlockInfo): string {
  if (inputState !== 'invalid') return '';
  return inputError === undefined
    ? '! the block has no start, so no id and no name: do not run it'
    : `! the input is not valid JSON: ${inputError.message}`;
}

function goesOn(block: BlockInfo): string {
  return `block ${block.index} goes on`;
}

function withheld(fields: Fields): string {
  return textOf(fields['signature']) === '' ? 'empty' : 'not shown by the server, only signed';
}
