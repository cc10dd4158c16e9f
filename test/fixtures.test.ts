/**
 * The fixtures, under every chunking: the golden transcript of events with their offsets, the expected diagnostics,
 * outcome and blocks, and the final message. All goldens were written by the generator from what it meant to say, not by
 * the parser.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Diagnostic, MessageParser, type StreamEvent } from '../src/index.ts';
import { decodeEvent } from '../src/protocol/decode.ts';
import { type SseEvent, SseParser, utf8Length } from '../src/sse/index.ts';
import { forEveryChunking } from './support/chunkings.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/', import.meta.url));

interface Expected {
  title: string;
  status: string;
  stopReason: string | null;
  codes: [string, number][];
  infos: string[];
  messages: number;
  blocks: [number, string, string, string?][];
  /** What the linter finds; `lint-fixtures.test.ts` looks at it. */
  rules?: string[];
}

function fixturesOf(set: string): string[] {
  return readdirSync(FOLDER + set)
    .filter((file) => file.endsWith('.sse'))
    .map((file) => `${set}/${file.slice(0, -'.sse'.length)}`);
}

const names = [...fixturesOf('messages'), ...fixturesOf('hostile')];
const read = (name: string): string => readFileSync(FOLDER + name, 'utf8');

/** What a line of the transcript says of an event. */
function describeEvent(sse: SseEvent): string {
  const event = decodeEvent(sse);
  const index = (event as { index?: unknown }).index;
  const name = sse.named ? sse.event : '-';
  return `name=${name} type=${event.type === 'unknown' ? `unknown:${event.reason}` : event.type} index=${typeof index === 'number' ? index : '-'} data=${utf8Length(sse.data)}`;
}

function transcript(chunks: readonly Uint8Array[]): string {
  const lines: string[] = [];
  const parser = new SseParser((sse) => {
    const { event, byte, line, from, end } = parser.position();
    lines.push(`${event} byte=${byte} line=${line} from=${from} end=${end} ${describeEvent(sse)}`);
  });
  for (const chunk of chunks) parser.push(chunk);
  const last = parser.end();
  if (last !== undefined) {
    const { byte, line, from } = parser.position();
    lines.push(
      `unfinished byte=${byte} line=${line} from=${from} name=${last.named ? last.event : '-'} data=${utf8Length(last.data)}`,
    );
  }
  lines.push(`eof byte=${chunks.reduce((sum, chunk) => sum + chunk.length, 0)}`);
  return `${lines.join('\n')}\n`;
}

interface Run {
  events: StreamEvent[];
  diagnostics: Diagnostic[];
  outcome: { status: string; stopReason: string | null; error: string };
  message: unknown;
  messages: number;
  blocks: unknown[];
}

function assemble(chunks: readonly Uint8Array[]): Run {
  const events: StreamEvent[] = [];
  const parser = new MessageParser({ onEvent: (event) => events.push(event) });
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  const { status, stopReason, error } = parser.outcome;
  return {
    events,
    diagnostics: [...parser.diagnostics],
    outcome: { status, stopReason, error: String(error) },
    message: parser.message ?? null,
    messages: parser.messages.length,
    blocks: [...parser.blocks],
  };
}

describe('fixtures', () => {
  test('there are at least 30 native streams, and a hostile set', () => {
    expect(fixturesOf('messages').length).toBeGreaterThanOrEqual(30);
    expect(fixturesOf('hostile').length).toBeGreaterThanOrEqual(30);
  });

  test.each(names)('%s: events and offsets', (name) => {
    const bytes = new Uint8Array(readFileSync(`${FOLDER}${name}.sse`));
    const log = read(`${name}.log`);
    // A body that is no event stream has no transcript; the parser above SSE names it.
    if (log.startsWith('eof')) return;
    expect(forEveryChunking(bytes, transcript, name, { samples: 24 })).toBe(log);
  });

  test.each(names)('%s: diagnostics, outcome, blocks and message', (name) => {
    const bytes = new Uint8Array(readFileSync(`${FOLDER}${name}.sse`));
    const run = forEveryChunking(bytes, assemble, name, { samples: 24 });
    const { rules, ...expected } = JSON.parse(read(`${name}.expect.json`)) as Expected;
    expect(rules).toBeDefined();
    expect(run.message).toEqual(JSON.parse(read(`${name}.message.json`)));
    const blocks = run.blocks as { index: number; type: string; state: string; inputState?: string }[];
    expect({
      title: expected.title,
      status: run.outcome.status,
      stopReason: run.outcome.stopReason,
      codes: run.diagnostics.filter(({ severity }) => severity !== 'info').map(({ code, at }) => [code, at.event]),
      infos: [...new Set(run.diagnostics.filter(({ severity }) => severity === 'info').map(({ code }) => code))].sort(),
      messages: run.messages,
      blocks: blocks.map(({ index, type, state, inputState }) =>
        inputState === undefined ? [index, type, state] : [index, type, state, inputState],
      ),
    }).toEqual(expected);
  });
});

describe('the generator', () => {
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [`${FOLDER}generate.mjs`, ...args], { encoding: 'utf8' });

  test('makes many captures, the same ones every time, and the first ones of a larger number', () => {
    const folders = [3, 12].map((count) => {
      const folder = mkdtempSync(join(tmpdir(), 'ssemble-many-'));
      expect(run('--many', String(count), '--out', folder).stdout).toMatch(new RegExp(`^${count} captures, `));
      return join(folder, '0000');
    });
    const [few, more] = folders.map((folder) =>
      readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]),
    );
    for (const folder of folders) rmSync(dirname(folder), { recursive: true });
    expect(few?.map(([file]) => file)).toEqual(['0', '1', '2'].map((k) => `000000${k}.capture.jsonl`));
    expect(more?.length).toBe(12);
    expect(more?.slice(0, 3)).toEqual(few);
  });

  test('does not write many into the repository', () => {
    const { status, stderr } = run('--many', '5', '--out', `${FOLDER}many`);
    expect(status).toBe(2);
    expect(stderr).toMatch(/outside of the repository/);
  });
});
