/** The end of a stream in words: one line of what came, and if it failed: what, where, and what to do now. */

import { ProtocolError } from '../errors.ts';
import type { At, BlockInfo, Outcome } from '../message/types.ts';
import type { ApiError } from '../protocol/api-error.ts';
import type { Message } from '../protocol/message.ts';
import type { Reading, Verdict } from './reading.ts';
import { counted, groupDigits, placeOf } from './tally.ts';
import type { Ink } from './terminal.ts';
import { clip } from './terminal.ts';

/** When things came, in milliseconds since reading began; only live input has times. */
export interface Times {
  firstByte: number | undefined;
  firstContent: number | undefined;
  total: number | undefined;
}

/** Such as `claude-x · end_turn · in 12 (cache read 5) · out 40 · first byte 210 ms · 1 warning`. */
export function printSummary(
  ink: Ink,
  message: Message | undefined,
  outcome: Outcome,
  extra: readonly string[] = [],
): void {
  const facts = [message?.model, stopWord(message, outcome), ...usageWords(message), ...extra];
  const failed = outcome.status !== 'complete';
  if (failed) ink.write(outcome.status, 'red').write(' · ', 'dim');
  ink.write(facts.filter((fact) => fact !== undefined && fact !== '').join(' · '), 'dim').write('\n', 'dim');
}

/** The named times as words, those that are known. */
export function timeWords(times: Times): string[] {
  const named: readonly (readonly [string, number | undefined])[] = [
    ['first byte', times.firstByte],
    ['first content', times.firstContent],
    ['total', times.total],
  ];
  return named.flatMap(([name, ms]) => (ms === undefined ? [] : [`${name} ${groupDigits(Math.round(ms))} ms`]));
}

/** Whether the stream completed, and with it every message that it had: an earlier one may have failed before a retry. */
export function isWhole({ outcome, reading }: Verdict): boolean {
  return outcome.status === 'complete' && reading.parser.messages.every((one) => one.outcome.status === 'complete');
}

/**
 * For each message that failed: what went wrong, where, and what now. Nothing if all completed. `offerPartial`: also say
 * how to print what came.
 */
export function printFailures(ink: Ink, { outcome, reading }: Verdict, offerPartial: boolean): void {
  const { messages, blocks } = reading.parser;
  if (messages.length < 2) {
    printFailure(ink, { outcome, blocks, reading, end: reading.last, isLast: true, offerPartial });
    return;
  }
  messages.forEach((record, k) => {
    if (record.outcome.status === 'complete') return;
    const isLast = k === messages.length - 1;
    ink.write(`message ${k + 1}:\n`, 'bold');
    printFailure(ink, { ...record, reading, end: reading.endOf(k), isLast, offerPartial });
  });
}

/** A message that may have failed. */
interface Case {
  outcome: Outcome;
  blocks: readonly BlockInfo[];
  reading: Reading;
  /** Its last event, or the one that failed it. */
  end: At | undefined;
  /** No other message follows it in the stream. */
  isLast: boolean;
  offerPartial: boolean;
}

function printFailure(ink: Ink, failed: Case): void {
  const { status, error } = failed.outcome;
  if (status === 'complete') return;
  const name = error instanceof ProtocolError ? error.code : undefined;
  ink.write(status, 'red').write(name === undefined ? '' : ` ${name}`, 'bold');
  ink.write(`  ${clip(error?.message ?? 'The stream has no end', 600)}\n`);
  ink.write(`        where: ${whereWords(failed)}\n`, 'dim');
  const now = nowWords(failed);
  if (now !== '') ink.write(`        now: ${now}\n`, 'dim');
}

/** An error as plain data, for `--json`. Only fields that are meant to be seen. */
function errorData(error: Error): Record<string, unknown> {
  const data: Record<string, unknown> = { name: error.name, message: error.message };
  for (const key of ['code', 'type', 'status', 'at', 'retryable', 'retryAfterMs', 'requestId']) {
    const value = (error as unknown as Record<string, unknown>)[key];
    if (value !== undefined) data[key] = value;
  }
  return data;
}

/** An outcome as plain data: the error in it is no JSON by itself. */
export function outcomeData(outcome: Outcome): Record<string, unknown> {
  const { status, stopReason, error } = outcome;
  return error === undefined ? { status, stopReason } : { status, stopReason, error: errorData(error) };
}

function stopWord(message: Message | undefined, outcome: Outcome): string | undefined {
  if (message === undefined) return 'no message';
  const reason = message.stop_reason ?? outcome.stopReason;
  if (reason === null || reason === undefined) return outcome.status === 'complete' ? 'no stop reason' : undefined;
  return reason === 'stop_sequence' && typeof message.stop_sequence === 'string'
    ? `stop_sequence ${JSON.stringify(message.stop_sequence)}`
    : reason;
}

function usageWords(message: Message | undefined): string[] {
  // The wire may leave out all of it, or send what no type foresees.
  const usage = message?.usage as Readonly<Record<string, unknown>> | null | undefined;
  if (typeof usage !== 'object' || usage === null) return [];
  const cache = [
    ['read', usage['cache_read_input_tokens']],
    ['write', usage['cache_creation_input_tokens']],
  ].flatMap(([name, count]) =>
    typeof count === 'number' && count > 0 ? [`cache ${String(name)} ${groupDigits(count)}`] : [],
  );
  const words: string[] = [];
  const input = usage['input_tokens'];
  const output = usage['output_tokens'];
  const inCache = cache.length === 0 ? '' : ` (${cache.join(', ')})`;
  if (typeof input === 'number') words.push(`in ${groupDigits(input)}${inCache}`);
  if (typeof output === 'number') words.push(`out ${groupDigits(output)}`);
  return words;
}

function whereWords(failed: Case): string {
  const { reading, blocks, isLast } = failed;
  if (reading.bytes === 0) return 'the input is empty';
  const cut = blocks.filter((block) => block.state === 'cut').map(blockWords);
  const words = [
    eventWords(failed),
    isLast ? `${groupDigits(reading.bytes)} bytes in all` : '',
    blocks.length === 0 ? 'no content had come' : `${counted(blocks.length, 'block')} had come`,
  ];
  return `${words.filter((word) => word !== '').join('; ')}${cut.length > 0 ? `, cut: ${cut.join(', ')}` : ''}`;
}

/** The event that tells most: the one that could not be read, the error, or the last that came. */
function eventWords({ outcome, reading, end }: Case): string {
  const message = outcome.error?.message ?? '';
  const unreadable =
    outcome.status === 'damaged' &&
    reading.parser.diagnostics.find(
      ({ severity, at }) => severity === 'error' && message.startsWith(`Event ${at.event} could not be read`),
    );
  if (unreadable) return `the unreadable event is ${placeOf(unreadable.at).replace('event ', '')}`;
  return end === undefined ? 'before any event' : `the last event was ${placeOf(end).replace('event ', '')}`;
}

function blockWords(block: BlockInfo): string {
  return `block ${block.index} (${clip(block.type, 40)})`;
}

const NO_CONTENT = "no content came; look at the server's log and the response's status.";

/** What to do; empty where the failure itself has said it. */
function nowWords({ outcome, blocks, reading, isLast, offerPartial }: Case): string {
  if (reading.bytes === 0) return 'look at the status and the headers of the response: `curl -i`.';
  const partial =
    offerPartial && blocks.length > 0
      ? ` \`ssemble message ${isLast ? '' : '--all '}--partial\` prints what came.`
      : '';
  switch (outcome.status) {
    case 'truncated':
      return blocks.length === 0 ? NO_CONTENT : `${truncatedAdvice(outcome)}${partial}`;
    case 'damaged':
      return 'content may be missing at the errors above. `ssemble events` shows what was received there.';
    case 'errored':
      return erroredAdvice(outcome.error);
    case 'aborted':
      return 'nothing; you interrupted it.';
    case 'stalled':
      return 'the server went silent. Send the request again.';
    case 'disconnected':
      return `the connection broke. Send the request again.${partial}`;
    default:
      return '';
  }
}

function truncatedAdvice({ stopReason }: Outcome): string {
  return stopReason === null
    ? 'this is not the whole answer: run no tool from it.'
    : 'the stop reason came, `message_stop` did not: the text may be whole, but nothing says so.';
}

/** Bodies of another kind; what to change stands in the error's message of the others, and limits have no such advice. */
const NO_STREAM: ReadonlySet<string> = new Set(['html-body', 'json-body', 'ndjson-body']);

function erroredAdvice(error: Error | undefined): string {
  if (error instanceof ProtocolError) {
    return NO_STREAM.has(error.code)
      ? 'look at what the server sent; this is not the event stream of a Claude message.'
      : '';
  }
  const { retryable, retryAfterMs, status } = (error ?? {}) as Partial<ApiError>;
  if (retryable !== true) return 'correct the request; the same one will fail again.';
  const wait = retryAfterMs === undefined ? 'wait' : `wait ${groupDigits(retryAfterMs)} ms`;
  if (status === 429 || status === 529 || retryAfterMs !== undefined)
    return `${wait}, then send the same request again.`;
  return (status ?? 0) >= 500
    ? 'the server failed, not the request: send it again.'
    : 'send the same request again; it may pass.';
}
