/**
 * Chromium and Firefox: the suite in a page, in a worker, and in a service worker; and a service worker that is stopped in the
 * middle of a stream, comes back, and goes on from its saved state. The pages are the same for both and report by POST, so
 * that a browser needs no more of its driver than to open an address.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { WebSocket } from 'undici';
import { tallyOf } from '../result.mjs';

/** @typedef {import('../result.mjs').Runner} Runner */

const PATIENCE_MS = 60_000;

const PAGE = `<!doctype html><meta charset="utf-8"><title>ssemble</title><script src="suite.js"></script><script>
const report = (name, text) => fetch('/report/' + name, { method: 'POST', body: text });
const lines = [];
runSuite((line) => lines.push(line));
report('page', lines.join('\\n'));

const worker = new Worker('worker.js');
worker.onmessage = ({ data }) => report('worker', data);
const bare = new Worker('bare-worker.js');
bare.onmessage = ({ data }) => report('bare-worker', data);
bare.onerror = ({ message }) => report('bare-worker', message);

/** Pieces go to the service worker one by one; halfway the runner sees that it is stopped. */
async function serviceWorker() {
  const registration = await navigator.serviceWorker.register('service-worker.js');
  await navigator.serviceWorker.ready;
  const ask = (message) =>
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => resolve(data);
      registration.active.postMessage(message, [port2]);
    });
  await report('service-worker', await ask({ suite: true }));
  const boots = new Set();
  const send = async (message) => {
    const answer = await ask(message);
    boots.add(answer.boot);
    return answer;
  };
  const body = new TextEncoder().encode(await (await fetch('stream.sse')).text());
  const half = Math.floor(body.length / 2) + 1;
  for (let at = 0; at < half; at += 97) await send({ piece: body.slice(at, Math.min(half, at + 97)) });
  await fetch('/stop', { method: 'POST' });
  let answer;
  for (let at = half; at < body.length; at += 97) answer = await send({ piece: body.slice(at, at + 97) });
  answer = await send({ end: true });
  await report('restarted', JSON.stringify({ boots: boots.size, text: answer.text, status: answer.status }));
}
serviceWorker().catch((error) => report('restarted', JSON.stringify({ error: String(error) })));
</script>`;

const WORKER = `importScripts('suite.js');
const lines = [];
runSuite((line) => lines.push(line));
postMessage(lines.join('\\n'));`;

/**
 * A plugin's sandbox: everything that is not the language is taken away before the package is even loaded, and a whole body is
 * read in one call. What a browser does not let go of stays, and is told.
 */
const BARE_WORKER = `const post = postMessage.bind(globalThis);
const language = new Set(Object.getOwnPropertyNames(globalThis).filter((name) => /^(?:Object|Function|Array|Number|parseFloat|parseInt|Infinity|NaN|undefined|Boolean|String|Symbol|Date|RegExp|Error|\\w+Error|JSON|Math|Map|Set|WeakMap|WeakSet|BigInt|Proxy|Reflect|ArrayBuffer|DataView|\\w+Array|globalThis|eval|isFinite|isNaN|(?:en|de)codeURI(?:Component)?|importScripts|Promise)$/.test(name)));
const request = new XMLHttpRequest();
request.open('GET', 'suite.js', false);
request.send();
const code = request.responseText;
for (let level = globalThis; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
  for (const name of Object.getOwnPropertyNames(level)) {
    if (language.has(name) || name === 'constructor') continue;
    try {
      Object.defineProperty(globalThis, name, { value: undefined, configurable: true, writable: true });
    } catch {}
  }
}
const left = ['fetch', 'setTimeout', 'TextDecoder', 'ReadableStream', 'URL', 'atob', 'self', 'crypto', 'console'].filter((name) => globalThis[name] !== undefined);
const lines = [];
(0, eval)(code + ';globalThis.suite = suite; globalThis.runSuite = runSuite;');
runSuite((line) => lines.push(line));
const body = 'data: {"type":"message_start","message":{"id":"m","content":[]}}\\n\\n' +
  'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"hi"}}\\n\\ndata: {"type":"content_block_stop","index":0}\\n\\n' +
  'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}\\n\\ndata: {"type":"message_stop"}\\n\\n';
lines.push('whole ' + (suite.parseMessage(body).content[0].text === 'hi') + ' left ' + left.join(','));
post(lines.join('\\n'));`;

/** Everything that it knows is in the cache after each piece: it may be stopped at any moment. */
const SERVICE_WORKER = `importScripts('suite.js');
const boot = String(Math.random());
const { MessageParser } = suite;
async function parserOf() {
  const saved = await (await caches.open('state')).match('/state');
  return saved === undefined ? new MessageParser() : MessageParser.from(await saved.json());
}
addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('message', (event) => event.waitUntil((async () => {
  const [port] = event.ports;
  if (event.data.suite) {
    const lines = [];
    runSuite((line) => lines.push(line));
    port.postMessage(lines.join('\\n'));
    return;
  }
  const parser = await parserOf();
  if (event.data.piece) parser.push(event.data.piece);
  if (event.data.end) parser.end();
  await (await caches.open('state')).put('/state', new Response(JSON.stringify(parser)));
  port.postMessage({ boot, text: parser.message?.content.map((block) => block.text).join('') ?? '', status: parser.outcome.status });
})()));`;

const WANTED = 'Grüße, 世界 🌍. '.repeat(20);

/** @returns {string} a stream whose text is {@link WANTED} */
function streamText() {
  const events = [
    {
      type: 'message_start',
      message: { id: 'msg_1', content: [], model: 'm', usage: { input_tokens: 1, output_tokens: 1 } },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...Array.from(WANTED, (text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 4 } },
    { type: 'message_stop' },
  ];
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

/**
 * @typedef {object} Opened
 * @property {string} version
 * @property {() => Promise<void>} stopServiceWorker
 * @property {() => Promise<void>} close
 */

/**
 * @param {string} id
 * @param {string} title
 * @param {readonly string[]} paths
 * @param {(path: string, url: string) => Promise<Opened>} open
 * @returns {Runner}
 */
function browserRunner(id, title, paths, open) {
  const path = paths.find((one) => existsSync(one));
  return {
    id,
    title,
    missing: () => (path === undefined ? `Debian’s package ${id === 'firefox' ? 'firefox-esr' : id}` : undefined),
    async run({ script }) {
      /** @type {Map<string, string>} */
      const reports = new Map();
      /** @type {Opened | undefined} */
      let opened;
      /** @type {(() => void)[]} */
      const waiting = [];
      /** @type {Partial<Record<string, string>>} */
      const files = {
        '/': PAGE,
        '/worker.js': WORKER,
        '/bare-worker.js': BARE_WORKER,
        '/service-worker.js': SERVICE_WORKER,
        '/stream.sse': streamText(),
        '/suite.js': readFileSync(script, 'utf8'),
      };
      const server = createServer(async (request, response) => {
        const { url = '/' } = request;
        if (request.method === 'POST') {
          let text = '';
          for await (const piece of request) text += String(piece);
          if (url === '/stop') await opened?.stopServiceWorker();
          else reports.set(url.slice('/report/'.length), text);
          for (const wake of waiting.splice(0)) wake();
          response.end();
          return;
        }
        const file = files[url];
        const type = url === '/' ? 'text/html' : url.endsWith('.js') ? 'text/javascript' : 'text/plain';
        response
          .writeHead(file === undefined ? 404 : 200, { 'content-type': `${type}; charset=utf-8` })
          .end(file ?? '');
      });
      await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      const deadline = Date.now() + PATIENCE_MS;
      try {
        opened = await open(path ?? '', `http://127.0.0.1:${port}/`);
        const names = ['page', 'worker', 'bare-worker', 'service-worker', 'restarted'];
        while (names.some((name) => !reports.has(name))) {
          if (Date.now() > deadline)
            throw new Error(`No word from ${names.filter((name) => !reports.has(name)).join(', ')}`);
          await new Promise((resolve) => {
            waiting.push(() => resolve(undefined));
            setTimeout(resolve, 500);
          });
        }
        const tallies = ['page', 'worker', 'service-worker', 'bare-worker'].map((name) =>
          tallyOf(reports.get(name) ?? ''),
        );
        const restarted = JSON.parse(reports.get('restarted') ?? '{}');
        const [tally] = tallies;
        if (tally === undefined) throw new Error('No tally');
        return {
          version: opened.version,
          tally: {
            ...tally,
            failures: tallies.reduce((sum, one) => sum + one.failures, 0),
            told: tallies.flatMap((one) => one.told),
          },
          shown: [
            ['in a worker', tallies[1]?.checks === tally.checks],
            ['in a service worker', tallies[2]?.checks === tally.checks],
            [
              'in a worker with nothing but the language, parseMessage too',
              tallies[3]?.checks === tally.checks && /^whole true left $/m.test(reports.get('bare-worker') ?? ''),
            ],
            [
              'stopped mid-stream, state restored',
              restarted.boots > 1 && restarted.text === WANTED && restarted.status === 'complete',
            ],
          ],
        };
      } finally {
        await opened?.close();
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

/** @param {string} path @param {string} url @returns {Promise<Opened>} */
async function openChromium(path, url) {
  const browser = await chromium.launch({
    executablePath: path,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const page = await browser.newPage();
  const session = await browser.newBrowserCDPSession();
  const target = await page.context().newCDPSession(page);
  await target.send('ServiceWorker.enable');
  await page.goto(url, { waitUntil: 'commit' });
  return {
    version: browser.version(),
    stopServiceWorker: () => target.send('ServiceWorker.stopAllWorkers').then(() => undefined),
    close: async () => {
      await session.detach().catch(() => undefined);
      await browser.close();
    },
  };
}

/** WebDriver BiDi, which Firefox speaks itself: commands over one socket. */
class Bidi {
  #socket;
  #next = 1;
  /** @type {Map<number, { resolve: (result: any) => void, reject: (reason: Error) => void }>} */
  #owed = new Map();

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, error, message, result } = JSON.parse(String(data));
      const owed = this.#owed.get(id);
      if (owed === undefined) return;
      this.#owed.delete(id);
      if (error === undefined) owed.resolve(result);
      else owed.reject(new Error(`${error}: ${message}`));
    });
  }

  /** @param {string} address @returns {Promise<Bidi>} */
  static async connect(address) {
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', () => resolve(undefined));
      socket.addEventListener('error', () => reject(new Error(`Cannot reach ${address}`)));
    });
    return new Bidi(socket);
  }

  /** @param {string} method @param {object} params @returns {Promise<any>} */
  send(method, params) {
    const id = this.#next++;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => this.#owed.set(id, { resolve, reject }));
  }
}

/** It stops an idle service worker after this time (there is no command for it), and a busy one not before this. */
const FIREFOX_IDLE_MS = 200;
const FIREFOX_BUSY_MS = 60_000;

/** @param {string} path @param {string} url @returns {Promise<Opened>} */
async function openFirefox(path, url) {
  const profile = mkdtempSync(join(tmpdir(), 'ssemble-firefox-'));
  const preferences = {
    'dom.serviceWorkers.idle_timeout': FIREFOX_IDLE_MS,
    'dom.serviceWorkers.idle_extended_timeout': FIREFOX_BUSY_MS,
    'dom.serviceWorkers.testing.enabled': true,
    'datareporting.policy.dataSubmissionEnabled': false,
    'browser.shell.checkDefaultBrowser': false,
    'app.update.enabled': false,
  };
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  writeFileSync(join(profile, 'user.js'), `${lines.join('\n')}\n`);
  const child = spawn(path, ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: profile },
  });
  const address = await new Promise((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (/** @type {Buffer} */ text) => {
      said += text.toString();
      const found = /WebDriver BiDi listening on (ws:\S+)/.exec(said);
      if (found !== null) resolve(`${found[1]}/session`);
    });
    child.on('exit', () => reject(new Error(`Firefox ended: ${said.slice(0, 1000)}`)));
    setTimeout(() => reject(new Error(`Firefox does not listen: ${said.slice(0, 1000)}`)), PATIENCE_MS).unref();
  });
  const driver = await Bidi.connect(address);
  const { capabilities } = await driver.send('session.new', { capabilities: {} });
  const { contexts } = await driver.send('browsingContext.getTree', {});
  await driver.send('browsingContext.navigate', { context: contexts[0].context, url, wait: 'none' });
  return {
    version: capabilities.browserVersion,
    stopServiceWorker: () => new Promise((resolve) => setTimeout(resolve, 10 * FIREFOX_IDLE_MS)),
    close: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await gone;
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** @type {Runner[]} */
export const BROWSERS = [
  browserRunner('chromium', 'Chromium', ['/usr/bin/chromium', '/usr/bin/google-chrome'], openChromium),
  browserRunner('firefox', 'Firefox', ['/usr/bin/firefox-esr', '/usr/bin/firefox'], openFirefox),
];
