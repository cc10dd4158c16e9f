/** One stream of the report, read: what all parts of its view look at. */

import type { Finding, Rule, Severity } from '../../lint/finding.ts';
import type { Stall } from '../../timing/timing.ts';
import type { ReportStream } from '../data.ts';
import { bodyOf, type Entry, readStream, type Stream } from '../entries.ts';
import { rowsOf, type Rows } from '../rows.ts';
import { Search, worst } from '../search.ts';
import { States } from '../states.ts';
import { type Family, familyOf } from '../wording.ts';

/** A stream that was read. */
export interface Loaded {
  source: ReportStream;
  stream: Stream;
  states: States;
  search: Search;
  rows: Rows;
  rules: ReadonlyMap<string, Rule>;
  /** The chunks are those of a network: else where they begin tells nothing. */
  recorded: boolean;
  /** By the number of the row they are pinned to. */
  findings: ReadonlyMap<number, readonly Finding[]>;
  /** The rows that have findings, in order. */
  pinned: readonly number[];
  /** The same rows, those with errors last: what is drawn last is seen. */
  worstLast: readonly number[];
  /** Milliseconds since the first row's moment or the capture's zero, by row; `undefined` if the capture has no clock. */
  times: Float64Array | undefined;
  /** By the row that came after it. */
  stalls: ReadonlyMap<number, Stall>;
  entry(n: number): Entry;
  familyOf(entry: Entry): Family;
  severityAt(n: number): Severity | undefined;
}

/** Reads a stream of the report. */
export function load(source: ReportStream): Loaded {
  const stream = readStream(bodyOf(source.chunks));
  const { entries } = stream;
  const rules = new Map(source.rules.map((rule) => [rule.id, rule]));
  const findings = pin(source.lint.findings, entries.length);
  const severityAt = (n: number): Severity | undefined => worst((findings.get(n) ?? []).map((each) => each.severity));
  const types = new Map(stream.lanes.map(({ ordinal, type }) => [ordinal, type]));
  const pinned = [...findings.keys()].sort((a, b) => a - b);
  const withWorst = (severity: Severity): number[] => pinned.filter((n) => severityAt(n) === severity);
  return {
    source,
    stream,
    states: new States(stream.body.bytes, entries.length - 1, source.end),
    search: new Search(stream, severityAt),
    rows: rowsOf(stream),
    rules,
    recorded: source.header.source?.chunks !== 'made',
    findings,
    pinned,
    worstLast: [...withWorst('info'), ...withWorst('warning'), ...withWorst('error')],
    times: timesOf(entries),
    stalls: new Map(source.timing.stalls.map((stall) => [stall.afterEvent + 1, stall])),
    entry: (n) => entries[Math.min(Math.max(n, 1), entries.length) - 1] as Entry,
    familyOf: (entry) => familyOf(entry, types.get(entry.ordinal)),
    severityAt,
  };
}

/** A finding about the stream as a whole is pinned to its end. */
function pin(findings: readonly Finding[], rows: number): ReadonlyMap<number, readonly Finding[]> {
  const pinned = new Map<number, Finding[]>();
  for (const finding of findings) {
    const { event, byte } = finding.at;
    const n = event === 0 ? (byte === 0 ? 1 : rows) : Math.min(event, rows);
    const there = pinned.get(n);
    if (there === undefined) pinned.set(n, [finding]);
    else there.push(finding);
  }
  return pinned;
}

function timesOf(entries: readonly Entry[]): Float64Array | undefined {
  if (!entries.some(({ us }) => us !== undefined)) return undefined;
  const times = new Float64Array(entries.length);
  let last = 0;
  entries.forEach(({ us }, i) => {
    if (us !== undefined) last = us / 1000;
    times[i] = last;
  });
  return times;
}
