/** Two values → where they differ, by path. */

import { isObject } from '../protocol/decode.ts';
import { type Entry, sideBySide } from './align.ts';
import { keyOf } from './aspects.ts';

/** One place at which two values differ. */
export interface ValueDifference {
  /** `added`: only the second has it. `removed`: only the first has it. */
  kind: 'added' | 'removed' | 'changed';
  /**
   * Such as `content[0].input.city`; `''` is the value itself. Positions are those of the first value, of the second one
   * where it alone has the entry.
   */
  path: string;
  /** The first's value; absent where it has none. */
  a?: unknown;
  /** The second's value; absent where it has none. */
  b?: unknown;
}

/** Gives every difference, in the order of the first value. Entries of lists are aligned, so one that is new moves none. */
export function differences(a: unknown, b: unknown, path = ''): ValueDifference[] {
  if (isObject(a) && isObject(b)) return inObjects(a, b, path);
  if (Array.isArray(a) && Array.isArray(b)) return inLists(a, b, path);
  return keyOf(a) === keyOf(b) ? [] : [{ kind: 'changed', path, a, b }];
}

function inObjects(
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
  path: string,
): ValueDifference[] {
  const found: ValueDifference[] = [];
  for (const key of Object.keys(a)) {
    const at = join(path, key);
    if (Object.hasOwn(b, key)) found.push(...differences(a[key], b[key], at));
    else found.push({ kind: 'removed', path: at, a: a[key] });
  }
  for (const key of Object.keys(b)) {
    if (!Object.hasOwn(a, key)) found.push({ kind: 'added', path: join(path, key), b: b[key] });
  }
  return found;
}

function inLists(a: readonly unknown[], b: readonly unknown[], path: string): ValueDifference[] {
  const steps = sideBySide(a.map(entryOf), b.map(entryOf));
  return steps.flatMap((step): ValueDifference[] => {
    if (step.same) return [];
    if (step.a === undefined) return [{ kind: 'added', path: `${path}[${step.b}]`, b: b[step.b as number] }];
    if (step.b === undefined) return [{ kind: 'removed', path: `${path}[${step.a}]`, a: a[step.a] }];
    return differences(a[step.a], b[step.b], `${path}[${step.a}]`);
  });
}

/** Objects of one `type` may be one that changed; so may any two values without a type. */
function entryOf(value: unknown): Entry {
  const type = isObject(value) ? value['type'] : undefined;
  return { key: keyOf(value), kind: typeof type === 'string' ? type : '' };
}

const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/;

function join(path: string, key: string): string {
  if (!PLAIN_KEY.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}
