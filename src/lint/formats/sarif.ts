/**
 * SARIF 2.1.0, the interchange format of code scanning (OASIS, section numbers are its own). The whole catalogue stands in
 * the tool's rules (3.49), so a result points to its rule by index; what a result cannot say in SARIF's own words (event
 * number, time, block) stands in its property bag.
 *
 * Regions (3.30) give the line and the byte at which the event begins. For a capture there is none: lines and bytes of the
 * findings are those of the body inside of it.
 */

import type { Finding, Rule, Severity } from '../finding.ts';
import { RULES } from '../rules.ts';
import { type Format, type FormatRun, knownRule, nameOf, type ReportData } from './format.ts';
import { CLIENT_NAMES, EFFECT_WORDS } from './text.ts';

const LEVELS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'note' };

const INDEXES: ReadonlyMap<string, number> = new Map(RULES.map(({ id }, index) => [id, index]));

/** SARIF 2.1.0. */
export const SARIF: Format = {
  name: 'sarif',
  summary: 'SARIF 2.1.0 for code scanning',
  start({ version }): FormatRun {
    let results = 0;
    let begun = false;
    const begin = (): string => {
      if (begun) return '';
      begun = true;
      return head(version);
    };
    return {
      report(report) {
        const text = resultsOf(report).map((result) => `${results++ === 0 ? '' : ','}\n${JSON.stringify(result)}`);
        return begin() + text.join('');
      },
      end: () => `${begin()}\n]}]}\n`,
    };
  },
};

function head(version: string | undefined): string {
  const driver = {
    name: 'ssemble',
    ...(version === undefined ? {} : { version }),
    rules: RULES.map(descriptorOf),
  };
  return (
    `{"$schema":"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",` +
    `"version":"2.1.0","runs":[{"tool":{"driver":${JSON.stringify(driver)}},` +
    `"columnKind":"utf16CodeUnits","newlineSequences":["\\r\\n","\\n","\\r"],"results":[`
  );
}

function descriptorOf(rule: Rule): unknown {
  return {
    id: rule.id,
    name: pascalCase(rule.id),
    shortDescription: { text: rule.rule },
    fullDescription: { text: `${rule.rule} Expected: ${rule.expected.replaceAll('\n', '; or ')}` },
    help: helpOf(rule),
    defaultConfiguration: { level: LEVELS[rule.severity] },
    properties: { tags: [rule.group, rule.level], seen: rule.seen },
  };
}

function helpOf(rule: Rule): { text: string; markdown: string } {
  const clients = Object.entries(rule.clients).map(
    ([client, { effect, note }]) =>
      `${CLIENT_NAMES[client as keyof typeof CLIENT_NAMES]} ${EFFECT_WORDS[effect]}: ${note}`,
  );
  const text = [`Fix: ${rule.fix}`, ...clients].join('\n');
  const markdown = [`**Fix:** ${rule.fix}`, ...(clients.length > 0 ? ['', ...clients.map((line) => `- ${line}`)] : [])];
  return { text, markdown: markdown.join('\n') };
}

function pascalCase(id: string): string {
  return id.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** One result for each finding. The fingerprint counts, for ids and offsets differ in every stream. */
function resultsOf(report: ReportData): unknown[] {
  const seen = new Map<string, number>();
  return report.findings.map((finding) => {
    const habit = `${finding.rule}:${finding.index ?? '-'}`;
    const number = (seen.get(habit) ?? 0) + 1;
    seen.set(habit, number);
    return resultOf(report, finding, `${habit}:${number}`);
  });
}

function resultOf(report: ReportData, finding: Finding, fingerprint: string): unknown {
  const { rule: id, severity, at, index } = finding;
  const ruleIndex = INDEXES.get(id);
  const rule = knownRule(finding);
  return {
    ruleId: id,
    ...(ruleIndex === undefined ? {} : { ruleIndex }),
    level: LEVELS[severity],
    message: { text: `${finding.message} Expected: ${(finding.expected ?? rule.expected).replaceAll('\n', '; or ')}` },
    locations: [{ physicalLocation: placeOf(report, finding) }],
    partialFingerprints: { 'ruleBlockOccurrence/v1': fingerprint },
    properties: { ...at, ...(index === undefined ? {} : { block: index }), profile: report.profile },
  };
}

function placeOf(report: ReportData, { at }: Finding): unknown {
  const artifactLocation = { uri: uriOf(nameOf(report)) };
  if (report.capture === true || at.line === undefined) return { artifactLocation };
  const byte = at.byte === undefined ? {} : { byteOffset: at.byte };
  return { artifactLocation, region: { startLine: at.line, ...byte } };
}

// What URLs cannot carry.
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** The path as a relative URI reference, or a file URI for an absolute one (RFC 3986). */
export function uriOf(path: string): string {
  const slashes = path.replaceAll('\\', '/').replace(LONE, '\ufffd');
  const encoded = slashes.split('/').map(encodeURIComponent).join('/');
  if (/^[A-Za-z]:\//.test(slashes)) return `file:///${encoded.replace('%3A', ':')}`;
  return slashes.startsWith('/') ? `file://${encoded}` : encoded;
}
