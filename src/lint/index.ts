/** `ssemble/lint`: which rules a stream breaks, in any runtime. */

export { lint, Linter, type LintOptions } from './linter.ts';
export { RULES, ruleOf } from './rules.ts';
export { type Profile, PROFILES, severityUnder } from './profiles.ts';
export {
  type Format,
  type FormatName,
  type FormatOptions,
  type FormatRun,
  FORMATS,
  formatGithub,
  formatJson,
  formatJunit,
  formatSarif,
  formatText,
  type ReportData,
} from './formats/index.ts';
export type {
  ClientId,
  Effect,
  Finding,
  Impact,
  LintReport,
  Place,
  ProfileName,
  Rule,
  RuleGroup,
  RuleLevel,
  Severity,
} from './finding.ts';
