/** The parts of the policy that need no server: waits, what headers say, and what the types let through. */

import type Anthropic from '@anthropic-ai/sdk';
import fc from 'fast-check';
import { fetch as undiciFetch } from 'undici';
import { describe, expect, test } from 'vitest';
import type { ContentBlock, Message } from '../src/index.ts';
import type { ToolDefinition } from '../src/protocol/tool-definitions.ts';
import type { FetchLike, MessageParams } from '../src/transport/fetch.ts';
import { readRateLimits, readRetryAfterMs } from '../src/stream/response-headers.ts';
import { backoffMs, shouldRetry } from '../src/transport/retry.ts';
import { ApiError, ERROR_CLASSES } from '../src/protocol/api-error.ts';

const RUNS = 200 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1);

describe('the wait between attempts', () => {
  test.each([
    [1, 500],
    [2, 1000],
    [3, 2000],
    [4, 4000],
    [5, 8000],
    [6, 8000],
    [2000, 8000],
  ])('after attempt %d is %d ms at most, and no less than three quarters of that', (attempt, ms) => {
    expect(backoffMs(attempt, 0)).toBe(ms);
    expect(backoffMs(attempt, 1)).toBe(ms * 0.75);
  });

  test('never leaves those bounds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        const ms = backoffMs(attempt, random);
        return ms >= 375 && ms <= 8000;
      }),
      { numRuns: RUNS },
    );
  });
});

describe('retry-after', () => {
  const date = 'Fri, 20 Nov 2026 12:00:00 GMT';
  test.each<[Record<string, string>, number | undefined]>([
    [{}, undefined],
    [{ 'retry-after': '3' }, 3000],
    [{ 'retry-after': ' 1.5 ' }, 1500],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '-3' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{ 'retry-after-ms': '250' }, 250],
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'retry-after-ms': 'x', 'retry-after': '9' }, 9000],
    [{ 'retry-after': 'Fri, 20 Nov 2026 12:00:09 GMT', date }, 9000],
    [{ 'retry-after': 'Fri, 20 Nov 2026 11:00:00 GMT', date }, 0],
  ])('%j is %s ms', (headers, ms) => {
    expect(readRetryAfterMs(new Headers(headers))).toBe(ms);
  });

  test('a date is measured against our clock if the server tells none', () => {
    const at = new Date(Date.now() + 60_000).toUTCString();
    const ms = readRetryAfterMs(new Headers({ 'retry-after': at }));
    expect(ms).toBeGreaterThan(50_000);
    expect(ms).toBeLessThanOrEqual(60_000);
  });

  test('no header makes it anything but a wait', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, other) => {
        const headers = { get: (name: string) => (name === 'retry-after-ms' ? other : text) };
        const ms = readRetryAfterMs(headers);
        return ms === undefined || (ms >= 0 && !Number.isNaN(ms));
      }),
      { numRuns: RUNS },
    );
  });
});

test.each<[number, string | undefined, boolean]>([
  [429, undefined, true],
  [429, 'false', false],
  [429, 'maybe', true],
  [400, undefined, false],
  [400, 'true', true],
])('status %d with x-should-retry %s: %s', (status, word, retry) => {
  const headers = new Headers(word === undefined ? {} : { 'x-should-retry': word });
  expect(shouldRetry(ApiError.from(status, { type: 't', message: 'm' }), headers)).toBe(retry);
});

test('every status of the notes has its class', () => {
  const documented = [400, 401, 402, 403, 404, 408, 409, 412, 413, 422, 429, 431, 499, 501, 503, 504, 529];
  expect(Object.keys(ERROR_CLASSES).map(Number)).toEqual(documented);
});

describe('rate limits', () => {
  test('none are none', () => {
    expect(readRateLimits(new Headers({ 'content-type': 'x' }))).toBeUndefined();
  });

  test('each counter has its name', () => {
    const headers: Record<string, string> = {};
    const names = ['ratelimit-requests', 'ratelimit-tokens', 'ratelimit-input-tokens', 'ratelimit-output-tokens'];
    names.push('priority-input-tokens', 'priority-output-tokens');
    for (const [at, name] of names.entries()) headers[`anthropic-${name}-remaining`] = String(at);
    expect(readRateLimits(new Headers(headers))).toEqual({
      requests: { remaining: 0 },
      tokens: { remaining: 1 },
      inputTokens: { remaining: 2 },
      outputTokens: { remaining: 3 },
      priorityInputTokens: { remaining: 4 },
      priorityOutputTokens: { remaining: 5 },
    });
  });

  test('what cannot be read is left out', () => {
    const prefix = 'anthropic-ratelimit-requests';
    const headers = { [`${prefix}-limit`]: '-1', [`${prefix}-remaining`]: '5', [`${prefix}-reset`]: 'tomorrow' };
    expect(readRateLimits(new Headers(headers))).toEqual({ requests: { remaining: 5 } });
  });
});

describe('the types', () => {
  const accept = (params: MessageParams): MessageParams => params;

  test('take what the official SDK takes', () => {
    const ofSdk = (params: Anthropic.MessageCreateParams): MessageParams => accept(params);
    const ofBeta = (params: Anthropic.Beta.MessageCreateParams): MessageParams => accept(params);
    expect([ofSdk, ofBeta]).toHaveLength(2);
  });

  test('take an answer back, and any tool', () => {
    const turn = (answer: Message, blocks: ContentBlock[], tools: ToolDefinition[]): MessageParams =>
      accept({
        model: 'm',
        max_tokens: 1,
        tools,
        messages: [
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: answer.content },
          { role: 'assistant', content: blocks },
          {
            role: 'user',
            content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: '4' }] }],
          },
        ],
      });
    expect(turn).toBeTypeOf('function');
  });

  test('are open, and still say what is wrong', () => {
    accept({ model: 'm', max_tokens: 1, messages: [], knob: 1, thinking: { type: 'enabled', budget_tokens: 1024 } });
    // @ts-expect-error -- max_tokens is required
    accept({ model: 'm', messages: [] });
    // @ts-expect-error -- a role is one of three
    accept({ model: 'm', max_tokens: 1, messages: [{ role: 'bot', content: 'x' }] });
    // @ts-expect-error -- and a temperature is a number
    accept({ model: 'm', max_tokens: 1, messages: [], temperature: 'hot' });
    expect(accept).toBeTypeOf('function');
  });

  test('take every fetch', () => {
    const fetches: FetchLike[] = [fetch, (url, init) => undiciFetch(url, init), async () => new Response('')];
    expect(fetches).toHaveLength(3);
  });
});
