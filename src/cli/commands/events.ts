/**
 * `ssemble events`: one line per event.
 *
 * Two readers take the same bytes: an `SseParser`, for what was on the wire and where, and a `Reading`, for the findings and
 * how the stream ended. The lines come from the first alone, so they also show what the message leaves out.
 */

import { ProtocolError } from '../../errors.ts';
import { BodySniffer } from '../../message/foreign-body.ts';
import { decodeEvent } from '../../protocol/decode.ts';
import type { StreamEvent, UnknownEvent } from '../../protocol/events.ts';
import type { Position, SseEvent } from '../../sse/event.ts';
import { SseParser } from '../../sse/parser.ts';
import type { Command, Options } from '../command.ts';
import { fieldsOf, footnoteOf, lineOf, textOf } from '../blocks.ts';
import { FAIL_ON } from '../options.ts';
import type { Job } from '../reading.ts';
import { Reading } from '../reading.ts';
import { readStreams } from '../read-streams.ts';
import { groupDigits } from '../tally.ts';
import type { Ink } from '../terminal.ts';
import { clip, jsonText } from '../terminal.ts';

/** The command. */
export const EVENTS: Command = {
  name: 'events',
  summary: 'print one line per event: number, +ms, gap, bytes, type, index, preview',
  usage: '[options] [file…]',
  about: [
    'Times are those of the network piece that brought the event; they are `-` where there are none: in saved bodies.',
    'Bytes are those of the whole event, from its first field to its blank line.',
  ],
  options: [{ name: 'json', summary: 'print one JSON object a line, with the event whole' }, FAIL_ON],
  examples: [
    ['ssemble events answer.sse', 'list the events'],
    ['curl -sN https://… | ssemble events', 'with the time of each'],
    ['ssemble events --json answer.sse | jq -r .type | sort | uniq -c', 'count them by type'],
  ],
  readsInput: true,
  run: (call) => readStreams(call, { start: startEvents, title: 'unless-json' }),
};

/** One event with all that its line needs. */
interface Row {
  position: Position;
  event: StreamEvent;
  /** Milliseconds since reading began, and since the previous event; `undefined` where there are no times. */
  ms: number | undefined;
  gap: number | undefined;
  /** The input ended inside it. */
  unfinished: boolean;
}

/** Prints to `out` as the events come. `file` is given where there are several, for `--json`. */
function startEvents(out: Ink, options: Options, file: string | undefined): Job {
  const json = options.has('json');
  const reading = new Reading();
  // A page or a compressed body may hold lines that look like events.
  const sniffer = new BodySniffer();
  let now: number | undefined;
  let previous: number | undefined;
  if (out.sink.isTTY && !json) out.write(columns(['#', '+ms', 'gap', 'bytes', 'type', 'idx']), 'dim').write('\n');

  const print = (sse: SseEvent, position: Position, unfinished: boolean): void => {
    const gap = now === undefined ? undefined : Math.round(now) - Math.round(previous ?? now);
    previous = now;
    const row: Row = { position, event: decodeEvent(sse), ms: now, gap, unfinished };
    if (json) out.write(`${jsonText(rowData(row, file))}\n`);
    else printRow(out, row);
  };
  const parser = new SseParser((sse, self) => print(sse, self.position(), false));

  return {
    push(chunk, ms) {
      now = ms;
      stopAtLimit(() => parser.push(sniffer.settled ? chunk : chunk.subarray(0, sniffer.feed(chunk))));
      return reading.push(chunk);
    },
    end(error, ms) {
      now = ms;
      const verdict = reading.end(error);
      stopAtLimit(() => {
        const last = sniffer.isForeign ? undefined : parser.end();
        if (last !== undefined) print(last, parser.position(), reading.unfinished);
      });
      return verdict;
    },
  };
}

/** A limit needs no word here: the reading trips over the same one, and its outcome tells. */
function stopAtLimit(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

function rowData(row: Row, file: string | undefined): Record<string, unknown> {
  const { position, event, ms, gap, unfinished } = row;
  const index = indexOf(event);
  return {
    ...(file === undefined ? {} : { file }),
    n: position.event,
    ...(ms === undefined ? {} : { t: Math.round(ms), gap }),
    byte: position.byte,
    line: position.line,
    bytes: position.end - position.byte,
    type: event.type,
    ...(index === undefined ? {} : { index }),
    ...(unfinished ? { unfinished } : {}),
    event,
  };
}

/** The width of each column; the type's is that of the longest known one. Numbers stand right. */
const WIDTHS = [5, 7, 6, 6, 19, 3] as const;

function columns(cells: readonly string[]): string {
  return cells.map((cell, i) => (i === 4 ? cell.padEnd(WIDTHS[4]) : cell.padStart(WIDTHS[i] ?? 0))).join(' ');
}

function printRow(out: Ink, row: Row): void {
  const { position, event, ms, gap } = row;
  const index = indexOf(event);
  const start = columns([
    String(position.event),
    ms === undefined ? '-' : String(Math.round(ms)),
    gap === undefined ? '-' : String(gap),
    String(position.end - position.byte),
    clip(typeName(event), WIDTHS[4]),
    index === undefined ? '-' : clip(jsonText(index), WIDTHS[5]),
  ]);
  const bad = event.type === 'error' || row.unfinished;
  const preview = clip(`${row.unfinished ? 'unfinished: ' : ''}${previewOf(event)}`, out.width - start.length - 1);
  out.write(start, bad ? 'red' : 'plain');
  out.write(preview === '' ? '' : ` ${preview}`, 'dim').write('\n');
}

/** The index as it came: it may be no number. */
function indexOf(event: StreamEvent): unknown {
  return fieldsOf(event.type === 'unknown' ? event.wire : event)['index'];
}

/** The type on the wire, as far as there is one. */
function typeName(event: StreamEvent): string {
  return event.type === 'unknown' ? textOf(fieldsOf(event.wire)['type']) || 'unknown' : event.type;
}

function previewOf(event: StreamEvent): string {
  switch (event.type) {
    case 'message_start':
      return words(textOf(event.message.id), textOf(event.message.model), tokens(event.message.usage));
    case 'content_block_start':
      return lineOf(fieldsOf(event.content_block));
    case 'content_block_delta':
      return deltaPreview(event.delta);
    case 'message_delta':
      return words(textOf(event.delta.stop_reason), tokens(event.usage));
    case 'error':
      return words(textOf(event.error.type), textOf(event.error.message));
    case 'unknown':
      return unknownPreview(event);
    default:
      return '';
  }
}

/** The delta's text with its quotes and escapes, so that spaces and line ends can be seen. */
function deltaPreview(delta: unknown): string {
  const { type, ...rest } = fieldsOf(delta);
  if (type === 'citations_delta') return words(type, footnoteOf(rest['citation']));
  if (type === 'signature_delta') return words(type, `${groupDigits(textOf(rest['signature']).length)} characters`);
  const values = Object.values(rest);
  const only = values.length === 1 ? values[0] : undefined;
  return words(textOf(type), jsonText(typeof only === 'string' ? only : rest));
}

const REASONS: Readonly<Record<UnknownEvent['reason'], string>> = {
  type: 'unknown type:',
  shape: 'no valid event:',
  json: 'not JSON:',
  sentinel: 'sentinel:',
  empty: 'no data',
};

function unknownPreview(event: UnknownEvent): string {
  return words(REASONS[event.reason], event.raw);
}

function tokens(usage: unknown): string {
  const { input_tokens: input, output_tokens: output } = fieldsOf(usage);
  return words(typeof input === 'number' ? `in ${input}` : '', typeof output === 'number' ? `out ${output}` : '');
}

function words(...all: string[]): string {
  return all.filter((word) => word !== '').join(' ');
}
