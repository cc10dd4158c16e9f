/** Where input may be cut: behind the last line end that is certain. A CR that is the last byte so far is not. */

import type { LineDecoder } from './utf8.ts';

const LF = 10;
const CR = 13;
/** How far back the last line end is looked for by hand. */
const NEAR_BYTES = 200;

/** The index behind the last line end that is certain (a final CR is not); 0 if there is none. */
export function lastLineEnd(chunk: Uint8Array, decoder: LineDecoder | undefined): number {
  const last = chunk.length - 1;
  let lf = last;
  // By hand first: the last line is mostly short.
  const near = Math.max(last - NEAR_BYTES, -1);
  while (lf > near && chunk[lf] !== LF) lf--;
  if (lf === last) return chunk.length;
  // A long line. To decode ASCII and to search its text is three times faster than to search an array of bytes.
  const far = lf === near && lf >= 0;
  const text = far && decoder !== undefined ? decoder.whole.decode(chunk) : '';
  const ascii = text.length === chunk.length;
  if (far) lf = ascii && !text.includes('\n') ? -1 : chunk.lastIndexOf(LF, lf);
  const cr = ascii ? text.indexOf('\r', lf + 1) : chunk.indexOf(CR, lf + 1);
  return cr === -1 || cr === last ? lf + 1 : chunk.lastIndexOf(CR, last - 1) + 1;
}

/** The same in text. */
export function lastLineEndOfText(chunk: string): number {
  const last = chunk.length - 1;
  const lf = chunk.lastIndexOf('\n');
  if (lf === last) return chunk.length;
  const cr = chunk.indexOf('\r', lf + 1);
  return cr === -1 || cr === last ? lf + 1 : chunk.lastIndexOf('\r', last - 1) + 1;
}

/** The index behind the first LF that ends a line and, if one follows, the blank line. */
export function afterEvent(chunk: Uint8Array): number {
  const end = chunk.indexOf(LF) + 1;
  return chunk[end] === LF ? end + 1 : end;
}
