/**
 * The diagnostic codes of the core and their severities: one table, read by the code, the tests, the README and the
 * command line. Append-only: a code never changes its meaning and is never removed. What each code means in one line
 * stands in `lint/meanings.ts`, outside the core, so that programs that only parse do not carry the prose.
 */

/** How bad a deviation is: `error` = content may be wrong or missing; `warning` = read, but off the rules; `info` = noted. */
export type Severity = 'error' | 'warning' | 'info';

/** Every diagnostic code and how bad it is. Append-only. */
export const SEVERITIES = {
  // framing
  'http-head': 'info',
  'missing-event-name': 'info',
  'event-name-mismatch': 'warning',
  'done-sentinel': 'info',
  'empty-data': 'info',
  'missing-final-blank-line': 'info',
  'unfinished-event': 'warning',
  'invalid-json': 'error',
  'invalid-event': 'error',
  'malformed-ping': 'info',
  // lifecycle
  'duplicate-message-start': 'warning',
  'spliced-message-start': 'error',
  'further-message': 'warning',
  'content-before-start': 'warning',
  'missing-message-start': 'error',
  'event-after-stop': 'warning',
  'noise-after-stop': 'info',
  'event-after-error': 'warning',
  'missing-stop-reason': 'info',
  'stop-reason-mismatch': 'warning',
  'missing-usage': 'info',
  'reserved-key': 'warning',
  'unknown-event': 'info',
  // blocks
  'invalid-index': 'error',
  'index-gap': 'warning',
  'index-out-of-order': 'warning',
  'index-reused': 'error',
  'delta-without-start': 'error',
  'delta-mismatch': 'error',
  'delta-after-stop': 'warning',
  'stop-without-start': 'warning',
  'repeated-stop': 'warning',
  'missing-block-stop': 'warning',
  'cut-block': 'info',
  'unknown-block': 'info',
  'unknown-delta': 'info',
  // tool input
  'invalid-tool-input': 'error',
  'tool-input-cut': 'info',
  'tool-input-not-object': 'info',
} as const;

/** A code of {@link SEVERITIES}. */
export type DiagnosticCode = keyof Checked<typeof SEVERITIES>;

/** Compiles only if every severity of the table is one. */
type Checked<Table extends Record<string, Severity>> = Table;
