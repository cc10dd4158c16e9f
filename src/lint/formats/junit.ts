/**
 * JUnit XML, as CI servers read it: one suite a stream, one case for each rule that was broken, one for each group of
 * rules in which nothing was found, and one for how the stream ended. So a list of failed tests names the rules, and a
 * clean stream still shows what was looked at.
 */

import type { RuleGroup, Severity } from '../finding.ts';
import {
  counted,
  type Format,
  type FormatRun,
  type Group,
  groupDigits,
  groupsOf,
  nameOf,
  placeWords,
  reaches,
  type ReportData,
  RULE_GROUPS,
} from './format.ts';

/** How many places of one rule are listed. */
const PLACES = 20;

/** JUnit XML. */
export const JUNIT: Format = {
  name: 'junit',
  summary: 'JUnit XML for CI servers: a test for each broken rule',
  start({ failOn = 'error' }): FormatRun {
    let begun = false;
    const begin = (): string => {
      if (begun) return '';
      begun = true;
      return '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="ssemble lint">\n';
    };
    return {
      report: (report) => begin() + suite(report, failOn),
      end: () => `${begin()}</testsuites>\n`,
    };
  },
};

interface Case {
  xml: string;
  failed: boolean;
}

function suite(report: ReportData, failOn: Severity | 'never'): string {
  const groups = groupsOf(report);
  const cases = [outcomeCase(report), ...groups.map((group) => ruleCase(report, group, failOn)), ...cleanCases(groups)];
  const failures = cases.filter(({ failed }) => failed).length;
  const attributes = `name=${quoted(nameOf(report))} tests="${cases.length}" failures="${failures}" errors="0" skipped="0"`;
  return `  <testsuite ${attributes}>\n${cases.map(({ xml }) => xml).join('')}  </testsuite>\n`;
}

function outcomeCase({ outcome }: ReportData): Case {
  const failed = outcome.status !== 'complete';
  const reason = outcome.error === undefined ? outcome.status : `${outcome.status}: ${outcome.error.message}`;
  const body = failed ? `      <failure type="outcome" message=${quoted(reason)}></failure>\n` : '';
  return { xml: testCase('stream', 'the stream completes', body), failed };
}

function ruleCase(report: ReportData, group: Group, failOn: Severity | 'never'): Case {
  const { rule, severity, findings, count } = group;
  const failed = reaches(severity, failOn);
  const first = findings[0];
  const places = findings.slice(0, PLACES).map((finding) => `${placeWords(finding)}: ${finding.message}`);
  if (count > PLACES) places.push(`and ${counted(count - PLACES, 'more place')}`);
  const lines = [
    rule.rule,
    `Expected: ${(first?.expected ?? rule.expected).replaceAll('\n', '\n          ')}`,
    `Actual:   ${first?.actual ?? rule.actual}`,
    ...places,
    `Fix: ${rule.fix}`,
  ];
  const text = escaped(lines.join('\n'));
  const message = quoted(`${first?.message ?? rule.rule}${count > 1 ? ` (×${groupDigits(count)})` : ''}`);
  const body = failed
    ? `      <failure type=${quoted(severity)} message=${message}>${text}</failure>\n`
    : `      <system-out>${escaped(`${severity}: `)}${text}</system-out>\n`;
  return { xml: testCase(rule.group, rule.id, body, report.name), failed };
}

/** The groups in which no rule was broken: all is well. */
function cleanCases(groups: readonly Group[]): Case[] {
  const broken = new Set<RuleGroup>(groups.map(({ rule }) => rule.group));
  const names = RULE_GROUPS.filter((group) => !broken.has(group));
  return names.map((group) => ({ xml: testCase(group, 'every rule', ''), failed: false }));
}

function testCase(className: string, name: string, body: string, file?: string): string {
  const where = file === undefined ? '' : ` file=${quoted(file)}`;
  const head = `    <testcase classname=${quoted(className)} name=${quoted(name)}${where} time="0"`;
  return body === '' ? `${head}/>\n` : `${head}>\n${body}    </testcase>\n`;
}

// What XML 1.0 cannot carry at all, not even escaped: most control characters, lone surrogates, two non-characters.
const ILLEGAL =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text
    .replace(ILLEGAL, '')
    .replace(/[&<>"]/g, (character) => ENTITIES[character] as string)
    .replace(/[\r\u007f-\u009f]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function quoted(text: string): string {
  return `"${escaped(text).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')}"`;
}
