/** The package as it would be published, for the checks of this folder: packed (which builds it), and unpacked. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../', import.meta.url));

/**
 * Runs a program to its end, and gives what it printed.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 * @throws Error with all that it printed, if it fails
 */
export function run(command, args, cwd = ROOT) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  return stdout;
}

/**
 * Packs the package, or takes the tarball that is given, and calls `use` with it and with a folder that is removed
 * afterwards.
 *
 * @param {string | undefined} given - the path of a tarball that is there
 * @param {(packed: { tarball: string, folder: string }) => Promise<void>} use
 */
export async function withPackage(given, use) {
  const folder = mkdtempSync(join(tmpdir(), 'ssemble-package-'));
  try {
    await use({ tarball: given === undefined ? pack(folder) : resolve(given), folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} folder */
function pack(folder) {
  const said = run('npm', ['pack', '--json', '--pack-destination', folder]);
  // what the build prints comes first
  const [{ filename }] = JSON.parse(said.slice(said.indexOf('[\n')));
  return join(folder, filename);
}

/** Unpacks a tarball of npm's into a folder. @param {string} tarball @param {string} folder */
export function unpack(tarball, folder) {
  mkdirSync(folder, { recursive: true });
  run('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);
}
