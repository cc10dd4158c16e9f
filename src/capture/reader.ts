/**
 * Captures back from text, while they grow or after a crash. What counts is whole lines: of a file that was cut anywhere,
 * everything up to its last whole line is there. A line is taken when its line feed comes; the bytes before it are kept as
 * they came and joined once, so that a long line in small pieces costs no more than a short one.
 */

import { ProtocolError } from '../errors.ts';
import { MAX_LINE_BYTES } from '../limits.ts';
import { fromBase64 } from '../sse/base64.ts';
import { decodeUtf8, encodeUtf8, nativeDecoder } from '../sse/utf8.ts';
import { openBytes, toChunk, type ByteSource, type Source } from '../stream/source.ts';
import type { Capture, CaptureChunk, CaptureEnd, CaptureEnding, CaptureHeader } from './format.ts';

/** A chunk as large as the longest line that the parser takes, most of it escaped. */
const MAX_CAPTURE_LINE: number = 4 * MAX_LINE_BYTES;

/** How far white space may reach before the header begins, and within its first words. */
const MAX_LEAD = 1024;

/** A byte order mark as bytes. */
const MARK: readonly number[] = [0xef, 0xbb, 0xbf];

const ENDINGS: ReadonlySet<unknown> = new Set<CaptureEnding>(['eof', 'abort', 'reset', 'timeout']);

/**
 * Whether a file that starts like this is a capture. `undefined`: more of it is needed to tell. Nothing else that holds a
 * stream begins with `{"ssemble":"capture"`.
 *
 * @example
 * isCapture('{"ssemble":"capture","version":1}\n'); // true
 * isCapture('event: ping\n'); // false
 * isCapture('{"sse'); // undefined
 */
export function isCapture(start: Uint8Array | string): boolean | undefined {
  const isText = typeof start === 'string';
  if (!isText && start.length < MARK.length && MARK.slice(0, start.length).every((byte, i) => byte === start[i])) {
    return undefined;
  }
  const text = isText ? start.slice(0, MAX_LEAD + 1) : decodeUtf8(start.subarray(0, MAX_LEAD + 1));
  let i = text.startsWith('\ufeff') ? 1 : 0;
  for (const token of ['{', '"ssemble"', ':', '"capture"']) {
    while (i < text.length && ' \t\r\n'.includes(text.charAt(i))) i++;
    const found = text.slice(i, i + token.length);
    if (found !== token) return token.startsWith(found) && text.length <= MAX_LEAD ? undefined : false;
    i += token.length;
  }
  return true;
}

/**
 * Reads a capture piece by piece: `push` gives the chunks whose lines were completed.
 *
 * After a `ProtocolError` every further call throws the same one.
 *
 * @example
 * const reader = new CaptureReader();
 * reader.push('{"ssemble":"capture","version":1}\n[1250,"da').length; // 0
 * reader.push('ta: x"]\n{"end":"eof"}\n').map((chunk) => chunk.us); // [1250]
 * reader.end(); // []
 * reader.ending; // { end: 'eof' }
 */
export class CaptureReader {
  #header: CaptureHeader | undefined;
  #ending: CaptureEnd | undefined;
  #unfinishedLine = false;
  #pieces: (Uint8Array | string)[] = [];
  #held = 0;
  #line = 1;
  #lastUs = 0;
  #done = false;
  #failure: ProtocolError | undefined;

  /** The first line; `undefined` until it came. */
  get header(): CaptureHeader | undefined {
    return this.#header;
  }

  /** The last line; `undefined` until it came, and for a recording that was interrupted. */
  get ending(): CaptureEnd | undefined {
    return this.#ending;
  }

  /** After `end()`: whether the file stops inside a line, which is then left out. */
  get unfinishedLine(): boolean {
    return this.#unfinishedLine;
  }

  /**
   * Takes the next piece of the file, cut anywhere; it is not kept after the call unless a line is unfinished.
   *
   * @throws ProtocolError `invalid-capture`, with the line, for what is no capture
   * @throws TypeError after `end()`
   */
  push(piece: Uint8Array | string): CaptureChunk[] {
    if (this.#done) throw new TypeError('Cannot push: the capture has ended; make a new CaptureReader');
    return this.#guarded((chunks) =>
      typeof piece === 'string' ? this.#text(piece, chunks) : this.#bytes(piece, chunks),
    );
  }

  /**
   * There is no more. A last line without its line feed counts if it is whole, and is left out if it is not.
   *
   * @throws ProtocolError `invalid-capture` if there was no header
   */
  end(): CaptureChunk[] {
    if (this.#done) return [];
    return this.#guarded((chunks) => {
      this.#done = true;
      const rest = this.#take();
      if (isJson(rest)) this.#whole(rest, chunks);
      else if (rest.trim() !== '') this.#unfinishedLine = true;
      if (this.#header === undefined) throw this.#invalid('it ends before its header does');
    });
  }

  #guarded(read: (chunks: CaptureChunk[]) => void): CaptureChunk[] {
    if (this.#failure !== undefined) throw this.#failure;
    const chunks: CaptureChunk[] = [];
    try {
      read(chunks);
    } catch (error) {
      if (error instanceof ProtocolError) this.#failure = error;
      throw error;
    }
    return chunks;
  }

  #text(piece: string, chunks: CaptureChunk[]): void {
    let from = 0;
    for (let feed = piece.indexOf('\n'); feed >= 0; feed = piece.indexOf('\n', from)) {
      this.#hold(piece.slice(from, feed));
      this.#whole(this.#take(), chunks);
      from = feed + 1;
    }
    if (from < piece.length) this.#hold(piece.slice(from));
  }

  #bytes(piece: Uint8Array, chunks: CaptureChunk[]): void {
    let from = 0;
    for (let feed = piece.indexOf(0x0a); feed >= 0; feed = piece.indexOf(0x0a, from)) {
      this.#hold(piece.subarray(from, feed));
      this.#whole(this.#take(), chunks);
      from = feed + 1;
    }
    // A copy: the caller may use its buffer again. (`slice` of a Node `Buffer` would share it.)
    if (from < piece.length) this.#hold(new Uint8Array(piece.subarray(from)));
  }

  #hold(piece: Uint8Array | string): void {
    this.#pieces.push(piece);
    this.#held += piece.length;
    if (this.#held > MAX_CAPTURE_LINE) throw this.#invalid(`the line is longer than ${MAX_CAPTURE_LINE} bytes`);
  }

  /** The line that was held. */
  #take(): string {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#held = 0;
    const isText = pieces.every((piece) => typeof piece === 'string');
    const text = isText ? pieces.join('') : decoded(joined(pieces));
    return this.#line === 1 && text.startsWith('\ufeff') ? text.slice(1) : text;
  }

  #whole(text: string, chunks: CaptureChunk[]): void {
    if (text.trim() !== '') this.#read(this.#parsed(text), chunks);
    this.#line += 1;
  }

  #parsed(text: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw this.#invalid(
        this.#header === undefined ? 'the file does not begin with a header' : 'the line is not JSON',
      );
    }
  }

  #read(value: unknown, chunks: CaptureChunk[]): void {
    if (this.#header === undefined) this.#header = this.#readHeader(value);
    else if (this.#ending !== undefined)
      throw this.#invalid('a line follows the end of the capture; are these two files?');
    else if (Array.isArray(value)) chunks.push(this.#readChunk(value));
    else this.#ending = this.#readEnd(value);
  }

  #readHeader(value: unknown): CaptureHeader {
    if (!isObject(value) || value['ssemble'] !== 'capture')
      throw this.#invalid('the file does not begin with a header');
    if (value['version'] !== 1) {
      throw this.#invalid(
        `its version is ${JSON.stringify(value['version'])}, and 1 is the only one that is known here`,
      );
    }
    const wrong = wrongField(value);
    if (wrong !== undefined) throw this.#invalid(`\`${wrong}\` of the header is not what the format says`);
    return value as unknown as CaptureHeader;
  }

  #readChunk(value: readonly unknown[]): CaptureChunk {
    if (value.length !== 2) throw this.#invalid('a chunk is [µs, "text"] or [µs, {"b64": "…"}]');
    return { us: this.#readTime(value[0]), bytes: this.#readBytes(value[1]) };
  }

  #readEnd(value: unknown): CaptureEnd {
    if (!isObject(value) || !ENDINGS.has(value['end'])) {
      throw this.#invalid('the line is neither a chunk nor the end; an end is eof, abort, reset or timeout');
    }
    const us = 'us' in value ? this.#readTime(value['us']) : undefined;
    for (const [name, check] of Object.entries(END_FIELDS)) {
      if (value[name] !== undefined && !check(value[name]))
        throw this.#invalid(`\`${name}\` of the end is not what the format says`);
    }
    const end = value as unknown as CaptureEnd;
    if (us === undefined) delete end.us;
    return end;
  }

  #readTime(value: unknown): number | undefined {
    if (value === null) return undefined;
    if (!isTime(value)) throw this.#invalid('a time is a number of µs from 0 up, or null');
    if (value < this.#lastUs) throw this.#invalid(`time goes back, from ${this.#lastUs} to ${value} µs`);
    this.#lastUs = value;
    return value;
  }

  #readBytes(value: unknown): Uint8Array {
    if (typeof value === 'string') {
      if (LONE_SURROGATE.test(value))
        throw this.#invalid('half a surrogate pair is no text; such bytes are written as b64');
      return encoded(value);
    }
    if (!isObject(value) || typeof value['b64'] !== 'string') throw this.#invalid('a chunk is "text" or {"b64": "…"}');
    try {
      return fromBase64(value['b64']);
    } catch (cause) {
      throw this.#invalid('the base64 of the chunk is broken', cause);
    }
  }

  #invalid(what: string, cause?: unknown): ProtocolError {
    const at = { event: 0, line: this.#line };
    return new ProtocolError('invalid-capture', `Cannot read the capture: ${what} (line ${this.#line})`, at, { cause });
  }
}

/**
 * A whole capture from the text or the bytes of its file.
 *
 * @throws ProtocolError `invalid-capture`, with the line, for what is no capture. A file that was cut is one: `end` is
 * `undefined` then.
 *
 * @example
 * const { chunks, end } = parseCapture('{"ssemble":"capture","version":1}\n[null,"data: x"]\n[nul');
 * chunks.length; // 1
 * end; // undefined
 */
export function parseCapture(file: string | Uint8Array): Capture {
  const reader = new CaptureReader();
  const chunks = reader.push(file);
  for (const chunk of reader.end()) chunks.push(chunk);
  return { header: reader.header as CaptureHeader, chunks, end: reader.ending };
}

/** A capture that is read while it is iterated: its chunks, once. */
export interface CaptureStream extends AsyncIterable<CaptureChunk> {
  readonly header: CaptureHeader;
  /** The last line, when it has been reached. */
  readonly ending: CaptureEnd | undefined;
  /** At the end: whether the file stops inside a line. */
  readonly unfinishedLine: boolean;
}

/**
 * Opens a capture that comes as a stream: a file's `Readable`, a `Response`, any iterable of pieces. Resolves when the
 * header has been read; the chunks are read as they are asked for, so memory holds one piece of the file.
 *
 * @throws ProtocolError `invalid-capture`, here or while iterating, for what is no capture; whatever the source throws
 *
 * @example
 * const capture = await readCapture(['{"ssemble":"capture","version":1}\n[0,"hi"]\n', '{"end":"eof"}\n']);
 * capture.header.version; // 1
 * for await (const chunk of capture) console.log(chunk.bytes.length); // 2
 * capture.ending?.end; // 'eof'
 */
export async function readCapture(source: ByteSource): Promise<CaptureStream> {
  const stream = new OpenCapture(openBytes(source));
  await stream.readHeader();
  return stream;
}

class OpenCapture implements CaptureStream {
  readonly #source: Source;
  readonly #reader: CaptureReader = new CaptureReader();
  #waiting: CaptureChunk[] = [];
  #ended = false;

  constructor(source: Source) {
    this.#source = source;
  }

  get header(): CaptureHeader {
    return this.#reader.header as CaptureHeader;
  }

  get ending(): CaptureEnd | undefined {
    return this.#reader.ending;
  }

  get unfinishedLine(): boolean {
    return this.#reader.unfinishedLine;
  }

  async readHeader(): Promise<void> {
    while (this.#reader.header === undefined) await this.#more();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CaptureChunk, void, undefined> {
    try {
      for (;;) {
        const chunks = this.#waiting;
        this.#waiting = [];
        yield* chunks;
        if (this.#ended) return;
        await this.#more();
      }
    } finally {
      if (!this.#ended) this.#source.cancel(undefined);
      this.#ended = true;
    }
  }

  async #more(): Promise<void> {
    try {
      const { done, value } = await this.#source.read();
      this.#ended = done === true;
      this.#waiting = this.#ended ? this.#reader.end() : this.#reader.push(toChunk(value));
    } catch (error) {
      this.#source.cancel(error);
      this.#ended = true;
      throw error;
    }
  }
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
/** `1e999` is JSON, and `Infinity`. */
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isTime = (value: unknown): value is number => isNumber(value) && value >= 0;
const isPairs: Check = (value) => isListOf(value, (pair) => isListOf(pair, isText) && (pair as unknown[]).length === 2);

/** What the known fields of a header hold. Others may come with later programs, and are kept. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  request: { method: isText, url: isText, headers: isPairs, hash: isText, body: isText },
  response: { status: isNumber, headers: isPairs, us: isTime, decoded: isText },
  clock: { zero: (value) => value === 'request' || value === 'first-chunk', origin: isText },
  source: { kind: isText, name: isText, chunks: (value) => value === 'recorded' || value === 'made' },
};

/** What stands in the last line beside how it ended, and when. */
const END_FIELDS: Readonly<Record<string, Check>> = { error: isText, masked: isNumber };

const isCounts: Check = (value) =>
  isListOf(value, (one) => isObject(one) && isText(one['pattern']) && isNumber(one['count']));

/** The path of the first field that is not what the format says. */
function wrongField(header: Record<string, unknown>): string | undefined {
  for (const [part, fields] of Object.entries(FIELDS)) {
    const value = header[part];
    if (value === undefined) continue;
    if (!isObject(value)) return part;
    const wrong = Object.keys(fields).find((name) => value[name] !== undefined && fields[name]?.(value[name]) !== true);
    if (wrong !== undefined) return `${part}.${wrong}`;
  }
  if (header['redacted'] !== undefined && !isCounts(header['redacted'])) return 'redacted';
  return header['tool'] === undefined || isText(header['tool']) ? undefined : 'tool';
}

function isListOf(value: unknown, check: Check): boolean {
  return Array.isArray(value) && value.every(check);
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The pieces as bytes; strings that follow each other are one, so that a pair of surrogates stays one. */
function joined(pieces: readonly (Uint8Array | string)[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let text = '';
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      text += piece;
      continue;
    }
    if (text !== '') parts.push(encodeUtf8(text));
    text = '';
    parts.push(piece);
  }
  if (text !== '') parts.push(encodeUtf8(text));
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function decoded(bytes: Uint8Array): string {
  return nativeDecoder()?.whole.decode(bytes) ?? decodeUtf8(bytes);
}

interface Encoder {
  encode(text: string): Uint8Array;
}

/** The runtime's encoder where there is one: several times faster than ours. */
function encoded(text: string): Uint8Array {
  const found = (globalThis as { TextEncoder?: new () => Encoder }).TextEncoder;
  return found === undefined ? encodeUtf8(text) : (encoder ??= new found()).encode(text);
}

let encoder: Encoder | undefined;
