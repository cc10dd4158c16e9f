/** Everything that a stream can be opened over, over real connections where there are any. */

import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { request } from 'undici';
import { ApiError } from '../src/protocol/api-error.ts';
import { MessageStream } from '../src/stream/message-stream.ts';
import type { ByteSource } from '../src/stream/source.ts';
import * as m from './support/messages.ts';
import { openStream, startServer, type TestServer } from './support/server.ts';

const body = m.textBody(['héllo ', '世界 🎉']);
const bytes = new TextEncoder().encode(body);

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});
async function serve(handler: Parameters<typeof startServer>[0]): Promise<TestServer> {
  server = await startServer(handler);
  return server;
}

/** 64 MB of deltas of about 16 kB each, made as they are asked for. */
function* flood(seen: { bytes: number }): Generator<Uint8Array> {
  const piece = 'x'.repeat(16_000);
  const deltas = Array<{ type: string }>(4000).fill(m.textDelta(0, piece));
  const events = [m.start(), m.textStart(0), ...deltas, m.blockStop(0)];
  for (const event of events) {
    const chunk = new TextEncoder().encode(m.frame(event));
    seen.bytes += chunk.length;
    yield chunk;
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('sources', () => {
  it.each<[string, () => ByteSource]>([
    ['a string', () => body],
    ['a Uint8Array', () => bytes],
    ['a Buffer', () => Buffer.from(bytes)],
    ['an ArrayBuffer', () => bytes.slice().buffer],
    ['a DataView', () => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)],
    ['a Response', () => new Response(body)],
    ['a ReadableStream', () => new Response(body).body!],
    [
      'a ReadableStream of strings',
      () =>
        ReadableStream.from(
          m
            .cut(body, 1e6)
            .map(String)
            .map(() => body),
        ),
    ],
    ['a byte stream', () => new Blob([body]).stream()],
    ['a Node Readable', () => Readable.from(m.cut(body, 5))],
    [
      'a Node Readable with an encoding',
      () => Readable.from([Buffer.from(bytes)], { objectMode: false }).setEncoding('utf8'),
    ],
    ['an array of chunks', () => m.cut(body, 3)],
    ['an array of mixed chunks', () => [body.slice(0, 40), new TextEncoder().encode(body.slice(40))]],
    [
      'a generator',
      () =>
        (function* () {
          yield* m.cut(body, 9);
        })(),
    ],
    [
      'an async generator',
      () =>
        (async function* () {
          yield* m.cut(body, 9);
        })(),
    ],
    ['an iterable of promises', () => m.cut(body, 9).map((chunk) => Promise.resolve(chunk))],
    ['a generator of ArrayBuffers', () => m.cut(body, 9).map((chunk) => chunk.slice().buffer)],
    [
      'a response of another fetch, its body a Node stream',
      () => ({ status: 200, headers: new Headers(), body: Readable.from(m.cut(body, 9)) }),
    ],
  ])('%s', async (_, open) => {
    const stream = MessageStream.from(open());
    expect(await stream.finalText()).toBe('héllo 世界 🎉');
    expect(stream.diagnostics).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    ['undefined', undefined, /undefined/],
    ['null', null, /null/],
    ['a number', 7, /a number/],
    ['a plain object', {}, /plain object/],
    ['a promise', fetch('data:,'), /await/],
    ['a function', () => body, /Function/],
    ['a Blob', new Blob([body]), /Blob/],
    ['a response without a body stream', { status: 200, headers: new Headers() }, /no body stream/],
  ])('refuses %s and says what it was', (_, source, message) => {
    expect(() => MessageStream.from(source as ByteSource)).toThrow(TypeError);
    expect(() => MessageStream.from(source as ByteSource)).toThrow(message);
  });

  it('refuses a body that was read, and one that is locked', async () => {
    const read = new Response(body);
    await read.text();
    expect(() => MessageStream.from(read)).toThrow(TypeError);
    expect(() => MessageStream.from(read)).toThrow(/has been read already/);
    const locked = new Response(body);
    locked.body?.getReader();
    expect(() => MessageStream.from(locked)).toThrow(TypeError);
  });

  it.each([[42], [null], [undefined], ['text'], [new Uint8Array(2)], [{}]])('fromEvents refuses %s', (source) => {
    expect(() => MessageStream.fromEvents(source as never)).toThrow(TypeError);
  });

  it('closes whatever it is when the caller leaves', async () => {
    let finished = false;
    const generator = (function* () {
      try {
        yield* m.cut(body, 20);
      } finally {
        finished = true;
      }
    })();
    for await (const _ of MessageStream.from(generator)) break;
    expect(finished).toBe(true);

    const readable = Readable.from(m.cut(body, 20));
    for await (const _ of MessageStream.from(readable)) break;
    expect(readable.destroyed).toBe(true);

    const unread = Readable.from(m.cut(body, 20));
    MessageStream.from(unread).abort();
    expect(unread.destroyed).toBe(true);
  });

  it('a Node stream that fails before it is read does not bring the process down', async () => {
    const readable = new Readable({ read: () => {} });
    const stream = MessageStream.from(readable);
    readable.destroy(new Error('early'));
    await new Promise((resolve) => readable.once('close', resolve));
    await expect(stream.finalMessage()).rejects.toMatchObject({ name: 'ConnectionError' });
  });
});

describe('pull', () => {
  it('64 MB before a sleeping consumer: less than 1 MB is read, from any kind of source', async () => {
    const opened: [string, (seen: { bytes: number }) => ByteSource][] = [
      ['generator', (seen) => flood(seen)],
      ['ReadableStream', (seen) => ReadableStream.from(flood(seen))],
      ['Response', (seen) => new Response(ReadableStream.from(flood(seen)))],
      ['Node Readable', (seen) => Readable.from(flood(seen))],
    ];
    for (const [name, open] of opened) {
      const seen = { bytes: 0 };
      const stream = MessageStream.from(open(seen));
      await sleep(5);
      // A ReadableStream takes its first chunk by itself; that is not our reading.
      expect(seen.bytes, `${name}, unread`).toBeLessThan(17_000 * (name === 'Node Readable' ? 20 : 2));
      let count = 0;
      for await (const _ of stream) {
        await sleep(5);
        if (++count === 8) break;
      }
      await sleep(5);
      expect(seen.bytes, `${name}, sleeping`).toBeLessThan(1_000_000);
    }
  });

  it('and over a real connection the server is held back', async () => {
    const seen = { bytes: 0 };
    const { url } = await serve((_, response) => {
      openStream(response);
      Readable.from(flood(seen)).pipe(response);
    });
    const stream = MessageStream.from(await fetch(url));
    let taken = 0;
    for await (const event of stream) {
      if (event.type === 'content_block_delta') taken += 16_000;
      await sleep(10);
      if (taken > 100_000) break;
    }
    // What has left the server sits in the sockets' buffers, whose size is the system's; the 64 MB do not.
    expect(seen.bytes).toBeLessThan(16_000_000);
  });
});

describe('over HTTP', () => {
  it('fetch: the message, the response, the request id', async () => {
    const { url } = await serve((_, response) => {
      openStream(response);
      response.end(body);
    });
    const response = await fetch(url);
    const stream = MessageStream.from(response);
    expect(stream.requestId).toBe('req_test');
    expect(stream.response).toBe(response);
    expect(await stream.finalText()).toBe('héllo 世界 🎉');
  });

  it('undici: the body of a request', async () => {
    const { url } = await serve(async (_, response) => {
      openStream(response);
      for (const chunk of m.cut(body, 50)) {
        response.write(chunk);
        await sleep(1);
      }
      response.end();
    });
    const stream = MessageStream.from((await request(url)).body);
    expect(await stream.finalText()).toBe('héllo 世界 🎉');
  });

  const ways: [string, (stream: MessageStream, controller: AbortController) => Promise<unknown>][] = [
    [
      'break',
      async (stream) => {
        for await (const _ of stream) break;
      },
    ],
    [
      'abort() during a hung read',
      async (stream) => {
        const final = stream.finalMessage();
        await sleep(20);
        stream.abort();
        await final.catch(() => {});
      },
    ],
    ['abort() before any read', async (stream) => stream.abort()],
    [
      'the signal',
      async (stream, controller) => {
        const final = stream.finalMessage();
        await sleep(20);
        controller.abort();
        await expect(final).rejects.toMatchObject({ name: 'AbortError' });
      },
    ],
    [
      'the idle timeout',
      async (stream) => {
        await stream.finalMessage().catch(() => {});
      },
    ],
    [
      'cancel() of toReadableStream()',
      async (stream) => {
        await stream.toReadableStream().cancel();
      },
    ],
    [
      'both halves of tee()',
      async (stream) => {
        for (const half of stream.tee()) for await (const _ of half) break;
      },
    ],
  ];
  for (const [carrier, open] of [
    ['fetch', (url: string) => fetch(url)],
    ['undici', async (url: string) => (await request(url)).body],
  ] as const) {
    it.each(ways)(`${carrier}: the server sees the connection close after %s`, async (_, leave) => {
      const { url, closed } = await serve((_request, response) => {
        openStream(response);
        response.write(m.frame(m.start()) + m.frame(m.ping));
      });
      const controller = new AbortController();
      const stream = MessageStream.from(await open(url), { signal: controller.signal, idleTimeoutMs: 100 });
      await leave(stream, controller);
      await closed();
    });

    it(`${carrier}: a connection that breaks is a ConnectionError`, async () => {
      const { url } = await serve(async (_, response) => {
        openStream(response);
        response.write(m.frame(m.start()));
        await sleep(20);
        response.destroy();
      });
      const error = await MessageStream.from(await open(url))
        .finalMessage()
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: 'ConnectionError', outcome: { status: 'disconnected' } });
      expect((error as Error).cause).toBeInstanceOf(Error);
    });
  }

  it("fetch: the caller's own signal on the request alone is an abort too", async () => {
    const { url } = await serve((_, response) => {
      openStream(response);
      response.write(m.frame(m.start()));
    });
    const controller = new AbortController();
    const stream = MessageStream.from(await fetch(url, { signal: controller.signal }));
    const final = stream.finalMessage();
    await sleep(20);
    controller.abort();
    await expect(final).rejects.toMatchObject({ name: 'AbortError', outcome: { status: 'aborted' } });
  });

  it('an early hint of an error: a JSON body with its status', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(529, { 'content-type': 'application/json', 'request-id': 'req_529' });
      response.end('{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}');
    });
    const error = await MessageStream.from(await fetch(url))
      .finalMessage()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: 'OverloadedError',
      type: 'overloaded_error',
      status: 529,
      requestId: 'req_529',
      retryable: true,
    });
  });

  it.each(['', 'upstream connect error or disconnect/reset before headers', '<html>502 Bad Gateway</html>'])(
    'a status that is an error with the body %j is an ApiError of that status',
    async (text) => {
      const { url } = await serve((_, response) => {
        response.writeHead(502, { 'request-id': 'req_502' });
        response.end(text);
      });
      const error = await MessageStream.from(await fetch(url))
        .finalMessage()
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ApiError);
      expect(error).toMatchObject({ status: 502, requestId: 'req_502', outcome: { status: 'errored' } });
    },
  );

  it('a response with a null body is an empty stream', async () => {
    const stream = MessageStream.from(new Response(null, { status: 200 }));
    await expect(stream.finalMessage()).rejects.toMatchObject({ name: 'TruncatedError' });
  });
});
