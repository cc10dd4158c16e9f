/**
 * SARIF as others read it: Microsoft's validator, which knows the schema of the standard and more, finds no error in what is
 * written for every hostile fixture. It is a package of `test/package`; without it this says that it is skipped.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { ran } from './support/cli.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const VALIDATOR = join(ROOT, 'test/package/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool');
const folder = mkdtempSync(join(tmpdir(), 'ssemble-sarif-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isHere = existsSync(VALIDATOR);
if (!isHere) {
  const how = 'the SARIF validator is not here: npm ci --prefix test/package';
  if (process.env['SSEMBLE_REQUIRE_HOSTS'] === '1') throw new Error(how);
  console.warn(`skipped: ${how}`);
}

/** What the validator says of a file: the lines with a rule of its own. */
function complaints(text: string): string[] {
  const file = join(folder, 'log.sarif');
  writeFileSync(file, text);
  chmodSync(VALIDATOR, 0o755);
  // Without ICU, which a bare Debian lacks.
  const env = { ...process.env, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: '1' };
  const { stdout } = spawnSync(VALIDATOR, ['validate', file], { encoding: 'utf8', env });
  expect(stdout).toContain('Analysis completed successfully');
  return stdout.split('\n').filter((line) => / (?:error|warning) [A-Z]+\d+:/.test(line));
}

describe.skipIf(!isHere)('SARIF 2.1.0', () => {
  test('the validator notices what breaks the schema', () => {
    const broken = '{"version":"2.1.0","runs":[{"tool":{},"results":[{"nonsense":1}]}]}';
    expect(complaints(broken).filter((line) => / error JSON\d+:/.test(line))).toHaveLength(3);
  });

  test('it finds no error in the log of every fixture, bodies and captures', { timeout: 120_000 }, async () => {
    const { out } = await ran(['lint', '--format', 'sarif', join(ROOT, 'fixtures')]);
    expect((JSON.parse(out) as { runs: { results: unknown[] }[] }).runs[0]?.results.length).toBeGreaterThan(200);
    expect(complaints(out).filter((line) => / error /.test(line))).toEqual([]);
  });
});
