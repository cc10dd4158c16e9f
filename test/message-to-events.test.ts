/**
 * Promise of `messageToEvents`: assembling the events of a message gives that message, for every message there is: those of
 * the fixtures and of the real streams, and any that a well-formed stream can mean. And the events are well-formed.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Message,
  MessageAssembler,
  MessageParser,
  parseMessage,
  type StreamEvent,
  toStreamEvent,
} from '../src/index.ts';
import { messageToEvents, type MessageToEventsOptions } from '../src/message/to-events.ts';
import { captures, hasCaptures, readCapture } from './support/captures.ts';
import { frame, start, textBody, textEvents } from './support/messages.ts';
import { anyEvents, meantMessage } from './support/streams-arbitrary.ts';

const RUNS = process.env['SSEMBLE_FUZZ'] ? 100 : 1;
const FOLDER = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** What events assemble to, once as objects and once over the wire. */
function assemble(events: readonly object[]): MessageAssembler {
  const assembler = new MessageAssembler();
  for (const event of events) assembler.apply(toStreamEvent(event));
  assembler.end();
  return assembler;
}

function overTheWire(events: readonly StreamEvent[]): MessageParser {
  const parser = new MessageParser();
  parser.push(events.map((event) => frame(event)).join(''));
  parser.end();
  return parser;
}

function parse(bytes: Uint8Array): MessageParser {
  const parser = new MessageParser();
  parser.push(bytes);
  parser.end();
  return parser;
}

/** Codes that are about the message itself and not about how it was sent. */
const OF_THE_MESSAGE = new Set([
  'stop-reason-mismatch',
  'missing-usage',
  'unknown-block',
  'unknown-event',
  'tool-input-not-object',
]);

function expectSame(message: Message, options: MessageToEventsOptions = {}): void {
  const events = messageToEvents(message, options);
  const assembler = assemble(events);
  expect(assembler.message).toEqual(message);
  expect(assembler.outcome.status).toBe(typeof message.stop_reason === 'string' ? 'complete' : 'truncated');
  expect(assembler.diagnostics.filter(({ code }) => !OF_THE_MESSAGE.has(code))).toEqual([]);
  expect(overTheWire(events).message).toEqual(JSON.parse(JSON.stringify(message)));
}

const fixtures = ['messages', 'hostile'].flatMap((set) =>
  readdirSync(FOLDER + set)
    .filter((file) => file.endsWith('.message.json'))
    .map((file) => `${set}/${file}`),
);

const toolStart = (input: object): object => ({
  type: 'content_block_start',
  index: 0,
  content_block: { type: 'tool_use', id: 't', name: 'n', input },
});
const inputDelta = (partial_json: string): object => ({
  type: 'content_block_delta',
  index: 0,
  delta: { type: 'input_json_delta', partial_json },
});
const toolStop = { type: 'content_block_stop', index: 0 };

describe('messageToEvents', () => {
  test.each(fixtures)('%s', (file) => {
    const message = JSON.parse(readFileSync(FOLDER + file, 'utf8')) as Message | null;
    if (message === null) return;
    expectSame(message);
    expectSame(message, { pieceLength: 3 });
  });

  test.skipIf(!hasCaptures)('every real stream that is complete', () => {
    let checked = 0;
    for (const { file } of captures) {
      const { message, outcome } = parse(readCapture(file));
      if (message === undefined || outcome.status !== 'complete') continue;
      expectSame(message);
      checked += 1;
    }
    expect(checked).toBeGreaterThan(800);
  });

  test('any well-formed message, in pieces of any length', () => {
    fc.assert(
      fc.property(meantMessage, fc.integer({ min: 1, max: 9 }), ({ events }, pieceLength) => {
        const assembler = assemble(events);
        const { message } = assembler;
        if (message === undefined) throw new Error('no message');
        const again = assemble(messageToEvents(message, { pieceLength }));
        expect(again.message).toEqual(message);
        expect(again.diagnostics).toEqual([]);
        expect(again.outcome.status).toBe('complete');
      }),
      { numRuns: 200 * RUNS },
    );
  });

  test('any message as far as it has come, with its blocks', () => {
    fc.assert(
      fc.property(meantMessage, fc.nat(), ({ events }, stop) => {
        const assembler = new MessageAssembler();
        const count = 1 + (stop % events.length);
        for (const event of events.slice(0, count)) assembler.apply(event as unknown as StreamEvent);
        const { message, blocks } = assembler;
        if (message === undefined) return;
        const finished = assembler.outcome.status === 'complete';
        const again = new MessageAssembler();
        for (const event of messageToEvents(message, { blocks, finished })) again.apply(event);
        // What comes after goes on from there: the late client ends with the same message.
        for (const late of [assembler, again]) {
          for (const event of events.slice(count)) late.apply(event as unknown as StreamEvent);
          late.end();
        }
        expect(again.message).toEqual(assembler.message);
        expect(again.blocks).toEqual(assembler.blocks);
        expect(again.outcome).toEqual(assembler.outcome);
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('whatever a broken stream left behind, as far as JSON can carry it', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const assembler = assemble(events);
        const { message } = assembler;
        if (message === undefined) return;
        expect(assemble(messageToEvents(message)).message).toEqual(message);
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('streams what streams on real wires', () => {
    const message = parseMessage(textBody(['Hello', ' world']));
    expect(messageToEvents(message, { pieceLength: 6 })).toEqual([
      {
        ...start(),
        message: { ...message, content: [], stop_reason: null, usage: { input_tokens: 3, output_tokens: 0 } },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello ' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'world' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: { output_tokens: 7 },
      },
      { type: 'message_stop' },
    ]);
  });

  test('a surrogate pair is in one piece', () => {
    const message = parseMessage(textBody(['a😀b']));
    const pieces = messageToEvents(message, { pieceLength: 1 }).flatMap((event) =>
      event.type === 'content_block_delta' && event.delta.type === 'text_delta' ? [event.delta.text] : [],
    );
    expect(pieces).toEqual(['a', '😀', 'b']);
  });

  test('a message that no fallback relabelled keeps its model', () => {
    const fallback = { type: 'fallback', from: { model: 'a' }, to: { model: 'b' } };
    const message = { ...parseMessage(textBody([])), model: 'a', content: [fallback] } as unknown as Message;
    expect(assemble(messageToEvents(message)).message).toEqual(message);
  });

  test('does not change the message', () => {
    const message = parseMessage(textBody(['x']));
    const before = structuredClone(message);
    messageToEvents(message);
    expect(message).toEqual(before);
  });

  test('a message that was never finished gives a stream that is not', () => {
    const { message } = assemble(textEvents(['x']).slice(0, 4));
    const events = messageToEvents(message as Message);
    expect(events.at(-1)).toEqual({ type: 'content_block_stop', index: 0 });
    expect(assemble(events).outcome.status).toBe('truncated');
  });

  test.each([
    [{ content: 'text' }, 'no list of content'],
    [{ content: [{ text: 'x' }] }, 'content[0] has no type'],
    [{ content: [null] }, 'content[0] has no type'],
  ])('%j is refused', (odd, why) => {
    expect(() => messageToEvents(odd as unknown as Message)).toThrow(new RegExp(why.replaceAll(/[[\]]/g, '\\$&')));
  });

  test.each([0, -1, Number.NaN])('a piece length of %s is refused', (pieceLength) => {
    expect(() => messageToEvents(parseMessage(textBody([])), { pieceLength })).toThrow(RangeError);
  });

  test.each([
    ['blank input leaves what the start said', [toolStart({ days: 2 }), inputDelta(' '), toolStop]],
    ['blank input, still open', [toolStart({ days: 2 }), inputDelta(' ')]],
    ['input that does not parse leaves what the start said', [toolStart({ days: 2 }), inputDelta('{"a":'), toolStop]],
    ['input without a tool never becomes a valid one', [inputDelta('{"a":1}'), toolStop]],
    ['input without a tool, still open', [inputDelta('{"a":1}')]],
  ])('%s, also when it is replayed', (_, given) => {
    const server = new MessageAssembler();
    for (const event of [start(), ...given]) server.apply(toStreamEvent(event));
    const { message, blocks } = server;
    const client = new MessageAssembler();
    for (const event of messageToEvents(message as Message, { blocks, finished: false })) client.apply(event);
    expect(client.message).toEqual(message);
    expect(client.blocks).toEqual(blocks);
    for (const one of [server, client]) one.end();
    expect(client.blocks).toEqual(server.blocks);
    expect(client.message).toEqual(server.message);
  });
});
