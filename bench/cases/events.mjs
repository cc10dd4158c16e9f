/** Bytes → typed events. */

import { library } from '../clients.mjs';
import { hashOf } from '../claims.mjs';
import { payloadsOf } from '../inputs.mjs';

/** What a user of the events does in the timed loop: looks at the type, and at the text of a delta. */
class Count {
  events = 0;
  characters = 0;
  add(event) {
    this.events += 1;
    if (event.type !== 'content_block_delta') return;
    const { delta } = event;
    if (delta.type === 'text_delta') this.characters += delta.text.length;
    else if (delta.type === 'thinking_delta') this.characters += delta.thinking.length;
    else if (delta.type === 'input_json_delta') this.characters += delta.partial_json.length;
  }
}

class Record {
  #events = [];
  add(event) {
    // What is not known to the library comes wrapped, with the wire's own object inside.
    this.#events.push(event.type === 'unknown' ? event.wire : event);
  }
  take() {
    const claims = { events: this.#events.length, content: hashOf(this.#events) };
    this.#events = [];
    return claims;
  }
}

const PEER = 'eventsource-parser + JSON.parse';
const FLOOR = 'floor: decode + JSON.parse';

const variants = {
  ssemble: {
    async load(_, sink) {
      const { decodeEvent } = await library();
      const { SseParser } = await library('sse/index.js');
      return ({ chunks }) => {
        const parser = new SseParser((event) => sink.add(decodeEvent(event)));
        for (let k = 0; k < chunks.length; k += 1) parser.push(chunks[k]);
        parser.end();
      };
    },
  },
  [PEER]: {
    async load(_, sink) {
      const { createParser } = await import('eventsource-parser');
      return ({ chunks }) => {
        const decoder = new TextDecoder();
        const parser = createParser({ onEvent: (event) => sink.add(JSON.parse(event.data)) });
        for (let k = 0; k < chunks.length; k += 1) parser.feed(decoder.decode(chunks[k], { stream: true }));
      };
    },
  },
  [FLOOR]: {
    floor: true,
    // The payloads are found beforehand: no parser is that lucky.
    load: async ({ bodies }, sink) => {
      for (const body of bodies) body.payloads = payloadsOf(body.bytes);
      return ({ chunks, payloads }) => {
        const decoder = new TextDecoder();
        for (let k = 0; k < chunks.length; k += 1) decoder.decode(chunks[k], { stream: true });
        for (let k = 0; k < payloads.length; k += 1) sink.add(JSON.parse(payloads[k]));
      };
    },
  },
};

const INPUTS = [
  'text:1000',
  'captures',
  'rebuilt',
  'thinking:1000',
  'tool-file:94',
  'search:1000',
  'cjk:1000',
  'fixtures',
];
const cells = INPUTS.flatMap((input) =>
  (/^(text|captures)/.test(input) ? ['16 kB', '1,400 B', 'event'] : ['event']).map((chunking) => ({
    input,
    chunking,
    short: chunking === 'event' && (input === 'text:1000' || input === 'captures'),
  })),
);

export default {
  title: 'Bytes → typed events',
  unit: 'event',
  variants,
  cells,
  short: Object.keys(variants),
  sink: (checking) => (checking ? new Record() : new Count()),
  claims: (_, sink) => sink.take(),
  goals: [
    {
      text: `text-heavy stream, against ${PEER}, one event a chunk`,
      limit: 2.5,
      of: (q) => q.ratio({ input: 'text:1000', chunking: 'event' }, PEER, 'ssemble'),
    },
    {
      text: `real captures, one event a chunk, against ${PEER}`,
      limit: 1.3,
      of: (q) => q.ratio({ input: 'captures', chunking: 'event' }, PEER, 'ssemble'),
    },
  ],
};
