/**
 * A server that speaks HTTP/1.1 over TLS on the loopback interface. The key below is for tests only: it was made for them,
 * it is public, and it protects nothing.
 */

import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

const TEST_ONLY_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgvPmxjMxye5vO5UO/
c5a9uH6ZwAO5zoH4we4hJSfrrEuhRANCAAR3q618Yc9uOlY+YV9AuOm2ts6b+Ayb
vsSWKVcDZs4rFpvrBJ1QMi8WpTq9Eaa2L4ZJkHoG2EmWmegp6ExCOfa8
-----END PRIVATE KEY-----
`;

/** For `localhost` and 127.0.0.1, until 2126. Signed by itself: give it to the client as its `ca`. */
export const TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUX28iqi+KD6e5qUxN0uoSjLUc0V4wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTAwNTA1OFoYDzIxMjYxMDI4
MDA1MDU4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR3q618Yc9uOlY+YV9AuOm2ts6b+AybvsSWKVcDZs4rFpvrBJ1QMi8W
pTq9Eaa2L4ZJkHoG2EmWmegp6ExCOfa8o28wbTAdBgNVHQ4EFgQU0OynTDyBzoyf
09HWHlfG8PiyABswHwYDVR0jBBgwFoAU0OynTDyBzoyf09HWHlfG8PiyABswDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIga7LuGZyck41pLMzkhu0KkDqmBgw/waI2ijmI2leu0gsCIAyN
VgQLcRaV1Y+wM7UYYppK9fweS9FiyzaycVL12Jm3
-----END CERTIFICATE-----
`;

/** Starts a server on a free port; gives its URL without a path, and how to close it. */
export async function startTlsServer(answer: RequestListener): Promise<{ url: string; close: () => void }> {
  const server = createServer({ key: TEST_ONLY_KEY, cert: TEST_CERTIFICATE }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
