/**
 * GitHub annotations: workflow commands, one a line (`::error file=…,line=…,title=…::…`). GitHub shows ten of each level
 * a step, so there is one for each broken rule of a stream, at its first place.
 */

import type { Severity } from '../finding.ts';
import {
  type Format,
  type FormatRun,
  type Group,
  groupDigits,
  groupsOf,
  placeWords,
  type ReportData,
} from './format.ts';

const COMMANDS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'notice' };

/** GitHub annotations. */
export const GITHUB: Format = {
  name: 'github',
  summary: 'annotations for GitHub Actions',
  start(): FormatRun {
    return {
      report: (report) =>
        groupsOf(report)
          .map((group) => annotation(report, group))
          .join('') + outcomeAnnotation(report),
      end: () => '',
    };
  },
};

function annotation(report: ReportData, { rule, severity, findings, count }: Group): string {
  const first = findings[0];
  if (first === undefined) return '';
  const times = count > 1 ? ` (×${groupDigits(count)})` : '';
  const text = `${placeWords(first)}: ${first.message}\nRule: ${rule.rule}\nFix: ${rule.fix}`;
  const line = report.capture === true ? undefined : first.at.line;
  return command(COMMANDS[severity], { file: report.name, line, title: `${rule.id}${times}` }, text);
}

function outcomeAnnotation({ outcome, name }: ReportData): string {
  if (outcome.status === 'complete') return '';
  const why = outcome.error === undefined ? '' : `: ${outcome.error.message}`;
  return command('error', { file: name, title: 'stream did not complete' }, `${outcome.status}${why}`);
}

function command(
  name: string,
  properties: Readonly<Record<string, string | number | undefined>>,
  text: string,
): string {
  const list = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${escapeProperty(String(value))}`);
  return `::${name} ${list.join(',')}::${escapeData(text)}\n`;
}

// The order counts: the percent sign first.
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
