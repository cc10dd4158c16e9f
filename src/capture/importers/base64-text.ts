/** Base64 as tools write it: with line ends, with the letters for URLs, without its padding. */

import { fromBase64 } from '../../sse/base64.ts';

/** The bytes, or `undefined` if the text is no base64. */
export function lenientBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, '').replace(/=+$/, '').replaceAll('-', '+').replaceAll('_', '/');
  if (digits.length % 4 === 1) return undefined;
  try {
    return fromBase64(digits.padEnd(Math.ceil(digits.length / 4) * 4, '='));
  } catch {
    return undefined;
  }
}

/** The bytes of hexadecimal text, or `undefined` if it is none. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[\da-f]*$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}
