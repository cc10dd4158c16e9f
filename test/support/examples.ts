/**
 * Examples in docs, run. How a page says what a line gives, and how that is checked:
 *
 * - `expression; // value` on one line: the expression gives that value. `value` is JavaScript, so it has quotes.
 * - `console.log(expression); // value` the same, and it may stand in a loop: then each turn gives that value.
 * - On any other line (`const …`, `break`, `for …`) and on a line of its own, a comment is prose.
 *
 * Two values are the same if `util.inspect` prints them the same. A line that promises a value and is never reached has
 * failed: an example whose `catch` is not entered shows nothing.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { runInThisContext } from 'node:vm';
import { build, type BuildFailure, type BuildOptions } from 'esbuild';

const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

/** The public entries, as package.json names them, and the file that each is made from. */
export const ENTRIES: Readonly<Record<string, string>> = {
  ssemble: join(ROOT, 'src/index.ts'),
  'ssemble/sse': join(ROOT, 'src/sse/index.ts'),
  'ssemble/json': join(ROOT, 'src/json/index.ts'),
  'ssemble/web': join(ROOT, 'src/stream/web.ts'),
  'ssemble/fetch': join(ROOT, 'src/transport/fetch.ts'),
  'ssemble/undici': join(ROOT, 'src/transport/undici.ts'),
  'ssemble/relay': join(ROOT, 'src/relay/index.ts'),
  'ssemble/capture': join(ROOT, 'src/capture/index.ts'),
  'ssemble/lint': join(ROOT, 'src/lint/index.ts'),
  'ssemble/testing': join(ROOT, 'src/testing/index.ts'),
  'ssemble/bedrock': join(ROOT, 'src/carriers/bedrock.ts'),
  'ssemble/ndjson': join(ROOT, 'src/carriers/ndjson.ts'),
};

/** A piece of code that a page shows. */
export interface Example {
  /** Where it stands, and what it is about. Unique. */
  name: string;
  code: string;
  /** Names that are there without an import, each with the module it comes from. */
  scope?: readonly (readonly [name: string, from: string])[];
  /** What its {@link World} has besides `print`: each name and its type. */
  given?: Readonly<Record<string, string>>;
}

/** What stands outside the library, and is given to the example. */
export interface World extends Record<string, unknown> {
  /** Gets what `print(…)`, and `console.log(…)` without a promised value, are given. */
  print: (...values: readonly unknown[]) => void;
}

/** What came out: the number of promised values that were checked, and what was not as promised. */
export interface Result {
  checked: number;
  failures: string[];
}

type Run = (world: World) => Promise<Result>;
type Compiled = (world: World & { check: Check; console: { log: World['print'] } }) => Promise<void>;
const GIVEN: Readonly<Record<string, string>> = { print: '(...values: readonly unknown[]) => void' };
type Check = (line: number, promised: string) => <T>(value: T) => T;

const NOT_AN_EXPRESSION =
  /^(?:[})\]]|(?:const|let|var|return|break|continue|throw|if|else|for|while|do|switch|case|default|import|export|function|class|type|interface|try|await using|using)\b)/;

interface Promised {
  line: number;
  text: string;
}

/** Turns promises into checks. Gives the code, and every promise that must be kept. */
export function instrument(code: string): { code: string; promises: Promised[] } {
  const promises: Promised[] = [];
  const lines = code.split('\n').map((source, at) => {
    const found = /^(\s*)(.*);\s+\/\/ (.+)$/.exec(source);
    if (found === null) return source;
    const [, indent = '', statement = '', text = ''] = found;
    const wrap = `check(${at + 1}, ${JSON.stringify(text)})`;
    const logged = /^(.*)\bconsole\.log\((.*)\)$/.exec(statement);
    if (logged === null && (NOT_AN_EXPRESSION.test(statement) || statement.startsWith('//'))) return source;
    promises.push({ line: at + 1, text });
    if (logged !== null) return `${indent}${logged[1]}${wrap}(${logged[2]});`;
    return `${indent}${wrap}(${statement});`;
  });
  return { code: lines.join('\n'), promises };
}

/** One module: imports on top, the rest in a function, so that an example may `await` and shadow any name. */
function toModule({ code, scope = [] }: Example, parameters: string): string {
  const lines = code.split('\n');
  const isImport = (line: string): boolean => /^import\s/.test(line);
  const implied = /^import\s/m.test(code) ? [] : scope;
  return [
    ...implied.map(([name, from]) => `import { ${name} } from ${JSON.stringify(from)};`),
    ...lines.filter(isImport),
    `export default async function (${parameters}): Promise<void> {`,
    ...lines.filter((line) => !isImport(line)).map((line) => line.replace(/^export (?=const|function|class)/, '')),
    '}',
  ].join('\n');
}

/**
 * Compiles all examples in one go; one that does not compile fails when it is run. The result is in the same order;
 * `dispose` removes the files.
 */
export async function compileExamples(examples: readonly Example[]): Promise<{ runs: Run[]; dispose: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'ssemble-examples-'));
  const parts = examples.map(({ code }) => instrument(code));
  const modules = examples.map((example, at) => {
    const names = ['check', 'console', ...Object.keys({ ...GIVEN, ...example.given })];
    return toModule({ ...example, code: parts[at]?.code ?? '' }, `{ ${names.join(', ')} }: any`);
  });
  const broken = await bundle(folder, modules);
  const runs = await Promise.all(
    examples.map(async (_, at): Promise<Run> => {
      const problem = broken.get(at);
      if (problem !== undefined) return () => Promise.resolve({ checked: 0, failures: [problem] });
      const url = pathToFileURL(join(folder, `${at}.mjs`)).href;
      const { default: compiled } = (await import(/* @vite-ignore */ url)) as { default: Compiled };
      return (world) => runOne(compiled, parts[at]?.promises ?? [], world);
    }),
  );
  return { runs, dispose: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Writes `N.mjs` for each module that compiles; gives what is wrong with the others. */
async function bundle(folder: string, modules: readonly string[]): Promise<Map<number, string>> {
  const broken = new Map<number, string>();
  for (;;) {
    const whole = modules.map((_, at) => at).filter((at) => !broken.has(at));
    try {
      await build(buildOptions(folder, modules, whole));
      return broken;
    } catch (error) {
      const found = new Map<number, string>();
      for (const { text, location } of (error as BuildFailure).errors ?? []) {
        const at = /example:(\d+)$/.exec(location?.file ?? '')?.[1];
        if (at !== undefined) found.set(Number(at), text);
      }
      if (found.size === 0) throw error;
      for (const [at, text] of found) broken.set(at, text);
    }
  }
}

function buildOptions(folder: string, modules: readonly string[], whole: readonly number[]): BuildOptions {
  return {
    entryPoints: whole.map((at) => ({ in: `example:${at}`, out: String(at) })),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    alias: { ...ENTRIES },
    logLevel: 'silent',
    plugins: [
      {
        name: 'examples',
        setup(bundler) {
          bundler.onResolve({ filter: /^example:/ }, ({ path }) => ({ path, namespace: 'example' }));
          bundler.onLoad({ filter: /.*/, namespace: 'example' }, ({ path }) => ({
            contents: modules[Number(path.slice('example:'.length))] ?? '',
            loader: 'ts',
            resolveDir: ROOT,
          }));
        },
      },
    ],
  };
}

async function runOne(compiled: Compiled, promises: readonly Promised[], world: World): Promise<Result> {
  const failures: string[] = [];
  const reached = new Set<number>();
  const check: Check = (line, promised) => (value) => {
    reached.add(line);
    const problem = differs(value, promised);
    if (problem !== undefined) failures.push(`line ${line}: ${problem}`);
    return value;
  };
  await compiled({ ...world, check, console: { log: world.print } });
  for (const { line, text } of promises) {
    if (!reached.has(line)) failures.push(`line ${line}: never reached, so it did not give ${text}`);
  }
  return { checked: reached.size, failures };
}

function differs(value: unknown, promised: string): string | undefined {
  let expected: unknown;
  try {
    expected = runInThisContext(`(${promised}\n)`);
  } catch {
    return `\`${promised}\` is no value: write prose on a line of its own`;
  }
  const [got, wanted] = [print(value), print(expected)];
  return got === wanted ? undefined : `gives ${got}, not ${wanted}`;
}

function print(value: unknown): string {
  return inspect(value, { depth: Infinity, breakLength: Infinity, maxArrayLength: null, maxStringLength: null });
}

/** What the compiler says of the examples as a user would write them: strict, against the types of the sources. */
export function typeErrors(examples: readonly Example[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'ssemble-types-'));
  try {
    mkdirSync(join(folder, 'src'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const names = examples.map((example, at) => {
      writeFileSync(join(folder, 'src', `${at}.ts`), toModule(example, typedParameters(example)));
      return `src/${at}.ts: ${example.name}`;
    });
    const compilerOptions = {
      noEmit: true,
      composite: false,
      declaration: false,
      declarationMap: false,
      isolatedDeclarations: false,
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
      noUnusedLocals: false,
      noUnusedParameters: false,
      noPropertyAccessFromIndexSignature: false,
      skipLibCheck: true,
      rootDir: '/',
      module: 'preserve',
      lib: ['ES2023', 'ESNext.Disposable'],
      types: ['node'],
      paths: Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [name, [file]])),
    };
    const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: ['src'], exclude: [] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
      encoding: 'utf8',
      cwd: folder,
    });
    if (status === 0) return '';
    const said = `${stdout}${stderr}`.trim();
    return names.reduce((text, name) => text.replaceAll(`${name.split(':')[0]}(`, `${name} (`), said);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function typedParameters({ given }: Example): string {
  return Object.entries({ ...GIVEN, ...given })
    .map(([name, type]) => `${name}: ${type}`)
    .join(', ');
}

// --- examples in TSDoc ---

/** A doc comment, and the name that it stands over. */
export interface DocComment {
  line: number;
  /** The declared name; `''` where the comment stands over none. */
  subject: string;
  /** Whether the declaration is exported, at the left margin. */
  exported: boolean;
  /** The comment's text without its stars. */
  text: string;
  /** The code of each `@example`. */
  examples: string[];
}

const SUBJECT =
  /^\s*(?:(export) )?(?:declare |abstract |static |async |override |readonly |get |set )*(?:(?:class|function|const|interface|type)\s+)?(\[?[\w$.]+\]?)/;

/** Every doc comment of a source file. */
export function docComments(source: string): DocComment[] {
  return [...source.matchAll(/\/\*\*[\s\S]*?\*\//g)].map((found) => {
    const after = source.slice(found.index + found[0].length).replace(/^\s*\n/, '');
    const subject = SUBJECT.exec(after);
    const text = found[0]
      .slice(3, -2)
      .split('\n')
      .map((line) => line.replace(/^\s*\* ?/, ''))
      .join('\n')
      .trim();
    return {
      line: source.slice(0, found.index).split('\n').length,
      subject: subject?.[2] ?? '',
      exported: subject?.[1] !== undefined,
      text,
      examples: examplesIn(text),
    };
  });
}

function examplesIn(text: string): string[] {
  return text
    .split(/^@example\b.*$/m)
    .slice(1)
    .map((rest) => {
      const own = rest.split(/^@\w+/m)[0] ?? '';
      return (/^```\w*\n([\s\S]*?)^```/m.exec(own)?.[1] ?? own).trim();
    });
}
