/**
 * Who is compared, as data. `load(server)` sets a client up as its README shows and gives a function that asks for one
 * stream and resolves with what the client made of it:
 *
 * - `text`: its text blocks, joined
 * - `calls`: the tools that the model wants the caller to run: name and input; `broken` where the client says so
 * - `stopReason`: as the client tells it
 * - `doubt`: true where the client says in a documented way, though without throwing, that something went wrong
 *
 * `reports` says for the reader what counts as telling, `code` is what a bundler is asked for.
 */

import { fileURLToPath } from 'node:url';
import { anthropic, REQUEST } from '../clients.mjs';
import { byHand, Collector, withParser } from './loops.mjs';

const textOf = (blocks) => blocks.map((block) => (block.type === 'text' ? block.text : '')).join('');
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const LIBRARY = new URL('index.js', process.env.SSEMBLE_DIST ?? new URL('../../dist/', import.meta.url));

export const CLIENTS = {
  'ssemble MessageStream': {
    reports: 'finalMessage() rejects; blocks[k].inputState is not valid',
    code: `export { MessageStream } from ${JSON.stringify(fileURLToPath(LIBRARY))}`,
    async load(server) {
      const { MessageStream } = await import(LIBRARY.href);
      return async () => {
        const stream = MessageStream.from(await server.fetch());
        const message = await stream.finalMessage();
        const blocks = message.content.map((block, k) => ({
          ...block,
          broken: stream.blocks[k].inputState !== 'valid',
        }));
        return {
          text: textOf(blocks),
          calls: blocks.filter(({ type }) => type === 'tool_use'),
          stopReason: message.stop_reason,
        };
      };
    },
  },
  '@anthropic-ai/sdk messages.stream()': {
    reports: 'finalMessage() rejects',
    code: `export { default } from '@anthropic-ai/sdk'`,
    packages: ['@anthropic-ai/sdk'],
    async load(server) {
      const client = await anthropic(server);
      return async () => {
        const { content, stop_reason: stopReason } = await client.messages.stream(REQUEST).finalMessage();
        return { text: textOf(content), calls: content.filter(({ type }) => type === 'tool_use'), stopReason };
      };
    },
  },
  '@anthropic-ai/sdk create({ stream: true })': {
    reports: 'the iteration throws, or the loop (see loops.mjs) does',
    code: `export { default } from '@anthropic-ai/sdk'`,
    packages: ['@anthropic-ai/sdk'],
    async load(server) {
      const client = await anthropic(server);
      return async () => {
        const collector = new Collector();
        for await (const event of await client.messages.create({ ...REQUEST, stream: true })) collector.add(event);
        return collector.result;
      };
    },
  },
  'ai streamText': {
    reports:
      'a promise rejects; an error part; finishReason error, or interrupted or other without a stop reason; an invalid call',
    code: `export { streamText } from 'ai'; export { createAnthropic } from '@ai-sdk/anthropic'`,
    packages: ['@ai-sdk/anthropic', 'ai'],
    load: aiSdk,
  },
  '@langchain/anthropic stream': {
    reports: 'the iteration throws; a call is in invalid_tool_calls',
    code: `export { ChatAnthropic } from '@langchain/anthropic'`,
    packages: ['@langchain/anthropic', '@langchain/core'],
    load: langChain,
  },
  'eventsource-parser + a loop': {
    reports: 'the loop (see loops.mjs) throws',
    code: `export { withParser } from ${JSON.stringify(here('loops.mjs'))}`,
    packages: ['eventsource-parser'],
    load: async (server) => async () => withParser(await server.fetch()),
  },
  'a loop by hand': {
    reports: 'the loop (see loops.mjs) throws',
    code: `export { byHand } from ${JSON.stringify(here('loops.mjs'))}`,
    load: async (server) => async () => byHand(await server.fetch()),
  },
};

async function aiSdk(server) {
  const { jsonSchema, streamText, tool } = await import('ai');
  const { createAnthropic } = await import('@ai-sdk/anthropic');
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const model = createAnthropic({ apiKey: 'none', fetch: server.fetch })('claude-opus-4-6');
  const inputSchema = jsonSchema({ type: 'object' });
  /** @param {string[]} names the tools that the caller has declared */
  return async (names) => {
    const tools = Object.fromEntries(names.map((name) => [name, tool({ inputSchema })]));
    const result = streamText({ model, prompt: 'Hello', tools, maxRetries: 0, onError() {} });
    // By id: blocks may be interleaved. A compaction comes as a text part too, marked as the documentation says.
    const texts = new Map();
    const calls = [];
    for await (const part of result.stream) {
      if (part.type === 'error') throw part.error;
      if (part.type === 'text-start' && part.providerMetadata?.anthropic?.type !== 'compaction') texts.set(part.id, '');
      if (part.type === 'text-delta' && texts.has(part.id)) texts.set(part.id, texts.get(part.id) + part.text);
      if (part.type === 'tool-call' && part.providerExecuted !== true)
        calls.push({ name: part.toolName, input: part.input, broken: part.invalid === true });
    }
    const [finishReason, stopReason] = [await result.finishReason, await result.rawFinishReason];
    const doubt = finishReason === 'error' || ((stopReason ?? undefined) === undefined && finishReason !== 'stop');
    return { text: [...texts.values()].join(''), calls, stopReason, doubt };
  };
}

async function langChain(server) {
  const { ChatAnthropic } = await import('@langchain/anthropic');
  const { concat } = await import('@langchain/core/utils/stream');
  const clientOptions = { fetch: server.fetch, logLevel: 'off' };
  const model = new ChatAnthropic({ apiKey: 'none', model: 'claude-opus-4-6', maxRetries: 0, clientOptions });
  return async () => {
    let final;
    for await (const chunk of await model.stream('Hello')) final = final === undefined ? chunk : concat(final, chunk);
    const { text = '', tool_calls: calls = [], invalid_tool_calls: invalid = [] } = final ?? {};
    return {
      text,
      calls: [
        ...calls.map(({ name, args }) => ({ name, input: args })),
        ...invalid.map(({ name }) => ({ name, broken: true })),
      ],
      stopReason: final?.additional_kwargs.stop_reason ?? final?.response_metadata.stop_reason,
    };
  };
}
