/** Keeps the findings of one stream, up to a ceiling, and counts the rest. */

import type { Note } from './check.ts';
import type { Finding, LintReport, ProfileName, Severity } from './finding.ts';
import { PROFILES, severityUnder } from './profiles.ts';
import { ruleOf } from './rules.ts';
import { MAX_FINDINGS } from './thresholds.ts';

/** What the log knows of a report. */
export type Summary = Pick<LintReport, 'profile' | 'findings' | 'dropped' | 'droppedByRule' | 'counts'>;

/** The findings of one stream. */
export class FindingLog {
  readonly #profile: ProfileName;
  readonly #most: number;
  readonly #ignored: ReadonlySet<string>;
  readonly #findings: Finding[] = [];
  readonly #dropped: Map<string, number> = new Map();
  readonly #counts: Record<Severity, number> = { error: 0, warning: 0, info: 0 };

  /** @throws RangeError for a profile or a rule that does not exist, or a ceiling below 0 */
  constructor(profile: ProfileName, most: number = MAX_FINDINGS, ignore: readonly string[] = []) {
    if (!Object.hasOwn(PROFILES, profile)) {
      const names = Object.keys(PROFILES).join(', ');
      throw new RangeError(`Cannot lint: there is no profile ${JSON.stringify(profile)}; there are ${names}`);
    }
    if (!(most >= 0)) throw new RangeError(`Cannot lint: maxFindings must be 0 or more, this is ${String(most)}`);
    const wrong = ignore.find((id) => ruleOf(id) === undefined);
    if (wrong !== undefined) {
      throw new RangeError(`Cannot ignore ${JSON.stringify(wrong)}: there is no such rule; see RULES`);
    }
    this.#profile = profile;
    this.#most = most;
    this.#ignored = new Set(ignore);
  }

  /** Keeps a finding, or counts it. */
  add({ rule: id, message, at, index, expected, actual, raw }: Note): void {
    const rule = ruleOf(id);
    if (rule === undefined || this.#ignored.has(id)) return;
    const severity = severityUnder(rule, this.#profile);
    this.#counts[severity]++;
    if (this.#findings.length >= this.#most) {
      this.#dropped.set(id, (this.#dropped.get(id) ?? 0) + 1);
      return;
    }
    this.#findings.push({
      rule: id,
      severity,
      message,
      at,
      ...(index !== undefined && { index }),
      ...(expected !== undefined && { expected }),
      ...(actual !== undefined && { actual }),
      ...(raw !== undefined && { raw }),
    });
  }

  /** The findings in the order of the stream: those of one event in the order in which they were found. */
  summary(): Summary {
    const dropped = [...this.#dropped.values()].reduce((sum, count) => sum + count, 0);
    return {
      profile: this.#profile,
      findings: [...this.#findings].sort((a, b) => a.at.event - b.at.event),
      dropped,
      ...(dropped > 0 && { droppedByRule: Object.fromEntries(this.#dropped) }),
      counts: { ...this.#counts },
    };
  }
}
