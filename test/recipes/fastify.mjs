// A relay in Fastify.
import fastify from 'fastify';
import { streamMessage } from 'ssemble/fetch';
import { relayTo } from 'ssemble/relay';

const app = fastify({ bodyLimit: 1_000_000 });

app.post('/api/chat', (request, reply) => {
  const { messages } = request.body ?? {};
  if (!Array.isArray(messages)) {
    void reply.code(400).send();
    return;
  }
  // From here on the response is ours. What plugins have set on the reply (CORS, cookies) must be handed over.
  for (const [name, value] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value);
  reply.hijack();
  void chat(messages, reply.raw);
});

async function chat(messages, response) {
  const { message, outcome } = await relayTo(response, (signal) =>
    streamMessage({ model: 'claude-opus-4-6', max_tokens: 1024, messages }, { signal }),
  );
  console.log(outcome.status, message?.usage.output_tokens ?? 0, 'tokens');
}

await app.listen({ port: Number(process.env.PORT ?? 3000) });
console.log(`http://localhost:${app.server.address().port}/api/chat`);
