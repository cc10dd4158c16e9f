/** `PartialJson`: its numbered promises as properties, and what it accepts and refuses as tables. */

import { buildSync } from 'esbuild';
import fc from 'fast-check';
import { setFlagsFromString } from 'node:v8';
import { createContext, runInNewContext, runInContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { PartialJson, type JsonError, type JsonValue } from '../src/json/index.ts';
import { RUNS, cutAt, forEveryChunking, pieces } from './support/chunkings.ts';
import { ACCEPTED, REFUSED } from './support/json-table.ts';
import { brokenText, jsonText, jsonTextUniqueKeys } from './support/json-texts.ts';
import { firstBadOffset, isJson, isJsonPrefix, isPrefixOf, isSame, readSlowly } from './support/slow-json.ts';

interface State {
  value: JsonValue | undefined;
  complete: boolean;
  error: JsonError | undefined;
}

const stateOf = ({ value, complete, error }: PartialJson): State => ({ value, complete, error });

function pushAll(chunks: readonly string[], maxDepth?: number): PartialJson {
  const json = new PartialJson(maxDepth === undefined ? {} : { maxDepth });
  for (const chunk of chunks) json.push(chunk);
  return json;
}

function readAll(chunks: readonly string[], maxDepth?: number): State {
  const json = pushAll(chunks, maxDepth);
  json.end();
  return stateOf(json);
}

function expectSame(actual: JsonValue | undefined, wanted: JsonValue | undefined, label: string): void {
  if (!isSame(actual, wanted)) throw new Error(`${label}: ${inspect(actual)} is not ${inspect(wanted)}`);
}

function inspect(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

/** Every prefix, the empty and the whole one too. */
function prefixes(text: string): string[] {
  return Array.from({ length: text.length + 1 }, (_, length) => text.slice(0, length));
}

const few = { numRuns: 100 * RUNS };
const many = { numRuns: 300 * RUNS };
const anyText = fc.oneof(jsonText, brokenText);
const cuts = fc.array(fc.nat(200), { maxLength: 12 });

/** The text cut at those places that lie in it. */
const cutInside = (text: string, places: readonly number[]): string[] =>
  cutAt(
    text,
    places.filter((place) => place <= text.length),
  );

describe('the promises', { timeout: 30_000 * RUNS }, () => {
  test('the generators reach what the promises speak of', () => {
    const valid = fc.sample(jsonText, { seed: 7, numRuns: 1000 });
    const broken = fc.sample(brokenText, { seed: 7, numRuns: 1000 });
    expect(valid.every(isJson)).toBe(true);
    const reached = {
      nested: valid.filter((text) => /[[{][^"]*[[{][^"]*[[{]/.test(text)).length,
      repeatedKeys: valid.filter((text) => /"a"\s*:[^{}]*,\s*"(?:a|\\u0061)"\s*:/.test(text)).length,
      proto: valid.filter((text) => text.includes('"__proto__"')).length,
      exponents: valid.filter((text) => /\de[+-]?\d/i.test(text)).length,
      surrogateEscapes: valid.filter((text) => text.includes('\\ud83d')).length,
      rawHalves: valid.filter((text) => /\p{Surrogate}/u.test(text)).length,
      rejected: broken.filter((text) => !isJson(text)).length,
      brokenInside: broken.filter((text) => !isJsonPrefix(text)).length,
      stillJson: broken.filter(isJson).length,
    };
    for (const [what, count] of Object.entries(reached)) expect(count, what).toBeGreaterThan(25);
  });

  test('promise 1: same as JSON.parse', () => {
    fc.assert(
      fc.property(anyText, cuts, (text, places) => {
        const { value, complete, error } = readAll(cutInside(text, places));
        expect(error === undefined, error?.message).toBe(isJson(text));
        expect(complete).toBe(isJson(text));
        if (complete) expectSame(value, JSON.parse(text) as JsonValue, 'the whole text');
      }),
      { numRuns: 1000 * RUNS },
    );
  });

  test('promise 2: chunking is invisible', () => {
    fc.assert(fc.property(anyText, expectSameAtEveryCut), few);
  });

  test('promise 3: a prefix shows a prefix', () => {
    fc.assert(
      fc.property(jsonTextUniqueKeys, (text) => {
        const whole = JSON.parse(text) as JsonValue;
        for (const prefix of prefixes(text)) {
          const { value } = pushAll([prefix]);
          if (!isPrefixOf(value, whole)) throw new Error(`${prefix} shows ${inspect(value)}, of ${inspect(whole)}`);
        }
      }),
      many,
    );
  });

  test('promise 4: early', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        for (const prefix of prefixes(text)) expectSame(pushAll([prefix]).value, readSlowly(prefix).value, prefix);
      }),
      many,
    );
  });

  test('promise 5: finished is final', () => {
    fc.assert(
      fc.property(jsonTextUniqueKeys, (text) => {
        const json = new PartialJson();
        const seen = new Map<string, JsonValue>();
        for (const prefix of prefixes(text).slice(1)) {
          json.push(prefix.slice(-1));
          freezeFinished(json.value, readSlowly(prefix).open, '', seen);
        }
        json.end();
        expect(json.error).toBeUndefined();
        for (const [path, container] of seen) expect(valueAt(json.value, path) === container, path).toBe(true);
      }),
      many,
    );
  });

  test('promise 6: live', () => {
    fc.assert(
      fc.property(jsonTextUniqueKeys, (text) => {
        const json = new PartialJson();
        const seen = new Map<string, JsonValue>();
        for (const char of text.split('')) {
          json.push(char);
          collect(json.value, '', seen);
        }
        const whole = JSON.parse(text) as JsonValue;
        // Each was first seen while it was open, and was not asked for again: it grew by itself.
        for (const [path, container] of seen) expectSame(container, valueAt(whole, path), path);
      }),
      many,
    );
  });

  test('promise 7: errors have a place', () => {
    fc.assert(
      fc.property(brokenText, cuts, (text, places) => {
        const { value, error } = readAll(cutInside(text, places));
        expect(error?.offset).toBe(firstBadOffset(text));
        if (error === undefined) return;
        expect(error.message).toContain(`(offset ${error.offset})`);
        expectSame(value, readSlowly(text.slice(0, error.offset)).value, 'what was shown before the error');
      }),
      many,
    );
  });

  test('promise 7: nothing after an error is read', () => {
    fc.assert(
      fc.property(brokenText, anyText, (text, more) => {
        fc.pre(!isJsonPrefix(text));
        const json = pushAll([text]);
        const { error } = json;
        const value = inspect(json.value);
        json.push(more);
        json.end();
        expect(json.error).toBe(error);
        expect(inspect(json.value)).toBe(value);
        expect(json.complete).toBe(false);
      }),
      few,
    );
  });

  test('promise 8: push never throws', () => {
    const anything = fc.oneof(
      brokenText,
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.nat(0xffff).map(fromCode) }),
    );
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 8 }), (chunks) => {
        const { complete, error } = readAll(chunks);
        expect(complete).toBe(error === undefined);
      }),
      many,
    );
  });

  test('promise 9: any key is a plain key', () => {
    const inherited = Object.getOwnPropertyNames(Object.prototype);
    const name = fc.oneof(fc.constantFrom(...inherited), fc.string());
    const member = fc.oneof(fc.constantFrom('{"x":1}', '[2,3]', '"long string"', 'null', '-1.5e3'), jsonText);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, member), { maxLength: 4 }), (members) => {
        const text = `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
        const json = new PartialJson();
        for (const prefix of prefixes(text).slice(1)) {
          json.push(prefix.slice(-1));
          // `isSame` compares prototypes and own properties
          expectSame(json.value, readSlowly(prefix).value, prefix);
        }
        expectSame(json.copy().value, JSON.parse(text) as JsonValue, 'the copy');
      }),
      few,
    );
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(inherited);
  });

  test('promise 10: copies are independent', () => {
    fc.assert(
      fc.property(anyText, fc.nat(200), anyText, (text, place, other) => {
        const half = text.slice(0, place);
        const original = pushAll([half]);
        const [kept, astray] = [original.copy(), original.copy()];
        astray.push(other);
        original.push(text.slice(place));
        original.end();
        const before = pushAll([half]);
        expectSame(kept.value, before.value, 'the copy while the original went on');
        expect([kept.complete, kept.error]).toEqual([before.complete, before.error]);
        kept.push(text.slice(place));
        kept.end();
        const wanted = readAll([text]);
        for (const json of [kept, original]) {
          expectSame(json.value, wanted.value, 'in the end');
          expect([json.complete, json.error]).toEqual([wanted.complete, wanted.error]);
        }
        expectSame(astray.value, pushAll([half + other]).value, 'the one that went astray');
      }),
      many,
    );
  });

  test('promise 10: a copy has its own open containers and shares the finished ones', () => {
    const json = pushAll(['{"done":{"x":1},"open":[[1],["a']);
    const copy = json.copy();
    type Shape = { done: object; open: [object, object] };
    const [a, b] = [json.value, copy.value] as unknown as [Shape, Shape];
    expect([a === b, a.open === b.open, a.open[1] === b.open[1]]).toEqual([false, false, false]);
    expect([a.done === b.done, a.open[0] === b.open[0]]).toEqual([true, true]);
    expect(b).toEqual(a);
  });

  test('promise 11: depth is bounded', () => {
    const nesting = fc.array(fc.constantFrom('[', '{"k":'), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(nesting, fc.nat(22), fc.boolean(), (opening, maxDepth, siblings) => {
        const closing = opening.map((open) => (open === '[' ? ']' : '}')).toReversed();
        const text = `${siblings ? '[[[]],0,' : ''}${opening.join('')}0${closing.join('')}${siblings ? ']' : ''}`;
        const depth = siblings ? Math.max(3, opening.length + 1) : opening.length;
        const { error, value } = forEveryChunking(text, (chunks) => readAll(chunks, maxDepth));
        expect(error === undefined).toBe(depth <= maxDepth);
        if (error === undefined) return expectSame(value, JSON.parse(text) as JsonValue, text);
        expect(error.offset).toBe(offsetOfDepth(text, maxDepth + 1));
        expect(error.message).toContain(`at most ${maxDepth} open containers`);
      }),
      { numRuns: 30 * RUNS },
    );
  });

  test('promise 11: 512 by default', () => {
    expect(readAll(['['.repeat(512) + ']'.repeat(512)]).error).toBeUndefined();
    expect(readAll(['['.repeat(513)]).error).toEqual({
      message: 'Cannot read JSON: unexpected "[", expected at most 512 open containers (offset 512)',
      offset: 512,
    });
  });

  test.each(['[', '{"k":'])('promise 11: 200,000 times %s does not recurse', (open) => {
    const depth = 200_000;
    const json = new PartialJson({ maxDepth: Infinity });
    json.push(open.repeat(depth));
    const copy = json.copy();
    for (const each of [json, copy]) {
      each.push((open === '[' ? '' : '0') + (open === '[' ? ']' : '}').repeat(depth));
      each.end();
      expect(each.error).toBeUndefined();
      expect(depthOf(each.value)).toBe(depth);
    }
  });

  const unit = 'const a = 1;';
  const growing: readonly (readonly [string, number, (size: number) => string])[] = [
    ['a string', 1_000_000, (size) => `{"content":"${unit.repeat(size / 12)}"}`],
    ['a string of escapes', 360_000, (size) => `["${'\\n\\u00e9'.repeat(size / 8)}"]`],
    ['a string of surrogate halves', 360_000, (size) => `["${'\ud83d'.repeat(size)}"]`],
    ['a key', 360_000, (size) => `{"${unit.repeat(size / 12)}":0}`],
    ['a number', 360_000, (size) => `[0.${'123456'.repeat(size / 6)}]`],
    ['an exponent', 360_000, (size) => `[1e${'0'.repeat(size)}1]`],
    ['an array', 360_000, (size) => `[${'1,'.repeat(size / 2)}1]`],
    ['an object', 360_000, (size) => `{${Array.from({ length: size / 12 }, (_, i) => `"k${i + 1e6}":0`).join(',')}}`],
    ['white space', 360_000, (size) => `[${' '.repeat(size)}]`],
    ['depth', 360_000, (size) => '['.repeat(size / 2) + ']'.repeat(size / 2)],
  ];
  test.each(growing)('promise 12: linear, %s in pieces of six, read each time', (_, size, make) => {
    const [one, two] = [pieces(make(size / 2), 6), pieces(make(size), 6)];
    const ratios: number[] = [];
    // Quadratic work gives 4, and takes many seconds. A busy machine may spoil a measurement, but not each of eight.
    const start = performance.now();
    while (ratios.length < 8 && performance.now() - start < 10_000) {
      const ratio = timeToRead(two) / timeToRead(one);
      if (ratio < 3) return;
      ratios.push(ratio);
    }
    throw new Error(`twice the text cost ${ratios.map((ratio) => ratio.toFixed(1)).join(', ')} times the time`);
  });

  test('a string takes no more memory than its characters, finished or not, and keeps no piece alive', () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const kept: JsonValue[] = [];
    const before = heapAfter(collectGarbage);
    for (let i = 0; i < 20; i++) {
      kept.push(pushAll(pieces(`["${unit.repeat(4000)}"]`, 6)).value ?? null);
      kept.push(pushAll(pieces(`["${unit.repeat(4000)}`, 6)).value ?? null);
      kept.push(firstOf(pushAll([`["a short string, part of a big piece","${'x'.repeat(100_000)}`]).value));
    }
    const grown = heapAfter(collectGarbage) - before;
    const characters = 20 * 96_000;
    // As a rope of six-character pieces it would be nine times the characters, with the pieces another time.
    expect(grown).toBeLessThan(1.5 * characters);
    expect(grown).toBeGreaterThan(0.9 * characters);
    expect(kept.length).toBe(60);
  });
});

/** What the reader says of a whole text under every chunking; it must be what `JSON.parse` says. */
function judge(text: string): State {
  const state = forEveryChunking(text, (chunks) => readAll(chunks));
  expect(state.error === undefined, state.error?.message).toBe(isJson(text));
  if (state.complete) expectSame(state.value, JSON.parse(text) as JsonValue, 'the value');
  return state;
}

describe('accepted', () => {
  test.each(ACCEPTED)('%s', (_, text) => {
    expect(judge(text).complete).toBe(true);
  });
});

describe('refused, with the place', () => {
  test.each(REFUSED)('%s', (_, text, offset) => {
    const { complete, error } = judge(text);
    expect(complete).toBe(false);
    expect(error?.offset).toBe(offset);
  });
});

test('every control character is refused in a string, at either end and in the middle', () => {
  for (let code = 0; code < 0x20; code++) {
    for (const before of ['', 'ab', '\\n']) {
      const { error } = judge(`"${before}${fromCode(code)}c"`);
      expect(error?.offset, `code ${code}`).toBe(1 + before.length);
    }
  }
  expect(judge('"ab c"').complete).toBe(true);
});

describe('left to the implementation, read as JSON.parse does', () => {
  test.each<[string, string, JsonValue]>([
    ['an exponent too big', '1e400', Infinity],
    ['the same, below zero', '-1e9999', -Infinity],
    ['an exponent too small', '1e-400', 0],
    ['the same, below zero', '-1e-400', -0],
    ['an integer of 400 digits', '1'.repeat(400), Infinity],
    ['an integer that a double rounds', '100000000000000000000000', 1e23],
    ['an exponent of many zeros', `1e${'0'.repeat(2000)}1`, 10],
    ['a high surrogate as escape', '"\\ud83d"', '\ud83d'],
    ['a low surrogate as escape', '"\\ude00"', '\ude00'],
    ['the halves in the wrong order', '"\\ude00\\ud83d"', '\ude00\ud83d'],
    ['two high surrogates, then a low one', '"\\ud83d\\ud83d\\ude00"', '\ud83d\ud83d\ude00'],
    ['a high surrogate and a letter', '"\\ud83dx"', '\ud83dx'],
    ['a high surrogate and an escape', '"\\ud83d\\n"', '\ud83d\n'],
    ['a raw high surrogate at the end', '"a\ud83d"', 'a\ud83d'],
    ['a raw high surrogate and an escape', '"\ud83d\\t"', '\ud83d\t'],
    ['a raw low surrogate', '"\ude00"', '\ude00'],
    ['a byte order mark in a string', '"\ufeff"', '\ufeff'],
    ['a key again', '{"a":1,"a":2}', { a: 2 }],
  ])('%s', (_, text, value) => {
    expectSame(judge(text).value, value, text);
  });
});

describe('what is visible early', () => {
  test.each<[string, JsonValue | undefined]>([
    ['', undefined],
    [' ', undefined],
    ['"', ''],
    ['"ab', 'ab'],
    ['"ab\\', 'ab'],
    ['"ab\\n', 'ab\n'],
    ['"ab\\u00e', 'ab'],
    ['"ab\\u00e9', 'abé'],
    ['"ab\ud83d', 'ab'],
    ['"ab\\ud83d', 'ab'],
    ['"ab\\ud83d\\ude0', 'ab'],
    ['"ab\\ud83d\\ude00', 'ab😀'],
    ['"ab\\ud83d"', 'ab\ud83d'],
    ['"ab\\ud83d\\ud83d', 'ab\ud83d'],
    ['-', undefined],
    ['-0', -0],
    ['-0.', -0],
    ['-0.5', -0.5],
    ['1.', 1],
    ['1.5', 1.5],
    ['1.5e', 1.5],
    ['1.5e+', 1.5],
    ['1.5e+2', 150],
    ['12', 12],
    ['t', undefined],
    ['nul', undefined],
    ['null', null],
    ['[', []],
    ['[-', []],
    ['[fals', []],
    ['[false', [false]],
    ['[1,', [1]],
    ['[1,"', [1, '']],
    ['[[', [[]]],
    ['{', {}],
    ['{"a', {}],
    ['{"a"', {}],
    ['{"a":', {}],
    ['{"a":"', { a: '' }],
    ['{"a":-', {}],
    ['{"a":[', { a: [] }],
    ['{"a":{"b":t', { a: {} }],
    ['{"a":1,"a', { a: 1 }],
    ['{"a":1,"a":', { a: 1 }],
    ['{"a":1,"a":t', { a: 1 }],
    ['{"a":1,"a":"', { a: '' }],
    [`0.${'1'.repeat(1022)}`, Number(`0.${'1'.repeat(1022)}`)],
    [`1e${'0'.repeat(1022)}`, 1],
    // From here on it stands still until it ends: see promise 4.
    [`1e${'0'.repeat(1022)}2`, 1],
    [`[1e${'0'.repeat(1022)}2]`, [100]],
  ])('%s', (text, value) => {
    const shown = forEveryChunking(text, (chunks) => {
      const json = pushAll(chunks);
      expect(json.error).toBeUndefined();
      return json.value;
    });
    expectSame(shown, value, text);
  });

  test('a finished value stays when its key comes again', () => {
    const json = pushAll(['{"a":{"x":1},']);
    const first = (json.value as { a: JsonValue }).a;
    json.push('"a":{"y":2}}');
    expect(first).toEqual({ x: 1 });
    expect(json.value).toEqual({ a: { y: 2 } });
  });
});

describe('the interface', () => {
  test('complete is true as soon as the whole value has been read', () => {
    const after = (text: string): boolean => pushAll([text]).complete;
    expect(['', '[', '[1', '"a', 'tru', '1', '-'].map(after)).toEqual(Array(7).fill(false));
    expect(['[]', '[1] ', '"a"', 'true', '1 ', '1\n'].map(after)).toEqual(Array(6).fill(true));
    const number = pushAll(['12']);
    number.end();
    expect(number.complete).toBe(true);
    expect(after('[]x')).toBe(false);
  });

  test.each<[string, string]>([
    ['[1}', 'unexpected "}", expected , or ] (offset 2)'],
    ['{"a":1]', 'unexpected "]", expected , or } (offset 6)'],
    ['[1,]', 'unexpected "]", expected a value (offset 3)'],
    ['[,', 'unexpected ",", expected a value or ] (offset 1)'],
    ['{1', 'unexpected "1", expected " or } (offset 1)'],
    ['{"a":1,}', 'unexpected "}", expected " (offset 7)'],
    ['{"a" 1', 'unexpected "1", expected : (offset 5)'],
    ['{} x', 'unexpected "x", expected white space (offset 3)'],
    ['"\n', 'unexpected "\\n", expected a character (offset 1)'],
    ['"\\x', 'unexpected "x", expected an escape (offset 2)'],
    ['"\\u0g', 'unexpected "g", expected a hex digit (offset 4)'],
    ['nan', 'unexpected "a", expected null (offset 1)'],
    ['-x', 'unexpected "x", expected a digit (offset 1)'],
    ['1e+x', 'unexpected "x", expected a digit (offset 3)'],
    ['\ud83d', 'unexpected "\\ud83d", expected a value (offset 0)'],
    ['[1', 'unexpected end, expected , or ] (offset 2)'],
    ['', 'unexpected end, expected a value (offset 0)'],
    ['"', 'unexpected end, expected a character (offset 1)'],
    ['fal', 'unexpected end, expected false (offset 3)'],
    ['1.', 'unexpected end, expected a digit (offset 2)'],
  ])('the error of %j says what and where', (text, message) => {
    const { error } = forEveryChunking(text, (chunks) => readAll(chunks));
    expect(error?.message).toBe(`Cannot read JSON: ${message}`);
  });

  test('an error is plain data', () => {
    const { error } = readAll(['[1}']);
    expect(JSON.parse(JSON.stringify(error))).toEqual({ ...error });
  });

  test('an error is known in the push that brings it, an early end only at the end', () => {
    const json = new PartialJson();
    json.push('[1');
    expect(json.error).toBeUndefined();
    json.push('}');
    expect(json.error?.offset).toBe(2);
    const early = pushAll(['[1']);
    early.end();
    expect(stateOf(early)).toMatchObject({ value: [1], complete: false, error: { offset: 2 } });
  });

  test('push after end is a TypeError, a second end is not', () => {
    for (const text of ['[]', '[', ']']) {
      const json = pushAll([text]);
      json.end();
      const before = stateOf(json);
      expect(() => json.push('')).toThrow(new TypeError('Cannot push: the text has ended'));
      expect(() => json.copy().push(' ')).toThrow(TypeError);
      json.end();
      expect(stateOf(json)).toEqual(before);
    }
  });

  test.each([undefined, null, 1, {}, ['[]'], new Uint8Array(1), new String('[]')])(
    'push(%s) is a TypeError',
    (text) => {
      const json = pushAll(['[1']);
      expect(() => json.push(text as string)).toThrow(TypeError);
      json.push(']');
      expect(stateOf(json)).toEqual({ value: [1], complete: true, error: undefined });
    },
  );

  test.each([-1, 1.5, NaN, -Infinity, '5', null])('maxDepth %s is a RangeError', (maxDepth) => {
    expect(() => new PartialJson({ maxDepth: maxDepth as number })).toThrow(RangeError);
  });

  test('a copy keeps maxDepth', () => {
    const copy = pushAll(['['], 1).copy();
    copy.push('[');
    expect(copy.error?.offset).toBe(1);
  });

  test('it reads where Object.prototype is frozen and nothing but the language is there', () => {
    const { outputFiles } = buildSync({
      entryPoints: ['src/json/index.ts'],
      bundle: true,
      write: false,
      format: 'iife',
      globalName: 'json',
      target: 'es2022',
    });
    const context = createContext({});
    const result: unknown = runInContext(
      `'use strict';
      ${outputFiles[0]?.text};
      Object.freeze(Object.prototype);
      Object.freeze(Array.prototype);
      const reader = new json.PartialJson();
      for (const char of '{"toString":[1,"a\\\\u0041"],"__proto__":{"constructor":null}}') reader.push(char);
      reader.end();
      JSON.stringify([reader.value, reader.copy().value, reader.error ?? null]);`,
      context,
    );
    const value = '{"toString":[1,"aA"],"__proto__":{"constructor":null}}';
    expect(result).toBe(`[${value},${value},null]`);
  });
});

/** Whatever the chunking: after each chunk the state is that of the same prefix in one piece. */
function expectSameAtEveryCut(text: string): void {
  const wanted = prefixes(text).map((prefix) => stateOf(pushAll([prefix])));
  const run = (chunks: readonly string[]): State => {
    const json = new PartialJson();
    let length = 0;
    for (const chunk of chunks) {
      json.push(chunk);
      length += chunk.length;
      const { value, ...rest } = wanted[length] as State;
      expectSame(json.value, value, `after ${length} characters`);
      if (json.complete !== rest.complete || json.error?.message !== rest.error?.message) {
        throw new Error(`after ${length} characters: ${inspect(stateOf(json))} is not ${inspect(rest)}`);
      }
    }
    json.end();
    return stateOf(json);
  };
  forEveryChunking(text, run);
}

function fromCode(code: number): string {
  return String.fromCharCode(code);
}

type Key = string | number;
const step = (path: string, key: Key): string => `${path}/${JSON.stringify(String(key))}`;

/** Freezes what has ended, so that a later write throws, and notes every container under its path. */
function freezeFinished(
  value: JsonValue | undefined,
  open: readonly Key[] | undefined,
  path: string,
  seen: Map<string, JsonValue>,
): void {
  if (value === null || typeof value !== 'object') return;
  const known = seen.get(path);
  expect(known === undefined || known === value, `identity of ${path}`).toBe(true);
  seen.set(path, value);
  for (const [key, child] of Object.entries(value)) {
    const onPath = open !== undefined && open.length > 0 && String(open[0]) === key;
    freezeFinished(child, onPath ? open.slice(1) : undefined, step(path, key), seen);
  }
  if (open === undefined) Object.freeze(value);
}

/** Notes each container the first time that it is seen. */
function collect(value: JsonValue | undefined, path: string, seen: Map<string, JsonValue>): void {
  if (value === null || typeof value !== 'object') return;
  if (!seen.has(path)) seen.set(path, value);
  for (const [key, child] of Object.entries(value)) collect(child, step(path, key), seen);
}

function valueAt(value: JsonValue | undefined, path: string): JsonValue | undefined {
  let found = value;
  for (const [, key = ''] of path.matchAll(/\/("(?:[^"\\]|\\.)*")/g)) {
    found = new Map(Object.entries(found ?? {})).get(String(JSON.parse(key)));
  }
  return found;
}

/** Where that many containers are open for the first time; the texts it is asked about have no brackets in strings. */
function offsetOfDepth(text: string, depth: number): number {
  let open = 0;
  return text.split('').findIndex((char) => {
    if ('[{'.includes(char)) open++;
    if (']}'.includes(char)) open--;
    return open === depth;
  });
}

function depthOf(value: JsonValue | undefined): number {
  let depth = 0;
  let inner = value;
  for (; typeof inner === 'object' && inner !== null; depth++) inner = Object.values(inner)[0];
  return depth;
}

/** Milliseconds. */
function timeToRead(chunks: readonly string[]): number {
  const json = new PartialJson({ maxDepth: Infinity });
  let seen = 0;
  const start = performance.now();
  for (const chunk of chunks) {
    json.push(chunk);
    if (json.value !== undefined) seen++;
  }
  json.end();
  const time = performance.now() - start;
  expect([json.error, seen > chunks.length - 3]).toEqual([undefined, true]);
  return time;
}

function firstOf(value: JsonValue | undefined): JsonValue {
  return (Array.isArray(value) ? value[0] : undefined) ?? null;
}

function heapAfter(collectGarbage: () => void): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
