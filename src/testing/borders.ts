/**
 * Where events and lines begin and end in raw bytes. All that chops or breaks a stream asks here, and here the scanner is
 * asked: so a border is what a reader takes for one, whatever the line ends are.
 */

import { decodeEvent } from '../protocol/decode.ts';
import type { SseEvent } from '../sse/event.ts';
import { SseScanner } from '../sse/scanner.ts';

const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
const DATA = [100, 97, 116, 97];
const BOM = [0xef, 0xbb, 0xbf];

/** One event in the bytes. The comments and blank lines before it are a part of it. */
export interface EventSlice {
  /** One past the end of the event before; a byte order mark at the start belongs to no event. */
  from: number;
  /** Its first field. */
  byte: number;
  /** One past its blank line. */
  end: number;
  event: SseEvent;
}

/** Every event that a reader would dispatch; what is behind the last one is not in the list. */
export function eventSlices(bytes: Uint8Array): EventSlice[] {
  const scanner = new SseScanner({ maxLineBytes: Infinity, maxEventBytes: Infinity });
  const slices: EventSlice[] = [];
  const drain = (): void => {
    for (let event = scanner.next(); event !== undefined; event = scanner.next()) {
      const { from, byte, end } = scanner.position();
      slices.push({ from: Math.max(from, headLength(bytes)), byte, end, event });
    }
  };
  scanner.write(bytes);
  drain();
  // A bare CR at the very end may complete an event; what `end` gives is unfinished, and no event.
  scanner.end();
  drain();
  return slices;
}

/** How many bytes stand before everything: those of a byte order mark. It stays in front, whatever is moved. */
export function headLength(bytes: Uint8Array): number {
  return BOM.every((byte, i) => bytes[i] === byte) ? BOM.length : 0;
}

/** The type of the stream event; for one that is not known, what it calls itself. */
export function typeOfSlice({ event }: EventSlice): string {
  const decoded = decodeEvent(event);
  if (decoded.type !== 'unknown') return decoded.type;
  const own = (decoded.wire as { type?: unknown } | null | undefined)?.type;
  return typeof own === 'string' ? own : event.event;
}

/** The places of the bytes that are an event's data, without the field's name, its colon and space, and line ends. */
export function dataPlaces(bytes: Uint8Array, { byte, end }: EventSlice): number[] {
  const places: number[] = [];
  for (let line = byte; line < end;) {
    let stop = line;
    while (stop < end && !isLineEnd(bytes[stop])) stop++;
    if (DATA.every((letter, i) => bytes[line + i] === letter) && bytes[line + 4] === COLON) {
      const begin = line + (bytes[line + 5] === SPACE ? 6 : 5);
      for (let place = begin; place < stop; place++) places.push(place);
    }
    line = stop + (bytes[stop] === CR && bytes[stop + 1] === LF ? 2 : 1);
  }
  return places;
}

/** Whether a byte ends a line, or is a part of what does. */
export function isLineEnd(byte: number | undefined): boolean {
  return byte === LF || byte === CR;
}

/** The places behind each line end; CR LF is one. */
export function linePlaces(bytes: Uint8Array): number[] {
  const places: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    if (!isLineEnd(bytes[i]) || (bytes[i] === CR && bytes[i + 1] === LF)) continue;
    places.push(i + 1);
  }
  return places;
}
