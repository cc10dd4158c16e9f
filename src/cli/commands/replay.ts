/** `ssemble replay`: a stream once more, with its own timing, chopped and broken as asked, printed or served. */

import { CHOPPERS, parseChop } from '../../testing/chop.ts';
import { FAULTS, parseFault, type Fault, type FaultRule } from '../../testing/fault-grammar.ts';
import { timedPace } from '../../testing/pace.ts';
import { Player, waitForHead } from '../../testing/player.ts';
import type { Call, Command, Options } from '../command.ts';
import { CLEAN, INTERRUPTED } from '../exit.ts';
import { type ListenAddress, parseListen } from '../recorder/address.ts';
import { listOf, startReplayServer, withPaths, type Exchange } from '../replaying/server.ts';
import { captureOf, readReplayed, type ReplayedStream, type ReplayPlan } from '../replaying/stream.ts';
import { jsonText } from '../terminal.ts';
import { UsageError } from '../usage.ts';

const ANYWHERE_FREE = '127.0.0.1:0';

/** The command. */
export const REPLAY: Command = {
  name: 'replay',
  summary: 'print a stream again with its own timing, or serve it; chop it, break it',
  usage: '[options] [file…]',
  about: [
    'Standard output gets the bytes, unchanged, when they came in the capture; a saved body has no times and comes at once.',
    'With --serve every POST to /v1/messages is answered with them, over real connections: set ANTHROPIC_BASE_URL to the',
    'address that is printed. Several files answer in turn, or by name: POST /NAME/v1/messages. GET lists them.',
    'Status and headers are those of the capture. An input is read to its end before it is played. Ctrl-C ends.',
    '--chop cuts:',
    ...CHOPPERS.map(({ name, argument, summary }) =>
      row(argument === undefined ? name : `${name}:${argument}`, summary),
    ),
    '--fault KIND@PLACE[:ARGUMENT], any number of them; all places are those of the stream as it was:',
    ...FAULTS.flatMap(faultRows),
    'A place is event:N (right before event N, from 1), byte:N (behind N bytes), type:NAME or type:NAME:K (the first or the',
    'K-th event of that type), random (by --seed), or end.',
  ],
  options: [
    { name: 'speed', value: 'N', summary: 'play N times as fast (default: 1)' },
    { name: 'instant', summary: 'do not wait, but for what --fault stall asks for' },
    { name: 'chop', value: 'HOW', summary: 'how to cut the bytes into chunks, see above (default: recorded)' },
    { name: 'fault', value: 'FAULT', many: true, summary: 'what to break, see above; may be given several times' },
    { name: 'seed', value: 'N', summary: 'for random places and corrupted bytes (default: 1)' },
    { name: 'serve', summary: 'answer requests instead of printing' },
    { name: 'listen', value: 'HOST:PORT', summary: 'serve there (default: a free port of 127.0.0.1)' },
    { name: 'allow-remote', summary: 'let other machines reach it' },
    { name: 'json', summary: 'print what would be sent as a capture, without waiting; with --serve: the list as JSON' },
  ],
  examples: [
    ['ssemble replay answer.capture.jsonl | ssemble', 'watch it again'],
    ['ssemble replay --serve --fault reset@event:5 answer.sse', 'a server that breaks off'],
    ['ssemble replay --json --chop byte --fault drop@random --seed 7 a.sse > broken.jsonl', 'a broken one, to keep'],
  ],
  readsInput: true,
  run: replay,
};

async function replay(call: Call): Promise<number> {
  const { words, options, world } = call;
  const files = words.length === 0 ? ['-'] : words;
  const serves = options.has('serve') || options.has('listen');
  if (!serves && files.length > 1) {
    throw new UsageError('Cannot print several streams as one', 'Use --serve, or name one file.');
  }
  const [plan, address] = [
    planOf(options),
    parseListen(options.text('listen') ?? ANYWHERE_FREE, options.has('allow-remote')),
  ];
  const streams: ReplayedStream[] = [];
  for (const file of files) streams.push(await readReplayed(file, plan, world));
  if (world.interrupt.aborted) return INTERRUPTED;
  if (serves) return serve(streams, address, call);
  const [stream] = streams as [ReplayedStream];
  return options.has('json') ? printCapture(stream, call) : print(stream, call);
}

function planOf(options: Options): ReplayPlan {
  if (options.has('instant') && options.has('speed')) {
    throw new UsageError('Cannot play at a speed and at once', 'Use --speed or --instant.');
  }
  const speed = options.has('instant') ? Infinity : (options.number('speed') ?? 1);
  if (speed === 0) throw new UsageError('--speed cannot be 0', 'Give a number above 0, such as 0.5 or 10.');
  const chop = options.text('chop') ?? 'recorded';
  const seed = options.number('seed', { whole: true }) ?? 1;
  orUsage(() => parseChop(chop), 'See `ssemble help replay`.');
  return { speed, chop, seed, faults: options.texts('fault').map(readFault) };
}

function readFault(text: string): Fault {
  return orUsage(() => parseFault(text), 'See `ssemble help replay`.');
}

function orUsage<T>(read: () => T, hint: string): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(error.message, hint);
  }
}

/** Plays to standard output. A pipe cannot show a broken connection, so that is said in words. */
async function print({ playback }: ReplayedStream, { world, out, err }: Call): Promise<number> {
  const { stdout, interrupt } = world;
  const pace = timedPace(world.now);
  const reset = playback.ending === 'reset';
  const decoder = stdout.isTTY ? new TextDecoder() : undefined;
  try {
    await waitForHead(playback, pace, interrupt);
    for await (const chunk of new Player(reset ? { ...playback, ending: 'eof' } : playback, pace, interrupt)) {
      if (decoder === undefined) stdout.writeBytes(chunk);
      else out.write(decoder.decode(chunk, { stream: true }));
      await out.flush();
      if (stdout.closed) return CLEAN;
    }
  } catch (error) {
    if (!interrupt.aborted) throw error;
    return INTERRUPTED;
  }
  if (reset) err.write('ssemble: ', 'bold').write('Here the connection breaks; a pipe only ends.\n');
  return CLEAN;
}

async function printCapture(stream: ReplayedStream, { world, out }: Call): Promise<number> {
  // Every line of a capture is JSON without control characters.
  out.write(captureOf(stream, `ssemble/${world.version}`));
  await out.flush();
  return CLEAN;
}

async function serve(streams: readonly ReplayedStream[], address: ListenAddress, call: Call): Promise<number> {
  const { world, options, out, err } = call;
  const served = withPaths(streams);
  const server = await startReplayServer(served, address, world.now, (exchange) => {
    err.write(`${logLine(exchange)}\n`);
    void err.flush();
  });
  const { url } = server;
  out.write(options.has('json') ? `${jsonText({ url, ...listOf(served) })}\n` : `${url}\n`);
  await out.flush();
  err.write(`Serving ${served.map(({ name }) => name).join(', ')} at ANTHROPIC_BASE_URL=${url} until Ctrl-C.\n`);
  await err.flush();
  await aborted(world.interrupt);
  await server.close();
  return INTERRUPTED;
}

function logLine({ method, path, stream, status, bytes, end }: Exchange): string {
  const how = { end: 'ended', reset: 'reset', left: 'the client left' }[end];
  return `${method} ${path} ${status} ${stream ?? '-'}: ${bytes} bytes, ${how}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function row(name: string, summary: string): string {
  return `  ${name.padEnd(12)}  ${summary}`;
}

/** A summary of several sentences gets a line for each; then come the words that may follow the place. */
function faultRows({ kind, summary, arguments: words = [] }: FaultRule): string[] {
  const [first = '', ...others] = summary.split(/(?<=;) /);
  const choices = words.length > 1 ? [row('', `${kind}@…:${words.join('|')}`)] : [];
  return [row(kind, first), ...others.map((other) => row('', other)), ...choices];
}
