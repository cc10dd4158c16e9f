/** Keys stay out of every error, event and diagnostic, however the one who quotes them writes them. */

import fc from 'fast-check';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ApiError, ConnectionError, StreamError, type Diagnostic, type StreamEvent } from '../src/index.ts';
import { type FetchLike, streamMessage as byFetch } from '../src/transport/fetch.ts';
import type { TransportOptions } from '../src/transport/policy.ts';
import { blot, blotError, secretsIn } from '../src/transport/secrets.ts';
import * as m from './support/messages.ts';
import { KEY, PARAMS, TRANSPORTS, type Ask } from './support/transports.ts';
import { serve as serveAnswer } from './support/serving.ts';
import { reply, sse, type Reply, type WireServer } from './support/wire-server.ts';

const RUNS = 100 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1);

/** In all that can be seen of a value there is no key, in no writing. */
function expectNoKey(value: unknown): void {
  const shown = `${inspect(value, { depth: 12, showHidden: true })} ${String(value)} ${JSON.stringify(value)}`;
  expect(shown).not.toContain(KEY);
  expect(shown).not.toContain(KEY.slice(1));
  if (value instanceof Error) expect(value.stack).not.toContain(KEY);
  if (value instanceof Error && value.cause !== undefined) expectNoKey(value.cause);
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => new Error('it resolved'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new TypeError(`no error: ${String(error)}`);
  expect(error.message).not.toBe('it resolved');
  expectNoKey(error);
  return error;
}

const serve = (answer: Reply): Promise<WireServer> => serveAnswer(() => answer);

const quoting = {
  type: 'error',
  error: {
    type: 'authentication_error',
    message: `bad ${KEY}`,
    details: { key: KEY, [KEY]: [{ deep: `x ${KEY} y` }] },
  },
  hint: KEY,
};
/** The first letter of the key as JSON may write it. */
const ESCAPED = `\\u0073${KEY.slice(1)}`;

describe.each(TRANSPORTS)('%s', (_, ask: Ask) => {
  const optionsFor = (server: WireServer, options: TransportOptions = {}): TransportOptions => ({
    apiKey: KEY,
    baseURL: server.url,
    maxRetries: 0,
    ...options,
  });

  test.each([
    ['before content', []],
    ['after content', [m.start(), m.textStart(0), m.textDelta(0, 'Half')]],
  ])('an error event %s that quotes the key: error, body and event have none', async (_name, before) => {
    const server = await serve(reply([...before, quoting]));
    const events: StreamEvent[] = [];
    const error = await failure(
      ask(PARAMS, optionsFor(server)).then(async (stream) => {
        for await (const event of stream) events.push(event);
      }),
    );
    expect(error.message).toBe('authentication_error: bad [key]');
    expect((error as ApiError).body).toEqual({
      type: 'authentication_error',
      message: 'bad [key]',
      details: { key: '[key]', '[key]': [{ deep: 'x [key] y' }] },
    });
    expectNoKey(events);
    if (before.length > 0) expect(events.at(-1)).toMatchObject({ type: 'error', hint: '[key]' });
  });

  test('nor has one whose blank line is missing, at the end of a stream with content', async () => {
    const steps = [...sse([m.start(), m.textStart(0)]), `data: ${JSON.stringify(quoting)}`];
    const stream = await ask(PARAMS, optionsFor(await serve(reply([], { steps }))));
    const error = await failure(stream.finalMessage());
    expect(error.message).toBe('authentication_error: bad [key]');
  });

  test('both halves of a split stream keep it, too', async () => {
    const server = await serve(reply([m.start(), m.textStart(0), quoting]));
    const halves = (await ask(PARAMS, optionsFor(server))).tee();
    for (const error of await Promise.all(halves.map((half) => failure(half.finalMessage())))) {
      expect(error.message).toBe('authentication_error: bad [key]');
    }
  });

  test('content is content: what the model says stays as it came', async () => {
    const server = await serve(reply(m.textEvents([`your key is ${KEY}`])));
    const stream = await ask(PARAMS, optionsFor(server));
    expect(await stream.finalText()).toBe(`your key is ${KEY}`);
  });

  test('diagnostics quote no key, and neither does what strict throws', async () => {
    const steps = [...sse([m.start(), m.textStart(0)]), `data: oops ${KEY}\n\n`, ...sse([m.stop])];
    const server = await serve(reply([], { steps }));
    const told: Diagnostic[] = [];
    const stream = await ask(PARAMS, optionsFor(server, { onDiagnostic: (found) => told.push(found) }));
    await failure(stream.finalMessage());
    expect(told.map(({ raw }) => raw)).toContain('oops [key]');
    expectNoKey(stream.diagnostics);
    const silent = await ask(PARAMS, optionsFor(server));
    await failure(silent.finalMessage());
    expect(silent.diagnostics.map(({ raw }) => raw)).toContain('oops [key]');
    const strict = await ask(PARAMS, optionsFor(server, { strict: true }));
    await failure(strict.finalMessage());
  });

  test.each([
    ['in every field', JSON.stringify(quoting)],
    ['escaped', `{"type":"error","error":{"type":"authentication_error","message":"bad ${ESCAPED}"}}`],
    ['as the type', `{"type":"error","error":{"type":"${KEY}","message":"bad ${KEY}"}}`],
    ['in a shape of its own', `{"detail":"bad ${ESCAPED}"}`],
    ['as JSON in JSON', JSON.stringify({ error: `{"upstream":"${ESCAPED}"}` })],
    ['in a page', `<p>bad ${KEY}</p>`],
    ['in a URL', `bad ${encodeURIComponent(KEY)} ${KEY.replaceAll('-', '%2D')}`],
  ])('the body of an HTTP error that quotes it %s', async (_name, body) => {
    const server = await serve({ status: 401, headers: { 'request-id': `id-${KEY}` }, steps: [body] });
    const error = (await failure(ask(PARAMS, optionsFor(server)))) as ApiError;
    expect(error.status).toBe(401);
    expect(error.bodyText).toContain('[key]');
    expect(error.bodyText).not.toContain('0073');
    expect(error.bodyText).not.toContain('%2D');
    expect(error.requestId).toBe('id-[key]');
  });

  test.each(['x-goog-api-key', 'api-key', 'Authorization', 'proxy-authorization', 'Cookie', 'x-my-gateway-token'])(
    'a key in the header %s of the caller’s own',
    async (name) => {
      const value = /^auth|^proxy/i.test(name) ? `Basic ${KEY}` : /cookie/i.test(name) ? `a=b; session=${KEY}` : KEY;
      const server = await serve({ status: 401, steps: [`nope ${KEY}`] });
      const error = await failure(ask(PARAMS, optionsFor(server, { apiKey: null, headers: { [name]: value } })));
      expect(error.message).toBe('api_error: HTTP 401: nope [key]');
    },
  );

  test('a key in the query of baseURL, and one in the path of a redirect', async () => {
    const server = await serve({ status: 307, headers: { location: `https://elsewhere.test/${KEY}` } });
    const baseURL = `${server.url}?key=${KEY}`;
    const error = await failure(ask(PARAMS, { apiKey: null, maxRetries: 0, baseURL }));
    expect(String(error.cause)).toBe('Error: The redirect leads to https://elsewhere.test/[key]');
  });

  test.each([`http://[bad?k=${KEY}`, `http://me:${KEY}@[bad`, `https//me:${KEY}@host`, `http://host:99999?k=${KEY}`])(
    'a malformed baseURL is not shown: %s',
    async (baseURL) => {
      expect(await failure(ask(PARAMS, { apiKey: 'k', baseURL }))).toBeInstanceOf(TypeError);
    },
  );
});

describe('a fetch that quotes the headers when it fails', () => {
  const failing = (make: (headers: Record<string, string>) => unknown): Promise<Error> => {
    const fetch: FetchLike = (_url, { headers }) => Promise.reject(make(headers));
    return failure(byFetch(PARAMS, { apiKey: KEY, maxRetries: 0, fetch }));
  };

  test.each<[string, (headers: Record<string, string>) => unknown]>([
    ['in its message', (headers) => new Error(`cannot send ${JSON.stringify(headers)}`)],
    ['in a field', (headers) => Object.assign(new Error('cannot send'), { config: { headers } })],
    [
      'in a Request',
      (headers) => Object.assign(new Error('cannot send'), { request: new Request('http://a.test', { headers }) }),
    ],
    [
      'in a cause of its cause',
      (headers) => new Error('a', { cause: new Error('b', { cause: new Map([['h', headers]]) }) }),
    ],
    ['as a text', (headers) => `cannot send ${headers['x-api-key']}`],
    ['as no error', (headers) => ({ headers })],
  ])('%s: the error and its causes have none', async (_name, make) => {
    const error = await failing(make);
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as StreamError).outcome?.status).toBe('disconnected');
    expect(error.cause).toBeDefined();
  });

  test('also where it is refused for good', async () => {
    const error = await failing((headers) =>
      Object.assign(new Error(`cannot send ${headers['x-api-key']}`), { code: 'UND_ERR_INVALID_ARG' }),
    );
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe('Cannot send the request: cannot send [key]; check baseURL and headers');
  });

  test('what remains of a cause is its name, message and code', async () => {
    const { cause } = await failing(() =>
      Object.assign(new RangeError(`no ${KEY}`), { code: 'E_KEY', cause: new Error('deeper') }),
    );
    expect(cause).toMatchObject({ name: 'RangeError', message: 'no [key]', code: 'E_KEY' });
    expect((cause as Error).cause).toMatchObject({ message: 'deeper' });
  });

  test('a cause without a key stays itself', async () => {
    const own = new Error('cannot send', { cause: { at: new Date(0) } });
    expect((await failing(() => own)).cause).toBe(own);
  });

  test('a read that fails later has none either', async () => {
    const begun = new TextEncoder().encode(sse([m.start(), m.textStart(0)]).join(''));
    let reads = 0;
    const body = {
      getReader: () => ({
        read: () =>
          reads++ === 0 ? Promise.resolve({ done: false, value: begun }) : Promise.reject(new Error(`cut ${KEY}`)),
        cancel: () => Promise.resolve(),
        releaseLock: () => {},
      }),
    };
    const stream = await byFetch(PARAMS, {
      apiKey: KEY,
      fetch: () => Promise.resolve({ status: 200, headers: new Headers(), body }),
    });
    expect((await failure(stream.finalMessage())).message).toBe('Cannot read the stream: cut [key]');
  });
});

describe('a key in a text', () => {
  const header = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 8,
  });
  const escaped = (text: string): string =>
    Array.from(text, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

  test('is found in every writing', () => {
    fc.assert(
      fc.property(header, (key) => {
        const secrets = secretsIn({ 'x-api-key': key }, 'https://a.test/');
        const json = JSON.stringify(key).slice(1, -1);
        const writings = [key, json, JSON.stringify(json).slice(1, -1), escaped(key), encodeURIComponent(key)];
        for (const written of writings) {
          const text = blot(`<${written}>`, secrets);
          // Of the escape of a backslash a piece may stay. No key is known to have one.
          expect(text).toContain('[key]');
          if (!key.includes('\\')) expect(text).toBe('<[key]>');
        }
      }),
      { numRuns: RUNS },
    );
  });

  test('is found in linear time, in a body of backslashes as well', () => {
    const secrets = secretsIn({ 'x-api-key': `\\\\\\\\${KEY}` }, '');
    const began = performance.now();
    expect(blot('\\'.repeat(64 * 1024), secrets)).toHaveLength(64 * 1024);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test('is no key if it is too short, or in a header that carries none', () => {
    expect(secretsIn({ 'x-api-key': 'k', 'content-type': 'application/json' }, 'https://a.test/?tenant=12345678')).toBe(
      undefined,
    );
  });

  test('a body nested as deep as JSON goes is blotted, and a cause that holds itself', () => {
    const body = JSON.parse(
      `{"type":"t","message":"m","d":${'['.repeat(20_000)}"${KEY}"${']'.repeat(20_000)}}`,
    ) as never;
    const error = new ApiError(body);
    const cause: { self?: unknown; key: string } = { key: KEY };
    cause.self = cause;
    error.cause = cause;
    blotError(error, secretsIn({ 'x-api-key': KEY }, ''));
    let found: unknown = (body as { d: unknown }).d;
    while (Array.isArray(found)) found = found[0];
    expect(found).toBe('[key]');
    expect(inspect(error.cause)).not.toContain(KEY);
  });
});
