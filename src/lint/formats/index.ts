/** Lint reports as text, JSON, JUnit XML, SARIF and GitHub annotations: pure functions, and a table of them. */

import { type Format, formatAll, type FormatName, type FormatOptions, type ReportData } from './format.ts';
import { GITHUB } from './github.ts';
import { JSON_FORMAT } from './json.ts';
import { JUNIT } from './junit.ts';
import { SARIF } from './sarif.ts';
import { TEXT } from './text.ts';

export type { Format, FormatName, FormatOptions, FormatRun, ReportData } from './format.ts';

/**
 * Every format. `start` gives a run that takes one report after the other, so that the output of many streams need not be
 * held: what `report` and `end` return, one behind the other, is the whole output.
 *
 * @example
 * const run = FORMATS.github.start({});
 * run.report(lint('data: {"type":"ping"}\n\n')).startsWith('::'); // true
 * run.end(); // ''
 */
export const FORMATS: Readonly<Record<FormatName, Format>> = {
  text: TEXT,
  json: JSON_FORMAT,
  junit: JUNIT,
  sarif: SARIF,
  github: GITHUB,
};

/**
 * Text made to be pasted into an issue; one block for each broken rule.
 *
 * @param options - `width`: columns to wrap at, 100 by default
 * @example
 * const text = formatText([lint('data: {"type":"ping"}\n\n', { name: 'ping.sse' })]);
 * text.startsWith('ping.sse: truncated'); // true
 */
export function formatText(reports: readonly ReportData[], options?: FormatOptions): string {
  return formatAll(TEXT, reports, options);
}

/**
 * One JSON document, one report a line: `{ ssemble: 'lint', version: 1, reports, rules, summary }`.
 *
 * @example
 * const { summary } = JSON.parse(formatJson([])) as { summary: { streams: number } };
 * summary.streams; // 0
 */
export function formatJson(reports: readonly ReportData[], options?: FormatOptions): string {
  return formatAll(JSON_FORMAT, reports, options);
}

/**
 * JUnit XML: one suite a stream, one test for each broken rule.
 *
 * @param options - `failOn`: from which severity on a finding is a failure, `error` by default
 * @example
 * formatJunit([]).endsWith('</testsuites>\n'); // true
 */
export function formatJunit(reports: readonly ReportData[], options?: FormatOptions): string {
  return formatAll(JUNIT, reports, options);
}

/**
 * SARIF 2.1.0: one run, with the whole catalogue as its rules.
 *
 * @param options - `version`: of the program that writes it
 * @example
 * const { runs } = JSON.parse(formatSarif([], { version: '1.0.0' })) as { runs: { results: unknown[] }[] };
 * runs[0]?.results; // []
 */
export function formatSarif(reports: readonly ReportData[], options?: FormatOptions): string {
  return formatAll(SARIF, reports, options);
}

/**
 * GitHub workflow commands, one a line for each broken rule of a stream.
 *
 * @example
 * formatGithub([]); // ''
 */
export function formatGithub(reports: readonly ReportData[], options?: FormatOptions): string {
  return formatAll(GITHUB, reports, options);
}
