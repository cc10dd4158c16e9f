/** `ssemble stats` from inside: the page of one stream, the table of many, JSON, and the exit codes. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { statsOfFile } from '../src/cli/commands/stats.ts';
import type { CaptureHeader } from '../src/capture/format.ts';
import { formatCapture } from '../src/capture/writer.ts';
import { encodeUtf8 } from '../src/sse/utf8.ts';
import { ran, TextSink } from './support/cli.ts';
import * as m from './support/messages.ts';

const folder = mkdtempSync(join(tmpdir(), 'ssemble-stats-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Came = readonly [ms: number, ...events: { type: string }[]];

function recorded(came: readonly Came[], header: Partial<CaptureHeader> = {}, endMs?: number): string {
  return formatCapture({
    header: { ssemble: 'capture', version: 1, clock: { zero: 'request' }, response: { us: 210_000 }, ...header },
    chunks: came.map(([ms, ...events]) => ({
      us: ms * 1000,
      bytes: encodeUtf8(events.map((event) => m.frame(event)).join('')),
    })),
    end: endMs === undefined ? undefined : { end: 'eof', us: endMs * 1000 },
  });
}

function saved(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const body = (events: readonly { type: string }[]): string => events.map((event) => m.frame(event)).join('');
const burst = Array.from({ length: 9 }, (_, i) => m.textDelta(0, `${i} `));
const came: readonly Came[] = [
  [250, m.start(), m.textStart(0)],
  [900, m.textDelta(0, 'Hello')],
  [1400, m.ping],
  [4000, ...burst],
  [7000, m.textDelta(0, '!'), m.blockStop(0), m.messageDelta()],
  [7010, m.stop],
];
const capture = saved('one.capture.jsonl', recorded(came, {}, 7012));

describe('the page of one stream', () => {
  it('names every clock, the gaps, the speed, and the stalls with who made them', async () => {
    const { code, out, err } = await ran(['stats', capture]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out.split('\n');
    expect(lines[0]).toMatch(/^claude-test · 17 events · [\d,]+ bytes · 7 output tokens · complete$/);
    for (const [label, ms] of [
      ['response head', '210'],
      ['first byte of the body', '250'],
      ['message_start', '250'],
      ['first content', '900'],
      ['first visible text', '900'],
      ['last content', '7,000'],
      ['message_stop', '7,010'],
      ['end of the body', '7,012'],
    ]) {
      expect(lines.find((line) => line.startsWith(label as string))).toMatch(new RegExp(`^${label} +${ms}( |$)`));
    }
    expect(out).toContain('gen_ai.client.operation.time_to_first_chunk');
    expect(out).toContain('gen_ai.client.operation.time_per_output_chunk');
    expect(out).toMatch(/between chunks +5 +650 +3,000 +3,000\n/);
    expect(out).toMatch(/between content +2 +3,000 +3,100 +3,100 /);
    expect(out).toContain('speed     1.1 output tokens a second, from first to last content');
    expect(out).toMatch(/timeline {2}\|.{60}\| 0 to 7,012 ms/);
    expect(out).toContain('stalls    2\n');
    expect(out).toContain('3,100 ms after event 4, at 900 ms: server alive: no progress, but 1 sign of life');
    expect(out).toContain('3,000 ms after event 13, at 4,000 ms: server silent: nothing came\n');
  });

  it('blames a proxy for what was held back, and the API for tool input', async () => {
    const held = saved('held.capture.jsonl', recorded([...came.slice(0, 2), [4000, ...burst]]));
    expect((await ran(['stats', held])).out).toContain(
      'held back: 9 events came at once after it, so they waited somewhere',
    );
    const input = burst.map(() => m.delta(0, { type: 'input_json_delta', partial_json: '1' }));
    const tool = saved('tool.capture.jsonl', recorded([...came.slice(0, 2), [4000, ...input]]));
    expect((await ran(['stats', tool])).out).toContain('mostly tool input, which the API itself collects');
  });

  it('says when all events came in one chunk', async () => {
    const one = saved('whole.capture.jsonl', recorded([[5000, ...came.flatMap(([, ...events]) => events)]]));
    expect((await ran(['stats', one])).out).toContain('something collected the whole stream');
  });

  it('says that the clocks are no waiting times where the request has no time', async () => {
    const foreign = saved('foreign.capture.jsonl', recorded(came, { clock: { zero: 'first-chunk' } }));
    expect((await ran(['stats', foreign])).out).toContain('these are not waiting times');
  });

  it('counts a saved body, and says why there are no times', async () => {
    const { code, out } = await ran(['stats', saved('body.sse', body(m.textEvents(['a', 'b'])))]);
    expect(code).toBe(0);
    expect(out).toMatch(/^claude-test · 8 events · .* · complete\nno times: this is a saved body/);
    expect(out.split('\n')).toHaveLength(3);
  });

  it('times a live stream, from when the program began to read', async () => {
    let now = 0;
    const stream = Readable.from(
      (function* () {
        now = 300;
        yield Buffer.from(body([m.start(), m.textStart(0)]));
        now = 800;
        yield Buffer.from(body([m.textDelta(0, 'a'), m.blockStop(0), m.messageDelta(), m.stop]));
        now = 900;
      })(),
      { highWaterMark: 1 },
    );
    const stdin = { stream, isTTY: false, isFile: false };
    const { code, out } = await ran(['stats', '--json'], '', { stdin, now: () => now });
    expect(code).toBe(0);
    const found = JSON.parse(out) as { zero: string; clocks: Record<string, number> };
    expect(found.zero).toBe('reading');
    // Each chunk may be stamped when the next one is read ahead; never earlier than it came.
    expect(found.clocks['firstByte']).toBeGreaterThanOrEqual(300);
    expect(found.clocks['end']).toBe(900);
  });

  it('tells a capture without times from a saved body, and prints nothing of what could not be read', async () => {
    const [first = ''] = recorded([], {}).split('\n');
    const timeless = saved(
      'timeless.capture.jsonl',
      `${first}\n${JSON.stringify([null, body(m.textEvents(['a']))])}\n`,
    );
    const { out, code } = await ran(['stats', timeless]);
    expect(out).toMatch(/^claude-test · 7 events · .* · complete\nno times: this capture has none\b/);
    expect(code).toBe(0);
    const broken = saved('broken.capture.jsonl', `${first}\n[5,"a"]\n[3,"b"]\n`);
    const failed = await ran(['stats', broken]);
    expect(failed).toMatchObject({ code: 3, out: '' });
    expect(failed.err).toContain('time goes back');
  });

  it('takes another threshold', async () => {
    expect((await ran(['stats', '--stall', '0.3', capture])).out).toContain('stalls    3\n');
    expect((await ran(['stats', '--stall', '60', capture])).out).toContain('stalls    none\n');
    for (const wrong of ['0', '-1', 'x']) expect((await ran(['stats', `--stall=${wrong}`, capture])).code).toBe(2);
  });

  it('prints JSON with every key, unknown values as null', async () => {
    const timed = JSON.parse((await ran(['stats', '--json', capture])).out) as Record<string, unknown>;
    const untimed = JSON.parse((await ran(['stats', '--json', '-'], body(m.textEvents(['a'])))).out) as typeof timed;
    expect(Object.keys(timed).sort()).toEqual(Object.keys(untimed).sort());
    expect(timed).toMatchObject({
      name: capture,
      model: 'claude-test',
      complete: true,
      zero: 'request',
      clocks: { headers: 210, firstContent: 900 },
      gaps: { count: 5, p50: 650, p95: 3000, max: 3000 },
      stalls: [
        { cause: 'server-alive', afterEvent: 4, from: 900, ms: 3100, signs: 1 },
        { cause: 'server-silent', afterEvent: 13, from: 4000, ms: 3000, signs: 0 },
      ],
      tokensPerSecond: 1.148,
    });
    expect(untimed).toMatchObject({ name: '-', zero: null, chunks: null, gaps: null, clocks: { firstByte: null } });
  });

  it('exits 4 for a stream that did not complete, 3 for what cannot be read', async () => {
    const cut = await ran(['stats', saved('cut.capture.jsonl', recorded(came.slice(0, 3)))]);
    expect(cut.code).toBe(4);
    expect(cut.out).toContain('not complete');
    expect((await ran(['stats', join(folder, 'none.sse')])).code).toBe(3);
    expect((await ran(['stats'], '')).code).toBe(4);
    const broken = await ran(['stats', saved('broken.capture.jsonl', `${recorded(came)}nonsense\n[8000,"data: x"]\n`)]);
    expect(broken.code).toBe(3);
    expect(broken.err).toContain('Cannot read');
  });

  it('prints what came when it is interrupted', async () => {
    const interrupt = new AbortController();
    const stream = new Readable({ read: () => undefined });
    stream.push(body([m.start(), m.textStart(0), m.textDelta(0, 'a')]));
    setTimeout(() => interrupt.abort(), 20);
    const stdin = { stream, isTTY: false, isFile: false };
    const result = await ran(['stats'], '', { stdin, interrupt: interrupt.signal });
    expect(result.code).toBe(130);
    expect(result.out).toContain('claude-test · 3 events');
  });

  it('gives a capture and its bytes the same counts', async () => {
    const bytes = came.flatMap(([, ...events]) => events);
    const pick = ({ out }: { out: string }): unknown => {
      const {
        events,
        pings,
        comments,
        bytes: length,
        outputTokens,
        model,
        complete,
      } = JSON.parse(out) as Record<string, unknown>;
      return { events, pings, comments, length, outputTokens, model, complete };
    };
    expect(pick(await ran(['stats', '--json', capture]))).toEqual(
      pick(await ran(['stats', '--json', '-'], body(bytes))),
    );
  });
});

describe('the table of many', () => {
  const many = join(folder, 'many');
  mkdirSync(join(many, 'deeper'), { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(many, name), text);
  const named = (model: string, at: number): readonly Came[] => {
    const start = m.start();
    (start['message'] as { model: string }).model = model;
    return [
      [at, start, m.textStart(0)],
      [at + 500, m.textDelta(0, 'a')],
      [at + 1500, m.textDelta(0, 'b'), m.blockStop(0), m.messageDelta(), m.stop],
    ];
  };
  for (let i = 1; i <= 20; i++) write(`x${i}.capture.jsonl`, recorded(named('claude-x', 100 * i)));
  write('deeper/y.capture.jsonl', recorded(named('claude-y', 400)));
  write('deeper/z.capture.jsonl', recorded(named('claude-y', 0), { clock: { zero: 'first-chunk' } }));
  write('body.sse', body(m.textEvents(['a'])));
  write('notes.txt', 'not a stream');

  it('has a row for each model, p50/p95 in each cell', async () => {
    const { code, out, err } = await ran(['stats', many]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [head = '', test = '', x = '', y = '', ...rest] = out.split('\n');
    expect(head.trim().split(/ {2,}/)).toEqual([
      'model',
      'streams',
      'cut',
      'stalls',
      'head',
      'byte',
      'start',
      'content',
      'text',
      'last',
      'stop',
      'gap p95',
      'longest',
      'tok/s',
    ]);
    expect(test).toMatch(/^claude-test +1 +0 +0 +-/);
    expect(x).toMatch(/^claude-x +20 +0 +0 +0\.21\/0\.21 +1\.00\/1\.90 +1\.00\/1\.90 +1\.50\/2\.40 /);
    expect(x).toMatch(/ 7\.0\/7\.0$/);
    expect(y).toMatch(/^claude-y +2 +0 +0 +0\.21\/0\.21 +0\.40\/0\.40 /);
    expect(rest.join('\n')).toContain('1 stream without times');
    expect(rest.join('\n')).toContain('1 stream without the time of the request: only gaps and speed');
  });

  it('takes several files, and one file as a table', async () => {
    const files = [1, 2].map((i) => join(many, `x${i}.capture.jsonl`));
    expect((await ran(['stats', ...files])).out).toMatch(/\nclaude-x +2 /);
    expect((await ran(['stats', '--by', 'model', files[0] as string])).out).toMatch(/\nclaude-x +1 /);
    expect((await ran(['stats', '--by', 'all', many])).out).toMatch(/\nall +23 /);
  });

  it('takes a list of paths on standard input, a line of JSON each', async () => {
    const list = [1, 2, 3].map((i) => JSON.stringify({ path: join(many, `x${i}.capture.jsonl`) })).join('\n');
    expect((await ran(['stats'], list)).out).toMatch(/\nclaude-x +3 /);
    const each = await ran(['stats', '--each', '-'], list);
    const lines = each.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; model: string });
    expect(lines.map(({ name }) => name)).toEqual([1, 2, 3].map((i) => join(many, `x${i}.capture.jsonl`)));
    expect(lines.every(({ model }) => model === 'claude-x')).toBe(true);
  });

  it('prints JSON for programs', async () => {
    const found = JSON.parse((await ran(['stats', '--json', many])).out) as Record<string, unknown>;
    expect(found).toMatchObject({
      by: 'model',
      streams: 23,
      failed: [],
      rows: [
        { name: 'claude-test', streams: 1, timed: 0, figures: {} },
        { name: 'claude-x', streams: 20, figures: { firstByte: { count: 20, p50: 1000, p95: 1900 } } },
        { name: 'claude-y', streams: 2, clockless: 1, figures: { firstByte: { count: 1, p50: 400, p95: 400 } } },
      ],
    });
  });

  it('goes on when a file cannot be read, and says which', async () => {
    const missing = join(many, 'none.sse');
    const { code, out, err } = await ran(['stats', missing, join(many, 'body.sse')]);
    expect(code).toBe(3);
    expect(err).toBe(`ssemble: Cannot read ${missing}: there is no such file\n`);
    expect(out).toMatch(/\nclaude-test +1 /);
    const json = await ran(['stats', '--json', missing, join(many, 'body.sse')]);
    expect(JSON.parse(json.out)).toMatchObject({ streams: 1, failed: [{ path: missing }] });
  });

  it('exits 4 if one did not complete, and tells a folder without streams', async () => {
    const cut = saved('cut.sse', body([m.start()]));
    expect((await ran(['stats', cut, join(many, 'body.sse')])).code).toBe(4);
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    expect(await ran(['stats', empty])).toMatchObject({ code: 3, out: '' });
    expect((await ran(['stats', empty])).err).toContain(
      `No streams in ${empty}: there is no .sse or .capture.jsonl file`,
    );
  });

  it('gives the same in a worker as here: the work on a file is plain data', async () => {
    const path = join(many, 'x1.capture.jsonl');
    const found = await statsOfFile(path, { stallMs: 2000 });
    expect(structuredClone(found)).toEqual(found);
    await expect(statsOfFile('-', { stallMs: 2000 })).rejects.toThrow('standard input');
  });

  it('says who made the stalls', async () => {
    const { out } = await ran(['stats', '--by', 'all', capture, capture]);
    expect(out).toMatch(/\nall +2 +0 +4 /);
    expect(out).toContain('stalls: 2 server alive, 2 server silent\n');
  });

  it('leaves out columns that a terminal has no room for, and says which', async () => {
    const { out } = await ran(['stats', many], '', { stdout: new TextSink(80), env: { NO_COLOR: '1' } });
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(out.split('\n')[0]).toMatch(/^model +streams +cut +stalls .*content.* tok\/s$/);
    expect(out).toContain('no room for: head, byte, start, ');
  });

  it('fits its columns to what stands in them', async () => {
    const { out } = await ran(['stats', many], '', { stdout: new TextSink(200), env: { NO_COLOR: '1' } });
    const [head = '', ...rows] = out.split('\n').slice(0, 4);
    for (const row of rows) expect(row.length).toBe(head.length);
  });
});
