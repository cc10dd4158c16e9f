/**
 * UTF-8 by hand, for runtimes that have no `TextDecoder` or a broken one (Hermes, QuickJS, plugin sandboxes), and for
 * exact byte offsets. Decoding follows the WHATWG Encoding standard §8.1.1: each maximal subpart of an ill-formed
 * sequence becomes one U+FFFD. No byte order mark is taken off here; that is the scanner's business.
 */

const REPLACEMENT = 0xfffd;
/** `String.fromCharCode` takes its arguments on the stack: few enough for every engine. */
const BATCH = 4096;

/**
 * Reads one character at `i < end`; gives `codePoint * 8 + bytes used`, so that no object is made. Ill-formed input
 * gives U+FFFD with the length of its maximal subpart.
 */
function readCharacter(bytes: Uint8Array, i: number, end: number): number {
  const lead = bytes[i] as number;
  if (lead < 0x80) return lead * 8 + 1;
  const need = characterLength(lead) - 1;
  let lower = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  let upper = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (need === 0) return REPLACEMENT * 8 + 1;
  let codePoint = lead & (0x3f >> need);
  for (let used = 1; used <= need; used++) {
    const next = i + used < end ? (bytes[i + used] as number) : -1;
    if (next < lower || next > upper) return REPLACEMENT * 8 + used;
    lower = 0x80;
    upper = 0xbf;
    codePoint = (codePoint << 6) | (next & 0x3f);
  }
  return codePoint * 8 + need + 1;
}

/**
 * Decodes `bytes[start, end)` as `new TextDecoder('utf-8', { ignoreBOM: true }).decode()` does.
 *
 * @example
 * decodeUtf8(new Uint8Array([0x68, 0x69, 0xff])); // 'hi\uFFFD'
 */
export function decodeUtf8(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  let text = '';
  let units: number[] = [];
  for (let i = start; i < end;) {
    const read = readCharacter(bytes, i, end);
    i += read & 7;
    const codePoint = read >> 3;
    if (codePoint > 0xffff) units.push(0xd7c0 + (codePoint >> 10), 0xdc00 + (codePoint & 0x3ff));
    else units.push(codePoint);
    if (units.length >= BATCH) {
      text += String.fromCharCode.apply(null, units);
      units = [];
    }
  }
  return text + String.fromCharCode.apply(null, units);
}

/** How many bytes of `bytes`, from `start` on, decode to the first `units` UTF-16 units. */
export function bytesOfUnits(bytes: Uint8Array, start: number, units: number): number {
  let i = start;
  for (let seen = 0; seen < units && i < bytes.length;) {
    const read = readCharacter(bytes, i, bytes.length);
    i += read & 7;
    seen += read >> 3 > 0xffff ? 2 : 1;
  }
  return i - start;
}

/** How many bytes the character takes that begins with `lead`; 1 if it begins none. */
export function characterLength(lead: number): number {
  return lead < 0xc2 || lead > 0xf4 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/**
 * Where the last character that may be whole ends: behind it up to three bytes may begin another. Cut there, bytes decode
 * as they would in one.
 */
export function characterEnd(bytes: Uint8Array): number {
  const end = bytes.length;
  for (let i = end - 1; i >= 0 && i >= end - 3; i--) {
    const byte = bytes[i] as number;
    if (byte >= 0xc0) return i + characterLength(byte) > end ? i : end;
    if (byte < 0x80) return end;
  }
  return end;
}

/** Whether `unit` is the first half of a surrogate pair. */
export function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** Whether `unit` is the second half of a surrogate pair. */
export function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/**
 * The UTF-8 length of `text[from, to)` in bytes; a lone surrogate counts as U+FFFD (3 bytes), as encoders write it.
 *
 * @example
 * utf8Length('aé€😀'); // 10
 */
export function utf8Length(text: string, from = 0, to: number = text.length): number {
  let bytes = 0;
  for (let i = from; i < to; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (isHighSurrogate(unit) && i + 1 < to && isLowSurrogate(text.charCodeAt(i + 1))) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}

/**
 * Encodes as `new TextEncoder().encode()` does: a lone surrogate becomes U+FFFD.
 *
 * @example
 * encodeUtf8('é'); // new Uint8Array([0xc3, 0xa9])
 */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    let codePoint = text.charCodeAt(i);
    if (isHighSurrogate(codePoint) && isLowSurrogate(text.charCodeAt(i + 1))) {
      codePoint = 0x10000 + ((codePoint - 0xd800) << 10) + (text.charCodeAt(++i) - 0xdc00);
    } else if (codePoint >= 0xd800 && codePoint <= 0xdfff) {
      codePoint = REPLACEMENT;
    }
    if (codePoint < 0x80) bytes[at++] = codePoint;
    else {
      if (codePoint < 0x800) bytes[at++] = 0xc0 | (codePoint >> 6);
      else {
        if (codePoint < 0x10000) bytes[at++] = 0xe0 | (codePoint >> 12);
        else {
          bytes[at++] = 0xf0 | (codePoint >> 18);
          bytes[at++] = 0x80 | ((codePoint >> 12) & 0x3f);
        }
        bytes[at++] = 0x80 | ((codePoint >> 6) & 0x3f);
      }
      bytes[at++] = 0x80 | (codePoint & 0x3f);
    }
  }
  return bytes;
}

interface NativeDecoder {
  decode(bytes: Uint8Array, options?: { stream: boolean }): string;
}
type NativeDecoderClass = new (label: string, options: { ignoreBOM: boolean }) => NativeDecoder;

/** A mark, an ill-formed sequence of two bytes and one of one: what polyfills get wrong. */
const PROBE = [0xef, 0xbb, 0xbf, 0x41, 0xf0, 0x9f, 0xff];
const PROBED = '\uFEFFA\uFFFD\uFFFD';
const STREAMING = { stream: true };

/** From how many bytes on text that is not ASCII is decoded in streaming mode: if some of it is not, and if much is. */
const SPARSE_BYTES = 4096;
const DENSE_BYTES = 100;

/** What decodes whole characters: the runtime's own decoder, and the same in streaming mode where that may be faster. */
export interface LineDecoder {
  readonly whole: NativeDecoder;
  readonly streaming: NativeDecoder | undefined;
}

let probedClass: NativeDecoderClass | undefined;
let probed: LineDecoder | undefined;

/**
 * The runtime's decoder if it has one that does what the standard says. Looked up when a scanner is made, so that
 * importing touches no global. One serves everybody: only whole lines are decoded, so no state is ever left in it.
 */
export function nativeDecoder(): LineDecoder | undefined {
  const found = (globalThis as { TextDecoder?: NativeDecoderClass }).TextDecoder;
  if (found !== probedClass) {
    probedClass = found;
    probed = probe(found);
  }
  return probed;
}

/** How much of a text is not ASCII, by its length and that of its bytes: 0 nothing, 1 some of it, 2 much of it. */
export function densityOf(units: number, bytes: number): number {
  return units === bytes ? 0 : (bytes - units) * 10 < bytes ? 1 : 2;
}

/**
 * Decodes whole characters, natively where that can be, else by hand.
 *
 * @param density - {@link densityOf} the text before: this will be alike
 */
export function decodeLines(decoder: LineDecoder | undefined, bytes: Uint8Array, density: number): string {
  if (decoder === undefined) return decodeUtf8(bytes);
  if (density === 0) return decoder.whole.decode(bytes);
  const { whole, streaming } = decoder;
  const enough = bytes.length >= (density === 1 ? SPARSE_BYTES : DENSE_BYTES);
  // Half a character would stay in the decoder that everybody shares.
  return streaming !== undefined && enough && characterEnd(bytes) === bytes.length
    ? streaming.decode(bytes, STREAMING)
    : whole.decode(bytes);
}

function probe(found: NativeDecoderClass | undefined): LineDecoder | undefined {
  if (typeof found !== 'function') return undefined;
  try {
    const whole = new found('utf-8', { ignoreBOM: true });
    if (whole.decode(new Uint8Array(PROBE)) !== PROBED) return undefined;
    // Before Node 24, text that is not ASCII takes up to twice as long without `stream`; ASCII, and anything in newer
    // engines, takes longer with it. `RegExp.escape` came with the same V8.
    const streaming = 'escape' in RegExp ? undefined : new found('utf-8', { ignoreBOM: true });
    return { whole, streaming };
  } catch {
    // Not usable: our own decoder takes over.
    return undefined;
  }
}
