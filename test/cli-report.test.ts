/** `ssemble report`: what goes into the page, where it goes, and what is said when that cannot be. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { formatCapture } from '../src/capture/writer.ts';
import type { ReportData } from '../src/report/data.ts';
import { builtProgram } from './support/build.ts';
import { ran, TextSink } from './support/cli.ts';
import * as m from './support/messages.ts';
import { captureOf } from './support/report.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'ssemble-cli-report-'));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const BODY = [m.start(), m.textStart(0), m.textDelta(0, 'Hé\u009b </script>'), m.blockStop(0), m.messageDelta(), m.stop]
  .map(m.frame)
  .join('');
const CUT = [m.start(), m.textStart(0), m.textDelta(0, 'Hi')].map(m.frame).join('');

function file(name: string, content: string): string {
  const path = join(FOLDER, name);
  writeFileSync(path, content);
  return path;
}

const capture = captureOf(
  [
    [10, CUT.slice(0, 100)],
    [25, CUT.slice(100)],
  ],
  { end: 'reset', us: 30_000, error: 'ECONNRESET' },
  { request: { method: 'POST', url: 'https://api.example/v1/messages' }, clock: { zero: 'request' } },
);

async function data(argv: readonly string[], input = ''): Promise<ReportData> {
  const { out, code, err } = await ran(['report', '--json', ...argv], input);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as ReportData;
}

describe('ssemble report', () => {
  test('a body is one chunk without a time, whatever pieces it was read in', async () => {
    const { streams, tool } = await data([file('body.sse', BODY)]);
    expect(tool).toBe('ssemble/0.0.0');
    expect(streams).toHaveLength(1);
    expect(streams[0]).toMatchObject({
      name: join(FOLDER, 'body.sse'),
      header: { source: { kind: 'sse', chunks: 'made' } },
      chunks: [[null, BODY]],
      lint: { profile: 'strict', outcome: { status: 'complete', stopReason: 'end_turn' } },
      timing: { timed: false },
    });
  });

  test('a capture keeps its chunks, its times and its end', async () => {
    const path = file('cut.capture.jsonl', formatCapture(capture));
    const [stream] = (await data([path, '--profile', 'sdk'])).streams;
    expect(stream).toMatchObject({
      header: { request: { url: 'https://api.example/v1/messages' } },
      chunks: [
        [10_000, CUT.slice(0, 100)],
        [25_000, CUT.slice(100)],
      ],
      end: { end: 'reset', error: 'ECONNRESET' },
      lint: { profile: 'sdk', outcome: { status: 'disconnected' } },
      timing: { timed: true, clocks: { firstByte: 10, end: 30 } },
    });
    expect(stream?.rules.map(({ id }) => id).toSorted()).toEqual(
      [...new Set(stream?.lint.findings.map(({ rule }) => rule))].toSorted(),
    );
  });

  test('several inputs are several streams, in their order, - among them', async () => {
    const { streams } = await data([file('a.sse', BODY), '-'], CUT);
    expect(streams.map(({ name }) => name)).toEqual([join(FOLDER, 'a.sse'), 'standard input']);
    expect(streams.map(({ lint }) => lint.outcome.status)).toEqual(['complete', 'truncated']);
  });

  test('--from-middle says nothing of what is missing before', async () => {
    const middle = file('middle.sse', BODY.slice(BODY.indexOf('event: content_block_delta')));
    const rules = async (...more: string[]): Promise<string[]> =>
      (await data([middle, ...more])).streams[0]?.lint.findings.map(({ rule }) => rule) ?? [];
    expect((await rules()).length).toBeGreaterThan((await rules('--from-middle')).length);
  });

  test('a terminal gets no page', async () => {
    const { code, err, out } = await ran(['report', file('b.sse', BODY)], '', { stdout: new TextSink(80) });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toBe('ssemble: A page is nothing for a terminal. Name a file: `ssemble report … -o report.html`.\n');
  });

  test('what cannot be read is told, and the others are shown', async () => {
    const { code, err, out } = await ran(['report', '--json', join(FOLDER, 'none.sse'), file('c.sse', BODY)]);
    expect(code).toBe(3);
    expect(err).toContain('there is no such file');
    expect((JSON.parse(out) as ReportData).streams).toHaveLength(1);
    const broken = await ran([
      'report',
      '--json',
      file('d.jsonl', '{"ssemble":"capture","version":1}\n{"x":1}\n[1]\n'),
    ]);
    expect(broken.code).toBe(3);
    expect(broken.out).toBe('');
  });

  test('what cannot be written is told', async () => {
    const target = join(FOLDER, 'no', 'such', 'folder.html');
    const { code, err } = await ran(['report', '--json', file('e.sse', BODY), '-o', target]);
    expect(code).toBe(3);
    expect(err).toContain(`Cannot write ${target}: ENOENT`);
  });

  test('Ctrl-C ends with 130', async () => {
    const interrupt = AbortSignal.abort();
    const { code } = await ran(['report', '--json', file('f.sse', BODY)], '', { interrupt });
    expect(code).toBe(130);
  });

  test('an installation without its viewer says so', async () => {
    const { code, err } = await ran(['report', file('g.sse', BODY)]);
    expect(code).toBe(3);
    expect(err).toMatch(/Cannot read viewer\.(js|css): it is missing from this installation/);
  });

  test('the program writes the page, to a file and to a pipe alike', () => {
    const program = builtProgram();
    const source = file('h.sse', BODY);
    const target = join(FOLDER, 'h.html');
    const written = spawnSync(process.execPath, [program, 'report', source, '-o', target], { encoding: 'utf8' });
    expect({ code: written.status, out: written.stdout }).toEqual({ code: 0, out: '' });
    expect(written.stderr).toBe(`Wrote ${target} (0.1 MB)\n`);
    const page = readFileSync(target, 'utf8');
    const piped = spawnSync(process.execPath, [program, 'report', source], { encoding: 'utf8' });
    expect(piped.status).toBe(0);
    // No character of the page is one that standard output would escape.
    expect(piped.stdout).toBe(page);
    const embedded = /<script type="application\/json"[^>]*>(.*)<\/script>\n<script>/.exec(page)?.[1] ?? '';
    expect((JSON.parse(embedded) as ReportData).streams[0]?.chunks).toEqual([[null, BODY]]);
  });
});
