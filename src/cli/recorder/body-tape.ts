/**
 * The body of a response, on its way into a capture.
 *
 * A client that takes compressed answers gets them, byte for byte, as the server sent them: to ask for plain ones instead
 * would change what the server and everything between does (a compressor that waits for its buffer to fill is a well-known
 * reason why streams do not stream). The capture has the plain body, because that is what people read: what each compressed
 * chunk brought, at the time at which it came. A chunk that brought nothing yet is none.
 */

import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw, type Zlib } from 'node:zlib';
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import type { CaptureEnding } from '../../capture/format.ts';
import type { CaptureRecorder } from '../../capture/recorder.ts';

type Decoder = Transform & Zlib;

/** One chunk may unpack to a thousand times its size: it is written in pieces of about this many bytes. */
const PIECE_BYTES = 1024 * 1024;
/** How many compressed bytes may wait to be decoded before the network has to wait. */
const WAITING_BYTES = 1024 * 1024;

/**
 * The most that one body may unpack to. A stream of a day has a few MB; a thousand bytes of Brotli can be a GB, and a server
 * must not fill the disk.
 */
const MAX_PLAIN_BYTES = 256 * 1024 * 1024;

const GZIP = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
const BROTLI = { flush: constants.BROTLI_OPERATION_FLUSH, finishFlush: constants.BROTLI_OPERATION_FLUSH };

/** Not in Node 20. */
const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Decoder };

const DECODERS: Readonly<Record<string, ((first: number) => Decoder) | undefined>> = {
  gzip: () => createGunzip(GZIP),
  'x-gzip': () => createGunzip(GZIP),
  br: () => createBrotliDecompress(BROTLI),
  // With a zlib head, as the standard says, or without, as some servers send it.
  deflate: (first) => ((first & 0x0f) === 8 ? createInflate(GZIP) : createInflateRaw(GZIP)),
  zstd: createZstdDecompress,
};

/** The encoding that can be taken off; `undefined`: there is none, or it is not known here. */
export function decodableEncoding(header: string | undefined): string | undefined {
  const encoding = header?.trim().toLowerCase() ?? '';
  return Object.hasOwn(DECODERS, encoding) && DECODERS[encoding] !== undefined ? encoding : undefined;
}

/** Takes the body as it comes off the wire, and writes the plain one. */
export class BodyTape {
  readonly #recorder: CaptureRecorder;
  readonly #encoding: string | undefined;
  #decoder: Decoder | undefined;
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;
  #out: Uint8Array[] = [];
  #outBytes = 0;
  #plainBytes = 0;
  readonly #maxPlainBytes: number;
  #us = 0;
  #failure: Error | undefined;

  /** @param encoding - as `decodableEncoding` gave it */
  constructor(recorder: CaptureRecorder, encoding: string | undefined, maxPlainBytes: number = MAX_PLAIN_BYTES) {
    this.#recorder = recorder;
    this.#encoding = encoding;
    this.#maxPlainBytes = maxPlainBytes;
  }

  /** A chunk came at `us`. */
  write(chunk: Uint8Array, us: number): void {
    if (this.#encoding === undefined) return this.#recorder.chunk(chunk, us);
    this.#waiting += chunk.length;
    this.#queue = this.#queue.then(() => this.#decode(chunk, us));
  }

  /** Resolves when what waits to be decoded is; `undefined` if it is little. */
  drained(): Promise<void> | undefined {
    return this.#waiting > WAITING_BYTES ? this.#queue : undefined;
  }

  /** It is over. Resolves when the last line is written. */
  async end(end: CaptureEnding, error: Error | undefined, us: number): Promise<void> {
    await this.#queue;
    this.#decoder?.destroy();
    const undecoded = this.#failure && `the ${this.#encoding} body cannot be decoded: ${this.#failure.message}`;
    this.#recorder.end(end, error ?? undecoded, us);
  }

  async #decode(chunk: Uint8Array, us: number): Promise<void> {
    this.#waiting -= chunk.length;
    if (this.#failure !== undefined || chunk.length === 0) return;
    this.#us = us;
    const decoder = (this.#decoder ??= this.#open(chunk[0] as number));
    // A decoder that breaks closes, and then never calls back.
    await new Promise<void>((resolve) => {
      decoder.once('close', resolve);
      decoder.write(chunk, () => {
        decoder.off('close', resolve);
        resolve();
      });
    });
    this.#flush();
  }

  #open(first: number): Decoder {
    const decoder = DECODERS[this.#encoding as string]?.(first) as Decoder;
    decoder.on('error', (error) => {
      this.#failure ??= error;
    });
    decoder.on('data', (piece: Uint8Array) => {
      this.#plainBytes += piece.length;
      if (this.#plainBytes > this.#maxPlainBytes) {
        decoder.destroy(new Error(`it unpacks to more than ${this.#maxPlainBytes} bytes; what is beyond is left out`));
        return;
      }
      this.#out.push(piece);
      this.#outBytes += piece.length;
      if (this.#outBytes >= PIECE_BYTES) this.#flush();
    });
    return decoder;
  }

  #flush(): void {
    if (this.#outBytes === 0) return;
    this.#recorder.chunk(Buffer.concat(this.#out), this.#us);
    this.#out = [];
    this.#outBytes = 0;
  }
}
