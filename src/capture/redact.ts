/**
 * Takes secrets out of a capture so that it can be shown: they are looked for in the text as a reader sees it, across the
 * borders of deltas, and painted over where they stand.
 *
 * What stays the same, to the byte: how many chunks there are, their lengths and times, where each event begins and
 * ends, everything that is not part of what was found. So a redacted capture replays, breaks and lints like the
 * original. What goes: each byte of what was found is an `x` (in tool input a digit of a number is a `1`; in ids it is
 * another letter for each id). A match that could only be painted by mending broken JSON leaves those characters.
 *
 * The whole capture is held in memory, twice.
 */

import { isEventStream } from '../carriers/event-stream.ts';
import { ProtocolError } from '../errors.ts';
import { decodeUtf8, encodeUtf8 } from '../sse/utf8.ts';
import type {
  Capture,
  CaptureClock,
  CapturedRequest,
  CapturedResponse,
  CaptureEnd,
  CaptureHeader,
  CaptureHeaders,
  CaptureSource,
} from './format.ts';
import { BodyRedactor, SIGNATURES } from './redact-body.ts';
import type { BodyOptions } from './redact-body.ts';
import { REDACTION_PATTERNS } from './redact-patterns.ts';
import type { RedactionPattern } from './redact-patterns.ts';
import { publicHeaders, publicUrl } from './secrets.ts';

export type { RedactionPattern } from './redact-patterns.ts';
export { customPattern, REDACTION_PATTERNS, wordPattern } from './redact-patterns.ts';

/** What to remove. */
export interface RedactOptions {
  /** Default: all of {@link REDACTION_PATTERNS} that are not optional. Give your own behind them: they are looked for in order. */
  patterns?: readonly RedactionPattern[];
  /** Also paint signatures, encrypted content and redacted thinking. Default: no. */
  signatures?: boolean;
}

/** How often one pattern was found. */
export interface RedactionCount {
  pattern: string;
  count: number;
}

/** Header lines that tell whose account it is. They are removed whole, whatever the patterns. */
const ACCOUNT = /(?:organization|workspace|account|project)[-_]?(?:id|name)?$/i;
const REMOVED = '[redacted]';
/** A name of a pattern as we write it tells nothing. */
const PATTERN_NAME = /^(?:[a-z]+-)?[a-z\d]+$/;

/**
 * Removes what the patterns find from a capture: from its body, and from its header and end line.
 *
 * @returns a new capture, whose header lists what was found (added to what it listed before), and the counts of this time
 * @throws ProtocolError `cannot-redact` for a body that is compressed, or frames of Bedrock: what is in it cannot be found
 * @example
 * const chunk = { us: 0, bytes: new TextEncoder().encode('data: {"type":"ping","note":"me@example.com"}\n\n') };
 * const { capture, counts } = redact({ header: { ssemble: 'capture', version: 1 }, chunks: [chunk], end: undefined });
 * counts; // [{ pattern: 'email', count: 1 }]
 * new TextDecoder().decode(capture.chunks[0]?.bytes); // 'data: {"type":"ping","note":"xxxxxxxxxxxxxx"}\n\n'
 */
export function redact(capture: Capture, options: RedactOptions = {}): { capture: Capture; counts: RedactionCount[] } {
  const total = new Map<string, number>();
  const bodyOptions = bodyOptionsOf(options);
  const bytes = new Uint8Array(capture.chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0));
  let at = 0;
  for (const chunk of capture.chunks) {
    bytes.set(chunk.bytes, at);
    at += chunk.bytes.length;
  }
  refuseBinary(bytes);
  const body = new BodyRedactor(bytes, bodyOptions);
  const clean = body.body();
  addTo(total, body.counts);
  let from = 0;
  const chunks = capture.chunks.map(({ us, bytes: own }) => ({ us, bytes: clean.slice(from, (from += own.length)) }));
  const texts = new TextRedactor(bodyOptions, total);
  const header = texts.header(capture.header);
  const end = texts.end(capture.end);
  const counts = countsOf(total);
  if (counts.length > 0) header.redacted = countsOf(addTo(countsBefore(header), total));
  return { capture: { header, chunks, end }, counts };
}

/**
 * The same for the bytes of a body alone.
 *
 * @throws ProtocolError `cannot-redact` as {@link redact}
 * @example
 * const body = 'data: {"type":"ping","ip":"127.0.0.1","by":"a@b.example"}\n\n';
 * const { bytes, counts } = redactBody(new TextEncoder().encode(body));
 * new TextDecoder().decode(bytes); // 'data: {"type":"ping","ip":"127.0.0.1","by":"xxxxxxxxxxx"}\n\n'
 * counts; // [{ pattern: 'email', count: 1 }]
 */
export function redactBody(
  bytes: Uint8Array,
  options: RedactOptions = {},
): { bytes: Uint8Array; counts: RedactionCount[] } {
  refuseBinary(bytes);
  const body = new BodyRedactor(bytes, bodyOptionsOf(options));
  const clean = body.body();
  return { bytes: clean, counts: countsOf(body.counts) };
}

/** To find nothing where nothing can be found would look like a promise. */
function refuseBinary(bytes: Uint8Array): void {
  const [what, now] = isEventStream(bytes)
    ? ['frames of Bedrock, with base64 in them', '`ssemble convert` makes events of them']
    : PACKED.some((magic) => magic.every((byte, i) => bytes[i] === byte))
      ? ['compressed', 'unpack it']
      : [];
  if (what === undefined) return;
  throw new ProtocolError('cannot-redact', `Cannot redact: the body is ${what}; ${now} first`, { event: 0, byte: 0 });
}

/** How gzip and Zstandard begin. Brotli has no such mark. */
const PACKED: readonly (readonly number[])[] = [
  [0x1f, 0x8b, 0x08],
  [0x28, 0xb5, 0x2f, 0xfd],
];

function bodyOptionsOf({ patterns, signatures }: RedactOptions): BodyOptions {
  const usual = REDACTION_PATTERNS.filter(({ optional }) => optional !== true);
  return { patterns: patterns ?? usual, signatures: signatures ?? false };
}

/** The texts beside the body. */
class TextRedactor {
  readonly #options: BodyOptions;
  readonly #total: Map<string, number>;

  constructor(options: BodyOptions, total: Map<string, number>) {
    this.#options = options;
    this.#total = total;
  }

  header(header: CaptureHeader): CaptureHeader {
    const { ssemble, version, request, response, clock, source, redacted, ...others } = header;
    const clean: CaptureHeader = { ssemble, version, ...(this.#any(others) as object) };
    if (request !== undefined) {
      const { hash, url, headers, ...rest } = request;
      clean.request = this.#any(rest) as CapturedRequest;
      if (hash !== undefined) clean.request.hash = hash;
      if (url !== undefined) clean.request.url = this.#text(publicUrl(url));
      if (headers !== undefined) clean.request.headers = this.#headers(headers);
    }
    if (response !== undefined) {
      const { headers, ...rest } = response;
      clean.response = this.#any(rest) as CapturedResponse;
      if (headers !== undefined) clean.response.headers = this.#headers(headers);
    }
    if (clock !== undefined) clean.clock = { ...(this.#any(clock) as CaptureClock), zero: clock.zero };
    if (source !== undefined) clean.source = { ...(this.#any(source) as CaptureSource), chunks: source.chunks };
    if (redacted !== undefined) clean.redacted = redacted.map((one) => this.#countBefore(one));
    return clean;
  }

  end(end: CaptureEnd | undefined): CaptureEnd | undefined {
    return end && { ...(this.#any(end) as CaptureEnd), end: end.end };
  }

  /** Every text in it: fields of later programs are kept, and may hold anything. */
  #any(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (Array.isArray(value)) return value.map((each) => this.#any(each));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [this.#text(name), this.#any(each)]));
  }

  #countBefore(one: RedactionCount): RedactionCount {
    return PATTERN_NAME.test(one.pattern) ? one : (this.#any(one) as RedactionCount);
  }

  #headers(headers: CaptureHeaders): CaptureHeaders {
    return publicHeaders(headers).map(([name, value]) => {
      if (!ACCOUNT.test(name) || value === REMOVED) return [name, this.#text(value)] as const;
      this.#total.set('account', (this.#total.get('account') ?? 0) + 1);
      return [name, REMOVED] as const;
    });
  }

  #text(text: string): string {
    const redactor = new BodyRedactor(encodeUtf8(text), this.#options);
    const clean = decodeUtf8(redactor.text());
    addTo(this.#total, redactor.counts);
    return clean;
  }
}

function addTo(total: Map<string, number>, more: ReadonlyMap<string, number>): Map<string, number> {
  for (const [name, count] of more) total.set(name, (total.get(name) ?? 0) + count);
  return total;
}

function countsBefore({ redacted }: CaptureHeader): Map<string, number> {
  const before = new Map<string, number>();
  for (const { pattern, count } of redacted ?? []) before.set(pattern, (before.get(pattern) ?? 0) + count);
  return before;
}

/** In the order of the patterns, then what is beside them. */
function countsOf(counts: ReadonlyMap<string, number>): RedactionCount[] {
  const order = [...REDACTION_PATTERNS.map(({ name }) => name), SIGNATURES, 'account'];
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...counts].map(([pattern, count]) => ({ pattern, count })).sort((a, b) => rank(a.pattern) - rank(b.pattern));
}
