/** The first pane: the bytes of the chosen event as they came, comments before it included. */

import type { Entry, Piece } from '../entries.ts';
import { column, counted, grouped } from '../numbers.ts';
import { hexRows, type Mark, marksOf } from '../raw.ts';
import { button, el } from './dom.ts';
import type { Loaded } from './loaded.ts';

/** More bytes than this are shown on demand only. */
const MOST = 8192;
const MOST_HEX = 2048;
/** A row of sixteen bytes has this many characters; where there is less room, a row has eight. */
const WIDE_CHARACTERS = 80;

/** The pane with its switch between text and bytes. */
export class BytesPane {
  readonly element: HTMLElement;
  readonly #loaded: Loaded;
  readonly #place: HTMLElement = el('span', { class: 'place' });
  readonly #body: HTMLElement = el('div', { class: 'body', tabindex: 0, role: 'region', 'aria-label': 'Raw bytes' });
  #hex = false;
  #entry: Entry | undefined;

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
    const toggle = button('Hex', () => {
      this.#hex = !this.#hex;
      toggle.setAttribute('aria-pressed', String(this.#hex));
      if (this.#entry !== undefined) this.show(this.#entry);
    });
    toggle.setAttribute('aria-pressed', 'false');
    const head = el('header', {}, el('h2', { text: 'Bytes' }), this.#place, toggle);
    this.element = el('section', { class: 'pane bytes', 'aria-label': 'Bytes' }, head, this.#body);
  }

  /** Shows the bytes of an event. */
  show(entry: Entry): void {
    this.#entry = entry;
    const { from, end, line } = entry;
    this.#place.textContent =
      end === from
        ? `at byte ${grouped(from)}`
        : `${grouped(from)}–${grouped(end)} · ${counted(end - from, 'byte')} · line ${grouped(line)}`;
    this.#body.scrollTop = 0;
    this.#draw(entry, Math.min(end, from + (this.#hex ? MOST_HEX : MOST)));
  }

  #draw({ from, end, event }: Entry, to: number): void {
    const { bytes } = this.#loaded.stream.body;
    const chunks = this.#chunks;
    if (from === end) {
      const text = event === undefined ? 'Nothing came after the last event.' : 'No bytes.';
      return this.#body.replaceChildren(el('p', { class: 'empty', text }));
    }
    const shown = this.#hex ? this.#dump(from, to) : this.#text(marksOf(bytes, chunks, from, to));
    this.#body.replaceChildren(shown);
    if (to >= end || this.#entry === undefined) return;
    const entry = this.#entry;
    this.#body.append(
      button(`Show ${counted(end - to, 'byte')} more`, () => this.#draw(entry, end), { class: 'more' }),
    );
  }

  #text(marks: readonly Mark[]): HTMLElement {
    const text = el('pre', { class: 'text' });
    for (const mark of marks) {
      if (mark.kind === 'text') text.append(mark.text);
      else if (mark.kind === 'end') text.append(el('span', { class: 'end', text: ENDS[mark.text] ?? mark.text }), '\n');
      else if (mark.kind === 'odd') text.append(el('span', { class: 'odd', text: mark.text }));
      else text.append(this.#border(mark));
    }
    return text;
  }

  /** Where a chunk begins. */
  #border({ chunk = 0, inside = 0 }: Mark): HTMLElement {
    const piece = this.#loaded.stream.body.chunks[chunk];
    const time = piece?.us === undefined ? '' : ` +${column(piece.us)} ms`;
    const cut = inside > 0 ? `, cut after byte ${inside} of the character before` : '';
    return el('span', { class: inside > 0 ? 'border cut' : 'border', text: `chunk ${chunk + 1}${time}${cut}` });
  }

  get #chunks(): readonly Piece[] {
    return this.#loaded.recorded ? this.#loaded.stream.body.chunks : [];
  }

  #dump(from: number, to: number): HTMLElement {
    const { bytes } = this.#loaded.stream.body;
    const chunks = this.#chunks;
    const style = getComputedStyle(this.#body);
    const width = Number.parseFloat(style.fontSize) * 0.6 * WIDE_CHARACTERS;
    const row = this.#body.clientWidth >= width ? 16 : 8;
    const dump = el('pre', { class: 'hex' });
    for (const { at, cells, text } of hexRows(bytes, chunks, from, to, row)) {
      dump.append(el('span', { class: 'offset', text: at.toString(16).padStart(6, '0') }));
      for (const { hex, starts } of cells)
        dump.append(' ', starts ? el('mark', { text: hex, title: 'A chunk begins here' }) : hex);
      dump.append('   '.repeat(row - cells.length), '  ', el('span', { class: 'ascii', text }), '\n');
    }
    return dump;
  }
}

const ENDS: Readonly<Record<string, string>> = { LF: '↵', CRLF: 'CR↵', CR: 'CR' };
