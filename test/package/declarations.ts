/**
 * Reads declaration files as a consumer gets them, and finds what each entry exports.
 *
 * It reads what the compiler writes, no more: one statement after the other at the left margin, each with the comment that
 * stands over it. What it does not know (`export default`, `export =`, `import x = require()`) it refuses, so that a new
 * form is noticed and never left out.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENTRIES } from '../support/examples.ts';

const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

// --- tokens ---

export interface Token {
  kind: 'comment' | 'string' | 'word' | 'mark';
  text: string;
  start: number;
}

const TOKEN =
  /(?<comment>\/\*[\s\S]*?\*\/|\/\/.*)|(?<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|(?<word>[\w$]+)|=>|[^\s]/g;

/** The tokens of a declaration file. */
export function tokensOf(text: string): Token[] {
  return [...text.matchAll(TOKEN)].map(({ 0: found, index, groups }) => ({
    kind: groups?.['comment'] ? 'comment' : groups?.['string'] ? 'string' : groups?.['word'] ? 'word' : 'mark',
    text: found,
    start: index,
  }));
}

/** Every place where a type is `any`, with its line up to there. A property or a parameter may have that name. */
export function anyIn(text: string): string[] {
  const tokens = tokensOf(text).filter(({ kind }) => kind !== 'comment');
  return tokens.flatMap(({ text: word, kind, start }, at) => {
    const [before = '', after = ''] = [tokens[at - 1]?.text, tokens[at + 1]?.text];
    const isName = /^[:?]$/.test(after) && /^[{;,(]$/.test(before);
    if (kind !== 'word' || word !== 'any' || isName) return [];
    return [text.slice(text.lastIndexOf('\n', start) + 1, start + (after === '>' ? 4 : 3)).trim()];
  });
}

// --- one file ---

export type DeclarationKind = 'class' | 'function' | 'const' | 'interface' | 'type';

/** Something that is declared. A function with overloads is one, with several texts. */
export interface Declaration {
  name: string;
  kind: DeclarationKind;
  /** Relative to the folder of the declarations. */
  file: string;
  /** The doc comment over it, as it stands there; `''` without one. Of overloads: the first. */
  doc: string;
  /** Its code, comments of members included. */
  texts: string[];
}

interface Reference {
  from: string;
  name: string;
}

interface Module {
  /** The doc comment at the top of the file. */
  doc: string;
  declarations: Map<string, Declaration>;
  imports: Map<string, Reference>;
  exports: Map<string, Reference | { local: string }>;
  stars: string[];
  /** What it adds to the globals of everybody who imports it. */
  globals: string[];
}

interface Statement {
  doc: string;
  tokens: Token[];
  text: string;
}

const BRACED = new Set(['class', 'interface', 'global']);
const MODIFIERS = new Set(['export', 'declare', 'abstract']);

function statementsOf(text: string): Statement[] {
  const statements: Statement[] = [];
  let [doc, depth] = ['', 0];
  let tokens: Token[] = [];
  for (const token of tokensOf(text)) {
    if (token.kind === 'comment') {
      if (tokens.length === 0 && token.text.startsWith('/**')) doc = token.text;
      continue;
    }
    tokens.push(token);
    if (/^[{([]$/.test(token.text)) depth += 1;
    if (/^[})\]]$/.test(token.text)) depth -= 1;
    const kind = tokens.find(({ text: word }) => !MODIFIERS.has(word))?.text ?? '';
    if (depth > 0 || token.text !== (BRACED.has(kind) ? '}' : ';')) continue;
    statements.push({ doc, tokens, text: text.slice(tokens[0]?.start, token.start + 1) });
    [doc, tokens] = ['', []];
  }
  if (tokens.length > 0)
    throw new Error(`Cannot read a declaration: no end of "${tokens[0]?.text} ${tokens[1]?.text}"`);
  return statements;
}

function readModule(file: string, text: string): Module {
  const top = /^\s*(\/\*\*[\s\S]*?\*\/)/.exec(text)?.[1] ?? '';
  const module: Module = {
    doc: top,
    declarations: new Map(),
    imports: new Map(),
    exports: new Map(),
    stars: [],
    globals: [],
  };
  for (const statement of statementsOf(text)) {
    const words = statement.tokens.filter(({ text: word }) => !MODIFIERS.has(word)).map(({ text: word }) => word);
    if (words[0] === 'import') readImport(module, words);
    else if (/^(?:[{*]|type [{*])/.test(words.slice(0, 2).join(' '))) readExport(module, words);
    else if (words[0] === 'global') module.globals.push(statement.text.replace(/^declare /, ''));
    else addDeclaration(module, file, statement, words);
  }
  return module;
}

/** `import { type A, B as C } from '…'`, `import type …`, `import '…'`. */
function readImport(module: Module, words: readonly string[]): void {
  const from = pathIn(words);
  for (const [name, local] of namesIn(words)) module.imports.set(local, { from, name });
}

/** `export { A, type B as C } from '…'`, `export { A }`, `export * from '…'`, and the same with `type`. */
function readExport(module: Module, words: readonly string[]): void {
  const from = words.includes('from') ? pathIn(words) : undefined;
  const star = words.indexOf('*');
  if (star >= 0 && star < 2) {
    if (from === undefined || words[star + 1] !== 'from') throw new Error(`Cannot read "export ${words.join(' ')}"`);
    module.stars.push(from);
  }
  for (const [name, shown] of namesIn(words)) {
    module.exports.set(shown, from === undefined ? { local: name } : { from, name });
  }
}

function pathIn(words: readonly string[]): string {
  const last = words.findLast((word) => /^['"]/.test(word));
  if (last === undefined) throw new Error(`Cannot read "${words.join(' ')}": it names no module`);
  return last.slice(1, -1);
}

function namesIn(words: readonly string[]): [name: string, as: string][] {
  const [open, close] = [words.indexOf('{'), words.lastIndexOf('}')];
  if (open < 0) return [];
  const parts = words
    .slice(open + 1, close)
    .join(' ')
    .split(',');
  return parts.flatMap((part): [string, string][] => {
    const [name, as, shown] = part
      .trim()
      .replace(/^type /, '')
      .split(' ');
    if (name === undefined || name === '') return [];
    return [[name, as === 'as' && shown !== undefined ? shown : name]];
  });
}

const KINDS = new Set<string>(['class', 'function', 'const', 'interface', 'type'] satisfies DeclarationKind[]);

function addDeclaration(module: Module, file: string, statement: Statement, words: readonly string[]): void {
  const [kind = '', name = ''] = words;
  if (!KINDS.has(kind)) throw new Error(`Cannot read a declaration in ${file}: "${words.slice(0, 6).join(' ')}"`);
  const text = statement.text.replace(/^export /, '').replace(/^declare /, '');
  const known = module.declarations.get(name);
  if (known !== undefined) known.texts.push(text);
  else {
    const doc = statement.doc === module.doc && isTitle(statement.doc, module) ? '' : statement.doc;
    module.declarations.set(name, { name, kind: kind as DeclarationKind, file, doc, texts: [text] });
  }
  if (statement.tokens[0]?.text === 'export') module.exports.set(name, { local: name });
}

/** The comment at the top of a file is over its first declaration only if nothing else stands between them: no import. */
function isTitle(doc: string, { imports, stars, declarations }: Module): boolean {
  return doc !== '' && declarations.size === 0 && (imports.size > 0 || stars.length > 0);
}

// --- all files ---

/** The declarations of the package, made anew from the sources. */
export interface Package {
  /** Every declaration file and its text. */
  files: ReadonlyMap<string, string>;
  entries: readonly Entry[];
  /** What the package adds to the globals of its users, by file. */
  globals: ReadonlyMap<string, readonly string[]>;
  /** What a name means inside a file, if it is ours. */
  resolve: (file: string, name: string) => Declaration | undefined;
}

/** An entry, and what it exports, by name. */
export interface Entry {
  name: string;
  doc: string;
  exports: ReadonlyMap<string, Declaration>;
}

/** Reads the declarations that the compiler makes of `src/` now. */
export function readPackage(): Package {
  const files = emitDeclarations();
  const modules = new Map([...files].map(([file, text]) => [file, readModule(file, text.replace(/^#!.*/, ''))]));
  const at = (file: string): Module => {
    const module = modules.get(file);
    if (module === undefined) throw new Error(`Cannot find ${file} among the declarations`);
    return module;
  };
  const target = (file: string, from: string): string | undefined =>
    from.startsWith('.') ? join(dirname(file), from.replace(/\.(?:ts|js)$/, '.d.ts')) : undefined;

  const follow = (file: string, { from, name }: Reference): Declaration | undefined => {
    const next = target(file, from);
    return next === undefined ? undefined : exported(next, name);
  };
  const exported = (file: string, name: string): Declaration | undefined => {
    const { exports, stars } = at(file);
    const found = exports.get(name);
    if (found !== undefined) return 'local' in found ? resolve(file, found.local) : follow(file, found);
    return stars.map((from) => follow(file, { from, name })).find((declaration) => declaration !== undefined);
  };
  const resolve = (file: string, name: string): Declaration | undefined => {
    const { declarations, imports } = at(file);
    const from = imports.get(name);
    return declarations.get(name) ?? (from === undefined ? undefined : follow(file, from));
  };
  const namesOf = (file: string): string[] => {
    const { exports, stars } = at(file);
    const next = stars.map((from) => target(file, from)).filter((path) => path !== undefined);
    return [...new Set([...exports.keys(), ...next.flatMap(namesOf)])];
  };
  const entries = Object.entries(ENTRIES).map(([name, source]): Entry => {
    const file = relative(join(ROOT, 'src'), source).replace(/\.ts$/, '.d.ts');
    const exports = namesOf(file)
      .toSorted(byName)
      .map((key) => {
        const declaration = exported(file, key);
        if (declaration === undefined) throw new Error(`Cannot find what ${name} exports as ${key}`);
        return [key, declaration] as const;
      });
    return { name, doc: at(file).doc, exports: new Map(exports) };
  });
  const globals = [...modules].map(([file, module]) => [file, module.globals] as const);
  return { files, entries, resolve, globals: new Map(globals.filter(([, texts]) => texts.length > 0)) };
}

/** The order of the pages: as letters stand in the alphabet, and the same on every machine. */
export function byName(a: string, b: string): number {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  return x < y ? -1 : x > y ? 1 : a < b ? -1 : a > b ? 1 : 0;
}

/** Compiles all of `src/` to declarations, in a folder of its own: `dist/` belongs to whoever builds. */
function emitDeclarations(): Map<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'ssemble-declarations-'));
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const compilerOptions = {
      emitDeclarationOnly: true,
      declarationMap: false,
      sourceMap: false,
      noCheck: true,
      lib: ['ES2023', 'DOM', 'DOM.Iterable'],
      types: ['node'],
      rootDir: join(ROOT, 'src'),
      outDir: join(folder, 'out'),
    };
    const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: [join(ROOT, 'src')], exclude: [] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`Cannot make the declarations:\n${stdout}`);
    const out = join(folder, 'out');
    const names = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.d.ts'));
    return new Map(names.toSorted().map((name) => [name, readFileSync(join(out, name), 'utf8')]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The words of a doc comment, without its stars. */
export function docText(comment: string): string {
  return comment
    .replace(/^\/\*\*/, '')
    .replace(/\*\/$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim();
}

/** The code without its comments. */
export function withoutComments(text: string): string {
  return tokensOf(text)
    .filter(({ kind }) => kind === 'comment')
    .toReversed()
    .reduce((code, { start, text: comment }) => code.slice(0, start) + code.slice(start + comment.length), text);
}
