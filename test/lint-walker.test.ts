/** The parts of the linter that read bytes, against plain twins: UTF-8 against `TextDecoder`, lines against a regex. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Line } from '../src/lint/check.ts';
import { Utf8Watch } from '../src/lint/utf8-watch.ts';
import { LineWalker } from '../src/lint/walker.ts';
import { SseParser } from '../src/sse/index.ts';
import { RUNS } from './support/chunkings.ts';

/** Bytes that are often nearly UTF-8. */
const bytesOf = fc
  .array(
    fc.oneof(
      fc.constantFrom(0x41, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xe0, 0x9f, 0xa0, 0xed, 0xef, 0xf0, 0x8f, 0x90, 0xf4, 0xf5),
      fc.integer({ min: 0, max: 255 }),
    ),
    { maxLength: 12 },
  )
  .map((bytes) => Uint8Array.from(bytes));

describe('Utf8Watch', () => {
  test('says what a fatal TextDecoder says', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytesOf,
          fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(text)),
        ),
        (bytes) => {
          const watch = new Utf8Watch();
          const fine = [...bytes].map((byte) => watch.take(byte)).every(Boolean) && watch.whole();
          let decodes = true;
          try {
            new TextDecoder('utf-8', { fatal: true }).decode(bytes);
          } catch {
            decodes = false;
          }
          expect(fine).toBe(decodes);
        },
      ),
      { numRuns: 2000 * RUNS },
    );
  });

  test('goes on behind a bad sequence', () => {
    const watch = new Utf8Watch();
    expect([0xc3, 0x28, 0x41].map((byte) => watch.take(byte))).toEqual([true, false, true]);
    expect([0xe2, 0xe2, 0x82, 0xac].map((byte) => watch.take(byte))).toEqual([true, false, true, true]);
    expect(watch.whole()).toBe(true);
    watch.take(0xf0);
    expect([watch.whole(), watch.whole()]).toEqual([false, true]);
  });
});

interface Walk {
  lines: Line[];
  bad: number;
  marks: number;
  groups: number;
}

function walk(bytes: Uint8Array): Walk {
  const seen: Walk = { lines: [], bad: 0, marks: 0, groups: 0 };
  const walker = new LineWalker({
    line: (line) => seen.lines.push(line),
    badBytes: () => seen.bad++,
    mark: () => seen.marks++,
  });
  for (const byte of bytes) if (walker.read(byte) === 'group') seen.groups++;
  walker.end();
  return seen;
}

describe('LineWalker', () => {
  const streamOf = fc
    .array(
      fc.constantFrom(
        'event: a',
        'data: {"x',
        'data:y',
        ':',
        ': c',
        'id',
        'q: 1',
        ' ',
        'é☕',
        '\n',
        '\r',
        '\r\n',
        '\n\n',
      ),
      {
        maxLength: 14,
      },
    )
    .map((parts) => parts.join(''));

  test('finds the lines that a regex finds', () => {
    fc.assert(
      fc.property(streamOf, (text) => {
        const expected = [...text.matchAll(/([^\r\n]*)(\r\n|\n|\r)/g)].map(([, content = '', end], k) => {
          const colon = content.indexOf(':');
          const field = content === '' ? undefined : colon === -1 ? content : content.slice(0, colon);
          return {
            line: k + 1,
            field,
            colon: colon !== -1,
            end: { '\n': 'LF', '\r': 'CR', '\r\n': 'CR LF' }[end ?? ''],
          };
        });
        const found = walk(new TextEncoder().encode(text)).lines.map(({ at, field, colon, end }) => {
          const name = field === undefined ? undefined : Buffer.from(field, 'latin1').toString();
          return { line: at.line, field: name, colon, end };
        });
        expect(found).toEqual(expected);
      }),
      { numRuns: 500 * RUNS },
    );
  });

  test('counts events as the parser does, and places its lines in them', () => {
    fc.assert(
      fc.property(streamOf, (text) => {
        const bytes = new TextEncoder().encode(text);
        const places: { event: number; byte: number; line: number }[] = [];
        const parser: SseParser = new SseParser(() => {
          const { event, byte, line } = parser.position();
          places.push({ event, byte, line });
        });
        parser.push(bytes);
        parser.end();
        const { lines } = walk(bytes);
        for (const place of places) expect(lines.map(({ at }) => at)).toContainEqual(place);
      }),
      { numRuns: 500 * RUNS },
    );
  });

  test('knows the space and the beginning of a value', () => {
    const { lines } = walk(new TextEncoder().encode('data: {"a\ndata:{"b\ndata:  x\ndata:\ndata\n'));
    expect(lines.map(({ colon, space, head }) => [colon, space, head])).toEqual([
      [true, true, '{"'],
      [true, false, '{"'],
      [true, true, ' x'],
      [true, false, ''],
      [false, false, ''],
    ]);
  });

  test('knows a byte order mark, and what only begins like one', () => {
    const marked = walk(new TextEncoder().encode('\ufeffdata: x\n'));
    expect([marked.marks, marked.bad, marked.lines[0]?.field, marked.lines[0]?.at.byte]).toEqual([1, 0, 'data', 3]);
    const cut = walk(Uint8Array.of(0xef, 0xbb, 0x41, 0x0a));
    expect([cut.marks, cut.bad]).toEqual([0, 1]);
    const later = walk(new TextEncoder().encode('\n\ufeffdata: x\n'));
    expect([later.marks, later.bad]).toEqual([0, 0]);
  });

  test('tells bad bytes once a group', () => {
    expect(walk(Uint8Array.of(0xff, 0xff, 0x0a, 0xff, 0x0a, 0x0a, 0xc3, 0x0a, 0x0a)).bad).toBe(2);
    // A sequence that the end of the input cuts is no fault of the bytes.
    expect(walk(Uint8Array.of(0x41, 0xc3)).bad).toBe(0);
  });
});
