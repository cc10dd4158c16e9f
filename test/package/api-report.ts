/**
 * The API report: for each entry a text of every signature that a user can see, to be read in diffs.
 *
 * First what the entry exports. Then what its signatures name besides: what another entry exports, by name; and what none
 * does, in full. A user meets these types and has no name for them, but they are part of the contract all the same.
 */

import { format } from 'prettier';
import { byName, type Declaration, type Entry, type Package, tokensOf, withoutComments } from './declarations.ts';

/** The name of the file that holds an entry's report: `index.txt` for `ssemble`, `sse.txt` for `ssemble/sse`. */
export function reportName(entry: string): string {
  return `${entry.split('/')[1] ?? 'index'}.txt`;
}

/** The report of an entry. */
export async function apiReport({ resolve, entries }: Package, entry: Entry): Promise<string> {
  const home = homes(entries);
  const met = seenThrough([...entry.exports.values()], resolve, (declaration) => home.has(declaration));
  const hidden = met.filter((declaration) => !home.has(declaration));
  const elsewhere = met
    .filter((declaration) => home.has(declaration))
    .map((declaration) => `# ${home.get(declaration)}: ${declaration.name}`);
  const parts = [
    `# ${entry.name}: every exported signature. Made by UPDATE_API=1 npx vitest run test/package-api.test.ts`,
    ...(await signatures([...entry.exports])),
    ...(elsewhere.length === 0 ? [] : [`# --- named above, exported from another entry ---\n${elsewhere.join('\n')}`]),
    ...(hidden.length === 0 ? [] : ['# --- named above, exported from no entry ---']),
    ...(await signatures(hidden.map((declaration) => [declaration.name, declaration]))),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** The first entry that exports each declaration. */
function homes(entries: readonly Entry[]): Map<Declaration, string> {
  const all = entries.flatMap(({ name, exports }) =>
    [...exports.values()].map((declaration) => [declaration, name] as const),
  );
  return new Map(all.toReversed());
}

function signatures(all: readonly (readonly [string, Declaration])[]): Promise<string[]> {
  return Promise.all(all.map(([name, declaration]) => signature(name, declaration)));
}

/** What the package adds to the globals of its users. */
export async function globalsReport({ globals }: Package): Promise<string> {
  const parts = [...globals].map(async ([file, texts]) => {
    const code = await Promise.all(texts.map(async (text) => layOut(withoutComments(text))));
    return [`# ${file}`, ...code].join('\n\n');
  });
  return `${['# What the package declares for everybody who imports it', ...(await Promise.all(parts))].join('\n\n')}\n`;
}

async function signature(name: string, { name: own, texts }: Declaration): Promise<string> {
  const code = (await Promise.all(texts.map(async (text) => layOut(withoutComments(text))))).join('\n');
  return name === own ? code : `${code}\n// exported as ${name}`;
}

/** A declaration as the formatter lays it out, so that a line of it changes only if the signature does. */
export async function layOut(declaration: string): Promise<string> {
  const code = await format(`declare ${declaration}`, { parser: 'typescript', printWidth: 110, singleQuote: true });
  return code
    .replace(/^declare /, '')
    .replace(/\n\n+/g, '\n')
    .trim();
}

/** All declarations that these name, and those that they name in turn; what is `known` elsewhere is not looked into. */
export function seenThrough(
  from: readonly Declaration[],
  resolve: Package['resolve'],
  known: (declaration: Declaration) => boolean = () => false,
): Declaration[] {
  const seen = new Set(from);
  const found: Declaration[] = [];
  const queue = [...from];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const declaration of namedBy(next, resolve)) {
      if (seen.has(declaration)) continue;
      seen.add(declaration);
      found.push(declaration);
      if (!known(declaration)) queue.push(declaration);
    }
  }
  return found.toSorted((a, b) => byName(a.name, b.name));
}

function namedBy({ file, texts }: Declaration, resolve: Package['resolve']): Declaration[] {
  const tokens = texts.flatMap((text) => tokensOf(text).filter(({ kind }) => kind !== 'comment'));
  const words = tokens.filter(({ kind }, at) => kind === 'word' && tokens[at - 1]?.text !== '.' && !isKey(tokens, at));
  return [...new Set(words.map(({ text }) => text))]
    .map((name) => resolve(file, name))
    .filter((declaration) => declaration !== undefined);
}

/** Whether the word names a property: `name:`, `name?:`, and not the middle of a condition (`A ? B : C`). */
function isKey(tokens: readonly { text: string }[], at: number): boolean {
  const [before, after, second] = [tokens[at - 1]?.text, tokens[at + 1]?.text, tokens[at + 2]?.text];
  return before !== '?' && (after === ':' || (after === '?' && second === ':'));
}
