/** Tells whether bytes are UTF-8, one at a time, by the table of the Unicode standard (3-7, well-formed byte sequences). */

/** First byte from, to; how many follow; bounds of the first that follows. */
const SEQUENCES: readonly (readonly [from: number, to: number, more: number, low: number, high: number])[] = [
  [0x00, 0x7f, 0, 0, 0],
  [0xc2, 0xdf, 1, 0x80, 0xbf],
  [0xe0, 0xe0, 2, 0xa0, 0xbf],
  [0xe1, 0xec, 2, 0x80, 0xbf],
  [0xed, 0xed, 2, 0x80, 0x9f],
  [0xee, 0xef, 2, 0x80, 0xbf],
  [0xf0, 0xf0, 3, 0x90, 0xbf],
  [0xf1, 0xf3, 3, 0x80, 0xbf],
  [0xf4, 0xf4, 3, 0x80, 0x8f],
];

/** The state between bytes. */
export class Utf8Watch {
  #more = 0;
  #low = 0;
  #high = 0;

  /** Whether the byte may stand here. After one that may not, it goes on as a decoder does: that byte begins anew. */
  take(byte: number): boolean {
    if (this.#more === 0) return this.#begin(byte);
    if (byte >= this.#low && byte <= this.#high) {
      this.#more--;
      this.#low = 0x80;
      this.#high = 0xbf;
      return true;
    }
    this.#more = 0;
    this.#begin(byte);
    return false;
  }

  /** Whether no sequence is open; forgets one that is. */
  whole(): boolean {
    const whole = this.#more === 0;
    this.#more = 0;
    return whole;
  }

  #begin(byte: number): boolean {
    if (byte < 0x80) return true;
    const row = SEQUENCES.find(([from, to]) => byte >= from && byte <= to);
    if (row === undefined) return false;
    [, , this.#more, this.#low, this.#high] = row;
    return true;
  }
}
