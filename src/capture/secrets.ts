/**
 * Keys stay out of captures. What carries a secret is known by its name (a header, a query parameter, a field of the
 * body), or by its look (`sk-ant-…`). The writer sends every header line through here, so that no caller can forget it;
 * what the body of a response quotes is the recorder's business (`mask.ts`).
 */

import { isSecretName } from '../protocol/secret-names.ts';
import type { CapturedRequest, CaptureHeader, CaptureHeaders } from './format.ts';

/** Headers in any of the shapes that runtimes have: pairs, a `Headers`, a `Map`, an object. */
export type HeadersLike =
  Iterable<readonly [name: string, value: string]> | Readonly<Record<string, string | readonly string[] | undefined>>;

/** What stands in the place of a secret. */
const REDACTED = '[redacted]';

/** Shorter ones are made up: to blot them out would hit words. */
const SHORTEST_SECRET = 8;

/** Keys by their looks: Anthropic and OpenAI, AWS, Google, GitHub, JSON Web Tokens. */
const KEY_SHAPES =
  /\bsk-ant-[\w-]{4,}|\bsk-[\w-]{20,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\bgh[a-z]_\w{30,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g;

/** Names of fields whose text is a secret. Stricter than for headers: a tool may well have a parameter `key`. */
const SECRET_FIELD =
  /^(?:.*[_-])?(?:api_?-?key|access_?-?key|secret|password|passwd|passphrase|token|authorization|credentials?|cookie|private_?-?key|signature)$/i;

/**
 * The headers, with `[redacted]` for the values of those that carry a secret, and for what looks like a key in the
 * others. Order, spelling and repetitions stay. Doing it twice changes nothing more.
 *
 * @example
 * publicHeaders({ 'x-api-key': 'sk-ant-api03-abc', accept: '*\/*' }); // [['x-api-key', '[redacted]'], ['accept', '*\/*']]
 */
export function publicHeaders(headers: HeadersLike): CaptureHeaders {
  return headerPairs(headers).map(([name, value]) => [name, isSecretName(name) ? REDACTED : publicValue(value)]);
}

/**
 * The URL without user name and password, with `[redacted]` for query and fragment parameters that carry a secret.
 *
 * @example
 * publicUrl('https://me:pass@example.com/v1/messages?beta=true&api_key=abc'); // 'https://example.com/v1/messages?beta=true&api_key=[redacted]'
 */
export function publicUrl(url: string): string {
  const bare = url.replace(USER_INFO, '$1');
  return publicParameters(bare).replace(KEY_SHAPES, REDACTED);
}

/**
 * The body of a request: text fields that are called like a secret (`authorization_token`), and whatever looks like a key
 * or is one of `secrets`, are `[redacted]`, and so are secrets in URLs. All else stays to the letter. Linear in the length of the body.
 *
 * @example
 * publicBody('{"mcp_servers": [{"authorization_token": "abc"}]}'); // '{"mcp_servers": [{"authorization_token": "[redacted]"}]}'
 */
export function publicBody(body: string, secrets: readonly string[] = []): string {
  return publicText(publicFields(body).replace(URL_IN_TEXT, publicUrl), secrets);
}

/** The text with `[redacted]` for each of `secrets`, and for what looks like a key. */
export function publicText(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  for (const secret of secrets) clean = clean.replaceAll(secret, REDACTED);
  return clean.replace(KEY_SHAPES, REDACTED);
}

/**
 * The secrets of a request, the longest first: what may not be seen wherever it is quoted. Each as it is, and as JSON and
 * URLs write it. Those under 8 characters are left out: to blot them out would hit words.
 *
 * @example
 * findSecrets({ authorization: 'Bearer abcdefgh' }, 'https://example.com/?key=12345678'); // ['abcdefgh', '12345678']
 */
export function findSecrets(headers: HeadersLike, url = ''): string[] {
  const values = headerPairs(headers)
    .filter(([name]) => isSecretName(name))
    .flatMap(([name, value]) => secretsOfHeader(name, value));
  const all = [...values, ...secretsOfUrl(url)].filter((secret) => secret !== REDACTED).flatMap(writings);
  const found = new Set(all.filter((secret) => secret.length >= SHORTEST_SECRET));
  return [...found].sort((a, b) => b.length - a.length);
}

/** What may be written down of a header line. Idempotent. */
export function publicHeader(header: CaptureHeader): CaptureHeader {
  const { request, response } = header;
  const clean: CaptureHeader = { ...header };
  if (request !== undefined) clean.request = publicRequest(request);
  if (response?.headers !== undefined) clean.response = { ...response, headers: publicHeaders(response.headers) };
  return clean;
}

function publicRequest(request: CapturedRequest): CapturedRequest {
  const { headers, url, body } = request;
  const clean: CapturedRequest = { ...request };
  if (headers !== undefined) clean.headers = publicHeaders(headers);
  if (url !== undefined) clean.url = publicUrl(url);
  if (body !== undefined) clean.body = publicBody(body, findSecrets(headers ?? [], url));
  return clean;
}

/** Any shape of headers as pairs. */
export function headerPairs(headers: HeadersLike): (readonly [name: string, value: string])[] {
  if (Symbol.iterator in headers) return [...(headers as Iterable<readonly [string, string]>)];
  return Object.entries(headers).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return typeof value === 'string' ? [[name, value] as const] : value.map((one) => [name, one] as const);
  });
}

/** The scheme and the slashes, then user info: up to the last `@` of the authority. */
const USER_INFO = /^((?:[a-z][a-z\d+.-]*:)?\/\/)[^/?#]*@/i;
/** In JSON it ends at a backslash, too: `\n` is no part of it. */
const URL_IN_TEXT = /\b[a-z][a-z\d+.-]{0,30}:\/\/[^\s"'<>\\]+/gi;
const PARAMETER = /([?&;#])([^=&;#?\s]+)=([^&;#\s]*)/g;

/** A value may be, or quote, a URL: `location`, `referer`, `link`. */
function publicValue(value: string): string {
  return value.replace(URL_IN_TEXT, publicUrl).replace(KEY_SHAPES, REDACTED);
}

function publicParameters(url: string): string {
  return url.replace(PARAMETER, (all, mark: string, name: string) =>
    isSecretName(decoded(name)) ? `${mark}${name}=${REDACTED}` : all,
  );
}

function secretsOfHeader(name: string, value: string): string[] {
  if (/cookie/i.test(name)) return value.split(';').map((one) => one.slice(one.indexOf('=') + 1).trim());
  return [value, value.replace(/^\w+ +/, '')].filter((one, i, all) => i > 0 || one === all[1]);
}

function secretsOfUrl(url: string): string[] {
  const userInfo = /^(?:[a-z][a-z\d+.-]*:)?\/\/([^/?#]*)@/i.exec(url)?.[1] ?? '';
  const values = [...url.matchAll(PARAMETER)].filter(([, , name = '']) => isSecretName(decoded(name)));
  return [...userInfo.split(':'), ...values.map(([, , , value = '']) => value)];
}

/** A secret as it is, decoded, as JSON writes it, and as URLs do. */
function writings(secret: string): string[] {
  const plain = decoded(secret);
  return [secret, plain, JSON.stringify(plain).slice(1, -1), encoded(plain)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function encoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Blots out `"name": "value"` by name. The text is read from string to string, not parsed: it keeps its form, it may be
 * broken, and each character is looked at a few times at most.
 */
function publicFields(text: string): string {
  const kept: string[] = [];
  let from = 0;
  let name = '';
  for (let open = text.indexOf('"'); open >= 0;) {
    const close = endOfString(text, open);
    if (close < 0) break;
    const string = text.slice(open + 1, close);
    const isName = /^\s{0,64}:/.test(text.slice(close + 1, close + 66));
    if (!isName && name !== '') {
      kept.push(text.slice(from, open + 1), REDACTED);
      from = close;
    }
    open = text.indexOf('"', close + 1);
    // The value must follow at once: after `:`, and nothing but white space.
    const next = open < 0 ? '' : text.slice(close + 1, Math.min(open, close + 66));
    name = isName && SECRET_FIELD.test(string) && /^\s*:\s*$/.test(next) ? string : '';
  }
  return kept.join('') + text.slice(from);
}

/** The index of the quote that ends the string which `open` begins, or -1. */
function endOfString(text: string, open: number): number {
  let i = open + 1;
  for (;;) {
    const quote = text.indexOf('"', i);
    if (quote < 0) return -1;
    let slashes = 0;
    while (quote - 1 - slashes >= i && text.charAt(quote - 1 - slashes) === '\\') slashes++;
    if (slashes % 2 === 0) return quote;
    i = quote + 1;
  }
}
