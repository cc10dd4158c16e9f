import { describe, expect, it } from 'vitest';
import { AbortError, TruncatedError } from '../src/errors.ts';
import type { StreamEvent } from '../src/protocol/events.ts';
import { MessageStream } from '../src/stream/message-stream.ts';
import * as m from './support/messages.ts';

const tool = { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} };
const json = (text: string) => ({ type: 'input_json_delta', partial_json: text });

/** Every kind of block, two of them interleaved, and a block that never stops. */
const mixed = [
  m.start(),
  m.blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
  m.delta(0, { type: 'thinking_delta', thinking: 'so ' }),
  m.delta(0, { type: 'thinking_delta', thinking: 'it is' }),
  m.blockStop(0),
  m.textStart(1, 'al'),
  m.blockStart(2, tool),
  m.textDelta(1, 'pha'),
  m.delta(2, json('{"a":')),
  m.blockStop(1),
  m.delta(2, json('1}')),
  m.blockStop(2),
  m.textStart(3),
  m.textDelta(3, ' omega'),
  m.messageDelta(),
  m.stop,
];
const mixedBody = mixed.map(m.frame).join('');

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Items and then, if it threw, the error. */
async function drain<T>(items: AsyncIterable<T>): Promise<{ items: T[]; error: unknown }> {
  const all: T[] = [];
  try {
    for await (const item of items) all.push(item);
  } catch (error) {
    return { items: all, error };
  }
  return { items: all, error: undefined };
}

/** An async source of chunks that counts what was asked of it and tells whether it was closed. */
function watched(chunks: readonly (string | Uint8Array)[]) {
  const seen = { reads: 0, returned: 0 };
  const iterable = {
    [Symbol.asyncIterator]() {
      let at = 0;
      return {
        async next() {
          seen.reads++;
          const value = chunks[at++];
          return value === undefined ? { done: true as const, value: undefined } : { done: false as const, value };
        },
        async return() {
          seen.returned++;
          return { done: true as const, value: undefined };
        },
      };
    },
  };
  return { seen, iterable };
}

describe('iterating', () => {
  it('hands out every event in wire order, ping and unknown ones included', async () => {
    const events = [...m.textEvents(['a']), { type: 'novelty', x: 1 }];
    const body = events.map(m.frame).join('') + 'data: [DONE]\n\n';
    const types = (await collect(MessageStream.from(body))).map((event) =>
      event.type === 'unknown' ? event.reason : event.type,
    );
    expect(types).toEqual([...m.textEvents(['a']).map((event) => event.type), 'type', 'sentinel']);
  });

  it.each([1, 2, 7, 64, 100_000])('gives the same events and message in chunks of %i bytes', async (size) => {
    const stream = MessageStream.from(m.cut(m.textBody(['héllo ', '世界 🎉']), size));
    const events = await collect(stream);
    expect(events).toEqual(m.textEvents(['héllo ', '世界 🎉']));
    expect(stream.outcome.status).toBe('complete');
    expect(await stream.finalText()).toBe('héllo 世界 🎉');
  });

  it('joins strings that are cut inside a surrogate pair', async () => {
    const body = m.textBody(['🎉🎉']);
    expect(await MessageStream.from(body.split('')).finalText()).toBe('🎉🎉');
  });

  it('shows the snapshot after the event, not after the chunk', async () => {
    const stream = MessageStream.from(m.textBody(['a', 'b', 'c']));
    const texts: string[] = [];
    for await (const event of stream) {
      const block = stream.snapshot?.content[0];
      if (event.type === 'content_block_delta' && block?.type === 'text') texts.push(block.text);
    }
    expect(texts).toEqual(['a', 'ab', 'abc']);
  });

  it('reads nothing before an event is wanted, and no chunk more than it needs', async () => {
    const { seen, iterable } = watched(m.textEvents(['a', 'b']).map(m.frame));
    const stream = MessageStream.from(iterable);
    const iterator = stream[Symbol.asyncIterator]();
    await Promise.resolve();
    expect(seen.reads).toBe(0);
    await iterator.next();
    expect(seen.reads).toBe(1);
    await iterator.next();
    expect(seen.reads).toBe(2);
  });

  it('answers concurrent next() calls in order', async () => {
    const { iterable } = watched(m.cut(m.textBody(['a', 'b', 'c']), 11));
    const iterator = MessageStream.from(iterable)[Symbol.asyncIterator]();
    const results = await Promise.all(Array.from({ length: 14 }, () => iterator.next()));
    const given = results.filter((result) => result.done !== true).map((result) => result.value);
    expect(given).toEqual(m.textEvents(['a', 'b', 'c']));
    expect(results.slice(given.length).every((result) => result.done)).toBe(true);
  });

  it('ends normally when the outcome is complete, and at once ever after', async () => {
    const stream = MessageStream.from(m.textBody(['a']));
    await collect(stream);
    expect(await collect(stream)).toEqual([]);
    expect(await collect(stream.textStream)).toEqual([]);
    expect(await collect(stream.blockStream)).toEqual([]);
  });

  it('throws once at the end of a cut stream, after its last event', async () => {
    const events = m.textEvents(['a', 'b']).slice(0, -2);
    const stream = MessageStream.from(events.map(m.frame));
    const first = await drain(stream);
    expect(first.items).toEqual(events);
    expect(first.error).toBeInstanceOf(TruncatedError);
    expect(first.error).toBe(stream.outcome.error);
    expect(await drain(stream)).toEqual({ items: [], error: undefined });
    await expect(stream.finalMessage()).rejects.toBe(first.error);
  });

  it('throws for a damaged stream', async () => {
    const body = m.textBody(['a']).replace('data: {"type":"content_block_stop"', 'data: {oops');
    const stream = MessageStream.from(body);
    const { items, error } = await drain(stream);
    expect(items).toHaveLength(m.textEvents(['a']).length);
    expect((error as Error).name).toBe('DamagedError');
    expect(stream.outcome.status).toBe('damaged');
  });

  it('throws for an empty stream', async () => {
    for (const source of ['', [], new Uint8Array(0), ': only a comment\n\n']) {
      const { items, error } = await drain(MessageStream.from(source));
      expect(items).toEqual([]);
      expect(error).toBeInstanceOf(TruncatedError);
    }
  });

  it('reads on after message_stop: further messages, noise', async () => {
    const body = m.textBody(['one'], 'msg_1') + m.textBody(['two'], 'msg_2') + 'data: [DONE]\n\n';
    const stream = MessageStream.from(body);
    const events = await collect(stream);
    expect(events.at(-1)).toMatchObject({ type: 'unknown', reason: 'sentinel' });
    expect(stream.messages.map(({ message }) => message.id)).toEqual(['msg_1', 'msg_2']);
    expect(await stream.finalText()).toBe('two');
  });

  it('hands out a whole last event that lacks its blank line', async () => {
    const stream = MessageStream.from(m.textBody(['a']).trimEnd());
    expect((await collect(stream)).at(-1)).toEqual(m.stop);
    expect(stream.diagnostics.map(({ code }) => code)).toEqual(['missing-final-blank-line']);
  });
});

describe('textStream, thinkingStream, blockStream', () => {
  it('textStream gives what finalText() joins, text in the start included', async () => {
    const stream = MessageStream.from(mixedBody);
    const pieces = await collect(stream.textStream);
    expect(pieces).toEqual(['alpha', ' omega']);
    expect(await stream.finalText()).toBe(pieces.join(''));
  });

  it('textStream gives text that came whole in a start, of a block or of the message', async () => {
    const start = m.start();
    (start['message'] as { content: object[] }).content = [{ type: 'text', text: 'one ' }];
    const body = [start, m.textStart(1, 'two '), m.blockStop(1), m.textStart(2, 'three'), m.messageDelta(), m.stop];
    const stream = MessageStream.from(body.map(m.frame));
    expect(await collect(stream.textStream)).toEqual(['one ', 'two ', 'three']);
    expect(await stream.finalText()).toBe('one two three');
  });

  it('a view that is opened in the middle begins there', async () => {
    const second = [
      m.start('msg_2'),
      m.textStart(0, 'se'),
      m.textDelta(0, 'cond'),
      m.blockStop(0),
      m.messageDelta(),
      m.stop,
    ];
    const first = m.textEvents(['a', 'b', 'c'], 'msg_1');
    let release!: () => void;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const source = (async function* () {
      yield first.slice(0, 4).map(m.frame).join('');
      await gate;
      yield [...first.slice(4), ...second].map(m.frame).join('');
    })();
    const stream = MessageStream.from(source);
    const final = stream.finalText();
    while (stream.snapshot?.content[0] === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
    const rest = collect(stream.textStream);
    release();
    expect(await rest).toEqual(['b', 'c', 'second']);
    expect(await final).toBe('second');
  });

  it('textStream leaves out what is not applied', async () => {
    const late = m.textBody(['a']) + m.frame(m.textDelta(0, 'late'));
    expect(await collect(MessageStream.from(late).textStream)).toEqual(['a']);
  });

  it('thinkingStream gives the thinking', async () => {
    expect(await collect(MessageStream.from(mixedBody).thinkingStream)).toEqual(['so ', 'it is']);
  });

  it('blockStream gives each block once, in the order they end, as the final message has it', async () => {
    for (const size of [3, 1_000_000]) {
      const stream = MessageStream.from(m.cut(mixedBody, size));
      const blocks = await collect(stream.blockStream);
      const { content } = await stream.finalMessage();
      expect(blocks.map(({ type }) => type)).toEqual(['thinking', 'text', 'tool_use', 'text']);
      expect(blocks).toEqual(content);
      expect(blocks[2]).toMatchObject({ input: { a: 1 } });
    }
  });

  it('blockStream gives blocks that came whole in the start, and those of every message', async () => {
    const whole = m.start('msg_0');
    (whole['message'] as { content: object[] }).content = [{ ...tool, input: { x: 1 } }];
    const body = m.frame(whole) + m.frame(m.stop) + m.textBody(['two'], 'msg_2');
    const blocks = await collect(MessageStream.from(body).blockStream);
    expect(blocks.map(({ type }) => type)).toEqual(['tool_use', 'text']);
  });

  it('blockStream gives cut blocks before the error, those of a spliced message included', async () => {
    const half = [m.start('msg_1'), m.textStart(0), m.textDelta(0, 'one')];
    const next = [m.start('msg_2'), m.textStart(0), m.textDelta(0, 'two'), m.blockStart(1, tool)];
    const { items, error } = await drain(MessageStream.from([...half, ...next].map(m.frame)).blockStream);
    expect(items).toMatchObject([{ text: 'one' }, { text: 'two' }, { type: 'tool_use', input: {} }]);
    expect(error).toBeInstanceOf(TruncatedError);
  });
});

describe('one reader at a time', () => {
  it('refuses a second iterator while one is unfinished, and names tee()', async () => {
    const stream = MessageStream.from(mixedBody);
    const first = stream[Symbol.asyncIterator]();
    for (const open of [
      () => stream[Symbol.asyncIterator](),
      () => stream.textStream[Symbol.asyncIterator](),
      () => stream.thinkingStream[Symbol.asyncIterator](),
      () => stream.blockStream[Symbol.asyncIterator](),
      () => stream.toReadableStream(),
      () => stream.tee(),
    ]) {
      expect(open).toThrow(TypeError);
      expect(open).toThrow(/tee\(\)/);
    }
    await first.next();
    await first.return?.();
    expect(await collect(stream)).toEqual([]);
  });

  it('a getter alone takes no lock', async () => {
    const stream = MessageStream.from(mixedBody);
    expect(stream.textStream).toBeDefined();
    expect(await collect(stream)).toEqual(mixed);
  });

  it('gives the lock back at the end and after an error', async () => {
    const stream = MessageStream.from(mixedBody.slice(0, 700));
    expect((await drain(stream.textStream)).error).toBeInstanceOf(TruncatedError);
    expect(await collect(stream)).toEqual([]);
  });

  it('throw() aborts and rejects with the error given', async () => {
    const { seen, iterable } = watched([mixedBody]);
    const stream = MessageStream.from(iterable);
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    await expect(iterator.throw?.(new Error('mine'))).rejects.toThrow('mine');
    expect(seen.returned).toBe(1);
    expect(stream.outcome.status).toBe('aborted');
    expect(await iterator.next()).toEqual({ value: undefined, done: true });
  });
});

describe('finalMessage() and finalText()', () => {
  it('drive a stream that nobody iterates', async () => {
    const { seen, iterable } = watched(m.cut(mixedBody, 100));
    const stream = MessageStream.from(iterable);
    const promise = stream.finalMessage();
    expect(seen.reads).toBe(0);
    const message = await promise;
    expect(message.content).toHaveLength(4);
    expect(await stream.finalMessage()).toBe(message);
    expect(await stream.finalText()).toBe('alpha omega');
    expect(stream.snapshot).toBe(message);
  });

  it.each([100, 1e6])('may be called before the iteration begins (chunks of %i bytes)', async (size) => {
    const stream = MessageStream.from(m.cut(mixedBody, size));
    const promise = stream.finalMessage();
    expect(await collect(stream)).toEqual(mixed);
    expect((await promise).content).toHaveLength(4);
  });

  it.each([100, 1e6])('may be called in the middle, and does not run ahead (chunks of %i bytes)', async (size) => {
    const stream = MessageStream.from(m.cut(mixedBody, size));
    let promise: Promise<unknown> | undefined;
    const events: StreamEvent[] = [];
    for await (const event of stream) {
      promise ??= stream.finalMessage();
      await new Promise((resolve) => setTimeout(resolve, 1));
      events.push(event);
    }
    expect(events).toEqual(mixed);
    await promise;
  });

  it('an iterator that is opened while they drive takes over, and misses only what was taken', async () => {
    const { iterable } = watched(mixed.map(m.frame));
    const stream = MessageStream.from(iterable);
    const promise = stream.finalText();
    for (let turn = 0; turn < 6; turn++) await Promise.resolve();
    const rest = await collect(stream);
    expect(rest.length).toBeGreaterThan(5);
    expect(rest.length).toBeLessThanOrEqual(mixed.length);
    expect(rest).toEqual(mixed.slice(-rest.length));
    expect(await promise).toBe('alpha omega');
  });

  it('reject with what had come', async () => {
    const stream = MessageStream.from(m.textEvents(['some']).slice(0, 4).map(m.frame));
    const error = await stream.finalMessage().catch((reason: unknown) => reason as TruncatedError);
    expect(error).toBeInstanceOf(TruncatedError);
    expect((error as TruncatedError).snapshot?.content).toEqual([{ type: 'text', text: 'some' }]);
    expect((error as TruncatedError).blocks).toMatchObject([{ state: 'cut' }]);
    expect((error as TruncatedError).outcome).toBe(stream.outcome);
    expect(await collect(stream)).toEqual([]);
  });

  it('resolve after a break that came after message_stop', async () => {
    const stream = MessageStream.from(m.textBody(['a']));
    for await (const event of stream) if (event.type === 'message_stop') break;
    expect(await stream.finalText()).toBe('a');
    expect(stream.outcome.status).toBe('complete');
  });
});

describe('fromEvents', () => {
  it('takes wire objects, sync and async', async () => {
    for (const source of [mixed, ReadableStream.from(mixed), mixed.map((event) => Promise.resolve(event))]) {
      const stream = MessageStream.fromEvents(source);
      expect(await collect(stream)).toEqual(mixed);
      expect(await stream.finalText()).toBe('alpha omega');
    }
  });

  it('takes the events of another stream, unknown ones included, and gives the same message', async () => {
    const body = m.frame({ type: 'novelty' }) + mixedBody + 'data: {oops\n\ndata: [DONE]\n\n';
    const events = await collect(MessageStream.from(body));
    const again = MessageStream.fromEvents(MessageStream.from(body));
    expect(await collect(again)).toEqual(events);
    expect(await again.finalMessage()).toEqual(await MessageStream.from(body).finalMessage());
  });

  it('keeps what is no event at all as unknown', async () => {
    const { items } = await drain(MessageStream.fromEvents([42, null, 'text', { no: 'type' }]));
    expect(items.map((event) => (event.type === 'unknown' ? event.reason : event.type))).toEqual([
      'shape',
      'shape',
      'shape',
      'shape',
    ]);
  });

  it('shows the snapshot after the event', async () => {
    const stream = MessageStream.fromEvents(m.textEvents(['a', 'b']));
    for await (const event of stream) if (event.type === 'content_block_start') break;
    expect(stream.snapshot?.content).toEqual([{ type: 'text', text: '' }]);
  });
});

describe('strict, limits, onDiagnostic', () => {
  it('strict ends the stream with the ProtocolError and closes the source', async () => {
    const body = m.textEvents(['a']).map(m.frame);
    body.splice(3, 0, m.frame(m.textDelta(9, 'x')));
    const { seen, iterable } = watched(body);
    const stream = MessageStream.from(iterable, { strict: true });
    const { items, error } = await drain(stream);
    expect(items).toHaveLength(3);
    expect(error).toMatchObject({ name: 'ProtocolError', code: 'delta-without-start', at: { event: 4 } });
    expect(seen.returned).toBe(1);
    expect(stream.outcome).toMatchObject({ status: 'errored', error });
    await expect(stream.finalMessage()).rejects.toBe(error);
  });

  it('a limit does the same', async () => {
    const { seen, iterable } = watched([m.textBody(['a'.repeat(500)]), 'more']);
    const stream = MessageStream.from(iterable, { limits: { maxLineBytes: 400 } });
    const error = await stream.finalMessage().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ProtocolError', code: 'line-too-long' });
    expect(seen.returned).toBe(1);
  });

  it('onDiagnostic gets each diagnostic before its event is handed out, and may abort', async () => {
    const { seen, iterable } = watched([m.textBody(['a']).replace('event: ping', 'event: pong'), 'more']);
    const codes: string[] = [];
    const stream: MessageStream = MessageStream.from(iterable, {
      onDiagnostic: ({ code }) => {
        codes.push(code);
        stream.abort('enough');
      },
    });
    const { items, error } = await drain(stream);
    expect(codes).toEqual(['event-name-mismatch', 'missing-block-stop']);
    expect(items.at(-1)).toEqual(m.ping);
    expect(stream.snapshot?.content).toEqual([{ type: 'text', text: '' }]);
    expect(error).toBeInstanceOf(AbortError);
    expect((error as AbortError).cause).toBe('enough');
    expect(seen.returned).toBe(1);
  });

  it('an onDiagnostic that throws aborts the stream, with its error as the cause', async () => {
    const oops = new Error('oops');
    const stream = MessageStream.from(m.textBody(['a']).replace('event: ping', 'event: pong'), {
      onDiagnostic: () => {
        throw oops;
      },
    });
    await expect(stream.finalMessage()).rejects.toMatchObject({ name: 'AbortError', cause: oops });
  });
});
