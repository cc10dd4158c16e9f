/**
 * A real HTTP/1.1 server on the loopback interface that speaks the protocol, for tests that need real sockets. A test says
 * what each request is answered with, step by step, and sees what the client sent and when its connection closed.
 */

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What it sends after the head, one by one. Strings and bytes are written as they are, each as one chunk. */
export type Step =
  | string
  | Uint8Array
  | { waitMs: number }
  | { wait: Promise<unknown> }
  /** Never goes on; ends when the client leaves. */
  | { stall: true }
  /** Destroys the socket (RST). */
  | { reset: true }
  /** Closes half-way, without the terminating chunk. */
  | { close: true };

export interface Reply {
  /** Default 200. */
  status?: number;
  headers?: Record<string, string>;
  steps?: Iterable<Step> | AsyncIterable<Step>;
  /** Destroys the connection before the head. */
  refuse?: true;
}

export interface Received {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  /** Parsed JSON, or else the text. */
  body: unknown;
  /** Resolves when the connection under the response has closed, or the response has ended on one that lives on. */
  closed: Promise<void>;
  /** Whether the client left before the reply was finished. */
  left: Promise<boolean>;
  /** Body bytes that the operating system has taken so far. */
  bytesWritten: () => number;
}

export interface WireServer {
  /** `http://127.0.0.1:PORT`, no path. */
  url: string;
  requests: Received[];
  /** Waits for the n-th request, from 0. */
  request: (n?: number) => Promise<Received>;
  /** How many connections were opened so far. */
  connections: () => number;
  close: () => Promise<void>;
}

/** Answers a request; `n` counts from 0. A rejection or a throw closes the connection and fails `close()`. */
export type Answer = (request: Received, n: number) => Reply | Promise<Reply>;

/** Starts a server on a free port. `close()` it in the test's cleanup: it fails if an answer threw. */
export async function startWireServer(answer: Answer): Promise<WireServer> {
  const requests: Received[] = [];
  const waiting: (() => void)[] = [];
  const thrown: unknown[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;

  const server = createServer((request, response) => {
    void serve(request, response).catch((error: unknown) => {
      thrown.push(error);
      request.socket.destroy();
    });
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response);
    const body = await readBody(request).catch(() => undefined);
    if (body === undefined) return;
    const received = exchange.received(body);
    requests.push(received);
    for (const wake of waiting.splice(0)) wake();
    await exchange.send(await answer(received, requests.length - 1));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    connections: () => connections,
    async request(n = 0) {
      while (requests.length <= n) await new Promise<void>((resolve) => waiting.push(resolve));
      return requests[n] as Received;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      if (thrown.length > 0)
        throw new AggregateError(thrown, `an answer of the wire server threw: ${String(thrown[0])}`);
    },
  };
}

/** One request and its response. */
class Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #closed: Promise<void>;
  #bytes = 0;
  /** Whether the reply was sent whole, or broken off on purpose. */
  #finished = false;
  #gone = false;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    this.#closed = new Promise((resolve) => {
      response.on('close', () => {
        this.#gone = true;
        resolve();
      });
    });
    response.on('error', () => {});
  }

  received(body: unknown): Received {
    const { method = '', url = '', headers } = this.#request;
    const closed = this.#closed;
    return {
      method,
      url,
      headers,
      body,
      closed,
      left: closed.then(() => !this.#finished),
      bytesWritten: () => this.#bytes,
    };
  }

  async send({ status = 200, headers = {}, steps = [], refuse }: Reply): Promise<void> {
    if (refuse === true) return this.#destroy();
    if (this.#gone) return;
    this.#response.writeHead(status, headers);
    this.#response.flushHeaders();
    for await (const step of steps) {
      if (this.#gone || !(await this.#take(step))) return;
    }
    if (this.#gone) return;
    this.#finished = true;
    this.#response.end();
  }

  /** Whether to go on. */
  async #take(step: Step): Promise<boolean> {
    if (typeof step === 'string' || step instanceof Uint8Array) {
      await this.#write(step);
      return true;
    }
    if ('waitMs' in step) await this.#unlessClosed(sleep(step.waitMs));
    else if ('wait' in step) await this.#unlessClosed(step.wait);
    else if ('stall' in step) await this.#closed;
    else if ('reset' in step) this.#destroy();
    else {
      this.#finished = true;
      this.#request.socket.end();
    }
    return 'waitMs' in step || 'wait' in step;
  }

  /** Waits until the operating system has the chunk: a client that does not read holds the server up, as in life. */
  async #write(chunk: string | Uint8Array): Promise<void> {
    let flushed = false;
    const written = new Promise<void>((resolve) => {
      this.#response.write(chunk, (error) => {
        flushed = error === null || error === undefined;
        resolve();
      });
    });
    await this.#unlessClosed(written);
    if (flushed) this.#bytes += Buffer.byteLength(chunk);
  }

  #destroy(): void {
    this.#finished = true;
    this.#request.socket.resetAndDestroy();
  }

  async #unlessClosed(promise: Promise<unknown>): Promise<void> {
    await Promise.race([promise, this.#closed]);
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const text = Buffer.concat(pieces).toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** One string on the wire for each event, as the API frames it. */
export function sse(events: readonly object[]): string[] {
  return events.map((event) => `event: ${(event as { type?: string }).type}\ndata: ${JSON.stringify(event)}\n\n`);
}

/** A 200 with the events as a stream, `delayMs` between them; `request-id` is `req_test`. */
export function reply(events: readonly object[], options: Partial<Reply> & { delayMs?: number } = {}): Reply {
  const { delayMs, headers, ...rest } = options;
  const frames = sse(events);
  const steps: Step[] = delayMs === undefined ? frames : frames.flatMap((frame) => [frame, { waitMs: delayMs }]);
  return {
    steps,
    ...rest,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'request-id': 'req_test', ...headers },
  };
}

/** An HTTP error with the API's JSON body; `request-id` is `req_error`. */
export function errorReply(status: number, type: string, message: string, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', 'request-id': 'req_error', ...headers },
    steps: [JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_error' })],
  };
}
