/**
 * Every real stream, against the official SDK's beta helper: the final messages are equal, byte for byte after sorting
 * keys and dropping the helper's `parsed_output`. And no native stream raises a diagnostic above info.
 */

import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, test, vi } from 'vitest';
import { MessageParser } from '../src/index.ts';
import { captures, hasCaptures, readCapture } from './support/captures.ts';
import { seeded } from './support/chunkings.ts';

/** Streams at which the SDK's helper throws, each with the reason; ours gives a message for each. */
const SDK_THROWS: Readonly<Record<string, string>> = {
  // The recording lacks the blank line after message_stop. By the SSE standard the event is not dispatched; the SDK then
  // has no message. Its data is whole, so ours applies it and says so (missing-final-blank-line).
  'rebuilt/0xPlaygrounds-rig__anthropic-prompt_caching-streaming_prompt_caching_reuses_tool_cache~2.sse':
    'stream ended without producing a Message with role=assistant',
  // OpenRouter ends with `event: data`, `data: [DONE]`, which the SDK gives to JSON.parse.
  'rebuilt/0xPlaygrounds-rig__anthropic-streaming-gateway_message_delta_metadata.sse':
    'Unexpected token \'D\', "[DONE]" is not valid JSON',
  // Its message_delta has no usage, which the SDK reads a field of.
  'rebuilt/mdegans-misanthropic__data-redacted_thought.sse':
    "Cannot read properties of undefined (reading 'output_tokens')",
};

async function bySdk(bytes: Uint8Array): Promise<unknown> {
  const client = new Anthropic({
    apiKey: 'none',
    maxRetries: 0,
    fetch: async () => new Response(bytes, { headers: { 'content-type': 'text/event-stream' } }),
  });
  const stream = client.beta.messages.stream({ model: 'claude', max_tokens: 1, messages: [] });
  return stream.finalMessage();
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'parsed_output')
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, child]) => [key, canonical(child)]),
  );
}

function result({ message, diagnostics, blocks, outcome }: MessageParser): string {
  return JSON.stringify([message, diagnostics, blocks, outcome]);
}

function parse(bytes: Uint8Array): MessageParser {
  const parser = new MessageParser();
  parser.push(bytes);
  parser.end();
  return parser;
}

describe.skipIf(!hasCaptures)('the captures', () => {
  test('are the 852 streams', () => {
    expect(captures.length).toBe(852);
  });

  test('give the message that the SDK builds, byte for byte', async () => {
    // The SDK logs what it cannot parse.
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const threw: Record<string, string> = {};
    let equal = 0;
    for (const { file } of captures) {
      const bytes = readCapture(file);
      let theirs: unknown;
      try {
        theirs = await bySdk(bytes);
      } catch (error) {
        threw[file] = (error as Error).message;
        continue;
      }
      expect(JSON.stringify(canonical(parse(bytes).message)), file).toBe(JSON.stringify(canonical(theirs)));
      equal++;
    }
    expect(threw).toEqual(SDK_THROWS);
    expect(equal).toBe(849);
    console.log(`${equal} captures give the message of the SDK; ${Object.keys(threw).length} make the SDK throw`);
  }, 120_000);

  test.each(Object.keys(SDK_THROWS))('%s makes the SDK throw, and gives us a message', (file) => {
    const parser = parse(readCapture(file));
    expect(parser.outcome.status).toBe('complete');
    expect(parser.message?.content.length).toBeGreaterThan(0);
  });

  test('raise no diagnostic of severity error or warning, and are complete', () => {
    for (const { file } of captures) {
      const parser = parse(readCapture(file));
      expect(
        parser.diagnostics.filter(({ severity }) => severity !== 'info'),
        file,
      ).toEqual([]);
      expect(parser.outcome.status, file).toBe('complete');
    }
  });

  test('give the same under any chunking', () => {
    const random = seeded(852);
    for (const { file } of captures) {
      const bytes = readCapture(file);
      const whole = result(parse(bytes));
      for (const size of [1, 2 + Math.floor(random() * 60), 1400]) {
        const parser = new MessageParser();
        for (let i = 0; i < bytes.length; i += size) parser.push(bytes.subarray(i, i + size));
        parser.end();
        expect(result(parser), `${file} in pieces of ${size}`).toBe(whole);
      }
    }
  }, 120_000);
});
