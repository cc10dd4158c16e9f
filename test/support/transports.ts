/** Both transports as one table: a test that holds for one holds for the other. */

import type { MessageStream } from '../../src/index.ts';
import * as byFetch from '../../src/transport/fetch.ts';
import type { MessageParams } from '../../src/transport/params.ts';
import type { TransportOptions } from '../../src/transport/policy.ts';
import * as byUndici from '../../src/transport/undici.ts';

export type Ask = (params: MessageParams, options: TransportOptions) => Promise<MessageStream>;

export const TRANSPORTS: readonly (readonly [name: string, ask: Ask])[] = [
  ['fetch', byFetch.streamMessage],
  ['undici', byUndici.streamMessage],
];

/** A key that is searched for wherever it must not be. */
export const KEY = 'sk-ant-api03-never-to-be-seen';

export const PARAMS: MessageParams = {
  model: 'claude-test',
  max_tokens: 64,
  messages: [{ role: 'user', content: 'Hi' }],
};
