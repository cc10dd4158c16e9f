// A relay in Express.
import express from 'express';
import { streamMessage } from 'ssemble/fetch';
import { relayTo } from 'ssemble/relay';

const app = express();
app.use(express.json({ limit: '1mb' }));

app.post('/api/chat', (request, response) => {
  const { messages } = request.body ?? {};
  if (Array.isArray(messages)) void chat(messages, response);
  else response.sendStatus(400);
});

async function chat(messages, response) {
  const { message, outcome } = await relayTo(response, (signal) =>
    streamMessage({ model: 'claude-opus-4-6', max_tokens: 1024, messages }, { signal }),
  );
  console.log(outcome.status, message?.usage.output_tokens ?? 0, 'tokens');
}

const server = app.listen(process.env.PORT ?? 3000, () =>
  console.log(`http://localhost:${server.address().port}/api/chat`),
);
