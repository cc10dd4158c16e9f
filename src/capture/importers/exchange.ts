/** A request and its answer, as HAR files and cassettes keep them, and what makes a capture of it. */

import { isEventStream } from '../../carriers/event-stream.ts';
import { encodeUtf8 } from '../../sse/utf8.ts';
import type { Capture, CapturedRequest, CapturedResponse, CaptureHeader, CaptureHeaders } from '../format.ts';
import { publicHeaders, publicUrl } from '../secrets.ts';
import { isObject } from '../../protocol/decode.ts';
import {
  captureOf,
  chunksOfBody,
  type ImportInput,
  type Imported,
  looksLikeSse,
  type Skipped,
  textOf,
} from './importer.ts';

/** One request and its answer. What the file does not say is absent. */
export interface Exchange {
  /** Where in the file, such as `entry 3`. */
  where: string;
  method?: string | undefined;
  url?: string | undefined;
  requestHeaders: CaptureHeaders;
  status?: number | undefined;
  headers: CaptureHeaders;
  /** The body; a text is the reason why there is none. */
  body: Uint8Array | string;
}

/** The request that streams are the answer to: `…/v1/messages`, and Bedrock's. */
const STREAM_URL = /\/messages(?:[?#]|$)|\/invoke-with-response-stream(?:[?#]|$)/;
const STREAM_TYPE = /^(?:text\/event-stream|application\/vnd\.amazon\.eventstream)\b/i;

/** Whether the answer is worth a capture: by its type, its URL, or its first bytes. */
function isStream({ url = '', headers, body }: Exchange): boolean {
  if (STREAM_TYPE.test(headerOf(headers, 'content-type') ?? '') || STREAM_URL.test(url)) return true;
  return typeof body !== 'string' && (isEventStream(body) === true || looksLikeSse(textOf(body.subarray(0, 200))));
}

/** Where it is, as a person reads it. */
export function placeOf({ where, method, url }: Exchange): string {
  const request = [method, url === undefined ? undefined : publicUrl(url)].filter((each) => each !== undefined);
  return request.length === 0 ? where : `${where}: ${request.join(' ')}`;
}

/** The header line, without what `input` adds to it. Secrets are out. */
export function headOf(exchange: Exchange): Pick<CaptureHeader, 'request' | 'response'> {
  const { method, url, requestHeaders, status, headers } = exchange;
  const request: CapturedRequest = {};
  if (method !== undefined) request.method = method;
  if (url !== undefined) request.url = publicUrl(url);
  if (requestHeaders.length > 0) request.headers = publicHeaders(requestHeaders);
  const response: CapturedResponse = {};
  if (status !== undefined) response.status = status;
  if (headers.length > 0) response.headers = publicHeaders(headers);
  return {
    ...(Object.keys(request).length > 0 && { request }),
    ...(Object.keys(response).length > 0 && { response }),
  };
}

/** The header of `name`, whatever its spelling. */
function headerOf(headers: CaptureHeaders, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1];
}

/** The encoding of the body, unless it is none. */
export function encodingOf(headers: CaptureHeaders): string | undefined {
  const encoding = headerOf(headers, 'content-encoding')?.trim().toLowerCase();
  return encoding === undefined || encoding === '' || encoding === 'identity' ? undefined : encoding;
}

/** Why the body cannot be read as it is kept; `undefined` if it can. */
function whyUnreadable({ body, headers }: Exchange): string | undefined {
  if (typeof body === 'string') return body;
  if (isEventStream(body) === true) return undefined;
  const encoding = encodingOf(headers);
  const gzip = body[0] === 0x1f && body[1] === 0x8b;
  if (gzip || (encoding !== undefined && isBinary(body))) {
    return `its body is compressed (${gzip ? 'gzip' : encoding}); record it without compression, or decompress it first`;
  }
  return undefined;
}

/** Text has no NUL, and no bytes that are no UTF-8. */
function isBinary(body: Uint8Array): boolean {
  return /[\0\uFFFD]/.test(textOf(body.subarray(0, 512)).slice(0, -4));
}

/** Every exchange that is a stream as a capture without times; the others as skipped. */
export function capturesOf(input: ImportInput, kind: string, exchanges: readonly Exchange[]): Imported {
  const captures: Capture[] = [];
  const skipped: Skipped[] = [];
  for (const exchange of exchanges) {
    const where = placeOf(exchange);
    const why = whyNot(exchange);
    if (why !== undefined) {
      skipped.push({ where, why });
      continue;
    }
    const { chunks, broken } = chunksOfBody(exchange.body as Uint8Array);
    if (broken !== undefined) skipped.push({ where, why: broken });
    const header: CaptureHeader = { ssemble: 'capture', version: 1, ...headOf(exchange) };
    captures.push(captureOf({ ...header, ...input.source(kind, 'made', captures.length + 1) }, chunks, broken));
  }
  return { captures: oneName(captures, input), skipped };
}

/** Why it is no capture; `undefined` if it is one. */
export function whyNot(exchange: Exchange): string | undefined {
  if (isStream(exchange)) return whyUnreadable(exchange);
  const { body, headers, url } = exchange;
  // Where nothing says what it is, that there is no body says more.
  if (typeof body === 'string' && headers.length === 0 && url === undefined) return body;
  const type = headerOf(headers, 'content-type') ?? 'no content type';
  return `its answer is no event stream (${type})`;
}

/** A single capture needs no number. */
export function oneName(captures: Capture[], input: ImportInput): Capture[] {
  const [only] = captures;
  if (captures.length === 1 && only?.header.source !== undefined && input.name !== undefined) {
    only.header = { ...only.header, source: { ...only.header.source, name: input.name } };
  }
  return captures;
}

/**
 * Headers in any shape that files have: a map of names to a value or several, a list of `{name, value}`, pairs, or the flat
 * list of Node's `rawHeaders`.
 */
export function headersOf(value: unknown): CaptureHeaders {
  if (Array.isArray(value)) {
    if (value.every((each) => typeof each === 'string')) {
      return Array.from({ length: Math.floor(value.length / 2) }, (_, i) => [
        String(value[2 * i]),
        String(value[2 * i + 1]),
      ]);
    }
    return value.flatMap((each: unknown) => {
      if (Array.isArray(each) && each.length === 2) return [[String(each[0]), String(each[1])] as const];
      return isObject(each) && 'name' in each ? [[String(each['name']), asText(each['value']) ?? ''] as const] : [];
    });
  }
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((each) => [name, String(each)] as const),
  );
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function bytesOf(text: string): Uint8Array {
  return encodeUtf8(text);
}
