/**
 * The recorder as a server: whatever is sent to it goes to the target, and a capture is written of each request.
 *
 * Each connection of a client has connections to the server of its own, kept as long as it is. If the server closes one
 * that is idle, the client's is closed, too: else the client would send its next request into a connection that is dead,
 * and see a reset that it would not see without us.
 */

import { Agent as HttpAgent, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { findSecrets, publicText } from '../../capture/secrets.ts';
import { InputError } from '../input.ts';
import { type ListenAddress, urlOf } from './address.ts';
import { Exchange, type ExchangeReport, MAX_HEAD_BYTES, pairs } from './exchange.ts';
import type { CaptureFile, CaptureFolder } from './capture-file.ts';

/** What the server needs. */
export interface ProxySettings {
  listen: ListenAddress;
  target: URL;
  folder: CaptureFolder;
  /** Whether the bodies of requests are kept, prompts and all. */
  keepBody: boolean;
  secrets: readonly string[];
  tool: string;
  now: () => number;
  /** Certificates that are trusted besides those of the system. */
  ca?: string;
  /** Called when a request is over and its file is written. */
  onDone: (report: ExchangeReport, file: CaptureFile) => void;
}

/** A recorder that listens. */
export interface Proxy {
  url: string;
  /** Calls off what runs, finishes the files, and closes. */
  close(): Promise<void>;
}

/**
 * Starts to listen.
 *
 * @throws InputError if the address cannot be had
 */
export async function startProxy(settings: ProxySettings): Promise<Proxy> {
  const running = new Set<Exchange>();
  const lines = new Map<Socket, Line>();
  const server = createServer({ maxHeaderSize: MAX_HEAD_BYTES, noDelay: true, requestTimeout: 0, headersTimeout: 0 });
  // How long an idle connection lives is the server's and the client's business.
  server.keepAliveTimeout = 0;
  server.on('connection', (socket: Socket) => {
    lines.set(socket, new Line(socket, settings));
    socket.on('close', () => lines.delete(socket));
  });
  server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const line = lines.get(incoming.socket) as Line;
    const { rawHeaders, url = '/' } = incoming;
    const own = findSecrets(pairs(rawHeaders), url);
    const secrets = [...own, ...settings.secrets].sort((a, b) => b.length - a.length);
    const file = settings.folder.next(publicText(url, secrets));
    const exchange = new Exchange(incoming, outgoing, { ...settings, secrets, agent: line.agent, file });
    running.add(exchange);
    line.running += 1;
    void exchange.done.then((report) => {
      running.delete(exchange);
      line.running -= 1;
      settings.onDone(report, file);
    });
  });
  const { port } = await listening(server, settings.listen);
  return {
    url: urlOf({ host: settings.listen.host, port }),
    async close() {
      server.close();
      const waiting = [...running].map((exchange) => exchange.done);
      for (const exchange of running) exchange.stop();
      await Promise.all(waiting);
      server.closeAllConnections();
    },
  };
}

/** One connection of a client, and those to the server that serve it. */
class Line {
  readonly agent: HttpAgent;
  running = 0;

  constructor(client: Socket, { target, ca }: ProxySettings) {
    const isTls = target.protocol === 'https:';
    this.agent = isTls
      ? new HttpsAgent({ keepAlive: true, ...(ca === undefined ? {} : { ca }) })
      : new HttpAgent({ keepAlive: true });
    client.on('error', () => undefined);
    client.on('close', () => this.agent.destroy());
    const watched = new WeakSet<Socket>();
    this.agent.on('free', (socket: Socket) => {
      if (watched.has(socket)) return;
      watched.add(socket);
      socket.once('close', () => {
        if (this.running === 0) client.destroySoon();
      });
    });
  }
}

async function listening(server: Server, { host, port }: ListenAddress): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const known: Record<string, string> = { EADDRINUSE: 'it is in use', EADDRNOTAVAIL: 'it is none of this machine' };
      const reason = known[cause.code ?? ''] ?? cause.message;
      reject(new InputError(`Cannot listen on ${host}:${port}: ${reason}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  return server.address() as AddressInfo;
}
