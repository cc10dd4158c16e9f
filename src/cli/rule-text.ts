/** The catalogue of rules on a screen: the list, and one entry in full. */

import type { Rule, RuleGroup } from '../lint/finding.ts';
import { adviceLines, labelled, wrap } from '../lint/formats/text.ts';
import { RULES } from '../lint/rules.ts';
import type { Ink, Style } from './terminal.ts';

const STYLES: Readonly<Record<Rule['severity'], Style>> = { error: 'red', warning: 'yellow', info: 'dim' };
/** Lines longer than this are hard to read. */
const WIDEST = 100;

/** Every rule: severity, id, sentence, by group. */
export function printRules(out: Ink): void {
  const widest = Math.max(...RULES.map(({ id }) => id.length));
  let group: RuleGroup | undefined;
  for (const rule of RULES) {
    if (rule.group !== group) out.write(`${group === undefined ? '' : '\n'}${rule.group}\n`, 'bold');
    group = rule.group;
    out.write(`  ${rule.severity.padEnd(7)} `, STYLES[rule.severity]);
    out.write(`${rule.id.padEnd(widest)}  ${rule.rule}\n`);
  }
  out.write(`\n${RULES.length} rules. \`ssemble explain RULE\` says more of each.\n`, 'dim');
}

/** One rule, whole. */
export function printRule(out: Ink, rule: Rule): void {
  const width = Math.min(out.width, WIDEST);
  out.write(rule.id, 'bold').write(`  (${rule.severity}, ${rule.level}, ${rule.group})\n`, STYLES[rule.severity]);
  const lines = [
    ...wrap(rule.rule, '      ', '      ', width),
    ...labelled('Expected:', rule.expected.split('\n'), width),
    ...labelled('Actual:', [rule.actual], width),
    ...adviceLines(rule, width),
  ];
  out.write(`${lines.join('\n')}\n`);
}
