/** What must compile in every world: with the language alone, with the DOM's types, with Node's, with both. */

import {
  ApiError,
  type ContentBlock,
  type Diagnostic,
  isKnownBlock,
  type Message,
  MessageAssembler,
  MessageParser,
  MessageStream,
  type MessageStreamOptions,
  parseMessage,
  ProtocolError,
  salvage,
  type StreamEvent,
  store,
} from 'ssemble';
import { bedrockEvents } from 'ssemble/bedrock';
import { type Capture, formatCapture, parseCapture } from 'ssemble/capture';
import { streamMessage } from 'ssemble/fetch';
import { PartialJson } from 'ssemble/json';
import { type Finding, FORMATS, lint } from 'ssemble/lint';
import { NdjsonParser } from 'ssemble/ndjson';
import { encodeEvent, relay } from 'ssemble/relay';
import { encodeSse, type SseEvent, SseParser, SseScanner } from 'ssemble/sse';
import { applyFaults, chop } from 'ssemble/testing';
import { sseEvents } from 'ssemble/web';

/** Events and blocks narrow by `type`, without a cast. */
export function textOf(event: StreamEvent): string {
  switch (event.type) {
    case 'content_block_delta':
      return event.delta.type === 'text_delta' ? event.delta.text : '';
    case 'content_block_start':
      return event.content_block.type === 'tool_use' ? event.content_block.name : '';
    case 'unknown':
      return event.reason;
    default:
      return '';
  }
}

export function namesOf({ content }: Message): string[] {
  return content.flatMap((block: ContentBlock) =>
    isKnownBlock(block) && block.type === 'tool_use' ? [block.name] : [],
  );
}

/** Callbacks get their types from the handlers, and options take what may be absent. */
export function collect(chunks: readonly (Uint8Array | string)[], idleTimeoutMs?: number): Message | undefined {
  const found: Diagnostic[] = [];
  const parser = new MessageParser({
    onText: (delta, block) => delta.length + block.index,
    onDiagnostic: (diagnostic) => found.push(diagnostic),
  });
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  const options: MessageStreamOptions = { idleTimeoutMs, strict: ['index-reused'] };
  const stream = MessageStream.from(chunks, options);
  const live = store(stream, { everyMs: 50 });
  return live.getSnapshot().message ?? parser.message ?? parseMessage('');
}

export async function read(stream: MessageStream): Promise<string> {
  for await (const event of stream) textOf(event);
  for await (const text of stream.textStream) text.trim();
  try {
    return await stream.finalText();
  } catch (error) {
    if (error instanceof ApiError) return `${error.status ?? 0} ${error.type}`;
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

export async function ask(): Promise<Message> {
  const params = { model: 'claude-sonnet-5', max_tokens: 10, messages: [{ role: 'user' as const, content: 'Hi' }] };
  const stream = await streamMessage(params, { apiKey: 'key', maxRetries: 1 });
  return stream.finalMessage();
}

export function below(chunk: Uint8Array): unknown[] {
  const events: SseEvent[] = [];
  new SseParser((event) => events.push(event)).push(chunk);
  const scanner = new SseScanner();
  scanner.write(chunk);
  const json = new PartialJson();
  json.push('{"a":');
  const assembler = new MessageAssembler();
  return [
    scanner.next()?.data,
    json.value,
    assembler.outcome.status,
    encodeSse({ data: 'a' }),
    encodeEvent({ type: 'ping' }),
  ];
}

export function around(bytes: Uint8Array, capture: Capture): readonly Finding[] {
  parseCapture(formatCapture(capture));
  new NdjsonParser({ onEvent: (event, at) => `${event.type} ${at.event}` }).push(bytes);
  const report = lint(chop(bytes, 'byte')[0] ?? bytes, { profile: 'strict' });
  FORMATS.sarif.start({}).end().trim();
  applyFaults(bytes, 'cut@event:5');
  return report.findings;
}

export const made: readonly unknown[] = [relay, sseEvents, bedrockEvents, salvage];

// --- the types can say no: nothing above is `any` ---

export function mistakes(message: Message, stream: MessageStream, events: SseEvent[]): unknown[] {
  return [
    // @ts-expect-error a model is a string
    message.model + 1 > 2n,
    // @ts-expect-error no such property
    stream.snapshots,
    // @ts-expect-error no such event field
    events[0]?.type,
    // @ts-expect-error a code that does not exist
    { strict: ['no-such-code'] } satisfies MessageStreamOptions,
    // @ts-expect-error a profile that does not exist
    lint('', { profile: 'lenient' }),
  ];
}
