/** Arbitrary JSON texts, as texts: white space, odd escapes, odd numbers and repeated keys, which values do not have. */

import fc from 'fast-check';

const space = fc.constantFrom('', '', '', ' ', '\n', '\r\n\t');

const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constant('0'), fc.integer({ min: 1, max: 99 }).map(String), fc.constant('12345678901234567890')),
    fc.oneof(
      fc.constant(''),
      fc.nat(999).map((digits) => `.${digits}`),
      fc.constant('.10'),
    ),
    fc.constantFrom('', '', '', 'e5', 'E-3', 'e+0', 'e400', 'e-400'),
  )
  .map((parts) => parts.join(''));

/** Raw characters, escapes, and every way to write half a surrogate pair. */
const stringPart = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('a', 'b c', 'x'.repeat(20), 'é', '漢字', '\u2028', '\u007f', '/', '{', ']', ','),
  },
  { weight: 3, arbitrary: fc.constantFrom('\\n', '\\"', '\\\\', '\\/', '\\b', '\\f', '\\r', '\\t') },
  { weight: 2, arbitrary: fc.constantFrom('\\u0041', '\\u00e9', '\\uFFFF', '\\u0000', '\\u0022', '\\u005C') },
  { weight: 2, arbitrary: fc.constantFrom('😀', '\ud83d', '\ude00', '\\ud83d', '\\uDE00', '\\ud83d\\ude00') },
);

const string = fc.array(stringPart, { maxLength: 6 }).map((parts) => `"${parts.join('')}"`);

const key = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('"a"', '"\\u0061"', '"b"') },
  { weight: 2, arbitrary: fc.constantFrom('""', '"1"', '"0"', '"01"', '"__proto__"', '"constructor"', '"toString"') },
  { weight: 2, arbitrary: string },
);

function around(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(space, text, space).map((parts) => parts.join(''));
}

function texts(keysOf: (members: fc.Arbitrary<[string, string]>) => fc.Arbitrary<[string, string][]>) {
  return fc.letrec<{ value: string; scalar: string; array: string; object: string }>((tie) => ({
    value: fc.oneof({ maxDepth: 5, withCrossShrink: true }, tie('scalar'), tie('array'), tie('object'), tie('object')),
    scalar: fc.oneof(fc.constantFrom('true', 'false', 'null'), number, string, string),
    array: fc.array(around(tie('value')), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
    object: keysOf(fc.tuple(around(key), around(tie('value')))).map(
      (members) => `{${members.map(([name, value]) => `${name}:${value}`).join(',')}}`,
    ),
  })).value;
}

/** Any JSON text. Keys may come again in one object. */
export const jsonText: fc.Arbitrary<string> = around(texts((members) => fc.array(members, { maxLength: 4 })));

/** Any JSON text in which no key comes again in one object. */
export const jsonTextUniqueKeys: fc.Arbitrary<string> = around(
  texts((members) =>
    fc.uniqueArray(members, {
      maxLength: 4,
      selector: ([name]) => JSON.parse(name) as string,
      comparator: 'SameValue',
    }),
  ),
);

const alphabet = '[]{}",:\\u-+.eE0123456789abfnrtlsd \n\t'
  .split('')
  .concat('\u0001', '\ufeff', '\ud83d', '\u00a0', "'", 'N', 'I');

/** A JSON text with one to three edits, most of them no JSON any more; now and then a soup of its characters. */
export const brokenText: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: edited() },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 12 }) },
);

function edited(): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    kind: fc.constantFrom('insert', 'replace', 'delete', 'cut', 'repeat'),
    char: fc.constantFrom(...alphabet),
  });
  return fc.tuple(jsonText, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([text, edits]) => {
    let result = text;
    for (const { at, kind, char } of edits) result = applyEdit(result, Math.floor(at * result.length), kind, char);
    return result;
  });
}

function applyEdit(text: string, at: number, kind: string, char: string): string {
  const [before, after] = [text.slice(0, at), text.slice(at)];
  if (kind === 'insert') return before + char + after;
  if (kind === 'replace') return before + char + after.slice(1);
  if (kind === 'delete') return before + after.slice(1);
  return kind === 'cut' ? before : before + after.slice(0, 5) + after;
}
