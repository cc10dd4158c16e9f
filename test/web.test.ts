import { describe, expect, it } from 'vitest';
import { sseEvents, streamEvents } from '../src/stream/web.ts';
import * as m from './support/messages.ts';

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of stream) all.push(item);
  return all;
}

const body = m.textBody(['héllo ', '世界 🎉']);
const events = m.textEvents(['héllo ', '世界 🎉']);

describe.each([1, 5, 1e6])('in chunks of %i bytes', (size) => {
  it('sseEvents() gives server-sent events', async () => {
    const out = await collect(ReadableStream.from(m.cut(body, size)).pipeThrough(sseEvents()));
    expect(out).toEqual(
      events.map((event) => ({ event: event.type, data: JSON.stringify(event), id: '', named: true })),
    );
  });

  it('streamEvents() gives stream events, unknown ones and errors included', async () => {
    const odd = 'data: [DONE]\n\nevent: novelty\ndata: {"type":"novelty"}\n\ndata: {oops\n\n' + m.frame(m.apiError());
    const out = await collect(ReadableStream.from(m.cut(body + odd, size)).pipeThrough(streamEvents()));
    expect(out.slice(0, events.length)).toEqual(events);
    expect(out.slice(events.length)).toMatchObject([
      { type: 'unknown', reason: 'sentinel' },
      { type: 'unknown', reason: 'type' },
      { type: 'unknown', reason: 'json' },
      m.apiError(),
    ]);
  });

  it('reports an unfinished last event and does not hand it out', async () => {
    const unfinished: unknown[] = [];
    const source = ReadableStream.from(m.cut(body + 'event: ping\ndata: {"type"', size));
    const out = await collect(source.pipeThrough(sseEvents({ onUnfinished: (event) => unfinished.push(event) })));
    expect(out).toHaveLength(events.length);
    expect(unfinished).toEqual([{ event: 'ping', data: '{"type"', id: '', named: true }]);
  });

  it('settles a bare CR at the very end', async () => {
    const source = ReadableStream.from(m.cut('data: x\r\r', size));
    expect(await collect(source.pipeThrough(sseEvents()))).toMatchObject([{ data: 'x' }]);
  });
});

describe('sseEvents() and streamEvents()', () => {
  it('take strings', async () => {
    expect(await collect(ReadableStream.from([body]).pipeThrough(streamEvents()))).toEqual(events);
  });

  it('error past a limit, after the events before it', async () => {
    const chunks = [m.frame(m.ping).repeat(3) + `data: ${'x'.repeat(200)}\n\n`, m.frame(m.ping)];
    const reader = ReadableStream.from(chunks)
      .pipeThrough(streamEvents({ maxLineBytes: 100 }))
      .getReader();
    for (let n = 0; n < 3; n++) expect(await reader.read()).toEqual({ done: false, value: m.ping });
    await expect(reader.read()).rejects.toMatchObject({ name: 'ProtocolError', code: 'line-too-long' });
  });

  it('error for a chunk that is neither bytes nor text', async () => {
    const source = ReadableStream.from([7]) as unknown as ReadableStream<Uint8Array>;
    await expect(collect(source.pipeThrough(sseEvents()))).rejects.toBeInstanceOf(TypeError);
  });

  it('hold the source back: no chunk is taken before its events are wanted', async () => {
    let pulled = 0;
    const source = new ReadableStream<string>({
      pull(controller) {
        pulled++;
        controller.enqueue(m.frame(m.ping));
      },
    });
    const reader = source.pipeThrough(streamEvents()).getReader();
    for (let n = 0; n < 3; n++) await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(pulled).toBeLessThan(8);
    await reader.cancel();
  });

  it('need TransformStream', () => {
    const { TransformStream: saved } = globalThis;
    try {
      (globalThis as { TransformStream?: unknown }).TransformStream = undefined;
      expect(() => sseEvents()).toThrow(/TransformStream/);
    } finally {
      globalThis.TransformStream = saved;
    }
  });
});
