/** Where input may be cut: behind the last line end that is certain. A CR that is the last byte so far is not. */

const LF = 10;
const CR = 13;
/** How far back the last line end is looked for by hand. */
const NEAR_BYTES = 200;

/** The index behind the last LF of `[from, to)`, if it is near its end; else 0. By hand: the last line is mostly short. */
export function nearLineEnd(chunk: Uint8Array, from: number, to: number): number {
  const near = Math.max(to - NEAR_BYTES, from);
  let end = to;
  while (end > near && chunk[end - 1] !== LF) end--;
  return end === near ? 0 : end;
}

/** The index behind the last line end that is certain (a final CR is not); 0 if there is none. */
export function lastLineEnd(chunk: Uint8Array): number {
  const { length } = chunk;
  const near = nearLineEnd(chunk, 0, length);
  const end = near === 0 && length > NEAR_BYTES ? chunk.lastIndexOf(LF) + 1 : near;
  if (end === length) return length;
  const cr = chunk.indexOf(CR, end);
  return cr === -1 || cr === length - 1 ? end : chunk.lastIndexOf(CR, length - 2) + 1;
}

/** The same in text. */
export function lastLineEndOfText(chunk: string): number {
  const last = chunk.length - 1;
  const lf = chunk.lastIndexOf('\n');
  if (lf === last) return chunk.length;
  const cr = chunk.indexOf('\r', lf + 1);
  return cr === -1 || cr === last ? lf + 1 : chunk.lastIndexOf('\r', last - 1) + 1;
}

/**
 * The index of the last LF, -1 if there is none. `lastIndexOf` looks at one unit after the other, `indexOf` at many: so the
 * text is searched forwards, in pieces that grow towards its beginning.
 */
export function lastLineFeed(text: string): number {
  const { length } = text;
  for (let from = length, until = length; until > 0; until = from) {
    from = Math.max(length - 4 * (length - from) - NEAR_BYTES, 0);
    let lf = text.indexOf('\n', from);
    if (lf === -1) continue;
    for (let next = lf; next !== -1; next = text.indexOf('\n', lf + 1)) lf = next;
    return lf;
  }
  return -1;
}

/** Where the data that begins at `from` ends, if a blank line follows it and all line ends are alike; else -1. */
export function endOfData(text: string, from: number, crlf: boolean): number {
  const lf = text.indexOf('\n', from);
  if (!crlf) return text.charCodeAt(lf + 1) === LF ? lf : -1;
  const ends = text.charCodeAt(lf - 1) === CR && text.charCodeAt(lf + 1) === CR && text.charCodeAt(lf + 2) === LF;
  // A CR within the data ends a line, too.
  return ends && text.indexOf('\r', from) === lf - 1 ? lf - 1 : -1;
}
