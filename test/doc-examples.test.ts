/**
 * Every `@example` in the sources compiles, runs, and gives the values that its comments promise; and everything that a
 * user may call has one.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { compileExamples, docComments, ENTRIES, type Example, instrument, typeErrors } from './support/examples.ts';

vi.setConfig({ testTimeout: 60_000 });

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/** What is exported, may be called, and has no example of its own. */
const STATUS_CLASS = 'one class for each HTTP status, made by ApiError.from(), whose example makes one';
const EXEMPT: Readonly<Record<string, string>> = {
  BadRequestError: STATUS_CLASS,
  AuthenticationError: STATUS_CLASS,
  PaymentRequiredError: STATUS_CLASS,
  PermissionDeniedError: STATUS_CLASS,
  NotFoundError: STATUS_CLASS,
  RequestTimeoutError: STATUS_CLASS,
  ConflictError: STATUS_CLASS,
  PreconditionFailedError: STATUS_CLASS,
  ContentTooLargeError: STATUS_CLASS,
  UnprocessableEntityError: STATUS_CLASS,
  RateLimitError: STATUS_CLASS,
  RequestHeaderFieldsTooLargeError: STATUS_CLASS,
  ClientClosedRequestError: STATUS_CLASS,
  InternalServerError: STATUS_CLASS,
  NotImplementedError: STATUS_CLASS,
  ServiceUnavailableError: STATUS_CLASS,
  GatewayTimeoutError: STATUS_CLASS,
  OverloadedError: STATUS_CLASS,
};

const entries = await Promise.all(
  Object.entries(ENTRIES).map(async ([name, file]) => [name, file, await exportsOf(file)] as const),
);
/** Of a name that several entries have, the first. */
const publicScope = [
  ...new Map(
    entries.flatMap(([name, , exported]) => Object.keys(exported).map((key) => [key, name] as const)).reverse(),
  ),
];

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort();
const comments = files.flatMap((file) =>
  docComments(readFileSync(join(SRC, file), 'utf8')).map((comment) => ({ file, ...comment })),
);

function exportsOf(file: string): Promise<Record<string, unknown>> {
  return import(/* @vite-ignore */ file) as Promise<Record<string, unknown>>;
}

/** What an example without imports sees: all public names, then those of its own file. */
async function scopeOf(file: string): Promise<(readonly [string, string])[]> {
  const path = join(SRC, file);
  const own = Object.keys(await exportsOf(path)).filter((key) => publicScope.every(([name]) => name !== key));
  return [...publicScope, ...own.map((key) => [key, path] as const)];
}

const examples: Example[] = await Promise.all(
  comments.flatMap(({ file, line, subject, examples: codes }) =>
    codes.map(async (code, at) => ({
      name: `src/${file}:${line} ${subject}${at > 0 ? ` (${at + 1})` : ''}`,
      code,
      scope: /^import\s/m.test(code) ? [] : await scopeOf(file),
    })),
  ),
);
const { runs, dispose } = await compileExamples(examples);
afterAll(dispose);

describe('an example in TSDoc', () => {
  test.each(examples.map(({ name }, at) => [name, at] as const))('%s gives what it promises', async (_, at) => {
    const print = (): void => {};
    const result = await runs[at]?.({ print });
    expect(result?.failures).toEqual([]);
    expect(result?.checked, 'an example shows at least one value').toBeGreaterThan(0);
  });

  test('compiles, strictly', () => {
    expect(typeErrors(examples)).toBe('');
  });
});

describe('what is exported', () => {
  /** The doc comment over the declaration of a public name. */
  const docOf = (key: string) => comments.filter(({ subject, exported }) => exported && subject === key);
  const callable = entries.flatMap(([entry, , exported]) =>
    Object.entries(exported).flatMap(([key, value]) => (typeof value === 'function' ? [[entry, key] as const] : [])),
  );

  test.each(entries.flatMap(([entry, , exported]) => Object.keys(exported).map((key) => [entry, key] as const)))(
    '%s: %s has one doc comment',
    (_, key) => {
      // Two entries may each have their own thing of one name: `streamMessage` is in every transport.
      const things = new Set(entries.flatMap(([, , exported]) => (key in exported ? [exported[key]] : [])));
      expect(docOf(key).map(({ file }) => file)).toHaveLength(things.size);
    },
  );

  test.each(callable.filter(([, key]) => EXEMPT[key] === undefined))('%s: %s has an example', (_, key) => {
    expect(docOf(key).flatMap(({ examples: codes }) => codes)).not.toEqual([]);
  });

  test('no exemption is stale', () => {
    const needless = Object.keys(EXEMPT).filter(
      (key) => callable.every(([, name]) => name !== key) || docOf(key).some(({ examples: codes }) => codes.length > 0),
    );
    expect(needless).toEqual([]);
  });

  test('package.json names the same entries', () => {
    const { exports } = JSON.parse(readFileSync(join(SRC, '../package.json'), 'utf8')) as {
      exports: Record<string, string | { default: string }>;
    };
    const named = Object.entries(exports).flatMap(([key, target]) =>
      typeof target === 'string' ? [] : [[`ssemble${key.slice(1)}`, target.default]],
    );
    const made = Object.entries(ENTRIES).map(([name, file]) => [
      name,
      `./dist/${relative(SRC, file).replace(/\.ts$/, '.js')}`,
    ]);
    expect(made).toEqual(named);
  });
});

describe('the checks can fail', () => {
  const run = async (code: string): Promise<readonly string[]> => {
    const compiled = await compileExamples([{ name: 'made up', code }]);
    try {
      const print = (): void => {};
      return (await compiled.runs[0]?.({ print }))?.failures ?? ['did not run'];
    } finally {
      compiled.dispose();
    }
  };

  test.each([
    ["1 + 1; // 2\n'a'; // 'a'\nfor (const n of [1, 1]) console.log(n); // 1", []],
    ['1 + 1; // 3', ['line 1: gives 2, not 3']],
    ['[1, 2]; // [1]', ['line 1: gives [ 1, 2 ], not [ 1 ]']],
    ['for (const n of [1, 2]) console.log(n); // 1', ['line 1: gives 2, not 1']],
    ['if (false)\n  console.log(1); // 1', ['line 2: never reached, so it did not give 1']],
    [
      "import { nothing } from 'ssemble';\nnothing(); // 1",
      ['No matching export in "src/index.ts" for import "nothing"'],
    ],
    ['1; // one, as prose', ['line 1: `one, as prose` is no value: write prose on a line of its own']],
  ])('%j', async (code, failures) => {
    expect(await run(code)).toEqual(failures);
  });

  test('a comment after anything but an expression is prose', () => {
    const code = 'const a = 1; // one\n// a; // 2\nfor (const b of [a]) {\n  break; // leaves\n}';
    expect(instrument(code)).toEqual({ code, promises: [] });
  });

  test('a type error is one', () => {
    expect(typeErrors([{ name: 'made up', code: "const n: number = 'a';" }])).toMatch(/made up .*TS2322/);
  });
});
