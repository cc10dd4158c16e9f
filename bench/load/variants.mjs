/**
 * Who is compared. Each `load` gives a function that asks one stream of a server and resolves with the text of its message; a
 * floor does the reading alone, and counts the reads. The peers are used as their READMEs show.
 */

import { library, REQUEST } from '../clients.mjs';

const BODY = JSON.stringify({ ...REQUEST, stream: true });
const HEADERS = { 'content-type': 'application/json', 'x-api-key': 'none', 'anthropic-version': '2023-06-01' };
const POST = { method: 'POST', headers: HEADERS, body: BODY };

const textOf = (message) => message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');

/** What everybody does who takes the events apart by hand. */
class Collector {
  text = '';
  add(data) {
    const event = JSON.parse(data);
    if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') this.text += event.delta.text;
  }
}

const fetchBody = async (base) => (await fetch(`${base}/v1/messages`, POST)).body;

/** undici's own client, with its timeouts for silence off as `ssemble/undici` has them. */
async function undiciRequest() {
  const { request } = await import('undici');
  return async (base) => (await request(`${base}/v1/messages`, { ...POST, headersTimeout: 0, bodyTimeout: 0 })).body;
}

export const VARIANTS = {
  'ssemble/undici': {
    async load() {
      const { streamMessage } = await library('transport/undici.js');
      return async (baseURL) => (await streamMessage(REQUEST, { apiKey: 'none', baseURL })).finalText();
    },
  },
  'ssemble/fetch': {
    async load() {
      const { streamMessage } = await library('transport/fetch.js');
      return async (baseURL) => (await streamMessage(REQUEST, { apiKey: 'none', baseURL })).finalText();
    },
  },
  'ssemble/undici, for await': {
    async load() {
      const { streamMessage } = await library('transport/undici.js');
      return async (baseURL) => {
        const stream = await streamMessage(REQUEST, { apiKey: 'none', baseURL });
        let text = '';
        for await (const event of stream) {
          if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text;
        }
        return text;
      };
    },
  },
  '@anthropic-ai/sdk stream().finalMessage()': {
    async load() {
      const { default: Anthropic } = await import('@anthropic-ai/sdk');
      const clients = new Map();
      return async (baseURL) => {
        if (!clients.has(baseURL)) clients.set(baseURL, new Anthropic({ apiKey: 'none', baseURL, maxRetries: 0 }));
        return textOf(await clients.get(baseURL).messages.stream(REQUEST).finalMessage());
      };
    },
  },
  'eventsource-parser, as a stream over fetch': {
    async load() {
      const { EventSourceParserStream } = await import('eventsource-parser/stream');
      return async (base) => {
        const body = await fetchBody(base);
        const events = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
        const collector = new Collector();
        for await (const { data } of events) collector.add(data);
        return collector.text;
      };
    },
  },
  'eventsource-parser, fed by hand from fetch': {
    async load() {
      const { createParser } = await import('eventsource-parser');
      return async (base) => {
        const collector = new Collector();
        const parser = createParser({ onEvent: ({ data }) => collector.add(data) });
        const decoder = new TextDecoder();
        for await (const chunk of await fetchBody(base)) parser.feed(decoder.decode(chunk, { stream: true }));
        return collector.text;
      };
    },
  },
  'floor: fetch, its body read': {
    floor: true,
    async load() {
      return async (base, count) => {
        const reader = (await fetchBody(base)).getReader();
        for (;;) {
          const { done } = await reader.read();
          if (done) return;
          count();
        }
      };
    },
  },
  'floor: undici, its body read': {
    floor: true,
    async load() {
      const ask = await undiciRequest();
      return async (base, count) => {
        for await (const _ of await ask(base)) count();
      };
    },
  },
  'floor: undici, its parser alone': {
    floor: true,
    async load() {
      const { getGlobalDispatcher } = await import('undici');
      const quiet = { headersTimeout: 0, bodyTimeout: 0 };
      return (base, count) =>
        new Promise((resolve, reject) => {
          const { origin, pathname } = new URL(`${base}/v1/messages`);
          getGlobalDispatcher().dispatch(
            { ...POST, origin, path: pathname, ...quiet },
            {
              onConnect() {},
              onHeaders: () => true,
              onData: () => (count(), true),
              onComplete: () => resolve(),
              onError: reject,
            },
          );
        });
    },
  },
  'floor: node:http, its data events': {
    floor: true,
    async load() {
      const { Agent, request } = await import('node:http');
      const agent = new Agent({ keepAlive: true });
      return (base, count) =>
        new Promise((resolve, reject) => {
          const sent = request(`${base}/v1/messages`, { agent, method: 'POST', headers: HEADERS }, (response) => {
            response.on('data', count);
            response.on('end', resolve);
          });
          sent.on('error', reject);
          sent.end(BODY);
        });
    },
  },
  'floor: a bare socket, its data events': {
    floor: true,
    async load() {
      const { connect } = await import('node:net');
      const end = Buffer.from('0\r\n\r\n');
      return (base, count) =>
        new Promise((resolve, reject) => {
          const { port, pathname } = new URL(base);
          const socket = connect({ port: Number(port), host: '127.0.0.1' });
          const head = `POST ${pathname === '/' ? '' : pathname}/v1/messages HTTP/1.1\r\ncontent-length: ${BODY.length}`;
          socket.on('error', reject);
          socket.on('data', (chunk) => {
            count();
            if (chunk.length < 5 || end.compare(chunk, chunk.length - 5) !== 0) return;
            socket.destroy();
            resolve();
          });
          socket.write(`${head}\r\n\r\n${BODY}`);
        });
    },
  },
};
