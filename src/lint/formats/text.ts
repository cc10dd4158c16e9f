/**
 * Text made to be pasted into an issue: no colours, no boxes, one block for each broken rule with the sentence of the
 * rule, `Expected:` and `Actual:`, as people know it from protocol test suites; then how to mend it and who is hurt.
 */

import type { ClientId, Effect, Finding, Rule, Severity } from '../finding.ts';
import {
  BY_WEIGHT,
  counted,
  countWords,
  type Format,
  type FormatRun,
  type Group,
  groupDigits,
  groupsOf,
  nameOf,
  placeWords,
  type ReportData,
  RULE_GROUPS,
} from './format.ts';

const WIDTH = 100;
const NARROWEST = 40;
/** How many places of one rule are listed. */
const PLACES = 3;
/** Where the text behind a label begins. */
const LABEL = 16;
/** How far a line that goes on is moved in, where several stand below each other. */
const HANGING = 2;

const MARKS: Readonly<Record<Severity, string>> = { error: '×', warning: '!', info: '·' };

/** How people call the clients. */
export const CLIENT_NAMES: Readonly<Record<ClientId, string>> = {
  'claude-code': 'Claude Code',
  'sdk-typescript': 'TypeScript SDK',
  'sdk-python': 'Python SDK',
  'ai-sdk': 'AI SDK',
  langchain: 'LangChain',
  naive: 'hand-written loop',
};

/** What an effect is called behind the name of a client. */
export const EFFECT_WORDS: Readonly<Record<Effect, string>> = {
  ok: 'reads on',
  loses: 'loses content without a word',
  fails: 'fails',
  hangs: 'hangs',
};

/** Text for people. */
export const TEXT: Format = {
  name: 'text',
  summary: 'for people, and to be pasted into an issue',
  start({ width = WIDTH }): FormatRun {
    const columns = Math.max(NARROWEST, width);
    const totals: Record<Severity, number> = { error: 0, warning: 0, info: 0 };
    let streams = 0;
    let incomplete = 0;
    return {
      report(report) {
        for (const severity of BY_WEIGHT) totals[severity] += report.counts[severity];
        if (report.outcome.status !== 'complete') incomplete++;
        return `${streams++ === 0 ? '' : '\n'}${reportText(report, columns)}`;
      },
      end: () => (streams > 1 ? `\n${totalLine(streams, incomplete, totals)}\n` : ''),
    };
  },
};

function totalLine(streams: number, incomplete: number, totals: Readonly<Record<Severity, number>>): string {
  const cut = incomplete === 0 ? 'all complete' : `${incomplete} not complete`;
  return `${counted(streams, 'stream')}, ${cut}: ${countWords(totals)} found`;
}

/** Everything about one stream; it ends with a line end. */
function reportText(report: ReportData, width: number): string {
  const groups = groupsOf(report);
  const lines = [headLine(report)];
  for (const name of RULE_GROUPS) {
    const own = groups.filter(({ rule }) => rule.group === name);
    if (own.length === 0) continue;
    own.sort((a, b) => BY_WEIGHT.indexOf(a.severity) - BY_WEIGHT.indexOf(b.severity));
    lines.push('', `  ${name}`, ...own.flatMap((group) => ['', ...groupLines(group, width)]));
  }
  if (groups.length > 0) {
    const kept = RULE_GROUPS.filter((name) => groups.every(({ rule }) => rule.group !== name));
    if (kept.length > 0) lines.push('', ...wrap(`✔ nothing found in: ${kept.join(', ')}`, '  ', '    ', width));
    lines.push('', lastLine(report, groups.length));
  }
  return `${lines.join('\n')}\n`;
}

function headLine(report: ReportData): string {
  const { outcome, model, profile } = report;
  const mark = report.findings.length === 0 && outcome.status === 'complete' ? '✔ ' : '';
  const facts = [
    counted(report.events, 'event'),
    counted(report.bytes, 'byte'),
    ...(model === undefined ? [] : [model]),
  ];
  const end = outcome.status === 'complete' ? `complete (${outcome.stopReason ?? 'no stop reason'})` : outcome.status;
  const head = `${mark}${nameOf(report)}: ${end}; ${facts.join(', ')}; profile ${profile}`;
  const why = outcome.error === undefined ? '' : `\n  ${outcome.error.name}: ${oneLine(outcome.error.message, 400)}`;
  return report.findings.length === 0 ? `${head}; nothing found${why}` : head + why;
}

function lastLine(report: ReportData, rules: number): string {
  const dropped = report.dropped === 0 ? '' : ` (${counted(report.dropped, 'further finding')} not listed)`;
  return `  ${countWords(report.counts)} from ${counted(rules, 'rule')}${dropped}`;
}

function groupLines({ rule, severity, findings, count }: Group, width: number): string[] {
  const first = findings[0] as Finding;
  const times = count > 1 ? ` ×${groupDigits(count)}` : '';
  const expected = first.expected ?? rule.expected;
  return [
    `    ${MARKS[severity]} ${rule.id}${times}  (${severity}, ${rule.level})`,
    ...wrap(rule.rule, '      ', '      ', width),
    ...findings.slice(0, PLACES).flatMap((finding) => placeLines(finding, width)),
    ...(count > PLACES ? [`        and ${counted(count - PLACES, 'more place')}`] : []),
    ...labelled('Expected:', expected.split('\n'), width),
    ...labelled('Actual:', [first.actual ?? rule.actual], width),
    ...(first.raw === undefined ? [] : [`      Data:     ${oneLine(first.raw, width - LABEL)}`]),
    ...adviceLines(rule, width),
  ];
}

/** What to do about a rule, whom it hurts, and where it was seen. */
export function adviceLines(rule: Rule, width: number): string[] {
  const hurt = Object.entries(rule.clients).map(
    ([client, impact]) => `${CLIENT_NAMES[client as ClientId]} ${EFFECT_WORDS[impact.effect]}: ${impact.note}`,
  );
  return [
    ...labelled('Fix:', [rule.fix], width),
    ...labelled('Clients:', hurt, width, HANGING),
    ...labelled('Seen in:', rule.seen.length === 0 ? [] : [rule.seen.join(', ')], width),
  ];
}

function placeLines(finding: Finding, width: number): string[] {
  return wrap(`${placeWords(finding)}: ${oneLine(finding.message, 400)}`, '      - ', '        ', width);
}

/** A label in a column of its own; each paragraph begins a line, `hanging` columns left of how it goes on. */
export function labelled(label: string, paragraphs: readonly string[], width: number, hanging = 0): string[] {
  const present = paragraphs.filter((paragraph) => paragraph !== '');
  return present.flatMap((paragraph, i) =>
    wrap(paragraph, `      ${(i === 0 ? label : '').padEnd(LABEL - 6)}`, ' '.repeat(LABEL + hanging), width),
  );
}

/** Breaks text at spaces; a word that is too long stands alone. */
export function wrap(text: string, first: string, rest: string, width: number): string[] {
  const lines: string[] = [];
  let line = first;
  let begun = false;
  for (const word of text.split(/\s+/)) {
    if (begun && line.length + 1 + word.length > width) {
      lines.push(line);
      line = rest;
      begun = false;
    }
    line += begun ? ` ${word}` : word;
    begun = true;
  }
  return [...lines, line.trimEnd()];
}

function oneLine(text: string, most: number): string {
  const line = text.replaceAll('\r', '\\r').replaceAll('\n', '\\n');
  return line.length > most ? `${line.slice(0, most)}…` : line;
}
