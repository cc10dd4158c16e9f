/**
 * Streams over real connections: a small HTTP server that answers as the Messages API does, whatever it is asked.
 *
 * What breaks here breaks as on a network: a `cut` ends the body with its last chunk, so the client sees a plain end; a
 * `reset` destroys the socket, so it sees an error; a `stall` without a time leaves the connection open until the client
 * goes.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { headersOf } from '../../testing/fault-fetch.ts';
import { timedPace } from '../../testing/pace.ts';
import { Player, waitForHead } from '../../testing/player.ts';
import { InputError } from '../input.ts';
import { type ListenAddress, urlOf } from '../recorder/address.ts';
import type { ReplayedStream } from './stream.ts';

/** What happened to one request, for the log. */
export interface Exchange {
  method: string;
  path: string;
  /** The name of the stream; `undefined` for an answer of the server's own. */
  stream: string | undefined;
  status: number;
  /** Bytes of the body that were sent. */
  bytes: number;
  /** `left`: the client went before the end. */
  end: 'end' | 'reset' | 'left';
}

/** A server that runs. */
export interface ReplayServer {
  url: string;
  close: () => Promise<void>;
}

/** What a stream is called in a URL, and where it is served. Streams of the same name get a number. */
export interface ServedStream {
  name: string;
  path: string;
  stream: ReplayedStream;
}

/** The streams with the paths under which they are served. */
export function withPaths(streams: readonly ReplayedStream[]): ServedStream[] {
  const taken = new Set<string>();
  return streams.map((stream) => {
    let { name } = stream;
    for (let n = 2; taken.has(name); n++) name = `${stream.name}-${n}`;
    taken.add(name);
    return { name, path: `/${encodeURIComponent(name)}${MESSAGES}`, stream };
  });
}

const MESSAGES = '/v1/messages';

/**
 * Starts to serve.
 *
 * @param now - the clock that steps are counted on
 * @param log - gets every exchange when it is over
 * @throws InputError if the address cannot be had
 */
export async function startReplayServer(
  streams: readonly ServedStream[],
  { host, port }: ListenAddress,
  now: () => number,
  log: (exchange: Exchange) => void,
): Promise<ReplayServer> {
  const turns = new Turns(streams);
  const server = createServer({ noDelay: true }, (request, response) => {
    const pace = timedPace(now);
    void exchange(request, response, turns, pace).then(log);
  });
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  return {
    url: urlOf({ host, port: address.port }),
    close: () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      return closed.then(() => undefined);
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const known: Record<string, string> = {
      EADDRINUSE: 'the port is taken',
      EADDRNOTAVAIL: 'it is none of this machine',
    };
    const why = known[code ?? ''] ?? String(code ?? cause);
    throw new InputError(`Cannot listen on ${host}:${port}: ${why}`, { cause });
  }
}

/** Whose turn it is: one after the other, for those who do not ask by name. */
class Turns {
  readonly streams: readonly ServedStream[];
  #next = 0;

  constructor(streams: readonly ServedStream[]) {
    this.streams = streams;
  }

  /** The stream that a path asks for. */
  take(path: string): ServedStream | undefined {
    if (path !== MESSAGES) return this.streams.find((one) => one.path === path);
    return this.streams[this.#next++ % this.streams.length];
  }
}

type Pace = ReturnType<typeof timedPace>;

async function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  turns: Turns,
  pace: Pace,
): Promise<Exchange> {
  const { method = '', url = '' } = request;
  const path = url.split('?')[0] ?? '';
  response.on('error', () => undefined);
  // The request is read whole, and nothing of it is kept.
  request.resume();
  await Promise.race([once(request, 'end'), once(response, 'close')]).catch(() => undefined);
  const served = method === 'POST' ? turns.take(path) : undefined;
  const told = { method, path, stream: served?.name };
  if (served === undefined) return { ...told, ...tell(method, path, response, turns.streams) };
  return { ...told, ...(await play(served.stream, response, pace)) };
}

/** Some systems throw away what was not read when a reset comes: what was sent before it must have time to arrive. */
const BEFORE_RESET_MS = 20;

type Outcome = Pick<Exchange, 'status' | 'bytes' | 'end'>;

/** Plays one stream to one client. */
async function play({ material, playback }: ReplayedStream, response: ServerResponse, pace: Pace): Promise<Outcome> {
  const { status } = material;
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  // The player's own error would only say that it ended as it should.
  const reset = playback.ending === 'reset';
  const player = new Player(reset ? { ...playback, ending: 'eof' } : playback, pace, gone.signal);
  let bytes = 0;
  try {
    await waitForHead(playback, pace, gone.signal);
    response.writeHead(status, headersOf(material).flat());
    response.flushHeaders();
    for await (const chunk of player) {
      await written(response, chunk);
      bytes += chunk.length;
    }
  } catch (error) {
    if (!gone.signal.aborted) throw error;
    return { status, bytes, end: 'left' };
  }
  if (!reset) return await ended(response, { status, bytes, end: 'end' });
  await sleep(BEFORE_RESET_MS);
  response.socket?.resetAndDestroy();
  return { status, bytes, end: 'reset' };
}

/** Waits until the system has the chunk, so that the next one is a chunk of its own, and a slow client slows the stream. */
function written(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve);
    response.write(chunk, () => {
      response.off('close', resolve);
      resolve();
    });
  });
}

async function ended(response: ServerResponse, outcome: Outcome): Promise<Outcome> {
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.end(resolve);
  });
  return outcome;
}

/** Answers what is no question for a stream: the list of what is served, or that there is no such thing. */
function tell(method: string, path: string, response: ServerResponse, streams: readonly ServedStream[]): Outcome {
  const asks = method === 'GET' || method === 'HEAD';
  const status = asks ? 200 : 404;
  const body = `${JSON.stringify(asks ? listOf(streams) : noSuchPath(method, path, streams))}\n`;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(method === 'HEAD' ? undefined : body);
  return { status, bytes: Buffer.byteLength(body), end: 'end' };
}

/** What is served, as JSON. */
export function listOf(streams: readonly ServedStream[]): object {
  return {
    streams: streams.map(({ name, path, stream: { material, playback } }) => ({
      name,
      path,
      status: material.status,
      chunks: playback.steps.filter(({ bytes }) => bytes.length > 0).length,
      bytes: playback.steps.reduce((sum, { bytes }) => sum + bytes.length, 0),
      ending: playback.ending,
    })),
  };
}

function noSuchPath(method: string, path: string, streams: readonly ServedStream[]): object {
  const paths = [MESSAGES, ...streams.slice(0, 20).map((one) => one.path)].join(', ');
  const message = `Nothing is replayed for ${method} ${path}; there is POST ${paths}`;
  return { type: 'error', error: { type: 'not_found_error', message } };
}
