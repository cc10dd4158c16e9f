/** What this room takes from the runtime besides the stream room's, looked up when it is needed and never at import. */

import type { AbortSignalLike } from '../stream/source.ts';
import { globals, type ByteStream, type Globals } from '../stream/globals.ts';

// The Web's own names, merged with those of `lib.dom` or `@types/node` where the program has them: see `stream/globals.ts`.
declare global {
  interface Response {
    readonly status: number;
  }
  interface AbortSignal {
    readonly aborted: boolean;
  }
}

/** A signal that `fetch` takes, and `streamMessage()`. Named here for the same reason as {@link WebResponse}. */
export type WebAbortSignal = AbortSignal & AbortSignalLike;

/** A `Response`. Named here so that declarations which use it bring the name above with them. */
export type WebResponse = Response;

export interface WebGlobals extends Globals {
  AbortController?: new () => { readonly signal: WebAbortSignal; abort(reason?: unknown): void };
  Response?: new (
    body: ByteStream | string,
    init: { status: number; headers: readonly (readonly [string, string])[] },
  ) => Response;
}

export const webGlobals = (): WebGlobals => globals();
