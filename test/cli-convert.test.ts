/** `ssemble convert`, from inside: what it prints, writes, refuses, and tells. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { importCaptures } from '../src/capture/importers/index.ts';
import { parseCapture } from '../src/capture/reader.ts';
import { formatCapture } from '../src/capture/writer.ts';
import { convertBytes } from '../src/cli/commands/convert.ts';
import type { Sink } from '../src/cli/terminal.ts';
import type { World } from '../src/cli/world.ts';
import { parseBedrock } from '../src/carriers/bedrock.ts';
import { NdjsonParser } from '../src/carriers/ndjson.ts';
import { type StreamEvent } from '../src/index.ts';
import { encodeUtf8 } from '../src/sse/utf8.ts';
import { builtProgram } from './support/build.ts';
import { hasCaptures, readCapture } from './support/captures.ts';
import { chunkFrame, joinBytes } from './support/carrier-frames.ts';
import { ran, TextSink } from './support/cli.ts';
import { textBody, textEvents } from './support/messages.ts';

const BODY = textBody(['Hel', 'lo']);
const EVENTS = textEvents(['Hel', 'lo']);
const BEDROCK = joinBytes(EVENTS.map(chunkFrame));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ssemble-convert-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}
const read = (...names: string[]): string => readFileSync(join(folder, ...names), 'utf8');
const list = (name: string): string[] =>
  (readdirSync(join(folder, name), { recursive: true, withFileTypes: true }) as { name: string; isFile(): boolean }[])
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();

/** Keeps bytes as they are. */
class ByteSink extends TextSink implements Sink {
  bytes: Buffer[] = [];
  override writeBytes(bytes: Uint8Array): void {
    this.bytes.push(Buffer.from(bytes));
  }
}

async function printed(argv: readonly string[], input?: Uint8Array): Promise<Buffer> {
  const stdout = new ByteSink();
  const world: Partial<World> = { stdout };
  if (input !== undefined) world.stdin = { stream: Readable.from([Buffer.from(input)]), isTTY: false, isFile: true };
  const { code, err } = await ran(['convert', ...argv], '', world);
  expect([code, err]).toEqual([0, '']);
  return Buffer.concat([Buffer.from(stdout.text), ...stdout.bytes]);
}

const twoStreams = (): string =>
  [...textEvents(['a'], 'msg_a'), ...textEvents(['b'], 'msg_b'), { type: 'system', session_id: 's' }]
    .map((event) => `${JSON.stringify(event)}\n`)
    .join('');

describe('one stream', () => {
  test('goes to standard output as a capture, with the program that made it', async () => {
    const text = (await printed([file('a.sse', BODY)])).toString();
    const { header, chunks } = parseCapture(text);
    expect(header).toEqual({
      ssemble: 'capture',
      version: 1,
      tool: 'ssemble/0.0.0',
      source: { kind: 'sse', name: 'a.sse', chunks: 'made' },
    });
    expect(chunks).toHaveLength(EVENTS.length);
  });

  test('comes back from a capture byte for byte, bytes that are no text included', async () => {
    const bytes = new Uint8Array([...encodeUtf8(BODY), 0xff, 0x00, 0xc3, 0x0d]);
    const capture = file('a.capture.jsonl', await printed([file('a.sse', bytes)]));
    expect(new Uint8Array(await printed(['--to', 'sse', capture]))).toEqual(bytes);
  });

  test('is read from standard input', async () => {
    expect((await printed(['--to', 'sse'], BEDROCK)).toString()).toBe(BODY);
    expect((await printed(['--to', 'sse', '-'], encodeUtf8(BODY))).toString()).toBe(BODY);
  });

  test('becomes events, which are read back as they were', async () => {
    const odd = `${BODY}event: x\ndata: oops\n\ndata: [DONE]\n\n`;
    for (const target of ['events', 'stream-json']) {
      const text = await printed(['--to', target], encodeUtf8(odd));
      const events: StreamEvent[] = [];
      const parser = new NdjsonParser({ onEvent: (event) => events.push(event) });
      parser.push(text);
      parser.end();
      expect(events.slice(0, -2)).toEqual(EVENTS);
      expect(events.slice(-2)).toEqual([
        { type: 'unknown', reason: 'json', raw: 'oops' },
        { type: 'unknown', reason: 'sentinel', raw: '[DONE]' },
      ]);
    }
    const [line = ''] = (await printed(['--to', 'stream-json'], encodeUtf8(BODY))).toString().split('\n');
    expect(JSON.parse(line)).toEqual({ type: 'stream_event', event: EVENTS[0], parent_tool_use_id: null });
  });

  test('is what --from says', async () => {
    const text = (await printed(['--from', 'sse', '--to', 'capture'], encodeUtf8('{"type":"error"}'))).toString();
    expect(parseCapture(text).chunks).toHaveLength(1);
    const refused = await ran(['convert', '--from', 'har'], BODY);
    expect(refused.code).toBe(3);
    expect(refused.err).toBe(
      'ssemble: standard input: Cannot import stdin: it has no log.entries; save it again as HAR, with content\n',
    );
  });

  test('goes to a file, or into a folder', async () => {
    const input = file('a.sse', BODY);
    for (const target of ['new.jsonl', 'there/', 'there']) {
      expect(await ran(['convert', input, '--force', '-o', join(folder, target)])).toEqual({
        out: '',
        err: '',
        code: 0,
      });
    }
    expect(list('there')).toEqual(['a.capture.jsonl']);
    expect(read('new.jsonl')).toBe(read('there', 'a.capture.jsonl'));
    expect((await ran(['convert', '-o', join(folder, 'there')], BODY)).code).toBe(0);
    expect(list('there')).toEqual(['a.capture.jsonl', 'stdin.capture.jsonl']);
  });

  test('does not reach a terminal as control characters', async () => {
    const { out } = await ran(['convert', '--to', 'sse'], 'data: \u001b[2J\n\n', { stdout: new TextSink(80) });
    expect(out).toBe('data: \\x1b[2J\n\n');
  });

  test('that is cut is told', async () => {
    const { out, err, code } = await ran(['convert', '--to', 'events'], `${BODY}event: ping\ndata: {"ty`);
    expect(out.trimEnd().split('\n')).toHaveLength(EVENTS.length);
    expect(err).toBe('ssemble: standard input: the stream: The last event is cut: left out\n');
    expect(code).toBe(0);
  });

  test('that is no stream says what it is', async () => {
    const { out, err } = await ran(['convert', '--from', 'sse', '--to', 'events'], '<html>');
    expect(out).toBe('');
    expect(err).toContain('the stream: The body is not an event stream: it is a page that begins with `<html>`');
  });

  test('is cut by Ctrl-C where it is', async () => {
    const controller = new AbortController();
    const stream = new Readable({ read() {} });
    stream.push(BODY);
    setTimeout(() => controller.abort(), 20);
    const stdin = { stream, isTTY: false, isFile: false };
    const { out, code } = await ran(['convert', '--to', 'sse'], '', { stdin, interrupt: controller.signal });
    expect([out, code]).toEqual([BODY, 130]);
  });
});

describe('several streams', () => {
  test('need a folder', async () => {
    const input = file('log.jsonl', twoStreams());
    for (const output of [[], ['-o', join(folder, 'x.jsonl')]]) {
      const { out, err, code } = await ran(['convert', input, ...output]);
      expect([out, code]).toEqual(['', 2]);
      expect(err).toBe(`ssemble: There are 2 streams in ${input}. Give a folder for them with \`-o DIR/\`.\n`);
    }
    expect(existsSync(join(folder, 'x.jsonl'))).toBe(false);
  });

  test('are numbered, and what else was there is told', async () => {
    const input = file('log.jsonl', twoStreams());
    const { err, code } = await ran(['convert', input, '--to', 'sse', '-o', join(folder, 'out/')]);
    expect(code).toBe(0);
    expect(err).toBe(`ssemble: ${input}: line ${2 * (EVENTS.length - 1) + 1} of type system: no event of a stream\n`);
    expect(list('out')).toEqual(['log.jsonl-1.sse', 'log.jsonl-2.sse']);
    expect(read('out', 'log.jsonl-2.sse')).toBe(textBody(['b'], 'msg_b'));
  });

  test('--json tells it on one line, on standard output where the data goes to files', async () => {
    const input = file('log.jsonl', twoStreams());
    const { out, err } = await ran(['convert', input, '--json', '-o', join(folder, 'out/')]);
    expect(err).toBe('');
    expect(JSON.parse(out)).toEqual({
      input,
      kind: 'stream-json',
      outputs: [1, 2].map((n) => join(folder, 'out', `log.jsonl-${n}.capture.jsonl`)),
      skipped: [{ where: `line ${2 * (EVENTS.length - 1) + 1} of type system`, why: 'no event of a stream' }],
    });
    const single = await ran(['convert', '--json', '--to', 'sse'], BODY);
    expect(single.out).toBe(BODY);
    expect(JSON.parse(single.err)).toEqual({ input: 'standard input', kind: 'sse', outputs: [], skipped: [] });
  });

  test('a long list of what was left out is cut, with the number', async () => {
    const entries = Array.from({ length: 25 }, () => ({ request: { url: 'https://example.com/' }, response: {} }));
    const stream = { request: {}, response: { content: { mimeType: 'text/event-stream', text: BODY } } };
    const input = JSON.stringify({ log: { entries: [...entries, stream] } });
    const { err } = await ran(['convert', '--to', 'sse'], input);
    expect(err.split('\n')).toHaveLength(22);
    expect(err).toContain('standard input: 5 more were left out; --json lists them all\n');
  });
});

describe('several files', () => {
  test('need a folder that is one', async () => {
    const inputs = [file('a.sse', BODY), file('b.bin', BEDROCK)];
    expect(await ran(['convert', ...inputs])).toMatchObject({
      code: 2,
      err: 'ssemble: Several inputs need a folder to write to. Give one with `-o DIR/`.\n',
    });
    expect((await ran(['convert', ...inputs, '-o', inputs[0] as string])).err).toContain('is not a folder');
    expect(read('a.sse')).toBe(BODY);
  });

  test('are converted each, and one that cannot be does not stop the others', async () => {
    const inputs = [file('a.sse', BODY), join(folder, 'missing.sse'), file('c.txt', 'hello'), file('b.bin', BEDROCK)];
    const { out, err, code } = await ran(['convert', ...inputs, '--to', 'sse', '-o', join(folder, 'out/')]);
    expect([out, code]).toEqual(['', 3]);
    expect(err).toContain(`ssemble: Cannot read ${inputs[1]}: there is no such file\n`);
    expect(err).toContain(`ssemble: ${inputs[2]}: Cannot import c.txt: it is of no kind that is known here`);
    expect(list('out')).toEqual(['a.sse.sse', 'b.bin.sse']);
    expect(read('out', 'b.bin.sse')).toBe(BODY);
  });

  test('of one name are refused before anything is written', async () => {
    const inputs = [file('x/a.sse', BODY), file('y/a.sse', BODY)];
    const { err, code } = await ran(['convert', ...inputs, '-o', join(folder, 'out/')]);
    expect([err, code]).toEqual([
      'ssemble: Two inputs are called a.sse. Convert them one at a time, each to its own folder.\n',
      2,
    ]);
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });

  test('of a folder keep their places below it', async () => {
    for (const name of ['a.sse', 'x/a.sse', 'x/y/b.bin', 'z.capture.jsonl', 'note.txt']) {
      const capture = formatCapture(importCaptures(BODY).captures[0] as never);
      file(`in/${name}`, name.endsWith('.bin') ? BEDROCK : name.endsWith('.jsonl') ? capture : BODY);
    }
    const { err, code } = await ran(['convert', join(folder, 'in'), '-o', join(folder, 'out')]);
    expect([err, code]).toEqual(['', 0]);
    expect(list('out')).toEqual([
      'a.capture.jsonl',
      'a.capture.jsonl',
      'b.bin.capture.jsonl',
      'z.capture.jsonl.capture.jsonl',
    ]);
    expect(parseCapture(read('out', 'x', 'y', 'b.bin.capture.jsonl')).header.source?.kind).toBe('bedrock');
  });

  test('are taken from a list of paths', async () => {
    const inputs = [file('in/a.sse', BODY), file('in/b.sse', BODY)];
    const paths = `${JSON.stringify(inputs[0])}\n${JSON.stringify({ path: inputs[1] })}\n`;
    const { out, code } = await ran(['convert', '--json', '-o', join(folder, 'out/'), '-'], paths);
    expect(code).toBe(0);
    const outputs = out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { outputs: string[] }).outputs);
    expect(outputs).toEqual(inputs.map((path) => [join(folder, 'out', path.replace('.sse', '.capture.jsonl'))]));
    expect(existsSync(outputs[1]?.[0] as string)).toBe(true);
  });
});

describe('what is there', () => {
  test('stays there without --force', async () => {
    const input = file('a.sse', BODY);
    file('out/a.capture.jsonl', 'mine');
    const { err, code } = await ran(['convert', input, '-o', join(folder, 'out')]);
    expect(code).toBe(3);
    expect(err).toContain('a.capture.jsonl: it is there already; use --force to overwrite it\n');
    expect(read('out', 'a.capture.jsonl')).toBe('mine');
    expect((await ran(['convert', input, '--force', '-o', join(folder, 'out')])).code).toBe(0);
    expect(read('out', 'a.capture.jsonl')).toContain('"ssemble":"capture"');
  });

  test('is never the input', async () => {
    const input = file('a.sse', BODY);
    const { err, code } = await ran(['convert', input, '-o', input]);
    expect([err, code]).toEqual([`ssemble: ${input} is the input. Give another file with \`-o FILE\`.\n`, 2]);
    expect(read('a.sse')).toBe(BODY);
  });
});

describe('what cannot be', () => {
  test.each<[string, string[], number, string]>([
    ['an unknown kind', ['--from', 'yaml'], 2, '--from cannot be "yaml"'],
    ['an unknown target', ['--to', 'mp3'], 2, '--to cannot be "mp3"'],
    ['a file that is not there', ['/nowhere/a.sse'], 3, 'Cannot read /nowhere/a.sse: there is no such file'],
    ['a place that is not there', ['-o', '/dev/null/x.jsonl', '-'], 3, 'Cannot write /dev/null/x.jsonl: '],
  ])('%s is refused', async (_, argv, code, message) => {
    const result = await ran(['convert', ...argv], BODY);
    expect(result.code).toBe(code);
    expect(result.err).toContain(message);
    expect(result.out).toBe('');
  });

  test('a file without a stream says what was in it', async () => {
    const har = JSON.stringify({ log: { entries: [{ request: { url: 'https://a.example/' }, response: {} }, {}] } });
    const { err, code } = await ran(['convert'], har);
    expect(code).toBe(3);
    expect(err).toBe(
      'ssemble: Cannot convert standard input: there is no stream in it ' +
        '(entry 1: https://a.example/: its answer is no event stream (no content type), and 1 more)\n',
    );
    const asJson = await ran(['convert', '--json'], har);
    expect(JSON.parse(asJson.out)).toMatchObject({
      input: 'standard input',
      error: expect.stringContaining('no stream') as string,
    });
  });
});

describe.skipIf(!hasCaptures)('a real stream of Bedrock', () => {
  test('becomes a capture that gives the same message', () => {
    const name = 'Arize-ai-openinference__should-handle-invoke-model-with-response-stream';
    const bytes = readCapture(`bedrock/${name}.aws.bin`);
    const { outputs } = convertBytes('a.bin', bytes, { to: 'sse', tool: 'ssemble/0' });
    expect(outputs.map((output) => output.name)).toEqual(['a.bin.sse']);
    expect(Buffer.from(outputs[0]?.bytes ?? []).equals(readCapture(`bedrock/${name}.sse`))).toBe(true);
    expect(parseBedrock(bytes).stop_reason).toBe('max_tokens');
  });
});

describe('as a process', () => {
  let program = '';
  beforeAll(() => {
    program = builtProgram();
  }, 180_000);
  const convert = (argv: readonly string[], input?: Uint8Array) =>
    spawnSync(process.execPath, [program, 'convert', ...argv], { input, cwd: folder, maxBuffer: 1e8 });

  test('gives bytes into a pipe as they are', () => {
    const bytes = new Uint8Array([...encodeUtf8(BODY), 0xff, 0x00, 0x0d]);
    const capture = convert([], bytes);
    expect([capture.status, capture.stderr.toString()]).toEqual([0, '']);
    const back = convert(['--to', 'sse'], capture.stdout);
    expect(new Uint8Array(back.stdout)).toEqual(bytes);
  }, 60_000);

  test('converts a folder on several threads as on one', () => {
    for (let i = 0; i < 100; i++) file(`in/${i % 7}/${i}.sse`, textBody([`number ${i}`]));
    file('in/bad.json', '{}');
    for (const jobs of ['1', '3']) {
      const { status, stdout, stderr } = convert(['in', '-o', `out${jobs}/`, '--jobs', jobs, '--json']);
      expect([status, stderr.toString()]).toEqual([3, '']);
      const lines = stdout.toString().trimEnd().split('\n');
      expect(lines).toHaveLength(101);
      expect(lines.filter((line) => line.includes('"error"'))).toHaveLength(1);
    }
    expect(list('out3')).toEqual(list('out1'));
    expect(list('out3')).toHaveLength(100);
    expect(read('out3', '5', '5.capture.jsonl')).toBe(read('out1', '5', '5.capture.jsonl'));
  }, 60_000);
});

test('the command is one of the program', async () => {
  const { out, code } = await ran(['help', 'convert']);
  expect(code).toBe(0);
  expect(out).toContain('ssemble convert [options] [file…]');
});
