/** What the clocks and gaps are called here, for people, and elsewhere. */

import type { NamedClocks } from './timing.ts';

/** The name of a moment or a gap. */
export interface ClockName {
  /** For a line of its own. */
  label: string;
  /** For the head of a column. */
  short: string;
  /** What other tools call it; '' if nobody measures it. Source: OpenTelemetry's conventions for generative AI; curl. */
  elsewhere: string;
}

/** Every clock, in the order of a healthy stream. */
export const CLOCK_NAMES: Readonly<Record<keyof NamedClocks, ClockName>> = {
  headers: { label: 'response head', short: 'head', elsewhere: '"time to first byte" of HTTP tools' },
  firstByte: { label: 'first byte of the body', short: 'byte', elsewhere: '"TTFT" of tools that do not parse' },
  messageStart: { label: 'message_start', short: 'start', elsewhere: '' },
  firstContent: {
    label: 'first content',
    short: 'content',
    elsewhere: 'TTFT; OpenTelemetry: gen_ai.client.operation.time_to_first_chunk',
  },
  firstVisibleText: { label: 'first visible text', short: 'text', elsewhere: '"TTFT" as a reader sees it' },
  lastContent: { label: 'last content', short: 'last', elsewhere: '' },
  messageStop: { label: 'message_stop', short: 'stop', elsewhere: '' },
  end: { label: 'end of the body', short: 'end', elsewhere: 'OpenTelemetry: gen_ai.client.operation.duration' },
};

/** The keys of {@link CLOCK_NAMES}, in order. */
export const CLOCKS: readonly (keyof NamedClocks)[] = Object.keys(CLOCK_NAMES) as (keyof NamedClocks)[];

/** OpenTelemetry's name for the gaps between chunks with content. */
export const CONTENT_GAP_NAME = 'OpenTelemetry: gen_ai.client.operation.time_per_output_chunk';
