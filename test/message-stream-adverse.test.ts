/** Sources, handlers and contents that do what nobody expects. Every promise settles, and no rejection goes unheard. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AbortError, ConnectionError } from '../src/errors.ts';
import { MessageParser } from '../src/message/parser.ts';
import type { StreamEvent } from '../src/protocol/events.ts';
import { MessageStream, watchStream } from '../src/stream/message-stream.ts';
import * as m from './support/messages.ts';

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

async function drain<T>(items: AsyncIterable<T>): Promise<{ items: T[]; error: unknown }> {
  const all: T[] = [];
  try {
    for await (const item of items) all.push(item);
  } catch (error) {
    return { items: all, error };
  }
  return { items: all, error: undefined };
}

const typesOf = (events: readonly { type: string }[]): string[] => events.map(({ type }) => type);

/** An async iterable whose iterator answers each `next()` with what is given. */
function answering(...answers: unknown[]): AsyncIterable<string> {
  const next = (): Promise<never> => Promise.resolve(answers.shift() as never);
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

describe('a text block whose text is no string', () => {
  const withText = (text: unknown): string =>
    [m.start(), m.blockStart(0, { type: 'text', text }), m.blockStop(0), m.textStart(1, 'b'), m.messageDelta(), m.stop]
      .map(m.frame)
      .join('');

  it.each([[{ toString: 1, valueOf: 1 }], [null], [5], [['x']]])('%j counts for nothing', async (text) => {
    const stream = MessageStream.from(withText(text));
    const [final, message] = [stream.finalText(), stream.finalMessage()];
    expect(await final).toBe('b');
    expect((await message).content).toHaveLength(2);
  });
});

describe('a watcher that throws', () => {
  it('keeps the end from nobody, and is reported', async () => {
    const stream = MessageStream.from(m.textBody(['a']));
    const reported = new Promise((resolve) => {
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const listener of listeners) process.on('uncaughtException', listener);
        resolve(error);
      });
    });
    const oops = new Error('oops');
    watchStream(stream, {
      onEnd: () => {
        throw oops;
      },
    });
    expect(await stream.finalText()).toBe('a');
    expect(await reported).toBe(oops);
  });
});

describe('a source that breaks its contract', () => {
  it.each([[undefined], [null], [7], ['done']])('answers %j: the connection broke', async (answer) => {
    const stream = MessageStream.from(answering({ value: m.frame(m.start()) }, answer));
    const final = stream.finalMessage().catch((error: unknown) => error);
    const { items, error } = await drain(stream);
    expect(typesOf(items)).toEqual(['message_start']);
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as ConnectionError).cause).toBeInstanceOf(TypeError);
    expect((error as ConnectionError).message).toMatch(/\{ done, value \}/);
    expect(await final).toBe(error);
  });

  it('so does one of promises', async () => {
    const items = { [Symbol.iterator]: () => ({ next: () => undefined as never }) };
    await expect(MessageStream.from(items).finalMessage()).rejects.toThrow(/\{ done, value \}/);
  });

  it.each(['done', 'value'])('an answer whose %s throws ends the stream', async (key) => {
    const oops = new Error('oops');
    const answer = Object.defineProperty({}, key, {
      get: () => {
        throw oops;
      },
    });
    const stream = MessageStream.from(answering(answer));
    await expect(stream.finalMessage()).rejects.toMatchObject({ name: 'ConnectionError', cause: oops });
  });

  it.each([
    ['without a text', Object.create(null)],
    [
      'whose message throws',
      Object.defineProperty({}, 'message', {
        get: () => {
          throw new Error('no');
        },
      }),
    ],
  ])('a failure %s ends the stream', async (_, cause: unknown) => {
    // oxlint-disable-next-line prefer-promise-reject-errors -- that is the point
    const source = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(cause) }) };
    const error = await MessageStream.from(source)
      .finalMessage()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as ConnectionError).cause).toBe(cause);
  });
});

describe('the last event without its blank line, under strict', () => {
  const body = [m.start(), m.textStart(0), m.textDelta(0, 'x')].map(m.frame).join('').trimEnd();
  const all = ['message_start', 'content_block_start', 'content_block_delta'];

  it.each([false, true])('is handed out (strict: %j)', async (strict) => {
    const { items, error } = await drain(MessageStream.from([body], { strict }));
    expect(typesOf(items)).toEqual(all);
    expect(error).toMatchObject({ name: 'TruncatedError' });
    const pieces = await drain(MessageStream.from([body], { strict }).textStream);
    expect(pieces.items).toEqual(['x']);
  });

  it('is told to the handlers of a parser before it throws', () => {
    const events: StreamEvent[] = [];
    const parser = new MessageParser({ onEvent: (event) => events.push(event) }, { strict: true });
    parser.push(body);
    expect(() => parser.end()).toThrow(expect.objectContaining({ name: 'TruncatedError' }));
    expect(typesOf(events)).toEqual(all);
    expect(() => parser.end()).not.toThrow();
    expect(events).toHaveLength(3);
  });

  it('is not handed out where it is the refused one', async () => {
    const { items, error } = await drain(MessageStream.from([body], { strict: ['missing-final-blank-line'] }));
    expect(typesOf(items)).toEqual(all.slice(0, 2));
    expect(error).toMatchObject({ code: 'missing-final-blank-line' });
  });
});

describe('onDiagnostic', () => {
  const frames = [m.start(), m.ping, m.textStart(0), m.stop].map(m.frame);
  frames[1] = frames[1]!.replace('event: ping', 'event: pong');

  it.each([
    ['in one chunk', [frames.join('')]],
    ['event by event', frames],
    ['byte by byte', frames.join('').split('')],
  ])('that aborts: the event it is about is handed out, then the error, %s', async (_, chunks) => {
    const stream: MessageStream = MessageStream.from(chunks, { onDiagnostic: () => stream.abort('enough') });
    const { items, error } = await drain(stream);
    expect(typesOf(items)).toEqual(['message_start', 'ping']);
    expect(error).toBeInstanceOf(AbortError);
  });

  it('that aborts under several waiting next() answers them in order', async () => {
    const stream: MessageStream = MessageStream.from(frames, { onDiagnostic: () => stream.abort('enough') });
    const iterator = stream[Symbol.asyncIterator]();
    const settled = await Promise.allSettled(Array.from({ length: 4 }, () => iterator.next()));
    expect(settled).toMatchObject([
      { value: { value: { type: 'message_start' } } },
      { value: { value: m.ping } },
      { reason: { name: 'AbortError', cause: 'enough' } },
      { value: { done: true } },
    ]);
  });

  it('that aborts while only finalMessage() drives', async () => {
    const stream: MessageStream = MessageStream.from(frames, { onDiagnostic: () => stream.abort('enough') });
    await expect(stream.finalMessage()).rejects.toMatchObject({ cause: 'enough' });
    expect(stream.snapshot?.content).toEqual([]);
  });
});

describe('options that are refused', () => {
  it.each([-1, 0, Number.NaN])('leave the body free: idleTimeoutMs %d', async (idleTimeoutMs) => {
    const response = new Response(m.textBody(['a']));
    expect(() => MessageStream.from(response, { idleTimeoutMs })).toThrow(RangeError);
    expect(response.body?.locked).toBe(false);
    expect(await MessageStream.from(response).finalText()).toBe('a');
  });
});

describe('many calls of next() that wait', () => {
  /** Milliseconds from the chunk to the last answer. */
  async function answer(count: number): Promise<number> {
    let give!: (chunk: string) => void;
    const chunk = new Promise<string>((resolve) => (give = resolve));
    const iterator = MessageStream.from([chunk])[Symbol.asyncIterator]();
    const calls = Array.from({ length: count }, () => iterator.next());
    give(m.frame(m.ping).repeat(count));
    const began = performance.now();
    const results = await Promise.all(calls);
    expect(results.every(({ value }) => value?.type === 'ping')).toBe(true);
    return performance.now() - began;
  }

  it('are answered in time that grows as their number', async () => {
    await answer(1000);
    const [few, many] = [await answer(15_000), await answer(120_000)];
    // Eight times as many; sixty-four times the time, and seconds, if it were quadratic.
    expect(many).toBeLessThan(Math.max(30 * few, 1000));
  });
});
