/** Findings, grouped by code: a stream with one broken habit has the same finding a thousand times. */

import { MEANINGS } from '../lint/meanings.ts';
import type { At, Diagnostic } from '../message/types.ts';
import type { Severity } from '../protocol/codes.ts';
import type { Ink, Style } from './terminal.ts';
import { clip } from './terminal.ts';

/** All findings of one code. */
interface Group {
  first: Diagnostic;
  count: number;
}

const BY_WEIGHT: readonly Severity[] = ['error', 'warning', 'info'];
const STYLES: Readonly<Record<Severity, Style>> = { error: 'red', warning: 'yellow', info: 'dim' };

/** Counts findings; keeps the first of each code. */
export class Tally {
  readonly #groups = new Map<string, Group>();
  readonly #counts: Record<Severity, number> = { error: 0, warning: 0, info: 0 };

  /** Counts one finding. */
  add(diagnostic: Diagnostic): void {
    this.#counts[diagnostic.severity] += 1;
    const group = this.#groups.get(diagnostic.code);
    if (group === undefined) this.#groups.set(diagnostic.code, { first: diagnostic, count: 1 });
    else group.count += 1;
  }

  /** Whether there is a finding at least as bad as `severity`. */
  reaches(severity: Severity): boolean {
    const worst = BY_WEIGHT.slice(0, BY_WEIGHT.indexOf(severity) + 1);
    return worst.some((one) => this.#counts[one] > 0);
  }

  /** Such as `2 errors, 1 warning`; empty if there are none. */
  summary(): string {
    return BY_WEIGHT.filter((severity) => this.#counts[severity] > 0)
      .map((severity) => counted(this.#counts[severity], severity))
      .join(', ');
  }

  /** Two lines for each code, the worst first: the code with its meaning, and the first place with what was found there. */
  print(ink: Ink): void {
    for (const severity of BY_WEIGHT) {
      for (const { first, count } of this.#groups.values()) {
        if (first.severity === severity) printGroup(ink, first, count);
      }
    }
  }
}

function printGroup(ink: Ink, first: Diagnostic, count: number): void {
  const times = count > 1 ? ` ×${count}` : '';
  ink.write(first.severity.padEnd(7), STYLES[first.severity]).write(` ${first.code}${times}`, 'bold');
  ink.write(`  ${MEANINGS[first.code]}\n`);
  const block = first.index === undefined ? '' : `, block ${first.index}`;
  ink.write(`        ${count > 1 ? 'first at ' : ''}${placeOf(first.at)}${block}: `, 'dim');
  ink.write(`${clip(first.message, 400)}\n`);
}

/** Such as `event 7, byte 1234, line 20`. */
export function placeOf(at: At): string {
  const byte = at.byte === undefined ? '' : `, byte ${at.byte}`;
  const line = at.line === undefined ? '' : `, line ${at.line}`;
  return `event ${at.event}${byte}${line}`;
}

/** Such as `1 error`, `2 errors`; `info` has no plural. */
export function counted(count: number, noun: string): string {
  return `${groupDigits(count)} ${noun}${count === 1 || noun === 'info' ? '' : 's'}`;
}

/** `12345` → `12,345`, the same in every locale. */
export function groupDigits(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
