/** What an importer is, and what all of them need: a look at the input, and bodies cut into chunks. */

import { BedrockReader } from '../../carriers/bedrock-reader.ts';
import { isEventStream } from '../../carriers/event-stream.ts';
import { ProtocolError, StreamError } from '../../errors.ts';
import { encodeEvent } from '../../protocol/encode.ts';
import type { StreamEvent } from '../../protocol/events.ts';
import { encodeSse } from '../../sse/encode.ts';
import { SseScanner } from '../../sse/scanner.ts';
import { decodeUtf8, nativeDecoder } from '../../sse/utf8.ts';
import type { Capture, CaptureChunk, CaptureEnd, CaptureHeader } from '../format.ts';

/** What can be imported; the names are those of `CaptureSource.kind` and of `ssemble convert --from`. */
export type ImportKind = 'capture' | 'bedrock' | 'har' | 'cassette' | 'chunk-list' | 'stream-json' | 'sse';

/** A part of the input that did not become a part of a capture. */
export interface Skipped {
  /** Such as `entry 3: GET https://example.com/`, or `line 12`. */
  where: string;
  why: string;
}

/** What came of an input. */
export interface Imported {
  /** One a stream, in the order of the input. */
  captures: Capture[];
  /** Everything else that was in the input: nothing is left out in silence. */
  skipped: Skipped[];
}

/** One kind of input. */
export interface Importer {
  kind: ImportKind;
  /** What it is, in a few words. */
  what: string;
  /** Whether the input is of this kind, by its shape. */
  detect(input: ImportInput): boolean;
  /**
   * Reads it.
   *
   * @throws ProtocolError `cannot-import` where it is not of this kind, or nothing of it can be read
   */
  read(input: ImportInput): Imported;
}

/** The input, as bytes, text and JSON; each is made once, when it is asked for. */
export class ImportInput {
  readonly bytes: Uint8Array;
  readonly name: string | undefined;
  #text: string | undefined = undefined;
  #json: { value: unknown } | undefined = undefined;
  #first: { value: unknown } | undefined = undefined;

  constructor(bytes: Uint8Array, name?: string) {
    this.bytes = bytes;
    this.name = name;
  }

  /** As text, without a byte order mark. */
  get text(): string {
    return (this.#text ??= textOf(this.bytes).replace(/^\uFEFF/, ''));
  }

  /** As one JSON value; `undefined` if it is none. */
  get json(): unknown {
    return (this.#json ??= { value: parseJson(this.text) }).value;
  }

  /** The first line that is not blank, as JSON; `undefined` if it is none. */
  get firstLine(): unknown {
    return (this.#first ??= { value: parseJson(/\S.*/.exec(this.text)?.[0] ?? '') }).value;
  }

  /** The source of a capture that is made from this; a number tells several apart. */
  source(kind: string, chunks: 'recorded' | 'made', number?: number): { source: NonNullable<CaptureHeader['source']> } {
    const name = this.name === undefined || number === undefined ? this.name : `${this.name}#${number}`;
    return { source: { kind, ...(name !== undefined && { name }), chunks } };
  }
}

/** The refusal: what, where, and what now. */
export function cannotImport(input: ImportInput, what: string, now: string): ProtocolError {
  const name = input.name === undefined ? 'the input' : input.name;
  return new ProtocolError('cannot-import', `Cannot import ${name}: ${what}; ${now}`, { event: 0 });
}

/** A body as chunks that the importer has chosen. */
export interface MadeBody {
  chunks: Uint8Array[];
  /** Why the body is not whole, as far as its framing tells. */
  broken: string | undefined;
}

/**
 * A body in chunks of one event each: joined they are the body, byte for byte. The frames of Bedrock become server-sent
 * events, one chunk each, with the JSON as the frames carry it.
 */
export function chunksOfBody(body: Uint8Array): MadeBody {
  return isEventStream(body) === true ? chunksOfFrames(body) : { chunks: chunksOfSse(body), broken: undefined };
}

function chunksOfSse(body: Uint8Array): Uint8Array[] {
  // The body is here already: no ceiling saves anything.
  const scanner = new SseScanner({ maxLineBytes: Infinity, maxEventBytes: Infinity });
  scanner.write(body);
  const chunks: Uint8Array[] = [];
  let from = 0;
  for (let event = scanner.next(); event !== undefined; event = scanner.next()) {
    const { end } = scanner.position();
    chunks.push(body.slice(from, end));
    from = end;
  }
  if (from < body.length) chunks.push(body.slice(from));
  return chunks;
}

function chunksOfFrames(body: Uint8Array): MadeBody {
  const reader = new BedrockReader();
  const chunks: Uint8Array[] = [];
  try {
    reader.write(body);
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      chunks.push(encodeCarried(event, reader.data));
    }
    reader.end();
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    return { chunks, broken: error.message };
  }
  return { chunks, broken: undefined };
}

/** An event of another carrier as server-sent-event bytes; its JSON as it came where that is known, and SSE can carry it. */
export function encodeCarried(event: StreamEvent, data?: string): Uint8Array {
  const known = event.type !== 'unknown' && data !== undefined && !data.includes('\r');
  return known ? encodeSse({ event: event.type, named: true, data }) : encodeEvent(event);
}

/** A capture without times, of a body that was read to its end. */
export function captureOf(header: CaptureHeader, chunks: readonly Uint8Array[], broken?: string): Capture {
  const end: CaptureEnd = broken === undefined ? { end: 'eof' } : { end: 'reset', error: broken };
  return { header, chunks: chunks.map((bytes): CaptureChunk => ({ us: undefined, bytes })), end };
}

/** Whether text begins like server-sent events. */
export function looksLikeSse(text: string): boolean {
  return /^\s*(?:event|data|id|retry)\s*:|^\s*:/.test(text.slice(0, 200));
}

export function textOf(bytes: Uint8Array): string {
  return nativeDecoder()?.whole.decode(bytes) ?? decodeUtf8(bytes);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
