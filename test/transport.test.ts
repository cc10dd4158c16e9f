/** `streamMessage`, over real sockets: the request, the stream, the errors before it and in it, the retries. */

import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  AbortError,
  ApiError,
  ConnectionError,
  IdleTimeoutError,
  ProtocolError,
  StreamError,
  TruncatedError,
  type StreamEvent,
} from '../src/index.ts';
import type { MessageParams } from '../src/transport/params.ts';
import type { RetryInfo, TransportOptions } from '../src/transport/policy.ts';
import * as m from './support/messages.ts';
import { KEY, PARAMS, TRANSPORTS, type Ask } from './support/transports.ts';
import { serve as serveAnswer } from './support/serving.ts';
import {
  errorReply,
  reply,
  sse,
  startWireServer,
  type Answer,
  type Reply,
  type Step,
  type WireServer,
} from './support/wire-server.ts';

const hello = m.textEvents(['Hel', 'lo']);
const good = (): Reply => reply(hello);

beforeEach(() => {
  for (const name of ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_BASE_URL']) vi.stubEnv(name, undefined);
});
afterEach(() => void vi.unstubAllEnvs());

function serve(...answers: (Reply | Answer)[]): Promise<WireServer> {
  return serveAnswer((request, n) => {
    const answer = answers[Math.min(n, answers.length - 1)] ?? good();
    return typeof answer === 'function' ? answer(request, n) : answer;
  });
}

/** Options for a quick test: a key, the server, waits of a millisecond, and a list of the retries. */
function optionsFor(
  server: WireServer,
  options: TransportOptions = {},
): TransportOptions & { key: string; retries: RetryInfo[] } {
  const retries: RetryInfo[] = [];
  return {
    apiKey: KEY,
    baseURL: server.url,
    maxRetryDelayMs: 1,
    onRetry: (info) => retries.push(info),
    ...options,
    key: KEY,
    retries,
  };
}

async function failure(promise: Promise<unknown>): Promise<StreamError & ApiError> {
  const error: unknown = await promise.then(
    () => new Error('it resolved'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new TypeError(`no error: ${String(error)}`);
  expectNoKey(error);
  return error as StreamError & ApiError;
}

function expectNoKey(value: unknown): void {
  expect(inspect(value, { depth: 12, showHidden: true })).not.toContain(KEY);
  if (value instanceof Error) {
    expect(`${String(value)} ${value.stack}`).not.toContain(KEY);
    if (value.cause !== undefined) expectNoKey(value.cause);
  }
}

async function eventsOf(stream: AsyncIterable<StreamEvent>): Promise<string[]> {
  const types: string[] = [];
  for await (const event of stream) types.push(event.type);
  return types;
}

describe.each(TRANSPORTS)('%s', (_, ask: Ask) => {
  describe('the request', () => {
    test('has all that the API asks for', async () => {
      const server = await serve(good());
      const stream = await ask(PARAMS, { apiKey: KEY, baseURL: `${server.url}/`, betas: ['a-1', 'b-2'] });
      expect(await stream.finalText()).toBe('Hello');
      const { method, url, headers, body } = await server.request();
      expect({ method, url }).toEqual({ method: 'POST', url: '/v1/messages' });
      expect(body).toEqual({ ...PARAMS, stream: true });
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'anthropic-version': '2023-06-01',
        'anthropic-beta': 'a-1,b-2',
        'x-api-key': KEY,
      });
      expect(headers.accept).toContain('text/event-stream');
      expect(headers).not.toHaveProperty('authorization');
      expect(headers).not.toHaveProperty('anthropic-dangerous-direct-browser-access');
    });

    test('what is not known is sent as it is; stream is true whatever it was', async () => {
      const server = await serve(good());
      const params: MessageParams = {
        ...PARAMS,
        stream: false,
        future_knob: { a: 1 },
        messages: [
          {
            role: 'user',
            content: [
              { type: 'hologram', depth: 3 },
              { type: 'text', text: 'é€😀' },
            ],
          },
        ],
        tools: [{ type: 'teleport_20300101', name: 'teleport', range: 1 }],
      };
      await (await ask(params, { apiKey: KEY, baseURL: server.url })).finalMessage();
      expect((await server.request()).body).toEqual({ ...params, stream: true });
      expect(params.stream).toBe(false);
    });

    test.each<[string, TransportOptions, Record<string, string | undefined>, Record<string, string | undefined>]>([
      ['a token', { authToken: KEY }, {}, { authorization: `Bearer ${KEY}`, 'x-api-key': undefined }],
      ['a token that has its scheme already', { authToken: 'Bearer t' }, {}, { authorization: 'Bearer t' }],
      ['both, if both are given', { apiKey: 'k', authToken: 't' }, {}, { authorization: 'Bearer t', 'x-api-key': 'k' }],
      ['the key of the environment', {}, { ANTHROPIC_API_KEY: ` ${KEY}\n` }, { 'x-api-key': KEY }],
      ['the token of the environment', {}, { ANTHROPIC_AUTH_TOKEN: 't' }, { authorization: 'Bearer t' }],
      [
        'one of the two of the environment',
        {},
        { ANTHROPIC_API_KEY: 'k', ANTHROPIC_AUTH_TOKEN: 't' },
        { 'x-api-key': 'k', authorization: undefined },
      ],
      [
        'a key, which hides the token of the environment',
        { apiKey: 'k' },
        { ANTHROPIC_AUTH_TOKEN: 't' },
        { 'x-api-key': 'k', authorization: undefined },
      ],
      [
        'a token, which hides the key of the environment',
        { authToken: 't' },
        { ANTHROPIC_API_KEY: 'k' },
        { 'x-api-key': undefined, authorization: 'Bearer t' },
      ],
      [
        'none on purpose',
        { apiKey: null },
        { ANTHROPIC_API_KEY: 'k', ANTHROPIC_AUTH_TOKEN: 't' },
        { 'x-api-key': undefined, authorization: undefined },
      ],
      [
        'headers of the caller, which win in any case of letters',
        {
          apiKey: 'k',
          headers: {
            'Anthropic-Version': '2030-01-01',
            'X-API-Key': null,
            Authorization: 'Basic eA==',
            'x-trace': '1',
          },
        },
        {},
        { 'anthropic-version': '2030-01-01', 'x-api-key': undefined, authorization: 'Basic eA==', 'x-trace': '1' },
      ],
      [
        'a header that is undefined, which changes nothing',
        { apiKey: 'k', headers: { 'x-api-key': undefined } },
        {},
        { 'x-api-key': 'k' },
      ],
      ['a header of the caller as the key', { headers: { 'x-api-key': 'k' } }, {}, { 'x-api-key': 'k' }],
      [
        'access for browsers, on request',
        { apiKey: 'k', dangerouslyAllowBrowser: true },
        {},
        { 'anthropic-dangerous-direct-browser-access': 'true' },
      ],
    ])('%s', async (_name, options, env, wanted) => {
      const server = await serve(good());
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
      await (await ask(PARAMS, { baseURL: server.url, ...options })).finalMessage();
      const { headers } = await server.request();
      for (const [name, value] of Object.entries(wanted)) expect([name, headers[name]]).toEqual([name, value]);
    });

    test('the place comes from the environment, with its path and query', async () => {
      const server = await serve(good());
      vi.stubEnv('ANTHROPIC_BASE_URL', `${server.url}/gateway/?tenant=1`);
      await (await ask(PARAMS, { apiKey: KEY })).finalMessage();
      expect((await server.request()).url).toBe('/gateway/v1/messages?tenant=1');
    });

    test.each<[string, TransportOptions, string]>([
      ['no key', {}, 'No API key: set ANTHROPIC_API_KEY, or give apiKey or authToken'],
      ['an empty key', { apiKey: '' }, 'Cannot send the request: apiKey is empty'],
      ['an empty token', { authToken: ' ' }, 'Cannot send the request: authToken is empty'],
      [
        'a key with a line end',
        { apiKey: `${KEY}\n` },
        'Cannot send the request: apiKey holds a line end; was it read from a file?',
      ],
      [
        'a token with a line end',
        { authToken: `${KEY}\r\nx: y` },
        'Cannot send the request: authToken holds a line end; was it read from a file?',
      ],
      [
        'a key with a typographic dash',
        { apiKey: `${KEY}–` },
        'Cannot send the request: apiKey holds a character that no header can carry',
      ],
      [
        'a header with a null byte',
        { apiKey: 'k', headers: { 'X-A': `${KEY}\0` } },
        'Cannot send the request: the header X-A holds a character that no header can carry',
      ],
      [
        'a name that is none',
        { apiKey: 'k', headers: { 'x a': '1' } },
        'Cannot send the request: "x a" is no name of a header',
      ],
      [
        'a Headers object',
        { apiKey: 'k', headers: new Headers() as never },
        'Cannot send the request: headers must be a plain object; use Object.fromEntries(headers)',
      ],
      [
        'a key that is no string',
        { apiKey: 7 as never },
        'Cannot send the request: apiKey must be a string, this is number',
      ],
      [
        'a base without a scheme',
        { apiKey: 'k', baseURL: 'localhost:80' },
        'Cannot send the request: baseURL must begin with https:// or http:// and name a host',
      ],
      [
        'a password in the base',
        { apiKey: 'k', baseURL: `https://me:${KEY}@example.test` },
        'Cannot send the request: baseURL holds a user name or password; send them in headers',
      ],
    ])('%s is a TypeError in one line, before anything is sent', async (_name, options, message) => {
      const server = await serve(good());
      const error = await failure(ask(PARAMS, { baseURL: server.url, ...options }));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe(message);
      expect(server.requests).toHaveLength(0);
    });

    test.each<[string, TransportOptions, string]>([
      ['a host that is none', { baseURL: `http://[bad?k=${KEY}` }, 'baseURL is no URL; check its host and port'],
      ['a port that is none', { baseURL: 'http://127.0.0.1:99999' }, 'baseURL is no URL; check its host and port'],
      [
        'a signal that is none',
        { signal: {} as never },
        'signal must be an AbortSignal; give the `signal` of an AbortController',
      ],
      [
        'a header of the framing',
        { headers: { 'Transfer-Encoding': 'chunked' } },
        'the header Transfer-Encoding is set by the platform; leave it out',
      ],
      [
        'a length that is not ours',
        { headers: { 'content-length': '5' } },
        'the header content-length is set by the platform; leave it out',
      ],
      ['a token that is no string', { authToken: 7 as never }, 'authToken must be a string, this is number'],
      ['a token that is but the scheme', { authToken: 'Bearer' }, 'authToken is empty'],
    ])('%s is the caller’s fault: a TypeError that says what to do, and no retry', async (_name, given, message) => {
      const server = await serve(good());
      const options = optionsFor(server, given);
      const error = await failure(ask(PARAMS, options));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe(`Cannot send the request: ${message}`);
      expect(options.retries).toEqual([]);
      expect(server.requests).toHaveLength(0);
    });

    test('params that JSON cannot hold are a TypeError that says so', async () => {
      const error = await failure(ask({ ...PARAMS, seed: 1n }, { apiKey: KEY }));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain('its params hold what JSON cannot (a BigInt, a cycle)');
    });

    test.each([
      ['connectTimeoutMs', 0],
      ['idleTimeoutMs', Number.NaN],
      ['maxRetries', -1],
      ['maxRetries', 1.5],
      ['maxRetryDelayMs', -1],
    ])('%s of %d is a RangeError', async (name, value) => {
      const error = await failure(ask(PARAMS, { apiKey: KEY, [name]: value }));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toContain(name);
    });
  });

  describe('the stream', () => {
    test('hands out every event, and has the response that won', async () => {
      const events = [m.ping, m.start(), { type: 'novelty' }, m.ping, ...hello.slice(1)];
      const server = await serve(reply(events, { headers: { 'request-id': 'req_7', 'x-more': 'yes' } }));
      const stream = await ask(PARAMS, optionsFor(server));
      expect(stream.snapshot).toBeUndefined();
      expect(stream.response?.status).toBe(200);
      expect(stream.response?.headers.get('x-more')).toBe('yes');
      expect(stream.response?.headers.get('X-MORE')).toBe('yes');
      expect(stream.response?.headers.get('x-none')).toBeNull();
      expect(stream.requestId).toBe('req_7');
      expect(await eventsOf(stream)).toEqual(events.map(({ type }) => (type === 'novelty' ? 'unknown' : type)));
      expect(stream.outcome.status).toBe('complete');
      expectNoKey(stream);
    });

    test('resolves with the first content, not with what comes before', async () => {
      let release: (value?: unknown) => void = () => {};
      const gate = new Promise((resolve) => {
        release = resolve;
      });
      const [first = '', ...rest] = sse(hello);
      const server = await serve(
        reply([], {
          steps: [first, ...sse([m.ping]), { wait: gate }, rest[0] ?? '', { waitMs: 20 }, ...rest.slice(1)],
        }),
      );
      let resolved = false;
      const asked = ask(PARAMS, optionsFor(server)).then((stream) => {
        resolved = true;
        return stream;
      });
      await server.request();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(resolved).toBe(false);
      release();
      expect(await eventsOf(await asked)).toEqual(['message_start', 'ping', ...hello.slice(1).map(({ type }) => type)]);
    });

    test('the snapshot is that of the event that was handed out', async () => {
      const server = await serve(good());
      const stream = await ask(PARAMS, optionsFor(server));
      const texts: unknown[] = [];
      for await (const event of stream) {
        if (event.type === 'content_block_delta') texts.push(structuredClone(stream.snapshot?.content[0]));
      }
      expect(texts).toEqual([
        { type: 'text', text: 'Hel' },
        { type: 'text', text: 'Hello' },
      ]);
    });

    test.each<[string, Step[], string]>([
      ['byte by byte', Array.from(Buffer.from(m.textBody(['é€😀']))).map((byte) => Uint8Array.of(byte)), 'é€😀'],
      ['in one piece', [m.textBody(['Hello'])], 'Hello'],
      ['without the last blank line', [m.textBody(['Hello']).trimEnd()], 'Hello'],
    ])('%s it is the same', async (_name, steps, text) => {
      const server = await serve(reply([], { steps }));
      const stream = await ask(PARAMS, optionsFor(server));
      expect(await stream.finalText()).toBe(text);
    });

    test('a message without content is one', async () => {
      const events = [m.start(), m.messageDelta(), m.stop];
      const stream = await ask(PARAMS, optionsFor(await serve(reply(events))));
      expect((await stream.finalMessage()).content).toEqual([]);
    });

    test('a whole message whose end alone could not be told as it came is one', async () => {
      const options = optionsFor(
        await serve(reply([], { steps: [m.frame(m.start()), 'data: {"type":"message_stop"}'] })),
      );
      const stream = await ask(PARAMS, options);
      expect((await stream.finalMessage()).id).toBe('msg_1');
      expect(stream.diagnostics.map(({ code }) => code)).toContain('missing-final-blank-line');
      expect(options.retries).toEqual([]);
    });

    test('a damaged one is the caller’s to judge, not to be asked for again', async () => {
      const steps = [m.frame(m.start()), 'data: oops\n\n', 'data: {"type":"message_stop"}'];
      const server = await serve(reply([], { steps }));
      const stream = await ask(PARAMS, optionsFor(server));
      expect((await failure(stream.finalMessage())).name).toBe('DamagedError');
      expect(server.requests).toHaveLength(1);
    });

    test('it can be split before it is read', async () => {
      const stream = await ask(PARAMS, optionsFor(await serve(good())));
      const texts = await Promise.all(stream.tee().map((half) => half.finalText()));
      expect(texts).toEqual(['Hello', 'Hello']);
    });

    test('strict and onDiagnostic reach it', async () => {
      const steps = ['data: oops\n\n', ...sse(hello)];
      const server = await serve(reply([], { steps }));
      const codes: string[] = [];
      const lenient = await ask(PARAMS, optionsFor(server, { onDiagnostic: ({ code }) => codes.push(code) }));
      await expect(lenient.finalMessage()).rejects.toThrow();
      expect(codes).toContain('invalid-json');
      const strict = await ask(PARAMS, optionsFor(server, { strict: true }));
      await expect(strict.finalMessage()).rejects.toBeInstanceOf(ProtocolError);
    });

    test('content that comes to light when the stream stalls is given, and the connection closed', async () => {
      const begun = sse(hello.slice(0, 2)).join('').slice(0, -1);
      const server = await serve(reply([], { steps: [begun, { stall: true }] }));
      const stream = await ask(PARAMS, optionsFor(server, { idleTimeoutMs: 100 }));
      expect(await eventsOf(stream).catch(() => stream.outcome.status)).toBe('stalled');
      expect(stream.blocks).toHaveLength(1);
      expect(await (await server.request()).left).toBe(true);
    });

    test('much that is no content is not held for ever', async () => {
      const noise = `: ${'x'.repeat(65_000)}\n\n`;
      const steps: Step[] = [...Array.from({ length: 20 }, () => noise), { stall: true }];
      const server = await serve(reply([], { steps }));
      const stream = await ask(PARAMS, optionsFor(server, { idleTimeoutMs: 200 }));
      await expect(stream.finalMessage()).rejects.toBeInstanceOf(IdleTimeoutError);
    });
  });

  describe('errors before the stream', () => {
    test.each([
      [400, 'invalid_request_error', 'BadRequestError'],
      [401, 'authentication_error', 'AuthenticationError'],
      [402, 'billing_error', 'PaymentRequiredError'],
      [403, 'permission_error', 'PermissionDeniedError'],
      [404, 'not_found_error', 'NotFoundError'],
      [412, 'memory_precondition_failed_error', 'PreconditionFailedError'],
      [413, 'request_too_large', 'ContentTooLargeError'],
      [422, 'invalid_request_error', 'UnprocessableEntityError'],
      [431, 'invalid_request_error', 'RequestHeaderFieldsTooLargeError'],
      [499, 'api_error', 'ClientClosedRequestError'],
      [418, 'teapot_error', 'ApiError'],
    ])('%d is no second try: %s is %s', async (status, type, name) => {
      const server = await serve(errorReply(status, type, 'No.'));
      const options = optionsFor(server);
      const error = await failure(ask(PARAMS, options));
      expect(error).toBeInstanceOf(ApiError);
      expect(error).toMatchObject({ name, status, type, message: `${type}: No.`, retryable: false });
      expect(error).toMatchObject({ requestId: 'req_error', bodyText: expect.stringContaining('"No."') });
      expect(server.requests).toHaveLength(1);
      expect(options.retries).toEqual([]);
    });

    test.each([
      ['a page under 404', 404, '<html>nginx</html>', true],
      ['other JSON under 404', 404, '{"detail":"Not Found"}', true],
      ['a text under 405', 405, 'Method Not Allowed', true],
      ['a page under 200', 200, '<!doctype html>', true],
      ['other JSON under 200', 200, '{"ok":true}', true],
      ['an unknown model', 404, '{"type":"error","error":{"type":"not_found_error","message":"model: x"}}', false],
      ['a page under 502', 502, '<html>Bad Gateway</html>', false],
    ])('%s: the address is doubted only where it may be wrong', async (_case, status, body, doubted) => {
      const server = await serve(reply([], { status, steps: [body] }));
      const error = await failure(ask(PARAMS, optionsFor(server, { maxRetries: 0 })));
      const hint = `; ${server.url} gave this, check baseURL`;
      expect(error.message.endsWith(hint)).toBe(doubted);
      expect(error.message).not.toMatch(/check baseURL.*check baseURL/);
    });

    test.each([
      [408, 'timeout_error', 'RequestTimeoutError'],
      [409, 'conflict_error', 'ConflictError'],
      [429, 'rate_limit_error', 'RateLimitError'],
      [500, 'api_error', 'InternalServerError'],
      [501, 'api_error', 'NotImplementedError'],
      [503, 'api_error', 'ServiceUnavailableError'],
      [504, 'timeout_error', 'GatewayTimeoutError'],
      [520, 'api_error', 'InternalServerError'],
      [529, 'overloaded_error', 'OverloadedError'],
    ])('%d is tried again: %s is %s', async (status, type, name) => {
      const server = await serve(errorReply(status, type, 'Later.'));
      const options = optionsFor(server);
      const error = await failure(ask(PARAMS, options));
      expect(error).toMatchObject({ name, status, type, retryable: true });
      expect(server.requests).toHaveLength(3);
      expect(options.retries.map(({ attempt, error: found, delayMs }) => [attempt, found.name, delayMs])).toEqual([
        [1, name, 1],
        [2, name, 1],
      ]);
    });

    test('rate limits and the wait that is asked for are on the error', async () => {
      const reset = '2026-11-20T12:00:30Z';
      const server = await serve(
        errorReply(429, 'rate_limit_error', 'Slow down', {
          'retry-after': '12',
          'anthropic-ratelimit-requests-limit': '50',
          'anthropic-ratelimit-requests-remaining': '0',
          'anthropic-ratelimit-requests-reset': reset,
          'anthropic-ratelimit-output-tokens-remaining': '1000',
          'anthropic-priority-input-tokens-limit': '7',
          'anthropic-ratelimit-tokens-limit': 'many',
        }),
      );
      const error = await failure(ask(PARAMS, optionsFor(server)));
      expect(error.retryAfterMs).toBe(12_000);
      expect(error.rateLimits).toEqual({
        requests: { limit: 50, remaining: 0, resetAtMs: Date.parse(reset) },
        outputTokens: { remaining: 1000 },
        priorityInputTokens: { limit: 7 },
      });
    });

    test.each<[string, Reply, string, string]>([
      [
        'an HTML page',
        { status: 502, steps: ['<html>\n<b>Bad gateway</b>'] },
        'InternalServerError',
        'api_error: HTTP 502: <html> <b>Bad gateway</b>',
      ],
      [
        'a line of text',
        { status: 403, steps: ['Forbidden by policy\nmore'] },
        'PermissionDeniedError',
        'api_error: HTTP 403: Forbidden by policy more',
      ],
      ['nothing', { status: 529 }, 'OverloadedError', 'api_error: HTTP 529 with an empty body'],
      ['other JSON', { status: 400, steps: ['{"detail":"nope"}'] }, 'BadRequestError', 'api_error: {"detail":"nope"}'],
      [
        'half a body',
        { status: 400, steps: ['{"type":"error","err', { reset: true }] },
        'BadRequestError',
        'api_error: HTTP 400',
      ],
      ['a stream', { status: 529, steps: sse([m.apiError()]) }, 'OverloadedError', 'overloaded_error: Overloaded'],
    ])('%s as the body', async (_name, answer, name, message) => {
      const error = await failure(ask(PARAMS, optionsFor(await serve(answer), { maxRetries: 0 })));
      expect(error).toMatchObject({ name, message, status: answer.status });
      expect(error.bodyText).toBe(
        (answer.steps as Step[] | undefined)?.filter((step) => typeof step === 'string').join('') ?? '',
      );
    });

    test('a body that does not come does not hold the error up', async () => {
      const server = await serve({ status: 400, steps: ['{', { stall: true }] });
      const error = await failure(ask(PARAMS, optionsFor(server, { idleTimeoutMs: 50 })));
      expect(error).toMatchObject({ name: 'BadRequestError', bodyText: '{' });
      expect(await (await server.request()).left).toBe(true);
    });

    test('of a body without end 64 kB are kept', async () => {
      const server = await serve({ status: 500, steps: Array.from({ length: 200 }, () => 'x'.repeat(10_000)) });
      const error = await failure(ask(PARAMS, optionsFor(server, { maxRetries: 0 })));
      expect(error.bodyText).toHaveLength(64 * 1024);
      await (
        await server.request()
      ).closed;
    });

    test('a key that a gateway quotes is blotted out', async () => {
      const server = await serve((request) =>
        errorReply(401, 'authentication_error', `no such key: ${String(request.headers['x-api-key'])}`),
      );
      const error = await failure(ask(PARAMS, optionsFor(server)));
      expect(error.message).toBe('authentication_error: no such key: [key]');
    });

    test('so is one that it quotes in an error event, or in JSON under a 200', async () => {
      const server = await serve((request, n) => {
        const event = m.apiError('authentication_error', `no such key: ${String(request.headers['x-api-key'])}`);
        return n === 0 ? reply([m.start(), event]) : { steps: [JSON.stringify(event)] };
      });
      for (let n = 0; n < 2; n++) {
        const error = await failure(ask(PARAMS, optionsFor(server)));
        expect(error.message).toBe('authentication_error: no such key: [key]');
        expect(error.body.message).toBe('no such key: [key]');
      }
    });

    test('the request id is that of the header, else that of the body', async () => {
      const steps = [JSON.stringify({ ...m.apiError('invalid_request_error'), request_id: 'req_body' })];
      const server = await serve({ status: 400, steps }, { status: 400, steps, headers: { 'request-id': 'req_head' } });
      expect((await failure(ask(PARAMS, optionsFor(server)))).requestId).toBe('req_body');
      expect((await failure(ask(PARAMS, optionsFor(server)))).requestId).toBe('req_head');
    });

    test.each([301, 302, 303, 307, 308])(
      'a redirect (%d) is not followed: the key goes nowhere else',
      async (status) => {
        const other = await serve(good());
        const server = await serve({ status, headers: { location: `${other.url}/v1/messages?k=v` } });
        const error = await failure(ask(PARAMS, optionsFor(server)));
        expect(error).toMatchObject({ name: 'ApiError', status, type: 'redirect', retryable: false });
        expect(error.message).toBe(
          'redirect: Not followed, the key would go along: a redirect; set baseURL to where it leads',
        );
        // The place may be inside a company's net: what a relay would show does not tell it, the cause does.
        expect(JSON.stringify(error)).not.toContain(other.url);
        expect(String(error.cause)).toBe(`Error: The redirect leads to ${other.url}/v1/messages`);
        expect(server.requests).toHaveLength(1);
        expect(other.requests).toHaveLength(0);
      },
    );

    test.each<[string, string, string]>([
      ['an error', JSON.stringify(m.apiError('invalid_request_error', 'No.')), 'invalid_request_error: No.'],
      ['a message', JSON.stringify({ id: 'm', type: 'message', content: [] }), '"stream": true` was missing'],
      ['a page', '<!doctype html>\n<p>', 'it is a page that begins with `<!doctype html>`'],
    ])('a 200 with %s is what it is', async (_name, body, message) => {
      const server = await serve({ steps: [body] });
      const error = await failure(ask(PARAMS, optionsFor(server)));
      expect(error.message).toContain(message);
      expect(server.requests).toHaveLength(1);
    });
  });

  describe('retries', () => {
    test.each<[string, Reply]>([
      ['a refused connection', { refuse: true }],
      ['an HTTP error', errorReply(529, 'overloaded_error', 'Overloaded')],
      ['an error event at once', reply([m.apiError()])],
      [
        'an error event after the start, on a connection that stays open',
        reply([], { steps: [...sse([m.start(), m.ping, m.apiError()]), { stall: true }] }),
      ],
      ['an error in JSON under a 200', { steps: [JSON.stringify(m.apiError())] }],
      ['nothing at all', reply([])],
      ['a start and the end', reply([m.start(), m.ping])],
      ['a start and a reset', reply([], { steps: [...sse([m.start()]), { reset: true }] })],
      ['a start and half a body', reply([], { steps: [...sse([m.start()]), { close: true }] })],
      ['half an event', reply([], { steps: [...sse([m.start()]), 'event: content_block_st'] })],
      ['silence after the start', reply([], { steps: [...sse([m.start()]), { stall: true }] })],
      ['silence before the head', { steps: (async function* (): AsyncGenerator<Step> {})() }],
    ])('%s is tried again', async (name, first) => {
      const slow: Answer = () => (name === 'silence before the head' ? new Promise<Reply>(() => {}) : first);
      const server = await serve(slow, good());
      const options = optionsFor(server, { idleTimeoutMs: 150, connectTimeoutMs: 150 });
      const stream = await ask(PARAMS, options);
      expect(await eventsOf(stream)).toEqual(hello.map(({ type }) => type));
      expect(server.requests).toHaveLength(2);
      expect(options.retries).toHaveLength(1);
      expectNoKey(options.retries);
      await (
        await server.request(0)
      ).closed;
    });

    test.each<[string, Reply, new (...args: never[]) => Error, string]>([
      ['an error event', reply([m.start('msg_9'), m.apiError()]), ApiError, 'msg_9'],
      ['a cut', reply([m.start('msg_9')]), TruncatedError, 'msg_9'],
      [
        'a reset',
        reply([], { steps: [...sse([m.start('msg_9')]), { waitMs: 20 }, { reset: true }] }),
        ConnectionError,
        'msg_9',
      ],
      ['silence', reply([], { steps: [...sse([m.start('msg_9')]), { stall: true }] }), IdleTimeoutError, 'msg_9'],
    ])('%s that stays is the error, with what had come', async (_name, answer, Class, id) => {
      const server = await serve(answer);
      const error = await failure(ask(PARAMS, optionsFor(server, { maxRetries: 1, idleTimeoutMs: 100 })));
      expect(error).toBeInstanceOf(Class);
      expect(error.snapshot?.id).toBe(id);
      expect(error.requestId).toBe('req_test');
      expect(error.outcome?.error).toBe(error);
      expect(server.requests).toHaveLength(2);
    });

    test('an error event that is no use to repeat is not', async () => {
      const server = await serve(reply([m.start(), m.apiError('invalid_request_error', 'No.')]));
      const error = await failure(ask(PARAMS, optionsFor(server)));
      expect(error).toMatchObject({ name: 'BadRequestError', status: 400, retryable: false });
      expect(server.requests).toHaveLength(1);
    });

    test.each<[string, Step[], string]>([
      ['an error event', sse([m.apiError()]), 'OverloadedError'],
      ['a reset', [{ waitMs: 30 }, { reset: true }], 'ConnectionError'],
      ['the end', [], 'TruncatedError'],
    ])('after content, %s is never tried again', async (_name, end, name) => {
      const server = await serve(
        reply([], { steps: [...sse([m.start(), m.textStart(0), m.textDelta(0, 'Half')]), ...end] }),
      );
      const options = optionsFor(server);
      const stream = await ask(PARAMS, options);
      const error = await failure(stream.finalMessage());
      expect(error.name).toBe(name);
      expect(error.snapshot?.content).toEqual([{ type: 'text', text: 'Half' }]);
      if (error instanceof ApiError) expect(error).toMatchObject({ status: 529, retryable: true });
      expect(server.requests).toHaveLength(1);
      expect(options.retries).toEqual([]);
    });

    test('x-should-retry wins over an error event before content, either way', async () => {
      const never = await serve(reply([m.apiError()], { headers: { 'x-should-retry': 'false' } }));
      await failure(ask(PARAMS, optionsFor(never)));
      expect(never.requests).toHaveLength(1);
      const odd = reply([m.apiError('invalid_request_error')], { headers: { 'x-should-retry': 'true' } });
      const please = await serve(odd, good());
      expect(await (await ask(PARAMS, optionsFor(please))).finalText()).toBe('Hello');
    });

    test.each<[string, Answer, string]>([
      ['an HTTP error', () => errorReply(400, 'invalid_request_error', 'No.'), 'errored'],
      ['a stream under an HTTP error', () => ({ ...good(), status: 500 }), 'errored'],
      ['a redirect', () => ({ status: 302, headers: { location: '/' } }), 'errored'],
      ['no connection', () => ({ refuse: true }), 'disconnected'],
      ['no answer', () => new Promise<Reply>(() => {}), 'disconnected'],
      ['an error event', () => reply([m.apiError()]), 'errored'],
      ['a cut', () => reply([m.start()]), 'truncated'],
      ['silence', () => reply([], { steps: [{ stall: true }] }), 'stalled'],
    ])('%s has an outcome, also for onRetry', async (_name, answer, status) => {
      const server = await serve(answer);
      const seen: unknown[] = [];
      const onRetry = ({ error }: RetryInfo): unknown => seen.push(error.outcome?.status);
      const options = { connectTimeoutMs: 100, idleTimeoutMs: 100, maxRetries: 1, onRetry };
      const error = await failure(ask(PARAMS, optionsFor(server, options)));
      expect(error.outcome).toMatchObject({ status, stopReason: null });
      expect(error.outcome?.error).toBe(error);
      expect(seen.every((found) => found === status)).toBe(true);
    });

    test('x-should-retry wins over the status, either way', async () => {
      const never = await serve(errorReply(529, 'overloaded_error', 'Full', { 'x-should-retry': 'false' }));
      await failure(ask(PARAMS, optionsFor(never)));
      expect(never.requests).toHaveLength(1);
      const please = await serve(errorReply(400, 'invalid_request_error', 'Odd', { 'x-should-retry': 'true' }), good());
      expect(await (await ask(PARAMS, optionsFor(please))).finalText()).toBe('Hello');
    });

    test.each<[string, Record<string, string>, number]>([
      ['retry-after-ms', { 'retry-after-ms': '60', 'retry-after': '999' }, 60],
      ['retry-after in seconds', { 'retry-after': '0.06' }, 60],
      [
        'retry-after as a date',
        { 'retry-after': 'Fri, 20 Nov 2026 12:00:01 GMT', date: 'Fri, 20 Nov 2026 12:00:00 GMT' },
        1000,
      ],
    ])('%s is obeyed', async (_name, headers, ms) => {
      const server = await serve(errorReply(429, 'rate_limit_error', 'Slow down', headers), good());
      const options = optionsFor(server, { maxRetryDelayMs: 5000 });
      const began = performance.now();
      await (await ask(PARAMS, options)).finalMessage();
      // Timers may fire a millisecond early.
      expect(performance.now() - began).toBeGreaterThanOrEqual(ms - 2);
      expect(options.retries.map(({ delayMs }) => delayMs)).toEqual([ms]);
    });

    test('a longer wait than is allowed is the caller’s to decide', async () => {
      const server = await serve(errorReply(429, 'rate_limit_error', 'Slow down', { 'retry-after': '61' }));
      const error = await failure(ask(PARAMS, { apiKey: KEY, baseURL: server.url }));
      expect(error).toMatchObject({ name: 'RateLimitError', retryAfterMs: 61_000 });
      expect(server.requests).toHaveLength(1);
    });

    test('an error event before content brings the headers of its response', async () => {
      const headers = { 'retry-after-ms': '3', 'anthropic-ratelimit-requests-remaining': '0' };
      const server = await serve(reply([m.apiError('rate_limit_error')], { headers }));
      const options = optionsFor(server, { maxRetryDelayMs: 1000, maxRetries: 1 });
      const error = await failure(ask(PARAMS, options));
      expect(error).toMatchObject({ name: 'RateLimitError', status: 429, retryAfterMs: 3 });
      expect(error.rateLimits).toEqual({ requests: { remaining: 0 } });
      expect(options.retries.map(({ delayMs }) => delayMs)).toEqual([3]);
    });

    test('onRetry may abort', async () => {
      const server = await serve(errorReply(500, 'api_error', 'Oops'));
      const control = new AbortController();
      const onRetry = (): void => control.abort('enough');
      const error = await failure(ask(PARAMS, { ...optionsFor(server), signal: control.signal, onRetry }));
      expect(error).toBeInstanceOf(AbortError);
      expect(server.requests).toHaveLength(1);
    });

    test('what onRetry throws ends it', async () => {
      const server = await serve(errorReply(500, 'api_error', 'Oops'));
      const thrown = new Error('enough');
      const onRetry = (): void => {
        throw thrown;
      };
      expect(await failure(ask(PARAMS, { ...optionsFor(server), onRetry }))).toBe(thrown);
      expect(server.requests).toHaveLength(1);
    });

    test('a place where nobody listens is a ConnectionError that says so', async () => {
      const server = await startWireServer(good);
      await server.close();
      const error = await failure(ask(PARAMS, optionsFor(server)));
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error.message).toMatch(/^Cannot reach http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
      expect(error.cause).toBeInstanceOf(Error);
    });
  });

  describe('leaving', () => {
    const endless: Reply = reply([], { steps: [...sse(hello.slice(0, 4)), { stall: true }] });

    test.each<[string, (stream: Awaited<ReturnType<Ask>>) => Promise<void>]>([
      [
        'break',
        async (stream) => {
          for await (const event of stream) if (event.type === 'content_block_delta') break;
        },
      ],
      ['abort()', async (stream) => stream.abort('enough')],
      ['dispose', async (stream) => stream[Symbol.asyncDispose]()],
      [
        'abort() while it is read',
        async (stream) => {
          const end = stream.finalMessage();
          setTimeout(() => stream.abort(), 20);
          await expect(end).rejects.toBeInstanceOf(AbortError);
        },
      ],
    ])('%s closes the connection', async (_name, leave) => {
      const server = await serve(endless);
      const stream = await ask(PARAMS, optionsFor(server));
      await leave(stream);
      expect(stream.outcome.status).toBe('aborted');
      expect(await (await server.request()).left).toBe(true);
    });

    test('the signal closes it, during the stream', async () => {
      const server = await serve(endless);
      const control = new AbortController();
      const stream = await ask(PARAMS, optionsFor(server, { signal: control.signal }));
      const end = failure(stream.finalMessage());
      control.abort(new Error('the user left'));
      const error = await end;
      expect(error).toBeInstanceOf(AbortError);
      expect((error.cause as Error).message).toBe('the user left');
      expect(await (await server.request()).left).toBe(true);
    });

    test.each<[string, Answer]>([
      ['before the head', () => new Promise<Reply>(() => {})],
      ['while events are held', () => reply([], { steps: [...sse([m.start('msg_5')]), { stall: true }] })],
      ['while the body of an error comes', () => ({ status: 529, steps: ['{', { stall: true }] })],
      [
        'while it waits for the next attempt',
        () => errorReply(529, 'overloaded_error', 'Full', { 'retry-after': '30' }),
      ],
    ])('the signal closes it %s', async (name, answer) => {
      const server = await serve(answer);
      const control = new AbortController();
      const options = optionsFor(server, { signal: control.signal, maxRetryDelayMs: 60_000 });
      const error = failure(ask(PARAMS, options));
      const request = await server.request();
      await new Promise((resolve) => setTimeout(resolve, 50));
      control.abort('gone');
      expect(await error).toBeInstanceOf(AbortError);
      expect((await error).cause).toBe('gone');
      expect(await request.left).toBe(name !== 'while it waits for the next attempt');
      expect(server.requests).toHaveLength(1);
      if (name === 'while events are held') expect((await error).snapshot?.id).toBe('msg_5');
    });

    test('a signal that has fired sends nothing', async () => {
      const server = await serve(good());
      const error = await failure(ask(PARAMS, optionsFor(server, { signal: AbortSignal.abort('no') })));
      expect(error).toBeInstanceOf(AbortError);
      expect(error.outcome).toMatchObject({ status: 'aborted', stopReason: null });
      expect(server.requests).toHaveLength(0);
    });

    test('AbortSignal.timeout is a whole deadline', async () => {
      const drip = (async function* (): AsyncGenerator<Step> {
        for (;;) yield* [...sse([m.ping]), { waitMs: 10 }];
      })();
      const server = await serve(reply([], { steps: drip }));
      const error = await failure(ask(PARAMS, optionsFor(server, { signal: AbortSignal.timeout(120) })));
      expect(error).toBeInstanceOf(AbortError);
      expect((error.cause as Error).name).toBe('TimeoutError');
      expect(await (await server.request()).left).toBe(true);
    });

    test('no listener stays on the signal', async () => {
      const server = await serve({ refuse: true }, errorReply(500, 'api_error', 'x'), good());
      const { signal } = new AbortController();
      let listeners = 0;
      const counted = new Proxy(signal, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (key === 'addEventListener') listeners += 1;
          if (key === 'removeEventListener') listeners -= 1;
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      await (await ask(PARAMS, optionsFor(server, { signal: counted }))).finalMessage();
      expect(listeners).toBe(0);
    });
  });

  describe('timeouts', () => {
    test('a server that never answers', async () => {
      const server = await serve(() => new Promise<Reply>(() => {}));
      const error = await failure(ask(PARAMS, optionsFor(server, { connectTimeoutMs: 60, maxRetries: 0 })));
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error.message).toMatch(
        /^Cannot reach http:\S+: no answer began within 60 ms; if it may take longer, raise connectTimeoutMs$/,
      );
      expect(await (await server.request()).left).toBe(true);
    });

    test('a stream that stalls, with what had come', async () => {
      const server = await serve(reply([], { steps: [...sse(hello.slice(0, 4)), { stall: true }] }));
      const stream = await ask(PARAMS, optionsFor(server, { idleTimeoutMs: 60 }));
      const error = await failure(stream.finalMessage());
      expect(error).toBeInstanceOf(IdleTimeoutError);
      expect(error.snapshot?.content).toEqual([{ type: 'text', text: 'Hel' }]);
      expect(stream.outcome.status).toBe('stalled');
      expect(await (await server.request()).left).toBe(true);
    });

    test('any byte is life: comments and pings hold it up', async () => {
      const life: Step[] = Array.from(
        { length: 10 },
        (__, at) => [at % 2 ? ': here\n\n' : ':', { waitMs: 40 }] as Step[],
      ).flat();
      const server = await serve(reply([], { steps: [...life, '\n\n', ...sse(hello)] }));
      const stream = await ask(PARAMS, optionsFor(server, { idleTimeoutMs: 200, maxRetries: 0 }));
      expect(await stream.finalText()).toBe('Hello');
    });

    test('a slow reader is no stalled server', async () => {
      const server = await serve(reply(hello, { delayMs: 5 }));
      const stream = await ask(PARAMS, optionsFor(server, { idleTimeoutMs: 100 }));
      const types: string[] = [];
      for await (const event of stream) {
        types.push(event.type);
        if (types.length === 2) await new Promise((resolve) => setTimeout(resolve, 250));
      }
      expect(types).toEqual(hello.map(({ type }) => type));
    });
  });
});
