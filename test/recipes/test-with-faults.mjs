// Tests what your program does with a stream that breaks, without a network: `node --test test-with-faults.mjs`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamMessage } from 'ssemble/fetch';
import { encodeEvent, messageToEvents } from 'ssemble/relay';
import { faultFetch } from 'ssemble/testing';

/** Stands for your program. */
async function answer(fetch) {
  const messages = [{ role: 'user', content: 'Hello' }];
  const params = { model: 'claude-opus-4-6', max_tokens: 1024, messages };
  const stream = await streamMessage(params, { apiKey: 'none', fetch, maxRetries: 1, maxRetryDelayMs: 1 });
  return stream.finalText().catch((error) => `${error.name} after ${JSON.stringify(error.snapshot.content[0]?.text)}`);
}

const message = { id: 'msg_1', content: [{ type: 'text', text: 'Hello world' }], stop_reason: 'end_turn' };
const events = messageToEvents(message, { pieceLength: 6 });
const body = Buffer.concat(events.map((event) => encodeEvent(event)));

for (const [faults, expected] of [
  [[], 'Hello world'],
  [['cut@type:content_block_stop'], 'TruncatedError after "Hello world"'],
  [['reset@type:content_block_delta:2'], 'ConnectionError after "Hello "'],
  [['insert@type:content_block_delta:2:error'], 'OverloadedError after "Hello "'],
  [['insert@event:2:unknown'], 'Hello world'],
]) {
  for (const chop of ['event', 'byte']) {
    test(`${faults.join() || 'unbroken'}, chopped by ${chop}`, async () =>
      assert.equal(await answer(faultFetch(body, faults, { chop })), expected));
  }
}

test('what breaks before the first content is asked for again', async () => {
  const fetch = faultFetch(body, ({ number }) => (number === 1 ? 'reset@event:2' : []));
  assert.equal(await answer(fetch), 'Hello world');
  assert.equal(fetch.requests.length, 2);
});
