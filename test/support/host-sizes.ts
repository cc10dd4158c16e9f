/** What a recipe's imports cost: what a bundler takes of the package for them, minified by esbuild, then gzip -9. */

import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ENTRIES } from './examples.ts';

/** The entries that a program imports, each with the names that it takes; `*` is all of it. */
export function importsOf(code: string): [entry: string, names: string][] {
  const found = code.matchAll(/^import (?:\* as \w+|\{([^}]*)\}) from '(ssemble(?:\/\w+)?)';$/gm);
  return [...found].map(([, names, entry = '']) => [entry, names === undefined ? '*' : `{${names}}`]);
}

const measured = new Map<string, Promise<number>>();

/** Bytes that a program's imports add to a bundle for a browser. What the runtime or a peer brings is not counted. */
export function sizeOf(code: string): Promise<number> {
  const contents = importsOf(code)
    .map(([entry, names]) => `export ${names === '*' ? '* as all' : names} from ${JSON.stringify(ENTRIES[entry])};`)
    .join('\n');
  const size = measured.get(contents) ?? measure(contents);
  measured.set(contents, size);
  return size;
}

async function measure(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['node:*', 'undici'],
    logLevel: 'silent',
  });
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
}
