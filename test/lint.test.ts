/** The linter itself: places, profiles, ceilings, streams that begin in the middle, and that no bytes make it throw. */

import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Capture } from '../src/capture/format.ts';
import { IdleTimeoutError } from '../src/errors.ts';
import { lint, Linter, type LintOptions, type LintReport, PROFILES, RULES, ruleOf } from '../src/lint/index.ts';
import { severityUnder } from '../src/lint/profiles.ts';
import { cutAt, forEveryChunking, pieces, RUNS, seeded } from './support/chunkings.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/', import.meta.url));

interface Event {
  type: string;
  [key: string]: unknown;
}

function stream(...events: Event[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

const START = {
  type: 'message_start',
  message: {
    id: 'msg_01',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 9, output_tokens: 1 },
  },
};
const OPEN = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } };
const TEXT = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } };
const CLOSE = { type: 'content_block_stop', index: 0 };
const DELTA = {
  type: 'message_delta',
  delta: { stop_reason: 'end_turn', stop_sequence: null },
  usage: { output_tokens: 5 },
};
const STOP = { type: 'message_stop' };
const GOOD = stream(START, OPEN, TEXT, CLOSE, DELTA, STOP);

function rulesOf({ findings }: LintReport): string[] {
  return findings.map(({ rule }) => rule);
}

function lintChunks(options: LintOptions): (chunks: readonly Uint8Array[]) => LintReport {
  return (chunks) => {
    const linter = new Linter(options);
    for (const chunk of chunks) linter.push(chunk);
    return linter.end();
  };
}

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(`${FOLDER}${name}.sse`));
}

const native = readdirSync(`${FOLDER}messages`)
  .filter((file) => file.endsWith('.sse'))
  .map((file) => `messages/${file.slice(0, -'.sse'.length)}`);
const all = [
  ...native,
  ...readdirSync(`${FOLDER}hostile`)
    .filter((file) => file.endsWith('.sse'))
    .map((file) => `hostile/${file.slice(0, -'.sse'.length)}`),
];

describe('a report', () => {
  test('of a good stream has no findings', () => {
    expect(lint(GOOD, { name: 'good.sse' })).toEqual({
      name: 'good.sse',
      profile: 'strict',
      findings: [],
      dropped: 0,
      counts: { error: 0, warning: 0, info: 0 },
      events: 6,
      bytes: GOOD.length,
      model: 'claude-sonnet-4-5',
      outcome: { status: 'complete', stopReason: 'end_turn' },
    });
  });

  test('of a broken one names event, byte, line and block', () => {
    const { findings } = lint(stream(START, OPEN, TEXT, { ...OPEN, index: 2 }, { ...CLOSE, index: 2 }));
    const at = { event: 4, byte: stream(START, OPEN, TEXT).length, line: 10 };
    expect(findings[0]).toMatchObject({ rule: 'index-gap', severity: 'warning', at, index: 2 });
    expect(findings[1]).toMatchObject({ rule: 'overlapping-blocks', at, index: 2 });
  });

  test('gives the place of the line where a rule is about a line', () => {
    const { findings } = lint(`${stream(START)}: ping\n\n${stream(STOP)}`);
    const comment = findings.find(({ rule }) => rule === 'comment-line');
    expect(comment?.at).toEqual({ event: 2, byte: stream(START).length, line: 4 });
  });

  test('counts a habit and names its first place', () => {
    const { findings } = lint(GOOD.replaceAll('event: ', 'event:'));
    expect(findings).toEqual([
      {
        rule: 'no-space-after-colon',
        severity: 'info',
        message: 'No space after the colon of a field, 6 times',
        at: { event: 1, byte: 0, line: 1 },
      },
    ]);
  });

  test('has the findings in the order of the stream', () => {
    for (const name of all) {
      const events = lint(fixture(name)).findings.map(({ at }) => at.event);
      expect(events).toEqual(events.toSorted((a, b) => a - b));
    }
  });

  test('keeps maxFindings of them and counts the rest by rule', () => {
    const bad = stream(START, ...Array.from({ length: 10 }, () => ({ ...CLOSE, index: 7 })));
    const { findings, dropped, droppedByRule, counts } = lint(bad, { maxFindings: 3 });
    expect(findings.map(({ rule }) => rule)).toEqual([
      'stop-without-start',
      'stop-without-start',
      'stop-without-start',
    ]);
    expect(dropped).toBe(8);
    expect(droppedByRule).toEqual({ 'stop-without-start': 7, 'missing-message-stop': 1 });
    expect(counts).toEqual({ error: 1, warning: 10, info: 0 });
  });

  test('leaves out what is ignored', () => {
    expect(rulesOf(lint(stream(START, OPEN), { ignore: ['missing-block-stop'] }))).toEqual(['missing-message-stop']);
  });

  test('quotes at most 4 kB of data', () => {
    const { findings } = lint(`event: content_block_delta\ndata: {${'x'.repeat(9000)}\n\n`);
    expect(findings.find(({ rule }) => rule === 'invalid-json')?.raw?.length).toBe(4096);
  });
});

describe('options that make no sense', () => {
  test('are RangeErrors', () => {
    expect(() => lint('', { profile: 'lenient' as 'strict' })).toThrow(RangeError);
    expect(() => lint('', { ignore: ['index-gaps'] })).toThrow(/"index-gaps": there is no such rule/);
    expect(() => lint('', { maxFindings: -1 })).toThrow(RangeError);
    expect(() => lint('', { maxFindings: Number.NaN })).toThrow(RangeError);
  });

  test('a push after the end is a TypeError, a second end is not', () => {
    const linter = new Linter();
    linter.push(GOOD);
    const report = linter.end();
    expect(linter.end()).toEqual(report);
    expect(() => linter.push('')).toThrow(TypeError);
  });
});

describe('profiles', () => {
  test.each([
    ['strict', 'missing-event-name', 'info'],
    ['sdk', 'missing-event-name', 'error'],
    ['sdk', 'tool-input-cut', 'warning'],
    ['sdk', 'delta-after-stop', 'info'],
    ['sdk', 'reserved-key', 'warning'],
    ['claude-code', 'delta-mismatch', 'error'],
    ['claude-code', 'stop-without-start', 'error'],
    ['claude-code', 'byte-order-mark', 'info'],
    ['tolerant', 'index-gap', 'info'],
    ['tolerant', 'index-reused', 'error'],
  ] as const)('%s: %s is %s', (profile, id, severity) => {
    const rule = ruleOf(id);
    expect(rule && severityUnder(rule, profile)).toBe(severity);
  });

  test('strict is the catalogue', () => {
    for (const rule of RULES) expect(severityUnder(rule, 'strict')).toBe(rule.severity);
  });

  test('only change the severities, not what is found', () => {
    for (const name of all) {
      const bytes = fixture(name);
      const strict = lint(bytes);
      for (const profile of Object.keys(PROFILES) as (keyof typeof PROFILES)[]) {
        const report = lint(bytes, { profile });
        expect(rulesOf(report)).toEqual(rulesOf(strict));
        const errors = report.findings.filter(({ severity }) => severity === 'error').length;
        expect([report.profile, report.counts.error]).toEqual([profile, errors]);
      }
    }
  });
});

describe('from the middle', () => {
  test('a native stream has nothing above info, at whatever byte it begins', () => {
    const random = seeded(5);
    for (const name of native) {
      const bytes = fixture(name);
      for (let k = 0; k < 40 * RUNS; k++) {
        const from = Math.floor(random() * bytes.length);
        const { counts, outcome } = lint(bytes.subarray(from), { fromMiddle: true });
        expect([name, from, counts.error, counts.warning]).toEqual([name, from, 0, 0]);
        expect(['complete', 'errored', 'truncated']).toContain(outcome.status);
      }
    }
  });

  test('is the same under every chunking', () => {
    const middle = fixture('hostile/index-out-of-order').subarray(30);
    const report = forEveryChunking(middle, lintChunks({ fromMiddle: true }), 'from the middle');
    expect(rulesOf(report)).toEqual(['index-out-of-order']);
    const cr = fixture('hostile/cr').subarray(30);
    expect(rulesOf(forEveryChunking(cr, lintChunks({ fromMiddle: true }), 'CR'))).toEqual(['cr-line-ends']);
  });

  test('places count what was skipped', () => {
    const text = `...text":"x"}}\n\n${stream(TEXT, CLOSE, CLOSE, DELTA, STOP)}`;
    const { findings } = lint(text, { fromMiddle: true });
    const at = { event: 3, byte: text.lastIndexOf('event: content_block_stop'), line: 9 };
    expect(findings).toMatchObject([{ rule: 'repeated-stop', at }]);
  });

  test('still tells what the missing beginning does not explain', () => {
    const rest = stream(TEXT, CLOSE, OPEN, TEXT, CLOSE, DELTA);
    expect(rulesOf(lint(rest, { fromMiddle: true }))).toEqual(['index-reused', 'missing-message-stop']);
    const nameless = GOOD.replaceAll(/event: .*\n/g, '');
    expect(rulesOf(lint(nameless, { fromMiddle: true }))).toEqual(['missing-event-name']);
    expect(rulesOf(lint(`${stream(TEXT)}data: oops\n\n${stream(STOP)}`, { fromMiddle: true }))).toContain(
      'invalid-json',
    );
  });

  test('of a whole stream finds what lint finds', () => {
    for (const name of ['hostile/start-spliced', 'hostile/index-gap', 'hostile/delta-mismatch-text-in-tool']) {
      expect(rulesOf(lint(fixture(name), { fromMiddle: true }))).toEqual(rulesOf(lint(fixture(name))));
    }
  });
});

describe('ends', () => {
  test('a stream that was called off lacks no stop', () => {
    const capture = (end: Capture['end']): Capture => ({
      header: { ssemble: 'capture', version: 1 },
      chunks: [{ us: undefined, bytes: new TextEncoder().encode(stream(START, OPEN, TEXT, CLOSE)) }],
      end,
    });
    expect(rulesOf(lint(capture({ end: 'abort' })))).toEqual([]);
    expect(rulesOf(lint(capture({ end: 'reset' })))).toEqual(['missing-message-stop']);
    expect(rulesOf(lint(capture({ end: 'timeout' })))).toEqual(['missing-message-stop']);
    expect(rulesOf(lint(capture(undefined)))).toEqual(['missing-message-stop']);
  });

  test('an error given to end() is the outcome', () => {
    const linter = new Linter();
    linter.push(stream(START));
    expect(linter.end(new IdleTimeoutError('silent')).outcome.status).toBe('stalled');
  });

  test('a bare CR at the very end is a blank line', () => {
    const report = forEveryChunking(
      new TextEncoder().encode(GOOD.replaceAll('\n', '\r')),
      lintChunks({}),
      'CR at the end',
    );
    expect(rulesOf(report)).toEqual(['cr-line-ends']);
    expect(report.events).toBe(6);
  });
});

describe('an HTTP head before the stream', () => {
  test.each([
    ['of plain headers', 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n', 0],
    ['with a data line, which the core takes for an event', 'HTTP/1.1 200 OK\r\ndata: {"type":"ping"}\r\n\r\n', 1],
    ['twice', 'HTTP/1.1 200 Connection established\r\n\r\nHTTP/2 200\r\n\r\n', 0],
  ])('%s has no lines of its own', (name, head, events) => {
    const bytes = new TextEncoder().encode(`${head}${GOOD}: end\n\n`);
    const report = forEveryChunking(bytes, lintChunks({}), name);
    const lines = report.findings.filter(({ rule }) => ruleOf(rule)?.group === 'framing');
    expect(lines.map(({ rule }) => rule).filter((rule) => rule !== 'missing-event-name')).toEqual([
      'http-head',
      'comment-line',
    ]);
    expect(report.findings.find(({ rule }) => rule === 'comment-line')?.at.event).toBe(7 + events);
  });

  test('what only begins like one is a line', () => {
    const report = forEveryChunking(new TextEncoder().encode(`HTTPS: x\n${GOOD}`), lintChunks({}), 'HTTPS');
    expect(rulesOf(report)).toEqual(['unknown-field']);
  });
});

describe('limits of the core', () => {
  test('a line of more than 64 MiB is a finding, not an exception', () => {
    const linter = new Linter();
    linter.push(stream(START));
    const piece = new Uint8Array(8 * 1024 * 1024).fill(0x78);
    for (let k = 0; k < 9; k++) linter.push(piece);
    const { findings, outcome } = linter.end();
    expect(findings.map(({ rule }) => rule)).toContain('line-too-long');
    expect(outcome.status).toBe('errored');
  });

  test('an event of more than 64 MiB is a finding, not an exception', () => {
    const linter = new Linter();
    const line = new TextEncoder().encode(`data: ${'x'.repeat(8 * 1024 * 1024)}\n`);
    for (let k = 0; k < 9; k++) linter.push(line);
    expect(rulesOf(linter.end())).toContain('event-too-large');
  });
});

describe('whatever the bytes', () => {
  const pieceOf = fc.oneof(
    fc.constantFrom(
      'event: ',
      'data: ',
      'data:',
      ':',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      '\ufeff',
      '{',
      '}',
      'HTTP/1.1 200\r\n',
    ),
    fc.constantFrom(...[START, OPEN, TEXT, CLOSE, DELTA, STOP].map((event) => stream(event))),
    fc.constantFrom(...[START, OPEN, TEXT, CLOSE, DELTA, STOP].map((event) => `data: ${JSON.stringify(event)}\n`)),
    fc.constantFrom('{"type":"error","error":null}', '{"type":"message_start","message":{"content":[{"type":"x"}]}}'),
    fc.json(),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const bytesOf = fc.oneof(
    fc.array(pieceOf, { maxLength: 20 }).map((parts) => new TextEncoder().encode(parts.join(''))),
    fc.uint8Array({ maxLength: 300 }),
  );

  test('it does not throw, and finds the same for every chunking', () => {
    fc.assert(
      fc.property(bytesOf, fc.boolean(), fc.array(fc.nat(300), { maxLength: 6 }), (bytes, fromMiddle, places) => {
        const run = lintChunks({ fromMiddle });
        const whole = run([bytes]);
        expect(run(pieces(bytes, 1))).toEqual(whole);
        expect(
          run(
            cutAt(
              bytes,
              places.map((place) => Math.min(place, bytes.length)),
            ),
          ),
        ).toEqual(whole);
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('a mutated fixture does not make it throw, and the findings do not depend on the chunks', () => {
    const streams = all.map(fixture).filter(({ length }) => length < 3000);
    const mutation = fc.record({
      stream: fc.nat(streams.length - 1),
      at: fc.nat(3000),
      cut: fc.nat(40),
      insert: fc.uint8Array({ maxLength: 6 }),
    });
    fc.assert(
      fc.property(mutation, fc.nat(3000), ({ stream: k, at, cut, insert }, place) => {
        const bytes = streams[k] as Uint8Array;
        const from = Math.min(at, bytes.length);
        const mutated = new Uint8Array(Buffer.concat([bytes.subarray(0, from), insert, bytes.subarray(from + cut)]));
        const run = lintChunks({});
        expect(run(cutAt(mutated, [Math.min(place, mutated.length)]))).toEqual(run([mutated]));
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('events with any value in any place do not make it throw', () => {
    const call = { type: 'tool_use', id: 'toolu_1', name: 'now', input: {} };
    const result = { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] };
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    const blocks = [call, result, { type: 'thinking', thinking: '', signature: '' }].map((content_block) => ({
      ...OPEN,
      content_block,
    }));
    const events: Event[] = [START, OPEN, ...blocks, TEXT, CLOSE, DELTA, STOP, error, { type: 'ping' }];
    /** The event with one of its values, at whatever depth, put in place of another. */
    const spoil = (value: unknown, path: readonly number[], by: unknown): unknown => {
      if (typeof value !== 'object' || value === null || path.length === 0) return by;
      const keys = Object.keys(value);
      const key = keys[(path[0] ?? 0) % Math.max(1, keys.length)];
      return key === undefined ? by : { ...value, [key]: spoil((value as Event)[key], path.slice(1), by) };
    };
    const spoiled = fc.tuple(
      fc.constantFrom(...events),
      fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }),
      fc.jsonValue({ maxDepth: 2 }),
    );
    fc.assert(
      fc.property(fc.array(spoiled, { maxLength: 8 }), fc.boolean(), (parts, fromMiddle) => {
        const text = parts
          .map(([event, path, by]) => `event: ${event.type}\ndata: ${JSON.stringify(spoil(event, path, by))}\n\n`)
          .join('');
        const bytes = new TextEncoder().encode(text);
        const whole = lint(bytes, { fromMiddle });
        expect(lintChunks({ fromMiddle })(pieces(bytes, 7))).toEqual(whole);
      }),
      { numRuns: 300 * RUNS },
    );
  });

  test('what the core reports is found, and nothing twice', () => {
    for (const name of all) {
      const { findings } = lint(fixture(name));
      const seen = findings.map(({ rule, at, index, message }) => JSON.stringify([rule, at, index, message]));
      expect(new Set(seen).size).toBe(seen.length);
    }
  });

  test('time grows with the length of the input', () => {
    const time = (blocks: number): number => {
      const starts = Array.from({ length: blocks }, (_, index) => ({ ...OPEN, index }));
      const text = stream(START, ...starts);
      const begin = performance.now();
      lint(text);
      return performance.now() - begin;
    };
    time(500);
    const small = Math.min(time(2000), time(2000), time(2000));
    const large = Math.min(time(16_000), time(16_000));
    // Eight times as long; 32 leaves room for a busy machine, and a quadratic one takes 64.
    expect(large / small).toBeLessThan(32);
  });
});

describe('times', () => {
  const encoder = new TextEncoder();
  /** Events at their times in milliseconds, each in a chunk of its own. */
  const timed = (...events: readonly (readonly [ms: number, event: Event])[]): Capture => ({
    header: { ssemble: 'capture', version: 1, clock: { zero: 'request' } },
    chunks: events.map(([ms, event]) => ({ us: ms * 1000, bytes: encoder.encode(stream(event)) })),
    end: { end: 'eof', us: ((events.at(-1)?.[0] ?? 0) + 1) * 1000 },
  });
  const PING = { type: 'ping' };

  test('stand in findings: when the chunk came that completed the event', () => {
    const capture = timed([100, START], [200, { ...CLOSE, index: 4 }], [300, STOP]);
    const { findings } = lint(capture);
    expect(findings.find(({ rule }) => rule === 'stop-without-start')?.at.us).toBe(200_000);
  });

  test('silence is told at the event before it, from when it began', () => {
    const { findings } = lint(
      timed([100, START], [200, OPEN], [40_200, TEXT], [40_300, CLOSE], [40_400, DELTA], [40_500, STOP]),
    );
    expect(findings).toMatchObject([{ rule: 'silence', at: { event: 2, us: 200_000 } }]);
    expect(findings[0]?.message).toBe('Nothing came for 40.0 s after this event');
  });

  test('silence after the end of the message is none', () => {
    const capture = timed([100, START], [110, OPEN], [120, TEXT], [130, CLOSE], [140, DELTA], [150, STOP]);
    expect(rulesOf(lint({ ...capture, end: { end: 'eof', us: 90_000_000 } }))).toEqual([]);
  });

  test('a ping after 15 seconds is late, after 40 it is silence', () => {
    const rest = [
      [50_000, OPEN],
      [50_010, TEXT],
      [50_020, CLOSE],
      [50_030, DELTA],
      [50_040, STOP],
    ] as const;
    expect(rulesOf(lint(timed([35_000, START], [50_000, PING], ...rest)))).toEqual(['late-first-byte', 'late-pings']);
    expect(rulesOf(lint(timed([10, START], [40_010, PING], ...rest)))).toEqual(['silence', 'pings-without-content']);
  });

  test('without the time of the request nobody knows how late the first byte is', () => {
    const { chunks, end } = timed(
      [35_000, START],
      [35_010, OPEN],
      [35_020, TEXT],
      [35_030, CLOSE],
      [35_040, DELTA],
      [35_050, STOP],
    );
    expect(rulesOf(lint({ header: { ssemble: 'capture', version: 1 }, chunks, end }))).toEqual([]);
    expect(rulesOf(lint(chunks))).toEqual([]);
    expect(rulesOf(lint(chunks, { clock: { zero: 'request' } }))).toEqual(['late-first-byte']);
  });

  test('tool input that comes at once is the way of the API, text is not', () => {
    const piece = { ...TEXT, delta: { type: 'input_json_delta', partial_json: '' } };
    const call = { type: 'tool_use', id: 'toolu_1', name: 'now', input: {} };
    const tool = { ...OPEN, content_block: call };
    const end = { ...DELTA, delta: { stop_reason: 'tool_use', stop_sequence: null } };
    const inputs = Array.from({ length: 30 }, () => [500, piece] as const);
    const texts = Array.from({ length: 30 }, () => [500, TEXT] as const);
    expect(rulesOf(lint(timed([400, START], [410, tool], ...inputs, [510, CLOSE], [510, end], [510, STOP])))).toEqual(
      [],
    );
    expect(rulesOf(lint(timed([400, START], [410, OPEN], ...texts, [510, CLOSE], [510, DELTA], [510, STOP])))).toEqual([
      'fake-streaming',
    ]);
  });
});
