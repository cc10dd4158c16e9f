/** Small streams for the tests of assembly, and one look at all that a parser shows of them. */

import { ApiError, MessageParser, ProtocolError, StreamError } from '../../src/index.ts';
import type {
  At,
  BlockInfo,
  Diagnostic,
  Message,
  MessageParserOptions,
  MessageParserState,
  Outcome,
  StreamEvent,
} from '../../src/index.ts';

/** One event: `data` is JSON or text as it stands; `name` is the data's type unless it is given (`null`: no such line). */
export function sse(data: unknown, name?: string | null): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const line = name === undefined ? (data as { type: string }).type : name;
  return `${line === null ? '' : `event: ${line}\n`}data: ${text}\n\n`;
}

/** Where the first field of each part stands; each part is one event, maybe with comments before it. */
export function placesOf(parts: readonly string[]): At[] {
  const places: At[] = [];
  let byte = 0;
  let line = 1;
  for (const part of parts) {
    const skipped = /^(?::[^\n]*\n|\n)*/.exec(part)?.[0] ?? '';
    places.push({
      event: places.length + 1,
      byte: byte + Buffer.byteLength(skipped),
      line: line + skipped.split('\n').length - 1,
    });
    byte += Buffer.byteLength(part);
    line += part.split('\n').length - 1;
  }
  return places;
}

/** An error as plain data: all of it that the contract names. */
export interface SeenError {
  class: string;
  name: string;
  message: string;
  code?: string;
  at?: At;
  status?: number | undefined;
  type?: string;
  retryable?: boolean;
  requestId?: string | undefined;
  snapshot?: Message | undefined;
  blocks?: readonly BlockInfo[];
  outcome?: string | undefined;
}

export function seeError(error: unknown): SeenError {
  if (!(error instanceof Error)) throw new TypeError(`not an error: ${String(error)}`);
  return {
    class: error.constructor.name,
    name: error.name,
    message: error.message,
    ...(error instanceof ProtocolError && { code: error.code, at: error.at }),
    ...(error instanceof ApiError && { status: error.status, type: error.type, retryable: error.retryable }),
    ...(error instanceof StreamError && {
      requestId: error.requestId,
      snapshot: error.snapshot,
      blocks: error.blocks,
      outcome: error.outcome?.status,
    }),
  };
}

export interface SeenOutcome {
  status: string;
  stopReason: string | null;
  error?: SeenError;
}

export function seeOutcome({ status, stopReason, error }: Outcome): SeenOutcome {
  return { status, stopReason, ...(error !== undefined && { error: seeError(error) }) };
}

/** The events that the handler got, with their places. */
export function eventsOf(seen: Seen): { event: StreamEvent; at: At }[] {
  return seen.calls
    .filter(([name]) => name === 'event')
    .map(([, event, at]) => ({ event: event as StreamEvent, at: at as At }));
}

/** The codes of all diagnostics, in order. */
export function codesOf(seen: Pick<Seen, 'diagnostics'>): string[] {
  return seen.diagnostics.map(({ code }) => code);
}

/** What a parser showed: through its handlers, in the order of the calls, and at its end. */
export interface Seen {
  calls: readonly (readonly unknown[])[];
  diagnostics: readonly Diagnostic[];
  message: Message | undefined;
  blocks: readonly BlockInfo[];
  outcome: SeenOutcome;
  messages: readonly { message: Message; blocks: readonly BlockInfo[]; outcome: SeenOutcome }[];
  orphanDeltas: readonly unknown[];
  /** What `push` or `end` threw. */
  thrown: SeenError | undefined;
}

export interface ObserveOptions extends MessageParserOptions {
  /** Saves the parser as JSON text and goes on with the restored one, after each chunk and before the end. */
  restoring?: boolean;
  /** Given to `end()`. */
  end?: unknown;
  /** How a chunk is given to the parser; the default is `push`. */
  give?: (parser: MessageParser, chunk: Uint8Array | string) => void;
}

/** The same parser after a way through JSON text. */
function throughJson(parser: MessageParser, restore: (state: MessageParserState) => MessageParser): MessageParser {
  return restore(JSON.parse(JSON.stringify(parser)) as MessageParserState);
}

/** Reads the chunks and writes down everything that can be seen. */
export function observe(chunks: readonly (Uint8Array | string)[], options: ObserveOptions = {}): Seen {
  const { restoring = false, end, give = (parser, chunk) => parser.push(chunk), ...parserOptions } = options;
  const calls: unknown[][] = [];
  const note =
    (name: string) =>
    (...args: readonly unknown[]): number =>
      // What is handed out never changes, so it need not be copied; a saved and restored error is equal, not the same.
      calls.push([name, ...args.map((arg) => (isOutcome(arg) ? seeOutcome(arg) : arg))]);
  const handlers = {
    onEvent: note('event'),
    onText: note('text'),
    onThinking: note('thinking'),
    onToolInput: note('toolInput'),
    onBlock: note('block'),
    onMessage: note('message'),
    onDiagnostic: note('diagnostic'),
  };
  let parser = new MessageParser(handlers, parserOptions);
  const next = (): void => {
    if (restoring) parser = throughJson(parser, (state) => MessageParser.from(state, handlers, parserOptions));
  };
  let thrown: SeenError | undefined;
  try {
    for (const chunk of chunks) {
      give(parser, chunk);
      next();
    }
    next();
    parser.end(end);
    next();
  } catch (error) {
    thrown = seeError(error);
  }
  return {
    calls,
    diagnostics: parser.diagnostics,
    message: parser.message,
    blocks: parser.blocks,
    outcome: seeOutcome(parser.outcome),
    messages: parser.messages.map(({ message, blocks, outcome }) => ({
      message,
      blocks,
      outcome: seeOutcome(outcome),
    })),
    orphanDeltas: parser.orphanDeltas,
    thrown,
  };
}

function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'object' && value !== null && 'stopReason' in value && 'status' in value;
}
