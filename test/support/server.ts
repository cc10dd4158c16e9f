/** A small HTTP server for tests that need a real connection: one handler, and a way to see connections close. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestServer {
  url: string;
  /** Resolves when the connection under the n-th response (from 0) has closed. */
  closed: (request?: number) => Promise<void>;
  close: () => Promise<void>;
}

/** Starts a server on a free port of the loopback interface. `handler` may be async; the test ends the response. */
export async function startServer(
  handler: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<TestServer> {
  const closes: Promise<void>[] = [];
  const arrivals: (() => void)[] = [];
  const server = createServer((request, response) => {
    closes.push(new Promise((resolve) => response.on('close', () => resolve())));
    for (const wake of arrivals.splice(0)) wake();
    void handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1/messages`,
    async closed(request = 0) {
      while (closes.length <= request) await new Promise<void>((resolve) => arrivals.push(resolve));
      await closes[request];
    },
    close: () => closeServer(server),
  };
}

/** Sends the head of a stream of events. */
export function openStream(response: ServerResponse, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'request-id': 'req_test', ...headers });
  response.flushHeaders();
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
