/** `ssemble/undici`: Claude over undici, for servers that hold many streams open. */

import { pipeline, type Duplex, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { request, type Dispatcher } from 'undici';
import { ProtocolError } from '../errors.ts';
import type { MessageStream } from '../stream/message-stream.ts';
import { ignore, type ResponseLike } from '../stream/source.ts';
import type { Send } from './attempt.ts';
import type { MessageParams } from './params.ts';
import { streamWith, type TransportOptions } from './policy.ts';

export type * from './params.ts';
export type { RetryInfo, TransportOptions } from './policy.ts';
export { type HeadersLike, readRateLimits } from '../stream/response-headers.ts';
export type { RequestOptions } from './request.ts';

/** What {@link streamMessage} may be told. */
export interface UndiciOptions extends TransportOptions {
  /**
   * What sends the requests: an `Agent` (`new Agent({ allowH2: true })` for HTTP/2), a `ProxyAgent`, a `MockAgent`. Default:
   * undici's global one. Make it once, and give the same to every call: it keeps the connections.
   */
  dispatcher?: Dispatcher | undefined;
}

/**
 * Asks Claude, and gives the answer as a stream. Everything but what carries it is as in `ssemble/fetch`: when the promise
 * resolves, what is tried again, what it rejects with.
 *
 * undici's own timeouts for head and body are switched off: `connectTimeoutMs` and `idleTimeoutMs` decide alone.
 *
 * @example
 * ```ts
 * import { streamMessage } from 'ssemble/undici';
 * import { MockAgent } from 'undici';
 *
 * const dispatcher = new MockAgent();
 * const body = 'data: {"type":"message_start","message":{"content":[]}}\n\n'
 *   + 'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hello"}}\n\n'
 *   + 'data: {"type":"message_stop"}\n\n';
 * dispatcher.get('https://api.anthropic.com').intercept({ path: '/v1/messages', method: 'POST' }).reply(200, body);
 * const stream = await streamMessage(
 *   { model: 'claude-sonnet-5', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] },
 *   { apiKey: 'my-key', dispatcher, baseURL: 'https://api.anthropic.com' },
 * );
 * console.log(await stream.finalText()); // 'Hello'
 * ```
 */
export function streamMessage(params: MessageParams, options: UndiciOptions = {}): Promise<MessageStream> {
  return streamWith(sendWith(options.dispatcher), params, options);
}

function sendWith(dispatcher: Dispatcher | undefined): Send {
  return async (url, { method, headers, body, signal }) =>
    toResponse(
      await request(url, {
        method,
        // Some firewalls refuse a request without a name. Compression would hold events back.
        headers: { 'user-agent': 'ssemble', 'accept-encoding': 'identity', ...headers },
        body,
        signal,
        headersTimeout: 0,
        bodyTimeout: 0,
        ...(dispatcher !== undefined && { dispatcher }),
      }),
    );
}

function toResponse({ statusCode, headers, body }: Dispatcher.ResponseData): ResponseLike {
  const get = (name: string): string | null => {
    const value = headers[name.toLowerCase()];
    return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value;
  };
  return { status: statusCode, headers: { get }, body: decompress(body, get('content-encoding')) };
}

const DECODERS: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Some gateways compress although they were asked not to. */
function decompress(body: Readable, encoding: string | null): Readable {
  const name = (encoding ?? 'identity').trim().toLowerCase();
  if (name === 'identity' || name === '') return body;
  const make = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
  if (make === undefined) {
    const message = `Cannot read the body: its content-encoding is ${name}, although identity was asked for`;
    throw new ProtocolError('content-encoding', message, { event: 0, byte: 0, line: 1 });
  }
  const decoder = make();
  // Whichever is destroyed takes the other with it; what went wrong is told by the decoder.
  pipeline(body, decoder, ignore);
  return decoder;
}
