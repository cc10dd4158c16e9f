/**
 * The cases of public suites (WPT, the HTML standard, eventsource-parser, undici, the SDKs): `../shared/sse-cases.json`,
 * which is not part of the package. Each runs under every chunking, as bytes and, where it is UTF-8, as text.
 */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { forEveryChunking } from './support/chunkings.ts';
import { referenceSse } from './support/reference-sse.ts';
import { asText, scanPlain } from './support/scan.ts';

interface SseCase {
  name: string;
  inputBase64: string;
  /** `retry` is the reconnection time as it stands at the event, not what came with it. */
  expected: { event: string; data: string; id: string; retry: number | null }[];
  finalLastEventId: string;
  finalRetry: number | null;
  comments: string[];
}

const FILE = new URL('../../shared/sse-cases.json', import.meta.url);
const found = existsSync(FILE);
const cases: SseCase[] = found ? (JSON.parse(readFileSync(FILE, 'utf8')) as SseCase[]) : [];

function check(input: Uint8Array | string, one: SseCase): void {
  const seen = forEveryChunking(input, (chunks) => scanPlain(chunks), one.name);
  let standing: number | null = null;
  const events = seen.events.map(({ event, data, id, retry }) => {
    standing = retry ?? standing;
    return { event, data, id, retry: standing };
  });
  expect(events).toEqual(one.expected);
  expect(seen.lastEventId).toBe(one.finalLastEventId);
  expect(seen.reconnectionTime ?? null).toBe(one.finalRetry);
  expect(seen.comments).toEqual(one.comments);
  expect(seen).toEqual(referenceSse(input));
}

describe('cases of public suites', () => {
  if (!found) {
    test.skip('SKIPPED: ../shared/sse-cases.json is not here', () => {});
    return;
  }

  test('there are 104 of them, and names are unique', () => {
    expect(cases).toHaveLength(104);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(104);
  });

  test.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    const bytes = new Uint8Array(Buffer.from(one.inputBase64, 'base64'));
    check(bytes, one);
    const text = asText(bytes);
    if (text !== undefined) check(text, one);
  });
});
