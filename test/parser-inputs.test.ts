/** What a parser may be given besides chunks of a stream: text that grows, whole bodies, bodies that are no stream; limits. */

import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { MessageParser, parseMessage, ProtocolError, StreamError } from '../src/index.ts';
import { forEveryChunking, pieces } from './support/chunkings.ts';
import * as m from './support/messages.ts';
import { codesOf, observe, sse } from './support/stream.ts';

const body = m.textBody(['é€😀', '\uFFFD!', 'end']);
const whole = observe([body]);

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('it did not throw');
}

describe('pushCumulative', () => {
  /** What `responseText` shows after each so many bytes: half a character at the end is U+FFFD. */
  function* growing(text: string, size: number): Generator<string> {
    const bytes = Buffer.from(text);
    for (let end = size; end < bytes.length; end += size) yield bytes.subarray(0, end).toString('utf8');
    yield text;
  }

  test.each([1, 2, 3, 5, 17, 64, 100_000])('text that grows by %i bytes reads as the whole', (size) => {
    const seen = observe([...growing(body, size)], { give: (parser, text) => parser.pushCumulative(text as string) });
    expect(seen).toStrictEqual(whole);
  });

  test('text that grows by one UTF-16 unit', () => {
    const texts = Array.from({ length: body.length }, (_, i) => body.slice(0, i + 1));
    expect(observe(texts, { give: (parser, text) => parser.pushCumulative(text as string) })).toStrictEqual(whole);
  });

  test('the same text again is nothing new', () => {
    const seen = observe([body, body, body], { give: (parser, text) => parser.pushCumulative(text as string) });
    expect(seen).toStrictEqual(whole);
  });

  test('a trailing U+FFFD waits, and is read at the end if it stays', () => {
    const parser = new MessageParser();
    const open = sse(m.start()) + sse(m.textStart(0)) + 'data: {"type":"content_block_delta"';
    parser.pushCumulative(`${open}\uFFFD\uFFFD`);
    parser.pushCumulative(`${open}${JSON.stringify({ x: 'é' }).slice(1, -2)}`);
    const ends = new MessageParser();
    ends.pushCumulative('event: error\ndata: caf\uFFFD');
    ends.end();
    expect(ends.outcome.error?.message).toBe('api_error: caf\uFFFD');
    expect(parser.outcome.status).toBe('open');
  });

  test.each<[string, string]>([
    ['shorter', body.slice(0, 50)],
    ['another text', 'x'.repeat(body.length + 10)],
    ['another end of what was read', `${body.slice(0, 199)}#${body.slice(200)}`],
  ])('%s is a RangeError, and nothing is read', (_, next) => {
    const parser = new MessageParser();
    parser.pushCumulative(body.slice(0, 200));
    expect(() => parser.pushCumulative(next)).toThrow(RangeError);
    parser.pushCumulative(body);
    parser.end();
    expect(parser.message).toEqual(whole.message);
  });

  test('reset() begins a new text', () => {
    const parser = new MessageParser();
    parser.pushCumulative('\uFFFD'.repeat(3));
    parser.reset();
    parser.pushCumulative(body);
    expect(parser.message).toEqual(whole.message);
  });
});

describe('parseMessage', () => {
  test('gives the message, of text and of bytes', () => {
    expect(parseMessage(body)).toEqual(whole.message);
    expect(parseMessage(new TextEncoder().encode(body))).toEqual(whole.message);
  });

  test('any view of bytes is bytes, from the first chunk on', () => {
    const bytes = new TextEncoder().encode(`${body}{`);
    const parser = new MessageParser();
    parser.push(new DataView(bytes.buffer, 0, 10) as unknown as Uint8Array);
    parser.push(bytes.subarray(10, -1));
    parser.end();
    expect(parser.message).toEqual(whole.message);
    const foreign = new MessageParser();
    foreign.push(new DataView(bytes.buffer, bytes.length - 1) as unknown as Uint8Array);
    foreign.end();
    expect(foreign.outcome.error).toMatchObject({ code: 'json-body' });
  });

  test('gives the last of several', () => {
    expect(parseMessage(body + m.textBody(['two'], 'msg_2')).id).toBe('msg_2');
  });

  test.each<[string, string, string]>([
    ['nothing', '', 'TruncatedError'],
    ['a cut stream', body.slice(0, 300), 'TruncatedError'],
    ['an unreadable event', body.replace('"text_delta","text":"end"', '"text_delta","text":'), 'DamagedError'],
    ['an error event', sse(m.start()) + sse(m.apiError('rate_limit_error', 'slow down')), 'RateLimitError'],
    ['a JSON error', JSON.stringify(m.apiError('authentication_error', 'no')), 'AuthenticationError'],
    ['a page', '<!doctype html>', 'ProtocolError'],
    ['no message_start', body.slice(body.indexOf('\n\n') + 2), 'DamagedError'],
  ])('%s: throws %s', (_, text, name) => {
    const error = thrownBy(() => parseMessage(text));
    expect(error).toMatchObject({ name });
    expect(error).toBeInstanceOf(StreamError);
    const { snapshot, blocks, outcome } = error as StreamError;
    expect(outcome?.error).toBe(error);
    expect(blocks).toHaveLength(snapshot?.content.length ?? 0);
  });
});

const PAGE = '<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title>';
const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [{ type: 'text', text: 'A😀' }],
  stop_reason: 'end_turn',
  usage: {},
};
const JSON_ERROR = JSON.stringify({ ...m.apiError('rate_limit_error', 'slow 😀'), request_id: 'req_1' });
const HEAD = 'HTTP/2 200 \r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_1\r\n\r\n';

describe('bodies that are no event stream are named for what they are', () => {
  test.each<[string, string | Uint8Array, object, RegExp]>([
    ['a JSON error', JSON_ERROR, { name: 'RateLimitError', status: 429, requestId: 'req_1' }, /slow 😀/],
    [
      'a JSON error, pretty, behind blanks and a BOM',
      `\uFEFF \r\n${JSON.stringify(JSON.parse(JSON_ERROR), null, 2)}\n`,
      { name: 'RateLimitError' },
      /slow/,
    ],
    ['a JSON error of another shape', '{"error":"nope"}', { name: 'InternalServerError' }, /nope/],
    ['a whole Message', JSON.stringify(MESSAGE), { name: 'ProtocolError', code: 'whole-message' }, /"stream": true/],
    ['a page', PAGE, { name: 'ProtocolError', code: 'html-body' }, /`<!DOCTYPE html>`/],
    ['other JSON', '[1,2]', { name: 'ProtocolError', code: 'json-body' }, /\[1,2\]/],
    ['a lone brace', '{', { name: 'ProtocolError', code: 'json-body' }, /./],
    [
      'NDJSON',
      `${JSON.stringify(m.start())}\n${JSON.stringify(m.stop)}\n`,
      { name: 'ProtocolError', code: 'ndjson-body' },
      /./,
    ],
    [
      'NDJSON of stream_event lines',
      '{"type":"stream_event","event":{}}\n{"type":"stream_event","event":{}}\n',
      { name: 'ProtocolError', code: 'ndjson-body' },
      /./,
    ],
    [
      'what only looks like a Message',
      '{"type":"message","content":[null]}',
      { name: 'ProtocolError', code: 'json-body' },
      /null/,
    ],
    ['gzip', new Uint8Array(gzipSync(body)), { name: 'ProtocolError', code: 'gzip-body' }, /gzip/],
    [
      'curl -i, then a JSON error',
      `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n\r\n${JSON_ERROR}`,
      { name: 'BadRequestError', status: 400 },
      /slow/,
    ],
    [
      'curl -i, then a page',
      `HTTP/1.1 502 Bad Gateway\n\n${PAGE}`,
      { name: 'ProtocolError', code: 'html-body' },
      /html/i,
    ],
  ])('%s', (_, input, expected, message) => {
    const bytes = typeof input === 'string' ? new Uint8Array(Buffer.from(input)) : input;
    const seen = forEveryChunking(bytes, (chunks) => observe(chunks));
    expect(seen.outcome).toMatchObject({ status: 'errored', error: { ...expected, outcome: 'errored' } });
    expect(seen.outcome.error?.message).toMatch(message);
    expect(seen.calls.filter(([name]) => name === 'event')).toEqual([]);
    expect(seen.thrown).toBeUndefined();
    if (typeof input === 'string')
      for (const size of [1, 2, 7]) expect(observe(pieces(input, size))).toStrictEqual(seen);
    const { name } = expected as { name: string };
    expect(thrownBy(() => parseMessage(input))).toMatchObject({ name });
    expect(observe([bytes], { strict: true }).thrown).toEqual(seen.outcome.error);
  });

  test('a whole Message is there as the snapshot', () => {
    const seen = observe([JSON.stringify(MESSAGE)]);
    expect(seen.message).toEqual(MESSAGE);
    expect(seen.outcome.error?.snapshot).toEqual(MESSAGE);
  });

  test('64 kB are kept, however much comes', () => {
    const parser = new MessageParser();
    parser.push('<html>');
    for (let i = 0; i < 200; i++) parser.push('x'.repeat(1000));
    expect(JSON.stringify(parser).length).toBeLessThan(100_000);
    parser.end();
    expect(parser.outcome.error).toMatchObject({ code: 'html-body' });
    const big = observe([`{"error":{"type":"x","message":"${'y'.repeat(70_000)}"}}`]);
    expect(big.outcome.error).toMatchObject({ code: 'json-body' });
  });
});

describe('curl -i, then the stream', () => {
  test('the head is skipped and noted', () => {
    const bytes = new Uint8Array(Buffer.from(HEAD + body));
    const seen = forEveryChunking(bytes, (chunks) => observe(chunks));
    expect(seen.message).toEqual(whole.message);
    expect(seen.outcome).toEqual(whole.outcome);
    expect(seen.diagnostics).toMatchObject([
      { code: 'http-head', severity: 'info', at: { event: 0, byte: 0, line: 1 } },
    ]);
    expect(seen.calls.find(([name]) => name === 'event')?.[2]).toEqual({ event: 1, byte: HEAD.length, line: 5 });
  });

  test('two heads (a proxy answered first)', () => {
    const seen = observe([`HTTP/1.1 200 Connection established\r\n\r\n${HEAD}${body}`]);
    expect(seen.message).toEqual(whole.message);
    expect(codesOf(seen)).toEqual(['http-head']);
  });

  test('the status of the head is that of an error event behind it', () => {
    const seen = observe([`HTTP/1.1 503 Busy\r\n\r\n${sse(m.apiError('overloaded_error', 'm'))}`]);
    expect(seen.outcome.error).toMatchObject({ name: 'ServiceUnavailableError', status: 503 });
  });
});

describe('limits', () => {
  const long = (n: number): string => sse(m.start()) + sse(m.textDelta(0, 'x'.repeat(n)));

  test.each([
    ['maxLineBytes', 'line-too-long', { maxLineBytes: 400 }],
    ['maxEventBytes', 'event-too-large', { maxEventBytes: 450 }],
  ])('past %s: a ProtocolError, after all that came before, until reset()', (_, code, limits) => {
    const bytes = new Uint8Array(Buffer.from(long(500)));
    const seen = forEveryChunking(bytes, (chunks) => observe(chunks, { limits }));
    expect(seen.thrown).toMatchObject({ class: 'ProtocolError', code, outcome: 'errored' });
    expect(seen.thrown?.snapshot).toMatchObject({ id: 'msg_1' });
    expect(seen.outcome).toMatchObject({ status: 'errored', error: seen.thrown });
    const parser = new MessageParser({}, { limits });
    const error = thrownBy(() => parser.push(bytes));
    expect(error).toBeInstanceOf(ProtocolError);
    for (const call of [
      () => parser.push(''),
      () => parser.push(body),
      () => parser.apply({ type: 'ping' }),
      () => parser.end(),
      () => parser.end(),
    ]) {
      expect(thrownBy(call)).toBe(error);
    }
    parser.reset();
    parser.push(body);
    parser.end();
    expect(parser.message).toEqual(whole.message);
  });

  test('after message_stop the outcome stays', () => {
    const parser = new MessageParser({}, { limits: { maxLineBytes: 400 } });
    const error = thrownBy(() => parser.push(`${body}: ${'x'.repeat(500)}\n`));
    expect(error).toMatchObject({ code: 'line-too-long', outcome: { status: 'complete' } });
    expect(parser.outcome.status).toBe('complete');
    expect(thrownBy(() => parser.end())).toBe(error);
  });

  test('up to them nothing happens', () => {
    expect(observe([long(200)], { limits: { maxLineBytes: 400, maxEventBytes: 450 } }).thrown).toBeUndefined();
  });

  test('maxDiagnostics', () => {
    const parser = new MessageParser({}, { limits: { maxDiagnostics: 1 } });
    parser.push(sse(m.blockStop(0)) + sse(m.blockStop(0)));
    parser.end();
    expect([parser.diagnostics.length, parser.diagnosticCount]).toEqual([1, 4]);
  });
});
