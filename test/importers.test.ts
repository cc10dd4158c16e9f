/** What other tools have saved, as captures: every kind, what is kept of it, and that nothing is left out in silence. */

import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Capture } from '../src/capture/format.ts';
import { type Imported, importCaptures, IMPORTERS, type ImportKind } from '../src/capture/importers/index.ts';
import { parseCapture } from '../src/capture/reader.ts';
import { formatCapture } from '../src/capture/writer.ts';
import { type Message, MessageParser, parseMessage, ProtocolError } from '../src/index.ts';
import { encodeUtf8 } from '../src/sse/utf8.ts';
import { sseSoup } from './support/arbitraries.ts';
import { captures as realStreams, hasCaptures, readCapture } from './support/captures.ts';
import { chunkFrame, exceptionFrame, joinBytes } from './support/carrier-frames.ts';
import { RUNS } from './support/chunkings.ts';
import { frame, start, stop, textBody, textEvents } from './support/messages.ts';

const BODY = textBody(['Hel', 'lo é😀']);
const EVENTS = textEvents(['Hel', 'lo é😀']);
const b64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64');

function bytesOf({ chunks }: Capture): Uint8Array {
  return joinBytes(chunks.map(({ bytes }) => bytes));
}
const textOf = (capture: Capture): string => Buffer.from(bytesOf(capture)).toString();

/** The one capture of an input, which must be of this kind, and survive being written. */
function single(file: string | Uint8Array, kind: ImportKind, name?: string): Capture {
  const result = importCaptures(file, { name });
  expect(result.kind).toBe(kind);
  expect(result.captures).toHaveLength(1);
  const capture = result.captures[0] as Capture;
  expect(parseCapture(formatCapture(capture))).toEqual(capture);
  return capture;
}

function messageOf(capture: Capture): Message | undefined {
  const parser = new MessageParser();
  for (const { bytes } of capture.chunks) parser.push(bytes);
  parser.end();
  return parser.message;
}

function refusal(file: string | Uint8Array, kind?: ImportKind): string {
  try {
    importCaptures(file, { name: 'x.file', kind });
  } catch (error) {
    if (error instanceof ProtocolError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('it was imported');
}

describe('the table', () => {
  test('has each kind once', () => {
    const kinds = IMPORTERS.map(({ kind }) => kind);
    expect(kinds).toEqual(['capture', 'bedrock', 'har', 'cassette', 'chunk-list', 'stream-json', 'sse']);
  });
});

describe('a saved body', () => {
  test('is a capture of one chunk an event, byte for byte, without times', () => {
    const capture = single(BODY, 'sse', 'a.sse');
    expect(textOf(capture)).toBe(BODY);
    expect(capture.chunks.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(EVENTS.map(frame));
    expect(capture.header).toEqual({
      ssemble: 'capture',
      version: 1,
      source: { kind: 'sse', name: 'a.sse', chunks: 'made' },
    });
    expect(capture.chunks.every(({ us }) => us === undefined)).toBe(true);
    expect(capture.end).toEqual({ end: 'eof' });
  });

  test('keeps every byte, whatever they are', () => {
    fc.assert(
      fc.property(sseSoup, (bytes) => {
        const { captures } = importCaptures(bytes, { kind: 'sse' });
        const head = Buffer.from(bytes).subarray(0, 5).toString() === 'HTTP/';
        if (!head) expect(bytesOf(captures[0] as Capture)).toEqual(new Uint8Array(bytes));
      }),
      { numRuns: 200 * RUNS },
    );
  });

  test('may have its head before it: that becomes status and headers, without secrets', () => {
    for (const eol of ['\r\n', '\n']) {
      const head = ['HTTP/2 200', 'content-type: text/event-stream', 'Set-Cookie: a=secret', '', ''].join(eol);
      const capture = single(head + BODY, 'sse');
      expect(textOf(capture)).toBe(BODY);
      expect(capture.header.response).toEqual({
        status: 200,
        headers: [
          ['content-type', 'text/event-stream'],
          ['Set-Cookie', '[redacted]'],
        ],
      });
    }
  });

  test('may have the heads of proxies before that: the last one counts, the others are told', () => {
    const file = `HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 529 Overloaded\r\nretry-after: 3\r\n\r\n{"type":"error"}`;
    const { captures, skipped } = importCaptures(file);
    expect(captures[0]?.header.response).toEqual({ status: 529, headers: [['retry-after', '3']] });
    expect(textOf(captures[0] as Capture)).toBe('{"type":"error"}');
    expect(skipped).toEqual([
      { where: 'head 1', why: "HTTP/1.1 200 Connection established came before the answer's own head" },
    ]);
  });

  test('may be a head alone', () => {
    const { captures } = importCaptures('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream');
    expect(captures[0]?.chunks).toEqual([]);
    expect(captures[0]?.header.response?.headers).toHaveLength(1);
  });
});

describe('a capture', () => {
  const own = formatCapture({
    header: { ssemble: 'capture', version: 1, tool: 'other/1' },
    chunks: [{ us: 5, bytes: encodeUtf8('data: {}\n\n') }],
    end: { end: 'abort', us: 9 },
  });

  test('is itself', () => {
    expect(formatCapture(single(own, 'capture', 'a.capture.jsonl'))).toBe(own);
  });

  test('that was cut is told', () => {
    const { captures, skipped } = importCaptures(own.slice(0, -4));
    expect(captures[0]?.end).toBeUndefined();
    expect(skipped).toEqual([
      { where: 'the line after chunk 1', why: 'the file ends inside it: the recording was interrupted' },
    ]);
  });
});

describe('the frames of Bedrock', () => {
  const frames = EVENTS.map((event) => chunkFrame(event));

  test('become server-sent events', () => {
    const capture = single(joinBytes(frames), 'bedrock', 'a.bin');
    expect(textOf(capture)).toBe(BODY);
    expect(capture.header.source).toEqual({ kind: 'bedrock', name: 'a.bin', chunks: 'made' });
  });

  test('keep the JSON as it was sent', () => {
    const odd = '{ "type": "content_block_delta", "index": 0, "delta": {"type":"text_delta","text":"\\u00e9"} }';
    expect(textOf(single(chunkFrame(odd), 'bedrock'))).toBe(`event: content_block_delta\ndata: ${odd}\n\n`);
  });

  test('with an exception are an error event', () => {
    const bytes = joinBytes([chunkFrame(start()), exceptionFrame('throttlingException', '{"message":"slow"}')]);
    expect(textOf(single(bytes, 'bedrock'))).toContain(
      'event: error\ndata: {"type":"error","error":{"type":"rate_limit_error"',
    );
  });

  test('that are cut keep what came, and say so twice: in the capture and beside it', () => {
    const { captures, skipped } = importCaptures(joinBytes(frames).slice(0, -5));
    expect(captures[0]?.chunks).toHaveLength(EVENTS.length - 1);
    expect(captures[0]?.end?.end).toBe('reset');
    expect(captures[0]?.end?.error).toContain('the stream ended in it');
    expect(skipped).toEqual([{ where: `after event ${EVENTS.length - 1}`, why: captures[0]?.end?.error }]);
  });

  test('of another protocol are refused', () => {
    expect(refusal(encodeUtf8('data: {}\n\n'), 'bedrock')).toContain('its first 12 bytes are not those of a frame');
    expect(refusal((frames[0] as Uint8Array).slice(0, 40))).toContain(
      'cannot-import: Cannot import x.file: Cannot read frame 1',
    );
  });
});

describe('stream-json', () => {
  const line = (event: unknown, parent: string | null = null, session = 's'): string =>
    `${JSON.stringify({ type: 'stream_event', event, session_id: session, parent_tool_use_id: parent, uuid: 'u' })}\n`;
  const log = (...events: readonly unknown[]): string => events.map((event) => line(event)).join('');

  test('becomes one capture a request, and tells what else was there', () => {
    const file =
      '{"type":"system","subtype":"init","session_id":"s","uuid":"u"}\n' +
      log(...EVENTS) +
      '{"type":"assistant","message":{}}\n{"type":"assistant","message":{}}\n' +
      log(...textEvents(['two'], 'msg_2')) +
      '{"type":"result"}\n';
    const { kind, captures, skipped } = importCaptures(file, { name: 'log.jsonl' });
    expect(kind).toBe('stream-json');
    expect(captures.map(textOf)).toEqual([BODY, textBody(['two'], 'msg_2')]);
    expect(captures.map(({ header }) => header.source?.name)).toEqual(['log.jsonl#1', 'log.jsonl#2']);
    expect(skipped).toEqual([
      { where: 'line 1 of type system', why: 'no event of a stream' },
      { where: `2 lines from line ${EVENTS.length + 2} on of type assistant`, why: 'no event of a stream' },
      { where: `line ${EVENTS.length * 2 + 3} of type result`, why: 'no event of a stream' },
    ]);
  });

  test('tells interleaved streams apart, by subagent and by session', () => {
    const [a, b, c] = [textEvents(['a'], 'msg_a'), textEvents(['b'], 'msg_b'), textEvents(['c'], 'msg_c')];
    const file = a.map((event, i) => line(event) + line(b[i], 'toolu_1') + line(c[i], null, 'other')).join('');
    const { captures } = importCaptures(file);
    expect(captures.map(textOf)).toEqual([
      textBody(['a'], 'msg_a'),
      textBody(['b'], 'msg_b'),
      textBody(['c'], 'msg_c'),
    ]);
  });

  test('keeps a start that comes twice with one id where it is', () => {
    const { captures } = importCaptures(log(start(), start(), stop));
    expect(captures).toHaveLength(1);
    expect(captures[0]?.chunks).toHaveLength(3);
  });

  test('begins anew after an error, and for another id', () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'no' } };
    expect(importCaptures(log(start(), error, start(), stop)).captures).toHaveLength(2);
    expect(importCaptures(log(start('msg_1'), start('msg_2'), stop)).captures).toHaveLength(2);
  });

  test('may be bare wire events', () => {
    const file = EVENTS.map((event) => `${JSON.stringify(event)}\r\n`).join('');
    expect(textOf(single(file, 'stream-json'))).toBe(BODY);
  });

  test('keeps what is no JSON as data', () => {
    expect(textOf(single(`${log(start())}oops\n`, 'stream-json'))).toContain('\n\ndata: oops\n\n');
  });

  test('without events says how to get them', () => {
    const file = '{"type":"system","session_id":"s"}\n{"type":"assistant"}\n';
    expect(refusal(file)).toBe(
      'cannot-import: Cannot import x.file: none of its 2 lines is an event of a stream; ' +
        'run claude with --include-partial-messages to get them',
    );
  });
});

describe('a HAR file', () => {
  const entry = (
    changes: object = {},
    content: object = { mimeType: 'text/event-stream; charset=utf-8', text: BODY },
  ) => ({
    startedDateTime: '2026-01-02T03:04:05.678Z',
    time: 900.5,
    timings: { blocked: 1, dns: -1, connect: 100, ssl: 90, send: 2, wait: 397.25, receive: 400 },
    request: {
      method: 'POST',
      url: 'https://user:pw@api.example.com/v1/messages?beta=true&api_key=abc',
      headers: [
        { name: 'x-api-key', value: 'sk-ant-secret' },
        { name: 'anthropic-version', value: '2023-06-01' },
      ],
    },
    response: { status: 200, headers: [{ name: 'request-id', value: 'req_1' }], content },
    ...changes,
  });
  const har = (...entries: object[]): string => JSON.stringify({ log: { version: '1.2', entries } });

  test('gives the body, the request without its secrets, and the times that it has', () => {
    const capture = single(har(entry()), 'har', 'session.har');
    expect(textOf(capture)).toBe(BODY);
    expect(capture.header).toEqual({
      ssemble: 'capture',
      version: 1,
      request: {
        method: 'POST',
        url: 'https://api.example.com/v1/messages?beta=true&api_key=[redacted]',
        headers: [
          ['x-api-key', '[redacted]'],
          ['anthropic-version', '2023-06-01'],
        ],
      },
      response: {
        status: 200,
        headers: [
          ['request-id', 'req_1'],
          ['content-type', 'text/event-stream; charset=utf-8'],
        ],
        us: 500_250,
      },
      clock: { zero: 'request', origin: '2026-01-02T03:04:05.678Z' },
      source: { kind: 'har', name: 'session.har', chunks: 'made' },
    });
    expect(capture.end).toEqual({ end: 'eof', us: 900_500 });
    expect(capture.chunks.every(({ us }) => us === undefined)).toBe(true);
  });

  test('may have its content in base64, of any of the two protocols', () => {
    const mimeType = 'text/event-stream';
    expect(textOf(single(har(entry({}, { mimeType, encoding: 'base64', text: b64(BODY) })), 'har'))).toBe(BODY);
    const frames = b64(joinBytes(EVENTS.map(chunkFrame)));
    const bedrock = { mimeType: 'application/vnd.amazon.eventstream', encoding: 'base64', text: frames };
    expect(textOf(single(har(entry({}, bedrock)), 'har'))).toBe(BODY);
  });

  test('says which encoding the browser took off', () => {
    const response = {
      status: 200,
      headers: [{ name: 'Content-Encoding', value: 'br' }],
      content: { mimeType: 'text/event-stream', text: BODY },
    };
    expect(single(har(entry({ response })), 'har').header.response?.decoded).toBe('br');
  });

  const messages = (times: readonly unknown[]) =>
    EVENTS.map((event, i) => ({ time: times[i], eventName: event.type, eventId: '', data: JSON.stringify(event) }));
  const startedS = Date.parse('2026-01-02T03:04:05.678Z') / 1000;

  test('of Chrome has the time of each event, in seconds; none goes back', () => {
    const times = EVENTS.map((_, i) => startedS + (i === 3 ? 0.25 : 0.5 + i / 8));
    const capture = single(har(entry({ _eventSourceMessages: messages(times) })), 'har');
    expect(capture.chunks.map(({ us }) => us)).toEqual(
      EVENTS.map((_, i) => (i === 3 ? 750_000 : 500_000 + i * 125_000)),
    );
    expect(textOf(capture)).toBe(BODY);
    expect(capture.end?.us).toBeGreaterThanOrEqual(capture.chunks.at(-1)?.us as number);
  });

  test('of Chrome may have the events and no content', () => {
    const content = { mimeType: 'text/event-stream', size: 0 };
    const times = EVENTS.map((_, i) => startedS + i);
    const capture = single(har(entry({ _eventSourceMessages: messages(times) }, content)), 'har');
    expect(messageOf(capture)).toEqual(parseMessage(BODY));
    expect(capture.chunks[2]?.us).toBe(2_000_000);
  });

  test('whose times do not fit its body says so', () => {
    const { captures, skipped } = importCaptures(har(entry({ _eventSourceMessages: messages([]).slice(2) })));
    expect(textOf(captures[0] as Capture)).toBe(BODY);
    expect(skipped).toEqual([
      {
        where: 'entry 1: POST https://api.example.com/v1/messages?beta=true&api_key=[redacted]',
        why: `the times of its ${EVENTS.length - 2} _eventSourceMessages do not fit its body: left out`,
      },
    ]);
  });

  test('with an answer that broke off says how', () => {
    const response = {
      status: 200,
      headers: [],
      _error: 'net::ERR_INCOMPLETE',
      content: { mimeType: 'text/event-stream', text: 'data: {}\n\n' },
    };
    expect(single(har(entry({ response })), 'har').end).toEqual({
      end: 'reset',
      error: 'net::ERR_INCOMPLETE',
      us: 900_500,
    });
  });

  test('tells what is no stream, what has no content, and what it cannot read', () => {
    const url = 'https://api.example.com/v1/messages';
    const request = { method: 'POST', url };
    const file = har(
      entry({ request: { method: 'GET', url: 'https://example.com/' } }, { mimeType: 'text/html', text: '<p>' }),
      entry({ request }, { mimeType: 'text/event-stream', size: 1234 }),
      entry({ request }, { mimeType: 'text/event-stream', encoding: 'base64', text: '???' }),
      entry(
        { request },
        { mimeType: 'text/event-stream', encoding: 'base64', text: gzipSync(BODY).toString('base64') },
      ),
      { strange: true },
      entry({ request }, { mimeType: 'application/json', text: '{"type":"error"}' }),
      entry(),
    );
    const { captures, skipped } = importCaptures(file, { name: 'a.har' });
    expect(captures.map(({ header }) => header.source?.name)).toEqual(['a.har#1', 'a.har#2']);
    expect(captures.map(textOf)).toEqual(['{"type":"error"}', BODY]);
    expect(skipped).toEqual([
      { where: 'entry 1: GET https://example.com/', why: 'its answer is no event stream (text/html)' },
      {
        where: `entry 2: POST ${url}`,
        why: 'the file has none of its 1234 bytes of content; save it again with content',
      },
      { where: `entry 3: POST ${url}`, why: 'its content is no base64, as its encoding says' },
      {
        where: `entry 4: POST ${url}`,
        why: 'its body is compressed (gzip); record it without compression, or decompress it first',
      },
      { where: 'entry 5', why: 'it has no content' },
    ]);
  });

  test('that is none is refused', () => {
    expect(refusal('{"log":{}}', 'har')).toContain('it has no log.entries; save it again as HAR, with content');
  });
});

describe('a cassette', () => {
  const headers = { 'Content-Type': ['text/event-stream'], 'Request-Id': ['req_1'] };
  const uri = 'https://api.example.com/v1/messages';
  const expectSame = (file: unknown): Capture => {
    const capture = single(JSON.stringify(file, null, 2), 'cassette', 'c.json');
    expect(textOf(capture)).toBe(BODY);
    expect(capture.header.request).toMatchObject({ method: 'POST', url: uri });
    expect(capture.header.response?.status).toBe(200);
    expect(capture.header.response?.headers).toContainEqual(['Content-Type', 'text/event-stream']);
    expect(capture.header.source).toEqual({ kind: 'cassette', name: 'c.json', chunks: 'made' });
    return capture;
  };

  test('of Python’s VCR', () => {
    const request = { method: 'POST', uri, headers: { 'x-api-key': ['sk-ant-x'] }, body: '{}' };
    const response = { status: { code: 200, message: 'OK' }, headers, body: { string: BODY } };
    const capture = expectSame({ version: 1, interactions: [{ request, response }] });
    expect(capture.header.request?.headers).toEqual([['x-api-key', '[redacted]']]);
  });

  test('of Ruby’s VCR, in base64', () => {
    const request = { method: 'post', uri, headers: {} };
    const body = { encoding: 'ASCII-8BIT', base64_string: b64(BODY).replace(/.{60}/g, '$&\n') };
    expectSame({ http_interactions: [{ request, response: { status: { code: 200 }, headers, body } }] });
  });

  test('of go-vcr', () => {
    const response = { status: '200 OK', code: 200, headers, body: BODY };
    expectSame({ version: 2, interactions: [{ id: 0, request: { method: 'POST', url: uri }, response }] });
  });

  test.each<[string, object]>([
    ['a text', { response: BODY }],
    ['a list of hexadecimal', { response: [Buffer.from(BODY).toString('hex')] }],
    ['binary', { response: Buffer.from(BODY).toString('hex'), responseIsBinary: true }],
  ])('of nock, whose answer is %s', (_, answer) => {
    const rawHeaders = ['Content-Type', 'text/event-stream'];
    const scope = 'https://api.example.com';
    expectSame([{ scope, method: 'POST', path: '/v1/messages', status: 200, rawHeaders, ...answer }]);
  });

  test.each<[string, object]>([
    ['a text', { text: BODY }],
    [
      'a list of base64',
      { encoding: 'base64', _isBinary: true, text: JSON.stringify([b64(BODY.slice(0, 50)), b64(BODY.slice(50))]) },
    ],
    ['a list of hexadecimal', { text: JSON.stringify([Buffer.from(BODY).toString('hex')]) }],
  ])('of Polly.js, whose content is %s', (_, content) => {
    const response = { status: 200, headers: [{ name: 'Content-Type', value: 'text/event-stream' }], content };
    const entry = {
      request: { method: 'POST', url: uri, headers: [] },
      response,
      startedDateTime: '2026-01-01T00:00:00Z',
      time: 12,
    };
    expectSame({ log: { _recordingName: 'a', entries: [entry] } });
  });

  test('of claude-trace is one request a line', () => {
    const request = { timestamp: 1, method: 'POST', url: uri, headers: { 'x-api-key': 'sk-ant-x' }, body: {} };
    const response = {
      timestamp: 2,
      status_code: 200,
      headers: { 'Content-Type': 'text/event-stream' },
      body_raw: BODY,
    };
    const line = (answer: object): string => `${JSON.stringify({ request, response: answer, logged_at: 'x' })}\n`;
    const other = { status_code: 200, headers: { 'content-type': 'application/json' }, body: { a: 1 } };
    const { kind, captures, skipped } = importCaptures(`${line(response)}${line(other)}\noops\n`);
    expect(kind).toBe('cassette');
    expect(captures.map(textOf)).toEqual([BODY]);
    expect(captures[0]?.header.response?.status).toBe(200);
    expect(captures[0]?.header.request?.headers).toEqual([['x-api-key', '[redacted]']]);
    expect(skipped).toEqual([
      { where: `line 2: POST ${uri}`, why: 'its body was kept as JSON, so it was no stream' },
      { where: 'line 4', why: 'it is no request with its answer' },
    ]);
  });

  test('tells what is no stream', () => {
    const response = (body: unknown, type = 'text/event-stream') => ({
      status: { code: 200 },
      headers: { 'content-type': type },
      body,
    });
    const file = {
      interactions: [
        {
          request: { method: 'GET', uri: 'https://example.com/models' },
          response: response({ string: '{}' }, 'application/json'),
        },
        { request: { method: 'POST', uri }, response: response({ string: '' }) },
        { request: { method: 'POST', uri }, response: response(null) },
        { request: { method: 'POST', uri }, response: response({ base64_string: '?' }) },
        { request: { method: 'POST', uri }, response: response({ string: BODY }) },
      ],
    };
    const { captures, skipped } = importCaptures(JSON.stringify(file));
    expect(captures).toHaveLength(1);
    expect(skipped.map(({ where, why }) => `${where.split(':')[0]}: ${why}`)).toEqual([
      'interaction 1: its answer is no event stream (application/json)',
      'interaction 2: its body is empty',
      'interaction 3: it has no body',
      'interaction 4: its base64_string is no base64',
    ]);
  });

  test('in YAML is refused with what to do', () => {
    expect(refusal('interactions:\n- request: {}\n', 'cassette')).toBe(
      'cannot-import: Cannot import x.file: it is not JSON; cassettes in YAML must be converted to JSON first',
    );
  });
});

describe('a list of chunks', () => {
  /** Cut inside characters and events, as a network does. */
  const parts = [BODY.slice(0, 30), BODY.slice(30, 333), BODY.slice(333)];
  const bytes = encodeUtf8(BODY);
  const cut = [bytes.slice(0, 700), bytes.slice(700, 701), bytes.slice(701)];
  const expectChunks = (file: unknown, chunks: readonly (string | Uint8Array)[] = parts): Capture => {
    const capture = single(typeof file === 'string' ? file : JSON.stringify(file), 'chunk-list', 'c.json');
    expect(capture.chunks.map((chunk) => Buffer.from(chunk.bytes))).toEqual(chunks.map((chunk) => Buffer.from(chunk)));
    expect(capture.header.source?.chunks).toBe('recorded');
    return capture;
  };
  const times = (capture: Capture) => capture.chunks.map(({ us }) => us);

  test('as chunks_b64, with the status and the request beside it', () => {
    const response = { status_code: 200, headers: { 'content-type': 'text/event-stream' }, chunks_b64: cut.map(b64) };
    const request = { method: 'POST', url: 'https://api.example.com/v1/messages' };
    const capture = expectChunks({ interactions: [{ request, response }] }, cut);
    expect(capture.header.response).toEqual({ status: 200, headers: [['content-type', 'text/event-stream']] });
    expect(capture.header.request).toEqual(request);
    expect(capture.header.clock).toBeUndefined();
  });

  test('as chunks_b64 that are no stream: the key says what they are', () => {
    expectChunks({ status: 500, chunks_b64: [b64('oh'), b64(' no')] }, ['oh', ' no']);
  });

  test('several in a file are several captures', () => {
    const file = JSON.stringify({ a: { chunks_b64: parts.map(b64) }, b: [{ c: parts }] });
    const { captures } = importCaptures(file, { name: 'c.json' });
    expect(captures.map(textOf)).toEqual([BODY, BODY]);
    expect(captures.map(({ header }) => header.source?.name)).toEqual(['c.json#1', 'c.json#2']);
  });

  test('as a list of base64, of base64 for URLs, and of texts', () => {
    expectChunks(cut.map(b64), cut);
    expectChunks(
      cut.map((part) => Buffer.from(part).toString('base64url')),
      cut,
    );
    expectChunks({ type: 'stream', data: parts });
  });

  test.each<[string, (part: string, i: number) => unknown, (number | undefined)[], object | undefined]>([
    [
      'milliseconds from the request',
      (data, i) => ({ t: 120 + i * 10, data }),
      [120_000, 130_000, 140_000],
      { zero: 'request' },
    ],
    [
      'milliseconds from the first chunk',
      (data, i) => ({ t: i * 10, data: b64(data) }),
      [0, 10_000, 20_000],
      { zero: 'first-chunk' },
    ],
    [
      'seconds, as the fraction tells',
      (chunk, i) => ({ offset: i * 0.5, chunk }),
      [0, 500_000, 1_000_000],
      { zero: 'first-chunk' },
    ],
    ['microseconds, as the key tells', (b, i) => ({ t_us: 7 + i, b64: b64(b) }), [7, 8, 9], { zero: 'request' }],
    [
      'seconds, as the key tells',
      (text, i) => ({ elapsed_s: 1 + i, text }),
      [1_000_000, 2_000_000, 3_000_000],
      { zero: 'request' },
    ],
    [
      'nanoseconds since 1970',
      (data, i) => ({ ts: 1767323045678000000 + i * 1_000_000, data }),
      [0, 1000, 2000],
      { zero: 'first-chunk', origin: '2026-01-02T03:04:05.678Z' },
    ],
    [
      'milliseconds since 1970',
      (data, i) => ({ timestamp: 1767323045678 + i, data }),
      [0, 1000, 2000],
      { zero: 'first-chunk', origin: '2026-01-02T03:04:05.678Z' },
    ],
    [
      'seconds since 1970',
      (data, i) => ({ time: 1767323045.5 + i, data }),
      [0, 1_000_000, 2_000_000],
      { zero: 'first-chunk', origin: '2026-01-02T03:04:05.500Z' },
    ],
    [
      'dates',
      (data, i) => ({ timestamp: `2026-01-02T03:04:05.67${i}Z`, data }),
      [0, 1000, 2000],
      { zero: 'first-chunk', origin: '2026-01-02T03:04:05.670Z' },
    ],
    ['pairs', (data, i) => [i * 10, data], [0, 10_000, 20_000], { zero: 'first-chunk' }],
    [
      'times that go back, which stay where they are',
      (data, i) => ({ t: 20 - i * 10, data }),
      [20_000, 20_000, 20_000],
      { zero: 'request' },
    ],
    [
      'a time that is missing, so there are none',
      (data, i) => (i === 1 ? { data } : { t: i, data }),
      [undefined, undefined, undefined],
      undefined,
    ],
    [
      'a time that is nonsense, so there are none',
      (data, i) => ({ t: i === 1 ? 'soon' : '1', data }),
      [undefined, undefined, undefined],
      undefined,
    ],
  ])('with %s', (_, item, us, clock) => {
    const capture = expectChunks(parts.map(item));
    expect(times(capture)).toEqual(us);
    expect(capture.header.clock).toEqual(clock);
  });

  test('one a line', () => {
    const capture = expectChunks(parts.map((data, i) => `${JSON.stringify({ ts: i * 1000, data })}\n`).join(''));
    expect(times(capture)).toEqual([0, 1_000_000, 2_000_000]);
    expect(times(expectChunks(`${JSON.stringify({ ts: 0, data: BODY })}\n`, [BODY]))).toEqual([0]);
  });

  test('is not every list: other JSON is refused', () => {
    for (const file of ['[]', '["a","b"]', '[1,2]', '{"data":"x"}', '[{"name":"a"}]', '{"list":["abcd"]}', '"text"']) {
      expect(refusal(file)).toContain('it is JSON, but of no known shape; say what it is (capture, bedrock,');
      expect(refusal(file, 'chunk-list')).toContain('it has no list of chunks that is known here');
    }
  });

  test('that nests without end costs nothing', () => {
    const deep = `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`;
    expect(refusal(deep)).toContain('of no known shape');
  });
});

describe('what is of no kind', () => {
  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'it is empty; give a file that has a stream in it'],
    ['gzip', new Uint8Array(gzipSync(BODY)), 'it is compressed (gzip); decompress it first (gunzip)'],
    [
      'a page',
      encodeUtf8('<html>'),
      'it is of no kind that is known here; the kinds are capture, bedrock, har, cassette',
    ],
    ['other JSON lines', encodeUtf8('{"a":1}\n{"a":2}\n'), 'it is of no kind that is known here'],
  ])('%s is refused with what to do', (_, bytes, expected) => {
    expect(refusal(bytes)).toContain(`cannot-import: Cannot import x.file: ${expected}`);
  });

  test('is the caller’s mistake where the kind does not exist', () => {
    expect(() => importCaptures('', { kind: 'yaml' as ImportKind })).toThrow(TypeError);
  });

  test('any text is imported or refused, and nothing else happens', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"log"',
      '"entries"',
      ':',
      ',',
      '"interactions"',
      '"response"',
      '{"type":"stream_event"}',
      '\n',
      'data: {}\n\n',
      'HTTP/1.1 200\r\n',
      '"chunks_b64"',
      '"AAAA"',
      '1',
      'null',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        let result: Imported;
        try {
          result = importCaptures(parts.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
          return;
        }
        for (const capture of result.captures) expect(parseCapture(formatCapture(capture))).toEqual(capture);
      }),
      { numRuns: 300 * RUNS },
    );
  });
});

describe.skipIf(!hasCaptures)('the real streams', () => {
  test('are the same as captures, byte for byte', () => {
    for (const { file } of realStreams) {
      const bytes = readCapture(file);
      const { kind, captures, skipped } = importCaptures(bytes);
      expect(kind, file).toBe('sse');
      expect(skipped, file).toEqual([]);
      expect(Buffer.from(bytesOf(captures[0] as Capture)).equals(bytes), file).toBe(true);
    }
  });

  test('of Bedrock give the body beside them', () => {
    const folder = fileURLToPath(new URL('../../shared/captures/bedrock/', import.meta.url));
    const binaries = readdirSync(folder).filter((file) => file.endsWith('.aws.bin'));
    expect(binaries).toHaveLength(29);
    for (const file of binaries) {
      const { kind, captures, skipped } = importCaptures(new Uint8Array(readFileSync(folder + file)));
      expect(kind, file).toBe('bedrock');
      expect(skipped, file).toEqual([]);
      const body = readFileSync(folder + file.replace('.aws.bin', '.sse'), 'utf8');
      expect(textOf(captures[0] as Capture), file).toBe(body);
    }
  });
});
