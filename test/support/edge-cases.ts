/** All edge cases; here those of how a stream begins and ends, of tool input, and of framing. */

import { expect } from 'vitest';
import { type EdgeCase, edge, block, A, END, TOOL_END, tool, called, errorSeen, told } from './edge-case.ts';
import { CONTENT_CASES } from './edge-cases-content.ts';
import * as m from './messages.ts';
import { sse } from './stream.ts';

const invalid = (title: string, text: string, offset: number): EdgeCase =>
  edge(title, [...tool(text), m.blockStop(0), ...TOOL_END], [called({})], {
    codes: ['invalid-tool-input'],
    also: ({ blocks }) => {
      expect(blocks[0]).toMatchObject({ state: 'closed', inputState: 'invalid', inputText: text });
      expect(blocks[0]?.inputError?.offset).toBe(offset);
    },
  });

const refused = (title: string, body: string, code: string): EdgeCase => ({
  title,
  body,
  content: undefined,
  status: 'errored',
  also: errorSeen({ class: 'ProtocolError', code }),
});

const lines = (end: string): EdgeCase => ({
  title: `LF / CR / CRLF / CRLF split / mixed: ${JSON.stringify(end)}`,
  body: [...A, ...END].map((event) => sse(event).replaceAll('\n', end)).join(''),
  content: [{ type: 'text', text: 'A' }],
  status: 'complete',
});

const OPENING: readonly EdgeCase[] = [
  edge('delta before message_start', [m.textDelta(0, 'A'), m.start(), m.blockStop(0), ...END], ['A'], {
    codes: ['content-before-start', 'delta-without-start'],
  }),
  edge(
    'two message_starts (before stop)',
    [m.start(), ...block(0, 'A'), m.start('msg_2'), ...block(0, 'B'), ...END],
    ['B'],
    {
      codes: ['spliced-message-start'],
      also: ({ messages }) => {
        expect(messages.map(({ outcome }) => outcome.status)).toEqual(['truncated', 'complete']);
        expect(messages[0]?.message.content).toEqual([{ type: 'text', text: 'A' }]);
      },
    },
  ),
  edge('two complete messages in one body', [...A, ...END, m.start('msg_2'), ...block(0, 'B'), ...END], ['B'], {
    codes: ['further-message'],
    also: (seen) => {
      expect(seen.messages.map(({ message }) => message.content)).toEqual([
        [{ type: 'text', text: 'A' }],
        [{ type: 'text', text: 'B' }],
      ]);
      expect(told(seen, 'message')).toHaveLength(2);
    },
  }),
  edge(
    'message_start without usage',
    ['data: {"type":"message_start","message":{"id":"x"}}\n\n', ...block(0, 'A'), ...END],
    ['A'],
    {
      codes: ['missing-event-name', 'missing-usage'],
      also: ({ message }) => {
        expect(message?.usage).toEqual({ output_tokens: 7 });
      },
    },
  ),
];

const ENDINGS: readonly EdgeCase[] = [
  edge('missing message_stop, clean EOF', [...A, m.messageDelta()], ['A'], {
    status: 'truncated',
    also: errorSeen({ class: 'TruncatedError', outcome: 'truncated' }),
  }),
  edge('EOF inside a block', [m.start(), m.textStart(0), m.textDelta(0, 'A')], ['A'], {
    status: 'truncated',
    codes: ['missing-block-stop'],
  }),
  edge(
    'EOF inside an SSE event',
    [m.start(), m.textStart(0), m.textDelta(0, 'A'), sse(m.textDelta(0, 'B')).slice(0, -9)],
    ['A'],
    {
      status: 'truncated',
      codes: ['unfinished-event', 'missing-block-stop'],
    },
  ),
  edge('`error` event mid-stream', [...A, m.apiError()], ['A'], {
    status: 'errored',
    also: errorSeen({ class: 'OverloadedError', status: 529, type: 'overloaded_error', retryable: true }),
  }),
  edge('`error` event first', [m.apiError()], undefined, {
    status: 'errored',
    also: errorSeen({ class: 'OverloadedError', snapshot: undefined }),
  }),
  edge('`error` with non-JSON data', [sse('it broke', 'error')], undefined, {
    status: 'errored',
    also: errorSeen({ class: 'InternalServerError', message: 'api_error: it broke' }),
  }),
  edge('`{"type":"error"}` without event name', [sse(m.apiError(), null)], undefined, {
    status: 'errored',
    codes: ['missing-event-name'],
  }),
  edge('`{"type":"error"}` under `event: message`', [sse(m.apiError(), 'message')], undefined, {
    status: 'errored',
    codes: ['event-name-mismatch'],
  }),
  edge('malformed JSON in data', [...A, sse('{"type":', 'content_block_delta'), ...END], ['A'], {
    status: 'damaged',
    codes: ['invalid-json'],
    also: errorSeen({ class: 'DamagedError' }),
  }),
  edge('malformed ping data', [...A, sse('{oops', 'ping'), ...END], ['A'], { codes: ['malformed-ping'] }),
  edge('`event: done / data: [DONE]` after stop', [...A, ...END, sse('[DONE]', 'done')], ['A'], {
    codes: ['done-sentinel'],
  }),
  edge('`data: [DONE]` unnamed', [...A, ...END, 'data: [DONE]\n\n'], ['A'], { codes: ['done-sentinel'] }),
  edge('events after message_stop', [...A, ...END, m.textDelta(0, 'LATE')], ['A'], {
    codes: ['event-after-stop'],
    also: (seen) => {
      expect(told(seen, 'text')).toEqual([['A', 0]]);
      expect(seen.messages).toHaveLength(1);
    },
  }),
  edge(
    'message_delta without usage',
    [...A, { type: 'message_delta', delta: { stop_reason: 'end_turn' } } as { type: string }, m.stop],
    ['A'],
    {
      codes: ['missing-usage'],
      also: ({ message }) => {
        expect(message?.usage).toEqual({ input_tokens: 3, output_tokens: 1 });
      },
    },
  ),
  edge('last event without blank line', [...A, m.messageDelta(), sse(m.stop).slice(0, -2)], ['A'], {
    codes: ['missing-final-blank-line'],
  }),
];

const TOOLS: readonly EdgeCase[] = [
  invalid('invalid tool JSON', '{"a": bad}', 6),
  invalid('bad escape / raw newline in tool JSON: escape', '{"p":"App\\Http"}', 10),
  invalid('bad escape / raw newline in tool JSON: newline', '{"p":"a\nb"}', 7),
  edge('whitespace-only first delta `" "`', [...tool(' ', '{"a":1}'), m.blockStop(0), ...TOOL_END], [called({ a: 1 })]),
  edge(
    'whitespace-only first delta `" "`: and nothing else',
    [...tool(' '), m.blockStop(0), ...TOOL_END],
    [called({})],
    {
      also: ({ blocks }) => {
        expect(blocks[0]).toMatchObject({ inputState: 'valid', inputText: ' ' });
      },
    },
  ),
  edge(
    'tool JSON truncated, stop present, max_tokens',
    [...tool('{"a":1,"b":"Par'), m.blockStop(0), m.messageDelta('max_tokens'), m.stop],
    [called({})],
    {
      codes: ['tool-input-cut'],
      also: ({ blocks }) => {
        expect(blocks[0]).toMatchObject({ state: 'closed', inputState: 'invalid', inputText: '{"a":1,"b":"Par' });
      },
    },
  ),
  edge('tool truncated, no block stop', [...tool('{"a":1'), m.messageDelta('max_tokens'), m.stop], [called({})], {
    codes: ['cut-block', 'tool-input-cut'],
    also: ({ blocks }) => {
      expect(blocks[0]).toMatchObject({ state: 'cut', inputState: 'partial', inputText: '{"a":1' });
    },
  }),
  edge('tool input is `[1,2,3]`', [...tool('[1,2,3]'), m.blockStop(0), ...TOOL_END], [called([1, 2, 3])], {
    codes: ['tool-input-not-object'],
  }),
  edge(
    '12345678901234567890',
    [...tool('{"n":12345678901234567890}'), m.blockStop(0), ...TOOL_END],
    [called({ n: 12345678901234567000 })],
    {
      also: ({ blocks }) => {
        expect(blocks[0]?.inputText).toBe('{"n":12345678901234567890}');
      },
    },
  ),
  edge(
    '`__proto__` key',
    [...tool('{"__proto__":{"polluted":1}}'), m.blockStop(0), ...TOOL_END],
    [called(JSON.parse('{"__proto__":{"polluted":1}}'))],
    {
      also: ({ message }) => {
        const [first] = (message?.content ?? []) as unknown as { input: object }[];
        expect(Object.hasOwn(first?.input ?? {}, '__proto__')).toBe(true);
        expect(Object.getPrototypeOf(first?.input)).toBe(Object.prototype);
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      },
    },
  ),
];

const whole = [...A, ...END].map((event) => sse(event)).join('');
const said = (text: string): string =>
  [m.start(), m.textStart(0), m.textDelta(0, text), m.blockStop(0), ...END].map((event) => sse(event)).join('');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

const FRAMING: readonly EdgeCase[] = [
  edge('BOM first (also split over 3 chunks)', [`\uFEFF${whole}`], ['A']),
  ...['\n', '\r', '\r\n'].map(lines),
  edge('LF / CR / CRLF / CRLF split / mixed: mixed', [whole.replaceAll('\n\n', '\n\r\n')], ['A']),
  edge(
    'multi-line data, `data:` without space, comments, id, retry',
    [
      sse(m.start()),
      ': a comment\nid: 7\nretry: 300\nevent:content_block_start\ndata:{"type":"content_block_start",\ndata:"index":0,\ndata: "content_block":{"type":"text","text":""}}\n\n',
      m.textDelta(0, 'A'),
      m.blockStop(0),
      ...END,
    ],
    ['A'],
  ),
  edge('UTF-8 split byte by byte', [said('é€😀👩‍👩‍👧')], ['é€😀👩‍👩‍👧']),
  {
    title: 'invalid UTF-8',
    body: bytes(said('a#b').replace('#', '\uFFFF')).filter((byte) => byte !== 0xbf),
    content: [{ type: 'text', text: 'a\uFFFDb' }],
    status: 'complete',
  },
  edge('U+2028 / U+0085 in data', [said('a\u2028b\u0085c')], ['a\u2028b\u0085c']),
  edge(
    'padded JSON',
    [...A, ...END].map((event, i) => sse(`${JSON.stringify(event).slice(0, -1)}${' '.repeat(i * 3)}}`, event.type)),
    ['A'],
  ),
  edge('empty body / ping only / HTML 200 / JSON 200: empty body', [], undefined, {
    status: 'truncated',
    also: errorSeen({ class: 'TruncatedError' }),
  }),
  edge('empty body / ping only / HTML 200 / JSON 200: ping only', [m.ping], undefined, {
    status: 'truncated',
    also: errorSeen({ class: 'TruncatedError' }),
  }),
  refused('empty body / ping only / HTML 200 / JSON 200: HTML', '<html><body>Bad gateway</body></html>', 'html-body'),
  refused('empty body / ping only / HTML 200 / JSON 200: JSON', '{"hello": "there"}', 'json-body'),
];

export const EDGE_CASES: readonly EdgeCase[] = [...OPENING, ...CONTENT_CASES, ...ENDINGS, ...TOOLS, ...FRAMING];
