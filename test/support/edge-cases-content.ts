/** Edge cases of blocks and of things that are not known yet. */

import { expect } from 'vitest';
import type { BlockInfo } from '../../src/index.ts';
import { type EdgeCase, edge, block, A, END, TOOL_END, json, tool, called, told } from './edge-case.ts';
import * as m from './messages.ts';
import { eventsOf, sse } from './stream.ts';

const BLOCKS: readonly EdgeCase[] = [
  edge('delta before its block_start', [m.start(), m.textDelta(0, 'A'), ...END], ['A'], {
    codes: ['delta-without-start', 'missing-block-stop'],
  }),
  edge('delta for unknown index 7', [...A, m.textDelta(7, 'LOST'), m.blockStop(7), ...END], ['A', 'LOST'], {
    codes: ['delta-without-start'],
    also: (seen) => {
      expect(told(seen, 'text')).toEqual([
        ['A', 0],
        ['LOST', 7],
      ]);
    },
  }),
  edge('stop for unknown index', [...A, m.blockStop(3), ...END], ['A'], {
    codes: ['stop-without-start'],
    also: (seen) => {
      expect(told(seen, 'block')).toHaveLength(1);
    },
  }),
  edge('duplicate index 0', [...A, ...block(0, 'B'), ...END], ['A', 'B'], { codes: ['index-reused'] }),
  edge('out of order (1 then 0)', [m.start(), ...block(1, 'one'), ...block(0, 'zero'), ...END], ['zero', 'one'], {
    codes: ['index-gap', 'index-out-of-order'],
  }),
  edge('sparse (0, 2)', [...A, ...block(2, 'C'), ...END], ['A', 'C'], {
    codes: ['index-gap'],
    also: ({ blocks }) => {
      expect(blocks.map(({ index }) => index)).toEqual([0, 2]);
    },
  }),
  edge(
    'interleaved blocks 0/1',
    [
      m.start(),
      m.textStart(0),
      m.textStart(1),
      m.textDelta(0, 'A'),
      m.textDelta(1, 'x'),
      m.textDelta(0, 'B'),
      m.blockStop(0),
      m.blockStop(1),
      ...END,
    ],
    ['AB', 'x'],
    {
      also: (seen) => {
        expect(told(seen, 'text')).toEqual([
          ['A', 0],
          ['x', 1],
          ['B', 0],
        ]);
        expect(told(seen, 'block').map(([info]) => (info as BlockInfo).index)).toEqual([0, 1]);
      },
    },
  ),
  edge('negative index', [...A, m.textDelta(-1, 'B'), ...END], ['A', 'B'], {
    codes: ['invalid-index', 'missing-block-stop'],
  }),
  edge(
    'text_delta on a tool block',
    [...tool('{}'), m.textDelta(0, 'A'), m.blockStop(0), ...TOOL_END],
    [called({}), 'A'],
    {
      codes: ['delta-mismatch'],
    },
  ),
  edge('delta after block stop', [...A, m.textDelta(0, 'B'), ...END], ['AB'], { codes: ['delta-after-stop'] }),
  edge(
    'text block start without `text`',
    [m.start(), m.blockStart(0, { type: 'text' }), m.textDelta(0, 'A'), m.blockStop(0), ...END],
    ['A'],
  ),
  edge(
    'tool block start without `input`',
    [
      m.start(),
      m.blockStart(0, { type: 'tool_use', id: 't', name: 'n' }),
      json(0, '{"a":1}'),
      m.blockStop(0),
      ...TOOL_END,
    ],
    [called({ a: 1 })],
  ),
  edge(
    'two signature_deltas',
    [
      m.start(),
      m.blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
      m.delta(0, { type: 'signature_delta', signature: 'one' }),
      m.delta(0, { type: 'signature_delta', signature: 'two' }),
      m.blockStop(0),
      ...END,
    ],
    [{ type: 'thinking', thinking: '', signature: 'two' }],
  ),
];

const UNKNOWN: readonly EdgeCase[] = [
  edge(
    'unknown event name',
    [m.start(), { type: 'vertex_event', x: 1 } as { type: string }, ...block(0, 'A'), ...END],
    ['A'],
    {
      codes: ['unknown-event'],
      also: (seen) => {
        expect(eventsOf(seen)[1]?.event).toEqual({
          type: 'unknown',
          reason: 'type',
          wire: { type: 'vertex_event', x: 1 },
          raw: '{"type":"vertex_event","x":1}',
        });
      },
    },
  ),
  edge(
    'event name differs from data.type',
    [m.start(), m.textStart(0), sse(m.textDelta(0, 'A'), 'ping'), m.blockStop(0), ...END],
    ['A'],
    {
      codes: ['event-name-mismatch'],
    },
  ),
  edge(
    'data-only events (no `event:`)',
    [...A, ...END].map((event) => sse(event, null)),
    ['A'],
    {
      codes: ['missing-event-name'],
    },
  ),
  edge(
    'unknown delta type',
    [m.start(), m.textStart(0), m.delta(0, { type: 'new_delta', x: 1 }), m.textDelta(0, 'A'), m.blockStop(0), ...END],
    ['A'],
    {
      codes: ['unknown-delta'],
      also: ({ blocks }) => {
        expect(blocks[0]?.unknownDeltas).toEqual([{ type: 'new_delta', x: 1 }]);
      },
    },
  ),
  edge(
    'unknown block type',
    [
      m.start(),
      m.blockStart(0, { type: 'poem', text: 'o', lines: [1] }),
      m.textDelta(0, 'de'),
      m.delta(0, { type: 'verse_delta', n: 2 }),
      m.blockStop(0),
      ...END,
    ],
    [{ type: 'poem', text: 'ode', lines: [1] }],
    {
      codes: ['unknown-block', 'unknown-delta'],
      also: ({ blocks }) => {
        expect(blocks[0]?.unknownDeltas).toEqual([{ type: 'verse_delta', n: 2 }]);
      },
    },
  ),
  edge(
    'input_json_delta on unknown block',
    [
      m.start(),
      m.blockStart(0, { type: 'robot_call', id: 'r' }),
      json(0, '{"a":'),
      json(0, '1}'),
      m.blockStop(0),
      ...END,
    ],
    [{ type: 'robot_call', id: 'r', input: { a: 1 } }],
    {
      codes: ['unknown-block'],
      also: ({ blocks }) => {
        expect(blocks[0]).toMatchObject({ inputState: 'valid', inputText: '{"a":1}' });
      },
    },
  ),
  edge(
    'mcp_tool_use in GA helper',
    [
      m.start(),
      m.blockStart(0, { type: 'mcp_tool_use', id: 'm', name: 'n', server_name: 's', input: {} }),
      json(0, '{"a":1}'),
      m.blockStop(0),
      ...TOOL_END,
    ],
    [{ type: 'mcp_tool_use', id: 'm', name: 'n', server_name: 's', input: { a: 1 } }],
  ),
  edge(
    'compaction/fallback in GA helper',
    [
      m.start(),
      m.blockStart(0, { type: 'compaction', content: null }),
      m.delta(0, { type: 'compaction_delta', content: 'sum', encrypted_content: 'e' }),
      m.blockStop(0),
      m.blockStart(1, { type: 'fallback', from: { model: 'claude-test' }, to: { model: 'claude-other' } }),
      m.blockStop(1),
      ...END,
    ],
    [
      { type: 'compaction', content: 'sum', encrypted_content: 'e' },
      { type: 'fallback', from: { model: 'claude-test' }, to: { model: 'claude-other' } },
    ],
    {
      also: ({ message }) => {
        expect(message?.model).toBe('claude-other');
      },
    },
  ),
  edge(
    'unknown fields in message_delta/usage',
    [
      ...A,
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', mood: 'fine' },
        usage: { output_tokens: 2, cost: 0.5 },
        context_management: { applied_edits: [] },
      } as { type: string },
      m.stop,
    ],
    ['A'],
    {
      also: ({ message }) => {
        expect(message).toMatchObject({
          mood: 'fine',
          usage: { input_tokens: 3, output_tokens: 2, cost: 0.5 },
          context_management: { applied_edits: [] },
        });
      },
    },
  ),
];

export const CONTENT_CASES: readonly EdgeCase[] = [...BLOCKS, ...UNKNOWN];
