/** Above the list: search, and what to show. */

import { NO_QUERY, type Query } from '../search.ts';
import { counted, grouped } from '../numbers.ts';
import { typeName } from '../wording.ts';
import { choice, el } from './dom.ts';
import type { Loaded } from './loaded.ts';

/** Wait this long for the next letter. */
const PAUSE_MS = 80;

/** The bar; it tells of each new query. */
export class FilterBar {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  readonly #count: HTMLElement = el('span', { class: 'count', role: 'status' });
  readonly #selects: readonly HTMLSelectElement[];
  readonly #changed: (query: Query) => void;
  #query: Query = NO_QUERY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(loaded: Loaded, changed: (query: Query) => void) {
    this.#changed = changed;
    this.input = el('input', {
      type: 'search',
      placeholder: 'Search   /',
      'aria-label': 'Search in events and in the text they add up to',
      onInput: () => {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#set({ text: this.input.value }), PAUSE_MS);
      },
    });
    const types = choice('Type', [['', 'all types'], ...typesOf(loaded)], (type) => this.#set({ type }));
    const blocks = choice('Block', [['', 'all blocks'], ...blocksOf(loaded)], (ordinal) =>
      this.#set({ block: ordinal === '' ? undefined : Number(ordinal) }),
    );
    const severities = choice(
      'Findings',
      [
        ['', 'all events'],
        ['info', 'with findings'],
        ['warning', 'warnings, errors'],
        ['error', 'errors'],
      ],
      (severity) => this.#set({ severity: severity as Query['severity'] }),
    );
    this.#selects = [types, blocks, severities];
    this.element = el('div', { class: 'filter', role: 'search' }, this.input, ...this.#selects, this.#count);
  }

  /** Asks for nothing. */
  clear(): void {
    clearTimeout(this.#timer);
    this.input.value = '';
    for (const select of this.#selects) select.value = '';
    this.#set(NO_QUERY);
  }

  /** Whether anything is asked for. */
  get active(): boolean {
    return this.#query !== NO_QUERY && Object.values(this.#query).some((value) => value !== '' && value !== undefined);
  }

  /** Asks at once, without waiting for the next letter. */
  now(): void {
    clearTimeout(this.#timer);
    if (this.#query.text !== this.input.value) this.#set({ text: this.input.value });
  }

  /** Says how many rows are shown. */
  tell(shown: number, all: number): void {
    this.#count.textContent = shown === all ? counted(all - 1, 'event') : `${grouped(shown)} of ${grouped(all - 1)}`;
  }

  #set(change: Partial<Query>): void {
    this.#query = { ...this.#query, ...change };
    this.#changed(this.#query);
  }
}

function typesOf({ stream }: Loaded): [string, string][] {
  const counts = new Map<string, number>();
  for (const { event } of stream.entries) {
    if (event !== undefined) counts.set(typeName(event), (counts.get(typeName(event)) ?? 0) + 1);
  }
  return [...counts].map(([type, count]) => [type, `${type.slice(0, 40)} (${grouped(count)})`]);
}

function blocksOf({ stream }: Loaded): [string, string][] {
  return stream.lanes.map(({ ordinal, index, type, name }) => [
    String(ordinal),
    `${index} ${type.slice(0, 30)}${name === '' ? '' : ` ${name.slice(0, 30)}`}`,
  ]);
}
