/**
 * The linter on the fixtures: exactly the rules that their scripts name, under every chunking; on all real streams nothing
 * above info; on the lines that were quoted from other servers, what is known to be odd about them.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseCapture } from '../src/capture/reader.ts';
import { lint, Linter, type LintReport, RULES } from '../src/lint/index.ts';
import { captures, hasCaptures, readCapture } from './support/captures.ts';
import { forEveryChunking } from './support/chunkings.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/', import.meta.url));
const QUOTED = fileURLToPath(new URL('../../shared/captures/quoted-deviations.jsonl', import.meta.url));

interface Expected {
  rules: string[];
}

function fixturesOf(set: string, ending: string): string[] {
  return readdirSync(FOLDER + set)
    .filter((file) => file.endsWith(ending))
    .map((file) => `${set}/${file.slice(0, -ending.length)}`);
}

function expected(name: string): string[] {
  return (JSON.parse(readFileSync(`${FOLDER}${name}.expect.json`, 'utf8')) as Expected).rules;
}

function rulesOf({ findings }: LintReport): string[] {
  return [...new Set(findings.map(({ rule }) => rule))].sort();
}

function bytesOf(name: string): Uint8Array {
  return new Uint8Array(readFileSync(`${FOLDER}${name}.sse`));
}

function lintChunks(chunks: readonly Uint8Array[]): LintReport {
  const linter = new Linter();
  for (const chunk of chunks) linter.push(chunk);
  return linter.end();
}

const native = fixturesOf('messages', '.sse');
const hostile = fixturesOf('hostile', '.sse');
const timed = fixturesOf('timed', '.capture.jsonl');

describe('the linter on the fixtures', () => {
  test.each([...native, ...hostile])('%s: the rules beside it, under every chunking', (name) => {
    const report = forEveryChunking(bytesOf(name), lintChunks, name, { samples: 24 });
    expect(rulesOf(report)).toEqual(expected(name));
  });

  test.each(native)('%s: nothing above info', (name) => {
    const { counts } = lint(bytesOf(name));
    expect([counts.error, counts.warning]).toEqual([0, 0]);
  });

  test.each([...native, ...hostile])('%s: text gives what bytes give', (name) => {
    // What is no UTF-8 cannot be given as text.
    if (name.endsWith('invalid-utf8') || name.endsWith('gzip') || name.endsWith('unfinished-character')) return;
    expect(lint(Buffer.from(bytesOf(name)).toString())).toEqual(lint(bytesOf(name)));
  });

  test.each(timed)('%s: the rules beside it', (name) => {
    const report = lint(parseCapture(readFileSync(`${FOLDER}${name}.capture.jsonl`, 'utf8')));
    expect(rulesOf(report)).toEqual(expected(name));
    expect(report.findings.every(({ at }) => at.us !== undefined)).toBe(true);
  });

  test('a capture without times gives what its bytes give', () => {
    const capture = parseCapture(readFileSync(`${FOLDER}timed/held-back.capture.jsonl`, 'utf8'));
    const chunks = capture.chunks.map(({ bytes }) => ({ us: undefined, bytes }));
    const body = new Uint8Array(Buffer.concat(capture.chunks.map(({ bytes }) => bytes)));
    expect(lint({ ...capture, chunks })).toEqual(lint(body));
  });
});

/** Rules without a fixture, each with the reason. */
const WITHOUT_FIXTURE: Readonly<Record<string, string>> = {
  'line-too-long': 'takes 64 MiB; test/lint.test.ts makes it',
  'event-too-large': 'takes 64 MiB; test/lint.test.ts makes it',
};

test('every rule has a fixture, or a reason why not', () => {
  const covered = new Set([...native, ...hostile, ...timed].flatMap(expected));
  const bare = RULES.map(({ id }) => id).filter((id) => !covered.has(id));
  expect(bare.sort()).toEqual(Object.keys(WITHOUT_FIXTURE).sort());
  expect([...covered].filter((id) => !RULES.some((rule) => rule.id === id))).toEqual([]);
});

describe.skipIf(!hasCaptures)('the linter on the captures', () => {
  test('finds nothing above info in 852 real streams', () => {
    const found: string[] = [];
    for (const { file, authentic } of captures.filter((capture) => capture.authentic)) {
      expect(authentic).toBe(true);
      for (const { rule, severity } of lint(readCapture(file)).findings) {
        if (severity !== 'info') found.push(`${file}: ${rule}`);
      }
    }
    expect(found).toEqual([]);
    expect(captures.filter((capture) => capture.authentic).length).toBe(852);
  });
});

interface Quoted {
  server: string;
  kind: string;
  data: string | string[];
}

/** The quotes as streams: a payload gets the event line that it would have had. */
function streamOf({ data }: Quoted): string {
  const payloads = Array.isArray(data) ? data : [data];
  if (payloads.every((payload) => payload.startsWith('{'))) {
    return payloads
      .map((payload) => `event: ${(JSON.parse(payload) as { type: string }).type}\ndata: ${payload}\n\n`)
      .join('');
  }
  // What was left out of a quote stands as an ellipsis.
  return payloads.join('').replaceAll(/^… /gm, '').replaceAll('…}} }', '"usage":{}}}').replaceAll(' …, ', ' ');
}

/** What is odd about each line, by server and kind; a sequence that was only told in words is written out here. */
const ODD: Readonly<Record<string, readonly string[]>> = {
  'GLM / z.ai (anthropic endpoint), model glm-4-air': ['zero-usage-in-start'],
  'Kimi (api.kimi/moonshot anthropic endpoint), model kimi-k2.5': ['foreign-keys', 'missing-message-stop'],
  'xAI (anthropic endpoint), model grok-4.3': ['foreign-message-id', 'zero-usage-in-start'],
  'Antigravity/Gemini via CLIProxyAPI': ['foreign-message-id', 're-serialised-json'],
  'Vertex behind a Chinese corporate gateway (Spring SseEmitter style), claude-3-7-sonnet': [
    'no-space-after-colon',
    'retry-line',
  ],
  'Bedrock Claude behind a re-serialising proxy': ['re-serialised-json'],
  'Vertex Claude behind a proxy': ['unknown-event'],
  'cc-switch (OpenAI→Anthropic)': ['incomplete-message-start', 'foreign-message-id', 'tool-start-without-input'],
  'Ollama v0.30–0.31, gemma4': ['index-reused'],
  LiteLLM: ['re-serialised-json', 'missing-message-stop'],
};

const OLLAMA = [
  { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'gemma4', content: [] } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
]
  .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  .join('');

const hasQuotes = existsSync(QUOTED);
if (!hasQuotes) console.warn('skipped: ../shared/captures is not here, so no quoted deviation is linted');

describe.skipIf(!hasQuotes)('the linter on quoted deviations', () => {
  const quotes = hasQuotes
    ? readFileSync(QUOTED, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Quoted)
    : [];
  test.each(quotes)('$server, $kind', (quoted) => {
    const odd = quoted.server === 'Anthropic (native)' ? ['error-event', 'error-before-start'] : ODD[quoted.server];
    const stream = quoted.kind === 'event sequence' ? OLLAMA : streamOf(quoted);
    expect(rulesOf(lint(stream))).toEqual(expect.arrayContaining([...(odd ?? ['no entry in ODD'])]));
  });
});
