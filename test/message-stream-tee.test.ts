/** tee() and toReadableStream(): one source, other readers. */

import { describe, expect, it } from 'vitest';
import { AbortError } from '../src/errors.ts';
import type { StreamEvent } from '../src/protocol/events.ts';
import { MessageStream } from '../src/stream/message-stream.ts';
import { teeSource } from '../src/stream/tee.ts';
import * as m from './support/messages.ts';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A source that counts reads and cancels, and hangs after its last chunk if told so. */
function counted(chunks: readonly (string | Uint8Array)[], hang = false) {
  const seen = { reads: 0, cancels: 0 };
  const stream = new ReadableStream<string | Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[seen.reads++];
        if (chunk !== undefined) controller.enqueue(chunk);
        else if (hang) return new Promise<void>(() => {});
        else controller.close();
        return undefined;
      },
      cancel() {
        seen.cancels++;
      },
    },
    { highWaterMark: 0 },
  );
  return { seen, stream };
}

const events = m.textEvents(['a', 'b', 'c']);
const chunks = events.map(m.frame);

describe('tee()', () => {
  it('gives two whole streams, read one after the other, the other way round, or together', async () => {
    for (const order of ['left', 'right', 'together']) {
      const { seen, stream: source } = counted(chunks);
      const [left, right] = MessageStream.from(source).tee();
      const read = (half: MessageStream): Promise<StreamEvent[]> => collect(half);
      const [a, b] =
        order === 'together'
          ? await Promise.all([read(left), read(right)])
          : order === 'left'
            ? [await read(left), await read(right)]
            : await read(right).then(async (second) => [await read(left), second]);
      expect(a).toEqual(events);
      expect(b).toEqual(events);
      expect(seen.reads).toBe(chunks.length + 1);
      expect(await left.finalText()).toBe('abc');
      expect(await right.finalText()).toBe('abc');
    }
  });

  it('gives each half its own snapshot, and reads no further than the faster half', async () => {
    const { seen, stream: source } = counted(chunks);
    const [left, right] = MessageStream.from(source).tee();
    const fast = left[Symbol.asyncIterator]();
    const slow = right[Symbol.asyncIterator]();
    expect(seen.reads).toBe(0);
    for (let n = 0; n < 5; n++) await fast.next();
    expect(seen.reads).toBe(5);
    await slow.next();
    expect(seen.reads).toBe(5);
    expect(left.snapshot?.content).toEqual([{ type: 'text', text: 'ab' }]);
    expect(right.snapshot?.content).toEqual([]);
    for (let n = 0; n < 7; n++) await slow.next();
    expect(seen.reads).toBe(8);
  });

  it('goes on for one half when the other breaks, and cancels when both have', async () => {
    const { seen, stream: source } = counted(chunks, true);
    const [left, right] = MessageStream.from(source).tee();
    for await (const event of left) if (event.type === 'ping') break;
    expect(left.outcome.status).toBe('aborted');
    expect(seen.cancels).toBe(0);
    for await (const event of right) if (event.type === 'message_delta') break;
    expect(seen.cancels).toBe(1);
    expect(right.snapshot?.content).toEqual([{ type: 'text', text: 'abc' }]);
  });

  it('shares a failure of the source', async () => {
    const broken = (async function* () {
      yield chunks[0];
      throw new Error('reset');
    })();
    const [left, right] = MessageStream.from(broken).tee();
    await expect(collect(left)).rejects.toMatchObject({ name: 'ConnectionError' });
    await expect(collect(right)).rejects.toMatchObject({ name: 'ConnectionError' });
  });

  it('may be done again to a half, and over events', async () => {
    const [left, right] = MessageStream.fromEvents(events).tee();
    const [inner, outer] = left.tee();
    expect(await Promise.all([inner, outer, right].map((half) => half.finalText()))).toEqual(['abc', 'abc', 'abc']);
    expect(() => left.textStream[Symbol.asyncIterator]()).toThrow(/tee\(\)/);
  });

  it('keeps the response, the request id and the options', async () => {
    const response = new Response(chunks.join(''), { headers: { 'request-id': 'req_1' } });
    const controller = new AbortController();
    const [left, right] = MessageStream.from(response, { signal: controller.signal }).tee();
    expect(left.response).toBe(response);
    expect(right.requestId).toBe('req_1');
    controller.abort();
    await expect(left.finalMessage()).rejects.toBeInstanceOf(AbortError);
    await expect(right.finalMessage()).rejects.toBeInstanceOf(AbortError);
  });

  it('is refused once something was taken, or a final promise waits', async () => {
    const taken = MessageStream.from(chunks);
    await taken.finalMessage();
    expect(() => taken.tee()).toThrow(TypeError);

    const released = MessageStream.from(chunks);
    const iterator = released[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return?.();
    expect(() => released.tee()).toThrow(TypeError);

    const waiting = MessageStream.from(chunks);
    const final = waiting.finalMessage();
    expect(() => waiting.tee()).toThrow(TypeError);
    await final;
  });

  it('locks the original; aborting it aborts both halves', async () => {
    const { seen, stream: source } = counted(chunks);
    const stream = MessageStream.from(source);
    const [left, right] = stream.tee();
    expect(() => stream[Symbol.asyncIterator]()).toThrow(/tee\(\)/);
    expect(() => stream.tee()).toThrow(/tee\(\)/);
    await expect(stream.finalMessage()).rejects.toBeInstanceOf(TypeError);
    stream.abort('both');
    expect(seen.cancels).toBe(1);
    await expect(left.finalMessage()).rejects.toMatchObject({ name: 'AbortError', cause: 'both' });
    await expect(right.finalMessage()).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('of a stream that was aborted before it began gives two aborted halves', async () => {
    const aborted = MessageStream.from(chunks);
    aborted.abort();
    for (const stream of [aborted, MessageStream.from(chunks, { signal: AbortSignal.abort() })]) {
      for (const half of stream.tee()) await expect(collect(half)).rejects.toBeInstanceOf(AbortError);
    }
  });

  it('a half that is cancelled twice counts once', () => {
    let cancels = 0;
    const source = { read: () => Promise.resolve({ done: true }), cancel: () => void cancels++ };
    const [left, right] = teeSource(source);
    left.cancel('once');
    left.cancel('twice');
    expect(cancels).toBe(0);
    right.cancel('too');
    expect(cancels).toBe(1);
  });
});

describe('toReadableStream()', () => {
  it('gives SSE that another MessageStream reads as the same', async () => {
    const body = m.frame({ type: 'novelty', x: 'é' } as { type: string }) + chunks.join('') + 'data: [DONE]\n\n';
    const readable = MessageStream.from(body).toReadableStream();
    const again = MessageStream.from(readable);
    expect(await collect(again)).toEqual(await collect(MessageStream.from(body)));
    expect(await again.finalText()).toBe('abc');
    expect(again.diagnostics.map(({ code }) => code)).toEqual(['unknown-event', 'done-sentinel']);
  });

  it('reads nothing until it is read, then one event at a time', async () => {
    const { seen, stream: source } = counted(chunks);
    const reader = MessageStream.from(source).toReadableStream().getReader();
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(seen.reads).toBe(0);
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toBe(chunks[0]);
    expect(seen.reads).toBe(1);
  });

  it('cancel() aborts the stream and closes the source', async () => {
    const { seen, stream: source } = counted(chunks, true);
    const stream = MessageStream.from(source);
    const reader = stream.toReadableStream().getReader();
    await reader.read();
    await reader.cancel();
    expect(seen.cancels).toBe(1);
    expect(stream.outcome.status).toBe('aborted');
  });

  it('cancel() while a read hangs does the same', async () => {
    const { seen, stream: source } = counted([], true);
    const stream = MessageStream.from(source);
    const reader = stream.toReadableStream().getReader();
    const pending = reader.read();
    await new Promise((resolve) => setTimeout(resolve, 1));
    await reader.cancel();
    expect(await pending).toEqual({ value: undefined, done: true });
    expect(seen.cancels).toBe(1);
  });

  it('passes an error event through once, as it came', async () => {
    const text = await new Response(MessageStream.from(m.frame(m.apiError())).toReadableStream()).text();
    expect(text).toBe(m.frame(m.apiError()));
  });

  it('tells a cut, a broken and a silent stream by an error event of its own', async () => {
    const cut = chunks.slice(0, 4);
    const broken = (async function* () {
      yield* cut;
      throw new Error('reset');
    })();
    for (const [stream, type] of [
      [MessageStream.from(cut), 'api_error'],
      [MessageStream.from(broken), 'api_error'],
      [MessageStream.from(counted(cut, true).stream, { idleTimeoutMs: 10 }), 'timeout_error'],
      [MessageStream.from('{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}'), 'rate_limit_error'],
    ] as const) {
      const received = await collect(MessageStream.from(stream.toReadableStream())).catch((error: unknown) => error);
      expect(received).toMatchObject({ name: expect.stringMatching(/Error$/), type });
      expect(stream.outcome.error).toBeDefined();
    }
  });

  it('is errored by an abort', async () => {
    const stream = MessageStream.from(counted(chunks, true).stream);
    const reader = stream.toReadableStream().getReader();
    await reader.read();
    stream.abort();
    await expect(reader.read()).rejects.toBeInstanceOf(AbortError);
  });

  it('carries what SSE cannot: a name with a line end stays in the data, a CR becomes a line end', async () => {
    const odd = [
      { type: 'two\nlines', x: 1 },
      { type: 'unknown', reason: 'json', raw: 'a\rb\r\nc' },
      { type: '', x: 2 },
    ];
    const text = await new Response(MessageStream.fromEvents(odd).toReadableStream()).text();
    const [first, second, third, error] = text.split('\n\n');
    expect(first).toBe('data: {"type":"two\\nlines","x":1}');
    expect(second).toBe('data: a\ndata: b\ndata: c');
    expect(third).toBe('data: {"type":"","x":2}');
    expect(error).toMatch(/^event: error\ndata: .*api_error/);
  });

  it.each([
    ['a ping that is no JSON', 'event: ping\ndata: {oops\n\n'],
    ['a ping of a wrong shape', 'event: ping\ndata: [1]\n\n'],
    ['another event that is no JSON', 'event: content_block_delta\ndata: {oops\n\n'],
    ['an unknown event of another name', 'event: one\ndata: {"type":"two"}\n\n'],
    ['an unknown event that is named "message"', 'event: message\ndata: {"type":"two"}\n\n'],
    ['data that say nothing', 'event: novelty\ndata: {"x":1}\n\n'],
  ])('keeps the name of what it cannot read: %s', async (_, odd) => {
    const body = chunks.slice(0, 4).join('') + odd + chunks.slice(4).join('');
    const straight = MessageStream.from(body);
    const again = MessageStream.from(MessageStream.from(m.cut(body, 7)).toReadableStream());
    const sent = await collect(straight).catch((error: unknown) => error);
    const received = await collect(again).catch((error: unknown) => error);
    expect(again.outcome.status).toBe(straight.outcome.status);
    if (straight.outcome.status === 'complete') expect(received).toEqual(sent);
    const codesOf = (stream: MessageStream) => stream.diagnostics.map(({ code, severity }) => [code, severity]);
    expect(codesOf(again).slice(0, codesOf(straight).length)).toEqual(codesOf(straight));
  });

  it('an event that JSON cannot write errors it, and closes the source', async () => {
    let deep: unknown = 1;
    for (let n = 0; n < 100_000; n++) deep = [deep];
    let returned = 0;
    const source = (async function* () {
      try {
        yield m.start();
        yield { type: 'ping', deep };
        yield m.stop;
      } finally {
        returned++;
      }
    })();
    const stream = MessageStream.fromEvents(source);
    const final = stream.finalMessage().catch((error: unknown) => error);
    const reader = stream.toReadableStream().getReader();
    await reader.read();
    const error = await reader.read().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RangeError);
    expect(await final).toMatchObject({ name: 'AbortError', cause: error });
    expect(returned).toBe(1);
    expect(await collect(stream)).toEqual([]);
  });

  it('needs ReadableStream', () => {
    const { ReadableStream: saved } = globalThis;
    const stream = MessageStream.from(chunks);
    try {
      (globalThis as { ReadableStream?: unknown }).ReadableStream = undefined;
      expect(() => stream.toReadableStream()).toThrow(/ReadableStream/);
    } finally {
      globalThis.ReadableStream = saved;
    }
    expect(() => stream[Symbol.asyncIterator]()).not.toThrow();
  });
});

it('an unread slower half holds only what it has not read', async () => {
  const big = 'x'.repeat(1000);
  const [left, right] = MessageStream.from(m.cut(m.textBody(Array(50).fill(big)), 500)).tee();
  await left.finalMessage();
  expect(await right.finalText()).toBe(big.repeat(50));
  expect(right.outcome.error).toBe(undefined);
});
