/** What people paste, and what they are told. */

import fc from 'fast-check';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { EXPLANATIONS, explainError, nearestRules } from '../src/lint/explanations.ts';
import { RULES, ruleOf } from '../src/lint/rules.ts';
import { ran } from './support/cli.ts';

const RUNS = 100 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1);

/** What people pasted into issues, and the row that it must find. */
const PASTED: readonly (readonly [pasted: string, id: string])[] = [
  // The four that the tool was asked for.
  ['Content block not found', 'content-block-not-found'],
  ['Unexpected event order, got message_start before receiving "message_stop"', 'second-message-start'],
  ['request ended without sending any chunks', 'no-chunks'],
  ['stream ended without producing a Message with role=assistant', 'no-assistant-message'],
  // As logs and terminals show them.
  ['[ERROR] Error streaming, falling back to non-streaming mode: Content block not found', 'error-streaming-fallback'],
  [
    'AnthropicError: Unexpected event order, got message_start\n   before receiving "message_stop"',
    'second-message-start',
  ],
  [
    '{"level":"error","msg":"Unexpected event order, got message_start before receiving \\"message_stop\\""}',
    'second-message-start',
  ],
  [
    '\u001b[31mError: request ended without sending any chunks\u001b[39m\n    at MessageStream._fromReadable (x.js:1:2)',
    'no-chunks',
  ],
  ['│ stream ended without producing a │\n│ Message with role=assistant │', 'no-assistant-message'],
  [
    'RuntimeError: Unexpected event order, got content_block_start before "message_start"',
    'content-before-message-start',
  ],
  ["TypeError: Cannot read properties of undefined (reading 'type')", 'reading-type-of-undefined'],
  ["AttributeError: 'NoneType' object has no attribute 'output_tokens'", 'reading-output-tokens'],
  ['IndexError: list index out of range', 'list-index-out-of-range'],
  ['Error: Content block is not a thinking block', 'content-block-is-not-a'],
  [
    'AnthropicError: Unable to parse tool parameter JSON from model. Please retry your request or adjust your prompt. Error: SyntaxError: Bad escaped character in JSON at position 12',
    'tool-json-not-parsed',
  ],
  [`SyntaxError: Unexpected token 'D', "[DONE]" is not valid JSON`, 'done-is-not-json'],
  [`SyntaxError: Unexpected token '<', "<!DOCTYPE "... is not valid JSON`, 'html-is-not-json'],
  [`SyntaxError: Unexpected token 'e', "event: mes"... is not valid JSON`, 'sse-is-not-json'],
  ['SyntaxError: Unexpected end of JSON input', 'unexpected-end-of-json'],
  ['SyntaxError: Unterminated string in JSON at position 412 (line 1 column 413)', 'unterminated-string'],
  ['json.decoder.JSONDecodeError: Extra data: line 2 column 1 (char 107)', 'after-json'],
  ['json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)', 'expecting-value'],
  ['AI_TypeValidationError: Type validation failed: Value: {"type":"vertex_event"}', 'ai-type-validation'],
  ['TypeError: terminated\n  [cause]: SocketError: other side closed', 'other-side-closed'],
  ['TypeError: terminated', 'terminated'],
  ['curl: (18) transfer closed with outstanding read data remaining', 'curl-transfer-closed'],
  [
    '400 messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`. When `thinking` is enabled',
    'thinking-expected',
  ],
  ['messages.3.content.0.thinking.signature: Field required', 'thinking-expected'],
  ['API Error: Connection error. (cause: read ECONNRESET)', 'fetch-failed'],
  ['Error: read ECONNRESET', 'connection-reset'],
  [
    'httpx.RemoteProtocolError: peer closed connection without sending complete message body (incomplete chunked read)',
    'incomplete-chunked-read',
  ],
  ['<html><head><title>504 Gateway Time-out</title></head><body><center>nginx/1.25.3</center>', 'gateway-timeout'],
  ['API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', 'overloaded'],
  ['API Error: Stream idle timeout - partial response received', 'stream-idle-timeout'],
  ['messages.1.content.0: Invalid `signature` in `thinking` block', 'invalid-signature'],
  ["UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe2 in position 71", 'utf8-codec'],
  ['net::ERR_INCOMPLETE_CHUNKED_ENCODING 200 (OK)', 'browser-incomplete-chunked'],
  ['Error: Premature close', 'premature-close'],
  ['HeadersTimeoutError: Headers Timeout Error', 'headers-timeout'],
];

describe('the table of error texts', () => {
  it('has at least 40 rows, with ids of their own, and only rules that exist', () => {
    expect(EXPLANATIONS.length).toBeGreaterThanOrEqual(40);
    expect(new Set(EXPLANATIONS.map(({ id }) => id)).size).toBe(EXPLANATIONS.length);
    const texts = EXPLANATIONS.flatMap(({ says }) => says);
    expect(new Set(texts).size).toBe(texts.length);
    for (const { id, says, rules, cause, fix, from } of EXPLANATIONS) {
      expect(id).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
      expect(says.length, id).toBeGreaterThan(0);
      expect(
        rules.filter((rule) => ruleOf(rule) === undefined),
        id,
      ).toEqual([]);
      for (const sentence of [cause, fix]) expect(sentence, id).toMatch(/^(?:[A-Z"`]|message_).*[.)]$/s);
      expect(from.length).toBeGreaterThan(2);
    }
    expect(RULES.map(({ id }) => id).filter((id) => EXPLANATIONS.some((row) => row.id === id))).toEqual([]);
  });

  it.each(EXPLANATIONS.flatMap(({ id, says }) => says.map((text) => [text, id] as const)))(
    'finds itself: %s',
    (text, id) => {
      expect(explainError(`Error: ${text.replaceAll('…', ' something ')} (x.js:1)`)[0]?.explanation.id).toBe(id);
    },
  );

  it.each(PASTED)('%s', (pasted, id) => {
    expect(explainError(pasted)[0]?.explanation.id).toBe(id);
  });

  it('does not see a word inside of another, nor an error in ordinary talk', () => {
    for (const text of ['undetermined', 'EPIPELINE', 'the stream is fine', '', '   ', '…', '{"type":"ping"}']) {
      expect(explainError(text)).toEqual([]);
    }
  });

  it('makes nothing of case, quotes, wrapping, frames and colours', () => {
    const texts = EXPLANATIONS.flatMap(({ id, says }) =>
      says.map((text) => ({ id, text: text.replaceAll('…', ' x ') })),
    );
    const dressing = fc.constantFrom(' ', '\n', '\r\n  ', '\t', ' │ ', '\\n', ' \u001b[1m', '\u001b[0m ');
    fc.assert(
      fc.property(fc.constantFrom(...texts), dressing, fc.boolean(), ({ id, text }, gap, upper) => {
        const words = (upper ? text.toUpperCase() : text).split(' ');
        const dressed = words.join(/\s|\\n/.test(gap) ? gap : ` ${gap}`);
        expect(explainError(dressed)[0]?.explanation.id).toBe(id);
      }),
      { numRuns: RUNS },
    );
  });

  it('takes any text, in decent time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        explainError(text);
        nearestRules(text);
      }),
      { numRuns: RUNS },
    );
    const started = performance.now();
    explainError('a \u001b['.repeat(1_000_000));
    explainError(`${'unexpected event order, got '.repeat(100_000)}message_stop`);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('finds an error in front of a long log and at its end', () => {
    const noise = 'line of a log\n'.repeat(100_000);
    expect(explainError(`Error: Content block not found\n${noise}`)).toHaveLength(1);
    expect(explainError(`${noise}Error: Content block not found`)).toHaveLength(1);
  });

  it('names rules that are near', () => {
    expect(nearestRules('my thinking block has no signature')[0]?.id).toBe('thinking-without-signature');
    expect(nearestRules('comments with CRLF').map(({ id }) => id)).toContain('crlf-line-ends');
    expect(nearestRules('qwertyuiop')).toEqual([]);
    expect(nearestRules('index tool usage ping usage', 3)).toHaveLength(3);
  });
});

describe('ssemble explain', () => {
  it('gives cause, rules and fix of an error text', async () => {
    const { out, err, code } = await ran(['explain', 'Content', 'block', 'not', 'found']);
    expect(out).toMatch(/^Content block not found\n {6}From: {5}Claude Code\n {6}Cause: {4}A content_block_delta/);
    expect(out).toContain('Rules:    delta-without-start: ');
    expect(out).toMatch(/\n {6}Fix: +Send content_block_start/);
    expect(out).toContain('router-for-me/CLIProxyAPI#3720');
    expect([err, code]).toEqual(['', 0]);
  });

  it('puts the most telling text first, and the others behind it', async () => {
    const { out } = await ran(['explain', 'TypeError: terminated, cause: other side closed']);
    expect(out.startsWith('other side closed\n')).toBe(true);
    expect(out).toContain('\nalso: terminated\n');
  });

  it('prints the whole entry of a rule', async () => {
    const rule = ruleOf('delta-mismatch');
    const { out, code } = await ran(['explain', 'delta-mismatch']);
    const words = out.replaceAll(/\s+/g, ' ');
    for (const part of [rule?.rule, rule?.fix, ...(rule?.seen ?? []), 'Expected:', 'Actual:', 'Clients:']) {
      expect(words).toContain(part);
    }
    expect(code).toBe(0);
  });

  it.each(RULES.map(({ id }) => id))('knows the rule %s', async (id) => {
    const { out, code } = await ran(['explain', '--json', id]);
    expect((JSON.parse(out) as { rule: unknown }).rule).toEqual(ruleOf(id));
    expect(code).toBe(0);
  });

  it('lists every rule without arguments, even with nobody at standard input', async () => {
    const { out, code } = await ran(['explain'], '', {
      stdin: { stream: Readable.from([]), isTTY: true, isFile: false },
    });
    for (const { id } of RULES) expect(out).toContain(` ${id} `);
    expect(code).toBe(0);
    const data = JSON.parse((await ran(['explain', '--json'])).out) as { rules: unknown[]; explanations: unknown[] };
    expect([data.rules.length, data.explanations.length]).toEqual([RULES.length, EXPLANATIONS.length]);
  });

  it('says so if it knows nothing, names the nearest rules, and exits with 1', async () => {
    const { out, err, code } = await ran(['explain', 'the thinking block came without its signature']);
    expect(err).toMatch(/^ssemble: No known error text is in "the thinking block/);
    expect(out.split('\n')[0]).toMatch(/^ {2}thinking-without-signature: /);
    expect(code).toBe(1);
    const nothing = await ran(['explain', 'qwertyuiop']);
    expect(nothing.err).toContain('`ssemble lint` on a recording');
    expect(nothing.code).toBe(1);
    const json = await ran(['explain', '--json', 'qwertyuiop']);
    expect([JSON.parse(json.out), json.code]).toEqual([{ matches: [], nearest: [] }, 1]);
  });

  it('reads a log from standard input', async () => {
    const log = `${'noise\n'.repeat(1000)}Error: request ended without sending any chunks\n`;
    expect((await ran(['explain', '-'], log)).out).toMatch(/^request ended without sending any chunks\n/);
  });

  it('ends at Ctrl-C with what has come, also while nothing comes', async () => {
    const stream = new PassThrough();
    const interrupt = new AbortController();
    const running = ran(['explain', '-'], '', {
      stdin: { stream, isTTY: false, isFile: false },
      interrupt: interrupt.signal,
    });
    stream.write('Error: Content block not found\n');
    setTimeout(() => interrupt.abort(), 20);
    const { out, code } = await running;
    expect(out).toMatch(/^Content block not found\n/);
    expect(code).toBe(130);
  });

  it('is told what to do with a file', async () => {
    const { err, code } = await ran(['explain', 'README.md']);
    expect(code).toBe(1);
    expect(err).toContain(
      'README.md is a file: `ssemble lint FILE` judges a stream, `ssemble explain - < FILE` a log.',
    );
  });

  it('gives the matches with their rules as JSON', async () => {
    const { out } = await ran(['explain', '--json', 'Content block not found']);
    const { matches } = JSON.parse(out) as { matches: { id: string; rules: { id: string }[] }[] };
    expect(matches[0]?.id).toBe('content-block-not-found');
    expect(matches[0]?.rules[0]?.id).toBe('delta-without-start');
  });

  it('lets no control character of the paste through', async () => {
    const { out, err } = await ran(['explain', 'strange \u001b]0;x\u0007 text']);
    // oxlint-disable-next-line no-control-regex
    expect(out + err).not.toMatch(/[\u0007\u001b]/);
  });
});
