/** The deviation table: rows about blocks, unreadable data and errors. */

import { expect } from 'vitest';
import type { DiagnosticCode } from '../../src/index.ts';
import {
  type Deviation,
  type Reading,
  end,
  hi,
  input,
  row,
  start,
  stop,
  text,
  toolStart,
  unindexed,
  whole,
} from './deviation.ts';
import * as m from './messages.ts';
import { type Seen, sse } from './stream.ts';

/** Indexes that are none, with what JSON makes of them. */
const NO_INDEX: readonly (readonly [what: string, index: unknown])[] = [
  ['-1', -1],
  ['1.5', 1.5],
  ['"0"', '0'],
  ['null', null],
  ['2^53', 2 ** 53],
  ['left out', undefined],
];

/** What cannot be read, under the name of a content event. */
const UNREADABLE: readonly (readonly [what: string, data: string, code: DiagnosticCode])[] = [
  ['not JSON', '{"type":"content_block_delta","index":0,"delta":{"type":"text_d', 'invalid-json'],
  ['a scalar', '7', 'invalid-event'],
  ['an array', '[{"type":"content_block_delta"}]', 'invalid-event'],
  ['null', 'null', 'invalid-event'],
  ['a delta without type', '{"type":"content_block_delta","index":0,"delta":{"text":"x"}}', 'invalid-event'],
  ['a delta event without delta', '{"type":"content_block_delta","index":0}', 'invalid-event'],
  [
    'text that is a number',
    '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":7}}',
    'invalid-event',
  ],
  [
    'a citation that is none',
    '{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta"}}',
    'invalid-event',
  ],
];

const ERRORS: readonly (readonly [
  what: string,
  part: string,
  type: string,
  message: string,
  status: number | undefined,
])[] = [
  ['as documented', sse(m.apiError()), 'overloaded_error', 'Overloaded', 529],
  [
    'with details: null and padding',
    sse('{"type":"error","error":{"details":null,"type":"rate_limit_error","message":"m"}     }', 'error'),
    'rate_limit_error',
    'm',
    429,
  ],
  ['a bare text', sse('upstream died', 'error'), 'api_error', 'upstream died', 500],
  ['a JSON string', sse('"upstream died"', 'error'), 'api_error', 'upstream died', 500],
  ['error as text', sse('{"type":"error","error":"boom"}', 'error'), 'api_error', 'boom', 500],
  ['without type', sse('{"error":{"type":"timeout_error","message":"slow"}}', 'error'), 'timeout_error', 'slow', 504],
  ['a message only', sse('{"message":"throttled"}', 'error'), 'api_error', 'throttled', 500],
  ['of a type of tomorrow', sse(m.apiError('quantum_error', 'q')), 'quantum_error', 'q', undefined],
];

export const CONTENT_DEVIATIONS: readonly Deviation[] = [
  ...row('index gap, out of order', {
    'a gap': {
      parts: [start, ...text(0, 'a'), ...text(2, 'b'), ...end],
      found: [['index-gap', 5]],
      content: ['text a', 'text b'],
      status: 'complete',
      states: ['0 closed', '2 closed'],
    },
    'out of order': {
      parts: [start, ...text(0, 'a'), ...text(2, 'c'), ...text(1, 'b'), ...end],
      found: [
        ['index-gap', 5],
        ['index-out-of-order', 8],
      ],
      content: ['text a', 'text b', 'text c'],
      status: 'complete',
      states: ['0 closed', '1 closed', '2 closed'],
    },
  }),
  ...row('index reused', {
    'after its stop: a further block': {
      parts: [start, ...text(0, 'a'), ...text(0, 'b'), ...end],
      found: [['index-reused', 5, 0]],
      content: ['text a', 'text b'],
      status: 'complete',
      states: ['0 closed', '0 closed'],
      also: ({ blocks }) => {
        expect(blocks.map(({ ordinal }) => ordinal)).toEqual([0, 1]);
      },
    },
    'while it is open: that one is closed': {
      parts: [start, sse(m.textStart(0)), sse(m.textDelta(0, 'a')), ...text(0, 'b'), ...end],
      found: [
        ['index-reused', 4, 0],
        ['missing-block-stop', 4, 0],
      ],
      content: ['text a', 'text b'],
      status: 'complete',
      states: ['0 closed', '0 closed'],
    },
  }),
  ...row('delta without a start, or that fits no block of its index', {
    'without a start': {
      parts: [start, sse(m.textDelta(0, 'h')), sse(m.textDelta(0, 'i')), sse(m.blockStop(0)), ...end],
      found: [['delta-without-start', 2]],
      ...hi,
    },
    'fits no block of its index': {
      parts: [
        start,
        toolStart(0),
        input(0, '{"a":1}'),
        sse(m.textDelta(0, 'hi')),
        sse(m.blockStop(0)),
        sse(m.messageDelta('tool_use')),
        stop,
      ],
      found: [['delta-mismatch', 4]],
      content: ['tool_use {"a":1}', 'text hi'],
      status: 'complete',
      states: ['0 closed valid', '0 closed'],
    },
    'tool input without a start is never valid': {
      parts: [start, input(0, '{"a":1}'), sse(m.blockStop(0)), sse(m.messageDelta('tool_use')), stop],
      found: [['delta-without-start', 2]],
      content: ['tool_use {}'],
      status: 'complete',
      states: ['0 closed invalid'],
      also: ({ message, blocks }) => {
        expect(message?.content).toEqual([{ type: 'tool_use', id: '', name: '', input: {} }]);
        expect(blocks[0]?.inputText).toBe('{"a":1}');
      },
    },
  }),
  ...row('index not a safe integer ≥ 0', {
    ...Object.fromEntries(
      NO_INDEX.map(([what, index]) => [
        `start with ${what}: the next free index`,
        {
          parts: [
            start,
            ...text(0, 'a'),
            index === undefined ? unindexed(m.textStart(0)) : sse(m.textStart(index as number)),
            sse(m.textDelta(1, 'b')),
            sse(m.blockStop(1)),
            ...end,
          ],
          found: [['invalid-index', 5]],
          content: ['text a', 'text b'],
          status: 'complete',
          states: ['0 closed', '1 closed'],
        } satisfies Reading,
      ]),
    ),
    ...Object.fromEntries(
      NO_INDEX.map(([what, index]) => [
        `delta and stop with ${what}: the newest open block that fits`,
        {
          parts: [
            start,
            sse(m.textStart(0)),
            toolStart(1),
            sse({ ...m.textDelta(0, 'hi'), index }),
            sse({ ...m.blockStop(0), index }),
            sse(m.blockStop(0)),
            sse(m.messageDelta('tool_use')),
            stop,
          ],
          found: [
            ['invalid-index', 4, 0],
            ['invalid-index', 5, 1],
          ],
          content: ['text hi', 'tool_use {}'],
          status: 'complete',
          states: ['0 closed', '1 closed valid'],
        } satisfies Reading,
      ]),
    ),
  }),
  ...row('delta or stop after block stop', {
    delta: {
      parts: [start, ...text(0, 'h'), sse(m.textDelta(0, 'i')), ...end],
      found: [['delta-after-stop', 5, 0]],
      ...hi,
      states: ['0 closed'],
    },
    'tool input': {
      parts: [
        start,
        toolStart(0),
        input(0, '{"a":'),
        sse(m.blockStop(0)),
        input(0, '1}'),
        sse(m.messageDelta('tool_use')),
        stop,
      ],
      found: [['delta-after-stop', 5, 0]],
      content: ['tool_use {"a":1}'],
      status: 'complete',
      states: ['0 closed valid'],
    },
    stop: { parts: [start, ...text(0, 'hi'), sse(m.blockStop(0)), ...end], found: [['repeated-stop', 5, 0]], ...hi },
  }),
  ...row('block without stop', {
    'closed by message_stop': {
      parts: [start, sse(m.textStart(0)), sse(m.textDelta(0, 'hi')), ...end],
      found: [['missing-block-stop', 5, 0]],
      ...hi,
      states: ['0 closed'],
    },
    'max_tokens: cut, info': {
      parts: [start, toolStart(0), input(0, '{"a":"b'), sse(m.messageDelta('max_tokens')), stop],
      found: [
        ['cut-block', 5, 0],
        ['tool-input-cut', 5, 0],
      ],
      content: ['tool_use {}'],
      status: 'complete',
      states: ['0 cut partial'],
      also: ({ blocks }) => {
        expect(blocks[0]?.inputText).toBe('{"a":"b');
      },
    },
    'the stream cut it': {
      parts: [start, sse(m.textStart(0)), sse(m.textDelta(0, 'hi'))],
      found: [['missing-block-stop', 3, 0]],
      ...hi,
      status: 'truncated',
      states: ['0 cut'],
    },
  }),
  ...row('client `tool_use` with `end_turn`, or stop reason `tool_use` without any', {
    'client tool_use with end_turn': {
      parts: [start, toolStart(0), sse(m.blockStop(0)), ...end],
      found: [['stop-reason-mismatch']],
      content: ['tool_use {}'],
      status: 'complete',
    },
    'stop reason tool_use without any': {
      parts: [start, ...text(0, 'hi'), sse(m.messageDelta('tool_use')), stop],
      found: [['stop-reason-mismatch']],
      ...hi,
    },
  }),
  ...row('data is not JSON, is a scalar or array, or lacks a required field', {
    ...Object.fromEntries(
      UNREADABLE.map(([what, data, code]) => [
        `${what}: at best damaged`,
        {
          parts: [...whole.slice(0, 3), sse(data, 'content_block_delta'), ...whole.slice(3)],
          found: [[code, 4]],
          ...hi,
          status: 'damaged',
          also: ({ diagnostics, outcome }: Seen) => {
            expect(diagnostics[0]?.raw).toBe(data);
            expect(outcome.error).toMatchObject({ class: 'DamagedError' });
          },
        } satisfies Reading,
      ]),
    ),
    'under event: ping: info': {
      parts: [...whole.slice(0, 3), sse('{', 'ping'), sse('7', 'ping'), ...whole.slice(3)],
      found: [
        ['malformed-ping', 4],
        ['malformed-ping', 5],
      ],
      ...hi,
    },
    'before the start it damages that message as well': {
      parts: [sse('{', 'content_block_start'), ...whole],
      found: [['invalid-json', 1]],
      ...hi,
      status: 'damaged',
    },
  }),
  ...row(
    '`error` event, in whatever shape',
    Object.fromEntries(
      ERRORS.flatMap(([what, part, type, message, status]) => {
        const also = ({ outcome }: Seen): void => {
          expect(outcome.error).toMatchObject({ type, status, outcome: 'errored', message: `${type}: ${message}` });
        };
        return [
          [
            `${what}, first`,
            { parts: [part], found: [], content: undefined, status: 'errored', also } satisfies Reading,
          ],
          [
            `${what}, in the middle`,
            {
              parts: [start, sse(m.textStart(0)), sse(m.textDelta(0, 'hi')), part],
              found: [['missing-block-stop', 4, 0]],
              ...hi,
              status: 'errored',
              states: ['0 cut'],
              also,
            } satisfies Reading,
          ],
        ];
      }),
    ),
  ),
];
