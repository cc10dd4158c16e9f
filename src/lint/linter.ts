/**
 * Bytes in, findings out.
 *
 * One walk over the bytes cuts them into groups of lines (`walker.ts`) and tells the lines to the checks. Each group goes
 * as one piece to a plain scanner, which gives the event as it was received, and to the core's own parser, which reads it
 * and reports what it finds. So whatever belongs to one event is found together, in the same order for every chunking.
 * Nothing here throws, whatever the bytes; a limit of the core ends the reading, and is a finding as well.
 */

import type { Capture, CaptureChunk, CaptureClock } from '../capture/format.ts';
import { AbortError, ConnectionError, IdleTimeoutError, ProtocolError, type StreamError } from '../errors.ts';
import { MAX_RAW_CHARS } from '../limits.ts';
import { BodySniffer } from '../message/foreign-body.ts';
import { MessageParser } from '../message/parser.ts';
import type { BlockInfo, Diagnostic, Outcome } from '../message/types.ts';
import { ApiError } from '../protocol/api-error.ts';
import type { StreamEvent } from '../protocol/events.ts';
import type { Message } from '../protocol/message.ts';
import type { SseEvent } from '../sse/event.ts';
import { SseScanner } from '../sse/scanner.ts';
import { encodeUtf8, isHighSurrogate } from '../sse/utf8.ts';
import type { Check, Line, Note, SeenEvent } from './check.ts';
import { BlocksCheck } from './checks/blocks.ts';
import { ErrorsCheck } from './checks/errors.ts';
import { FramingCheck } from './checks/framing.ts';
import { KeysCheck } from './checks/keys.ts';
import { LifecycleCheck } from './checks/lifecycle.ts';
import { TimingCheck } from './checks/timing.ts';
import { UsageCheck } from './checks/usage.ts';
import { WordingCheck } from './checks/wording.ts';
import type { LintReport, Place, ProfileName } from './finding.ts';
import { FindingLog } from './finding-log.ts';
import { MiddleFilter, Seam } from './middle.ts';
import { LineWalker } from './walker.ts';

/** What a {@link Linter} may be told. */
export interface LintOptions {
  /** Who reads the stream: it decides how bad a finding is; see `PROFILES`. Default `strict`. */
  profile?: ProfileName | undefined;
  /** The input begins in the middle of a stream: nothing is said about what stood before. Default: false. */
  fromMiddle?: boolean | undefined;
  /** Name of the input, for the report. */
  name?: string | undefined;
  /** Findings kept; later ones are only counted. Default 1,000. */
  maxFindings?: number | undefined;
  /** Ids of rules that are not to be reported. */
  ignore?: readonly string[] | undefined;
  /**
   * What the times mean, as the header of a capture says. Where they begin at the request, a late first byte is found.
   * Default: for a capture its own; else nothing is known.
   */
  clock?: CaptureClock | undefined;
}

/** A group of lines is given on in pieces of at most so many bytes: so a body without blank lines is never held. */
const PIECE = 64 * 1024;
const CAPITAL_H = 0x48;

/**
 * The push form of {@link lint}, for a stream that is still coming.
 *
 * @example
 * const linter = new Linter({ profile: 'sdk' });
 * linter.push('data: {"type":"ping"}\n\n');
 * const report = linter.end();
 * report.findings.map(({ rule }) => rule).includes('missing-event-name'); // true
 */
export class Linter {
  readonly #name: string | undefined;
  readonly #log: FindingLog;
  readonly #walker: LineWalker;
  readonly #sniffer = new BodySniffer();
  readonly #scanner = new SseScanner();
  readonly #parser: MessageParser;
  readonly #checks: readonly Check[];
  readonly #timing: TimingCheck;
  readonly #seam: Seam | undefined;
  readonly #middle: MiddleFilter | undefined;
  /** Events that the scanner gave and the parser has not read yet. */
  readonly #received: (SseEvent & { damaged: boolean })[] = [];
  /** The event that is being read, for what is found while it is. */
  #event: StreamEvent | undefined = undefined;
  #at: Place = { event: 0 };
  #us: number | undefined = undefined;
  #half = '';
  /** Bytes that may begin an HTTP head. */
  #held: number[] = [];
  #events = 0;
  #bytes = 0;
  #failure: StreamError | undefined = undefined;
  #ended = false;

  /** @throws RangeError for a profile or a rule that does not exist, or a `maxFindings` below 0 */
  constructor(options: LintOptions = {}) {
    const { profile = 'strict', fromMiddle = false, maxFindings, ignore = [] } = options;
    this.#name = options.name;
    this.#log = new FindingLog(profile, maxFindings, ignore);
    this.#seam = fromMiddle ? new Seam() : undefined;
    this.#middle = fromMiddle ? new MiddleFilter() : undefined;
    const report = (note: Note): void => this.#note(note);
    this.#timing = new TimingCheck(report, options.clock?.zero === 'request');
    this.#checks = [
      new FramingCheck(report),
      new WordingCheck(report),
      new LifecycleCheck(report, fromMiddle),
      new KeysCheck(report),
      new BlocksCheck(report, fromMiddle),
      new UsageCheck(report),
      new ErrorsCheck(report, fromMiddle),
    ];
    this.#walker = new LineWalker({
      line: (line) => this.#line(line),
      badBytes: (at) => this.#each((check) => check.badBytes?.(this.#place(at))),
      mark: () =>
        this.#note({
          rule: 'byte-order-mark',
          message: 'The stream begins with a byte order mark',
          at: this.#place({ event: 0, byte: 0, line: 1 }),
        }),
    });
    this.#parser = new MessageParser(this.#handlers(), { limits: { maxDiagnostics: 0 } });
  }

  #handlers(): ConstructorParameters<typeof MessageParser>[0] & object {
    return {
      onDiagnostic: (found) => this.#diagnostic(found),
      onEvent: (event, at) => this.#read(event, this.#place(at)),
      onBlock: (info, content) => this.#block(info, content as unknown as Record<string, unknown>),
      onMessage: (message, outcome) => this.#message(message, outcome),
    };
  }

  /**
   * Reads a chunk: bytes of any length, or text.
   *
   * @param us - when it came, in microseconds on any clock; without it there are no findings about timing
   * @throws TypeError after `end()`
   */
  push(chunk: Uint8Array | string, us?: number): void {
    if (this.#ended) throw new TypeError('Cannot lint a further chunk: end() was called; make a new Linter');
    const bytes = typeof chunk === 'string' ? this.#encode(chunk) : this.#joined(chunk);
    this.#us = us;
    this.#bytes += bytes.length;
    this.#timing.chunk(us, bytes.length);
    if (this.#seam === undefined || this.#seam.found) this.#walk(bytes);
    else this.#walkToSeam(this.#seam, bytes);
  }

  /** Text as UTF-8; the first half of a surrogate pair at its end waits for the second. */
  #encode(chunk: string): Uint8Array {
    const text = this.#half + chunk;
    const waits = isHighSurrogate(text.charCodeAt(text.length - 1));
    this.#half = waits ? text.slice(-1) : '';
    return encodeUtf8(waits ? text.slice(0, -1) : text);
  }

  #joined(chunk: Uint8Array): Uint8Array {
    if (this.#half === '') return chunk;
    const half = encodeUtf8(this.#half);
    this.#half = '';
    const joined = new Uint8Array(half.length + chunk.length);
    joined.set(half);
    joined.set(chunk, half.length);
    return joined;
  }

  #walkToSeam(seam: Seam, bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      const kept = seam.take(bytes[i] as number);
      if (kept.length > 0) this.#walk(Uint8Array.from(kept));
      if (seam.found) return this.#walk(bytes.subarray(i + 1));
    }
  }

  #walk(bytes: Uint8Array): void {
    let from = 0;
    for (let i = 0; i < bytes.length && this.#failure === undefined; i++) {
      const unit = bytes[i] as number;
      const ended = this.#sniffer.settled ? this.#walker.read(unit) === 'group' : this.#sniff(unit);
      if (this.#sniffer.isForeign) break;
      if (!ended && i - from < PIECE) continue;
      this.#give(bytes.subarray(from, i + 1));
      from = i + 1;
    }
    this.#give(bytes.subarray(from));
  }

  /**
   * Reads a byte of the beginning, of which nobody knows yet what it is: the lines of an HTTP head are no lines of the
   * stream, though the core reads them as such; what may begin one is held back. Gives whether a group of lines ended.
   */
  #sniff(unit: number): boolean {
    const sniffer = this.#sniffer;
    sniffer.feed(Uint8Array.of(unit));
    if (sniffer.isForeign) return false;
    this.#held.push(unit);
    const maybeHead = this.#held[0] === CAPITAL_H && !sniffer.settled && !sniffer.sawHead;
    if (maybeHead) return false;
    const held = this.#held;
    this.#held = [];
    this.#walker.muted = !sniffer.settled && sniffer.sawHead;
    let ended = false;
    for (const byte of held) ended = this.#walker.read(byte) === 'group' || ended;
    return ended;
  }

  /** Gives a piece to the scanner and to the parser; both see the same events in it. */
  #give(piece: Uint8Array): void {
    if (this.#failure !== undefined || piece.length === 0) return;
    try {
      this.#scanner.write(piece);
      this.#receive();
      this.#parser.push(piece);
    } catch (error) {
      this.#fail(error);
    }
  }

  #receive(): void {
    for (let sse = this.#scanner.next(); sse !== undefined; sse = this.#scanner.next()) {
      this.#received.push({ ...sse, damaged: this.#walker.groupIsBad });
    }
  }

  /** A limit of the core was passed: what follows is not read. */
  #fail(error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    // The parser may not have come so far as the scanner did.
    try {
      this.#parser.end(error);
    } catch {
      // It is the same error.
    }
    this.#failure = error;
    this.#note({ rule: error.code, message: error.message, at: this.#place(error.at) });
  }

  // ── What was found ────────────────────────────────────────────────────────────────────────────────────────────────

  #each(tell: (check: Check) => void): void {
    for (const check of this.#checks) tell(check);
  }

  #line(line: Line): void {
    if (line.field === '') this.#timing.comment();
    const at = this.#place(line.at);
    this.#each((check) => check.line?.({ ...line, at }));
  }

  /** The core counts from the first byte that it was given; the reader, from the first byte of the input. */
  #place(at: Place): Place {
    const { bytes, lines } = this.#seam ?? { bytes: 0, lines: 0 };
    return {
      event: at.event,
      ...(at.byte !== undefined && { byte: at.byte + bytes }),
      ...(at.line !== undefined && { line: at.line + lines }),
      ...(this.#us !== undefined && { us: this.#us }),
    };
  }

  #diagnostic({ code, message, at, index, raw }: Diagnostic): void {
    // The parser tells of an event before it hands it out.
    this.#note({ rule: code, message, at: this.#place(at), index, raw });
  }

  #read(event: StreamEvent, at: Place): void {
    const sse = this.#received.shift();
    this.#event = event;
    this.#at = at;
    this.#events++;
    this.#timing.event(event, at);
    const { data = '', named = false, damaged = false } = sse ?? {};
    const cut = this.#seam?.startsCut === true && this.#middle?.atFirst === true;
    const name = cut ? event.type : named ? sse?.event : undefined;
    const seen: SeenEvent = { event, at, name, data, damaged };
    this.#checkName(seen);
    this.#each((check) => check.event?.(seen));
    this.#middle?.see(event);
  }

  /** From the middle on, the core's own note may be about an event line that was cut off: here it is found anew. */
  #checkName({ event, at, name }: SeenEvent): void {
    const empty = event.type === 'unknown' && (event.reason === 'sentinel' || event.reason === 'empty');
    if (empty || this.#middle?.namelessNow(name !== undefined) !== true) return;
    this.#log.add({ rule: 'missing-event-name', message: 'No event line: the type in the data rules', at });
  }

  #block(info: BlockInfo, content: Record<string, unknown>): void {
    this.#each((check) => check.block?.({ info, content, at: this.#at }));
  }

  #message(message: Message, outcome: Outcome): void {
    this.#each((check) => check.message?.({ message, outcome, at: this.#at }));
  }

  #note(note: Note): void {
    if (this.#middle?.hides(note, this.#event) === true) return;
    this.#log.add(note.raw === undefined ? note : { ...note, raw: note.raw.slice(0, MAX_RAW_CHARS) });
  }

  // ── The end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Ends the stream and gives the report. A second call gives the same findings.
   *
   * @param error - why it ended, if not by its own end: an `IdleTimeoutError`, an `AbortError`, anything else for a
   *   broken connection
   * @param us - when it ended, on the clock of {@link push}
   */
  end(error?: Error, us?: number): LintReport {
    if (!this.#ended) this.#finish(error, us);
    const outcome = this.#middle?.outcome(this.#parser.outcome) ?? this.#parser.outcome;
    const model: unknown = this.#parser.message?.model;
    return {
      ...(this.#name !== undefined && { name: this.#name }),
      ...this.#log.summary(),
      events: this.#events,
      bytes: this.#bytes,
      ...(typeof model === 'string' && model !== '' && { model }),
      outcome,
    };
  }

  #finish(error: Error | undefined, us: number | undefined): void {
    const rest = [...(this.#seam?.end() ?? []), ...encodeUtf8(this.#half)];
    this.#half = '';
    if (rest.length > 0) this.#walk(Uint8Array.from(rest));
    this.#ended = true;
    this.#walker.end();
    if (us !== undefined) this.#us = us;
    this.#finishParser(error);
    const outcome = this.#middle?.outcome(this.#parser.outcome) ?? this.#parser.outcome;
    this.#tellForeign(outcome);
    this.#timing.end(us);
    this.#each((check) => check.end?.(outcome, this.#at));
  }

  #finishParser(error: Error | undefined): void {
    if (this.#failure !== undefined) return;
    try {
      // The last event may lack its blank line, or have a bare CR for it.
      const last = this.#scanner.end();
      if (last === undefined) this.#receive();
      const behind = last ?? this.#scanner.end();
      if (behind !== undefined) this.#received.push({ ...behind, damaged: this.#walker.groupIsBad });
      this.#parser.end(error);
    } catch (failure) {
      this.#fail(failure);
    }
  }

  /** A body that is no event stream. */
  #tellForeign({ error }: Outcome): void {
    if (!this.#sniffer.isForeign || error === undefined) return;
    const at = { event: 0, byte: 0, line: 1 };
    if (error instanceof ApiError) {
      this.#note({ rule: 'error-body', message: `The body is an error of the API: ${error.message}`, at });
    } else if (error instanceof ProtocolError) this.#note({ rule: error.code, message: error.message, at });
  }
}

/**
 * Says which rules a stream breaks. Nothing in the bytes makes it throw.
 *
 * @param input - a body (text or bytes), a capture, or its chunks; chunk boundaries make no difference, times do
 * @returns the findings in the order of the stream
 * @throws RangeError for options that make no sense, see {@link Linter}
 *
 * @example
 * const report = lint('event: ping\ndata: {"type": "ping"}\n\n', { name: 'only-a-ping' });
 * report.outcome.status; // 'truncated'
 * report.findings.map(({ rule }) => rule); // ['ping-before-start', 'empty-stream']
 */
export function lint(
  input: string | Uint8Array | Capture | Iterable<CaptureChunk>,
  options: LintOptions = {},
): LintReport {
  if (typeof input === 'string' || input instanceof Uint8Array) {
    const linter = new Linter(options);
    linter.push(input);
    return linter.end();
  }
  const { header, chunks, end } = 'chunks' in input ? input : { header: undefined, chunks: input, end: undefined };
  const linter = new Linter({ clock: header?.clock, ...options });
  for (const { bytes, us } of chunks) linter.push(bytes, us);
  return linter.end(errorOf(end), end?.us);
}

/** What the last line of a capture says, as the error that ends a stream. */
function errorOf(end: Capture['end']): Error | undefined {
  switch (end?.end) {
    case 'abort':
      return new AbortError('The recording was called off');
    case 'reset':
      return new ConnectionError(end.error ?? 'The connection was cut');
    case 'timeout':
      return new IdleTimeoutError('Nothing came for too long');
    default:
      return undefined;
  }
}
