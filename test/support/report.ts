/** Reports for tests: captures made here, judged by the real linter and clock, and the page as the build makes it. */

import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { lint } from '../../src/lint/linter.ts';
import { RULES } from '../../src/lint/rules.ts';
import type { Capture, CaptureChunk, CaptureEnd, CaptureHeader } from '../../src/capture/format.ts';
import { type ReportData, reportStream, type ReportStream } from '../../src/report/data.ts';
import { reportPage } from '../../src/report/page.ts';
import { timingOf } from '../../src/timing/timing-of.ts';

const VIEWER = fileURLToPath(new URL('../../src/report/viewer/', import.meta.url));

/** Bundles the page's script and style sheet with the options of the build; nothing is written. */
export function bundleViewer(): { viewer: string; style: string } {
  const { outputFiles } = buildSync({
    entryPoints: { viewer: `${VIEWER}main.ts` },
    bundle: true,
    format: 'iife',
    minify: true,
    target: 'es2022',
    write: false,
    outdir: 'out',
  });
  const styles = buildSync({ entryPoints: [`${VIEWER}style.css`], minify: true, write: false });
  return { viewer: outputFiles[0]?.text ?? '', style: styles.outputFiles[0]?.text ?? '' };
}

/** A chunk: its time in ms, or none, and its content. */
export type Piece = readonly [ms: number | undefined, content: string | Uint8Array];

/** A capture of these chunks. */
export function captureOf(pieces: readonly Piece[], end?: CaptureEnd, header: Partial<CaptureHeader> = {}): Capture {
  const chunks: CaptureChunk[] = pieces.map(([ms, content]) => ({
    us: ms === undefined ? undefined : Math.round(ms * 1000),
    bytes: typeof content === 'string' ? new TextEncoder().encode(content) : content,
  }));
  return { header: { ssemble: 'capture', version: 1, ...header }, chunks, end };
}

/** A stream of a report. */
export function streamOf(name: string, capture: Capture): ReportStream {
  const { chunks, header, end } = capture;
  const timing = timingOf(chunks, { headersUs: header.response?.us, end: end?.us });
  return reportStream({ name, capture, lint: lint(capture, { name }), timing, rules: RULES });
}

/** The data of a report. */
export function dataOf(...streams: ReportStream[]): ReportData {
  return { report: 'ssemble', version: 1, tool: 'ssemble/0.0.0', streams };
}

let parts: { viewer: string; style: string } | undefined;

/** A page of these streams. */
export function pageOf(...streams: ReportStream[]): string {
  parts ??= bundleViewer();
  return reportPage({ ...parts, data: dataOf(...streams) });
}
