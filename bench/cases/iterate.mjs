/** `for await` over the events of a `Response`. */

import { anthropic, library, REQUEST, respond, Server } from '../clients.mjs';
import { hashOf } from '../claims.mjs';
import { payloadsOf } from '../inputs.mjs';

const RAW = '@anthropic-ai/sdk create({ stream: true })';
const PARSED = 'floor: the same, decode + JSON.parse';

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

/** The least that an iterator over a `Response` can do: one read for each chunk, and what `eventOf` makes of it. */
class ByHand {
  #reader;
  #eventOf;
  constructor(response, eventOf) {
    this.#reader = response.body.getReader();
    this.#eventOf = eventOf;
  }
  [Symbol.asyncIterator]() {
    return this;
  }
  next() {
    return this.#reader.read().then(this.#give);
  }
  #give = ({ done, value }) => (done ? { value: undefined, done } : { value: this.#eventOf(value), done });
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
  'floor: an iterator by hand over response.body': {
    async: true,
    floor: true,
    async load(_, sink) {
      const event = { type: 'constant' };
      return async ({ chunks }) => {
        for await (const each of new ByHand(respond(chunks), () => event)) sink.add(each);
      };
    },
  },
  [PARSED]: {
    // Where a chunk is an event. Its payload is found beforehand: no parser is that lucky.
    async: true,
    floor: true,
    async load({ bodies }, sink) {
      for (const body of bodies) body.payloads = payloadsOf(body.bytes);
      return async ({ chunks, payloads }) => {
        const decoder = new TextDecoder();
        let k = 0;
        const read = (chunk) => {
          decoder.decode(chunk);
          return JSON.parse(payloads[k++] ?? '{}');
        };
        for await (const event of new ByHand(respond(chunks), read)) sink.add(event);
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
    { input: 'captures', chunking: '16 kB', short: false, without: [PARSED] },
    { input: 'text:1000', chunking: '16 kB', short: false, without: [PARSED] },
    { input: 'text:1000', chunking: '1,400 B', short: false, without: [PARSED] },
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
