/** The head of a stream: what it is, how it ended, what it cost, and when things came. */

import type { NamedClocks, Timing } from '../../timing/timing.ts';
import { byteSize, counted, duration, grouped } from '../numbers.ts';
import { el } from './dom.ts';
import { badge } from './findings.ts';
import type { Loaded } from './loaded.ts';

const CLOCKS: readonly (readonly [keyof NamedClocks, string])[] = [
  ['headers', 'headers'],
  ['firstByte', 'first byte'],
  ['messageStart', 'message start'],
  ['firstContent', 'first content'],
  ['firstVisibleText', 'first text'],
  ['lastContent', 'last content'],
  ['messageStop', 'message stop'],
  ['end', 'end'],
];

/** Makes the head. */
export function summary(loaded: Loaded): HTMLElement {
  const { source } = loaded;
  const { status } = source.lint.outcome;
  const fine = status === 'complete';
  const title = el('h2', {}, el('span', { class: 'name', text: source.name }));
  title.append(el('span', { class: `chip ${fine ? 'fine' : 'bad'}`, text: `${fine ? '✓' : '✕'} ${status}` }));
  for (const severity of ['error', 'warning', 'info'] as const) {
    const count = source.lint.counts[severity];
    if (count === 0) continue;
    const mark = badge(severity);
    mark.textContent = `${mark.textContent?.split(' ')[0] ?? ''} ${counted(count, severity === 'info' ? 'note' : severity)}`;
    title.append(mark);
  }
  return el('section', { class: 'summary', 'aria-label': 'Summary' }, title, facts(loaded), clocks(source.timing));
}

function facts(loaded: Loaded): HTMLElement {
  const { source, stream } = loaded;
  const { lint, header, timing, end } = source;
  const list = el('dl', { class: 'facts' });
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '')
      list.append(el('div', {}, el('dt', { text: name }), el('dd', { text: value })));
  };
  const { message } = loaded.states.after(stream.entries.length);
  add('model', lint.model ?? message?.model);
  add('stop reason', lint.outcome.stopReason ?? 'none');
  add('tokens', tokens(message?.usage));
  add('speed', timing.tokensPerSecond === undefined ? '' : `${timing.tokensPerSecond.toFixed(1)} tokens/s`);
  add('events', grouped(stream.entries.length - 1));
  add('chunks', loaded.recorded ? grouped(source.chunks.length) : '');
  add('bytes', byteSize(stream.body.bytes.length));
  add('request', [header.request?.method, header.request?.url].filter((each) => each !== undefined).join(' '));
  add('status', header.response?.status === undefined ? '' : String(header.response.status));
  add('ended', end === undefined ? 'unknown' : end.end);
  add('made from', header.source?.kind);
  add('profile', lint.profile);
  return list;
}

function tokens(usage: unknown): string {
  if (typeof usage !== 'object' || usage === null) return '';
  const words: string[] = [];
  for (const [key, name] of [
    ['input_tokens', 'in'],
    ['cache_read_input_tokens', 'cache read'],
    ['cache_creation_input_tokens', 'cache write'],
    ['output_tokens', 'out'],
  ] as const) {
    const count = (usage as Readonly<Record<string, unknown>>)[key];
    if (typeof count === 'number' && (count > 0 || !key.startsWith('cache'))) words.push(`${grouped(count)} ${name}`);
  }
  return words.join(' · ');
}

function clocks({ timed, clocks: all, gaps, stalls }: Timing): HTMLElement {
  const list = el('dl', { class: 'clocks' });
  const add = (name: string, value: string): void => {
    list.append(el('div', {}, el('dt', { text: name }), el('dd', { text: value })));
  };
  if (!timed) {
    list.append(el('div', {}, el('dt', { text: 'no clock' }), el('dd', { text: 'the capture has no times' })));
    return list;
  }
  for (const [key, name] of CLOCKS) if (all[key] !== undefined) add(name, duration(all[key]));
  if (gaps !== undefined) add('gaps p50 · p95 · max', [gaps.p50, gaps.p95, gaps.max].map(duration).join(' · '));
  if (stalls.length > 0) add('stalls', String(stalls.length));
  return list;
}
