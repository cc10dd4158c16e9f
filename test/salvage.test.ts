/** What of a cut message may be sent back, and the request that goes on from there: protocol notes §15, rule by rule. */

import { describe, expect, test } from 'vitest';
import { type BlockInfo, type ContentBlock, type Message, MessageAssembler, toStreamEvent } from '../src/index.ts';
import {
  continuation,
  continuationMode,
  type ContinuationOptions,
  CONTINUATION_RULES,
  modelVersion,
} from '../src/message/continuation.ts';
import { salvage } from '../src/message/salvage.ts';
import { blockStart, blockStop, delta, messageDelta, start, stop, textDelta, textStart } from './support/messages.ts';

interface Cut {
  message: Message;
  blocks: readonly BlockInfo[];
}

/** Assembles the events; whatever they lack is cut. */
function assemble(...events: readonly object[]): Cut {
  const assembler = new MessageAssembler();
  for (const event of [start(), ...events]) assembler.apply(toStreamEvent(event));
  assembler.end();
  const { message, blocks } = assembler;
  return { message: message as Message, blocks };
}

const text = (index: number, value: string): object[] => [textStart(index), textDelta(index, value), blockStop(index)];
const thinking = (index: number, signature = 'sig'): object[] => [
  blockStart(index, { type: 'thinking', thinking: '', signature: '' }),
  delta(index, { type: 'thinking_delta', thinking: 'Hm' }),
  delta(index, { type: 'signature_delta', signature }),
  blockStop(index),
];
const tool = (index: number, json: string, type = 'tool_use', id = 't1'): object[] => [
  blockStart(index, { type, id, name: 'n', input: {} }),
  delta(index, { type: 'input_json_delta', partial_json: json }),
  blockStop(index),
];
const result = (index: number, id = 't1', type = 'web_search_tool_result'): object[] => [
  blockStart(index, { type, tool_use_id: id, content: [] }),
  blockStop(index),
];
const whole = (index: number, block: object): object[] => [blockStart(index, block), blockStop(index)];

/** What stays, by type, and what goes, with the reason. */
function verdict({ message, blocks }: Cut): { kept: string[]; dropped: string[] } {
  const { content, dropped } = salvage(message, blocks);
  return {
    kept: content.map((block) => block.type),
    dropped: dropped.map(({ block, reason }) => `${block.type}: ${reason}`),
  };
}

const unfinished = (events: readonly object[]): object[] => events.slice(0, -1);
const redacted = { type: 'redacted_thinking', data: 'x' };
const fallback = { type: 'fallback', from: { model: 'a' }, to: { model: 'b' } };

describe('salvage', () => {
  test.each<[string, readonly object[], string[], string[]]>([
    ['closed blocks stay', [...thinking(0), ...text(1, 'Hi')], ['thinking', 'text'], []],
    ['open text stays', [textStart(0), textDelta(0, 'Hi')], ['text'], []],
    ['open thinking goes', [...text(0, 'Hi'), ...unfinished(thinking(1))], ['text'], ['thinking: unfinished']],
    ['open tool use goes', unfinished(tool(0, '{"a":1}')), [], ['tool_use: unfinished']],
    ['an open server tool use goes', unfinished(tool(0, '{}', 'server_tool_use')), [], ['server_tool_use: unfinished']],
    ['an open MCP tool use goes', unfinished(tool(0, '{}', 'mcp_tool_use')), [], ['mcp_tool_use: unfinished']],
    ['an open block of unknown type goes', unfinished(whole(0, { type: 'hologram' })), [], ['hologram: unfinished']],
    ['a closed one stays', whole(0, { type: 'hologram' }), ['hologram'], []],
    ['a closed tool use with valid input stays', tool(0, '{"a":1}'), ['tool_use'], []],
    ['one with input that does not parse goes', tool(0, '{"a":'), [], ['tool_use: invalid-input']],
    [
      'a server tool use with its result stays',
      [...tool(0, '{}', 'server_tool_use'), ...result(1)],
      ['server_tool_use', 'web_search_tool_result'],
      [],
    ],
    [
      'one without goes',
      [...text(0, 'a'), ...tool(1, '{}', 'server_tool_use')],
      ['text'],
      ['server_tool_use: no-result'],
    ],
    [
      'its result may come in any order of ids',
      [...tool(0, '{}', 'server_tool_use', 'a'), ...tool(1, '{}', 'server_tool_use', 'b'), ...result(2, 'b')],
      ['server_tool_use', 'web_search_tool_result'],
      ['server_tool_use: no-result'],
    ],
    [
      'a result that is cut takes its tool use with it',
      [...tool(0, '{}', 'mcp_tool_use'), ...unfinished(result(1, 't1', 'mcp_tool_result'))],
      [],
      ['mcp_tool_use: no-result', 'mcp_tool_result: unfinished'],
    ],
    [
      'the result of a tool use that goes, goes',
      [...tool(0, '{"a"', 'server_tool_use'), ...result(1)],
      [],
      ['server_tool_use: invalid-input', 'web_search_tool_result: no-tool-use'],
    ],
    [
      'the result of an earlier turn stays',
      [...result(0, 'elsewhere'), ...text(1, 'a')],
      ['web_search_tool_result', 'text'],
      [],
    ],
    ['thinking without a signature goes', [...thinking(0, ''), ...text(1, 'Hi')], ['text'], ['thinking: no-signature']],
    [
      'thinking that shows nothing but is signed stays',
      whole(0, { type: 'thinking', thinking: '', signature: 's' }),
      ['thinking'],
      [],
    ],
    ['redacted thinking stays', whole(0, redacted), ['redacted_thinking'], []],
    ['empty text goes', text(0, ''), [], ['text: empty']],
    ['white space is empty, too', text(0, ' \n\t'), [], ['text: empty']],
    [
      'before a fallback only what every model reads stays',
      [...thinking(0), ...text(1, 'a'), ...tool(2, '{}'), ...whole(3, fallback), ...thinking(4)],
      ['text', 'fallback', 'thinking'],
      ['thinking: before-fallback', 'tool_use: before-fallback'],
    ],
    [
      'a pause keeps the open tool use of the server',
      [...text(0, 'a'), ...tool(1, '{}', 'server_tool_use'), messageDelta('pause_turn'), stop],
      ['text', 'server_tool_use'],
      [],
    ],
    [
      'so does a stop for tools',
      [...tool(0, '{}', 'server_tool_use', 'x'), ...tool(1, '{}'), messageDelta('tool_use'), stop],
      ['server_tool_use', 'tool_use'],
      [],
    ],
    ['of a refused message nothing stays', [...text(0, 'a'), messageDelta('refusal'), stop], [], ['text: refused']],
    [
      'a tool use that max_tokens cut goes',
      [...text(0, 'a'), ...unfinished(tool(1, '{"a":1}')), messageDelta('max_tokens'), stop],
      ['text'],
      ['tool_use: unfinished'],
    ],
  ])('%s', (_, events, kept, dropped) => {
    expect(verdict(assemble(...events))).toEqual({ kept, dropped });
  });

  test('the blocks are those of the message, and the message is unchanged', () => {
    const { message, blocks } = assemble(...text(0, 'a '), ...unfinished(thinking(1)));
    const before = structuredClone(message);
    const { content, dropped } = salvage(message, blocks);
    expect(content[0]).toBe(message.content[0]);
    expect(dropped[0]?.block).toBe(message.content[1]);
    expect(message).toEqual(before);
  });

  test('of nothing there is nothing', () => {
    expect(salvage(undefined, [])).toEqual({ content: [], dropped: [] });
  });

  test('a message from elsewhere needs no blocks', () => {
    const { message } = assemble(...text(0, 'a'), ...tool(1, '{}', 'server_tool_use'));
    expect(verdict({ message, blocks: [] })).toEqual({ kept: ['text'], dropped: ['server_tool_use: no-result'] });
  });
});

describe('the version of a model', () => {
  test.each<[string, [number, number] | undefined, 'prefill' | 'user']>([
    ['claude-2.1', [2, 1], 'prefill'],
    ['claude-instant-1.2', [1, 2], 'prefill'],
    ['anthropic.claude-v2:1', [2, 1], 'prefill'],
    ['claude-3-opus-20240229', [3, 0], 'prefill'],
    ['claude-3-5-sonnet-20241022', [3, 5], 'prefill'],
    ['claude-3-5-sonnet-latest', [3, 5], 'prefill'],
    ['claude-3-7-sonnet@20250219', [3, 7], 'prefill'],
    ['anthropic/claude-3.5-sonnet', [3, 5], 'prefill'],
    ['claude-4-sonnet', [4, 0], 'prefill'],
    ['claude-sonnet-4-20250514', [4, 0], 'prefill'],
    ['claude-sonnet-4@20250514', [4, 0], 'prefill'],
    ['claude-sonnet-4-0', [4, 0], 'prefill'],
    ['claude-opus-4-1-20250805', [4, 1], 'prefill'],
    ['claude-sonnet-4-5-20250929', [4, 5], 'prefill'],
    ['claude-haiku-4-5', [4, 5], 'prefill'],
    ['anthropic/claude-sonnet-4.5', [4, 5], 'prefill'],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', [4, 5], 'prefill'],
    ['arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-3-5-sonnet-20241022-v2:0', [3, 5], 'prefill'],
    ['claude-opus-4-6', [4, 6], 'user'],
    ['global.anthropic.claude-opus-4-6-v1', [4, 6], 'user'],
    ['Claude-Opus-4-7', [4, 7], 'user'],
    ['claude-opus-4-10', [4, 10], 'user'],
    ['claude-sonnet-5', [5, 0], 'user'],
    ['claude-fable-5-20260801', [5, 0], 'user'],
    ['claude-sonnet-10', [10, 0], 'user'],
    ['claude-mythos-preview', undefined, 'user'],
    ['my-deployment', undefined, 'user'],
    ['', undefined, 'user'],
  ])('%s', (model, version, mode) => {
    expect(modelVersion(model)).toEqual(version);
    expect(continuationMode(model)).toBe(mode);
  });

  test('the rules are data: a caller has others', () => {
    const rules = { ...CONTINUATION_RULES, named: { 'my-proxy': 'prefill' as const }, otherwise: 'prefill' as const };
    expect(continuationMode('my-proxy-claude-opus-4-6', rules)).toBe('prefill');
    expect(continuationMode('unheard-of', rules)).toBe('prefill');
    expect(continuationMode('claude-opus-4-6', { ...rules, prefillUntil: [4, 6] })).toBe('prefill');
  });
});

describe('continuation', () => {
  const OLD = 'claude-sonnet-4-5-20250929';
  const NEW = 'claude-opus-4-6';
  const question = { role: 'user', content: 'Tell me' };
  const request = (
    model: string,
  ): { model: string; max_tokens: number; messages: { role: string; content: unknown }[] } => ({
    model,
    max_tokens: 100,
    messages: [question],
  });
  const cut = assemble(...thinking(0), textStart(1), textDelta(1, 'Once upon \n'));
  const turns = (made: { messages: readonly unknown[] }): unknown[] => [...made.messages];
  const go = (from: Cut, model: string, options?: ContinuationOptions): unknown[] =>
    turns(continuation(from.message, from.blocks, request(model), options));

  test('up to 4.5 the request ends in what was salvaged, without white space at its end', () => {
    expect(go(cut, OLD)).toEqual([
      question,
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Hm', signature: 'sig' },
          { type: 'text', text: 'Once upon' },
        ],
      },
    ]);
  });

  test('from 4.6 on a user turn quotes it and asks to go on', () => {
    expect(go(cut, NEW)).toEqual([
      question,
      {
        role: 'user',
        content:
          'Your previous response was interrupted and ended with:\n\nOnce upon\n\nContinue from where you left off.',
      },
    ]);
  });

  test('nothing of the request is changed, every other key is kept', () => {
    const before = { ...request(OLD), tools: [{ name: 'n' }], metadata: { user_id: 'u' } };
    const copy = structuredClone(before);
    const made = continuation(cut.message, cut.blocks, Object.freeze(before));
    expect(before).toEqual(copy);
    expect({ ...made, messages: [] }).toEqual({ ...copy, messages: [] });
    expect(made.messages).not.toBe(before.messages);
  });

  test('nor is the message', () => {
    const before = structuredClone(cut.message);
    go(cut, OLD);
    expect(cut.message).toEqual(before);
  });

  test.each<[string, ContinuationOptions, string]>([
    [NEW, { mode: 'prefill' }, 'assistant'],
    [OLD, { mode: 'user' }, 'user'],
    [OLD, { rules: { ...CONTINUATION_RULES, prefillUntil: [4, 0] } }, 'user'],
  ])('%s with %j ends in a turn of the %s', (model, options, role) => {
    expect(go(cut, model, options)[1]).toMatchObject({ role });
  });

  test('the words are the caller’s to choose', () => {
    const instruction = (said: string): string => `Weiter nach: ${said}`;
    expect(go(cut, NEW, { instruction })[1]).toEqual({ role: 'user', content: 'Weiter nach: Once upon' });
  });

  test('with extended thinking an older model is asked in a user turn', () => {
    const thinks = { ...request(OLD), thinking: { type: 'enabled', budget_tokens: 2000 } };
    expect(continuation(cut.message, cut.blocks, thinks).messages[1]).toMatchObject({ role: 'user' });
    const off = { ...request(OLD), thinking: { type: 'disabled' } };
    expect(continuation(cut.message, cut.blocks, off).messages[1]).toMatchObject({ role: 'assistant' });
  });

  test('a deployment’s own name tells nothing: the message names the model', () => {
    const served = { ...cut, message: { ...cut.message, model: OLD } };
    expect(go(served, 'my-deployment')[1]).toMatchObject({ role: 'assistant' });
    expect(go(cut, 'my-deployment')[1]).toMatchObject({ role: 'user' });
  });

  test('what came behind the last text is asked for anew; tool uses have no results yet', () => {
    const behind = assemble(...tool(0, '{}'), ...text(1, 'So'), ...thinking(2), ...tool(3, '{}', 'tool_use', 't2'));
    expect(go(behind, OLD)[1]).toEqual({ role: 'assistant', content: [{ type: 'text', text: 'So' }] });
  });

  test('without text the request is the same again', () => {
    expect(continuation(undefined, [], request(OLD))).toEqual(request(OLD));
    const silent = assemble(...unfinished(thinking(0)));
    expect(go(silent, OLD)).toEqual([question]);
    expect(go(silent, NEW)).toEqual([question]);
  });

  test.each([
    ['a string', 'Once '],
    ['a text block', [{ type: 'text', text: 'Once ' }]],
  ])('behind the caller’s own prefill (%s) there is one assistant turn', (_, content) => {
    const from = assemble(textStart(0), textDelta(0, 'upon a '));
    const mine = { ...request(OLD), messages: [question, { role: 'assistant', content }] };
    expect(turns(continuation(from.message, from.blocks, mine))).toEqual([
      question,
      { role: 'assistant', content: [{ type: 'text', text: 'Once upon a' }] },
    ]);
  });

  test('a text with citations is not joined to another', () => {
    const from = assemble(textStart(0), textDelta(0, 'upon'));
    const cited = { type: 'text', text: 'Once', citations: [{ type: 'char_location' }] };
    const mine = { ...request(OLD), messages: [question, { role: 'assistant', content: [cited] }] };
    const [, turn] = turns(continuation(from.message, from.blocks, mine)) as { content: unknown[] }[];
    expect(turn?.content).toEqual([cited, { type: 'text', text: 'upon' }]);
  });

  test('two cuts: the second continuation goes on from both', () => {
    const first = continuation(cut.message, cut.blocks, request(OLD));
    const again = assemble(textStart(0), textDelta(0, ' a time '));
    const second = continuation(again.message, again.blocks, first);
    const content = second.messages[1]?.content as ContentBlock[];
    expect(content[1]).toEqual({ type: 'text', text: 'Once upon a time' });
    expect(second.messages).toHaveLength(2);
  });

  test('max_tokens is a cut', () => {
    const from = assemble(...text(0, 'So far '), messageDelta('max_tokens'), stop);
    expect(go(from, OLD)[1]).toEqual({ role: 'assistant', content: [{ type: 'text', text: 'So far' }] });
  });

  test('a pause goes back as it is, whatever the model', () => {
    const paused = assemble(...text(0, 'Wait '), ...tool(1, '{}', 'server_tool_use'), messageDelta('pause_turn'), stop);
    for (const model of [OLD, NEW]) {
      expect(go(paused, model)[1]).toEqual({ role: 'assistant', content: paused.message.content });
    }
  });

  test.each([
    ['end_turn', /it is finished/],
    ['stop_sequence', /it is finished/],
    ['tool_use', /run them and send their results/],
    ['refusal', /the model declined/],
    ['compaction', /finished compaction/],
  ])('a message that stopped with %s is no cut one', (reason, why) => {
    const from = assemble(...text(0, 'x'), messageDelta(reason), stop);
    expect(() => go(from, OLD)).toThrow(why);
    expect(() => go(from, OLD)).toThrow(TypeError);
  });

  test('of a family that is not known, none is taken for an old one, whatever its number', () => {
    expect(modelVersion('claude-fable-1')).toEqual([1, 0]);
    expect(continuationMode('claude-fable-1')).toBe('user');
    expect(continuationMode('claude-fable-1', { ...CONTINUATION_RULES, prefillFamilies: ['fable'] })).toBe('prefill');
  });

  test('an id with underscores tells its version', () => {
    expect(modelVersion('claude_sonnet_4_5')).toEqual([4, 5]);
    expect(modelVersion('claude_3_5_sonnet_20241022')).toEqual([3, 5]);
    expect(continuationMode('claude_opus_4_6')).toBe('user');
  });

  test('an unknown mode is refused, not taken for a user turn', () => {
    const options = { mode: 'assistant' } as unknown as ContinuationOptions;
    expect(() => continuation(cut.message, cut.blocks, request(OLD), options)).toThrow(
      new RangeError(`mode must be 'prefill' or 'user', not "assistant"`),
    );
  });

  test('a request without messages is refused with a reason', () => {
    const without = { model: 'claude-haiku-4-5' } as unknown as { messages: [] };
    expect(() => continuation(undefined, [], without)).toThrow(/no `messages`/);
  });
});
