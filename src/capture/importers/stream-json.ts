/**
 * Lines of Claude Code and the Agent SDK (`stream-json`), or bare wire events, one a line. Each request is a capture of its
 * own: lines are told apart by session and by `parent_tool_use_id`, and a `message_start` that no message waits for begins
 * the next one.
 */

import { type LineOrigin, NdjsonParser } from '../../carriers/ndjson.ts';
import { isObject } from '../../protocol/decode.ts';
import { KNOWN_EVENT_TYPES, type StreamEvent } from '../../protocol/events.ts';
import type { Capture } from '../format.ts';
import {
  cannotImport,
  captureOf,
  encodeCarried,
  type Imported,
  type Importer,
  type ImportInput,
  type Skipped,
} from './importer.ts';

export const STREAM_JSON: Importer = {
  kind: 'stream-json',
  what: 'lines of `claude --output-format stream-json`, or wire events, one a line',
  detect: (input) => isLineOfStream(input.firstLine),
  read: readStreamJson,
};

/** The types of lines with which an output of Claude Code begins. */
const FIRST_LINES: ReadonlySet<string> = new Set([
  'stream_event',
  'system',
  'assistant',
  'user',
  'result',
  'control_request',
]);

function isLineOfStream(line: unknown): boolean {
  if (!isObject(line)) return false;
  const { type } = line;
  if (typeof type !== 'string') return false;
  return Object.hasOwn(KNOWN_EVENT_TYPES, type) || FIRST_LINES.has(type) || typeof line['session_id'] === 'string';
}

/** One request that is being collected. */
interface Stream {
  chunks: Uint8Array[];
  /** The id that its `message_start` has; `undefined` before that. */
  id: unknown;
  started: boolean;
  /** Its message has stopped or failed: a further start is another request. */
  over: boolean;
}

class Streams {
  readonly all: Stream[] = [];
  readonly #open: Map<string, Stream> = new Map();
  #lastKey: string = keyOf({ parentToolUseId: null });

  add(event: StreamEvent, origin: LineOrigin): void {
    const key = isUnreadable(event, origin) ? this.#lastKey : keyOf(origin);
    this.#lastKey = key;
    let stream = this.#open.get(key);
    if (stream === undefined || beginsAnother(stream, event)) {
      stream = { chunks: [], id: undefined, started: false, over: false };
      this.#open.set(key, stream);
      this.all.push(stream);
    }
    stream.chunks.push(encodeCarried(event));
    if (event.type === 'message_start') {
      stream.started = true;
      stream.id = event.message.id;
    }
    stream.over ||= event.type === 'message_stop' || event.type === 'error';
  }
}

function keyOf({ sessionId, parentToolUseId }: LineOrigin): string {
  return JSON.stringify([sessionId ?? null, parentToolUseId]);
}

/** A line of which nobody knows whose it was; it most likely belongs to the one before. */
function isUnreadable(event: StreamEvent, { sessionId }: LineOrigin): boolean {
  return event.type === 'unknown' && event.reason !== 'type' && sessionId === undefined;
}

/** A second start with the same id is a fault of the stream, and stays in it. */
function beginsAnother({ started, over, id }: Stream, event: StreamEvent): boolean {
  return event.type === 'message_start' && started && (over || event.message.id !== id);
}

function readStreamJson(input: ImportInput): Imported {
  const streams = new Streams();
  const others = new Map<string, { count: number; line: number }>();
  const parser = new NdjsonParser(
    {
      onEvent: (event, _, origin) => streams.add(event, origin),
      onOther: ({ type }, { line = 0 }) => {
        const known = others.get(String(type));
        if (known === undefined) others.set(String(type), { count: 1, line });
        else known.count++;
      },
    },
    { limits: { maxLineBytes: Infinity } },
  );
  parser.push(input.bytes);
  parser.end();
  const { all } = streams;
  if (all.length === 0) {
    const what = others.size === 0 ? 'it has no lines' : `none of its ${countOf(others)} lines is an event of a stream`;
    throw cannotImport(input, what, 'run claude with --include-partial-messages to get them');
  }
  const captures = all.map(({ chunks }, i): Capture => {
    const numbered = all.length === 1 ? undefined : i + 1;
    return captureOf({ ssemble: 'capture', version: 1, ...input.source('stream-json', 'made', numbered) }, chunks);
  });
  return { captures, skipped: [...others].map(skippedLines) };
}

function countOf(others: ReadonlyMap<string, { count: number }>): number {
  return [...others.values()].reduce((sum, { count }) => sum + count, 0);
}

function skippedLines([type, { count, line }]: [string, { count: number; line: number }]): Skipped {
  const lines = count === 1 ? `line ${line}` : `${count} lines from line ${line} on`;
  return { where: `${lines} of type ${type}`, why: 'no event of a stream' };
}
