/** Builds the command line once for all tests that spawn it, and only if a source file is newer than the last build. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BINARY = join(ROOT, 'dist/cli/main.js');
/** Test files run in processes of their own; making a directory is the one step that only one of them can win. */
const LOCK = join(tmpdir(), `ssemble-build-${createHash('sha256').update(ROOT).digest('hex').slice(0, 12)}`);
const LOCK_LIFETIME_MS = 120_000;

/** The path of the built program, fresh. */
export function builtProgram(): string {
  const deadline = Date.now() + LOCK_LIFETIME_MS;
  while (isStale()) {
    if (takeLock()) {
      try {
        if (isStale()) build();
      } finally {
        rmSync(LOCK, { recursive: true, force: true });
      }
    } else if (Date.now() > deadline) {
      throw new Error(`Cannot build: ${LOCK} is held by another process`);
    } else {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
  return BINARY;
}

function build(): void {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const started = Date.now();
  const result = spawnSync(process.execPath, [compiler, '-p', 'src/cli'], { cwd: ROOT, encoding: 'utf8' });
  // Type errors are the type check's business; a build that wrote nothing is ours.
  if (!existsSync(BINARY) || statSync(BINARY).mtimeMs < started - 2000) {
    throw new Error(`Cannot build the command line:\n${result.stdout}${result.stderr}`);
  }
  // As the script `build:viewer` says, word for word.
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: { [name: string]: string };
  };
  const [, ...options] = (scripts['build:viewer'] ?? '').split(' ');
  const bundler = join(ROOT, 'node_modules/esbuild/bin/esbuild');
  const bundled = spawnSync(bundler, options, { cwd: ROOT, encoding: 'utf8' });
  if (bundled.status !== 0) throw new Error(`Cannot build the report's viewer:\n${bundled.stdout}${bundled.stderr}`);
}

function isStale(): boolean {
  if (!existsSync(BINARY)) return true;
  const built = statSync(BINARY).mtimeMs;
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return sources.some((name) => /\.(?:ts|css)$/.test(name) && statSync(join(ROOT, 'src', name)).mtimeMs > built);
}

function takeLock(): boolean {
  try {
    mkdirSync(LOCK);
    return true;
  } catch {
    const age = existsSync(LOCK) ? Date.now() - statSync(LOCK).mtimeMs : 0;
    if (age > LOCK_LIFETIME_MS) rmSync(LOCK, { recursive: true, force: true });
    return false;
  }
}
