/** The exit codes of the program: one table for the code, the help and the README. */

/** Nothing to complain about. */
export const CLEAN = 0;
/** Findings at or above `--fail-on`; two streams that differ. */
export const FINDINGS = 1;
/** The command line is wrong. */
export const USAGE = 2;
/** Something cannot be read or written. */
export const INPUT_OUTPUT = 3;
/** A stream did not complete. */
export const INCOMPLETE = 4;
/** Ctrl-C. */
export const INTERRUPTED = 130;

/** The first that applies wins. */
const BY_WEIGHT: readonly number[] = [INTERRUPTED, USAGE, INPUT_OUTPUT, INCOMPLETE, FINDINGS, CLEAN];

/** The one code that stands for several. */
export function heaviest(codes: readonly number[]): number {
  return BY_WEIGHT.find((code) => codes.includes(code)) ?? CLEAN;
}

/** What the codes mean, for the help. */
export const EXIT_CODES: readonly string[] = [
  '0 clean · 1 findings (see --fail-on) · 2 wrong usage · 3 cannot read or write',
  '4 a stream did not complete · 130 interrupted. The first of 2, 3, 4, 1 that applies.',
];
