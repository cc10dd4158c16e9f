/**
 * The page of `test/recipes/browser` in a real Chromium, against a real relay: what it shows after each event, and what
 * its stop button does upstream. The upstream sends an event only when the test says so, so each state that is seen here
 * was on the screen before the next event existed.
 *
 * `SSEMBLE_SHOTS=folder` also takes pictures, to be looked at.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join, normalize } from 'node:path';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { relayTo, type RelayResult } from '../src/relay/index.ts';
import type { MessageStream } from '../src/index.ts';
import { type MessageParam, streamMessage } from '../src/transport/fetch.ts';
import { builtProgram } from './support/build.ts';
import { chromiumPath, launchChromium } from './support/chromium.ts';
import {
  apiError,
  blockStart,
  blockStop,
  delta,
  messageDelta,
  start,
  stop,
  textDelta,
  textStart,
} from './support/messages.ts';
import { stagedReply, type StagedReply } from './support/staged-reply.ts';
import { cleanups, serve } from './support/serving.ts';
import { errorReply, type Reply, type WireServer } from './support/wire-server.ts';

const PAGE = readFileSync(new URL('recipes/browser/index.html', import.meta.url), 'utf8');
const SHOTS = process.env['SSEMBLE_SHOTS'];

/** A hash for each inline piece; scripts otherwise from this origin alone, no eval, no HTML made of strings. */
const hashes = (tag: string): string =>
  [...PAGE.matchAll(new RegExp(`<${tag}[^>]*>([^]*?)</${tag}>`, 'g'))]
    .map(
      (found) =>
        `'sha256-${createHash('sha256')
          .update(found[1] as string)
          .digest('base64')}'`,
    )
    .join(' ');
const POLICY = [
  "default-src 'none'",
  `script-src 'self' ${hashes('script')}`,
  `style-src ${hashes('style')}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

interface Site {
  url: string;
  upstream: WireServer;
  /** What each answer came to, as the server keeps it. */
  results: Promise<RelayResult>[];
}

/** The page, the built modules and the relay endpoint, as an application would serve them. */
async function startSite(replies: readonly Reply[]): Promise<Site> {
  const upstream = await serve((_, n) => replies[n] ?? errorReply(500, 'api_error', `no reply ${n}`));
  const built = dirname(dirname(builtProgram()));
  const results: Promise<RelayResult>[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    if (request.method === 'POST' && path === '/api/chat') void chat(request, response, upstream, results);
    else serveFile(response, built, path);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, upstream, results };
}

async function chat(
  request: IncomingMessage,
  response: ServerResponse,
  upstream: WireServer,
  results: Promise<RelayResult>[],
): Promise<void> {
  const body = Buffer.concat((await request.toArray()) as Buffer[]).toString();
  const { messages } = JSON.parse(body) as { messages: MessageParam[] };
  const ask = (signal: AbortSignal): Promise<MessageStream> =>
    streamMessage(
      { model: 'claude-test', max_tokens: 1000, messages },
      { apiKey: 'server', baseURL: upstream.url, signal, maxRetries: 0 },
    );
  results.push(relayTo(response, ask));
}

function serveFile(response: ServerResponse, built: string, path: string): void {
  if (path === '/') {
    response
      .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY })
      .end(PAGE);
  } else if (path.startsWith('/ssemble/') && path.endsWith('.js') && normalize(path) === path) {
    const file = readFileSync(join(built, path.slice('/ssemble/'.length)));
    response.writeHead(200, { 'content-type': 'text/javascript' }).end(file);
  } else response.writeHead(404).end();
}

describe.skipIf(chromiumPath === undefined)('the page in Chromium', { timeout: 30_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    builtProgram();
    browser = await launchChromium();
  }, 120_000);
  afterAll(() => browser?.close());

  /** What the page complained of: exceptions, refused scripts, failed requests. */
  let complaints: string[] = [];
  /** What a test expects of that, as a pattern each. */
  let expected: RegExp[] = [];
  afterEach(() => {
    expect(complaints.filter((text) => !expected.some((pattern) => pattern.test(text)))).toEqual([]);
  });

  async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext(options);
    cleanups.push(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    [complaints, expected] = [[], []];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(url);
    return page;
  }

  async function ask(page: Page, question: string): Promise<void> {
    await page.getByRole('textbox', { name: 'Your message' }).fill(question);
    await page.keyboard.press('Enter');
  }

  const text = (locator: Locator): ReturnType<typeof expect.poll<string | null>> =>
    expect.poll(() => locator.textContent(), { timeout: 5000, interval: 20 });
  const status = (page: Page): Locator => page.getByRole('status');

  async function isInSight(locator: Locator): Promise<boolean> {
    const [box, height] = [await locator.boundingBox(), await locator.page().evaluate<number>('innerHeight')];
    return box !== null && box.y >= 0 && box.y + box.height <= height;
  }

  async function shoot(page: Page, name: string): Promise<void> {
    if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `${name}.png`) });
  }

  test('text is shown as it comes, and the usage at the end', async () => {
    const stage = stagedReply();
    const { url, upstream, results } = await startSite([stage.reply]);
    const page = await open(url);
    await ask(page, 'How are you?');
    await text(status(page)).toBe('Claude is answering');
    expect((await upstream.request()).body).toMatchObject({ messages: [{ role: 'user', content: 'How are you?' }] });
    const answer = page.locator('article');
    let shown = '';
    stage.send(start(), textStart(0));
    for (const piece of ['Fine', ', thank', ' you', ' 😀\n\n', '<img src=x onerror=alert(1)>']) {
      stage.send(textDelta(0, piece));
      shown += piece;
      await text(answer).toBe(shown);
      expect(await answer.getAttribute('aria-busy')).toBe('true');
    }
    expect(await answer.locator('img').count()).toBe(0);
    await shoot(page, 'text-1-growing');
    stage.send(blockStop(0), messageDelta(), stop);
    stage.finish();
    await text(answer.locator('small')).toBe('claude-test · end_turn · 3 tokens in · 7 out');
    await text(status(page)).toBe('Done');
    expect(await answer.getAttribute('aria-busy')).toBe('false');
    await shoot(page, 'text-2-done');
    await text(page.getByRole('button')).toBe('Send');
    expect((await results[0])?.outcome.status).toBe('complete');
  });

  test('the input of a tool fills while it is written', async () => {
    const stage = stagedReply();
    const { url } = await startSite([stage.reply]);
    const page = await open(url);
    await ask(page, 'Weather?');
    const input = (partial_json: string): object => delta(0, { type: 'input_json_delta', partial_json });
    stage.send(start(), blockStart(0, { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} }));
    stage.send(input('{"city": "Par'));
    const tool = page.locator('section');
    await text(tool.locator('dl')).toBe('cityPar');
    await text(tool.locator('small')).toBe('writing its input …');
    stage.send(input('is", "days": [1'));
    await text(tool.locator('dl')).toBe('cityParisdays[1]');
    stage.send(input(', 2]}'));
    await text(tool.locator('dl')).toBe('cityParisdays[1,2]');
    stage.send(blockStop(0));
    await text(tool.locator('small')).toBe('input complete');
    stage.send(messageDelta('tool_use'), stop);
    stage.finish();
    await text(page.locator('article > small')).toContain('tool_use');
  });

  test('a tool whose input is cut says so, and keeps what was there', async () => {
    const stage = stagedReply();
    const { url } = await startSite([stage.reply]);
    const page = await open(url);
    await ask(page, 'Write a file');
    stage.send(start(), blockStart(0, { type: 'tool_use', id: 'toolu_1', name: 'write_file', input: {} }));
    stage.send(delta(0, { type: 'input_json_delta', partial_json: '{"text": "The' }));
    await text(page.locator('dl')).toBe('textThe');
    stage.send(messageDelta('max_tokens'), stop);
    stage.finish();
    await text(page.locator('section small')).toBe('input cut: it must not run');
    expect(await page.locator('dl').textContent()).toBe('textThe');
  });

  test('thinking is folded, and unfolds', async () => {
    const stage = stagedReply();
    const { url } = await startSite([stage.reply]);
    const page = await open(url);
    await ask(page, 'Think');
    stage.send(start(), blockStart(0, { type: 'thinking', thinking: '', signature: '' }));
    stage.send(delta(0, { type: 'thinking_delta', thinking: 'Let me see.' }));
    const fold = page.locator('details');
    await text(fold.locator('summary')).toBe('Thinking …');
    await text(fold.locator('p')).toBe('Let me see.');
    expect(await fold.locator('p').isVisible()).toBe(false);
    stage.send(delta(0, { type: 'signature_delta', signature: 'sig' }), blockStop(0));
    await text(fold.locator('summary')).toBe('Thought');
    await fold.locator('summary').click();
    expect(await fold.locator('p').isVisible()).toBe(true);
    await shoot(page, 'thinking-unfolded');
    stage.send(blockStart(1, { type: 'redacted_thinking', data: 'c2VjcmV0' }), blockStop(1), messageDelta(), stop);
    stage.finish();
    await text(page.locator('summary').nth(1)).toBe('redacted_thinking');
    await text(status(page)).toBe('Done');
  });

  test('the stop button closes the connection upstream, and the next turn goes on from what was said', async () => {
    const stages = [stagedReply(), stagedReply()] as [StagedReply, StagedReply];
    const { url, upstream, results } = await startSite(stages.map(({ reply }) => reply));
    const page = await open(url);
    await ask(page, 'Count');
    stages[0].send(start(), textStart(0), textDelta(0, 'One, two'));
    await text(page.locator('article')).toBe('One, two');
    const button = page.getByRole('button', { name: 'Stop' });
    await button.click();
    expect(await (await upstream.request()).left).toBe(true);
    expect((await results[0])?.outcome.status).toBe('aborted');
    await text(status(page)).toBe('Stopped');
    expect(await page.locator('article').textContent()).toBe('One, two');
    expect(await page.getByRole('alert').count()).toBe(0);

    await ask(page, 'Go on');
    const { body } = await upstream.request(1);
    expect(body).toMatchObject({
      messages: [
        { role: 'user', content: 'Count' },
        { role: 'assistant', content: [{ type: 'text', text: 'One, two' }] },
        { role: 'user', content: 'Go on' },
      ],
    });
    await page.keyboard.press('Escape');
    // Also while Claude has not said a word, and at once: not when the relay's next heartbeat would have shown it.
    await text(status(page)).toBe('Stopped');
    expect(await (await upstream.request(1)).left).toBe(true);
  });

  test('an overload before the answer is told as one, with the time to wait, and can be tried again', async () => {
    const stage = stagedReply();
    const overloaded = errorReply(529, 'overloaded_error', 'Overloaded', { 'retry-after': '7' });
    const { url, upstream } = await startSite([overloaded, stage.reply]);
    const page = await open(url);
    expected = [/status of 529/];
    await ask(page, 'Hello?');
    const alert = page.getByRole('alert');
    await text(alert.locator('strong')).toBe('Claude is overloaded');
    await text(status(page)).toBe('Failed');
    await shoot(page, 'overloaded');
    await text(alert.locator('p').nth(1)).toBe('The server asks to wait 7 seconds.');
    await page.getByRole('button', { name: 'Try again' }).click();
    await alert.waitFor({ state: 'detached' });
    expect((await upstream.request(1)).body).toMatchObject({ messages: [{ role: 'user', content: 'Hello?' }] });
    stage.send(start(), textStart(0), textDelta(0, 'Hi'), blockStop(0), messageDelta(), stop);
    stage.finish();
    await text(page.locator('article p')).toBe('Hi');
    await text(status(page)).toBe('Done');
  });

  test('an error in the middle is told behind what had come', async () => {
    const stage = stagedReply();
    const { url, upstream } = await startSite([stage.reply, stagedReply().reply]);
    const page = await open(url);
    await ask(page, 'Hello?');
    stage.send(start(), textStart(0), textDelta(0, 'I was ju'));
    await text(page.locator('article')).toBe('I was ju');
    stage.send(apiError());
    stage.finish();
    await text(page.getByRole('alert').locator('strong')).toBe('Claude is overloaded');
    expect(await page.locator('article > p').textContent()).toBe('I was ju');
    await text(page.getByRole('alert').getByRole('button')).toBe('Try again');
    await ask(page, 'Still there?');
    // What was cut is not taken for an answer; and there is one way to go on.
    const messages = ['Hello?', 'Still there?'].map((content) => ({ role: 'user', content }));
    expect((await upstream.request(1)).body).toMatchObject({ messages });
    expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0);
    await page.keyboard.press('Escape');
    await text(status(page)).toBe('Stopped');
  });

  test('an error that asking again does not mend offers no button; a server that is gone is told', async () => {
    const site = await startSite([errorReply(400, 'invalid_request_error', 'messages: too long')]);
    const page = await open(site.url);
    expected = [/status of 400/, /ERR_CONNECTION_REFUSED|ERR_INTERNET_DISCONNECTED/];
    await ask(page, 'Hello?');
    await text(page.getByRole('alert')).toBe('The server said noinvalid_request_error: messages: too long');
    await page.context().setOffline(true);
    await ask(page, 'And now?');
    await text(page.getByRole('alert').nth(1).locator('strong')).toContain('The connection broke');
    await text(page.getByRole('alert').nth(1).getByRole('button')).toBe('Try again');
  });

  test('the policy is strict: HTML from a string and a foreign script are refused', async () => {
    const { url } = await startSite([]);
    const page = await open(url);
    expected = [/TrustedHTML/, /violates the following Content Security Policy/];
    await expect(page.evaluate(`document.body.innerHTML = '<b>'`)).rejects.toThrow('TrustedHTML');
    await expect(page.evaluate(`import('http://127.0.0.1:9/foreign.js')`)).rejects.toThrow();
    // Refused by the policy, and not because nobody listens there.
    expect(complaints.filter((complaint) => complaint.includes('script-src'))).toHaveLength(1);
    expect(POLICY).not.toContain('unsafe');
  });

  test('is usable by keyboard and by ear: roles, names, focus', async () => {
    const stage = stagedReply();
    const { url } = await startSite([stage.reply]);
    const page = await open(url);
    const focused = (): Promise<unknown> => page.evaluate('document.activeElement.name');
    expect(await focused()).toBe('prompt');
    expect(await page.getByRole('log').count()).toBe(1);
    await page.getByRole('textbox', { name: 'Your message' }).fill('Hi');
    await page.keyboard.press('Shift+Enter');
    expect(await page.getByRole('textbox').inputValue()).toBe('Hi\n');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('go');
    await page.keyboard.press('Space');
    // The button that sent is the button that stops: the focus stays.
    await text(page.getByRole('button')).toBe('Stop');
    expect(await focused()).toBe('go');
    stage.send(start(), textStart(0), textDelta(0, 'Hi'));
    await text(page.locator('article')).toBe('Hi');
    await page.getByRole('textbox').fill('not yet');
    await page.keyboard.press('Enter');
    expect(await page.locator('.user').count()).toBe(1);
    await page.keyboard.press('Escape');
    await text(status(page)).toBe('Stopped');
    expect(await page.getByRole('textbox').inputValue()).toBe('not yet');
  });

  const LOOKS: [string, BrowserContextOptions][] = [
    ['light', { colorScheme: 'light', viewport: { width: 1100, height: 800 } }],
    ['dark', { colorScheme: 'dark', viewport: { width: 1100, height: 800 } }],
    ['phone', { colorScheme: 'light', viewport: { width: 375, height: 720 }, deviceScaleFactor: 2, isMobile: true }],
    [
      'phone-dark',
      { colorScheme: 'dark', viewport: { width: 375, height: 720 }, deviceScaleFactor: 2, isMobile: true },
    ],
  ];

  test.each(LOOKS)('%s: nothing sticks out, and the end stays in sight', async (name, options) => {
    const stage = stagedReply();
    const { url } = await startSite([stage.reply]);
    const page = await open(url, options);
    await shoot(page, `${name}-0-empty`);
    await ask(page, 'When is high tide at Cuxhaven tomorrow, and is it safe to walk to Neuwerk?');
    stage.send(
      start(),
      blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
      delta(0, { type: 'thinking_delta', thinking: 'The tide table first, then the wind.' }),
      delta(0, { type: 'signature_delta', signature: 'sig' }),
      blockStop(0),
      textStart(1),
      textDelta(1, 'Let me look at the tide table first.\n\nA walk to Neuwerk takes about three hours one way, '),
      textDelta(1, 'so what counts is low water, not high water.'),
      blockStop(1),
      blockStart(2, { type: 'tool_use', id: 'toolu_1', name: 'tide_table', input: {} }),
      delta(2, { type: 'input_json_delta', partial_json: '{"station": "Cuxhaven", "days": 2, "note": "with wi' }),
    );
    await text(page.locator('dd').nth(2)).toBe('with wi');
    await shoot(page, `${name}-1-writing`);
    stage.send(delta(2, { type: 'input_json_delta', partial_json: 'nd and visibility"}' }), blockStop(2), textStart(3));
    stage.send(
      textDelta(3, `${'Low water is at 11:40, so leave Sahlenburg at about nine. '.repeat(12)}${'x'.repeat(200)}`),
    );
    stage.send(apiError());
    stage.finish();
    await page.getByRole('alert').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    const edges = `(({ scrollTop, scrollWidth, clientWidth, scrollHeight, clientHeight }) =>
      [scrollTop, scrollWidth - clientWidth, scrollHeight > clientHeight])(document.querySelector('main'))`;
    // The scroller is reversed: 0 is its end.
    expect(await page.evaluate(edges)).toEqual([0, 0, true]);
    expect(await isInSight(page.getByRole('button', { name: 'Try again' }))).toBe(true);
    await shoot(page, `${name}-2-error`);
  });
});
