/**
 * How a fault is written: `kind@place`, or `kind@place:argument`. What each kind takes is a table, which the parser, the help
 * and the fuzzers read.
 *
 * A place is a point of the stream as it was given, whatever other faults do: `event:5` is right before the fifth event (its
 * comments included), `byte:100` is behind a hundred bytes. So `cut@event:5` lets four events through.
 */

/** What can go wrong. */
export type FaultKind = 'cut' | 'reset' | 'stall' | 'drop' | 'dup' | 'swap' | 'corrupt' | 'insert';

/** Where it goes wrong: events are counted from 1, bytes from 0, the events of one type from 1. */
export type FaultPlace =
  | { at: 'event'; number: number }
  | { at: 'byte'; offset: number }
  | { at: 'type'; type: string; number: number }
  | { at: 'random' }
  | { at: 'end' };

/** What becomes of a corrupted byte; see {@link FAULTS}. */
export type Corruption = 'bit' | 'json' | 'utf8';

/** What can be inserted; see {@link FAULTS}. */
export type Insertion = 'error' | 'ping' | 'unknown' | 'comment' | 'done';

/** One thing that goes wrong, at one place. `text` is how it was written. */
export type Fault = { text: string; place: FaultPlace } & (
  | { kind: 'cut' | 'reset' | 'drop' | 'dup' | 'swap' }
  | { kind: 'stall'; ms: number | undefined }
  | { kind: 'corrupt'; how: Corruption }
  | { kind: 'insert'; what: Insertion }
);

/** What is to be said of a kind of fault. */
export interface FaultRule {
  kind: FaultKind;
  /** The places it takes. */
  places: readonly FaultPlace['at'][];
  /** The arguments it takes; the first is the default where one is not `required`. */
  arguments?: readonly string[];
  required?: true;
  /** What it does, in one line. */
  summary: string;
}

const ANYWHERE: readonly FaultPlace['at'][] = ['event', 'byte', 'type', 'random', 'end'];
const BETWEEN: readonly FaultPlace['at'][] = ['event', 'type', 'random', 'end'];
const EVENTS: readonly FaultPlace['at'][] = ['event', 'type', 'random'];

/**
 * Every kind of fault.
 *
 * @example
 * FAULTS.map(({ kind }) => kind); // ['cut', 'reset', 'stall', 'drop', 'dup', 'swap', 'corrupt', 'insert']
 */
export const FAULTS: readonly FaultRule[] = [
  { kind: 'cut', places: ANYWHERE, summary: 'the body ends here, plainly: no error, just no more' },
  { kind: 'reset', places: ANYWHERE, summary: 'the connection breaks here' },
  {
    kind: 'stall',
    places: ANYWHERE,
    arguments: ['30s'],
    summary: 'silence here, for so long (ms, s, m), and without a time for ever',
  },
  { kind: 'drop', places: EVENTS, summary: 'the event does not come' },
  { kind: 'dup', places: EVENTS, summary: 'the event comes twice' },
  { kind: 'swap', places: EVENTS, summary: 'the event and the next one change places' },
  {
    kind: 'corrupt',
    places: ['event', 'type', 'random', 'byte'],
    arguments: ['bit', 'json', 'utf8'],
    summary:
      'one byte of the data, by the seed, is damaged: one bit of it turned (the default, never into a line end); json: ' +
      'the first byte becomes `!`, so that it is no JSON; utf8: the byte becomes 0xff, so that it is no UTF-8',
  },
  {
    kind: 'insert',
    places: BETWEEN,
    arguments: ['error', 'ping', 'unknown', 'comment', 'done'],
    required: true,
    summary: 'an event more: overloaded_error, ping, one of an unknown type, a comment, or the foreign [DONE]',
  },
];

/**
 * Reads one fault.
 *
 * | place | where |
 * |---|---|
 * | `event:N` | right before event N, from 1; for `drop`, `dup`, `swap`, `corrupt` that event |
 * | `byte:N` | behind N bytes; for `corrupt` the byte at offset N |
 * | `type:NAME`, `type:NAME:K` | the first, or the K-th, event of that type |
 * | `random` | an event by the seed |
 * | `end` | behind everything |
 *
 * @throws RangeError that says what is wrong with it, and how it is written
 * @example
 * parseFault('cut@event:5').place; // { at: 'event', number: 5 }
 * parseFault('insert@type:content_block_stop:2:ping').place; // { at: 'type', type: 'content_block_stop', number: 2 }
 * const fault = parseFault('stall@event:3:1.5s');
 * fault.kind === 'stall' && fault.ms; // 1500
 */
export function parseFault(text: string): Fault {
  const [, kind = '', where] = /^([^@]*)(?:@(.*))?$/s.exec(text) ?? [];
  const rule = FAULTS.find((one) => one.kind === kind);
  if (rule === undefined)
    fail(text, `there is no fault "${kind}"; there are ${FAULTS.map((one) => one.kind).join(', ')}`);
  if (where === undefined || where === '') fail(text, `it needs a place, such as ${kind}@event:3`);
  const { place, rest } = parsePlace(text, where.split(':'));
  if (!rule.places.includes(place.at)) fail(text, `${kind} takes a place of ${rule.places.join(', ')}`);
  if (rest.length > 1) fail(text, `"${rest.slice(1).join(':')}" is too much`);
  return withArgument(text, rule, place, rest[0]);
}

/** Faults as one gives them: in words, or read already. */
export type FaultList = string | Fault | readonly (string | Fault)[];

/** A list of faults, all of them read. */
export function parseFaults(faults: FaultList): Fault[] {
  const list: readonly (string | Fault)[] = typeof faults === 'string' || 'kind' in faults ? [faults] : faults;
  return list.map((fault) => (typeof fault === 'string' ? parseFault(fault) : fault));
}

function parsePlace(text: string, [at, ...rest]: readonly string[]): { place: FaultPlace; rest: string[] } {
  switch (at) {
    case 'event': {
      const number = wholeNumber(text, 'event', rest[0], 1);
      return { place: { at, number }, rest: rest.slice(1) };
    }
    case 'byte': {
      const offset = wholeNumber(text, 'byte', rest[0], 0);
      return { place: { at, offset }, rest: rest.slice(1) };
    }
    case 'type': {
      const [type = '', nth] = rest;
      if (type === '') fail(text, 'the type is missing: write it as type:content_block_stop');
      // An argument is never all digits, so digits are the number of the event.
      if (nth === undefined || !/^\d+$/.test(nth)) return { place: { at, type, number: 1 }, rest: rest.slice(1) };
      return { place: { at, type, number: wholeNumber(text, 'type', nth, 1) }, rest: rest.slice(2) };
    }
    case 'random':
    case 'end':
      return { place: { at }, rest };
    default:
      return fail(text, `"${at}" is no place; there are event:N, byte:N, type:NAME, type:NAME:K, random, end`);
  }
}

function withArgument(text: string, rule: FaultRule, place: FaultPlace, argument: string | undefined): Fault {
  const { kind } = rule;
  const choices = rule.arguments ?? [];
  if (kind === 'stall')
    return { text, place, kind, ms: argument === undefined ? undefined : milliseconds(text, argument) };
  if (argument === undefined && rule.required === true)
    fail(text, `${kind} needs one of ${choices.join(', ')} behind the place`);
  if (argument !== undefined && !choices.includes(argument)) {
    const known = choices.length === 0 ? 'nothing more' : `one of ${choices.join(', ')}`;
    fail(text, `${kind} takes ${known} behind the place, not "${argument}"`);
  }
  if (kind === 'corrupt') return { text, place, kind, how: (argument ?? choices[0]) as Corruption };
  if (kind === 'insert') return { text, place, kind, what: argument as Insertion };
  return { text, place, kind };
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

function milliseconds(text: string, time: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(time) ?? [];
  if (number === undefined) fail(text, `"${time}" is no time: write it with its unit, such as 500ms, 30s, 2m`);
  const ms = Number(number) * (UNITS[unit] as number);
  return Number.isFinite(ms) ? ms : fail(text, `"${time}" is no time: it is beyond all numbers`);
}

function wholeNumber(text: string, what: string, digits: string | undefined, least: number): number {
  const value = digits !== undefined && /^\d+$/.test(digits) ? Number(digits) : NaN;
  if (Number.isSafeInteger(value) && value >= least) return value;
  return fail(
    text,
    `${what} needs a whole number from ${least} up, such as ${what === 'type' ? 'type:ping:2' : `${what}:3`}`,
  );
}

function fail(text: string, why: string): never {
  throw new RangeError(`Cannot read the fault "${text}": ${why}`);
}
