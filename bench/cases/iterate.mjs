/** `for await` over the events of a `Response`. */

import { anthropic, library, REQUEST, respond, Server } from '../clients.mjs';
import { hashOf } from '../claims.mjs';

const RAW = '@anthropic-ai/sdk create({ stream: true })';

class Count {
  events = 0;
  add(event) {
    if (event.type !== 'ping') this.events += 1;
  }
}

/** The SDK keeps pings to itself. */
class Record {
  #events = [];
  add(event) {
    if (event.type !== 'ping') this.#events.push(event.type === 'unknown' ? event.wire : event);
  }
  take() {
    const claims = { events: this.#events.length, content: hashOf(this.#events) };
    this.#events = [];
    return claims;
  }
}

const variants = {
  ssemble: {
    async: true,
    async load(_, sink) {
      const { MessageStream } = await library();
      return async ({ chunks }) => {
        for await (const event of MessageStream.from(respond(chunks))) sink.add(event);
      };
    },
  },
  'ssemble, snapshot at the end': {
    async: true,
    async load(_, sink) {
      const { MessageStream } = await library();
      return async ({ chunks }) => {
        const stream = MessageStream.from(respond(chunks));
        for await (const event of stream) sink.add(event);
        return stream.snapshot;
      };
    },
  },
  [RAW]: {
    async: true,
    async load(_, sink) {
      const server = new Server();
      const client = await anthropic(server);
      return async ({ chunks }) => {
        server.chunks = chunks;
        for await (const event of await client.messages.create({ ...REQUEST, stream: true })) sink.add(event);
      };
    },
  },
  '@anthropic-ai/sdk Stream.fromSSEResponse': {
    // Without the request: what is left is iteration alone.
    async: true,
    async load(_, sink) {
      const { Stream } = await import('@anthropic-ai/sdk/core/streaming');
      return async ({ chunks }) => {
        for await (const event of Stream.fromSSEResponse(respond(chunks), new AbortController())) sink.add(event);
      };
    },
  },
  'floor: for await over response.body': {
    async: true,
    floor: true,
    async load() {
      return async ({ chunks }) => {
        let bytes = 0;
        for await (const chunk of respond(chunks).body) bytes += chunk.length;
        return bytes;
      };
    },
  },
};

export default {
  title: '`for await` over a `Response`',
  unit: 'event',
  variants,
  cells: [
    { input: 'captures', chunking: 'event', short: true },
    { input: 'text:1000', chunking: 'event', short: true },
    { input: 'captures', chunking: '16 kB', short: false },
    { input: 'text:1000', chunking: '16 kB', short: false },
    { input: 'text:1000', chunking: '1,400 B', short: false },
    { input: 'fixtures', chunking: 'event', short: false },
  ],
  short: ['ssemble', RAW],
  sink: (checking) => (checking ? new Record() : new Count()),
  claims: (_, sink) => sink.take(),
  goals: [
    {
      text: 'real captures, one event a chunk, against SDK raw iteration',
      limit: 2.5,
      of: (q) => q.ratio({ input: 'captures', chunking: 'event' }, RAW, 'ssemble'),
    },
    {
      text: 'text-heavy stream, one event a chunk, against SDK raw iteration',
      limit: 2.5,
      of: (q) => q.ratio({ input: 'text:1000', chunking: 'event' }, RAW, 'ssemble'),
    },
  ],
};
