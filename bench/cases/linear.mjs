/** One event of many megabytes, in small chunks: twice the size must take twice the time. */

import { library, respond } from '../clients.mjs';
import { CHUNKINGS } from '../inputs.mjs';
import { time } from '../measure.mjs';

const MB = 1_000_000;
const HEAD = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"';

/** One event whose text is `size` bytes. */
function eventOf(size) {
  const head = `event: content_block_delta\ndata: ${HEAD}`;
  const tail = '"}}\n\n';
  const bytes = new Uint8Array(head.length + size + tail.length).fill(120);
  const encoder = new TextEncoder();
  bytes.set(encoder.encode(head));
  bytes.set(encoder.encode(tail), head.length + size);
  return bytes;
}

function* views(bytes, step) {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

const pushed = (make) => async () => {
  const parserOf = await make();
  return (bytes, step) => {
    const state = { length: 0 };
    const parser = parserOf(state);
    for (let at = 0; at < bytes.length; at += step) parser.push(bytes.subarray(at, at + step));
    return state.length;
  };
};

const variants = {
  'ssemble SseParser': {
    load: pushed(async () => {
      const { SseParser } = await library('sse/index.js');
      return (state) => new SseParser(({ data }) => (state.length = data.length));
    }),
  },
  'ssemble MessageParser': {
    load: pushed(async () => {
      const { MessageParser } = await library();
      return (state) => new MessageParser({ onText: (text) => (state.length = text.length + HEAD.length + 3) });
    }),
  },
  'eventsource-parser': {
    load: pushed(async () => {
      const { createParser } = await import('eventsource-parser');
      return (state) => {
        const decoder = new TextDecoder();
        const parser = createParser({ onEvent: ({ data }) => (state.length = data.length) });
        return { push: (chunk) => parser.feed(decoder.decode(chunk, { stream: true })) };
      };
    }),
  },
  '@anthropic-ai/sdk rawEvents': {
    async load() {
      const { Stream } = await import('@anthropic-ai/sdk/core/streaming');
      return async (bytes, step) => {
        let length = 0;
        for await (const { data } of Stream.rawEvents(respond(views(bytes, step)))) length = data.length;
        return length;
      };
    },
  },
  'floor: decode': {
    load: pushed(async () => (state) => {
      const decoder = new TextDecoder();
      return { push: (chunk) => (state.length += decoder.decode(chunk, { stream: true }).length) };
    }),
    floor: true,
  },
};

const cells = ['16 kB', '64 B'].flatMap((chunking) =>
  [25, 50].map((size) => ({ input: `one event of ${size} MB`, size, chunking, short: true })),
);
const growth = (variant) => (q) =>
  Math.max(
    ...['16 kB', '64 B'].map((chunking) =>
      q.growth({ input: cells[0].input, chunking }, { input: cells[1].input, chunking }, variant),
    ),
  );

export default {
  title: 'One event of 25 and of 50 MB',
  unit: 'run',
  scale: 1e6,
  suffix: 'ms',
  variants,
  cells,
  made: true,
  short: ['ssemble SseParser', 'ssemble MessageParser'],
  async measure(variant, { size, chunking, clock }) {
    const run = await variant.load();
    const step = CHUNKINGS[chunking];
    const [small, bytes] = [eventOf(MB), eventOf(size * MB)];
    await time(() => run(small, step), { warmMs: clock.warmMs, ms: 0 });
    const found = await run(bytes, step);
    if (!variant.floor && found !== size * MB + HEAD.length + 3) throw new Error(`Its data has ${found} characters`);
    const { cpuUs, runs } = await time(() => run(bytes, step), { warmMs: 0, ms: Math.max(1000, clock.ms * 4) });
    return { value: (cpuUs * 1000) / runs, runs };
  },
  goals: ['ssemble SseParser', 'ssemble MessageParser'].map((variant) => ({
    text: `50 MB over 25 MB, the worse of 16 kB and 64 B chunks, ${variant}`,
    limit: 2.2,
    atMost: true,
    of: growth(variant),
  })),
};
