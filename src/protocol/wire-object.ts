/**
 * Objects as the wire sent them have any key, `__proto__` among them. Plain assignment would make it the prototype of the
 * object, and so would spreading after a compiler that turns `{ ...a }` into `Object.assign({}, a)` (React Native's Babel
 * preset does): the key would be lost, and what a server sent would answer for keys that are not there.
 */

import type { Wire } from './decode.ts';

/** Sets an own property, whatever its name. */
export function define(target: Wire, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else target[key] = value;
}

/** A shallow copy with the same own keys in the same order, some of them changed or added. */
export function copyOf(source: Wire, changes?: Wire): Wire {
  if (!Object.hasOwn(source, '__proto__')) return { ...source, ...changes };
  const copy: Wire = {};
  for (const key of Object.keys(source)) define(copy, key, source[key]);
  return Object.assign(copy, changes);
}
