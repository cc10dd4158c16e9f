// Tools: run what Claude asks for, send the results back, until it answers.
import { streamMessage } from 'ssemble/fetch';

const run = { get_weather: async ({ city }) => (city === 'Bergen' ? '9 degrees, rain' : '24 degrees, clear') };
const city = { type: 'string', description: 'The name of the city' };
const tools = [
  {
    name: 'get_weather',
    description: 'The weather in a city, now.',
    input_schema: { type: 'object', properties: { city }, required: ['city'] },
  },
];
const messages = [{ role: 'user', content: 'Do I need a coat in Bergen, and in Lisbon?' }];

for (let turn = 0; turn < 10; turn++) {
  const stream = await streamMessage({ model: 'claude-opus-4-6', max_tokens: 1024, tools, messages });
  for await (const text of stream.textStream) process.stdout.write(text);
  console.log();
  const message = await stream.finalMessage();
  messages.push({ role: 'assistant', content: message.content });
  if (message.stop_reason !== 'tool_use') break;
  const uses = message.content.flatMap((block, k) => (block.type === 'tool_use' ? [[block, stream.blocks[k]]] : []));
  messages.push({ role: 'user', content: await Promise.all(uses.map(([block, info]) => result(block, info))) });
}

async function result(block, info) {
  const answer = { type: 'tool_result', tool_use_id: block.id };
  // Only input that came whole is run; anything else goes back, so that Claude can mend it.
  if (info.inputState !== 'valid')
    return { ...answer, is_error: true, content: JSON.stringify({ INVALID_JSON: info.inputText }) };
  try {
    return { ...answer, content: await run[block.name](block.input) };
  } catch (error) {
    return { ...answer, is_error: true, content: String(error) };
  }
}
