/**
 * Captures as text, line by line, so that a file can be written while the stream is live. Each function gives one whole
 * line with its line end: whoever writes lines, in order and whole, has a capture.
 */

import { toBase64 } from '../sse/base64.ts';
import { decodeUtf8, encodeUtf8, nativeDecoder } from '../sse/utf8.ts';
import type { Capture, CaptureChunk, CaptureEnd, CaptureHeader } from './format.ts';
import { publicHeader } from './secrets.ts';

/**
 * What JSON leaves as it is, and a terminal or a reader of lines does not: DEL and the C1 controls, U+2028 and U+2029 (line
 * ends to Python's `splitlines`), and the byte order mark, which some readers drop.
 */
// oxlint-disable-next-line no-control-regex
const AWKWARD = /[\u007f-\u009f\u2028\u2029\ufeff]/g;

/**
 * The first line of a capture. Secrets in it are `[redacted]`, whether the caller thought of them or not (see
 * {@link publicHeaders}, {@link publicUrl}, {@link publicBody}).
 *
 * @example
 * headerLine({ ssemble: 'capture', version: 1 }); // '{"ssemble":"capture","version":1}\n'
 */
export function headerLine(header: CaptureHeader): string {
  // The two that tell what the file is come first, wherever the caller put them.
  const { ssemble, version, ...rest } = publicHeader(header);
  return line({ ssemble, version, ...rest });
}

/**
 * The line of one chunk: as text if that gives its bytes back, else as base64.
 *
 * @throws RangeError if its time is no number from 0 up
 *
 * @example
 * chunkLine({ us: 1250, bytes: new Uint8Array([104, 105]) }); // '[1250,"hi"]\n'
 * chunkLine({ us: undefined, bytes: new Uint8Array([0xc3]) }); // '[null,{"b64":"ww=="}]\n'
 */
export function chunkLine(chunk: CaptureChunk): string {
  const text = textOf(chunk.bytes);
  return line([micros(chunk.us) ?? null, text ?? { b64: toBase64(chunk.bytes) }]);
}

/**
 * The last line of a capture.
 *
 * @throws RangeError if its time is no number from 0 up
 *
 * @example
 * endLine({ end: 'eof', us: 1311 }); // '{"end":"eof","us":1311}\n'
 */
export function endLine(end: CaptureEnd): string {
  const us = micros(end.us);
  return line(us === undefined ? end : { ...end, us });
}

/**
 * A whole capture as text. `parseCapture` reads it back as it was, but for secrets in its header.
 *
 * @throws RangeError if a time in it is no number from 0 up
 *
 * @example
 * formatCapture({ header: { ssemble: 'capture', version: 1 }, chunks: [], end: { end: 'eof' } }); // '{"ssemble":"capture","version":1}\n{"end":"eof"}\n'
 */
export function formatCapture(capture: Capture): string {
  const lines = [headerLine(capture.header), ...capture.chunks.map(chunkLine)];
  if (capture.end !== undefined) lines.push(endLine(capture.end));
  return lines.join('');
}

/** One line: no control character stands in it, and its only line feed is the last character. */
function line(value: object): string {
  const json = JSON.stringify(value);
  const calm = json.search(AWKWARD) < 0 ? json : json.replace(AWKWARD, escaped);
  return `${calm}\n`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The text whose UTF-8 the bytes are; `undefined` if there is none. */
function textOf(bytes: Uint8Array): string | undefined {
  const text = nativeDecoder()?.whole.decode(bytes) ?? decodeUtf8(bytes);
  // Each ill-formed sequence became U+FFFD; only if there is one, it may be a real one.
  return text.includes('\ufffd') && !sameBytes(encodeUtf8(text), bytes) ? undefined : text;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function micros(us: number | undefined): number | undefined {
  if (us === undefined) return undefined;
  if (Number.isFinite(us) && us >= 0) return Math.round(us);
  throw new RangeError(`Cannot write a capture: a time of ${us} µs; give microseconds from 0 up, or undefined`);
}
