/** The deviation table: rows about framing and the life of a message. */

import { expect } from 'vitest';
import type { DiagnosticCode } from '../../src/index.ts';
import { type Deviation, type Reading, end, hi, row, start, stop, text, whole } from './deviation.ts';
import * as m from './messages.ts';
import { type Seen, eventsOf, sse } from './stream.ts';

const AFTER_STOP: readonly (readonly [what: string, part: string, code: DiagnosticCode])[] = [
  ['content_block_start', sse(m.textStart(1)), 'event-after-stop'],
  ['content_block_delta', sse(m.textDelta(0, 'LATE')), 'event-after-stop'],
  ['content_block_stop', sse(m.blockStop(0)), 'event-after-stop'],
  ['message_delta', sse(m.messageDelta('max_tokens')), 'event-after-stop'],
  ['message_stop', stop, 'event-after-stop'],
  ['an error', sse(m.apiError()), 'event-after-stop'],
  ['data that is not JSON', sse('{', 'content_block_delta'), 'event-after-stop'],
  ['[DONE]', sse('[DONE]', 'data'), 'done-sentinel'],
  ['ping', sse(m.ping), 'noise-after-stop'],
  ['an unknown event', sse({ type: 'vertex_event' }), 'noise-after-stop'],
];

export const MESSAGE_DEVIATIONS: readonly Deviation[] = [
  ...row('no `event:` line', {
    'data.type rules': {
      parts: [sse(m.start(), null), ...whole.slice(1)],
      found: [['missing-event-name', 1]],
      ...hi,
    },
  }),
  ...row('event name and `data.type` disagree', {
    'data.type rules': {
      parts: [...whole.slice(0, 2), sse(m.textDelta(0, 'hi'), 'message_stop'), ...whole.slice(3)],
      found: [['event-name-mismatch', 3]],
      ...hi,
    },
    'no type at all: the name stands for it': {
      parts: [
        ...whole.slice(0, 2),
        sse('{"index":0,"delta":{"type":"text_delta","text":"hi"}}', 'content_block_delta'),
        ...whole.slice(3),
      ],
      found: [['event-name-mismatch', 3]],
      ...hi,
    },
  }),
  ...row('`[DONE]`, empty data; comment', {
    '[DONE]': { parts: [...whole, sse('[DONE]', 'data')], found: [['done-sentinel']], ...hi },
    '[DONE] instead of message_stop': {
      parts: [...whole.slice(0, -1), sse('[DONE]', null)],
      found: [['done-sentinel']],
      ...hi,
      status: 'truncated',
    },
    'empty data': { parts: [start, 'event: x\ndata:\n\n', ...whole.slice(1)], found: [['empty-data', 2]], ...hi },
    'a name without data': {
      parts: whole.map((part, i) => (i === 2 ? `event: x\n\n${part}` : part)),
      found: [],
      ...hi,
    },
    'comment: nothing': {
      parts: whole.map((part, i) => (i === 2 ? `: OPENROUTER PROCESSING\n\n:\n${part}` : part)),
      found: [],
      ...hi,
    },
  }),
  ...row('`ping`, unknown event before the start; missing `usage`; text already in the start; `input` absent', {
    'ping before the start': { parts: [sse(m.ping), ...whole], found: [], ...hi },
    'unknown event before the start': {
      parts: [sse({ type: 'vertex_event' }), ...whole],
      found: [['unknown-event', 1]],
      ...hi,
    },
    'usage missing in the start': {
      parts: [sse('{"type":"message_start","message":{"id":"msg_1"}}', 'message_start'), ...whole.slice(1)],
      found: [['missing-usage', 1]],
      ...hi,
      also: ({ message }) => {
        expect(message?.usage).toEqual({ output_tokens: 7 });
      },
    },
    'usage missing in the delta': {
      parts: [
        ...whole.slice(0, -2),
        sse('{"type":"message_delta","delta":{"stop_reason":"end_turn"}}', 'message_delta'),
        stop,
      ],
      found: [['missing-usage', 5]],
      ...hi,
      also: ({ message }) => {
        expect(message?.usage).toEqual({ input_tokens: 3, output_tokens: 1 });
      },
    },
    'text already in the start': {
      parts: [start, sse(m.textStart(0, 'h')), sse(m.textDelta(0, 'i')), sse(m.blockStop(0)), ...end],
      found: [],
      ...hi,
    },
    '`input` absent': {
      parts: [
        start,
        sse(m.blockStart(0, { type: 'tool_use', id: 't', name: 'n' })),
        sse(m.blockStop(0)),
        sse(m.messageDelta('tool_use')),
        stop,
      ],
      found: [],
      content: ['tool_use {}'],
      status: 'complete',
      states: ['0 closed valid'],
    },
  }),
  ...row('last event without its blank line', {
    'whole JSON of a known event: applied': {
      parts: [...whole.slice(0, -1), stop.slice(0, -1)],
      found: [['missing-final-blank-line']],
      ...hi,
    },
    'without a line end either': {
      parts: [...whole.slice(0, -1), stop.slice(0, -2)],
      found: [['missing-final-blank-line']],
      ...hi,
    },
    'cut: left out': {
      parts: [...whole.slice(0, -1), stop.slice(0, -4)],
      found: [['unfinished-event']],
      ...hi,
      status: 'truncated',
    },
    'a name only: left out': {
      parts: [...whole.slice(0, -1), 'event: message_stop\n'],
      found: [['unfinished-event']],
      ...hi,
      status: 'truncated',
    },
  }),
  ...row('second `message_start`, same id, before stop', {
    ignored: {
      parts: [start, ...text(0, 'hi'), sse(m.start()), ...end],
      found: [['duplicate-message-start', 5]],
      ...hi,
      also: ({ messages }) => {
        expect(messages).toHaveLength(1);
      },
    },
  }),
  ...row('second `message_start`, new id, before stop', {
    'the first is truncated, the new one starts over': {
      parts: [start, sse(m.textStart(0)), sse(m.textDelta(0, 'lost')), sse(m.start('msg_2')), ...whole.slice(1)],
      found: [
        ['spliced-message-start', 4],
        ['missing-block-stop', 4, 0],
      ],
      ...hi,
      also: ({ messages }) => {
        expect(messages.map(({ message, outcome }) => [message.id, outcome.status])).toEqual([
          ['msg_1', 'truncated'],
          ['msg_2', 'complete'],
        ]);
        expect(messages[0]?.outcome.error).toMatchObject({ class: 'TruncatedError', snapshot: messages[0]?.message });
        expect(messages[0]?.message.content).toEqual([{ type: 'text', text: 'lost' }]);
        expect(messages[0]?.blocks).toMatchObject([{ state: 'cut' }]);
      },
    },
  }),
  ...row('`message_start` after `message_stop`', {
    'a further message': {
      parts: [...whole, sse(m.start('msg_2')), ...text(0, 'two'), ...end],
      found: [['further-message', 7]],
      content: ['text two'],
      status: 'complete',
      also: ({ messages }) => {
        expect(messages.map(({ message }) => message.id)).toEqual(['msg_1', 'msg_2']);
        expect(messages.map(({ outcome }) => outcome.status)).toEqual(['complete', 'complete']);
      },
    },
    'with the id of the first as well': {
      parts: [...whole, ...whole],
      found: [['further-message', 7]],
      ...hi,
      also: ({ messages }) => {
        expect(messages).toHaveLength(2);
      },
    },
  }),
  ...row(
    'anything else after `message_stop`',
    Object.fromEntries(
      AFTER_STOP.map(([what, part, code]) => [
        `${what} is noted`,
        {
          parts: [...whole, part],
          found: [[code]],
          ...hi,
          also: (seen: Seen) => {
            expect(eventsOf(seen)).toHaveLength(7);
            expect(seen.message?.stop_reason).toBe('end_turn');
          },
        } satisfies Reading,
      ]),
    ),
  ),
  ...row('block or delta before `message_start`', {
    'provisional message, adopted by the start': {
      parts: [...text(0, 'hi'), start, ...end],
      found: [['content-before-start', 1]],
      ...hi,
      also: ({ message, messages }) => {
        expect(message).toMatchObject({ id: 'msg_1', model: 'claude-test', usage: { input_tokens: 3 } });
        expect(messages).toHaveLength(1);
      },
    },
    'a delta first': {
      parts: [sse(m.textDelta(0, 'hi')), start, sse(m.blockStop(0)), ...end],
      found: [
        ['content-before-start', 1],
        ['delta-without-start', 1],
      ],
      ...hi,
    },
    'no start at all: at best damaged': {
      parts: [...text(0, 'hi'), ...end],
      found: [['content-before-start', 1], ['missing-message-start']],
      ...hi,
      status: 'damaged',
      also: ({ message, outcome }) => {
        expect(message).toMatchObject({ id: '', model: '', stop_reason: 'end_turn' });
        expect(outcome.error).toMatchObject({ class: 'DamagedError' });
      },
    },
    'no start and no stop': {
      parts: text(0, 'hi'),
      found: [['content-before-start', 1], ['missing-message-start']],
      ...hi,
      status: 'truncated',
      also: ({ message }) => {
        expect(message).toEqual({
          id: '',
          type: 'message',
          role: 'assistant',
          model: '',
          content: [{ type: 'text', text: 'hi' }],
          stop_reason: null,
          stop_sequence: null,
          usage: {},
        });
      },
    },
  }),
];
