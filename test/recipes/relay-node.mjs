// A server between Claude and a browser, in plain Node. The key stays here.
import { createServer } from 'node:http';
import { streamMessage } from 'ssemble/fetch';
import { relayTo } from 'ssemble/relay';

const MAX_CHARS = 1_000_000;

const server = createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/api/chat') void chat(request, response);
  else response.writeHead(404).end();
});
server.listen(process.env.PORT ?? 3000, () => console.log(`http://localhost:${server.address().port}/api/chat`));

async function chat(request, response) {
  let messages;
  try {
    let body = '';
    // What is too long is cut, and so is no JSON.
    for await (const chunk of request.setEncoding('utf8')) if (body.length < MAX_CHARS) body += chunk;
    ({ messages } = JSON.parse(body));
  } catch {
    response.writeHead(400).end();
    return;
  }
  // The signal fires when the browser leaves: then nobody pays for an answer that nobody reads.
  const { message, outcome } = await relayTo(response, (signal) =>
    streamMessage({ model: 'claude-opus-4-6', max_tokens: 1024, messages }, { signal }),
  );
  console.log(outcome.status, message?.usage.output_tokens ?? 0, 'tokens', outcome.error?.message ?? '');
}
