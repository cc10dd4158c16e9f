// Several streams at once. One that fails does not take the others along.
import { streamMessage } from 'ssemble/fetch';

const questions = ['What is a delta?', 'What is an estuary?', 'What is a lagoon?'];

async function ask(question) {
  const stream = await streamMessage({
    model: 'claude-opus-4-6',
    max_tokens: 1024,
    messages: [{ role: 'user', content: question }],
  });
  for await (const text of stream.textStream) console.log(`${question} …${text}`);
  return stream.finalText();
}

const results = await Promise.allSettled(questions.map(ask));
for (const [k, result] of results.entries()) {
  console.log(`${questions[k]} ${result.status === 'fulfilled' ? result.value : result.reason.message}`);
}
