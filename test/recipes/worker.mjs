// A relay as a Cloudflare Worker, without a framework. The key is a secret: `npx wrangler secret put ANTHROPIC_API_KEY`.
import { streamMessage } from 'ssemble/fetch';
import { relayResponse } from 'ssemble/relay';

export default {
  async fetch(request, env) {
    const { messages } = (await request.json().catch(() => undefined)) ?? {};
    if (!Array.isArray(messages)) return new Response(null, { status: 400 });
    const keys = { apiKey: env.ANTHROPIC_API_KEY, baseURL: env.ANTHROPIC_BASE_URL };
    return relayResponse(
      (signal) => streamMessage({ model: 'claude-opus-4-6', max_tokens: 1024, messages }, { ...keys, signal }),
      {
        // Needs the compatibility flag `enable_request_signal`.
        clientSignal: request.signal,
        onDone: ({ message, outcome }) => console.log(outcome.status, message?.usage.output_tokens ?? 0, 'tokens'),
      },
    );
  },
};
