/** Bytes → server-sent events. */

import { library, respond } from '../clients.mjs';
import { hashOf } from '../claims.mjs';

/** What a user of the events does in the timed loop: looks at both strings. */
class Count {
  events = 0;
  characters = 0;
  add(name, data) {
    this.events += 1;
    this.characters += name.length + data.length;
  }
}

class Record {
  #text = '';
  #events = 0;
  add(name, data) {
    this.#events += 1;
    this.#text += `${name}\0${data}\0`;
  }
  take() {
    const claims = { events: this.#events, content: hashOf(this.#text) };
    this.#text = '';
    this.#events = 0;
    return claims;
  }
}

const decode = (stream) => async (_, sink) => (body) => {
  const decoder = new TextDecoder();
  for (const chunk of body.chunks) sink.characters += decoder.decode(chunk, { stream }).length;
};

const variants = {
  ssemble: {
    async load(_, sink) {
      const { SseParser } = await library('sse/index.js');
      return ({ chunks }) => {
        const parser = new SseParser((event) => sink.add(event.event, event.data));
        for (let k = 0; k < chunks.length; k += 1) parser.push(chunks[k]);
        parser.end();
      };
    },
  },
  'eventsource-parser': {
    async load(_, sink) {
      const { createParser } = await import('eventsource-parser');
      return ({ chunks }) => {
        const decoder = new TextDecoder();
        const parser = createParser({ onEvent: (event) => sink.add(event.event ?? 'message', event.data) });
        for (let k = 0; k < chunks.length; k += 1) parser.feed(decoder.decode(chunks[k], { stream: true }));
      };
    },
  },
  'undici EventSourceStream': {
    // Not exported by name; undici's `EventSource` itself needs a server.
    async load(_, sink) {
      const { default: module } = await import('undici/lib/web/eventsource/eventsource-stream.js');
      return ({ chunks }) => {
        const push = (event) => {
          sink.add(event.type, event.options.data);
          return true;
        };
        const stream = new module.EventSourceStream({ push });
        for (const chunk of chunks) {
          // A Node stream makes a Buffer of what is written to it; the rest of its machinery is left out.
          stream._transform(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length), undefined, () => {});
        }
      };
    },
    only: 'node',
  },
  '@anthropic-ai/sdk rawEvents': {
    async: true,
    async load(_, sink) {
      const { Stream } = await import('@anthropic-ai/sdk/core/streaming');
      return async ({ chunks }) => {
        for await (const event of Stream.rawEvents(respond(chunks))) sink.add(event.event ?? 'message', event.data);
      };
    },
  },
  "openai's decoder": {
    async: true,
    async load(_, sink) {
      const { _iterSSEMessages } = await import('openai/core/streaming');
      return async ({ chunks }) => {
        for await (const event of _iterSSEMessages(respond(chunks), new AbortController())) {
          sink.add(event.event ?? 'message', event.data);
        }
      };
    },
  },
  'parse-sse': {
    async: true,
    async load(_, sink) {
      const { parseServerSentEvents } = await import('parse-sse');
      return async ({ chunks }) => {
        for await (const event of parseServerSentEvents(respond(chunks))) sink.add(event.type, event.data);
      };
    },
  },
  'floor: decode': { floor: true, load: decode(true) },
  'floor: decode + line search': {
    floor: true,
    load: async (_, sink) => (body) => {
      const decoder = new TextDecoder();
      for (const chunk of body.chunks) {
        const text = decoder.decode(chunk, { stream: true });
        for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) sink.events += 1;
      }
    },
  },
  /** What is left if nothing can go wrong: events of one known shape, ASCII, LF; no state, no places, no limits. */
  'floor: usual events alone': {
    floor: true,
    load: async (_, sink) => (body) => {
      const decoder = new TextDecoder();
      let rest = '';
      for (const chunk of body.chunks) {
        const text = rest + decoder.decode(chunk);
        let pos = 0;
        for (;;) {
          const line = text.indexOf('\n', pos);
          const end = line === -1 ? -1 : text.indexOf('\n', line + 1);
          if (end === -1 || end + 1 >= text.length) break;
          const event = {
            event: text.substring(pos + 7, line),
            data: text.substring(line + 7, end),
            id: '',
            named: true,
          };
          sink.add(event.event, event.data);
          pos = end + 2;
        }
        rest = text.substring(pos);
      }
    },
  },
};

const PEER = 'eventsource-parser';
const FLOOR = 'floor: decode + line search';
const SHORT = ['16 kB', '1,400 B', 'event'];
const LONG = [
  'text:1000',
  'cjk:1000',
  'emoji:1000',
  'crlf:1000',
  'search:1000',
  'thinking:1000',
  'captures',
  'fixtures',
];
const LITTLE = ['text:100', 'cjk:100', 'crlf:100'];

/** The other peers run where the differences show; everywhere, they would take an hour. */
const OTHERS = Object.keys(variants).filter((name) => !['ssemble', PEER, FLOOR].includes(name));
const without = (input) => (/^(text|captures)/.test(input) ? [] : OTHERS);

const cells = [
  ...LONG.flatMap((input) =>
    ['whole', ...SHORT].map((chunking) => ({
      input,
      chunking,
      without: without(input),
      goal: true,
      short: (input === 'text:1000' && SHORT.includes(chunking)) || (input === 'cjk:1000' && chunking === '16 kB'),
    })),
  ),
  ...LITTLE.flatMap((input) =>
    ['64 B', '1 B'].map((chunking) => ({ input, chunking, short: false, goal: true, without: without(input) })),
  ),
];

export default {
  title: 'Bytes → SSE events',
  unit: 'event',
  variants,
  cells,
  short: ['ssemble', PEER],
  sink: (checking) => (checking ? new Record() : new Count()),
  claims: (_, sink) => sink.take(),
  goals: [
    {
      text: `ASCII, against ${PEER}: geometric mean of 16 kB, 1,400 B and one event a chunk`,
      limit: { 20: 2.2, 24: 1.35 },
      of: (q) => q.geomean(SHORT.map((chunking) => q.ratio({ input: 'text:1000', chunking }, PEER, 'ssemble'))),
    },
    {
      text: `never slower than ${PEER}: the worst of all inputs and chunkings`,
      limit: 1,
      of: (q) => q.worst(PEER, 'ssemble'),
    },
  ],
};
