/**
 * Where the text of a body is: which strings belong together, and which must stay because the protocol lives on them.
 *
 * - Strings of `delta` and `content_block` are joined: by block index and field, and, for prose, also in the order in which
 *   they came, because clients show it so and some servers make a block of every token. So are the pieces of tool
 *   input, which are then read as JSON: its strings, its keys and its numbers.
 * - Keys, event names, `type`, `role` and `stop_reason` are left as they are where they are words of a protocol
 *   (`tool_use`), except inside tool input, where they are the tool's.
 * - Text that holds escapes of its own (JSON as text in tool input) is searched once more with these undone.
 * - An id is painted with a letter that tells one removed id from another: equal ids stay equal, different ones different.
 * - Data that is no JSON, and what stands outside of events (comments, a foreign body), is searched as it is.
 */

import { decodeUtf8 } from '../sse/utf8.ts';
import { Brush, ByteLayer, Canvas, JoinedLayer, StringLayer } from './redact-layers.ts';
import type { Layer, Span } from './redact-layers.ts';
import { readWords } from './redact-json.ts';
import { forEachMatch } from './redact-patterns.ts';
import type { RedactionPattern } from './redact-patterns.ts';

/** What {@link BodyRedactor} is told. */
export interface BodyOptions {
  patterns: readonly RedactionPattern[];
  /** Paint what only the server can read: signatures, encrypted content, redacted thinking. */
  signatures: boolean;
}

/** The name under which signatures are counted. */
export const SIGNATURES = 'signatures';

/** How protocols name things: `tool_use`, `keep-alive`. Keys have digits and dashes; nobody knows them as a name. */
const WORD = /^(?:[a-z][a-z\d_]*|[A-Za-z]+(?:[-._ ][A-Za-z]+)*)$/;
const PROTECTED: ReadonlySet<string> = new Set(['type', 'role', 'stop_reason', 'object']);
const OPAQUE = /^(?:signature|encrypted_.*|data|fallback_credit_token)$/;
const ID = /(?:^|_)id$/;
/** Letters that make no JSON escape behind a backslash. */
const ID_LETTERS = 'acdeghijklmopqsvwyz';
const NUMBER = /^-?\d[\d.eE+-]*$/;
/** Escapes that may hide a secret; the others (`\\n`, `\\"`) the patterns put up with. */
const ESCAPED = /\\(?:u[\da-fA-F]{4}|\/)/;
/** JSON as text in JSON as text: so deep it is looked for. */
const MOST_ESCAPED = 4;
/** Tool input is at most this deep in an event. */
const INPUT_DEPTH = 8;

/** A string of an event, and what decides about it. */
interface Place {
  from: number;
  to: number;
  key: boolean;
  /** The last key on the way to it, and the one before. */
  last: string;
  before: string;
  inInput: boolean;
}

/** Finds and paints in one body, or in any other text. Use it once. */
export class BodyRedactor {
  readonly #canvas: Canvas;
  readonly #options: BodyOptions;
  readonly #counts = new Map<string, number>();
  /** By block and field. */
  #prose = new Map<string, JoinedLayer>();
  /** By field, in the order in which it came, with the blocks it came in. */
  #inOrder = new Map<string, { layer: JoinedLayer; blocks: Set<string> }>();
  /** By block. */
  #toolInput = new Map<string, JoinedLayer>();
  #sawContent = false;
  /** What was removed from ids, numbered. */
  readonly #ids = new Map<string, number>();

  constructor(bytes: Uint8Array, options: BodyOptions) {
    this.#canvas = new Canvas(bytes);
    this.#options = options;
  }

  /** How often each pattern was found. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Reads the bytes as the body of a stream; gives them redacted. */
  body(): Uint8Array {
    const { events, others } = groupLines(this.#canvas.bytes);
    for (const event of events) this.#data(new ByteLayer(this.#canvas, event));
    if (events.length === 0 && this.#isJson()) this.#foreign();
    else for (const other of others) this.#plain(new ByteLayer(this.#canvas, other), /:/);
    this.#settle();
    return this.#canvas.painted();
  }

  /** Reads the bytes as one text: JSON if it looks like it. */
  text(): Uint8Array {
    if (this.#isJson()) this.#foreign();
    else this.#plain(new ByteLayer(this.#canvas, [{ from: 0, to: this.#canvas.bytes.length }]));
    this.#settle();
    return this.#canvas.painted();
  }

  #isJson(): boolean {
    const first = this.#canvas.bytes.find((byte) => byte > 0x20 && byte < 0x80);
    return first === 0x7b || first === 0x5b;
  }

  /** A body of JSON: one value, or one a line. */
  #foreign(): void {
    const { bytes } = this.#canvas;
    const whole = new ByteLayer(this.#canvas, [{ from: 0, to: bytes.length }]);
    if (parses(whole.text)) return this.#data(whole);
    for (const line of linesOf(bytes)) {
      if (line.to > line.from) this.#data(new ByteLayer(this.#canvas, [line]));
    }
  }

  /** One JSON value, mostly an event. */
  #data(layer: ByteLayer): void {
    const { text } = layer;
    if (text === '' || text.trim() === '[DONE]') return;
    const places: Place[] = [];
    const bare: Span[] = [];
    let index = '';
    let starts: string | undefined;
    let isContentStart = false;
    readWords(text, ({ kind, key, from, to, path }) => {
      const last = path[path.length - 1] ?? '';
      const top = path.length === 1 || (path.length === 2 && path[0] === 'event');
      if (kind === 'bare') {
        bare.push({ from, to });
        if (top && last === 'index') index = text.slice(from, to);
        return;
      }
      if (top && !key && last === 'type') starts = text.slice(from, to);
      if (last === 'content_block' || path[path.length - 2] === 'content_block') isContentStart = true;
      const owner = key ? path.length - 1 : path.length;
      const inInput = path.slice(0, Math.min(INPUT_DEPTH, owner)).includes('input');
      places.push({ from, to, key, last, before: path[path.length - 2] ?? '', inInput });
    });
    if (starts === 'message_start') this.#beginMessage();
    else if (index !== '') this.#sawContent = true;
    if (isContentStart) this.#beginInput(index);
    for (const place of places) this.#string(layer, place, index);
    if (!parses(text)) this.#broken(layer, bare);
  }

  #beginMessage(): void {
    // A start that is repeated before any content is the same message.
    if (!this.#sawContent) return;
    this.#settle();
    this.#sawContent = false;
  }

  #beginInput(index: string): void {
    const open = this.#toolInput.get(index);
    if (open === undefined) return;
    this.#toolInput.delete(index);
    this.#searchInput(open);
  }

  #string(layer: Layer, { from, to, key, last, before, inInput }: Place, index: string): void {
    const isProtocol = !inInput && (key || PROTECTED.has(last));
    const string = new StringLayer(layer, from, to);
    if (isProtocol && WORD.test(string.text)) return;
    // Keys that were different stay different: else one would hide the other.
    if (isProtocol) return this.#search(string, key ? (found) => this.#idBrush(found) : undefined);
    if (this.#options.signatures && !inInput && !key && OPAQUE.test(last)) {
      if (string.paint(0, string.text.length, new Brush('x'))) this.#count(SIGNATURES);
      return;
    }
    if (inInput || key || (before !== 'delta' && before !== 'content_block')) {
      return this.#search(string, !inInput && ID.test(last) ? (found) => this.#idBrush(found) : undefined);
    }
    if (last === 'partial_json') return joined(this.#toolInput, index).add(string);
    if (before === 'content_block' && ID.test(last)) return this.#search(string, (found) => this.#idBrush(found));
    joined(this.#prose, `${index} ${last}`).add(string);
    const inOrder = this.#inOrder.get(last) ?? { layer: new JoinedLayer(), blocks: new Set() };
    this.#inOrder.set(last, inOrder);
    inOrder.layer.add(string);
    inOrder.blocks.add(index);
  }

  /** Searches what was joined. */
  #settle(): void {
    for (const layer of this.#prose.values()) this.#search(layer);
    for (const { layer, blocks } of this.#inOrder.values()) if (blocks.size > 1) this.#search(layer);
    for (const layer of this.#toolInput.values()) this.#searchInput(layer);
    this.#prose = new Map();
    this.#inOrder = new Map();
    this.#toolInput = new Map();
  }

  #searchInput(layer: JoinedLayer): void {
    const { text } = layer;
    const bare: Span[] = [];
    readWords(text, ({ kind, from, to }) => {
      if (kind === 'string') this.#search(new StringLayer(layer, from, to));
      else bare.push({ from, to });
    });
    for (const word of bare) this.#searchBare(layer, word);
    if (!parses(text)) this.#plain(layer, /[\s"\\{}[\]:,]/, true);
  }

  /** JSON that does not parse: its strings were searched, as far as they can be told. */
  #broken(layer: Layer, bare: readonly Span[]): void {
    for (const word of bare) this.#searchBare(layer, word);
    this.#plain(layer, /[\s"\\{}[\]:,]/, true);
  }

  /** A number keeps its shape: 1 for each digit. A literal, or the beginning of one, stays: it says nothing. */
  #searchBare(layer: Layer, { from, to }: Span): void {
    const word = layer.text.slice(from, to);
    if (['true', 'false', 'null'].some((literal) => literal.startsWith(word))) return;
    const isNumber = NUMBER.test(word);
    for (const pattern of this.#options.patterns) {
      forEachMatch(pattern, word, (start, end) => {
        if (this.#paintBare(layer, from, word, start, end, isNumber)) this.#count(pattern.name);
      });
    }
  }

  #paintBare(layer: Layer, at: number, word: string, from: number, to: number, isNumber: boolean): boolean {
    let fresh = false;
    for (let i = from; i < to; i++) {
      const isDigit = /\d/.test(word[i] as string);
      // A zero in front would become a number that JSON allows.
      const stays = isNumber && (!isDigit || /^-?0$/.test(word.slice(0, i + 1)));
      if (!stays && layer.paint(at + i, at + i + 1, new Brush(isDigit ? '1' : 'x'))) fresh = true;
    }
    return fresh;
  }

  /** Searches text as it stands. What `stays` matches is never painted; `across`: only matches that have such a character. */
  #plain(layer: Layer, stays?: RegExp, across = false): void {
    const { text } = layer;
    for (const pattern of this.#options.patterns) {
      forEachMatch(pattern, text, (from, to) => {
        const found = text.slice(from, to);
        if (across && stays?.test(found) !== true) return;
        let fresh = false;
        for (let i = from; i < to; i++) {
          if (stays?.test(text[i] as string) !== true && layer.paint(i, i + 1, brushFor(text[i] as string, across))) {
            fresh = true;
          }
        }
        if (fresh) this.#count(pattern.name);
      });
    }
  }

  #search(layer: Layer, brushOf: (found: string) => Brush = () => new Brush('x'), depth = 0): void {
    const { text } = layer;
    for (const pattern of this.#options.patterns) {
      forEachMatch(pattern, text, (from, to) => {
        if (layer.paint(from, to, brushOf(text.slice(from, to)))) this.#count(pattern.name);
      });
    }
    if (depth < MOST_ESCAPED && ESCAPED.test(text)) {
      this.#search(new StringLayer(layer, 0, text.length), brushOf, depth + 1);
    }
  }

  #idBrush(found: string): Brush {
    const number = this.#ids.get(found) ?? this.#ids.size;
    this.#ids.set(found, number);
    const letters = ID_LETTERS.length;
    return new Brush(
      (ID_LETTERS[number % letters] as string) + (ID_LETTERS[Math.floor(number / letters) % letters] as string),
    );
  }

  #count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }
}

function brushFor(character: string, numeric: boolean): Brush {
  return new Brush(numeric && /\d/.test(character) ? '1' : 'x');
}

function joined(layers: Map<string, JoinedLayer>, name: string): JoinedLayer {
  const layer = layers.get(name) ?? new JoinedLayer();
  layers.set(name, layer);
  return layer;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const LF = 10;
const CR = 13;
const COLON = 58;

/** The lines of the bytes, without their ends: LF, CR, or both. */
function* linesOf(bytes: Uint8Array): Generator<Span, void, undefined> {
  // A byte order mark is no part of the first line.
  let from = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  for (let i = from; i < bytes.length; i++) {
    if (bytes[i] !== LF && bytes[i] !== CR) continue;
    yield { from, to: i };
    if (bytes[i] === CR && bytes[i + 1] === LF) i++;
    from = i + 1;
  }
  if (from < bytes.length) yield { from, to: bytes.length };
}

/** The data lines of each event, and all other lines that stand together. */
function groupLines(bytes: Uint8Array): { events: Span[][]; others: Span[][] } {
  const events: Span[][] = [];
  const others: Span[][] = [];
  let data: Span[] = [];
  let other: Span[] = [];
  for (const line of linesOf(bytes)) {
    const { name, value } = fieldOf(bytes, line);
    if (name === 'data') {
      data.push(value);
      if (other.length > 0) others.push(other);
      other = [];
    } else if (line.from === line.to && data.length > 0) {
      events.push(data);
      data = [];
    } else if (!isHarmless(name, bytes, value)) {
      other.push(name === '' ? line : value);
    }
  }
  if (data.length > 0) events.push(data);
  if (other.length > 0) others.push(other);
  return { events, others };
}

/** Names and numbers as the protocol has them. Anything else may stand there as well. */
function isHarmless(name: string, bytes: Uint8Array, { from, to }: Span): boolean {
  if (name !== 'event' && name !== 'retry') return false;
  return (name === 'event' ? WORD : /^\d+$/).test(decodeUtf8(bytes, from, to));
}

/** The field of a line that the protocol knows, and its value; the line itself for any other. */
function fieldOf(bytes: Uint8Array, line: Span): { name: string; value: Span } {
  for (const name of ['data', 'event', 'id', 'retry']) {
    const end = line.from + name.length;
    if (end > line.to || !startsWith(bytes, line.from, name)) continue;
    if (end === line.to) return { name, value: { from: end, to: end } };
    if (bytes[end] !== COLON) continue;
    return { name, value: { from: Math.min(line.to, bytes[end + 1] === 0x20 ? end + 2 : end + 1), to: line.to } };
  }
  return { name: '', value: line };
}

function startsWith(bytes: Uint8Array, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word.charCodeAt(i)) return false;
  return true;
}
