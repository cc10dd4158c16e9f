/**
 * SHA-256 (FIPS 180-4), because a Content-Security-Policy names the scripts it allows by their hash, and the page is made
 * by a pure function: the hash functions of runtimes are asynchronous or sit behind `node:`.
 */

import { toBase64 } from '../sse/base64.ts';
import { encodeUtf8 } from '../sse/utf8.ts';

const BLOCK = 64;
const rotate = (x: number, by: number): number => (x >>> by) | (x << (32 - by));

/** The first 32 bits of the fractional part of `root(p)` for the first primes: where the standard's constants come from. */
function fractions(count: number, root: (p: number) => number): Uint32Array {
  const words = new Uint32Array(count);
  for (let p = 2, found = 0; found < count; p++) {
    let divisor = 2;
    while (divisor * divisor <= p && p % divisor !== 0) divisor++;
    if (divisor * divisor > p) words[found++] = Math.floor((root(p) % 1) * 2 ** 32);
  }
  return words;
}

function padded(bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(Math.ceil((bytes.length + 9) / BLOCK) * BLOCK);
  all.set(bytes);
  all[bytes.length] = 0x80;
  const view = new DataView(all.buffer);
  view.setUint32(all.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(all.length - 4, bytes.length << 3);
  return all;
}

/** The message schedule: sixteen words of the block, and what follows from them. */
function schedule(view: DataView, at: number, w: Uint32Array): void {
  for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const [a, b] = [w[i - 15] as number, w[i - 2] as number];
    const low = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3);
    const high = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10);
    w[i] = (w[i - 16] as number) + low + (w[i - 7] as number) + high;
  }
}

function compress(hash: Uint32Array, w: Uint32Array, k: Uint32Array): void {
  let [a, b, c, d, e, f, g, h] = hash as unknown as [number, number, number, number, number, number, number, number];
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (k[i] as number) + (w[i] as number)) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (hash[i] = (hash[i] as number) + word));
}

/** The SHA-256 of the text's UTF-8, in base64, as a policy writes it behind `sha256-`. */
export function sha256Base64(text: string): string {
  const bytes = padded(encodeUtf8(text));
  const view = new DataView(bytes.buffer);
  const hash = fractions(8, Math.sqrt);
  const k = fractions(64, Math.cbrt);
  const w = new Uint32Array(64);
  for (let at = 0; at < bytes.length; at += BLOCK) {
    schedule(view, at, w);
    compress(hash, w, k);
  }
  const out = new DataView(new ArrayBuffer(32));
  hash.forEach((word, i) => out.setUint32(4 * i, word));
  return toBase64(new Uint8Array(out.buffer));
}
