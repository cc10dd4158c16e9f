/** Redaction: what is found is gone, wherever the borders of deltas lie, and nothing else changes. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Capture, CaptureChunk } from '../src/capture/format.ts';
import { parseCapture } from '../src/capture/reader.ts';
import {
  customPattern,
  redact,
  redactBody,
  REDACTION_PATTERNS,
  type RedactOptions,
  wordPattern,
} from '../src/capture/redact.ts';
import { formatCapture } from '../src/capture/writer.ts';
import { lint } from '../src/lint/linter.ts';
import { MessageParser } from '../src/message/parser.ts';
import type { StreamEvent } from '../src/protocol/events.ts';
import { SseScanner } from '../src/sse/scanner.ts';
import { captures, readCapture } from './support/captures.ts';

const MANY = process.env['SSEMBLE_FUZZ'] ? 100 : 1;
const RUNS = 200 * MANY;

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function frame(event: { type: string }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function delta(index: number, body: object): string {
  return frame({ type: 'content_block_delta', index, delta: body } as { type: string });
}

const text = (index: number, piece: string): string => delta(index, { type: 'text_delta', text: piece });
const json = (index: number, piece: string): string => delta(index, { type: 'input_json_delta', partial_json: piece });

/** The body as text, redacted. */
function clean(body: string, options?: RedactOptions): string {
  return decode(redactBody(encode(body), options).bytes);
}

/** All texts of one field, joined. */
function joined(body: string, field: string): string {
  return [...body.matchAll(/^data: (.*)$/gm)]
    .map(([, data]) => (JSON.parse(data as string) as { delta?: Record<string, string> }).delta?.[field] ?? '')
    .join('');
}

/** One example a pattern; `<…>` is what goes. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  'anthropic-key': ['key <sk-ant-api03-AbC_d-EfG> ok', 'x=<sk-ant-oat01-abcdef>'],
  'private-key': [
    '<-----BEGIN RSA PRIVATE KEY-----MIIEabc+/=-----END RSA PRIVATE KEY----->',
    'cut: <-----BEGIN OPENSSH PRIVATE KEY-----b3BlbnNzaC1rZXk>',
  ],
  'api-key': [
    '<sk-proj-abcdefghijklmnop123> task-force-oriented-work',
    '<AIzaSyA1234567890abcdefghijklmnopqrstuv>',
    '<sk_live_abcdefghijklmnop>',
  ],
  'aws-key': ['<AKIAIOSFODNN7EXAMPLE>', 'aws_secret_access_key = <wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY>'],
  'github-token': ['<ghp_abcdefghijklmnopqrstuvwxyz0123456789>', '<github_pat_11ABCDEFG0abcdefghijkl_mnop>'],
  'slack-token': ['<xoxb-123456789012-abcdef>'],
  jwt: ['<eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-_123>'],
  bearer: ['Authorization: Bearer <abcdef0123456789>'],
  'url-password': ['postgres://admin:<hunter2>@db.example/x'],
  email: ['write to <jane.doe+x@mail.example.com>, please'],
  home: [
    'cd /Users/<max>/src',
    'ls /home/<jane.doe>',
    String.raw`C:\Users\<Max M>\x`.replace(' M', ''),
    'c:/users/<max>/x',
  ],
  ipv4: ['from <192.168.0.12>, version 1.2.3'],
};

describe('the patterns', () => {
  it.each(REDACTION_PATTERNS.map((pattern) => [pattern.name, pattern] as const))('%s', (name, pattern) => {
    for (const example of EXAMPLES[name] as string[]) {
      const plain = example.replaceAll(/<([^>]*)>/g, '$1');
      const expected = example.replaceAll(/<([^>]*)>/g, (_, secret: string) => 'x'.repeat(secret.length));
      const body = text(0, plain);
      const found = redactBody(encode(body), { patterns: [pattern] });
      expect(joined(decode(found.bytes), 'text')).toBe(expected);
      expect(found.counts).toEqual([{ pattern: name, count: 1 }]);
    }
  });

  it('every pattern has an example, and does not match the empty text', () => {
    expect(Object.keys(EXAMPLES)).toEqual(REDACTION_PATTERNS.map(({ name }) => name));
    for (const { pattern } of REDACTION_PATTERNS) expect(pattern.test('')).toBe(false);
  });

  it('take time in proportion to the text, whatever it is', () => {
    const hostile = [
      'a',
      'a.',
      'a@',
      '-',
      '.1',
      'sk-',
      'eyJ',
      '-----BEGIN PRIVATE KEY-----',
      '/home/',
      '://a:',
      'bearer ',
      '\\',
      'aws_secret_access_key="',
    ];
    for (const unit of hostile) {
      const body = encode(text(0, unit.repeat(200_000 / unit.length)));
      const started = performance.now();
      redactBody(body, { patterns: REDACTION_PATTERNS });
      expect(performance.now() - started, unit).toBeLessThan(5000);
    }
  });

  it('keep `1.2.3.4` unless it is asked for', () => {
    expect(redactBody(encode(text(0, 'at 192.168.0.1'))).counts).toEqual([]);
  });
});

describe('patterns of people', () => {
  it.each([
    '(a+)+$',
    '(?:a|ab)*c',
    '(?:a*)*b',
    '([a-z]+\\d?){2,}',
    '(x?y?)*z',
    '(?:(?:a{2,})b)+',
    '(a)\\1',
    '(?<n>a)\\k<n>',
    '(?:a+b){9}',
  ])('refuses %s, which may take for ever', (source) => {
    expect(() => customPattern(source)).toThrow(/^Cannot redact \/.*(?:for ever|too long)/);
  });

  it.each([
    '[a-z]+@corp',
    '(?:\\d{1,3}\\.){3}\\d{1,3}',
    'ACME-\\d{4}',
    '(?:foo|bar)-\\w+',
    '\\bProject [A-Z]\\w*',
    'a\\-b',
    '[(+*]x',
    '(?<=id )\\d+',
  ])('takes %s', (source) => {
    expect(customPattern(source).pattern.source).toBe(source);
  });

  it('refuses what is no expression, and what is everywhere', () => {
    expect(() => customPattern('(')).toThrow(TypeError);
    expect(() => customPattern('a*')).toThrow(/matches the empty text/);
    expect(() => customPattern('(a?){50}a{50}b')).toThrow(/may take for ever/);
    expect(() => customPattern('(?:a|aa){2,40}b')).toThrow(/may take for ever/);
    expect(customPattern('(?:\\d{1,3}\\.){3}\\d').name).toBe('pattern');
    expect(() => wordPattern('')).toThrow(TypeError);
  });

  it('takes a word to the letter, in capital and small letters', () => {
    const patterns = [wordPattern('A.c*e (1)-[x]/{ü}')];
    expect(joined(clean(text(0, 'the a.C*E (1)-[X]/{Ü} end, abce (1)'), { patterns }), 'text')).toBe(
      `the ${'x'.repeat(18)} end, abce (1)`,
    );
  });

  it('finds what is far in a long text, and what lies across its windows', () => {
    const patterns = [customPattern('ACME-\\d+', 'acme'), customPattern('\\bkey\\b', 'key')];
    for (const at of [0, 8190, 8192, 16_380, 40_000]) {
      const body = text(0, `${'monkey '.repeat(at / 7)}ACME-123456 key${' hockey'.repeat(3000)}`);
      const found = redactBody(encode(body), { patterns });
      expect(
        found.counts.map(({ count }) => count),
        String(at),
      ).toEqual([1, 1]);
      expect(decode(found.bytes)).not.toContain('ACME');
    }
  });
});

describe('where secrets are found', () => {
  it('across deltas, as in cline#9797', () => {
    const body = text(0, 'ls /U') + text(0, 'sers/max') + text(0, 'imilian/x');
    expect(joined(clean(body), 'text')).toBe('ls /Users/xxxxxxxxxx/x');
  });

  it('in thinking, tool input, its keys, errors, results, ids, comments and unknown events', () => {
    const secret = 'sk-ant-api03-abcdefgh';
    const places = [
      delta(0, { type: 'thinking_delta', thinking: `a ${secret}` }),
      json(1, '{"a": [{"b": "').concat(json(1, secret.slice(0, 9)), json(1, `${secret.slice(9)}"}]}`)),
      json(1, `{"${secret}": 1}`),
      frame({
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'tool_use', id: 't', name: 'n', input: { [secret]: [secret] } },
      } as never),
      frame({
        type: 'content_block_start',
        index: 2,
        content_block: { type: 'web_search_tool_result', tool_use_id: 's', content: [{ title: secret }] },
      } as never),
      frame({ type: 'error', error: { type: 'authentication_error', message: `invalid key ${secret}` } } as never),
      frame({
        type: 'message_start',
        message: { id: `msg_${secret}`, content: [{ type: 'text', text: secret }] },
      } as never),
      `: ${secret}\n\n`,
      `id: ${secret}\ndata: {"type":"ping"}\n\n`,
      `event: x\ndata: {"type":"x","deep":{"er":["${secret}"]}}\n\n`,
      `data: no json ${secret}\n\n`,
      `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${secret}`,
      `{"type":"error","error":{"type":"api_error",\n"message":"${secret}"}}`,
      `<html>\n<body>${secret}</body>`,
      `HTTP/1.1 401 No\r\nx-key: ${secret}\r\n\r\n{"error":"${secret}"}`,
      JSON.stringify({
        type: 'stream_event',
        event: { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: secret } },
      }),
    ];
    for (const body of places) {
      const { bytes, counts } = redactBody(encode(body));
      expect(decode(bytes), body).not.toContain('abcdefgh');
      expect(decode(bytes), body).toHaveLength(body.length);
      expect(counts[0]?.pattern, body).toBe('anthropic-key');
    }
  });

  it('in blocks that a server made of every token', () => {
    const body = ['/Us', 'ers/m', 'ax'].map((piece, i) => text(i, piece)).join('');
    expect(joined(clean(body), 'text')).toBe('/Users/xxx');
  });

  it('in a delta that the end of the stream cut', () => {
    const body = `${text(0, 'mail jane@ex')}data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ample.com`;
    expect(clean(body)).toMatch(/mail xxxxxxx".*\n\n.*"xxxxxxxxx$/s);
  });

  it('in data of several lines, and in CRLF', () => {
    const lines = 'data: {"type":"ping",\r\ndata: "to":"jane@example.com"}\r\n\r\n';
    expect(clean(lines)).toBe(lines.replace('jane@example.com', 'x'.repeat(16)));
  });

  it('in tool input of Windows, as JSON writes it and as some models do', () => {
    expect(joined(clean(json(1, String.raw`{"p":"C:\\Us`) + json(1, String.raw`ers\\max\\a"}`)), 'partial_json')).toBe(
      String.raw`{"p":"C:\\Users\\xxx\\a"}`,
    );
    const broken = joined(clean(json(1, String.raw`{"p":"C:\Users\max\a"}`)), 'partial_json');
    expect(broken).toBe(String.raw`{"p":"C:\Users\xxx\a"}`);
  });

  it('in numbers of tool input, which stay numbers; the numbers of the protocol stay', () => {
    const patterns = [wordPattern('4711'), wordPattern('0')];
    const body = json(0, '{"a":-4711.5e2,"b":[0,10.05],"c":"4711"}');
    expect(joined(clean(body, { patterns }), 'partial_json')).toBe('{"a":-1111.5e2,"b":[0,11.15],"c":"xxxx"}');
    expect(clean(body, { patterns })).toContain('"index":0,');
  });

  it('but not in what the protocol lives on', () => {
    const patterns = ['text', 'delta', 'message', 'end_turn', 'assistant', 'error'].map((word) => wordPattern(word));
    const body =
      frame({
        type: 'message_start',
        message: { id: 'msg_1', type: 'message', role: 'assistant', content: [], model: 'm' },
      } as never) +
      frame({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as never) +
      text(0, 'plain') +
      frame({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: {} } as never);
    expect(clean(body, { patterns })).toBe(body);
    const tool = json(0, '{"type":"text","role":"assistant"}');
    expect(joined(clean(tool, { patterns }), 'partial_json')).toBe('{"type":"xxxx","role":"xxxxxxxxx"}');
  });

  it('in what should be a word of the protocol and is none', () => {
    const key = 'sk-ant-api03-abcdefgh';
    const x = 'x'.repeat(key.length);
    for (const [body, expected] of [
      [`event: ${key}\ndata: {"type":"${key}"}\n\n`, `event: ${x}\ndata: {"type":"${x}"}\n\n`],
      [`retry: ${key}\n\nretry: 100\n\n`, `retry: ${x}\n\nretry: 100\n\n`],
      [
        `data: {"type":"message_delta","delta":{"stop_reason":"${key}"}}\n\n`,
        `data: {"type":"message_delta","delta":{"stop_reason":"${x}"}}\n\n`,
      ],
    ] as const) {
      expect(decode(redactBody(encode(body)).bytes)).toBe(expected);
    }
    const keys = decode(redactBody(encode(`data: {"type":"ping","${key}":1,"${key}2":2}\n\n`)).bytes);
    expect(keys).not.toContain('abcdefgh');
    expect(Object.keys(JSON.parse(keys.slice(6)) as object)).toHaveLength(3);
  });

  it('in JSON that is text in tool input, with escapes of its own', () => {
    const units = Array.from('sk-ant-api03-abcdefgh', (c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('');
    for (const value of [`{"key":"${units}"}`, JSON.stringify({ file: `{"key":"${units}"}` })]) {
      const pieces = JSON.stringify({ content: value }).match(/[^]{1,5}/g) ?? [];
      const body = pieces.map((piece) => json(0, piece)).join('');
      const { bytes, counts } = redactBody(encode(body));
      expect(counts).toEqual([{ pattern: 'anthropic-key', count: 1 }]);
      expect(bytes).toHaveLength(encode(body).length);
      const { content } = JSON.parse(joined(decode(bytes), 'partial_json')) as { content: string };
      expect(content).not.toContain('u0073');
      expect(Object.keys(JSON.parse(content) as object)).toEqual(Object.keys(JSON.parse(value) as object));
    }
  });

  it('in ids, so that equal ones stay equal and different ones different', () => {
    const start = (id: string): string => frame({ type: 'message_start', message: { id, content: [] } } as never);
    const ids = (body: string): string[] => [...body.matchAll(/"id":"([^"]*)"/g)].map(([, id]) => id as string);
    const options = { patterns: [customPattern('[0-9a-f]{8}')] };
    const [one, same, other] = ids(
      clean(start('msg_0011aabb') + start('msg_0011aabb') + start('msg_ffee0099'), options),
    );
    expect(one).toMatch(/^msg_[a-z]{8}$/);
    expect(same).toBe(one);
    expect(other).not.toBe(one);
  });

  it('in signatures and encrypted content only if asked for', () => {
    const body =
      delta(0, { type: 'signature_delta', signature: 'EqQBCgIYAhIM' }) +
      frame({
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'redacted_thinking', data: 'Eqkd=' },
      } as never);
    expect(clean(body)).toBe(body);
    const { bytes, counts } = redactBody(encode(body), { signatures: true });
    expect(decode(bytes)).toBe(body.replace('EqQBCgIYAhIM', 'x'.repeat(12)).replace('Eqkd=', 'xxxxx'));
    expect(counts).toEqual([{ pattern: 'signatures', count: 2 }]);
  });
});

describe('the rest of a capture', () => {
  const capture = (): Capture => ({
    header: {
      ssemble: 'capture',
      version: 1,
      request: {
        url: 'https://me@proxy.example/v1/messages?user=jane@example.com',
        headers: [
          ['x-user', 'jane@example.com'],
          ['x-api-key', 'sk-ant-api03-abcdefgh'],
        ],
        body: '{"messages":[{"role":"user","content":"cd /Users/max"}]}',
      },
      response: {
        status: 200,
        headers: [
          ['anthropic-organization-id', '7f3a'],
          ['request-id', 'req_1'],
        ],
      },
      source: { kind: 'sse', name: 'jane@example.com.sse', chunks: 'made' },
    },
    chunks: [{ us: 5, bytes: encode('data: {"type":"ping"}\n\n') }],
    end: { end: 'reset', us: 9, error: 'read /home/max/socket' },
  });

  it('header, request body and end line are cleaned, and counted in the header', () => {
    const { capture: result, counts } = redact(capture());
    const written = formatCapture(result);
    for (const secret of ['jane', 'max"', '/max', 'sk-ant', '7f3a', 'me@']) expect(written).not.toContain(secret);
    expect(result.header.request?.body).toBe('{"messages":[{"role":"user","content":"cd /Users/xxx"}]}');
    expect(result.header.response?.headers?.[1]).toEqual(['request-id', 'req_1']);
    expect(counts).toEqual([
      { pattern: 'email', count: 3 },
      { pattern: 'home', count: 2 },
      { pattern: 'account', count: 1 },
    ]);
    expect(result.header.redacted).toEqual(counts);
    expect(parseCapture(written)).toEqual(result);
  });

  it('a second time adds to the list, and finds nothing of the first', () => {
    const once = redact(capture());
    const twice = redact(once.capture);
    expect(twice).toEqual({ capture: once.capture, counts: [] });
    const word = redact(once.capture, { patterns: [wordPattern('user')] });
    expect(word.capture.header.redacted?.map(({ pattern }) => pattern)).toEqual(['email', 'home', 'account', 'word']);
  });

  it('fields of later programs, and known ones that hold what they should not, are cleaned too', () => {
    const at = 'jane@example.com';
    const header = {
      ssemble: 'capture',
      version: 1,
      tool: at,
      note: at,
      list: [{ [at]: at }],
      request: { method: at, later: at },
      response: { decoded: at, later: { deep: [at] } },
      clock: { zero: 'request', origin: at },
      source: { kind: at, chunks: 'made' },
      redacted: [{ pattern: at, count: 1 }],
    };
    const lines = `${JSON.stringify(header)}\n[0,"x"]\n${JSON.stringify({ end: 'eof', later: at })}\n`;
    const { capture: result } = redact(parseCapture(lines));
    const written = formatCapture(result);
    expect(written).not.toContain('jane');
    expect(parseCapture(written)).toEqual(result);
    // Words of the format stay, also where a pattern finds them.
    const words = ['capture', 'request', 'eof', 'made', 'email'].map((word) => wordPattern(word));
    expect(parseCapture(formatCapture(redact(capture(), { patterns: words }).capture)).header.source?.chunks).toBe(
      'made',
    );
  });

  it('the original is left alone', () => {
    const original = capture();
    redact(original);
    expect(original).toEqual(capture());
  });
});

interface Seen {
  events: object[];
  findings: object[];
  outcome: string;
}

/** Everything that must be the same after redaction. */
function seen(bytes: Uint8Array): Seen {
  const scanner = new SseScanner();
  scanner.write(bytes);
  const events: object[] = [];
  for (let event = scanner.next(); event !== undefined; event = scanner.next()) {
    events.push({ ...scanner.position(), name: event.event, bytes: encode(event.data).length });
  }
  const report = lint(bytes);
  const findings = report.findings.map(({ rule, severity, at, index }) => ({ rule, severity, at, index }));
  return { events, findings, outcome: `${report.outcome.status} ${report.outcome.stopReason}` };
}

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));
const bodies = ['hostile', 'messages'].flatMap((folder) =>
  readdirSync(join(FIXTURES, folder))
    // A compressed body is refused: nothing can be found in it.
    .filter((name) => name.endsWith('.sse') && name !== 'body-gzip.sse')
    .map((name) => [`${folder}/${name}`, join(FIXTURES, folder, name)] as const),
);

/** Patterns that hit nearly everywhere, so that a border that is not respected shows. */
const GREEDY: RedactOptions = {
  patterns: [customPattern('[aeouAEOU]+'), customPattern('[\\d.,]+'), customPattern('[\\s:"{}\\\\]{2,}')],
  signatures: true,
};

describe('what stays', () => {
  it.each(bodies)('%s lints the same, event for event', (_, path) => {
    const bytes = new Uint8Array(readFileSync(path));
    const before = seen(bytes);
    for (const options of [{}, GREEDY, { patterns: REDACTION_PATTERNS, signatures: true }]) {
      const { bytes: after } = redactBody(bytes, options);
      expect(after).toHaveLength(bytes.length);
      expect(seen(after)).toEqual(before);
    }
  });

  it.skipIf(captures.length === 0)('real streams lint the same, event for event', () => {
    const sse = captures.filter(({ file }) => file.endsWith('.sse'));
    for (const { file } of sse.filter((_, i) => i % (MANY === 1 ? 25 : 1) === 0)) {
      const bytes = readCapture(file);
      const { bytes: after } = redactBody(bytes, GREEDY);
      expect(seen(after), file).toEqual(seen(bytes));
    }
  });

  it('any bytes: lengths and events stay, and nothing is thrown', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'data: ',
        'event: ',
        'id: ',
        ': ',
        '\n',
        '\r\n',
        '\n\n',
        '{"type":',
        '"content_block_delta"',
        ',"index":0',
      ),
      fc.constantFrom(
        '"delta":{"text":"',
        '"partial_json":"',
        '\\"',
        '\\\\',
        '\\u00e9',
        '\\ud83d',
        '\\ude00',
        '"}}',
        '[',
        ']',
        '{',
      ),
      fc.constantFrom(
        'jane@example.com',
        'sk-ant-abcdef',
        '/Users/max',
        'C:\\\\Users\\\\max',
        '😀',
        'é',
        '\ufffd',
        ' ',
        '12',
      ),
    );
    const bytes = fc.oneof(
      fc.array(piece, { maxLength: 30 }).map((pieces) => encode(pieces.join(''))),
      fc.uint8Array({ maxLength: 100 }),
    );
    fc.assert(
      fc.property(bytes, fc.constantFrom({}, GREEDY), (body, options) => {
        const once = redactBody(body, options);
        expect(once.bytes).toHaveLength(body.length);
        expect(seen(once.bytes).events).toEqual(seen(body).events);
        if (once.counts.length === 0) expect(once.bytes).toEqual(body);
      }),
      { numRuns: RUNS },
    );
  });
});

/** A text with secrets in it, as runs of pieces that are shown and pieces that must go. */
const SECRETS = fc.constantFrom(
  'sk-ant-api03-Zq9xY7w_vU-tSr',
  'jane.doe@mail.example.com',
  'ghp_Zyxwvutsrqponmlkjihgfedcba0123',
  'AKIAQWERTYUIOPASDFGH',
  'Grüße 😀 "Ä\\ß"\n\tende',
);
const STORY = fc.array(fc.oneof(SECRETS, fc.constantFrom(' a ', ' \n', ' "q" ', ' \\n ', ' 😀 ', ' é ')), {
  minLength: 1,
  maxLength: 6,
});
const OPTIONS: RedactOptions = {
  patterns: [...REDACTION_PATTERNS, wordPattern('Grüße 😀 "Ä\\ß"\n\tende')],
};

/** JSON for a string, each character by chance as an escape. */
function escaped(value: string, odd: readonly boolean[]): string {
  const units = Array.from({ length: value.length }, (_, i) => i);
  const shown = units.map((i) => {
    const unit = value[i] as string;
    if (odd[i % odd.length] === true) return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    return /[\ud800-\udfff]/.test(unit) ? unit : JSON.stringify(unit).slice(1, -1);
  });
  return `"${shown.join('')}"`;
}

function cutAt(value: string, cuts: readonly number[]): string[] {
  const sorted = [...new Set(cuts.map((cut) => cut % (value.length + 1)))].sort((a, b) => a - b);
  return [...sorted, value.length].map((end, i) => value.slice(i === 0 ? 0 : sorted[i - 1], end));
}

describe('a secret is gone from the assembled text', () => {
  const cuts = fc.array(fc.nat(), { maxLength: 12 });
  const odd = fc.array(fc.boolean(), { minLength: 1, maxLength: 7 });

  it('however deltas cut it, and however they write it', () => {
    fc.assert(
      fc.property(STORY, cuts, odd, fc.constantFrom('text', 'thinking'), (parts, where, how, field) => {
        const pieces = cutAt(parts.join(''), where).map((piece) =>
          piece.replaceAll(/[\ud800-\udbff]$|^[\udc00-\udfff]/g, ''),
        );
        const body = pieces
          .map(
            (piece) =>
              `data: {"type":"content_block_delta","index":0,"delta":{"type":"${field}_delta","${field}":${escaped(piece, how)}}}\n\n`,
          )
          .join('');
        const whole = pieces.join('');
        const after = joined(clean(body, OPTIONS), field);
        for (const part of parts.filter((one) => one.length > 8 && whole.includes(one)))
          expect(after).not.toContain(part);
        expect(encode(clean(body, OPTIONS))).toHaveLength(encode(body).length);
      }),
      { numRuns: RUNS },
    );
  });

  it('in tool input: JSON in pieces in JSON, which stays the JSON that it was', () => {
    fc.assert(
      fc.property(STORY, cuts, odd, odd, (parts, where, inner, outer) => {
        const input = `{"cmd":${escaped(parts.join(''), inner)},"n":[1,{"deep":${escaped(parts[0] as string, inner)}}]}`;
        const body = cutAt(input, where)
          .map(
            (piece) =>
              `data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":${escaped(piece, outer)}}}\n\n`,
          )
          .join('');
        const before = JSON.parse(joined(body, 'partial_json')) as { n: unknown[] };
        const after = JSON.parse(joined(clean(body, OPTIONS), 'partial_json')) as { cmd: string; n: unknown[] };
        const texts = JSON.stringify(after);
        for (const part of parts.filter((one) => one.length > 8))
          expect(texts).not.toContain(JSON.stringify(part).slice(1, -1));
        expect(Object.keys(after)).toEqual(Object.keys(before));
        expect(after.n[0]).toBe(1);
      }),
      { numRuns: RUNS },
    );
  });

  it('and chunks keep their lengths and times', () => {
    fc.assert(
      fc.property(STORY, fc.array(fc.nat(400), { minLength: 1, maxLength: 20 }), (parts, sizes) => {
        const bytes = encode(parts.map((part) => text(0, part)).join(''));
        const chunks: CaptureChunk[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = Math.max(1, sizes[i % sizes.length] as number);
          chunks.push({ us: i * 7, bytes: bytes.slice(at, at + size) });
          at += size;
        }
        const { capture } = redact({ header: { ssemble: 'capture', version: 1 }, chunks, end: undefined }, OPTIONS);
        expect(capture.chunks.map(({ us, bytes: own }) => [us, own.length])).toEqual(
          chunks.map(({ us, bytes: own }) => [us, own.length]),
        );
        const whole = new Uint8Array(capture.chunks.flatMap(({ bytes: own }) => [...own]));
        expect(whole).toEqual(redactBody(bytes, OPTIONS).bytes);
      }),
      { numRuns: RUNS },
    );
  });

  it('and the message is the one that a parser assembles from it', () => {
    const body =
      frame({
        type: 'message_start',
        message: {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          content: [],
          model: 'm',
          stop_reason: null,
          stop_sequence: null,
          usage: {},
        },
      } as never) +
      frame({
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'tool_use', id: 'toolu_1', name: 'sh', input: {} },
      } as never) +
      '{"cmd":"cat /Users/max/\\u002essh/id"}'
        .split('')
        .map((one) => json(0, one))
        .join('') +
      frame({ type: 'content_block_stop', index: 0 } as never);
    const events: StreamEvent[] = [];
    const parser = new MessageParser({ onEvent: (event) => void events.push(event) });
    parser.push(clean(body));
    expect(parser.message?.content[0]).toMatchObject({ input: { cmd: 'cat /Users/xxx/.ssh/id' } });
    expect(events.some(({ type }) => type === 'unknown')).toBe(false);
  });
});
