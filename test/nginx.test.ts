/**
 * A relay behind nginx as it comes: nothing in its configuration says anything of buffering. Each event is sent only when
 * the one before has been read by the client, so a proxy that holds one back stops the test.
 */

import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { MessageStream } from '../src/index.ts';
import { relayTo, type RelayResult } from '../src/relay/index.ts';
import { blockStop, messageDelta, start, stop, textDelta, textStart } from './support/messages.ts';
import { nginxPath, startNginx } from './support/nginx.ts';
import { stagedReply, type StagedReply } from './support/staged-reply.ts';
import { cleanups, serve } from './support/serving.ts';
import { type WireServer } from './support/wire-server.ts';

interface Setup {
  /** The relay through nginx as it comes. */
  url: string;
  /** The same, through an nginx that is told to overlook the header. */
  deafUrl: string;
  upstream: WireServer;
  stage: StagedReply;
  results: Promise<RelayResult>[];
}

async function setup(): Promise<Setup> {
  const stage = stagedReply();
  const upstream = await serve(() => stage.reply);
  const results: Promise<RelayResult>[] = [];
  const relay: Server = createServer((_, response) => {
    const ask = (signal: AbortSignal): Promise<Response> => fetch(`${upstream.url}/v1/messages`, { signal });
    results.push(relayTo(response, ask));
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    relay.closeAllConnections();
    await new Promise((resolve) => relay.close(resolve));
  });
  const behind = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
  const nginx = await startNginx(`
    location / { proxy_pass ${behind}; }
    location /deaf { proxy_pass ${behind}; proxy_ignore_headers X-Accel-Buffering; }
  `);
  cleanups.push(() => nginx.close());
  return { url: nginx.url, deafUrl: `${nginx.url}/deaf`, upstream, stage, results };
}

const EVENTS = [
  start(),
  textStart(0),
  ...['One', ' by', ' one', ' 😀'].map((piece) => textDelta(0, piece)),
  blockStop(0),
  messageDelta(),
  stop,
];

function open(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, resolve).on('error', reject);
  });
}

describe.skipIf(nginxPath === undefined)('behind nginx with its default buffering', () => {
  test('each event arrives before the next one is sent', { timeout: 20_000 }, async () => {
    const { url, stage, results } = await setup();
    stage.send(EVENTS[0] as object);
    const response = await fetch(url);
    expect(response.headers.get('server')).toContain('nginx');
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    let read = 0;
    const stream = MessageStream.from(response);
    for await (const event of stream) {
      expect(event).toEqual(EVENTS[read]);
      read += 1;
      if (read < EVENTS.length) stage.send(EVENTS[read] as object);
      else stage.finish();
    }
    expect(read).toBe(EVENTS.length);
    expect(await stream.finalText()).toBe('One by one 😀');
    expect((await results[0])?.outcome.status).toBe('complete');
  });

  test('without the header nginx holds them back: so the test above can fail', { timeout: 20_000 }, async () => {
    const { deafUrl, upstream, stage } = await setup();
    stage.send(...EVENTS.slice(0, 4));
    let text = '';
    const ended = open(deafUrl).then(async (response) => {
      for await (const piece of response.setEncoding('utf8')) text += piece as string;
    });
    const { bytesWritten } = await upstream.request();
    await sleep(500);
    expect(bytesWritten()).toBeGreaterThan(300);
    expect(text).toBe('');
    stage.send(...EVENTS.slice(4));
    stage.finish();
    await ended;
    expect(await MessageStream.from(text).finalText()).toBe('One by one 😀');
  });

  test('a client that leaves ends the request upstream', { timeout: 20_000 }, async () => {
    const { url, upstream, stage, results } = await setup();
    stage.send(...EVENTS.slice(0, 3));
    const client = await open(url);
    await new Promise((resolve) => client.once('data', resolve));
    client.destroy();
    expect(await (await upstream.request()).left).toBe(true);
    const { message, outcome } = (await results[0]) as RelayResult;
    expect(outcome.status).toBe('aborted');
    expect(message?.content).toEqual([{ type: 'text', text: 'One' }]);
  });
});
