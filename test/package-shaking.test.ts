/**
 * Who imports one name ships the rooms that it needs, and no other: the promise of "take the layer that fits".
 *
 * `test/package/shaking.json` says which rooms. Here esbuild bundles the sources; `.ci/check-shaking.mjs` asks rollup the
 * same of the packed package.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { ENTRIES } from './support/examples.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

interface Row {
  import: string;
  from: string;
  rooms: string[];
}

const { rows } = JSON.parse(readFileSync(join(ROOT, 'test/package/shaking.json'), 'utf8')) as { rows: Row[] };

/** The rooms that bring code into the bundle of these imports; `errors` for `src/errors.ts`. */
async function roomsOf(imports: readonly Pick<Row, 'import' | 'from'>[]): Promise<string[]> {
  const names = imports.map((row, at) => `import { ${row.import} as name${at} } from '${row.from}';`);
  const uses = imports.map((_, at) => `globalThis.use(name${at});`);
  const { metafile } = await build({
    stdin: { contents: [...names, ...uses].join('\n'), resolveDir: ROOT },
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    alias: { ...ENTRIES },
    external: ['undici', 'node:*'],
    absWorkingDir: ROOT,
    logLevel: 'silent',
  });
  const [output] = Object.values(metafile.outputs);
  const used = Object.entries(output?.inputs ?? {}).filter(
    ([file, { bytesInOutput }]) => bytesInOutput > 0 && file !== '<stdin>',
  );
  return [...new Set(used.map(([file]) => /^src\/([\w-]+)/.exec(file)?.[1] ?? file))].toSorted();
}

describe('one import alone ships', () => {
  test.each(rows.map((row) => [row.import, row.from, row.rooms] as const))(
    '%s from %s: %j',
    async (name, from, rooms) => {
      expect(await roomsOf([{ import: name, from }])).toEqual(rooms.toSorted());
    },
  );

  test('what it ships is not hidden: two imports ship the rooms of both', async () => {
    const parser = { import: 'SseParser', from: 'ssemble/sse' };
    const json = { import: 'PartialJson', from: 'ssemble/json' };
    const both = [...(await roomsOf([parser])), ...(await roomsOf([json]))];
    expect(await roomsOf([parser, json])).toEqual([...new Set(both)].toSorted());
    expect(both).toContain('json');
  });
});

test('every entry has a row', () => {
  expect([...new Set(rows.map(({ from }) => from))].toSorted()).toEqual(Object.keys(ENTRIES).toSorted());
});
