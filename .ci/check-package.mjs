#!/usr/bin/env node
/**
 * The tarball is what a user gets. Packed as it would be published: publint is content with it; it holds every file that
 * package.json names, nothing but what `test/package/files.json` allows, nothing left of a source file that is gone; every
 * map finds its source; every declaration finds what it imports; and it is no bigger than that file says.
 *
 * `--tarball FILE` takes a tarball that is there. Exit code 1 if something is wrong.
 */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { ROOT, unpack, withPackage } from './packed.mjs';

const { values } = parseArgs({ options: { tarball: { type: 'string' } } });
const { allowed, maxPackedBytes } = JSON.parse(readFileSync(join(ROOT, 'test/package/files.json'), 'utf8'));

await withPackage(values.tarball, async ({ tarball, folder }) => {
  const root = join(folder, 'package');
  unpack(tarball, root);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll('\\', '/'),
    )
    .toSorted();
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const bytes = statSync(tarball).size;

  const { messages } = await publint({ pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer }, strict: true });

  const problems = [
    ...messages.map((message) => `publint: ${formatMessage(message, manifest, { color: false })}`),
    ...missingTargets(manifest, new Set(files)),
    ...files.flatMap((file) => strays(file)),
    ...files.flatMap((file) => lostReferences(root, file)),
    ...(bytes > maxPackedBytes ? [`The tarball has ${bytes} bytes, ${maxPackedBytes} are allowed`] : []),
  ];
  for (const problem of problems) console.error(problem);
  console.log(`${files.length} files, ${bytes} bytes packed: ${problems.length} problems`);
  process.exitCode = problems.length > 0 ? 1 : 0;
});

/** @param {{ exports: object, bin: object }} manifest @param {Set<string>} files @returns {string[]} */
function missingTargets({ exports, bin }, files) {
  const named = [...Object.values(exports), ...Object.values(bin)].flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  );
  const paths = named.map((path) => path.replace(/^\.\//, ''));
  return paths.filter((path) => !files.has(path)).map((path) => `The tarball lacks ${path}, which package.json names`);
}

/** @param {string} file @returns {string[]} */
function strays(file) {
  const rule = allowed.find((/** @type {{ pattern: string }} */ { pattern }) => new RegExp(pattern).test(file));
  if (rule === undefined) return [`The tarball holds ${file}, which no pattern of test/package/files.json allows`];
  if (rule.madeFrom === undefined) return [];
  const source = file.replace(/^dist/, rule.madeFrom).replace(/\.(?:js|d\.ts)(?:\.map)?$/, '.ts');
  return existsSync(join(ROOT, source)) ? [] : [`The tarball holds ${file}, but ${source} is gone: build anew`];
}

/** What a map or a declaration points to, and is not there. @param {string} root @param {string} file @returns {string[]} */
function lostReferences(root, file) {
  const text = readFileSync(join(root, file), 'utf8');
  const here = join(root, dirname(file));
  if (file.endsWith('.map')) {
    const { sources } = JSON.parse(text);
    const lost = sources.filter((/** @type {string} */ source) => !existsSync(join(here, source)));
    return lost.map((/** @type {string} */ source) => `${file} points to ${source}, which the tarball does not hold`);
  }
  if (!file.endsWith('.d.ts') && !file.endsWith('.js')) return [];
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '');
  const imports = code.matchAll(/^(?:import|export)\b(?:[^;'"]*?\bfrom)? ?['"](\.{1,2}\/[^'"]+)['"]/gm);
  const paths = [...imports].map(([, path = '']) => path);
  const suffix = file.endsWith('.d.ts') ? '.d.ts' : '.js';
  const lost = paths.filter((path) => !existsSync(join(here, path.replace(/\.(?:ts|js)$/, suffix))));
  return lost.map((path) => `${file} imports ${path}, which the tarball does not hold`);
}
