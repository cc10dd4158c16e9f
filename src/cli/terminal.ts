/**
 * Text for a screen: styles, widths, and one rule above all: nothing that came over the network reaches the terminal as a
 * control character. `Ink` is the only place that writes escape sequences, and it escapes every text it is given.
 */

/** A place for text to go: standard output or standard error, or a test's array. */
export interface Sink {
  readonly isTTY: boolean;
  /** The width of the terminal, in cells; `undefined` where there is none. */
  readonly columns: number | undefined;
  /** The reader went away (`| head`): writing is useless from now on. */
  readonly closed: boolean;
  /** Takes the text; never throws. */
  write(text: string): void;
  /** Takes bytes as they are, for what is no text for a screen: `Ink` must have been flushed before. Never throws. */
  writeBytes(bytes: Uint8Array): void;
  /** Resolves when the sink wants more, or is closed. */
  drained(): Promise<void>;
}

/** How a piece of text looks. */
export type Style = 'plain' | 'dim' | 'bold' | 'red' | 'yellow' | 'cyan';

const SGR: Readonly<Record<Style, string>> = { plain: '0', dim: '2', bold: '1', red: '31', yellow: '33', cyan: '36' };

/** The width that one-line texts are cut to where the sink is no terminal. Fixed, so that output is the same everywhere. */
const WIDTH_WITHOUT_TERMINAL = 120;

/**
 * Whether to use colours: `NO_COLOR` (any text) forbids, `FORCE_COLOR` (anything but `0`) demands, else a terminal that is
 * not `dumb` decides. Source: no-color.org, force-color.org.
 */
export function wantsColor(sink: Sink, env: Readonly<Record<string, string | undefined>>): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  return sink.isTTY && env['TERM'] !== 'dumb';
}

// C0 (tab and line feed excepted), DEL and C1: what a terminal could obey instead of showing.
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** The text with its control characters made visible: `\r`, `\x1b`, `\x9b`. Line feeds and tabs stay. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (character) =>
    character === '\r' ? '\\r' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** The text on one line, its control characters visible: a file's name with a line feed in it must not look like two lines. */
export function oneLine(text: string): string {
  return escapeControls(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

// JSON.stringify leaves these as they are, and U+009B is a control sequence introducer for some terminals.
const RAW_IN_JSON = /[\u007f-\u009f]/g;

/** JSON that is safe to print: the same value, with DEL and C1 characters as `\u` escapes. */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, undefined, indent) ?? 'null';
  return text.replace(RAW_IN_JSON, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

/** Writes styled text to a sink. Collects until `flush()`, which waits for a slow reader. */
export class Ink {
  readonly sink: Sink;
  /** Called before anything is written: whoever draws on the same terminal takes it away first. */
  beforeWrite: (() => void) | undefined;
  readonly #color: boolean;
  #style: Style = 'plain';
  #waiting = '';
  /** A high surrogate whose other half has not come yet: a delta may end inside a character. */
  #half = '';
  #column = 0;
  #empty = true;

  constructor(sink: Sink, color: boolean) {
    this.sink = sink;
    this.#color = color;
  }

  /** Nothing was written yet. */
  get empty(): boolean {
    return this.#empty;
  }

  /** The next character begins a line. */
  get atLineStart(): boolean {
    return this.#column === 0;
  }

  /** How many cells a line has: the terminal's, or a fixed number where there is none. */
  get width(): number {
    return this.sink.columns ?? WIDTH_WITHOUT_TERMINAL;
  }

  /** Adds text, its control characters escaped. */
  write(text: string, style: Style = 'plain'): this {
    if (text === '') return this;
    let whole = this.#half + text;
    const last = whole.charCodeAt(whole.length - 1);
    this.#half = last >= 0xd800 && last <= 0xdbff ? whole.slice(-1) : '';
    if (this.#half !== '') whole = whole.slice(0, -1);
    this.#turn(style);
    this.#waiting += escapeControls(whole);
    this.#column = whole.endsWith('\n') ? 0 : 1;
    this.#empty = false;
    return this;
  }

  /** Adds text, with `prefix` before the first character of every line of it. Works for text that comes in pieces. */
  writeInset(text: string, prefix: string, style: Style = 'plain'): this {
    const lines = text.split('\n');
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i] as string;
      if (line !== '' && this.atLineStart) this.write(prefix, 'dim');
      this.write(line, style);
      if (i < lines.length - 1) this.write('\n', style);
    }
    return this;
  }

  /** Ends the line if one is begun. */
  endLine(): this {
    return this.atLineStart ? this : this.write('\n', this.#style);
  }

  /** Hands everything to the sink and waits until it wants more. */
  async flush(): Promise<void> {
    if (this.#waiting !== '') {
      const text = this.#waiting;
      this.#waiting = '';
      this.beforeWrite?.();
      this.sink.write(text);
    }
    await this.sink.drained();
  }

  /** Leaves the terminal as it was found, and flushes. */
  async close(): Promise<void> {
    this.#waiting += this.#half;
    this.#half = '';
    this.#turn('plain');
    await this.flush();
  }

  #turn(style: Style): void {
    if (!this.#color || style === this.#style) return;
    this.#waiting += style === 'plain' || this.#style === 'plain' ? '' : `\u001b[${SGR.plain}m`;
    this.#waiting += `\u001b[${SGR[style]}m`;
    this.#style = style;
  }
}

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });

// East Asian wide and full-width ranges (Unicode 15, EastAsianWidth W and F), without the emoji, which the other test finds.
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u;
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u;
/** One cell each: finding the clusters of other text costs a hundred times more. */
const PLAIN = /^[ -~]*$/;
const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

function graphemeWidth(grapheme: string): number {
  if (grapheme.length === 1 && grapheme.charCodeAt(0) < 0x300) return 1;
  if (WIDE.test(grapheme) || EMOJI.test(grapheme)) return 2;
  return INVISIBLE.test(grapheme) ? 0 : 1;
}

/** How many terminal cells a one-line text takes. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of GRAPHEMES.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** The text on one line, control characters escaped, cut to `width` cells with `…` as the last if it is longer. */
export function clip(text: string, width: number): string {
  // A cell needs at least one UTF-16 unit; the rest (marks, joiners) is bounded here so that huge texts cost little.
  const head = text.slice(0, Math.max(0, width) * 8 + 64);
  const line = oneLine(head);
  if (head.length === text.length && (PLAIN.test(line) ? line.length <= width : fit(line, width) === line)) return line;
  return width <= 0 ? '' : `${fit(line, width - 1)}…`;
}

function fit(text: string, width: number): string {
  if (PLAIN.test(text)) return text.slice(0, Math.max(0, width));
  let used = 0;
  let kept = '';
  for (const { segment } of GRAPHEMES.segment(text)) {
    used += graphemeWidth(segment);
    if (used > width) break;
    kept += segment;
  }
  return kept;
}
