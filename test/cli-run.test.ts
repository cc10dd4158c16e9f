/** The command line, tested from inside: `run` with a made-up world, where a spawned process cannot easily go. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest } from '../src/cli/usage.ts';
import { clip, escapeControls, Ink, jsonText, textWidth, wantsColor } from '../src/cli/terminal.ts';
import { MessageParser } from '../src/message/parser.ts';
import { MEANINGS } from '../src/lint/meanings.ts';
import { SEVERITIES } from '../src/protocol/codes.ts';
import { ran, TextSink } from './support/cli.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const RUNS = 100 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1);

describe('run()', () => {
  it('explains itself when a person sits at standard input and names no file', async () => {
    const stdin = { stream: Readable.from([]), isTTY: true, isFile: false };
    const result = await ran([], '', { stdin });
    expect(result.err).toMatch(/^ssemble: Nothing to read.*\n\nExamples\n/);
    expect(result.out).toBe('');
    expect(result.code).toBe(2);
    expect((await ran(['events'], '', { stdin })).err).toContain('ssemble events [options]');
    // `-` says that the person means it.
    expect((await ran(['-'], '', { stdin })).err).toContain('the input is empty');
  });

  it('prints a head over the events, and cuts lines, only on a terminal', async () => {
    const file =
      'event: ping\ndata: {"type": "ping"}\n\nevent: x\ndata: {"type":"x","long":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}\n\n';
    const narrow = await ran(['events'], file, { stdout: new TextSink(80), env: { NO_COLOR: '1' } });
    const lines = narrow.out.split('\n');
    expect(lines[0]).toMatch(/^ +# +\+ms +gap +bytes type +idx$/);
    expect(lines.map(textWidth).every((width) => width <= 80)).toBe(true);
    expect(lines[2]).toHaveLength(80);
    expect((await ran(['events'], file)).out.split('\n')).toHaveLength(3);
  });

  it('never lets a control character through, whatever the bytes', async () => {
    const bytes = fc.array(
      fc.constantFrom(
        'event: ',
        'data: ',
        '\n',
        '\n\n',
        '{"type":"error","error":',
        '"\u001b]0;x"',
        '\u001b[2J',
        '\u009b',
        '}',
        '\u0007',
        '{',
        '<',
      ),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(
        bytes,
        fc.constantFrom('view', 'events', 'message', 'view --json', 'events --json'),
        async (parts, command) => {
          const result = await ran([...command.split(' '), '-'], parts.join(''));
          // oxlint-disable-next-line no-control-regex
          expect(result.out + result.err).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

interface Expectation {
  status: string;
  messages: number;
  codes: [code: keyof typeof SEVERITIES, event: number][];
}

const folders = ['messages', 'hostile'].map((name) => join(ROOT, 'fixtures', name)).filter((path) => existsSync(path));
const paths = folders.flatMap((path) =>
  readdirSync(path)
    .filter((name) => name.endsWith('.sse'))
    .map((name) => join(path, name.slice(0, -'.sse'.length))),
);
const cases = paths.map((path) => [path.slice(ROOT.length), path] as const);

describe('the project’s own streams', () => {
  it.skipIf(cases.length === 0).each(cases)(
    '%s: message, view and events say what the goldens say',
    async (_, path) => {
      const body = `${path}.sse`;
      const { status, messages, codes } = JSON.parse(readFileSync(`${path}.expect.json`, 'utf8')) as Expectation;
      const findings = codes.some(([code]) => SEVERITIES[code] === 'error') ? 1 : 0;
      const parser = new MessageParser();
      parser.push(readFileSync(body));
      parser.end();
      const failed = parser.messages.flatMap(({ outcome }, k) => (outcome.status === 'complete' ? [] : [k + 1]));
      const expectedCode = status === 'complete' && failed.length === 0 ? findings : 4;

      const printed = await ran(['message', '--partial', body]);
      const expected: unknown = JSON.parse(readFileSync(`${path}.message.json`, 'utf8'));
      expect(printed.out === '' ? null : JSON.parse(printed.out)).toEqual(expected);
      expect(printed.code).toBe(expectedCode);

      const viewed = await ran(['view', body]);
      expect(viewed.code).toBe(expectedCode);
      expect((viewed.out.match(/^── message /gm)?.length ?? 0) + 1).toBe(Math.max(1, messages));
      // Of several messages, each that failed is explained under its number.
      const explained = [...viewed.err.matchAll(/^message (\d+):$/gm)].map(([, number]) => Number(number));
      expect(explained).toEqual(messages > 1 ? failed : []);
      for (const block of (expected as { content?: { type: string; text?: string }[] } | null)?.content ?? []) {
        // A text that grew in turns with another is shown in pieces.
        const whole = block.type === 'text' && !viewed.out.includes(' goes on\n');
        if (whole) expect(viewed.out).toContain(escapeControls(block.text ?? ''));
      }
      expect(viewed.out.trimEnd().split('\n').at(-1)).toMatch(
        status === 'complete' ? / · / : new RegExp(`^${status} · `),
      );
      for (const [code] of codes) expect(viewed.err).toMatch(new RegExp(`^(error|warning) +${code}\\b`, 'm'));

      const listed = await ran(['events', body]);
      const log = readFileSync(`${path}.log`, 'utf8').split('\n');
      const lines = log.filter((line) => /^(\d|unfinished)/.test(line));
      expect(listed.out.split('\n').length - 1).toBe(lines.length);
      expect(listed.code).toBe(expectedCode);
    },
  );
});

describe('words for what came', () => {
  const fixture = (name: string): string => join(ROOT, 'fixtures', `${name}.sse`);

  it.each([
    ['messages/max-tokens-tool', '\n  ! cut by max_tokens after 73 characters: do not run it\n'],
    ['hostile/tool-incomplete', '\n  ! the input is not valid JSON: Cannot read JSON: unexpected end'],
    ['hostile/delta-without-start-tool', '\n  ! the block has no start, so no id and no name: do not run it\n'],
    ['hostile/unknown-block-homeless-delta', '\n  1 delta of unknown use, kept aside\n'],
    ['hostile/index-reused', 'first\n\nsecond\n'],
  ])('%s in view', async (name, words) => {
    const { out } = await ran(['view', fixture(name)]);
    expect(out).toContain(words);
    expect(out.match(/^ {2}! /gm)?.length ?? 0).toBeLessThanOrEqual(1);
  });

  it.each([
    [
      'hostile/error-then-start',
      /^message 1:\nerrored {2}overloaded_error: .*\n +where: the last event was 6, byte 803,/m,
    ],
    ['hostile/start-spliced', /where: the last event was 6, .*\n.*`ssemble message --all --partial` prints what came/],
    ['hostile/done-instead-of-stop', /now: the stop reason came, `message_stop` did not: the text may be whole/],
    ['hostile/only-pings', /now: no content came; look at/],
    ['hostile/json-broken', /where: the unreadable event is 4, byte 592, line 10; 1,136 bytes in all;/],
    ['messages/error-first', /now: wait, then send the same request again\./],
    ['messages/error-middle', /now: the server failed, not the request: send it again\./],
  ])('%s: where, and what now', async (name, words) => {
    expect((await ran([fixture(name)])).err).toMatch(words);
  });

  it.each(['hostile/body-gzip', 'hostile/body-message'])(
    '%s: the fix is not followed by other advice',
    async (name) => {
      expect((await ran([fixture(name)])).err).not.toContain('now:');
    },
  );

  it('`message` offers --partial once, and not to who has it', async () => {
    const file = fixture('hostile/truncated-in-tool');
    expect((await ran(['message', file])).err.match(/--partial/g)).toHaveLength(1);
    expect((await ran(['message', '--partial', file])).err).not.toContain('--partial');
  });

  it('an earlier message that failed makes the exit code 4, whatever the command prints', async () => {
    const file = fixture('hostile/error-then-start');
    for (const command of ['view', 'view --json', 'events', 'message', 'message --all', 'message --all --partial']) {
      expect((await ran([...command.split(' '), file])).code, command).toBe(4);
    }
  });
});

describe('chunking', () => {
  it('is invisible: a pipe that gives single bytes prints the same as a file', async () => {
    const small = fc.constantFrom(
      ...cases.filter(([, path]) => statSync(`${path}.sse`).size < 6000).map(([, path]) => path),
    );
    await fc.assert(
      fc.asyncProperty(small, fc.constantFrom('view', 'events', 'message --partial'), async (path, command) => {
        const body = readFileSync(`${path}.sse`);
        const argv = command.split(' ');
        const bytes = Array.from(body, (_, i) => body.subarray(i, i + 1));
        const stdin = { stream: Readable.from(bytes), isTTY: false, isFile: true };
        expect(await ran([...argv, '-'], '', { stdin })).toEqual(await ran([...argv, `${path}.sse`]));
      }),
      { numRuns: RUNS / 4 },
    );
  });
});

describe('recorded streams', () => {
  const folder = join(ROOT, '../shared/captures/raw');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.sse')) : [];
  const everyTenth = names.filter((_, i) => i % 10 === 0);

  if (names.length === 0) it.skip('there is no ../shared/captures');

  it.each(everyTenth)('%s is shown whole and without findings', async (name) => {
    const path = join(folder, name);
    const viewed = await ran(['--fail-on', 'warning', path]);
    const printed = await ran(['message', '--partial', path]);
    const message = JSON.parse(printed.out) as { content: { type: string; text?: string }[] };
    for (const block of message.content) {
      if (block.type === 'text') expect(viewed.out).toContain(escapeControls(block.text ?? ''));
    }
    expect(viewed.code, viewed.err).toBe(0);
  });
});

describe('Ink', () => {
  it('holds back half a character until its other half comes', async () => {
    const sink = new TextSink();
    const ink = new Ink(sink, false);
    ink.write('a\ud83d');
    await ink.flush();
    expect(sink.text).toBe('a');
    ink.write('\ude00b');
    await ink.close();
    expect(sink.text).toBe('a😀b');
  });

  it('prefixes every line of a text that comes in pieces, and nothing after its last line end', async () => {
    const sink = new TextSink();
    const ink = new Ink(sink, false);
    for (const piece of ['one\n', 'two', ' more\n\nthree\n']) ink.writeInset(piece, '│ ');
    await ink.close();
    expect(sink.text).toBe('│ one\n│ two more\n\n│ three\n');
  });

  it('leaves the terminal plain', async () => {
    const sink = new TextSink(80);
    const ink = new Ink(sink, true);
    ink.write('x', 'dim').write('y', 'red').write('z');
    ink.write('end', 'dim');
    await ink.close();
    expect(sink.text).toBe('\u001b[2mx\u001b[0m\u001b[31my\u001b[0mz\u001b[2mend\u001b[0m');
  });
});

describe('text on a screen', () => {
  it.each([
    ['abc', 3],
    ['漢字', 4],
    ['e\u0301', 1],
    ['👨‍👩‍👧', 2],
    ['🇦🇹', 2],
    ['❤️', 2],
    ['ﾊ', 1],
    ['한', 2],
    ['', 0],
  ])('textWidth(%j) is %i', (text, width) => {
    expect(textWidth(text)).toBe(width);
  });

  it('clip() never exceeds its width, and changes nothing that fits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (text, width) => {
        const clipped = clip(text, width);
        expect(textWidth(clipped)).toBeLessThanOrEqual(width);
        const whole = clip(text, 1000);
        if (textWidth(whole) <= width) expect(clipped).toBe(whole);
        else expect(clipped.endsWith('…')).toBe(true);
      }),
      { numRuns: RUNS },
    );
    expect(clip('a\nb\tc\u001b[0m', 40)).toBe('a\\nb\\tc\\x1b[0m');
  });

  it('jsonText() changes no value', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(0, 2), (json, indent) => {
        expect(JSON.parse(jsonText(JSON.parse(json), indent))).toEqual(JSON.parse(json));
      }),
      { numRuns: RUNS },
    );
  });

  it('wantsColor() follows NO_COLOR, FORCE_COLOR, TERM and the terminal, in this order', () => {
    const [pipe, terminal] = [new TextSink(), new TextSink(80)];
    expect(wantsColor(pipe, {})).toBe(false);
    expect(wantsColor(terminal, {})).toBe(true);
    expect(wantsColor(terminal, { TERM: 'dumb' })).toBe(false);
    expect(wantsColor(terminal, { FORCE_COLOR: '0' })).toBe(false);
    expect(wantsColor(pipe, { FORCE_COLOR: '1', TERM: 'dumb' })).toBe(true);
    expect(wantsColor(terminal, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
    expect(wantsColor(terminal, { NO_COLOR: '' })).toBe(true);
  });
});

describe('words', () => {
  it('nearest() finds typing errors and nothing else', () => {
    expect(nearest('evnts', ['view', 'events', 'message'])).toBe('events');
    expect(nearest('veiw', ['view', 'events'])).toBe('view');
    expect(nearest('diff', ['view', 'events'])).toBeUndefined();
    expect(nearest('viw', ['view', 'events'])).toBe('view');
    expect(nearest('answer.sse', ['view', 'events', 'message'])).toBeUndefined();
  });

  it('every code has a meaning of one line', () => {
    expect(Object.keys(MEANINGS).toSorted()).toEqual(Object.keys(SEVERITIES).toSorted());
    for (const meaning of Object.values(MEANINGS)) expect(meaning).toMatch(/^\S[^\n]{10,110}\.$/);
  });
});
