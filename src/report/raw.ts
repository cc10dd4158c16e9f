/**
 * Raw bytes, made visible: line ends, bytes that are no UTF-8, control characters, and the places where the network cut.
 * A border inside a character is shown behind that character, and says so: there a decoder that reads chunk by chunk
 * breaks.
 */

import { decodeUtf8 } from '../sse/utf8.ts';
import type { Piece } from './entries.ts';

/**
 * A piece of what is shown. `text`: characters as they are. `end`: a line end. `odd`: a byte that is no UTF-8, or a
 * character that nobody could see. `border`: a chunk begins here.
 */
export interface Mark {
  kind: 'text' | 'end' | 'odd' | 'border';
  text: string;
  /** For `border`: the index of the chunk that begins. */
  chunk?: number;
  /** For `border`: how many bytes of a character were in the chunk before; 0: it lies between characters. */
  inside?: number;
}

/** One line of a dump. */
export interface HexRow {
  /** Offset of the first byte in the body. */
  at: number;
  /** For each byte its two digits, and whether a chunk begins with it. */
  cells: { hex: string; starts: boolean }[];
  /** Printable ASCII, a dot for all else. */
  text: string;
}

const LF = 10;
const CR = 13;

/**
 * The bytes `[from, end)` of a body as marks.
 *
 * @example
 * marksOf(new Uint8Array([97, 10]), [{ from: 0, end: 2, us: 0 }], 0, 2); // [{ kind: 'border', text: '', chunk: 0, inside: 0 }, { kind: 'text', text: 'a' }, { kind: 'end', text: 'LF' }]
 */
export function marksOf(bytes: Uint8Array, chunks: readonly Piece[], from: number, end: number): Mark[] {
  const marks: Mark[] = [];
  const borders = bordersIn(chunks, from, end);
  let textFrom = from;
  const settle = (to: number): void => {
    if (to > textFrom) marks.push({ kind: 'text', text: decodeUtf8(bytes, textFrom, to) });
  };
  for (let at = from, b = 0; at < end;) {
    const length = lengthAt(bytes, at, end);
    const mark =
      length > 0 ? plainOrNot(bytes, at, length) : { kind: 'odd' as const, text: hexByte(bytes[at] as number) };
    const border = borders[b];
    if (border !== undefined && border.at === at) {
      settle(at);
      textFrom = at;
      marks.push({ kind: 'border', text: '', chunk: border.chunk, inside: 0 });
      b++;
    }
    const next = at + (mark?.text === 'CRLF' ? 2 : Math.max(length, 1));
    if (mark !== undefined) {
      settle(at);
      marks.push(mark);
      textFrom = next;
    }
    // Borders within what was just read: inside a character, or between CR and LF.
    for (let cut = borders[b]; cut !== undefined && cut.at < next; cut = borders[++b]) {
      settle(next);
      textFrom = next;
      marks.push({ kind: 'border', text: '', chunk: cut.chunk, inside: cut.at - at });
    }
    at = next;
    if (at === end) settle(end);
  }
  return marks;
}

/** The bytes `[from, end)` as lines of a dump, `width` bytes each. */
export function hexRows(
  bytes: Uint8Array,
  chunks: readonly Piece[],
  from: number,
  end: number,
  width: number,
): HexRow[] {
  const starts = new Set(bordersIn(chunks, from, end).map(({ at }) => at));
  const rows: HexRow[] = [];
  for (let at = from; at < end; at += width) {
    const row: HexRow = { at, cells: [], text: '' };
    for (let i = at; i < Math.min(at + width, end); i++) {
      const byte = bytes[i] as number;
      row.cells.push({ hex: byte.toString(16).padStart(2, '0'), starts: starts.has(i) });
      row.text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
    }
    rows.push(row);
  }
  return rows;
}

interface Border {
  at: number;
  chunk: number;
}

/** The chunks that begin in `[from, end)`; of several at one byte (empty ones) the last. */
function bordersIn(chunks: readonly Piece[], from: number, end: number): Border[] {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((chunks[middle] as Piece).from < from) low = middle + 1;
    else high = middle;
  }
  const borders: Border[] = [];
  for (let i = low; i < chunks.length && (chunks[i] as Piece).from < end; i++) {
    const { from: at, end: after } = chunks[i] as Piece;
    if (after > at) borders.push({ at, chunk: i });
  }
  return borders;
}

/** What is not shown as it is; `undefined` for an ordinary character. */
function plainOrNot(bytes: Uint8Array, at: number, length: number): Mark | undefined {
  const byte = bytes[at] as number;
  if (byte === LF) return { kind: 'end', text: 'LF' };
  if (byte === CR) return { kind: 'end', text: bytes[at + 1] === LF ? 'CRLF' : 'CR' };
  if (byte < 0x20 || byte === 0x7f) return { kind: 'odd', text: hexByte(byte) };
  if (length === 1) return undefined;
  const character = decodeUtf8(bytes, at, at + length);
  return INVISIBLE.test(character)
    ? { kind: 'odd', text: `U+${(character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}` }
    : undefined;
}

// C1, zero width, line separators, directions, byte order mark: what changes the text around it without being seen.
const INVISIBLE = /^[\u0080-\u009f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]$/;

function hexByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** How many bytes the character at `at` has; 0 if it is ill-formed. */
function lengthAt(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at] as number;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length === 0 || at + length > end) return 0;
  const text = decodeUtf8(bytes, at, at + length);
  return text === '\ufffd' && !isReplacement(bytes, at) ? 0 : text.length === (length === 4 ? 2 : 1) ? length : 0;
}

/** U+FFFD itself, well-formed: EF BF BD. */
function isReplacement(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd;
}
