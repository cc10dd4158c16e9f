/** What stays in memory: many of a kind are made and kept, and the heap is weighed before and after. */

import { anthropic, library, REQUEST, respond, Server } from '../clients.mjs';
import { cut } from '../inputs.mjs';
import { collect } from '../measure.mjs';

const START = new TextEncoder().encode(
  'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-sonnet-4-5-20250929","id":' +
    '"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","content":[],"stop_reason":null,' +
    '"stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,' +
    '"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":1,' +
    '"service_tier":"standard"}}      }\n\n',
);

/** Bytes that the strings in a value need by themselves: one a character, or two if one of them is beyond Latin-1. */
export function stringBytes(value) {
  if (typeof value === 'string') return /[^\0-\xff]/.test(value) ? value.length * 2 : value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum, item) => sum + stringBytes(item), 0);
}

/** Fresh memory for every message: a slice that keeps its chunk alive must not be able to share it with others. */
const fresh = (body, chunking) => cut(body.bytes.slice(), chunking);

/** With turns of the event loop between: what waits to be finalized, or for a promise, goes only then. */
async function weigh() {
  for (let k = 0; k < 4; k += 1) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** @returns {Promise<number>} bytes for each of `count` things */
async function retained(make, count) {
  // The first ones bring compiled code and caches with them.
  for (let k = 0; k < 20; k += 1) await make();
  const kept = Array.from({ length: count });
  const before = await weigh();
  for (let k = 0; k < count; k += 1) kept[k] = await make();
  const bytes = ((await weigh()) - before) / count;
  // Alive until here.
  globalThis.kept = kept;
  return bytes;
}

async function parsed(body, chunking) {
  const { MessageParser } = await library();
  const parser = new MessageParser();
  for (const chunk of fresh(body, chunking)) parser.push(chunk);
  parser.end();
  return parser.message;
}

const variants = {
  ssemble: { kind: 'message', load: async (_, body, chunking) => () => parsed(body, chunking) },
  'ssemble MessageStream': {
    kind: 'message',
    load: async (_, body, chunking) => {
      const { MessageStream } = await library();
      return () => MessageStream.from(respond(fresh(body, chunking))).finalMessage();
    },
  },
  '@anthropic-ai/sdk finalMessage()': {
    kind: 'message',
    load: async (_, body, chunking) => {
      const server = new Server();
      const client = await anthropic(server);
      return () => {
        server.chunks = fresh(body, chunking);
        return client.beta.messages.stream(REQUEST).finalMessage();
      };
    },
  },
  'floor: a copy through JSON': {
    kind: 'message',
    floor: true,
    load: async (_, body, chunking) => {
      const text = JSON.stringify(await parsed(body, chunking));
      return () => JSON.parse(text);
    },
  },
  'ssemble MessageParser after message_start': {
    kind: 'idle',
    load: async () => {
      const { MessageParser } = await library();
      return () => {
        const parser = new MessageParser();
        parser.push(START.slice());
        return parser;
      };
    },
  },
  'floor: the parsed message_start': {
    kind: 'idle',
    floor: true,
    load: async () => {
      const text = new TextDecoder().decode(START).split('data: ')[1];
      return () => JSON.parse(text);
    },
  },
  'the source alone (Response)': { kind: 'stream', floor: true, load: async () => () => respond([START.slice()]) },
  'with a MessageStream over it': {
    kind: 'stream',
    load: async () => {
      const { MessageStream } = await library();
      return () => MessageStream.from(respond([START.slice()]));
    },
  },
  'a Response, its first event read': {
    kind: 'reading',
    floor: true,
    load: async () => async () => {
      const response = respond([START.slice()]);
      const reader = response.body.getReader();
      return [response, reader, await reader.read()];
    },
  },
  'a MessageStream, its first event read': {
    kind: 'reading',
    load: async () => {
      const { MessageStream } = await library();
      return async () => {
        const stream = MessageStream.from(respond([START.slice()]));
        const iterator = stream[Symbol.asyncIterator]();
        await iterator.next();
        return [stream, iterator];
      };
    },
  },
};

const of = (kind) => Object.keys(variants).filter((name) => variants[name].kind === kind);
const messageCells = ['text:100', 'cjk:100', 'tool-file:94', 'search:200'].flatMap((input) =>
  ['event', '16 kB', 'whole'].map((chunking) => ({
    input,
    chunking,
    short: chunking === '16 kB' && input !== 'search:200',
    goal: true,
    with: of('message'),
  })),
);
const cells = [
  ...messageCells,
  { input: 'idle', chunking: '', short: true, made: true, with: of('idle') },
  { input: 'source', chunking: '', short: true, made: true, with: of('stream') },
  { input: 'reading', chunking: '', short: true, made: true, with: of('reading') },
];
const IDLE = 'ssemble MessageParser after message_start';

export default {
  title: 'Retained memory',
  unit: 'one',
  suffix: 'B',
  variants,
  cells,
  short: Object.keys(variants).filter((name) => !name.startsWith('@')),
  weighs: true,
  rounds: (_, __, { short }) => (short ? 1 : 3),
  async measure(variant, { bodies, chunking }) {
    const [body] = bodies;
    const make = await variant.load(undefined, body, chunking);
    const value = await retained(make, body === undefined ? 2000 : 300);
    const own = body === undefined ? undefined : stringBytes(await make());
    return { value, ...(own !== undefined && { parts: [value / own, own] }) };
  },
  parts: ['times its strings', 'strings, bytes'],
  goals: [
    {
      text: 'a finished message over its own strings: the worst of all inputs and chunkings',
      limit: 1.3,
      atMost: true,
      of: (q) =>
        q.max(
          messageCells.flatMap((cell) =>
            ['ssemble', 'ssemble MessageStream'].map((name) => () => q.parts(cell, name, ([times]) => times)),
          ),
        ),
    },
    {
      text: 'an idle MessageParser after message_start, bytes',
      limit: 4000,
      atMost: true,
      of: (q) => q.value({ input: 'idle' }, IDLE),
    },
    {
      text: 'what an unread MessageStream adds to its source, bytes',
      limit: 2000,
      atMost: true,
      of: (q) => q.less({ input: 'source' }, 'with a MessageStream over it', 'the source alone (Response)'),
    },
  ],
};
