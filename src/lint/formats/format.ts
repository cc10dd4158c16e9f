/** What a format of lint reports is: text that grows with each report, so that a folder of streams needs no memory. */

import type { Finding, LintReport, Rule, RuleGroup, Severity } from '../finding.ts';
import { ruleOf, RULES } from '../rules.ts';

/** The groups of rules, in the order of the catalogue. */
export const RULE_GROUPS: readonly RuleGroup[] = [...new Set(RULES.map(({ group }) => group))];

/** The names of the formats. */
export type FormatName = 'text' | 'json' | 'junit' | 'sarif' | 'github';

/**
 * What a format needs of a `LintReport`, all of it plain data: so a report can come from a worker thread. Every
 * `LintReport` is one.
 */
export interface ReportData extends Omit<LintReport, 'outcome'> {
  outcome: { status: string; stopReason: string | null; error?: { name: string; message: string } };
  /**
   * The input was a capture: bytes and lines of its findings are those of the body in it, not of the file. Formats that
   * point into files then leave them out.
   */
  capture?: boolean;
}

/** What a format may be told. */
export interface FormatOptions {
  /** `text`: columns to wrap at, at least 40. Default 100. */
  width?: number;
  /** `junit`: findings at least this bad are failures; the others are printed in a test that passes. Default `error`. */
  failOn?: Severity | 'never';
  /** `sarif`: the version of the program. */
  version?: string;
}

/** One output being written. Each call gives the text that comes next. */
export interface FormatRun {
  report(report: ReportData): string;
  /** Call it once, at the end. */
  end(): string;
}

/** A format. */
export interface Format {
  name: FormatName;
  /** One line, for the help. */
  summary: string;
  start(options: FormatOptions): FormatRun;
}

/** All reports through one format. */
export function formatAll(format: Format, reports: readonly ReportData[], options: FormatOptions = {}): string {
  const run = format.start(options);
  return reports.map((report) => run.report(report)).join('') + run.end();
}

/** The worst first. */
export const BY_WEIGHT: readonly Severity[] = ['error', 'warning', 'info'];

/** Whether a finding is at least as bad as the threshold. */
export function reaches(severity: Severity, threshold: Severity | 'never'): boolean {
  return threshold !== 'never' && BY_WEIGHT.indexOf(severity) <= BY_WEIGHT.indexOf(threshold);
}

/** The findings of one rule in one report, in their order. */
export interface Group {
  rule: Rule;
  severity: Severity;
  findings: Finding[];
  /** With those that were left out of the report. */
  count: number;
}

/** Findings by rule, in the order in which the rules were first broken. A profile gives one rule one severity. */
export function groupsOf(report: ReportData): Group[] {
  const groups = new Map<string, Group>();
  for (const finding of report.findings) {
    const group = groups.get(finding.rule);
    if (group === undefined) {
      const { severity } = finding;
      groups.set(finding.rule, { rule: knownRule(finding), severity, findings: [finding], count: 1 });
    } else {
      group.findings.push(finding);
      group.count += 1;
    }
  }
  for (const [id, more] of Object.entries(report.droppedByRule ?? {})) {
    const group = groups.get(id);
    if (group !== undefined) group.count += more;
  }
  return [...groups.values()];
}

/** The rule of a finding. One that is not in the catalogue (a report of another version) speaks for itself. */
export function knownRule({ rule: id, severity, message }: Finding): Rule {
  const rule = ruleOf(id);
  if (rule !== undefined) return rule;
  const bare = { expected: '', actual: message, fix: '', clients: {}, seen: [] };
  return { id, group: 'framing', level: 'observed', severity, rule: message, ...bare };
}

/** The name to show for a report without one. */
export function nameOf(report: ReportData): string {
  return report.name ?? 'standard input';
}

/** Such as `1 error, 2 warnings`; `nothing` if there is nothing. */
export function countWords(counts: Readonly<Record<Severity, number>>): string {
  const words = BY_WEIGHT.filter((severity) => counts[severity] > 0).map((severity) =>
    counted(counts[severity], severity),
  );
  return words.length === 0 ? 'nothing' : words.join(', ');
}

/** Such as `1 error`, `2,000 errors`; `info` has no plural. */
export function counted(count: number, noun: string): string {
  return `${groupDigits(count)} ${noun}${count === 1 || noun === 'info' ? '' : 's'}`;
}

/** `12345` → `12,345`, the same in every locale. */
export function groupDigits(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Such as `event 12, byte 2213, line 40, block 1, at 1.25 s`. `short`: without byte and line. */
export function placeWords({ at, index }: Finding, short = false): string {
  const parts = [at.event === 0 ? 'the stream' : `event ${at.event}`];
  if (!short && at.byte !== undefined) parts.push(`byte ${at.byte}`);
  if (!short && at.line !== undefined) parts.push(`line ${at.line}`);
  if (index !== undefined) parts.push(`block ${index}`);
  if (at.us !== undefined) parts.push(`at ${secondsOf(at.us)}`);
  return parts.join(', ');
}

/** Microseconds as seconds with up to three decimals: `1.25 s`. */
function secondsOf(us: number): string {
  return `${Number((us / 1e6).toFixed(3))} s`;
}
