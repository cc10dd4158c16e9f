/**
 * The tarball holds what is meant, and nothing else: `test/package/files.json` says what, and why. `.ci/check-package.mjs`
 * asks the same of a tarball that is packed anew, and looks into its files.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { builtProgram } from './support/build.ts';

vi.setConfig({ testTimeout: 60_000 });

const ROOT = fileURLToPath(new URL('../', import.meta.url));

interface Rule {
  pattern: string;
  why: string;
}

const { allowed } = JSON.parse(readFileSync(join(ROOT, 'test/package/files.json'), 'utf8')) as { allowed: Rule[] };

function isMeant(file: string): boolean {
  return allowed.some(({ pattern }) => new RegExp(pattern).test(file));
}

/** What `npm pack` would take now. */
function packedFiles(): string[] {
  builtProgram();
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout, stderr } = spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8' });
  const start = stdout.indexOf('[\n');
  if (start < 0) throw new Error(`npm pack said nothing:\n${stdout}${stderr}`);
  const [tarball] = JSON.parse(stdout.slice(start)) as [{ files: { path: string }[] }];
  return tarball.files.map(({ path }) => path);
}

test('the tarball holds what is meant, and nothing else', () => {
  const files = packedFiles();
  expect(files).toContain('dist/cli/main.js');
  expect(files).toContain('src/API.md');
  expect(files.filter((file) => !isMeant(file))).toEqual([]);
});

describe('what is not meant', () => {
  test.each([
    'test/sse-parser.test.ts',
    'bench/run.mjs',
    'fixtures/messages/text.sse',
    '.ci/run',
    'src/cli/tsconfig.json',
    'src/report/viewer/main.ts',
    'dist/report/viewer/main.js',
    'dist/sse/parser.test.js.snap',
    'ssemble-0.1.0.tgz',
    '.env',
  ])('%s', (file) => {
    expect(isMeant(file)).toBe(false);
  });
});
