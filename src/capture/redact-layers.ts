/**
 * Text that remembers which bytes it came from.
 *
 * Theory. A secret is searched for in text that exists nowhere in the file: the JSON of an event, in it the string of a
 * delta, many deltas joined, and in those, for tool input, the strings of another JSON. Each of these is a **layer** that
 * knows its text and how to hand a stretch of it down to the layer below; the lowest one owns bytes and paints them. So
 * what is found on top is painted at the bottom, wherever the borders of deltas, escapes and lines lie.
 *
 * Painting keeps the length in bytes and never makes valid what was not: each byte of a character, or of its escape,
 * becomes one letter, and some text has no bytes to paint, so that it stays as it is: line ends, raw control characters,
 * escapes that are none, halves of surrogate pairs, and bytes that are no UTF-8.
 */

import { bytesOfUnits, decodeUtf8, isHighSurrogate, isLowSurrogate } from '../sse/utf8.ts';

/** Letters to paint with, over and over. */
export class Brush {
  readonly #letters: readonly number[];
  #used = 0;

  constructor(letters: string) {
    this.#letters = Array.from(letters, (letter) => letter.charCodeAt(0));
  }

  /** The next letter. */
  next(): number {
    return this.#letters[this.#used++ % this.#letters.length] as number;
  }
}

/** Some text, and what is under it. */
export interface Layer {
  readonly text: string;
  /** Paints the bytes of `text[from, to)`; tells whether that changed any of them that was not painted before. */
  paint(from: number, to: number, brush: Brush): boolean;
}

const LF = 10;
const CR = 13;
const NOTHING = 0;

/** The bytes to change, and what becomes of them. What is searched is always the original. */
export class Canvas {
  readonly bytes: Uint8Array;
  readonly #paint: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#paint = new Uint8Array(bytes.length);
  }

  /** Paints bytes that were not painted yet; line ends stay. */
  paint(from: number, to: number, brush: Brush): boolean {
    let fresh = false;
    for (let i = from; i < to; i++) {
      const letter = brush.next();
      if (this.#paint[i] !== NOTHING || this.bytes[i] === LF || this.bytes[i] === CR) continue;
      this.#paint[i] = letter;
      // What was painted in an earlier run is not found anew.
      if (letter !== this.bytes[i]) fresh = true;
    }
    return fresh;
  }

  /** The bytes as painted, in an array of their own. */
  painted(): Uint8Array {
    return this.bytes.map((byte, i) => this.#paint[i] || byte);
  }
}

/** `units` of text from `at` on, and the stretch of what is below that they stand for. `whole`: it is one character. */
interface Run {
  at: number;
  units: number;
  from: number;
  size: number;
}

/** The stretch below for `text[from, to)` of one run: what stands one to one is cut, a character is taken whole. */
function stretch(run: Run, from: number, to: number): [from: number, to: number] {
  if (run.units !== run.size) return [run.from, run.from + run.size];
  const start = Math.max(0, from - run.at);
  return [run.from + start, run.from + Math.min(run.units, to - run.at)];
}

/** The first of `runs` that ends behind `at`. */
function firstBehind(runs: readonly { at: number; units: number }[], at: number): number {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { at: start, units } = runs[middle] as { at: number; units: number };
    if (start + units <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function paintRuns(
  runs: readonly Run[],
  from: number,
  to: number,
  paint: (from: number, to: number) => boolean,
): boolean {
  let fresh = false;
  for (let i = firstBehind(runs, from); i < runs.length; i++) {
    const run = runs[i] as Run;
    if (run.at >= to) break;
    if (paint(...stretch(run, from, to))) fresh = true;
  }
  return fresh;
}

/** A stretch of bytes. */
export interface Span {
  from: number;
  to: number;
}

const ASCII = /^[\0-\x7f]*$/;

/** Lines of bytes, joined by LF as the `data` lines of an event are. */
export class ByteLayer implements Layer {
  readonly text: string;
  readonly #canvas: Canvas;
  readonly #runs: Run[] = [];

  constructor(canvas: Canvas, spans: readonly Span[]) {
    this.#canvas = canvas;
    const lines: string[] = [];
    let at = 0;
    for (const { from, to } of spans) {
      const line = decodeUtf8(canvas.bytes, from, to);
      this.#map(line, at, from, to);
      lines.push(line);
      at += line.length + 1;
    }
    this.text = lines.join('\n');
  }

  paint(from: number, to: number, brush: Brush): boolean {
    return paintRuns(this.#runs, from, to, (start, end) => this.#canvas.paint(start, end, brush));
  }

  #map(line: string, at: number, from: number, to: number): void {
    if (ASCII.test(line)) {
      if (line !== '') this.#runs.push({ at, units: line.length, from, size: line.length });
      return;
    }
    const bytes = this.#canvas.bytes.subarray(0, to);
    for (let unit = 0, byte = from; unit < line.length;) {
      const plain = plainLength(line, unit);
      if (plain > 0) this.#runs.push({ at: at + unit, units: plain, from: byte, size: plain });
      unit += plain;
      byte += plain;
      if (unit === line.length) break;
      const size = bytesOfUnits(bytes, byte, 1);
      const units = isHighSurrogate(line.charCodeAt(unit)) ? 2 : 1;
      if (line[unit] !== '\uFFFD') this.#runs.push({ at: at + unit, units, from: byte, size });
      unit += units;
      byte += size;
    }
  }
}

function plainLength(text: string, from: number): number {
  let i = from;
  while (i < text.length && text.charCodeAt(i) < 0x80) i++;
  return i - from;
}

/** Pieces of other layers, one behind the other. */
export class JoinedLayer implements Layer {
  readonly #pieces: { at: number; units: number; layer: Layer }[] = [];
  #texts: string[] = [];
  #length = 0;

  /** How many pieces there are. */
  get count(): number {
    return this.#pieces.length;
  }

  get text(): string {
    if (this.#texts.length > 1) this.#texts = [this.#texts.join('')];
    return this.#texts[0] ?? '';
  }

  /** Adds a layer at the end. */
  add(layer: Layer): void {
    const { text } = layer;
    if (text === '') return;
    this.#pieces.push({ at: this.#length, units: text.length, layer });
    this.#texts.push(text);
    this.#length += text.length;
  }

  paint(from: number, to: number, brush: Brush): boolean {
    let fresh = false;
    for (let i = firstBehind(this.#pieces, from); i < this.#pieces.length; i++) {
      const { at, units, layer } = this.#pieces[i] as { at: number; units: number; layer: Layer };
      if (at >= to) break;
      if (layer.paint(Math.max(0, from - at), Math.min(units, to - at), brush)) fresh = true;
    }
    return fresh;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

// oxlint-disable-next-line no-control-regex
const SPECIAL = /[\\\u0000-\u001f]/g;
const HEX = /^[0-9a-fA-F]{4}$/;

/** The text between the quotes of a JSON string in another layer, unescaped. */
export class StringLayer implements Layer {
  readonly text: string;
  readonly #below: Layer;
  readonly #runs: Run[] = [];

  constructor(below: Layer, from: number, to: number) {
    this.#below = below;
    const source = below.text;
    const parts: string[] = [];
    let at = 0;
    const add = (part: string, start: number, size: number, hasBytes = true): void => {
      if (part === '') return;
      parts.push(part);
      if (hasBytes) this.#runs.push({ at, units: part.length, from: start, size });
      at += part.length;
    };
    let done = from;
    while (done < to) {
      SPECIAL.lastIndex = done;
      const found = SPECIAL.exec(source);
      const next = found === null || found.index >= to ? to : found.index;
      add(source.slice(done, next), done, next - done);
      if (next === to) break;
      done = next + this.#special(source, next, to, add);
    }
    this.text = parts.length === 1 ? (parts[0] as string) : parts.join('');
  }

  paint(from: number, to: number, brush: Brush): boolean {
    return paintRuns(this.#runs, from, to, (start, end) => this.#below.paint(start, end, brush));
  }

  /** Reads an escape, or a control character; gives how long it is. */
  #special(
    source: string,
    at: number,
    to: number,
    add: (part: string, start: number, size: number, hasBytes?: boolean) => void,
  ): number {
    const letter = source[at + 1] as string;
    if (source[at] !== '\\' || at + 1 >= to) {
      // A raw control character, or a backslash at the very end: to paint it would mend the text.
      add(source[at] as string, at, 1, false);
      return 1;
    }
    if (letter === 'u') return this.#unicode(source, at, to, add);
    const meant = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (meant !== undefined) {
      add(meant, at, 2);
      return 2;
    }
    add('\\', at, 1, false);
    return 1;
  }

  #unicode(
    source: string,
    at: number,
    to: number,
    add: (part: string, start: number, size: number, hasBytes?: boolean) => void,
  ): number {
    const code = codeAt(source, at, to);
    if (code === undefined) {
      const cut = Math.min(to, at + 6) - at;
      // No escape: shown as it stands, and left alone, for a letter less would be another error.
      add(source.slice(at, at + cut), at, cut, false);
      return cut;
    }
    const second = isHighSurrogate(code) ? codeAt(source, at + 6, to) : undefined;
    if (second !== undefined && isLowSurrogate(second)) {
      add(String.fromCharCode(code, second), at, 12);
      return 12;
    }
    const half = isHighSurrogate(code) || isLowSurrogate(code);
    add(String.fromCharCode(code), at, 6, !half);
    return 6;
  }
}

function codeAt(source: string, at: number, to: number): number | undefined {
  if (at + 6 > to || source[at] !== '\\' || source[at + 1] !== 'u') return undefined;
  const digits = source.slice(at + 2, at + 6);
  return HEX.test(digits) ? Number.parseInt(digits, 16) : undefined;
}
