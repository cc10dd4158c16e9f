/**
 * Which rows are shown. Search looks at each event's data as it came, and at the text that the events add up to: a phrase
 * that the server cut into five deltas is found, and all five are hits.
 */

import type { Severity } from '../protocol/codes.ts';
import type { Entry, Stream } from './entries.ts';
import { typeName } from './wording.ts';

/** What is asked for; an empty field asks for nothing. */
export interface Query {
  text: string;
  /** As {@link typeName} says it. */
  type: string;
  /** The ordinal of a block. */
  block: number | undefined;
  /** Only rows with a finding this bad, or worse; `any` for all of them. */
  severity: Severity | '';
}

/** Nothing asked for. */
export const NO_QUERY: Query = { text: '', type: '', block: undefined, severity: '' };

const WEIGHT: Readonly<Record<Severity, number>> = { info: 1, warning: 2, error: 3 };

/** The worst of some severities. */
export function worst(severities: readonly Severity[]): Severity | undefined {
  return severities.reduce<Severity | undefined>(
    (found, each) => (found === undefined || WEIGHT[each] > WEIGHT[found] ? each : found),
    undefined,
  );
}

/** A piece of assembled text and the event that brought it. */
interface Part {
  n: number;
  end: number;
}

/** What one block's deltas of one kind add up to, in lower case. */
interface Assembled {
  text: string;
  parts: Part[];
}

/** Searches one stream. The texts are put together at the first search. */
export class Search {
  readonly #stream: Stream;
  readonly #severityOf: (n: number) => Severity | undefined;
  #assembled: Assembled[] | undefined;
  #lower: string[] | undefined;

  /** @param severityOf - the worst finding at an event */
  constructor(stream: Stream, severityOf: (n: number) => Severity | undefined) {
    this.#stream = stream;
    this.#severityOf = severityOf;
  }

  /** The numbers of the rows that fit, in order. */
  find(query: Query): number[] {
    const hits = query.text === '' ? undefined : this.#hits(query.text.toLowerCase());
    return this.#stream.entries.filter((entry) => this.#fits(entry, query, hits)).map(({ n }) => n);
  }

  #fits(entry: Entry, { type, block, severity }: Query, hits: ReadonlySet<number> | undefined): boolean {
    if (hits !== undefined && !hits.has(entry.n)) return false;
    if (type !== '' && typeName(entry.event) !== type) return false;
    if (block !== undefined && entry.ordinal !== block) return false;
    const found = this.#severityOf(entry.n);
    return severity === '' || (found !== undefined && WEIGHT[found] >= WEIGHT[severity]);
  }

  #hits(text: string): ReadonlySet<number> {
    const { entries } = this.#stream;
    this.#lower ??= entries.map(({ sse }) => (sse === undefined ? '' : `${sse.event} ${sse.data}`.toLowerCase()));
    const hits = new Set<number>();
    this.#lower.forEach((data, i) => {
      if (data.includes(text)) hits.add(i + 1);
    });
    this.#assembled ??= assemble(entries);
    for (const each of this.#assembled) addHits(each, text, hits);
    return hits;
  }
}

function assemble(entries: readonly Entry[]): Assembled[] {
  const all = new Map<string, { pieces: string[]; parts: Part[]; length: number }>();
  for (const { event, ordinal, n } of entries) {
    if (event?.type !== 'content_block_delta') continue;
    const { type, text } = pieceOf(event.delta);
    if (text === '') continue;
    const key = `${ordinal} ${type}`;
    let found = all.get(key);
    if (found === undefined) all.set(key, (found = { pieces: [], parts: [], length: 0 }));
    const lower = text.toLowerCase();
    found.length += lower.length;
    found.pieces.push(lower);
    found.parts.push({ n, end: found.length });
  }
  return [...all.values()].map(({ pieces, parts }) => ({ text: pieces.join(''), parts }));
}

/** The text that a delta adds, if it adds any. */
function pieceOf(delta: object): { type: string; text: string } {
  const { type, text, thinking, partial_json: json } = delta as Readonly<Record<string, unknown>>;
  const found = [text, thinking, json].find((each) => typeof each === 'string');
  return { type: String(type), text: found ?? '' };
}

function addHits({ text, parts }: Assembled, wanted: string, hits: Set<number>): void {
  let p = 0;
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) {
    while (p < parts.length && (parts[p] as Part).end <= at) p++;
    for (let q = p; q < parts.length; q++) {
      hits.add((parts[q] as Part).n);
      if ((parts[q] as Part).end >= at + wanted.length) break;
    }
  }
}
