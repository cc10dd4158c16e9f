/** `MessageStream` and `MessageParser` are two ways into one reader: on every stream there is, they must tell the same. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MessageParser } from '../src/message/parser.ts';
import type { StreamEvent } from '../src/protocol/events.ts';
import { MessageStream } from '../src/stream/message-stream.ts';

interface Told {
  events: StreamEvent[];
  /** The error of the end; none if it was complete. */
  error: string;
  state: unknown;
}

type State = Pick<MessageStream, 'messages' | 'outcome' | 'diagnostics' | 'blocks'>;

function stateOf(told: State): unknown {
  const { messages, outcome, diagnostics, blocks } = told;
  return { messages: messages.map(({ message }) => message), status: outcome.status, diagnostics, blocks };
}

function parse(bytes: Uint8Array): Told {
  const events: StreamEvent[] = [];
  const parser = new MessageParser({ onEvent: (event) => void events.push(event) });
  parser.push(bytes);
  parser.end();
  const { error, status } = parser.outcome;
  return { events, error: String(status === 'complete' ? undefined : error), state: stateOf(parser) };
}

async function stream(bytes: Uint8Array, size: number): Promise<Told> {
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
    bytes.subarray(n * size, n * size + size),
  );
  const source = MessageStream.from(chunks);
  const events: StreamEvent[] = [];
  let error: unknown;
  try {
    for await (const event of source) events.push(event);
  } catch (reason) {
    error = reason;
  }
  return { events, error: String(error), state: stateOf(source) };
}

/**
 * The stream leaves after an `error` that counts, while the parser is given all there is: what follows, and what it does
 * to the outcome (a new start begins a further message), is not compared.
 */
function untilError(told: Told): Told {
  const end = told.events.findIndex(({ type }) => type === 'error');
  return { ...told, events: told.events.slice(0, end + 1), error: '', state: undefined };
}

async function agree(path: string, size: number): Promise<void> {
  const bytes = readFileSync(path);
  const [parsed, streamed] = [parse(bytes), await stream(bytes, size)];
  const left = streamed.error !== 'undefined' && streamed.events.at(-1)?.type === 'error';
  if (left) expect(untilError(streamed), path).toEqual(untilError(parsed));
  else expect(streamed, path).toEqual(parsed);
}

const root = fileURLToPath(new URL('..', import.meta.url));
const streamsIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .map(String)
        .filter((name) => name.endsWith('.sse'))
    : [];

const fixtures = streamsIn(`${root}fixtures`);
describe('fixtures', () => {
  it.each(fixtures)('%s', async (file) => {
    for (const size of [1, 17, 1_000_000]) await agree(`${root}fixtures/${file}`, size);
  });
});

const captures = `${root}../shared/captures`;
describe('captures', () => {
  it.skipIf(!existsSync(captures))('every one of them', { timeout: 60_000 }, async () => {
    const files = streamsIn(captures);
    expect(files.length).toBeGreaterThan(800);
    for (const file of files) await agree(`${captures}/${file}`, 1400);
  });
});
