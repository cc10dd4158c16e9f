/**
 * The portable suite: what the core promises, in any JavaScript runtime. It is synchronous, touches no global, and prints
 * lines of text; the runtimes' runners give it their way to print. `build.mjs` makes one file of it, with its cases and
 * with the package as it would be published.
 */

import { decodeEvent, MessageParser, parseMessage, TruncatedError } from 'ssemble';
import { PartialJson } from 'ssemble/json';
import { lint } from 'ssemble/lint';
import { encodeSse, type SseEvent, SseParser, SseScanner, utf8Length } from 'ssemble/sse';
import all from 'cases'; // made by `build.mjs`, see `virtual.d.ts`
import type { Cases, FixtureCase, SseCase } from './cases.ts';
import { bytesOf, Checks, choppings, type Tally } from './check.ts';

/** For what a runner shows besides. */
export { MessageParser, parseMessage } from 'ssemble';

const cases: Cases = all;

/** Runs everything; prints a line for each case and one at the end. */
export function runSuite(print: (line: string) => void): Tally {
  const checks = new Checks(print);
  for (const one of cases.sse) checks.case(`sse: ${one.name}`, () => sse(checks, one));
  for (const one of cases.fixtures) checks.case(`fixture: ${one.name}`, () => fixture(checks, one));
  for (const one of cases.json) checks.case(`json: ${one.name}`, () => json(checks, one));
  checks.case('errors are what they are', () => errors(checks));
  const { cases: count, checks: done, failures } = checks.tally;
  print(`# ${count} cases, ${done} checks, ${failures} failures`);
  return checks.tally;
}

function sse(checks: Checks, { input, events, at, unfinished }: SseCase): void {
  const bytes = bytesOf(input);
  for (const chunks of choppings(bytes)) {
    const seen: unknown[] = [];
    const places: number[][] = [];
    const place = (parser: SseParser): void => {
      const { byte, line, from, end } = parser.position();
      places.push([byte, line, from, end]);
    };
    const parser = new SseParser((event, self) => {
      seen.push(event);
      place(self);
    });
    for (const chunk of chunks) parser.push(chunk);
    const last = parser.end();
    if (last !== undefined) place(parser);
    checks.same('events', seen, events);
    checks.same('unfinished', last, unfinished);
    if (at !== undefined) checks.same('places', places, at);
  }
  for (const event of events as SseEvent[]) {
    const again: SseEvent[] = [];
    new SseParser((one) => again.push(one)).push(encodeSse(event));
    checks.same('encoded and read again', again, [event]);
  }
}

function fixture(checks: Checks, { name, body, log, message, expect }: FixtureCase): void {
  const bytes = bytesOf(body);
  // What is no stream has no events: its transcript is that of a reader which knows so, and an `SseParser` does not.
  const isStream = !log.startsWith('eof') || bytes.length === 0;
  for (const chunks of choppings(bytes)) {
    if (isStream) checks.same('transcript', transcript(chunks), log);
    const parser = new MessageParser();
    for (const chunk of chunks) parser.push(chunk);
    parser.end();
    judge(checks, parser, message, expect);
  }
  for (const at of [0, 1, bytes.length >> 1, Math.max(0, bytes.length - 1)]) {
    const before = new MessageParser();
    before.push(bytes.subarray(0, at));
    const saved = JSON.stringify(before);
    const after = MessageParser.from(JSON.parse(saved) as Parameters<typeof MessageParser.from>[0]);
    after.push(bytes.subarray(at));
    after.end();
    judge(checks, after, message, expect);
  }
  const found = new Set(lint(bytes).findings.map(({ rule }) => rule));
  checks.same('rules', [...found].sort(byText), [...expect.rules].sort(byText));
  if (expect.status === 'complete' && expect.messages === 1) {
    checks.same(`parseMessage of ${name}`, parseMessage(bytes), message);
  }
}

function judge(checks: Checks, parser: MessageParser, message: unknown, expect: FixtureCase['expect']): void {
  const { outcome, diagnostics, blocks, messages } = parser;
  checks.same('message', parser.message ?? null, message);
  checks.same('outcome', [outcome.status, outcome.stopReason], [expect.status, expect.stopReason]);
  const codes = diagnostics.filter(({ severity }) => severity !== 'info').map(({ code, at }) => [code, at.event]);
  checks.same('errors and warnings', codes.sort(byText), [...expect.codes].sort(byText));
  const infos = new Set(diagnostics.filter(({ severity }) => severity === 'info').map(({ code }) => code));
  checks.same('infos', [...infos].sort(byText), [...expect.infos].sort(byText));
  checks.same('messages', messages.length, expect.messages);
  const states = blocks.map(({ index, type, state, inputState }) =>
    inputState === undefined ? [index, type, state] : [index, type, state, inputState],
  );
  checks.same('blocks', states, expect.blocks);
}

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** As the generator of the fixtures writes it. */
function transcript(chunks: readonly Uint8Array[]): string {
  const lines: string[] = [];
  const nameOf = (event: SseEvent): string => (event.named ? event.event : '-');
  const parser = new SseParser((event) => {
    const { event: number, byte, line, from, end } = parser.position();
    const decoded = decodeEvent(event);
    const index = (decoded as { index?: unknown }).index;
    const type = decoded.type === 'unknown' ? `unknown:${decoded.reason}` : decoded.type;
    lines.push(
      `${number} byte=${byte} line=${line} from=${from} end=${end} name=${nameOf(event)} type=${type} ` +
        `index=${typeof index === 'number' ? index : '-'} data=${utf8Length(event.data)}`,
    );
  });
  for (const chunk of chunks) parser.push(chunk);
  const last = parser.end();
  if (last !== undefined) {
    const { byte, line, from } = parser.position();
    lines.push(`unfinished byte=${byte} line=${line} from=${from} name=${nameOf(last)} data=${utf8Length(last.data)}`);
  }
  lines.push(`eof byte=${chunks.reduce((sum, chunk) => sum + chunk.length, 0)}`);
  return `${lines.join('\n')}\n`;
}

function json(checks: Checks, { text, offset }: Cases['json'][number]): void {
  for (const size of [1, 3, text.length + 1]) {
    const partial = new PartialJson();
    for (let at = 0; at < text.length; at += size) partial.push(text.slice(at, at + size));
    partial.end();
    checks.same('breaks at', partial.error?.offset, offset);
    if (offset === undefined) checks.same('value', partial.value, JSON.parse(text));
  }
}

function errors(checks: Checks): void {
  const parser = new MessageParser();
  parser.push('data: {"type":"message_start","message":{"id":"msg_1","content":[]}}\n\n');
  parser.end();
  const { error } = parser.outcome;
  checks.same('class', error instanceof TruncatedError && error instanceof Error, true);
  checks.same('name', error?.name, 'TruncatedError');
  const scanner = new SseScanner({ maxLineBytes: 10 });
  let code: unknown;
  try {
    scanner.write('data: 0123456789\n\n');
    scanner.next();
  } catch (problem) {
    code = (problem as { code?: unknown }).code;
  }
  checks.same('a limit', typeof code, 'string');
}
