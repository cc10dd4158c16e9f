/** The page of a report: reads the data that stands in it, shows one stream at a time, and hears the keys. */

import type { ReportData, ReportStream } from '../data.ts';
import { DATA_ID } from '../page.ts';
import { saveText } from './copy.ts';
import { button, el } from './dom.ts';
import { keepInAddress, placeInAddress } from './link.ts';
import { StreamView } from './stream-view.ts';
import { themeChoice } from './theme.ts';

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['j  k  ↓  ↑', 'next and previous event'],
  ['Page Down  Page Up  Home  End', 'further'],
  ['n  N', 'next and previous finding'],
  ['/', 'search; Enter goes to the first hit, Escape leaves'],
  ['+  −  0', 'zoom the timeline; wheel and drag work, too'],
  ['c', 'copy the event as Markdown'],
  ['?', 'these keys'],
];

/** How long words stay. */
const WORDS_MS = 4000;

class App {
  readonly #data: ReportData;
  readonly #main = el('main');
  readonly #said = el('p', { class: 'said', role: 'status' });
  readonly #tabs: readonly HTMLButtonElement[];
  readonly #help: HTMLDialogElement = helpDialog();
  /** Where the reader was in each stream. */
  readonly #chosen = new Map<number, number>();
  #view: StreamView | undefined;
  #at = -1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(data: ReportData) {
    this.#data = data;
    this.#tabs = data.streams.map(({ name }, i) =>
      button(lastOf(name), () => this.#open(i), { role: 'tab', title: name, id: `stream-${i + 1}` }),
    );
    const tools = el(
      'div',
      { class: 'tools' },
      button('Copy Markdown', () => this.#view?.copy(), { title: 'The chosen event, for an issue (c)' }),
      button('Save capture', () => this.#save(), { title: 'The capture that this report was made from' }),
      themeChoice(() => this.#view?.redraw()),
      button('?', () => this.#help.showModal(), { 'aria-label': 'Keys', title: 'Keys (?)' }),
    );
    const tabs = el('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Streams' });
    if (this.#tabs.length > 1) tabs.append(...this.#tabs);
    const head = el('header', { class: 'top' }, el('h1', { text: 'ssemble report' }), tabs, tools);
    document.body.append(head, this.#main, this.#said, this.#help);
    addEventListener('keydown', (event) => this.#key(event));
    addEventListener('hashchange', () => this.#follow());
    // The timeline is drawn in the colours of the paper.
    matchMedia('print').addEventListener('change', () => this.#view?.redraw());
    if (data.streams.length === 0) this.#main.append(el('p', { class: 'empty', text: 'This report holds no stream.' }));
    else this.#follow();
  }

  /** Goes where the address says. */
  #follow(): void {
    const { stream, event } = placeInAddress();
    this.#open(Math.min(stream, this.#data.streams.length) - 1, event);
  }

  #open(at: number, event?: number): void {
    if (at !== this.#at || this.#view === undefined) {
      if (this.#view !== undefined) this.#chosen.set(this.#at, this.#view.chosen);
      this.#at = at;
      this.#view = new StreamView(this.#data.streams[at] as ReportStream, {
        tool: this.#data.tool,
        chosen: (name) => keepInAddress(at + 1, name),
        say: (words) => this.#say(words),
      });
      this.#main.replaceChildren(this.#view.element);
      this.#tabs.forEach((tab, i) => tab.setAttribute('aria-selected', String(i === at)));
      this.#tabs[at]?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
      this.#view.redraw();
    }
    this.#view.select(event ?? this.#chosen.get(at) ?? (this.#view.chosen || 1));
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || this.#help.open) return;
    const target = event.target as HTMLElement;
    const typing = target.matches('input, textarea, select');
    if (event.key === 'Escape') {
      if (this.#view?.leaveSearch() === true) event.preventDefault();
    } else if (typing && event.key === 'Enter' && target.matches('input')) this.#view?.enterSearch();
    else if (typing || document.querySelector('dialog[open]') !== null) return;
    else if (event.key === '?') this.#help.showModal();
    // Where a pane has the focus, the keys that scroll belong to it.
    else if (target.matches('.body, .findings') && !/^[a-zN/+?0-]$/.test(event.key)) return;
    else if (this.#view?.key(event.key) === true) event.preventDefault();
  }

  #say(words: string): void {
    this.#said.textContent = words;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#said.textContent = ''), WORDS_MS);
  }

  #save(): void {
    const { name, header, chunks, end } = this.#data.streams[this.#at] as ReportStream;
    const lines = [header, ...chunks, ...(end === undefined ? [] : [end])].map((line) => `${JSON.stringify(line)}\n`);
    const plain = lastOf(name).replace(/(\.capture)?\.(sse|jsonl|txt)$/, '') || 'stream';
    saveText(`${plain}.capture.jsonl`, lines.join(''));
  }
}

/** A file without its folders. */
function lastOf(name: string): string {
  return name.replace(/^.*[/\\](?=.)/s, '');
}

function helpDialog(): HTMLDialogElement {
  const list = el('dl');
  for (const [keys, what] of KEYS) list.append(el('dt', {}, el('kbd', { text: keys })), el('dd', { text: what }));
  const dialog = el('dialog', { 'aria-label': 'Keys' }, el('h2', { text: 'Keys' }), list);
  dialog.append(button('Close', () => dialog.close()));
  return dialog;
}

const data = JSON.parse(document.getElementById(DATA_ID)?.textContent ?? 'null') as ReportData;
void new App(data);
