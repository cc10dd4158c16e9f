/**
 * The troubleshooting entries of the guides: what the page says that this library does, shown against a real server. Each
 * entry's tests stand under its name; `support/recipes.ts` has the words of the page.
 */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import {
  ApiError,
  AuthenticationError,
  ConnectionError,
  continuation,
  type Message,
  MessageStream,
  OverloadedError,
  PermissionDeniedError,
  ProtocolError,
  RateLimitError,
  salvage,
  StreamError,
  TruncatedError,
} from '../src/index.ts';
import { relayTo } from '../src/relay/index.ts';
import {
  apiError,
  blockStart,
  blockStop,
  cut,
  delta,
  messageDelta,
  start,
  stop,
  textBody,
  textDelta,
  textEvents,
  textStart,
} from './support/messages.ts';
import { makeProject, run, TROUBLES } from './support/recipes.ts';
import { type Ask, KEY, PARAMS, TRANSPORTS } from './support/transports.ts';
import { serve as serveAnswer } from './support/serving.ts';
import { errorReply, reply, sse, type Answer, type Reply, type Step, type WireServer } from './support/wire-server.ts';

vi.setConfig({ testTimeout: 30_000 });

let server: WireServer | undefined;
async function serve(answer: Answer): Promise<WireServer> {
  return (server = await serveAnswer(answer));
}

/** A response made of these steps. */
const wire = (steps: Iterable<Step> | AsyncIterable<Step>): Reply => reply([], { steps });

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Everything that comes out of a view, and what it threw at the end. */
async function drain<T>(view: AsyncIterable<T>): Promise<{ values: T[]; error: unknown }> {
  const values: T[] = [];
  try {
    for await (const value of view) values.push(value);
  } catch (error) {
    return { values, error };
  }
  return { values, error: undefined };
}

/** The same as `PARAMS`, with its own type. */
const REQUEST = { model: 'claude-test', max_tokens: 64, messages: [{ role: 'user', content: 'Hi' }] };

const shown: string[] = [];

/** The tests of an entry: each for both transports, with the options that every call needs. */
function trouble(
  name: string,
  define: (ask: (options?: Parameters<Ask>[1]) => Promise<MessageStream>, raw: Ask) => void,
): void {
  shown.push(name);
  describe(name, () => {
    describe.each(TRANSPORTS)('%s', (_, ask) => {
      define((options) => ask(PARAMS, { apiKey: KEY, baseURL: server?.url, ...options }), ask);
    });
  });
}

trouble('not streaming', (ask, raw) => {
  test('each piece is there before the next is sent', async () => {
    const seen: string[] = [];
    let wake = (): void => {};
    const has = async (count: number): Promise<void> => {
      while (seen.length < count) await new Promise<void>((resolve) => (wake = resolve));
    };
    async function* steps(): AsyncGenerator<Step> {
      yield* sse([start(), textStart(0), textDelta(0, 'one')]);
      await has(1);
      yield* sse([textDelta(0, 'two')]);
      await has(2);
      yield* sse([textDelta(0, 'three'), blockStop(0), messageDelta(), stop]);
    }
    await serve(() => wire(steps()));
    for await (const text of (await ask()).textStream) {
      seen.push(text);
      wake();
    }
    expect(seen).toEqual(['one', 'two', 'three']);
  });

  test('`stream: false` is not sent', async () => {
    const { url, requests } = await serve(() => reply(textEvents(['Hi'])));
    const stream = await raw({ ...PARAMS, stream: false }, { apiKey: KEY, baseURL: url });
    expect(await stream.finalText()).toBe('Hi');
    expect(requests[0]?.body).toMatchObject({ stream: true });
  });

  test('a server that gives the whole message at once is named', async () => {
    const whole = { ...(start() as unknown as { message: object }).message, content: [{ type: 'text', text: 'Hi' }] };
    await serve(() => ({ headers: { 'content-type': 'application/json' }, steps: [JSON.stringify(whole)] }));
    const error = await failureOf(ask());
    expect(error).toBeInstanceOf(ProtocolError);
    expect((error as Error).message).toMatch(/"stream": ?true/);
  });

  test('through the relay, too, and proxies are told not to hold it back', async () => {
    let release = (): void => {};
    const seen = new Promise<void>((resolve) => (release = resolve));
    await serve(() =>
      wire([
        ...sse([start(), textStart(0), textDelta(0, 'one')]),
        { wait: seen },
        ...sse([textDelta(0, 'two'), blockStop(0), messageDelta(), stop]),
      ]),
    );
    const relay = createServer((_, response) => void relayTo(response, (signal) => ask({ signal })));
    const url = await listen(relay);
    try {
      const response = await fetch(url);
      expect(response.headers.get('x-accel-buffering')).toBe('no');
      expect(response.headers.get('cache-control')).toBe('no-cache, no-transform');
      const texts: string[] = [];
      for await (const text of MessageStream.from(response).textStream) {
        texts.push(text);
        release();
      }
      expect(texts).toEqual(['one', 'two']);
    } finally {
      relay.closeAllConnections();
      relay.close();
    }
  });
});

async function listen(relay: Server): Promise<string> {
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
}

trouble('connection closed early', (ask) => {
  const half = sse([start(), textStart(0), textDelta(0, 'Half')]);

  test.each<[string, Step[], new (...args: never[]) => StreamError]>([
    ['a clean end', [], TruncatedError],
    ['a body that breaks off', [{ close: true }], ConnectionError],
    ['a reset', [{ waitMs: 20 }, { reset: true }], ConnectionError],
  ])('%s: every view throws, with what had come', async (_, end, Class) => {
    const { requests } = await serve(() => wire([...half, ...end]));
    const stream = await ask();
    const { values, error } = await drain(stream.textStream);
    expect(values).toEqual(['Half']);
    expect(error).toBeInstanceOf(Class);
    expect((error as StreamError).snapshot?.content).toEqual([{ type: 'text', text: 'Half' }]);
    expect(await failureOf(stream.finalMessage())).toBe(error);
    expect(stream.outcome.status).toBe(Class === TruncatedError ? 'truncated' : 'disconnected');
    expect(requests, 'content had come: not tried again').toHaveLength(1);
  });

  test('before content it is tried again', async () => {
    const { requests } = await serve((_, n) =>
      n === 0 ? { refuse: true } : n === 1 ? wire(sse([start()])) : reply(textEvents(['Whole'])),
    );
    expect(await (await ask()).finalText()).toBe('Whole');
    expect(requests).toHaveLength(3);
  });

  test('what had come is enough to go on', async () => {
    await serve((_, n) => (n === 0 ? wire(half) : reply(textEvents([' and half.']))));
    const error = (await failureOf((await ask()).finalMessage())) as StreamError;
    const next = continuation(error.snapshot, error.blocks, REQUEST);
    expect(next.messages.at(-1)).toMatchObject({ role: 'user', content: expect.stringContaining('Half') as string });
  });
});

trouble('bad parsing', (ask) => {
  const TEXT = 'Grüße, 東京, 🌊 and "quotes" \\ and\nlines';
  const body = textBody([TEXT.slice(0, 7), TEXT.slice(7)]);

  test.each([
    ['LF', body],
    ['CRLF', body.replaceAll('\n', '\r\n')],
    ['CR', body.replaceAll('\n', '\r')],
  ])('%s, cut anywhere', async (_, bytes) => {
    await serve((__, n) => wire(cut(bytes, [1, 2, 3, 7, 1 << 16][n] as number)));
    const messages: Message[] = [];
    for (let n = 0; n < 5; n++) {
      const stream = await ask();
      messages.push(await stream.finalMessage());
      expect(stream.diagnostics).toEqual([]);
    }
    expect(messages[0]?.content).toEqual([{ type: 'text', text: TEXT }]);
    for (const message of messages) expect(message).toEqual(messages[0]);
  });
});

trouble('delta before its start', (ask) => {
  const noBlock = [start(), textDelta(0, 'Here'), blockStop(0), messageDelta(), stop];
  const noMessage = [textStart(0), textDelta(0, 'Here'), start('msg_late'), blockStop(0), messageDelta(), stop];

  test.each([
    ['a block that never began', noBlock, 'delta-without-start'],
    ['a message that begins late', noMessage, 'content-before-start'],
  ])('%s: its text is kept, and a diagnostic says so', async (_, events, code) => {
    await serve(() => reply(events));
    const stream = await ask();
    expect(await stream.finalText()).toBe('Here');
    expect(stream.diagnostics.map((found) => found.code)).toContain(code);
  });

  test('strict: it ends the stream', async () => {
    const { requests } = await serve(() => reply(noBlock));
    const error = await failureOf(ask({ strict: true }).then((stream) => stream.finalMessage()));
    expect(error).toMatchObject({ name: 'ProtocolError', code: 'delta-without-start', at: { event: 2 } });
    expect(requests).toHaveLength(1);
  });
});

trouble('429, 403 and 529', (ask) => {
  const soon = { 'retry-after-ms': '5' };

  test.each<[string, Reply]>([
    ['429', errorReply(429, 'rate_limit_error', 'Slow down', soon)],
    ['529', errorReply(529, 'overloaded_error', 'Overloaded', soon)],
    ['an error event before content', reply([start(), apiError()], { headers: soon })],
  ])('%s is tried again, after the time that was asked for', async (_, refusal) => {
    const { requests } = await serve((__, n) => (n < 2 ? refusal : reply(textEvents(['At last']))));
    const waits: number[] = [];
    const stream = await ask({ onRetry: ({ delayMs }) => waits.push(delayMs) });
    expect(await stream.finalText()).toBe('At last');
    expect(requests).toHaveLength(3);
    expect(waits).toEqual([5, 5]);
  });

  test('429 that stays: when to come back, and the counters', async () => {
    const headers = {
      'retry-after': '90',
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '0',
    };
    const { requests } = await serve(() => errorReply(429, 'rate_limit_error', 'Slow down', headers));
    const error = await failureOf(ask());
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ retryAfterMs: 90_000, rateLimits: { requests: { limit: 50, remaining: 0 } } });
    expect(requests, 'a longer wait than a minute is the caller’s to decide').toHaveLength(1);
  });

  test('529 that stays is an OverloadedError after three attempts', async () => {
    const { requests } = await serve(() => errorReply(529, 'overloaded_error', 'Overloaded', soon));
    expect(await failureOf(ask())).toBeInstanceOf(OverloadedError);
    expect(requests).toHaveLength(3);
  });

  test('403 is told at once', async () => {
    const { requests } = await serve(() => errorReply(403, 'permission_error', 'This key may not'));
    const error = await failureOf(ask());
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(error).toMatchObject({ message: 'permission_error: This key may not', requestId: 'req_error', status: 403 });
    expect(requests).toHaveLength(1);
  });

  test('after content nothing is tried again', async () => {
    const { requests } = await serve(() => reply([start(), textStart(0), textDelta(0, 'Half'), apiError()]));
    const { values, error } = await drain((await ask()).textStream);
    expect(values).toEqual(['Half']);
    expect(error).toBeInstanceOf(OverloadedError);
    expect(error).toMatchObject({ retryable: true, snapshot: { content: [{ type: 'text', text: 'Half' }] } });
    expect(requests).toHaveLength(1);
  });
});

trouble('max_tokens', (ask) => {
  const cutInTool = [
    start(),
    textStart(0),
    textDelta(0, 'Saving. '),
    blockStop(0),
    blockStart(1, { type: 'tool_use', id: 'toolu_1', name: 'save', input: {} }),
    delta(1, { type: 'input_json_delta', partial_json: '{"text": "The sw' }),
    messageDelta('max_tokens'),
    stop,
  ];

  test('is no error, and the stop reason says it', async () => {
    await serve(() =>
      reply([start(), textStart(0), textDelta(0, 'And the'), blockStop(0), messageDelta('max_tokens'), stop]),
    );
    const stream = await ask();
    expect((await stream.finalMessage()).stop_reason).toBe('max_tokens');
    expect(stream.outcome).toEqual({ status: 'complete', stopReason: 'max_tokens' });
  });

  test('a tool that was cut is never valid, and is left out', async () => {
    await serve(() => reply(cutInTool));
    const stream = await ask();
    const message = await stream.finalMessage();
    expect(stream.blocks[1]).toMatchObject({ state: 'cut', inputState: 'partial', inputText: '{"text": "The sw' });
    expect(message.content[1]).toMatchObject({ input: {} });
    const { content, dropped } = salvage(message, stream.blocks);
    expect(content).toEqual([{ type: 'text', text: 'Saving. ' }]);
    expect(dropped).toMatchObject([{ block: { type: 'tool_use' }, reason: 'unfinished' }]);
  });

  test('the next request goes on where it was cut', async () => {
    const { requests } = await serve((_, n) => reply(n === 0 ? cutInTool : textEvents([' Saved.'])));
    const stream = await ask();
    const next = continuation(await stream.finalMessage(), stream.blocks, { ...REQUEST, model: 'claude-haiku-4-5' });
    expect(next.messages.at(-1)).toEqual({ role: 'assistant', content: [{ type: 'text', text: 'Saving.' }] });
    expect(requests).toHaveLength(1);
  });
});

trouble('mixed calls', (ask) => {
  test('one request gives the pieces and the message, in any order', async () => {
    const { requests } = await serve(() => reply(textEvents(['a', 'b'])));
    const stream = await ask();
    const early = stream.finalMessage();
    expect((await drain(stream.textStream)).values).toEqual(['a', 'b']);
    expect(await early).toBe(await stream.finalMessage());
    expect(await stream.finalText()).toBe('ab');
    expect(requests).toHaveLength(1);
  });

  test('a second loop is a TypeError that names tee()', async () => {
    await serve(() => reply(textEvents(['a', 'b'])));
    const stream = await ask();
    for await (const _ of stream) {
      expect(() => stream.textStream[Symbol.asyncIterator]()).toThrow(TypeError);
      expect(() => stream.textStream[Symbol.asyncIterator]()).toThrow('tee()');
    }
    expect(stream.outcome.status).toBe('complete');
  });

  test('tee() gives both readers everything', async () => {
    const { requests } = await serve(() => reply(textEvents(['a', 'b'])));
    const [left, right] = (await ask()).tee();
    const [one, two] = await Promise.all([drain(left.textStream), drain(right)]);
    expect(one.values).toEqual(['a', 'b']);
    expect(two.values.map(({ type }) => type)).toEqual(textEvents(['a', 'b']).map(({ type }) => type));
    expect(requests).toHaveLength(1);
  });

  test('streams that run at once never mix', async () => {
    await serve((_, n) => reply(textEvents([`${n}a`, `${n}b`, `${n}c`], `msg_${n}`), { delayMs: 1 }));
    const streams = await Promise.all(Array.from({ length: 8 }, () => ask()));
    const messages = await Promise.all(streams.map((stream) => stream.finalMessage()));
    for (const { id, content } of messages) {
      const n = id.slice(4);
      expect(content).toEqual([{ type: 'text', text: `${n}a${n}b${n}c` }]);
    }
    expect(new Set(messages.map(({ id }) => id)).size).toBe(8);
  });
});

trouble('leaked key', (ask) => {
  /** Whatever a logger may print of it. */
  function everythingOf(error: Error): string {
    const seen = new Set<unknown>();
    // An error is on its own outcome: a circle, which JSON must be kept out of.
    const once = (_: string, value: unknown): unknown => {
      if (typeof value !== 'object' || value === null) return value;
      if (seen.has(value)) return undefined;
      seen.add(value);
      return value;
    };
    const inspected = inspect(error, { depth: Infinity, showHidden: true, getters: true, maxStringLength: null });
    return [inspected, String(error), error.stack, inspect(error.cause), JSON.stringify(error, once)].join('\n');
  }

  test.each<[string, Reply, new (...args: never[]) => Error]>([
    [
      'an HTTP error that quotes it',
      errorReply(401, 'authentication_error', `invalid key ${KEY}`),
      AuthenticationError,
    ],
    ['a page that quotes it', { status: 403, steps: [`<html>${KEY} may not</html>`] }, PermissionDeniedError],
    [
      'an error event that quotes it',
      reply([apiError('authentication_error', `invalid key ${KEY}`)]),
      AuthenticationError,
    ],
    ['a redirect', { status: 307, headers: { location: `https://example.com/?key=${KEY}` } }, ApiError],
    ['a connection that fails', { refuse: true }, ConnectionError],
  ])('%s: the key is not in the error', async (_, answer, Class) => {
    const { requests } = await serve(() => answer);
    const error = await failureOf(ask({ maxRetries: 0 }));
    expect(error).toBeInstanceOf(Class);
    expect(everythingOf(error as Error)).not.toContain(KEY);
    expect(requests[0]?.headers['x-api-key'], 'it was sent, and only here').toBe(KEY);
    expect(requests).toHaveLength(1);
  });

  test('nor in what the relay sends', async () => {
    await serve((_, n) => (n === 0 ? reply(textEvents(['Hi'])) : errorReply(401, 'authentication_error', KEY)));
    const relay = createServer((_, response) => void relayTo(response, (signal) => ask({ signal })));
    const url = await listen(relay);
    try {
      for (const status of [200, 502]) {
        const response = await fetch(url);
        const sent = `${await response.text()}${JSON.stringify([...response.headers])}`;
        expect(response.status).toBe(status);
        expect(sent).not.toContain(KEY);
      }
    } finally {
      relay.closeAllConnections();
      relay.close();
    }
  });
});

trouble('missing key', (ask, raw) => {
  const LINE = 'No API key: set ANTHROPIC_API_KEY, or give apiKey or authToken';

  afterEach(() => vi.unstubAllEnvs());

  test.each([undefined, '', '  \n'])('in the environment: %j', async (value) => {
    const { url, connections } = await serve(() => reply(textEvents(['Hi'])));
    vi.stubEnv('ANTHROPIC_API_KEY', value);
    vi.stubEnv('ANTHROPIC_AUTH_TOKEN', undefined);
    const error = await failureOf(raw(PARAMS, { baseURL: url }));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toBe(LINE);
    expect(connections()).toBe(0);
  });

  test('a key that was read from a file with its line end', async () => {
    const { connections } = await serve(() => reply(textEvents(['Hi'])));
    const error = await failureOf(ask({ apiKey: `${KEY}\n` }));
    expect((error as Error).message).toBe('Cannot send the request: apiKey holds a line end; was it read from a file?');
    expect(connections()).toBe(0);
  });
});

describe('missing key, in a program', async () => {
  const project = await makeProject();
  afterAll(project.dispose);

  test('one line, and exit code 1', async () => {
    const { url, connections } = await serve(() => reply(textEvents(['Hi'])));
    const { exit } = run([process.execPath, 'errors.mjs'], project.folder, { ANTHROPIC_BASE_URL: url });
    expect(await exit).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: '\nNo API key: set ANTHROPIC_API_KEY, or give apiKey or authToken\n',
    });
    expect(connections()).toBe(0);
  });
});

test('every entry of the page is shown here', () => {
  expect(shown.toSorted()).toEqual(TROUBLES.map(({ name }) => name).toSorted());
});
