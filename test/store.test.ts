/** The store: what it publishes, when, and that it leaves nothing behind. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { build } from 'esbuild';
import { AbortError, ConnectionError, IdleTimeoutError, TruncatedError } from '../src/errors.ts';
import { ApiError } from '../src/protocol/api-error.ts';
import { MessageStream } from '../src/stream/message-stream.ts';
import { type MessageStore, store } from '../src/stream/store.ts';
import * as m from './support/messages.ts';
import { type Feed, feed } from './support/feed.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const HEAD = [m.start(), m.textStart(0)];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  vi.setSystemTime(1_000_000);
});

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

/** Lets everything that needs no time happen. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const after = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

const textOf = ({ getSnapshot }: MessageStore): string | undefined =>
  getSnapshot()
    .message?.content.map((block) => (block.type === 'text' ? block.text : ''))
    .join('|');

interface Log {
  live: MessageStore;
  /** `ms since the first: text` of each publication. */
  told: string[];
  off: () => void;
}

function listen(live: MessageStore): Log {
  const begun = Date.now();
  const told: string[] = [];
  const off = live.subscribe(() => told.push(`${Date.now() - begun}: ${textOf(live)}`));
  return { live, told, off };
}

function open(everyMs?: number): Log & { source: Feed; stream: MessageStream } {
  const source = feed();
  const stream = MessageStream.from(source);
  return { source, stream, ...listen(store(stream, { everyMs })) };
}

describe('what is published', () => {
  test('the message, its blocks and the outcome, of one moment', async () => {
    const { source, stream, live } = open(100);
    expect(live.getSnapshot()).toEqual({
      message: undefined,
      blocks: [],
      outcome: { status: 'open', stopReason: null },
    });
    source.give(...HEAD, m.textDelta(0, 'a'));
    await settle();
    const first = live.getSnapshot();
    expect(first.message).toBe(stream.snapshot);
    expect(first.blocks).toBe(stream.blocks);
    expect(first.outcome).toBe(stream.outcome);
    source.give(m.blockStop(0), m.textStart(1, 'b'));
    await settle();
    expect(stream.blocks).toHaveLength(2);
    expect(live.getSnapshot()).toBe(first);
    expect(first.blocks).toHaveLength(1);
    await after(100);
    expect(live.getSnapshot().blocks).toBe(stream.blocks);
    expect(live.getSnapshot().message?.content).toHaveLength(2);
    stream.abort();
  });

  test('the same object until the next publication, and what did not change is the same', async () => {
    const { source, stream, live } = open();
    source.give(...HEAD, m.textDelta(0, 'a'), m.blockStop(0), m.textStart(1));
    await settle();
    const first = live.getSnapshot();
    expect(live.getSnapshot()).toBe(first);
    source.give(m.textDelta(1, 'b'));
    await settle();
    const second = live.getSnapshot();
    expect(second).not.toBe(first);
    expect(second.message?.content[0]).toBe(first.message?.content[0]);
    expect(second.message?.content[1]).not.toBe(first.message?.content[1]);
    expect(second.message?.usage).toBe(first.message?.usage);
    expect([second.blocks, second.outcome]).toEqual([first.blocks, first.outcome]);
    expect(second.blocks).toBe(first.blocks);
    expect(second.outcome).toBe(first.outcome);
    stream.abort();
  });

  test.each<[string, { type: string }]>([
    ['a ping', m.ping],
    ['an unknown event', { type: 'odd' }],
    ['an empty delta', m.textDelta(0, '')],
  ])('%s publishes nothing', async (_, event) => {
    for (const everyMs of [0, 100]) {
      const { source, stream, live, told } = open(everyMs);
      source.give(...HEAD);
      await after(100);
      const before = live.getSnapshot();
      source.give(event);
      await after(200);
      expect(live.getSnapshot()).toBe(before);
      expect(told).toEqual(['0: ']);
      stream.abort();
      await settle();
    }
  });

  test('of several messages the last', async () => {
    const { source, live } = open();
    source.give(...m.textEvents(['a']), m.start('msg_2'));
    await settle();
    expect(live.getSnapshot()).toMatchObject({ message: { id: 'msg_2', content: [] }, outcome: { status: 'open' } });
    source.end();
    await settle();
    expect(live.getSnapshot().outcome.status).toBe('truncated');
  });
});

describe('everyMs: 0', () => {
  test('events that are read in one go are one publication', async () => {
    const pieces = Array.from({ length: 50 }, (_, n) => `${n} `);
    const stream = MessageStream.from([m.textBody(pieces)]);
    const { live, told } = listen(store(stream));
    await settle();
    expect(told.map((each) => each.length > 10)).toEqual([true, false].slice(0, told.length));
    expect(told.length).toBeLessThanOrEqual(2);
    expect(textOf(live)).toBe(pieces.join(''));
  });

  test('every change of its own is published', async () => {
    const { source, stream, told } = open();
    for (const event of [...HEAD, m.textDelta(0, 'a'), m.textDelta(0, 'b')]) {
      source.give(event);
      await settle();
    }
    expect(told).toEqual(['0: ', '0: ', '0: a', '0: ab']);
    stream.abort();
  });

  test('whoever iterates finds the store as far as the event it holds', async () => {
    for (const subscribed of [true, false]) {
      const stream = MessageStream.from(m.cut(m.textBody(['a', 'b', 'c']), 100));
      const live = store(stream);
      if (subscribed) live.subscribe(() => {});
      for await (const event of stream) {
        expect(live.getSnapshot().message, event.type).toBe(stream.snapshot);
        expect(live.getSnapshot().blocks, event.type).toBe(stream.blocks);
      }
      expect(live.getSnapshot().outcome.status).toBe('complete');
    }
  });
});

describe('everyMs', () => {
  test('the first at once, then at most every everyMs, the last always', async () => {
    const { source, told } = open(100);
    await after(7);
    source.give(...HEAD);
    await after(30);
    source.give(m.textDelta(0, 'a'));
    await after(30);
    source.give(m.textDelta(0, 'b'));
    await after(40);
    expect(told).toEqual(['7: ', '107: ab']);
    source.give(m.textDelta(0, 'c'));
    await after(100);
    expect(told.slice(2)).toEqual(['207: abc']);
    await after(500);
    source.give(m.textDelta(0, 'd'));
    await settle();
    expect(told.slice(3)).toEqual(['707: abcd']);
    source.give(m.textDelta(0, 'e'));
    await after(1);
    source.give(m.blockStop(0), m.messageDelta(), m.stop);
    source.end();
    await settle();
    expect(told.slice(4)).toEqual(['708: abcde']);
    await after(1000);
    expect(told).toHaveLength(5);
  });

  test('there is a timer only while a change waits', async () => {
    const { source, stream } = open(100);
    expect(vi.getTimerCount()).toBe(0);
    source.give(...HEAD);
    await settle();
    expect(vi.getTimerCount()).toBe(0);
    source.give(m.textDelta(0, 'a'));
    await settle();
    expect(vi.getTimerCount()).toBe(1);
    source.give(m.textDelta(0, 'b'));
    await settle();
    expect(vi.getTimerCount()).toBe(1);
    await after(100);
    expect(vi.getTimerCount()).toBe(0);
    stream.abort();
  });

  type End = [string, (source: Feed, stream: MessageStream) => void, string, unknown];
  test.each<End>([
    ['complete', (source) => source.give(m.messageDelta(), m.stop).end(), 'complete', undefined],
    ['cut', (source) => source.end(), 'truncated', TruncatedError],
    ['an error event', (source) => source.give(m.apiError()), 'errored', ApiError],
    ['a broken connection', (source) => source.fail(new Error('reset')), 'disconnected', ConnectionError],
    ['abort()', (_, stream) => stream.abort(), 'aborted', AbortError],
  ])('the end is published at once, and no timer is left: %s', async (_, finish, status, kind) => {
    const { source, stream, live, told } = open(60_000);
    source.give(...HEAD);
    await settle();
    source.give(m.textDelta(0, 'last'));
    await settle();
    expect(vi.getTimerCount()).toBe(1);
    finish(source, stream);
    expect(told).toEqual(['0: ']);
    await settle();
    expect(told).toEqual(['0: ', '0: last']);
    expect(vi.getTimerCount()).toBe(0);
    const { outcome, blocks, message } = live.getSnapshot();
    expect(outcome.status).toBe(status);
    if (kind === undefined) expect(outcome.error).toBeUndefined();
    else expect(outcome.error).toBeInstanceOf(kind);
    expect(outcome).toBe(stream.outcome);
    expect(blocks).toBe(stream.blocks);
    expect(message).toBe(stream.snapshot);
    await after(120_000);
    expect(told).toHaveLength(2);
  });

  test('the end is published at once, and no timer is left: silence', async () => {
    const source = feed();
    const stream = MessageStream.from(source, { idleTimeoutMs: 500 });
    const { live, told } = listen(store(stream, { everyMs: 60_000 }));
    source.give(...HEAD);
    await settle();
    source.give(m.textDelta(0, 'last'));
    await after(500);
    expect(told).toEqual(['0: ', '500: last']);
    expect(live.getSnapshot().outcome.error).toBeInstanceOf(IdleTimeoutError);
  });

  test('the end is in getSnapshot() as soon as finalMessage() is settled', async () => {
    const stream = MessageStream.fromEvents(m.textEvents(['a']));
    const final = stream.finalMessage();
    const { live } = listen(store(stream, { everyMs: 100 }));
    expect(await final).toBe(live.getSnapshot().message);
    expect(live.getSnapshot().outcome.status).toBe('complete');
  });

  test('a clock that is set back delays nothing', async () => {
    const { source, stream, told } = open(100);
    source.give(...HEAD);
    await settle();
    vi.setSystemTime(5000);
    source.give(m.textDelta(0, 'a'));
    await settle();
    expect(told).toHaveLength(2);
    stream.abort();
  });

  test('without setTimeout: published with the next event after everyMs, and at the end', async () => {
    const { source, stream, live, told } = open(100);
    const pass = async (ms: number): Promise<void> => {
      for (let n = 0; n < 20; n++) await Promise.resolve();
      vi.setSystemTime(Date.now() + ms);
    };
    vi.stubGlobal('setTimeout', undefined);
    vi.stubGlobal('clearTimeout', undefined);
    source.give(...HEAD);
    await pass(50);
    expect(told).toHaveLength(1);
    source.give(m.textDelta(0, 'a'));
    await pass(50);
    expect(told).toHaveLength(1);
    source.give(m.textDelta(0, 'b'));
    await pass(0);
    expect(told).toHaveLength(2);
    expect(textOf(live)).toBe('ab');
    source.give(m.textDelta(0, 'c'));
    await pass(1);
    expect(textOf(live)).toBe('ab');
    stream.abort();
    await pass(0);
    expect(textOf(live)).toBe('abc');
    expect(told).toHaveLength(3);
  });

  test.each([-1, Number.NaN, -Infinity, '5', null])('%o is a RangeError', (everyMs) => {
    const stream = MessageStream.fromEvents([]);
    expect(() => store(stream, { everyMs: everyMs as number })).toThrow(RangeError);
    expect(() => store(stream, { everyMs: everyMs as number })).toThrow(/^everyMs must be 0 or more, this is /);
  });

  test('Infinity: the first and the last', async () => {
    const { source, told } = open(Infinity);
    source.give(...HEAD);
    await settle();
    source.give(m.textDelta(0, 'a'));
    await after(86_400_000);
    expect(told).toEqual(['0: ']);
    source.end();
    await settle();
    expect(told).toEqual(['0: ', '86400000: a']);
  });

  test('any stream at any pace: never too often, never too late, and the end is the end', async () => {
    const steps = fc.array(fc.record({ wait: fc.nat(80), events: fc.integer({ min: 1, max: 4 }) }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 100 }), fc.boolean(), async (script, everyMs, cut) => {
        const { source, stream, live } = open(everyMs);
        const times: number[] = [];
        live.subscribe(() => times.push(Date.now()));
        source.give(...HEAD);
        await settle();
        const begun = Date.now();
        let changed = begun;
        for (const { wait, events } of script) {
          for (let ms = 0; ms < wait; ms++) {
            await after(1);
            // What has changed is seen at the latest everyMs later.
            if (Date.now() >= changed + everyMs) expect(live.getSnapshot().message).toBe(stream.snapshot);
          }
          const pending = live.getSnapshot().message !== stream.snapshot;
          source.give(...Array.from({ length: events }, () => m.textDelta(0, 'x')));
          if (!pending) changed = Date.now();
          await settle();
        }
        const inTime = times.length;
        if (cut) stream.abort();
        else source.give(m.blockStop(0), m.messageDelta(), m.stop).end();
        await settle();
        expect(vi.getTimerCount()).toBe(0);
        expect(times[0]).toBe(begun);
        for (let n = 1; n < inTime; n++) expect(times[n]! - times[n - 1]!).toBeGreaterThanOrEqual(everyMs);
        expect(times.length).toBe(inTime + 1);
        expect(live.getSnapshot().message).toBe(stream.snapshot);
        expect(live.getSnapshot().outcome.status).toBe(cut ? 'aborted' : 'complete');
        expect(stream.outcome).toBe(live.getSnapshot().outcome);
      }),
      { numRuns: 40 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1) },
    );
  }, 300_000);
});

describe('subscribers', () => {
  test('while nobody is subscribed there is no timer, no snapshot is made, and getSnapshot() is the present state', async () => {
    const { source, stream, live, off } = open(100);
    source.give(...HEAD);
    await settle();
    source.give(m.textDelta(0, 'a'));
    await settle();
    expect(vi.getTimerCount()).toBe(1);
    off();
    expect(vi.getTimerCount()).toBe(0);
    const looks = vi.spyOn(MessageStream.prototype, 'snapshot', 'get');
    for (let n = 0; n < 100; n++) {
      source.give(m.textDelta(0, 'b'));
      await settle();
    }
    expect(looks).toHaveBeenCalledTimes(0);
    expect(vi.getTimerCount()).toBe(0);
    expect(textOf(live)).toBe(`a${'b'.repeat(100)}`);
    expect(live.getSnapshot()).toBe(live.getSnapshot());
    expect(looks).toHaveBeenCalledTimes(1);
    stream.abort();
  });

  test('while somebody is subscribed a snapshot is made once a publication', async () => {
    const { source, stream, told } = open(100);
    const looks = vi.spyOn(MessageStream.prototype, 'snapshot', 'get');
    source.give(...HEAD);
    for (let n = 0; n < 1000; n++) {
      source.give(m.textDelta(0, 'b'));
      await after(1);
    }
    expect(told).toHaveLength(11);
    expect(looks).toHaveBeenCalledTimes(11);
    stream.abort();
    await settle();
    expect(told).toHaveLength(12);
    expect(looks).toHaveBeenCalledTimes(12);
  });

  test('who comes while a change waits is told of it', async () => {
    const { source, stream, live, off } = open(100);
    source.give(...HEAD);
    await settle();
    source.give(m.textDelta(0, 'a'));
    await after(40);
    off();
    const { told } = listen(live);
    expect(live.getSnapshot().message?.content).toEqual([{ type: 'text', text: '' }]);
    expect(vi.getTimerCount()).toBe(1);
    await after(59);
    expect(told).toEqual([]);
    await after(1);
    expect(told).toEqual(['60: a']);
    stream.abort();
  });

  test('who has seen the present state on coming is not told of it again', async () => {
    const { source, stream, live, off } = open();
    off();
    source.give(...HEAD);
    await settle();
    const seen = live.getSnapshot();
    const { told } = listen(live);
    source.give(m.ping);
    await settle();
    expect(told).toEqual([]);
    expect(live.getSnapshot()).toBe(seen);
    stream.abort();
  });

  test('who goes before a publication that is due takes it along', async () => {
    const stream = MessageStream.from(m.textBody(['a', 'b']));
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    const { told, off } = listen(store(stream));
    const looks = vi.spyOn(MessageStream.prototype, 'snapshot', 'get');
    const next = iterator.next();
    off();
    await next;
    expect(told).toEqual([]);
    expect(looks).not.toHaveBeenCalled();
    stream.abort();
  });

  test('who comes after the end finds it, and is told nothing', async () => {
    const stream = MessageStream.fromEvents(m.textEvents(['a']));
    await stream.finalMessage();
    const { live, told } = listen(store(stream, { everyMs: 100 }));
    await after(1000);
    expect(told).toEqual([]);
    expect(live.getSnapshot()).toMatchObject({ outcome: { status: 'complete' } });
    expect(live.getSnapshot()).toBe(live.getSnapshot());
    expect(live.getSnapshot().message).toBe(stream.snapshot);
  });

  test('one function subscribed twice is two entries; to unsubscribe twice does no harm', async () => {
    const { source, stream, live } = open();
    const listener = vi.fn<() => void>();
    const [first, second] = [live.subscribe(listener), live.subscribe(listener)];
    source.give(m.start());
    await settle();
    expect(listener).toHaveBeenCalledTimes(2);
    expect(listener).toHaveBeenCalledWith();
    first();
    first();
    source.give(m.textStart(0));
    await settle();
    expect(listener).toHaveBeenCalledTimes(3);
    second();
    source.give(m.textDelta(0, 'a'));
    await settle();
    expect(listener).toHaveBeenCalledTimes(3);
    stream.abort();
  });

  test('who is unsubscribed by another listener is not called; who is added waits for the next publication', async () => {
    const { source, stream, live } = open();
    const calls: string[] = [];
    live.subscribe(() => {
      calls.push('first');
      offSecond();
      if (calls.length === 1) live.subscribe(() => void calls.push('third'));
    });
    const offSecond = live.subscribe(() => void calls.push('second'));
    source.give(m.start());
    await settle();
    expect(calls).toEqual(['first']);
    source.give(m.textStart(0));
    await settle();
    expect(calls).toEqual(['first', 'first', 'third']);
    stream.abort();
  });

  test('a listener may abort the stream, and is told of the end', async () => {
    for (const iterating of [true, false]) {
      const { source, stream, live, told } = open();
      const seen: string[] = [];
      live.subscribe(() => {
        seen.push(live.getSnapshot().outcome.status);
        stream.abort('enough');
      });
      const reading = iterating ? stream[Symbol.asyncIterator]().next() : undefined;
      source.give(m.start());
      await settle();
      await reading;
      expect(seen).toEqual(['open', 'aborted']);
      expect(told).toHaveLength(2);
    }
  });

  test('a listener that throws stops nobody; its error is reported in a job of its own', async () => {
    const jobs: (() => void)[] = [];
    vi.stubGlobal('queueMicrotask', (job: () => void) => void jobs.push(job));
    const { source, live, told } = open();
    const mistake = new Error('mine');
    live.subscribe(() => {
      throw mistake;
    });
    const last = listen(live);
    source.give(...m.textEvents(['a'])).end();
    await settle();
    expect(last.told).toEqual(told);
    expect(told.at(-1)).toBe('0: a');
    expect(live.getSnapshot().outcome.status).toBe('complete');
    expect(jobs).toHaveLength(told.length);
    for (const job of jobs) expect(job).toThrow(mistake);
  });

  test('without queueMicrotask a timer reports it', async () => {
    vi.stubGlobal('queueMicrotask', undefined);
    const { source, live } = open();
    live.subscribe(() => {
      throw new Error('mine');
    });
    source.give(m.start());
    for (let n = 0; n < 20; n++) await Promise.resolve();
    expect(vi.getTimerCount()).toBe(1);
    expect(() => vi.runAllTimers()).toThrow('mine');
    live.subscribe(() => {});
    expect(unhandled).toEqual([]);
  });
});

describe('the stream', () => {
  test('is driven where nobody iterates, with or without subscribers, and left alone otherwise', async () => {
    const { source, stream, live, off } = open();
    off();
    source.give(...HEAD);
    await settle();
    expect(stream.snapshot?.content).toHaveLength(1);
    const iterator = stream[Symbol.asyncIterator]();
    source.give(m.textDelta(0, 'a'), m.textDelta(0, 'b'));
    await settle();
    expect(textOf(live)).toBe('');
    await iterator.next();
    expect(textOf(live)).toBe('a');
    await iterator.next();
    expect(textOf(live)).toBe('ab');
    await iterator.return?.();
    expect(live.getSnapshot().outcome.status).toBe('aborted');
  });

  test('is not read before a microtask has passed', async () => {
    const source = feed();
    store(MessageStream.from(source));
    expect(source.reads).toBe(0);
    await settle();
    expect(source.reads).toBe(1);
    source.end();
    await settle();
  });

  test('an error that only the store was there to see is thrown by a later iterator', async () => {
    const { source, stream, live } = open();
    source.give(...HEAD).fail(new Error('reset'));
    await settle();
    expect(live.getSnapshot().outcome.status).toBe('disconnected');
    const drain = async (): Promise<void> => {
      for await (const event of stream) expect(event).toBeUndefined();
    };
    await expect(drain()).rejects.toThrow(ConnectionError);
    await expect(drain()).resolves.toBeUndefined();
    await expect(stream.finalMessage()).rejects.toThrow(ConnectionError);
  });

  test('several stores over one stream have paces of their own', async () => {
    const { source, stream, told } = open(100);
    const quick = listen(store(stream));
    for (const event of [...HEAD, m.textDelta(0, 'a')]) {
      source.give(event);
      await after(10);
    }
    expect(quick.told).toEqual(['0: ', '10: ', '20: a']);
    expect(told).toEqual(['0: ']);
    stream.abort();
    await settle();
    expect(told).toEqual(['0: ', '30: a']);
  });

  test('tee() and store exclude each other; a half has its own store', async () => {
    const source = MessageStream.fromEvents(m.textEvents(['a']));
    const [left, right] = source.tee();
    expect(() => store(source)).toThrow(TypeError);
    expect(() => store(source)).toThrow(/tee\(\) split it/);
    const [one, two] = [store(left), store(right)];
    expect(() => left.tee()).toThrow(/a store is reading it/);
    await Promise.all([left.finalMessage(), right.finalMessage()]);
    expect(textOf(one)).toBe('a');
    expect(one.getSnapshot().message).not.toBe(two.getSnapshot().message);
    expect(one.getSnapshot().message).toEqual(two.getSnapshot().message);
  });
});

describe('a process of its own', () => {
  const IMPORTS = `
    import { MessageStream } from './src/stream/message-stream.ts';
    import { store } from './src/stream/store.ts';`;
  /** A stream whose second chunk waits for \`everyMs\`; then it hangs, without anything that keeps the process alive. */
  const STALLED = `
    const chunks = ${JSON.stringify([m.frame(m.start()), m.frame(m.textStart(0))])};
    const source = { [Symbol.asyncIterator]: () => ({
      next: () => chunks.length > 0 ? Promise.resolve({ value: chunks.shift() }) : new Promise(() => {}),
    }) };
    const stream = MessageStream.from(source);
    const live = store(stream, { everyMs: 600_000 });
    const off = live.subscribe(() => console.log(live.getSnapshot().message.content.length));
    await new Promise((resolve) => setTimeout(resolve, 50));`;

  async function run(script: string): Promise<{ output: string; signal: string | null }> {
    const { outputFiles } = await build({
      stdin: { contents: `${IMPORTS}${script}`, resolveDir: ROOT, loader: 'ts' },
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2022',
    });
    const child = spawnSync(process.execPath, ['--input-type=module'], {
      input: outputFiles[0]!.text,
      encoding: 'utf8',
      timeout: 1500,
    });
    return { output: child.stdout + child.stderr, signal: child.signal };
  }

  test('ends while a change waits, if the stream ends', async () => {
    expect(await run(`${STALLED} stream.abort();`)).toEqual({ output: '0\n1\n', signal: null });
  });

  test('ends while a change waits, if nobody is subscribed', async () => {
    expect(await run(`${STALLED} off();`)).toEqual({ output: '0\n', signal: null });
  });

  test('goes on while a change waits for somebody', async () => {
    expect(await run(STALLED)).toEqual({ output: '0\n', signal: 'SIGTERM' });
  });

  test.each(['', 'globalThis.queueMicrotask = undefined;'])('is told what a listener throws: %s', async (without) => {
    const { output } = await run(`${without}
      process.on('uncaughtException', ({ message }, origin) => console.log(origin, message));
      const stream = MessageStream.from(${JSON.stringify(m.textBody(['a']))});
      store(stream).subscribe(() => { throw new Error('mine'); });
      console.log((await stream.finalText()));`);
    expect(output).toContain('uncaughtException mine\n');
    expect(output).toContain('a\n');
  });
});
