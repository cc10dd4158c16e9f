/** What the linter says: rules as data, findings, and the report of one stream. */

import type { Severity } from '../protocol/codes.ts';
import type { Outcome } from '../message/types.ts';

export type { Severity };

/** Which part of the protocol a rule is about; the order is that of the catalogue and of the reports. */
export type RuleGroup = 'framing' | 'lifecycle' | 'blocks' | 'deltas' | 'tool input' | 'usage' | 'errors' | 'timing';

/**
 * Why a rule is one. `documented`: the public documentation says so. `observed`: every native stream that was measured
 * keeps it. `client-required`: clients break without it, whatever the documentation says.
 */
export type RuleLevel = 'documented' | 'observed' | 'client-required';

/** The clients of which the catalogue says what a broken rule does to them. */
export type ClientId = 'claude-code' | 'sdk-typescript' | 'sdk-python' | 'ai-sdk' | 'langchain' | 'naive';

/**
 * What happens in a client. `ok`: it reads on, nothing is lost. `loses`: it goes on, but content or facts are wrong or
 * missing, and it does not say so. `fails`: it throws or reports an error. `hangs`: it waits without end.
 */
export type Effect = 'ok' | 'loses' | 'fails' | 'hangs';

/** What a broken rule does to one client. Only what was observed, read in its source, or reported in an issue is listed. */
export interface Impact {
  effect: Effect;
  /** One short sentence: the error text, or what is lost. */
  note: string;
}

/** One rule of the catalogue. */
export interface Rule {
  /** Stable, kebab-case, append-only. The diagnostic codes of the core are among them. */
  id: string;
  group: RuleGroup;
  level: RuleLevel;
  severity: Severity;
  /** The sentence that must hold. */
  rule: string;
  /** What a stream that keeps the rule looks like; alternatives one a line. */
  expected: string;
  /** What a stream that breaks it does, in general; a finding says what was seen. */
  actual: string;
  /** What to change, in the server or the proxy, or what it means if it is legal. */
  fix: string;
  clients: Partial<Record<ClientId, Impact>>;
  /** Public issues where it was seen, such as `BerriAI/litellm#33859`. */
  seen: readonly string[];
}

/** Where a finding is. */
export interface Place {
  /**
   * Number of the event, from 1; 0 if it was before the first, or is about the body as a whole. What stands behind the last
   * event (a comment, an event that was cut) has the number of the event that would follow.
   */
  event: number;
  /** Byte at which the event begins, from 0; of a finding about a line, byte at which the line does. */
  byte?: number;
  /** Line at which the event begins, from 1; of a finding about a line, that line. */
  line?: number;
  /** Microseconds on the capture's clock, where the input has times. */
  us?: number;
}

/** One broken rule at one place. */
export interface Finding {
  /** The id of its rule. */
  rule: string;
  /** As the profile sees it: under `strict` it is the rule's own; see the table of profiles. */
  severity: Severity;
  /** What was found and how it was read, in one sentence. */
  message: string;
  at: Place;
  /** The wire's block index, where there is one. */
  index?: number;
  /** What was expected here, and what came, where that says more than the rule does. */
  expected?: string;
  actual?: string;
  /** The data as received, at most 4 kB of it. */
  raw?: string;
}

/** The names of the profiles; what each means is in the table of profiles. */
export type ProfileName = 'strict' | 'claude-code' | 'sdk' | 'tolerant';

/** What the linter says of one stream. */
export interface LintReport {
  /** The name of the input, if it has one. */
  name?: string;
  profile: ProfileName;
  /** In the order of the stream. */
  findings: Finding[];
  /** How many findings were left out beyond the limit. */
  dropped: number;
  /** Of which rules they were; absent if none was left out. */
  droppedByRule?: Record<string, number>;
  /** How many findings of each severity there were, those that were left out included. */
  counts: Record<Severity, number>;
  events: number;
  bytes: number;
  /** Model of the (last) message, if one was named. */
  model?: string;
  /** How the stream ended, as the core sees it. Under `fromMiddle` that the beginning is missing counts for nothing. */
  outcome: Outcome;
}
