/**
 * The recipes for servers and apps, each on its own host: frameworks, runtimes, a browser, React Native's engine. What is
 * played, because it cannot be had, is said where it is made: `support/host-programs.ts`.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, type TestContext, vi } from 'vitest';
import { MessageStream } from '../src/index.ts';
import { chromiumPath, launchChromium } from './support/chromium.ts';
import {
  bundle,
  honoOnNode,
  installExpo,
  installObsidian,
  linkPackage,
  nodeHost,
  workerdConfig,
} from './support/host-programs.ts';
import { addressOf, ask, checkRelay, type RunningRelay } from './support/host-relay.ts';
import {
  BABEL,
  BUN,
  DENO,
  FRAMEWORKS,
  HERMES,
  need,
  type Part,
  REACT_NATIVE_PRESET,
  WORKERD,
} from './support/host-runtimes.ts';
import { asked, go, launch, project, ran, recipe, serve, server } from './support/host-stage.ts';
import { apiError, frame, start, textBody, textDelta, textEvents, textStart } from './support/messages.ts';
import { change, GROUPS, type Running } from './support/recipes.ts';
import { KEY } from './support/transports.ts';
import { errorReply, reply, sse, type Received, type Reply, type Step } from './support/wire-server.ts';

vi.setConfig({ testTimeout: 60_000 });

const ROOT = fileURLToPath(new URL('../', import.meta.url));

type Skip = TestContext['skip'];

/** Writes a program into the project. */
function write(name: string, text: string): string {
  writeFileSync(join(project.folder, name), text);
  return name;
}

async function listening(child: Running): Promise<RunningRelay> {
  return { child, url: new URL('/api/chat', await addressOf(child)).href };
}

/** Puts frameworks into the project, or skips the test. */
function link(skip: Skip, ...names: (keyof typeof FRAMEWORKS)[]): void {
  const paths = need(skip, ...names.map((name) => FRAMEWORKS[name]));
  names.forEach((name, at) => linkPackage(project, name, paths[at] as string));
}

/** How Bun and Deno serve the default export of a module; they say where on either output. */
const SERVING: readonly [name: string, part: Part, options: string[]][] = [
  ['Bun', BUN, []],
  [
    'Deno',
    DENO,
    ['serve', '--no-prompt', '--no-remote', '--port=0', '--host=127.0.0.1', '--allow-net=127.0.0.1', '--allow-env'],
  ],
];

function launchOn(path: string, options: readonly string[], file: string): Running {
  const command = ['sh', '-c', 'exec "$0" "$@" 2>&1', path, ...options, file];
  return launch(command, { PORT: '0', DENO_NO_UPDATE_CHECK: '1' });
}

/** A worker in workerd, bundled as wrangler bundles it. It tells its port on standard output. */
async function inWorkerd(path: string, file: string): Promise<RunningRelay> {
  // It sees that a client has left when it writes, so at the latest with a heartbeat: that must not take 15 s here.
  const quick = change(project, file, { 'clientSignal:': 'heartbeatMs: 300, clientSignal:' });
  write('worker-bundle.mjs', (await bundle(project, quick, { format: 'esm' })).text);
  const bindings = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: server.url };
  const config = write('workerd.capnp', workerdConfig(bindings, ['enable_request_signal']));
  const child = launch(['sh', '-c', 'exec "$0" "$@" 2>&1', path, 'serve', '--control-fd=1', config]);
  const listen = /"event":"listen","socket":"http","port":(\d+)/;
  await child.printed(listen);
  return { child, url: `http://127.0.0.1:${listen.exec(child.stdout())?.[1]}/api/chat` };
}

describe('recipes', () => {
  describe('relays', () => {
    recipe('Relay endpoint, plain Node', (file) => checkRelay(() => listening(go(file, { PORT: '0' }))));

    test('Relay endpoint, plain Node: a browser that leaves while it asks does not bring it down', async () => {
      await serve(() => reply(textEvents(['Hi'])));
      const { child, url } = await listening(go('relay-node.mjs', { PORT: '0' }));
      const half = httpRequest(url, { method: 'POST', headers: { 'content-length': 1000 } });
      half.on('error', () => {});
      await new Promise((resolve) => half.write('{"messages":', resolve));
      half.destroy();
      expect(await MessageStream.from(await ask(url, asked('Hi'))).finalText()).toBe('Hi');
      expect((await fetch(url.replace('/api/chat', '/'))).status).toBe(404);
      const big = await fetch(url, { method: 'POST', body: `{"messages":"${'x'.repeat(2_000_000)}"}` });
      expect(big.status).toBe(400);
      expect(child.stdout()).toContain('complete 7 tokens');
    });

    recipe('Relay endpoint, web standard', (file) =>
      checkRelay(() => listening(go(write('web-host.mjs', nodeHost(file, 'recipe.default.fetch'))))),
    );

    test.for(SERVING)('Relay endpoint, web standard: on %s', async ([, part, options], { skip }) => {
      const [path = ''] = need(skip, part);
      await checkRelay(() => listening(launchOn(path, options, 'relay-web.mjs')));
    });

    recipe('Hono', async (file, { skip }) => {
      link(skip, 'hono', '@hono/node-server');
      await checkRelay(() => listening(go(write('hono-host.mjs', honoOnNode(file)))));
    });

    test.for(SERVING)('Hono: on %s', async ([, part, options], { skip }) => {
      link(skip, 'hono');
      const [path = ''] = need(skip, part);
      await checkRelay(() => listening(launchOn(path, options, 'hono.mjs')));
    });

    test('Hono: on workerd', async ({ skip }) => {
      link(skip, 'hono');
      const [path = ''] = need(skip, WORKERD);
      await checkRelay(() => inWorkerd(path, 'hono.mjs'));
    });

    recipe('Cloudflare Worker', async (file, { skip }) => {
      const [path = ''] = need(skip, WORKERD);
      await checkRelay(() => inWorkerd(path, file));
    });

    recipe('Express', async (file, { skip }) => {
      link(skip, 'express');
      // Else it prints what was wrong with a body.
      await checkRelay(() => listening(go(file, { PORT: '0', NODE_ENV: 'test' })));
    });

    recipe('Fastify', async (file, { skip }) => {
      link(skip, 'fastify');
      await checkRelay(() => listening(go(file, { PORT: '0' })));
    });

    test.for<[string, keyof typeof FRAMEWORKS, string]>([
      ['Express', 'express', "app.use((_, response, next) => next(void response.set('x-from', 'a plugin')));"],
      ['Fastify', 'fastify', "app.addHook('onRequest', async (_, reply) => void reply.header('x-from', 'a plugin'));"],
    ])('%s: headers of plugins go along', async ([, name, plugin], { skip }) => {
      link(skip, name);
      await serve(() => reply(textEvents(['Hi'])));
      const file = change(project, `${name}.mjs`, { 'app.post(': `${plugin}\napp.post(` });
      const { url } = await listening(go(file, { PORT: '0' }));
      const response = await ask(url, asked('Hi'));
      expect(response.headers.get('x-from')).toBe('a plugin');
      expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
      await response.text();
    });

    recipe('Next route handler', (file) =>
      checkRelay(() => listening(go(write('next-host.mjs', nodeHost(file, 'recipe.POST'))))),
    );
  });

  describe('apps', () => {
    const driver = (recipeFile: string, prelude: string): string => `
      ${prelude}
      const { chat } = await import('./${recipeFile}');
      try {
        const messages = [{ role: 'user', content: 'Hi' }];
        const message = await chat(process.env.RELAY, messages, (text) => console.log('text ' + text));
        console.log(message.stop_reason);
      } catch (error) {
        console.log(error.name + ': ' + error.message);
      }
      process.exit();
    `;

    /** What an app prints for each way in which its relay may answer. */
    async function checkApp(begin: () => Running, wholeAtOnce = false): Promise<void> {
      const upTo = sse(textEvents(['Hello ', 'world'])).slice(0, 4);
      const cases: [Reply, string | RegExp][] = [
        [errorReply(529, 'overloaded_error', 'Overloaded'), 'OverloadedError: overloaded_error: Overloaded\n'],
        [
          reply([start(), textStart(0), textDelta(0, 'Hi'), apiError()]),
          /OverloadedError: overloaded_error: Overloaded\n$/,
        ],
        [reply([], { steps: upTo }), /TruncatedError: The stream ended before message_stop .*\n$/],
        [
          reply([], { steps: [...upTo, { waitMs: 50 }, { reset: true }] }),
          wholeAtOnce ? /\w*Error: / : /ConnectionError: /,
        ],
      ];
      for (const [answer, printed] of cases) {
        await serve(() => answer);
        const { stdout } = await begin().exit;
        if (typeof printed === 'string') expect(stdout).toBe(printed);
        else expect(stdout).toMatch(printed);
      }
    }

    /** Each piece goes out only when the one before was shown. */
    async function checkFlow(begin: () => Running): Promise<void> {
      const child: { is?: Running } = {};
      async function* steps(): AsyncGenerator<Step> {
        const [head, tail] = [Buffer.from(frame(textDelta(0, 'Grü'))), Buffer.from(frame(textDelta(0, 'ße')))];
        yield* sse([start(), textStart(0)]);
        yield head;
        await child.is?.printed('text Grü');
        // In the middle of a character.
        const half = tail.indexOf(0xc3) + 1;
        yield tail.subarray(0, half);
        yield { waitMs: 20 };
        yield tail.subarray(half);
        await child.is?.printed('text ße');
        yield* sse(textEvents([]).slice(3));
      }
      await serve(() => reply([], { steps: steps() }));
      child.is = begin();
      expect((await child.is.exit).stdout).toBe('text Grü\ntext ße\nend_turn\n');
      expect(server.requests[0]?.body).toEqual({ messages: asked('Hi') });
    }

    const relay = (): Record<string, string> => ({ RELAY: `${server.url}/api/chat` });

    recipe('React Native, XMLHttpRequest', async (file) => {
      linkPackage(project, 'jsdom', join(ROOT, 'node_modules/jsdom'));
      const prelude = `
        import { JSDOM, VirtualConsole } from 'jsdom';
        const options = { url: process.env.RELAY, virtualConsole: new VirtualConsole() };
        globalThis.XMLHttpRequest = new JSDOM('', options).window.XMLHttpRequest;`;
      const host = write('xhr-host.mjs', driver(file, prelude));
      await checkFlow(() => go(host, relay()));
      await checkApp(() => go(host, relay()));
    });

    test('React Native, XMLHttpRequest: in Hermes', async ({ skip }) => {
      const [hermes = '', babel = '', preset = ''] = need(skip, HERMES, BABEL, REACT_NATIVE_PRESET);
      const program = write(
        'hermes-source.mjs',
        `import { chat } from './react-native-xhr.mjs';
         const body = ${JSON.stringify(textBody(['Grü', 'ße 🌍']))};
         globalThis.XMLHttpRequest = class {
           listeners = {};
           addEventListener(type, listener) { this.listeners[type] = listener; }
           open() {}
           setRequestHeader() {}
           send() {
             for (let end = 1; end <= body.length; end++) {
               this.responseText = body.slice(0, end);
               this.listeners.progress();
             }
             this.listeners.load();
           }
         };
         chat('/api/chat', [], (text) => print('text ' + text)).then(
           (message) => print(message.stop_reason),
           (error) => print(String(error)),
         );`,
      );
      const { text } = await bundle(project, program, { format: 'iife' });
      const { transformSync } = createRequire(import.meta.url)(babel) as {
        transformSync: (code: string, options: object) => { code: string };
      };
      const options = { babelrc: false, configFile: false, compact: true, sourceType: 'script', filename: 'app.js' };
      const presets = [[preset, { enableBabelRuntime: false }]];
      write('hermes.js', transformSync(text, { ...options, presets }).code);
      const { stdout, stderr } = spawnSync(hermes, ['-w', '-Xes6-promise', '-Xmicrotask-queue', 'hermes.js'], {
        cwd: project.folder,
        encoding: 'utf8',
      });
      expect({ stdout, stderr }).toEqual({ stdout: 'text Grü\ntext ße 🌍\nend_turn\n', stderr: '' });
    });

    recipe('React Native, expo/fetch', async (file) => {
      installExpo(project);
      const host = write('expo-host.mjs', driver(file, ''));
      await checkFlow(() => go(host, relay()));
      await checkApp(() => go(host, relay()));
    });

    test('React Native, expo/fetch: where responses do not stream', async () => {
      installExpo(project);
      const host = write('expo-host.mjs', driver('expo-fetch.mjs', ''));
      const begin = (): Running => go(host, { ...relay(), EXPO_BODY: 'none' });
      await serve(() => reply(textEvents(['Hello ', 'world'])));
      expect((await begin().exit).stdout).toBe('text Hello world\nend_turn\n');
      await checkApp(begin, true);
    });

    recipe('Obsidian plugin', async (file) => {
      installObsidian(project);
      const host = write(
        'obsidian-host.mjs',
        `import { ask } from './${file}';
         const { ANTHROPIC_API_KEY: apiKey, ANTHROPIC_BASE_URL: baseURL } = process.env;
         console.log(await ask('Why?', { apiKey, baseURL }).catch((error) => error.name + ': ' + error.message));`,
      );
      const cases: [Reply, string | RegExp][] = [
        [reply(textEvents(['Because ', 'of the ', 'tides.'])), 'Because of the tides.\n'],
        [errorReply(429, 'rate_limit_error', 'Slow down'), 'RateLimitError: rate_limit_error: Slow down\n'],
        [reply(textEvents(['Because']).slice(0, 4)), /^TruncatedError: The stream ended before message_stop/],
      ];
      for (const [answer, printed] of cases) {
        await serve(() => answer);
        const { stdout } = await go(host).exit;
        if (typeof printed === 'string') expect(stdout).toBe(printed);
        else expect(stdout).toMatch(printed);
        expect(server.requests[0]).toMatchObject({
          url: '/v1/messages',
          headers: { 'x-api-key': KEY, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
          body: { stream: true, messages: asked('Why?') },
        });
      }
    });

    describe.skipIf(chromiumPath === undefined)('in Chromium', () => {
      let browser: Browser;
      beforeAll(async () => {
        browser = await launchChromium();
      }, 120_000);
      afterAll(() => browser?.close());

      const file = (type: string, text: string, policy = "default-src 'self'"): Reply => ({
        headers: { 'content-type': `${type}; charset=utf-8`, 'content-security-policy': policy },
        steps: [text],
      });

      /** Opens an empty page of a site that answers like this. */
      async function openPage(
        files: Readonly<Record<string, Reply>>,
        other?: (request: Received) => Reply,
      ): Promise<Page> {
        const missing = errorReply(404, 'not_found_error', 'No such file');
        await serve((request) => files[request.url] ?? other?.(request) ?? missing);
        const page = await browser.newPage();
        await page.goto(`${server.url}/`);
        return page;
      }

      recipe('Service worker', async (name) => {
        const { text } = await bundle(project, name, { format: 'iife' });
        const page = await openPage({
          '/': file('text/html', '<!doctype html><title>service worker</title>'),
          // It asks for this whenever it is started.
          '/sw.js': file('text/javascript', `fetch('/boot');${text}`),
          '/boot': file('text/plain', ''),
        });
        try {
          const session = await page.context().newCDPSession(page);
          await session.send('ServiceWorker.enable');
          await page.evaluate(`navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready)`);
          const send = (message: string): Promise<{ message?: { content: unknown }; status: string }> =>
            page.evaluate(`new Promise(async (resolve) => {
              const { port1, port2 } = new MessageChannel();
              port1.onmessage = ({ data }) => resolve(data);
              (await navigator.serviceWorker.ready).active.postMessage(${message}, [port2]);
            })`);
          const boots = (): number => server.requests.filter(({ url }) => url === '/boot').length;
          const bytes = Buffer.from(textBody(['Grüße ', 'und 🌍']));
          const cuts = [0, bytes.indexOf('Gr') + 3, bytes.indexOf('🌍') + 2, bytes.length];
          for (const [at, from] of cuts.slice(0, -1).entries()) {
            const piece = [...bytes.subarray(from, cuts[at + 1])];
            expect((await send(`{ piece: new Uint8Array([${piece.join()}]) }`)).status).toBe(
              at === 2 ? 'complete' : 'open',
            );
            await session.send('ServiceWorker.stopAllWorkers');
          }
          expect(await send('{ end: true }')).toMatchObject({
            status: 'complete',
            message: { content: [{ type: 'text', text: 'Grüße und 🌍' }] },
          });
          expect(boots()).toBeGreaterThanOrEqual(4);
          // The next stream begins anew; what is no piece is refused, and does no harm.
          const failed = { status: 'failed', error: 'Cannot write a chunk that is neither a Uint8Array nor a string' };
          expect(await send('{ piece: 5 }')).toMatchObject(failed);
          const cut = { status: 'truncated', error: 'The stream ended before it began: no message_start came' };
          expect(await send('{ piece: "data: {", end: true }')).toMatchObject(cut);
        } finally {
          await page.close();
        }
      });

      describe('VS Code', () => {
        /** The extension host: a worker that has the bundle, an API that is played, and no way to make code of text. */
        const extensionHost = (code: string): string => `
          const native = fetch;
          self.fetch = (url, init) => native(String(url).replace('https://api.anthropic.com', ''), init);
          const shown = (text) => postMessage(text);
          let cancel = () => {};
          const commands = {};
          const vscode = {
            ProgressLocation: { Notification: 15 },
            commands: { registerCommand: (id, run) => ((commands[id] = run), { dispose() {} }) },
            window: {
              createOutputChannel: () => ({ append: (text) => shown('out ' + text), appendLine: () => shown('line'), dispose() {} }),
              showInputBox: async () => 'Why?',
              showErrorMessage: (text) => shown('error ' + text),
              withProgress: (_, task) => task({}, { onCancellationRequested: (listener) => (cancel = listener) }),
            },
          };
          const module = { exports: {} };
          const require = (name) => { if (name === 'vscode') return vscode; throw new Error('no module ' + name); };
          ((exports, module, require) => {${code}
          })(module.exports, module, require);
          const subscriptions = [];
          module.exports.activate({ subscriptions, secrets: { get: async () => 'sk-ant-of-the-user' } });
          try { eval('1'); shown('eval works'); } catch { shown('no eval'); }
          onmessage = () => cancel();
          commands['claude.ask']().then(() => shown('done'));`;

        async function openExtension(name: string, answer: Reply): Promise<Page> {
          const { text, external } = await bundle(project, name, { format: 'cjs', external: ['vscode'] });
          expect(external).toEqual(['vscode']);
          const files = {
            '/': file('text/html', '<!doctype html><title>extension host</title>'),
            '/host.js': file('text/javascript', extensionHost(text), "default-src 'none'; connect-src 'self'"),
          };
          const page = await openPage(files, ({ url }) =>
            url === '/v1/messages' ? answer : errorReply(404, 'x', 'x'),
          );
          await page.evaluate(`globalThis.lines = []; globalThis.host = new Worker('/host.js');
            host.onmessage = ({ data }) => lines.push(data); host.onerror = ({ message }) => lines.push('crash ' + message); 0`);
          return page;
        }

        const said = (page: Page): Promise<string[]> => page.evaluate('lines');
        const untilSaid = (page: Page, line: string): Promise<void> =>
          expect.poll(() => said(page), { timeout: 20_000 }).toContain(line);

        recipe('VS Code web extension', async (name) => {
          const page = await openExtension(name, reply(textEvents(['Because ', 'of tides.'])));
          await untilSaid(page, 'done');
          expect(await said(page)).toEqual(['no eval', 'out Because ', 'out of tides.', 'line', 'done']);
          expect(server.requests.find(({ url }) => url === '/v1/messages')).toMatchObject({
            headers: { 'x-api-key': 'sk-ant-of-the-user', 'anthropic-dangerous-direct-browser-access': 'true' },
            body: { stream: true, messages: asked('Why?') },
          });
          await page.close();
        });

        test('VS Code web extension: an error is shown', async () => {
          const page = await openExtension('vscode-web.mjs', errorReply(403, 'permission_error', 'No'));
          await untilSaid(page, 'done');
          expect(await said(page)).toEqual(['no eval', 'error permission_error: No', 'done']);
          await page.close();
        });

        test('VS Code web extension: a cancelled question closes the request', async () => {
          const steps = [...sse(textEvents(['Because'])).slice(0, 4), { stall: true } as const];
          const page = await openExtension('vscode-web.mjs', reply([], { steps }));
          await untilSaid(page, 'out Because');
          await page.evaluate('host.postMessage(0)');
          await untilSaid(page, 'done');
          expect(await said(page)).toEqual(['no eval', 'out Because', 'done']);
          expect(await server.requests.find(({ url }) => url === '/v1/messages')?.left).toBe(true);
          await page.close();
        });
      });
    });
  });
});

test('every recipe for servers and apps has its test', () => {
  const here = [GROUPS['Servers'], GROUPS['Apps']].flat();
  expect(ran.toSorted()).toEqual(here.map(({ title }) => title).toSorted());
});
