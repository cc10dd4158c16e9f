/** Light, dark, or as the system has it; and the colours as the canvas needs them. */

import { choice } from './dom.ts';

const KEY = 'ssemble-report-theme';

/** A drop-down list for the theme; `changed` is called after each change, the system's own included. */
export function themeChoice(changed: () => void): HTMLSelectElement {
  const root = document.documentElement;
  const select = choice(
    'Theme',
    [
      ['auto', 'Auto theme'],
      ['light', 'Light'],
      ['dark', 'Dark'],
    ],
    (value) => {
      root.dataset['theme'] = value;
      remember(value);
      changed();
    },
  );
  select.value = root.dataset['theme'] = remembered();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
  return select;
}

/** Where storage is forbidden, the theme lasts as long as the page. */
function remember(theme: string): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Nothing to be done, and nothing lost but a preference.
  }
}

function remembered(): string {
  try {
    const found = localStorage.getItem(KEY);
    return found === 'light' || found === 'dark' ? found : 'auto';
  } catch {
    return 'auto';
  }
}

/** Reads custom properties as plain colours: `light-dark()` is resolved only where a colour is used. */
export function colors(names: readonly string[]): ReadonlyMap<string, string> {
  const probe = document.createElement('i');
  document.body.append(probe);
  const found = names.map((name): [string, string] => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return new Map(found);
}
