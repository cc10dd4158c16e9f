/** Bytes → the final message. */

import { anthropic, library, REQUEST, Server } from '../clients.mjs';
import { messageClaims, partClaims } from '../claims.mjs';
import { payloadsOf } from '../inputs.mjs';

const SDK = '@anthropic-ai/sdk stream().finalMessage()';
const AI = 'ai streamText';
const LANGCHAIN = '@langchain/anthropic stream';
const FLOOR = 'floor: decode + JSON.parse';

/** The client tools that a body calls: whoever calls the API has declared them. */
function toolsOf(body) {
  const starts = payloadsOf(body.bytes).map((data) => JSON.parse(data).content_block);
  return [...new Set(starts.filter((block) => block?.type === 'tool_use').map(({ name }) => name))];
}

const variants = {
  ssemble: {
    async load() {
      const { MessageParser } = await library();
      return ({ chunks }) => {
        const parser = new MessageParser();
        for (let k = 0; k < chunks.length; k += 1) parser.push(chunks[k]);
        parser.end();
        if (parser.outcome.status !== 'complete') throw new Error(`The outcome is ${parser.outcome.status}`);
        return parser.message;
      };
    },
    claims: messageClaims,
  },
  [SDK]: {
    // The beta helper: the plain one loses the input of MCP tools and compactions.
    async: true,
    async load() {
      const server = new Server();
      const client = await anthropic(server);
      return ({ chunks }) => {
        server.chunks = chunks;
        return client.beta.messages.stream(REQUEST).finalMessage();
      };
    },
    claims: messageClaims,
  },
  [AI]: {
    async: true,
    async load({ bodies }) {
      const { jsonSchema, streamText, tool } = await import('ai');
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      const server = new Server();
      const provider = createAnthropic({ apiKey: 'none', fetch: server.fetch });
      const model = provider('claude-opus-4-6');
      const inputSchema = jsonSchema({ type: 'object' });
      for (const body of bodies) {
        body.tools = Object.fromEntries(toolsOf(body).map((name) => [name, tool({ inputSchema })]));
      }
      globalThis.AI_SDK_LOG_WARNINGS = false;
      return async ({ chunks, tools }) => {
        server.chunks = chunks;
        let failure;
        const onError = ({ error }) => (failure = error);
        const result = streamText({ model, prompt: 'Hello', tools, maxRetries: 0, onError });
        const content = await result.content;
        if (failure !== undefined) throw failure;
        return content;
      };
    },
    claims: (content) =>
      partClaims(
        content.filter(({ type }) => type === 'text').map(({ text }) => text),
        content
          .filter(({ type, providerExecuted }) => type === 'tool-call' && providerExecuted !== true)
          .map(({ toolCallId, toolName, input }) => [toolCallId, toolName, input]),
      ),
  },
  [LANGCHAIN]: {
    async: true,
    async load() {
      const { ChatAnthropic } = await import('@langchain/anthropic');
      const { concat } = await import('@langchain/core/utils/stream');
      const server = new Server();
      const model = new ChatAnthropic({
        apiKey: 'none',
        model: 'claude-opus-4-6',
        maxRetries: 0,
        clientOptions: { fetch: server.fetch, logLevel: 'off' },
      });
      return async ({ chunks }) => {
        server.chunks = chunks;
        let final;
        for await (const chunk of await model.stream('Hello'))
          final = final === undefined ? chunk : concat(final, chunk);
        return final;
      };
    },
    claims: ({ content, tool_calls: calls }) =>
      partClaims(
        typeof content === 'string' ? [content] : content.filter(({ type }) => type === 'text').map(({ text }) => text),
        (calls ?? []).map(({ id, name, args }) => [id, name, args]),
      ),
  },
  [FLOOR]: {
    // No assembly, and the payloads are found beforehand.
    floor: true,
    async load({ bodies }) {
      for (const body of bodies) body.payloads = payloadsOf(body.bytes);
      return ({ chunks, payloads }) => {
        const decoder = new TextDecoder();
        let sum = 0;
        for (let k = 0; k < chunks.length; k += 1) sum += decoder.decode(chunks[k], { stream: true }).length;
        for (let k = 0; k < payloads.length; k += 1) sum += JSON.parse(payloads[k]).type.length;
        return sum;
      };
    },
  },
};

const chunkings = (input, ...names) => names.map((chunking) => ({ input, chunking, short: false }));
const cells = [
  { input: 'captures', chunking: 'event', short: true },
  { input: 'text:1000', chunking: 'event', short: true, without: [AI, LANGCHAIN] },
  { input: 'text:100', chunking: 'event', short: false },
  ...chunkings('captures', '16 kB', 'whole'),
  ...chunkings('rebuilt', 'event'),
  ...chunkings('fixtures', 'event'),
  ...chunkings('text:100', '16 kB'),
  ...chunkings('thinking:100', 'event'),
  ...chunkings('cjk:100', 'event'),
  ...chunkings('search:1000', 'event'),
  ...chunkings('tool-file:94', 'event'),
];

const CAPTURES = { input: 'captures', chunking: 'event' };
const TEXT = { input: 'text:1000', chunking: 'event' };

export default {
  title: 'Bytes → final message',
  /** Half a second and more for one pass over the captures: the short form cannot wait for many. */
  rounds: (name, _, { short }) => (short && (name === AI || name === LANGCHAIN) ? 1 : undefined),
  unit: 'event',
  variants,
  cells,
  short: Object.keys(variants),
  claims: (result, _, __, variant) => variant.claims?.(result) ?? {},
  goals: [
    { text: 'real captures, against the SDK helper', limit: 15, of: (q) => q.ratio(CAPTURES, SDK, 'ssemble') },
    { text: 'real captures, against AI SDK streamText', limit: 100, of: (q) => q.ratio(CAPTURES, AI, 'ssemble') },
    {
      text: 'real captures, share of the floor decode + JSON.parse',
      limit: 0.85,
      atMost: true,
      of: (q) => q.ratio(CAPTURES, 'ssemble', FLOOR),
    },
    {
      text: 'text-heavy stream, share of the floor decode + JSON.parse',
      limit: 0.5,
      atMost: true,
      of: (q) => q.ratio(TEXT, 'ssemble', FLOOR),
    },
  ],
};
