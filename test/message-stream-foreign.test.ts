/** A body that is no event stream is named for what it is. */

import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { RateLimitError } from '../src/protocol/api-error.ts';
import { MessageStream } from '../src/stream/message-stream.ts';
import * as m from './support/messages.ts';

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-test',
  content: [{ type: 'text', text: 'hi' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
};
const html = '<!DOCTYPE html>\n<html><head><title>403 Forbidden</title></head></html>';

const failure = async (source: Uint8Array[] | string): Promise<Error> => {
  const stream = MessageStream.from(source);
  const error = await stream.finalMessage().then(
    () => new Error('it resolved'),
    (reason: unknown) => reason as Error,
  );
  const again = MessageStream.from(source);
  await expect(
    (async () => {
      for await (const _ of again);
    })(),
  ).rejects.toMatchObject({ name: error.name, message: error.message });
  return error;
};

describe.each([1, 7, 100_000])('in chunks of %i bytes', (size) => {
  it('a JSON error is the ApiError in it', async () => {
    const body =
      '\n {"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_7"}';
    expect(await failure(m.cut(body, size))).toMatchObject({
      name: 'AuthenticationError',
      status: 401,
      type: 'authentication_error',
      requestId: 'req_7',
    });
  });

  it('a whole Message says that "stream": true was missing', async () => {
    expect((await failure(m.cut(JSON.stringify(message, null, 2), size))).message).toContain('"stream": true');
  });

  it('an HTML page is quoted', async () => {
    expect((await failure(m.cut(html, size))).message).toContain('<!DOCTYPE html>');
  });

  it('gzip is named', async () => {
    const zipped = gzipSync(m.textBody(['a']));
    const chunks = Array.from({ length: Math.ceil(zipped.length / size) }, (_, n) =>
      zipped.subarray(n * size, n * size + size),
    );
    expect((await failure(chunks)).message).toMatch(/gzip/i);
  });

  it('the output of curl -i is named, and the stream after its head is read', async () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: req_c\r\n\r\n';
    const stream = MessageStream.from(m.cut(head + m.textBody(['a']), size));
    expect(await stream.finalText()).toBe('a');
    expect(stream.diagnostics.map(({ code }) => code)).toContain('http-head');
  });
});

it('the error of a refused request carries what the headers of its response say', async () => {
  const body = '{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}';
  const headers = {
    'request-id': 'req_1',
    'retry-after': '7',
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '0',
  };
  const error = await MessageStream.from(new Response(body, { status: 429, headers }))
    .finalMessage()
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RateLimitError);
  expect(error).toMatchObject({
    status: 429,
    requestId: 'req_1',
    retryAfterMs: 7000,
    rateLimits: { requests: { limit: 50, remaining: 0 } },
  });
});
