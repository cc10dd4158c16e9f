/**
 * Events → units: what two streams are compared by.
 *
 * How text is cut into deltas is the server's mood, and differs between two runs of the same request. So, unless the cuts are
 * asked for, neighbouring deltas of one block and one type are one unit with the whole text; empty ones are none; and tool
 * input that is whole JSON is compared as a value. A ping between two deltas does not part them.
 */

import { DELTA_TEXT, isObject, type Wire } from '../protocol/decode.ts';
import type { StreamEvent } from '../protocol/events.ts';
import { type Asked, bounded, comparable, keyOf } from './aspects.ts';
import type { Entry } from './align.ts';

/** An event of one side, and where and when it came. */
export interface PlacedEvent {
  event: StreamEvent;
  /** From 1. */
  number: number;
  /** Microseconds; `undefined` where there are no times. */
  us: number | undefined;
}

/** One event, or several deltas as one. */
export interface Unit extends Entry {
  /** Numbers of its first and last event. */
  first: number;
  last: number;
  /** When those came, in microseconds. */
  from: number | undefined;
  to: number | undefined;
  /** Such as `content_block_delta text_delta`. */
  kind: string;
  /** What is compared. The key leaves the block's index out: a block more at the front must not make all others differ. */
  value: unknown;
  /** The block's index. */
  index: unknown;
}

/** Deltas that are joined. A signature replaces the one before it, so joining would make one that never came. */
const JOINED: ReadonlySet<string> = new Set([
  'text_delta',
  'thinking_delta',
  'input_json_delta',
  'connector_text_delta',
]);

/** Deltas of one block and type that follow each other. */
interface Run {
  first: PlacedEvent;
  last: PlacedEvent;
  type: string;
  index: unknown;
  pieces: string[];
  tokens: number | undefined;
  /** Its place among the units. */
  at: number;
}

/** The units of a stream, in order. */
export function unitsOf(events: Iterable<PlacedEvent>, asked: Asked): Unit[] {
  const units: Unit[] = [];
  let run: Run | undefined;
  const close = (): void => {
    if (run !== undefined) units[run.at] = unitOf(joinedDelta(run), run.first, run.last, asked);
    run = undefined;
  };
  for (const placed of events) {
    const { event } = placed;
    if (event.type === 'ping') {
      if (asked.pings) units.push(unitOf(event, placed, placed, asked));
      continue;
    }
    const piece = asked.chunking ? undefined : pieceOf(event);
    if (piece === undefined) {
      close();
      units.push(unitOf(event, placed, placed, asked));
    } else if (run !== undefined && run.type === piece.type && run.index === piece.index) {
      run.last = placed;
      run.pieces.push(piece.text);
      run.tokens = sum(run.tokens, piece.tokens);
    } else if (piece.text !== '' || (asked.usage && piece.tokens !== undefined)) {
      close();
      const { type, index, text, tokens } = piece;
      run = { first: placed, last: placed, type, index, pieces: [text], tokens, at: units.length };
      // Keeps its place before a ping that comes while it grows.
      units.push(unitOf(event, placed, placed, asked));
    }
  }
  close();
  return units;
}

interface Piece {
  type: string;
  index: unknown;
  text: string;
  tokens: number | undefined;
}

/** The text of a delta that may be joined; `undefined` for any other event, and for deltas with keys of their own. */
function pieceOf(event: StreamEvent): Piece | undefined {
  if (event.type !== 'content_block_delta') return undefined;
  const { type, ...rest } = event.delta as unknown as Wire;
  if (typeof type !== 'string' || !JOINED.has(type)) return undefined;
  const field = DELTA_TEXT[type] as string;
  const { [field]: text = '', estimated_tokens: tokens, ...others } = rest;
  if (Object.keys(others).length > 0 || Object.keys(event).length > 3) return undefined;
  if (text !== null && typeof text !== 'string') return undefined;
  return { type, index: event.index, text: text ?? '', tokens: typeof tokens === 'number' ? tokens : undefined };
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : a + b;
}

function joinedDelta({ type, index, pieces, tokens }: Run): Wire {
  const text = pieces.join('');
  const counted = tokens === undefined ? {} : { estimated_tokens: tokens };
  const value = type === 'input_json_delta' ? inputOf(text) : text;
  return { type: 'content_block_delta', index, delta: { type, [DELTA_TEXT[type] as string]: value, ...counted } };
}

/** Numbers that a double cannot tell apart must not become equal. */
const LONG_NUMBER = /\d{16}/;

/** The value of the tool input, if its text is whole JSON; else the text. */
function inputOf(text: string): unknown {
  if (LONG_NUMBER.test(text)) return text;
  try {
    return bounded(JSON.parse(text));
  } catch {
    return text;
  }
}

function unitOf(event: StreamEvent | Wire, first: PlacedEvent, last: PlacedEvent, asked: Asked): Unit {
  const value = valueOf(event, asked);
  return {
    first: first.number,
    last: last.number,
    from: first.us,
    to: last.us,
    kind: kindOf(event as Wire),
    value,
    index: (value as Wire)['index'],
    key: keyOf(Object.fromEntries(Object.entries(value as Wire).filter(([key]) => key !== 'index'))),
  };
}

/** What is compared of an event: of one that nobody could read, what came. */
function valueOf(event: StreamEvent | Wire, asked: Asked): unknown {
  const wire = event as Wire;
  if (wire['type'] !== 'unknown') return comparable(wire, asked, false);
  if (wire['wire'] === undefined) return { type: 'unknown', reason: wire['reason'], raw: wire['raw'] };
  return { type: 'unknown', reason: wire['reason'], wire: comparable(wire['wire'], asked, false) };
}

function kindOf(event: Wire): string {
  const inner = [event['delta'], event['content_block'], event['error'], event['wire']].find(isObject);
  const type = inner?.['type'];
  return typeof type === 'string' ? `${String(event['type'])} ${type}` : String(event['type']);
}
