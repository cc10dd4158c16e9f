/** Bedrock: frames to events, exceptions to errors, and the real streams. */

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BEDROCK_ERROR_TYPES,
  bedrockEvents,
  BedrockParser,
  encodeEventStreamMessage,
  parseBedrock,
} from '../src/carriers/bedrock.ts';
import {
  ApiError,
  ConnectionError,
  type At,
  MessageParser,
  MessageStream,
  parseMessage,
  ProtocolError,
  type StreamEvent,
  TruncatedError,
} from '../src/index.ts';
import { decodeEvent } from '../src/protocol/decode.ts';
import { SseParser } from '../src/sse/parser.ts';
import { encodeUtf8 } from '../src/sse/utf8.ts';
import { chunkFrame, exceptionFrame, frame, joinBytes } from './support/carrier-frames.ts';
import { hasCaptures, readCapture } from './support/captures.ts';
import { cutAt, forEveryChunking, pieces, RUNS } from './support/chunkings.ts';
import { start, stop, textEvents } from './support/messages.ts';

interface Read {
  events: StreamEvent[];
  places: At[];
  error: string | undefined;
}

function read(chunks: readonly Uint8Array[]): Read {
  const result: Read = { events: [], places: [], error: undefined };
  const parser = new BedrockParser((event, at) => {
    result.events.push(event);
    result.places.push(at);
  });
  try {
    for (const chunk of chunks) parser.push(chunk);
    parser.end();
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof TruncatedError)) throw error;
    result.error = error.message;
  }
  return result;
}

const only = (bytes: Uint8Array): StreamEvent | undefined => read([bytes]).events[0];
const HELLO = textEvents(['Hel', 'lo']);
const BODY = joinBytes(HELLO.map((event) => chunkFrame(event)));

async function collect(source: AsyncIterable<StreamEvent>): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of source) events.push(event);
  return events;
}

describe('a chunk frame', () => {
  test('is an event, however the bytes are cut', () => {
    const { events, places, error } = forEveryChunking(BODY, read);
    expect(events).toEqual(HELLO);
    expect(error).toBeUndefined();
    expect(places.map(({ event }) => event)).toEqual(HELLO.map((_, i) => i + 1));
    expect(places[1]).toEqual({ event: 2, byte: chunkFrame(HELLO[0]).length });
  });

  test('may have padding or none, and metrics at the end', () => {
    const metrics = { ...stop, 'amazon-bedrock-invocationMetrics': { inputTokenCount: 1 } };
    expect(only(chunkFrame(metrics))).toEqual(metrics);
    const bare = `{"bytes":"${Buffer.from('{"type":"ping"}').toString('base64')}"}`;
    expect(only(frame({ ':event-type': 'chunk' }, bare))).toEqual({ type: 'ping' });
  });

  test.each<[string, Uint8Array, StreamEvent]>([
    ['is no JSON', frame({ ':event-type': 'chunk' }, 'oops'), { type: 'unknown', reason: 'json', raw: 'oops' }],
    [
      'has no base64',
      frame({ ':event-type': 'chunk' }, '{"bytes":"?"}'),
      { type: 'unknown', reason: 'shape', wire: { bytes: '?' }, raw: '{"bytes":"?"}' },
    ],
    [
      'has something else',
      frame({ ':event-type': 'chunk' }, '{"what":1}'),
      { type: 'unknown', reason: 'shape', wire: { what: 1 }, raw: '{"what":1}' },
    ],
    ['holds an event that is no JSON', chunkFrame('{"type'), { type: 'unknown', reason: 'json', raw: '{"type' }],
    ['is a sign of life', frame({ ':event-type': 'chunk' }, '{}'), { type: 'unknown', reason: 'empty', raw: '{}' }],
    ['is empty', frame({ ':event-type': 'chunk' }, ''), { type: 'unknown', reason: 'empty', raw: '' }],
    ['holds an empty object', chunkFrame({}), { type: 'unknown', reason: 'empty', raw: '{}' }],
    [
      'is of a type that nobody knows',
      frame({ ':event-type': 'initial-response' }, '{"a":1}'),
      { type: 'unknown', reason: 'type', wire: { type: 'initial-response', payload: { a: 1 } }, raw: '{"a":1}' },
    ],
  ])('that %s is kept as it came', (_, bytes, event) => {
    expect(only(bytes)).toEqual(event);
  });

  test('that is a sign of life does no damage', () => {
    const bytes = joinBytes([frame({ ':event-type': 'chunk' }, '{}'), BODY]);
    expect(parseBedrock(bytes).content).toEqual([{ type: 'text', text: 'Hello' }]);
  });
});

describe('an exception', () => {
  test.each(Object.entries(BEDROCK_ERROR_TYPES))('%s is a %s', (name, type) => {
    expect(only(exceptionFrame(name, '{"message":"no"}'))).toEqual({
      type: 'error',
      error: { type, message: 'no', details: { error_code: name } },
    });
  });

  test('makes the message fail, with what came before', () => {
    const bytes = joinBytes([chunkFrame(start()), exceptionFrame('throttlingException', '{"message":"Too many"}')]);
    const error = forEveryChunking(bytes, (chunks) => {
      const parser = new MessageParser();
      const bedrock = new BedrockParser((event, at) => parser.apply(event, at));
      for (const chunk of chunks) bedrock.push(chunk);
      bedrock.end();
      parser.end();
      return parser.outcome.error;
    }) as ApiError;
    expect(error).toBeInstanceOf(ApiError);
    expect([error.name, error.status, error.retryable, error.message]).toEqual([
      'RateLimitError',
      429,
      true,
      'rate_limit_error: Too many',
    ]);
    expect(error.snapshot?.id).toBe('msg_1');
  });

  test.each<[string, Uint8Array, object]>([
    [
      'of no known name is an api_error',
      exceptionFrame('futureException', '{"message":"m","originalStatusCode":500}'),
      { type: 'api_error', message: 'm', details: { originalStatusCode: 500, error_code: 'futureException' } },
    ],
    [
      'may have a long name',
      exceptionFrame('com.amazonaws#ThrottlingException:http://x/', '{"Message":"m"}'),
      { type: 'rate_limit_error', message: 'm', details: { Message: 'm', error_code: 'throttlingException' } },
    ],
    [
      'may be text',
      exceptionFrame('validationException', 'bad input'),
      { type: 'invalid_request_error', message: 'bad input', details: { error_code: 'validationException' } },
    ],
    [
      'may say nothing',
      exceptionFrame('constructor', ''),
      { type: 'api_error', message: 'constructor', details: { error_code: 'constructor' } },
    ],
    [
      'that the API does not describe has its code in a header',
      frame({ ':message-type': 'error', ':error-code': 'InternalServerException', ':error-message': 'oh' }, ''),
      { type: 'api_error', message: 'oh', details: { error_code: 'internalServerException' } },
    ],
  ])('%s', (_, bytes, error) => {
    expect(only(bytes)).toEqual({ type: 'error', error });
  });
});

describe('a stream that is none of ours', () => {
  test('of the Converse API is named', () => {
    const bytes = frame({ ':event-type': 'messageStart' }, '{"role":"assistant"}');
    const { error } = forEveryChunking(bytes, read);
    expect(error).toBe(
      'Cannot read a ConverseStream: its events are not those of the Messages API; call InvokeModelWithResponseStream ' +
        'instead. It has event type messageStart (frame 1, byte 0)',
    );
    const parser = new BedrockParser(() => {});
    expect(() => parser.push(bytes)).toThrow(expect.objectContaining({ code: 'converse-stream' }) as Error);
    expect(() => parser.push(BODY)).toThrow('ConverseStream');
    parser.reset();
    parser.push(BODY);
  });

  test('of server-sent events is named', () => {
    expect(() => parseBedrock(encodeUtf8('event: message_start\n'))).toThrow('the bytes are text ("event: messa")');
  });
});

describe('the handler', () => {
  test('may throw: its event counts as read, the rest comes at the next call', () => {
    const seen: string[] = [];
    const parser = new BedrockParser(({ type }) => {
      seen.push(type);
      if (seen.length === 2) throw new Error('mine');
    });
    expect(() => parser.push(BODY)).toThrow('mine');
    expect(seen).toHaveLength(2);
    parser.end();
    expect(seen).toEqual(HELLO.map(({ type }) => type));
  });

  test('may not call back', () => {
    const parser: BedrockParser = new BedrockParser(() => parser.push(BODY));
    expect(() => parser.push(BODY)).toThrow(new TypeError('Cannot call push() from inside the event handler'));
  });

  test('must be one', () => {
    expect(() => new BedrockParser(undefined as never)).toThrow(TypeError);
  });
});

describe('a cut stream is never silent', () => {
  test('at every byte', () => {
    for (let length = 0; length < BODY.length; length++) {
      expect(() => parseBedrock(BODY.subarray(0, length)), `${length} bytes`).toThrow(TruncatedError);
    }
    expect(parseBedrock(BODY).stop_reason).toBe('end_turn');
  });

  test('the error has what came', () => {
    try {
      parseBedrock(BODY.subarray(0, BODY.length - 1));
      expect.unreachable();
    } catch (error) {
      expect((error as TruncatedError).message).toMatch(
        /^Cannot read frame 8: the stream ended in it, after \d+ of \d+ bytes/,
      );
      expect((error as TruncatedError).snapshot?.content).toEqual([{ type: 'text', text: 'Hello' }]);
      expect((error as TruncatedError).outcome?.status).toBe('truncated');
    }
  });
});

describe('bedrockEvents()', () => {
  test('gives a MessageStream what it takes, from any source', async () => {
    const sources = [
      BODY,
      pieces(BODY, 7),
      Readable.from([Buffer.from(BODY)]),
      new Response(BODY as Uint8Array<ArrayBuffer>),
      new Blob([new Uint8Array(BODY)]).stream(),
    ];
    for (const source of sources) {
      const stream = MessageStream.fromEvents(bedrockEvents(source));
      expect(await stream.finalText()).toBe('Hello');
    }
  });

  test('gives the same events for any chunking', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 12 }), async (places) => {
        const cuts = places.map((place) => place % (BODY.length + 1));
        expect(await collect(bedrockEvents(cutAt(BODY, cuts)))).toEqual(HELLO);
      }),
      { numRuns: 100 * RUNS },
    );
  });

  test('reads no chunk before it is needed', async () => {
    let given = 0;
    function* chunks(): Generator<Uint8Array> {
      for (const event of HELLO) {
        given++;
        yield chunkFrame(event);
      }
    }
    const events = bedrockEvents(chunks());
    expect(given).toBe(0);
    await events.next();
    expect(given).toBe(1);
    await events.return?.();
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(given).toBe(1);
  });

  test('lets go of a source that hangs', async () => {
    let cancelled = false;
    const hanging = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(chunkFrame(HELLO[0])),
      cancel: () => void (cancelled = true),
    });
    const stream = MessageStream.fromEvents(bedrockEvents(hanging));
    for await (const event of stream) {
      expect(event).toEqual(HELLO[0]);
      break;
    }
    expect(cancelled).toBe(true);
    let closed = false;
    const silent = new ReadableStream<Uint8Array>({ cancel: () => void (closed = true) });
    const waiting = MessageStream.fromEvents(bedrockEvents(silent));
    const final = waiting.finalMessage().catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 5));
    waiting.abort();
    expect(String(await final)).toContain('AbortError');
    expect(closed).toBe(true);
  });

  test('answers calls that did not wait for each other in their order', async () => {
    const events = bedrockEvents(pieces(BODY, 50));
    const all = await Promise.all([...HELLO, undefined].map(() => events.next()));
    expect(all.map(({ value }) => value)).toEqual([...HELLO, undefined]);
  });

  test.each<[string, () => AsyncIterableIterator<StreamEvent>, string, object]>([
    ['a cut', () => bedrockEvents(BODY.subarray(0, BODY.length - 3)), 'truncated', TruncatedError],
    [
      'a frame that is missing',
      () => bedrockEvents(joinBytes(HELLO.slice(0, 4).map(chunkFrame))),
      'truncated',
      TruncatedError,
    ],
    ['a changed byte', () => bedrockEvents(BODY.with(200, 1)), 'errored', ProtocolError],
    [
      'a broken connection',
      () =>
        bedrockEvents(
          Readable.from(
            (async function* () {
              yield chunkFrame(start());
              throw new Error('reset');
            })(),
          ),
        ),
      'disconnected',
      ConnectionError,
    ],
  ])('%s is told by the stream', async (_, open, status, Class) => {
    const stream = MessageStream.fromEvents(open());
    await expect(stream.finalMessage()).rejects.toBeInstanceOf(Class);
    expect(stream.outcome.status).toBe(status);
  });

  test('a response that refuses is the ApiError that it says', async () => {
    const response = new Response('{"message":"no access"}', {
      status: 403,
      headers: { 'x-amzn-errortype': 'AccessDeniedException', 'x-amzn-requestid': 'r-1' },
    });
    const error = (await bedrockEvents(response)
      .next()
      .catch((reason: unknown) => reason)) as ApiError;
    expect([error.name, error.message, error.requestId]).toEqual([
      'PermissionDeniedError',
      'permission_error: no access',
      'r-1',
    ]);
    const empty = await bedrockEvents(new Response(null, { status: 503 }))
      .next()
      .catch((reason: unknown) => reason);
    expect(String(empty)).toBe('ServiceUnavailableError: api_error: HTTP 503');
  });

  test('what holds no bytes is refused at once', () => {
    expect(() => bedrockEvents({} as never)).toThrow(TypeError);
  });
});

describe.skipIf(!hasCaptures)('the real streams', () => {
  const folder = fileURLToPath(new URL('../../shared/captures/bedrock/', import.meta.url));
  const binaries = hasCaptures ? readdirSync(folder).filter((file) => file.endsWith('.aws.bin')) : [];

  test('are 29', () => {
    expect(binaries).toHaveLength(29);
  });

  test.each(binaries)('%s has the events of the body beside it', (file) => {
    const bytes = readCapture(`bedrock/${file}`);
    const body = readCapture(`bedrock/${file.replace('.aws.bin', '.sse')}`);
    const expected: StreamEvent[] = [];
    const parser = new SseParser((event) => expected.push(decodeEvent(event)));
    parser.push(body);
    parser.end();
    for (const size of [bytes.length, 1, 13, 1400]) {
      const { events, error } = read(pieces(bytes, size));
      expect(events).toEqual(expected);
      expect(error).toBeUndefined();
    }
    expect(parseBedrock(bytes)).toEqual(parseMessage(body));
  });
});

test('the frames of the tests are frames', () => {
  expect(encodeEventStreamMessage({ headers: [], payload: new Uint8Array() })).toEqual(frame({}, '', true));
});
