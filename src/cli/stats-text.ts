/** The figures of streams as text: one stream as a page, many as a table. */

import { CLOCK_NAMES, CLOCKS, CONTENT_GAP_NAME } from '../timing/names.ts';
import type { EventCount, StreamStats, Zero } from '../timing/stream-stats.ts';
import type { Figure, Row, Spread } from '../timing/totals.ts';
import type { Gaps, Stall, StallCause, Timing } from '../timing/timing.ts';
import { counted, groupDigits } from './tally.ts';
import { clip, type Ink, textWidth } from './terminal.ts';

const ZERO_WORDS: Readonly<Record<Zero, string>> = {
  request: 'from when the request was sent',
  reading: 'from when reading began, so the request was sent a little earlier',
  'first-chunk': 'from the first chunk: when the request was sent is not known, so these are not waiting times',
};

/** Prints the page of one stream. */
export function printPage(ink: Ink, stats: StreamStats, timeline: readonly EventCount[], isCapture: boolean): void {
  const { model, complete, timing } = stats;
  ink.write(clip(model ?? 'no model named', 60), 'bold');
  ink.write(` · ${counted(timing.events, 'event')} · ${counted(timing.bytes, 'byte')}`);
  if (timing.outputTokens !== undefined) ink.write(` · ${counted(timing.outputTokens, 'output token')}`);
  ink
    .write(' · ')
    .write(complete ? 'complete' : 'not complete', complete ? 'plain' : 'red')
    .write('\n');
  if (!timing.timed) {
    ink.write(
      `no times: ${isCapture ? 'this capture has none' : 'this is a saved body'}. \`ssemble record\` keeps them,`,
    );
    ink.write(' and a live stream on standard input has them.\n');
    return;
  }
  printClocks(ink, stats);
  printGaps(ink, timing);
  printFlow(ink, timing);
  printTimeline(ink, timing, timeline);
  printStalls(ink, timing);
  if (timing.backwards > 0) {
    ink.write(
      `note      ${counted(timing.backwards, 'chunk')} stamped earlier than the one before: read as not later\n`,
    );
  }
}

function printClocks(ink: Ink, { timing, zero }: StreamStats): void {
  ink.write(`\n${'clock'.padEnd(24)}${'ms'.padStart(9)}  also called\n`, 'dim');
  for (const clock of CLOCKS) {
    const { label, elsewhere } = CLOCK_NAMES[clock];
    const ms = timing.clocks[clock];
    ink.write(`${label.padEnd(24)}${(ms === undefined ? '-' : msText(ms)).padStart(9)}  `.trimEnd());
    if (elsewhere !== '') ink.write(`  ${elsewhere}`, 'dim');
    ink.write('\n');
  }
  if (zero !== undefined) ink.write(`times count ${ZERO_WORDS[zero]}\n`, 'dim');
}

function printGaps(ink: Ink, { gaps, contentGaps }: Timing): void {
  ink.write(`\n${'gaps in ms'.padEnd(24)}${['n', 'p50', 'p95', 'max'].map(cell).join('')}\n`, 'dim');
  printGap(ink, 'between chunks', gaps, '');
  printGap(ink, 'between content', contentGaps, CONTENT_GAP_NAME);
}

function printGap(ink: Ink, label: string, gaps: Gaps | undefined, elsewhere: string): void {
  const cells =
    gaps === undefined ? ['-'] : [groupDigits(gaps.count), msText(gaps.p50), msText(gaps.p95), msText(gaps.max)];
  ink.write(`${label.padEnd(24)}${cells.map(cell).join('')}`);
  if (elsewhere !== '') ink.write(`  ${elsewhere}`, 'dim');
  ink.write('\n');
}

function cell(text: string): string {
  return text.padStart(9);
}

function printFlow(ink: Ink, { chunks, events, mostEventsInChunk, tokensPerSecond, pings, comments }: Timing): void {
  const speed = tokensPerSecond === undefined ? 'not known' : `${decimal(tokensPerSecond)} output tokens a second`;
  ink.write(`\nspeed     ${speed}${tokensPerSecond === undefined ? '' : ', from first to last content'}\n`);
  const each = chunks === 0 ? '' : `, ${decimal(events / chunks)} events each, at most ${mostEventsInChunk}`;
  ink.write(`chunks    ${groupDigits(chunks)}${each}\n`);
  if (events > 8 && mostEventsInChunk === events) {
    ink.write('          all events came in one chunk: something collected the whole stream\n', 'yellow');
  }
  ink.write(`life      ${counted(pings, 'ping')}, ${counted(comments, 'comment')}\n`);
}

const BARS = ' ▁▂▃▄▅▆▇█';
const COLUMNS = 60;

/** How many events came in each sixtieth of the stream: the highest bar is the most, a blank is none. */
function printTimeline(ink: Ink, { clocks }: Timing, timeline: readonly EventCount[]): void {
  const end = Math.max(clocks.end ?? 0, timeline.at(-1)?.at ?? 0);
  if (timeline.length < 2 || end <= 0) return;
  const counts = Array.from({ length: COLUMNS }, () => 0);
  for (const { at, events } of timeline) {
    const column = Math.min(COLUMNS - 1, Math.floor((at / end) * COLUMNS));
    counts[column] = (counts[column] as number) + events;
  }
  const most = Math.max(...counts);
  const bars = counts.map((count) => BARS[Math.ceil((count / most) * (BARS.length - 1))]);
  ink.write(`timeline  |${bars.join('')}| 0 to ${msText(end)} ms; a column is ${msText(end / COLUMNS)} ms, `);
  ink.write(`the highest ${counted(most, 'event')}\n`);
}

const CAUSE_WORDS: Readonly<Record<StallCause, string>> = {
  'server-silent': 'server silent',
  'server-alive': 'server alive',
  'held-back': 'held back',
};
/** More are only counted. */
const MOST_STALLS = 20;

function printStalls(ink: Ink, { stalls }: Timing): void {
  ink.write(`stalls    ${stalls.length === 0 ? 'none' : groupDigits(stalls.length)}\n`);
  for (const stall of stalls.slice(0, MOST_STALLS)) {
    ink.write(`          ${msText(stall.ms)} ms after event ${stall.afterEvent}, at ${msText(stall.from)} ms: `);
    ink.write(CAUSE_WORDS[stall.cause], 'yellow').write(`: ${reasonOf(stall)}\n`);
  }
  if (stalls.length > MOST_STALLS) ink.write(`          … and ${groupDigits(stalls.length - MOST_STALLS)} more\n`);
}

function reasonOf({ cause, signs, eventsAfter, toolInputAfter }: Stall): string {
  if (cause === 'held-back') {
    const tool = toolInputAfter * 2 > eventsAfter;
    const who = tool
      ? 'mostly tool input, which the API itself collects unless fine-grained tool streaming is asked for'
      : 'so they waited somewhere: a buffering proxy';
    return `${counted(eventsAfter, 'event')} came at once after it, ${who}`;
  }
  const after = eventsAfter === 0 ? '; then the stream ended' : '';
  if (cause === 'server-silent') return `nothing came${after}`;
  return `no progress, but ${counted(signs, 'sign')} of life (pings, comments, empty deltas)${after}`;
}

const TABLE: readonly (readonly [Figure, string])[] = [
  ...CLOCKS.map((clock) => [clock, CLOCK_NAMES[clock].short] as const),
  ['contentGapP95', 'gap p95'],
  ['longestGap', 'longest'],
  ['tokensPerSecond', 'tok/s'],
];
const NAME_WIDTH = 34;
/** What a terminal without room for all columns does without, the first first. */
const LEAST_FIRST: readonly Figure[] = [
  'messageStart',
  'headers',
  'end',
  'firstByte',
  'lastContent',
  'contentGapP95',
  'firstVisibleText',
  'longestGap',
  'messageStop',
];
const SPACE = '  ';

/** Prints the table of many streams: a row for each model, p50/p95 in each cell. */
export function printTable(ink: Ink, rows: readonly Row[], noun: string): void {
  const there = TABLE.filter(([figure]) => rows.some(({ figures }) => figures[figure] !== undefined));
  const room = ink.sink.isTTY ? ink.width : Infinity;
  const dropped = new Set<Figure>();
  let columns = columnsOf(rows, noun, there);
  for (const figure of LEAST_FIRST) {
    if (widthOf(columns) <= room) break;
    dropped.add(figure);
    columns = columnsOf(
      rows,
      noun,
      there.filter(([name]) => !dropped.has(name)),
    );
  }
  const [head = [], ...body] = Array.from({ length: rows.length + 1 }, (_, i) =>
    columns.map((cells) => cells[i] ?? ''),
  );
  const widths = columns.map(widest);
  ink.write(line(head, widths), 'dim');
  for (const cells of body) ink.write(line(cells, widths));
  const missing = there.filter(([figure]) => dropped.has(figure)).map(([, name]) => name);
  if (missing.length > 0) ink.write(`no room for: ${missing.join(', ')}; --json has all\n`, 'dim');
  printFootnotes(ink, rows, there.length > 0);
}

/** Column by column, the title first. */
function columnsOf(rows: readonly Row[], noun: string, shown: typeof TABLE): string[][] {
  return [
    [noun, ...rows.map(({ name }) => clip(name === '' ? `(no ${noun})` : name, NAME_WIDTH))],
    ['streams', ...rows.map(({ streams }) => groupDigits(streams))],
    ['cut', ...rows.map(({ incomplete }) => groupDigits(incomplete))],
    ['stalls', ...rows.map(({ stalls }) => groupDigits(Object.values(stalls).reduce((sum, count) => sum + count, 0)))],
    ...shown.map(([figure, title]) => [title, ...rows.map(({ figures }) => spreadText(figure, figures[figure]))]),
  ];
}

function widest(cells: readonly string[]): number {
  return Math.max(...cells.map(textWidth));
}

function widthOf(columns: readonly string[][]): number {
  return columns.map(widest).reduce((sum, width) => sum + width + SPACE.length, -SPACE.length);
}

function line(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((text, k) => {
    const space = ' '.repeat(Math.max(0, (widths[k] as number) - textWidth(text)));
    return k === 0 ? text + space : space + text;
  });
  return `${padded.join(SPACE).trimEnd()}\n`;
}

function spreadText(figure: Figure, spread: Spread | undefined): string {
  if (spread === undefined) return '-';
  const show = figure === 'tokensPerSecond' ? decimal : seconds;
  return `${show(spread.p50)}/${show(spread.p95)}`;
}

function printFootnotes(ink: Ink, rows: readonly Row[], timed: boolean): void {
  const sum = (key: 'streams' | 'timed' | 'clockless'): number => rows.reduce((total, row) => total + row[key], 0);
  if (timed) ink.write('p50/p95 by nearest rank, times in seconds; cut: did not complete\n', 'dim');
  const stalls = (Object.keys(CAUSE_WORDS) as StallCause[])
    .map((cause) => [rows.reduce((total, row) => total + row.stalls[cause], 0), CAUSE_WORDS[cause]] as const)
    .filter(([count]) => count > 0)
    .sort(([a, x], [b, y]) => b - a || (x < y ? -1 : 1));
  if (stalls.length > 0) {
    ink.write(`stalls: ${stalls.map(([count, words]) => `${groupDigits(count)} ${words}`).join(', ')}\n`, 'dim');
  }
  const untimed = sum('streams') - sum('timed');
  if (untimed > 0) ink.write(`${counted(untimed, 'stream')} without times (saved bodies): counted, not timed\n`, 'dim');
  const clockless = sum('clockless');
  if (clockless > 0) {
    ink.write(`${counted(clockless, 'stream')} without the time of the request: only gaps and speed\n`, 'dim');
  }
}

/** Milliseconds: whole ones, from 10 on. */
function msText(ms: number): string {
  return ms < 10 ? String(Math.round(ms * 10) / 10) : groupDigits(Math.round(ms));
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function decimal(value: number): string {
  return value < 100 ? value.toFixed(1) : groupDigits(Math.round(value));
}
