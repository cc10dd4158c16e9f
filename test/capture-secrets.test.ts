/** No key gets into a capture, wherever it stood; and what is recorded in process is what the caller read. */

import Anthropic from '@anthropic-ai/sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretMask } from '../src/capture/mask.ts';
import { parseCapture } from '../src/capture/reader.ts';
import { CaptureRecorder } from '../src/capture/recorder.ts';
import { recordingFetch } from '../src/capture/recording-fetch.ts';
import { findSecrets, publicBody, publicHeaders, publicUrl } from '../src/capture/secrets.ts';
import { headerLine } from '../src/capture/writer.ts';
import { MessageStream } from '../src/stream/message-stream.ts';
import { textEvents } from './support/messages.ts';
import { serve } from './support/serving.ts';
import { reply } from './support/wire-server.ts';

const RUNS = 200 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Each of them is a secret in its place, and may stand nowhere in a file. */
const KEYS = {
  apiKey: 'sk-ant-api03-AAAAbbbbCCCC/dddd+eeee',
  bearer: 'oauth-0123456789abcdef',
  cookie: 'session-cookie-value',
  setCookie: 'fresh-cookie-value',
  awsToken: 'FwoGZXIvYXdzEBYaDAwsToken',
  userName: 'alice-the-user',
  password: 'p%40ssw0rd-of-alice',
  query: 'query-api-key-9999',
  signature: 'deadbeefdeadbeef',
  fragment: 'fragment-access-token',
  mcp: 'mcp-authorization-token',
  mcpUrl: 'mcp-url-key-77',
  pasted: 'sk-ant-api03-pasted-into-the-prompt',
  jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefgh',
} as const;

const URL_WITH_KEYS =
  `https://${KEYS.userName}:${KEYS.password}@api.example.com/v1/messages?beta=true&api%5Fkey=${KEYS.query}` +
  `&X-Amz-Signature=${KEYS.signature}#access_token=${KEYS.fragment}`;

const HEADERS: [string, string][] = [
  ['X-Api-Key', KEYS.apiKey],
  ['authorization', `Bearer ${KEYS.bearer}`],
  ['cookie', `theme=dark; sid=${KEYS.cookie}`],
  ['x-amz-security-token', KEYS.awsToken],
  ['referer', URL_WITH_KEYS],
  ['x-note', `my key is ${KEYS.jwt}, keep it`],
  ['anthropic-version', '2023-06-01'],
  ['accept-encoding', 'gzip'],
];

const BODY = JSON.stringify({
  model: 'claude',
  max_tokens: 100,
  mcp_servers: [{ url: `https://mcp.example.com/?key=${KEYS.mcpUrl}`, authorization_token: KEYS.mcp }],
  messages: [{ role: 'user', content: `is ${KEYS.apiKey} or ${KEYS.pasted} right? cookie ${KEYS.cookie}` }],
});

function expectNoKey(file: string): void {
  for (const [name, key] of Object.entries(KEYS)) {
    for (const written of [key, decodeURIComponent(key), JSON.stringify(key).slice(1, -1), encodeURIComponent(key)]) {
      expect(file.includes(written), `${name}: ${written}`).toBe(false);
    }
  }
}

describe('a capture never has a key', () => {
  it('in its header, whoever wrote it', () => {
    const file = headerLine({
      ssemble: 'capture',
      version: 1,
      request: { method: 'POST', url: URL_WITH_KEYS, headers: HEADERS, body: BODY },
      response: {
        status: 307,
        headers: [
          ['set-cookie', `sid=${KEYS.setCookie}; Path=/`],
          ['location', URL_WITH_KEYS],
        ],
      },
    });
    expectNoKey(file);
    expect(file).toContain('api.example.com/v1/messages?beta=true&api%5Fkey=[redacted]');
    expect(file).toContain('["anthropic-version","2023-06-01"]');
    expect(file).toContain('\\"max_tokens\\":100');
    expect(file).toContain('["x-note","my key is [redacted], keep it"]');
  });

  it('in chunks that quote it, cut anywhere, nor in the error at its end', () => {
    const quote = JSON.stringify({ error: `bad ${KEYS.apiKey} ${KEYS.bearer} ${KEYS.cookie} ${KEYS.query}` });
    const raw = encoder.encode(`data: ${quote}\n\nsk-ant-api0`);
    fc.assert(
      fc.property(fc.array(fc.nat(raw.length)), (cuts) => {
        let file = '';
        const recorder = new CaptureRecorder({
          write: (line) => (file += line),
          request: { url: URL_WITH_KEYS, headers: HEADERS, body: BODY },
          now: () => 0,
        });
        const places = [0, ...cuts.sort((a, b) => a - b), raw.length];
        const pieces = places.slice(1).map((end, i) => raw.subarray(places[i], end));
        for (const piece of pieces) recorder.chunk(piece);
        recorder.end('reset', new Error(`no route for ${KEYS.apiKey}`));
        expectNoKey(file);
        const { chunks, end } = parseCapture(file);
        expect(chunks.map((chunk) => chunk.bytes.length)).toEqual(pieces.map((piece) => piece.length));
        const text = chunks.map((chunk) => decoder.decode(chunk.bytes)).join('');
        expect(text).toMatch(/^data: \{"error":"bad \*{35} \*{22} \*{20} \*{18}"\}\n\nsk-ant-api0$/);
        expect(end).toMatchObject({ end: 'reset', error: 'no route for [redacted]', masked: 4 });
      }),
      { numRuns: RUNS },
    );
  });
});

describe('publicHeaders', () => {
  it('takes every shape, and keeps order, spelling and repetitions', () => {
    const pairs = [
      ['B-Key', 'x'],
      ['a', '1'],
      ['a', '2'],
    ] as const;
    const clean = [
      ['B-Key', '[redacted]'],
      ['a', '1'],
      ['a', '2'],
    ];
    expect(publicHeaders(pairs)).toEqual(clean);
    expect(publicHeaders({ 'B-Key': 'x', a: ['1', '2'], none: undefined })).toEqual(clean);
    expect(publicHeaders(new Map([['B-Key', 'x']]))).toEqual(clean.slice(0, 1));
    expect(publicHeaders(new Headers({ 'B-Key': 'x' }))).toEqual([['b-key', '[redacted]']]);
    expect(publicHeaders(publicHeaders(pairs))).toEqual(clean);
  });

  it.each([
    'anthropic-ratelimit-input-tokens-remaining',
    'anthropic-priority-output-tokens-limit',
    'x-ratelimit-reset-tokens',
    'access-control-allow-credentials',
    'www-authenticate',
  ])('leaves %s: it is no secret', (name) => {
    expect(publicHeaders([[name, '80000']])).toEqual([[name, '80000']]);
  });
});

describe('publicUrl', () => {
  it.each([
    ['/v1/messages?beta=true', '/v1/messages?beta=true'],
    ['https://h/a@b?x=y@z', 'https://h/a@b?x=y@z'],
    ['https://u@h/', 'https://h/'],
    ['https://u:p@ss@h/', 'https://h/'],
    ['//u:p@h/?token=1&x=2;sig=3', '//h/?token=[redacted]&x=2;sig=[redacted]'],
    ['https://h/?key=', 'https://h/?key=[redacted]'],
    ['https://h/sk-ant-api03-xyz/v1', 'https://h/[redacted]/v1'],
    ['not a url', 'not a url'],
    ['', ''],
  ])('%s -> %s', (url, clean) => {
    expect(publicUrl(url)).toBe(clean);
    expect(publicUrl(clean)).toBe(clean);
  });
});

describe('publicBody', () => {
  it.each([
    ['{"password": "x\\"y", "a": "b"}', '{"password": "[redacted]", "a": "b"}'],
    ['{"name":"api_key","type":"string"}', '{"name":"api_key","type":"string"}'],
    ['{"api_key":{"type":"string"}}', '{"api_key":{"type":"string"}}'],
    ['{"api_key":["a"],"b":"c"}', '{"api_key":["a"],"b":"c"}'],
    ['{"text":"say \\"token\\": \\"abc\\""}', '{"text":"say \\"token\\": \\"abc\\""}'],
    ['{"key":"Enter","max_tokens":5}', '{"key":"Enter","max_tokens":5}'],
    ['{"secret":"unfinished', '{"secret":"unfinished'],
    ['{"token":\n  "a","token":"b"}', '{"token":\n  "[redacted]","token":"[redacted]"}'],
    ['{"url":"https://u:p@h/?key=1&b=2","n":1}', '{"url":"https://h/?key=[redacted]&b=2","n":1}'],
    ['{"t":"https://h/?key=1\\nnext line"}', '{"t":"https://h/?key=[redacted]\\nnext line"}'],
    ['no json', 'no json'],
  ])('%s -> %s', (body, clean) => {
    expect(publicBody(body)).toBe(clean);
  });

  it('is linear for what is meant to be slow', () => {
    const slow = [
      '"'.repeat(2e6),
      '\\"'.repeat(1e6),
      `"${'\\'.repeat(2e6)}`,
      '"a":'.repeat(5e5),
      '"token":'.repeat(2e5),
    ];
    const start = performance.now();
    for (const body of slow) publicBody(body);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe('findSecrets', () => {
  it('knows a secret in all its writings, the longest first, and no word', () => {
    const found = findSecrets({
      'x-api-key': 'a"b/cdefgh',
      authorization: 'Bearer short',
      cookie: 'a=1; b=longlonglong',
    });
    expect(found).toEqual(['a%22b%2Fcdefgh', 'longlonglong', 'a\\"b/cdefgh', 'a"b/cdefgh']);
    expect(findSecrets([])).toEqual([]);
    expect(findSecrets([['x-api-key', '[redacted]']])).toEqual([]);
  });
});

describe('SecretMask', () => {
  it('covers what one search of the whole would, keeps every border, and holds no more than it must', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 }).map((list) => list.join(''));
    const secrets = fc.uniqueArray(fc.stringMatching(/^[ab]{2,4}$/), { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(secrets, fc.array(letters), (own, pieces) => {
        const sorted = own.sort((a, b) => b.length - a.length);
        const mask = new SecretMask(sorted);
        const out: string[] = [];
        const take = (chunks: readonly { bytes: Uint8Array }[]): unknown =>
          out.push(...chunks.map((chunk) => decoder.decode(chunk.bytes)));
        let given = '';
        for (const piece of pieces) {
          take(mask.push({ us: undefined, bytes: encoder.encode(piece) }));
          given += piece;
          // What is held back, but for whole chunks around it, begins a secret.
          const held = given.slice(out.join('').length);
          if (held !== '')
            expect(sorted.some((secret) => held.split('').some((_, i) => secret.startsWith(held.slice(i))))).toBe(true);
        }
        take(mask.end());
        expect(out.map((piece) => piece.length)).toEqual(pieces.map((piece) => piece.length));
        const text = out.join('');
        for (const secret of sorted) expect(text).not.toContain(secret);
        // Nothing but secrets was covered.
        const whole = pieces.join('');
        for (let i = 0; i < whole.length; i++) {
          if (text[i] !== '*') expect(text[i]).toBe(whole[i]);
          else
            expect(
              sorted.some((secret) => secretAround(whole, secret, i)),
              `${whole} -> ${text}`,
            ).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('leaves the caller’s bytes alone', () => {
    // A `Buffer` is a Uint8Array whose `slice` copies nothing, and those of a socket are on their way to the client.
    for (const bytes of [encoder.encode('xx secret12 xx'), Buffer.from('xx secret12 xx')]) {
      const [clean] = new SecretMask(['secret12']).push({ us: 1, bytes });
      expect(decoder.decode(clean?.bytes)).toBe('xx ******** xx');
      expect(decoder.decode(bytes)).toBe('xx secret12 xx');
    }
  });

  it('keeps its own copy of what it holds back', () => {
    const mask = new SecretMask(['secret12']);
    const bytes = Buffer.from('xx secr');
    expect(mask.push({ us: 1, bytes })).toEqual([]);
    bytes.fill(0x20);
    expect(decoder.decode(mask.push({ us: 2, bytes: encoder.encode('ecy') })[0]?.bytes)).toBe('xx secr');
  });
});

function secretAround(text: string, secret: string, at: number): boolean {
  const from = Math.max(0, at - secret.length + 1);
  return text.slice(from, at + secret.length).includes(secret);
}

describe('CaptureRecorder', () => {
  const record = (use: (recorder: CaptureRecorder, clock: { ms: number }) => void, withRequest = true): string[] => {
    const lines: string[] = [];
    const clock = { ms: 100 };
    const request = withRequest ? { request: { method: 'POST', url: '/v1/messages' } } : {};
    use(
      new CaptureRecorder({ write: (line) => lines.push(line), now: () => clock.ms, wallClock: () => 0, ...request }),
      clock,
    );
    return lines;
  };

  it('counts from the request, and never back', () => {
    const lines = record((recorder, clock) => {
      clock.ms = 101.5;
      recorder.head({ status: 200 });
      clock.ms = 102;
      recorder.chunk(encoder.encode('a'));
      clock.ms = 101;
      recorder.chunk(encoder.encode('b'));
      recorder.chunk(encoder.encode('c'), 5000);
      recorder.end('eof');
      recorder.end('reset', 'only the first counts');
    });
    expect(lines).toEqual([
      '{"ssemble":"capture","version":1,"request":{"method":"POST","url":"/v1/messages"},"response":{"us":1500,"status":200},"clock":{"zero":"request","origin":"1970-01-01T00:00:00.000Z"}}\n',
      '[2000,"a"]\n',
      '[2000,"b"]\n',
      '[5000,"c"]\n',
      '{"end":"eof","us":5000}\n',
    ]);
    expect(parseCapture(lines.join('')).chunks).toHaveLength(3);
  });

  it('counts from the first chunk where there is no request', () => {
    const lines = record((recorder, clock) => {
      clock.ms = 500;
      recorder.chunk(encoder.encode('a'));
      clock.ms = 501;
      recorder.chunk(encoder.encode('b'));
      recorder.end('abort');
    }, false);
    expect(lines.slice(1)).toEqual(['[0,"a"]\n', '[1000,"b"]\n', '{"end":"abort","us":1000}\n']);
    expect(lines[0]).toContain('"clock":{"zero":"first-chunk"');
  });

  it('writes a whole capture also if nothing came', () => {
    const lines = record((recorder) => recorder.end('reset', Object.assign(new Error('read'), { code: 'ECONNRESET' })));
    const { header, chunks, end } = parseCapture(lines.join(''));
    expect([header.response, chunks, end]).toEqual([
      undefined,
      [],
      { end: 'reset', us: 0, error: 'read (ECONNRESET)' },
    ]);
  });

  it('says what a caller did wrong', () => {
    record((recorder) => {
      recorder.head();
      expect(() => recorder.head()).toThrow(TypeError);
      recorder.end('eof');
      expect(() => recorder.chunk(new Uint8Array())).toThrow(TypeError);
      expect(recorder.ended).toBe(true);
    });
  });
});

describe('recordingFetch', () => {
  const lines: string[] = [];
  const wrap = (answer: (signal?: AbortSignal) => Response | Promise<Response>): typeof globalThis.fetch => {
    lines.length = 0;
    const base = ((_: unknown, init?: RequestInit) =>
      Promise.resolve(answer(init?.signal ?? undefined))) as typeof fetch;
    return recordingFetch(base, () => ({ write: (line) => lines.push(line) }));
  };
  const init = { method: 'POST', headers: { 'x-api-key': KEYS.apiKey } };

  it('gives the same response, and a capture of what was read', async () => {
    const fetch = wrap(() => {
      const parts = ['a', 'b', 'c'].map((part) => encoder.encode(part));
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          const part = parts.shift();
          if (part === undefined) controller.close();
          else controller.enqueue(part);
        },
      });
      return new Response(body, { status: 201, headers: { 'request-id': 'req_1' } });
    });
    const response = await fetch('https://api.example.com/v1/messages?key=abc', init);
    expect([response.status, response.headers.get('request-id')]).toEqual([201, 'req_1']);
    expect(lines).toHaveLength(1);
    expect(await response.text()).toBe('abc');
    const { header, chunks, end } = parseCapture(lines.join(''));
    expect(header.request).toEqual({
      method: 'POST',
      url: 'https://api.example.com/v1/messages?key=[redacted]',
      headers: [['x-api-key', '[redacted]']],
    });
    expect(chunks.map((chunk) => decoder.decode(chunk.bytes))).toEqual(['a', 'b', 'c']);
    expect(end?.end).toBe('eof');
  });

  it('reads nothing before the caller does, and lets go with it', async () => {
    let pulled = 0;
    let cancelled: unknown;
    const fetch = wrap(
      () =>
        new Response(
          new ReadableStream<Uint8Array>(
            {
              pull: (controller) => controller.enqueue(Uint8Array.of(97 + pulled++)),
              cancel: (reason) => void (cancelled = reason),
            },
            { highWaterMark: 0 },
          ),
        ),
    );
    const reader = (await fetch('https://x/', init)).body?.getReader();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(pulled).toBe(0);
    expect((await reader?.read())?.value).toEqual(Uint8Array.of(97));
    await reader?.cancel('enough');
    expect([pulled, cancelled]).toEqual([1, 'enough']);
    expect(parseCapture(lines.join('')).end?.end).toBe('abort');
  });

  it('hands on every failure, and writes it down', async () => {
    const refused = Object.assign(new TypeError('fetch failed'), { cause: new Error('connect ECONNREFUSED') });
    await expect(wrap(() => Promise.reject(refused))('https://x/', init)).rejects.toBe(refused);
    expect(parseCapture(lines.join('')).end).toMatchObject({
      end: 'reset',
      error: 'fetch failed (connect ECONNREFUSED)',
    });
    const broken = wrap(() => new Response(new ReadableStream({ pull: (c) => c.error(new TypeError('terminated')) })));
    await expect((await broken('https://x/', init)).text()).rejects.toThrow('terminated');
    expect(parseCapture(lines.join('')).end).toMatchObject({ end: 'reset', error: 'terminated' });
    const aborted = wrap(() => Promise.reject(new DOMException('stop', 'AbortError')));
    await expect(aborted('https://x/', init)).rejects.toThrow('stop');
    expect(parseCapture(lines.join('')).end?.end).toBe('abort');
  });

  it('takes a URL, a Request, no body, and leaves alone what is not to be recorded', async () => {
    await wrap(() => new Response(null, { status: 204 }))(new Request('https://x/y', { method: 'PUT' }));
    expect(parseCapture(lines.join(''))).toMatchObject({
      header: { request: { method: 'PUT', url: 'https://x/y' }, response: { status: 204 } },
      end: { end: 'eof' },
    });
    await wrap(() => new Response(null))(new URL('https://x/z'));
    expect(parseCapture(lines.join('')).header.request?.url).toBe('https://x/z');
    const untouched = new Response('x');
    expect(
      await recordingFetch(
        () => Promise.resolve(untouched),
        () => undefined,
      )(),
    ).toBe(untouched);
  });

  it('serves the official SDK: the same message, and its capture', async () => {
    const server = await serve(() => reply(textEvents(['Hello', ' there']), { delayMs: 2 }));
    lines.length = 0;
    const client = new Anthropic({
      apiKey: KEYS.apiKey,
      baseURL: server.url,
      maxRetries: 0,
      fetch: recordingFetch(globalThis.fetch, () => ({ write: (line) => lines.push(line) })),
    });
    const params = { model: 'claude-x', max_tokens: 10, messages: [{ role: 'user' as const, content: 'hi' }] };
    const message = await client.messages.stream(params).finalMessage();
    const capture = parseCapture(lines.join(''));
    const again = await MessageStream.from(capture.chunks.map((chunk) => chunk.bytes)).finalMessage();
    expect(again.content).toEqual(message.content);
    expect(again.content).toMatchObject([{ text: 'Hello there' }]);
    expect(capture.end?.end).toBe('eof');
    expectNoKey(lines.join(''));
  });

  it('goes on if its record cannot be written', async () => {
    const fetch = recordingFetch(
      () => Promise.resolve(new Response('abc')),
      () => ({
        write: () => {
          throw new Error('the disk is full');
        },
      }),
    );
    expect(await (await fetch()).text()).toBe('abc');
  });
});
