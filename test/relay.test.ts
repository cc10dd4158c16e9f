/** Promises of `relay()` and `relayResponse()`: what the client gets, what the server keeps, and who pays for what. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  ApiError,
  ConnectionError,
  MessageParser,
  MessageStream,
  OverloadedError,
  type StreamEvent,
  TruncatedError,
} from '../src/index.ts';
import {
  encodeEvent,
  relay,
  RELAY_HEADERS,
  type EncodableEvent,
  type RelayOptions,
  relayResponse,
  type RelaySource,
} from '../src/relay/index.ts';
import { captures, hasCaptures, readCapture } from './support/captures.ts';
import { feed } from './support/feed.ts';
import {
  apiError,
  blockStop,
  cut,
  frame,
  messageDelta,
  start,
  stop,
  textBody,
  textDelta,
  textEvents,
  textStart,
} from './support/messages.ts';
import { meantMessage, nearlyStream } from './support/streams-arbitrary.ts';

const RUNS = process.env['SSEMBLE_FUZZ'] ? 100 : 1;
const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));

afterEach(() => vi.useRealTimers());

async function read(stream: unknown): Promise<string> {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(await readBytes(stream));
}

async function readBytes(stream: unknown): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream as ReadableStream<Uint8Array>).arrayBuffer());
}

function readerOf(stream: unknown): ReadableStreamDefaultReader<Uint8Array> {
  return (stream as ReadableStream<Uint8Array>).getReader();
}

/** What the client's parser makes of it. */
function parse(body: string | Uint8Array): MessageParser {
  const parser = new MessageParser();
  parser.push(body);
  parser.end();
  return parser;
}

/** The error that the client's parser makes of the end. */
async function errorAt(source: RelaySource, options?: RelayOptions): Promise<ApiError> {
  const { error } = parse(await read(relay(source, options).stream)).outcome;
  if (!(error instanceof ApiError)) throw new Error(`no ApiError: ${String(error)}`);
  return error;
}

const body = textBody(['Hello', ' world']);
/** A source that has given an answer without its end and then says nothing. */
const silent = (): ReturnType<typeof feed> => feed().give(start(), textStart(0), textDelta(0, 'Hi'));

describe('a byte source', () => {
  test.each([
    ['as the API frames it', body],
    ['with padding, CRLF, a mark, comments, ids and unknown fields', odd()],
    ['with bare CRs', body.replaceAll('\n', '\r')],
    ['without event names', body.replaceAll(/^event: .*\n/gm, '')],
    ['with what comes after the end', `${body}: bye\n\ndata: [DONE]\n\n`],
  ])('%s goes out byte for byte', async (_, text) => {
    for (const size of [1, 7, 1000]) {
      const { stream, done } = relay(cut(text, size));
      expect(await read(stream)).toBe(text);
      expect((await done).outcome.status).toBe('complete');
    }
  });

  test.each([
    ['a string', () => body],
    ['bytes', () => new TextEncoder().encode(body)],
    ['a Response', () => new Response(body)],
    ['a ReadableStream', () => new Response(body).body as ReadableStream],
    ['strings', () => [body.slice(0, 100), body.slice(100)]],
    [
      'an async iterable',
      () =>
        feed()
          .give(...textEvents(['Hello', ' world']))
          .end(),
    ],
    ['a Node Readable', async () => (await import('node:stream')).Readable.from([Buffer.from(body)])],
  ])('may be %s', async (_, make) => {
    const { stream, done } = relay(await make());
    expect(await read(stream)).toBe(body);
    expect((await done).message?.content).toEqual([{ type: 'text', text: 'Hello world' }]);
  });

  test('a pair that two strings share is one character', async () => {
    const text = textBody(['😀']);
    const half = text.indexOf('\ude00');
    const { stream } = relay([text.slice(0, half), text.slice(half)]);
    expect(await read(stream)).toBe(text);
  });

  test.skipIf(!hasCaptures)('every real stream', async () => {
    for (const { file } of captures) {
      const bytes = readCapture(file);
      const { stream, done } = relay([bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)]);
      const got = await readBytes(stream);
      const { outcome, message } = await done;
      const source = parse(bytes);
      expect(message).toEqual(source.message);
      expect(outcome.status).toBe(source.outcome.status);
      expect(Buffer.compare(got.subarray(0, bytes.length), bytes.subarray(0, got.length))).toBe(0);
    }
  });

  test.each(
    ['messages', 'hostile'].flatMap((set) =>
      readdirSync(FIXTURES + set)
        .filter((file) => file.endsWith('.sse'))
        .map((file) => `${set}/${file}`),
    ),
  )('%s: the client reads what the server reads', async (file) => {
    const bytes = new Uint8Array(readFileSync(FIXTURES + file));
    // As every reader of ours, a relay stops behind an `error` event.
    const source = MessageStream.from([bytes]);
    await source.finalMessage().catch(() => {});
    const { stream, done } = relay([bytes]);
    const client = parse(await readBytes(stream));
    const { message, blocks, outcome } = await done;
    expect({ message, blocks, status: outcome.status }).toEqual({
      message: source.snapshot,
      blocks: source.blocks,
      status: source.outcome.status,
    });
    // Of a body that is no event stream nothing goes out but the error.
    if (client.message !== undefined) expect(client.message).toEqual(source.snapshot);
    const good = ['complete', 'damaged'].includes(outcome.status);
    expect(client.outcome.status).toBe(good ? outcome.status : 'errored');
  });

  test('any bytes: the client has the message, and knows whether it is whole', async () => {
    await fc.assert(
      fc.asyncProperty(nearlyStream, fc.array(fc.nat(), { maxLength: 5 }), async (bytes, places) => {
        const cuts = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        const chunks = cuts.map((end, i) => bytes.slice(cuts[i - 1] ?? 0, end));
        const { stream, done } = relay(chunks);
        const client = parse(await readBytes(stream));
        const { message, outcome } = await done;
        const good = ['complete', 'damaged'].includes(outcome.status);
        expect(client.outcome.status).toBe(good ? outcome.status : 'errored');
        if (good) expect(client.message).toEqual(message);
      }),
      { numRuns: 300 * RUNS },
    );
  });
});

describe('transform', () => {
  const change = (
    transform: (event: StreamEvent) => EncodableEvent | readonly EncodableEvent[] | undefined,
  ): Promise<string> => read(relay(cut(odd(), 50), { transform }).stream);

  test('what is given back as it is goes out byte for byte', async () => {
    expect(await change((event) => event)).toBe(odd());
    expect(await change((event) => [event])).toBe(odd());
  });

  test('may change, drop and add events; the others stay byte for byte', async () => {
    const text = await change((event) => {
      if (event.type === 'ping') return undefined;
      if (event.type === 'content_block_delta') return { ...event, delta: { type: 'text_delta', text: 'X' } };
      if (event.type === 'message_stop') return [event, { type: 'cost', usd: 0.25 }];
      return event;
    });
    const pieces = odd().split(/(?<=\r\n\r\n|\n\n)/);
    expect(text).toBe(
      [
        ...pieces.slice(0, 2),
        ': keep-alive\n\n',
        frame(textDelta(0, 'X')),
        ...pieces.slice(5, 8),
        'event: cost\ndata: {"type":"cost","usd":0.25}\n\n',
      ].join(''),
    );
    expect(parse(text).outcome.status).toBe('complete');
  });

  test('the server keeps what came, not what was made of it', async () => {
    const { stream, done } = relay(body, { transform: () => undefined });
    expect(await read(stream)).toBe('');
    expect((await done).message?.content).toEqual([{ type: 'text', text: 'Hello world' }]);
  });

  test('any message: the identity changes nothing, dropping all but text leaves the text', async () => {
    await fc.assert(
      fc.asyncProperty(meantMessage, fc.integer({ min: 1, max: 300 }), async ({ events }, size) => {
        const wire = events.map(frame).join('');
        expect(await read(relay(cut(wire, size), { transform: (event) => event }).stream)).toBe(wire);
        const copied = await read(relay(cut(wire, size), { transform: (event) => ({ ...event }) }).stream);
        expect(copied).toBe(wire);
      }),
      { numRuns: 60 * RUNS },
    );
  });

  test.each<[string, () => EncodableEvent]>([
    ['throws', () => thrower()],
    ['gives what has no type', () => ({ no: 'type' }) as unknown as EncodableEvent],
    ['gives what JSON cannot write', () => ({ type: 'x', value: 1n })],
  ])('that %s ends the stream: the client is told in general words, the server knows why', async (_, transform) => {
    const source = feed().give(...textEvents(['secret']));
    const { stream, done } = relay(source, { transform });
    const text = await read(stream);
    expect(parse(text).outcome.error).toBeInstanceOf(ApiError);
    expect(text).not.toContain('secret');
    const { outcome } = await done;
    expect(outcome.status).toBe('aborted');
    expect(outcome.error?.cause).toBeInstanceOf(Error);
  });
});

describe('a transform that fails at the very end', () => {
  test.each<[string, () => RelaySource]>([
    ['bytes', () => body],
    ['a MessageStream', () => MessageStream.from(body)],
  ])('of %s: the client does not take it for an end, the server has the message and the error', async (_, source) => {
    const { stream, done } = relay(source(), {
      transform: (event) => (event.type === 'message_stop' ? thrower() : event),
    });
    expect(parse(await read(stream)).outcome).toMatchObject({ status: 'errored', error: { type: 'api_error' } });
    const { message, outcome } = await done;
    expect(message?.content).toEqual([{ type: 'text', text: 'Hello world' }]);
    expect(outcome).toMatchObject({ status: 'aborted', error: { cause: { message: 'on purpose' } } });
  });
});

describe('a bad end', () => {
  test('an `error` event goes out as it came, and nothing is added', async () => {
    const wire =
      frame(start()) +
      'event: error\r\ndata: {"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"}   }\r\n\r\n';
    expect(await read(relay(wire).stream)).toBe(wire);
  });

  test.each<[string, () => RelaySource, string, string]>([
    ['a cut stream', () => frame(start()), 'api_error', 'The stream from the model ended early'],
    [
      'a broken connection',
      () => feed().give(start()).fail(new Error('connect ECONNREFUSED 10.0.0.5:8443')),
      'api_error',
      'The connection to the model broke',
    ],
    ['a page', () => '<html>10.0.0.5 says no</html>', 'api_error', 'The model did not send a readable stream'],
    [
      'an API error in place of a stream',
      () => JSON.stringify(apiError('rate_limit_error', 'Slow down')),
      'rate_limit_error',
      'Slow down',
    ],
    [
      'a rejected promise',
      () => Promise.reject(new OverloadedError({ type: 'overloaded_error', message: 'Busy' }, 529)),
      'overloaded_error',
      'Busy',
    ],
    ['a function that throws', () => () => thrower(), 'api_error', 'The server failed'],
    ['a promise of nothing', () => Promise.resolve(undefined as unknown as string), 'api_error', 'The server failed'],
  ])('%s is told as an `error` event', async (_, source, type, message) => {
    const text = await read(relay(source()).stream);
    const { error } = parse(text).outcome;
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ type, body: { message } });
    expect(text).not.toContain('10.0.0.5');
  });

  test('silence is told as a timeout', async () => {
    const error = await errorAt(silent(), { idleTimeoutMs: 20 });
    expect(error).toMatchObject({ type: 'timeout_error', status: 504 });
  });

  test('a broken rule is, under strict; its event does not go out', async () => {
    const wire = frame(start()) + frame(textDelta(5, 'lost')) + frame(stop);
    const text = await read(relay(wire, { strict: true }).stream);
    expect(text).not.toContain('lost');
    expect(parse(text).outcome.status).toBe('errored');
  });

  test.each([
    ['a line of a proxy', 'upstream connect error at 10.0.0.5', 502],
    ['a page', '<html>10.0.0.5</html>', 503],
    ['JSON of somebody else', '{"detail":"10.0.0.5"}', 500],
    ['nothing', '', 504],
  ])('%s with an error status is told in general words', async (_, text, status) => {
    const response = await relayResponse(new Response(text, { status }));
    expect(response.status).toBe(502);
    expect(await response.json()).toEqual({
      type: 'error',
      error: { type: 'api_error', message: expect.not.stringContaining('10.0.0.5') as string },
    });
  });

  test('the request id goes along', async () => {
    const response = new Response(frame(start()), { headers: { 'request-id': 'req_7' } });
    expect(await errorAt(response)).toMatchObject({ requestId: 'req_7' });
  });

  test('an event that is cut goes to nobody: the error stands by itself', async () => {
    const text = await read(relay(frame(start()) + 'event: content_block_start\ndata: {"type":"conte').stream);
    expect(text.startsWith(`${frame(start())}event: error\n`)).toBe(true);
    expect(parse(text).diagnostics).toEqual([]);
  });

  test('an event that lacks only its last line ends gets them', async () => {
    const whole = textBody(['x']);
    expect(await read(relay(whole.slice(0, -2)).stream)).toBe(whole);
  });

  test.each([
    [401, 'authentication_error', 'invalid x-api-key'],
    [403, 'permission_error', 'Your key may not use this model'],
    [402, 'billing_error', 'Your credit balance is too low'],
  ])('a %s is about the server’s own account: the client learns nothing of it', async (status, type, message) => {
    const error = ApiError.from(status, { type, message }, 'req_1');
    const { stream, done } = relay(Promise.reject(error));
    const text = await read(stream);
    expect(text).not.toMatch(/key|credit|_error":"(auth|perm|bill)/);
    expect(parse(text).outcome.error).toMatchObject({ type: 'api_error', requestId: 'req_1' });
    expect((await done).outcome).toEqual({ status: 'errored', stopReason: null, error });
  });

  test('describeError chooses other words; if it fails, the default ones stand', async () => {
    const words = { type: 'api_error', message: 'Oh dear' };
    const described = await errorAt(frame(start()), {
      describeError: (error) => (error instanceof TruncatedError ? words : undefined),
    });
    expect(described.body).toEqual(words);
    const uncaught = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => {});
    expect((await errorAt(frame(start()), { describeError: () => thrower() })).body.message).toBe(
      'The stream from the model ended early',
    );
    expect(uncaught).toHaveBeenCalled();
    uncaught.mockRestore();
  });

  test('done tells the server everything', async () => {
    const { stream, done } = relay(
      feed().give(start(), textStart(0), textDelta(0, 'Hi')).fail(new Error('ECONNRESET')),
    );
    await read(stream);
    const { message, blocks, outcome } = await done;
    expect(message?.content).toEqual([{ type: 'text', text: 'Hi' }]);
    expect(blocks[0]?.state).toBe('cut');
    expect(outcome.status).toBe('disconnected');
    expect(outcome.error).toBeInstanceOf(ConnectionError);
    expect(String(outcome.error)).toContain('ECONNRESET');
  });
});

/** What would have been an uncaught error; everything else that uses the microtask queue goes on. */
function catchUncaught(): unknown[] {
  const reported: unknown[] = [];
  const real = globalThis.queueMicrotask;
  vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) =>
    real(() => {
      try {
        task();
      } catch (error) {
        reported.push(error);
      }
    }),
  );
  return reported;
}

const secret = 'Your key sk-ant-1 has no credit at 10.0.0.5';

describe('what is not for the client', () => {
  test.each(['authentication_error', 'permission_error', 'billing_error'])(
    'an `error` event of the stream that is an %s is told in general words',
    async (type) => {
      const wire = frame(start()) + ': note\n\n' + frame(apiError(type, secret));
      const identity = { transform: (event: StreamEvent) => event };
      for (const [source, options] of [[wire], [wire, identity], [MessageStream.from(wire)]] as const) {
        const { stream, done } = relay(source, options);
        const text = await read(stream);
        expect(text).not.toContain('10.0.0.5');
        expect(text.startsWith(frame(start()))).toBe(true);
        expect(parse(text).outcome.error).toMatchObject({ type: 'api_error' });
        expect(text.match(/event: error/g)).toHaveLength(1);
        expect((await done).outcome.error).toMatchObject({ type, body: { message: secret } });
      }
    },
  );

  test('an `error` event that is not in the API’s own shape is told in general words', async () => {
    const wires = [
      'event: error\ndata: connect ECONNREFUSED 10.0.0.5\n\n',
      'data: {"type":"error","error":"connect ECONNREFUSED 10.0.0.5"}\n\n',
      'event: error\ndata: {"error":{"type":"rate_limit_error","message":"10.0.0.5"}}\n\n',
    ];
    for (const wire of wires) {
      expect(await read(relay(frame(start()) + wire).stream)).not.toContain('10.0.0.5');
    }
    for (const wire of wires.slice(0, 2)) {
      expect(await read(relay(MessageStream.from(frame(start()) + wire)).stream)).not.toContain('10.0.0.5');
    }
  });

  test('the API’s own api_error goes out word for word, from bytes', async () => {
    const wire = frame(start()) + frame(apiError('api_error', 'Internal server error'));
    expect(await read(relay(wire).stream)).toBe(wire);
  });

  test.each([
    ['a gateway', { type: 'api_error', message: 'connect ECONNREFUSED 10.0.0.5' }, '{"error":"connect 10.0.0.5"}'],
    ['a gateway with a type', { type: 'internal', message: '10.0.0.5' }, undefined],
    ['a redirect', { type: 'redirect', message: 'It leads to http://10.0.0.5/' }, undefined],
    [
      'a gateway that borrows a type',
      { type: 'invalid_request_error', message: '10.0.0.5' },
      '{"error":{"type":"invalid_request_error","message":"10.0.0.5"}}',
    ],
  ])('%s before the stream is told in general words', async (_, errorBody, bodyText) => {
    const error = ApiError.from(500, errorBody);
    if (bodyText !== undefined) error.bodyText = bodyText;
    const response = await relayResponse(Promise.reject(error));
    expect(response.status).toBe(502);
    expect(await response.text()).not.toContain('10.0.0.5');
  });

  test.each([
    ['a bigint', () => ({ type: 'x', message: 'y', detail: 1n })],
    ['null', () => null],
    ['a promise', () => Promise.reject(new Error('late'))],
    ['a text', () => 'words'],
    ['no message', () => ({ type: 'x' })],
  ])('describeError that gives %s: the default words stand, and nothing hangs', async (name, describeError) => {
    const reported = catchUncaught();
    const options = { describeError: describeError as never };
    const failed = MessageStream.from(frame(start()));
    for (const source of [frame(start()), Promise.reject(new Error('no')), failed]) {
      expect((await errorAt(source, options)).type).toBe('api_error');
    }
    const response = await relayResponse(Promise.reject(new Error('no')), options);
    expect(await response.json()).toMatchObject({ error: { message: 'The server failed' } });
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(reported).toHaveLength(name === 'null' ? 0 : 4);
    vi.restoreAllMocks();
  });
});

describe('a transform that gives a promise', () => {
  test.each([
    ['that resolves', () => Promise.resolve({ type: 'ping' })],
    ['that rejects', () => Promise.reject(new Error('late'))],
    ['in a list', () => [Promise.reject(new Error('late'))]],
  ])('%s is refused', async (_, transform) => {
    for (const source of [body, MessageStream.from(body)]) {
      const { stream, done } = relay(source, { transform: transform as never });
      expect(parse(await read(stream)).outcome.status).toBe('errored');
      const { error } = (await done).outcome;
      expect(String(error?.cause)).toContain('transform must be synchronous');
      expect(error?.message).toContain('by transform, which failed');
    }
  });
});

describe('a MessageStream', () => {
  test('content before the start, read already: the client has the same message, once', async () => {
    const source = feed().give(textStart(0), textDelta(0, 'The kettle'));
    const upstream = MessageStream.from(source);
    const reading = upstream.finalMessage();
    await vi.waitFor(() => expect(upstream.blocks).toHaveLength(1));
    const { stream } = relay(upstream);
    source.give(start(), textDelta(0, ' clicks off.'), blockStop(0), messageDelta(), stop).end();
    const client = parse(await read(stream));
    expect(client.message).toEqual(await reading);
    expect(client.messages).toHaveLength(1);
    expect(client.outcome.status).toBe('complete');
  });

  test('an event that could not be read keeps the name it came under', async () => {
    const unreadable = 'event: ping\ndata: {"type": "pi\n\n';
    const text = await read(relay(MessageStream.from(unreadable + body)).stream);
    expect(text).toBe(unreadable + body);
    expect(parse(text).outcome.status).toBe('complete');
  });

  test('nothing is read ahead, and its idle timer runs only while somebody waits', async () => {
    const source = feed().give(start(), textStart(0), textDelta(0, 'Hi'));
    const upstream = MessageStream.from(source, { idleTimeoutMs: 20 });
    const client = readerOf(relay(upstream).stream);
    for (let k = 0; k < 3; k++) await client.read();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(source.reads).toBe(1);
    expect(upstream.outcome.status).toBe('open');
    await client.cancel();
  });

  test('that is left says why', async () => {
    const { stream, done } = relay(MessageStream.from(silent()));
    const client = readerOf(stream);
    await client.read();
    await client.cancel();
    const { message, outcome } = await done;
    expect(outcome.error).toMatchObject({
      message: 'The stream was aborted because the client left',
      snapshot: message,
    });
  });

  test('goes out encoded anew', async () => {
    const { stream, done } = relay(MessageStream.from(odd()));
    const text = await read(stream);
    expect(text.startsWith('event: message_start\ndata: {"type":"message_start"')).toBe(true);
    expect(parse(text).message).toEqual(parse(odd()).message);
    expect((await done).outcome.status).toBe('complete');
  });

  test.each(Array.from({ length: 9 }, (_, count) => count))(
    'after %d events that somebody else has waited for, a late client still gets the whole message',
    async (count) => {
      const events = textEvents(['one ', 'two ', 'three']);
      const source = feed();
      const upstream = MessageStream.from(source);
      const final = upstream.finalMessage();
      if (count > 0) source.give(...events.slice(0, count));
      while (source.reads < (count > 0 ? 2 : 1)) await new Promise((resolve) => setTimeout(resolve, 0));
      const { stream, done } = relay(upstream);
      if (count < events.length) source.give(...events.slice(count));
      source.end();
      const client = parse(await read(stream));
      expect(client.message).toEqual(await final);
      expect(client.message?.content).toEqual([{ type: 'text', text: 'one two three' }]);
      expect(client.outcome.status).toBe('complete');
      expect(client.diagnostics).toEqual([]);
      expect((await done).message).toEqual(await final);
    },
  );

  test('one that has ended is sent whole, or with the error it ended in', async () => {
    const whole = MessageStream.from(body);
    await whole.finalMessage();
    expect(parse(await read(relay(whole).stream)).message).toEqual(parse(body).message);
    const broken = MessageStream.fromEvents([start(), textStart(0), textDelta(0, 'Hi'), apiError()]);
    await broken.finalMessage().catch(() => {});
    const client = parse(await read(relay(broken).stream));
    expect(client.message?.content).toEqual([{ type: 'text', text: 'Hi' }]);
    expect(client.outcome.error).toMatchObject({ name: 'OverloadedError' });
  });

  test('its errors are told', async () => {
    const source = MessageStream.from(feed().give(start(), textStart(0)).fail(new Error('10.0.0.5')));
    const error = await errorAt(source);
    expect(error).toMatchObject({ type: 'api_error', body: { message: 'The connection to the model broke' } });
  });

  test('its own error event is not told twice', async () => {
    const text = await read(relay(MessageStream.fromEvents([start(), apiError()])).stream);
    expect(text.match(/event: error/g)).toHaveLength(1);
  });

  test('when the client leaves, it is aborted', async () => {
    const source = silent();
    const upstream = MessageStream.from(source);
    const { stream, done } = relay(upstream);
    const reader = readerOf(stream);
    await reader.read();
    await reader.cancel();
    expect((await done).outcome.status).toBe('aborted');
    expect(upstream.outcome.status).toBe('aborted');
  });

  test('or read to its end', async () => {
    const source = silent();
    const { stream, done } = relay(MessageStream.from(source), { onClientGone: 'finish' });
    const reader = readerOf(stream);
    await reader.read();
    await reader.cancel();
    source.give(textDelta(0, ' there'), blockStop(0), messageDelta(), stop).end();
    const { message, outcome } = await done;
    expect(message?.content).toEqual([{ type: 'text', text: 'Hi there' }]);
    expect(outcome.status).toBe('complete');
  });

  test('that somebody else reads is refused', () => {
    const source = MessageStream.from(body);
    source[Symbol.asyncIterator]();
    expect(() => relay(source)).toThrow(TypeError);
  });

  test('a transform that throws ends it', async () => {
    const { stream, done } = relay(MessageStream.from(silent()), { transform: () => thrower() });
    expect(parse(await read(stream)).outcome.error).toBeInstanceOf(ApiError);
    expect((await done).outcome).toMatchObject({ status: 'aborted', error: { cause: { message: 'on purpose' } } });
  });
});

describe('who waits for whom', () => {
  test('nothing is read before the client reads, and then no more than it takes', async () => {
    let reads = 0;
    const source: AsyncIterable<string> = {
      async *[Symbol.asyncIterator]() {
        for (const event of textEvents(Array.from({ length: 100 }, () => 'x'))) {
          reads++;
          yield frame(event);
        }
      },
    };
    const { stream } = relay(source);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(reads).toBe(0);
    const reader = readerOf(stream);
    for (let i = 1; i <= 5; i++) {
      await reader.read();
      expect(reads).toBe(i);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(reads).toBe(5);
    await reader.cancel();
  });

  test('heartbeats go out while the API is silent, between events, and stop when it speaks', async () => {
    const source = silent();
    const reader = readerOf(relay(source, { heartbeatMs: 5 }).stream);
    let text = '';
    const take = async (): Promise<void> => {
      text += Buffer.from((await reader.read()).value ?? []).toString();
    };
    await take();
    const before = text.length;
    await take();
    await take();
    expect(text.slice(before)).toBe(': heartbeat\n\n: heartbeat\n\n');
    source.give(blockStop(0), messageDelta(), stop).end();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read())
      text += Buffer.from(piece.value).toString();
    const client = parse(text);
    expect(client.outcome.status).toBe('complete');
    expect(client.diagnostics).toEqual([]);
  });

  test('an event that has come in half is held back: a heartbeat never stands inside one', async () => {
    const wire = textBody(['Hello']);
    const chunks = cut(wire, 37);
    const source: AsyncIterable<Uint8Array> = {
      async *[Symbol.asyncIterator]() {
        for (const chunk of chunks) {
          yield chunk;
          await new Promise((resolve) => setTimeout(resolve, 8));
        }
      },
    };
    const text = await read(relay(source, { heartbeatMs: 3 }).stream);
    expect(text).toContain(': heartbeat\n\n');
    expect(text.replaceAll(': heartbeat\n\n', '')).toBe(wire);
    expect(parse(text).diagnostics).toEqual([]);
  });

  test('behind a heartbeat a byte order mark would spoil the first event: it is left out', async () => {
    const source: AsyncIterable<string> = {
      async *[Symbol.asyncIterator]() {
        await new Promise((resolve) => setTimeout(resolve, 20));
        yield `\uFEFF${body.replaceAll(/^event: .*\n/gm, '')}`;
      },
    };
    const text = await read(relay(source, { heartbeatMs: 5 }).stream);
    expect(text.startsWith(': heartbeat\n\n')).toBe(true);
    expect(parse(text).message).toEqual(parse(body).message);
  });

  test('heartbeats do not pile up where nobody reads', async () => {
    const reader = readerOf(relay(silent(), { heartbeatMs: 2 }).stream);
    await reader.read();
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 30));
    const pending = reader.read();
    expect(Buffer.from((await pending).value ?? []).toString()).toBe(': heartbeat\n\n');
    await reader.cancel();
  });

  test('no timer is left behind, and none runs when nobody waits', async () => {
    vi.useFakeTimers();
    const { stream } = relay(silent());
    expect(vi.getTimerCount()).toBe(0);
    const reader = readerOf(stream);
    await reader.read();
    expect(vi.getTimerCount()).toBe(0);
    void reader.read();
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(1);
    await reader.cancel();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('heartbeatMs: 0 sends none', async () => {
    vi.useFakeTimers();
    const reader = readerOf(relay(silent(), { heartbeatMs: 0 }).stream);
    await reader.read();
    void reader.read();
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
    await reader.cancel();
  });
});

describe('when the client leaves', () => {
  /** A source that is silent after its first chunk, and says when it is closed. */
  function watched(): { source: ReadableStream<string>; closed: () => boolean } {
    let closed = false;
    const source = new ReadableStream<string>({
      start: (controller) => controller.enqueue(frame(start())),
      cancel: () => void (closed = true),
    });
    return { source, closed: () => closed };
  }

  test('the source is closed at once, although it is silent', async () => {
    const { source, closed } = watched();
    const { stream, done } = relay(source);
    const reader = readerOf(stream);
    await reader.read();
    const pending = reader.read();
    void reader.cancel();
    expect(closed()).toBe(true);
    expect((await done).outcome.status).toBe('aborted');
    expect((await pending).done).toBe(true);
  });

  test('by a signal of the framework, too', async () => {
    const { source, closed } = watched();
    const controller = new AbortController();
    const { stream, done } = relay(source, { clientSignal: controller.signal });
    const reader = readerOf(stream);
    await reader.read();
    const pending = reader.read();
    controller.abort();
    expect(closed()).toBe(true);
    expect((await pending).done).toBe(true);
    expect((await done).outcome.status).toBe('aborted');
  });

  test('finish: it is read to the end, without a transform', async () => {
    const source = silent();
    let transformed = 0;
    const { stream, done } = relay(source, {
      onClientGone: 'finish',
      transform: (event) => {
        transformed++;
        return event;
      },
    });
    const reader = readerOf(stream);
    await reader.read();
    void reader.read();
    await reader.cancel();
    const before = transformed;
    for (let i = 0; i < 50; i++) source.give(textDelta(0, '.'));
    source.give(blockStop(0), messageDelta(), stop).end();
    const { message, outcome } = await done;
    expect(message?.content).toEqual([{ type: 'text', text: `Hi${'.'.repeat(50)}` }]);
    expect(outcome.status).toBe('complete');
    expect(transformed).toBe(before);
  });

  test('finish: also if it left before anything was read', async () => {
    const { stream, done } = relay(body, { onClientGone: 'finish' });
    await (stream as unknown as ReadableStream).cancel();
    expect((await done).outcome.status).toBe('complete');
  });

  test('a request that is still under way is given up', async () => {
    let signal: { readonly aborted: boolean } | undefined;
    const { stream, done } = relay((given) => {
      signal = given;
      return new Promise<string>(() => {});
    });
    const reader = readerOf(stream);
    void reader.read();
    await reader.cancel();
    expect(signal?.aborted).toBe(true);
    expect((await done).outcome.status).toBe('aborted');
  });

  test('finish: a request that is still under way is waited for', async () => {
    let give!: (text: string) => void;
    const { stream, done } = relay(new Promise<string>((resolve) => (give = resolve)), { onClientGone: 'finish' });
    await (stream as unknown as ReadableStream).cancel();
    give(body);
    expect((await done).outcome.status).toBe('complete');
  });

  test('a stream that comes after all is closed', async () => {
    const { source, closed } = watched();
    let give!: (source: ReadableStream<string>) => void;
    const { stream, done } = relay(new Promise<ReadableStream<string>>((resolve) => (give = resolve)));
    await (stream as unknown as ReadableStream).cancel();
    await done;
    give(source);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(closed()).toBe(true);
  });

  test('the signal of the server ends it, and tells the client', async () => {
    const controller = new AbortController();
    const { stream, done } = relay(silent(), { signal: controller.signal });
    const reader = readerOf(stream);
    await reader.read();
    controller.abort(new Error('shutting down'));
    const { value } = await reader.read();
    expect(Buffer.from(value ?? []).toString()).toContain('"message":"The server ended the stream"');
    expect((await reader.read()).done).toBe(true);
    expect((await done).outcome.error?.cause).toEqual(new Error('shutting down'));
  });

  test('a signal that has fired already reads nothing', async () => {
    const source = silent();
    const { stream, done } = relay(source, { signal: AbortSignal.abort() });
    await done;
    expect(parse(await read(stream)).outcome.status).toBe('errored');
    expect(source.reads).toBe(0);
  });

  test('onDone is told once, and what it throws is reported apart', async () => {
    const told: string[] = [];
    const { stream, done } = relay(body, { onDone: ({ outcome }) => void told.push(outcome.status) });
    await read(stream);
    await done;
    expect(told).toEqual(['complete']);
    const uncaught = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => {});
    const failing = relay(body, { onDone: () => thrower() });
    await read(failing.stream);
    await failing.done;
    await Promise.resolve();
    expect(uncaught).toHaveBeenCalled();
    uncaught.mockRestore();
  });
});

describe('what cannot be sent', () => {
  test.each([{ 'x-a': 'bad\nvalue' }, { 'x-a': undefined }, { 'x a': 'name' }, { 'x-a': '€' }])(
    'a header %j is refused before the source is asked',
    async (headers) => {
      const ask = vi.fn(() => body);
      await expect(relayResponse(ask, { headers: headers as never })).rejects.toThrow(/Cannot send the header/);
      expect(ask).not.toHaveBeenCalled();
    },
  );

  test('a request id that no header can carry is left out', async () => {
    const error = ApiError.from(429, { type: 'rate_limit_error', message: 'Slow down' }, 'req_\n1€');
    const response = await relayResponse(Promise.reject(error));
    expect(response.status).toBe(429);
    expect(response.headers.has('request-id')).toBe(false);
  });

  test('a client that has left already costs no request', async () => {
    for (const [name, why] of [
      ['clientSignal', 'because the client left'],
      ['signal', 'by its signal'],
    ] as const) {
      const ask = vi.fn(() => body);
      const { done } = relay(ask, { [name]: AbortSignal.abort() });
      expect((await done).outcome).toMatchObject({
        status: 'aborted',
        error: { message: expect.stringContaining(why) },
      });
      expect(ask).not.toHaveBeenCalled();
    }
  });

  test('what an asynchronous onDone rejects with is reported apart', async () => {
    const uncaught = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => {});
    await read(relay(body, { onDone: () => Promise.reject(new Error('db')) }).stream);
    await vi.waitFor(() => expect(uncaught).toHaveBeenCalled());
    expect(uncaught.mock.calls[0]?.[0]).toThrow('db');
    uncaught.mockRestore();
  });
});

describe('relayResponse', () => {
  test('has the headers of a stream, the request id, and the caller’s own', async () => {
    const upstream = new Response(body, { headers: { 'request-id': 'req_9', 'x-secret': 'key' } });
    const response = await relayResponse(upstream, {
      headers: { 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'no-store' },
    });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toEqual({
      ...RELAY_HEADERS,
      'cache-control': 'no-store',
      'request-id': 'req_9',
      'access-control-allow-origin': '*',
    });
    expect(await response.text()).toBe(body);
  });

  test.each([
    [400, 'invalid_request_error', 400, 'invalid_request_error'],
    [429, 'rate_limit_error', 429, 'rate_limit_error'],
    [529, 'overloaded_error', 529, 'overloaded_error'],
    [401, 'authentication_error', 502, 'api_error'],
    [403, 'permission_error', 502, 'api_error'],
  ])('a %s before the stream (%s) is answered as %s %s', async (status, type, expected, told) => {
    const error = ApiError.from(status, { type, message: 'No' }, 'req_e');
    error.retryAfterMs = 1500;
    const upstream = new Response(JSON.stringify(apiError(type, 'No')), { status, headers: { 'request-id': 'req_e' } });
    for (const source of [Promise.reject(error), () => Promise.reject(error), upstream]) {
      const response = await relayResponse(source);
      expect(response.status).toBe(expected);
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(response.headers.get('request-id')).toBe('req_e');
      if (source !== upstream) expect(response.headers.get('retry-after')).toBe(expected === 502 ? null : '2');
      expect(response.headers.get('x-should-retry')).toBe(expected === 502 ? 'false' : null);
      expect(await response.json()).toMatchObject({ type: 'error', error: { type: told }, request_id: 'req_e' });
    }
  });

  test('a fault of the server is a 500 in general words; onDone has the error itself', async () => {
    const seen: unknown[] = [];
    const fault = new TypeError('No key: set ANTHROPIC_API_KEY');
    const response = await relayResponse(Promise.reject(fault), {
      onDone: ({ outcome }) => void seen.push(outcome.error),
    });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('ANTHROPIC');
    expect(seen).toEqual([fault]);
  });

  test('after a heartbeat’s time the answer begins; an error is then an event', async () => {
    const late = new Promise<string>((_, reject) => {
      setTimeout(() => reject(new OverloadedError({ type: 'overloaded_error', message: 'Busy' }, 529)), 30);
    });
    const response = await relayResponse(late, { heartbeatMs: 5 });
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text.startsWith(': heartbeat\n\n')).toBe(true);
    expect(parse(text).outcome.error).toMatchObject({ name: 'OverloadedError', body: { message: 'Busy' } });
  });

  test('a source or an option that is none rejects', async () => {
    await expect(relayResponse(7 as unknown as string)).rejects.toThrow(TypeError);
    await expect(relayResponse(body, { heartbeatMs: -1 })).rejects.toThrow(RangeError);
    await expect(relayResponse(body, { onClientGone: 'wait' as 'abort' })).rejects.toThrow(TypeError);
  });
});

describe('encodeEvent', () => {
  test.each<[EncodableEvent, string]>([
    [{ type: 'ping' }, 'event: ping\ndata: {"type":"ping"}\n\n'],
    [{ type: 'message' }, 'event: message\ndata: {"type":"message"}\n\n'],
    [{ type: 'unknown', reason: 'sentinel', raw: '[DONE]' }, 'data: [DONE]\n\n'],
    [
      { type: 'unknown', reason: 'type', wire: { type: 'x' }, raw: '{"type":\r\n"x"}' },
      'event: x\ndata: {"type":\ndata: "x"}\n\n',
    ],
  ])('%j', (event, wire) => {
    expect(Buffer.from(encodeEvent(event)).toString()).toBe(wire);
  });

  test.each([[undefined], [null], [{}], [{ type: '' }], [{ type: 'a\nb' }], [{ type: 1 }]])(
    '%j is refused',
    (event) => {
      expect(() => encodeEvent(event as EncodableEvent)).toThrow(TypeError);
    },
  );
});

/** A stream with everything that a framing may have. */
function odd(): string {
  const [first, second, , ...rest] = textEvents(['Hello']).map(frame) as [string, string, string, ...string[]];
  return [
    `\uFEFF: first\r\nid: 1\r\nretry: 300\r\n${first.replaceAll('\n', '\r\n')}`,
    second.replace('}}', '}    }'),
    ': keep-alive\n\n',
    'event: ping\ndata: {"type": "ping"}\n\n',
    ...rest.map((one) => `foo: bar\n${one}`),
  ].join('');
}

function thrower(): never {
  throw new Error('on purpose');
}
