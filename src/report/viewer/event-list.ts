/**
 * The list of events. Only the rows in sight exist; scrolling fills the ones that left anew. The list itself has the focus,
 * and names the chosen row, so that a screen reader follows the arrows.
 */

import type { Severity } from '../../lint/finding.ts';
import { column, counted, grouped } from '../numbers.ts';
import { indexText, preview, typeName, upright } from '../wording.ts';
import { button, el } from './dom.ts';
import type { Loaded } from './loaded.ts';

const HEIGHT = 24;
/** Rows beyond the edges, so that a fast scroll shows no white. */
const SPARE = 8;

/** How a severity is shown beside its colour. */
export const GLYPHS: Readonly<Record<Severity, string>> = { error: '▼', warning: '◆', info: '●' };

/** The cells of one row, made once and filled again and again. */
class RowView {
  readonly element: HTMLElement;
  at = -1;
  readonly #cells: readonly HTMLElement[];

  constructor() {
    const names = ['n', 'ms', 'gap', 'bytes', 'type', 'idx', 'pin', 'preview'];
    this.#cells = names.map((name) => el('span', { class: name }));
    this.element = el('div', { role: 'option' }, ...this.#cells);
  }

  fill(at: number, n: number, loaded: Loaded, chosen: boolean, total: number): void {
    const { element } = this;
    const entry = loaded.entry(n);
    const severity = loaded.severityAt(n);
    const isEnd = entry.event === undefined;
    const cause = loaded.stalls.get(n)?.cause;
    this.at = at;
    element.id = `event-${n}`;
    element.className = `row ${loaded.familyOf(entry)} ${severity ?? ''}${cause === undefined || cause === 'server-alive' ? '' : ' stalled'}`;
    element.style.transform = `translateY(${at * HEIGHT}px)`;
    element.setAttribute('aria-posinset', String(at + 1));
    element.setAttribute('aria-setsize', String(total));
    this.choose(chosen);
    const texts = [
      isEnd ? 'end' : grouped(n),
      column(entry.us),
      n === 1 ? '' : column(entry.gapUs),
      grouped(entry.end - entry.byte),
      isEnd ? 'end' : typeName(entry.event),
      indexText(entry.event),
      severity === undefined ? '' : GLYPHS[severity],
      entry.event === undefined ? endWords(loaded) : preview(entry.event),
    ];
    this.#cells.forEach((cell, i) => (cell.textContent = upright(texts[i] as string)));
  }

  choose(chosen: boolean): void {
    this.element.setAttribute('aria-selected', String(chosen));
  }
}

/** The list and its scroller. */
export class EventList {
  readonly element: HTMLElement;
  readonly #loaded: Loaded;
  readonly #scroller: HTMLElement;
  readonly #space: HTMLElement = el('div', { class: 'space' });
  readonly #empty: HTMLElement = el('p', { class: 'empty', hidden: true });
  readonly #select: (n: number) => void;
  #numbers: readonly number[];
  #pool: RowView[] = [];
  #chosen = 0;
  #waiting = false;

  constructor(loaded: Loaded, select: (n: number) => void) {
    this.#loaded = loaded;
    this.#select = select;
    this.#numbers = loaded.stream.entries.map(({ n }) => n);
    this.#scroller = el('div', { class: 'scroller', role: 'listbox', tabindex: 0, 'aria-label': 'Events' });
    this.#scroller.append(this.#space);
    this.#scroller.addEventListener('scroll', () => this.#later(), { passive: true });
    this.#scroller.addEventListener('click', (event) => this.#click(event));
    new ResizeObserver(() => this.#later()).observe(this.#scroller);
    const names = ['#', '+ms', 'gap', 'bytes', 'type', 'idx', '', 'content'];
    const classes = ['n', 'ms', 'gap', 'bytes', 'type', 'idx', 'pin', 'preview'];
    const head = el('div', { class: 'row head', 'aria-hidden': 'true' });
    head.append(...names.map((text, i) => el('span', { class: classes[i], text })));
    const timed = loaded.times === undefined ? ' untimed' : '';
    this.element = el('div', { class: `list${timed}` }, head, this.#scroller, this.#empty);
    this.show(this.#numbers);
  }

  /** The rows that are shown, by number. */
  get numbers(): readonly number[] {
    return this.#numbers;
  }

  /** Shows these rows only. */
  show(numbers: readonly number[], clear?: () => void): void {
    this.#numbers = numbers;
    this.#space.style.height = `${numbers.length * HEIGHT}px`;
    for (const row of this.#pool) row.at = -1;
    const none = numbers.length === 0;
    this.#empty.hidden = !none;
    if (none) {
      this.#empty.replaceChildren('No event fits. ');
      if (clear !== undefined) this.#empty.append(button('Show all', clear));
    }
    this.#fill();
  }

  /** Marks the row; brings it into sight unless told not to. */
  choose(n: number): void {
    this.#chosen = n;
    for (const row of this.#pool) row.choose(this.#numbers[row.at] === n);
    const at = this.#numbers.indexOf(n);
    if (at < 0) return this.#scroller.removeAttribute('aria-activedescendant');
    const { scrollTop, clientHeight } = this.#scroller;
    if (at * HEIGHT < scrollTop) this.#scroller.scrollTop = Math.max(0, (at - 2) * HEIGHT);
    else if ((at + 1) * HEIGHT > scrollTop + clientHeight) {
      this.#scroller.scrollTop = (at + 3) * HEIGHT - clientHeight;
    }
    this.#fill();
    this.#scroller.setAttribute('aria-activedescendant', `event-${n}`);
  }

  /** Gives the list the focus. */
  focus(): void {
    this.#scroller.focus({ preventScroll: true });
  }

  /** How many rows fit. */
  get page(): number {
    return Math.max(1, Math.floor(this.#scroller.clientHeight / HEIGHT) - 1);
  }

  #click(event: MouseEvent): void {
    const row = this.#pool.find((each) => each.element.contains(event.target as Node));
    const n = row && this.#numbers[row.at];
    if (n !== undefined) this.#select(n);
  }

  #later(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#fill();
    });
  }

  /** Fills the rows in sight: row `at` is always shown by the same member of the pool, so most need nothing. */
  #fill(): void {
    const { scrollTop, clientHeight } = this.#scroller;
    const size = Math.ceil(clientHeight / HEIGHT) + 2 * SPARE;
    while (this.#pool.length < size) {
      const row = new RowView();
      this.#pool.push(row);
      this.#space.append(row.element);
    }
    const first = Math.max(0, Math.floor(scrollTop / HEIGHT) - SPARE);
    const pool = this.#pool;
    for (let k = 0; k < pool.length; k++) {
      const at = first + k;
      const row = pool[at % pool.length] as RowView;
      const n = this.#numbers[at];
      row.element.hidden = n === undefined;
      if (n === undefined) row.at = -1;
      else if (row.at !== at) row.fill(at, n, this.#loaded, n === this.#chosen, this.#numbers.length);
    }
  }
}

function endWords({ source, stream }: Loaded): string {
  const { status, stopReason, error } = source.lint.outcome;
  const last = stream.entries.at(-1);
  const left = last === undefined ? 0 : last.end - last.from;
  const rest = left > 0 ? `, ${counted(left, 'byte')} left over` : '';
  const how = source.end === undefined ? '' : `${source.end.end}, `;
  return `${how}${status}${stopReason === null ? '' : ` (${stopReason})`}${rest}${error ? `: ${error.message}` : ''}`;
}
