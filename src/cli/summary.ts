/** The end of a stream in words: one line of what came, and if it failed: what, where, and what to do now. */

import { ProtocolError } from '../errors.ts';
import type { BlockInfo, Outcome, OutcomeStatus } from '../message/types.ts';
import type { Message } from '../protocol/message.ts';
import type { Reading } from './reading.ts';
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

/** What went wrong, where, and what now; nothing if the stream completed. */
export function printFailure(ink: Ink, reading: Reading, outcome: Outcome): void {
  if (outcome.status === 'complete') return;
  const error = outcome.error;
  const name = error instanceof ProtocolError ? error.code : undefined;
  ink.write(outcome.status, 'red').write(name === undefined ? '' : ` ${name}`, 'bold');
  ink.write(`  ${clip(error?.message ?? 'The stream has no end', 600)}\n`);
  for (const line of [whereWords(reading), nowWords(reading, outcome)]) ink.write(`        ${line}\n`, 'dim');
}

/** An error as plain data, for `--json`. Only fields that are meant to be seen. */
export function errorData(error: Error): Record<string, unknown> {
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

function whereWords(reading: Reading): string {
  if (reading.bytes === 0) return 'where: the input is empty';
  const at = reading.last === undefined ? 'before any event' : `after ${placeOf(reading.last)}`;
  const cut = reading.parser.blocks.filter((block) => block.state === 'cut').map(blockWords);
  const blocks = reading.parser.blocks.length;
  const came = blocks === 0 ? 'no content had come' : `${counted(blocks, 'block')} had come`;
  return `where: ${at} (${groupDigits(reading.bytes)} bytes in all); ${came}${cut.length > 0 ? `, cut: ${cut.join(', ')}` : ''}`;
}

function blockWords(block: BlockInfo): string {
  return `block ${block.index} (${clip(block.type, 40)})`;
}

const ADVICE: Readonly<Record<Exclude<OutcomeStatus, 'open' | 'complete' | 'errored'>, string>> = {
  truncated: 'this is not the whole answer: run no tool from it. `ssemble message --partial` prints what came.',
  damaged: 'content may be missing at the errors above. `ssemble events` shows what was received there.',
  aborted: 'nothing; you interrupted it.',
  stalled: 'the server went silent. Send the request again.',
  disconnected: 'the connection broke. Send the request again; `ssemble message --partial` prints what came.',
};

function nowWords(reading: Reading, outcome: Outcome): string {
  if (reading.bytes === 0) return 'now: look at the status and the headers of the response: `curl -i`.';
  if (outcome.status === 'errored') return `now: ${erroredAdvice(outcome.error)}`;
  return outcome.status === 'open' || outcome.status === 'complete' ? '' : `now: ${ADVICE[outcome.status]}`;
}

function erroredAdvice(error: Error | undefined): string {
  if (error instanceof ProtocolError)
    return 'look at what the server sent; this is not the event stream of a Claude message.';
  const { retryable, retryAfterMs } = (error ?? {}) as { retryable?: unknown; retryAfterMs?: unknown };
  if (retryable !== true) return 'correct the request; the same one will fail again.';
  const wait = typeof retryAfterMs === 'number' ? ` after ${groupDigits(retryAfterMs)} ms` : '';
  return `the server asks for patience, the request is not at fault: send it again${wait}.`;
}
