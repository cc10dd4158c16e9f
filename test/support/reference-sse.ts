/**
 * The slow literal twin of the SSE parser: WHATWG HTML §9.2.6 "Interpreting an event stream", one sentence of the
 * standard per line of code, over the whole input at once. It knows nothing of chunks.
 *
 * Positions are found in another way than the parser finds them: the raw bytes are cut at CR, LF and CRLF. That works
 * because UTF-8 decoding never swallows a byte below 0x80, so raw lines and decoded lines pair up one to one.
 */

import type { Position, SseEvent } from '../../src/sse/event.ts';

// kept before any test takes the global away
const Decoder = globalThis.TextDecoder;

export interface ReferenceResult {
  events: SseEvent[];
  /** One for each event, and a last one for `unfinished`. */
  positions: Position[];
  /** The event that no blank line ended, if any field of it had come. */
  unfinished: SseEvent | undefined;
  lastEventId: string;
  reconnectionTime: number | undefined;
  comments: string[];
}

interface Line {
  text: string;
  /** Where the line begins in the raw bytes, and one past its line end. */
  start: number;
  end: number;
}

function concat(input: Uint8Array | string): Uint8Array {
  return typeof input === 'string' ? Buffer.from(input, 'utf8') : input;
}

function hasBom(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** All lines; the last is the rest after the last line end, and may be empty. */
function rawSpans(bytes: Uint8Array): { start: number; end: number }[] {
  const spans: { start: number; end: number }[] = [];
  let start = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== 0x0a && bytes[i] !== 0x0d) continue;
    if (bytes[i] === 0x0d && bytes[i + 1] === 0x0a) i++;
    spans.push({ start, end: i + 1 });
    start = i + 1;
  }
  return [...spans, { start, end: bytes.length }];
}

function linesOf(bytes: Uint8Array): Line[] {
  // "Streams must be decoded using the UTF-8 decode algorithm", which strips one leading BOM
  const texts = new Decoder('utf-8', { ignoreBOM: false, fatal: false }).decode(bytes).split(/\r\n|\n|\r/);
  const spans = rawSpans(bytes);
  if (texts.length !== spans.length) throw new Error('the twin is wrong: raw and decoded lines do not pair up');
  const lines = spans.map(({ start, end }, i): Line => ({ text: texts[i] as string, start, end }));
  // the mark counts as bytes but is no part of the first line
  if (hasBom(bytes)) (lines[0] as Line).start = 3;
  return lines;
}

/** What a limit breaks first, in the order of the bytes. */
export interface ReferenceLimit {
  code: 'line-too-long' | 'event-too-large';
  at: { event: number; byte: number; line: number };
  /** How many events come before it. */
  events: number;
}

/**
 * The first limit that the input crosses, if it does: a line's content longer than `maxLine` bytes, or an event whose
 * bytes from its first field to the end of the content of its last line are more than `maxEvent`. Comments count
 * towards the event that they stand in. Where one byte crosses both, it is the line.
 */
export function referenceLimit(
  input: Uint8Array | string,
  maxLine: number,
  maxEvent: number,
): ReferenceLimit | undefined {
  const bytes = concat(input);
  let events = 0;
  let first: { byte: number; line: number } | undefined;
  let hasData = false;
  for (const [i, { text, start, end }] of linesOf(bytes).entries()) {
    let contentEnd = end;
    while (contentEnd > start && (bytes[contentEnd - 1] === 0x0a || bytes[contentEnd - 1] === 0x0d)) contentEnd--;
    if (text === '') {
      if (hasData) events++;
      hasData = false;
      first = undefined;
      continue;
    }
    if (!text.startsWith(':')) first ??= { byte: start, line: i + 1 };
    const eventFull = first ? first.byte + maxEvent : Infinity;
    if (contentEnd > Math.min(start + maxLine, eventFull)) {
      return start + maxLine <= eventFull
        ? { code: 'line-too-long', at: { event: events + 1, byte: start, line: i + 1 }, events }
        : { code: 'event-too-large', at: { event: events + 1, ...(first as { byte: number; line: number }) }, events };
    }
    if (/^data(:|$)/.test(text)) hasData = true;
  }
  return undefined;
}

/** Interprets a whole event stream. */
export function referenceSse(input: Uint8Array | string): ReferenceResult {
  const bytes = concat(input);
  const result: ReferenceResult = {
    events: [],
    positions: [],
    unfinished: undefined,
    lastEventId: '',
    reconnectionTime: undefined,
    comments: [],
  };
  let data = '';
  let eventType = '';
  let idBuffer = '';
  let named = false;
  let first: { byte: number; line: number } | undefined;
  let retry: number | undefined;
  let from = 0;

  const event = (): SseEvent => ({
    event: eventType === '' ? 'message' : eventType,
    data: data.endsWith('\n') ? data.slice(0, -1) : data,
    id: idBuffer,
    ...(retry === undefined ? {} : { retry }),
    named,
  });

  const dispatch = (end: number): void => {
    result.lastEventId = idBuffer;
    if (data !== '' && first) {
      result.events.push(event());
      result.positions.push({ event: result.events.length, ...first, from, end });
      from = end;
      retry = undefined;
    }
    data = '';
    eventType = '';
    named = false;
    first = undefined;
  };

  const field = (name: string, value: string): void => {
    if (name === 'event') {
      eventType = value;
      named = true;
    } else if (name === 'data') data += `${value}\n`;
    else if (name === 'id') {
      if (!value.includes('\0')) idBuffer = value;
    } else if (name === 'retry') {
      // the standard sets no bound; ours is the largest integer that is exact
      if (/^[0-9]+$/.test(value)) {
        result.reconnectionTime = retry = Math.min(Number.parseInt(value, 10), Number.MAX_SAFE_INTEGER);
      }
    }
  };

  const lines = linesOf(bytes);
  for (const [i, { text, start, end }] of lines.entries()) {
    const unterminated = i === lines.length - 1;
    if (text === '') {
      if (!unterminated) dispatch(end);
      continue;
    }
    const colon = text.indexOf(':');
    if (colon === 0) {
      result.comments.push(text.slice(1));
      continue;
    }
    const name = colon === -1 ? text : text.slice(0, colon);
    const value = colon === -1 ? '' : text.slice(colon + 1);
    // "If value starts with a U+0020 SPACE character, remove it from value"
    field(name, value.startsWith(' ') ? value.slice(1) : value);
    // any line but a comment is a field, known or not
    first ??= { byte: start, line: i + 1 };
  }
  if (first) {
    result.unfinished = event();
    result.positions.push({ event: result.events.length + 1, ...first, from, end: bytes.length });
  }
  return result;
}
