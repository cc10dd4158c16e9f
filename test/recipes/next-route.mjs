// A relay as a route handler of Next: `app/api/chat/route.js`.
import { streamMessage } from 'ssemble/fetch';
import { relayResponse } from 'ssemble/relay';

// Seconds that the platform gives to one answer.
export const maxDuration = 300;

export async function POST(request) {
  const { messages } = (await request.json().catch(() => undefined)) ?? {};
  if (!Array.isArray(messages)) return Response.json({ error: 'messages must be a list' }, { status: 400 });
  return relayResponse(
    (signal) => streamMessage({ model: 'claude-opus-4-6', max_tokens: 1024, messages }, { signal }),
    {
      clientSignal: request.signal,
      onDone: ({ message, outcome }) => console.log(outcome.status, message?.usage.output_tokens ?? 0, 'tokens'),
    },
  );
}
