/** A piece of the report as Markdown, to be pasted into an issue: what stream it is, what is wrong, and the bytes. */

import { decodeUtf8 } from '../sse/utf8.ts';
import type { Finding, Rule } from '../lint/finding.ts';
import type { ReportStream } from './data.ts';
import type { Entry, Stream } from './entries.ts';
import { byteSize, column, counted, grouped } from './numbers.ts';
import { typeName } from './wording.ts';

/** The most of one event that goes into a fence. An issue is not the place for more. */
const MOST = 4000;

/**
 * The chosen event as Markdown: the stream in one line, the findings with rule, expected and actual, the raw event.
 *
 * @param findings - those at the event
 */
export function eventMarkdown(
  stream: ReportStream,
  read: Stream,
  entry: Entry,
  findings: readonly Finding[],
  tool: string,
): string {
  const rules = new Map(stream.rules.map((rule) => [rule.id, rule]));
  return [
    headLine(stream, read),
    ...findings.map((finding) => findingMarkdown(finding, rules.get(finding.rule))),
    placeLine(entry, read),
    fence(rawText(read, entry)),
    `<sub>${tool}, profile ${stream.lint.profile}</sub>`,
  ].join('\n\n');
}

/** All findings of a stream as Markdown, each with its event. */
export function findingsMarkdown(stream: ReportStream, read: Stream, tool: string): string {
  const rules = new Map(stream.rules.map((rule) => [rule.id, rule]));
  const list = stream.lint.findings.map((finding) => findingMarkdown(finding, rules.get(finding.rule)));
  const none = list.length === 0 ? ['No findings.'] : list;
  return [headLine(stream, read), ...none, `<sub>${tool}, profile ${stream.lint.profile}</sub>`].join('\n\n');
}

/** One finding as Markdown. */
export function findingMarkdown(finding: Finding, rule: Rule | undefined): string {
  const { at, message } = finding;
  const place = at.event === 0 ? '' : ` at event ${at.event}`;
  const byte = at.byte === undefined ? '' : `, byte ${grouped(at.byte)}`;
  const line = at.line === undefined ? '' : `, line ${grouped(at.line)}`;
  const lines = [`**${finding.severity}** ${code(finding.rule)}${place}${byte}${line}: ${escaped(message)}`];
  if (rule !== undefined) lines.push(`- Rule: ${escaped(rule.rule)}`);
  const expected = finding.expected ?? rule?.expected;
  if (expected !== undefined) lines.push(`- Expected: ${escaped(expected)}`);
  const actual = finding.actual ?? rule?.actual;
  if (actual !== undefined) lines.push(`- Actual: ${escaped(actual)}`);
  if (rule !== undefined) lines.push(`- Fix: ${escaped(rule.fix)}`);
  return lines.join('\n');
}

function headLine({ name, lint, chunks }: ReportStream, { entries }: Stream): string {
  const { error, findings, warning } = { ...lint.counts, findings: lint.findings.length, error: lint.counts.error };
  const facts = [
    lint.model === undefined ? '' : code(lint.model),
    lint.outcome.status,
    lint.outcome.stopReason ?? '',
    `${counted(entries.length - 1, 'event')} in ${counted(chunks.length, 'chunk')}, ${byteSize(lint.bytes)}`,
    `${counted(findings, 'finding')} (${counted(error, 'error')}, ${counted(warning, 'warning')})`,
  ];
  return `**${escaped(name)}**: ${facts.filter((fact) => fact !== '').join(' · ')}`;
}

function placeLine(entry: Entry, { entries }: Stream): string {
  const isEnd = entry.event === undefined;
  const time = entry.us === undefined ? '' : `, +${column(entry.us)} ms`;
  const what = isEnd ? `End of the stream, after event ${entries.length - 1}` : `Event ${entry.n}`;
  const type = isEnd ? '' : ` ${code(typeName(entry.event))}`;
  return `${what}${type}: bytes ${grouped(entry.from)} to ${grouped(entry.end)}, line ${grouped(entry.line)}${time}`;
}

function rawText({ body }: Stream, { from, end }: Entry): string {
  const text = decodeUtf8(body.bytes, from, Math.min(end, from + MOST));
  return end - from > MOST ? `${text}\n… ${grouped(end - from - MOST)} bytes more` : text;
}

/** A fence that its content cannot end. */
function fence(content: string): string {
  const longest = Math.max(2, ...(content.match(/`+/g) ?? []).map((run) => run.length));
  const marks = '`'.repeat(longest + 1);
  return `${marks}\n${content.replace(/\n*$/, '')}\n${marks}`;
}

function code(text: string): string {
  const ticks = text.includes('`') ? '``' : '`';
  const pad = ticks === '`' ? '' : ' ';
  return `${ticks}${pad}${oneLine(text)}${pad}${ticks}`;
}

/** Text that means nothing to Markdown, on one line. */
function escaped(text: string): string {
  return oneLine(text).replace(/[\\`*_[\]<>|#@]/g, (mark) => `\\${mark}`);
}

function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
}
