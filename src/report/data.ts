/**
 * What a report holds: the captures themselves, byte for byte, and what the linter and the clocks say of them. The page
 * reads the bytes with the same core that everybody else does, so nothing derived is stored that could disagree.
 */

import type { Capture, CaptureEnd, CaptureHeader } from '../capture/format.ts';
import { chunkLine, headerLine } from '../capture/writer.ts';
import type { LintReport, Rule } from '../lint/finding.ts';
import type { Timing } from '../timing/timing.ts';

/** A chunk as a capture file writes it: µs, or `null` without a clock, and text or base64. */
export type ReportChunk = readonly [us: number | null, body: string | { readonly b64: string }];

/** A {@link LintReport} as plain JSON: the outcome's error is its name and message. */
interface ReportLint extends Omit<LintReport, 'outcome'> {
  outcome: {
    status: LintReport['outcome']['status'];
    stopReason: LintReport['outcome']['stopReason'];
    error?: { name: string; message: string };
  };
}

/** One stream of a report. */
export interface ReportStream {
  /** What the tab is called: the file's name. */
  name: string;
  header: CaptureHeader;
  chunks: readonly ReportChunk[];
  /** Absent: the recording was interrupted. */
  end?: CaptureEnd;
  lint: ReportLint;
  timing: Timing;
  /** The rules that the findings name, each once. */
  rules: readonly Rule[];
}

/** All that a report shows, as plain JSON. */
export interface ReportData {
  report: 'ssemble';
  version: 1;
  /** Program and version that made it, such as `ssemble/0.1.0`. */
  tool: string;
  streams: readonly ReportStream[];
}

/** What {@link reportStream} is made of. */
export interface ReportSource {
  name: string;
  capture: Capture;
  lint: LintReport;
  timing: Timing;
  /** The catalogue; only the rules that are named by a finding go into the report. */
  rules: readonly Rule[];
}

/** Makes the plain JSON of one stream: chunks as a capture file has them, the linter's word, and the rules it names. */
export function reportStream({ name, capture, lint, timing, rules }: ReportSource): ReportStream {
  const named = new Set(lint.findings.map((finding) => finding.rule));
  const { status, stopReason, error } = lint.outcome;
  return {
    name,
    // Written as a capture file is, so that no secret gets into a report that could not get into a capture.
    header: JSON.parse(headerLine(capture.header)) as CaptureHeader,
    chunks: capture.chunks.map((chunk) => JSON.parse(chunkLine(chunk)) as ReportChunk),
    ...(capture.end !== undefined && { end: capture.end }),
    lint: {
      ...lint,
      outcome: { status, stopReason, ...(error && { error: { name: error.name, message: error.message } }) },
    },
    timing,
    rules: rules.filter((rule) => named.has(rule.id)),
  };
}
