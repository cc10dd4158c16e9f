/**
 * Many files: folders and what lies about in them, lists of paths, worker threads, progress, order, memory, Ctrl-C. Threads
 * and signals are tested on the built program, the rest from inside.
 */

import { type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { formatCapture } from '../src/capture/writer.ts';
import { filesIn, type Found, STREAM_FILES } from '../src/cli/file-list.ts';
import { overFiles } from '../src/cli/fleet.ts';
import { encodeUtf8 } from '../src/sse/utf8.ts';
import { builtProgram } from './support/build.ts';
import { ran, TextSink } from './support/cli.ts';
import * as m from './support/messages.ts';

vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'ssemble-many-'));
const body = m.textEvents(['a']).map(m.frame).join('');
const cut = m.frame(m.start());
let program = '';

beforeAll(() => {
  program = builtProgram();
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function saved(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** Captures that differ in length, times and how they end. */
function captures(name: string, count: number): string {
  for (let i = 0; i < count; i++) {
    const events = m.textEvents(Array.from({ length: 1 + (i % 7) }, (_, k) => `word ${k} `));
    const chunks = events.map((event, k) => ({ us: (100 + i + 10 * k) * 1000, bytes: encodeUtf8(m.frame(event)) }));
    const kept = i % 10 === 3 ? chunks.slice(0, 2) : chunks;
    const header = { ssemble: 'capture', version: 1, clock: { zero: 'request' } } as const;
    const text = formatCapture({ header, chunks: kept, end: { end: 'eof', us: 9_000_000 } });
    saved(`${name}/${i % 3}/${String(i).padStart(5, '0')}.capture.jsonl`, text);
  }
  return join(folder, name);
}

const listOf = (paths: readonly string[]): string => paths.map((path) => `${JSON.stringify(path)}\n`).join('');
const linesOf = (text: string): { name: string; error?: string }[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; error?: string });

describe('a folder', () => {
  it('is read without its named pipes, which might never end', async () => {
    const path = saved('pipes/a.sse', body);
    execFileSync('mkfifo', [join(folder, 'pipes/b.sse')]);
    const { out, code } = await ran(['stats', '--each', dirname(path)]);
    expect(linesOf(out).map(({ name }) => name)).toEqual([path]);
    expect(code).toBe(0);
  });

  it('is read with links to files, without links to folders, and a link that leads nowhere is told', async () => {
    const file = saved('links/a.sse', body);
    const links = dirname(file);
    symlinkSync('.', join(links, 'loop'));
    symlinkSync('../links', join(links, 'loop.sse'));
    symlinkSync('a.sse', join(links, 'b.sse'));
    const good = await ran(['lint', '--json', links]);
    expect(good.code).toBe(0);
    expect((JSON.parse(good.out) as { reports: object[] }).reports).toHaveLength(2);
    symlinkSync('nowhere', join(links, 'c.sse'));
    const bad = await ran(['lint', '--json', links]);
    expect(bad.err).toBe(`ssemble: Cannot read ${join(links, 'c.sse')}: there is no such file\n`);
    expect(bad.code).toBe(3);
  });

  it.each([['lint'], ['stats'], ['convert', '-o', join(folder, 'made/')]])(
    'without a stream is nothing to be content with: %s',
    async (...argv) => {
      saved('none/notes.txt', 'hello');
      const { err, code } = await ran([...argv, join(folder, 'none')]);
      expect(err).toContain(`No streams in ${join(folder, 'none')}: there is no `);
      expect(code).toBe(3);
    },
  );

  it('that cannot be read does not stop the others', async () => {
    const gone = join(folder, 'gone');
    const found: Found[] = [];
    for await (const each of filesIn(gone, STREAM_FILES)) found.push(each);
    expect(found).toEqual([{ path: gone, error: `Cannot read ${gone}: there is no such file` }]);
  });

  it('may hold empty and binary files', async () => {
    saved('odd/empty.sse', '');
    saved(
      'odd/noise.sse',
      Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919) % 256),
    );
    saved('odd/zeros.sse', new Uint8Array(3000));
    for (const command of ['lint', 'stats']) {
      const { err, code } = await ran([command, join(folder, 'odd')]);
      expect({ err, code }).toEqual({ err: '', code: 4 });
    }
  });

  it('may hold names that are no names for a terminal', async () => {
    const path = saved('names/two\nlines \u001b[31m.sse', cut);
    const shown = path.replace('\n', '\\n').replace('\u001b', '\\x1b');
    const text = await ran(['lint', dirname(path)]);
    expect(text.out.split('\n')[0]).toContain(`${shown}: truncated`);
    const json = await ran(['lint', '--json', dirname(path)]);
    expect((JSON.parse(json.out) as { reports: { name: string }[] }).reports[0]?.name).toBe(path);
    for (const command of ['lint', 'stats', 'view', 'events', 'message', 'report', 'diff']) {
      const words = command === 'diff' ? [`${path}?`, `${path}!`] : [`${path}?`];
      const { out, err } = await ran([command, ...words]);
      expect(`${out}${err}`).toContain(`Cannot read ${shown}?: there is no such file`);
      expect(`${out}${err}`).not.toContain('\u001b');
    }
  });
});

describe('a list of paths on standard input', () => {
  it('gives a line for each path, and a wrong line does not stop the others', async () => {
    const [a, b] = [saved('list/a.sse', body), saved('list/b.sse', cut)];
    const none = join(folder, 'list/none.sse');
    const list = `\uFEFF${JSON.stringify(a)}\r\n\r\nnot json\r\n{"path":7}\r\n${JSON.stringify(none)}\r\n{"path": ${JSON.stringify(b)}}`;
    for (const argv of [
      ['lint', '--json', '-'],
      ['stats', '--each', '-'],
    ]) {
      const { out, err, code } = await ran(argv, list);
      const lines = linesOf(out);
      expect(lines.map(({ name }) => name)).toEqual([a, 'not json', '{"path":7}', none, b]);
      expect(lines.map(({ error }) => error !== undefined)).toEqual([false, true, true, true, false]);
      expect(err).toContain('line 3 of the list of files');
      expect(code).toBe(3);
    }
  });

  it('that is none, but bare names, is told what is missing', async () => {
    const path = saved('list/c.sse', body);
    const { err, code } = await ran(['lint', '--json', '-'], `${path}\n${path}\n`);
    expect(err).toContain('a list of file names, not a stream. Write each name as a JSON string');
    expect(code).toBe(2);
    // The first line of a stream may be anything else.
    expect((await ran(['lint', '--json', '-'], 'a.sse.that.is.not.there\n')).code).toBe(4);
  });

  it('gives each line before the next path is known, and at Ctrl-C what it has', async () => {
    const path = saved('list/d.sse', body);
    const stream = new PassThrough();
    const stdout = new TextSink();
    const interrupt = new AbortController();
    const world = { stdin: { stream, isTTY: false, isFile: false }, stdout, interrupt: interrupt.signal };
    const running = ran(['lint', '--json', '-'], '', world);
    for (let count = 1; count <= 3; count++) {
      stream.write(listOf([path]));
      await vi.waitFor(() => expect(stdout.text.split('\n')).toHaveLength(count + 1));
    }
    interrupt.abort();
    expect(await running).toMatchObject({ code: 130, err: 'Interrupted: this is what came of the first 3 files.\n' });
    expect(linesOf(stdout.text)).toHaveLength(3);
  });
});

describe('worker threads', () => {
  let many = '';
  beforeAll(() => {
    many = captures('many', 120);
  });

  it.each([
    ['lint', '--json'],
    ['lint', '--format', 'text'],
    ['lint', '--format', 'sarif'],
    ['stats', '--json'],
    ['stats', '--each'],
  ])('give byte for byte what one thread gives, however many there are: %s %s', (...argv) => {
    const [one, two, seven] = ['1', '2', '7'].map((jobs) => {
      const { stdout, status } = spawnSync(process.execPath, [program, ...argv, '--jobs', jobs, many], {
        encoding: 'utf8',
        maxBuffer: 1e8,
      });
      return { stdout, status };
    });
    expect(one?.status).toBe(4);
    expect(one?.stdout.length).toBeGreaterThan(500);
    expect(two).toEqual(one);
    expect(seven).toEqual(one);
  });

  it('write the same files', () => {
    const [one, two] = ['1', '2'].map((jobs) => {
      const to = join(folder, `made-${jobs}`);
      spawnSync(process.execPath, [program, 'convert', '--to', 'sse', '--jobs', jobs, '-o', to, many]);
      const names = readdirSync(to, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.sse'));
      return names.sort().map((name) => [name, readFileSync(join(to, name), 'utf8')]);
    });
    expect(one).toHaveLength(120);
    expect(two).toEqual(one);
  });

  it('ask for no more paths than they can work on: memory does not depend on their number', async () => {
    const paths = readdirSync(many, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
    let asked = 0;
    async function* endless(): AsyncGenerator<Found> {
      for (;;) yield { path: join(many, paths[asked++ % paths.length] as string) };
    }
    const workerUrl = new URL('file-worker.js', pathToFileURL(program));
    const work = { work: 'stats', settings: { stallMs: 2000 }, workerUrl, jobs: 2 } as const;
    let got = 0;
    for await (const { error } of overFiles(endless(), { ...work, signal: new AbortController().signal })) {
      expect(error).toBeUndefined();
      // Two workers, four batches of 16 each; one batch more, and one path.
      expect(asked - got).toBeLessThanOrEqual(2 * 4 * 16 + 32);
      if (++got === 100) await new Promise((resolve) => setTimeout(resolve, 100));
      if (got === 1000) break;
    }
    expect(got).toBe(1000);
  });

  it('are never more than a machine can bear', () => {
    const argv = [program, 'stats', '--json', '--jobs', '1000000', many];
    expect(spawnSync(process.execPath, argv, { encoding: 'utf8' })).toMatchObject({ status: 4, stderr: '' });
  });

  it('that die end the run with a reason', async () => {
    async function* files(): AsyncGenerator<Found> {
      for (let i = 0; i < 1000; i++) yield { path: join(many, '0/00000.capture.jsonl') };
    }
    const workerUrl = new URL('data:text/javascript,process.exit(3)');
    const work = { work: 'stats', settings: { stallMs: 2000 }, workerUrl, jobs: 2 } as const;
    const running = overFiles(files(), { ...work, signal: new AbortController().signal });
    await expect(
      (async () => {
        for await (const _ of running);
      })(),
    ).rejects.toThrow('Cannot go on: a worker thread ended with code 3. --jobs 1 works without threads');
  });

  it('give each line before the next path is known, as alone, and at Ctrl-C what they have', async () => {
    const path = join(many, '0/00000.capture.jsonl');
    const child = spawn(process.execPath, [program, 'lint', '--json', '--jobs', '2', '-']);
    const lines = linesFrom(child);
    // The first ones are worked on without a worker.
    for (let count = 1; count <= 40; count++) {
      child.stdin.write(listOf([path]));
      await vi.waitFor(() => expect(lines).toHaveLength(count), { timeout: 10_000, interval: 2 });
    }
    child.kill('SIGINT');
    expect(await codeOf(child)).toBe(130);
    expect(lines).toHaveLength(40);
  });

  it('end at Ctrl-C with whole JSON, and exit code 130', async () => {
    // Never done: the same folder again and again.
    const words = Array.from({ length: 2000 }, () => many);
    const child = spawn(process.execPath, [program, 'lint', '--json', '--jobs', '2', ...words]);
    let out = '';
    child.stdout.on('data', (piece: Buffer) => {
      if (out === '') child.kill('SIGINT');
      out += piece.toString();
    });
    expect(await codeOf(child)).toBe(130);
    const { reports, summary } = JSON.parse(out) as { reports: object[]; summary: { streams: number } };
    expect(reports.length).toBeGreaterThan(0);
    expect(summary.streams).toBe(reports.length);
  });

  it('stop when nobody reads any more', async () => {
    const words = Array.from({ length: 2000 }, () => many);
    const child = spawn(process.execPath, [program, 'lint', '--jobs', '2', ...words]);
    let err = '';
    child.stderr.on('data', (piece: Buffer) => (err += piece.toString()));
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await codeOf(child)).toBe(0);
    expect(err).toBe('');
  });
});

describe('progress', () => {
  it('is a line on a terminal that goes away before anything else is written; elsewhere there is none', async () => {
    const many = captures('progress', 12);
    let now = 0;
    const stderr = new TextSink(80);
    const { out } = await ran(['stats', many], '', { stderr, now: () => (now += 60) });
    expect(stderr.text.replaceAll('\u001b', '')).toMatch(/\r\[K\[#+-*\] \d+ of 12 files, \d+\/s(, \d+ s left)?/);
    expect(stderr.text.endsWith('\r\u001b[K')).toBe(true);
    expect(out).not.toContain('\r');
    const narrow = new TextSink(30);
    await ran(['stats', many], '', { stderr: narrow, now: () => (now += 60) });
    // A line that wraps could not be taken away again.
    for (const line of narrow.text.split('\r\u001b[K')) expect(line.length).toBeLessThan(30);
    expect((await ran(['stats', many], '', { now: () => (now += 60) })).err).toBe('');
  });

  it('stays in sight while the work goes on, and comes back below what is said meanwhile', async () => {
    const many = captures('progress-stays', 6);
    let now = 0;
    const stderr = new TextSink(80);
    const changes = { stderr, env: { NO_COLOR: '1' }, now: () => (now += 200) };
    await ran(['stats', many, 'no-such-file.sse', many], '', changes);
    // What is on the terminal's last line after each piece that was written to it.
    const shown = stderr.text.split('\r\u001b[K').slice(1, -1);
    const words = shown.filter((line) => line.includes('no-such-file'));
    expect(words).toHaveLength(1);
    expect(words[0]).toMatch(/^ssemble: Cannot read no-such-file\.sse: .*\n/);
    // Each is a bar, but for what was said, and the line that was cleared for it.
    expect(shown.filter((line) => line.startsWith('[')).length).toBeGreaterThanOrEqual(shown.length - 2);
  });
});

function linesFrom(child: ChildProcessWithoutNullStreams): string[] {
  const lines: string[] = [];
  let rest = '';
  child.stdout.on('data', (piece: Buffer) => {
    const parts = (rest + piece.toString()).split('\n');
    rest = parts.pop() as string;
    lines.push(...parts);
  });
  return lines;
}

function codeOf(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  return new Promise((resolve) => child.on('close', resolve));
}
