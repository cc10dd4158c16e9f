/** Keys stay out of what is shown: some gateways, and some clients under us, quote the key that they refuse. */

import type { StreamError } from '../errors.ts';
import { ApiError } from '../protocol/api-error.ts';

/** Shorter ones are made up: to blot them out would hit words. */
const SHORTEST_SECRET = 8;

/** The keys among the headers of a request. */
export function secretsIn(headers: Readonly<Record<string, string>>): readonly string[] {
  return ['x-api-key', 'authorization', 'proxy-authorization']
    .map((name) => (headers[name] ?? '').replace(/^\w+ /, ''))
    .filter((secret) => secret.length >= SHORTEST_SECRET);
}

export function blot(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '[key]'), text);
}

/** Blots out what the error says; its `cause` is not ours to change. */
export function blotError(error: StreamError, secrets: readonly string[]): void {
  error.message = blot(error.message, secrets);
  if (error.stack !== undefined) error.stack = blot(error.stack, secrets);
  if (error instanceof ApiError) error.body.message = blot(error.body.message, secrets);
}
