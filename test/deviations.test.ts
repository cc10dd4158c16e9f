/**
 * The table of deviations, row by row: how each is named, how bad it is, where it was, and how it is read; under every
 * chunking. And under `strict` each becomes a thrown `ProtocolError`.
 */

import { describe, expect, test } from 'vitest';
import { MessageParser, ProtocolError, SEVERITIES } from '../src/index.ts';
import type { BlockInfo, DiagnosticCode } from '../src/index.ts';
import { forEveryChunking, pieces } from './support/chunkings.ts';
import type { Deviation } from './support/deviation.ts';
import { DEVIATIONS } from './support/deviations.ts';
import * as m from './support/messages.ts';
import { observe, placesOf } from './support/stream.ts';

/** `type` and what is in it, short enough for a table. */
function brief(block: Record<string, unknown>): string {
  const value = block['text'] ?? block['thinking'] ?? block['input'] ?? block['signature'];
  return `${String(block['type'])} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
}

function states(blocks: readonly BlockInfo[]): string[] {
  return blocks.map(({ index, state, inputState }) => `${index} ${state}${inputState ? ` ${inputState}` : ''}`);
}

const lastPlace = (row: Deviation): number => row.parts.length;

test('the table has every row of the design', () => {
  expect(new Set(DEVIATIONS.map((row) => row.row)).size).toBe(19);
});

describe.each(DEVIATIONS.map((row) => [row.row, row.case, row] as const))('%s: %s', (_, __, row) => {
  const text = row.parts.join('');
  const places = placesOf(row.parts);
  const expected = row.found.map(([code, event, ordinal]) => ({
    code,
    severity: SEVERITIES[code],
    at: places[(event ?? lastPlace(row)) - 1],
    ...(ordinal !== undefined && { ordinal }),
  }));

  test('is named, placed and read so', () => {
    const bytes = new Uint8Array(Buffer.from(text));
    const seen = forEveryChunking(bytes, (chunks) => observe(chunks));
    for (const size of [1, 2, 64, text.length]) expect(observe(pieces(text, size))).toStrictEqual(seen);
    const found = seen.diagnostics.map(({ code, severity, at, ordinal }) => ({
      code,
      severity,
      at,
      ...(ordinal !== undefined && { ordinal }),
    }));
    expect(found).toEqual(expected);
    expect(seen.calls.filter(([name]) => name === 'diagnostic').map(([, each]) => each)).toEqual(seen.diagnostics);
    const content = seen.message?.content as unknown as Record<string, unknown>[] | undefined;
    expect(content?.map(brief)).toEqual(row.content);
    expect(seen.outcome.status).toBe(row.status);
    if (row.states !== undefined) expect(states(seen.blocks)).toEqual(row.states);
    for (const each of seen.diagnostics) {
      expect(each.message).toMatch(/\S/);
      expect((each.raw ?? '').length).toBeLessThanOrEqual(4096);
    }
    row.also?.(seen);
  });

  const codes = [...new Set(row.found.map(([code]) => code))];
  test.each(codes)('strict about %s throws it, until reset()', (code: DiagnosticCode) => {
    const at = expected.find((each) => each.code === code)?.at;
    for (const size of [1, 7, text.length]) expectRefusal([code], text, size, code, at);
  });

  const firstError = expected.find(({ severity }) => severity === 'error');
  test(`strict: true ${firstError === undefined ? 'lets it pass' : `throws ${firstError.code}`}`, () => {
    if (firstError !== undefined) {
      for (const size of [1, 7, text.length]) expectRefusal(true, text, size, firstError.code, firstError.at);
      return;
    }
    const seen = observe([text], { strict: true });
    expect(seen.diagnostics.map(({ code }) => code)).toEqual(expected.map(({ code }) => code));
    // `end()` throws what the outcome holds, under strict
    expect(seen.thrown?.message).toBe(seen.outcome.error?.message);
    expect(seen.outcome.status).toBe(row.status);
  });
});

function thrownBy(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** The input is refused with this code and place; the same error comes again at every call; `reset()` mends it. */
function expectRefusal(
  strict: true | DiagnosticCode[],
  text: string,
  size: number,
  code: string,
  at: object | undefined,
): void {
  const parser = new MessageParser({}, { strict });
  const error = thrownBy(() => {
    for (const piece of pieces(text, size)) parser.push(piece);
    parser.end();
  });
  expect(error).toBeInstanceOf(ProtocolError);
  expect(error).toMatchObject({ name: 'ProtocolError', code, at });
  expect((error as ProtocolError).snapshot).toEqual(parser.message);
  expect((error as ProtocolError).outcome).toBe(parser.outcome);
  const { message, blocks, outcome } = parser;
  for (const call of [
    () => parser.push(''),
    () => parser.push('data: {"type":"ping"}\n\n'),
    () => parser.push(': comment\n'),
    () => parser.pushCumulative('data: x'),
    () => parser.apply({ type: 'ping' }),
    () => parser.end(),
  ]) {
    expect(thrownBy(call)).toBe(error);
  }
  expect([parser.message, parser.blocks, parser.outcome]).toEqual([message, blocks, outcome]);
  parser.reset();
  expect(parser.outcome).toEqual({ status: 'open', stopReason: null });
  parser.push(m.textBody(['fine']));
  parser.end();
  expect(parser.outcome).toEqual({ status: 'complete', stopReason: 'end_turn' });
  expect(parser.message?.content).toEqual([{ type: 'text', text: 'fine' }]);
}
