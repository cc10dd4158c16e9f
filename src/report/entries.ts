/**
 * A captured stream as rows: one entry for each event that the core gives, in its order and with its number, and one for
 * the end, which holds whatever bytes no event took. A block gets a lane; an event is on the lane of the block to which
 * the core applied it, whatever its index says.
 *
 * Two readers run in step: `MessageReader` decides what is an event and what it does; `SseScanner` over the same bytes
 * tells where it begins and ends.
 */

import { encodeUtf8 } from '../sse/utf8.ts';
import { fromBase64 } from '../sse/base64.ts';
import type { Position, SseEvent } from '../sse/event.ts';
import { SseScanner } from '../sse/scanner.ts';
import { ProtocolError } from '../errors.ts';
import type { StreamEvent } from '../protocol/events.ts';
import type { BlockInfo } from '../message/types.ts';
import { MessageReader } from '../message/reader.ts';
import type { ReportChunk } from './data.ts';

/** Input is read in pieces of at most this many bytes, so that a body that came whole still has places to begin from. */
export const PIECE_BYTES: number = 16 * 1024;

/** A network chunk: where its bytes lie in the body, and when they came. */
export interface Piece {
  from: number;
  end: number;
  /** Microseconds on the capture's clock. */
  us: number | undefined;
}

/** The body of a stream and where the network cut it. */
export interface Body {
  bytes: Uint8Array;
  chunks: readonly Piece[];
}

/** One row: an event, or the end of the stream. */
export interface Entry {
  /** Number of the event, from 1; the end has the number behind the last. */
  n: number;
  /** `undefined`: this is the end. */
  event: StreamEvent | undefined;
  /** The framed event; its `data` as it came. */
  sse: SseEvent | undefined;
  /** Bytes: the first field, the end of the event before (comments lie between), one past this one's blank line. */
  byte: number;
  from: number;
  end: number;
  line: number;
  /** The chunk that completed it: index into the body's chunks; -1 if there is none. */
  chunk: number;
  us: number | undefined;
  /** Since the entry before; `undefined` without times. */
  gapUs: number | undefined;
  /** The block's number of arrival; -1 for what concerns no block. */
  ordinal: number;
}

/** One block of the stream, from its first event to its last. */
interface Lane {
  ordinal: number;
  /** The wire's index. */
  index: number;
  type: string;
  /** A tool's name. */
  name: string;
  first: number;
  last: number;
}

/** A stream as rows. */
export interface Stream {
  body: Body;
  /** In order; the last one is the end. `entries[n - 1]` is event n. */
  entries: readonly Entry[];
  lanes: readonly Lane[];
}

/**
 * Puts the chunks of a report together.
 *
 * @example
 * bodyOf([[5, 'a'], [9, { b64: 'w6k=' }]]).bytes; // new Uint8Array([97, 0xc3, 0xa9])
 */
export function bodyOf(chunks: readonly ReportChunk[]): Body {
  const parts = chunks.map(([, body]) => (typeof body === 'string' ? encodeUtf8(body) : fromBase64(body.b64)));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  const pieces = parts.map((part, i) => {
    bytes.set(part, at);
    const from = at;
    at += part.length;
    return { from, end: at, us: chunks[i]?.[0] ?? undefined };
  });
  return { bytes, chunks: pieces };
}

/** Reads the whole body. Never throws for what the bytes are: past a limit the rows end there, and the end has the rest. */
export function readStream(body: Body): Stream {
  const reading = new Reading(body);
  for (let from = 0; from < body.bytes.length && reading.alive; from += PIECE_BYTES) {
    reading.read(body.bytes.subarray(from, from + PIECE_BYTES));
  }
  return reading.end();
}

/** The index of the chunk that holds the byte, by halving; -1 if none does. */
export function chunkAt(chunks: readonly Piece[], byte: number): number {
  let low = 0;
  let high = chunks.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const piece = chunks[middle] as Piece;
    if (byte < piece.from) high = middle - 1;
    else if (byte >= piece.end) low = middle + 1;
    else return middle;
  }
  return -1;
}

class Reading {
  alive = true;
  readonly #body: Body;
  readonly #reader: MessageReader;
  readonly #scanner = new SseScanner();
  readonly #entries: Entry[] = [];
  readonly #lanes = new Map<number, Lane>();
  /** The newest block of each wire index. */
  readonly #newest = new Map<unknown, number>();
  /** The blocks that the event being applied touched: by a delta, and by closing. */
  #touched = -1;
  #closed = -1;
  #known = 0;

  constructor(body: Body) {
    this.#body = body;
    this.#reader = new MessageReader(
      {},
      {
        delta: (slot) => void (this.#touched = slot.ordinal),
        closed: (slot) => void (this.#closed = slot.ordinal),
        finished: () => {},
      },
    );
  }

  read(piece: Uint8Array): void {
    this.#guarded(() => {
      this.#reader.write(piece);
      this.#scanner.write(piece);
      for (let event = this.#next(); event !== undefined; event = this.#next()) {
        const sse = this.#scanner.next();
        if (sse !== undefined) this.#add(event, sse, this.#scanner.position());
      }
      // It gives its last line only to who asks on. What it sees in a body that is no event stream is nothing.
      while (this.#scanner.next() !== undefined);
    });
  }

  end(): Stream {
    this.#guarded(() => this.#addLast());
    this.#addEnd();
    const lanes = [...this.#lanes.values()].sort((a, b) => a.ordinal - b.ordinal);
    return { body: this.#body, entries: this.#entries, lanes };
  }

  #next(): StreamEvent | undefined {
    this.#touched = this.#closed = -1;
    return this.#reader.next();
  }

  /** What a missing final line end left: the reader says whether that is one event more. */
  #addLast(): void {
    this.#touched = this.#closed = -1;
    const event = this.#reader.endInput();
    const sse = this.#scanner.end() ?? this.#scanner.next();
    if (event !== undefined && sse !== undefined) this.#add(event, sse, this.#scanner.position());
  }

  #add(event: StreamEvent, sse: SseEvent, { byte, from, end, line }: Position): void {
    const { chunks } = this.#body;
    const chunk = chunkAt(chunks, end - 1);
    const n = this.#entries.length + 1;
    const ordinal = this.#place(event, n);
    this.#push({ n, event, sse, byte, from, end, line, chunk, us: chunks[chunk]?.us, gapUs: undefined, ordinal });
  }

  #addEnd(): void {
    const { bytes, chunks } = this.#body;
    const before = this.#entries.at(-1);
    const from = before?.end ?? 0;
    const end = bytes.length;
    const chunk = chunks.length - 1;
    const us = chunks[chunk]?.us;
    const n = this.#entries.length + 1;
    const line = (before?.line ?? 1) + linesIn(bytes, before?.byte ?? 0, from);
    const rest = { event: undefined, sse: undefined, gapUs: undefined, ordinal: -1 };
    this.#push({ ...rest, n, byte: from, from, end, line, chunk, us });
  }

  #push(entry: Entry): void {
    const before = this.#entries.at(-1);
    if (entry.us !== undefined && before?.us !== undefined) entry.gapUs = entry.us - before.us;
    this.#entries.push(entry);
  }

  /** The block that the event concerns; makes its lane when it is new. */
  #place(event: StreamEvent, n: number): number {
    const index = wireIndex(event);
    if (index === undefined) return -1;
    const isImplied = this.#touched >= 0 && !this.#lanes.has(this.#touched);
    // Asking for the blocks costs as many as there are: not at every delta.
    if (event.type === 'content_block_start' || isImplied) this.#addLanes(this.#reader.assembler.blocks, n);
    const ordinal = this.#ordinalOf(event, index);
    const lane = this.#lanes.get(ordinal);
    if (lane !== undefined) lane.last = n;
    return lane === undefined ? -1 : ordinal;
  }

  #ordinalOf(event: StreamEvent, index: unknown): number {
    if (event.type === 'content_block_start') return this.#newest.get(index) ?? this.#known - 1;
    if (event.type === 'content_block_stop' && this.#closed >= 0) return this.#closed;
    return this.#touched >= 0 ? this.#touched : (this.#newest.get(index) ?? -1);
  }

  #addLanes(blocks: readonly BlockInfo[], n: number): void {
    const content = this.#reader.assembler.message?.content;
    blocks.forEach(({ index, ordinal, type }, k) => {
      if (this.#lanes.has(ordinal)) return;
      const { name } = (content?.[k] ?? {}) as { name?: unknown };
      const lane = { ordinal, index, type, name: typeof name === 'string' ? name : '', first: n, last: n };
      this.#lanes.set(ordinal, lane);
      this.#newest.set(index, ordinal);
      this.#known = Math.max(this.#known, ordinal + 1);
    });
  }

  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.alive = false;
    }
  }
}

/** The index as the wire has it; `undefined` where the event has none. */
export function wireIndex(event: StreamEvent): unknown {
  const wire = (event.type === 'unknown' ? event.wire : event) as { index?: unknown } | null | undefined;
  return typeof wire === 'object' ? wire?.index : undefined;
}

function linesIn(bytes: Uint8Array, from: number, end: number): number {
  let lines = 0;
  for (let i = from; i < end; i++) {
    if (bytes[i] === 10 || (bytes[i] === 13 && bytes[i + 1] !== 10)) lines++;
  }
  return lines;
}
