/** What the property tests draw from: byte soup that looks like SSE, events that a parser can emit, places to cut. */

import fc from 'fast-check';

/** Byte sequences at the edges of every class of UTF-8: well-formed, overlong, surrogates, too large, cut off. */
export const UTF8_EDGES: readonly (readonly number[])[] = [
  [0x00],
  [0x7f],
  [0x80],
  [0xbf],
  [0xc0, 0x80],
  [0xc1, 0xbf],
  [0xc2],
  [0xc2, 0x7f],
  [0xc2, 0x80],
  [0xc2, 0xc0],
  [0xdf, 0xbf],
  [0xe0],
  [0xe0, 0x80, 0x80],
  [0xe0, 0x9f, 0xbf],
  [0xe0, 0xa0],
  [0xe0, 0xa0, 0x80],
  [0xe1, 0x80],
  [0xe1, 0x80, 0xc0],
  [0xe2, 0x82, 0xac],
  [0xed, 0x9f, 0xbf],
  [0xed, 0xa0, 0x80],
  [0xed, 0xbf, 0xbf],
  [0xee, 0x80, 0x80],
  [0xef, 0xbb],
  [0xef, 0xbb, 0xbf],
  [0xef, 0xbf, 0xbd],
  [0xef, 0xbf, 0xbf],
  [0xf0],
  [0xf0, 0x80, 0x80, 0x80],
  [0xf0, 0x8f, 0xbf, 0xbf],
  [0xf0, 0x90],
  [0xf0, 0x90, 0x80],
  [0xf0, 0x90, 0x80, 0x80],
  [0xf0, 0x9f, 0x98, 0x80],
  [0xf0, 0x9f, 0x98],
  [0xf1, 0x80, 0x80, 0x7f],
  [0xf3, 0xbf, 0xbf, 0xbf],
  [0xf4, 0x8f, 0xbf, 0xbf],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
  [0xfc],
  [0xfe],
  [0xff],
];

const ascii = (text: string): number[] => [...Buffer.from(text, 'utf8')];

/** The words of the format, often enough together to make events. */
const SSE_WORDS: readonly (readonly number[])[] = (
  'data|event|id|retry|data:|data: |event:|event: |id:|id: |retry:|retry: |data: x\n\n|data: {"a": 1}\n|event: ping\r\n|' +
  'id: 7\r|retry: 300\n|: comment\n|Data:| data:|007|12|é|€|😀|\uFEFF|\u2028'
)
  .split('|')
  .map(ascii);

const SSE_BYTES = ascii('\r\n\r\n: \0a1').map((byte) => [byte]);
const LINE_ENDS = ['\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n', '\r\n\n'].map(ascii);

/** Bytes biased to SSE: its words, line ends, BOM, NUL, multi-byte characters, broken UTF-8. */
export const sseSoup: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...SSE_WORDS) },
      { weight: 5, arbitrary: fc.constantFrom(...LINE_ENDS) },
      { weight: 3, arbitrary: fc.constantFrom(...SSE_BYTES) },
      { weight: 3, arbitrary: fc.constantFrom(...UTF8_EDGES) },
      { weight: 1, arbitrary: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 6 }) },
    ),
    { maxLength: 40 },
  )
  .map((parts) => Uint8Array.from(parts.flat()));

/** The same as text; lone surrogates now and then. */
export const sseTextSoup: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 12, arbitrary: sseSoup.map((bytes) => Buffer.from(bytes.subarray(0, 24)).toString('utf8')) },
      { weight: 1, arbitrary: fc.constantFrom('\ud83d', '\ude00', '\ud83d\ude00', '\uFEFF') },
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));

/** Random places to cut at; take each modulo the length of the input. */
export const cutPlaces: fc.Arbitrary<number[]> = fc.array(fc.nat(), { maxLength: 12 });

/** Random bytes, biased to the edges of UTF-8. */
export const utf8Soup: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc.constantFrom(...UTF8_EDGES),
      fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...['a', 'é', '€', '😀', '\n'].map(ascii)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Uint8Array.from(parts.flat()));

/** Any JavaScript string, lone surrogates included. */
export const anyText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 2, arbitrary: fc.string({ unit: 'binary' }) },
      { weight: 1, arbitrary: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) },
      { weight: 1, arbitrary: fc.constantFrom('\ud83d', '\ude00', '\u07ff', '\u0800', '\uffff', '\u007f', '\u0080') },
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

/** What a parser can have emitted as text: a well-formed string without line ends, `what `without` matches taken out as well. */
function wireText(without: RegExp): fc.Arbitrary<string> {
  return fc
    .array(
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom(' ', ':', '\0', '\uFEFF', '\u2028', '😀', '\uFFFD')),
      {
        maxLength: 6,
      },
    )
    .map((parts) => parts.join('').replaceAll(without, ''));
}

/** One event as a parser gives it, the first of its stream. */
export interface EmittedEvent {
  event: string;
  data: string;
  id: string;
  retry?: number;
  named: boolean;
}

/** Every event that the parser can emit. */
export const emittedEvent: fc.Arbitrary<EmittedEvent> = fc
  .record({
    name: fc.oneof(fc.constant(undefined), fc.constant('message'), wireText(/[\r\n]/g)),
    lines: fc.array(wireText(/[\r\n]/g), { minLength: 1, maxLength: 4 }),
    id: fc.oneof(fc.constant(''), wireText(/[\0\r\n]/g)),
    retry: fc.oneof(fc.constant(undefined), fc.nat(), fc.maxSafeNat()),
  })
  .map(({ name, lines, id, retry }) => {
    const event = name === undefined || name === '' ? 'message' : name;
    const base = { event, data: lines.join('\n'), id, named: name !== undefined };
    return retry === undefined ? base : Object.assign(base, { retry });
  });
