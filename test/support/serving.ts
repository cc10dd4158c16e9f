/** What a test opened is closed when it ends, the latest first. To import this is all that it takes. */

import { afterEach } from 'vitest';
import { startWireServer, type Answer, type WireServer } from './wire-server.ts';

export const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** A server for the test that runs. */
export async function serve(answer: Answer): Promise<WireServer> {
  const server = await startWireServer(answer);
  cleanups.push(() => server.close());
  return server;
}
