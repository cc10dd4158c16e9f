/** What stands around a recipe on its host: servers for handlers that are none, and modules that only an app's host has. */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Project } from './recipes.ts';

/**
 * A program for Node that puts a web handler behind `node:http`, with requests and responses of the web as Workers, Deno,
 * Bun and Next have them.
 *
 * @param fetch - an expression that gives the handler; `recipe` is the module of the recipe
 */
export const nodeHost = (file: string, fetch: string): string => `
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import * as recipe from './${file}';

const server = createServer(async (incoming, outgoing) => {
  const gone = new AbortController();
  outgoing.on('close', () => gone.abort());
  const body = incoming.method === 'GET' ? null : Readable.toWeb(incoming);
  const init = { method: incoming.method, headers: incoming.headers, body, duplex: 'half', signal: gone.signal };
  const response = await (${fetch})(new Request('http://localhost' + incoming.url, init));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.flushHeaders();
  const stream = response.body === null ? [] : response.body;
  try {
    for await (const chunk of stream) outgoing.write(chunk);
  } catch {}
  outgoing.end();
});
server.listen(0, () => console.log('http://localhost:' + server.address().port + '/api/chat'));
`;

/** The server that Hono has for Node. */
export const honoOnNode = (file: string): string => `
import { serve } from '@hono/node-server';
import app from './${file}';
serve({ fetch: app.fetch, port: 0 }, ({ port }) => console.log('http://localhost:' + port + '/api/chat'));
`;

/** A configuration for workerd: one worker, with the key and the address of the API as bindings. */
export const workerdConfig = (bindings: Readonly<Record<string, string>>, flags: readonly string[]): string => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker-bundle.mjs")],
      compatibilityDate = "2026-01-01",
      compatibilityFlags = ${JSON.stringify(flags)},
      bindings = [${Object.entries(bindings)
        .map(([name, text]) => `(name = "${name}", text = "${text}")`)
        .join(', ')}],
      globalOutbound = "local",
    )),
    (name = "local", network = (allow = ["private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;

/** `expo/fetch`, as far as the recipe uses it; the variable `EXPO_BODY=none` makes it React Native's own `fetch`. */
const EXPO = `
const native = globalThis.fetch;
export async function fetch(url, init) {
  const response = await native(url, init);
  const { status } = response;
  const headers = { get: (name) => response.headers.get(name) };
  if (process.env.EXPO_BODY === 'none') return { status, headers, bodyUsed: false, text: () => response.text() };
  return { status, headers, bodyUsed: false, body: response.body, text: () => Promise.reject(new Error('not asked for')) };
}
`;

/** `requestUrl` of Obsidian: the whole body, and \`json\` throws where it is none. */
const OBSIDIAN = `
export async function requestUrl({ url, method, contentType, headers, body, throw: throws = true }) {
  const response = await fetch(url, { method, headers: { ...headers, 'content-type': contentType }, body });
  if (throws && response.status >= 400) throw new Error('Request failed, status ' + response.status);
  const text = await response.text();
  return { status: response.status, headers: Object.fromEntries(response.headers), text, get json() { return JSON.parse(text); } };
}
`;

/** Puts a module of text into a project. */
function installModule({ folder }: Project, name: string, path: string, text: string): void {
  const target = join(folder, 'node_modules', name);
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, 'package.json'), '{ "type": "module", "main": "index.js" }');
  writeFileSync(join(target, path), text);
}

export const installExpo = (project: Project): void => {
  installModule(project, 'expo', 'fetch.js', EXPO);
  writeFileSync(
    join(project.folder, 'node_modules/expo/package.json'),
    '{ "type": "module", "exports": { "./fetch": "./fetch.js" } }',
  );
};
export const installObsidian = (project: Project): void => installModule(project, 'obsidian', 'index.js', OBSIDIAN);

/** Puts an installed package into a project under its own name. */
export function linkPackage({ folder }: Project, name: string, path: string): void {
  const target = join(folder, 'node_modules', name);
  mkdirSync(join(target, '..'), { recursive: true });
  try {
    symlinkSync(path, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** What a bundle came to. */
export interface Bundle {
  text: string;
  /** The modules that it leaves to its host. */
  external: string[];
}

/** Bundles a file of a project, as its author would for such a host. */
export async function bundle(
  { folder }: Project,
  file: string,
  options: { format: 'esm' | 'cjs' | 'iife'; external?: string[] },
): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(folder, file)],
    absWorkingDir: folder,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    target: 'es2022',
    charset: 'ascii',
    logLevel: 'silent',
    ...options,
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return {
    text: outputFiles[0]?.text ?? '',
    external: imports.filter(({ external }) => external === true).map(({ path }) => path),
  };
}
