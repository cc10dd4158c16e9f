// Checks in a test that your server, or the gateway before it, speaks the protocol: `node --test lint-in-test.mjs`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatText, lint } from 'ssemble/lint';

test('the stream breaks no rule that clients depend on', async () => {
  const response = await fetch(`${process.env.ANTHROPIC_BASE_URL}/v1/messages`, {
    method: 'POST',
    headers: {
      'x-api-key': process.env.ANTHROPIC_API_KEY,
      'anthropic-version': '2023-06-01',
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      model: 'claude-opus-4-6',
      max_tokens: 64,
      stream: true,
      messages: [{ role: 'user', content: 'Count to three.' }],
    }),
  });
  const report = lint(new Uint8Array(await response.arrayBuffer()), { name: 'the answer' });
  assert.equal(report.outcome.status, 'complete');
  // The message of the assertion says which rule was broken, where, and what it does to which client.
  assert.equal(report.counts.error, 0, formatText([report]));
});
