/**
 * The API reference, `src/API.md`: what the doc comments say, entry by entry, as a page.
 *
 * It is laid out here and not by the formatter (an ignored range), so that an example stands on the page as it stands in
 * the source, where a test runs it.
 */

import { docComments } from '../support/examples.ts';
import { layOut } from './api-report.ts';
import { type Declaration, type DeclarationKind, docText, type Entry, type Package } from './declarations.ts';

/** The page, and the examples that it shows. */
export interface ApiPage {
  text: string;
  examples: readonly string[];
}

const GROUPS: readonly (readonly [title: string, kinds: readonly DeclarationKind[]])[] = [
  ['Classes', ['class']],
  ['Functions', ['function']],
  ['Tables', ['const']],
  ['Types', ['interface', 'type']],
];

const INTRO = `# API reference

Made from the doc comments by \`UPDATE_API=1 npx vitest run test/package-api.test.ts\`; do not edit. Every example is run by
\`test/doc-examples.test.ts\`: \`expression; // value\` is an assertion there. An example without imports has the names of
its entry.`;

/** Makes the page. */
export async function apiPage(built: Package): Promise<ApiPage> {
  const page = planOf(built.entries);
  const examples: string[] = [];
  const sections: string[] = [];
  for (const entry of built.entries) {
    sections.push(`## ${entry.name}`, introOf(entry));
    for (const [title, members] of groupsOf(entry)) {
      sections.push(`### ${title}`);
      for (const [name, declaration] of members) {
        sections.push(await memberOf({ built, page, entry, name, declaration, examples }));
      }
    }
  }
  const body = [INTRO, contents(built.entries, page), ...sections].join('\n\n');
  return { text: `<!-- prettier-ignore-start -->\n\n${body}\n\n<!-- prettier-ignore-end -->\n`, examples };
}

function groupsOf({ exports }: Entry): [string, [string, Declaration][]][] {
  return GROUPS.map(([title, kinds]): [string, [string, Declaration][]] => [
    title,
    [...exports].filter(([, { kind }]) => kinds.includes(kind)),
  ]).filter(([, members]) => members.length > 0);
}

/** What the file says of itself, without its own name in front. */
function introOf({ name, doc }: Entry): string {
  const text = docText(doc).replace(`\`${name}\`: `, '');
  return plain(text.slice(0, 1).toUpperCase() + text.slice(1));
}

// --- where everything stands ---

interface Plan {
  /** The anchor of each name of an entry: `ssemble/sse SseParser`. */
  anchors: ReadonlyMap<string, string>;
  /** Where a declaration stands in full: entry and name. */
  homes: ReadonlyMap<Declaration, { entry: string; name: string }>;
}

function planOf(entries: readonly Entry[]): Plan {
  const anchors = new Map<string, string>();
  const homes = new Map<Declaration, { entry: string; name: string }>();
  const anchor = slugger();
  anchor('API reference');
  anchor('Contents');
  for (const entry of entries) {
    anchors.set(entry.name, anchor(entry.name));
    for (const [title, members] of groupsOf(entry)) {
      anchor(title);
      for (const [name, declaration] of members) {
        anchors.set(`${entry.name} ${name}`, anchor(name));
        if (!homes.has(declaration)) homes.set(declaration, { entry: entry.name, name });
      }
    }
  }
  return { anchors, homes };
}

/** Anchors as GitHub makes them of headings: a further one of the same name is numbered. */
export function slugger(): (heading: string) => string {
  const used = new Map<string, number>();
  return (heading) => {
    const slug = heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
    const count = used.get(slug) ?? 0;
    used.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  };
}

function contents(entries: readonly Entry[], { anchors }: Plan): string {
  const lines = entries.flatMap((entry) => [
    `- [\`${entry.name}\`](#${anchors.get(entry.name)})`,
    ...groupsOf(entry).map(([title, members]) => {
      const links = members.map(([name]) => `[\`${name}\`](#${anchors.get(`${entry.name} ${name}`)})`);
      return `  - ${title}: ${links.join(' ')}`;
    }),
  ]);
  return ['## Contents', '', ...lines].join('\n');
}

// --- one name ---

interface Member {
  built: Package;
  page: Plan;
  entry: Entry;
  name: string;
  declaration: Declaration;
  examples: string[];
}

async function memberOf({ built, page, entry, name, declaration, examples }: Member): Promise<string> {
  const home = page.homes.get(declaration);
  if (home !== undefined && (home.entry !== entry.name || home.name !== name)) {
    const link = `[\`${home.entry}\`](#${page.anchors.get(`${home.entry} ${home.name}`)})`;
    return `#### ${name}\n\nThe same as in ${link}.`;
  }
  const { body, tags } = partsOf(docText(declaration.doc));
  const base = baseOf(built, page, declaration);
  const own = examplesOf(declaration).map(([subject, code]) => {
    examples.push(code);
    return `Example${subject === '' ? '' : ` of \`${subject}\``}:\n\n${fence(code)}`;
  });
  return [
    `#### ${name}`,
    linked(body, entry, page),
    fence((await Promise.all(declaration.texts.map(readable))).join('\n')),
    ...(base === undefined
      ? []
      : [`From \`${base.name}\`, which it extends:`, fence(await readable(base.texts[0] ?? ''))]),
    ...(tags.length === 0 ? [] : [tags.map((tag) => `- ${linked(tag, entry, page)}`).join('\n')]),
    ...own,
  ].join('\n\n');
}

/** The base class or interface that no entry exports: its members are met through this one alone. */
function baseOf({ resolve }: Package, { homes }: Plan, { name, file, texts }: Declaration): Declaration | undefined {
  const base = new RegExp(`^(?:abstract )?(?:class|interface) ${name}\\b[^{]*? extends (\\w+)`).exec(
    texts[0] ?? '',
  )?.[1];
  const found = base === undefined ? undefined : resolve(file, base);
  return found === undefined || homes.has(found) ? undefined : found;
}

const TAGS: Readonly<Record<string, (text: string) => string>> = {
  param: (text) => text.replace(/^(\w+)\s*-?\s*/, 'Takes `$1`: '),
  returns: (text) => `Gives: ${text}`,
  throws: (text) => `Throws ${text}`,
};

/** The text before the tags, and each tag but the examples as a sentence. */
function partsOf(text: string): { body: string; tags: string[] } {
  const [body = '', ...rest] = text.split(/^@(?=\w)/m);
  const tags = rest.flatMap((part) => {
    const [, tag = '', said = ''] = /^(\w+)\s*([\s\S]*)$/.exec(part) ?? [];
    if (tag === 'example') return [];
    const sentence = TAGS[tag];
    if (sentence === undefined) throw new Error(`Cannot show "@${tag}" in src/API.md: no sentence is known for it`);
    return [sentence(said.trim().replace(/\s*\n\s*/g, ' '))];
  });
  return { body: body.trim(), tags };
}

/** The examples of a declaration, its own first; those of a member with its name. */
function examplesOf({ doc, name, texts }: Declaration): [subject: string, code: string][] {
  const own = docComments(doc).flatMap(({ examples }) => examples.map((code): [string, string] => ['', code]));
  const members = texts.flatMap((text) =>
    docComments(text).flatMap(({ subject, examples }) =>
      examples.map((code): [string, string] => [`${name}.${subject}`, code]),
    ),
  );
  return [...own, ...members];
}

/** The code with the comments of its members, but without their examples and without what is private. */
async function readable(text: string): Promise<string> {
  const code = text
    .replace(/^[ \t]*#private;\n/m, '')
    .replace(/\n[ \t]*\*?[ \t]*@example\b[\s\S]*?(?=\n[ \t]*\*[ \t]*@\w|\s*\*\/)/g, '');
  return plain(await layOut(code));
}

function fence(code: string): string {
  return `\`\`\`ts\n${code}\n\`\`\``;
}

const LINK = /\{@link ([^}|]+?)(?:\s*\|\s*([^}]+))?\}/g;

function plain(text: string): string {
  return text.replace(LINK, (_, target: string, shown?: string) => shown ?? `\`${target}\``);
}

/** Links to what the page has, names of what it does not. */
function linked(text: string, entry: Entry, { anchors }: Plan): string {
  return text.replace(LINK, (_, target: string, shown: string = `\`${target}\``) => {
    const name = target.split('.')[0] ?? '';
    const anchor = anchors.get(`${entry.name} ${name}`) ?? [...anchors].find(([key]) => key.endsWith(` ${name}`))?.[1];
    return anchor === undefined ? shown : `[${shown}](#${anchor})`;
  });
}
