/**
 * What property tests draw from. Each function takes the `fast-check` module that the test has, so this entry imports no
 * package: who does not test with properties need not install it, and who does gets no second copy of it.
 *
 * For the same reason nothing here names its types. What comes back has the shape of its `Arbitrary`, so `fc.property`,
 * `fc.array` and all others take it. What is drawn shrinks: to fewer cuts, fewer faults, shorter streams.
 */

import type { Message } from '../protocol/message.ts';
import { decodeUtf8, encodeUtf8 } from '../sse/utf8.ts';
import { eventSlices } from './borders.ts';
import { cutAt } from './chop.ts';
import { FAULTS, parseFault, type Fault, type FaultRule } from './fault-grammar.ts';

type AnyFunction = (...args: never[]) => unknown;

/** The parts of `fast-check` that are used. */
export interface FastCheck {
  nat: AnyFunction;
  boolean: AnyFunction;
  constantFrom: AnyFunction;
  array: AnyFunction;
  tuple: AnyFunction;
  string: AnyFunction;
  jsonValue: AnyFunction;
  oneof: AnyFunction;
}

/** An `Arbitrary` of `fast-check`, as far as it can be said without naming it; `never` stands for its own types. */
export interface ArbitraryLike<T> {
  generate(random: never, bias: number | undefined): ValueLike<T>;
  canShrinkWithoutContext(value: unknown): value is T;
  shrink(value: T, context: unknown): never;
  filter<U extends T>(refinement: (value: T) => value is U): ArbitraryLike<U>;
  filter(predicate: (value: T) => boolean): ArbitraryLike<T>;
  map<U>(mapper: (value: T) => U, unmapper?: (value: unknown) => T): ArbitraryLike<U>;
  chain<U>(chainer: (value: T) => Drawable<U>): ArbitraryLike<U>;
}

/** What `chain` may be given: an `Arbitrary` of `fast-check`, or one of these. */
export interface Drawable<T> {
  generate(random: never, bias: number | undefined): ValueLike<T>;
}

/** A drawn value of `fast-check`. */
export interface ValueLike<T> {
  readonly hasToBeCloned: boolean;
  readonly value: T;
  readonly value_: T;
  readonly context: unknown;
}

/** {@link FastCheck} with the types that its functions have, for use in this file. */
interface Toolkit {
  nat: (max: number) => ArbitraryLike<number>;
  boolean: () => ArbitraryLike<boolean>;
  constantFrom: <T>(...values: readonly T[]) => ArbitraryLike<T>;
  array: <T>(of: ArbitraryLike<T>, limits: { minLength?: number; maxLength: number }) => ArbitraryLike<T[]>;
  tuple: <T extends readonly unknown[]>(...of: { [K in keyof T]: ArbitraryLike<T[K]> }) => ArbitraryLike<T>;
  string: (limits: { unit: 'grapheme'; maxLength: number }) => ArbitraryLike<string>;
  jsonValue: (limits: { maxDepth: number }) => ArbitraryLike<unknown>;
  oneof: <T>(...of: readonly ArbitraryLike<T>[]) => ArbitraryLike<T>;
}

const toolkit = (fc: FastCheck): Toolkit => fc as unknown as Toolkit;

/**
 * Any way to cut the bytes: the chunks joined are the bytes. Empty chunks come too, as some networks give them.
 *
 * @example
 * import fc from 'fast-check';
 * import { chunkings } from 'ssemble/testing';
 *
 * const bytes = new Uint8Array([1, 2, 3]);
 * const whole = (chunks: Uint8Array[]): boolean => chunks.flatMap((chunk) => [...chunk]).join() === '1,2,3';
 * fc.check(fc.property(chunkings(fc, bytes), whole)).failed; // false
 */
export function chunkings(fc: FastCheck, bytes: Uint8Array): ArbitraryLike<Uint8Array[]> {
  const { array, nat, tuple } = toolkit(fc);
  const places = array(nat(bytes.length), { maxLength: 32 });
  return tuple<[number[], number[]]>(places, array(nat(32), { maxLength: 2 })).map(([cuts, empties]) => {
    const chunks = cutAt(
      bytes,
      [...cuts].sort((a, b) => a - b),
    );
    for (const at of empties) chunks.splice(at % (chunks.length + 1), 0, bytes.subarray(0, 0));
    return chunks;
  });
}

/**
 * Up to four faults that the stream can have, read and ready. Every kind comes, at event numbers, bytes and types that exist.
 *
 * @param kinds - only these. Default: all. Without `stall` nothing hangs.
 * @throws RangeError for a stream without two events: most faults have no place in it
 * @example
 * import fc from 'fast-check';
 * import { faults } from 'ssemble/testing';
 *
 * const body = 'data: {"type":"ping"}\n\n'.repeat(3);
 * const drops = fc.property(faults(fc, body, ['drop']), (list) => list.every((fault) => fault.kind === 'drop'));
 * fc.check(drops).failed; // false
 */
export function faults(
  fc: FastCheck,
  source: string | Uint8Array,
  kinds: readonly Fault['kind'][] = FAULTS.map(({ kind }) => kind),
): ArbitraryLike<Fault[]> {
  const { array, constantFrom, nat, tuple } = toolkit(fc);
  const bytes = typeof source === 'string' ? encodeUtf8(source) : source;
  const events = eventSlices(bytes).length;
  if (events < 2) throw new RangeError(`Cannot draw faults for a stream of ${events} events: it needs two at least`);
  const rules = FAULTS.filter(({ kind }) => kinds.includes(kind));
  const one = tuple<[FaultRule, number, number, number]>(constantFrom(...rules), nat(7), nat(bytes.length - 1), nat(7));
  return array(
    one.map(([rule, place, at, argument]) => parseFault(drawn(rule, place, at, argument, events))),
    { maxLength: 4 },
  );
}

function drawn(rule: FaultRule, place: number, at: number, argument: number, events: number): string {
  const places = rule.places.filter((one) => one !== 'type');
  const where = places[place % places.length];
  // The last event has none behind it to change places with.
  const number = 1 + (at % (rule.kind === 'swap' ? events - 1 : events));
  const spot = where === 'event' ? `event:${number}` : where === 'byte' ? `byte:${at}` : where;
  const choices = rule.arguments ?? [];
  const optional = rule.required === true ? choices : [undefined, ...choices];
  const chosen = optional[argument % optional.length];
  return chosen === undefined ? `${rule.kind}@${spot}` : `${rule.kind}@${spot}:${chosen}`;
}

/** A legal stream, and what it means. */
export interface DrawnStream {
  /** The body, as the API frames it. */
  bytes: Uint8Array;
  /** The body as text, for the message of a failed test. */
  text: string;
  /** The message that a reader must come to, key for key. */
  message: Message;
}

/**
 * Legal streams with their messages: up to five blocks of text, thinking, tool input, redacted thinking, in any number of
 * deltas; characters and JSON of every kind; pings and comments between; one or several `message_delta`.
 *
 * @example
 * import fc from 'fast-check';
 * import { parseMessage } from 'ssemble';
 * import { streams } from 'ssemble/testing';
 *
 * const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
 * const read = fc.property(streams(fc), ({ bytes, message }) => same(parseMessage(bytes).content, message.content));
 * fc.check(read).failed; // false
 */
export function streams(fc: FastCheck): ArbitraryLike<DrawnStream> {
  const { array, boolean, nat, tuple } = toolkit(fc);
  const blocks = array(anyBlock(toolkit(fc)), { maxLength: 5 });
  const usages = array(nat(9999), { minLength: 1, maxLength: 3 });
  const pauses = array(tuple<[number, boolean]>(nat(200), boolean()), { maxLength: 4 });
  return tuple<[DrawnBlock[], number[], [number, boolean][]]>(blocks, usages, pauses).map(
    ([drawnBlocks, tokens, breaks]) => {
      const { events, message } = wholeStream(drawnBlocks, tokens);
      const frames = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      for (const [at, isPing] of breaks)
        frames.splice(1 + (at % (frames.length - 1)), 0, isPing ? PING : ': alive\n\n');
      const bytes = encodeUtf8(frames.join(''));
      return { bytes, text: decodeUtf8(bytes), message };
    },
  );
}

const PING = 'event: ping\ndata: {"type": "ping"}\n\n';

interface DrawnBlock {
  start: object;
  deltas: readonly object[];
  block: { type: string };
}

function anyBlock(tools: Toolkit): ArbitraryLike<DrawnBlock> {
  const { array, constantFrom, jsonValue, nat, oneof, string, tuple } = tools;
  const piece = string({ unit: 'grapheme', maxLength: 8 });
  const pieces = array(piece, { maxLength: 6 });
  const text = pieces.map((texts) => grown({ type: 'text', text: '' }, 'text', texts, []));
  const thinking = tuple<[string[], string]>(pieces, piece).map(([texts, signature]) =>
    grown(
      { type: 'thinking', thinking: '', signature: '' },
      'thinking',
      texts,
      [{ type: 'signature_delta', signature }],
      { signature },
    ),
  );
  const redacted = piece.map((data): DrawnBlock => {
    const block = { type: 'redacted_thinking', data };
    return { start: block, deltas: [], block };
  });
  const fields = array(tuple<[string, unknown]>(piece, jsonValue({ maxDepth: 2 })), { maxLength: 3 });
  const tool = tuple<[string, [string, unknown][], number[]]>(
    constantFrom('tool_use', 'server_tool_use'),
    fields,
    array(nat(999), { maxLength: 5 }),
  ).map(([type, entries, cuts]) => toolBlock(type, entries, cuts));
  return oneof(text, thinking, tool, redacted);
}

function grown(
  start: { type: string; [key: string]: string },
  field: string,
  texts: readonly string[],
  last: readonly object[],
  more: object = {},
): DrawnBlock {
  const deltas = texts.map((text) => ({ type: `${field}_delta`, [field]: text }));
  return { start, deltas: [...deltas, ...last], block: { ...start, [field]: texts.join(''), ...more } };
}

/** Its input streams as JSON text, cut anywhere; as on real wires the first piece is empty. */
function toolBlock(
  type: string,
  entries: readonly (readonly [string, unknown])[],
  cuts: readonly number[],
): DrawnBlock {
  const json = JSON.stringify(Object.fromEntries(entries));
  const places = [0, ...cuts.map((cut) => cut % (json.length + 1)).sort((a, b) => a - b), json.length];
  const pieces = ['', ...places.slice(1).map((end, i) => json.slice(places[i], end))];
  const start = { type, id: 'toolu_1', name: 'lookup', input: {} };
  return {
    start,
    deltas: pieces.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
    // -0 and keys twice do not survive JSON: what came over the wire counts.
    block: { ...start, input: JSON.parse(json) as unknown } as { type: string },
  };
}

function wholeStream(
  blocks: readonly DrawnBlock[],
  tokens: readonly number[],
): { events: { type: string }[]; message: Message } {
  const begun = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-test', content: [] };
  const open = { ...begun, stop_reason: null, stop_sequence: null, usage: { input_tokens: 9, output_tokens: 1 } };
  const stop_reason = blocks.some(({ block }) => block.type === 'tool_use') ? 'tool_use' : 'end_turn';
  const events: { type: string }[] = [{ type: 'message_start', message: open } as { type: string }];
  blocks.forEach(({ start, deltas }, index) => {
    events.push({ type: 'content_block_start', index, content_block: start } as { type: string });
    for (const delta of deltas) events.push({ type: 'content_block_delta', index, delta } as { type: string });
    events.push({ type: 'content_block_stop', index } as { type: string });
  });
  tokens.forEach((output_tokens, i) => {
    const delta = i === tokens.length - 1 ? { stop_reason, stop_sequence: null } : {};
    events.push({ type: 'message_delta', delta, usage: { output_tokens } } as { type: string });
  });
  events.push({ type: 'message_stop' });
  const usage = { input_tokens: 9, output_tokens: tokens.at(-1) };
  const message = { ...open, content: blocks.map(({ block }) => block), stop_reason, usage };
  return { events, message: message as unknown as Message };
}
