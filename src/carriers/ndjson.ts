/**
 * `ssemble/ndjson`: message streams as lines of JSON, as Claude Code and the Agent SDK print them
 * (`--output-format stream-json --include-partial-messages`), and as logs keep them.
 *
 * A line is one of four things:
 *
 * - a **wire event**: `{"type":"content_block_delta",…}`, as it is in the data of a server-sent event;
 * - an **envelope** round one: `{"type":"stream_event","event":{…},"session_id":"…","parent_tool_use_id":null,"uuid":"…"}`;
 * - a **line of the program's own** (`system`, `assistant`, `user`, `result`, `control_request`, …), which is handed to
 *   `onOther`;
 * - anything else, which is an `unknown` event like any other, so that nothing is dropped.
 *
 * **Several streams in one file.** Subagents run at the same time, and their events come interleaved. What tells them apart
 * is `parent_tool_use_id`: `null` in the main conversation, the id of the tool use that started it in a subagent. Every
 * event is given with its {@link LineOrigin}; to follow one stream, pass `parentToolUseId` to {@link ndjsonEvents}.
 */

import type { Limits } from '../limits.ts';
import type { At } from '../message/types.ts';
import { decodeEvent, isObject, toStreamEvent, type Wire } from '../protocol/decode.ts';
import { KNOWN_EVENT_TYPES, type StreamEvent } from '../protocol/events.ts';
import { openBytes, toChunk, type ByteSource, type EventIterator } from '../stream/source.ts';
import { CarriedEvents, type Carrier } from './carried-events.ts';
import { LineReader, type Line } from './line-reader.ts';

/** Whose event it is. */
export interface LineOrigin {
  /** The tool use that started the subagent; `null` in the main conversation, and where the line does not say. */
  parentToolUseId: string | null;
  sessionId?: string;
  /** The line's own id. */
  uuid?: string;
}

/** What an {@link NdjsonParser} calls. */
export interface NdjsonHandlers {
  /** Each event, in the order of the lines. `at.event` counts events, `at.line` and `at.byte` tell where its line begins. */
  onEvent?: (event: StreamEvent, at: At, origin: LineOrigin) => void;
  /** Each line that is none: the program's own. `at.event` is the number of events before it. */
  onOther?: (line: Readonly<Record<string, unknown>>, at: At) => void;
}

/** What {@link ndjsonEvents} may be told. */
export interface NdjsonOptions {
  /**
   * Only the events of one stream: `null` for the main conversation, else the tool use that started the subagent. Lines that
   * could not be read are given whatever stream is asked for: nobody knows whose they were. Default: all events.
   */
  parentToolUseId?: string | null | undefined;
  /** As {@link NdjsonHandlers.onOther}. */
  onOther?: NdjsonHandlers['onOther'];
  /** The longest line, in bytes. Default 64 MiB. */
  limits?: Pick<Limits, 'maxLineBytes'>;
}

/**
 * The lines of Claude Code that are no events of the stream. A line of another type is one as well if it has the ids that
 * every line of Claude Code has.
 *
 * Source: the message types of the Agent SDK; `control_*` and `keep_alive` as its processes exchange them.
 */
const OTHER_LINES: ReadonlySet<string> = new Set([
  'system',
  'assistant',
  'user',
  'result',
  'control_request',
  'control_response',
  'control_cancel_request',
  'keep_alive',
  'tool_progress',
  'auth_status',
  'rate_limit_event',
]);

const NOBODY: LineOrigin = { parentToolUseId: null };

/** What one line was. */
type Read = { event: StreamEvent; origin: LineOrigin } | { other: Wire };

/** The pull form: the parser and the iterator are made of it. */
class NdjsonReader implements Carrier {
  readonly #lines: LineReader;
  readonly #onOther: NdjsonHandlers['onOther'];
  readonly #only: string | null | undefined;
  #events = 0;
  #at: At = { event: 0 };
  origin: LineOrigin = NOBODY;

  constructor({ onOther, parentToolUseId, limits = {} }: NdjsonOptions) {
    this.#lines = new LineReader(limits.maxLineBytes);
    this.#onOther = onOther;
    this.#only = parentToolUseId;
  }

  write(chunk: unknown): void {
    this.#lines.write(toChunk(chunk));
  }

  end(): void {
    this.#lines.end();
  }

  next(): StreamEvent | undefined {
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
      const event = this.#take(line);
      if (event !== undefined) return event;
    }
    return undefined;
  }

  at(): At {
    return this.#at;
  }

  reset(): void {
    this.#lines.reset();
    this.#events = 0;
    this.#at = { event: 0 };
    this.origin = NOBODY;
  }

  #take({ text, byte, line }: Line): StreamEvent | undefined {
    if (text.trim() === '') return undefined;
    const read = readLine(text);
    if ('other' in read) {
      this.#at = { event: this.#events, byte, line };
      this.#onOther?.(read.other, this.#at);
      return undefined;
    }
    this.#at = { event: ++this.#events, byte, line };
    this.origin = read.origin;
    const wanted = this.#only === undefined || read.origin === NOBODY || read.origin.parentToolUseId === this.#only;
    return wanted ? read.event : undefined;
  }
}

function readLine(text: string): Read {
  let wire: unknown;
  try {
    wire = JSON.parse(text);
  } catch {
    return { event: decodeEvent({ event: 'message', data: text, id: '', named: false }), origin: NOBODY };
  }
  if (!isObject(wire)) return { event: { type: 'unknown', reason: 'shape', wire, raw: text }, origin: NOBODY };
  const { type } = wire;
  if (type === 'stream_event') return { event: carried(wire, text), origin: originOf(wire) };
  if (isOther(wire)) return { other: wire };
  return { event: bare(wire, text), origin: originOf(wire) };
}

/** The event in an envelope. One that is no object at all has the whole line as its text. */
function carried(envelope: Wire, text: string): StreamEvent {
  const { event } = envelope;
  return isObject(event) ? toStreamEvent(event) : { type: 'unknown', reason: 'shape', wire: envelope, raw: text };
}

/** A wire event. One that is not understood keeps the line as it came; one of ours, written as JSON, is itself again. */
function bare(wire: Wire, text: string): StreamEvent {
  const event = toStreamEvent(wire);
  return event.type !== 'unknown' || (event as unknown) === wire ? event : { ...event, raw: text };
}

function isOther(wire: Wire): boolean {
  const { type } = wire;
  if (typeof type !== 'string' || Object.hasOwn(KNOWN_EVENT_TYPES, type)) return false;
  return OTHER_LINES.has(type) || (typeof wire['session_id'] === 'string' && typeof wire['uuid'] === 'string');
}

function originOf(wire: Wire): LineOrigin {
  const { parent_tool_use_id: parent, session_id: session, uuid } = wire;
  return {
    parentToolUseId: typeof parent === 'string' ? parent : null,
    ...(typeof session === 'string' && { sessionId: session }),
    ...(typeof uuid === 'string' && { uuid }),
  };
}

/**
 * Lines of JSON in, events out, synchronously. Chunks are bytes or text, cut anywhere; LF and CRLF end a line, blank lines
 * mean nothing, and the last line needs no end. A line that is no JSON is an `unknown` event, never an exception.
 *
 * An exception of a handler leaves `push` unchanged; its line counts as read, and the rest of the chunk is read at the next
 * `push` or `end`.
 *
 * @example
 * import { NdjsonParser } from 'ssemble/ndjson';
 *
 * const seen: string[] = [];
 * const parser = new NdjsonParser({
 *   onEvent: (event, at, origin) => seen.push(`${at.line} ${event.type} of ${origin.parentToolUseId}`),
 *   onOther: (line) => seen.push(String(line['type'])),
 * });
 * parser.push('{"type":"system","subtype":"init"}\n{"type":"stream_ev');
 * parser.push('ent","event":{"type":"message_stop"},"parent_tool_use_id":"toolu_1"}\n');
 * parser.end();
 * seen; // ['system', '2 message_stop of toolu_1']
 */
export class NdjsonParser {
  readonly #reader: NdjsonReader;
  readonly #onEvent: NdjsonHandlers['onEvent'];
  #busy = false;

  /** @param options - `maxLineBytes`; RangeError unless it is above 0 */
  constructor(handlers: NdjsonHandlers, options: Pick<NdjsonOptions, 'limits'> = {}) {
    const { onOther } = handlers;
    this.#onEvent = handlers.onEvent;
    this.#reader = new NdjsonReader({
      ...options,
      onOther: onOther && ((line, at) => this.#tell(() => onOther(line, at))),
    });
  }

  /**
   * Reads a chunk.
   *
   * @throws ProtocolError `line-too-long` past the ceiling, and at every call from then on until `reset()`; TypeError from
   *   inside a handler, and after `end()`
   */
  push(chunk: Uint8Array | string): void {
    this.#guard('push');
    this.#reader.write(chunk);
    this.#drain();
  }

  /** Ends the input, and reads the last line where its end was missing. Throws as `push`. */
  end(): void {
    this.#guard('end');
    this.#reader.end();
    this.#drain();
  }

  /** Forgets everything and begins anew with the same handlers. */
  reset(): void {
    this.#guard('reset');
    this.#reader.reset();
  }

  #guard(call: string): void {
    if (this.#busy) throw new TypeError(`Cannot call ${call}() from inside a handler`);
  }

  #drain(): void {
    for (let event = this.#reader.next(); event !== undefined; event = this.#reader.next()) {
      const given = event;
      this.#tell(() => this.#onEvent?.(given, this.#reader.at(), this.#reader.origin));
    }
  }

  #tell(call: () => void): void {
    this.#busy = true;
    try {
      call();
    } finally {
      this.#busy = false;
    }
  }
}

/**
 * The events of a source of JSON lines, for `MessageStream.fromEvents`: of the output of a process, a `Response`, a
 * `ReadableStream`, an iterable of chunks, or a whole text. Pull-based; leaving it closes the source.
 *
 * Without `parentToolUseId` all events are given in the order of the lines, also where two streams are interleaved; a
 * `MessageStream` over those would take the one for a spliced part of the other, and say so.
 *
 * @throws TypeError for what cannot be read, RangeError for a `maxLineBytes` that is not above 0. The iterator throws
 *   ProtocolError `line-too-long`, and what `onOther` throws.
 * @example
 * import { MessageStream } from 'ssemble';
 * import { ndjsonEvents } from 'ssemble/ndjson';
 *
 * const output = [
 *   '{"type":"stream_event","event":{"type":"message_start","message":{"id":"msg_1"}},"parent_tool_use_id":null}\n',
 *   '{"type":"stream_event","event":{"type":"message_start","message":{"id":"msg_2"}},"parent_tool_use_id":"toolu_1"}\n',
 *   '{"type":"stream_event","event":{"type":"message_stop"},"parent_tool_use_id":null}\n',
 * ];
 * const stream = MessageStream.fromEvents(ndjsonEvents(output, { parentToolUseId: null }));
 * (await stream.finalMessage()).id; // 'msg_1'
 */
export function ndjsonEvents(source: ByteSource, options: NdjsonOptions = {}): EventIterator {
  const reader = new NdjsonReader(options);
  return new CarriedEvents(openBytes(source), reader);
}
