#!/usr/bin/env node
/**
 * What `test/package-shaking.test.ts` asks of esbuild and the sources, asked of rollup and the packed package: one import
 * ships the rooms of `test/package/shaking.json`, and no other.
 *
 * Needs `npm ci --prefix test/package`. `--tarball FILE` takes a tarball that is there. Exit code 1 if a row differs.
 */

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ROOT, unpack, withPackage } from './packed.mjs';

const CONSUMER = join(ROOT, 'test/package/');
const { values } = parseArgs({ options: { tarball: { type: 'string' } } });

if (!existsSync(join(CONSUMER, 'node_modules/rollup'))) {
  console.error('Cannot bundle: rollup is not installed. Run `npm ci --prefix test/package` first.');
  process.exit(1);
}
const rollupFile = createRequire(CONSUMER).resolve('rollup/dist/es/rollup.js');
const { rollup } = await import(pathToFileURL(rollupFile).href);

await withPackage(values.tarball, async ({ tarball, folder }) => {
  unpack(tarball, join(folder, 'package'));
  const { rows } = JSON.parse(readFileSync(join(CONSUMER, 'shaking.json'), 'utf8'));
  const wrong = [];
  for (const row of rows) {
    const rooms = await roomsOf(row, folder);
    if (rooms.join() !== row.rooms.toSorted().join())
      wrong.push(`${row.import} from ${row.from} ships ${rooms.join(' ')}`);
  }
  console.log(`rollup: ${rows.length} imports, ${wrong.length} ship other rooms than test/package/shaking.json says`);
  for (const line of wrong) console.error(line);
  process.exitCode = wrong.length > 0 ? 1 : 0;
});

/** @param {{ import: string, from: string }} row @param {string} folder */
async function roomsOf({ import: name, from }, folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package/package.json'), 'utf8'));
  const entry = join(folder, 'package', exports[from.replace('ssemble', '.')].default);
  const bundle = await rollup({
    input: 'user',
    external: [/^node:/, 'undici'],
    onLog: () => {},
    plugins: [
      {
        name: 'user',
        /** @param {string} id */
        resolveId: (id) =>
          id === 'user' ? '\0user' : id === from ? { id: entry, moduleSideEffects: false } : undefined,
        /** @param {string} id */
        load: (id) => (id === '\0user' ? `import { ${name} as use } from '${from}';\nglobalThis.use(use);` : undefined),
      },
    ],
    // what `"sideEffects": false` says, which rollup alone does not read
    treeshake: { moduleSideEffects: (/** @type {string} */ id) => id === '\0user' },
  });
  const { output } = await bundle.generate({ format: 'es' });
  const used = Object.entries(output[0].modules).filter(
    ([id, { renderedLength }]) => renderedLength > 0 && id !== '\0user',
  );
  const rooms = used.map(([id]) => /[\\/]package[\\/]dist[\\/]([\w-]+)/.exec(id)?.[1] ?? id);
  return [...new Set(rooms)].toSorted();
}
