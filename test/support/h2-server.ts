/**
 * A server that speaks HTTP/2 over TLS on the loopback interface. The key below is for tests only: it was made for them, it
 * is public, and it protects nothing.
 */

import {
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo } from 'node:net';

const TEST_ONLY_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbWwZ2HJqSNjMIw1j
Wpgb6uZoQ9pPiQ5XFLa1Ff7iZLyhRANCAAQ7g8LkJw9Wj5RtfemzMxpEBGf8gJ3G
8mGjVzoIFNtXg2Msbn1iLy7vT4bq+mhakPfxgJmW83XUH4qjfDAt/YyT
-----END PRIVATE KEY-----
`;

/** For `localhost` and 127.0.0.1, until 2126. Signed by itself: give it to the client as its `ca`. */
export const TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUVqxTDnx1jlGlG2S4RoZ7fOito6AwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMDIxMzcyMFoYDzIxMjYxMDI3
MjEzNzIwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQ7g8LkJw9Wj5RtfemzMxpEBGf8gJ3G8mGjVzoIFNtXg2Msbn1iLy7v
T4bq+mhakPfxgJmW83XUH4qjfDAt/YyTo28wbTAdBgNVHQ4EFgQUrrh30XJWG7df
0QE3Jkb8Xr7nEl8wHwYDVR0jBBgwFoAUrrh30XJWG7df0QE3Jkb8Xr7nEl8wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgXVgmYXpSNvXZ1aY+lTEnte0fjy0b1KLzJnAACXfWPT4CIQCv
AKdfdX0brXXYnjn4zWw0kTcoggKPv+hSuzrZemfh0g==
-----END CERTIFICATE-----
`;

export interface H2Server {
  /** `https://127.0.0.1:PORT`, no path. */
  url: string;
  /** Every session so far, open or not. */
  sessions: ServerHttp2Session[];
  close: () => Promise<void>;
}

/** Starts a server on a free port; it speaks nothing but HTTP/2. */
export async function startH2Server(
  answer: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): Promise<H2Server> {
  const server = createSecureServer({ key: TEST_ONLY_KEY, cert: TEST_CERTIFICATE, allowHTTP1: false }, answer);
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => sessions.push(session));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    sessions,
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
