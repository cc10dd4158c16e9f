// Every event, in the order of the wire. Pings and events that nobody knows yet are among them.
import { streamMessage } from 'ssemble/fetch';

const stream = await streamMessage({
  model: 'claude-opus-4-6',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Hello' }],
});

for await (const event of stream) {
  switch (event.type) {
    case 'message_start':
      console.log('start', event.message.model);
      break;
    case 'content_block_start':
      console.log('block', event.index, event.content_block.type);
      break;
    case 'content_block_delta':
      console.log('delta', event.index, event.delta.type, event.delta.type === 'text_delta' ? event.delta.text : '');
      break;
    case 'message_delta':
      console.log('end', event.delta.stop_reason);
      break;
    default:
      console.log(event.type);
  }
}
