/**
 * The same characters in memory of their own: `join` copies them out of a rope, or out of a slice that would keep its
 * piece alive, and that the chunk it was cut from. In V8 a shorter string is neither.
 */
export function own(text: string): string {
  return text.length < 13 ? text : [text.charAt(0), text.slice(1)].join('');
}

/**
 * Two strings as one in memory of its own. Cheaper than {@link own} of their sum: `join` writes the characters of a rope
 * where they belong, and a cut through it would have to flatten it before.
 */
export function ownSum(a: string, b: string): string {
  if (a === '') return own(b);
  if (b === '') return own(a);
  return a.length + b.length < 13 ? a + b : [a, b].join('');
}
