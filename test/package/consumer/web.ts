/** What must compile where the web's types are: the DOM library's, or those that Node brings. */

import { MessageStream } from 'ssemble';
import { streamMessage } from 'ssemble/fetch';
import { relay, relayResponse } from 'ssemble/relay';
import { sseEvents, streamEvents } from 'ssemble/web';

export async function handler(request: Request): Promise<Response> {
  const params = { model: 'claude-sonnet-5', max_tokens: 10, messages: [{ role: 'user' as const, content: 'Hi' }] };
  const answer = streamMessage(params, { apiKey: 'key', fetch, signal: request.signal });
  return relayResponse(answer, { heartbeatMs: 5000, clientSignal: request.signal });
}

export async function client(url: string): Promise<string> {
  const response = await fetch(url);
  const stream = MessageStream.from(response, { signal: new AbortController().signal });
  const body: ReadableStream<Uint8Array> = stream.toReadableStream();
  const passed = new Response(relay(body).stream);
  for await (const event of MessageStream.from(passed)) if (event.type === 'message_stop') break;
  return stream.finalText();
}

export async function pipes(body: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const [left, right] = body.tee();
  const { value } = await left.pipeThrough(sseEvents()).getReader().read();
  const second = await right.pipeThrough(streamEvents()).getReader().read();
  return value?.event ?? second.value?.type;
}
