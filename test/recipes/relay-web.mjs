// The same as a web-standard handler: `deno serve relay-web.mjs`, `bun relay-web.mjs`.
import { streamMessage } from 'ssemble/fetch';
import { relayResponse } from 'ssemble/relay';

const handler = {
  async fetch(request) {
    if (request.method !== 'POST') return new Response(null, { status: 405 });
    let messages;
    try {
      ({ messages } = await request.json());
    } catch {
      return new Response(null, { status: 400 });
    }
    return relayResponse(
      (signal) => streamMessage({ model: 'claude-opus-4-6', max_tokens: 1024, messages }, { signal }),
      {
        clientSignal: request.signal,
        onDone: ({ message, outcome }) => console.log(outcome.status, message?.usage.output_tokens ?? 0, 'tokens'),
      },
    );
  },
};

export default handler;
