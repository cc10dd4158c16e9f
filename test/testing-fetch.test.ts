/** `faultFetch`, `faultStream`, `faultReadable`: what a client sees of a broken stream, in process. */

import { Readable } from 'node:stream';
import Anthropic from '@anthropic-ai/sdk';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Capture } from '../src/capture/format.ts';
import { MessageStream, parseMessage } from '../src/index.ts';
import {
  applyFaults,
  chunkings,
  faultFetch,
  faultReadable,
  faults,
  faultStream,
  streams,
} from '../src/testing/index.ts';
import { timedPace } from '../src/testing/pace.ts';
import { streamMessage } from '../src/transport/fetch.ts';
import { textBody } from './support/messages.ts';

const RUNS = 60 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1);
const body = textBody(['Hel', 'lo, wörld']);
const params = { model: 'claude-test', max_tokens: 9, messages: [{ role: 'user' as const, content: 'Hi' }] };
const ask = (fetch: ReturnType<typeof faultFetch>): Promise<MessageStream> =>
  streamMessage(params, { apiKey: 'test-key', fetch, maxRetries: 0 });

async function chunksOf(source: AsyncIterable<Uint8Array>): Promise<string[]> {
  const chunks: string[] = [];
  for await (const chunk of source) chunks.push(Buffer.from(chunk).toString());
  return chunks;
}

const capture: Capture = {
  header: {
    ssemble: 'capture',
    version: 1,
    response: {
      status: 529,
      us: 2000,
      headers: [
        ['Content-Type', 'application/json'],
        ['Content-Length', '999'],
        ['content-encoding', 'gzip'],
        ['retry-after', '3'],
        ['x-many', 'a'],
        ['x-many', 'b'],
        [':status', '529'],
        ['x-bad', 'a\nb'],
      ],
    },
  },
  chunks: [{ us: 3000, bytes: Buffer.from('{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}') }],
  end: { end: 'eof', us: 4000 },
};

describe('faultFetch()', () => {
  it('gives exactly the chunks', async () => {
    const fetch = faultFetch(body, ['dup@event:3'], { chop: 'random:5' });
    const response = await fetch('https://api.anthropic.com/v1/messages');
    const expected = applyFaults(body, ['dup@event:3'], { chop: 'random:5' }).steps.map(({ bytes }) =>
      Buffer.from(bytes).toString(),
    );
    expect(await chunksOf(response.body as unknown as AsyncIterable<Uint8Array>)).toEqual(expected);
  });

  it('answers with status and headers of the capture, but for those of its wire', async () => {
    const response = await faultFetch(capture)('x');
    expect(response.status).toBe(529);
    expect([...(response.headers as unknown as Iterable<[string, string]>)]).toEqual([
      ['content-type', 'application/json'],
      ['retry-after', '3'],
      ['x-many', 'a, b'],
    ]);
    expect(await response.json()).toMatchObject({ error: { message: 'Busy' } });
    const own = await faultFetch(capture, [], { status: 204, headers: { 'Retry-After': '9' } })('x');
    expect([own.status, own.headers.get('retry-after'), await own.text()]).toEqual([204, '9', '']);
    expect((await faultFetch(body)('x')).headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  });

  it('tells what was asked, in every form that fetch takes', async () => {
    const fetch = faultFetch(body);
    await fetch('https://a.test/1', { method: 'post', headers: { 'X-Key': 'v' }, body: '{}' });
    await fetch(new URL('https://a.test/2'));
    await fetch(new Request('https://a.test/3', { method: 'POST', headers: [['x-key', 'w']], body: 'text' }));
    expect(fetch.requests).toEqual([
      { number: 1, url: 'https://a.test/1', method: 'POST', headers: { 'x-key': 'v' }, body: '{}' },
      { number: 2, url: 'https://a.test/2', method: 'GET', headers: {}, body: undefined },
      {
        number: 3,
        url: 'https://a.test/3',
        method: 'POST',
        headers: { 'content-type': 'text/plain;charset=UTF-8', 'x-key': 'w' },
        body: 'text',
      },
    ]);
  });

  it('lets a function choose source and faults by the request', async () => {
    const fetch = faultFetch(
      (request) => Promise.resolve(request.url.endsWith('b') ? textBody(['other']) : body),
      ({ number }) => (number === 1 ? 'cut@byte:0' : []),
    );
    expect(await (await fetch('a')).text()).toBe('');
    expect(await (await fetch('a')).text()).toBe(body);
    expect(await (await fetch('b')).text()).toBe(textBody(['other']));
  });

  it('counts requests that are asked at once', async () => {
    const fetch = faultFetch(body, ({ number }) => (number === 2 ? 'cut@byte:0' : []));
    // The body of a `Request` takes a while to read, and that of the last one is none.
    const asked = [new Request('http://x/1', { method: 'POST', body: 'a' }), new Request('http://x/2'), 'http://x/3'];
    const answers = await Promise.all(asked.map(async (one) => (await fetch(one)).text()));
    expect(answers).toEqual([body, '', body]);
    expect(fetch.requests.map(({ number, url }) => [number, url])).toEqual([
      [1, 'http://x/1'],
      [2, 'http://x/2'],
      [3, 'http://x/3'],
    ]);
  });

  it('says at once what is wrong with a fault', () => {
    expect(() => faultFetch(body, 'drop@event:99')).toThrow('the stream has 8 events');
    expect(() => faultFetch(body, 'nonsense')).toThrow(RangeError);
  });

  it('rejects, or breaks off, with the reason of the signal', async () => {
    const reason = new Error('enough');
    await expect(faultFetch(body)('x', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const response = await faultFetch(body, 'stall@event:2')('x', { signal: controller.signal });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    const hanging = reader.read();
    controller.abort(reason);
    await expect(hanging).rejects.toBe(reason);
  });

  it('never resolves a stall when no time is given', async () => {
    const reader = (await faultFetch(body, 'stall@event:2:1ms')('x')).body?.getReader() as ReadableStreamDefaultReader;
    await reader.read();
    const state = await Promise.race([
      reader.read().then(() => 'read'),
      new Promise((resolve) => setTimeout(resolve, 30, 'hangs')),
    ]);
    expect(state).toBe('hangs');
    await reader.cancel();
  });

  it('waits by the caller’s clock', async () => {
    const slept: number[] = [];
    const sleep = (ms: number): Promise<void> => {
      slept.push(ms);
      return Promise.resolve();
    };
    await (await faultFetch(body, ['stall@event:2:30s', 'stall@end:1s'], { sleep })('x')).text();
    expect(slept).toEqual([30_000, 1000]);
    slept.length = 0;
    await (await faultFetch(capture, [], { sleep, speed: 2 })('x')).text();
    expect(slept).toEqual([1, 0.5, 0.5]);
  });

  it('waits by real timers', async () => {
    const chunks = Array.from({ length: 50 }, (_, i) => ({ us: i * 4000, bytes: Buffer.from('data: x\n\n') }));
    const timed: Capture = { header: { ssemble: 'capture', version: 1 }, chunks, end: { end: 'eof' } };
    const start = performance.now();
    await (await faultFetch(timed, [], { speed: 1 })('x')).text();
    const took = performance.now() - start;
    expect(took).toBeGreaterThanOrEqual(195);
    // The bound is that of a busy machine; the next test is exact.
    expect(took).toBeLessThan(2000);
  });

  it('does not drift: timers that are late do not add up', async () => {
    let clock = 0;
    const late = (callback: () => void, ms: number): void => {
      clock += ms + 3;
      queueMicrotask(callback);
    };
    vi.stubGlobal('setTimeout', late);
    try {
      const pace = timedPace(() => clock);
      for (let turn = 1; turn <= 100; turn++) {
        await pace(10).over;
        expect(clock).toBeGreaterThanOrEqual(turn * 10);
        expect(clock).toBeLessThanOrEqual(turn * 10 + 3);
      }
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('clients', () => {
  const sdk = (fetch: ReturnType<typeof faultFetch>): Anthropic =>
    new Anthropic({ apiKey: 'test-key', fetch, maxRetries: 0, logLevel: 'off' });
  const run = (list: string[], chop = 'recorded'): Promise<unknown> =>
    sdk(faultFetch(body, list, { chop }))
      .messages.stream(params)
      .finalMessage();

  it('the official SDK reads it, however it is chopped', async () => {
    for (const chop of ['whole', 'event', 'byte', 'utf8', 'random:1']) {
      expect(await run([], chop)).toMatchObject({ content: [{ type: 'text', text: 'Hello, wörld' }] });
    }
  });

  it('the official SDK fails where it should', async () => {
    await expect(run(['reset@event:5'])).rejects.toThrow(/terminated/);
    await expect(run(['cut@event:2'])).rejects.toThrow(/stream ended without producing a Message/);
    await expect(run(['insert@event:5:error'])).rejects.toThrow(/overloaded_error/);
    await expect(run(['corrupt@event:5:json'])).rejects.toThrow(/JSON/);
  });

  it.each([
    [[], 'complete'],
    [['cut@type:message_stop'], 'truncated'],
    [['reset@type:message_stop'], 'disconnected'],
    [['corrupt@event:4:json'], 'damaged'],
    [['insert@event:5:error'], 'errored'],
    [['insert@event:5:unknown', 'insert@event:5:comment', 'dup@type:ping'], 'complete'],
  ])('ssemble/fetch: %j gives %s', async (list, status) => {
    for (const chop of ['whole', 'byte', 'event']) {
      const stream = await ask(faultFetch(body, list, { chop }));
      await stream.finalMessage().catch(() => undefined);
      expect(stream.outcome.status).toBe(status);
    }
  });

  it('ssemble/fetch retries what failed before the stream, and gets the second answer', async () => {
    const fetch = faultFetch(body, ({ number }) => (number === 1 ? 'reset@event:2' : []));
    const stream = await streamMessage(params, { apiKey: 'test-key', fetch, maxRetries: 1 });
    expect(await stream.finalText()).toBe('Hello, wörld');
    expect(fetch.requests.map(({ number }) => number)).toEqual([1, 2]);
  });

  it('ssemble/fetch notices a stall', async () => {
    const stream = await streamMessage(params, {
      apiKey: 'test-key',
      fetch: faultFetch(body, 'stall@event:5'),
      idleTimeoutMs: 30,
    });
    await stream.finalMessage().catch(() => undefined);
    expect(stream.outcome.status).toBe('stalled');
    expect(stream.snapshot?.content).toEqual([{ type: 'text', text: 'Hel' }]);
  });

  it('fits wherever a fetch fits, and its body goes through Web transforms', async () => {
    // As the AI SDK and others take it.
    const fetch: typeof globalThis.fetch = faultFetch(body, [], { chop: 'byte' });
    const { body: stream } = await fetch('https://x.test', { method: 'POST' });
    const texts: string[] = [];
    for await (const text of (stream as NonNullable<typeof stream>).pipeThrough(new TextDecoderStream()))
      texts.push(text);
    expect(texts.join('')).toBe(body);
  });
});

describe('faultStream() and faultReadable()', () => {
  it('give the chunks to what takes an iterable, or a Web stream', async () => {
    const chunks = applyFaults(body, [], { chop: 'size:7' }).steps.map(({ bytes }) => Buffer.from(bytes).toString());
    expect(await chunksOf(faultStream(body, [], { chop: 'size:7' }))).toEqual(chunks);
    expect(await chunksOf(faultReadable(body, [], { chop: 'size:7' }) as unknown as AsyncIterable<Uint8Array>)).toEqual(
      chunks,
    );
    expect(await chunksOf(Readable.from(faultStream(body, [], { chop: 'size:7' })))).toEqual(chunks);
  });

  it('break, and stay ended', async () => {
    const stream = faultStream('data: 1\n\n', 'reset@end');
    await stream.next();
    await expect(stream.next()).rejects.toThrow('terminated');
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('let go of a reader who leaves while they wait', async () => {
    const stream = faultStream(body, 'stall@event:1');
    const hanging = stream.next();
    await Promise.resolve();
    await stream.return?.();
    expect(await hanging).toEqual({ done: true, value: undefined });
    const readable = faultReadable(body, 'stall@event:2:1h'.replace('1h', '60m'), { speed: 1 });
    const reader = readable.getReader();
    await reader.read();
    void reader.read().catch(() => undefined);
    await reader.cancel();
  });

  it('queue calls of next', async () => {
    const stream = faultStream('data: 1\n\ndata: 2\n\n', [], { chop: 'event' });
    const results = await Promise.all([stream.next(), stream.next(), stream.next(), stream.next()]);
    expect(results.map(({ done }) => done)).toEqual([false, false, true, true]);
  });

  it('give what applyFaults says, for any stream, faults and chunking', async () => {
    await fc.assert(
      fc.asyncProperty(
        streams(fc).chain(({ bytes }) =>
          fc.tuple(fc.constant(bytes), faults(fc, bytes, ['drop', 'dup', 'swap', 'corrupt', 'insert', 'cut', 'reset'])),
        ),
        fc.nat(),
        async ([bytes, list], seed) => {
          const options = { seed, chop: `random:${seed}` };
          const stream = MessageStream.from(faultStream(bytes, list, options));
          const { steps, ending } = applyFaults(bytes, list, options);
          const whole = MessageStream.from(steps.map((step) => step.bytes));
          for (const one of [stream, whole]) await one.finalMessage().catch(() => undefined);
          expect(stream.snapshot).toEqual(whole.snapshot);
          if (ending === 'eof') expect(stream.outcome).toEqual(whole.outcome);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('give whole messages for every drawn chunking', async () => {
    await fc.assert(
      fc.asyncProperty(
        streams(fc).chain(({ bytes }) => fc.tuple(fc.constant(bytes), chunkings(fc, bytes))),
        async ([bytes, chunks]) => {
          expect(await MessageStream.from(chunks).finalMessage()).toEqual(parseMessage(bytes));
        },
      ),
      { numRuns: RUNS },
    );
  });
});
