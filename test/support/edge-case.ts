/** One edge case of the notes on the official SDKs, §3: what comes, and how it is read; and the pieces they are made of. */

import { expect } from 'vitest';
import type { OutcomeStatus } from '../../src/index.ts';
import * as m from './messages.ts';
import { type Seen, sse } from './stream.ts';

export interface EdgeCase {
  title: string;
  body: string | Uint8Array;
  content: readonly unknown[] | undefined;
  /** Default: `complete`. */
  status: OutcomeStatus;
  codes?: readonly string[];
  also?: (seen: Seen) => void;
}

export type Rest = Partial<Pick<EdgeCase, 'status' | 'codes' | 'also'>>;

/** A body of these events; texts in `content` stand for text blocks. */
export function edge(
  title: string,
  events: readonly (string | { type: string })[],
  content: readonly unknown[] | undefined,
  rest: Rest = {},
): EdgeCase {
  const body = events.map((event) => (typeof event === 'string' ? event : sse(event))).join('');
  return {
    title,
    body,
    content: content?.map((block) => (typeof block === 'string' ? { type: 'text', text: block } : block)),
    status: 'complete',
    ...rest,
  };
}

export const block = (index: number, text: string): { type: string }[] => [
  m.textStart(index),
  m.textDelta(index, text),
  m.blockStop(index),
];
export const A = [m.start(), ...block(0, 'A')];
export const END = [m.messageDelta(), m.stop];
export const TOOL_END = [m.messageDelta('tool_use'), m.stop];
export const json = (index: number, text: string): { type: string } =>
  m.delta(index, { type: 'input_json_delta', partial_json: text });
export const tool = (...texts: string[]): { type: string }[] => [
  m.start(),
  m.blockStart(0, { type: 'tool_use', id: 't', name: 'n', input: {} }),
  ...texts.map((text) => json(0, text)),
];
export const called = (input: unknown): object => ({ type: 'tool_use', id: 't', name: 'n', input });
export const errorSeen =
  (expected: object) =>
  ({ outcome }: Seen): void => {
    expect(outcome.error).toMatchObject(expected);
  };

/** The calls of one handler as `[its first argument, the block's index]`. */
export const told = (seen: Seen, name: string): (readonly [value: unknown, index: number | undefined])[] =>
  seen.calls
    .filter(([call]) => call === name)
    .map(([, value, at]) => [value, (at as { index?: number } | undefined)?.index]);
