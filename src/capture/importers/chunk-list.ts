/**
 * Lists of network chunks, as private recorders keep them, which several teams have written on their own: `chunks_b64` (a
 * list of base64), lists of base64 strings or of texts, and lists of `{t, data}` in any spelling, in one JSON value or one a
 * line. The list may stand anywhere in the file; the status and headers beside it are read too.
 *
 * What the numbers in a file mean it mostly does not say. A key may (`t_ms`, `offset_us`); a number since 1970 tells by its
 * size; else a list with a fraction in it is taken for seconds, and one of whole numbers for milliseconds. Numbers from 0
 * on count from the first chunk, others from the request.
 */

import { isObject, type Wire } from '../../protocol/decode.ts';
import { isEventStream } from '../../carriers/event-stream.ts';
import type { Capture, CaptureChunk, CaptureClock, CaptureHeader } from '../format.ts';
import { lenientBase64 } from './base64-text.ts';
import { asNumber, asText, bytesOf, headersOf, headOf, oneName } from './exchange.ts';
import {
  cannotImport,
  type Imported,
  type Importer,
  type ImportInput,
  looksLikeSse,
  parseJson,
  textOf,
} from './importer.ts';

export const CHUNK_LIST: Importer = {
  kind: 'chunk-list',
  what: 'a list of chunks in JSON: chunks_b64, base64 strings, or {t, data}',
  detect: (input) => listsOf(input).length > 0,
  read: readChunkLists,
};

/** One list of chunks. */
interface List {
  where: string;
  chunks: { time: Time | undefined; bytes: Uint8Array }[];
  /** The objects round it, the nearest first: where status, headers and the request stand. */
  owners: readonly Wire[];
}

interface Time {
  value: unknown;
  /** Microseconds in one of the unit that the key names. */
  scale: number | undefined;
}

const BASE64_KEYS: ReadonlySet<string> = new Set([
  'b64',
  'base64',
  'data_b64',
  'chunk_b64',
  'bytes_b64',
  'data_base64',
]);
const DATA_KEYS: ReadonlySet<string> = new Set(['data', 'chunk', 'bytes', 'text', 'body', 'raw', 'payload']);
// `ts` before `t`: else it were `t` in seconds.
const TIME_KEY = /^(?:ts|t|time|timestamp|offset|at|elapsed|when)(?:_?(ns|us|micros|ms|millis|s|sec|secs|seconds))?$/i;
const SCALES: Readonly<Record<string, number>> = {
  ns: 1e-3,
  us: 1,
  micros: 1,
  ms: 1e3,
  millis: 1e3,
  s: 1e6,
  sec: 1e6,
  secs: 1e6,
  seconds: 1e6,
};

/** The last moment that a date can be, in microseconds since 1970: what is beyond it is no time. */
const LATEST = 8.64e18;

/** Files nest a few levels; what is deeper is not looked at. */
const MAX_NESTING = 8;

function readChunkLists(input: ImportInput): Imported {
  const lists = listsOf(input);
  if (lists.length === 0) {
    throw cannotImport(input, 'it has no list of chunks that is known here', 'see the README for the shapes');
  }
  const captures = lists.map((list, i) => captureOfList(input, list, i + 1));
  return { captures: oneName(captures, input), skipped: [] };
}

function listsOf(input: ImportInput): List[] {
  const lists: List[] = [];
  if (readItem(input.firstLine)?.time === undefined) find(input.json, '', [], lists);
  else {
    const lines = input.text.split('\n').filter((line) => line.trim() !== '');
    const list = toList(lines.map(parseJson), 'the lines', [], true);
    if (list !== undefined) lists.push(list);
  }
  return lists;
}

function find(value: unknown, key: string, owners: readonly Wire[], lists: List[]): void {
  if (owners.length > MAX_NESTING) return;
  if (Array.isArray(value)) {
    const list = toList(value, key === '' ? 'the list' : key, owners, key.endsWith('_b64'));
    if (list !== undefined) lists.push(list);
    else value.forEach((each: unknown, i) => isObject(each) && find(each, `${key}[${i}]`, owners, lists));
  } else if (isObject(value)) {
    const inner = [value, ...owners];
    for (const [name, each] of Object.entries(value)) find(each, name, inner, lists);
  }
}

/** The list, if every item is a chunk, and together they look like a stream (or the key says that they are chunks). */
function toList(items: readonly unknown[], where: string, owners: readonly Wire[], sure: boolean): List | undefined {
  if (items.length === 0) return undefined;
  const read = items.map(readItem);
  if (!read.every((item) => item !== undefined)) return undefined;
  const encoded = read.every(({ text, base64 }) => base64 || lenientBase64(text) !== undefined);
  const plain = read.map(({ text }) => text).join('');
  // Texts of a stream are no base64: they have spaces and colons. But a list may have short pieces that could be both.
  const asBase64 = encoded && (read.some(({ base64 }) => base64) || !looksLikeSse(plain));
  const chunks = read.map(({ time, text, base64 }) => ({
    time,
    bytes: (asBase64 || base64 ? lenientBase64(text) : undefined) ?? bytesOf(text),
  }));
  const named = read.some(({ base64 }) => base64);
  return sure || named || isStream(chunks) ? { where, chunks, owners } : undefined;
}

function isStream(chunks: List['chunks']): boolean {
  const start = chunks.slice(0, 200).flatMap(({ bytes }) => [...bytes.subarray(0, 200)]);
  const bytes = new Uint8Array(start);
  return isEventStream(bytes) === true || looksLikeSse(textOf(bytes));
}

interface Item {
  time: Time | undefined;
  text: string;
  /** The key says so. */
  base64: boolean;
}

function readItem(item: unknown): Item | undefined {
  if (typeof item === 'string') return { time: undefined, text: item, base64: false };
  if (Array.isArray(item)) {
    const [value, text] = item as unknown[];
    if (item.length !== 2 || typeof value !== 'number' || typeof text !== 'string') return undefined;
    return { time: { value, scale: undefined }, text, base64: false };
  }
  if (!isObject(item)) return undefined;
  const keys = Object.keys(item);
  const encoded = keys.find((key) => BASE64_KEYS.has(key) && typeof item[key] === 'string');
  const key = encoded ?? keys.find((each) => DATA_KEYS.has(each) && typeof item[each] === 'string');
  if (key === undefined) return undefined;
  return {
    time: timeOf(item),
    text: String(item[key]),
    base64: encoded !== undefined || item['encoding'] === 'base64',
  };
}

function timeOf(item: Wire): Time | undefined {
  for (const [key, value] of Object.entries(item)) {
    const found = TIME_KEY.exec(key);
    if (found === null || (typeof value !== 'number' && typeof value !== 'string')) continue;
    const unit = found[1]?.toLowerCase();
    return { value, scale: unit === undefined ? undefined : SCALES[unit] };
  }
  return undefined;
}

function captureOfList(input: ImportInput, { chunks, owners, where }: List, number: number): Capture {
  const { times, clock } = clockOf(chunks.map(({ time }) => time));
  const header: CaptureHeader = { ssemble: 'capture', version: 1, ...headOf(exchangeOf(owners, where)) };
  if (clock !== undefined) header.clock = clock;
  const timed = chunks.map(({ bytes }, i): CaptureChunk => ({ us: times[i], bytes }));
  return {
    header: { ...header, ...input.source('chunk-list', 'recorded', number) },
    chunks: timed,
    end: { end: 'eof' },
  };
}

function exchangeOf(owners: readonly Wire[], where: string): Parameters<typeof headOf>[0] {
  const response = owners[0] ?? {};
  const request = owners.map((owner) => owner['request']).find(isObject) ?? {};
  const status = ['status', 'status_code', 'statusCode', 'code'].map((key) => asNumber(response[key]));
  return {
    where,
    method: asText(request['method']),
    url: asText(request['url']) ?? asText(request['uri']) ?? asText(response['url']),
    requestHeaders: headersOf(request['headers']),
    status: status.find((each) => each !== undefined),
    headers: headersOf(response['headers'] ?? response['response_headers']),
    body: '',
  };
}

interface Clock {
  times: readonly (number | undefined)[];
  clock: CaptureClock | undefined;
}

/** Microseconds from the clock's zero, none before the one before; nothing if a chunk has no time. */
function clockOf(times: readonly (Time | undefined)[]): Clock {
  const fraction = times.some((time) => typeof time?.value === 'number' && !Number.isInteger(time.value));
  const micros = times.map((time) => (time === undefined ? undefined : microsOf(time, fraction)));
  const [first] = micros;
  if (first === undefined || micros.some((each) => each === undefined || !(each >= 0 && each < LATEST))) {
    return { times: [], clock: undefined };
  }
  // Later than 2001, if it counts from 1970: no stream runs for 30 years.
  const absolute = first > 1e15;
  const zero = absolute ? first : 0;
  let last = 0;
  const ordered = micros.map((each) => (last = Math.max(last, Math.round((each ?? 0) - zero))));
  const origin = absolute ? { origin: new Date(first / 1000).toISOString() } : {};
  return { times: ordered, clock: { zero: absolute || first === 0 ? 'first-chunk' : 'request', ...origin } };
}

function microsOf({ value, scale }: Time, fraction: boolean): number {
  if (typeof value === 'string') {
    return /^-?\d+(?:\.\d+)?$/.test(value)
      ? microsOf({ value: Number(value), scale }, value.includes('.'))
      : Date.parse(value) * 1000;
  }
  const number = Number(value);
  if (scale !== undefined) return number * scale;
  if (number > 1e17) return number / 1e3;
  if (number > 1e14) return number;
  if (number > 1e11) return number * 1e3;
  if (number > 1e8) return number * 1e6;
  return fraction ? number * 1e6 : number * 1e3;
}
