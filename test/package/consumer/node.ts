/** What must compile with Node's types and undici's. */

import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { Agent } from 'undici';
import { MessageStream } from 'ssemble';
import { relayTo } from 'ssemble/relay';
import { streamMessage } from 'ssemble/undici';

const dispatcher = new Agent({ allowH2: true });

createServer((_, response) => {
  const params = { model: 'claude-sonnet-5', max_tokens: 10, messages: [{ role: 'user' as const, content: 'Hi' }] };
  const answer = streamMessage(params, { apiKey: process.env['KEY'] ?? '', dispatcher });
  void relayTo(response, answer, { onDone: ({ outcome }) => outcome.status });
});

export function fromFile(path: string): Promise<string> {
  return MessageStream.from(createReadStream(path)).finalText();
}
