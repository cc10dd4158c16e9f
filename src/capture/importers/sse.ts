/** A saved body, as `curl -N` writes it, or with its head before it, as `curl -i` does. */

import { encodeUtf8 } from '../../sse/utf8.ts';
import type { CaptureHeader } from '../format.ts';
import { publicHeaders } from '../secrets.ts';
import {
  captureOf,
  chunksOfBody,
  type Imported,
  type Importer,
  type ImportInput,
  looksLikeSse,
  textOf,
} from './importer.ts';

export const SSE: Importer = {
  kind: 'sse',
  what: 'the saved body of a stream, also with the head that `curl -i` prints',
  detect: (input) => looksLikeSse(input.text) || startsWithHead(input.bytes),
  read: readSse,
};

const HEAD: Uint8Array = encodeUtf8('HTTP/');
const LF = 0x0a;
const CR = 0x0d;

function readSse(input: ImportInput): Imported {
  const heads: string[] = [];
  let body = input.bytes;
  while (startsWithHead(body)) {
    const end = endOfHead(body);
    heads.push(textOf(body.subarray(0, end)));
    body = body.subarray(end);
  }
  const head = heads.at(-1);
  const header: CaptureHeader = { ssemble: 'capture', version: 1, ...responseOf(head), ...input.source('sse', 'made') };
  const { chunks, broken } = chunksOfBody(body);
  const skipped = heads.slice(0, -1).map((each, i) => ({
    where: `head ${i + 1}`,
    why: `${firstLine(each)} came before the answer's own head`,
  }));
  return { captures: [captureOf(header, chunks, broken)], skipped };
}

function startsWithHead(bytes: Uint8Array): boolean {
  return HEAD.every((byte, i) => bytes[i] === byte);
}

/** One past the blank line; the whole length if there is none. */
function endOfHead(bytes: Uint8Array): number {
  let begin = 0;
  for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, begin)) {
    const length = end - begin - (bytes[end - 1] === CR ? 1 : 0);
    begin = end + 1;
    if (length <= 0) return begin;
  }
  return bytes.length;
}

function responseOf(head: string | undefined): Pick<CaptureHeader, 'response'> {
  if (head === undefined) return {};
  const status = /^HTTP\/[\d.]+ +(\d{3})/.exec(head)?.[1];
  const pairs = head
    .split(/\r?\n/)
    .slice(1)
    .filter((line) => line.includes(':'))
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const);
  return { response: { ...(status !== undefined && { status: Number(status) }), headers: publicHeaders(pairs) } };
}

function firstLine(text: string): string {
  return (text.split(/\r?\n/, 1)[0] ?? '').slice(0, 100);
}
