/** Where lines of a capture go: a file of its own for each request, or one that was named. */

import { createWriteStream, openSync, type WriteStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { publicUrl } from '../../capture/secrets.ts';
import { InputError } from '../input.ts';
import { drained } from './drain.ts';

const EXTENSION = '.capture.jsonl';

/** How much may wait for the disk before the network has to. */
const WAITING_BYTES = 4 * 1024 * 1024;

/** What a capture says about people is theirs: nobody else on the machine reads it. */
const MODE = 0o600;

/** One file. It is opened by its first line; writing never throws, what failed is told at the end. */
export class CaptureFile {
  #path: string;
  readonly #another: (() => string) | undefined;
  #stream: WriteStream | undefined;
  #failure: NodeJS.ErrnoException | undefined;

  /** @param another - gives another path, if there is a file of that name already; without it, that is overwritten */
  constructor(path: string, another?: () => string) {
    this.#path = path;
    this.#another = another;
  }

  /** It is only sure when the first line was written. */
  get path(): string {
    return this.#path;
  }

  /** Why the file cannot be written. */
  get failure(): InputError | undefined {
    return this.#failure === undefined ? undefined : cannotWrite(this.path, this.#failure);
  }

  readonly write = (line: string): void => {
    if (this.#failure === undefined) this.#open()?.write(line);
  };

  /** Resolves when the disk wants more; `undefined` if it does now. */
  drained(): Promise<void> | undefined {
    const stream = this.#stream;
    return stream?.writableNeedDrain === true && !stream.destroyed ? drained(stream) : undefined;
  }

  /** Resolves when all is on the disk, or has failed. */
  async finished(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined || stream.closed) return;
    await new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.end();
    });
  }

  #open(): WriteStream | undefined {
    if (this.#stream !== undefined) return this.#stream;
    const options = { mode: MODE, highWaterMark: WAITING_BYTES };
    try {
      // A file that was named may be a pipe, whose opening takes until somebody reads: that is never waited for.
      const made = this.#another === undefined ? {} : { fd: this.#create(this.#another) };
      this.#stream = createWriteStream(this.#path, { ...options, ...made });
    } catch (error) {
      this.#failure = error as NodeJS.ErrnoException;
      return undefined;
    }
    this.#stream.on('error', (error) => {
      this.#failure ??= error;
    });
    return this.#stream;
  }

  #create(another: () => string): number {
    for (;;) {
      try {
        return openSync(this.#path, 'wx', MODE);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        this.#path = another();
      }
    }
  }
}

/** A folder of captures, each named after its number and what was asked: `0001-messages.capture.jsonl`. */
export class CaptureFolder {
  readonly path: string;
  #last: number;

  private constructor(path: string, last: number) {
    this.path = path;
    this.#last = last;
  }

  /**
   * Opens the folder, or makes it. Numbers go on where those of the files in it end; a number that another recorder took in
   * the meantime is left out. So nothing is overwritten.
   *
   * @throws InputError if it can be neither read nor made
   */
  static async open(path: string): Promise<CaptureFolder> {
    try {
      await mkdir(path, { recursive: true });
      const numbers = (await readdir(path)).map((name) => Number(/^(\d+)-.*\.capture\.jsonl$/.exec(name)?.[1] ?? 0));
      return new CaptureFolder(path, Math.max(0, ...numbers));
    } catch (cause) {
      throw cannotWrite(path, cause as NodeJS.ErrnoException);
    }
  }

  /** The file of the next request. */
  next(url: string): CaptureFile {
    const name = nameOf(url);
    const path = (): string => {
      this.#last += 1;
      return join(this.path, `${String(this.#last).padStart(4, '0')}-${name}${EXTENSION}`);
    };
    return new CaptureFile(path(), path);
  }
}

/** The path in short: `/v1/messages/count_tokens?beta=true` → `messages-count_tokens`. */
function nameOf(url: string): string {
  const path = publicUrl(url).replace(/^[^/]*\/\/[^/]*|[?#].*$/g, '');
  const words = path.replace(/^\/v\d+(?=\/)/, '').match(/[\w-]+/g) ?? [];
  return words.join('-').slice(0, 60) || 'root';
}

const REASONS: Readonly<Record<string, string>> = {
  EEXIST: 'there is a file of that name',
  ENOTDIR: 'a part of the path is a file',
  ENOENT: 'there is no such folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  ENOSPC: 'the disk is full',
};

/** Why nothing can be written there. */
function cannotWrite(path: string, cause: NodeJS.ErrnoException): InputError {
  return new InputError(`Cannot write ${path}: ${REASONS[cause.code ?? ''] ?? cause.message}`, { cause });
}
