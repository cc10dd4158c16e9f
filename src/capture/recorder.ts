/** A capture made while the stream runs: every line is written when its chunk comes, so that a crash loses nothing before it. */

import type {
  CaptureClock,
  CapturedRequest,
  CapturedResponse,
  CaptureEnd,
  CaptureEnding,
  CaptureHeader,
  CaptureSource,
} from './format.ts';
import { SecretMask } from './mask.ts';
import { findSecrets, publicBody, publicText, publicUrl } from './secrets.ts';
import { chunkLine, endLine, headerLine } from './writer.ts';

/** What a recorder needs. */
export interface RecorderOptions {
  /** Gets each line as it is made, with its line end. What it throws, the recorder's caller gets. */
  write: (line: string) => void;
  /** What was asked, as it was sent: its secrets are taken out here. Then 0 µs is when the recorder was made. */
  request?: CapturedRequest;
  /** Secrets of which the request does not tell, such as a key of the environment: covered like its own. */
  secrets?: readonly string[];
  /** `false`: the chunks come from a file, and have no times. */
  timed?: boolean;
  /** Milliseconds from any fixed moment. Default: the runtime's `performance.now()`, else `Date.now()`. */
  now?: () => number;
  /** The wall-clock time of now, in ms since 1970; `undefined` leaves it out. Default: the runtime's. */
  wallClock?: () => number | undefined;
  /** Program and version. */
  tool?: string;
  source?: CaptureSource;
}

interface Clocks {
  performance?: { now(): number };
  Date: { now(): number };
}

/**
 * Writes one capture. Call {@link CaptureRecorder.head | head} when the response's head is there, `chunk` for each chunk,
 * `end` once. Keys of the request that the body quotes are covered with `*` of the same length.
 *
 * @example
 * let file = '';
 * const recorder = new CaptureRecorder({ write: (line) => (file += line), now: () => 0, wallClock: () => undefined });
 * recorder.head({ status: 200 });
 * recorder.chunk(new Uint8Array([104, 105]));
 * recorder.end('eof');
 * file.split('\n')[1]; // '[0,"hi"]'
 */
export class CaptureRecorder {
  readonly #options: RecorderOptions;
  readonly #now: () => number;
  readonly #mask: SecretMask;
  readonly #secrets: readonly string[];
  #zero: number | undefined;
  readonly #origin: number | undefined;
  #us = 0;
  #state: 'new' | 'open' | 'ended' = 'new';

  constructor(options: RecorderOptions) {
    const { performance, Date: wall } = globalThis as unknown as Clocks;
    const { request, now, wallClock } = options;
    this.#options = options;
    this.#now = now ?? (performance === undefined ? () => wall.now() : () => performance.now());
    this.#origin = (wallClock ?? (() => wall.now()))();
    const own = request === undefined ? [] : findSecrets(request.headers ?? [], request.url);
    this.#secrets = [...own, ...(options.secrets ?? [])].sort((a, b) => b.length - a.length);
    this.#mask = new SecretMask(this.#secrets);
    if (request !== undefined) this.#zero = this.#now();
  }

  /** Whether `end` was called. */
  get ended(): boolean {
    return this.#state === 'ended';
  }

  /**
   * Microseconds on the capture's clock, now; 0 before the first chunk, where that is zero. Never goes back, whatever the
   * runtime's clock does.
   */
  get us(): number {
    if (this.#zero === undefined) return 0;
    this.#us = Math.max(this.#us, Math.round((this.#now() - this.#zero) * 1000));
    return this.#us;
  }

  /** The response's head is there: writes the first line. Without it, the first chunk or the end writes one. */
  head(response?: CapturedResponse): void {
    if (this.#state !== 'new') throw new TypeError('Cannot write the head: it was written already');
    this.#state = 'open';
    const { request, tool, source, timed } = this.#options;
    const header: CaptureHeader = { ssemble: 'capture', version: 1 };
    if (tool !== undefined) header.tool = tool;
    if (request !== undefined) header.request = this.#clean(request);
    if (response !== undefined) {
      header.response = this.#clean(request === undefined ? response : { us: this.us, ...response });
    }
    if (timed !== false) header.clock = this.#clock();
    if (source !== undefined) header.source = source;
    this.#options.write(headerLine(header));
  }

  /** Secrets go also where no name tells of one: in the path, in a header that quotes what another one holds. */
  #clean<Part extends CapturedRequest & CapturedResponse>(part: Part): Part {
    const { url, headers, body } = part;
    const clean = { ...part };
    if (url !== undefined) clean.url = publicText(publicUrl(url), this.#secrets);
    if (headers !== undefined) {
      clean.headers = headers.map(([name, value]) => [name, publicText(value, this.#secrets)] as const);
    }
    if (body !== undefined) clean.body = publicBody(body, this.#secrets);
    return clean;
  }

  #clock(): CaptureClock {
    const zero = this.#options.request === undefined ? 'first-chunk' : 'request';
    return this.#origin === undefined ? { zero } : { zero, origin: new Date(this.#origin).toISOString() };
  }

  /**
   * A chunk came. Its bytes are read before the call returns, or copied.
   *
   * @param us - when it came, on the capture's clock; default: now
   * @throws TypeError after `end`
   */
  chunk(bytes: Uint8Array, us?: number): void {
    if (this.#state === 'ended') throw new TypeError('Cannot write a chunk: the capture has ended');
    this.#zero ??= this.#now();
    if (this.#state === 'new') this.head();
    for (const chunk of this.#mask.push({ us: this.#time(us), bytes })) this.#options.write(chunkLine(chunk));
  }

  #time(us: number = this.us): number | undefined {
    this.#us = Math.max(this.#us, us);
    return this.#options.timed === false ? undefined : this.#us;
  }

  /**
   * It is over: writes the last line. Only the first call counts.
   *
   * @param us - when it ended, on the capture's clock; default: now
   */
  end(end: CaptureEnding, error?: unknown, us?: number): void {
    if (this.#state === 'ended') return;
    if (this.#state === 'new') this.head();
    this.#state = 'ended';
    for (const chunk of this.#mask.end()) this.#options.write(chunkLine(chunk));
    const last: CaptureEnd = { end };
    const time = this.#time(us);
    if (time !== undefined) last.us = time;
    if (error !== undefined) last.error = publicText(wordsOf(error), this.#secrets);
    if (this.#mask.count > 0) last.masked = this.#mask.count;
    this.#options.write(endLine(last));
  }
}

/** What an error says, with the system's code, and what lies under it. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, code, cause } = error as { message: string; code?: unknown; cause?: { message?: unknown } };
  const words = message === '' ? error.name : message;
  const more = [code, cause?.message].filter((one) => typeof one === 'string' && !words.includes(one));
  return more.length === 0 ? words : `${words} (${more.join(', ')})`;
}
