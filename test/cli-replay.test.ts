/** `ssemble replay`: what it prints, when it prints it, and what clients get from it when it serves. */

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Capture } from '../src/capture/format.ts';
import { parseCapture } from '../src/capture/reader.ts';
import { formatCapture } from '../src/capture/writer.ts';
import { parseMessage } from '../src/index.ts';
import { applyFaults } from '../src/testing/index.ts';
import { streamMessage } from '../src/transport/fetch.ts';
import { builtProgram } from './support/build.ts';
import { ran, TextSink } from './support/cli.ts';
import { frame, textBody, textEvents } from './support/messages.ts';

// Some start several processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'ssemble-replay-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const body = textBody(['Hel', 'lo, wörld']);
const events = textEvents(['Hel', 'lo, wörld']).map(frame);
const params = { model: 'claude-test', max_tokens: 9, messages: [{ role: 'user' as const, content: 'Hi' }] };

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A capture with one event a chunk, `stepMs` apart. */
function captured(stepMs: number, changes: Partial<Capture> = {}, status = 200): string {
  const headers = [
    ['content-type', 'text/event-stream; charset=utf-8'],
    ['request-id', 'req_captured'],
    ['content-length', '5'],
  ] as const;
  return formatCapture({
    header: { ssemble: 'capture', version: 1, clock: { zero: 'request' }, response: { status, headers, us: 0 } },
    chunks: events.map((one, i) => ({ us: (i + 1) * stepMs * 1000, bytes: Buffer.from(one) })),
    end: { end: 'eof', us: (events.length + 1) * stepMs * 1000 },
    ...changes,
  });
}

/** Keeps bytes, and when they came. */
class ByteSink extends TextSink {
  readonly pieces: { at: number; bytes: Buffer }[] = [];

  override writeBytes(bytes: Uint8Array): void {
    this.pieces.push({ at: performance.now(), bytes: Buffer.from(bytes) });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces.map(({ bytes }) => bytes));
  }
}

const replayed = async (
  argv: string[],
  input = '',
): Promise<{ sink: ByteSink; err: string; code: number; started: number; took: number }> => {
  const sink = new ByteSink();
  const started = performance.now();
  const { err, code } = await ran(['replay', ...argv], input, {
    stdout: sink,
    now: () => performance.now(),
  });
  return { sink, err, code, started, took: performance.now() - started };
};

describe('replay, printing', () => {
  const sse = file('answer.sse', body);
  const quick = file('quick.capture.jsonl', captured(1));

  it('prints the bytes of a body and of a capture unchanged', async () => {
    for (const path of [sse, quick]) {
      const { sink, err, code } = await replayed([path]);
      expect(sink.bytes.toString()).toBe(body);
      expect([err, code, sink.text]).toEqual(['', 0, '']);
    }
    const binary = 'data: \u0000\u0007\u001b[2J\n\n';
    expect((await replayed(['-'], binary)).sink.bytes.toString()).toBe(binary);
  });

  it('prints chunk by chunk, as asked', async () => {
    const chunks = async (...argv: string[]): Promise<string[]> =>
      (await replayed(argv)).sink.pieces.map(({ bytes }) => bytes.toString('latin1'));
    const latin1 = (texts: string[]): string[] => texts.map((text) => Buffer.from(text).toString('latin1'));
    expect(await chunks(quick, '--instant')).toEqual(latin1(events));
    expect(await chunks(sse)).toEqual(latin1([body]));
    expect(await chunks(sse, '--chop', 'event')).toEqual(latin1(events));
    const random = applyFaults(body, [], { chop: 'random:7' }).steps;
    expect(await chunks(quick, '--instant', '--chop', 'random:7')).toEqual(
      random.map(({ bytes }) => Buffer.from(bytes).toString('latin1')),
    );
  });

  it('breaks as told, seeded', async () => {
    const faults = ['--fault', 'drop@random', '--fault', 'insert@type:message_stop:unknown', '--fault=dup@type:ping'];
    const { sink } = await replayed([sse, ...faults, '--seed', '5']);
    const list = ['drop@random', 'insert@type:message_stop:unknown', 'dup@type:ping'];
    const { steps } = applyFaults(body, list, { seed: 5 });
    expect(sink.bytes).toEqual(Buffer.concat(steps.map(({ bytes }) => bytes)));
    const cut = await replayed([sse, '--fault', 'cut@event:3']);
    expect([cut.sink.bytes.toString(), cut.err, cut.code]).toEqual([events.slice(0, 2).join(''), '', 0]);
    const reset = await replayed([sse, '--fault', 'reset@event:3']);
    expect(reset.sink.bytes.toString()).toBe(events.slice(0, 2).join(''));
    expect([reset.err, reset.code]).toEqual(['ssemble: Here the connection breaks; a pipe only ends.\n', 0]);
  });

  it('keeps the time of the capture', async () => {
    const { sink, started, took } = await replayed([file('slow.capture.jsonl', captured(40))]);
    expect(sink.pieces).toHaveLength(events.length);
    for (const [i, { at }] of sink.pieces.entries()) {
      expect(at - started).toBeGreaterThan((i + 1) * 40 - 1);
      // The bound is that of a busy machine; that late timers do not add up is shown in `testing-fetch`.
      expect(at - started).toBeLessThan((i + 1) * 40 + 400);
    }
    // The end came one step after the last chunk.
    expect(took).toBeGreaterThan((events.length + 1) * 40 - 5);
  });

  it('plays faster, and at once', async () => {
    const slow = file('slower.capture.jsonl', captured(100));
    const fast = await replayed([slow, '--speed', '10']);
    expect(fast.took).toBeGreaterThan(80);
    expect(fast.took).toBeLessThan(700);
    expect((await replayed([slow, '--instant'])).took).toBeLessThan(700);
  });

  it('stalls for the time that was written, even at once', async () => {
    const { sink, took } = await replayed([sse, '--instant', '--fault', 'stall@event:3:120ms']);
    expect(took).toBeGreaterThanOrEqual(119);
    expect(sink.pieces.map(({ bytes }) => bytes.toString())).toEqual([
      events.slice(0, 2).join(''),
      events.slice(2).join(''),
    ]);
  });

  it('ends at Ctrl-C, also in the middle of a silence', async () => {
    const controller = new AbortController();
    const sink = new ByteSink();
    const done = ran(['replay', sse, '--fault', 'stall@event:3'], '', {
      stdout: sink,
      interrupt: controller.signal,
    });
    await vi.waitFor(() => expect(sink.pieces).toHaveLength(1));
    controller.abort();
    expect((await done).code).toBe(130);
  });

  it('writes what would be sent as a capture, with its times, and does not wait', async () => {
    const { out, code } = await ran([
      'replay',
      '--json',
      '--fault',
      'stall@event:3:30s',
      '--fault',
      'reset@event:5',
      quick,
    ]);
    expect(code).toBe(0);
    const capture = parseCapture(out);
    expect(capture.chunks.map(({ us }) => us)).toEqual([1000, 2000, 30_003_000, 30_004_000]);
    expect(Buffer.concat(capture.chunks.map(({ bytes }) => bytes)).toString()).toBe(events.slice(0, 4).join(''));
    expect(capture.end).toEqual({ end: 'reset', us: 30_004_000 });
    expect(capture.header).toMatchObject({
      response: { status: 200, us: 0 },
      clock: { zero: 'request' },
      source: { kind: 'replay', name: 'quick', chunks: 'made' },
    });
    // Replayed once more it is the same.
    expect((await ran(['replay', '--json', file('again.jsonl', out)])).out.split('\n').slice(1)).toEqual(
      out.split('\n').slice(1),
    );
    const whole = parseCapture((await ran(['replay', '--json', '--chop', 'byte', sse])).out);
    expect(whole.chunks).toHaveLength(Buffer.byteLength(body));
    expect([whole.chunks[0]?.us, whole.header.clock, whole.end]).toEqual([undefined, undefined, { end: 'eof' }]);
    const hangs = parseCapture((await ran(['replay', '--json', '--fault', 'stall@event:3', sse])).out);
    expect(hangs.end).toEqual({ end: 'timeout' });
  });

  it('shows control characters on a terminal, and does not send them to it', async () => {
    const out = new TextSink(80);
    const dangerous = file('dangerous.sse', 'data: \u001b]0;x\u0007ö\n\n');
    await ran(['replay', dangerous, '--chop', 'byte'], '', { stdout: out, env: { NO_COLOR: '1' } });
    expect(out.text).toBe('data: \\x1b]0;x\\x07ö\n\n');
  });

  it.each<[string[], RegExp]>([
    [['--fault', 'cut'], /Cannot read the fault "cut": it needs a place/],
    [['--fault', 'drop@event:99'], /Cannot apply drop@event:99: the stream has 8 events \(.*answer\.sse\)/],
    [['--chop', 'bytes'], /Cannot chop by "bytes"/],
    [['--speed', '0'], /--speed cannot be 0/],
    [['--speed', 'fast'], /--speed cannot be "fast"/],
    [['--speed', '2', '--instant'], /Cannot play at a speed and at once/],
    [['--seed', '-1'], /--seed cannot be "-1"/],
    [['--listen', 'here:there'], /--listen cannot be "here:there"/],
    [['--listen', '0.0.0.0:0'], /--listen 0\.0\.0\.0:0 can be reached from other machines\. .*--allow-remote/],
    [['--serve', '--listen', 'example.com'], /can be reached from other machines/],
    [['--listen', '127.0.0.1:99999'], /--listen cannot be/],
    [[sse], /Cannot print several streams as one\. Use --serve/],
  ])('refuses %j', async (argv, message) => {
    const { out, err, code } = await ran(['replay', sse, ...argv]);
    expect([out, code]).toEqual(['', 2]);
    expect(err).toMatch(message);
  });

  it('says what cannot be read', async () => {
    expect(await ran(['replay', join(folder, 'nothing.sse')])).toMatchObject({
      code: 3,
      err: expect.stringMatching(/there is no such file/) as string,
    });
    const odd = file('odd.jsonl', captured(1, {}, 42));
    expect((await ran(['replay', odd])).err).toMatch(/its status is 42/);
  });

  it('explains itself', async () => {
    const { out } = await ran(['help', 'replay']);
    for (const word of [
      'crlf',
      'random:SEED',
      'corrupt@…:bit|json|utf8',
      'insert@…:error|ping|unknown|comment|done',
      '--seed N',
    ]) {
      expect(out).toContain(word);
    }
    expect(Math.max(...out.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(130);
  });
});

// --- serving ---

interface Running {
  url: string;
  stop: () => Promise<{ code: number; out: string; err: string }>;
  err: () => string;
}

const running: Running[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

/** Serves in this process. */
async function serve(...argv: string[]): Promise<Running> {
  const controller = new AbortController();
  const [out, err] = [new TextSink(), new TextSink()];
  const done = ran(['replay', '--serve', ...argv], '', {
    stdout: out,
    stderr: err,
    interrupt: controller.signal,
    now: () => performance.now(),
  });
  await Promise.race([vi.waitFor(() => expect(err.text).toMatch(/until Ctrl-C/)), done]);
  const [url = ''] = /http:\/\/[^\s"]+/.exec(out.text) ?? [];
  expect(url, err.text).not.toBe('');
  const one: Running = {
    url,
    err: () => err.text,
    async stop() {
      controller.abort();
      return { ...(await done), out: out.text, err: err.text };
    },
  };
  running.push(one);
  return one;
}

const post = (url: string, path = '/v1/messages'): Promise<Response> =>
  fetch(`${url}${path}`, { method: 'POST', body: '{}' });
const ask = (url: string, options: object = {}) =>
  streamMessage(params, { apiKey: 'test-key', baseURL: url, maxRetries: 0, ...options });
const sdk = (url: string): Anthropic =>
  new Anthropic({ apiKey: 'test-key', baseURL: url, maxRetries: 0, logLevel: 'off' });

describe('replay --serve', () => {
  const answer = file('served.capture.jsonl', captured(1));
  const plain = file('plain.sse', textBody(['plain']));

  it('answers every POST with the stream, its status and its headers', async () => {
    const { url, stop } = await serve(answer);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    for (const path of ['/v1/messages', '/v1/messages?beta=true', '/served/v1/messages']) {
      const response = await post(url, path);
      expect(response.status).toBe(200);
      expect(response.headers.get('request-id')).toBe('req_captured');
      expect(response.headers.get('content-length')).toBeNull();
      expect(await response.text()).toBe(body);
    }
    const result = await stop();
    expect(result.code).toBe(130);
    expect(result.out).toBe(`${url}\n`);
    expect(result.err).toContain(`POST /v1/messages 200 served: ${Buffer.byteLength(body)} bytes, ended\n`);
  });

  it('serves errors as they were recorded', async () => {
    const overloaded = JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } });
    const chunks = [{ us: 0, bytes: Buffer.from(overloaded) }];
    const { url } = await serve(file('529.jsonl', captured(1, { chunks }, 529)));
    await expect(sdk(url).messages.stream(params).finalMessage()).rejects.toMatchObject({ status: 529 });
    await expect(ask(url)).rejects.toMatchObject({ name: 'OverloadedError', status: 529 });
  });

  it('serves several in turn, and each by its name', async () => {
    const twin = join(mkdtempSync(join(folder, 'twin-')), 'plain.sse');
    writeFileSync(twin, textBody(['twin']));
    const { url, stop } = await serve('--json', answer, plain, twin);
    const texts: string[] = [];
    for (let i = 0; i < 4; i++) texts.push(await (await ask(url)).finalText());
    expect(texts).toEqual(['Hello, wörld', 'plain', 'twin', 'Hello, wörld']);
    expect(await (await ask(`${url}/plain-2`)).finalText()).toBe('twin');
    const list = (await (await fetch(`${url}/any/path`)).json()) as { streams: { name: string; path: string }[] };
    expect(list.streams.map(({ path }) => path)).toEqual([
      '/served/v1/messages',
      '/plain/v1/messages',
      '/plain-2/v1/messages',
    ]);
    expect(JSON.parse((await stop()).out)).toEqual({ url, ...list });
  });

  it('says what there is, to who asks for something else', async () => {
    const { url } = await serve(plain);
    const missing = await post(url, '/nobody/v1/messages');
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({
      type: 'error',
      error: {
        type: 'not_found_error',
        message: expect.stringContaining('POST /v1/messages, /plain/v1/messages') as string,
      },
    });
    expect((await post(url, '/v1/messages/count_tokens')).status).toBe(404);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    await expect(sdk(`${url}/nobody`).messages.create(params)).rejects.toThrow(/404/);
  });

  it('cuts plainly: the body ends, and the client has to notice by itself', async () => {
    const { url, err } = await serve(answer, '--instant', '--fault', 'cut@type:message_stop');
    expect(await (await post(url)).text()).toBe(events.slice(0, -1).join(''));
    const stream = await ask(url);
    await expect(stream.finalMessage()).rejects.toThrow();
    expect(stream.outcome.status).toBe('truncated');
    await vi.waitFor(() => expect(err().match(/bytes, ended\n/g)).toHaveLength(2));
    await expect(sdk(url).messages.stream(params).finalMessage()).rejects.toThrow();
  });

  it('resets hard: the socket is destroyed, and every client gets an error', async () => {
    const { url, err } = await serve(answer, '--instant', '--fault', 'reset@type:message_stop');
    await expect(post(url).then((response) => response.text())).rejects.toThrow(/terminated/);
    const stream = await ask(url);
    await expect(stream.finalMessage()).rejects.toThrow();
    expect(stream.outcome.status).toBe('disconnected');
    await expect(sdk(url).messages.stream(params).finalMessage()).rejects.toThrow(/terminated|ECONNRESET|socket/i);
    await vi.waitFor(() => expect(err().match(/bytes, reset\n/g)).toHaveLength(3));
    // On the wire: no last chunk of the chunked body, and the connection is closed by a reset.
    const code = await new Promise((resolve) => {
      const told = (error: NodeJS.ErrnoException): void => resolve(error.code);
      const request = get(`${url}/`, { method: 'POST', path: '/v1/messages' }, (response) => {
        response.resume();
        response.on('error', told);
        response.on('end', () => resolve('end'));
      });
      request.on('error', told);
    });
    expect(code).toBe('ECONNRESET');
  });

  it('stalls until the client goes, and sees it go', async () => {
    const { url, err } = await serve(answer, '--instant', '--fault', 'stall@event:5');
    const stream = await ask(url, { idleTimeoutMs: 80 });
    await expect(stream.finalMessage()).rejects.toThrow();
    expect(stream.outcome.status).toBe('stalled');
    expect(stream.snapshot?.content).toEqual([{ type: 'text', text: 'Hel' }]);
    await vi.waitFor(() => expect(err()).toMatch(/bytes, the client left\n/));
  });

  it('passes inserted and corrupted events on to real clients', async () => {
    const broken = await serve(answer, '--instant', '--fault', 'insert@event:5:error');
    await expect(sdk(broken.url).messages.stream(params).finalMessage()).rejects.toThrow(/overloaded_error/);
    const stream = await ask(broken.url);
    await expect(stream.finalMessage()).rejects.toMatchObject({ name: 'OverloadedError' });
    const corrupt = await serve(answer, '--instant', '--fault', 'corrupt@event:5:json');
    const damaged = await ask(corrupt.url);
    await expect(damaged.finalMessage()).rejects.toMatchObject({ name: 'DamagedError' });
    const legal = await serve(
      answer,
      '--instant',
      '--chop',
      'byte',
      '--fault',
      'insert@event:5:unknown',
      '--fault',
      'insert@event:5:comment',
    );
    expect(await sdk(legal.url).messages.stream(params).finalMessage()).toMatchObject({
      content: [{ text: 'Hello, wörld' }],
    });
    expect(await (await ask(legal.url)).finalMessage()).toEqual(parseMessage(body));
  });

  it('keeps the times of the capture on the wire', async () => {
    const { url } = await serve(file('timed.jsonl', captured(50)));
    const started = performance.now();
    const times: number[] = [];
    for await (const _ of (await post(url)).body as unknown as AsyncIterable<Uint8Array>)
      times.push(performance.now() - started);
    expect(times).toHaveLength(events.length);
    for (const [i, at] of times.entries()) {
      expect(at).toBeGreaterThan((i + 1) * 50 - 5);
      expect(at).toBeLessThan((i + 1) * 50 + 400);
    }
  });

  it('serves many at once, each at its own pace', async () => {
    const { url } = await serve(file('parallel.jsonl', captured(10)));
    const texts = await Promise.all(Array.from({ length: 20 }, async () => (await ask(url)).finalText()));
    expect(texts).toEqual(Array.from({ length: 20 }, () => 'Hello, wörld'));
  });

  it('lets go of open connections at Ctrl-C', async () => {
    const { url, stop } = await serve(plain, '--fault', 'stall@event:3');
    const response = await post(url);
    expect((await stop()).code).toBe(130);
    await expect(response.text()).rejects.toThrow();
  });

  it('says when it cannot listen', async () => {
    const { url } = await serve(plain);
    const port = new URL(url).port;
    const { err, code } = await ran(['replay', '--listen', `127.0.0.1:${port}`, plain]);
    expect(code).toBe(3);
    expect(err).toContain(`Cannot listen on 127.0.0.1:${port}: the port is taken`);
  });
});

// --- real processes ---

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));

describe('the built program', () => {
  let program = '';
  beforeAll(() => {
    program = builtProgram();
  }, 180_000);

  const bash = (line: string): { out: string; code: number | null } => {
    const script = `ssemble() { "$NODE" "$PROGRAM" "$@"; }; ${line}`;
    const env = { ...process.env, NODE: process.execPath, PROGRAM: program, NO_COLOR: '1' };
    const { stdout, status } = spawnSync('bash', ['-c', script], {
      cwd: FIXTURES,
      env,
      encoding: 'utf8',
      timeout: 50_000,
    });
    return { out: stdout, code: status };
  };

  it('pipes a fixture into view and message, byte for byte', () => {
    const path = 'messages/agent-turn.sse';
    expect(bash(`ssemble replay ${path} | ssemble view`).out).toMatch(/agent|●/);
    for (const how of ['', '--chop byte', '--chop random:3']) {
      expect(bash(`ssemble replay ${how} ${path} | cmp - ${path} && echo same`).out).toBe('same\n');
      expect(bash(`ssemble replay ${how} ${path} | ssemble message`)).toEqual(bash(`ssemble message ${path}`));
    }
    expect(bash(`ssemble replay --fault cut@type:message_stop ${path} | ssemble message; echo $?`).out).toBe('4\n');
    expect(bash(`ssemble replay --json --chop byte ${path} | ssemble message -`)).toEqual(
      bash(`ssemble message ${path}`),
    );
    // A reader that goes away ends it quietly.
    expect(bash(`ssemble replay --chop byte ${path} | head -c 5; echo " \${PIPESTATUS[0]}"`).out).toMatch(
      /^event 0\n$/,
    );
  });

  it('serves until SIGINT', async () => {
    const path = file('process.sse', textBody(['from a process']));
    const child = spawn(process.execPath, [program, 'replay', '--serve', path], { stdio: ['ignore', 'pipe', 'pipe'] });
    const url = await new Promise<string>((resolve) =>
      child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim())),
    );
    expect(await (await ask(url)).finalText()).toBe('from a process');
    const closed = new Promise((resolve) => child.on('close', resolve));
    child.kill('SIGINT');
    expect(await closed).toBe(130);
  });
});
