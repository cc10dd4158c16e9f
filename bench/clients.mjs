/**
 * A `fetch` that answers with the body under test, and each client set up with it as its README shows. The response is
 * a real `Response` over a pull-driven `ReadableStream`; there is no network, so nothing but the client's work is timed.
 */

const HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'request-id': 'req_bench' };

/** The library under test. A path, so that no install step stands between a build and its measurement. */
export const library = (path = 'index.js') =>
  import(new URL(path, process.env.SSEMBLE_DIST ?? new URL('../dist/', import.meta.url)).href);

/** @param {Iterable<Uint8Array>} chunks @returns {Response} gives one chunk for each pull */
export function respond(chunks) {
  const iterator = chunks[Symbol.iterator]();
  const pull = (controller) => {
    const { done, value } = iterator.next();
    if (done) controller.close();
    else controller.enqueue(value);
  };
  return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { headers: HEADERS });
}

/** A server with one body: set `chunks`, then let a client call `fetch`. */
export class Server {
  chunks = [];
  fetch = () => Promise.resolve(respond(this.chunks));
}

export const REQUEST = { model: 'claude-opus-4-6', max_tokens: 4096, messages: [{ role: 'user', content: 'Hello' }] };

/** `new Anthropic()` */
export async function anthropic(server) {
  const { default: Anthropic } = await import('@anthropic-ai/sdk');
  return new Anthropic({ apiKey: 'none', fetch: server.fetch, maxRetries: 0, logLevel: 'off' });
}
