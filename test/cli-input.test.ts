/** What the commands read: saved bodies, captures and live streams give the same; how a recording ended is told. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import type { Capture, CaptureEnd } from '../src/capture/format.ts';
import { formatCapture } from '../src/capture/writer.ts';
import { ran } from './support/cli.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ssemble-input-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const body = (name: string): Buffer => readFileSync(join(ROOT, `fixtures/${name}.sse`));

/** The bytes as a capture with a chunk of `size` bytes every millisecond. */
function recording(bytes: Uint8Array, size: number, end: CaptureEnd | undefined): Capture {
  const chunks = [];
  for (let at = 0; at < bytes.length; at += size) {
    chunks.push({ us: 1000 * (at / size + 1), bytes: bytes.subarray(at, at + size) });
  }
  return { header: { ssemble: 'capture', version: 1, clock: { zero: 'request' } }, chunks, end };
}

function saved(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const untimed = (text: string): string =>
  text
    .replace(/ · first byte .*? ms/g, '')
    .replace(/ · first content .*? ms/g, '')
    .replace(/ · total .*? ms/g, '');

describe('a capture', () => {
  test.each([
    'messages/agent-turn',
    'messages/tool',
    'hostile/index-reused',
    'hostile/truncated-in-tool',
    'hostile/body-html',
  ])('%s reads like its body', async (name) => {
    const bytes = body(name);
    const plain = join(ROOT, `fixtures/${name}.sse`);
    for (const size of [1, 7, 1400]) {
      const path = saved('x.capture.jsonl', formatCapture(recording(bytes, size, { end: 'eof', us: 99_000_000 })));
      for (const command of ['view', 'view --json', 'message --partial']) {
        const [of, expected] = [await ran([...command.split(' '), path]), await ran([...command.split(' '), plain])];
        expect({ ...of, out: untimed(of.out) }).toEqual(expected);
      }
      expect((await ran(['message', '-'], readFileSync(path, 'utf8'))).out).toBe((await ran(['message', plain])).out);
    }
  });

  test('has its own times', async () => {
    const bytes = body('messages/tool');
    const path = saved('t.capture.jsonl', formatCapture(recording(bytes, 100, { end: 'eof' })));
    const rows = (await ran(['events', '--json', path])).out.trim().split('\n');
    const events = rows.map((row) => JSON.parse(row) as { t: number; byte: number; bytes: number });
    for (const { t, byte, bytes: length } of events) expect(t).toBe(Math.floor((byte + length - 1) / 100) + 1);
    expect((await ran(['view', path])).out).toMatch(/ · first byte 1 ms · first content \d+ ms/);
  });

  test.each<[CaptureEnd | undefined, string, RegExp]>([
    [{ end: 'reset', error: 'read ECONNRESET' }, 'disconnected', /the recorded connection broke: read ECONNRESET/i],
    [{ end: 'abort' }, 'aborted', /called the recorded stream off/],
    [{ end: 'timeout' }, 'stalled', /fell silent/],
    [{ end: 'eof' }, 'truncated', /truncated/],
    [undefined, 'truncated', /truncated/],
  ])('that ended with %j is %s', async (end, status, words) => {
    const bytes = body('messages/tool').subarray(0, 900);
    const path = saved('cut.capture.jsonl', formatCapture(recording(bytes, 100, end)));
    const { out, err, code } = await ran(['view', '--json', path]);
    expect(JSON.parse(out)).toMatchObject({ outcome: { status } });
    expect([err, code]).toEqual(['', 4]);
    expect((await ran(['view', path])).err).toMatch(words);
  });

  test('that is none is refused with its line', async () => {
    const path = saved('bad.capture.jsonl', '{"ssemble":"capture","version":1}\n[1,"x"]\n[oops\n[2,"y"]\n');
    const { err, code } = await ran(['view', path]);
    expect(err).toMatch(/^ssemble: Cannot read .*bad\.capture\.jsonl: .*line 3/m);
    expect(code).toBe(3);
  });

  test('that a crash cut is read as far as it goes', async () => {
    const text = formatCapture(recording(body('messages/tool'), 100, { end: 'eof' }));
    const path = saved('crash.capture.jsonl', text.slice(0, text.length / 2));
    const { out, code } = await ran(['view', path]);
    expect(out).toMatch(/^truncated · /m);
    expect(code).toBe(4);
  });
});

describe('a live stream', () => {
  test('has the times at which it came', async () => {
    const events = body('messages/text')
      .toString()
      .split(/(?<=\n\n)/);
    let now = 0;
    const stream = Readable.from(
      (function* () {
        for (const event of events) {
          now += 10;
          yield Buffer.from(event);
        }
      })(),
      { highWaterMark: 1 },
    );
    const world = { stdin: { stream, isTTY: false, isFile: false }, now: () => now };
    const { out } = await ran(['events', '--json'], '', world);
    const times = out
      .trim()
      .split('\n')
      .map((row) => (JSON.parse(row) as { t: number }).t);
    expect(times).toHaveLength(events.length);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBeGreaterThan(0);
  });
});
