/**
 * The grammar of JSON (RFC 8259) as data: what may come in each state of the reader, and where it leads.
 *
 * The states are separate constants in a module of their own, so that a bundler writes the numbers in their place.
 */

// The states. Their order matters: they index the tables below, and ranges of them are compared.
export const VALUE = 0; // a value must come
export const FIRST_ITEM = 1; // after `[`
export const FIRST_KEY = 2; // after `{`
const KEY = 3; // after `,` in an object
export const COLON = 4; // after a key
export const AFTER_ITEM = 5; // after a value in an array
export const AFTER_MEMBER = 6; // after a value in an object
export const DONE = 7; // after the whole value: only white space may come
export const STRING = 8; // in a string or key
export const ESCAPE = 9; // in it, after a backslash
export const HEX = 10; // in it, after `\u`
export const LITERAL = 11; // in `true`, `false` or `null`
// Numbers that may end here.
export const ZERO = 12; // after a leading 0
const INTEGER = 13;
const FRACTION = 14;
const EXPONENT = 15;
// Numbers that need a digit.
export const MINUS = 16;
const POINT = 17;
const E = 18;
const E_SIGN = 19;
export const START = 20; // before the first character of a number

/** What each state waits for, as an error says it; the states that are not here wait for a digit. */
export const EXPECTED: readonly string[] = [
  'a value',
  'a value or ]',
  '" or }',
  '"',
  ':',
  ', or ]',
  ', or }',
  'white space',
  'a character',
  'an escape',
  'a hex digit',
];

/** The one character code, but a value's first, that leads on from a state up to DONE. */
export const WANTED: readonly number[] = [-1, -1, 0x22, 0x22, 0x3a, 0x2c, 0x2c, -1];

/** The bracket that closes the container in a state up to DONE. */
export const CLOSER: readonly number[] = [-1, 0x5d, 0x7d, -1, -1, 0x5d, 0x7d, -1];

/** Where the wanted character leads, from FIRST_KEY to AFTER_MEMBER. */
export const NEXT: readonly number[] = [VALUE, VALUE, STRING, STRING, VALUE, VALUE, KEY];

/** The characters that may follow a backslash, but `u`, and what each stands for, at the same index. */
export const ESCAPED = '"\\/bfnrt';
export const MEANT = '"\\/\b\f\n\r\t';

export const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** The state of a number after one more character, or -1 if that is no part of it. RFC 8259 §6. */
export function advanceNumber(state: number, code: number): number {
  if (isDigit(code)) {
    if (state === MINUS || state === START) return code === 0x30 ? ZERO : INTEGER;
    if (state === ZERO) return -1;
    if (state === POINT) return FRACTION;
    return state < MINUS ? state : EXPONENT;
  }
  if (state === START) return MINUS;
  if (state > FRACTION) return state === E && (code === 0x2b || code === 0x2d) ? E_SIGN : -1;
  if ((code | 0x20) === 0x65) return E;
  return code === 0x2e && state < FRACTION ? POINT : -1;
}
