/** The tarball is what a user gets: publint is content with it, and it holds every file that package.json names. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const run = (command, args) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

console.log(run('npx', ['publint', '--strict', '--pack', 'npm']).trim());

const { exports, bin, files } = JSON.parse(readFileSync('package.json', 'utf8'));
const [tarball] = JSON.parse(run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts']));
const packed = new Set(tarball.files.map(({ path }) => `./${path}`));

const named = [...Object.values(exports), ...Object.values(bin)].flatMap((target) =>
  typeof target === 'string' ? [target] : Object.values(target),
);
const missing = named.map((path) => (path.startsWith('./') ? path : `./${path}`)).filter((path) => !packed.has(path));
const stray = [...packed].filter((path) => /^\.\/(test|bench|fixtures|\.ci)\//.test(path));

if (missing.length > 0) throw new Error(`The tarball lacks what package.json names: ${missing.join(', ')}`);
if (stray.length > 0) throw new Error(`The tarball holds what nobody needs: ${stray.join(', ')}`);
console.log(
  `${tarball.files.length} files, ${tarball.size} bytes; ${named.length} targets named, all there (${files.join(', ')})`,
);
