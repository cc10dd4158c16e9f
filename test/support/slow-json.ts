/**
 * JSON, slowly: independent answers to what `PartialJson` does in one pass.
 *
 * `isJsonPrefix` tries to complete a text and asks `JSON.parse`; `readSlowly` is a recursive descent over a whole prefix.
 * Both share nothing with the state machine, and both may cost what they like.
 */

import type { JsonValue } from '../../src/json/index.ts';

type Key = string | number;

/** Whether some text that begins like this is JSON. Sound, as `JSON.parse` says so; complete, as every way to go on is tried. */
export function isJsonPrefix(text: string): boolean {
  const closers = closersOf(text);
  return endings.some((ending) => isJson(text + ending + closers));
}

/** Whether `JSON.parse` accepts the text. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The first offset at which the text is no prefix of any JSON text; its length if it is one but not whole; else `undefined`. */
export function firstBadOffset(text: string): number | undefined {
  if (isJson(text)) return undefined;
  for (let length = 1; length <= text.length; length++) {
    if (!isJsonPrefix(text.slice(0, length))) return length - 1;
  }
  return text.length;
}

/** What may stand between any prefix and its closing brackets: the rest of a string or escape, of a literal, a number, a member. */
const endings: readonly string[] = (() => {
  const rests = ['', '"', 'n"', '0000"', '000"', '00"', '0"'];
  const literals = ['rue', 'ue', 'e', 'alse', 'lse', 'se', 'ull', 'll', 'l'];
  return [...rests, ...rests.map((rest) => `${rest}:0`), ...literals, '0', '"":0'];
})();

/** The brackets that are open outside of strings, innermost first. */
function closersOf(text: string): string {
  const closers: string[] = [];
  for (const token of text.match(/"(?:[^"\\]|\\[^])*(?:"|\\?$)|[[\]{}]/g) ?? []) {
    if (token === '[') closers.unshift(']');
    else if (token === '{') closers.unshift('}');
    else if (token === ']' || token === '}') closers.shift();
  }
  return closers.join('');
}

/** What a prefix shows, and the keys that lead from the root to the innermost open container. */
export interface SlowReading {
  /** `undefined` while nothing may be seen. */
  value: JsonValue | undefined;
  /** One key for each open container but the root; `undefined` if none is open. */
  open: readonly Key[] | undefined;
}

/** Reads a prefix of a JSON text, anew. The text must be one: see {@link isJsonPrefix}. */
export function readSlowly(text: string): SlowReading {
  const reader = new SlowReader(text);
  const value = reader.value('');
  return { value, open: reader.open.length === 0 ? undefined : reader.open.slice(1) };
}

class SlowReader {
  readonly open: Key[] = [];
  #rest: string;

  constructor(text: string) {
    this.#rest = text;
  }

  value(key: Key): JsonValue | undefined {
    this.#skip(/^[ \n\r\t]*/);
    if (this.#rest.startsWith('{')) return this.#object(key);
    if (this.#rest.startsWith('[')) return this.#array(key);
    if (this.#rest.startsWith('"')) return this.#string().text;
    for (const literal of [true, false, null]) {
      if (this.#rest.startsWith(String(literal))) {
        this.#skip(/^[a-z]+/);
        return literal;
      }
    }
    const number = this.#skip(/^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/);
    return number === '' ? undefined : Number(number);
  }

  #skip(pattern: RegExp): string {
    const found = pattern.exec(this.#rest)?.[0] ?? '';
    this.#rest = this.#rest.slice(found.length);
    return found;
  }

  #string(): { text: string; ended: boolean } {
    const [, body = '', end] = /^"((?:[^"\\]|\\(?:u[0-9a-fA-F]{4}|[^u]))*)("?)/.exec(this.#rest) ?? [];
    // What follows the body of an unfinished string is half an escape.
    this.#rest = end === '"' ? this.#rest.slice(body.length + 2) : '';
    const text = JSON.parse(`"${body}"`) as string;
    return end === '"' ? { text, ended: true } : { text: text.replace(/[\ud800-\udbff]$/, ''), ended: false };
  }

  #array(key: Key): JsonValue {
    const array: JsonValue[] = [];
    this.#rest = this.#rest.slice(1);
    this.open.push(key);
    for (;;) {
      this.#skip(/^[ \n\r\t,]*/);
      if (this.#closed(']')) return array;
      const item = this.value(array.length);
      if (item === undefined) return array;
      array.push(item);
    }
  }

  #object(key: Key): JsonValue {
    const entries: { [name: string]: JsonValue } = {};
    this.#rest = this.#rest.slice(1);
    this.open.push(key);
    for (;;) {
      this.#skip(/^[ \n\r\t,]*/);
      if (this.#closed('}')) return entries;
      if (this.#rest === '') return entries;
      const name = this.#string();
      this.#skip(/^[ \n\r\t]*:/);
      const member = name.ended ? this.value(name.text) : undefined;
      if (member === undefined) return entries;
      Object.defineProperty(entries, name.text, {
        value: member,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
  }

  #closed(bracket: string): boolean {
    if (!this.#rest.startsWith(bracket)) return false;
    this.#rest = this.#rest.slice(1);
    this.open.pop();
    return true;
  }
}

/**
 * Whether `part` may be shown on the way to `whole`: strings and arrays that begin so, objects with some of the keys, of
 * which at most one is still unfinished. Numbers on the way to another only need its sign: their digits are not in the
 * value, so that {@link readSlowly} has to judge them.
 */
export function isPrefixOf(part: JsonValue | undefined, whole: JsonValue): boolean {
  if (part === undefined) return true;
  if (typeof part === 'string') return typeof whole === 'string' && whole.startsWith(part);
  if (typeof part === 'number') return typeof whole === 'number' && isNegative(part) === isNegative(whole);
  if (part === null || typeof part !== 'object') return part === whole;
  if (whole === null || typeof whole !== 'object' || Array.isArray(part) !== Array.isArray(whole)) return false;
  const wholeEntries = new Map(Object.entries(whole));
  const pairs = Object.entries(part).map(([key, value]) => [value, wholeEntries.get(key)] as const);
  if (Array.isArray(whole) && pairs.length > whole.length) return false;
  const unfinished = pairs.filter(([value, final]) => final === undefined || !isSame(value, final));
  const [first] = unfinished;
  if (first === undefined) return true;
  if (unfinished.length > 1 || first[1] === undefined) return false;
  return isPrefixOf(first[0], first[1]) && (!Array.isArray(part) || first === pairs.at(-1));
}

function isNegative(number: number): boolean {
  return number < 0 || Object.is(number, -0);
}

/** Whether two values are the same to the last bit: own keys and their order, the sign of zero, each code unit. */
export function isSame(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return Object.is(a, b);
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const [as, bs] = [Object.entries(a), Object.entries(b)];
  return as.length === bs.length && as.every(([key, value], i) => key === bs[i]?.[0] && isSame(value, bs[i]?.[1]));
}
