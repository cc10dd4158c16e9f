/**
 * The loops that people write around events: by hand, around `eventsource-parser`, and around the raw stream of the
 * official SDK. They are more careful than most of what one finds: one decoder for the stream, half an event is kept
 * for the next chunk, blocks are kept by index, tool input is parsed once it is whole, `[DONE]` is skipped, an `error`
 * event is thrown.
 */

import { createParser } from 'eventsource-parser';

/** Collects what events say: a switch over `type`, as the documentation of the API describes them. */
export class Collector {
  #blocks = [];
  #stopReason = null;

  /** @param {string} data the data of one server-sent event */
  addData(data) {
    if (data !== '[DONE]') this.add(JSON.parse(data));
  }

  add(event) {
    switch (event.type) {
      case 'content_block_start':
        this.#blocks[event.index] = { ...event.content_block, json: '' };
        break;
      case 'content_block_delta':
        this.#delta(this.#blocks[event.index], event.delta);
        break;
      case 'content_block_stop':
        finishTool(this.#blocks[event.index]);
        break;
      case 'message_delta':
        this.#stopReason = event.delta.stop_reason;
        break;
      case 'error':
        throw new Error(event.error.message);
      default:
    }
  }

  /** What the stream came to, as every client tells it here. */
  get result() {
    const blocks = this.#blocks.filter((block) => block !== undefined);
    return {
      text: blocks.map((block) => (block.type === 'text' ? block.text : '')).join(''),
      calls: blocks.filter(({ type }) => type === 'tool_use').map(({ name, input }) => ({ name, input })),
      stopReason: this.#stopReason,
    };
  }

  #delta(block, delta) {
    if (delta.type === 'text_delta') block.text += delta.text;
    else if (delta.type === 'input_json_delta') block.json += delta.partial_json;
  }
}

function finishTool(block) {
  if (block.json !== '') block.input = JSON.parse(block.json);
}

/** Splits at empty lines, takes lines that begin with `data: `. */
export async function byHand(response) {
  const collector = new Collector();
  const decoder = new TextDecoder();
  let buffer = '';
  for await (const chunk of response.body) {
    buffer += decoder.decode(chunk, { stream: true });
    const events = buffer.split('\n\n');
    buffer = events.pop();
    for (const line of events.flatMap((event) => event.split('\n')))
      if (line.startsWith('data: ')) collector.addData(line.slice('data: '.length));
  }
  return collector.result;
}

/** The loop of the README of `eventsource-parser`. */
export async function withParser(response) {
  const collector = new Collector();
  const decoder = new TextDecoder();
  const parser = createParser({ onEvent: ({ data }) => collector.addData(data) });
  for await (const chunk of response.body) parser.feed(decoder.decode(chunk, { stream: true }));
  return collector.result;
}
