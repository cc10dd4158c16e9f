/**
 * HAR files: what browsers, proxies and Polly.js save. An entry has the whole body and, in `timings`, when the answer began
 * and ended; when each event came it does not say, unless a browser has added `_eventSourceMessages`.
 */

import { isObject, type Wire } from '../../protocol/decode.ts';
import { encodeSse } from '../../sse/encode.ts';
import type { Capture, CaptureChunk, CaptureEnd, CaptureHeader } from '../format.ts';
import { fromHex, lenientBase64 } from './base64-text.ts';
import {
  asNumber,
  asText,
  bytesOf,
  encodingOf,
  type Exchange,
  headersOf,
  headOf,
  oneName,
  placeOf,
  whyNot,
} from './exchange.ts';
import {
  cannotImport,
  chunksOfBody,
  type Imported,
  type Importer,
  type ImportInput,
  parseJson,
  type Skipped,
} from './importer.ts';

export const HAR: Importer = {
  kind: 'har',
  what: 'a HAR file, as browsers and proxies save it',
  detect: (input) => entriesOf(input.json) !== undefined && !isPolly(input.json),
  read: (input) => readHar(input, 'har'),
};

/** A recording of Polly.js: a HAR file with a name of its own. */
export function isPolly(json: unknown): boolean {
  return isObject(json) && isObject(json['log']) && '_recordingName' in json['log'];
}

export function readHar(input: ImportInput, kind: 'har' | 'cassette'): Imported {
  const entries = entriesOf(input.json);
  if (entries === undefined) throw cannotImport(input, 'it has no log.entries', 'save it again as HAR, with content');
  const captures: Capture[] = [];
  const skipped: Skipped[] = [];
  for (const [i, entry] of entries.entries()) {
    const wire: Wire = isObject(entry) ? entry : {};
    const exchange = exchangeOf(wire, `entry ${i + 1}`);
    const why = whyNot(exchange);
    if (why !== undefined) skipped.push({ where: placeOf(exchange), why });
    else captures.push(captureOfEntry(input, kind, wire, exchange, captures.length + 1, skipped));
  }
  return { captures: oneName(captures, input), skipped };
}

function entriesOf(json: unknown): unknown[] | undefined {
  const log = isObject(json) ? json['log'] : undefined;
  const entries = isObject(log) ? log['entries'] : undefined;
  return Array.isArray(entries) ? entries : undefined;
}

function exchangeOf(entry: Wire, where: string): Exchange {
  const request: Wire = isObject(entry['request']) ? entry['request'] : {};
  const response: Wire = isObject(entry['response']) ? entry['response'] : {};
  const content: Wire = isObject(response['content']) ? response['content'] : {};
  const headers = headersOf(response['headers']);
  const type = asText(content['mimeType']);
  const typed = type === undefined || headers.some(([name]) => /^content-type$/i.test(name));
  return {
    where,
    method: asText(request['method']),
    url: asText(request['url']),
    requestHeaders: headersOf(request['headers']),
    status: asNumber(response['status']),
    headers: typed ? headers : [...headers, ['content-type', type]],
    body: bodyOf(content, messagesOf(entry)),
  };
}

/** The body; a text is the reason why there is none. */
function bodyOf(content: Wire, messages: readonly Message[]): Uint8Array | string {
  const text = asText(content['text']);
  if (text !== undefined && text !== '')
    return decode(text, content) ?? 'its content is no base64, as its encoding says';
  if (messages.length > 0) return join(messages.map(({ bytes }) => bytes));
  const size = asNumber(content['size']) ?? 0;
  return size > 0
    ? `the file has none of its ${size} bytes of content; save it again with content`
    : 'it has no content';
}

function decode(text: string, content: Wire): Uint8Array | undefined {
  const encoding = content['encoding'];
  // Polly.js keeps the pieces of a binary body as a list: in base64, or in hexadecimal where it does not say.
  const list = text.startsWith('["') ? parseJson(text) : undefined;
  if (Array.isArray(list) && list.every((each) => typeof each === 'string')) {
    const parts = list.map((each) => (encoding === 'base64' ? lenientBase64(each) : fromHex(each)));
    if (parts.every((part) => part !== undefined)) return join(parts);
  }
  return encoding === 'base64' ? lenientBase64(text) : bytesOf(text);
}

/** One of Chrome's `_eventSourceMessages`. */
interface Message {
  /** Milliseconds since 1970. */
  ms: number | undefined;
  bytes: Uint8Array;
}

function messagesOf(entry: Wire): Message[] {
  const list = entry['_eventSourceMessages'];
  if (!Array.isArray(list)) return [];
  return list.filter(isObject).map((each) => {
    const name = asText(each['eventName'])?.replace(/[\r\n]/g, '') ?? '';
    const id = asText(each['eventId'])?.replace(/[\0\r\n]/g, '') ?? '';
    const data = (asText(each['data']) ?? '').replaceAll(/\r\n?/g, '\n');
    return { ms: epochMs(each['time']), bytes: encodeSse({ data, id, ...(name !== '' && { event: name }) }) };
  });
}

/** Seconds, as Chrome counts, milliseconds, or ISO 8601. */
function epochMs(time: unknown): number | undefined {
  const ms = typeof time === 'string' ? Date.parse(time) : asNumber(time);
  if (ms === undefined || !(ms > 1e9)) return undefined;
  return typeof time === 'string' || ms > 1e11 ? ms : ms * 1000;
}

function captureOfEntry(
  input: ImportInput,
  kind: string,
  entry: Wire,
  exchange: Exchange,
  number: number,
  skipped: Skipped[],
): Capture {
  const startedMs = Date.parse(String(entry['startedDateTime']));
  const { chunks: bodies, broken } = chunksOfBody(exchange.body as Uint8Array);
  if (broken !== undefined) skipped.push({ where: placeOf(exchange), why: broken });
  const { times, why } = timesOf(bodies, messagesOf(entry), startedMs);
  if (why !== undefined) skipped.push({ where: placeOf(exchange), why });
  const chunks = bodies.map((bytes, i): CaptureChunk => ({ us: times[i], bytes }));
  const end = endOf(entry, chunks.at(-1)?.us, broken);
  const header = headerOfEntry(entry, exchange, startedMs, end.us !== undefined || chunks[0]?.us !== undefined);
  return { header: { ...header, ...input.source(kind, 'made', number) }, chunks, end };
}

function headerOfEntry(entry: Wire, exchange: Exchange, startedMs: number, timed: boolean): CaptureHeader {
  const header: CaptureHeader = { ssemble: 'capture', version: 1, ...headOf(exchange) };
  const us = answeredUs(entry);
  const decoded = encodingOf(exchange.headers);
  const response = { ...header.response, ...(us !== undefined && { us }), ...(decoded !== undefined && { decoded }) };
  if (Object.keys(response).length > 0) header.response = response;
  if (!timed && us === undefined) return header;
  const origin = Number.isNaN(startedMs) ? {} : { origin: new Date(startedMs).toISOString() };
  return { ...header, clock: { zero: 'request', ...origin } };
}

/** The times of the events, where the browser kept them and they are as many as the body has. */
function timesOf(
  bodies: readonly Uint8Array[],
  messages: readonly Message[],
  startedMs: number,
): { times: readonly (number | undefined)[]; why?: string } {
  if (messages.length === 0 || Number.isNaN(startedMs)) return { times: [] };
  // What follows the last event (a comment, or a cut one) came with it, or after.
  const fits = bodies.length === messages.length || bodies.length === messages.length + 1;
  if (!fits || messages.some(({ ms }) => ms === undefined)) {
    return { times: [], why: `the times of its ${messages.length} _eventSourceMessages do not fit its body: left out` };
  }
  let last = 0;
  const times = messages.map(({ ms = 0 }) => (last = Math.max(last, Math.round((ms - startedMs) * 1000))));
  return { times: bodies.map((_, i) => times[i] ?? last) };
}

/** When the head of the answer was there: `ssl` is a part of `connect`, -1 means that it does not apply. */
function answeredUs(entry: Wire): number | undefined {
  const { timings } = entry;
  if (!isObject(timings)) return undefined;
  const steps = ['blocked', 'dns', 'connect', 'send', 'wait'].map((step) => Math.max(0, asNumber(timings[step]) ?? 0));
  const ms = steps.reduce((sum, step) => sum + step, 0);
  return ms > 0 ? Math.round(ms * 1000) : undefined;
}

function endOf(entry: Wire, lastUs: number | undefined, broken: string | undefined): CaptureEnd {
  const failure = isObject(entry['response']) ? asText(entry['response']['_error']) : undefined;
  const error = failure !== undefined && failure !== '' ? failure : broken;
  const totalMs = asNumber(entry['time']);
  const us = totalMs === undefined || totalMs <= 0 ? undefined : Math.max(lastUs ?? 0, Math.round(totalMs * 1000));
  return { ...(error === undefined ? { end: 'eof' } : { end: 'reset', error }), ...(us !== undefined && { us }) };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
