/**
 * Keys that a response quotes back (`Incorrect API key: sk-…`), covered in a stream of chunks.
 *
 * Lengths and chunk borders stay: each byte of a key becomes `*`. A key may be cut by a border, so the end of a chunk that
 * may be the beginning of a key is held back until the next chunk tells; never more than the longest key is held, and
 * almost always nothing.
 */

import { encodeUtf8 } from '../sse/utf8.ts';
import type { CaptureChunk } from './format.ts';

const STAR = 0x2a;

/** Longer ones are covered as far as this: what follows is no key by itself, and little is held back. */
const LONGEST_SECRET = 4096;

/** Covers secrets in chunks that pass through. What it gives has as many chunks, with as many bytes, as it was given. */
export class SecretMask {
  readonly #secrets: readonly Uint8Array[];
  /** Chunks whose last bytes may begin a secret, oldest first. */
  #waiting: CaptureChunk[] = [];
  #count = 0;

  /** @param secrets - the longest first, see `findSecrets` */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets.map((secret) => encodeUtf8(secret).subarray(0, LONGEST_SECRET));
  }

  /** How often a secret was covered. */
  get count(): number {
    return this.#count;
  }

  /** Takes a chunk; gives those that are clean now. */
  push(chunk: CaptureChunk): CaptureChunk[] {
    if (this.#secrets.length === 0) return [chunk];
    const chunks = [...this.#waiting, chunk];
    const bytes = chunks.length === 1 ? chunk.bytes : concat(chunks);
    const clean = this.#covered(bytes);
    const held = this.#openAt(clean);
    const out = clean === chunk.bytes ? chunks : split(clean, chunks);
    // A chunk is let go when all of it lies before the open beginning.
    let at = 0;
    const ready = out.findIndex((one) => (at += one.bytes.length) > clean.length - held);
    this.#waiting = ready < 0 ? [] : out.splice(ready).map(({ us, bytes: own }) => ({ us, bytes: copied(own) }));
    return out;
  }

  /** There is no more: what was held back was no secret. */
  end(): CaptureChunk[] {
    const rest = this.#waiting;
    this.#waiting = [];
    return rest;
  }

  /** The bytes, or a copy if there is something to cover. */
  #covered(bytes: Uint8Array): Uint8Array {
    let clean = bytes;
    for (const secret of this.#secrets) {
      for (let at = find(clean, secret, 0); at >= 0; at = find(clean, secret, at + secret.length)) {
        if (clean === bytes) clean = copied(bytes);
        clean.fill(STAR, at, at + secret.length);
        this.#count += 1;
      }
    }
    return clean;
  }

  /** How many of the last bytes are the beginning of a secret, at most. */
  #openAt(bytes: Uint8Array): number {
    return Math.max(...this.#secrets.map((secret) => openBytesOf(bytes, secret)));
  }
}

function openBytesOf(bytes: Uint8Array, secret: Uint8Array): number {
  const first = secret[0] as number;
  let at = bytes.indexOf(first, Math.max(0, bytes.length - secret.length + 1));
  while (at >= 0 && !startsWith(secret, bytes, at)) at = bytes.indexOf(first, at + 1);
  return at < 0 ? 0 : bytes.length - at;
}

/** Whether `bytes[at…]`, to their end or to that of the secret, are its beginning. */
function startsWith(secret: Uint8Array, bytes: Uint8Array, at: number): boolean {
  const length = Math.min(secret.length, bytes.length - at);
  for (let i = 0; i < length; i++) if (bytes[at + i] !== secret[i]) return false;
  return true;
}

function find(bytes: Uint8Array, secret: Uint8Array, from: number): number {
  const last = bytes.length - secret.length;
  for (let at = bytes.indexOf(secret[0] as number, from); at >= 0 && at <= last;) {
    if (startsWith(secret, bytes, at)) return at;
    at = bytes.indexOf(secret[0] as number, at + 1);
  }
  return -1;
}

/** Not `slice`: that of a Node `Buffer` shares its memory, and these bytes are on their way to somebody. */
function copied(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function concat(chunks: readonly CaptureChunk[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0));
  let at = 0;
  for (const { bytes } of chunks) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}

/** The bytes on the old borders. */
function split(bytes: Uint8Array, like: readonly CaptureChunk[]): CaptureChunk[] {
  let at = 0;
  return like.map((chunk) => ({ us: chunk.us, bytes: bytes.subarray(at, (at += chunk.bytes.length)) }));
}
