/** `--listen` and `--to`: where the recorder is reached (and what replays), and whom it reaches. */

import { UsageError } from '../usage.ts';

/** Where to listen. */
export interface ListenAddress {
  host: string;
  port: number;
}

/**
 * Reads `HOST:PORT`, `[::1]:PORT`, `HOST` or `PORT`; the host is 127.0.0.1 and the port a free one unless given.
 *
 * Whoever reaches the recorder can send requests through it, and reads them back from its files if they have the disk;
 * whoever reaches a replay can read what was answered. So both answer to this machine alone unless `allowRemote`.
 *
 * @throws UsageError for what is no such address, and for one that others can reach
 */
export function parseListen(text: string, allowRemote: boolean): ListenAddress {
  const found = /^(?:(\[[\da-f:.]+\]|[^:[\]]*[^:[\]\d.][^:[\]]*|\d+(?:\.\d+){3})(?::(\d+))?|:?(\d+))$/i.exec(text);
  const port = Number(found?.[2] ?? found?.[3] ?? 0);
  if (found === null || port > 65_535) {
    throw new UsageError(
      `--listen cannot be "${text}"`,
      'Give HOST:PORT, such as 127.0.0.1:8080; port 0 takes a free one.',
    );
  }
  const host = (found[1] ?? '127.0.0.1').replace(/^\[|\]$/g, '');
  if (!allowRemote && !isLoopback(host)) {
    throw new UsageError(
      `--listen ${text} can be reached from other machines`,
      'Listen on 127.0.0.1, or add --allow-remote if that is what you want.',
    );
  }
  return { host, port };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Reads the server's base URL. Its path is put before that of each request.
 *
 * @throws UsageError for what is no http or https URL, and for one with user info, query or fragment
 */
export function parseTarget(text: string): URL {
  const hint = 'Give the base URL of the server, such as https://api.anthropic.com.';
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UsageError('--to is not a URL', hint);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new UsageError('--to is no http or https URL', hint);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new UsageError(
      '--to has a user name, a query or a fragment',
      `${hint} Keys belong into the client's headers.`,
    );
  }
  return url;
}

/** The URL to tell the client. */
export function urlOf({ host, port }: ListenAddress): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
