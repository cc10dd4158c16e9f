/** The test server itself: what other tests lean on. */

import { expect, test } from 'vitest';
import { textEvents } from './support/messages.ts';
import { serve } from './support/serving.ts';
import { errorReply, reply, sse, startWireServer, type Step } from './support/wire-server.ts';

test('it sends the steps and tells what it received', async () => {
  const { url, request } = await serve(() => reply(textEvents(['Hi']), { delayMs: 1 }));
  const response = await fetch(`${url}/v1/messages`, { method: 'POST', body: '{"a":1}', headers: { 'x-a': 'b' } });
  expect(response.headers.get('request-id')).toBe('req_test');
  expect(await response.text()).toBe(sse(textEvents(['Hi'])).join(''));
  const received = await request(0);
  expect(received).toMatchObject({ method: 'POST', url: '/v1/messages', body: { a: 1 }, headers: { 'x-a': 'b' } });
  expect(await received.left).toBe(false);
  expect(received.bytesWritten()).toBeGreaterThan(100);
});

test('it sees the client leave', async () => {
  const { url, request } = await serve(() => ({ steps: ['a', { stall: true }] }));
  const leave = new AbortController();
  const response = await fetch(url, { signal: leave.signal });
  await response.body?.getReader().read();
  leave.abort();
  expect(await (await request()).left).toBe(true);
});

test.each<[string, Step]>([
  ['reset', { reset: true }],
  ['close', { close: true }],
])('%s breaks the body off', async (_, step) => {
  const { url, request } = await serve(() => ({ steps: ['a', step, 'never'] }));
  const response = await fetch(url);
  await expect(response.text()).rejects.toThrow('terminated');
  expect(await (await request()).left).toBe(false);
});

test('it refuses before the head, and answers errors', async () => {
  const { url } = await serve((_, n) => (n === 0 ? { refuse: true } : errorReply(529, 'overloaded_error', 'Busy')));
  await expect(fetch(url)).rejects.toThrow('fetch failed');
  const response = await fetch(url);
  expect(response.status).toBe(529);
  expect(await response.json()).toMatchObject({ error: { type: 'overloaded_error', message: 'Busy' } });
});

test('it waits for a client that does not read', async () => {
  const big = 'x'.repeat(1 << 16);
  const { url, request } = await serve(() => ({ steps: Array.from({ length: 1000 }, () => big) }));
  const response = await fetch(url);
  const received = await request();
  const deadline = Date.now() + 300;
  while (Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(received.bytesWritten()).toBeLessThan(1000 * big.length);
  await response.body?.cancel();
  expect(await received.left).toBe(true);
});

test('an answer that throws fails close()', async () => {
  const own = await startWireServer(() => {
    throw new Error('oops');
  });
  await expect(fetch(own.url)).rejects.toThrow('fetch failed');
  await expect(own.close()).rejects.toThrow('oops');
});
