/**
 * The same characters in memory of their own: `join` copies them out of a rope, or out of a slice that would keep its
 * piece alive, and that the chunk it was cut from. In V8 a shorter string is neither.
 */
export function own(text: string): string {
  return text.length < 13 ? text : [text.charAt(0), text.slice(1)].join('');
}
