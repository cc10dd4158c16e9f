/** The ways a stream may end before its time: abort, signal, silence, a broken source, an error of the server. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AbortError, ConnectionError, IdleTimeoutError, TruncatedError } from '../src/errors.ts';
import { ApiError } from '../src/protocol/api-error.ts';
import { MessageStream } from '../src/stream/message-stream.ts';
import * as m from './support/messages.ts';

/** Gives some chunks and then hangs for ever, as a dead connection does. */
function hanging(chunks: readonly string[]) {
  const seen = { reads: 0, cancels: [] as unknown[] };
  let at = 0;
  const stream = new ReadableStream<string>(
    {
      pull(controller) {
        seen.reads++;
        if (at < chunks.length) controller.enqueue(chunks[at++]!);
        else return new Promise<void>(() => {});
        return undefined;
      },
      cancel(reason) {
        seen.cancels.push(reason);
        return new Promise(() => {});
      },
    },
    { highWaterMark: 0 },
  );
  return { seen, stream };
}

const head = [m.start(), m.textStart(0), m.textDelta(0, 'some')].map(m.frame);

async function drain<T>(items: AsyncIterable<T>): Promise<{ items: T[]; error: unknown }> {
  const all: T[] = [];
  try {
    for await (const item of items) all.push(item);
  } catch (error) {
    return { items: all, error };
  }
  return { items: all, error: undefined };
}

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => {
      throw new Error('it resolved');
    },
    (error: unknown) => error,
  );

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  vi.useRealTimers();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

describe('abort()', () => {
  it('cancels the source at once although a read hangs, and rejects the pending next()', async () => {
    const { seen, stream: source } = hanging(head);
    const stream = MessageStream.from(source);
    const iterator = stream[Symbol.asyncIterator]();
    for (let n = 0; n < 3; n++) await iterator.next();
    const [first, second] = [iterator.next(), iterator.next()];
    const final = stream.finalMessage();
    stream.abort('why');
    expect(seen.cancels).toHaveLength(1);
    const error = (await caught(first)) as AbortError;
    expect(error).toBeInstanceOf(AbortError);
    expect(error.cause).toBe('why');
    expect(error.snapshot?.content).toEqual([{ type: 'text', text: 'some' }]);
    expect(await second).toEqual({ value: undefined, done: true });
    expect(await caught(final)).toBe(error);
    expect(stream.outcome).toMatchObject({ status: 'aborted', error });
    stream.abort('again');
    expect(stream.outcome.error).toBe(error);
  });

  it('rejects the next next() and a later iterator once', async () => {
    const stream = MessageStream.from(m.textBody(['a', 'b']));
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    stream.abort();
    expect(await caught(iterator.next())).toBeInstanceOf(AbortError);
    expect(await iterator.next()).toEqual({ value: undefined, done: true });

    const unread = MessageStream.from(m.textBody(['a']));
    unread.abort();
    expect((await drain(unread)).error).toBeInstanceOf(AbortError);
    expect(await drain(unread)).toEqual({ items: [], error: undefined });
    expect(await caught(unread.finalText())).toBeInstanceOf(AbortError);
  });

  it('reaches a driving finalMessage()', async () => {
    const { seen, stream: source } = hanging(head);
    const stream = MessageStream.from(source);
    const final = stream.finalMessage();
    await vi.waitFor(() => expect(seen.reads).toBe(4));
    stream.abort();
    expect(await caught(final)).toBeInstanceOf(AbortError);
    expect(seen.cancels).toHaveLength(1);
    expect((await drain(stream)).error).toBeInstanceOf(AbortError);
    expect(await drain(stream)).toEqual({ items: [], error: undefined });
  });

  it('ends textStream and blockStream without what the abort itself cut', async () => {
    for (const view of ['textStream', 'blockStream'] as const) {
      const { stream: source } = hanging([m.start(), m.textStart(0, 'whole')].map(m.frame));
      const stream = MessageStream.from(source);
      const run = drain(stream[view] as AsyncIterable<unknown>);
      await vi.waitFor(() => expect(stream.snapshot?.content).toHaveLength(1));
      stream.abort();
      const { items, error } = await run;
      expect(items).toEqual([]);
      expect(error).toBeInstanceOf(AbortError);
    }
  });

  it('leaves a finished message finished', async () => {
    const { seen, stream: source } = hanging([m.textBody(['a'])]);
    const stream = MessageStream.from(source);
    const final = stream.finalText();
    await vi.waitFor(() => expect(stream.outcome.status).toBe('complete'));
    stream.abort();
    expect(seen.cancels).toHaveLength(1);
    expect(await final).toBe('a');
    expect(await drain(stream)).toEqual({ items: [], error: undefined });
  });

  it('after the end changes nothing', async () => {
    const stream = MessageStream.from(m.textBody(['a']));
    await stream.finalMessage();
    stream.abort();
    expect(stream.outcome.status).toBe('complete');
  });
});

describe('break', () => {
  it('cancels the source at once; waiting promises reject with AbortError; iterating again ends at once', async () => {
    const { seen, stream: source } = hanging(head);
    const stream = MessageStream.from(source);
    const final = stream.finalMessage();
    for await (const event of stream) if (event.type === 'content_block_start') break;
    expect(seen.cancels).toHaveLength(1);
    expect(stream.outcome.status).toBe('aborted');
    expect(await caught(final)).toBeInstanceOf(AbortError);
    expect(await caught(stream.finalText())).toBeInstanceOf(AbortError);
    expect(await drain(stream)).toEqual({ items: [], error: undefined });
    expect(stream.snapshot?.content).toHaveLength(1);
  });

  it('works the same from textStream and blockStream', async () => {
    for (const view of ['textStream', 'blockStream'] as const) {
      const { seen, stream: source } = hanging([m.textBody(['a', 'b']).replace(/event: message_stop[^]*/, '')]);
      for await (const item of MessageStream.from(source)[view]) {
        expect(item).toBeDefined();
        break;
      }
      expect(seen.cancels).toHaveLength(1);
    }
  });
});

describe('signal', () => {
  it('that has fired already: nothing is read, the source is closed', async () => {
    const { seen, stream: source } = hanging(head);
    const stream = MessageStream.from(source, { signal: AbortSignal.abort('early') });
    expect(seen.cancels).toHaveLength(1);
    const { items, error } = await drain(stream);
    expect(items).toEqual([]);
    expect(error).toMatchObject({ name: 'AbortError', cause: 'early' });
    expect(seen.reads).toBe(0);
  });

  it('aborts a hung read', async () => {
    const { seen, stream: source } = hanging(head);
    const controller = new AbortController();
    const stream = MessageStream.from(source, { signal: controller.signal });
    const final = stream.finalMessage();
    await vi.waitFor(() => expect(seen.reads).toBe(4));
    controller.abort('late');
    expect(await caught(final)).toMatchObject({ name: 'AbortError', cause: 'late' });
    expect(seen.cancels).toHaveLength(1);
  });

  it('loses its listener at every kind of end', async () => {
    const ends: ((stream: MessageStream) => unknown)[] = [
      (stream) => stream.finalMessage(),
      (stream) => stream.abort(),
      async (stream) => {
        for await (const _ of stream) break;
      },
      (stream) => Promise.all(stream.tee().map((half) => half.finalMessage())),
    ];
    for (const end of ends) {
      const { signal } = new AbortController();
      const add = vi.spyOn(signal, 'addEventListener');
      const remove = vi.spyOn(signal, 'removeEventListener');
      await end(MessageStream.from(m.textBody(['a']), { signal }));
      expect(add.mock.calls.length).toBeGreaterThan(0);
      const removed = new Set(remove.mock.calls.map(([, listener]) => listener));
      for (const [, listener] of add.mock.calls) expect(removed).toContain(listener);
    }
  });
});

describe('idleTimeoutMs', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });

  it('ends a stream whose source is silent while somebody waits', async () => {
    const { seen, stream: source } = hanging(head);
    const stream = MessageStream.from(source, { idleTimeoutMs: 5000 });
    const run = drain(stream);
    await vi.advanceTimersByTimeAsync(4999);
    expect(stream.outcome.status).toBe('open');
    await vi.advanceTimersByTimeAsync(1);
    const { items, error } = await run;
    expect(items).toHaveLength(3);
    expect(error).toBeInstanceOf(IdleTimeoutError);
    expect((error as Error).message).toContain('5000 ms');
    expect(stream.outcome.status).toBe('stalled');
    expect(seen.cancels).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not run while nobody waits', async () => {
    const stream = MessageStream.from(hanging(head).stream, { idleTimeoutMs: 10 });
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(1000);
    expect((await iterator.next()).done).toBe(false);
    expect(stream.outcome.status).toBe('open');
    await iterator.return?.();
  });

  it('counts any byte as life: pings, comments, half an event', async () => {
    let controller!: ReadableStreamDefaultController<string>;
    const source = new ReadableStream<string>({ start: (given) => void (controller = given) });
    const stream = MessageStream.from(source, { idleTimeoutMs: 100 });
    const final = stream.finalText();
    const [first, ...rest] = m.textEvents(['a']).map(m.frame);
    for (const piece of [first!, ': a comment\n', m.frame(m.ping), rest[0]!.slice(0, 5), rest[0]!.slice(5)]) {
      await vi.advanceTimersByTimeAsync(90);
      controller.enqueue(piece);
    }
    await vi.advanceTimersByTimeAsync(90);
    controller.enqueue(rest.slice(1).join(''));
    controller.close();
    expect(await final).toBe('a');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('after message_stop changes nothing', async () => {
    const { seen, stream: source } = hanging([m.textBody(['a'])]);
    const stream = MessageStream.from(source, { idleTimeoutMs: 50 });
    const final = stream.finalText();
    await vi.advanceTimersByTimeAsync(60);
    expect(await final).toBe('a');
    expect(stream.outcome.status).toBe('complete');
    expect(seen.cancels).toHaveLength(1);
  });

  it('must be above 0, and needs timers', () => {
    for (const idleTimeoutMs of [0, -1, NaN]) {
      expect(() => MessageStream.from('', { idleTimeoutMs })).toThrow(RangeError);
    }
    vi.stubGlobal('setTimeout', undefined);
    try {
      expect(() => MessageStream.from('', { idleTimeoutMs: 1 })).toThrow(TypeError);
      expect(() => MessageStream.from('')).not.toThrow();
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('longer than a timer can run does not fire at once', async () => {
    const { seen, stream: source } = hanging([]);
    const stream = MessageStream.from(source, { idleTimeoutMs: 2 ** 40 });
    const final = stream.finalMessage();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(seen.cancels).toHaveLength(0);
    stream.abort();
    await caught(final);
  });
});

async function* failing(error: unknown, chunks = head): AsyncGenerator<string> {
  yield* chunks;
  throw error;
}

describe('a source that fails', () => {
  it('is a ConnectionError with the cause', async () => {
    const cause = new TypeError('terminated');
    const stream = MessageStream.from(failing(cause));
    const { items, error } = await drain(stream);
    expect(items).toHaveLength(3);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ cause, outcome: { status: 'disconnected' } });
    expect((error as Error).message).toContain('terminated');
  });

  it('with an AbortError is an abort', async () => {
    const cause = new DOMException('This operation was aborted', 'AbortError');
    const stream = MessageStream.from(failing(cause));
    const { error } = await drain(stream);
    expect(error).toBeInstanceOf(AbortError);
    expect(error).toMatchObject({ cause, outcome: { status: 'aborted' } });
  });

  it('with an error of ours passes it on', async () => {
    const cause = new ConnectionError('Cannot read: mine');
    expect((await drain(MessageStream.from(failing(cause)))).error).toBe(cause);
  });

  it('after message_stop changes nothing', async () => {
    const stream = MessageStream.from(failing(new Error('reset'), [m.textBody(['a'])]));
    expect((await drain(stream)).error).toBe(undefined);
    expect(await stream.finalText()).toBe('a');
  });

  it('by throwing from next() itself, or with undefined, is told as well', async () => {
    const broken = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          throw new Error('sync');
        },
      }),
    };
    expect((await drain(MessageStream.from(broken))).error).toBeInstanceOf(ConnectionError);
    expect((await drain(MessageStream.from(failing(undefined)))).error).toBeInstanceOf(ConnectionError);
  });

  it('by giving something that is no chunk is a TypeError that says what it was', async () => {
    const stream = MessageStream.from([m.frame(m.ping), 42]);
    const { items, error } = await drain(stream);
    expect(items).toEqual([m.ping]);
    expect((error as Error).message).toContain('a number');
    expect(await caught(stream.finalMessage())).toBe(error);
  });
});

describe('an error event', () => {
  it('is handed out; the next pull throws it as an ApiError and closes the source, which may hang', async () => {
    const { seen, stream: source } = hanging([...head, m.frame(m.apiError())]);
    const stream = MessageStream.from(source);
    const { items, error } = await drain(stream);
    expect(items.at(-1)).toEqual(m.apiError());
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ name: 'OverloadedError', type: 'overloaded_error', status: 529, retryable: true });
    expect((error as ApiError).snapshot?.content).toEqual([{ type: 'text', text: 'some' }]);
    expect(seen.reads).toBe(4);
    expect(seen.cancels).toHaveLength(1);
    expect(stream.outcome.status).toBe('errored');
  });

  it('rejects finalMessage() without waiting for the end', async () => {
    const { seen, stream: source } = hanging([m.frame(m.apiError('rate_limit_error', 'slow down'))]);
    expect(await caught(MessageStream.from(source).finalMessage())).toMatchObject({ name: 'RateLimitError' });
    expect(seen.cancels).toHaveLength(1);
  });

  it('after message_stop is noted and changes nothing', async () => {
    const stream = MessageStream.from(m.textBody(['a']) + m.frame(m.apiError()) + m.frame(m.ping));
    const { items, error } = await drain(stream);
    expect(items.slice(-2)).toEqual([m.apiError(), m.ping]);
    expect(error).toBe(undefined);
    expect(await stream.finalText()).toBe('a');
  });

  it('takes its request id into the error and the stream', async () => {
    const event = { ...m.apiError(), request_id: 'req_9' };
    const stream = MessageStream.from(m.frame(event));
    expect(await caught(stream.finalMessage())).toMatchObject({ requestId: 'req_9' });
    expect(stream.requestId).toBe('req_9');
  });
});

describe('await using', () => {
  it('aborts an unfinished stream at the end of its scope', async () => {
    const { seen, stream: source } = hanging(head);
    let kept: MessageStream;
    {
      await using stream = MessageStream.from(source);
      kept = stream;
      await stream[Symbol.asyncIterator]().next();
    }
    expect(seen.cancels).toHaveLength(1);
    expect(kept.outcome.status).toBe('aborted');
  });

  it('leaves a finished one alone', async () => {
    let kept: MessageStream;
    {
      await using stream = MessageStream.from(m.textBody(['a']));
      kept = stream;
      await stream.finalMessage();
    }
    expect(kept.outcome.status).toBe('complete');
  });
});

describe('no unhandled rejection', () => {
  it.each<[string, (stream: MessageStream) => unknown]>([
    ['finalMessage() nobody looks at', (stream) => void stream.finalMessage()],
    ['finalText() nobody looks at', (stream) => void stream.finalText()],
    [
      'next() nobody looks at',
      (stream) => {
        const i = stream[Symbol.asyncIterator]();
        for (let n = 0; n < 9; n++) void i.next();
      },
    ],
    [
      'a watcher beside an iterator',
      (stream) => {
        void stream.finalMessage();
        return drain(stream);
      },
    ],
    [
      'abort with promises waiting',
      (stream) => {
        void stream.finalMessage();
        void stream.finalText();
        stream.abort();
      },
    ],
    [
      'throw() nobody looks at',
      (stream) => void (stream[Symbol.asyncIterator]() as AsyncGenerator).throw(new Error('x')),
    ],
    [
      'tee() with one half unread',
      (stream) => {
        const [left] = stream.tee();
        return drain(left);
      },
    ],
    [
      'a finished stream asked again',
      async (stream) => {
        await drain(stream);
        void stream.finalMessage();
      },
    ],
    ['toReadableStream() unread', (stream) => void stream.toReadableStream()],
  ])('%s', async (_, use) => {
    const sources = [
      () => head,
      () => [...head, m.frame(m.apiError())],
      () =>
        (async function* () {
          yield* head;
          throw new Error('broken');
        })(),
      () => new ReadableStream({ pull: (controller) => controller.error(new Error('broken')) }),
    ];
    for (const source of sources) await use(MessageStream.from(source()));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(unhandled).toEqual([]);
  });

  it('the check itself can fail', async () => {
    void Promise.reject(new Error('seen'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(unhandled).toHaveLength(1);
    unhandled.length = 0;
  });
});

it('a truncated stream is a TruncatedError from every view', async () => {
  for (const view of ['textStream', 'thinkingStream', 'blockStream'] as const) {
    expect((await drain(MessageStream.from(head)[view] as AsyncIterable<unknown>)).error).toBeInstanceOf(
      TruncatedError,
    );
  }
});
