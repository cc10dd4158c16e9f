/**
 * The recipes as data, the page that is made of them, and a project of a user's to run them in.
 *
 * The project is what a user has: a folder with a recipe in it, and the package in `node_modules`. The package is made from
 * the sources here and now, with the `exports` and `bin` of package.json: no build on disk can be stale, and none is
 * touched.
 */

import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { format } from 'prettier';
import { ENTRIES } from './examples.ts';
import { importsOf, sizeOf } from './host-sizes.ts';

const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));
export const FOLDER: string = join(ROOT, 'test/recipes');
export const PAGE: string = join(FOLDER, 'README.md');

// --- the data ---

/** One recipe. Its test, in `recipes.test.ts`, has its title. */
export interface Recipe {
  title: string;
  file: string;
  /** What it shows besides its first line. */
  note: string;
  /** How it is started, in a sentence, where that is not `node` and its name. */
  run?: string;
}

/** What the recipes of one part of the page are about. */
export type Group = 'Requests' | 'Servers' | 'Apps' | 'Other carriers' | 'Look, record, test';

const REQUESTS: readonly Recipe[] = [
  { title: 'Basic text', file: 'basic-text.mjs', note: 'The shortest program that is right.' },
  {
    title: 'Final message',
    file: 'final-message.mjs',
    note: '`finalMessage()` and `finalText()` read the stream themselves. No loop is needed.',
  },
  {
    title: 'All events',
    file: 'all-events.mjs',
    note: 'Events are typed: in TypeScript, `switch (event.type)` narrows.',
  },
  {
    title: 'Tools, with the whole loop',
    file: 'tool-loop.mjs',
    note: '`stream.blocks[k]` says how `message.content[k]` arrived. All results of one answer go back in one turn.',
  },
  {
    title: 'Token usage while it streams',
    file: 'token-usage.mjs',
    note: 'The API tells usage at the start and at the end, not with every word.',
  },
  { title: 'Async', file: 'async.mjs', note: 'Nothing blocks: the stream is read when there is something to read.' },
  { title: 'Several streams at once', file: 'several-at-once.mjs', note: 'Streams share nothing.' },
  {
    title: 'Buffered display',
    file: 'buffered-display.mjs',
    note: 'The pacer has no timer: whoever draws asks `take(now)`. In a page, call it from `requestAnimationFrame`.',
  },
  {
    title: 'Current snapshot',
    file: 'snapshot.mjs',
    note: '`snapshot` is the state after the event that you hold. `stream.blocks` says which blocks are still open.',
  },
  {
    title: 'Errors by class',
    file: 'errors.mjs',
    note: 'An error from the server is the same class before the stream (an HTTP status) and in it (an `error` event).',
  },
  { title: 'Multi-turn', file: 'multi-turn.mjs', note: 'The API keeps no state. The list of messages is yours.' },
  { title: 'System prompt', file: 'system-prompt.mjs', note: 'Every other parameter of the API goes the same way.' },
  { title: 'Temperature', file: 'temperature.mjs', note: 'So do `top_p`, `top_k` and `stop_sequences`.' },
  {
    title: 'Thinking',
    file: 'thinking.mjs',
    note: 'Older models take `{ type: "enabled", budget_tokens: 8000 }`. For thinking alone there is `stream.thinkingStream`.',
  },
  {
    title: 'Raw response and request id',
    file: 'raw-response.mjs',
    note: 'Give the request id when you report a problem. Every error has it too, as `error.requestId`.',
  },
  {
    title: 'Interrupt with Ctrl-C',
    file: 'interrupt.mjs',
    note: 'The server sees the connection close, and stops. Exit code 130.',
  },
  {
    title: 'Manual iteration',
    file: 'manual-iteration.mjs',
    note: 'The stream itself iterates the same way: `stream[Symbol.asyncIterator]()` gives events.',
  },
  {
    title: 'Timeouts',
    file: 'timeouts.mjs',
    note: 'What had come is on the error: `error.snapshot`. Without options both waits are four minutes, and there is no deadline.',
  },
  {
    title: 'max_tokens reached',
    file: 'max-tokens.mjs',
    note: '`salvage` says what may be sent back, `continuation` makes the request that goes on.',
  },
];

const SERVERS: readonly Recipe[] = [
  {
    title: 'Relay endpoint, plain Node',
    file: 'relay-node.mjs',
    note: 'The browser reads it with `MessageStream.from(await fetch("/api/chat", …))`. Add your own login check.',
  },
  {
    title: 'Relay endpoint, web standard',
    file: 'relay-web.mjs',
    run: 'Run it: `bun relay-web.mjs`, or `deno serve --allow-net --allow-env relay-web.mjs`.',
    note: 'Run by the tests on Bun and Deno, and on Node behind `node:http`.',
  },
  {
    title: 'Hono',
    file: 'hono.mjs',
    run: 'Run it: `bun hono.mjs`, or `deno serve --allow-net --allow-env hono.mjs`.',
    note: 'Run by the tests on Cloudflare’s workerd, Bun, Deno and Node.',
  },
  {
    title: 'Cloudflare Worker',
    file: 'worker.mjs',
    run: 'Run it: `npx wrangler dev worker.mjs`.',
    note: 'Run by the tests on workerd, without `nodejs_compat`. There a client that has left is seen when something is written, at the latest with the next heartbeat (15 s, `heartbeatMs`); then the request to the API is closed.',
  },
  {
    title: 'Express',
    file: 'express.mjs',
    note: 'Version 4 or 5. Headers that middleware has set on the response (CORS, cookies) go along.',
  },
  {
    title: 'Fastify',
    file: 'fastify.mjs',
    note: '`hijack()` tells Fastify that somebody else answers; its `onSend` hooks are not run.',
  },
  {
    title: 'Next route handler',
    file: 'next-route.mjs',
    run: 'Run it: `npx next dev`.',
    note: 'The handler is the web’s, so the same lines are a `+server.js` of SvelteKit, an `action` of React Router and an endpoint of Astro: there the request is `({ request })`. The tests call the handler as Next does, with a real request; Next itself is not run.',
  },
];

const APPS: readonly Recipe[] = [
  {
    title: 'React Native, XMLHttpRequest',
    file: 'react-native-xhr.mjs',
    run: 'Call `chat()` with the address of your relay.',
    note: 'The key stays on the relay. Run by the tests with the XMLHttpRequest of jsdom against a real server, and in Hermes, React Native’s engine, after its Babel preset.',
  },
  {
    title: 'React Native, expo/fetch',
    file: 'expo-fetch.mjs',
    run: 'Call `chat()` with the address of your relay.',
    note: 'Tested with responses of that shape: a body that is a `ReadableStream`, and none at all.',
  },
  {
    title: 'Obsidian plugin',
    file: 'obsidian.mjs',
    run: 'Call `ask()` from a command of the plugin.',
    note: 'The same for every host that gives a body only as a whole. `requestUrl` is played by the tests.',
  },
  {
    title: 'Service worker',
    file: 'service-worker.mjs',
    run: 'Bundle it into one file for `navigator.serviceWorker.register()`.',
    note: 'The state is plain JSON at any byte, so it may be saved in the middle of a character. Run by the tests in Chromium, which stops the worker in the middle of a stream.',
  },
  {
    title: 'VS Code web extension',
    file: 'vscode-web.mjs',
    run: 'Build it: `esbuild vscode-web.mjs --bundle --format=cjs --platform=browser --external:vscode`, for `browser` in the manifest.',
    note: 'The bundle must import nothing but `vscode`, and make no code of text. Run by the tests in a worker of Chromium whose policy forbids eval; the API of VS Code is played.',
  },
];

const CARRIERS: readonly Recipe[] = [
  {
    title: 'Amazon Bedrock',
    file: 'bedrock.mjs',
    note: 'Takes `AWS_BEARER_TOKEN_BEDROCK` in place of `ANTHROPIC_API_KEY`. The AWS SDK unpacks the frames itself: give `MessageStream.fromEvents()` the parsed JSON of each `chunk.bytes`.',
  },
  {
    title: 'Claude Code',
    file: 'claude-code.mjs',
    note: 'Needs the program `claude`; the tests play it. `parentToolUseId: "toolu_…"` follows a subagent.',
  },
];

const TOOLS: readonly Recipe[] = [
  {
    title: 'Raw look',
    file: 'raw-look.sh',
    note: '`npx ssemble view` and `npx ssemble message` read the same pipe.',
  },
  {
    title: 'Record in process',
    file: 'record.mjs',
    note: 'Then `npx ssemble stats answer-1.capture`, or `lint`, `report`, `replay`. Nothing is slowed down: a chunk is written when the program reads it.',
  },
  {
    title: 'Test with faults',
    file: 'test-with-faults.mjs',
    run: 'Run it: `node --test test-with-faults.mjs`.',
    note: '`faultFetch` fits the official SDK and the AI SDK as well: whatever takes a `fetch`. A capture may stand in place of the body.',
  },
  {
    title: 'Lint in a test',
    file: 'lint-in-test.mjs',
    run: 'Run it: `node --test lint-in-test.mjs`.',
    note: 'With `profile: "sdk"` only what the official SDKs stumble over is an error. `formatJunit` and `formatSarif` are for CI.',
  },
];

/** The parts of the page, in order. */
export const GROUPS: Readonly<Record<Group, readonly Recipe[]>> = {
  Requests: REQUESTS,
  Servers: SERVERS,
  Apps: APPS,
  'Other carriers': CARRIERS,
  'Look, record, test': TOOLS,
};

export const RECIPES: readonly Recipe[] = Object.values(GROUPS).flat();

/** One of the guides' troubleshooting entries. Its tests, in `troubleshooting.test.ts`, stand under its name. */
export interface Trouble {
  name: string;
  /** What a person sees. */
  symptom: string;
  /** What this library does. */
  does: string;
  /** What is left to do. */
  now: string;
}

export const TROUBLES: readonly Trouble[] = [
  {
    name: 'not streaming',
    symptom: 'Nothing appears until the end',
    does: '`stream: true` is always sent, whatever the params say, and every event is handed out as soon as its bytes are there. A server that gives the whole message at once is named as such.',
    now: 'Print without a line buffer (`process.stdout.write`). If events still come all at once, a proxy holds them: `ssemble/relay` sends the headers that tell proxies not to.',
  },
  {
    name: 'connection closed early',
    symptom: 'The answer stops in the middle',
    does: 'Never taken for success: the loop and `finalMessage()` throw a `TruncatedError` (a clean end) or a `ConnectionError` (a broken one), with what had come in `error.snapshot`. Before the first content it is tried again.',
    now: 'Show `error.snapshot`, or go on with `continuation(error.snapshot, error.blocks, request)`.',
  },
  {
    name: 'bad parsing',
    symptom: 'Lost words, broken accents, SyntaxError in JSON',
    does: 'How the bytes are cut changes nothing: lines, characters and events may be split anywhere, and lines may end in LF, CR or CRLF.',
    now: 'Nothing. Give the chunks as they come.',
  },
  {
    name: 'delta before its start',
    symptom: 'A delta comes before its start',
    does: 'The text is kept: a block is made for it, and a diagnostic (`delta-without-start`, `content-before-start`) says where. With `strict: true` a delta without its block ends the stream with a `ProtocolError`.',
    now: 'Look at `stream.diagnostics`. The protocol does not allow it; a proxy between may do it.',
  },
  {
    name: '429, 403 and 529',
    symptom: 'The server says 429, 403 or 529',
    does: '429 and 529 are tried again, twice, after the time that the server asks for; so is an `error` event before any content. Then it is a `RateLimitError` (with `retryAfterMs` and `rateLimits`) or an `OverloadedError`. 403 is a `PermissionDeniedError` at once. After content nothing is tried again.',
    now: '429: wait, or ask for less at once. 529: come back later. 403: the key may not use this model or feature.',
  },
  {
    name: 'max_tokens',
    symptom: 'The answer ends in the middle of a sentence, without an error',
    does: 'The message is complete, with `stop_reason: "max_tokens"`: no error. A tool whose input was cut is never `valid`, and `salvage` leaves it out.',
    now: 'Look at `stop_reason`. Raise `max_tokens`, or go on with `continuation`.',
  },
  {
    name: 'mixed calls',
    symptom: 'Two loops over one answer, or two answers mixed up',
    does: 'One request gives both: iterate, and call `finalMessage()` before, during or after. A second loop while one is unfinished is a `TypeError` that names `tee()`. Streams that run at once never mix.',
    now: 'To read one stream twice, `const [a, b] = stream.tee()` before the first event.',
  },
  {
    name: 'leaked key',
    symptom: 'The key stands in a log or in a page',
    does: 'A key appears in no error of this library, also where a gateway quotes it, and not in what the relay sends. Redirects are not followed, because the key would go along.',
    now: 'A key that was seen is lost: revoke it. In a browser, talk to a relay and keep the key on the server.',
  },
  {
    name: 'missing key',
    symptom: 'No key is set',
    does: 'One line, before anything is sent: `No API key: set ANTHROPIC_API_KEY, or give apiKey or authToken`. An empty variable counts as missing; a key with a line end in it is refused with a line of its own.',
    now: '`export ANTHROPIC_API_KEY=…`, or `apiKey` in the options.',
  },
];

// --- the page ---

/**
 * The page, laid out as the formatter lays it out.
 *
 * @param old - the page as it was. A size that it gives stands, as long as it is off by no more than {@link TOLERANCE}: so not
 *   every change of the sources makes the page stale
 */
export async function renderPage(old = ''): Promise<string> {
  const sized = new Map<Recipe, Sized>();
  for (const recipe of RECIPES) sized.set(recipe, await sizedOf(recipe, old));
  const parts = [
    INTRODUCTION,
    ...Object.entries(GROUPS).map(([name, recipes]) => contents(name, recipes, sized)),
    'And the [browser page](#browser-page), and [what to do when it does not stream](#troubleshooting).',
    ...RECIPES.map((recipe) => section(recipe, sized.get(recipe))),
    BROWSER,
    troubleshooting(),
  ];
  const { prettier } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { prettier: object };
  return format(parts.join('\n\n'), { ...prettier, parser: 'markdown' });
}

/** How far a size on the page may be from the truth. */
const TOLERANCE = 0.02;

/** What a recipe imports of the package, and how many bytes that costs. */
interface Sized {
  entries: string[];
  bytes: number;
}

/** What a recipe costs; see {@link renderPage} for `old`. */
export async function sizedOf({ title, file }: Recipe, old: string): Promise<Sized> {
  const code = readFileSync(join(FOLDER, file), 'utf8');
  const entries = [...new Set(importsOf(code).map(([entry]) => entry))];
  if (entries.length === 0) return { entries, bytes: 0 };
  const bytes = await sizeOf(code);
  const part = old.slice(old.indexOf(`\n## ${title}\n`));
  const shown = 1000 * Number(/^Imports [^\n]* ([\d.]+) kB\./m.exec(part)?.[1]);
  return { entries, bytes: Math.abs(shown - bytes) <= TOLERANCE * bytes ? shown : bytes };
}

const kB = (bytes: number): string => (bytes / 1000).toFixed(1);
const listed = (entries: readonly string[]): string => entries.map((entry) => `\`${entry}\``).join(', ');

/** The recipes of one part as a table. */
function contents(name: string, recipes: readonly Recipe[], sized: ReadonlyMap<Recipe, Sized>): string {
  const rows = recipes.map((recipe) => {
    const { entries, bytes } = sized.get(recipe) as Sized;
    const cells = [`[${recipe.title}](#${anchor(recipe.title)})`, listed(entries), bytes === 0 ? '' : kB(bytes)];
    return `| ${cells.join(' | ')} |`;
  });
  return [`| ${name} | imports | kB |`, '| --- | --- | ---: |', ...rows].join('\n');
}

const INTRODUCTION = `<!-- Made by \`UPDATE_README=1 npx vitest run test/recipes.test.ts\` from the files here and test/support/recipes.ts. -->

# Recipes

Each is a whole program: copy it into a file that ends in \`.mjs\`, in a project that has the package (it is not on npm yet: the
[README](../../README.md#two-commands) says how to pack it), set \`ANTHROPIC_API_KEY\`, run it. All of them are run by tests against a real server on
this machine; the title of the test is the title of the recipe: \`npx vitest run test/recipes -t 'Basic text'\`. Frameworks and
runtimes come with \`npm ci --prefix test/runtimes\`; a test whose host is not there is skipped, and says so.

In a clone: \`npm ci && node test/recipes/basic-text.mjs\`. \`ANTHROPIC_BASE_URL\` sends them elsewhere, to a gateway for
example. With \`ssemble/undici\` in place of \`ssemble/fetch\` they are the same, after \`npm install undici@7\`.

kB are what a recipe's imports add to a bundle for a browser: minified by esbuild, then gzip -9, 1,000 bytes each, within
two percent. What several recipes share counts once in a bundle of yours.`;

const BROWSER = `## Browser page

One HTML file and the built module, no bundler: text as it comes, a tool call as it fills, thinking folded, a stop button
that stops the upstream, errors. It is in [browser/](browser/), and talks to either relay endpoint.

Shown by \`npx vitest run test/browser.test.ts\`.`;

function section({ title, file, note, run: way }: Recipe, sized: Sized | undefined): string {
  const { first, code } = parted(file);
  const lang = file.endsWith('.sh') ? 'sh' : 'js';
  const how = way ?? `Run it: \`${lang === 'sh' ? 'sh' : 'node'} ${file}\`.`;
  const cost = sized === undefined || sized.bytes === 0 ? [] : [costOf(sized)];
  return [
    `## ${title}`,
    first,
    `\`\`\`${lang}\n${code}\n\`\`\``,
    ...cost,
    `${note} ${how} Shown by \`recipes › ${title}\`.`,
  ].join('\n\n');
}

const costOf = ({ entries, bytes }: Sized): string => `Imports ${listed(entries)}: ${kB(bytes)} kB.`;

/** The comment that a recipe begins with, and the rest. */
function parted(file: string): { first: string; code: string } {
  const lines = readFileSync(join(FOLDER, file), 'utf8').trimEnd().split('\n');
  const shell = lines[0]?.startsWith('#!') === true;
  const comment = lines[shell ? 1 : 0] ?? '';
  const first = /^(?:\/\/|#) (.+)$/.exec(comment)?.[1];
  if (first === undefined) throw new Error(`test/recipes/${file} must begin with a comment that says what it does`);
  return { first, code: lines.slice(shell ? 2 : 1).join('\n') };
}

function troubleshooting(): string {
  const rows = TROUBLES.map(
    ({ name, symptom }) => `| [${symptom}](#${anchor(symptom)}) | \`troubleshooting › ${name}\` |`,
  );
  const entries = TROUBLES.map(({ symptom, does, now }) => `### ${symptom}\n\n${does}\n\n**Now:** ${now}`);
  const intro =
    'What this library does about each, and what is left to do. The tests of an entry: ' +
    "`npx vitest run test/troubleshooting.test.ts -t 'not streaming'`.";
  const head = '| what you see | shown by |\n| --- | --- |';
  return ['## Troubleshooting', intro, [head, ...rows].join('\n'), ...entries].join('\n\n');
}

/** As GitHub makes it of a heading. */
function anchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}

// --- a project to run them in ---

/** A folder of a user's. */
export interface Project {
  folder: string;
  /** Removes it. */
  dispose: () => void;
}

/** Makes a project with the package installed, `undici` beside it, and every recipe. */
export async function makeProject(): Promise<Project> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ssemble-recipes-')));
  const modules = join(folder, 'node_modules');
  const installed = join(modules, 'ssemble');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  await installPackage(installed);
  symlinkSync(join(installed, 'dist/cli/main.js'), join(modules, '.bin/ssemble'));
  symlinkSync(join(ROOT, 'node_modules/undici'), join(modules, 'undici'));
  for (const { file } of RECIPES) cpSync(join(FOLDER, file), join(folder, file));
  return { folder, dispose: () => rmSync(folder, { recursive: true, force: true }) };
}

/** One file per entry, what they share in files of its own: so an `ApiError` is the same class everywhere, as in a build. */
async function installPackage(to: string): Promise<void> {
  const inputs = [...Object.values(ENTRIES), join(ROOT, 'src/cli/main.ts')];
  await build({
    entryPoints: inputs,
    outdir: join(to, 'dist'),
    outbase: join(ROOT, 'src'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    external: ['undici'],
    logLevel: 'silent',
  });
  cpSync(join(ROOT, 'package.json'), join(to, 'package.json'));
  chmodSync(join(to, 'dist/cli/main.js'), 0o755);
}

/** How a program ended. `stdout` and `stderr` are whole. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A program that runs. */
export interface Running {
  exit: Promise<Exit>;
  /** Resolves when it has printed this; rejects if it ends without. */
  printed: (text: string | RegExp) => Promise<void>;
  stdout: () => string;
  kill: (signal: NodeJS.Signals) => void;
}

/** A program that hangs is a failure: it is ended after this. */
const LIFETIME_MS = 40_000;

/** Starts a program in a folder. It sees this environment and no other. */
export function run(command: readonly string[], folder: string, env: Readonly<Record<string, string>>): Running {
  const [program = '', ...rest] = command;
  const child = spawn(program, rest, {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const seen = { stdout: '', stderr: '' };
  let ended = false;
  const watchers = new Set<() => void>();
  const wake = (): void => {
    for (const watcher of watchers) watcher();
  };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      seen[name] += text;
      wake();
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), LIFETIME_MS);
  const exit = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      ended = true;
      resolve({ code, signal, ...seen });
      wake();
    });
  });
  const printed = (text: string | RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const watcher = (): void => {
        const found = typeof text === 'string' ? seen.stdout.includes(text) : text.test(seen.stdout);
        if (!found && !ended) return;
        watchers.delete(watcher);
        if (found) resolve();
        else reject(new Error(`it ended without printing ${String(text)}:\n${seen.stdout}${seen.stderr}`));
      };
      watchers.add(watcher);
      watcher();
    });
  return { exit, printed, stdout: () => seen.stdout, kill: (signal) => void child.kill(signal) };
}

/** Changes words of a recipe in a project, where it must not wait as long as in life. Fails if they are not there. */
export function change({ folder }: Project, file: string, words: Readonly<Record<string, string>>): string {
  const changed = `changed-${file}`;
  let text = readFileSync(join(FOLDER, file), 'utf8');
  for (const [from, to] of Object.entries(words)) {
    if (!text.includes(from)) throw new Error(`test/recipes/${file} does not hold "${from}"`);
    text = text.replaceAll(from, to);
  }
  writeFileSync(join(folder, changed), text);
  return changed;
}
