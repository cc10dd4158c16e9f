/** The command line, tested from outside: the built program is spawned on real pipes and files. */

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { COMMANDS } from '../src/cli/commands.ts';
import { builtProgram } from './support/build.ts';

// Most tests start several processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

let program = '';
const folder = mkdtempSync(join(tmpdir(), 'ssemble-cli-'));

beforeAll(() => {
  program = builtProgram();
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// --- streams ---

const sse = (...events: object[]): string =>
  events.map((event) => `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`).join('');

const start = (id = 'msg_1') => ({
  type: 'message_start',
  message: {
    id,
    type: 'message',
    role: 'assistant',
    model: 'claude-test-1',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 25, cache_read_input_tokens: 1024, cache_creation_input_tokens: 0, output_tokens: 1 },
  },
});
const blockStart = (index: number, content_block: object) => ({ type: 'content_block_start', index, content_block });
const delta = (index: number, fields: object) => ({ type: 'content_block_delta', index, delta: fields });
const text = (index: number, value: string) => delta(index, { type: 'text_delta', text: value });
const blockStop = (index: number) => ({ type: 'content_block_stop', index });
const textBlock = (index: number, ...pieces: string[]): object[] => [
  blockStart(index, { type: 'text', text: '' }),
  ...pieces.map((piece) => text(index, piece)),
  blockStop(index),
];
const messageDelta = (stop_reason = 'end_turn') => ({
  type: 'message_delta',
  delta: { stop_reason, stop_sequence: null },
  usage: { output_tokens: 13 },
});
const stop = { type: 'message_stop' };

const cited = (index: number, value: string, ...citations: object[]): object[] => [
  blockStart(index, { citations: [], type: 'text', text: '' }),
  text(index, value),
  ...citations.map((one) => delta(index, { type: 'citations_delta', citation: one })),
  blockStop(index),
];

const HELLO = sse(start(), ...textBlock(0, 'Hello', ' there'), messageDelta(), stop);
const CUT = sse(start(), blockStart(0, { type: 'text', text: '' }), text(0, 'Half an ans'));
const GAP = sse(start(), ...textBlock(2, 'Hi'), messageDelta(), stop);

// --- running ---

interface Ran {
  out: string;
  err: string;
  code: number | null;
}

const environment = (extra: Record<string, string> = {}): NodeJS.ProcessEnv => {
  const { NO_COLOR: _1, FORCE_COLOR: _2, ...rest } = process.env;
  return { ...rest, ...extra };
};

/** Runs on files, or on standard input given whole. */
function ssemble(args: string[], input: string | Uint8Array = '', env: Record<string, string> = {}): Ran {
  const options = { input, encoding: 'utf8', env: environment(env), cwd: folder, timeout: 20_000 } as const;
  const result = spawnSync(process.execPath, [program, ...args], options);
  return { out: result.stdout, err: result.stderr, code: result.status };
}

function saved(name: string, body: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, body);
  return path;
}

/** Times of a live input are not the same twice. */
const withoutTimes = (output: string): string => output.replace(/[\d,]+ ms/g, 'N ms');

// --- view ---

describe('view', () => {
  it('prints the text and one summary line, without times for a file', () => {
    const ran = ssemble([saved('hello.sse', HELLO)]);
    expect(ran.out).toBe('Hello there\n\nclaude-test-1 · end_turn · in 25 (cache read 1,024) · out 13\n');
    expect(ran.err).toBe('');
    expect(ran.code).toBe(0);
  });

  it('shows thinking, tools, results, and every other kind of block', () => {
    const body = sse(
      start(),
      blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
      delta(0, { type: 'thinking_delta', thinking: 'First\nthen ' }),
      delta(0, { type: 'thinking_delta', thinking: 'second' }),
      delta(0, { type: 'signature_delta', signature: 'c2ln' }),
      blockStop(0),
      blockStart(1, { type: 'redacted_thinking', data: 'x'.repeat(344) }),
      blockStop(1),
      ...textBlock(2, 'Looking it up.'),
      blockStart(3, { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} }),
      delta(3, { type: 'input_json_delta', partial_json: '' }),
      delta(3, { type: 'input_json_delta', partial_json: '{"city":' }),
      delta(3, { type: 'input_json_delta', partial_json: '"Graz"}' }),
      blockStop(3),
      blockStart(4, { type: 'tool_use', id: 'toolu_2', name: 'now', input: {} }),
      blockStop(4),
      blockStart(5, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }),
      delta(5, { type: 'input_json_delta', partial_json: '{"query":"graz"}' }),
      blockStop(5),
      blockStart(6, {
        type: 'web_search_tool_result',
        tool_use_id: 'srvtoolu_1',
        content: [
          { type: 'web_search_result', title: 'Graz', url: 'https://example.org/graz', encrypted_content: 'zz' },
          { type: 'web_search_result', title: 'Weather', url: 'https://example.org/w', encrypted_content: 'zz' },
        ],
      }),
      blockStop(6),
      blockStart(7, {
        type: 'bash_code_execution_tool_result',
        tool_use_id: 's2',
        content: { type: 'bash_code_execution_result', stdout: 'one\ntwo\n', stderr: '', return_code: 0, content: [] },
      }),
      blockStop(7),
      blockStart(8, {
        type: 'fallback',
        from: { model: 'a' },
        to: { model: 'b' },
        trigger: { type: 'refusal', category: 'bio' },
      }),
      blockStop(8),
      blockStart(9, { type: 'hologram', depth: 3 }),
      blockStop(9),
      messageDelta('tool_use'),
      stop,
    );
    const ran = ssemble([saved('blocks.sse', body)]);
    expect(ran.out).toBe(`○ thinking
│ First
│ then second

○ redacted_thinking  344 characters encrypted

Looking it up.

● get_weather  toolu_1
  {"city":"Graz"}

● now  toolu_2
  {}

● web_search  server_tool_use  srvtoolu_1
  {"query":"graz"}

↳ web_search_tool_result  2 results
  Graz  https://example.org/graz
  Weather  https://example.org/w

↳ bash_code_execution_tool_result  return code 0  stdout: one\\ntwo

○ fallback  a → b  (bio)

○ hologram  {"depth":3}

b · tool_use · in 25 (cache read 1,024) · out 13 · 1 info
`);
    expect(ran.err).toMatch(/^info +unknown-block /);
    expect(ran.code).toBe(0);
  });

  it('joins text blocks without a gap and prints their citations as numbered footnotes', () => {
    const citation = {
      type: 'web_search_result_location',
      url: 'https://e.org/a',
      title: 'A',
      encrypted_index: '',
      cited_text: 'x',
    };
    const page = {
      type: 'page_location',
      document_index: 0,
      document_title: 'Atlas',
      start_page_number: 3,
      end_page_number: 4,
      cited_text: 'y',
    };
    const body = sse(
      start(),
      ...textBlock(0, 'It is said that '),
      ...cited(1, 'Graz is green', citation, page),
      ...textBlock(2, ' and '),
      ...cited(3, 'hilly', citation),
      ...textBlock(4, '.'),
      messageDelta(),
      stop,
    );
    expect(ssemble([saved('cited.sse', body)]).out).toBe(
      'It is said that Graz is green[1][2] and hilly[1].\n' +
        '  [1] A  https://e.org/a\n  [2] Atlas  pages 3–4\n' +
        '\nclaude-test-1 · end_turn · in 25 (cache read 1,024) · out 13\n',
    );
  });

  it('keeps blocks that grow in turns apart', () => {
    const body = sse(
      start(),
      blockStart(0, { type: 'tool_use', id: 't0', name: 'left', input: {} }),
      blockStart(1, { type: 'tool_use', id: 't1', name: 'right', input: {} }),
      delta(0, { type: 'input_json_delta', partial_json: '{"a"' }),
      delta(1, { type: 'input_json_delta', partial_json: '{"b":2}' }),
      delta(0, { type: 'input_json_delta', partial_json: ':1}' }),
      blockStop(0),
      blockStop(1),
      messageDelta('tool_use'),
      stop,
    );
    expect(ssemble([saved('turns.sse', body)]).out).toContain(
      '● left  t0\n\n● right  t1\n\n● left  block 0 goes on\n  {"a"\n\n' +
        '● right  block 1 goes on\n  {"b":2}\n\n● left  block 0 goes on\n  :1}\n',
    );
  });

  it('says where invalid tool input breaks', () => {
    const body = sse(
      start(),
      blockStart(0, { type: 'tool_use', id: 't0', name: 'dig', input: {} }),
      delta(0, { type: 'input_json_delta', partial_json: '{"path":"C:\\d"}' }),
      blockStop(0),
      messageDelta('tool_use'),
      stop,
    );
    const ran = ssemble([saved('invalid.sse', body)]);
    expect(ran.out).toMatch(/ {2}\{"path":"C:\\d"\}\n {2}! the input is not valid JSON: [^\n]*\(offset 12\)\n/);
    expect(ran.err).toMatch(/^error +invalid-tool-input .*\n +event 4, byte \d+, line \d+, block 0: /);
    expect(ran.code).toBe(1);
  });

  it('shows every message of a stream with its own summary', () => {
    const body = HELLO + sse(start('msg_2'), ...textBlock(0, 'Again'), messageDelta(), stop);
    const ran = ssemble([saved('two.sse', body)]);
    expect(ran.out).toBe(
      'Hello there\n\nclaude-test-1 · end_turn · in 25 (cache read 1,024) · out 13\n' +
        '\n── message 2 ──\n\nAgain\n\nclaude-test-1 · end_turn · in 25 (cache read 1,024) · out 13 · 1 warning\n',
    );
    expect(ran.err).toMatch(/^warning +further-message /);
    expect(ran.code).toBe(0);
  });

  it('shows content that stood in message_start', () => {
    const whole = start();
    Object.assign(whole.message, {
      content: [{ type: 'tool_use', id: 't9', name: 'resume', input: { a: 1 } }],
      stop_reason: 'tool_use',
    });
    const ran = ssemble([saved('resumed.sse', sse(whole, stop))]);
    expect(ran.out).toContain('● resume  t9\n  {"a":1}\n');
    expect(ran.code).toBe(0);
  });

  it('groups findings by code, with the first place', () => {
    const ran = ssemble([
      saved('nameless.sse', sse(start(), ...textBlock(2, 'a'), ...textBlock(5, 'b'), messageDelta(), stop)),
    ]);
    expect(ran.out).toContain(' · 2 warnings\n');
    expect(ran.err).toMatch(
      /^warning +index-gap ×2 {2}An index was skipped.*\n +first at event 2, byte \d+, line 4, block 2: .+\n$/,
    );
  });

  it('shows control characters instead of obeying them, in a pipe too', () => {
    const evil = '\u001b[31mred\u0007 \u009b2J\r\nnext\ttab';
    const ran = ssemble([saved('evil.sse', sse(start(), ...textBlock(0, evil), messageDelta(), stop))]);
    expect(ran.out).toContain('\\x1b[31mred\\x07 \\x9b2J\\r\nnext\ttab\n');
  });

  it('--json prints one object with message, blocks, outcome and diagnostics', () => {
    const ran = ssemble(['view', '--json', saved('gap.sse', GAP)]);
    const data = JSON.parse(ran.out) as Record<string, unknown>;
    expect(Object.keys(data)).toEqual(['message', 'blocks', 'outcome', 'diagnostics']);
    expect(data['outcome']).toEqual({ status: 'complete', stopReason: 'end_turn' });
    expect(data['diagnostics']).toMatchObject([{ code: 'index-gap', severity: 'warning', index: 2 }]);
    expect(ran.out.trimEnd()).not.toContain('\n');
    expect(ran.err).toBe('');
    const cut = JSON.parse(ssemble(['--json', saved('cut.sse', CUT)]).out) as { outcome: unknown };
    expect(cut.outcome).toMatchObject({ status: 'truncated', error: { name: 'TruncatedError' } });
  });
});

// --- streams that fail ---

describe('a stream that did not complete', () => {
  it('is told as what, where and what now, and exits with 4', () => {
    const ran = ssemble([saved('cut.sse', CUT)]);
    expect(ran.out).toBe(
      'Half an ans\n  ! cut: the block did not end\n\ntruncated · claude-test-1 · in 25 (cache read 1,024) · out 1 · 1 warning\n',
    );
    expect(ran.err).toMatch(
      /\ntruncated {2}.+\n +where: the last event was 3, byte \d+, line 7; \d+ bytes in all; 1 block had come, cut: block 0 \(text\)\n +now: .*--partial.*\n$/,
    );
    expect(ran.code).toBe(4);
  });

  it('error event: its type and message, and whether to try again', () => {
    const body =
      CUT + sse({ type: 'error', error: { details: null, type: 'overloaded_error', message: 'Overloaded' } });
    const ran = ssemble([saved('error.sse', body)]);
    expect(ran.out).toContain('\nerrored · claude-test-1 · ');
    expect(ran.err).toMatch(
      /errored {2}overloaded_error: Overloaded\n.*where: the last event was 4,.*\n +now: wait, then send the same request again\.\n/,
    );
    expect(ran.code).toBe(4);
  });

  const bodies: [name: string, body: string | Uint8Array, says: RegExp][] = [
    ['nothing', '', /the input is empty\n/],
    [
      'a JSON error',
      '{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_1"}',
      /authentication_error: invalid x-api-key/,
    ],
    ['an HTML page', '<!DOCTYPE html>\n<html><h1>502 Bad Gateway</h1></html>\n', /<!DOCTYPE html>/],
    ['gzip', gzipSync(HELLO), /gzip/],
  ];
  it.each(bodies)('a body that is no stream: %s', (_, body, says) => {
    for (const command of ['view', 'events', 'message']) {
      const ran = ssemble([command, '-'], body);
      expect(ran.err).toMatch(says);
      expect(ran.code).toBe(4);
    }
  });

  it('a whole Message is shown, and the missing `"stream": true` is named', () => {
    const body = JSON.stringify({
      ...start().message,
      content: [{ type: 'text', text: 'All at once' }],
      stop_reason: 'end_turn',
    });
    const ran = ssemble([], body);
    expect(ran.out).toMatch(/^All at once\n/);
    expect(ran.err).toContain('"stream": true');
    expect(ran.code).toBe(4);
  });

  it('`curl -i` headers before a good stream are no failure', () => {
    const ran = ssemble([], `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n${HELLO}`);
    expect(ran.out).toMatch(/^Hello there\n/);
    expect(ran.err).toMatch(/^info +http-head /);
    expect(ran.code).toBe(0);
  });
});

// --- events ---

describe('events', () => {
  it('prints one line per event, with no times for a file', () => {
    const ran = ssemble(['events', saved('hello.sse', HELLO)]);
    const lines = ran.out.split('\n');
    expect(lines).toHaveLength(8);
    expect(lines[0]).toMatch(/^ {4}1 {7}- {6}- {4}\d\d\d message_start {9}- msg_1 claude-test-1 in 25 out 1$/);
    expect(lines[2]).toMatch(/^ {4}3 {7}- {6}- {4}\d\d\d content_block_delta {3}0 text_delta "Hello"$/);
    expect(lines[6]).toMatch(/ message_stop {10}-$/);
    expect(lines[7]).toBe('');
    expect(ran.code).toBe(0);
  });

  it('--json gives byte-exact places and the whole event', () => {
    const ran = ssemble(['events', '--json', saved('hello.sse', HELLO)]);
    const rows = ran.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { n: number; byte: number; bytes: number; line: number; event: object });
    expect(rows.map((row) => row.n)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    for (const row of rows) {
      const slice = HELLO.slice(row.byte, row.byte + row.bytes);
      expect(JSON.parse(slice.split('data: ')[1] as string)).toEqual(row.event);
      expect(row.line).toBe((row.n - 1) * 3 + 1);
    }
    expect(Object.keys(rows[2] as object)).toEqual(['n', 'byte', 'line', 'bytes', 'type', 'index', 'event']);
  });

  it('shows what no parser keeps: sentinels, unknown types, broken JSON, an unfinished end', () => {
    const body = `${sse(start(), { type: 'vertex_event', a: 1 })}data: [DONE]\n\nevent: x\ndata: {oops\n\nevent: content_block_delta\ndata: {"type":"cont`;
    const lines = ssemble(['events', saved('odd.sse', body)]).out.split('\n');
    expect(lines[1]).toMatch(/ vertex_event +- unknown type: \{"type":"vertex_event","a":1\}$/);
    expect(lines[2]).toMatch(/ unknown +- sentinel: \[DONE\]$/);
    expect(lines[3]).toMatch(/ unknown +- not JSON: \{oops$/);
    expect(lines[4]).toMatch(/ unknown +- unfinished: not JSON: \{"type":"cont$/);
  });

  it('cuts previews to the width of the screen, wide characters counted as two', () => {
    const body = sse(start(), ...textBlock(0, '漢'.repeat(300)), messageDelta(), stop);
    const line = ssemble(['events', saved('wide.sse', body)]).out.split('\n')[2] as string;
    expect(line.endsWith('…')).toBe(true);
    const wide = line.match(/漢/g)?.length ?? 0;
    expect(line.length + wide).toBeGreaterThan(117);
    expect(line.length + wide).toBeLessThanOrEqual(120);
  });

  it('names the file where there are several', () => {
    const files = [saved('a.sse', HELLO), saved('b.sse', HELLO)];
    const listed = ssemble(['events', ...files]).out;
    expect(listed.match(/^==> .*[ab]\.sse <==$/gm)).toHaveLength(2);
    const failing = ssemble(['message', saved('hello.sse', HELLO), saved('cut.sse', CUT)]);
    expect(failing.err.replaceAll(folder, '')).toMatch(/\/cut\.sse:\nwarning missing-block-stop /);
    expect(failing.err).not.toContain('hello.sse');
    const json = ssemble(['events', '--json', ...files])
      .out.trimEnd()
      .split('\n');
    expect(new Set(json.map((line) => (JSON.parse(line) as { file: string }).file))).toEqual(new Set(files));
  });
});

// --- message ---

describe('message', () => {
  it('prints the final Message, exactly', () => {
    const ran = ssemble(['message', saved('hello.sse', HELLO)]);
    const expected = {
      ...start().message,
      content: [{ type: 'text', text: 'Hello there' }],
      stop_reason: 'end_turn',
      usage: { ...start().message.usage, output_tokens: 13 },
    };
    expect(ran.out).toBe(`${JSON.stringify(expected, undefined, 2)}\n`);
    expect(ssemble(['message', '--compact', saved('hello.sse', HELLO)]).out).toBe(`${JSON.stringify(expected)}\n`);
    expect(ran.err).toBe('');
    expect(ran.code).toBe(0);
  });

  it('keeps a cut message back unless asked for it', () => {
    const ran = ssemble(['message', saved('cut.sse', CUT)]);
    expect(ran.out).toBe('');
    expect(ran.err).toContain('--partial');
    expect(ran.code).toBe(4);
    const partial = ssemble(['message', '--partial', saved('cut.sse', CUT)]);
    expect(JSON.parse(partial.out)).toMatchObject({ content: [{ type: 'text', text: 'Half an ans' }] });
    expect(partial.code).toBe(4);
  });

  it('prints the last of several, or all of them', () => {
    const body = HELLO + sse(start('msg_2'), ...textBlock(0, 'Again'), messageDelta(), stop);
    const file = saved('two.sse', body);
    expect(JSON.parse(ssemble(['message', file]).out)).toMatchObject({ id: 'msg_2' });
    const all = ssemble(['message', '--all', file]).out.trimEnd().split('\n');
    expect(all.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(['msg_1', 'msg_2']);
  });

  it('--all leaves out a message that a second one cut off, and says so', () => {
    const file = saved('spliced.sse', CUT + HELLO.replaceAll('msg_1', 'msg_2'));
    const ran = ssemble(['message', '--all', file]);
    expect(
      ran.out
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: string }).id),
    ).toEqual(['msg_2']);
    expect(ran.err).toContain('--partial');
    expect(ran.code).toBe(4);
    expect(ssemble(['message', '--all', '--partial', file]).out.trimEnd().split('\n')).toHaveLength(2);
  });

  it('writes C1 control characters as escapes, with the same value', () => {
    const ran = ssemble([
      'message',
      saved('c1.sse', sse(start(), ...textBlock(0, 'a\u009bb\u007f'), messageDelta(), stop)),
    ]);
    expect(ran.out).toContain('a\\u009bb\\u007f');
    expect((JSON.parse(ran.out) as { content: { text: string }[] }).content[0]?.text).toBe('a\u009bb\u007f');
  });
});

// --- live ---

interface Live {
  say: (text: string) => void;
  end: () => void;
  kill: (signal: NodeJS.Signals) => void;
  /** Resolves with all output so far once it holds `part`. */
  until: (part: string) => Promise<string>;
  done: Promise<Ran>;
}

const idle = (): void => undefined;

function live(args: string[]): Live {
  const child = spawn(process.execPath, [program, ...args], { env: environment(), cwd: folder });
  let out = '';
  let err = '';
  let look = idle;
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    out += piece;
    look();
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    err += piece;
  });
  const done = new Promise<Ran>((resolve) => child.on('close', (code) => resolve({ out, err, code })));
  return {
    say: (value) => void child.stdin.write(value),
    end: () => void child.stdin.end(),
    kill: (signal) => void child.kill(signal),
    until: (part) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`"${part}" did not come; there is: ${out}${err}`)), 15_000);
        look = () => {
          if (!out.includes(part)) return;
          clearTimeout(timer);
          look = idle;
          resolve(out);
        };
        look();
      }),
    done,
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a live pipe', () => {
  it('that opens slowly: text is printed while the stream still runs, and the summary has times', async () => {
    const pipe = live([]);
    await pause(50);
    pipe.say(sse(start(), blockStart(0, { type: 'text', text: '' }), text(0, 'One')));
    await pipe.until('One');
    await pause(50);
    // Half an event shows nothing yet, and its other half completes it.
    const next = sse(text(0, ' two'));
    pipe.say(next.slice(0, 30));
    await pause(50);
    pipe.say(next.slice(30));
    expect(await pipe.until('One two')).toBe('One two');
    pipe.say(sse(blockStart(1, { type: 'tool_use', id: 't', name: 'dig', input: {} })));
    await pipe.until('● dig');
    pipe.say(sse(delta(1, { type: 'input_json_delta', partial_json: '{"deep' })));
    await pipe.until('{"deep');
    pipe.say(
      sse(
        delta(1, { type: 'input_json_delta', partial_json: '":1}' }),
        blockStop(1),
        blockStop(0),
        messageDelta('tool_use'),
        stop,
      ),
    );
    pipe.end();
    const ran = await pipe.done;
    expect(withoutTimes(ran.out)).toBe(
      'One two\n\n● dig  t\n  {"deep":1}\n\nclaude-test-1 · tool_use · in 25 (cache read 1,024) · out 13' +
        ' · first byte N ms · first content N ms · total N ms\n',
    );
    expect(ran.code).toBe(0);
  });

  it('gives events their times', async () => {
    const pipe = live(['events', '--json']);
    pipe.say(sse(start()));
    await pipe.until('message_start');
    await pause(60);
    pipe.say(HELLO.slice(sse(start()).length));
    pipe.end();
    const rows = (await pipe.done).out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { t: number; gap: number });
    expect(rows[0]?.gap).toBe(0);
    expect(rows[1]?.gap).toBeGreaterThanOrEqual(50);
    expect(rows[1]?.t).toBe((rows[0]?.t ?? 0) + (rows[1]?.gap ?? 0));
    expect(rows.every((row) => Number.isInteger(row.t))).toBe(true);
  });

  it('that closes early: `| head` gets its lines, and nothing complains', () => {
    const file = saved(
      'long.sse',
      sse(start(), ...textBlock(0, ...Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`)), messageDelta(), stop),
    );
    for (const command of ['view', 'events', 'message', 'events --json']) {
      const script = `"$0" "$1" ${command} "$2" | head -n 1; echo "code \${PIPESTATUS[0]}"`;
      const options = { encoding: 'utf8', env: environment(), timeout: 20_000 } as const;
      const result = spawnSync('bash', ['-c', script, process.execPath, program, file], options);
      expect(result.stderr).toBe('');
      expect(result.stdout.split('\n').slice(1)).toEqual(['code 0', '']);
    }
  });

  it('Ctrl-C: shows what came, the summary, and exits with 130', async () => {
    const pipe = live([]);
    pipe.say(CUT);
    await pipe.until('Half an ans');
    pipe.kill('SIGINT');
    const ran = await pipe.done;
    expect(ran.out).toContain('\naborted · claude-test-1 · in 25');
    expect(ran.err).not.toContain('    at ');
    // What any interrupted stream has is no finding.
    expect(ran.err).toMatch(/^aborted {2}/);
    expect(ran.code).toBe(130);
  });

  it('Ctrl-C inside an event: `events` marks it as unfinished, and nobody is blamed', async () => {
    const pipe = live(['events']);
    pipe.say(`${CUT}event: ping\ndata: {"ty`);
    await pipe.until('content_block_delta');
    pipe.kill('SIGINT');
    const ran = await pipe.done;
    expect(ran.out).toMatch(/ unfinished: not JSON: \{"ty\n$/);
    expect(ran.err).toMatch(/^aborted {2}/);
    expect(ran.code).toBe(130);
  });

  it('Ctrl-C gives `message --partial` what came', async () => {
    const pipe = live(['message', '--partial']);
    pipe.say(CUT);
    await pause(500);
    pipe.kill('SIGINT');
    const ran = await pipe.done;
    expect(JSON.parse(ran.out)).toMatchObject({ content: [{ text: 'Half an ans' }] });
    expect(ran.code).toBe(130);
  });

  it('Ctrl-C ends it even while nobody has opened the other end of a named pipe', async () => {
    const fifo = join(folder, 'fifo');
    spawnSync('mkfifo', [fifo]);
    const pipe = live([fifo]);
    await pause(500);
    pipe.kill('SIGINT');
    const done = await pipe.done;
    expect([130, null]).toContain(done.code);
    expect(done.err).toBe('');
  });
});

// --- input, output, exit codes ---

describe('exit codes', () => {
  it('3: a message that is nested too deep to print, in one line', () => {
    const deep = HELLO.replace(
      '"type":"message",',
      `"type":"message","deep":${'['.repeat(60_000)}${']'.repeat(60_000)},`,
    );
    const { code, out, err } = ssemble(['message', saved('deep.sse', deep)]);
    expect(err).toBe('ssemble: Cannot print the result: it is nested too deep, or too large\n');
    expect(out).toBe('');
    expect(code).toBe(3);
  });

  it('3: a file that is not there, or is a directory; the others are read all the same', () => {
    const missing = ssemble(['nowhere.sse', saved('hello.sse', HELLO)]);
    expect(missing.err).toBe('ssemble: Cannot read nowhere.sse: there is no such file\n');
    expect(missing.out).toContain('Hello there');
    expect(missing.code).toBe(3);
    const directory = ssemble(['.']);
    expect(directory.err).toBe('ssemble: Cannot read .: it is a directory\n');
    expect(directory.code).toBe(3);
  });

  it('3 for a full disk', () => {
    const result = spawnSync('bash', ['-c', '"$0" "$1" - > /dev/full', process.execPath, program], {
      input: HELLO,
      encoding: 'utf8',
    });
    expect(result.stderr).toMatch(/^ssemble: Cannot write the output: .*ENOSPC/);
    expect(result.status).toBe(3);
  });

  it('1: findings, as bad as --fail-on says', () => {
    const gap = saved('gap.sse', GAP);
    expect(ssemble(['events', gap]).code).toBe(0);
    expect(ssemble(['events', '--fail-on', 'warning', gap]).code).toBe(1);
    expect(ssemble(['events', '--fail-on=error', gap]).code).toBe(0);
  });

  it('the first of 2, 3, 4, 1 that applies, over all files', () => {
    const [gap, cut] = [saved('gap.sse', GAP), saved('cut.sse', CUT)];
    expect(ssemble(['--fail-on', 'warning', gap, cut]).code).toBe(4);
    expect(ssemble(['--fail-on', 'warning', cut, gap]).code).toBe(4);
    expect(ssemble([cut, 'nowhere.sse', gap]).code).toBe(3);
    expect(ssemble(['--nope', 'nowhere.sse']).code).toBe(2);
  });

  it('2: options and values that do not exist, with what was meant', () => {
    expect(ssemble(['--jsn']).err).toBe('ssemble: There is no option --jsn. Did you mean `--json`?\n');
    expect(ssemble(['events', '--partial']).err).toBe(
      'ssemble: `events` has no option --partial. It belongs to `message`.\n',
    );
    expect(ssemble(['--fail-on', 'info']).err).toContain('Choose one of: error, warning.');
    expect(ssemble(['--fail-on']).err).toContain('needs a value');
    expect(ssemble(['--json=yes']).err).toContain('takes no value');
    expect(ssemble(['-', '-']).err).toContain('twice');
    expect(ssemble(['help', 'viwe']).err).toContain('Did you mean `view`?');
    for (const args of [['--jsn'], ['--fail-on', 'info'], ['-', '-'], ['help', 'viwe'], ['-x']])
      expect(ssemble(args).code).toBe(2);
  });

  it('a mistyped command is taken for a file, with a hint', () => {
    const ran = ssemble(['evnts', saved('hello.sse', HELLO)]);
    expect(ran.err).toContain('Cannot read evnts: there is no such file; did you mean the command `events`?');
    expect(ran.code).toBe(3);
    expect(ssemble(['frobnicate', saved('hello.sse', HELLO)]).err).toMatch(
      /^ssemble: Cannot read frobnicate: there is no such file; the commands are view, events, message, lint, .*\n$/,
    );
    expect(ssemble(['view', 'view']).err).toBe('ssemble: Cannot read view: there is no such file\n');
  });
});

describe('help and version', () => {
  it('--help opens with three examples', () => {
    const lines = ssemble(['--help']).out.split('\n');
    expect(lines[0]).toBe('Examples');
    expect(lines.slice(1, 4).every((line) => /ssemble/.test(line))).toBe(true);
    expect(lines[4]).toBe('');
    for (const command of COMMANDS.map(({ name }) => name)) {
      const help = ssemble([command, '--help']);
      expect(help.out).toMatch(/^Examples\n( {2}\S.*\n){3,}\nUsage\n/);
      expect(help.out).toBe(ssemble(['help', command]).out);
      expect(help.code).toBe(0);
    }
  });

  it('help help is help', () => {
    const help = ssemble(['help', 'help']);
    expect(help.out).toBe(ssemble(['--help']).out);
    expect(help.code).toBe(0);
  });

  it('the example for the text alone prints no `null` for other blocks', () => {
    expect(ssemble(['help', 'message']).out).toContain("jq -r '.content[].text // empty'");
  });

  it('--version', () => {
    expect(ssemble(['--version']).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('colours', () => {
  it('none in a pipe; FORCE_COLOR turns them on, NO_COLOR always off', () => {
    const file = saved('cut.sse', CUT);
    const escape = '\u001b[';
    expect(ssemble([file]).out).not.toContain(escape);
    const forced = ssemble([file], '', { FORCE_COLOR: '1' });
    expect(forced.out).toContain(`${escape}31m`);
    expect(forced.out.endsWith(`${escape}0m`)).toBe(true);
    expect(ssemble([file], '', { FORCE_COLOR: '1', NO_COLOR: '1' }).out).not.toContain(escape);
    expect(ssemble([file], '', { FORCE_COLOR: '0' }).out).not.toContain(escape);
  });
});
