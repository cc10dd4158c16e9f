/** `ssemble diff` from inside: what it reads, prints, and exits with. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { formatCapture } from '../src/capture/writer.ts';
import { parseMessage } from '../src/index.ts';
import { encodeUtf8 } from '../src/sse/utf8.ts';
import { ran, TextSink } from './support/cli.ts';
import * as m from './support/messages.ts';

const folder = mkdtempSync(join(tmpdir(), 'ssemble-diff-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function saved(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const body = (events: readonly { type: string }[]): string => events.map((event) => m.frame(event)).join('');
/** A capture with an event every `step` milliseconds. */
const recorded = (events: readonly { type: string }[], step: number): string =>
  formatCapture({
    header: { ssemble: 'capture', version: 1, clock: { zero: 'request' } },
    chunks: events.map((event, i) => ({ us: i * step * 1000, bytes: encodeUtf8(m.frame(event)) })),
    end: { end: 'eof' },
  });

const old = m.textEvents(['A quick ', 'red fox']);
const a = saved('a.sse', body(old));
const b = saved('b.sse', body(m.textEvents(['A quick blue', ' fox'], 'msg_2')));
const same = saved('same.sse', body(m.textEvents(['A ', 'quick red fox'], 'msg_3')));

describe('ssemble diff', () => {
  it('exits 0 and says in one line that two streams are the same, and but for what', async () => {
    const result = await ran(['diff', a, same]);
    expect(result).toMatchObject({ code: 0, err: '' });
    expect(result.out).toBe(
      `same: ${a} (claude-test, 8 events, complete) and ${same} (claude-test, 8 events, complete); ` +
        'not compared: ids, usage, timing, chunking, pings, signatures\n',
    );
  });

  it('does not take a folder for a mistyped command', async () => {
    expect((await ran(['diff', folder, a])).err).toBe(`ssemble: Cannot read ${folder}: it is a directory\n`);
    expect((await ran(['diff', 'test', a])).err).not.toContain('commands');
  });

  it('exits 1 and prints what differs', async () => {
    const { code, out } = await ran(['diff', a, b]);
    expect(code).toBe(1);
    expect(out.split('\n').slice(3, 6)).toEqual([
      '@@ -4..5 +4..5 @@ content_block_delta text_delta, block 0',
      '- A quick [-red-] fox',
      '+ A quick {+blue+} fox',
    ]);
    expect((await ran(['diff', '--ids', a, same])).out).toContain('message.id\n- msg_1\n+ msg_3\n');
    expect((await ran(['diff', '--chunking', a, same])).code).toBe(1);
  });

  it('reads a capture as its bytes, and a Message as what the stream makes', async () => {
    const capture = saved('a.capture.jsonl', recorded(old, 10));
    expect((await ran(['diff', '--ids', '--usage', '--pings', '--chunking', a, capture])).code).toBe(0);
    const message = saved('a.json', JSON.stringify(parseMessage(body(old)), undefined, 2));
    expect(await ran(['diff', capture, message])).toMatchObject({ code: 0, err: '' });
    const wrong = await ran(['diff', message, b]);
    expect(wrong.code).toBe(1);
    expect(wrong.out).toContain('  content[0].text\n- A quick [-red-] fox\n+ A quick {+blue+} fox\n');
  });

  it('compares times if both have them, and says if not', async () => {
    const slow = saved('slow.capture.jsonl', recorded(old, 1000));
    const fast = saved('fast.capture.jsonl', recorded(old, 10));
    expect((await ran(['diff', slow, fast])).code).toBe(0);
    const timed = await ran(['diff', '--timing', slow, fast]);
    expect(timed.code).toBe(1);
    expect(timed.out).toContain('  ms\n- 1000\n+ 10\n');
    expect((await ran(['diff', '--timing', '--within', '10000', slow, fast])).code).toBe(0);
    const untimed = await ran(['diff', '--timing', slow, a]);
    expect(untimed.code).toBe(0);
    expect(untimed.err).toContain('Times were not compared');
  });

  it('takes standard input for one side', async () => {
    expect((await ran(['diff', a, '-'], body(old))).code).toBe(0);
    expect((await ran(['diff', '-', b], body(old))).code).toBe(1);
    const live = { stream: Readable.from([Buffer.from(body(old))]), isTTY: false, isFile: false };
    expect((await ran(['diff', '-', a], '', { stdin: live })).code).toBe(0);
  });

  it('prints JSON for programs', async () => {
    const { code, out } = await ran(['diff', '--json', a, b]);
    expect(code).toBe(1);
    expect(out.endsWith('}\n')).toBe(true);
    expect(JSON.parse(out)).toMatchObject({
      names: [a, b],
      same: false,
      compared: 'events',
      events: [{ kind: 'changed', values: [{ path: 'delta.text', a: 'A quick red fox', b: 'A quick blue fox' }] }],
    });
  });

  it('has colours instead of marks on a terminal only', async () => {
    const colored = await ran(['diff', a, b], '', { stdout: new TextSink(80) });
    expect(colored.out).not.toContain('[-red-]');
    // oxlint-disable-next-line no-control-regex
    expect(colored.out).toMatch(/A quick \u001b\[\d+mred\u001b\[\d*m/);
    const plain = await ran(['diff', a, b], '', { stdout: new TextSink(80), env: { NO_COLOR: '1' } });
    expect(plain.out).toContain('[-red-]');
  });

  it('lets no control character through', async () => {
    const evil = saved('evil.sse', body(m.textEvents(['A quick \u001b[31mred\u0007 fox'])));
    const { out } = await ran(['diff', a, evil]);
    expect(out).toContain('\\x1b');
    // oxlint-disable-next-line no-control-regex
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('says what is wrong with the command line, and with the files', async () => {
    for (const argv of [
      ['diff'],
      ['diff', a],
      ['diff', a, b, same],
      ['diff', '-', '-'],
      ['diff', '--within', 'x', a, b],
    ]) {
      const { code, out, err } = await ran(argv);
      expect([argv.length, code, out]).toEqual([argv.length, 2, '']);
      expect(err).toMatch(/^ssemble: /);
    }
    const missing = await ran(['diff', a, join(folder, 'none.sse')]);
    expect(missing).toMatchObject({ code: 3, out: '' });
    expect(missing.err).toContain('there is no such file');
  });

  it('compares streams that are cut, which is a difference and no trouble', async () => {
    const cut = saved('cut.sse', body(old.slice(0, -1)));
    const { code, out } = await ran(['diff', a, cut]);
    expect(code).toBe(1);
    expect(out).toContain('- {"type":"message_stop"}');
    expect((await ran(['diff', cut, cut])).code).toBe(0);
  });

  it('exits 130 when it is interrupted, with what was read', async () => {
    const interrupt = new AbortController();
    const stream = new Readable({ read: () => undefined });
    stream.push(body(old.slice(0, 4)));
    setTimeout(() => interrupt.abort(), 20);
    const stdin = { stream, isTTY: false, isFile: false };
    const result = await ran(['diff', a, '-'], '', { stdin, interrupt: interrupt.signal });
    expect(result.code).toBe(130);
    expect(result.out).toContain('event');
  });
});
