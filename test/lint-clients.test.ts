/**
 * What the catalogue says of the official TypeScript SDK is what the SDK does: each claim is tried on a fixture. What it says
 * of the other clients is from the research and from their issues; they are not installed here.
 */

import Anthropic from '@anthropic-ai/sdk';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { RULES, ruleOf } from '../src/lint/index.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** The fixture of each claim; a second word where what is lost cannot be seen in the content of the final message. */
const CLAIMS: Readonly<Record<string, string>> = {
  'html-body': 'hostile/body-html',
  'json-body': 'hostile/body-json',
  'whole-message': 'hostile/body-message',
  'ndjson-body': 'hostile/body-ndjson',
  'gzip-body': 'hostile/body-gzip',
  'http-head': 'hostile/body-curl-head',
  'byte-order-mark': 'hostile/bom',
  'crlf-line-ends': 'hostile/crlf',
  'cr-line-ends': 'hostile/cr',
  'mixed-line-ends': 'hostile/line-ends-mixed',
  'no-space-after-colon': 'hostile/no-space',
  'comment-line': 'hostile/comments',
  'id-line': 'hostile/id-lines',
  'retry-line': 'hostile/retry-lines',
  'unknown-field': 'hostile/unknown-fields',
  'multi-line-data': 'hostile/data-lines',
  'missing-event-name': 'hostile/data-only',
  'event-name-mismatch': 'hostile/type-missing',
  'done-sentinel': 'hostile/done-named',
  'empty-data': 'hostile/empty-data',
  'event-without-data': 'hostile/event-without-data',
  'merged-events': 'hostile/events-merged',
  'missing-final-blank-line': 'hostile/final-blank-line-missing',
  'unfinished-event': 'hostile/unfinished-stop',
  'invalid-json': 'hostile/json-broken',
  'invalid-event': 'hostile/delta-missing',
  'malformed-ping': 'hostile/ping-malformed',
  're-serialised-json': 'hostile/json-spaced',
  'reordered-keys': 'hostile/keys-type-last',
  'empty-stream': 'hostile/empty-body',
  'missing-message-start': 'hostile/start-missing',
  'content-before-start': 'hostile/content-before-start',
  'duplicate-message-start': 'hostile/start-twice',
  'spliced-message-start': 'hostile/start-spliced',
  'further-message': 'hostile/start-after-stop',
  'incomplete-message-start': 'hostile/start-bare',
  'ping-before-start': 'hostile/ping-before-start',
  'unknown-event': 'hostile/unknown-events',
  'several-message-deltas': 'hostile/usage-not-added',
  'unknown-stop-reason': 'hostile/stop-reason-unknown',
  'missing-message-stop': 'hostile/truncated-before-stop',
  'event-after-stop': 'hostile/after-stop-error',
  'noise-after-stop': 'hostile/after-stop-ping',
  'foreign-keys': 'hostile/delta-extra-keys',
  'invalid-index': 'hostile/index-negative',
  'index-gap': 'hostile/index-gap',
  'index-out-of-order': 'hostile/index-out-of-order',
  'index-reused': 'hostile/index-reused',
  'block-per-token': 'hostile/block-per-token',
  'incomplete-block-start': 'hostile/text-absent-in-start',
  'cut-block': 'hostile/stop-missing-max-tokens',
  'unknown-block': 'hostile/unknown-block',
  'delta-without-start': 'hostile/delta-without-start',
  'delta-mismatch': 'hostile/delta-mismatch-thinking-in-text',
  'delta-after-stop': 'hostile/delta-after-stop',
  'unknown-delta': 'hostile/unknown-delta',
  'invalid-tool-input': 'hostile/tool-bad-escape',
  'tool-input-not-object': 'hostile/tool-array',
  'tool-start-without-input': 'hostile/tool-input-absent',
  'tool-input-in-start': 'hostile/tool-input-whole-in-start',
  'missing-usage': 'hostile/usage-missing-in-delta',
  'usage-misplaced': 'hostile/usage-misplaced',
  'null-usage': 'hostile/usage-nulls',
  'error-body': 'hostile/body-json-error',
  'error-event': 'messages/error-middle',
  'error-before-start': 'messages/error-first',
  'malformed-error': 'hostile/error-string',
  'unknown-error-type': 'hostile/error-type-unknown',
  'event-after-error': 'hostile/error-then-more',
};

/** Claims that the content of the final message does not show, and where they come from. */
const NOT_TRIED: Readonly<Record<string, string>> = {
  'invalid-utf8': 'what was lost is in no message: ours has U+FFFD as well',
  'whole-message-event': 'what was lost is in no message: ours has only the event',
  'openai-chunk': 'what was lost is in no message',
  'bare-text-delta': 'what was lost is in no message',
  'empty-answer': 'the message is empty in both',
  'missing-message-delta': 'the stop reason is null in both; see below',
  'missing-stop-reason': 'the stop reason is null in both; see below',
  'misnamed-error': 'see below',
  'tool-input-cut': 'see below',
  'overlapping-blocks': 'it is the events that are wrong; measured by the research',
  'missing-block-stop': 'it is an event that is missing; measured by the research',
  'stop-without-start': 'it is an event that comes twice; measured by the research',
  'tool-without-input-delta': 'the fixture has no input in its starts; measured by the research',
  silence: 'it waits without end; measured by the research',
  'late-first-byte': 'measured by the research',
};

async function finalMessage(name: string): Promise<Anthropic.Message> {
  const bytes = new Uint8Array(readFileSync(`${FOLDER}${name}.sse`));
  const client = new Anthropic({
    apiKey: 'none',
    maxRetries: 0,
    logLevel: 'off',
    fetch: async () => new Response(bytes, { headers: { 'content-type': 'text/event-stream' } }),
  });
  return client.messages.stream({ model: 'claude', max_tokens: 1, messages: [] }).finalMessage();
}

async function contentOf(name: string): Promise<unknown> {
  const { content } = await finalMessage(name);
  const plain = JSON.parse(JSON.stringify(content)) as Record<string, unknown>[];
  for (const block of plain) delete block['parsed_output'];
  return plain;
}

function ours(name: string): unknown {
  const message = JSON.parse(readFileSync(`${FOLDER}${name}.message.json`, 'utf8')) as { content: unknown } | null;
  return message?.content;
}

describe('the official TypeScript SDK', () => {
  test.each(Object.entries(CLAIMS))('does as the catalogue says under %s', async (id, name) => {
    const impact = ruleOf(id)?.clients['sdk-typescript'];
    const rules = JSON.parse(readFileSync(`${FOLDER}${name}.expect.json`, 'utf8')) as { rules: string[] };
    expect(rules.rules).toContain(id);
    switch (impact?.effect) {
      case 'fails': {
        const quoted = /"([^"]+)"/.exec(impact.note.replaceAll('\\"', ''))?.[1] ?? '';
        const error = await finalMessage(name).then(
          () => 'no error',
          (reason: unknown) => String(reason),
        );
        expect(error.replaceAll('"', '')).toContain(impact.note.startsWith('the whole message') ? 'JSON' : quoted);
        expect(error).not.toBe('no error');
        return;
      }
      case 'loses':
        return expect(await contentOf(name)).not.toEqual(ours(name));
      case 'ok':
        return expect(await contentOf(name)).toEqual(ours(name));
      default:
        return expect(impact?.effect).toBe('one of these');
    }
  });

  test('every claim is tried, or there is a reason why not', () => {
    const claimed = RULES.filter(({ clients }) => clients['sdk-typescript'] !== undefined).map(({ id }) => id);
    expect([...Object.keys(CLAIMS), ...Object.keys(NOT_TRIED)].sort()).toEqual(claimed.sort());
  });

  test('gives a message without a stop reason as if it were whole', async () => {
    expect((await finalMessage('hostile/stop-reason-missing')).stop_reason).toBeNull();
  });

  test('does not see an error that has no event line, or another name', async () => {
    const missed = /request ended without sending any chunks|stream ended without producing a Message/;
    await expect(finalMessage('hostile/data-only-error')).rejects.toThrow(missed);
    await expect(finalMessage('hostile/name-error-message')).rejects.toThrow(missed);
  });

  test('gives a tool input that was cut as if it were whole', async () => {
    const { content } = await finalMessage('hostile/tool-incomplete-context-window');
    expect(content[0]).toMatchObject({ type: 'tool_use', input: {} });
  });
});
