/**
 * One line of the deviation table as data. `row` is the row's words; `parts` are the events as they come; `found` are the
 * diagnostics: code, number of the event (default: the last), ordinal of the block where one is meant.
 */

import type { DiagnosticCode, OutcomeStatus } from '../../src/index.ts';
import * as m from './messages.ts';
import { type Seen, sse } from './stream.ts';

export interface Deviation {
  row: string;
  case: string;
  parts: readonly string[];
  found: readonly (readonly [code: DiagnosticCode, event?: number | undefined, ordinal?: number])[];
  content: readonly string[] | undefined;
  status: OutcomeStatus;
  /** `index state inputState` of each block. */
  states?: readonly string[];
  also?: (seen: Seen) => void;
}

export type Reading = Omit<Deviation, 'row' | 'case'>;
export const row = (words: string, cases: Record<string, Reading>): Deviation[] =>
  Object.entries(cases).map(([name, reading]) => ({ row: words, case: name, ...reading }));

export const start = sse(m.start());
export const stop = sse(m.stop);
export const end = [sse(m.messageDelta()), stop];
export const text = (index: unknown, ...deltas: string[]): string[] => [
  sse(m.textStart(index as number)),
  ...deltas.map((delta) => sse(m.textDelta(index as number, delta))),
  sse(m.blockStop(index as number)),
];
export const whole = [start, ...text(0, 'hi'), ...end];
export const toolStart = (index: number): string =>
  sse(m.blockStart(index, { type: 'tool_use', id: 't', name: 'n', input: {} }));
export const input = (index: unknown, json: string): string =>
  sse(m.delta(index as number, { type: 'input_json_delta', partial_json: json }));
export const unindexed = (event: { type: string }): string => sse({ ...event, index: undefined });

export const hi = { content: ['text hi'], status: 'complete' } as const;
