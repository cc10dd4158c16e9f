/** Findings: small cards at the chosen event, and the list of all of them, grouped by rule as people fix them. */

import type { Finding, Rule, Severity } from '../../lint/finding.ts';
import { counted, grouped } from '../numbers.ts';
import { button, el } from './dom.ts';
import { GLYPHS } from './event-list.ts';
import type { Loaded } from './loaded.ts';

/** Of one rule this many places are listed at once. */
const PLACES = 50;
const CLIENTS: Readonly<Record<string, string>> = {
  'claude-code': 'Claude Code',
  'sdk-typescript': 'TypeScript SDK',
  'sdk-python': 'Python SDK',
  'ai-sdk': 'AI SDK',
  langchain: 'LangChain',
  naive: 'naive loop',
};
const BY_WEIGHT: readonly Severity[] = ['error', 'warning', 'info'];

/** The severity with its sign: the sign alone tells it apart where colours do not. */
export function badge(severity: Severity): HTMLElement {
  return el('span', { class: `badge ${severity}`, text: `${GLYPHS[severity]} ${severity}` });
}

/** A finding in short. */
export function card(finding: Finding, rule: Rule | undefined): HTMLElement {
  const head = el('p', {}, badge(finding.severity), ' ', el('code', { text: finding.rule }), ` ${finding.message}`);
  const more = el('details', {}, el('summary', { text: 'Rule, expected, actual, fix' }), facts(rule, finding));
  return el('article', { class: `card ${finding.severity}` }, head, more);
}

/** All findings of a stream; `select` is called with the row of the one that was chosen. */
export function findingsList(loaded: Loaded, select: (n: number) => void, copy: () => void): HTMLElement {
  const { findings, dropped } = loaded.source.lint;
  const list = el('div', { class: 'findings', role: 'region', tabindex: 0, 'aria-label': 'Findings' });
  if (findings.length === 0) {
    list.append(el('p', { class: 'empty', text: 'No findings: the stream keeps every rule of the profile.' }));
    return list;
  }
  list.append(el('p', { class: 'tools' }, button('Copy all as Markdown', copy)));
  for (const severity of BY_WEIGHT) {
    const groups = new Map<string, [number, Finding][]>();
    for (const [n, pinned] of loaded.findings) {
      for (const finding of pinned) {
        if (finding.severity !== severity) continue;
        const group = groups.get(finding.rule) ?? [];
        group.push([n, finding]);
        groups.set(finding.rule, group);
      }
    }
    for (const [id, group] of groups) list.append(groupCard(loaded.rules.get(id), severity, group, select));
  }
  if (dropped > 0) list.append(el('p', { class: 'empty', text: `${counted(dropped, 'finding')} more were left out.` }));
  return list;
}

function groupCard(
  rule: Rule | undefined,
  severity: Severity,
  group: readonly [number, Finding][],
  select: (n: number) => void,
): HTMLElement {
  const [, first] = group[0] as [number, Finding];
  const times = group.length > 1 ? ` ×${grouped(group.length)}` : '';
  const head = el('h3', {}, badge(severity), ' ', el('code', { text: first.rule }), times);
  const places = el('ul');
  const add = (from: number, to: number): void => {
    for (const [n, finding] of group.slice(from, to)) {
      const where = finding.at.event === 0 ? 'stream' : `event ${grouped(finding.at.event)}`;
      places.append(
        el(
          'li',
          {},
          button(where, () => select(n)),
          ` ${finding.message}`,
        ),
      );
    }
  };
  add(0, PLACES);
  const parts = [head, facts(rule, group.length === 1 ? first : undefined), places];
  if (group.length > PLACES) {
    const more = button(`Show ${grouped(group.length - PLACES)} more`, () => {
      add(PLACES, group.length);
      more.remove();
    });
    parts.push(more);
  }
  return el('article', { class: `card ${severity}` }, ...parts);
}

/** What the rule says, what was expected and what came, in the order in which a reader asks. */
function facts(rule: Rule | undefined, finding: Finding | undefined): HTMLElement {
  const list = el('dl');
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') list.append(el('dt', { text: name }), el('dd', { text: value }));
  };
  add('Rule', rule?.rule);
  add('Expected', finding?.expected ?? rule?.expected);
  add('Actual', finding?.actual ?? rule?.actual);
  add('Fix', rule?.fix);
  const clients = Object.entries(rule?.clients ?? {}).filter(([, impact]) => impact.effect !== 'ok');
  for (const [id, { effect, note }] of clients) add(CLIENTS[id] ?? id, `${effect}: ${note}`);
  add('Seen in', rule?.seen.slice(0, 8).join(', '));
  return list;
}
