/**
 * The README as data: its generated parts and what makes them, its code blocks, and the tests that it names.
 *
 * A part between `<!-- generated: NAME -->` and `<!-- /generated -->` belongs to {@link GENERATORS}; the rest is written by
 * hand. `UPDATE_README=1 npx vitest run test/readme.test.ts` writes the parts anew.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { MEANINGS } from '../../src/lint/meanings.ts';
import { RULES } from '../../src/lint/rules.ts';
import { type DiagnosticCode, SEVERITIES } from '../../src/protocol/codes.ts';
import { ERROR_CLASSES } from '../../src/protocol/api-error.ts';
import { builtProgram } from './build.ts';
import { docComments, ENTRIES } from './examples.ts';

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));
export const README: string = join(ROOT, 'README.md');

// --- generated parts ---

type Generator = () => string | Promise<string>;

/** What makes each generated part. */
export const GENERATORS: Readonly<Record<string, Generator>> = {
  picture: () => session('npx ssemble fixtures/messages/agent-turn.sse'),
  'picture: cut': () => session('npx ssemble fixtures/hostile/truncated-in-tool.sse'),
  'picture: lint': () => session('npx ssemble lint fixtures/hostile/index-reused.sse'),
  'picture: events': () => session('npx ssemble events fixtures/messages/tool.sse | head -8'),
  help: () => session('npx ssemble --help'),
  limits: limitsTable,
  codes: codesTable,
  errors: errorsTable,
  api: apiTables,
  performance: performanceTable,
  comparison: comparisonTable,
  rules: rulesList,
  runtimes: runtimesTable,
};

const PART = /<!-- generated: ([^>]+?) -->\n[\s\S]*?<!-- \/generated -->/g;

/** The names of the generated parts, in order. */
export function partsOf(readme: string): string[] {
  return [...readme.matchAll(PART)].map((found) => found[1] as string);
}

/** The README with every generated part made anew, laid out as the formatter lays it out. */
export async function renderReadme(readme: string): Promise<string> {
  let text = readme;
  for (const name of partsOf(readme)) {
    const made = await GENERATORS[name]?.();
    if (made === undefined) throw new Error(`README.md: nothing makes the part "${name}"`);
    const [open, close] = [`<!-- generated: ${name} -->`, '<!-- /generated -->'];
    const start = text.indexOf(open) + open.length;
    text = `${text.slice(0, start)}\n\n${made}\n\n${text.slice(text.indexOf(close, start))}`;
  }
  const { prettier } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { prettier: object };
  return format(text, { ...prettier, parser: 'markdown' });
}

/** What a person sees in a terminal, without colours. */
function session(command: string): string {
  const { output } = runShell(command);
  const lines = output.split('\n').map((line) => line.trimEnd());
  return ['```console', `$ ${command}`, ...lines, '```'].join('\n').replace(/\n+```$/, '\n```');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Every rule by its group, those with an error first. */
function rulesList(): string {
  const groups = [...new Set(RULES.map(({ group }) => group))];
  const lines = groups.map((group) => {
    const rules = RULES.filter((rule) => rule.group === group).toSorted(
      (a, b) => WEIGHT[a.severity] - WEIGHT[b.severity],
    );
    return `- **${group}** (${rules.length}): ${rules.map(({ id }) => `\`${id}\``).join(' · ')}`;
  });
  return `There are ${RULES.length} rules, each with a level (documented, observed, or only required by clients) and a source:\n\n${lines.join('\n')}`;
}

/** What `node test/runtimes/run.mjs --save` saved. */
interface RuntimeRow {
  title: string;
  version: string;
  cases: number;
  checks: number;
  failures: number;
  shown: [what: string, holds: boolean | string][];
}

function runtimesTable(): string {
  const rows = JSON.parse(readFileSync(join(ROOT, 'test/runtimes/results.json'), 'utf8')) as RuntimeRow[];
  return table(
    ['runtime', 'version', 'suite', 'besides'],
    rows.map(({ title, version, cases, checks, failures, shown }) => [
      title,
      version,
      failures === 0 ? `${cases} cases, ${checks.toLocaleString('en-US')} checks` : `**${failures} failures**`,
      shown
        .map(([what, holds]) => (holds === true ? what : `${what}: ${holds === false ? '**no**' : holds}`))
        .join('; '),
    ]),
  );
}

/** What `node bench/compare.mjs --save` saved. */
interface Comparison {
  clients: Record<string, { bytes: number; needs: string; verdicts: Record<string, Record<string, string>> }>;
}

/** How many streams each client got right, ours and the others by the same rules. */
function comparisonTable(): string {
  const { clients } = JSON.parse(readFileSync(join(ROOT, 'bench/results/compare.json'), 'utf8')) as Comparison;
  const count = (verdicts: Record<string, string> = {}, ...wanted: string[]): string =>
    String(Object.values(verdicts).filter((verdict) => wanted.includes(verdict)).length);
  const total = ({ messages, hostile }: Record<string, Record<string, string>>): number =>
    Number(count(messages, 'read', 'reported')) + Number(count(hostile, 'read', 'reported'));
  const rows = Object.entries(clients)
    .toSorted(([, a], [, b]) => total(b.verdicts) - total(a.verdicts))
    .map(
      ([
        name,
        {
          bytes,
          needs,
          verdicts: { messages, hostile },
        },
      ]) => [
        name,
        count(messages, 'read', 'reported'),
        count(hostile, 'read', 'reported'),
        count({ ...hostile, ...messages }, 'wrong'),
        count({ ...hostile, ...messages }, 'silent'),
        count({ ...hostile, ...messages }, 'refused'),
        (bytes / 1000).toFixed(1),
        needs === '' ? 'none' : needs,
      ],
    );
  const sizes = Object.values(clients)[0]?.verdicts ?? {};
  const of = (set: string): number => Object.keys(sizes[set] ?? {}).length;
  return table(
    [
      'client',
      `right, of ${of('messages')} that the API sends`,
      `right, of ${of('hostile')} hostile`,
      'wrong',
      'silent',
      'refused',
      'kB',
      'globals that it needs',
    ],
    rows,
  );
}

/** What `node bench/run.mjs --goals --json` saved: only what the table needs. */
interface BenchResults {
  runtime: { name: string; version: string };
  questions: Record<string, { title: string; goals: BenchGoal[] }>;
}

interface BenchGoal {
  text: string;
  limit?: number;
  atMost?: boolean;
  value?: number;
  met?: boolean;
}

/** Every goal, reached or not, on both runtimes. */
function performanceTable(): string {
  const results = ['node-20', 'node-24'].map(
    (name) => JSON.parse(readFileSync(join(ROOT, `bench/results/${name}.json`), 'utf8')) as BenchResults,
  );
  const rows = Object.entries(results[0]?.questions ?? {}).flatMap(([id, { title, goals }]) =>
    goals
      .filter(({ limit }) => limit !== undefined)
      .map(({ text }) => [
        `${title}: ${text}`,
        ...results.map(({ questions }) => judged(questions[id]?.goals.find((goal) => goal.text === text))),
      ]),
  );
  return table(['question', ...results.map(({ runtime }) => `Node ${runtime.version} (goal)`)], rows);
}

/** A figure with its goal; what is not reached says so. */
function judged({ value, limit, atMost, met }: BenchGoal = { text: '' }): string {
  if (value === undefined || limit === undefined) return 'not measured';
  const figure = value >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
  const goal = `${atMost === true ? '≤' : '≥'} ${limit.toLocaleString('en-US')}`;
  return met === true ? `${figure} (${goal})` : `**not reached:** ${figure} (${goal})`;
}

/** How a caller sets each limit; `''` where it is fixed. */
const OPTIONS: Readonly<Record<string, string>> = {
  MAX_LINE_BYTES: '`limits.maxLineBytes`',
  MAX_EVENT_BYTES: '`limits.maxEventBytes`',
  MAX_DIAGNOSTICS: '`limits.maxDiagnostics`',
  MAX_DEPTH: '`new PartialJson({ maxDepth })`',
  MAX_RAW_CHARS: 'fixed',
  MAX_FOREIGN_BODY_BYTES: 'fixed',
  MAX_FRAME_BYTES: 'fixed',
  MAX_FRAME_HEADER_BYTES: 'fixed',
};

async function limitsTable(): Promise<string> {
  const file = join(ROOT, 'src/limits.ts');
  const values = (await import('../../src/limits.ts')) as Record<string, unknown>;
  const rows = docComments(readFileSync(file, 'utf8'))
    .filter(({ subject }) => typeof values[subject] === 'number')
    .map(({ subject, text }) => {
      const { first, rest } = sentences(text);
      return [first, amount(subject, values[subject] as number), OPTIONS[subject] ?? '?', rest];
    });
  return table(['what', 'default', 'option', 'why that much'], rows);
}

function amount(name: string, value: number): string {
  if (!name.endsWith('_BYTES')) return value.toLocaleString('en');
  const kib = value / 1024;
  return kib < 1024 ? `${kib} KiB` : `${kib / 1024} MiB`;
}

/** The first sentence, and what follows it. Both on one line; links become plain names. */
function sentences(text: string): { first: string; rest: string } {
  const plain = (text.split(/^@\w+/m)[0] ?? '')
    .split(/\n\n/)
    .map((part) => part.replaceAll('\n', ' '))
    .join('\n')
    .replace(/\{@link ([^}]+)\}/g, '`$1`');
  const [paragraph = '', ...more] = plain.trim().split('\n');
  const end = /\.(?= |$)|:(?= [A-Z0-9]|$)/.exec(paragraph);
  const cut = end === null ? paragraph.length : end.index + 1;
  const rest = [paragraph.slice(cut), ...more].join(' ').trim();
  return { first: paragraph.slice(0, cut).replace(/[.:]$/, ''), rest };
}

const WEIGHT = { error: 0, warning: 1, info: 2 } as const;

function codesTable(): string {
  const codes = Object.keys(SEVERITIES) as DiagnosticCode[];
  const rows = codes
    .toSorted((a, b) => WEIGHT[SEVERITIES[a]] - WEIGHT[SEVERITIES[b]])
    .map((code) => [`\`${code}\``, SEVERITIES[code], MEANINGS[code]]);
  return table(['code', 'severity', 'meaning'], rows);
}

function docsOf(file: string): Map<string, string> {
  const documented = docComments(readFileSync(join(ROOT, file), 'utf8')).filter(({ exported }) => exported);
  return new Map(documented.map(({ subject, text }) => [subject, text]));
}

function errorsTable(): string {
  const docs = [
    ...docsOf('src/errors.ts'),
    ...[...docsOf('src/protocol/api-error.ts')].filter(([name]) => name === 'ApiError'),
  ];
  const rows = docs.map(([name, text]) => [`\`${name}\``, sentences(text).first]);
  const byStatus = Object.entries(ERROR_CLASSES).map(([status, { name }]) => `\`${name}\` ${status}`);
  return `${table(['class', 'when'], rows)}\n\nThe classes of \`ApiError\` by status: ${byStatus.join(' · ')}; other 5xx: \`InternalServerError\`.`;
}

/** All that an entry exports at run time, but for the errors, which have a table of their own. */
async function apiTables(): Promise<string> {
  const parts: string[] = [];
  for (const [entry, file] of Object.entries(ENTRIES)) {
    const exported = (await import(/* @vite-ignore */ file)) as Record<string, unknown>;
    const names = Object.keys(exported)
      .filter((name) => !isErrorClass(exported[name]))
      .toSorted((a, b) => KINDS.indexOf(kindOf(exported[a])) - KINDS.indexOf(kindOf(exported[b])));
    const rows = names.map((name) => [`\`${name}\``, kindOf(exported[name]), summaryOf(name)]);
    parts.push(`**\`${entry}\`**\n\n${table(['name', 'kind', 'what it is'], rows)}`);
  }
  return parts.join('\n\n');
}

function isErrorClass(value: unknown): boolean {
  return typeof value === 'function' && value.prototype instanceof Error;
}

const KINDS = ['class', 'function', 'table'];

function kindOf(value: unknown): string {
  if (typeof value !== 'function') return 'table';
  return /^class\b/.test(Function.prototype.toString.call(value)) ? 'class' : 'function';
}

/** The first sentence of the doc comment over a public name. */
function summaryOf(name: string): string {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('cli/'),
  );
  const text = files.map((file) => docsOf(`src/${file}`).get(name)).find((found) => found !== undefined);
  if (text === undefined) throw new Error(`README.md: ${name} is exported and has no doc comment`);
  return `${sentences(text).first}.`;
}

// --- commands ---

/** Runs a shell line as a reader would type it at the project's root; standard error goes where standard output goes. */
export function runShell(command: string): { status: number | null; output: string } {
  const program = builtProgram();
  const line = command.replaceAll(/\bnpx ssemble\b/g, '"$NODE" "$PROGRAM"');
  const curl = 'curl() { cat fixtures/messages/agent-turn.sse; }';
  const { status, stdout } = spawnSync('bash', ['-c', `exec 2>&1; ${curl}; ${line}`], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], NODE: process.execPath, PROGRAM: program, NO_COLOR: '1', COLUMNS: '120' },
  });
  return { status, output: stdout };
}

// --- code blocks ---

export interface CodeBlock {
  lang: string;
  line: number;
  /** The heading that it stands under. */
  heading: string;
  code: string;
}

/** The code blocks that are written by hand. */
export function codeBlocks(readme: string): CodeBlock[] {
  const blanked = readme.replace(PART, (part) => part.replace(/[^\n]/g, ''));
  return [...blanked.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map((found) => ({
    lang: found[1] as string,
    code: (found[2] as string).trimEnd(),
    line: blanked.slice(0, found.index).split('\n').length,
    heading: [...blanked.slice(0, found.index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? '',
  }));
}

/** The lines of the section under a heading, up to the next one of its level or above. */
export function sectionOf(readme: string, heading: string): string {
  const start = readme.indexOf(`\n## ${heading}\n`);
  if (start < 0) throw new Error(`README.md has no section "${heading}"`);
  const end = readme.indexOf('\n## ', start + 4);
  return readme.slice(start, end < 0 ? undefined : end);
}

/** The rows of all tables in a text, without heads; cells trimmed. */
export function tableRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line, at, lines) => line.startsWith('|') && !/^\|[ :|-]+\|$/.test(line) && lines[at - 1]?.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

// --- evidence ---

/** A test or a fixture that the README names as evidence. */
export interface Evidence {
  /** As it stands there. */
  name: string;
  file: string;
  /** The title of a test, or of a row of its table. */
  title?: string;
}

/** Every `file › title` and every `fixtures/….sse` of a text. */
export function evidenceIn(text: string): Evidence[] {
  return [...text.matchAll(/(`+)([^\n]+?)\1(?!`)/g)].flatMap(([, , name = '']) => {
    if (/^fixtures\/[\w/-]+\.sse$/.test(name)) return [{ name, file: name }];
    const found = /^([\w-]+) › (.+)$/.exec(name);
    return found === null ? [] : [{ name, file: `test/${found[1]}.test.ts`, title: found[2] as string }];
  });
}

/** Why the evidence is none; `undefined` if it is there. */
export function missingEvidence({ file, title }: Evidence): string | undefined {
  const path = join(ROOT, file);
  if (!existsSync(path)) return `${file} is not there`;
  if (title === undefined) return undefined;
  const source = readFileSync(path, 'utf8');
  const tables = [...source.matchAll(/'(\.\/support\/[\w-]+\.ts)'/g)].map((found) =>
    readFileSync(join(ROOT, 'test', found[1] as string), 'utf8'),
  );
  const literals = [`'${title.replaceAll("'", "\\'")}'`, `"${title}"`, `\`${title}\``];
  const found = [source, ...tables].flatMap((text) => literals.map((literal) => before(text, literal)));
  const places = found.filter((place) => place !== undefined);
  if (places.length === 0) return `${file} has no test "${title}"`;
  return places.every((place) => /\.(?:skip|todo|fails)\($/.test(place))
    ? `${file}: "${title}" does not run`
    : undefined;
}

function before(text: string, literal: string): string | undefined {
  const at = text.indexOf(literal);
  return at < 0 ? undefined : text.slice(Math.max(0, at - 20), at).trimEnd();
}
