/**
 * What the README says is so: its generated parts are fresh, its code runs and type-checks, its commands exit as it says,
 * and every test and fixture that it names is there.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { builtProgram } from './support/build.ts';
import { compileExamples, type Example, type Result, typeErrors, type World } from './support/examples.ts';
import {
  codeBlocks,
  evidenceIn,
  GENERATORS,
  missingEvidence,
  partsOf,
  README,
  renderReadme,
  ROOT,
  runShell,
  sectionOf,
  tableRows,
} from './support/readme.ts';
import { openStream, startServer } from './support/server.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 180_000 });

beforeAll(() => void builtProgram());

if (process.env['UPDATE_README']) writeFileSync(README, await renderReadme(readFileSync(README, 'utf8')));

const readme = readFileSync(README, 'utf8');

describe('generated parts', () => {
  test('are fresh; UPDATE_README=1 makes them anew', async () => {
    expect(readme).toBe(await renderReadme(readme));
  });

  test('are all there, each once', () => {
    expect(partsOf(readme).toSorted()).toEqual(Object.keys(GENERATORS).toSorted());
  });

  test('a stale one is noticed', async () => {
    const stale = readme.replace('64 MiB', '63 MiB');
    expect(stale).not.toBe(readme);
    expect(await renderReadme(stale)).toBe(readme);
  });
});

// --- code ---

const GIVEN = {
  process: '{ env: Record<string, string | undefined>; stdout: { write(text: string): unknown } }',
  fetch: 'typeof globalThis.fetch',
  host: '{ print(...values: unknown[]): void; onBytes: (chunk: Uint8Array) => void; onClose: () => void }',
};

const blocks = codeBlocks(readme).filter(({ lang }) => lang === 'ts');
const examples: Example[] = blocks.map(({ code, line, heading }) => ({
  name: `README.md:${line} ${heading}`,
  code,
  given: GIVEN,
}));
// React's server renderer asks for modules of Node by `require`, which a bundled example does not have.
Object.assign(globalThis, { require: createRequire(import.meta.url) });
const { runs, dispose } = await compileExamples(examples);
afterAll(dispose);

const FIXTURE = readFileSync(join(ROOT, 'fixtures/messages/agent-turn.sse'));

interface Ran {
  result: Result | undefined;
  printed: unknown[][];
  written: string;
  requests: { headers: Record<string, unknown>; body: Record<string, unknown> }[];
}

/** Runs an example; a server on this machine stands for the API, and a few calls stand for the host's chunks. */
async function runExample(at: number): Promise<Ran> {
  const ran: Ran = { result: undefined, printed: [], written: '', requests: [] };
  const server = await startServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    ran.requests.push({ headers: request.headers, body: JSON.parse(body) as Record<string, unknown> });
    openStream(response);
    for (let from = 0; from < FIXTURE.length; from += 1000) response.write(FIXTURE.subarray(from, from + 1000));
    response.end();
  });
  const print: World['print'] = (...values) => void ran.printed.push([...values]);
  const host: { print: World['print']; onBytes?: (chunk: Uint8Array) => void; onClose?: () => void } = { print };
  const world: World = {
    print,
    process: { env: { ANTHROPIC_API_KEY: 'key' }, stdout: { write: (text: string) => (ran.written += text) } },
    fetch: (url: string, init: RequestInit) => {
      expect(url).toBe('https://api.anthropic.com/v1/messages');
      return fetch(server.url, init);
    },
    host,
  };
  try {
    ran.result = await runs[at]?.(world);
    for (let from = 0; from < FIXTURE.length; from += 7) host.onBytes?.(FIXTURE.subarray(from, from + 7));
    host.onClose?.();
  } finally {
    await server.close();
  }
  return ran;
}

const TOOLS = [
  ['read_file', { path: 'src/tide.ts' }],
  ['read_file', { path: 'test/tide.test.ts', offset: 120 }],
];

describe('code', () => {
  test.each(examples.map(({ name }, at) => [name, at] as const))('%s gives what it promises', async (_, at) => {
    const { result, printed } = await runExample(at);
    expect(result?.failures).toEqual([]);
    expect((result?.checked ?? 0) + printed.length, 'an example shows something').toBeGreaterThan(0);
  });

  test('compiles, strictly', () => {
    expect(typeErrors(examples)).toBe('');
  });

  test('with fetch: asks for a stream, prints the text and the tools', async () => {
    const ran = await runExample(examples.findIndex(({ code }) => code.includes('fetch(')));
    expect(ran.requests).toMatchObject([
      { headers: { 'x-api-key': 'key', 'anthropic-version': '2023-06-01' }, body: { stream: true } },
    ]);
    expect(ran.written).toBe('Let me read both files first.');
    // An empty line ends the text, so that the tools begin on a line of their own.
    expect(ran.printed).toEqual([[], ...TOOLS]);
  });

  test('without: the same from callbacks', async () => {
    const { printed } = await runExample(examples.findIndex(({ code }) => code.includes('host.onBytes')));
    const rest = printed.slice(printed.findIndex(([first]) => first === 'read_file'));
    expect(printed.slice(0, -rest.length).flat().join('')).toBe('Let me read both files first.');
    expect(rest).toEqual([...TOOLS, ['complete', 'tool_use']]);
  });
});

// --- commands ---

/** What is not run here, and why. */
const NOT_RUN: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^npm ci && npm test$/, 'it is what runs this'],
  [/^npm pack$/, 'it writes a file into the project; `npm run check:package` packs'],
  [/^npm install \.\/ssemble-[\d.]+\.tgz$/, 'it needs that file and a project of its own'],
  [/^npx ssemble report .* -o /, 'it writes a file into the project; see cli-report.test.ts'],
  [/^npx ssemble record --to /, 'it serves until Ctrl-C; see cli-record.test.ts'],
  [/^npx ssemble record -o /, 'it asks a server far away; see cli-record.test.ts'],
  [/^npx ssemble replay .* --serve/, 'it serves until Ctrl-C; see cli-replay.test.ts'],
];

const commands = codeBlocks(readme)
  .filter(({ lang }) => lang === 'sh')
  .flatMap(({ code, line }) => code.split('\n').map((command, at) => ({ command, line: line + 1 + at })));

describe('commands', () => {
  const runnable = commands.filter(({ command }) => NOT_RUN.every(([pattern]) => !pattern.test(command)));

  test.each(runnable.map(({ command, line }) => [`README.md:${line}`, command] as const))('%s %s', (_, command) => {
    const { status, output } = runShell(`set -o pipefail; ${command.replace(/^npm ci && /, '')}`);
    expect(output).not.toBe('');
    // `head` may close the pipe first: the program ends quietly with 0.
    expect(status, output).toBe(Number(/# .*exits with (\d+)$/.exec(command)?.[1] ?? 0));
  });

  test('what is not run is there', () => {
    const stale = NOT_RUN.filter(([pattern]) => commands.every(({ command }) => !pattern.test(command)));
    expect(stale).toEqual([]);
  });

  test('the file to install is the one that `npm pack` makes', () => {
    const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, string>;
    expect(commands.map(({ command }) => command)).toContain(`npm install ./${name}-${version}.tgz`);
  });

  const exits = tableRows(sectionOf(readme, 'Command line')).filter(([code = '']) => /^\d+$/.test(code));

  test('every exit code is there', () => {
    expect(exits.map(([code]) => Number(code))).toEqual([0, 1, 2, 3, 4, 130]);
  });

  test.each(exits.filter(([, , command = '']) => command.startsWith('`')))(
    'exit code %s: %s, %s',
    (code, _, command) => {
      expect(runShell(command.slice(1, -1)).status).toBe(Number(code));
    },
  );
});

// --- evidence ---

describe('evidence', () => {
  test.each(evidenceIn(readme).map((evidence) => [evidence.name, evidence] as const))('%s', (_, evidence) => {
    expect(missingEvidence(evidence)).toBeUndefined();
  });

  test('every guarantee names a test, and they are numbered', () => {
    const guarantees = sectionOf(readme, 'Guarantees')
      .split(/\n(?=\d+\. )/)
      .slice(1);
    expect(guarantees.map((text) => Number.parseInt(text, 10))).toEqual(guarantees.map((_, at) => at + 1));
    expect(guarantees.filter((text) => evidenceIn(text).every(({ title }) => title === undefined))).toEqual([]);
  });

  test('every bug names what shows that it is not here', () => {
    const rows = tableRows(sectionOf(readme, 'Why not by hand'));
    expect(rows.length).toBeGreaterThanOrEqual(20);
    expect(rows.filter((row) => evidenceIn(row.join(' ')).length === 0)).toEqual([]);
  });

  test('evidence that is not there is noticed', () => {
    const [gone, untitled, real] = evidenceIn(
      '`nowhere › a` `sse-parser › no such title` `sse-parser › many data lines`',
    );
    expect(missingEvidence(gone!)).toBe('test/nowhere.test.ts is not there');
    expect(missingEvidence(untitled!)).toBe('test/sse-parser.test.ts has no test "no such title"');
    expect(missingEvidence(real!)).toBeUndefined();
    expect(missingEvidence({ name: '', file: 'fixtures/hostile/nowhere.sse' })).toMatch(/is not there/);
  });
});

// --- the rest ---

describe('the house', () => {
  test('every room of src/ is in the table of rooms', () => {
    const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const named = tableRows(sectionOf(readme, 'How it is built')).map(([room]) => room);
    expect(new Set(named)).toEqual(new Set(rooms.map(({ name }) => `\`src/${name}/\``)));
  });

  test.each(['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'])('%s links to what is there', (page) => {
    const links = [...readFileSync(join(ROOT, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)];
    const files = readdirSync(ROOT, { recursive: false, encoding: 'utf8' });
    const lost = links
      .map((found) => found[1] as string)
      .filter((path) => {
        const [first = ''] = path.split('/');
        return !files.includes(first) || !existsAt(path);
      });
    expect(lost).toEqual([]);
  });

  test('no page names a path of one machine', () => {
    for (const page of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md']) {
      expect(readFileSync(join(ROOT, page), 'utf8')).not.toMatch(/(?:^|[\s`("'])\/(?:home|root|work|tmp|Users)\//);
    }
  });
});

function existsAt(path: string): boolean {
  try {
    readFileSync(join(ROOT, path));
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EISDIR';
  }
}
