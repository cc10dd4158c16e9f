// A relay in Hono. The same file on Workers, Bun (`bun hono.mjs`), Deno (`deno serve hono.mjs`), and Node with `@hono/node-server`.
import { Hono } from 'hono';
import { streamMessage } from 'ssemble/fetch';
import { relayResponse } from 'ssemble/relay';

const app = new Hono();

app.post('/api/chat', async (c) => {
  const { messages } = (await c.req.json().catch(() => undefined)) ?? {};
  if (!Array.isArray(messages)) return c.json({ error: 'messages must be a list' }, 400);
  // On Workers the key is a binding in `c.env`; elsewhere that has none, and the environment is asked.
  const { ANTHROPIC_API_KEY: apiKey, ANTHROPIC_BASE_URL: baseURL } = c.env ?? {};
  return relayResponse(
    (signal) => streamMessage({ model: 'claude-opus-4-6', max_tokens: 1024, messages }, { apiKey, baseURL, signal }),
    {
      clientSignal: c.req.raw.signal,
      onDone: ({ message, outcome }) => console.log(outcome.status, message?.usage.output_tokens ?? 0, 'tokens'),
    },
  );
});

export default app;
