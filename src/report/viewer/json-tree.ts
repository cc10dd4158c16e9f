/**
 * JSON as a tree that folds, with what changed marked. Made small first: strings are clipped in the middle, long runs of
 * what did not change are one line, and a folded branch has no elements until it is unfolded. So a message of megabytes is
 * shown at the same speed as one of a few lines.
 */

import type { Changed } from '../changes.ts';
import { counted, grouped } from '../numbers.ts';
import { button, el } from './dom.ts';

/** How a tree is shown. */
export interface TreeOptions {
  /** Unfolds everything, as far as lines last. Else what changed, and the first level. */
  unfold: boolean;
}

/** A string longer than this is clipped. */
const LONG = 1200;
/** What is left of it at each end. */
const SHOWN = 400;
/** A longer run of unchanged members is one line. */
const RUN = 12;
/** How many lines a tree unfolds by itself. */
const LINES = 400;

/** What is left of the lines a tree may unfold. */
interface Budget {
  lines: number;
}

/** Makes the tree. */
export function jsonTree(root: Changed, options: TreeOptions): HTMLElement {
  const tree = el('div', { class: 'json' });
  tree.append(node(root, 0, options, { lines: LINES }));
  return tree;
}

function node(changed: Changed, depth: number, options: TreeOptions, budget: Budget): Node {
  budget.lines--;
  const label = keyOf(changed);
  if (changed.children === undefined) {
    return el('div', { class: `leaf ${changed.change}` }, ...label, ...leaf(changed));
  }
  const size = Object.keys(changed.value as object).length;
  const [open, close] = Array.isArray(changed.value) ? ['[', ']'] : ['{', '}'];
  if (size === 0 && changed.change !== 'changed') {
    return el('div', { class: `leaf ${changed.change}` }, ...label, `${open}${close}`);
  }
  const hint = el('span', { class: 'hint', text: ` ${summaryOf(changed.value as object, size)} ${close}` });
  const fold = el('details', { class: changed.change }, el('summary', {}, ...label, open, hint));
  const fill = (): void => {
    if (fold.childElementCount === 1) fold.append(...members(changed, depth + 1, options, budget));
  };
  if (isUnfolded(changed, depth, options, budget)) {
    fold.open = true;
    fill();
  }
  fold.addEventListener('toggle', () => {
    budget.lines = LINES;
    fill();
  });
  return fold;
}

function isUnfolded({ change, key }: Changed, depth: number, { unfold }: TreeOptions, { lines }: Budget): boolean {
  if (lines <= 0) return false;
  return unfold || depth <= 1 || change === 'changed' || change === 'new' || (depth === 2 && key === 'content');
}

/** The members of a branch; what did not change, in long runs, is one line that unfolds. */
function members(parent: Changed, depth: number, options: TreeOptions, budget: Budget): Node[] {
  const children = parent.children?.() ?? [];
  const nodes: Node[] = [];
  for (let i = 0; i < children.length;) {
    let end = i;
    while (end < children.length && children[end]?.change === 'same') end++;
    if (!options.unfold && end - i > RUN) {
      nodes.push(run(children.slice(i, end - 1), depth, options, budget));
      i = end - 1;
    }
    nodes.push(node(children[i] as Changed, depth, options, budget));
    i++;
  }
  return nodes;
}

function run(children: readonly Changed[], depth: number, options: TreeOptions, budget: Budget): Node {
  const fold = el(
    'details',
    { class: 'same' },
    el('summary', { class: 'hint', text: `… ${children.length} unchanged` }),
  );
  const fill = (): void => {
    fold.append(...children.map((child) => node(child, depth + 1, options, budget)));
  };
  fold.addEventListener('toggle', fill, { once: true });
  return fold;
}

function keyOf({ key }: Changed): (Node | string)[] {
  if (key === undefined) return [];
  return [el('span', { class: 'key', text: typeof key === 'number' ? String(key) : JSON.stringify(key) }), ': '];
}

function leaf(changed: Changed): (Node | string)[] {
  const { change, value, was, kept } = changed;
  switch (change) {
    case 'grown':
      return grown(value as string, kept);
    case 'gone':
      return [el('del', {}, ...plain(value))];
    case 'new':
      return [el('mark', {}, ...plain(value))];
    case 'changed':
      return [...(was === undefined ? [] : [el('del', {}, ...plain(was)), ' ']), el('mark', {}, ...plain(value))];
    default:
      return plain(value);
  }
}

/** A string that grew: what it was, clipped to its end, and what is new, marked. */
function grown(text: string, kept: number): (Node | string)[] {
  const before = text.slice(0, kept);
  const after = inside(text.slice(kept));
  const shown = kept > LONG ? clipped(before, 0, SHOWN) : [inside(before)];
  return [el('span', { class: 'string' }, '"', ...shown, el('mark', { text: after }), '"')];
}

function plain(value: unknown): (Node | string)[] {
  if (typeof value === 'string') {
    const parts = value.length > LONG ? clipped(value, SHOWN, SHOWN) : [inside(value)];
    return [el('span', { class: 'string' }, '"', ...parts, '"')];
  }
  if (typeof value === 'object' && value !== null) {
    const size = Object.keys(value).length;
    return [el('span', { class: 'hint', text: `${Array.isArray(value) ? '[' : '{'} ${summaryOf(value, size)}` })];
  }
  return [el('span', { class: 'atom', text: String(value) })];
}

/** The ends of a long string, with a button for the rest. */
function clipped(text: string, head: number, tail: number): (Node | string)[] {
  const hidden = text.slice(head, text.length - tail);
  const more = button(`… ${grouped(hidden.length)} characters …`, () => more.replaceWith(inside(hidden)), {
    class: 'more',
  });
  return [inside(text.slice(0, head)), more, inside(text.slice(text.length - tail))];
}

/** A string as JSON writes it, without its quotes. */
function inside(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** What stands behind a folded branch. */
function summaryOf(value: object, size: number): string {
  if (Array.isArray(value)) return counted(size, 'item');
  const { type, name } = value as Readonly<Record<string, unknown>>;
  const named = [type, name].filter((each) => typeof each === 'string').map((each) => each.slice(0, 40));
  const text = ['text', 'thinking'].map((key) => (value as Record<string, unknown>)[key]).find(isText);
  const begins =
    text === undefined ? '' : `“${text.slice(0, 40).replaceAll(/\s+/g, ' ')}${text.length > 40 ? '…' : ''}”`;
  return [...named, begins].filter((each) => each !== '').join(' ') || counted(size, 'field');
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
