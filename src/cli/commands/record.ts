/** `ssemble record`: captures of what goes over the wire, by standing in the way, by running a command, or from a pipe. */

import { findSecrets } from '../../capture/secrets.ts';
import type { Call, Command } from '../command.ts';
import { CLEAN, INPUT_OUTPUT } from '../exit.ts';
import { parseListen, parseTarget } from '../recorder/address.ts';
import { type CaptureFile, CaptureFolder } from '../recorder/capture-file.ts';
import type { ExchangeReport } from '../recorder/exchange.ts';
import { recordCommand, recordInput } from '../recorder/passing.ts';
import { startProxy } from '../recorder/proxy.ts';
import type { Ink } from '../terminal.ts';
import { UsageError } from '../usage.ts';

const ANYWHERE_FREE = '127.0.0.1:0';
const FOLDER = 'captures';

/** The command. */
export const RECORD: Command = {
  name: 'record',
  summary: 'record streams: as a proxy, from a command, or from a pipe',
  usage: '--to URL [options] | -o FILE -- command… | -o FILE < body',
  about: [
    'With --to it listens on this machine, passes every request on to URL and every answer back as it comes, and writes',
    'one capture a request. Standard output says which ANTHROPIC_BASE_URL to give to the client, standard error has a line',
    'a request. Ctrl-C ends it, with 0. Behind `--` it runs a command, passes its output on, and exits with its code.',
    'Keys are never written: headers and parameters that hold one are `[redacted]`, and where an answer quotes one, its',
    'bytes are `*`. Prompts are written only with --body; answers always: files are readable for you alone.',
  ],
  options: [
    { name: 'to', value: 'URL', summary: 'the server, such as https://api.anthropic.com' },
    { name: 'listen', value: 'HOST:PORT', summary: 'where to listen (default: 127.0.0.1 and a free port)' },
    { name: 'allow-remote', summary: 'let other machines reach it' },
    {
      name: 'output',
      short: 'o',
      value: 'PATH',
      summary: `the folder with --to (default: ${FOLDER}), else the file; - is standard output`,
    },
    { name: 'body', summary: 'keep the bodies of requests, prompts and all' },
    { name: 'json', summary: 'print one line of JSON for the address and for each request' },
  ],
  examples: [
    ['ssemble record --to https://api.anthropic.com', 'record what a client asks through it'],
    ['ssemble record -o a.capture.jsonl -- curl -sN https://…', 'record one command'],
    ['curl -sN https://… | ssemble record -o a.capture.jsonl | ssemble', 'record a pipe, and watch it'],
  ],
  readsInput: false,
  takesCommand: true,
  run: (call) => (call.options.has('to') || call.options.has('listen') ? runProxy(call) : runPassing(call)),
};

async function runPassing(call: Call): Promise<number> {
  const { options, rest, words, world } = call;
  const [stray] = words;
  if (stray !== undefined) {
    throw new UsageError(
      `\`record\` takes no file, and "${stray}" is one`,
      'Use `ssemble convert` for files, or `< FILE`.',
    );
  }
  for (const name of ['body', 'allow-remote']) {
    if (options.has(name)) throw new UsageError(`--${name} is for the proxy`, 'Add --to URL, or leave it out.');
  }
  if (rest?.length === 0) throw new UsageError('There is no command behind `--`', 'Such as: -- curl -sN https://…');
  if (rest === undefined && world.stdin.isTTY) {
    throw new UsageError(
      'There is nothing to record',
      'Add --to URL for a proxy, `-- command`, or pipe a stream into it.',
    );
  }
  const output = options.text('output');
  if (output === undefined) throw new UsageError('`record` needs a file to write', 'Add -o NAME.capture.jsonl.');
  const settings = { call, output, secrets: secretsOf(world.env), tool: toolOf(call) };
  return rest === undefined ? recordInput(settings) : recordCommand(settings, rest);
}

async function runProxy(call: Call): Promise<number> {
  const { options, world, out, err } = call;
  const [stray] = [...call.words, ...(call.rest ?? [])];
  if (stray !== undefined) throw new UsageError(`A proxy records no "${stray}"`, 'Leave it out, or leave out --to.');
  const to = options.text('to');
  if (to === undefined) throw new UsageError('--listen needs a server', 'Add --to https://api.anthropic.com.');
  const target = parseTarget(to);
  const listen = parseListen(options.text('listen') ?? ANYWHERE_FREE, options.has('allow-remote'));
  const folder = await CaptureFolder.open(options.text('output') ?? FOLDER);
  const json = options.has('json');
  let failed = false;
  const proxy = await startProxy({
    listen,
    target,
    folder,
    keepBody: options.has('body'),
    secrets: secretsOf(world.env),
    tool: toolOf(call),
    now: world.now,
    onDone(report, file) {
      failed ||= file.failure !== undefined;
      tell(json ? out : err, json, report, file);
    },
  });
  if (json) out.write(`${JSON.stringify({ listening: proxy.url, to: target.href })}\n`);
  else out.write(`ANTHROPIC_BASE_URL=${proxy.url}\n`);
  await out.flush();
  if (!json) err.write(`Recording to ${folder.path}; Ctrl-C ends it.\n`, 'dim');
  await err.flush();
  await interrupted(world.interrupt);
  await proxy.close();
  // Ctrl-C is how a server is told that its work is done; it did it.
  return failed ? INPUT_OUTPUT : CLEAN;
}

function interrupted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** One line a request. */
function tell(ink: Ink, json: boolean, report: ExchangeReport, file: CaptureFile): void {
  if (json) {
    const failure = file.failure === undefined ? {} : { failure: file.failure.message };
    ink.write(`${JSON.stringify({ ...report, ms: Math.round(report.ms), file: file.path, ...failure })}\n`);
  } else {
    const { method, path, status, bytes, ms, end, error, undecoded } = report;
    const facts = [
      status ?? 'no answer',
      `${bytes.toLocaleString('en')} bytes`,
      `${Math.round(ms).toLocaleString('en')} ms`,
    ];
    if (end !== 'eof') facts.push(error === undefined ? `${end} by the client` : `${end}: ${error}`);
    if (undecoded !== undefined) facts.push(`${undecoded} is not known here: the bytes stay encoded`);
    ink
      .write(`${method} ${path} ${facts.join(' · ')} · `)
      .write(file.failure?.message ?? file.path, file.failure ? 'red' : 'plain');
    ink.write('\n');
  }
  void ink.flush();
}

function toolOf({ world }: Call): string {
  return `ssemble/${world.version}`;
}

/** Keys that clients take from the environment: an answer may quote one that was never seen in a request here. */
function secretsOf(env: Readonly<Record<string, string | undefined>>): string[] {
  const own = Object.entries(env).filter(([name]) => /^(?:ANTHROPIC|CLAUDE|OPENAI|AWS|GOOGLE|AZURE)_/.test(name));
  return findSecrets(Object.fromEntries(own.filter(([, value = '']) => value.length >= SHORTEST_KEY)));
}

/** `CLAUDE_CODE_MAX_OUTPUT_TOKENS=32000` is none. */
const SHORTEST_KEY = 16;
