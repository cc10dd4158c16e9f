// React Native with `expo/fetch`, whose responses stream; where they do not, the whole text is parsed.
import { fetch } from 'expo/fetch';
import { MessageStream, parseMessage } from 'ssemble';

export async function chat(url, messages, onText, signal) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages }),
    signal,
  });
  if (response.body === undefined) {
    // React Native's own `fetch`: the text is there when all of it is. A cut answer throws, as it does below.
    const message = parseMessage(await response.text());
    onText(message.content.map((block) => (block.type === 'text' ? block.text : '')).join(''));
    return message;
  }
  const stream = MessageStream.from(response);
  for await (const text of stream.textStream) onText(text);
  return stream.finalMessage();
}
