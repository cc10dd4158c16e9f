/**
 * What a user's compiler and editor see of the package: no `any`, everything documented, every signature written down in
 * `test/package/api/`, and the reference `src/API.md` as fresh as the sources.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { apiPage, slugger } from './package/api-page.ts';
import { apiReport, globalsReport, reportName } from './package/api-report.ts';
import { anyIn, docText, readPackage } from './package/declarations.ts';
import { docComments } from './support/examples.ts';

vi.setConfig({ testTimeout: 60_000 });

const SRC = fileURLToPath(new URL('../src/', import.meta.url));
const PAGE = join(SRC, 'API.md');
const REPORTS = fileURLToPath(new URL('./package/api/', import.meta.url));

const built = readPackage();
const { files, entries } = built;
const reports = new Map([
  ...(await Promise.all(
    entries.map(async (entry) => [reportName(entry.name), await apiReport(built, entry)] as const),
  )),
  ['globals.txt', await globalsReport(built)] as const,
]);
const page = await apiPage(built);

if (process.env['UPDATE_API']) {
  writeFileSync(PAGE, page.text);
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  for (const [name, text] of reports) writeFileSync(join(REPORTS, name), text);
}

/** Where `any` must stand, and why. */
const SAME_PARAMETERS =
  'an interface that stands twice must have the same type parameters, and these are the DOM library’s';
const MUST_BE_ANY: Readonly<Record<string, string>> = {
  'stream/globals.d.ts: interface ReadableStream<R = any>': SAME_PARAMETERS,
  'stream/globals.d.ts: interface TransformStream<I = any': SAME_PARAMETERS,
  'stream/globals.d.ts: interface TransformStream<I = any, O = any>': SAME_PARAMETERS,
};

describe('declarations', () => {
  const places = [...files].flatMap(([file, text]) => anyIn(text).map((place) => `${file}: ${place}`));

  test('no type is `any`', () => {
    expect(places.filter((place) => MUST_BE_ANY[place] === undefined)).toEqual([]);
  });

  test('no exemption is stale', () => {
    expect(Object.keys(MUST_BE_ANY).filter((place) => !places.includes(place))).toEqual([]);
  });

  test.each([
    ['const a: any;', 1],
    ['type A = Record<string, any>;', 1],
    ['type A = (any: string) => any;', 1],
    ['function f(any: string): void;', 0],
    ['interface A { any: string; has(any?: string): void }', 0],
    ['/** any */ type A = "any" | `any`; // any', 0],
  ])('the check reads %j', (text, count) => {
    expect(anyIn(text)).toHaveLength(count);
  });

  test('every export of every entry is documented', () => {
    const bare = entries.flatMap(({ name, exports }) =>
      [...exports].filter(([, { doc }]) => docText(doc) === '').map(([key, { file }]) => `${name}: ${key} (${file})`),
    );
    expect(bare).toEqual([]);
  });
});

describe('the API report', () => {
  test('has a file for each entry, and no other', () => {
    expect(readdirSync(REPORTS).toSorted()).toEqual([...reports.keys()].toSorted());
  });

  test.each([...reports])('%s is as the sources are; UPDATE_API=1 writes it anew', (name, text) => {
    expect(readFileSync(join(REPORTS, name), 'utf8')).toBe(text);
  });
});

describe('src/API.md', () => {
  test('is as the doc comments are; UPDATE_API=1 writes it anew', () => {
    expect(readFileSync(PAGE, 'utf8')).toBe(page.text);
  });

  test('shows no example but those that test/doc-examples.test.ts runs', () => {
    const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const run = new Set(
      sources.flatMap((file) => docComments(readFileSync(join(SRC, file), 'utf8')).flatMap(({ examples }) => examples)),
    );
    expect(page.examples.length).toBeGreaterThan(50);
    expect(page.examples.filter((code) => !run.has(code))).toEqual([]);
    expect(page.examples.filter((code) => !page.text.includes(`\`\`\`ts\n${code}\n\`\`\``))).toEqual([]);
  });

  test('links to headings that it has', () => {
    const anchor = slugger();
    const prose = page.text.replace(/^```[\s\S]*?^```/gm, '');
    const headings = new Set([...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchor(heading)));
    const links = [...prose.matchAll(/\]\(#([^)]+)\)/g)].map(([, target = '']) => target);
    expect(links.filter((target) => !headings.has(target))).toEqual([]);
    expect(links.length).toBeGreaterThan(entries.length);
  });
});
