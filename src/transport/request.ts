/** The request: where it goes, its headers, its body. All that can be wrong with it is found here, before any connection. */

import type { MessageStreamOptions } from '../stream/message-stream.ts';
import type { MessageParams } from './params.ts';
import { isUrl, readEnv, runtime } from './runtime.ts';
import { secretsIn, type Secrets } from './secrets.ts';

const DEFAULT_BASE_URL = 'https://api.anthropic.com';
const VERSION = '2023-06-01';

/** How a request is made. The options of the stream that it gives are among them. */
export interface RequestOptions extends MessageStreamOptions {
  /**
   * Sent as `x-api-key`. Default: `ANTHROPIC_API_KEY`, where the runtime has an environment and `authToken` is not given.
   * `null`: none on purpose, because something on the way adds it.
   */
  apiKey?: string | null | undefined;
  /** Sent as `authorization: Bearer`. Default: `ANTHROPIC_AUTH_TOKEN`, if neither this, `apiKey` nor its variable is set. */
  authToken?: string | null | undefined;
  /** What stands before `/v1/messages`. Default: `ANTHROPIC_BASE_URL`, else `https://api.anthropic.com`. */
  baseURL?: string | undefined;
  /** Further headers. They win over those made here, in any case of letters; `null` takes one out. */
  headers?: Readonly<Record<string, string | null | undefined>> | undefined;
  /** The betas to use, sent as `anthropic-beta`. */
  betas?: readonly string[] | undefined;
  /**
   * Asks the API to answer a page of another origin. Whoever opens that page can read the key: only for keys that are the
   * user's own. Without it a browser gets no answer from the API.
   */
  dangerouslyAllowBrowser?: boolean | undefined;
}

/** A request as it goes onto the wire. */
export interface PreparedRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** What must not be seen anywhere else: the keys in the headers and in the query. */
  secrets: Secrets;
}

/**
 * @throws TypeError for a missing key, and for keys, headers, a `baseURL` or params that cannot be sent. No message of it
 * holds a header's value.
 */
export function prepareRequest(params: MessageParams, options: RequestOptions): PreparedRequest {
  if (typeof params !== 'object' || params === null) {
    throw new TypeError(`Cannot send the request: its params must be an object, this is ${typeof params}`);
  }
  const headers = makeHeaders(options);
  const url = makeUrl(options.baseURL ?? readEnv('ANTHROPIC_BASE_URL') ?? DEFAULT_BASE_URL);
  return { url, headers, body: makeBody(params), secrets: secretsIn(headers, url) };
}

function makeBody(params: MessageParams): string {
  try {
    return JSON.stringify({ ...params, stream: true });
  } catch (error) {
    throw new TypeError('Cannot send the request: its params hold what JSON cannot (a BigInt, a cycle); take it out', {
      cause: error,
    });
  }
}

function makeHeaders(options: RequestOptions): Record<string, string> {
  const { apiKey, authToken, betas = [], dangerouslyAllowBrowser } = options;
  if (!Array.isArray(betas)) throw new TypeError('Cannot send the request: betas must be a list of names');
  const [key, token] = pickKeys(apiKey, authToken);
  const made: [name: string, value: string | null | undefined, from: string][] = [
    ['content-type', 'application/json', ''],
    // Errors come as JSON: a server that negotiates must be free to send it.
    ['accept', 'text/event-stream, application/json', ''],
    ['anthropic-version', VERSION, ''],
    ['anthropic-beta', betas.length > 0 ? betas.join(',') : undefined, 'betas'],
    ['anthropic-dangerous-direct-browser-access', dangerouslyAllowBrowser === true ? 'true' : undefined, ''],
    ['x-api-key', key, 'apiKey'],
    ['authorization', typeof token === 'string' ? toBearer(token) : token, 'authToken'],
  ];
  const own = ownHeaders(options.headers);
  const headers: Record<string, string> = {};
  for (const [name, value, from] of [...made, ...own]) {
    if (value === null) delete headers[name];
    else if (value !== undefined) headers[name] = checkValue(value, from);
  }
  const authless = apiKey === null || authToken === null;
  if (!authless && ![...made, ...own].some(([name, value]) => isAuth(name) && value !== undefined)) {
    throw new TypeError('No API key: set ANTHROPIC_API_KEY, or give apiKey or authToken');
  }
  return headers;
}

const isAuth = (name: string): boolean => name === 'x-api-key' || name === 'authorization';

/** What is given decides; only if nothing is, the environment is asked, and of its two one is taken. */
function pickKeys(
  apiKey: string | null | undefined,
  authToken: string | null | undefined,
): [key: string | null | undefined, token: string | null | undefined] {
  if (apiKey !== undefined || authToken !== undefined) return [apiKey, authToken];
  const key = readEnv('ANTHROPIC_API_KEY');
  return [key, key === undefined ? readEnv('ANTHROPIC_AUTH_TOKEN') : undefined];
}

/** Many keep their token with the scheme before it, as the header has it. */
const toBearer = (token: string): string => `Bearer ${token.replace(/^\s*bearer(\s+|$)/i, '')}`;

/** What says where the request ends, and what becomes of the connection. */
const FRAMING = /^(content-length|expect|keep-alive|transfer-encoding|upgrade)$/;

function ownHeaders(given: RequestOptions['headers']): [string, string | null | undefined, string][] {
  if (given === undefined || given === null) return [];
  if (Symbol.iterator in given) {
    throw new TypeError('Cannot send the request: headers must be a plain object; use Object.fromEntries(headers)');
  }
  return Object.entries(given).map(([name, value]) => {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
      throw new TypeError(`Cannot send the request: ${JSON.stringify(name)} is no name of a header`);
    }
    if (FRAMING.test(name.toLowerCase()) && value !== null && value !== undefined) {
      throw new TypeError(`Cannot send the request: the header ${name} is set by the platform; leave it out`);
    }
    return [name.toLowerCase(), value, `the header ${name}`];
  });
}

/** A key that is empty was meant to be one; any other header may be. */
const KEYS = { apiKey: true, authToken: true };

/** The platform refuses these too, but some of its messages quote the value. */
function checkValue(value: unknown, from: string): string {
  const refuse = (why: string): never => {
    throw new TypeError(`Cannot send the request: ${from} ${why}`);
  };
  if (typeof value !== 'string') return refuse(`must be a string, this is ${typeof value}`);
  if (from in KEYS && /^(Bearer)?\s*$/.test(value)) return refuse('is empty');
  if (/[\r\n]/.test(value)) return refuse('holds a line end; was it read from a file?');
  // What a header may hold: visible characters, blanks and tabs of Latin-1.
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return refuse('holds a character that no header can carry');
  return value;
}

/** In a page the base may be a path of its own origin. */
function makeUrl(baseURL: string): string {
  const { location } = runtime();
  if (!/^https?:\/\/[^/?#]/i.test(baseURL) && (location === undefined || !baseURL.startsWith('/'))) {
    throw new TypeError('Cannot send the request: baseURL must begin with https:// or http:// and name a host');
  }
  // Platforms refuse these with a message that shows them.
  if (/^[^/]*\/\/[^/?#]*@/.test(baseURL)) {
    throw new TypeError('Cannot send the request: baseURL holds a user name or password; send them in headers');
  }
  const [, path = '', query = ''] = /^([^?#]*)(\?[^#]*)?/.exec(baseURL) ?? [];
  if (/\/v1(\/messages)?\/*$/.test(path)) {
    throw new TypeError('Cannot send the request: baseURL ends in /v1, leave that out; /v1/messages is added to it');
  }
  const url = `${path.replace(/\/+$/, '')}/v1/messages${query}`;
  if (!url.startsWith('/')) checkUrl(url);
  return url;
}

/** Platforms refuse it too, later, as if the server could not be reached; and their errors show it, keys and all. */
function checkUrl(url: string): void {
  if (!isUrl(url)) throw new TypeError('Cannot send the request: baseURL is no URL; check its host and port');
}
