/**
 * The timeline: findings on top, then what concerns the message, a lane for each block, and the network's chunks. Time goes
 * to the right, or, without a clock, the number of the event.
 *
 * Two canvases lie on each other. The lower one has all events and is drawn when what is seen changes; the upper one has
 * the chosen event and is drawn at every step, so a step costs the same however many events there are.
 */

import { lastAtMost } from '../halving.ts';
import { column, duration, grouped } from '../numbers.ts';
import type { Entry } from '../entries.ts';
import { Scale } from '../scale.ts';
import { typeName } from '../wording.ts';
import { button, el } from './dom.ts';
import type { Loaded } from './loaded.ts';
import { colors } from './theme.ts';

const PINS = 18;
const LANE = 18;
const CHUNKS = 14;
const AXIS = 20;
const RIGHT = 14;
/** How far beside an event a click may be, in pixels. */
const NEAR = 6;
/** A pointer that moved further than this drags. */
const SLACK = 4;
const NAMES = ['ink', 'soft', 'line', 'band', 'page', 'accent', 'stall', 'warning', 'info', 'bad'] as const;
const FAMILIES = ['text', 'thinking', 'tool', 'result', 'other', 'message', 'ping', 'error', 'unknown'] as const;
const CAUSES: Readonly<Record<string, string>> = {
  'server-silent': 'server silent',
  'server-alive': 'only pings',
  'held-back': 'held back',
};

type Paint = CanvasRenderingContext2D;

/** The timeline of one stream. */
export class Timeline {
  readonly element: HTMLElement;
  readonly #loaded: Loaded;
  readonly #select: (n: number) => void;
  readonly #base: HTMLCanvasElement = el('canvas', { 'aria-hidden': 'true' });
  readonly #over: HTMLCanvasElement;
  readonly #tip: HTMLElement = el('div', { class: 'tip', hidden: true });
  readonly #fit: HTMLButtonElement;
  readonly #height: number;
  #byTime: boolean;
  #scale: Scale;
  #values: ArrayLike<number>;
  #left = 120;
  #chosen = 1;
  #colors: ReadonlyMap<string, string> = new Map();
  #drag: { x: number; moved: boolean } | undefined;
  #waiting = false;

  constructor(loaded: Loaded, select: (n: number) => void) {
    this.#loaded = loaded;
    this.#select = select;
    this.#byTime = loaded.times !== undefined;
    [this.#values, this.#scale] = this.#measured();
    this.#height = PINS + LANE * (1 + loaded.rows.rows.length) + CHUNKS + AXIS;
    const events = loaded.stream.entries.length;
    this.#over = el('canvas', {
      tabindex: 0,
      role: 'slider',
      'aria-label': 'Timeline: the chosen event. Plus, minus and 0 zoom, Shift with the arrows moves.',
      'aria-valuemin': 1,
      'aria-valuemax': events,
    });
    this.#fit = button('Fit', () => this.zoom(0), { title: 'Show all (0)' });
    const stage = el('div', { class: 'stage' }, this.#base, this.#over, this.#tip);
    stage.style.height = `${this.#height}px`;
    this.element = el('section', { class: 'timeline', 'aria-label': 'Timeline' }, this.#bar(), stage);
    this.#listen();
    new ResizeObserver(() => this.draw()).observe(stage);
  }

  /** Marks the event, and moves so that it is in sight. */
  choose(n: number): void {
    this.#chosen = n;
    const { from, to } = this.#scale;
    this.#scale.reveal(this.#values[n - 1] ?? 0);
    const entry = this.#loaded.entry(n);
    this.#over.setAttribute('aria-valuenow', String(n));
    this.#over.setAttribute('aria-valuetext', this.#words(entry));
    if (from !== this.#scale.from || to !== this.#scale.to) this.#later();
    else this.#drawChosen();
  }

  /** Zooms in or out of the middle, or onto the chosen event if it is in sight; 0 shows all. */
  zoom(factor: number): void {
    if (factor === 0) this.#scale.fit();
    else {
      const at = this.#scale.x(this.#values[this.#chosen - 1] ?? 0);
      this.#scale.zoom(factor, at >= 0 && at <= this.#scale.width ? at : this.#scale.width / 2);
    }
    this.#later();
  }

  /** Draws all anew: the theme or the size changed. */
  draw(): void {
    this.#colors = colors([...NAMES, ...FAMILIES]);
    this.#drawBase();
    this.#drawChosen();
  }

  #measured(): [ArrayLike<number>, Scale] {
    const { times, stream, source } = this.#loaded;
    const count = stream.entries.length;
    if (times === undefined || !this.#byTime) {
      return [Array.from({ length: count }, (_, i) => i + 1), new Scale(0.5, count + 0.5, Math.min(8, count))];
    }
    const end = source.timing.clocks.end ?? 0;
    const last = Math.max(times[count - 1] ?? 0, end);
    return [times, new Scale(Math.min(0, times[0] ?? 0), last * 1.01, Math.min(1, last || 1))];
  }

  #bar(): HTMLElement {
    const legend = el('p', { class: 'legend' });
    const families = new Set(this.#loaded.rows.rows.map(({ family }) => family));
    for (const family of families) legend.append(el('span', { class: `family ${family}`, text: family }));
    for (const cause of new Set(this.#loaded.source.timing.stalls.map((stall) => stall.cause))) {
      legend.append(el('span', { class: `cause ${cause}`, text: CAUSES[cause] ?? cause }));
    }
    const axis = button(
      this.#byTime ? 'By event' : 'By time',
      () => {
        this.#byTime = !this.#byTime;
        axis.textContent = this.#byTime ? 'By event' : 'By time';
        [this.#values, this.#scale] = this.#measured();
        this.draw();
      },
      { title: 'What the axis counts' },
    );
    const tools = el('div', { class: 'tools' });
    if (this.#loaded.times !== undefined) tools.append(axis);
    tools.append(
      button('−', () => this.zoom(1 / 1.6), { 'aria-label': 'Zoom out', title: 'Zoom out (−)' }),
      button('+', () => this.zoom(1.6), { 'aria-label': 'Zoom in', title: 'Zoom in (+)' }),
      this.#fit,
    );
    return el('header', {}, el('h2', { text: 'Timeline' }), legend, tools);
  }

  // ── Hands ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #listen(): void {
    const over = this.#over;
    over.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    over.addEventListener('pointerdown', (event) => {
      this.#drag = { x: event.offsetX, moved: false };
      over.setPointerCapture(event.pointerId);
    });
    over.addEventListener('pointermove', (event) => this.#move(event));
    over.addEventListener('pointerup', (event) => {
      const near = this.#drag?.moved === false ? this.#near(event.offsetX, event.offsetY) : undefined;
      this.#drag = undefined;
      if (near !== undefined) this.#select(near.n);
    });
    over.addEventListener('pointercancel', () => (this.#drag = undefined));
    over.addEventListener('pointerleave', () => (this.#tip.hidden = true));
    over.addEventListener('keydown', (event) => this.#key(event));
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : 1;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.#scale.pan((event.deltaX || event.deltaY) * unit);
    } else {
      this.#scale.zoom(Math.exp(-event.deltaY * unit * 0.002), event.offsetX - this.#left);
    }
    this.#later();
  }

  #move(event: PointerEvent): void {
    const drag = this.#drag;
    if (drag !== undefined && (drag.moved || Math.abs(event.offsetX - drag.x) > SLACK)) {
      this.#scale.pan(drag.x - event.offsetX);
      this.#drag = { x: event.offsetX, moved: true };
      this.#tip.hidden = true;
      return this.#later();
    }
    const near = this.#near(event.offsetX, event.offsetY);
    this.#tip.hidden = near === undefined;
    if (near === undefined) return;
    this.#tip.textContent = this.#words(near);
    const left = Math.min(event.offsetX + 12, this.#over.clientWidth - this.#tip.offsetWidth - 4);
    this.#tip.style.transform = `translate(${Math.max(0, left)}px, ${event.offsetY + 14}px)`;
  }

  #key(event: KeyboardEvent): void {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by !== undefined && event.shiftKey) {
      this.#scale.pan((by * this.#scale.width) / 4);
      this.#later();
    } else if (by !== undefined && !event.altKey && !event.ctrlKey && !event.metaKey) {
      this.#select(this.#chosen + by);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The event nearest to a point; those of its lane first. */
  #near(px: number, py: number): Entry | undefined {
    const x = px - this.#left;
    const lane = Math.floor((py - PINS) / LANE) - 1;
    const from = Math.max(0, lastAtMost(this.#values, this.#scale.value(x - NEAR)));
    let best: Entry | undefined;
    let least = Infinity;
    for (let i = from; i < this.#values.length; i++) {
      const away = Math.abs(this.#scale.x(this.#values[i] as number) - x);
      if (this.#scale.x(this.#values[i] as number) > x + NEAR) break;
      const entry = this.#loaded.entry(i + 1);
      const cost =
        away + (this.#rowOf(entry) === lane ? 0 : 2 * NEAR) - (py < PINS && this.#hasPin(i + 1) ? 3 * NEAR : 0);
      if (away <= NEAR && cost < least) [best, least] = [entry, cost];
    }
    return best;
  }

  #hasPin(n: number): boolean {
    return this.#loaded.findings.has(n);
  }

  /** The lane of an event; -1 is that of the message. */
  #rowOf(entry: Entry): number {
    return this.#loaded.rows.rowOf.get(entry.ordinal) ?? -1;
  }

  #words(entry: Entry): string {
    const name =
      entry.event === undefined ? 'end of the stream' : `event ${grouped(entry.n)}, ${typeName(entry.event)}`;
    const time = entry.us === undefined ? '' : `, +${column(entry.us)} ms`;
    const found = (this.#loaded.findings.get(entry.n) ?? []).map((finding) => `, ${finding.severity} ${finding.rule}`);
    return `${name}${time}${found.slice(0, 3).join('')}`;
  }

  // ── Paint ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #later(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#drawBase();
      this.#drawChosen();
    });
  }

  #color(name: string): string {
    return this.#colors.get(name) ?? 'gray';
  }

  #paintOn(canvas: HTMLCanvasElement): Paint {
    const width = this.#over.parentElement?.clientWidth ?? 0;
    const ratio = devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(this.#height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(this.#height * ratio);
    }
    this.#left = width < 600 ? 92 : 148;
    this.#scale.width = Math.max(1, width - this.#left - RIGHT);
    const paint = canvas.getContext('2d') as Paint;
    paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint.clearRect(0, 0, width, this.#height);
    paint.font = '11px system-ui, sans-serif';
    paint.textBaseline = 'middle';
    return paint;
  }

  #drawBase(): void {
    const paint = this.#paintOn(this.#base);
    this.#fit.disabled = this.#scale.whole;
    this.#drawLabels(paint);
    paint.save();
    paint.beginPath();
    paint.rect(this.#left - 7, 0, this.#scale.width + RIGHT + 7, this.#height);
    paint.clip();
    paint.translate(this.#left, 0);
    this.#drawAxis(paint);
    this.#drawWaiting(paint);
    this.#drawStalls(paint);
    this.#drawBlocks(paint);
    this.#drawEvents(paint);
    this.#drawChunks(paint);
    this.#drawPins(paint);
    paint.restore();
  }

  #drawLabels(paint: Paint): void {
    const { rows } = this.#loaded.rows;
    const labels = [{ label: 'message', family: 'message' }, ...rows];
    labels.forEach(({ label, family }, i) => {
      const y = PINS + i * LANE;
      if (i % 2 === 0) {
        paint.fillStyle = this.#color('band');
        paint.fillRect(0, y, this.#left + this.#scale.width + RIGHT, LANE);
      }
      paint.fillStyle = this.#color(family);
      paint.fillRect(6, y + 5, 8, 8);
      paint.fillStyle = this.#color('ink');
      paint.fillText(fitted(paint, label, this.#left - 28), 20, y + LANE / 2 + 0.5);
    });
    paint.fillStyle = this.#color('soft');
    paint.fillText('findings', 20, PINS / 2);
    paint.fillText('chunks', 20, PINS + labels.length * LANE + CHUNKS / 2 + 1);
  }

  #drawAxis(paint: Paint): void {
    const bottom = this.#height - AXIS;
    paint.fillStyle = this.#color('soft');
    paint.textAlign = 'center';
    for (const value of this.#scale.ticks(90)) {
      if (!this.#byTime && !Number.isInteger(value)) continue;
      const x = Math.round(this.#scale.x(value));
      paint.globalAlpha = 0.25;
      paint.fillRect(x, PINS, 1, bottom - PINS + 3);
      paint.globalAlpha = 1;
      const text = this.#byTime
        ? value === 0
          ? '0'
          : `+${duration(value).replace(/\.0+(?= )/, '')}`
        : `#${grouped(value)}`;
      const most = this.#scale.width + RIGHT - paint.measureText(text).width / 2 - 2;
      paint.fillText(text, Math.min(x, most), bottom + 11);
    }
    paint.textAlign = 'left';
  }

  /** Stalls, behind everything: where time passed, its width; by event, a line between two events. */
  #drawStalls(paint: Paint): void {
    const height = this.#height - AXIS - PINS;
    for (const { from, ms, cause, afterEvent, eventsAfter } of this.#loaded.source.timing.stalls) {
      const x = this.#scale.x(this.#byTime ? from : afterEvent + 0.5);
      const width = this.#byTime ? this.#scale.x(from + ms) - x : 3;
      if (x + width < 0 || x > this.#scale.width) continue;
      paint.fillStyle = this.#color('stall');
      paint.globalAlpha = 0.16;
      paint.fillRect(x, PINS, Math.max(width, 1), height);
      paint.globalAlpha = 0.55;
      if (cause === 'held-back') hatch(paint, x, PINS, width, height);
      paint.globalAlpha = 1;
      const words = `${CAUSES[cause] ?? cause} ${duration(ms)}`;
      const longest = cause === 'held-back' ? `${words}, then ${eventsAfter} events in one chunk` : words;
      for (const text of [longest, words, duration(ms)]) {
        const [begin, end] = [Math.max(x, 0), Math.min(x + width, this.#scale.width)];
        if (paint.measureText(text).width + 8 > end - begin) continue;
        paint.textAlign = 'center';
        paint.fillStyle = this.#color('ink');
        paint.fillText(text, (begin + end) / 2, PINS + LANE / 2);
        paint.textAlign = 'left';
        break;
      }
    }
  }

  /** From the capture's zero to the first byte: no stall, but what people wait for most. */
  #drawWaiting(paint: Paint): void {
    const { firstByte } = this.#loaded.source.timing.clocks;
    if (!this.#byTime || firstByte === undefined || firstByte <= 0) return;
    const from = Math.max(this.#scale.x(0), 0);
    const to = Math.min(this.#scale.x(firstByte), this.#scale.width);
    if (to <= from) return;
    paint.fillStyle = this.#color('stall');
    paint.globalAlpha = 0.07;
    paint.fillRect(from, PINS, to - from, this.#height - AXIS - PINS);
    paint.globalAlpha = 1;
    paint.fillStyle = this.#color('soft');
    paint.textAlign = 'center';
    const text = `first byte after ${duration(firstByte)}`;
    if (paint.measureText(text).width + 8 < to - from) paint.fillText(text, (from + to) / 2, PINS + LANE / 2);
    paint.textAlign = 'left';
  }

  #drawBlocks(paint: Paint): void {
    const { stream, rows } = this.#loaded;
    for (const { ordinal, first, last } of stream.lanes) {
      const row = rows.rowOf.get(ordinal) ?? 0;
      const from = this.#scale.x(this.#values[first - 1] ?? 0);
      const to = this.#scale.x(this.#values[last - 1] ?? 0);
      if (to < 0 || from > this.#scale.width) continue;
      paint.fillStyle = this.#color(rows.rows[row]?.family ?? 'other');
      paint.globalAlpha = 0.28;
      paint.fillRect(from, PINS + LANE * (row + 1) + 4, Math.max(to - from, 2), LANE - 8);
    }
    paint.globalAlpha = 1;
  }

  /** A tick for each event; on one pixel of a lane one is enough. */
  #drawEvents(paint: Paint): void {
    const last = new Map<number, number>();
    const from = Math.max(0, lastAtMost(this.#values, this.#scale.from));
    for (let i = from; i < this.#values.length - 1; i++) {
      const x = Math.round(this.#scale.x(this.#values[i] as number));
      if (x > this.#scale.width + 2) break;
      const entry = this.#loaded.entry(i + 1);
      const row = this.#rowOf(entry);
      const family = this.#loaded.familyOf(entry);
      const isBorder = entry.event?.type === 'content_block_start' || entry.event?.type === 'content_block_stop';
      if (last.get(row) === x && row >= 0 && !isBorder) continue;
      last.set(row, x);
      paint.fillStyle = this.#color(family);
      const y = PINS + LANE * (row + 1);
      if (row < 0) this.#drawMessageEvent(paint, family, x, y);
      else if (isBorder) paint.fillRect(x - 1, y + 2, 3, LANE - 4);
      else paint.fillRect(x, y + 4, 1, LANE - 8);
    }
  }

  /** Shapes beside the colours: a ping is a dot, an error a cross, the unknown a ring, all else a bar. */
  #drawMessageEvent(paint: Paint, family: string, x: number, y: number): void {
    const middle = y + LANE / 2;
    paint.strokeStyle = paint.fillStyle;
    paint.lineWidth = 2;
    paint.beginPath();
    if (family === 'ping') paint.arc(x, middle, 2, 0, 7);
    else if (family === 'unknown') paint.arc(x, middle, 3.5, 0, 7);
    else if (family === 'error') {
      paint.moveTo(x - 4, middle - 4);
      paint.lineTo(x + 4, middle + 4);
      paint.moveTo(x + 4, middle - 4);
      paint.lineTo(x - 4, middle + 4);
    } else paint.rect(x - 1, y + 3, 3, LANE - 6);
    if (family === 'error' || family === 'unknown') paint.stroke();
    else paint.fill();
  }

  #drawChunks(paint: Paint): void {
    const y = this.#height - AXIS - CHUNKS;
    paint.fillStyle = this.#color('soft');
    const { entries, body } = this.#loaded.stream;
    let drawn = -1;
    let chunk = -2;
    const from = Math.max(0, lastAtMost(this.#values, this.#scale.from));
    const draw = (value: number): boolean => {
      const x = Math.round(this.#scale.x(value));
      if (x !== drawn) paint.fillRect(x, y + 4, 1, CHUNKS - 7);
      drawn = x;
      return x <= this.#scale.width;
    };
    if (this.#byTime) {
      for (const { us } of body.chunks)
        if (us !== undefined && us / 1000 >= this.#scale.from && !draw(us / 1000)) break;
      return;
    }
    for (let i = from; i < entries.length - 1; i++) {
      const entry = entries[i] as Entry;
      if (entry.chunk !== chunk && chunk !== -2 && !draw(i + 0.5)) break;
      chunk = entry.chunk;
    }
  }

  /** A finding's shape tells its severity: a triangle is an error, a diamond a warning, a dot is no more than a note. */
  #drawPins(paint: Paint): void {
    for (const n of this.#loaded.worstLast) {
      const x = Math.round(this.#scale.x(this.#values[n - 1] ?? 0)) + 0.5;
      if (x < -6 || x > this.#scale.width + 6) continue;
      const severity = this.#loaded.severityAt(n) ?? 'info';
      const color = this.#color(severity === 'error' ? 'bad' : severity);
      paint.fillStyle = color;
      paint.globalAlpha = 0.5;
      if (severity !== 'info') paint.fillRect(x - 0.5, PINS - 4, 1, this.#height - AXIS - PINS);
      paint.globalAlpha = 1;
      paint.beginPath();
      if (severity === 'error') polygon(paint, [x - 6, 3, x + 6, 3, x, 14]);
      else if (severity === 'warning') polygon(paint, [x, 2, x + 6, 8.5, x, 15, x - 6, 8.5]);
      else paint.arc(x, 8.5, 3.5, 0, 7);
      paint.fill();
      paint.strokeStyle = this.#color('page');
      paint.lineWidth = 1;
      paint.stroke();
    }
  }

  #drawChosen(): void {
    const paint = this.#paintOn(this.#over);
    const x = this.#left + Math.round(this.#scale.x(this.#values[this.#chosen - 1] ?? 0));
    if (x < this.#left - 2 || x > this.#left + this.#scale.width + 2) return;
    paint.fillStyle = this.#color('accent');
    paint.fillRect(x - 1, PINS - 2, 3, this.#height - AXIS - PINS + 4);
    const entry = this.#loaded.entry(this.#chosen);
    paint.fillRect(x - 5, PINS + LANE * (this.#rowOf(entry) + 1), 11, 2);
    paint.fillRect(x - 5, PINS + LANE * (this.#rowOf(entry) + 2) - 2, 11, 2);
  }
}

function polygon(paint: Paint, [first = 0, second = 0, ...rest]: readonly number[]): void {
  paint.moveTo(first, second);
  for (let i = 0; i < rest.length; i += 2) paint.lineTo(rest[i] as number, rest[i + 1] as number);
  paint.closePath();
}

/** Slanted lines: what was held back differs from silence without its colour. */
function hatch(paint: Paint, x: number, y: number, width: number, height: number): void {
  paint.save();
  paint.beginPath();
  paint.rect(x, y, width, height);
  paint.clip();
  paint.beginPath();
  paint.strokeStyle = paint.fillStyle;
  paint.lineWidth = 1;
  for (let at = x - height; at < x + width; at += 8) {
    paint.moveTo(at, y + height);
    paint.lineTo(at + height, y);
  }
  paint.stroke();
  paint.restore();
}

/** The text, or as much of it as has room. */
function fitted(paint: Paint, text: string, width: number): string {
  if (paint.measureText(text).width <= width) return text;
  let end = Math.min(text.length, 60);
  while (end > 1 && paint.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}
