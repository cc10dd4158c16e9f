/** The second pane: the chosen event, what is wrong with it, and its data as JSON. */

import type { StallCause } from '../../timing/timing.ts';
import { unchanged } from '../changes.ts';
import type { Entry } from '../entries.ts';
import { column, counted, duration, grouped } from '../numbers.ts';
import { typeName } from '../wording.ts';
import { el } from './dom.ts';
import { card } from './findings.ts';
import { jsonTree } from './json-tree.ts';
import type { Loaded } from './loaded.ts';

/** Of one event this many findings are shown; the list of findings has them all. */
const MOST_CARDS = 8;

const STALLS: Readonly<Record<StallCause, (time: string, events: number) => string>> = {
  'server-silent': (time) => `Nothing came for ${time} before this event.`,
  'server-alive': (time) => `No content came for ${time} before this event, only signs of life.`,
  'held-back': (time, events) =>
    `Nothing came for ${time} before this event, then ${counted(events, 'event')} in one chunk: something held them back.`,
};

/** The pane. */
export class EventPane {
  readonly element: HTMLElement;
  readonly #loaded: Loaded;
  readonly #place: HTMLElement = el('span', { class: 'place' });
  readonly #body: HTMLElement = el('div', { class: 'body', tabindex: 0, role: 'region', 'aria-label': 'Event' });

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
    const head = el('header', {}, el('h2', { text: 'Event' }), this.#place);
    this.element = el('section', { class: 'pane event', 'aria-label': 'Event' }, head, this.#body);
  }

  /** Shows an event. */
  show(entry: Entry): void {
    const { findings, rules, stalls } = this.#loaded;
    const here = findings.get(entry.n) ?? [];
    const isEnd = entry.event === undefined;
    this.#place.textContent = [
      isEnd ? 'end of the stream' : `#${grouped(entry.n)} ${typeName(entry.event)}`,
      entry.us === undefined ? '' : `+${column(entry.us)} ms`,
      entry.chunk < 0 || !this.#loaded.recorded ? '' : `chunk ${grouped(entry.chunk + 1)}`,
    ]
      .filter((each) => each !== '')
      .join(' · ');
    const parts: Node[] = here.slice(0, MOST_CARDS).map((finding) => card(finding, rules.get(finding.rule)));
    if (here.length > MOST_CARDS) {
      parts.push(el('p', { class: 'empty', text: `and ${here.length - MOST_CARDS} more findings here` }));
    }
    const stall = stalls.get(entry.n);
    if (stall !== undefined) {
      parts.push(el('p', { class: 'note', text: STALLS[stall.cause](duration(stall.ms), stall.eventsAfter) }));
    }
    this.#body.replaceChildren(...parts, this.#data(entry));
    this.#body.scrollTop = 0;
  }

  #data({ sse }: Entry): Node {
    if (sse === undefined) return this.#ending();
    const head = el(
      'p',
      { class: 'frame' },
      'event: ',
      el('code', { text: sse.named ? sse.event : '(no event line)' }),
    );
    if (sse.id !== '') head.append(' id: ', el('code', { text: sse.id }));
    if (sse.retry !== undefined) head.append(` retry: ${sse.retry}`);
    const value = parsed(sse.data);
    const data =
      value === undefined
        ? el('pre', { class: 'text', text: sse.data.length > 20_000 ? `${sse.data.slice(0, 20_000)}…` : sse.data })
        : jsonTree(unchanged(value), { unfold: true });
    return el('div', {}, head, data);
  }

  #ending(): Node {
    const { end, lint } = this.#loaded.source;
    const { status, stopReason, error } = lint.outcome;
    const words = [
      end === undefined ? 'The recording does not say how the body ended.' : `The body ended: ${end.end}.`,
      end?.error ?? '',
      `The message is ${status}, its stop reason ${stopReason ?? 'never came'}.`,
      error === undefined ? '' : `${error.name}: ${error.message}`,
    ];
    return el('div', {}, ...words.filter((text) => text !== '').map((text) => el('p', { text })));
  }
}

/** `undefined`: it is no JSON. */
function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return undefined;
  }
}
