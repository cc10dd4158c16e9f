#!/usr/bin/env node
/**
 * Writes the package as JSR takes it into a folder: the sources of every entry, and the manifest, made of package.json. JSR
 * publishes TypeScript, and asks for explicit types on every export (`isolatedDeclarations` holds that) and for imports
 * with their extension (as all of ours have).
 *
 * One thing is left out: `declare global`. JSR refuses it, and there nobody needs it: it names types of the web for users
 * whose compiler has no DOM library, and all of JSR's users have them.
 *
 *     node .ci/jsr.mjs FOLDER [--scope NAME] [--check DENO]
 *
 * `--check` lets that Deno do all that it does before it publishes: types of every entry, "slow types", the list of files.
 *
 * The command line and the report stay with npm: they need Node, and JSR knows no `bin`.
 */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, run } from './packed.mjs';

const { values, positionals } = parseArgs({
  options: { scope: { type: 'string' }, check: { type: 'string' } },
  allowPositionals: true,
});
const [folder] = positionals;
if (folder === undefined || positionals.length > 1) {
  console.error('Usage: node .ci/jsr.mjs FOLDER [--scope NAME] [--check DENO]');
  process.exit(2);
}

const { name, version, license, exports, peerDependencies } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
);
const targets = Object.entries(exports).flatMap(([entry, target]) =>
  typeof target === 'string' ? [] : [[entry, target.default.replace(/^\.\/dist\//, './src/').replace(/\.js$/, '.ts')]],
);
const manifest = {
  name: `@${values.scope ?? name}/${name}`,
  version,
  license,
  exports: Object.fromEntries(targets),
  imports: Object.fromEntries(Object.entries(peerDependencies).map(([peer, range]) => [peer, `npm:${peer}@${range}`])),
  publish: { include: ['src/**/*.ts', 'README.md', 'CHANGELOG.md', 'LICENSE'] },
};

/** Every file that the entries reach. @param {string[]} files */
function reached(files) {
  const all = new Set(files);
  for (const file of all) {
    const code = readFileSync(join(ROOT, file), 'utf8');
    for (const [, path = ''] of code.matchAll(/^(?:import|export)\b[^;]*?\bfrom '(\.[^']+)';/gm)) {
      all.add(relative(ROOT, join(ROOT, dirname(file), path)));
    }
  }
  return [...all];
}

/** @param {string} file @param {string} code */
function withoutGlobals(file, code) {
  const left = code.replace(/^declare global \{\n[\s\S]*?^\}\n/gm, '');
  if (/\bdeclare global\b/.test(left))
    throw new Error(`Cannot lay out ${file} for JSR: its \`declare global\` is not understood`);
  return left;
}

const files = reached(targets.map(([, path]) => path.slice(2)));
for (const file of [...files, 'README.md', 'CHANGELOG.md', 'LICENSE']) {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  if (!file.endsWith('.ts')) copyFileSync(join(ROOT, file), join(folder, file));
  else writeFileSync(join(folder, file), withoutGlobals(file, readFileSync(join(ROOT, file), 'utf8')));
}
writeFileSync(join(folder, 'jsr.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
console.log(
  `${folder}: ${files.length} source files, ${targets.length} entries, jsr.json for ${manifest.name}@${version}`,
);
if (values.check !== undefined) {
  // the folder has no repository, which is all that `--allow-dirty` lets pass
  run(resolve(values.check), ['publish', '--dry-run', '--allow-dirty'], folder);
  console.log('deno publish --dry-run: nothing to object');
}
