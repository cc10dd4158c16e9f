/**
 * JSON: one document, one report a line.
 *
 * ```
 * {"ssemble":"lint","version":1,"reports":[
 * {"name":…,"profile":…,"model":…,"outcome":{"status":…,"stopReason":…,"error":{"name":…,"message":…}},
 *  "events":…,"bytes":…,"counts":{"error":…,"warning":…,"info":…},"dropped":…,
 *  "findings":[{"rule":…,"severity":…,"message":…,"at":{"event":…,"byte":…,"line":…,"us":…},"index":…,…}]},
 * …
 * ],"rules":[…],"summary":{"streams":…,"complete":…,"counts":{…}}}
 * ```
 *
 * Fields are those of `LintReport`, and are absent where they have no value; `rules` has the catalogue's entry of every
 * rule that was found. `version` changes if a field changes its meaning or goes; fields may be added.
 */

import type { Rule, Severity } from '../finding.ts';
import { BY_WEIGHT, type Format, type FormatRun, knownRule, type ReportData } from './format.ts';

/** JSON for programs. */
export const JSON_FORMAT: Format = {
  name: 'json',
  summary: 'one JSON document with every finding and the rules behind them',
  start(): FormatRun {
    const rules = new Map<string, Rule>();
    const counts: Record<Severity, number> = { error: 0, warning: 0, info: 0 };
    let streams = 0;
    let complete = 0;
    return {
      report(report) {
        for (const severity of BY_WEIGHT) counts[severity] += report.counts[severity];
        for (const finding of report.findings) rules.set(finding.rule, knownRule(finding));
        if (report.outcome.status === 'complete') complete++;
        const before = streams++ === 0 ? '{"ssemble":"lint","version":1,"reports":[\n' : ',\n';
        return before + json(reportObject(report));
      },
      end() {
        const before = streams === 0 ? '{"ssemble":"lint","version":1,"reports":[' : '\n';
        const summary = { streams, complete, counts };
        return `${before}],"rules":${json([...rules.values()])},"summary":${json(summary)}}\n`;
      },
    };
  },
};

/**
 * The report as plain data, in a fixed order of fields. The error of the outcome keeps its name and message; the snapshot
 * that it carries is no part of a report.
 */
export function reportObject(report: ReportData): ReportData {
  const { name, profile, findings, dropped, droppedByRule, counts, events, bytes, model, outcome, capture } = report;
  const { status, stopReason, error } = outcome;
  return {
    ...(name === undefined ? {} : { name }),
    profile,
    ...(model === undefined ? {} : { model }),
    outcome: {
      status,
      stopReason,
      ...(error === undefined ? {} : { error: { name: error.name, message: error.message } }),
    },
    events,
    bytes,
    ...(capture === true ? { capture } : {}),
    counts,
    dropped,
    ...(droppedByRule === undefined ? {} : { droppedByRule }),
    findings,
  };
}

// JSON.stringify leaves DEL and C1 as they are, and some terminals obey them.
const RAW = /[\u007f-\u009f]/g;

function json(value: unknown): string {
  return JSON.stringify(value).replace(RAW, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}
