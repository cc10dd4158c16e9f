/**
 * The edge cases that were tried on the official SDKs (notes, §3), row by row, with the answer that this library gives.
 * The title of a test is the row's words. The cases themselves stand in `support/edge-cases.ts`.
 *
 * Rows that are about the connection, about iterating, or about the SDK's own helpers have their answer in
 * `test/message-stream*.test.ts`: socket destroyed (`-ends`), close-delimited body cut (`-ends`; to a parser it is the
 * row "missing message_stop, clean EOF"), hung connection, `break` out of `for await`, caller's AbortSignal, error with
 * no listener/promise, iterate after the stream ended, late `on('text')` and `emitted('inputJson')` (there are no
 * listeners: a watcher always settles), two concurrent `for await`, backpressure, toReadableStream -> HTTP,
 * fromReadableStream fed raw SSE, finalText of 2 text blocks. "listener throws" is in `parser-handlers.test.ts`,
 * "snapshot identity" in `assembly.test.ts`.
 */

import { describe, expect, test } from 'vitest';
import { ConnectionError, MessageParser } from '../src/index.ts';
import { forEveryChunking } from './support/chunkings.ts';
import { EDGE_CASES } from './support/edge-cases.ts';
import * as m from './support/messages.ts';
import { codesOf, observe, sse } from './support/stream.ts';

test.each(EDGE_CASES.map((edge) => [edge.title, edge] as const))('%s', (_, edge) => {
  const bytes = typeof edge.body === 'string' ? new Uint8Array(Buffer.from(edge.body)) : edge.body;
  const seen = forEveryChunking(bytes, (chunks) => observe(chunks), undefined, { maxSize: 16, randomCuts: 4 });
  expect(seen.message?.content).toEqual(edge.content);
  expect(seen.outcome.status).toBe(edge.status);
  expect(codesOf(seen)).toEqual(edge.codes ?? []);
  expect(seen.thrown).toBeUndefined();
  edge.also?.(seen);
});

describe('ends that the bytes do not tell', () => {
  test('socket destroyed', () => {
    const cause = new TypeError('terminated');
    const body = sse(m.start()) + sse(m.textStart(0)) + sse(m.textDelta(0, 'A'));
    const seen = observe([body], { end: cause });
    expect(seen.outcome.status).toBe('disconnected');
    expect(seen.outcome.error).toMatchObject({ class: 'ConnectionError', snapshot: seen.message });
    expect(seen.message?.content).toEqual([{ type: 'text', text: 'A' }]);
    const parser = new MessageParser();
    parser.end(cause);
    expect(parser.outcome.error).toBeInstanceOf(ConnectionError);
    expect(parser.outcome.error?.cause).toBe(cause);
  });
});
