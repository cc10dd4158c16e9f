/** One stream on the screen: all parts show the same chosen event, and every way of choosing one goes through here. */

import type { ReportStream } from '../data.ts';
import { lastAtMost } from '../halving.ts';
import { eventMarkdown, findingsMarkdown } from '../markdown.ts';
import { grouped } from '../numbers.ts';
import { BytesPane } from './bytes-pane.ts';
import { copyText } from './copy.ts';
import { button, el } from './dom.ts';
import { EventList } from './event-list.ts';
import { EventPane } from './event-pane.ts';
import { FilterBar } from './filter-bar.ts';
import { findingsList } from './findings.ts';
import { load, type Loaded } from './loaded.ts';
import { MessagePane } from './message-pane.ts';
import { summary } from './summary.ts';
import { Timeline } from './timeline.ts';

/** What a view tells the page. */
export interface Hooks {
  /** Such as `ssemble/0.1.0`. */
  tool: string;
  /** An event was chosen; how it is called in an address. */
  chosen(name: string): void;
  /** Something to be read aloud, and shown for a moment. */
  say(words: string): void;
}

/** The view. */
export class StreamView {
  readonly element: HTMLElement;
  readonly #hooks: Hooks;
  readonly #loaded: Loaded;
  readonly #timeline: Timeline;
  readonly #list: EventList;
  readonly #filter: FilterBar;
  readonly #panes: readonly [BytesPane, EventPane, MessagePane];
  readonly #sides: ReadonlyMap<Side, HTMLElement>;
  readonly #tabs: ReadonlyMap<Side, HTMLButtonElement>;
  #chosen = 0;
  #waiting = false;

  constructor(source: ReportStream, hooks: Hooks) {
    this.#hooks = hooks;
    const loaded = load(source);
    this.#loaded = loaded;
    const select = (n: number): void => this.select(n);
    this.#timeline = new Timeline(loaded, select);
    this.#list = new EventList(loaded, select);
    this.#filter = new FilterBar(loaded, (query) => this.#show(loaded.search.find(query)));
    this.#filter.tell(loaded.stream.entries.length, loaded.stream.entries.length);
    this.#panes = [new BytesPane(loaded), new EventPane(loaded), new MessagePane(loaded)];
    const findings = findingsList(loaded, select, () => this.copyFindings());
    this.#sides = new Map<Side, HTMLElement>([
      [
        'events',
        el(
          'div',
          { class: 'side', role: 'tabpanel', 'aria-label': 'Events' },
          this.#filter.element,
          this.#list.element,
        ),
      ],
      ['findings', el('div', { class: 'side', role: 'tabpanel', 'aria-label': 'Findings' }, findings)],
    ]);
    const count = source.lint.findings.length + source.lint.dropped;
    this.#tabs = new Map<Side, HTMLButtonElement>([
      ['events', button('Events', () => this.#turnTo('events'), { role: 'tab' })],
      ['findings', button(`Findings (${grouped(count)})`, () => this.#turnTo('findings'), { role: 'tab' })],
    ]);
    const tabs = el('div', { class: 'tabs', role: 'tablist', 'aria-label': 'List' }, ...this.#tabs.values());
    const left = el('section', { class: 'left', 'aria-label': 'Events and findings' }, tabs, ...this.#sides.values());
    const panes = el('div', { class: 'panes' }, ...this.#panes.map((pane) => pane.element));
    const work = el('div', { class: 'work' }, left, panes);
    this.element = el('div', { class: 'stream' }, summary(loaded), this.#timeline.element, work);
    this.#turnTo('events');
  }

  /** The number of the chosen row. */
  get chosen(): number {
    return this.#chosen;
  }

  /** Chooses a row; numbers beyond the ends are the ends. The panes follow before the next frame is shown. */
  select(n: number): void {
    const entry = this.#loaded.entry(n);
    if (entry.n === this.#chosen) return;
    this.#chosen = entry.n;
    this.#list.choose(entry.n);
    this.#timeline.choose(entry.n);
    this.#hooks.chosen(entry.event === undefined ? 'end' : String(entry.n));
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => this.#showChosen());
  }

  /** Goes on by rows that are shown. */
  step(by: number): void {
    const { numbers } = this.#list;
    const at = numbers.indexOf(this.#chosen);
    // Where the chosen row is not shown, the nearest that is: behind it for a step forward, before it for one back.
    const after = numbers.findIndex((n) => n > this.#chosen);
    const behind = after < 0 ? numbers.length : after;
    const to = at >= 0 ? at + by : by > 0 ? behind + by - 1 : behind + by;
    const n = numbers[Math.min(Math.max(to, 0), numbers.length - 1)];
    if (n !== undefined) this.select(n);
  }

  /** Goes to the next row with a finding, or the one before; from the last to the first. */
  stepFinding(by: 1 | -1): void {
    const { pinned } = this.#loaded;
    if (pinned.length === 0) return this.#hooks.say('There are no findings.');
    const next = by > 0 ? pinned.find((n) => n > this.#chosen) : pinned[lastAtMost(pinned, this.#chosen - 1)];
    this.select(next ?? (pinned.at(by > 0 ? 0 : -1) as number));
  }

  /** What a key does; `false`: nothing. */
  key(key: string): boolean {
    const action = this.#keys()[key];
    if (action === undefined) return false;
    action();
    return true;
  }

  /** Copies the chosen event. */
  copy(): void {
    const { source, stream, findings } = this.#loaded;
    const entry = this.#loaded.entry(this.#chosen);
    const text = eventMarkdown(source, stream, entry, findings.get(entry.n) ?? [], this.#hooks.tool);
    void copyText(text, (words) => this.#hooks.say(words));
  }

  /** Copies all findings. */
  copyFindings(): void {
    const text = findingsMarkdown(this.#loaded.source, this.#loaded.stream, this.#hooks.tool);
    void copyText(text, (words) => this.#hooks.say(words));
  }

  /** Draws anew what is drawn: the theme changed, or it is printed. */
  redraw(): void {
    this.#timeline.draw();
  }

  /** Leaves the search; `false` if nothing was asked for. */
  leaveSearch(): boolean {
    if (!this.#filter.active && document.activeElement !== this.#filter.input) return false;
    this.#filter.clear();
    this.#list.focus();
    return true;
  }

  /** Takes what is typed as it stands, and goes to the first hit. */
  enterSearch(): void {
    this.#filter.now();
    this.#list.focus();
    const { numbers } = this.#list;
    const hit = numbers.find((n) => n >= this.#chosen) ?? numbers[0];
    if (hit !== undefined) this.select(hit);
  }

  #keys(): Readonly<Record<string, (() => void) | undefined>> {
    return {
      j: () => this.step(1),
      ArrowDown: () => this.step(1),
      k: () => this.step(-1),
      ArrowUp: () => this.step(-1),
      PageDown: () => this.step(this.#list.page),
      PageUp: () => this.step(-this.#list.page),
      Home: () => this.step(-Infinity),
      End: () => this.step(Infinity),
      n: () => this.stepFinding(1),
      N: () => this.stepFinding(-1),
      '/': () => {
        this.#turnTo('events');
        this.#filter.input.focus();
        this.#filter.input.select();
      },
      '+': () => this.#timeline.zoom(1.6),
      '-': () => this.#timeline.zoom(1 / 1.6),
      '0': () => this.#timeline.zoom(0),
      c: () => this.copy(),
    };
  }

  #showChosen(): void {
    this.#waiting = false;
    const entry = this.#loaded.entry(this.#chosen);
    for (const pane of this.#panes) pane.show(entry);
  }

  #show(numbers: readonly number[]): void {
    this.#list.show(numbers, () => this.#filter.clear());
    this.#filter.tell(numbers.length, this.#loaded.stream.entries.length);
    this.#list.choose(this.#chosen);
  }

  #turnTo(side: Side): void {
    for (const [name, panel] of this.#sides) panel.classList.toggle('away', name !== side);
    for (const [name, tab] of this.#tabs) tab.setAttribute('aria-selected', String(name === side));
  }
}

type Side = 'events' | 'findings';
