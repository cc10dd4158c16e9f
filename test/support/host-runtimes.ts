/**
 * The runtimes and frameworks that recipes run on. They are dependencies of `test/runtimes`, not of the package: `npm ci
 * --prefix test/runtimes` brings them. `SSEMBLE_HOSTS` names a further `node_modules` to look in. Where one is missing its
 * test is skipped and says so, unless `SSEMBLE_REQUIRE_HOSTS=1`: then nothing may be missing.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = [
  process.env['SSEMBLE_HOSTS'] ?? [],
  join(ROOT, 'test/runtimes/node_modules'),
  // The benchmarks bring some of them, too.
  join(ROOT, 'bench/node_modules'),
].flat();

/** A part of a test that may be missing. */
export interface Part {
  name: string;
  /** Where it is. */
  path: string | undefined;
}

/** A file or folder under one of the folders above. */
function part(name: string, path: string): Part {
  return { name, path: FOLDERS.map((folder) => join(folder, path)).find((found) => existsSync(found)) };
}

const ARCHITECTURE = process.arch === 'x64' ? '64' : process.arch;

export const BUN: Part = part('Bun', '.bin/bun');
export const DENO: Part = part('Deno', '.bin/deno');
/** Not the script in `.bin`: ending that would leave the program. */
export const WORKERD: Part = part('workerd', `@cloudflare/workerd-${process.platform}-${ARCHITECTURE}/bin/workerd`);
export const HERMES: Part = part(
  'Hermes',
  `hermes-engine-cli/${process.platform === 'darwin' ? 'osx-bin' : 'linux64-bin'}/hermes`,
);
export const BABEL: Part = part('Babel', '@babel/core');
export const REACT_NATIVE_PRESET: Part = part('React Native’s Babel preset', '@react-native/babel-preset');

/** Packages that recipes import by these names. */
export const FRAMEWORKS = {
  hono: part('Hono', 'hono'),
  '@hono/node-server': part('Hono’s server for Node', '@hono/node-server'),
  express: part('Express', 'express'),
  fastify: part('Fastify', 'fastify'),
} satisfies Record<string, Part>;

/** The paths of what a test needs; skips it, and says why, if one is missing. */
export function need(skip: (note: string) => void, ...parts: readonly Part[]): string[] {
  const missing = parts.filter(({ path }) => path === undefined).map(({ name }) => name);
  if (missing.length > 0) {
    const note = `not here: ${missing.join(', ')}; \`npm ci --prefix test/runtimes\` brings it`;
    if (process.env['SSEMBLE_REQUIRE_HOSTS'] === '1') throw new Error(`SSEMBLE_REQUIRE_HOSTS is set, and ${note}`);
    skip(note);
  }
  return parts.map(({ path }) => path ?? '');
}
