/**
 * Keys stay out of what is shown: some gateways, and some clients under us, quote the key that they refuse, as it is, or
 * as JSON or a URL writes it. So a key is looked for in each of these writings, in all that an error holds.
 */

import { StreamError } from '../errors.ts';
import { ApiError } from '../protocol/api-error.ts';
import type { ErrorEvent } from '../protocol/events.ts';
import { isSecretName } from '../protocol/secret-names.ts';
import type { Diagnostic } from '../message/types.ts';

/** Finds the keys of a request in a text; `undefined` if it has none. */
export type Secrets = RegExp | undefined;

/** Shorter ones are made up: to blot them out would hit words. */
const SHORTEST_SECRET = 8;
/** How many values of a cause are looked at. What quotes a header quotes it near the top. */
const MAX_LOOKED_AT = 2000;
/** How many errors of a chain of causes are copied. */
const MAX_CAUSES = 10;

/** The keys in the headers and in the query of a request. */
export function secretsIn(headers: Readonly<Record<string, string>>, url: string): Secrets {
  const values = Object.entries(headers)
    .filter(([name]) => isSecretName(name))
    .flatMap(([name, value]) => (name === 'cookie' ? cookiesIn(value) : [value.replace(/^\w+ +/, '')]));
  const found = [...values, ...secretsInQuery(url)].filter((secret) => secret.length >= SHORTEST_SECRET);
  if (found.length === 0) return undefined;
  // The longest first: one may begin with another.
  const sorted = [...new Set(found)].sort((a, b) => b.length - a.length);
  return new RegExp(sorted.map(inAnyWriting).join('|'), 'g');
}

function cookiesIn(header: string): string[] {
  return header.split(';').map((cookie) => cookie.slice(cookie.indexOf('=') + 1).trim());
}

function secretsInQuery(url: string): string[] {
  const [, query = ''] = url.split('?', 2);
  return [...query.matchAll(/([^&=]+)=([^&]+)/g)]
    .filter(([, name = '']) => isSecretName(name))
    .flatMap(([, , value = '']) => [value, decoded(value)]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Each character as `%61`, as `\u0061`, or as it is, behind the backslashes of JSON in JSON. All repetitions are bounded and
 * none follows upon its like, so that a body of nothing but backslashes costs no more than any other.
 */
function inAnyWriting(secret: string): string {
  return (secret.match(/\\+|[^\\]/g) ?? [])
    .map((piece) => (piece.startsWith('\\') ? BACKSLASHES : written(piece)))
    .join('');
}

const BACKSLASHES = '(?:\\\\(?:u005[cC])?|%5[cC]){1,64}';

function written(character: string): string {
  const hex = character.charCodeAt(0).toString(16).padStart(4, '0').replace(/[a-f]/g, eitherCase);
  const plain = character.replace(/[$()*+./?[\]^{|}-]/, '\\$&');
  return `(?:%${hex.slice(2)}|\\\\{1,4}u${hex}|\\\\{0,4}${plain})`;
}

const eitherCase = (digit: string): string => `[${digit}${digit.toUpperCase()}]`;

export function blot(text: string, secrets: Secrets): string {
  return secrets === undefined ? text : text.replace(secrets, '[key]');
}

/** Blots out what the error says, in place, and what its causes say. What had arrived of the message stays as it is. */
export function blotError(error: Error, secrets: Secrets): void {
  if (secrets === undefined) return;
  error.message = blot(error.message, secrets);
  if (error.stack !== undefined) error.stack = blot(error.stack, secrets);
  if (error instanceof StreamError && error.requestId !== undefined) error.requestId = blot(error.requestId, secrets);
  if (error instanceof ApiError) blotApiError(error, secrets);
  const { cause } = error;
  const clean = cause === undefined ? cause : withoutSecrets(cause, secrets, MAX_CAUSES);
  if (clean !== cause) setCause(error, clean);
}

function blotApiError(error: ApiError, secrets: RegExp): void {
  blotWithin(error.body, secrets);
  (error as { type: string }).type = blot(error.type, secrets);
  if (error.bodyText !== undefined) error.bodyText = blot(error.bodyText, secrets);
}

/** Blots out what the server says in an `error` event: it is shown to people, and passed on by relays. */
export function blotEvent(event: ErrorEvent, secrets: RegExp): void {
  blotWithin(event, secrets);
}

/** Blots out what a deviation quotes. */
export function blotDiagnostic(diagnostic: Diagnostic, secrets: RegExp): void {
  diagnostic.message = blot(diagnostic.message, secrets);
  if (diagnostic.raw !== undefined) diagnostic.raw = blot(diagnostic.raw, secrets);
}

/** In place, because the event and its error share the object. It comes from JSON: a tree, and maybe a deep one. */
function blotWithin(root: object, secrets: RegExp): void {
  const waiting: object[] = [root];
  for (let holder = waiting.pop(); holder !== undefined; holder = waiting.pop()) {
    for (const [key, value] of Object.entries(holder) as [string, unknown][]) {
      const name = blot(key, secrets);
      if (name !== key) delete (holder as Record<string, unknown>)[key];
      if (typeof value === 'object' && value !== null) waiting.push(value);
      const clean = typeof value === 'string' ? blot(value, secrets) : value;
      if (name !== key || clean !== value) (holder as Record<string, unknown>)[name] = clean;
    }
  }
}

/** Puts a cause onto an error as the constructor does: not enumerable. */
export function setCause(error: Error, cause: unknown): void {
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true, enumerable: false });
}

/** A cause is not ours to change. One that quotes a key is replaced by what may be told of it. */
function withoutSecrets(cause: unknown, secrets: RegExp, left: number): unknown {
  if (!quotes(cause, secrets)) return cause;
  if (typeof cause === 'string') return blot(cause, secrets);
  const { name, message, stack, code, cause: deeper } = cause as { [key: string]: unknown };
  const told = typeof message === 'string' ? message : 'The cause quotes the key, and is left out';
  const copy = new Error(blot(told, secrets));
  if (typeof name === 'string') copy.name = blot(name, secrets);
  if (typeof stack === 'string') copy.stack = blot(stack, secrets);
  if (typeof code === 'string') Object.assign(copy, { code: blot(code, secrets) });
  if (deeper !== undefined && left > 0) setCause(copy, withoutSecrets(deeper, secrets, left - 1));
  return copy;
}

/** Whether a key would be seen when the value is printed. The set is the queue: what is added to it is looked at, too. */
function quotes(root: unknown, secrets: RegExp): boolean {
  const seen = new Set([root]);
  for (const value of seen) {
    if (typeof value === 'string' && value.search(secrets) >= 0) return true;
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue;
    for (const part of partsOf(value)) if (seen.size < MAX_LOOKED_AT) seen.add(part);
  }
  return false;
}

interface URLLike {
  toString(): string;
}

/** What an object shows of itself. Anything may be a cause, also what throws when it is looked at. */
function partsOf(value: object): unknown[] {
  try {
    if (Array.isArray(value)) return value.slice(0, MAX_LOOKED_AT);
    const fields = Object.getOwnPropertyDescriptors(value);
    const parts: unknown[] = Reflect.ownKeys(fields).flatMap((key) => [key, fields[key as string]?.value as unknown]);
    const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
    if (/^(Map|Set|Headers)$/.test(tag)) parts.push(...[...(value as Iterable<unknown>)].flat());
    if (/^(Request|Response)$/.test(tag))
      parts.push((value as { headers?: unknown }).headers, (value as { url?: unknown }).url);
    if (tag.startsWith('URL')) parts.push((value as URLLike).toString());
    return parts;
  } catch {
    return [];
  }
}
