// A conversation: each answer goes back with the next question.
import { streamMessage } from 'ssemble/fetch';

const messages = [];

async function say(content) {
  messages.push({ role: 'user', content });
  const stream = await streamMessage({ model: 'claude-opus-4-6', max_tokens: 1024, messages });
  for await (const text of stream.textStream) process.stdout.write(text);
  console.log();
  const message = await stream.finalMessage();
  // The whole content, not only its text: thinking and tools must go back as they came.
  messages.push({ role: 'assistant', content: message.content });
}

await say('My name is Ada.');
await say('What is my name?');
