/** Text to the clipboard, or, where a browser forbids that for files, before the eyes, chosen and ready to be copied. */

import { button, el } from './dom.ts';

/** Copies; `told` gets the words that say how it went. */
export async function copyText(text: string, told: (words: string) => void): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    told('Copied as Markdown.');
  } catch {
    show(text);
    told('The browser does not let this page copy: copy it by hand.');
  }
}

function show(text: string): void {
  const area = el('textarea', { readonly: true, rows: 16, 'aria-label': 'Markdown' });
  area.value = text;
  const dialog = el('dialog', { class: 'copy' }, el('h2', { text: 'Copy this' }), area);
  dialog.append(button('Close', () => dialog.close()));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  area.select();
}

/** Hands the capture out as the file that it was made from. */
export function saveText(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/jsonl' }));
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
