/** `ssemble lint` and `ssemble redact`, from the command line. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { parseCapture } from '../src/capture/reader.ts';
import { REDACTION_PATTERNS } from '../src/capture/redact.ts';
import { formatCapture } from '../src/capture/writer.ts';
import { lintFile } from '../src/cli/commands/lint.ts';
import type { ReportData } from '../src/lint/formats/format.ts';
import { FORMATS, formatText } from '../src/lint/formats/index.ts';
import { lint } from '../src/lint/linter.ts';
import { PROFILES } from '../src/lint/profiles.ts';
import { RULES } from '../src/lint/rules.ts';
import { builtProgram } from './support/build.ts';
import { ran, TextSink } from './support/cli.ts';
import { frame, textBody, textEvents } from './support/messages.ts';

vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'ssemble-lint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const good = textBody(['Hel', 'lo']);
/** A delta for a block that was never started: an error. */
const bad = good.replace('"index":0,"delta"', '"index":7,"delta"');
/** The block comes late: a warning, and no error. */
const odd = good.replaceAll('"index":0', '"index":1');
const cut = good.slice(0, good.indexOf('event: message_delta'));

function captured(body: string): string {
  return formatCapture({
    header: { ssemble: 'capture', version: 1, clock: { zero: 'request' }, response: { status: 200, us: 10 } },
    chunks: body.split(/(?<=\n\n)/).map((text, i) => ({ us: 1000 * (i + 1), bytes: Buffer.from(text) })),
    end: { end: 'eof', us: 1000 * 50 },
  });
}

const rulesOf = ({ findings }: ReportData): string[] => findings.map(({ rule }) => rule);
const reportsOf = (out: string): ReportData[] => (JSON.parse(out) as { reports: ReportData[] }).reports;

describe('ssemble lint', () => {
  it('prints what the library says, and exits by the worst of it', async () => {
    const path = file('bad.sse', bad);
    const { out, err, code } = await ran(['lint', path]);
    expect(out).toBe(formatText([lint(bad, { name: path })]));
    expect(out).toContain('× delta-without-start');
    expect([err, code]).toEqual(['', 1]);
    expect((await ran(['lint', file('good.sse', good)])).code).toBe(0);
    expect((await ran(['lint', file('cut.sse', cut)])).code).toBe(4);
    expect((await ran(['lint', join(folder, 'none.sse')])).code).toBe(3);
  });

  it('reads standard input, and needs no name for it', async () => {
    const { out, code } = await ran(['lint'], bad);
    expect(out).toMatch(/^standard input: /);
    expect(code).toBe(1);
    const github = await ran(['lint', '--format', 'github'], bad);
    expect(github.out).toMatch(/^::error line=\d+,title=/);
  });

  it('fails from where it is told on', async () => {
    const path = file('odd.sse', odd);
    const codes = ['error', 'warning', 'never'].map(async (on) => (await ran(['lint', '--fail-on', on, path])).code);
    expect(await Promise.all(codes)).toEqual([0, 1, 0]);
    expect((await ran(['lint', '--fail-on', 'never', file('bad.sse', bad)])).code).toBe(0);
    // A job queue would do it again.
    expect((await ran(['lint', '--fail-on', 'never', file('cut.sse', cut)])).code).toBe(0);
    expect((await ran(['lint', '--fail-on', 'sometimes', path])).code).toBe(2);
  });

  it('leaves out rules that are to be ignored, and knows when there is none of that name', async () => {
    const path = file('bad.sse', bad);
    const all = reportsOf((await ran(['lint', '--json', path])).out)[0] as ReportData;
    expect(rulesOf(all)).toContain('delta-without-start');
    const some = await ran(['lint', '--json', '--ignore', 'delta-without-start', path]);
    expect(rulesOf(reportsOf(some.out)[0] as ReportData)).toEqual(
      rulesOf(all).filter((rule) => rule !== 'delta-without-start'),
    );
    const typo = await ran(['lint', '--ignore', 'delta-without-star', path]);
    expect([typo.code, typo.err]).toEqual([2, expect.stringContaining('`delta-without-start`')]);
  });

  it.each(Object.keys(PROFILES))('takes the profile %s', async (profile) => {
    const path = file('bad.sse', bad);
    const { out } = await ran(['lint', '--json', '--profile', profile, path]);
    expect(reportsOf(out)[0]).toMatchObject({ name: path, profile });
  });

  it.each(Object.keys(FORMATS))('writes %s, and one word for JSON', async (format) => {
    const { out, code } = await ran(['lint', '--format', format, file('bad.sse', bad)]);
    expect(out).toContain('delta-without-start');
    expect(code).toBe(1);
    if (format === 'json') expect((await ran(['lint', '--json', file('bad.sse', bad)])).out).toBe(out);
    else expect((await ran(['lint', '--json', '--format', format, file('bad.sse', bad)])).code).toBe(2);
  });

  it('fits text to the terminal, and to 100 columns where there is none', async () => {
    const path = file('bad.sse', bad);
    const wide = (out: string): number =>
      Math.max(
        ...out
          .split('\n')
          .slice(1)
          .map((line) => line.length),
      );
    const narrow = await ran(['lint', path], '', { stdout: new TextSink(60), env: { NO_COLOR: '1' } });
    expect(wide(narrow.out)).toBeLessThanOrEqual(wide((await ran(['lint', path])).out));
    expect(narrow.out.split('\n').length).toBeGreaterThan((await ran(['lint', path])).out.split('\n').length);
  });

  it('says of a capture what it says of its bytes, and when', async () => {
    const body = reportsOf((await ran(['lint', '--json', file('bad.sse', bad)])).out)[0] as ReportData;
    const capture = reportsOf(
      (await ran(['lint', '--json', file('bad.capture.jsonl', captured(bad))])).out,
    )[0] as ReportData;
    const places = ({ findings }: ReportData): unknown =>
      findings.map(({ rule, message, at: { event, byte, line } }) => ({ rule, message, event, byte, line }));
    expect(capture.capture).toBe(true);
    const untimed = { ...capture, findings: capture.findings.filter(({ rule }) => rulesOf(body).includes(rule)) };
    expect(places(untimed)).toEqual(places(body));
    const timed = capture.findings.find(({ rule }) => rule === 'delta-without-start');
    expect(timed?.at.us).toBeGreaterThan(0);
  });

  it('knows that a recorded connection broke', async () => {
    const broken = captured(cut).replace('{"end":"eof"', '{"end":"reset","error":"ECONNRESET"');
    const { out, code } = await ran(['lint', '--json', file('broken.capture.jsonl', broken)]);
    expect(reportsOf(out)[0]?.outcome).toMatchObject({ status: 'disconnected', error: { name: 'ConnectionError' } });
    expect(code).toBe(4);
  });

  it('believes the times of a live stream, not those of a saved one in a pipe', async () => {
    const body = textBody(Array.from({ length: 40 }, (_, i) => `${i} `));
    const live = async (ms: number): Promise<ReportData> => {
      let now = 0;
      const stdin = { stream: Readable.from([Buffer.from(body)]), isTTY: false, isFile: false };
      const { out } = await ran(['lint', '--json'], '', { stdin, now: () => (now += ms) });
      return reportsOf(out)[0] as ReportData;
    };
    const [saved, slow] = [await live(1), await live(1000)];
    expect(rulesOf(saved)).not.toContain('fake-streaming');
    expect(saved.counts.warning).toBe(0);
    expect(JSON.stringify(saved)).not.toContain('"us"');
    expect(rulesOf(slow)).toContain('fake-streaming');
    expect(slow.findings[0]?.at.us).toBeGreaterThan(0);
  });

  it('may begin in the middle', async () => {
    const events = textEvents(['Hel', 'lo']).map(frame);
    const path = file('middle.sse', events.slice(3).join(''));
    const rules = async (...more: string[]): Promise<string[]> =>
      rulesOf(reportsOf((await ran(['lint', '--json', ...more, path])).out)[0] as ReportData);
    expect(await rules()).toContain('missing-message-start');
    expect(await rules('--from-middle')).not.toContain('missing-message-start');
  });

  it('takes several files and folders, each in its turn, and goes on after one that cannot be read', async () => {
    file('tree/a.sse', good);
    file('tree/b/c.sse', bad);
    file('tree/notes.txt', 'no stream');
    const { out, err, code } = await ran([
      'lint',
      '--json',
      join(folder, 'tree'),
      join(folder, 'none.sse'),
      file('odd.sse', odd),
    ]);
    expect(reportsOf(out).map(({ name }) => name)).toEqual(
      ['tree/a.sse', 'tree/b/c.sse', 'odd.sse'].map((name) => join(folder, name)),
    );
    expect(err).toContain('none.sse: there is no such file');
    expect(code).toBe(3);
    const text = await ran(['lint', join(folder, 'tree')]);
    expect(text.out).toMatch(/\n2 streams, all complete: .*1 error/);
  });

  it('is a filter from paths to a line of JSON each', async () => {
    const paths = [file('bad.sse', bad), join(folder, 'none.sse'), file('good.sse', good)];
    const list = paths.map((path) => `${JSON.stringify(path)}\n`).join('');
    const { out, err, code } = await ran(['lint', '--json', '-'], list);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as ReportData & { error?: string });
    expect(lines.map(({ name }) => name)).toEqual(paths);
    expect(lines.map(({ error }) => error !== undefined)).toEqual([false, true, false]);
    expect(err).toContain('none.sse');
    expect(code).toBe(3);
  });

  it('works on one file as plain data that a thread can send', async () => {
    const path = file('cut.sse', cut);
    const report = await lintFile(path, { profile: 'strict', fromMiddle: false, ignore: [] });
    expect(structuredClone(report)).toEqual(report);
    expect(report.outcome.error).toEqual({ name: 'TruncatedError', message: expect.any(String) as string });
    await expect(lintFile(join(folder, 'none.sse'), {})).rejects.toThrow('there is no such file');
    await expect(lintFile('-', {})).rejects.toThrow('standard input');
  });

  it('lists its rules', async () => {
    const { out, code } = await ran(['lint', '--rules']);
    for (const { id } of RULES) expect(out).toMatch(new RegExp(`^ {2}(?:error|warning|info) +${id} +`, 'm'));
    expect(code).toBe(0);
    expect(JSON.parse((await ran(['lint', '--rules', '--json'])).out)).toEqual(RULES);
    // It reads nothing, so nobody needs to type.
    const stdin = { stream: new PassThrough(), isTTY: true, isFile: false };
    expect((await ran(['lint', '--rules'], '', { stdin })).code).toBe(0);
    const nothing = await ran(['lint'], '', { stdin });
    expect([nothing.err, nothing.code]).toEqual([expect.stringContaining('Nothing to read'), 2]);
  });

  it('finishes what is there when it is interrupted', async () => {
    const interrupt = new AbortController();
    const stream = new PassThrough();
    stream.write(bad);
    setTimeout(() => interrupt.abort(), 50);
    const stdin = { stream, isTTY: false, isFile: false };
    const { out, code } = await ran(['lint', '-'], '', { stdin, interrupt: interrupt.signal });
    expect(out).toContain('× delta-without-start');
    expect(code).toBe(130);
  });
});

describe('ssemble redact', () => {
  const secret = textBody(['mail jane@ex', 'ample.com and ls /U', 'sers/max']);
  const painted = secret
    .replace('jane@ex', 'xxxxxxx')
    .replace('ample.com', 'xxxxxxxxx')
    .replace('sers/max', 'sers/xxx');

  it('gives a body for a body, and tells on standard error what it did, never what it found', async () => {
    const { out, err, code } = await ran(['redact'], secret);
    expect(out).toBe(painted);
    expect(err).toBe('Removed: email, home.\nLook at the result before you publish it.\n');
    expect(code).toBe(0);
    expect((await ran(['redact'], good)).err).toMatch(/^Nothing found to remove\.\n/);
  });

  it('gives a capture for a capture, which says what was removed', async () => {
    const path = file('secret.capture.jsonl', captured(secret));
    const to = join(folder, 'public.capture.jsonl');
    const { out, code } = await ran(['redact', path, '-o', to]);
    expect([out, code]).toEqual(['', 0]);
    const [before, after] = [path, to].map((name) => parseCapture(readFileSync(name)));
    expect(after?.header.redacted).toEqual([
      { pattern: 'email', count: 1 },
      { pattern: 'home', count: 1 },
    ]);
    expect(after?.chunks.map(({ us, bytes }) => [us, bytes.length])).toEqual(
      before?.chunks.map(({ us, bytes }) => [us, bytes.length]),
    );
    expect(Buffer.concat(after?.chunks.map(({ bytes }) => bytes) ?? []).toString()).toBe(painted);
  });

  it('takes words and patterns, and only what it is told', async () => {
    const both = await ran(['redact', '--word', 'MAIL', '--pattern', 'a[mn]\\w+', '--only', 'home'], secret);
    expect(both.out).toContain('"xxxx jxxx@ex"');
    expect(both.out).toContain('"xxxxxcom'.replace('xxxxx', 'xxxxx.').replace('x.com', 'x.com'));
    expect(both.err).toMatch(/^Removed: home, pattern-1 ×\d, word-1\.\n/);
    expect((await ran(['redact', '--only', 'none'], secret)).out).toBe(secret);
    expect((await ran(['redact', '--also', 'ipv4'], textBody(['at 10.0.0.1']))).out).toContain('at xxxxxxxx');
  });

  it('tells of a wrong call before it reads', async () => {
    for (const [argv, words] of [
      [['--only', 'emial'], 'Did you mean `email`?'],
      [['--pattern', '(a+)+'], 'for ever'],
      [['--pattern', '('], 'Cannot redact /(/'],
      [['--word', ''], 'empty text'],
      [['--json'], '-o FILE'],
      [['a.sse', 'b.sse'], 'more than one file'],
      [['x.sse', '-o', './x.sse'], 'Cannot write over the input'],
    ] as const) {
      const { err, code, out } = await ran(['redact', ...argv], secret);
      expect([err, code, out]).toEqual([expect.stringContaining(words), 2, '']);
    }
    expect((await ran(['redact', '-o', join(folder, 'no/such/folder')], secret)).code).toBe(3);
  });

  it('lists its patterns and counts as JSON', async () => {
    expect((await ran(['redact', '--list'])).out.trimEnd().split('\n')).toHaveLength(REDACTION_PATTERNS.length);
    const list = JSON.parse((await ran(['redact', '--list', '--json'])).out) as { name: string }[];
    expect(list.map(({ name }) => name)).toEqual(REDACTION_PATTERNS.map(({ name }) => name));
    const output = join(folder, 'out.sse');
    expect(JSON.parse((await ran(['redact', '--json', '-o', output], secret)).out)).toEqual({
      output,
      redacted: [
        { pattern: 'email', count: 1 },
        { pattern: 'home', count: 1 },
      ],
    });
  });
});

describe('as a process', () => {
  it('lints a pipe, and redacts byte for byte', () => {
    const main = builtProgram();
    const linted = spawnSync(process.execPath, [main, 'lint', '--format', 'github'], { input: bad, encoding: 'utf8' });
    expect([linted.stdout, linted.status]).toEqual([expect.stringMatching(/^::error .*title=delta-without-start/m), 1]);
    const bytes = Buffer.concat([Buffer.from(good), Buffer.from(': \xff\xfe jane@example.com\r\n', 'latin1')]);
    const redacted = spawnSync(process.execPath, [main, 'redact'], { input: bytes });
    const expected = Buffer.from(bytes.toString('latin1').replace('jane@example.com', 'x'.repeat(16)), 'latin1');
    expect(redacted.stdout.equals(expected)).toBe(true);
  });
});

describe('timed captures', () => {
  const timed = fileURLToPath(new URL('../fixtures/timed/', import.meta.url));
  const names = readdirSync(timed).filter((name) => name.endsWith('.capture.jsonl'));

  it.each(names)('%s gives the rules beside it', async (name) => {
    const path = join(timed, name);
    const { rules } = JSON.parse(readFileSync(path.replace('.capture.jsonl', '.expect.json'), 'utf8')) as {
      rules: string[];
    };
    const { out } = await ran(['lint', '--json', path]);
    const [report] = (JSON.parse(out) as { reports: { findings: { rule: string }[] }[] }).reports;
    expect([...new Set(report?.findings.map(({ rule }) => rule))].toSorted()).toEqual(rules.toSorted());
  });
});
