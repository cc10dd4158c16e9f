/** Whatever can be compared → its events and its messages. */

import { ProtocolError } from '../errors.ts';
import { MessageParser } from '../message/parser.ts';
import type { OutcomeStatus } from '../message/types.ts';
import { isObject, toStreamEvent } from '../protocol/decode.ts';
import type { StreamEvent } from '../protocol/events.ts';
import type { Message } from '../protocol/message.ts';
import { decodeUtf8 } from '../sse/utf8.ts';
import type { PlacedEvent } from './units.ts';

/** A capture, as far as a comparison looks at it. */
interface CaptureLike {
  chunks: Iterable<{ us: number | undefined; bytes: Uint8Array }>;
}

/**
 * What can be compared: the bytes or the text of a stream, or of a message as JSON; a capture; events, decoded; a
 * `Message`.
 */
export type DiffInput = Uint8Array | string | CaptureLike | Iterable<StreamEvent | object> | Message;

/** One side of a comparison, read. */
export interface ReadSide {
  /** `undefined` for a message that was never streamed. */
  events: PlacedEvent[] | undefined;
  messages: Message[];
  status: OutcomeStatus | 'message';
  /** The input ended inside an event. */
  unfinished: boolean;
  /** What stands in an input without any event, but for comments and blank lines; '' where there were events. */
  body: string;
}

/**
 * Reads one side.
 *
 * @throws TypeError for what is none of the kinds of {@link DiffInput}
 */
export function readSide(input: DiffInput): ReadSide {
  if (typeof input === 'string' || input instanceof Uint8Array) {
    return (
      messageIn(input) ??
      readStream(
        (reader) => reader.parser.push(input),
        () => (typeof input === 'string' ? input : decodeUtf8(input)),
      )
    );
  }
  if (isObject(input)) {
    if (isMessage(input)) return wholeMessage(input);
    const chunks = input['chunks'];
    if (isIterable(chunks)) return readCapture([...(chunks as CaptureLike['chunks'])]);
  }
  if (isIterable(input)) {
    return readStream(
      ({ parser }) => {
        for (const event of input as Iterable<unknown>) parser.apply(toStreamEvent(event));
      },
      () => '',
    );
  }
  throw new TypeError('Cannot compare this: it is no bytes, no text, no capture, no list of events and no Message');
}

interface Reader {
  parser: MessageParser;
  us: number | undefined;
}

type Chunks = readonly { us: number | undefined; bytes: Uint8Array }[];

/** A capture of an answer that was not streamed is that message. */
function readCapture(chunks: Chunks): ReadSide {
  const first = chunks.find(({ bytes }) => bytes.length > 0)?.bytes;
  const whole = first === undefined || !beginsAsJson(first) ? undefined : messageIn(joined(chunks));
  if (whole !== undefined) return whole;
  return readStream(
    (reader) => {
      for (const { us, bytes } of chunks) {
        reader.us = us;
        reader.parser.push(bytes);
      }
    },
    () => decodeUtf8(joined(chunks)),
  );
}

function joined(chunks: Chunks): Uint8Array {
  const all = new Uint8Array(chunks.reduce((length, { bytes }) => length + bytes.length, 0));
  let at = 0;
  for (const { bytes } of chunks) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return all;
}

/** A stream that breaks a limit is read as far as it goes; its outcome tells. */
function readStream(read: (reader: Reader) => void, text: () => string): ReadSide {
  const events: PlacedEvent[] = [];
  let unfinished = false;
  const parser = new MessageParser({
    onEvent: (event) => void events.push({ event, number: events.length + 1, us: reader.us }),
    onDiagnostic: ({ code }) => {
      if (code === 'unfinished-event') unfinished = true;
    },
  });
  const reader: Reader = { parser, us: undefined };
  try {
    read(reader);
    parser.end();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  const messages = parser.messages.map(({ message }) => message);
  const body = events.length === 0 ? linesWithText(text()) : '';
  return { events, messages, status: parser.outcome.status, unfinished, body };
}

/** Comments and blank lines are nothing, wherever they stand. */
function linesWithText(text: string): string {
  const lines = text.split(/\r\n?|\n/).filter((line) => line !== '' && !line.startsWith(':'));
  return lines.join('\n');
}

/** Where a JSON text begins, behind a byte order mark and white space. */
const JSON_START = /^[\uFEFF\s]*\{/;

function beginsAsJson(input: string | Uint8Array): boolean {
  return JSON_START.test(typeof input === 'string' ? input.slice(0, 64) : decodeUtf8(input.subarray(0, 64)));
}

function messageIn(input: string | Uint8Array): ReadSide | undefined {
  if (!beginsAsJson(input)) return undefined;
  const text = typeof input === 'string' ? input : decodeUtf8(input);
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    return isObject(value) && isMessage(value) ? wholeMessage(value) : undefined;
  } catch {
    return undefined;
  }
}

/** Some servers leave the `type` out. */
function isMessage(value: object): value is Message {
  const { type, role, content } = value as { type?: unknown; role?: unknown; content?: unknown };
  return (type === 'message' || (type === undefined && role === 'assistant')) && Array.isArray(content);
}

function wholeMessage(message: Message): ReadSide {
  return { events: undefined, messages: [message], status: 'message', unfinished: false, body: '' };
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
