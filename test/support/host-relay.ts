/** What every relay recipe must do, whatever it runs on. */

import { expect } from 'vitest';
import { MessageParser, MessageStream, OverloadedError } from '../../src/index.ts';
import { asked, serve, server } from './host-stage.ts';
import { textEvents } from './messages.ts';
import type { Running } from './recipes.ts';
import { KEY } from './transports.ts';
import { errorReply, reply, sse, type Answer } from './wire-server.ts';

/** A relay that runs. */
export interface RunningRelay {
  child: Running;
  url: string;
}

/** Asks a relay as a browser does. */
export const ask = (url: string, messages: unknown, signal?: AbortSignal): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages }),
    ...(signal !== undefined && { signal }),
  });

/** Waits until a relay says where it listens. */
export async function addressOf(child: Running): Promise<string> {
  const place = /http:\/\/[\w.]+:\d+\S*/;
  await child.printed(place);
  return place.exec(child.stdout())?.[0] ?? '';
}

/** @param begin - starts the relay, with the server of the test as its API */
export async function checkRelay(begin: () => Promise<RunningRelay>): Promise<void> {
  const answers: Answer[] = [
    () => reply(textEvents(['Hello ', 'browser'])),
    () => errorReply(529, 'overloaded_error', 'Overloaded', { 'x-should-retry': 'false' }),
    () => reply([], { steps: [...sse(textEvents(['Once'])).slice(0, 4), { stall: true }] }),
    async ({ closed }) => {
      await closed;
      return {};
    },
  ];
  await serve((request, n) => answers[n]?.(request, n) ?? errorReply(400, 'invalid_request_error', 'Too many'));
  const { child, url } = await begin();

  await checkAnswer(url, child);
  const refused = await ask(url, asked('Hi'));
  expect(refused.status).toBe(529);
  await expect(MessageStream.from(refused).finalMessage()).rejects.toBeInstanceOf(OverloadedError);
  await child.printed('errored 0 tokens');

  await leaveInTheMiddle(url);
  expect(await (await server.request(2)).left).toBe(true);
  await child.printed('aborted 1 tokens');

  // It leaves before there is an answer: the request itself is given up.
  const impatient = new AbortController();
  const never = ask(url, asked('A story'), impatient.signal);
  const pending = await server.request(3);
  impatient.abort();
  await expect(never).rejects.toThrow('abort');
  expect(await pending.left).toBe(true);
  await child.printed('aborted 0 tokens');

  for (const body of ['oops', 'null']) {
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(url, { method: 'POST', headers, body })).status, body).toBe(400);
  }
  expect(server.requests).toHaveLength(4);
  child.kill('SIGTERM');
  expect((await child.exit).stderr).toBe('');
}

async function checkAnswer(url: string, child: Running): Promise<void> {
  const response = await ask(url, asked('Hi'));
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    'request-id': 'req_test',
  });
  expect(await MessageStream.from(response).finalText()).toBe('Hello browser');
  await child.printed('complete 7 tokens');
  // The key is the server's, the question the browser's.
  expect(server.requests[0]).toMatchObject({ headers: { 'x-api-key': KEY }, body: { messages: asked('Hi') } });
}

/** Goes away when the first word is there. */
async function leaveInTheMiddle(url: string): Promise<void> {
  const leave = new AbortController();
  const response = await ask(url, asked('A story'), leave.signal);
  const parser = new MessageParser();
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    parser.push(chunk);
    if (parser.message?.content[0]?.type === 'text' && parser.message.content[0].text === 'Once') break;
  }
  leave.abort();
}
