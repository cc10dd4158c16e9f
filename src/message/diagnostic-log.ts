import { ProtocolError } from '../errors.ts';
import { own } from '../json/own.ts';
import { MAX_DIAGNOSTICS, MAX_RAW_CHARS } from '../limits.ts';
import { type DiagnosticCode, SEVERITIES } from '../protocol/codes.ts';
import type { At, Diagnostic } from './types.ts';
import { place } from './wording.ts';

/** A diagnostic's message is cut here; ours are far shorter. */
const MAX_MESSAGE_CHARS = 400;

/** What the log may be told. */
export interface DiagnosticOptions {
  /** `true`: diagnostics of severity error are thrown as `ProtocolError`; a list: those codes are. Default: none. */
  strict?: boolean | readonly DiagnosticCode[] | undefined;
  /** Diagnostics kept; later ones are only counted. Default 1,000. */
  maxDiagnostics?: number | undefined;
  /** Gets each diagnostic when it is found, also those past `maxDiagnostics`. */
  onDiagnostic?: ((diagnostic: Diagnostic) => void) | undefined;
}

/** The saved state of a {@link DiagnosticLog}. */
export interface DiagnosticLogState {
  list: readonly Diagnostic[];
  count: number;
  noted: readonly string[];
}

const EMPTY: DiagnosticLogState = { list: [], count: 0, noted: [] };

/** What a deviation concerns. */
export interface Concern {
  index?: unknown;
  ordinal?: number | undefined;
  raw?: string | undefined;
}

/** The deviations of a stream: collected up to a ceiling, counted beyond it, delivered, and refused under `strict`. */
export class DiagnosticLog {
  readonly #options: DiagnosticOptions;
  readonly #list: Diagnostic[];
  /** Made for the first note. */
  #noted: Set<string> | undefined;
  #count: number;

  constructor(options: DiagnosticOptions, state: DiagnosticLogState = EMPTY) {
    this.#options = options;
    checkStrict(options.strict);
    this.#list = [...state.list];
    this.#count = state.count;
    if (state.noted.length > 0) this.#noted = new Set(state.noted);
  }

  /** The deviations kept. */
  get list(): readonly Diagnostic[] {
    return this.#list;
  }

  /** How many there were, those not kept included. */
  get count(): number {
    return this.#count;
  }

  /** Whether a note that is made once (a code, or a code and a type) is new. Only so many are remembered. */
  isNew(code: DiagnosticCode, key: string): boolean {
    const note = own(`${code} ${key.slice(0, 100)}`);
    const noted = (this.#noted ??= new Set());
    if (noted.has(note)) return false;
    if (noted.size >= MAX_DIAGNOSTICS) {
      this.#count++;
      return false;
    }
    noted.add(note);
    return true;
  }

  /** The error that a deviation is under `strict`; `undefined` if it is only to be {@link write | written} down. */
  refuse(code: DiagnosticCode, message: string, at: At): ProtocolError | undefined {
    const { strict } = this.#options;
    const refused = strict === true ? SEVERITIES[code] === 'error' : Array.isArray(strict) && strict.includes(code);
    return refused ? new ProtocolError(code, `${bounded(message)} (${place(at)})`, at) : undefined;
  }

  /** Keeps and delivers a deviation. */
  write(code: DiagnosticCode, message: string, at: At, { index, ordinal, raw }: Concern): void {
    const diagnostic: Diagnostic = {
      code,
      severity: SEVERITIES[code],
      message: bounded(message),
      at,
      ...(typeof index === 'number' && { index }),
      ...(ordinal !== undefined && { ordinal }),
      ...(raw !== undefined && { raw: own(raw.slice(0, MAX_RAW_CHARS)) }),
    };
    if (this.#count++ < (this.#options.maxDiagnostics ?? MAX_DIAGNOSTICS)) this.#list.push(diagnostic);
    this.#options.onDiagnostic?.(diagnostic);
  }

  toJSON(): DiagnosticLogState {
    return { list: [...this.#list], count: this.#count, noted: [...(this.#noted ?? [])] };
  }
}

/** Names of the wire stand in messages, and the wire may send megabytes of name. */
function bounded(message: string): string {
  return message.length > MAX_MESSAGE_CHARS ? `${own(message.slice(0, MAX_MESSAGE_CHARS))}…` : message;
}

/** A typo must not make a stream tolerant that was meant to be strict. @throws TypeError */
function checkStrict(strict: unknown): void {
  if (strict === undefined || strict === null || typeof strict === 'boolean') return;
  const codes = Array.isArray(strict) ? strict : [undefined];
  const wrong: unknown = codes.find((code) => typeof code !== 'string' || !Object.hasOwn(SEVERITIES, code));
  if (codes.length > 0 && (wrong !== undefined || codes.includes(undefined))) {
    const what = Array.isArray(strict) ? `${String(wrong)} is no code` : `this is ${typeof strict}`;
    throw new TypeError(`strict must be true, or a list of diagnostic codes: ${what}`);
  }
}
