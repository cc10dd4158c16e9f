/** What is played: the bytes of a stream, how they were cut and when they came, how it ended, and the head of the response. */

import type { Capture, CaptureEnd, CaptureHeaders } from '../capture/format.ts';
import { isCapture, parseCapture } from '../capture/reader.ts';
import { encodeUtf8 } from '../sse/utf8.ts';

/** A stream to play: the text or bytes of a body or of a capture file, or a capture. */
export type FaultSource = string | Uint8Array | Capture;

/**
 * How a played body ends: plainly; with an error of the connection; or not at all, with silence that lasts until the reader
 * gives up.
 */
export type PlayedEnding = 'eof' | 'reset' | 'hang';

/** A source, made ready. */
export interface Material {
  bytes: Uint8Array;
  /** The chunks that the source came in, none of them empty: where each ends, and when it came. */
  chunks: readonly { end: number; us: number | undefined }[];
  ending: PlayedEnding;
  /** When it ended, in microseconds, where that is known. */
  endUs: number | undefined;
  /** When the head of the response was there, in microseconds. */
  headUs: number | undefined;
  status: number;
  headers: CaptureHeaders;
}

/** What the API sends with a stream, for a source that has no head of its own. */
const STREAM_HEADERS: CaptureHeaders = [['content-type', 'text/event-stream; charset=utf-8']];

/**
 * Makes a source ready.
 *
 * @throws TypeError for what is none; ProtocolError `invalid-capture` for a capture that cannot be read; RangeError for one
 *   that no response can be made of
 */
export function materialOf(source: FaultSource): Material {
  if (typeof source === 'string' || source instanceof Uint8Array) {
    if (isCapture(source) === true) return fromCapture(parseCapture(source));
    return fromBody(typeof source === 'string' ? encodeUtf8(source) : source);
  }
  if (Array.isArray((source as Partial<Capture> | null)?.chunks)) return fromCapture(source);
  throw new TypeError('Cannot play the source: it is no text, no bytes and no capture');
}

function fromBody(bytes: Uint8Array): Material {
  const chunks = bytes.length === 0 ? [] : [{ end: bytes.length, us: undefined }];
  const rest = { endUs: undefined, headUs: undefined, status: 200, headers: STREAM_HEADERS };
  return { bytes, chunks, ending: 'eof', ...rest };
}

function fromCapture({ header, chunks, end }: Capture): Material {
  const ends: { end: number; us: number | undefined }[] = [];
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk.bytes, at);
    at += chunk.bytes.length;
    if (chunk.bytes.length > 0) ends.push({ end: at, us: chunk.us });
  }
  const { response } = header;
  const status = response?.status ?? 200;
  if (!(Number.isInteger(status) && status >= 200 && status <= 599)) {
    throw new RangeError(`Cannot play the capture: its status is ${status}, and a response has one from 200 to 599`);
  }
  return {
    bytes,
    chunks: ends,
    ending: endingOf(end),
    endUs: end?.us,
    headUs: response?.us,
    status,
    headers: response?.headers ?? STREAM_HEADERS,
  };
}

/**
 * Where nobody knows what would have come (the reader called it off, the recording was interrupted), the connection breaks:
 * a plain end would say that this was all.
 */
function endingOf(end: CaptureEnd | undefined): PlayedEnding {
  if (end?.end === 'eof') return 'eof';
  return end?.end === 'timeout' ? 'hang' : 'reset';
}
