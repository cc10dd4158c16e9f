/**
 * Profiles: how bad a broken rule is depends on who reads the stream. One table of effects makes all of them:
 *
 * | what is known of the client          | severity                                                       |
 * | ------------------------------------ | -------------------------------------------------------------- |
 * | it fails or hangs                    | error                                                          |
 * | it loses something, and says nothing | error; warning where the catalogue says info                   |
 * | it reads on                          | info                                                           |
 * | nothing                              | as the catalogue says                                          |
 *
 * Of several clients the one that is hurt most decides. `strict` looks at no client: it is the catalogue. `tolerant` is
 * for a reader that takes what it can get, as this library does: an error stays one, everything else is info.
 */

import type { ClientId, Effect, ProfileName, Rule, Severity } from './finding.ts';

/** A way to look at a stream. */
export interface Profile {
  name: ProfileName;
  /** One line, for the help. */
  summary: string;
  /** Whose impacts decide; none: the catalogue does. */
  clients: readonly ClientId[];
  /** Whether everything but an error is only noted. */
  tolerant: boolean;
}

/**
 * The profiles.
 *
 * @example
 * Object.keys(PROFILES); // ['strict', 'claude-code', 'sdk', 'tolerant']
 */
export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  strict: { name: 'strict', summary: 'the rules as they are, whoever reads the stream', clients: [], tolerant: false },
  'claude-code': {
    name: 'claude-code',
    summary: 'does this stream work in Claude Code?',
    clients: ['claude-code'],
    tolerant: false,
  },
  sdk: {
    name: 'sdk',
    summary: 'does this stream work in the official TypeScript and Python SDKs?',
    clients: ['sdk-typescript', 'sdk-python'],
    tolerant: false,
  },
  tolerant: {
    name: 'tolerant',
    summary: 'only what damages the content for a reader that takes what it can get',
    clients: [],
    tolerant: true,
  },
};

/** From harmless to worst. */
const EFFECTS: readonly Effect[] = ['ok', 'loses', 'fails', 'hangs'];

/**
 * How bad a broken rule is under a profile.
 *
 * @example
 * const rule = ruleOf('missing-event-name')!;
 * severityUnder(rule, 'strict'); // 'info'
 * severityUnder(rule, 'sdk'); // 'error'
 */
export function severityUnder(rule: Rule, profile: ProfileName): Severity {
  const { clients, tolerant } = PROFILES[profile];
  if (tolerant) return rule.severity === 'error' ? 'error' : 'info';
  const effects = clients.map((client) => rule.clients[client]?.effect).filter((effect) => effect !== undefined);
  if (effects.length === 0) return rule.severity;
  const worst = Math.max(...effects.map((effect) => EFFECTS.indexOf(effect)));
  if (worst === EFFECTS.indexOf('ok')) return 'info';
  if (worst === EFFECTS.indexOf('loses') && rule.severity === 'info') return 'warning';
  return 'error';
}
