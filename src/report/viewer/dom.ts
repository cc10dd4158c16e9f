/** Elements without HTML text: every string goes in as text or as an attribute's value, so no stream can make markup. */

import { upright } from '../wording.ts';

/** What an element may be given: `class`, `text`, any attribute, and `onX` listeners. `false` and `undefined` leave out. */
export type Props = Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>;

/** Makes an element. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props: Props = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2).toLowerCase(), value);
    else if (name === 'text') element.textContent = upright(String(value));
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.map((child) => (typeof child === 'string' ? upright(child) : child)));
  return element;
}

/** A push button. */
export function button(text: string, action: () => void, props: Props = {}): HTMLButtonElement {
  return el('button', { type: 'button', text, onClick: action, ...props });
}

/** A drop-down list with a name that is read aloud; calls `action` with the chosen value. */
export function choice(
  name: string,
  options: readonly (readonly [value: string, text: string])[],
  action: (value: string) => void,
): HTMLSelectElement {
  const select = el('select', { 'aria-label': name, onChange: () => action(select.value) });
  select.append(...options.map(([value, text]) => el('option', { value, text })));
  return select;
}
