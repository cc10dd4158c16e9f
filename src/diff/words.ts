/** Two texts → which words changed. */

import { align } from './align.ts';

/** A stretch of text that both have, or only one. */
export interface Stretch {
  in: 'both' | 'a' | 'b';
  text: string;
}

/** Words, white space, and single characters of all else; scripts without spaces between words go character by character. */
const TOKENS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]\p{M}*|[\p{L}\p{N}\p{M}_]+|\s+|[^\p{L}\p{N}\p{M}_\s](?:\u200d.|\p{M}|\ufe0f)*/gsu;

/** Longer texts are compared as a whole: nobody reads such a difference word by word. */
const MAX_LENGTH = 500_000;

/**
 * The stretches of both texts, in order; those of `a` and `both` joined are `a`, those of `b` and `both` are `b`.
 *
 * @example
 * wordDifferences('a red fox', 'a blue fox').map((stretch) => stretch.text); // ['a ', 'red', 'blue', ' fox']
 */
export function wordDifferences(a: string, b: string): Stretch[] {
  if (a.length > MAX_LENGTH || b.length > MAX_LENGTH) return merged([one('a', a), one('b', b)]);
  const [x, y] = [a.match(TOKENS) ?? [], b.match(TOKENS) ?? []];
  const found: Stretch[] = [];
  let [i, j] = [0, 0];
  for (const [nextA, nextB] of [...align(x, y), [x.length, y.length] as const]) {
    found.push(one('a', x.slice(i, nextA).join('')), one('b', y.slice(j, nextB).join('')));
    found.push(one('both', x[nextA] ?? ''));
    [i, j] = [nextA + 1, nextB + 1];
  }
  return merged(found);
}

function one(side: Stretch['in'], text: string): Stretch {
  return { in: side, text };
}

/** Neighbours of one kind as one. A lone space between two changes is part of the change: it reads better. */
function merged(stretches: readonly Stretch[]): Stretch[] {
  const found: Stretch[] = [];
  let [a, b, both] = ['', '', ''];
  const flush = (): void => {
    if (a !== '') found.push(one('a', a));
    if (b !== '') found.push(one('b', b));
    [a, b] = ['', ''];
  };
  for (const { in: side, text } of stretches) {
    if (text === '') continue;
    if (side === 'both') {
      both += text;
      continue;
    }
    if (both === ' ' && (a !== '' || b !== '')) [a, b] = [`${a} `, `${b} `];
    else if (both !== '') {
      flush();
      found.push(one('both', both));
    }
    both = '';
    if (side === 'a') a += text;
    else b += text;
  }
  flush();
  if (both !== '') found.push(one('both', both));
  return found;
}
