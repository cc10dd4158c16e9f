/**
 * The catalogue: every rule that a stream can break, as data.
 *
 * Every diagnostic code of the core is a rule here, with the same severity; so is every deviation that was seen in the
 * wild and that the core reads without a word because the message does not suffer. What was merged or left out, and why:
 *
 * - A character cut in two by chunk boundaries is no deviation of the stream: chunk boundaries are invisible to the
 *   linter. What careless readers make of it shows as `invalid-utf8`, `replacement-character` or `lone-surrogate`.
 * - `message_delta.usage` without `input_tokens` is legal and common (older models, Vertex, Bedrock). The rule is
 *   `input-tokens-unknown`: nowhere does the stream say it.
 * - `vertex_event` is one of many unknown events: `unknown-event`.
 * - A block that starts at an index that is still open is `index-reused`, not `overlapping-blocks`.
 * - Padding before the last brace is native; that it is missing says nothing (Bedrock), so no rule asks for it.
 * - What only clients do wrong (they run a tool on a cut input, they ignore the stop reason) stands under `clients` of the
 *   rule that warns of it.
 *
 * Ids are append-only: none is ever renamed, removed, or given another meaning.
 */

import { ERRORS, TIMING, USAGE } from './catalogue/around.ts';
import { BLOCKS, DELTAS, TOOL_INPUT } from './catalogue/content.ts';
import { FRAMING } from './catalogue/framing.ts';
import { LIFECYCLE } from './catalogue/lifecycle.ts';
import type { Rule } from './finding.ts';

/**
 * All rules, by group: framing, lifecycle, blocks, deltas, tool input, usage, errors, timing.
 *
 * @example
 * RULES.filter(({ level }) => level === 'client-required').map(({ id }) => id).includes('silence'); // true
 */
export const RULES: readonly Rule[] = [
  ...FRAMING,
  ...LIFECYCLE,
  ...BLOCKS,
  ...DELTAS,
  ...TOOL_INPUT,
  ...USAGE,
  ...ERRORS,
  ...TIMING,
];

const BY_ID: ReadonlyMap<string, Rule> = new Map(RULES.map((rule) => [rule.id, rule]));

/**
 * The rule of that id; `undefined` if there is none.
 *
 * @example
 * ruleOf('index-reused')?.severity; // 'error'
 * ruleOf('no-such-rule'); // undefined
 */
export function ruleOf(id: string): Rule | undefined {
  return BY_ID.get(id);
}
