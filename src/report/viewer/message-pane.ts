/** The third pane: the message as the core has it after the chosen event, and what that event changed. */

import { compare } from '../changes.ts';
import type { Entry } from '../entries.ts';
import { grouped } from '../numbers.ts';
import type { Shot } from '../states.ts';
import { jsonText } from '../wording.ts';
import { button, el } from './dom.ts';
import { jsonTree } from './json-tree.ts';
import type { Loaded } from './loaded.ts';

/** Of a long text the end is shown: that is where it grows. */
const TEXT = 6000;

/** The pane with its switch between JSON and text. */
export class MessagePane {
  readonly element: HTMLElement;
  readonly #loaded: Loaded;
  readonly #place: HTMLElement = el('span', { class: 'place' });
  readonly #body: HTMLElement = el('div', { class: 'body', tabindex: 0, role: 'region', 'aria-label': 'Message' });
  #asText = false;
  #entry: Entry | undefined;
  /** The state shown last: for a step forward it is the one before. */
  #shown: { n: number; shot: Shot } | undefined;

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
    const toggle = button('Text', () => {
      this.#asText = !this.#asText;
      toggle.setAttribute('aria-pressed', String(this.#asText));
      if (this.#entry !== undefined) this.show(this.#entry);
    });
    toggle.setAttribute('aria-pressed', 'false');
    const head = el('header', {}, el('h2', { text: 'Message' }), this.#place, toggle);
    this.element = el('section', { class: 'pane message', 'aria-label': 'Message' }, head, this.#body);
  }

  /** Shows the state after an event. */
  show(entry: Entry): void {
    this.#entry = entry;
    const { states } = this.#loaded;
    const before = this.#shown?.n === entry.n - 1 ? this.#shown.shot : states.after(entry.n - 1);
    const after = states.after(entry.n);
    this.#shown = { n: entry.n, shot: after };
    const isEnd = entry.event === undefined;
    this.#place.textContent = `${isEnd ? 'at the end' : `after #${grouped(entry.n)}`} · ${after.outcome.status}`;
    this.#body.replaceChildren(this.#asText ? asText(before, after) : asTree(before, after));
    this.#reveal(this.#body.querySelector('mark, del'));
  }

  /** Scrolls the pane, and nothing else: on a phone the page itself would jump. */
  #reveal(changed: Element | null): void {
    this.#body.scrollTop = 0;
    if (changed === null) return;
    const { top, bottom } = changed.getBoundingClientRect();
    const pane = this.#body.getBoundingClientRect();
    if (bottom > pane.bottom) this.#body.scrollTop = top - pane.top - pane.height / 2;
  }
}

function asTree(before: Shot, after: Shot): Node {
  const [was, is] = [plain(before), plain(after)];
  return jsonTree(compare(was, is), { unfold: false });
}

/** The shot as JSON shows it; the outcome's error is its name and message. */
function plain({ message, blocks, outcome }: Shot): object {
  const { status, stopReason, error } = outcome;
  return {
    message: message ?? null,
    blocks,
    outcome: { status, stopReason, ...(error && { error: `${error.name}: ${error.message}` }) },
  };
}

/** What a reader of the answer sees, block by block. */
function asText(before: Shot, after: Shot): Node {
  const all = el('div', { class: 'reading' });
  after.blocks.forEach(({ type, state, ordinal, inputText }, k) => {
    const now = textOf(after.message?.content[k], inputText);
    const old = before.blocks.findIndex((block) => block.ordinal === ordinal);
    const was = old < 0 ? '' : textOf(before.message?.content[old], before.blocks[old]?.inputText);
    const kept = now.startsWith(was) ? was.length : 0;
    const from = Math.max(0, Math.min(kept, now.length) - TEXT);
    const text = el('p', {}, from > 0 ? `… ${grouped(from)} characters …\n` : '', now.slice(from, kept));
    text.append(el('mark', { text: now.slice(kept) }));
    all.append(el('h3', { text: `${type} · ${state}` }), text);
  });
  if (after.blocks.length === 0) all.append(el('p', { class: 'empty', text: 'No content yet.' }));
  return all;
}

function textOf(block: object | undefined, inputText: string | undefined): string {
  const { text, thinking } = (block ?? {}) as Readonly<Record<string, unknown>>;
  const found = [text, thinking].find((each) => typeof each === 'string');
  return found ?? inputText ?? (block === undefined ? '' : (jsonText(block, 2) ?? '{…}'));
}
