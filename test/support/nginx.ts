/** A real nginx, where there is one (Debian's package `nginx-light`), with a configuration and a folder of its own. */

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PATHS = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'];

/** Where it is; `undefined` if nowhere. The one that SSEMBLE_NGINX names, and no other, if it is set. */
export const nginxPath: string | undefined = [process.env['SSEMBLE_NGINX'] ?? PATHS]
  .flat()
  .find((path) => existsSync(path));

if (nginxPath === undefined) {
  const missing = 'no nginx was found: install the package `nginx-light`, or name one in SSEMBLE_NGINX';
  if (process.env['SSEMBLE_REQUIRE_NGINX'] === '1') throw new Error(`SSEMBLE_REQUIRE_NGINX is set, and ${missing}`);
  console.warn(`skipped: ${missing}`);
}

export interface Nginx {
  /** `http://127.0.0.1:PORT`, no path. */
  url: string;
  close: () => Promise<void>;
}

const START_MS = 10_000;
/** Another process may take the port between our look and nginx's start. */
const TRIES = 3;

/** Starts nginx with these `location` blocks and otherwise its own defaults, and waits until it takes connections. */
export async function startNginx(locations: string): Promise<Nginx> {
  for (let count = 1; ; count++) {
    try {
      return await start(locations, await freePort());
    } catch (error) {
      if (count === TRIES || !String(error).includes('Address already in use')) throw error;
    }
  }
}

async function start(locations: string, port: number): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'ssemble-nginx-'));
  await writeFile(join(folder, 'nginx.conf'), configuration(folder, port, locations));
  const child = spawn(nginxPath as string, ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr?.on('data', (piece: Buffer) => (log += piece.toString()));
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  if (await takesConnections(port, child)) return { url: `http://127.0.0.1:${port}`, close };
  await close();
  throw new Error(`Cannot start nginx on port ${port}:\n${log}`);
}

/**
 * One process in the foreground, so that ending it ends everything. `gzip on` is what Debian's own nginx.conf has; of
 * buffering and of HTTP versions nothing is said, so the defaults hold.
 */
function configuration(folder: string, port: number, locations: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  gzip on;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    ${locations}
  }
}
`;
}

async function takesConnections(port: number, child: ChildProcess): Promise<boolean> {
  const deadline = Date.now() + START_MS;
  while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return child.exitCode === null;
    await sleep(20);
  }
  return false;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
