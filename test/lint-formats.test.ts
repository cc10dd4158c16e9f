/** The formats of lint reports: what people paste, and what machines read, checked with the machines' own rules. */

import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding, Severity } from '../src/lint/finding.ts';
import type { ReportData } from '../src/lint/formats/format.ts';
import { FORMATS, formatGithub, formatJson, formatJunit, formatSarif, formatText } from '../src/lint/formats/index.ts';
import { uriOf } from '../src/lint/formats/sarif.ts';
import { wrap } from '../src/lint/formats/text.ts';
import { lint } from '../src/lint/linter.ts';
import { RULES, ruleOf } from '../src/lint/rules.ts';
import { textBody } from './support/messages.ts';
import { parseXml } from './support/xml.ts';

const RUNS = 100 * (process.env['SSEMBLE_FUZZ'] ? 100 : 1);

function finding(rule: string, changes: Partial<Finding> = {}): Finding {
  const severity = ruleOf(rule)?.severity ?? 'error';
  return { rule, severity, message: `What was seen of ${rule}`, at: { event: 3, byte: 120, line: 7 }, ...changes };
}

function report(findings: Finding[], changes: Partial<ReportData> = {}): ReportData {
  const counts: Record<Severity, number> = { error: 0, warning: 0, info: 0 };
  for (const { severity } of findings) counts[severity]++;
  return {
    name: 'dir/answer.sse',
    profile: 'strict',
    findings,
    dropped: 0,
    counts,
    events: 12,
    bytes: 1234,
    model: 'claude-test',
    outcome: { status: 'complete', stopReason: 'end_turn' },
    ...changes,
  };
}

/** What could break an output: markup, separators, controls, halves of characters. */
const NASTY = fc.string({
  unit: fc.constantFrom(
    ...'<>&"\'%:,\n\r\t\0\u0007\u001b\u0085\u009b\ufffe\uffff\u2028a \\'.split(''),
    ']]>',
    '\ud83d',
    '\ude00',
    '😀',
    '-->',
    '::error ::',
    '{0}',
    '[x](y)',
  ),
  maxLength: 12,
});

const ANY_REPORT = fc
  .record({
    name: NASTY,
    message: NASTY,
    raw: NASTY,
    expected: NASTY,
    error: NASTY,
    rules: fc.array(fc.constantFrom(...RULES.map(({ id }) => id), 'rule-of-tomorrow'), { maxLength: 8 }),
    capture: fc.boolean(),
  })
  .map(({ name, message, raw, expected, error, rules, capture }) =>
    report(
      rules.map((rule) => finding(rule, { message, raw, expected })),
      {
        name,
        capture,
        outcome: { status: 'errored', stopReason: null, error: { name: 'ApiError', message: error } },
      },
    ),
  );

describe('text', () => {
  const repeated = [12, 13, 14, 15, 16].map((event) =>
    finding('delta-mismatch', { at: { event, byte: event * 100, line: event * 3 }, index: 1 }),
  );

  it('says the rule, what was expected and what came, how to mend it, and whom it hurts', () => {
    const rule = ruleOf('delta-mismatch');
    const text = formatText([report([...repeated, finding('done-sentinel')])]);
    expect(text).toMatch(
      /^dir\/answer\.sse: complete \(end_turn\); 12 events, 1,234 bytes, claude-test; profile strict\n/,
    );
    expect(text).toContain('    × delta-mismatch ×5  (error, ');
    expect(text).toContain('      - event 12, byte 1200, line 36, block 1: What was seen of delta-mismatch\n');
    expect(text).toContain('        and 2 more places\n');
    expect(text.replaceAll(/\s+/g, ' ')).toContain(rule?.rule);
    for (const label of ['Expected:', 'Actual:', 'Fix:', 'Clients:', 'Seen in:'])
      expect(text).toContain(`\n      ${label}`);
    expect(text).toContain('BerriAI/litellm#33224');
    expect(text).toMatch(/\n {2}5 errors, 1 info from 2 rules\n$/);
  });

  it('groups rules as the catalogue does, whatever came first, and names the groups without a finding', () => {
    const text = formatText([report([finding('missing-usage'), finding('index-gap'), finding('crlf-line-ends')])]);
    const heads = text.split('\n').filter((line) => /^ {2}\w[a-z ]*$/.test(line));
    expect(heads).toEqual(['  framing', '  blocks', '  usage']);
    expect(text).toContain('✔ nothing found in: lifecycle, deltas, tool input, errors, timing');
  });

  it('gives each alternative of what is expected a line', () => {
    const text = formatText([report([finding('index-gap', { expected: 'index 1\nindex 0' })])]);
    expect(text).toContain('      Expected: index 1\n                index 0\n');
  });

  it('is one line for a stream that is well', () => {
    expect(formatText([report([])])).toBe(
      '✔ dir/answer.sse: complete (end_turn); 12 events, 1,234 bytes, claude-test; profile strict; nothing found\n',
    );
  });

  it('says why a stream did not complete, even without findings', () => {
    const outcome = { status: 'truncated', stopReason: null, error: { name: 'TruncatedError', message: 'It ended' } };
    const text = formatText([report([], { outcome })]);
    expect(text).not.toContain('✔ dir');
    expect(text).toContain('truncated;');
    expect(text).toContain('\n  TruncatedError: It ended\n');
  });

  it('counts over several streams, and says how many findings are not listed', () => {
    const dropped = report([finding('delta-mismatch')], { dropped: 2000, droppedByRule: { 'delta-mismatch': 2000 } });
    const text = formatText([dropped, report([])]);
    expect(text).toContain('× delta-mismatch ×2,001');
    expect(text).toContain('(2,000 further findings not listed)');
    expect(text).toMatch(/\n2 streams, all complete: 1 error found\n$/);
  });

  it('shows when, where the input has times', () => {
    expect(formatText([report([finding('silence', { at: { event: 4, us: 31_250_000 } })])])).toContain(
      '- event 4, at 31.25 s: ',
    );
  });

  it('keeps to the width, but for words that are longer', () => {
    const all = RULES.map(({ id }) => finding(id));
    for (const width of [60, 80, 100]) {
      const lines = formatText([report(all)], { width })
        .split('\n')
        .slice(1);
      const tooLong = lines.filter((line) => line.length > width && /\S\s+\S/.test(line.slice(16)));
      expect(tooLong).toEqual([]);
    }
    expect(wrap('aa bb cccccccccccc dd', '> ', '  ', 8)).toEqual(['> aa bb', '  cccccccccccc', '  dd']);
  });

  it('puts no line break of the wire into a line', () => {
    const text = formatText([report([finding('invalid-json', { message: 'a\nb\rc', raw: 'x\n× fake (error)' })])]);
    expect(text).toContain('a\\nb\\rc');
    expect(text).not.toMatch(/^× fake/m);
  });
});

describe('json', () => {
  it('is one document, a line a report, with the rules that were found', () => {
    const reports = [report([finding('index-gap', { index: 2 })]), report([])];
    const text = formatJson(reports);
    expect(text.split('\n')).toHaveLength(5);
    const data = JSON.parse(text) as Record<string, unknown>;
    expect(data).toEqual({
      ssemble: 'lint',
      version: 1,
      reports,
      rules: [ruleOf('index-gap')],
      summary: { streams: 2, complete: 2, counts: { error: 0, warning: 1, info: 0 } },
    });
    expect(JSON.parse(formatJson([]))).toMatchObject({ reports: [], rules: [], summary: { streams: 0 } });
  });

  it('keeps of an error its name and message, and nothing of the message that it carries', () => {
    const text = formatJson([lint(textBody(['secret text']).replace(/event: message_stop[\s\S]*$/, ''))]);
    expect(text).toContain('"error":{"name":"TruncatedError","message":"');
    expect(text).not.toContain('snapshot');
    expect((JSON.parse(text) as { reports: { outcome: { status: string } }[] }).reports[0]?.outcome.status).toBe(
      'truncated',
    );
  });

  it('parses, and gives back every text as it was', () => {
    fc.assert(
      fc.property(fc.array(ANY_REPORT, { maxLength: 3 }), (reports) => {
        expect((JSON.parse(formatJson(reports)) as { reports: unknown }).reports).toEqual(
          reports.map(({ capture, ...rest }) => (capture === true ? { capture, ...rest } : rest)),
        );
      }),
      { numRuns: RUNS },
    );
  });
});

describe('junit', () => {
  it('has a suite a stream, a case for each broken rule, for each group without one, and for the end', () => {
    const xml = formatJunit([report([finding('index-gap'), finding('delta-mismatch'), finding('delta-mismatch')])]);
    const suite = parseXml(xml).querySelector('testsuites > testsuite');
    expect(suite?.getAttribute('name')).toBe('dir/answer.sse');
    const cases = [...(suite?.querySelectorAll('testcase') ?? [])];
    expect(cases.map((one) => `${one.getAttribute('classname')}/${one.getAttribute('name')}`)).toEqual([
      'stream/the stream completes',
      'blocks/index-gap',
      'deltas/delta-mismatch',
      ...['framing', 'lifecycle', 'tool input', 'usage', 'errors', 'timing'].map((group) => `${group}/every rule`),
    ]);
    expect(suite?.getAttribute('tests')).toBe('9');
    expect(suite?.getAttribute('failures')).toBe('1');
    const failure = suite?.querySelector('failure');
    expect(failure?.getAttribute('message')).toBe('What was seen of delta-mismatch (×2)');
    expect(failure?.textContent).toContain('Expected: ');
    // A warning is no failure by default, but can be read.
    expect(cases[1]?.querySelector('system-out')?.textContent).toContain('What was seen of index-gap');
  });

  it('fails from the severity on that was asked for', () => {
    const failures = (failOn: Severity | 'never'): number =>
      parseXml(
        formatJunit([report([finding('index-gap'), finding('delta-mismatch'), finding('done-sentinel')])], { failOn }),
      ).querySelectorAll('failure').length;
    expect((['never', 'error', 'warning', 'info'] as const).map(failures)).toEqual([0, 1, 2, 3]);
  });

  it('fails for a stream that did not complete', () => {
    const outcome = { status: 'truncated', stopReason: null };
    const xml = formatJunit([report([], { outcome })]);
    expect(
      parseXml(xml).querySelector('testcase[name="the stream completes"] > failure')?.getAttribute('message'),
    ).toBe('truncated');
  });

  it('is well-formed whatever the texts, and keeps what XML can carry', () => {
    fc.assert(
      fc.property(fc.array(ANY_REPORT, { maxLength: 3 }), (reports) => {
        const suites = [...parseXml(formatJunit(reports)).querySelectorAll('testsuite')];
        const illegal =
          // oxlint-disable-next-line no-control-regex
          /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
        expect(suites.map((suite) => suite.getAttribute('name'))).toEqual(
          reports.map(({ name }) => name?.replace(illegal, '')),
        );
      }),
      { numRuns: RUNS },
    );
  });
});

const schema = JSON.parse(
  readFileSync(new URL('schemas/sarif-2.1.0-subset.schema.json', import.meta.url), 'utf8'),
) as object;
const ajv = new Ajv({ allErrors: true, strict: false });
(ajvFormats as unknown as (target: Ajv) => void)(ajv);
const validate = ajv.compile(schema);

interface SarifResult {
  ruleId: string;
  ruleIndex?: number;
  level: string;
  locations: { physicalLocation: { artifactLocation: { uri: string }; region?: object } }[];
  partialFingerprints: Record<string, string>;
}

function sarif(reports: ReportData[]): { results: SarifResult[]; rules: { id: string }[] } {
  const data: unknown = JSON.parse(formatSarif(reports, { version: '1.2.3' }));
  expect(validate(data) || validate.errors).toBe(true);
  const [run] = (data as { runs: { tool: { driver: { rules: { id: string }[] } }; results: SarifResult[] }[] }).runs;
  return { results: run?.results ?? [], rules: run?.tool.driver.rules ?? [] };
}

describe('sarif', () => {
  it('the schema refuses what is no SARIF', () => {
    const good = JSON.parse(formatSarif([report([finding('index-gap')])])) as { runs: { results: object[] }[] };
    expect(validate(good)).toBe(true);
    expect(validate({ ...good, version: '2.0.0' })).toBe(false);
    expect(validate({ ...good, runs: [{ ...good.runs[0], results: [{ ruleId: 'x' }] }] })).toBe(false);
    expect(validate({ ...good, runs: [{ ...good.runs[0], findings: [] }] })).toBe(false);
  });

  it('has every rule, and results that point to theirs', () => {
    const { results, rules } = sarif([report(RULES.map(({ id }) => finding(id)))]);
    expect(rules.map(({ id }) => id)).toEqual(RULES.map(({ id }) => id));
    expect(results.map(({ ruleIndex }) => rules[ruleIndex ?? -1]?.id)).toEqual(results.map(({ ruleId }) => ruleId));
    expect(new Set(results.map(({ level }) => level))).toEqual(new Set(['error', 'warning', 'note']));
  });

  it('gives the place in the file, and none in a capture, whose lines are not those of the body', () => {
    const places = (capture: boolean): unknown =>
      sarif([report([finding('index-gap')], { capture })]).results[0]?.locations[0]?.physicalLocation;
    const artifactLocation = { uri: 'dir/answer.sse' };
    expect(places(false)).toEqual({ artifactLocation, region: { startLine: 7, byteOffset: 120 } });
    expect(places(true)).toEqual({ artifactLocation });
  });

  it('has fingerprints that differ inside a stream and are the same in the next', () => {
    const findings = [1, 1, 2].map((index, i) => finding('delta-after-stop', { index, at: { event: i, byte: i * 7 } }));
    const moved = findings.map((one) => ({ ...one, at: { event: one.at.event + 5 } }));
    const prints = (all: Finding[]): string[] =>
      sarif([report(all)]).results.map((one) => Object.values(one.partialFingerprints).join(''));
    expect(new Set(prints(findings)).size).toBe(3);
    expect(prints(moved)).toEqual(prints(findings));
  });

  it('writes paths as URI references', () => {
    expect(uriOf('a b/ü#1.sse')).toBe('a%20b/%C3%BC%231.sse');
    expect(uriOf('/tmp/x.sse')).toBe('file:///tmp/x.sse');
    expect(uriOf('C:\\x y\\z.sse')).toBe('file:///C:/x%20y/z.sse');
  });

  it('is valid whatever the texts', () => {
    fc.assert(
      fc.property(fc.array(ANY_REPORT, { maxLength: 3 }), (reports) => {
        expect(sarif(reports).results).toHaveLength(reports.reduce((sum, { findings }) => sum + findings.length, 0));
      }),
      { numRuns: RUNS },
    );
  });
});

describe('github', () => {
  it('annotates the first place of each rule, with everything escaped', () => {
    const name = 'a,b:c%.sse';
    const findings = [finding('delta-mismatch', { message: '100% wrong\nreally' }), finding('delta-mismatch')];
    const lines = formatGithub([report(findings, { name })]).split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(
      /^::error file=a%2Cb%3Ac%25\.sse,line=7,title=delta-mismatch \(×2\)::event 3, byte 120, line 7: 100%25 wrong%0Areally%0ARule: /,
    );
  });

  it('has a level for each severity, and no line for what stands in a capture', () => {
    const text = formatGithub([
      report(
        ['delta-mismatch', 'index-gap', 'done-sentinel'].map((id) => finding(id)),
        { capture: true },
      ),
    ]);
    expect(text.match(/^::\w+/gm)).toEqual(['::error', '::warning', '::notice']);
    expect(text).not.toContain('line=7');
  });

  it('says that a stream did not complete', () => {
    const outcome = { status: 'truncated', stopReason: null, error: { name: 'TruncatedError', message: 'It ended' } };
    expect(formatGithub([report([], { outcome })])).toBe(
      '::error file=dir/answer.sse,title=stream did not complete::truncated: It ended\n',
    );
  });

  it('never begins a command that nobody meant', () => {
    fc.assert(
      fc.property(ANY_REPORT, (one) => {
        const lines = formatGithub([one]).split('\n').slice(0, -1);
        expect(lines).toHaveLength(new Set(one.findings.map(({ rule }) => rule)).size + 1);
        for (const line of lines) expect(line).toMatch(/^::(?:error|warning|notice) [^\r]*::[^\r]*$/);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('every format', () => {
  it.each(Object.values(FORMATS))('$name takes reports one by one', (format) => {
    const reports = [report([finding('index-gap')]), report([]), lint('data: oops\n\n')];
    const run = format.start({});
    const pieces = reports.map((one) => run.report(one));
    const whole = pieces.join('') + run.end();
    const again = format.start({});
    expect(reports.map((one) => again.report(structuredClone(plain(one)))).join('') + again.end()).toBe(whole);
  });

  it.each(Object.values(FORMATS))('$name copes with no report at all', (format) => {
    expect(typeof format.start({}).end()).toBe('string');
  });
});

/** As a report comes out of a worker thread. */
function plain(one: ReportData): ReportData {
  const { error, ...outcome } = one.outcome;
  return {
    ...one,
    outcome: error === undefined ? outcome : { ...outcome, error: { name: error.name, message: error.message } },
  };
}
