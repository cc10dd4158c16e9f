/** What this room takes from the runtime besides timers, looked up when it is needed; shapes as in `stream/globals.ts`. */

import type { ResponseLike } from '../stream/source.ts';

// Merged with the Web's own name where the program has it; see `stream/globals.ts`.
declare global {
  interface AbortSignal {
    readonly aborted: boolean;
  }
}

/** What is given to a `fetch`. Every runtime's own takes it. */
export interface FetchInit {
  method: 'POST';
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
  redirect: 'manual';
}

/** A `fetch`: the runtime's own, or one that stands in for it. */
export type FetchLike = (url: string, init: FetchInit) => PromiseLike<ResponseLike>;

interface AbortControllerLike {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

interface RuntimeGlobals {
  fetch?: FetchLike;
  AbortController?: new () => AbortControllerLike;
  URL?: new (url: string) => unknown;
  location?: unknown;
  process?: { env?: Readonly<Record<string, string | undefined>> };
}

export function runtime(): RuntimeGlobals {
  const world: unknown = globalThis;
  return world as RuntimeGlobals;
}

/** @throws TypeError where there is none: without it a connection could not be closed. */
export function makeAbortController(): AbortControllerLike {
  const { AbortController } = runtime();
  if (AbortController === undefined)
    throw new TypeError('Cannot send the request: this runtime has no AbortController');
  return new AbortController();
}

/** Whether the runtime can read it as an absolute URL; where it has no `URL`, nobody knows. */
export function isUrl(text: string): boolean {
  const { URL } = runtime();
  try {
    return URL === undefined || new URL(text) instanceof URL;
  } catch {
    return false;
  }
}

/** A variable of the environment; `undefined` where there is no environment, and where it is empty. */
export function readEnv(name: string): string | undefined {
  try {
    return runtime().process?.env?.[name]?.trim() || undefined;
  } catch {
    // Deno throws where it has not been allowed to look.
    return undefined;
  }
}
