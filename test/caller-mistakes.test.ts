/** What a caller gets wrong is told at once, by a line that says what to give instead. */

import { afterEach, describe, expect, test, vi } from 'vitest';
import { continuation, MessageParser, MessageStream, salvage, TruncatedError } from '../src/index.ts';
import { relay, relayResponse } from '../src/relay/index.ts';
import { streamMessage } from '../src/transport/fetch.ts';

const params = { model: 'claude-test', max_tokens: 1, messages: [] };
const body = 'data: {"type":"ping"}\n\n';
const any = (value: unknown): never => value as never;
const fetchNothing = vi.fn<() => Promise<Response>>();

afterEach(() => {
  expect(fetchNothing).not.toHaveBeenCalled();
});

describe('streamMessage', () => {
  test.each([
    [{ baseURL: 'https://example.test/v1' }, 'baseURL ends in /v1, leave that out'],
    [{ baseURL: 'https://example.test/gateway/v1/messages/' }, 'baseURL ends in /v1, leave that out'],
    [{ betas: any('one') }, 'betas must be a list of names'],
    [{ onRetry: any(5) }, 'onRetry must be a function, this is number'],
  ])('%o', async (options, line) => {
    const asked = streamMessage(params, { apiKey: 'key', fetch: fetchNothing, ...options });
    await expect(asked).rejects.toThrow(TypeError);
    await expect(asked).rejects.toThrow(line);
  });
});

describe('relay', () => {
  test.each([
    [{ headers: any(new Headers({ a: 'b' })) }, 'Object.fromEntries(headers) makes one'],
    [{ onDone: any(5) }, 'onDone must be a function, this is number'],
    [
      { clientSignal: any(new AbortController()) },
      'clientSignal must be an AbortSignal; of an AbortController give its signal',
    ],
  ])('%o', async (options, line) => {
    const answered = relayResponse(body, options);
    await expect(answered).rejects.toThrow(TypeError);
    await expect(answered).rejects.toThrow(line);
  });

  test('a source that ends in a TruncatedError is truncated, not disconnected', async () => {
    const { done } = relay(() => Promise.reject(new TruncatedError('It ended')));
    expect((await done).outcome.status).toBe('truncated');
  });
});

describe('strict', () => {
  test.each<[unknown, string]>([
    [['delta-without-strat'], 'delta-without-strat is no code'],
    [['delta-without-start', undefined], 'undefined is no code'],
    ['true', 'this is string'],
    [1, 'this is number'],
  ])('%o', (strict, line) => {
    expect(() => new MessageParser({}, { strict: any(strict) })).toThrow(TypeError);
    expect(() => MessageStream.from(body, { strict: any(strict) })).toThrow(line);
  });

  test.each([[true], [false], [[]], [['delta-without-start']], [undefined]])('%o is one', (strict) => {
    expect(() => new MessageParser({}, { strict: any(strict) })).not.toThrow();
  });
});

describe('salvage and continuation', () => {
  test('want a message and its blocks', () => {
    const stream = MessageStream.from(body);
    expect(() => salvage(any({ content: [] }), any(undefined))).toThrow('give stream.snapshot and stream.blocks');
    expect(() => salvage(any(stream), [])).toThrow(TypeError);
    expect(() => continuation(any(stream), stream.blocks, { messages: [] })).toThrow(TypeError);
  });
});
