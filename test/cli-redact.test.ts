/** `ssemble redact` against people who wish it ill: patterns that never end, bodies that hide, files that are the input. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { encodeEventStreamMessage } from '../src/carriers/event-stream.ts';
import { builtProgram } from './support/build.ts';
import { ran, TextSink } from './support/cli.ts';
import { textBody } from './support/messages.ts';

vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'ssemble-redact-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('ssemble redact', () => {
  it('shows control characters on a terminal, and does not send them to it', async () => {
    const stdout = new TextSink(80);
    await ran(['redact'], `: \u001b]0;gotcha\u0007\n\n${textBody(['me@example.com'])}`, { stdout });
    expect(stdout.text).toContain(': \\x1b]0;gotcha\\x07');
    for (const hidden of ['\u001b', '\u0007', 'me@example']) expect(stdout.text).not.toContain(hidden);
  });

  it('does not write over its input, by whatever name', async () => {
    const path = file('in.sse', textBody(['me@example.com']));
    const link = join(folder, 'link.sse');
    symlinkSync(path, link);
    const before = readFileSync(path, 'utf8');
    for (const output of [path, link, join(folder, '.', 'in.sse')]) {
      const { err, code } = await ran(['redact', path, '-o', output]);
      expect([code, err]).toEqual([2, expect.stringContaining('Cannot write over the input')]);
    }
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  it.each([
    ['compressed', gzipSync(textBody(['me@example.com'])), /the body is compressed; unpack it first/],
    [
      'frames of Bedrock',
      encodeEventStreamMessage({ headers: [], payload: Buffer.from('{"bytes":"bWVAZXhhbXBsZS5jb20="}') }),
      /the body is frames of Bedrock, .*`ssemble convert`/,
    ],
  ])('does not say that nothing is in what it cannot read: %s', async (name, bytes, words) => {
    const { out, err, code } = await ran(['redact', file(`${name}.bin`, bytes)]);
    expect([out, code]).toEqual(['', 3]);
    expect(err).toMatch(words);
  });

  it('ends a pattern that does not', async () => {
    const path = file('long.sse', textBody(['a'.repeat(50_000)]));
    const { out, err, code } = await ran(['redact', '--pattern', '\\w*\\w*\\w*\\w*!', path]);
    expect([out, code]).toEqual(['', 2]);
    expect(err).toMatch(/--pattern takes too long: 5 s were not enough. Give its repetitions a limit/);
  });

  it('hears Ctrl-C while a pattern runs', async () => {
    const path = file('very-long.sse', textBody(['a'.repeat(10_000_000)]));
    const child = spawn(process.execPath, [builtProgram(), 'redact', '--pattern', '\\w*\\w*\\w*\\w*!', path]);
    const ended = once(child, 'close');
    await sleep(1500);
    const start = performance.now();
    child.kill('SIGINT');
    expect((await ended)[0]).toBe(130);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
