/**
 * What changed from one JSON value to the next, as a tree of the next one. Made for snapshots: what did not change is the
 * same object in both, so a look costs what changed.
 */

/** What became of a value. `grown`: a string that has the old one as its beginning. */
type Change = 'same' | 'new' | 'changed' | 'grown' | 'gone';

/** A value and what became of it. Children are compared when they are asked for. */
export interface Changed {
  key: string | number | undefined;
  value: unknown;
  change: Change;
  /** What was there before; `undefined` where nothing was. */
  was: unknown;
  /** For `grown`: how much of the string was there before. */
  kept: number;
  /** The members of an object or an array, those that are gone included; `undefined` for anything else. */
  children: (() => Changed[]) | undefined;
}

/** Nothing: no value at all, where `undefined` and `null` are values. */
const NOTHING = Symbol('nothing');

/**
 * Compares.
 *
 * @example
 * compare({ text: 'Hel' }, { text: 'Hello' }).children?.()[0]; // { key: 'text', value: 'Hello', change: 'grown', was: 'Hel', kept: 3, children: undefined }
 */
export function compare(before: unknown, after: unknown, key?: string | number): Changed {
  const change = changeOf(before, after);
  const kept = change === 'grown' ? (before as string).length : 0;
  const children = isBranch(after) ? (): Changed[] => childrenOf(before, after) : undefined;
  return { key, value: after, change, was: before === NOTHING ? undefined : before, kept, children };
}

/** All of a value as new. */
export function allNew(value: unknown): Changed {
  return compare(NOTHING, value);
}

/** All of a value as it was. */
export function unchanged(value: unknown): Changed {
  return compare(value, value);
}

function changeOf(before: unknown, after: unknown): Change {
  if (before === after) return 'same';
  if (before === NOTHING) return 'new';
  if (typeof before === 'string' && typeof after === 'string') return after.startsWith(before) ? 'grown' : 'changed';
  if (!isBranch(before) || !isBranch(after) || Array.isArray(before) !== Array.isArray(after)) return 'changed';
  return childrenOf(before, after).every((child) => child.change === 'same') ? 'same' : 'changed';
}

function childrenOf(before: unknown, after: object): Changed[] {
  const old = isBranch(before) && Array.isArray(before) === Array.isArray(after) ? before : undefined;
  // A branch that is all new has new children; one that is the same has the same ones.
  const missing = before === NOTHING || old === undefined ? NOTHING : undefined;
  const was = (key: string): unknown =>
    old !== undefined && Object.hasOwn(old, key) ? (old as Record<string, unknown>)[key] : (missing ?? NOTHING);
  const keyOf = (key: string): string | number => (Array.isArray(after) ? Number(key) : key);
  const children = Object.entries(after).map(([key, value]) => compare(was(key), value, keyOf(key)));
  for (const [key, value] of Object.entries(old ?? {})) {
    if (!Object.hasOwn(after, key))
      children.push({ key, value, change: 'gone', was: value, kept: 0, children: undefined });
  }
  return children;
}

function isBranch(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
