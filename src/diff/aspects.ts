/** What a comparison leaves out unless it is asked for, and how values are brought to the form that is compared. */

import { MAX_DEPTH } from '../limits.ts';
import { isObject, type Wire } from '../protocol/decode.ts';

/** What differs between any two answers, even to the same request. */
export const ASPECTS = {
  ids: 'ids that the server made: of messages, tool uses, requests, containers, files',
  usage: 'token counts and the metrics of Bedrock',
  timing: 'when the events came',
  chunking: 'how text, thinking and tool input are cut into deltas, empty deltas, and the white space of tool input',
  pings: 'pings',
  signatures: 'signatures and other sealed values; that there is one is compared all the same',
} as const;

/** The name of an aspect. */
export type DiffAspect = keyof typeof ASPECTS;

/** Which aspects are compared. */
export type Asked = Readonly<Record<DiffAspect, boolean>>;

const IDS: ReadonlySet<string> = new Set([
  'id',
  'tool_use_id',
  'tool_id',
  'request_id',
  'container_id',
  'file_id',
  'expires_at',
]);
const USAGE: ReadonlySet<string> = new Set(['usage', 'amazon-bedrock-invocationMetrics', 'estimated_tokens']);
const SEALED: ReadonlySet<string> = new Set(['signature', 'encrypted_content', 'encrypted_index', 'encrypted_stdout']);

/** Stands for a sealed value that is not empty. */
const SEAL = '[sealed]';
/** Stands for what lies deeper than anybody writes; what differs down there is not seen. */
const TOO_DEEP = `[more than ${MAX_DEPTH} levels deep]`;

/**
 * A copy of a value without what is not asked for. Tool input is content: nothing is left out of it.
 *
 * @param lenient - also leave out `null` and empty citations: what a message has as `null`, an older one leaves out
 */
export function comparable(value: unknown, asked: Asked, lenient: boolean, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return TOO_DEEP;
  if (Array.isArray(value)) return value.map((entry) => comparable(entry, asked, lenient, depth + 1));
  const wire = value as Wire;
  const kept = Object.entries(wire).flatMap(([key, inner]): [string, unknown][] => {
    if (key === 'input' || key === 'partial_json') return [[key, bounded(inner, depth + 1)]];
    if (!asked.ids && IDS.has(key) && (typeof inner === 'string' || inner === null)) return [];
    if (!asked.usage && USAGE.has(key)) return [];
    if (lenient && (inner === null || (key === 'citations' && isEmptyList(inner)))) return [];
    if (!asked.signatures && isSealed(key, inner, wire)) return [[key, SEAL]];
    return [[key, comparable(inner, asked, lenient, depth + 1)]];
  });
  // Defines own properties: a key `__proto__` from the wire stays a key.
  return Object.fromEntries(kept);
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function isSealed(key: string, value: unknown, wire: Wire): boolean {
  if (typeof value !== 'string' || value === '') return false;
  return SEALED.has(key) || (key === 'data' && wire['type'] === 'redacted_thinking');
}

/** A copy that no walk of ours goes too deep into. */
export function bounded(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return TOO_DEEP;
  if (Array.isArray(value)) return value.map((entry) => bounded(entry, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, bounded(inner, depth + 1)]));
}

/** A text that is the same for equal values: JSON with sorted keys. */
export function keyOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(keyOf).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? 'undefined';
  const entries = Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${keyOf(inner)}`).join(',')}}`;
}
