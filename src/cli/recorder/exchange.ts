/**
 * One request through the recorder, and its answer back.
 *
 * The client must see what it would see without us. So heads go through with the order, spelling and repetitions of their
 * lines, but for those that belong to one connection (RFC 9110 §7.6.1); chunks go through when they come; who does not read
 * slows the other side down; and an end is of the kind that the other side made: closed stays closed, reset stays reset. A
 * server that cannot be reached resets the connection: an answer made up by us would be one that the server never gave.
 */

import { createHash } from 'node:crypto';
import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { CapturedRequest, CaptureEnding, CaptureHeaders } from '../../capture/format.ts';
import { CaptureRecorder } from '../../capture/recorder.ts';
import { publicText, publicUrl } from '../../capture/secrets.ts';
import { BodyTape, decodableEncoding } from './body-tape.ts';
import type { CaptureFile } from './capture-file.ts';
import { drained } from './drain.ts';

/** Heads may be larger than Node's 16 kB: what the server takes, the recorder takes. */
export const MAX_HEAD_BYTES: number = 1024 * 1024;

/** A longer request body is not kept, only its hash. The API takes 32 MB. */
const MAX_KEPT_BODY_BYTES = 64 * 1024 * 1024;

/** What belongs to one connection. `expect` is answered by us: the body is on its way to the server already. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** What an exchange needs to know. */
export interface ExchangeSettings {
  target: URL;
  agent: Agent;
  file: CaptureFile;
  keepBody: boolean;
  /** Those of the request and of the environment, the longest first. */
  secrets: readonly string[];
  tool: string;
  now: () => number;
}

/** How an exchange went. */
export interface ExchangeReport {
  method: string;
  /** Without secrets. */
  path: string;
  /** `undefined`: no head came. */
  status: number | undefined;
  /** Of the body, as they went over the wire. */
  bytes: number;
  ms: number;
  end: CaptureEnding;
  error?: string;
  /** A content encoding that stayed on, since it is not known here. */
  undecoded?: string;
}

/** One request. `done` resolves when it is over and its file is written. */
export class Exchange {
  readonly done: Promise<ExchangeReport>;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #settings: ExchangeSettings;
  readonly #captured: CapturedRequest;
  readonly #recorder: CaptureRecorder;
  readonly #upstream: ClientRequest;
  readonly #settle: (report: ExchangeReport) => void;
  #tape: BodyTape;
  #status: number | undefined;
  #undecoded: string | undefined;
  #bytes = 0;
  #over = false;

  constructor(incoming: IncomingMessage, outgoing: ServerResponse, settings: ExchangeSettings) {
    let settle!: (report: ExchangeReport) => void;
    this.done = new Promise((resolve) => (settle = resolve));
    this.#settle = settle;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#settings = settings;
    const { target } = settings;
    const path = pathBehind(target, incoming.url ?? '/');
    const headers = requestHeaders(incoming, target);
    this.#captured = { method: incoming.method ?? 'GET', url: target.origin + path, headers };
    const { file, now, secrets, tool } = settings;
    this.#recorder = new CaptureRecorder({ write: file.write, request: this.#captured, now, secrets, tool });
    this.#tape = new BodyTape(this.#recorder, undefined);
    this.#upstream = this.#send(path, headers);
    outgoing.on('close', () => this.#left());
    outgoing.on('error', () => this.#left());
  }

  /** The recorder is stopped: both sides are let go. */
  stop(): void {
    if (this.#over) return;
    this.#finish('abort', new Error('the recorder was stopped'));
    this.#upstream.destroy();
    this.#outgoing.destroy();
  }

  #send(path: string, headers: CaptureHeaders): ClientRequest {
    const { agent, target } = this.#settings;
    const upstream = (target.protocol === 'https:' ? httpsRequest : httpRequest)({
      protocol: target.protocol,
      hostname: target.hostname.replace(/^\[|\]$/g, ''),
      port: target.port,
      method: this.#captured.method,
      path,
      headers: headers.flat(),
      agent,
      maxHeaderSize: MAX_HEAD_BYTES,
    });
    upstream.on('response', (response) => this.#answer(response));
    // Nobody asked for it: `Upgrade` was not passed on. Without a listener Node drops the connection and says nothing.
    upstream.on('upgrade', (_, socket) => {
      socket.destroy();
      this.#broken(new Error('the server switched protocols, unasked'));
    });
    upstream.on('error', (error: NodeJS.ErrnoException) => this.#broken(error));
    this.#readBody();
    this.#incoming.pipe(upstream);
    return upstream;
  }

  /** The hash of the body, and the body if it is wanted, are known when the client has sent it all. */
  #readBody(): void {
    const hash = createHash('sha256');
    const kept: Uint8Array[] = [];
    let size = 0;
    this.#incoming.on('data', (chunk: Uint8Array) => {
      hash.update(chunk);
      size += chunk.length;
      if (this.#settings.keepBody && size <= MAX_KEPT_BODY_BYTES) kept.push(chunk);
    });
    this.#incoming.on('end', () => {
      if (size === 0) return;
      this.#captured.hash = `sha256:${hash.digest('hex')}`;
      if (this.#settings.keepBody && size <= MAX_KEPT_BODY_BYTES) {
        this.#captured.body = Buffer.concat(kept).toString('utf8');
      }
    });
    // Its end is seen from the response: `close` before it was finished.
    this.#incoming.on('error', () => undefined);
  }

  #answer(response: IncomingMessage): void {
    if (this.#over) return;
    const { statusCode: status = 0, statusMessage, rawHeaders } = response;
    this.#status = status;
    const coding = response.headers['content-encoding'];
    const decoded = decodableEncoding(coding);
    if (coding !== undefined && coding !== 'identity' && decoded === undefined) this.#undecoded = coding;
    const head = { status, headers: pairs(rawHeaders) };
    this.#recorder.head(decoded === undefined ? head : { ...head, decoded });
    this.#tape = new BodyTape(this.#recorder, decoded);
    const outgoing = this.#outgoing;
    // The server's own date goes through, and if it sent none there is none.
    outgoing.sendDate = false;
    try {
      outgoing.writeHead(status, statusMessage, passedOn(rawHeaders, response.headers.connection).flat());
    } catch (error) {
      // Node reads heads that it does not write: a status below 100, control characters in the reason.
      response.on('error', () => undefined).destroy();
      return this.#broken(new Error(`the head of the answer cannot be passed on: ${(error as Error).message}`));
    }
    // At once, before there is a body. Node's own `flushHeaders` writes lines as UTF-8 that came as Latin-1.
    outgoing.write(new Uint8Array());
    response.on('data', (chunk: Uint8Array) => this.#chunk(chunk, response));
    response.on('end', () => this.#whole(response));
    response.on('error', (error: NodeJS.ErrnoException) => this.#broken(error));
  }

  #chunk(chunk: Uint8Array, response: IncomingMessage): void {
    if (this.#over) return;
    const { us } = this.#recorder;
    this.#bytes += chunk.length;
    this.#outgoing.write(chunk);
    this.#tape.write(chunk, us);
    // What was read already still comes after `pause`.
    if (response.isPaused() || this.#slowest() === undefined) return;
    response.pause();
    void this.#drain().then(() => response.resume());
  }

  async #drain(): Promise<void> {
    for (let slow = this.#slowest(); slow !== undefined; slow = this.#slowest()) await slow;
  }

  /** Who does not want more at the moment: the client, the decoder, or the disk. */
  #slowest(): Promise<void> | undefined {
    const outgoing = this.#outgoing;
    const client = outgoing.writableNeedDrain && !outgoing.destroyed ? drained(outgoing) : undefined;
    return client ?? this.#tape.drained() ?? this.#settings.file.drained();
  }

  #whole(response: IncomingMessage): void {
    if (!response.complete) return;
    this.#finish('eof');
    this.#outgoing.end();
  }

  /**
   * The server's side broke: the client's breaks the same way, when the answers before this one are through (a client may
   * ask again before it was answered).
   */
  #broken(error: NodeJS.ErrnoException): void {
    if (this.#over) return;
    this.#finish(error.code === 'ETIMEDOUT' ? 'timeout' : 'reset', error);
    const outgoing = this.#outgoing;
    const { socket } = this.#incoming;
    const breakOff = (): void => {
      if (error.syscall === undefined) socket.destroySoon();
      // What came before must be out of our hands: a reset would throw it away.
      else socket.write(new Uint8Array(), () => socket.resetAndDestroy());
    };
    if (outgoing.socket === null && !socket.destroyed) outgoing.once('socket', () => setImmediate(breakOff));
    else breakOff();
  }

  /** The client went away before it had everything: so do we. */
  #left(): void {
    if (this.#over) return;
    this.#finish('abort');
    this.#upstream.destroy();
  }

  #finish(end: CaptureEnding, error?: Error): void {
    this.#over = true;
    const { us } = this.#recorder;
    void this.#close(end, error, us);
  }

  async #close(end: CaptureEnding, error: Error | undefined, us: number): Promise<void> {
    await this.#tape.end(end, error, us);
    await this.#settings.file.finished();
    this.#settle({
      method: this.#captured.method ?? '',
      path: publicText(publicUrl(this.#incoming.url ?? ''), this.#settings.secrets),
      status: this.#status,
      bytes: this.#bytes,
      ms: us / 1000,
      end,
      ...(error === undefined ? {} : { error: error.message }),
      ...(this.#undecoded === undefined ? {} : { undecoded: this.#undecoded }),
    });
  }
}

/**
 * The path at the server for what the client asked, to the letter. A client that takes us for a forward proxy names a whole
 * URL: its path counts.
 */
function pathBehind(target: URL, asked: string): string {
  const path = asked.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '');
  return target.pathname.replace(/\/$/, '') + (path.startsWith('/') ? path : `/${path}`);
}

/** The client's header lines, for the server: its host, and whether a body comes. */
function requestHeaders(incoming: IncomingMessage, { host }: URL): CaptureHeaders {
  const { headers, rawHeaders, method = '' } = incoming;
  const lines = passedOn(rawHeaders, headers.connection).map(([name, value]): [string, string] =>
    name.toLowerCase() === 'host' ? [name, host] : [name, value],
  );
  if (headers.host === undefined) lines.unshift(['Host', host]);
  if (headers['transfer-encoding'] !== undefined) lines.push(['Transfer-Encoding', 'chunked']);
  // Without this, Node would announce a body that never comes.
  else if (headers['content-length'] === undefined && !/^(?:GET|HEAD|DELETE|OPTIONS|TRACE)$/.test(method)) {
    lines.push(['Content-Length', '0']);
  }
  return lines;
}

/** The lines that are for the other side of us. `Connection` may name more that are not. */
function passedOn(rawHeaders: readonly string[], connection: string | undefined): [name: string, value: string][] {
  const named = new Set((connection ?? '').toLowerCase().split(/\s*,\s*/));
  return pairs(rawHeaders).filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase()) && !named.has(name.toLowerCase()));
}

/** Node's flat list as pairs. */
export function pairs(rawHeaders: readonly string[]): [name: string, value: string][] {
  return rawHeaders.flatMap((name, i) =>
    i % 2 === 0 ? [[name, rawHeaders[i + 1] as string] as [string, string]] : [],
  );
}
