/** `ssemble record`, over real sockets: clients see what they would see without it, and the captures say what happened. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createNetServer, connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, createGzip, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import Anthropic from '@anthropic-ai/sdk';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Capture } from '../src/capture/format.ts';
import { parseCapture } from '../src/capture/reader.ts';
import { CaptureRecorder } from '../src/capture/recorder.ts';
import { parseListen, parseTarget } from '../src/cli/recorder/address.ts';
import { BodyTape } from '../src/cli/recorder/body-tape.ts';
import { CaptureFolder } from '../src/cli/recorder/capture-file.ts';
import type { ExchangeReport } from '../src/cli/recorder/exchange.ts';
import { type Proxy, startProxy } from '../src/cli/recorder/proxy.ts';
import { parseMessage } from '../src/message/parse-message.ts';
import { MessageStream } from '../src/stream/message-stream.ts';
import { builtProgram } from './support/build.ts';
import { ran, TextSink } from './support/cli.ts';
import { textBody } from './support/messages.ts';
import { cleanups, serve } from './support/serving.ts';
import { startTlsServer, TEST_CERTIFICATE } from './support/tls-server.ts';
import { errorReply, type Reply, reply, sse } from './support/wire-server.ts';

const KEY = 'sk-ant-api03-never-to-be-written';
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ssemble-record-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
});

interface Recording extends Proxy {
  reports: ExchangeReport[];
  /** The n-th capture, when it is written. */
  capture: (n?: number) => Promise<Capture>;
}

async function record(to: string, options: { keepBody?: boolean; ca?: string } = {}): Promise<Recording> {
  const reports: ExchangeReport[] = [];
  const proxy = await startProxy({
    listen: { host: '127.0.0.1', port: 0 },
    target: new URL(to),
    folder: await CaptureFolder.open(folder),
    keepBody: false,
    secrets: [],
    tool: 'ssemble/test',
    now: () => performance.now(),
    onDone: (report) => reports.push(report),
    ...options,
  });
  cleanups.push(() => proxy.close());
  return {
    ...proxy,
    reports,
    async capture(n = 0) {
      while (reports.length <= n) await sleep(2);
      const name = readdirSync(folder).sort()[n] as string;
      return parseCapture(readFileSync(join(folder, name)));
    },
  };
}

async function serveRaw(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const bodyOf = (capture: Capture): Buffer => Buffer.concat(capture.chunks.map((chunk) => chunk.bytes));
const textsOf = (capture: Capture): string[] => capture.chunks.map((chunk) => Buffer.from(chunk.bytes).toString());

/** Everything a client sees of a response, with its body as it went over the wire. */
interface Seen {
  status: number | undefined;
  statusMessage: string | undefined;
  headers: string[];
  body: string;
  error: string | undefined;
}

const OF_CONNECTION = /^(connection|keep-alive|transfer-encoding)$/i;

async function ask(base: string, path: string, options: object = {}, body?: string): Promise<Seen> {
  const { hostname, port } = new URL(base);
  // The path to the letter: a URL object would write it anew.
  const request = httpRequest({ hostname, port, path, method: 'POST', agent: false, ...options });
  // Also after the response's head: a reset is told to both.
  request.on('error', () => undefined);
  request.end(body);
  let response: IncomingMessage;
  try {
    [response] = (await once(request, 'response')) as [IncomingMessage];
  } catch (error) {
    return { status: undefined, statusMessage: undefined, headers: [], body: '', error: (error as Error).message };
  }
  const pieces: Buffer[] = [];
  let error: string | undefined;
  try {
    for await (const piece of response) pieces.push(piece as Buffer);
  } catch (reason) {
    error = (reason as Error).message;
  }
  const { statusCode, statusMessage, rawHeaders } = response;
  const lines = rawHeaders.flatMap((name, i) =>
    i % 2 === 0 && !OF_CONNECTION.test(name) ? [`${name}: ${rawHeaders[i + 1]}`] : [],
  );
  return { status: statusCode, statusMessage, headers: lines, body: Buffer.concat(pieces).toString('base64'), error };
}

const STREAM = textBody(['Hello', ' wörld', ' 😀']);

describe('a client sees no difference', () => {
  const gzipped = gzipSync(STREAM);
  const answers: Record<string, RequestListener> = {
    'a stream': (_, response) => {
      response.writeHead(
        200,
        'Fine',
        [
          ['Content-Type', 'text/event-stream; charset=utf-8'],
          ['request-id', 'req_1'],
          ['SET-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
          ['X-Odd', 'caf\u00e9'],
        ].flat(),
      );
      for (const piece of STREAM.match(/[^]{1,50}/g) ?? []) response.write(piece);
      response.end();
    },
    gzip: (_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': gzipped.length });
      response.end(gzipped);
    },
    'an HTTP error': (_, response) => {
      response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '7' });
      response.end('{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}');
    },
    'no content': (_, response) => void response.writeHead(204).end(),
    'a redirect': (_, response) => void response.writeHead(307, { location: 'https://elsewhere.example/' }).end(),
    'no date': (_, response) => {
      response.sendDate = false;
      response.end('x');
    },
    'bytes that are no text': (_, response) => void response.end(Buffer.from([0, 0xff, 0xc3, 0x28, 0x0a])),
    'a large head': (_, response) => void response.writeHead(200, { 'x-large': 'x'.repeat(12_000) }).end('ok'),
    'the end half-way': (_, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('half', () => response.socket?.end());
    },
    'a reset half-way': (_, response) => {
      response.writeHead(200);
      response.write('half', () => setTimeout(() => response.socket?.resetAndDestroy(), 20));
    },
    'the end before the head': (request) => void request.socket.end(),
    'a reset before the head': (request) => void request.socket.resetAndDestroy(),
  };

  it.each(Object.entries(answers))('of %s', async (_, answer) => {
    const heads: string[][] = [];
    const bodies: string[] = [];
    const upstream = await serveRaw((request, response) => {
      heads.push(request.rawHeaders);
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        bodies.push(`${request.method} ${request.url} ${Buffer.concat(pieces).toString()}`);
        answer(request, response);
      });
    });
    const recording = await record(upstream);
    const headers = {
      'X-Api-Key': KEY,
      'Accept-Encoding': 'gzip, br',
      'x-Odd-Case': ['1', '2'],
      'Content-Type': 'application/json',
    };
    const path = '/v1/messages?beta=true&odd=%2f"a/../b';
    const direct = await ask(upstream, path, { headers }, '{"model":"claude"}');
    const through = await ask(recording.url, path, { headers }, '{"model":"claude"}');
    const undated = (seen: Seen): Seen => ({
      ...seen,
      headers: seen.headers.map((line) => line.replace(/^(Date:) .*/i, '$1')),
    });
    expect(undated(through)).toEqual(undated(direct));
    expect(bodies[1]).toBe(bodies[0]);
    const withoutConnection = (raw: string[] = []): string[] => {
      const lines = raw.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${raw[i + 1]}`] : []));
      return lines.filter((line) => !/^(connection|transfer-encoding|host):/i.test(line));
    };
    expect(withoutConnection(heads[1])).toEqual(withoutConnection(heads[0]));
    expect(heads[1]?.join('\n')).toContain(new URL(upstream).host);

    const { header, chunks, end } = await recording.capture();
    expect(header.request).toMatchObject({
      method: 'POST',
      url: upstream + path,
      hash: expect.stringMatching(/^sha256:[\da-f]{64}$/),
    });
    expect(header.response?.status).toBe(direct.status);
    expect(end?.end).toBe(direct.error === undefined ? 'eof' : 'reset');
    const recorded = Buffer.concat(chunks.map((chunk) => chunk.bytes));
    expect(header.response?.decoded).toBe(direct.headers.includes('content-encoding: gzip') ? 'gzip' : undefined);
    if (header.response?.decoded === undefined) expect(recorded.toString('base64')).toBe(direct.body);
    else expect(recorded.toString()).toBe(STREAM);
  });

  it('who sends a body in chunks, none, or asks with GET or HEAD', async () => {
    const seen: unknown[] = [];
    const upstream = await serveRaw((request, response) => {
      const { method, headers } = request;
      let size = 0;
      request.on('data', (piece: Buffer) => (size += piece.length));
      request.on('end', () => {
        seen.push([method, headers['content-length'], headers['transfer-encoding'], size]);
        response.end('ok');
      });
    });
    const recording = await record(upstream);
    for (const base of [upstream, recording.url]) {
      await ask(base, '/', { headers: { 'transfer-encoding': 'chunked' } }, 'abc');
      await ask(base, '/', { method: 'GET' });
      expect((await ask(base, '/', { method: 'HEAD' })).status).toBe(200);
      await ask(base, '/', { method: 'PUT', headers: { 'content-length': 0 } });
      await ask(base, '/', { headers: { expect: '100-continue', 'content-length': 3 } }, 'abc');
    }
    expect(seen.slice(5)).toEqual(seen.slice(0, 5));
  });

  it('which is the official SDK: the same message, events as they come, errors of the same class', async () => {
    const events = STREAM.split('\n\n')
      .filter((one) => one !== '')
      .map((one) => JSON.parse(one.replace(/^event: .*\ndata: /, '')) as object);
    const server = await serve((_, n) =>
      n % 2 === 0 ? reply(events, { delayMs: 3 }) : errorReply(529, 'overloaded_error', 'busy'),
    );
    const recording = await record(server.url);
    const client = new Anthropic({ apiKey: KEY, baseURL: recording.url, maxRetries: 0 });
    const params = {
      model: 'claude-x',
      max_tokens: 10,
      messages: [{ role: 'user' as const, content: 'secret prompt' }],
    };
    const message = await client.messages.stream(params).finalMessage();
    await expect(client.messages.stream(params).finalMessage()).rejects.toThrow(/529|overloaded/);
    const capture = await recording.capture();
    const again = MessageStream.from(capture.chunks.map((chunk) => chunk.bytes));
    const { id, content, usage } = await again.finalMessage();
    expect({ id, content, usage }).toMatchObject({
      id: message.id,
      content: message.content,
      usage: { output_tokens: message.usage.output_tokens },
    });
    expect(textsOf(capture)).toEqual(sse(events));
    const times = capture.chunks.map((chunk) => chunk.us as number);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect((times.at(-1) as number) - (times[0] as number)).toBeGreaterThan((events.length - 1) * 2000);
    expect(capture.header.clock?.zero).toBe('request');
    expect(capture.header.request?.body).toBeUndefined();
    expect((await recording.capture(1)).header.response?.status).toBe(529);
    expect(readdirSync(folder).sort()).toEqual(['0001-messages.capture.jsonl', '0002-messages.capture.jsonl']);
    for (const name of readdirSync(folder)) {
      expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(/sk-ant|secret prompt/);
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    }
  });

  it('which is curl, with and without --compressed, over one connection for two requests', async () => {
    const server = await serve(() => reply([], { steps: [STREAM.slice(0, 100), { waitMs: 5 }, STREAM.slice(100)] }));
    const recording = await record(server.url);
    const output = await curl([
      '-sN',
      '--compressed',
      '-H',
      `x-api-key: ${KEY}`,
      '-d',
      '{}',
      `${recording.url}/a`,
      `${recording.url}/b`,
    ]);
    expect(output).toBe(STREAM + STREAM);
    expect(server.connections()).toBe(1);
    expect(textsOf(await recording.capture())).toEqual([STREAM.slice(0, 100), STREAM.slice(100)]);
    expect(textsOf(await recording.capture(1)).join('')).toBe(STREAM);
  });
});

async function curl(args: string[]): Promise<string> {
  const child = spawn('curl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  await once(child, 'close');
  return Buffer.concat(pieces).toString();
}

describe('compressed answers', () => {
  const parts = STREAM.match(/[^]*?\n\n/g) as string[];

  it('are recorded plain, each piece at its time, while the client gets what was sent', async () => {
    const sent: Buffer[] = [];
    const upstream = await serveRaw((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.on('data', (piece: Buffer) => {
        sent.push(piece);
        response.write(piece);
      });
      gzip.on('end', () => response.end());
      void (async () => {
        for (const part of parts) {
          gzip.write(part);
          await new Promise<void>((resolve) => gzip.flush(resolve));
          await sleep(5);
        }
        gzip.end();
      })();
    });
    const recording = await record(upstream);
    const seen = await ask(recording.url, '/v1/messages');
    expect(seen.body).toBe(Buffer.concat(sent).toString('base64'));
    const capture = await recording.capture();
    expect(textsOf(capture)).toEqual(parts);
    const times = capture.chunks.map((chunk) => chunk.us as number);
    for (let i = 1; i < times.length; i++)
      expect((times[i] as number) - (times[i - 1] as number)).toBeGreaterThan(3000);
    expect(capture.header.response).toMatchObject({ decoded: 'gzip' });
    expect(capture.header.response?.headers).toContainEqual(['content-encoding', 'gzip']);
  });

  it.each([
    ['br', brotliCompressSync(STREAM), 'br'],
    ['deflate', deflateSync(STREAM), 'deflate'],
    ['deflate', deflateRawSync(STREAM), 'deflate'],
    ['GZIP', gzipSync(STREAM), 'gzip'],
    ['identity', Buffer.from(STREAM), undefined],
  ])('%s', async (encoding, body, decoded) => {
    const recording = await record(
      await serveRaw((_, response) => {
        response.writeHead(200, { 'content-encoding': encoding });
        for (let i = 0; i < body.length; i += 7) response.write(body.subarray(i, i + 7));
        response.end();
      }),
    );
    expect((await ask(recording.url, '/')).body).toBe(body.toString('base64'));
    const capture = await recording.capture();
    expect(bodyOf(capture).toString()).toBe(STREAM);
    expect(capture.header.response?.decoded).toBe(decoded);
  });

  it('stay as they are if nobody here knows the encoding; a broken one says so', async () => {
    const recording = await record(
      await serveRaw((request, response) => {
        response.writeHead(200, { 'content-encoding': request.url === '/odd' ? 'compress' : 'gzip' });
        response.end('no gzip at all');
      }),
    );
    await ask(recording.url, '/odd');
    const odd = await recording.capture();
    expect([bodyOf(odd).toString(), odd.header.response?.decoded]).toEqual(['no gzip at all', undefined]);
    expect(recording.reports[0]?.undecoded).toBe('compress');
    expect(Buffer.from((await ask(recording.url, '/x')).body, 'base64').toString()).toBe('no gzip at all');
    const broken = await recording.capture(1);
    expect(broken.end).toMatchObject({
      end: 'eof',
      error: expect.stringMatching(/the gzip body cannot be decoded: incorrect header/),
    });
  });

  it('that unpack without end are cut off, and the capture says so', async () => {
    for (const [encoding, bomb] of [
      ['gzip', gzipSync(Buffer.alloc(10_000_000, 'a'))],
      ['br', brotliCompressSync(Buffer.alloc(10_000_000, 'a'))],
    ] as const) {
      let file = '';
      const recorder = new CaptureRecorder({ write: (line) => (file += line) });
      const tape = new BodyTape(recorder, encoding, 1_000_000);
      for (let i = 0; i < bomb.length; i += 1000) tape.write(bomb.subarray(i, i + 1000), i);
      await tape.end('eof', undefined, 1e6);
      const capture = parseCapture(file);
      expect(bodyOf(capture).length).toBeLessThanOrEqual(1_000_000);
      expect(bodyOf(capture).length).toBeGreaterThan(900_000);
      expect(capture.end?.error).toBe(
        `the ${encoding} body cannot be decoded: it unpacks to more than 1000000 bytes; what is beyond is left out`,
      );
    }
  });

  it('that are cut keep what could be decoded', async () => {
    const body = gzipSync(STREAM.repeat(20));
    const recording = await record(
      await serveRaw((_, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' });
        response.write(body.subarray(0, body.length / 2), () => response.socket?.end());
      }),
    );
    expect((await ask(recording.url, '/')).error).toBe('aborted');
    const capture = await recording.capture();
    expect(capture.end?.end).toBe('reset');
    expect(STREAM.repeat(20).startsWith(bodyOf(capture).toString())).toBe(true);
    expect(bodyOf(capture).length).toBeGreaterThan(100);
  });
});

describe('what goes wrong', () => {
  it('a client that leaves closes the connection to the server; the capture says so', async () => {
    const server = await serve((): Reply => ({ steps: ['data: 1\n\n', { stall: true }] }));
    const recording = await record(server.url);
    const request = httpRequest(recording.url, { method: 'POST' }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await once(response, 'data');
    request.on('error', () => undefined);
    request.destroy();
    expect(await (await server.request()).left).toBe(true);
    const capture = await recording.capture();
    expect([textsOf(capture), capture.end?.end]).toEqual([['data: 1\n\n'], 'abort']);
  });

  it('a client that leaves before the answer, or in the middle of its own body', async () => {
    const server = await serve((): Reply => ({ steps: [{ stall: true }] }));
    const recording = await record(server.url);
    const socket = connect(Number(new URL(recording.url).port), '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
    await sleep(30);
    socket.destroy();
    expect((await recording.capture()).end?.end).toBe('abort');
    const { hash } = (await recording.capture()).header.request ?? {};
    expect(hash).toBeUndefined();
  });

  it('a server that is not there', async () => {
    const recording = await record('http://127.0.0.1:1');
    expect((await ask(recording.url, '/v1/messages')).error).toMatch(/ECONNRESET|socket hang up/);
    const { header, end } = await recording.capture();
    expect(header.response).toBeUndefined();
    expect(end).toMatchObject({ end: 'reset', error: expect.stringContaining('ECONNREFUSED') });
    expect(recording.reports[0]).toMatchObject({ status: undefined, bytes: 0, end: 'reset' });
  });

  it('a server that closes an idle connection closes the client’s', async () => {
    let sockets: Socket[] = [];
    const upstream = await serveRaw((request, response) => {
      sockets.push(request.socket);
      response.end('ok');
    });
    const recording = await record(upstream);
    const client = connect(Number(new URL(recording.url).port), '127.0.0.1');
    client.write('GET /a HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(client, 'data');
    await recording.capture();
    sockets[0]?.end();
    await once(client, 'close');
    sockets = [];
  });

  it('a key that the answer quotes is covered in the capture, not in the answer', async () => {
    const text = `{"error":"invalid x-api-key: ${KEY}"}`;
    const server = await serve(() =>
      reply([], { status: 401, steps: [text.slice(0, 40), { waitMs: 5 }, text.slice(40)] }),
    );
    const recording = await record(server.url);
    const seen = await ask(recording.url, '/v1/messages', { headers: { 'x-api-key': KEY } });
    expect(Buffer.from(seen.body, 'base64').toString()).toBe(text);
    const capture = await recording.capture();
    expect(bodyOf(capture).toString()).toBe(text.replace(KEY, '*'.repeat(KEY.length)));
    expect(capture.end?.masked).toBe(1);
  });

  it('a key in one piece is covered in the capture, not in what the client gets', async () => {
    const text = `{"error":"invalid x-api-key: ${KEY}"}`;
    const server = await serve(() => reply([], { status: 401, steps: [text] }));
    const recording = await record(server.url);
    const seen = await ask(recording.url, '/v1/messages', { headers: { 'x-api-key': KEY } });
    expect(Buffer.from(seen.body, 'base64').toString()).toBe(text);
    expect(bodyOf(await recording.capture()).toString()).not.toContain(KEY);
  });

  it('a key without a known look, quoted in path and headers, is nowhere in the file, its name, or the report', async () => {
    const key = 'gateway-key/123456';
    const server = await serveRaw((_, response) => {
      response.writeHead(404, { 'x-debug': `got ${key}`, location: `/u/${encodeURIComponent(key)}` });
      response.end(`no such thing: ${key}`);
    });
    const recording = await record(server, { keepBody: true });
    const headers = { authorization: `Bearer ${key}`, 'x-note': `see ${key}` };
    const seen = await ask(
      recording.url,
      `/v1/u/${key}/x?at=${encodeURIComponent(key)}`,
      { headers },
      `{"a":"${key}"}`,
    );
    expect(seen.headers).toContain(`x-debug: got ${key}`);
    expect(Buffer.from(seen.body, 'base64').toString()).toBe(`no such thing: ${key}`);
    await recording.capture();
    const [name = ''] = readdirSync(folder);
    const written = name + readFileSync(join(folder, name), 'utf8') + JSON.stringify(recording.reports);
    expect(written).not.toMatch(/gateway-key|123456/);
    expect(written).toContain('see [redacted]');
  });

  it.each([
    ['a status that is none', 'HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nhi', /Invalid status code: 99/],
    ['a reason with control characters', 'HTTP/1.1 200 \u0001\r\nContent-Length: 2\r\n\r\nhi', /statusMessage/],
    [
      'another protocol',
      'HTTP/1.1 101 Hi\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxx',
      /switched protocols, unasked/,
    ],
    ['a chunk that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nZZ\r\n', /chunk size/],
  ])(
    'a server that answers with %s: the client’s connection ends, and the recorder goes on',
    async (_, answer, why) => {
      const server = createNetServer((socket) => {
        socket.on('error', () => undefined).once('data', () => socket.write(answer, 'latin1'));
        cleanups.push(() => void socket.destroy());
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      cleanups.push(() => void server.close());
      const recording = await record(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      const seen = await ask(recording.url, '/v1/messages');
      expect(seen.error).toMatch(/socket hang up|aborted/);
      const { end } = await recording.capture();
      expect(end?.end).toBe('reset');
      expect(end?.error).toMatch(why);
    },
  );

  it('a client that asks again before it is answered: what breaks then waits for its turn', async () => {
    const server = await serveRaw((request, response) => {
      if (request.url === '/two') request.socket.resetAndDestroy();
      else setTimeout(() => response.end('one'), 50);
    });
    const recording = await record(server);
    const socket = connect(Number(new URL(recording.url).port), '127.0.0.1');
    let got = '';
    socket.on('data', (piece: Buffer) => (got += piece.toString())).on('error', () => undefined);
    socket.write('GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'close');
    expect(got).toMatch(/^HTTP\/1.1 200 OK[^]*one\s*(?:0\s*)?$/);
    while (recording.reports.length < 2) await sleep(2);
    expect(recording.reports.map(({ path, end }) => `${path} ${end}`).sort()).toEqual(['/one eof', '/two reset']);
  });

  it('a client that does not read holds the server up', async () => {
    const block = 'x'.repeat(1 << 20);
    const server = await serve((): Reply => ({ steps: Array.from({ length: 64 }, () => block) }));
    const recording = await record(server.url);
    const request = httpRequest(recording.url, { method: 'POST', agent: false }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const upstream = await server.request();
    let before = -1;
    for (let now = 0; now !== before; now = upstream.bytesWritten()) {
      before = now;
      await sleep(150);
    }
    expect(before).toBeLessThan(40 << 20);
    let size = 0;
    for await (const piece of response) size += (piece as Buffer).length;
    expect(size).toBe(64 << 20);
    expect(bodyOf(await recording.capture()).length).toBe(64 << 20);
  });

  it('a file that cannot be written does not disturb the client', async () => {
    const server = await serve(() => reply([], { steps: [STREAM] }));
    const recording = await record(server.url);
    rmSync(folder, { recursive: true });
    expect(Buffer.from((await ask(recording.url, '/')).body, 'base64').toString()).toBe(STREAM);
    while (recording.reports.length === 0) await sleep(2);
    expect(existsSync(folder)).toBe(false);
  });

  it('50 requests at once', async () => {
    const server = await serve((request) =>
      reply([], { steps: ['a', { waitMs: 5 }, request.url, { waitMs: 5 }, 'z'] }),
    );
    const recording = await record(server.url);
    const paths = Array.from({ length: 50 }, (_, i) => `/v1/request-${i}`);
    const seen = await Promise.all(paths.map((path) => ask(recording.url, path)));
    expect(seen.map((one) => Buffer.from(one.body, 'base64').toString())).toEqual(paths.map((path) => `a${path}z`));
    await recording.capture(49);
    const names = readdirSync(folder).sort();
    expect(names).toHaveLength(50);
    for (const name of names) {
      const capture = parseCapture(readFileSync(join(folder, name)));
      const path = new URL(capture.header.request?.url as string).pathname;
      expect(name).toMatch(new RegExp(`^\\d{4}-${path.slice(4)}\\.capture\\.jsonl$`));
      expect(textsOf(capture)).toEqual(['a', path, 'z']);
    }
  });
});

describe('the folder', () => {
  it('goes on counting, names what was asked, and overwrites nothing', async () => {
    writeFileSync(join(folder, '0041-messages.capture.jsonl'), 'old');
    const captures = await CaptureFolder.open(folder);
    const names = ['/v1/messages?key=abc', '/', '/v1/messages/count_tokens', '/v1/x/../y%20z', `/v1/${KEY}/a`].map(
      (url) => captures.next(url).path.slice(folder.length + 1),
    );
    expect(names).toEqual([
      '0042-messages.capture.jsonl',
      '0043-root.capture.jsonl',
      '0044-messages-count_tokens.capture.jsonl',
      '0045-x-y-20z.capture.jsonl',
      '0046-redacted-a.capture.jsonl',
    ]);
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(CaptureFolder.open(file)).rejects.toThrow(`Cannot write ${file}: there is a file of that name`);
  });
});

describe('two recorders on one folder', () => {
  it('take other numbers, and lose nothing', async () => {
    const server = await serve(() => reply([], { steps: [STREAM] }));
    const recordings = [await record(server.url), await record(server.url)];
    for (const { url } of [...recordings, ...recordings]) await ask(url, '/v1/messages');
    while (recordings.some(({ reports }) => reports.length < 2)) await sleep(2);
    const names = readdirSync(folder).sort();
    expect(names).toHaveLength(4);
    for (const name of names) expect(bodyOf(parseCapture(readFileSync(join(folder, name)))).toString()).toBe(STREAM);
  });
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1:8080', '127.0.0.1', 8080],
    ['127.0.0.1', '127.0.0.1', 0],
    ['127.8.9.10:1', '127.8.9.10', 1],
    ['localhost:9', 'localhost', 9],
    ['[::1]:8080', '::1', 8080],
    ['8080', '127.0.0.1', 8080],
    [':8080', '127.0.0.1', 8080],
  ])('%s', (text, host, port) => {
    expect(parseListen(text, false)).toEqual({ host, port });
  });

  it.each([
    '0.0.0.0:80',
    '192.168.1.2:80',
    '[::]:80',
    'example.com:80',
    '127.0.0.1.example.com:80',
    '[::ffff:10.0.0.1]:1',
  ])('%s only with --allow-remote', (text) => {
    expect(() => parseListen(text, false)).toThrow(/can be reached from other machines/);
    expect(parseListen(text, true).port).toBe(Number(/\d+$/.exec(text)?.[0]));
  });

  it.each(['127.0.0.1:99999', 'a:b', '::1:80', '', 'http://127.0.0.1:1', '127.0.0.1:'])('%j is none', (text) => {
    expect(() => parseListen(text, true)).toThrow(/--listen cannot be/);
  });

  it.each(['', 'api.anthropic.com', 'ftp://x', 'https://me:pass@x', 'https://x/?key=secret'])('--to %j', (text) => {
    expect(() => parseTarget(text)).toThrow(/--to/);
    expect(() => parseTarget(text)).not.toThrow(/pass|secret/);
  });
});

describe('TLS', () => {
  it('is checked, and spoken with the server', async () => {
    const server = await startTlsServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(STREAM);
    });
    cleanups.push(() => server.close());
    const recording = await record(server.url, { ca: TEST_CERTIFICATE });
    expect(Buffer.from((await ask(recording.url, '/')).body, 'base64').toString()).toBe(STREAM);
    const distrustful = await record(server.url);
    expect((await ask(distrustful.url, '/')).error).toMatch(/hang up|ECONNRESET/);
    while (distrustful.reports.length === 0) await sleep(2);
    expect(distrustful.reports[0]?.error).toMatch(/self-signed certificate/);
  });
});

describe('the command', () => {
  it('says where it listens, has a line a request, and ends with 0 at Ctrl-C, with whole files', async () => {
    const server = await serve((request): Reply =>
      request.url === '/v1/slow' ? { steps: ['x', { stall: true }] } : reply([], { steps: [STREAM] }),
    );
    const interrupt = new AbortController();
    const [stdout, stderr] = [new TextSink(), new TextSink()];
    const running = ran(['record', '--to', server.url, '-o', folder, '--body'], '', {
      stdout,
      stderr,
      interrupt: interrupt.signal,
      now: () => performance.now(),
    });
    while (!stdout.text.includes('\n')) await sleep(2);
    const url = /^ANTHROPIC_BASE_URL=(http:\/\/127\.0\.0\.1:\d+)\n$/.exec(stdout.text)?.[1] as string;
    await ask(url, '/v1/messages?token=abcdefgh', {}, '{"a":1}');
    const slow = ask(url, '/v1/slow');
    await server.request(1);
    await sleep(30);
    interrupt.abort();
    expect((await slow).error).toBe('aborted');
    const result = await running;
    expect(result.code).toBe(0);
    const lines = result.err.split('\n');
    expect(lines[0]).toBe(`Recording to ${folder}; Ctrl-C ends it.`);
    expect(lines[1]).toMatch(
      new RegExp(
        `^POST /v1/messages\\?token=\\[redacted\\] 200 · [\\d,]+ bytes · [\\d,]+ ms · ${folder}/0001-messages.capture.jsonl$`,
      ),
    );
    expect(lines[2]).toMatch(/^POST \/v1\/slow 200 · 1 bytes · [\d,]+ ms · abort: the recorder was stopped · /);
    expect(parseCapture(readFileSync(join(folder, '0001-messages.capture.jsonl'))).header.request?.body).toBe(
      '{"a":1}',
    );
    expect(parseCapture(readFileSync(join(folder, '0002-slow.capture.jsonl'))).end?.end).toBe('abort');
    await expect(fetch(url)).rejects.toThrow();
  });

  it('prints JSON if asked, and exits with 3 if a file could not be written', async () => {
    const server = await serve(() => reply([], { steps: [STREAM] }));
    const interrupt = new AbortController();
    const stdout = new TextSink();
    const running = ran(['record', '--to', server.url, '-o', folder, '--json'], '', {
      stdout,
      interrupt: interrupt.signal,
    });
    while (!stdout.text.includes('\n')) await sleep(2);
    const { listening } = JSON.parse(stdout.text) as { listening: string };
    await ask(listening, '/v1/messages');
    while (stdout.text.split('\n').length < 3) await sleep(2);
    rmSync(folder, { recursive: true });
    await ask(listening, '/v1/messages');
    while (stdout.text.split('\n').length < 4) await sleep(2);
    interrupt.abort();
    expect((await running).code).toBe(3);
    const [, first, second] = stdout.text.split('\n').map((line) => (line === '' ? {} : (JSON.parse(line) as object)));
    expect(first).toEqual({
      method: 'POST',
      path: '/v1/messages',
      status: 200,
      bytes: Buffer.byteLength(STREAM),
      ms: 0,
      end: 'eof',
      file: join(folder, '0001-messages.capture.jsonl'),
    });
    expect(second).toMatchObject({ failure: expect.stringMatching(/there is no such folder/) });
  });

  it.each([
    [['record'], /needs a file to write\. Add -o/],
    [['record', 'a.sse'], /takes no file, and "a.sse" is one/],
    [['record', '--listen', '127.0.0.1:0'], /--listen needs a server/],
    [['record', '--to', 'https://x', '--listen', '0.0.0.0:1'], /can be reached from other machines/],
    [['record', '--to', 'https://x', '--', 'curl'], /A proxy records no "curl"/],
    [['record', '--body', '-o', 'x'], /--body is for the proxy/],
    [['record', '-o', 'x', '--'], /There is no command behind `--`/],
  ])('%j: exit 2', async (argv, words) => {
    const result = await ran(argv);
    expect(result.err).toMatch(words);
    expect(result.code).toBe(2);
  });

  it('a port that is taken: exit 3', async () => {
    const taken = createNetServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    cleanups.push(() => taken.close());
    const { port } = taken.address() as AddressInfo;
    const result = await ran(['record', '--to', 'http://127.0.0.1:1', '-o', folder, '--listen', `127.0.0.1:${port}`]);
    expect([result.err, result.code]).toEqual([`ssemble: Cannot listen on 127.0.0.1:${port}: it is in use\n`, 3]);
  });
});

describe('a pipe', () => {
  it('is passed on, and recorded with its times', async () => {
    const file = join(folder, 'a.capture.jsonl');
    const stream = new PassThrough();
    let ms = 10;
    const running = ran(['record', '-o', file], '', { stdin: { stream, isFile: false, isTTY: false }, now: () => ms });
    stream.write('event: a\n');
    await sleep(10);
    ms = 15;
    stream.end('data: é\n\n');
    expect(await running).toEqual({ out: 'event: a\ndata: é\n\n', err: '', code: 0 });
    const capture = parseCapture(readFileSync(file));
    expect(capture.header.clock?.zero).toBe('first-chunk');
    expect(capture.chunks.map((chunk, i) => [chunk.us, textsOf(capture)[i]])).toEqual([
      [0, 'event: a\n'],
      [5000, 'data: é\n\n'],
    ]);
    expect(capture.end).toEqual({ end: 'eof', us: 5000 });
  });

  it('of a file has no times; `-o -` writes the capture itself', async () => {
    const { out, code } = await ran(['record', '-o', '-'], STREAM);
    const capture = parseCapture(out);
    expect(code).toBe(0);
    expect(capture.header.clock).toBeUndefined();
    expect(capture.header.source).toEqual({ kind: 'sse', chunks: 'made' });
    expect(capture.chunks.every((chunk) => chunk.us === undefined)).toBe(true);
    expect(parseMessage(bodyOf(capture))).toEqual(parseMessage(STREAM));
  });

  it('that breaks, or is interrupted, leaves a whole capture', async () => {
    const file = join(folder, 'a.capture.jsonl');
    const broken = Readable.from(
      (function* () {
        yield Buffer.from('a');
        throw Object.assign(new Error('read EIO'), { code: 'EIO' });
      })(),
    );
    const result = await ran(['record', '-o', file], '', { stdin: { stream: broken, isFile: false, isTTY: false } });
    expect([result.code, result.err]).toEqual([3, 'ssemble: Cannot read standard input: EIO\n']);
    expect(parseCapture(readFileSync(file)).end).toMatchObject({ end: 'reset', error: 'read EIO' });

    const interrupt = new AbortController();
    const stream = new PassThrough();
    stream.write('a');
    const running = ran(['record', '-o', file], '', {
      stdin: { stream, isFile: false, isTTY: false },
      interrupt: interrupt.signal,
    });
    await sleep(20);
    interrupt.abort();
    expect((await running).code).toBe(130);
    expect(parseCapture(readFileSync(file))).toMatchObject({ end: { end: 'abort' }, chunks: [{ us: 0 }] });
  });

  it('into a file that cannot be written: exit 3, and all is passed on', async () => {
    const result = await ran(['record', '-o', folder], STREAM);
    expect(result).toEqual({ out: STREAM, err: `ssemble: Cannot write ${folder}: it is a folder\n`, code: 3 });
  });
});

describe('a command behind --', () => {
  const node = (code: string): string[] => ['--', process.execPath, '-e', code];
  const env = { PATH: process.env['PATH'] };
  let file: string;
  beforeEach(() => {
    file = join(folder, 'a.capture.jsonl');
  });

  it('is run, passed on and recorded; its code is handed on', async () => {
    const code = 'process.stdout.write("a"); setTimeout(() => { process.stdout.write("b"); process.exitCode = 7 }, 60)';
    const result = await ran(['record', '-o', file, ...node(code)], '', { env, now: () => performance.now() });
    expect(result).toEqual({ out: 'ab', err: '', code: 7 });
    const capture = parseCapture(readFileSync(file));
    expect(textsOf(capture)).toEqual(['a', 'b']);
    expect(capture.chunks[1]?.us).toBeGreaterThan(30_000);
    expect(capture.header.source).toEqual({ kind: 'command', name: 'node', chunks: 'recorded' });
    expect(capture.end).toMatchObject({ end: 'reset', error: 'node exited with 7' });
  });

  it('never has the key of its command line or of the environment', async () => {
    const code = 'process.stdout.write(process.env.ANTHROPIC_AUTH_TOKEN + process.argv[1] + process.argv[2])';
    const auth = 'oauth-token-0123456789';
    const args = [...node(code), '--', '-H', `x-api-key: ${KEY}`, 'https://u:hidden-password@x/?key=hidden-query-key'];
    const result = await ran(['record', '-o', file, ...args], '', { env: { ...env, ANTHROPIC_AUTH_TOKEN: auth } });
    expect(result.out).toContain(auth);
    expect(readFileSync(file, 'utf8')).not.toMatch(new RegExp(`${auth}|${KEY}|hidden`));
  });

  it.each([
    ['-H', 'x-api-key: KEY'],
    ['-Hx-api-key: KEY'],
    ['--header=x-api-key: KEY'],
    ['--header=Authorization: Bearer KEY'],
    ['--oauth2-bearer', 'KEY'],
    ['-u', 'me:KEY'],
    ['-ume:KEY'],
    ['--user=me:KEY'],
    ['-b', 'sid=KEY; a=b'],
    ['--cookie', 'sid=KEY'],
    ['--password=KEY'],
    ['--password', 'KEY'],
    ['--api-key', 'KEY'],
    ['x-api-key:KEY'],
    ['API_KEY=KEY'],
    ['https://h/?api_key=KEY'],
    ['-d', '{"mcp_servers": [{"authorization_token": "KEY"}]}'],
  ])('nor where it says %j, whichever program it is for', async (...words) => {
    const code = 'process.stdout.write("one word: " + process.argv.slice(1).join(" "))';
    const own = words.filter((word) => word !== undefined).map((word) => word.replace(/\bKEY\b/, 'gateway-0123456789'));
    const result = await ran(['record', '-o', file, ...node(code), '--', ...own], '', { env });
    expect(result.out).toContain('gateway-0123456789');
    const written = readFileSync(file, 'utf8');
    expect(written).toContain('one word: ');
    expect(written).not.toContain('gateway-0123456789');
  });

  it('leaves alone what only looks like an option with a secret', async () => {
    const args = [...node('process.stdout.write(process.argv.slice(1).join(" "))'), '--', '-u', 'some-script.py'];
    await ran(['record', '-o', file, ...args], '', { env });
    expect(readFileSync(file, 'utf8')).toContain('-u some-script.py');
  });

  it('curl against a server that hangs: timeout; one that is not there: exit 7', async () => {
    const server = await serve((): Reply => ({ steps: ['data: 1\n\n', { stall: true }] }));
    const slow = await ran(['record', '-o', file, '--', 'curl', '-sN', '-m', '0.3', server.url], '', { env });
    expect([slow.out, slow.code]).toEqual(['data: 1\n\n', 28]);
    expect(parseCapture(readFileSync(file)).end).toMatchObject({ end: 'timeout', error: 'curl exited with 28' });
    const none = await ran(['record', '-o', file, '--', 'curl', '-sN', 'http://127.0.0.1:1'], '', { env });
    expect(none.code).toBe(7);
  });

  it('that is not there: exit 3', async () => {
    const result = await ran(['record', '-o', file, '--', 'no-such-command-here'], '', { env });
    expect([result.err, result.code]).toEqual([
      'ssemble: Cannot run no-such-command-here: there is no such command\n',
      3,
    ]);
  });

  it('is told of Ctrl-C, and the capture is whole', async () => {
    const interrupt = new AbortController();
    const stdout = new TextSink();
    const code = 'process.stdout.write("a"); setInterval(() => {}, 1000)';
    const running = ran(['record', '-o', file, ...node(code)], '', { env, stdout, interrupt: interrupt.signal });
    while (stdout.text === '') await sleep(5);
    interrupt.abort();
    expect((await running).code).toBe(130);
    expect(parseCapture(readFileSync(file))).toMatchObject({ end: { end: 'abort' } });
  });
});

describe('as a process', () => {
  const program = builtProgram();

  it('a proxy ends with 0 at Ctrl-C; open streams are cut and their captures whole', async () => {
    const server = await serve((): Reply => ({ steps: ['data: 1\n\n', { stall: true }] }));
    const child = spawn(process.execPath, [program, 'record', '--to', server.url, '-o', folder]);
    const [first] = (await once(child.stdout, 'data')) as [Buffer];
    const url = /^ANTHROPIC_BASE_URL=(\S+)\n$/.exec(first.toString())?.[1] as string;
    const seen = ask(url, '/v1/messages');
    await server.request();
    await sleep(50);
    child.kill('SIGINT');
    const [code] = (await once(child, 'exit')) as [number];
    expect((await seen).error).toBe('aborted');
    expect(code).toBe(0);
    const capture = parseCapture(readFileSync(join(folder, '0001-messages.capture.jsonl')));
    expect([textsOf(capture), capture.end?.end]).toEqual([['data: 1\n\n'], 'abort']);
  });

  it('killed, it leaves a capture that can be read as far as it goes', async () => {
    const server = await serve((): Reply => ({ steps: ['data: 1\n\n', { stall: true }] }));
    const child = spawn(process.execPath, [program, 'record', '--to', server.url, '-o', folder]);
    const [first] = (await once(child.stdout, 'data')) as [Buffer];
    const seen = ask(first.toString().trim().split('=')[1] as string, '/v1/messages');
    const file = join(folder, '0001-messages.capture.jsonl');
    while (!existsSync(file) || readFileSync(file, 'utf8').split('\n').length < 3) await sleep(10);
    child.kill('SIGKILL');
    await seen;
    const capture = parseCapture(readFileSync(file));
    expect([textsOf(capture), capture.end]).toEqual([['data: 1\n\n'], undefined]);
  });

  it('does not write over the file that it reads', async () => {
    const file = join(folder, 'same.sse');
    writeFileSync(file, STREAM);
    const child = spawn('sh', ['-c', `'${process.execPath}' '${program}' record -o '${file}' < '${file}'`]);
    let err = '';
    child.stderr.on('data', (piece: Buffer) => (err += piece.toString()));
    expect((await once(child, 'close'))[0]).toBe(2);
    expect(err).toMatch(/^ssemble: Cannot write over the input\. Give another file/);
    expect(readFileSync(file, 'utf8')).toBe(STREAM);
  });

  it('a pipe: what comes out is what went in, at once', async () => {
    let goOn!: (value?: unknown) => void;
    const wait = new Promise((resolve) => (goOn = resolve));
    const server = await serve(() => reply([], { steps: [STREAM.slice(0, 99), { wait }, STREAM.slice(99)] }));
    const file = join(folder, 'a.capture.jsonl');
    const line = `curl -sN -X POST ${server.url} | '${process.execPath}' '${program}' record -o '${file}'`;
    const child = spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pieces: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => {
      pieces.push(piece);
      goOn();
    });
    expect((await once(child, 'close'))[0]).toBe(0);
    expect(pieces.map(String)).toEqual([STREAM.slice(0, 99), STREAM.slice(99)]);
    expect(textsOf(parseCapture(readFileSync(file)))).toEqual([STREAM.slice(0, 99), STREAM.slice(99)]);
  });

  it('whose reader goes away: it ends, quietly, with a whole capture', async () => {
    const file = join(folder, 'a.capture.jsonl');
    const endless = 'setInterval(() => process.stdout.write("x\\n"), 5)';
    const command = `'${process.execPath}' '${program}' record -o '${file}' -- '${process.execPath}' -e '${endless}'`;
    const child = spawn('sh', ['-c', `${command} | head -n 1`], { stdio: ['ignore', 'pipe', 'pipe'] });
    const said: Buffer[] = [];
    child.stderr.on('data', (piece: Buffer) => said.push(piece));
    await once(child, 'close');
    expect(Buffer.concat(said).toString()).toBe('');
    expect(parseCapture(readFileSync(file)).end?.end).toBe('abort');
  });
});
