/**
 * The catalogue: complete, well-formed, and every deviation that the research found in the wild is one of its rules. The two
 * tables below name the rules for each row of its tables, word for word, so that a row that is added there is missed here.
 */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { ClientId, Effect, RuleGroup, RuleLevel } from '../src/lint/index.ts';
import { RULES, ruleOf } from '../src/lint/index.ts';
import { MEANINGS } from '../src/lint/meanings.ts';
import { SEVERITIES } from '../src/protocol/codes.ts';

const GROUPS: readonly RuleGroup[] = [
  'framing',
  'lifecycle',
  'blocks',
  'deltas',
  'tool input',
  'usage',
  'errors',
  'timing',
];
const LEVELS: readonly RuleLevel[] = ['documented', 'observed', 'client-required'];
const CLIENTS: readonly ClientId[] = ['claude-code', 'sdk-typescript', 'sdk-python', 'ai-sdk', 'langchain', 'naive'];
const EFFECTS: readonly Effect[] = ['ok', 'loses', 'fails', 'hangs'];

describe('the catalogue', () => {
  test.each(Object.entries(SEVERITIES))('has the code %s, with its severity', (code, severity) => {
    expect(ruleOf(code)?.severity).toBe(severity);
    expect(Object.keys(MEANINGS)).toContain(code);
  });

  test('has ids in kebab-case, each once', () => {
    const ids = RULES.map(({ id }) => id);
    expect(ids.filter((id) => !/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.each(RULES.map((rule) => [rule.id, rule] as const))('%s is whole', (_, rule) => {
    const { group, level, severity, clients, seen } = rule;
    expect(GROUPS).toContain(group);
    expect(LEVELS).toContain(level);
    expect(['error', 'warning', 'info']).toContain(severity);
    for (const sentence of [rule.rule, rule.fix]) expect(sentence).toMatch(/^(?:[A-Z"`[{]|message_).*[.)]$/s);
    for (const example of [rule.expected, rule.actual]) expect(example.trim()).not.toBe('');
    for (const [client, impact] of Object.entries(clients)) {
      expect(CLIENTS).toContain(client);
      expect(EFFECTS).toContain(impact.effect);
      expect(impact.note.trim()).not.toBe('');
    }
    for (const issue of seen) expect(issue).toMatch(/^[\w.-]+(?:\/[\w.-]+)?#\d+$/);
    expect(new Set(seen).size).toBe(seen.length);
    // Em dashes and prose that nobody reads to its end.
    expect(JSON.stringify(rule)).not.toContain('\u2014');
    for (const sentence of [rule.rule, rule.expected, rule.actual]) expect(sentence.length).toBeLessThan(160);
  });

  test('is ordered by group', () => {
    const order = [...new Set(RULES.map(({ group }) => group))];
    expect(order).toEqual(GROUPS);
    const places = RULES.map(({ group }) => GROUPS.indexOf(group));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test('ruleOf finds each, and nothing else', () => {
    for (const rule of RULES) expect(ruleOf(rule.id)).toBe(rule);
    expect(ruleOf('constructor')).toBeUndefined();
  });
});

/** Rules of the gateway survey, §3.4, by the first cell of their row. */
const SURVEY: Readonly<Record<string, readonly string[]>> = {
  'exactly one message_start, first': [
    'duplicate-message-start',
    'spliced-message-start',
    'missing-message-start',
    'further-message',
  ],
  'nothing before message_start': ['content-before-start', 'ping-before-start', 'error-before-start'],
  'message_stop belongs to a message, exactly one': ['content-before-start', 'event-after-stop'],
  'delta type fits block type': ['delta-mismatch'],
  'delta/stop only for an open block': [
    'delta-without-start',
    'stop-without-start',
    'delta-after-stop',
    'repeated-stop',
  ],
  'every block has start and stop; no overlap where the client cannot take it': [
    'missing-block-stop',
    'delta-without-start',
    'overlapping-blocks',
  ],
  'required fields (index, delta.type, content_block.text …)': [
    'invalid-index',
    'invalid-event',
    'bare-text-delta',
    'incomplete-block-start',
    'incomplete-message-start',
  ],
  'tool_use has its input': ['tool-without-input-delta', 'tool-start-without-input', 'invalid-tool-input'],
  'text not sent as empty input_json_delta': ['text-as-tool-input'],
  'stop_reason agrees with content': ['stop-reason-mismatch'],
  'usage: input_tokens in message_start / cumulative in message_delta / cache fields': [
    'zero-usage-in-start',
    'input-tokens-unknown',
    'usage-decreasing',
    'several-message-deltas',
    'missing-usage',
  ],
  '`event:` line present and equal to data.type': ['missing-event-name', 'event-name-mismatch'],
  'no foreign sentinels ([DONE])': ['done-sentinel'],
  'unknown events must be ignorable': ['unknown-event', 'unknown-block', 'unknown-delta'],
  'stream ends with message_stop or error': ['missing-message-stop', 'empty-stream'],
  'failure is an `error` event, not a polite empty end_turn': ['empty-answer', 'malformed-error'],
  'events arrive over time (no fake streaming / buffering)': ['fake-streaming', 'held-back'],
  'blank line between events survives proxies': ['merged-events'],
  'UTF-8 not cut': ['invalid-utf8', 'replacement-character'],
  'client: surfaces mid-stream error': ['error-event'],
  'client: detects stall': ['silence', 'late-pings', 'pings-without-content'],
  'client: never runs a tool on cut input': ['tool-input-cut', 'invalid-tool-input'],
  'client: reads stop_reason': ['missing-stop-reason', 'unknown-stop-reason'],
};

/** Deviations seen on the wire, §4, by the first cell of their row. */
const WIRE: Readonly<Record<string, readonly string[]>> = {
  'No space after colon (`event:x`, `data:{…}`)': ['no-space-after-colon'],
  '`retry:300` line in every event': ['retry-line'],
  '`data: [DONE]` after or instead of message_stop': ['done-sentinel', 'missing-message-stop'],
  'CRLF, bare CR, CRLF split across chunks': ['crlf-line-ends', 'cr-line-ends', 'mixed-line-ends'],
  'UTF-8 sequence split across network chunks': ['invalid-utf8', 'replacement-character'],
  '`event:` line without `data:` (empty data)': ['event-without-data', 'empty-data'],
  '`data:` only, no `event:` line': ['missing-event-name'],
  'Comment keep-alives `: OPENROUTER PROCESSING`': ['comment-line'],
  'Final frame without trailing blank line': ['missing-final-blank-line'],
  '200 + one `event: error` as the whole body': ['error-before-start', 'error-event'],
  'json.dumps spacing / sorted keys': ['re-serialised-json', 'reordered-keys'],
  'Stream goes silent (no ping) during reasoning': ['silence', 'late-pings'],
  'Stream ends without message_stop (clean EOF)': ['missing-message-stop'],
  'No message_delta/message_stop on max_tokens': ['missing-message-delta', 'missing-message-stop'],
  'message_start twice, same id': ['duplicate-message-start'],
  'Second message_start with a new id while the first is open (spliced retry)': ['spliced-message-start'],
  '29+ message_start in a second, no message_stop': ['spliced-message-start', 'missing-message-stop'],
  'Block events before message_start / no message_start': ['content-before-start', 'missing-message-start'],
  'error event before message_start': ['error-before-start'],
  'error mid-stream after partial content, then EOF': ['error-event'],
  'message_start.usage all zero, real usage only in message_delta': ['zero-usage-in-start'],
  'usage missing in message_start and/or message_delta': ['missing-usage'],
  'usage fields null': ['null-usage'],
  'message_delta.usage without input_tokens': ['input-tokens-unknown'],
  'message_start lacks content/stop_reason/stop_sequence; id `chatcmpl-…` or UUID; `stop_reason:""`': [
    'incomplete-message-start',
    'foreign-message-id',
    'empty-stop-reason',
  ],
  'usage duplicated at top level of message_start': ['usage-misplaced'],
  'stop_reason tool_use but no tool_use block': ['stop-reason-mismatch'],
  'message_stop while blocks open / without stop_reason': ['missing-block-stop', 'missing-stop-reason'],
  'Unknown event type `vertex_event`': ['unknown-event'],
  'provider, cost, is_byok, cost_details, speed keys': ['foreign-keys'],
  'Non-contiguous index (0 → 2)': ['index-gap'],
  'Second block started on an index still open': ['index-reused'],
  'Delta/stop on an index never started (“Content block not found”)': ['delta-without-start', 'stop-without-start'],
  'Delta after content_block_stop / interleaved parallel tools': ['delta-after-stop', 'overlapping-blocks'],
  'Delta type does not match block type': ['delta-mismatch'],
  'content_block_stop omitted': ['missing-block-stop'],
  'thinking left open when tool_use starts': ['overlapping-blocks', 'missing-block-stop'],
  'content_block_start per token': ['block-per-token'],
  'tool_use start without `input`': ['tool-start-without-input'],
  'thinking start without `signature` / no signature_delta': ['incomplete-block-start', 'thinking-without-signature'],
  'whole tool input in content_block_start, no input_json_delta': ['tool-input-in-start'],
  'input_json_delta dropped → input stays {}': ['tool-without-input-delta'],
  'partial tool JSON cut and treated as complete': ['tool-input-cut', 'missing-message-stop'],
  'empty text block opened and closed before thinking': ['empty-text-block'],
  'delta with bare `text`, no delta.type; a whole `message` event; OpenAI `choices[]` chunk on the Anthropic route': [
    'bare-text-delta',
    'whole-message-event',
    'openai-chunk',
  ],
  'reasoning put into text as `<think>…</think>`': ['think-tags'],
  'emoji split into lone surrogates': ['lone-surrogate'],
};

const RESEARCH = fileURLToPath(new URL('../../shared/research/', import.meta.url));
const hasResearch = existsSync(RESEARCH);
if (!hasResearch) console.warn('skipped: ../shared/research is not here, so its tables are not compared');

/** The first cells of the table rows between two headings of a page. */
function firstCells(page: string, from: RegExp, to: RegExp): string[] {
  const text = readFileSync(RESEARCH + page, 'utf8');
  const start = text.search(from);
  const rest = text.slice(start + 1);
  const end = rest.search(to);
  const rows = rest.slice(0, end === -1 ? undefined : end).split('\n');
  const cells = rows.filter((row) => row.startsWith('|')).map((row) => row.split('|')[1]?.trim() ?? '');
  return cells.filter((cell) => cell !== '' && !/^-+$/.test(cell) && cell !== 'deviation' && cell !== 'rule (draft)');
}

describe('what was seen in the wild', () => {
  test.each([...Object.entries(SURVEY), ...Object.entries(WIRE)])('%s: has its rules', (_, ids) => {
    expect(ids.length).toBeGreaterThan(0);
    expect(ids.filter((id) => ruleOf(id) === undefined)).toEqual([]);
  });

  test.skipIf(!hasResearch)('every row of both tables has an entry, and no entry is without a row', () => {
    expect(firstCells('tools-and-wants.md', /^### 3\.4/m, /^Servers offering/m).sort()).toEqual(
      Object.keys(SURVEY).sort(),
    );
    expect(firstCells('wire-facts.md', /^## 4\./m, /^SDK behaviour/m).sort()).toEqual(Object.keys(WIRE).sort());
  });
});
