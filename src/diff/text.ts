/** A `StreamDiff` as lines to read, in the manner of `git diff`: plain, or in pieces that a terminal can colour. */

import type { DiffedEvent, DiffSide, EventDifference, StreamDiff } from './diff.ts';
import type { ValueDifference } from './values.ts';
import { type Stretch, wordDifferences } from './words.ts';

/** A piece of a line, and what it is. `word-a` and `word-b` are the words that changed. */
export interface DiffSpan {
  text: string;
  tone: 'plain' | 'head' | 'dim' | 'a' | 'b' | 'word-a' | 'word-b';
}

/** What {@link diffLines} may be told. */
export interface DiffTextOptions {
  /** What the two are called. Default: `a` and `b`. */
  names?: readonly [a: string, b: string] | undefined;
  /** How many differences are shown, of events and of messages each. Default 100; the rest is counted. */
  most?: number | undefined;
  /** How many UTF-16 units of unchanged text stand around a change. Default 40. */
  context?: number | undefined;
}

const MOST = 100;
/** So many paths of messages are named where the events have told it all. */
const MOST_PATHS = 20;
const CONTEXT = 40;
/** A longer value or changed piece of text is shown by its beginning. */
const LONGEST = 600;

/** The lines, each in its pieces. Nothing in them was escaped for a terminal but line feeds, which are `\n`. */
export function diffLines(diff: StreamDiff, options: DiffTextOptions = {}): DiffSpan[][] {
  const { names = ['a', 'b'], most = MOST, context = CONTEXT } = options;
  if (diff.same) return [[span(sameWords(diff, names))]];
  const lines: DiffSpan[][] = [
    [span(`--- ${names[0]}`, 'a'), span(`  ${sideWords(diff.a)}`, 'dim')],
    [span(`+++ ${names[1]}`, 'b'), span(`  ${sideWords(diff.b)}`, 'dim')],
  ];
  if (diff.ignored.length > 0) lines.push([span(`    not compared: ${diff.ignored.join(', ')}`, 'dim')]);
  for (const found of diff.events.slice(0, most)) lines.push(...eventLines(found, context));
  lines.push(...restLine(diff.events.length - most));
  lines.push(...messageLines(diff, most, context));
  lines.push([span(summaryOf(diff), 'head')]);
  return lines;
}

/** The whole difference as plain text; changed words stand in `[-…-]` and `{+…+}`. No line feed at the end. */
export function formatDiff(diff: StreamDiff, options: DiffTextOptions = {}): string {
  return diffLines(diff, options)
    .map((line) => line.map(markedText).join(''))
    .join('\n');
}

/** The text of a piece with its marks. */
export function markedText({ text, tone }: DiffSpan): string {
  if (tone === 'word-a') return `[-${text}-]`;
  return tone === 'word-b' ? `{+${text}+}` : text;
}

function span(text: string, tone: DiffSpan['tone'] = 'plain'): DiffSpan {
  return { text, tone };
}

function sameWords({ a, b, ignored }: StreamDiff, [nameA, nameB]: readonly [string, string]): string {
  const left = ignored.length === 0 ? '' : `; not compared: ${ignored.join(', ')}`;
  if (a.events === 0 && b.events === 0) return `same, but there are no events in either: ${nameA} and ${nameB}`;
  return `same: ${nameA} (${sideWords(a)}) and ${nameB} (${sideWords(b)})${left}`;
}

function sideWords({ events, messages, model, status }: DiffSide): string {
  const counts = events === undefined ? 'not streamed' : counted(events, 'event');
  const several = messages > 1 ? [counted(messages, 'message')] : [];
  return [...(model === undefined ? [] : [model]), counts, ...several, ...(status === 'message' ? [] : [status])].join(
    ', ',
  );
}

function counted(count: number, noun: string): string {
  return `${String(count).replace(/\B(?=(\d{3})+$)/g, ',')} ${noun}${count === 1 ? '' : 's'}`;
}

function restLine(rest: number): DiffSpan[][] {
  return rest > 0 ? [[span(`… and ${counted(rest, 'more difference')}`, 'dim')]] : [];
}

/** The head of one difference: which events, by number. */
function eventLines(found: EventDifference, context: number): DiffSpan[][] {
  const { a, b } = found;
  const where = [a && `-${numbers(a)}`, b && `+${numbers(b)}`].filter((words) => words !== undefined).join(' ');
  const head = [span(`@@ ${where} @@ `, 'head'), span(`${found.event}${indexWords(a ?? b)}`, 'head')];
  if (found.kind === 'changed') {
    const alone = found.values.length === 1 && WHOLE_DELTA.has(found.values[0]?.path ?? '');
    return [head, ...found.values.flatMap((value) => valueLines(value, context, !alone))];
  }
  const tone = found.kind === 'removed' ? 'a' : 'b';
  return [head, [span(`${SIGN[tone]} ${cut(valueWords((a ?? b)?.value))}`, tone)]];
}

/** The paths that the head of a joined delta has said already. */
const WHOLE_DELTA: ReadonlySet<string> = new Set([
  'delta.text',
  'delta.thinking',
  'delta.partial_json',
  'delta.connector_text',
]);

const SIGN = { a: '-', b: '+' } as const;

function numbers({ first, last }: DiffedEvent): string {
  return first === last ? String(first) : `${first}..${last}`;
}

function indexWords(event: DiffedEvent | undefined): string {
  const index = (event?.value as { index?: unknown } | undefined)?.index;
  return typeof index === 'number' ? `, block ${index}` : '';
}

/** What is compared then are messages that were not streamed, or bodies that are no streams. */
function isWithoutEvents({ compared, a, b }: StreamDiff): boolean {
  return compared === 'messages' || (a.events === 0 && b.events === 0);
}

/** In a stream what the messages differ in mostly follows from its events: then the paths are enough. */
function messageLines(diff: StreamDiff, most: number, context: number): DiffSpan[][] {
  const { messages } = diff;
  if (messages.length === 0) return [];
  if (!isWithoutEvents(diff)) {
    const shown = messages.slice(0, Math.min(most, MOST_PATHS));
    const paths = shown.map(({ path, kind }) => (kind === 'changed' ? path : `${path} (${kind})`));
    const rest = messages.length > shown.length ? `, and ${counted(messages.length - shown.length, 'more place')}` : '';
    return [[span('the messages differ at: ', 'head'), span(`${paths.join(', ')}${rest}`)]];
  }
  const lines = messages.slice(0, most).flatMap((value) => valueLines(value, context, true));
  return [...lines, ...restLine(messages.length - most)];
}

/** The path, if it says something, and the value on either side. */
function valueLines(found: ValueDifference, context: number, named: boolean): DiffSpan[][] {
  const { kind, path, a, b } = found;
  const head = named ? [[span(`  ${path === '' ? '(all of it)' : path}`, 'head')]] : [];
  if (kind === 'added') return [...head, [span(`+ ${cut(valueWords(b))}`, 'b')]];
  if (kind === 'removed') return [...head, [span(`- ${cut(valueWords(a))}`, 'a')]];
  // In what is no prose, such as a model's name, changed words only confuse.
  if (typeof a !== 'string' || typeof b !== 'string' || !/\s/.test(a) || !/\s/.test(b)) {
    return [...head, [span(`- ${cut(valueWords(a))}`, 'a')], [span(`+ ${cut(valueWords(b))}`, 'b')]];
  }
  const stretches = wordDifferences(a, b);
  return [
    ...head,
    [span('- ', 'a'), ...sideSpans(stretches, 'a', context)],
    [span('+ ', 'b'), ...sideSpans(stretches, 'b', context)],
  ];
}

/** What one side has of a text, unchanged stretches shortened to what stands next to a change. */
function sideSpans(stretches: readonly Stretch[], side: 'a' | 'b', context: number): DiffSpan[] {
  const spans = stretches.flatMap((stretch, i): DiffSpan[] => {
    if (stretch.in === side) return [span(cut(escaped(stretch.text)), `word-${side}`)];
    if (stretch.in !== 'both') return [];
    return [span(escaped(shortened(stretch.text, i === 0, i === stretches.length - 1, context)))];
  });
  return spans.length === 0 ? [span('(empty)', 'dim')] : spans;
}

function shortened(text: string, first: boolean, last: boolean, context: number): string {
  const [before, after] = [first ? 0 : context, last ? 0 : context];
  // The ellipsis must save something.
  if (text.length <= before + after + 10) return text;
  return `${text.slice(0, before)}…${after === 0 ? '' : text.slice(-after)}`;
}

function escaped(text: string): string {
  return text.replaceAll('\n', '\\n');
}

function valueWords(value: unknown): string {
  return typeof value === 'string' ? escaped(value) : (JSON.stringify(value) ?? 'nothing');
}

function cut(text: string): string {
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, LONGEST)}… (${counted(text.length - LONGEST, 'character')} more)`;
}

function summaryOf(diff: StreamDiff): string {
  const { compared, events, messages } = diff;
  if (compared === 'events' && isWithoutEvents(diff)) {
    return `${counted(messages.length, 'difference')}, and no events in either`;
  }
  const kinds = ['changed', 'removed', 'added'] as const;
  const counts = kinds.flatMap((kind) => {
    const count = events.filter((found) => found.kind === kind).length;
    return count === 0 ? [] : [`${counted(count, 'event')} ${kind}`];
  });
  if (messages.length > 0) counts.push(`${counted(messages.length, 'difference')} in the messages`);
  return counts.join(', ');
}
