// An Obsidian plugin: `requestUrl` gives the whole body at once, and `parseMessage` makes the message of it.
import { requestUrl } from 'obsidian';
import { parseMessage } from 'ssemble';

export async function ask(question, { apiKey, baseURL = 'https://api.anthropic.com' }) {
  const response = await requestUrl({
    url: `${baseURL}/v1/messages`,
    method: 'POST',
    contentType: 'application/json',
    headers: { 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'claude-opus-4-6',
      max_tokens: 1024,
      // Pings keep a long answer's connection alive, and a cut answer is told from a whole one.
      stream: true,
      messages: [{ role: 'user', content: question }],
    }),
    // An error of the API is in the body: let the parser read it.
    throw: false,
  });
  const message = parseMessage(response.text);
  return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}
