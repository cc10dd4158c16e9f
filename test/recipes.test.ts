/**
 * Every recipe, run as a user runs it: a process of its own, the package in `node_modules`, a real server that stands for
 * the API. What it prints, how it ends, and what the server got; and the page that shows them is fresh. Those for servers
 * and apps, each on its own host, are in `recipes-hosts.test.ts`.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { parseCapture } from '../src/capture/index.ts';
import { parseMessage } from '../src/index.ts';
import { chunkFrame, exceptionFrame } from './support/carrier-frames.ts';
import { importsOf, sizeOf } from './support/host-sizes.ts';
import { asked, go, project, ran, recipe, serve, server } from './support/host-stage.ts';
import {
  apiError,
  blockStart,
  blockStop,
  delta,
  messageDelta,
  ping,
  start,
  stop,
  textDelta,
  textEvents,
  textStart,
} from './support/messages.ts';
import {
  change,
  type Exit,
  FOLDER,
  GROUPS,
  PAGE,
  RECIPES,
  type Recipe,
  renderPage,
  type Running,
  sizedOf,
} from './support/recipes.ts';
import { KEY } from './support/transports.ts';
import { errorReply, reply, sse, type Reply, type Step } from './support/wire-server.ts';

vi.setConfig({ testTimeout: 60_000 });

const body = (received: { body: unknown }): Record<string, unknown> => received.body as Record<string, unknown>;
const sent = (n = 0): Record<string, unknown> => body(server.requests[n] ?? { body: {} });

/** It went well, and printed this and nothing else. */
function expectPrinted(exit: Exit, stdout: string): void {
  expect(exit).toEqual({ code: 0, signal: null, stdout, stderr: '' });
}

describe('recipes', () => {
  recipe('Basic text', async (file) => {
    const child: { is?: Running } = {};
    // Each piece is sent only when the one before was printed: it does come as it comes.
    async function* steps(): AsyncGenerator<Step> {
      yield* sse([start(), textStart(0), textDelta(0, 'Rayleigh')]);
      await child.is?.printed(/^Rayleigh$/);
      yield* sse([textDelta(0, ' scattering.'), ping]);
      await child.is?.printed(/^Rayleigh scattering\.$/);
      yield* sse([blockStop(0), messageDelta(), stop]);
    }
    await serve(() => reply([], { steps: steps() }));
    child.is = go(file);
    expectPrinted(await child.is.exit, 'Rayleigh scattering.\n');
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      url: '/v1/messages',
      headers: { 'x-api-key': KEY, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
      body: {
        model: 'claude-opus-4-6',
        max_tokens: 1024,
        stream: true,
        messages: asked('Why is the sky blue?'),
      },
    });
  });

  test('Basic text, cut: it fails, and does not look finished', async () => {
    await serve(() => reply([start(), textStart(0), textDelta(0, 'Ray')]));
    const exit = await go('basic-text.mjs').exit;
    expect(exit).toMatchObject({ code: 1, stdout: 'Ray' });
    expect(exit.stderr).toContain('TruncatedError: The stream ended before message_stop');
  });

  describe('over undici', () => {
    const overUndici = (file: string): string => change(project, file, { 'ssemble/fetch': 'ssemble/undici' });

    test('the same text', async () => {
      await serve(() => reply(textEvents(['Rayleigh', ' scattering.'])));
      expectPrinted(await go(overUndici('basic-text.mjs')).exit, 'Rayleigh scattering.\n');
      expect(sent()).toMatchObject({ stream: true, messages: asked('Why is the sky blue?') });
    });

    test('also where Node’s own fetch ran first, which keeps an older undici for all', async () => {
      await serve((_, n) => (n === 0 ? errorReply(404, 'not_found_error', 'No') : reply(textEvents(['Ray', 'leigh']))));
      const file = change(project, 'basic-text.mjs', {
        "import { streamMessage } from 'ssemble/fetch';":
          "await fetch(process.env.ANTHROPIC_BASE_URL);\nconst { streamMessage } = await import('ssemble/undici');",
      });
      expectPrinted(await go(file).exit, 'Rayleigh\n');
    });

    test('the same Ctrl-C', async () => {
      await serve(() => reply([], { steps: [...sse(textEvents(['Once'])).slice(0, 4), { stall: true }] }));
      const child = go(overUndici('interrupt.mjs'));
      await child.printed('Once');
      child.kill('SIGINT');
      expect(await child.exit).toMatchObject({ code: 130, stderr: '' });
      expect(await server.requests[0]?.left).toBe(true);
    });

    test('the same errors', async () => {
      await serve(() => errorReply(403, 'permission_error', 'No'));
      expect((await go(overUndici('errors.mjs')).exit).stderr).toContain('The key may not do this');
    });
  });

  recipe('Final message', async (file) => {
    await serve(() => reply(textEvents(['Spring, ', 'neap, ', 'ebb.'], 'msg_tides')));
    expectPrinted(await go(file).exit, 'Spring, neap, ebb.\nmsg_tides: end_turn, 7 tokens\n');
    expect(sent()).toMatchObject({ stream: true, messages: asked('Name three tides.') });
  });

  recipe('All events', async (file) => {
    const fresh = { type: 'message_progress', percent: 50 };
    await serve(() => reply([...textEvents(['Hi']).slice(0, -1), fresh, stop]));
    const lines = [
      'start claude-test',
      'block 0 text',
      'ping',
      'delta 0 text_delta Hi',
      'content_block_stop',
      'end end_turn',
      'unknown',
      'message_stop',
    ];
    expectPrinted(await go(file).exit, `${lines.join('\n')}\n`);
  });

  describe('tools', () => {
    const use = (index: number, id: string, pieces: readonly string[], name = 'get_weather'): object[] => [
      blockStart(index, { type: 'tool_use', id, name, input: {} }),
      ...pieces.map((partial_json) => delta(index, { type: 'input_json_delta', partial_json })),
      blockStop(index),
    ];
    const asks = (...uses: object[][]): object[] => [
      start('msg_ask'),
      textStart(0),
      textDelta(0, 'Let me look.'),
      blockStop(0),
      ...uses.flat(),
      messageDelta('tool_use'),
      stop,
    ];

    recipe('Tools, with the whole loop', async (file) => {
      const turns = [
        asks(use(1, 'toolu_1', ['', '{"ci', 'ty": "Bergen"}']), use(2, 'toolu_2', ['{"city": "Lisbon"}'])),
        textEvents(['In Bergen, yes.']),
      ];
      await serve((_, n) => reply(turns[n] ?? []));
      expectPrinted(await go(file).exit, 'Let me look.\nIn Bergen, yes.\n');
      expect(server.requests).toHaveLength(2);
      expect(sent(0)).toMatchObject({ tools: [{ name: 'get_weather', input_schema: { required: ['city'] } }] });
      expect(sent(0)['messages']).toHaveLength(1);
      expect(sent(1)['messages']).toEqual([
        { role: 'user', content: 'Do I need a coat in Bergen, and in Lisbon?' },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Let me look.' },
            { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Bergen' } },
            { type: 'tool_use', id: 'toolu_2', name: 'get_weather', input: { city: 'Lisbon' } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'toolu_1', content: '9 degrees, rain' },
            { type: 'tool_result', tool_use_id: 'toolu_2', content: '24 degrees, clear' },
          ],
        },
      ]);
    });

    test('input that is not valid is not run, and a tool that fails says so', async () => {
      const turns = [
        asks(use(1, 'toolu_1', ['{"city": "Ber']), use(2, 'toolu_2', ['{}'], 'no_such_tool')),
        textEvents(['I could not find out.']),
      ];
      await serve((_, n) => reply(turns[n] ?? []));
      expectPrinted(await go('tool-loop.mjs').exit, 'Let me look.\nI could not find out.\n');
      const [, , results] = sent(1)['messages'] as { content: Record<string, unknown>[] }[];
      expect(results?.content).toEqual([
        {
          type: 'tool_result',
          tool_use_id: 'toolu_1',
          is_error: true,
          content: '{"INVALID_JSON":"{\\"city\\": \\"Ber"}',
        },
        {
          type: 'tool_result',
          tool_use_id: 'toolu_2',
          is_error: true,
          content: expect.stringContaining('TypeError') as string,
        },
      ]);
    });
  });

  recipe('Token usage while it streams', async (file) => {
    const counted = (output_tokens: number): object => ({ type: 'message_delta', delta: {}, usage: { output_tokens } });
    const events = textEvents(['Line by line']);
    await serve(() => reply([...events.slice(0, -2), counted(5), counted(9), ...events.slice(-2)]));
    const lines = ['message_start: in 3, out 1', 'message_delta: in 3, out 5', 'message_delta: in 3, out 9'];
    // Running totals: the last says 7, and that is what counts.
    expectPrinted(await go(file).exit, `${[...lines, 'message_delta: in 3, out 7', 'total: 10'].join('\n')}\n`);
  });

  describe('async', () => {
    recipe('Async', async (file) => {
      const child: { is?: Running } = {};
      // The answer comes only when the other work is done: neither waits for the other.
      async function* steps(): AsyncGenerator<Step> {
        await child.is?.printed('working, step 3');
        yield* sse(textEvents(['Nobody ', 'knows.']));
      }
      await serve(() => reply([], { steps: steps() }));
      child.is = go(file);
      expectPrinted(await child.is.exit, 'working, step 1\nworking, step 2\nworking, step 3\nNobody knows.\n');
    });

    test('a request that fails meanwhile is heard', async () => {
      await serve(() => errorReply(400, 'invalid_request_error', 'No'));
      const exit = await go('async.mjs').exit;
      expect(exit.code).toBe(1);
      expect(exit.stderr).toContain('BadRequestError: invalid_request_error: No');
    });
  });

  recipe('Several streams at once', async (file) => {
    let arrived = 0;
    let open = (): void => {};
    const all = new Promise<void>((resolve) => (open = resolve));
    // No one is answered before all three have asked.
    await serve(async (request) => {
      if (++arrived === 3) open();
      await all;
      const question = (body(request)['messages'] as { content: string }[])[0]?.content ?? '';
      if (question.includes('lagoon')) return errorReply(400, 'invalid_request_error', 'No lagoons');
      return reply(textEvents([`A ${/an? (\w+)\?/.exec(question)?.[1]}`, ' is a place.']), { delayMs: 2 });
    });
    const { code, stdout, stderr } = await go(file).exit;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(-3)).toEqual([
      'What is a delta? A delta is a place.',
      'What is an estuary? A estuary is a place.',
      'What is a lagoon? invalid_request_error: No lagoons',
    ]);
    expect(lines.slice(0, -3).toSorted()).toEqual([
      'What is a delta? … is a place.',
      'What is a delta? …A delta',
      'What is an estuary? … is a place.',
      'What is an estuary? …A estuary',
    ]);
  });

  recipe('Buffered display', async (file) => {
    const story = 'Once there was a tide that came in and forgot to go out again. 🌊 '.repeat(3);
    await serve(() => reply(textEvents([story])));
    const child = go(file);
    // One burst on the wire; on the screen it begins before it is out.
    await child.printed(/^Once/);
    const early = child.stdout();
    expectPrinted(await child.exit, `${story}\n`);
    expect(early.length).toBeLessThan(story.length);
  });

  test('Buffered display: an error is not swallowed', async () => {
    await serve(() => reply([start(), textStart(0), textDelta(0, 'Once'), apiError()]));
    const exit = await go('buffered-display.mjs').exit;
    expect(exit).toMatchObject({ code: 1, stdout: 'Once\n' });
    expect(exit.stderr).toContain('OverloadedError: overloaded_error: Overloaded');
  });

  recipe('Current snapshot', async (file) => {
    await serve(() => reply(textEvents(['One, ', 'two.'])));
    const lines = [
      'so far: [{"type":"text","text":"One, "}] (block open)',
      'so far: [{"type":"text","text":"One, two."}] (block open)',
      'complete end_turn',
    ];
    expectPrinted(await go(file).exit, `${lines.join('\n')}\n`);
  });

  describe('errors', () => {
    recipe('Errors by class', async (file) => {
      await serve(() => errorReply(401, 'authentication_error', 'invalid x-api-key'));
      expect(await go(file).exit).toEqual({
        code: 1,
        signal: null,
        stdout: '',
        stderr: '\nThe key is wrong: look at ANTHROPIC_API_KEY\n',
      });
    });

    const noRetry = { 'x-should-retry': 'false' };
    test.each<[string, Reply, string, string]>([
      ['a whole answer', reply(textEvents(['Hi'])), 'Hi', ''],
      [
        '429',
        errorReply(429, 'rate_limit_error', 'Slow down', { ...noRetry, 'retry-after': '17' }),
        '',
        'Too many requests: again in 17 s',
      ],
      [
        '429 of a spent budget',
        errorReply(429, 'rate_limit_error', 'Spent', noRetry),
        '',
        'Over the limit: rate_limit_error: Spent',
      ],
      ['529', errorReply(529, 'overloaded_error', 'Overloaded', noRetry), '', 'Claude is overloaded: try again later'],
      [
        '529 in the stream',
        reply([start(), textStart(0), textDelta(0, 'Hi'), apiError()]),
        'Hi',
        'Claude is overloaded: try again later',
      ],
      ['403', errorReply(403, 'permission_error', 'No'), '', 'The key may not do this: ask whoever made it'],
      [
        '400',
        errorReply(400, 'invalid_request_error', 'max_tokens: too large'),
        '',
        '400 invalid_request_error: max_tokens: too large (req_error)',
      ],
      [
        'a cut',
        reply([start(), textStart(0), textDelta(0, 'Hi')]),
        'Hi',
        'The stream ended before message_stop (1 block, block 0 open); had come: [{"type":"text","text":"Hi"}]',
      ],
    ])('%s', async (_, answer, stdout, line) => {
      await serve(() => answer);
      const exit = await go('errors.mjs').exit;
      expect(exit).toEqual({
        code: line === '' ? 0 : 1,
        signal: null,
        stdout,
        stderr: line === '' ? '' : `\n${line}\n`,
      });
      expect(server.requests).toHaveLength(1);
    });
  });

  recipe('Multi-turn', async (file) => {
    await serve((_, n) => reply(textEvents([n === 0 ? 'Hello Ada.' : 'Ada.'])));
    expectPrinted(await go(file).exit, 'Hello Ada.\nAda.\n');
    expect(sent(1)['messages']).toEqual([
      { role: 'user', content: 'My name is Ada.' },
      { role: 'assistant', content: [{ type: 'text', text: 'Hello Ada.' }] },
      { role: 'user', content: 'What is my name?' },
    ]);
  });

  recipe('System prompt', async (file) => {
    await serve(() => reply(textEvents(['Fog.'])));
    expectPrinted(await go(file).exit, 'Fog.\n');
    expect(sent()).toMatchObject({
      system: 'You are a lighthouse keeper. Answer in one sentence.',
      messages: asked('How is the weather?'),
    });
  });

  recipe('Temperature', async (file) => {
    await serve(() => reply(textEvents(['Patience'])));
    expectPrinted(await go(file).exit, 'Patience\n');
    expect(sent()).toMatchObject({ temperature: 0.2, max_tokens: 100 });
  });

  recipe('Thinking', async (file) => {
    const events = [
      start(),
      blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
      delta(0, { type: 'thinking_delta', thinking: '1027 = 13 ' }),
      delta(0, { type: 'thinking_delta', thinking: 'x 79' }),
      delta(0, { type: 'signature_delta', signature: 'c2ln' }),
      blockStop(0),
      textStart(1),
      textDelta(1, 'No.'),
      blockStop(1),
      messageDelta(),
      stop,
    ];
    await serve(() => reply(events));
    expect(await go(file).exit).toEqual({ code: 0, signal: null, stdout: 'No.\n', stderr: '1027 = 13 x 79' });
    expect(sent()).toMatchObject({ thinking: { type: 'adaptive' }, max_tokens: 16_000 });
  });

  recipe('Raw response and request id', async (file) => {
    const headers = { 'request-id': 'req_011', 'anthropic-ratelimit-requests-remaining': '49' };
    await serve(() => reply(textEvents(['Hi']), { headers }));
    const lines = [
      'status 200',
      'type text/event-stream; charset=utf-8',
      'request id req_011',
      'requests left 49',
      'Hi',
    ];
    expectPrinted(await go(file).exit, `${lines.join('\n')}\n`);
  });

  describe('Ctrl-C', () => {
    recipe('Interrupt with Ctrl-C', async (file) => {
      await serve(() => reply([], { steps: [...sse(textEvents(['Once'])).slice(0, 4), { stall: true }] }));
      const child = go(file);
      await child.printed('Once');
      child.kill('SIGINT');
      expect(await child.exit).toEqual({
        code: 130,
        signal: null,
        stdout: 'Once\nstopped; had come: [{"type":"text","text":"Once"}]\n',
        stderr: '',
      });
      expect(await server.requests[0]?.left).toBe(true);
    });

    test('before the answer has begun', async () => {
      await serve(async ({ closed }) => {
        await closed;
        return {};
      });
      const child = go('interrupt.mjs');
      await server.request();
      child.kill('SIGINT');
      expect(await child.exit).toMatchObject({ code: 130, stdout: '\nstopped; had come: []\n', stderr: '' });
      expect(await server.requests[0]?.left).toBe(true);
    });

    test('uninterrupted it is an answer like any other', async () => {
      await serve(() => reply(textEvents(['The end.'])));
      expectPrinted(await go('interrupt.mjs').exit, 'The end.\n');
    });
  });

  recipe('Manual iteration', async (file) => {
    const pieces = ['A river ', 'runs.', ' Another'];
    await serve(() => reply([], { steps: [...sse(textEvents(pieces)).slice(0, 6), { stall: true }] }));
    // It does not wait for an end that does not come.
    expectPrinted(await go(file).exit, 'A river runs.\naborted\n');
    expect(await server.requests[0]?.left).toBe(true);
  });

  test('Manual iteration: to the end, where there is no full stop', async () => {
    await serve(() => reply(textEvents(['A river'])));
    expectPrinted(await go('manual-iteration.mjs').exit, 'A river\ncomplete\n');
  });

  describe('timeouts', () => {
    const stalled: Reply = reply([], { steps: [...sse(textEvents(['Once'])).slice(0, 4), { stall: true }] });

    recipe('Timeouts', async (file) => {
      await serve(() => stalled);
      expect(await go(change(project, file, { '120_000': '300' })).exit).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^Once\nit went silent: [^\n]* 300 ms[^\n]*\n$/) as string,
        stderr: '',
      });
      expect(await server.requests[0]?.left).toBe(true);
    });

    test('the deadline', async () => {
      await serve(() => stalled);
      const file = change(project, 'timeouts.mjs', { '600_000': '1_500' });
      expect(await go(file).exit).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^Once\nout of time: [^\n]+\n$/) as string,
        stderr: '',
      });
      expect(await server.requests[0]?.left).toBe(true);
    });

    test('the connection', async () => {
      await serve(async ({ closed }) => {
        await closed;
        return {};
      });
      const file = change(project, 'timeouts.mjs', {
        'connectTimeoutMs: 30_000': 'maxRetries: 0, connectTimeoutMs: 300',
      });
      expect(await go(file).exit).toEqual({
        code: 1,
        signal: null,
        stdout: `\nno connection: Cannot reach ${server.url}: no answer began within 300 ms; if it may take longer, raise connectTimeoutMs\n`,
        stderr: '',
      });
      expect(await server.requests[0]?.left).toBe(true);
    });

    test('none of them, where the server is quick', async () => {
      await serve(() => reply(textEvents(['Hi'])));
      expectPrinted(await go('timeouts.mjs').exit, 'Hi\n');
    });
  });

  describe('max_tokens', () => {
    const cut = [
      start(),
      textStart(0),
      textDelta(0, 'The swallows came '),
      blockStop(0),
      blockStart(1, { type: 'tool_use', id: 'toolu_1', name: 'save', input: {} }),
      delta(1, { type: 'input_json_delta', partial_json: '{"text": "The sw' }),
      messageDelta('max_tokens'),
      stop,
    ];
    const PRINTED =
      'left out: tool_use, unfinished\npart 1: max_tokens\npart 2: end_turn\nThe swallows came back on a Tuesday.\n';

    recipe('max_tokens reached', async (file) => {
      await serve((_, n) => reply(n === 0 ? cut : textEvents([' back on a Tuesday.'])));
      expectPrinted(await go(file).exit, PRINTED);
      expect(sent(1)['messages']).toEqual([
        { role: 'user', content: 'Write down the story of the swallows.' },
        { role: 'assistant', content: [{ type: 'text', text: 'The swallows came' }] },
      ]);
    });

    test('a newer model is asked in words', async () => {
      await serve((_, n) => reply(n === 0 ? cut : textEvents([' back on a Tuesday.'])));
      const file = change(project, 'max-tokens.mjs', { 'claude-haiku-4-5': 'claude-opus-4-6' });
      expectPrinted(await go(file).exit, PRINTED);
      expect(sent(1)['messages']).toMatchObject([
        { role: 'user' },
        { role: 'user', content: expect.stringContaining('ended with:\n\nThe swallows came\n\nContinue') as string },
      ]);
    });
  });

  describe('other carriers', () => {
    const AWS = { AWS_BEARER_TOKEN_BEDROCK: 'bedrock-api-key', AWS_REGION: 'eu-west-1' };
    const onBedrock = (steps: Reply['steps']): Reply => ({
      headers: { 'content-type': 'application/vnd.amazon.eventstream', 'x-amzn-requestid': 'req_aws' },
      steps: steps ?? [],
    });
    const goToBedrock = (): Running =>
      go('bedrock.mjs', { ...AWS, AWS_ENDPOINT_URL_BEDROCK_RUNTIME: server.url, ANTHROPIC_API_KEY: '' });

    recipe('Amazon Bedrock', async () => {
      await serve(() => onBedrock(textEvents(['Rayleigh', ' scattering.']).map(chunkFrame)));
      expectPrinted(await goToBedrock().exit, 'Rayleigh scattering.\n7 tokens\n');
      expect(server.requests[0]).toMatchObject({
        url: '/model/anthropic.claude-opus-4-6-v1/invoke-with-response-stream',
        headers: { authorization: 'Bearer bedrock-api-key' },
        body: { anthropic_version: 'bedrock-2023-05-31', messages: asked('Why is the sky blue?') },
      });
    });

    test.each<[string, Reply, string, string]>([
      [
        'a refusal',
        {
          status: 429,
          headers: { 'x-amzn-errortype': 'ThrottlingException' },
          steps: ['{"message":"Too many requests"}'],
        },
        '',
        'RateLimitError: rate_limit_error: Too many requests',
      ],
      [
        'an exception in the stream',
        onBedrock([
          ...[start(), textStart(0), textDelta(0, 'Ray')].map(chunkFrame),
          exceptionFrame('modelStreamErrorException', '{"message":"The model failed"}'),
        ]),
        'Ray',
        'The model failed',
      ],
      [
        'a cut in a frame',
        onBedrock([
          ...[start(), textStart(0), textDelta(0, 'Ray')].map(chunkFrame),
          chunkFrame(textDelta(0, 'leigh')).slice(0, 20),
        ]),
        'Ray',
        'TruncatedError',
      ],
    ])('Amazon Bedrock: %s', async (_, answer, stdout, stderr) => {
      await serve(() => answer);
      const exit = await goToBedrock().exit;
      expect(exit).toMatchObject({ code: 1, stdout, stderr: expect.stringContaining(stderr) as string });
    });

    /** A program of that name that prints these lines, and how it was called. */
    function playClaude(lines: readonly object[], code: number): string {
      const folder = join(project.folder, 'bin');
      mkdirSync(folder, { recursive: true });
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
      const program = `#!${process.execPath}
        require('node:fs').writeFileSync('claude-arguments.json', JSON.stringify(process.argv.slice(2)));
        process.stdout.write(${JSON.stringify(text)});
        process.exitCode = ${code};`;
      writeFileSync(join(folder, 'package.json'), '{}');
      writeFileSync(join(folder, 'claude'), program);
      chmodSync(join(folder, 'claude'), 0o755);
      return `${folder}:${process.env['PATH']}`;
    }

    const carried = (parent: string | null, events: readonly object[]): object[] =>
      events.map((event) => ({
        type: 'stream_event',
        event,
        session_id: 's',
        parent_tool_use_id: parent,
        uuid: 'u',
      }));
    const TURNS = [
      { type: 'system', subtype: 'init', session_id: 's', uuid: 'u' },
      ...carried(null, [
        start('msg_1'),
        textStart(0),
        textDelta(0, 'Let me look. '),
        blockStop(0),
        blockStart(1, { type: 'tool_use', id: 'toolu_1', name: 'Task', input: {} }),
        blockStop(1),
        messageDelta('tool_use'),
        stop,
      ]),
      ...carried('toolu_1', textEvents(['The subagent talks.'], 'msg_sub').slice(0, 4)),
      ...carried(null, textEvents(['It parses streams.'], 'msg_2')),
      ...carried('toolu_1', textEvents(['The subagent talks.'], 'msg_sub').slice(4)),
      { type: 'result', subtype: 'success', num_turns: 2, total_cost_usd: 0.01, session_id: 's', uuid: 'u' },
    ];

    recipe('Claude Code', async (file) => {
      await serve(() => ({}));
      const exit = await go(file, { PATH: playClaude(TURNS, 0) }).exit;
      const lines = [
        'Let me look. It parses streams.',
        'success: 2 turns, $0.01',
        'msg_1 tool_use complete',
        'msg_2 end_turn complete',
      ];
      expectPrinted(exit, `${lines.join('\n')}\n`);
      expect(JSON.parse(readFileSync(join(project.folder, 'claude-arguments.json'), 'utf8'))).toEqual([
        '-p',
        'What does this project do?',
        '--output-format',
        'stream-json',
        '--include-partial-messages',
        '--verbose',
      ]);
      expect(server.requests).toHaveLength(0);
    });

    test('Claude Code: it ends in the middle', async () => {
      await serve(() => ({}));
      const exit = await go('claude-code.mjs', { PATH: playClaude(TURNS.slice(0, 4), 1) }).exit;
      expect(exit).toMatchObject({ code: 1, stdout: 'Let me look. ' });
      expect(exit.stderr).toContain('TruncatedError');
    });

    test('Claude Code: it is not there', async () => {
      await serve(() => ({}));
      const exit = await go('claude-code.mjs', { PATH: project.folder }).exit;
      expect(exit).toMatchObject({ code: 1, stdout: '' });
      expect(exit.stderr).toContain('spawn claude ENOENT');
    });
  });

  describe('tools of the trade', () => {
    recipe('Record in process', async (file) => {
      await serve((_, n) =>
        n === 0
          ? errorReply(529, 'overloaded_error', 'Overloaded')
          : reply(textEvents(['Hello ', 'you']), { delayMs: 2 }),
      );
      expectPrinted(await go(file).exit, 'Hello you\n');
      // Each request has a capture of its own, also the one that failed.
      const [failed, answer] = [1, 2].map((n) => {
        const text = readFileSync(join(project.folder, `answer-${n}.capture`), 'utf8');
        expect(text).not.toContain(KEY);
        return parseCapture(text);
      });
      expect(failed).toMatchObject({ header: { response: { status: 529 } } });
      expect(answer).toMatchObject({
        header: { request: { method: 'POST', url: `${server.url}/v1/messages` }, response: { status: 200 } },
        end: { end: 'eof' },
      });
      const bytes = Buffer.concat(answer?.chunks.map((chunk) => chunk.bytes) ?? []);
      expect(bytes.toString()).toBe(sse(textEvents(['Hello ', 'you'])).join(''));
      expect(parseMessage(bytes).content).toEqual([{ type: 'text', text: 'Hello you' }]);
      expect(answer?.chunks.every(({ us }) => us !== undefined && us > 0)).toBe(true);
    });

    const passed = (stdout: string): number[] => ['pass', 'fail'].map((word) => numberBehind(stdout, word));
    const numberBehind = (text: string, word: string): number =>
      Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(text)?.[1]);

    recipe('Test with faults', async (file) => {
      await serve(() => ({}));
      const exit = await go(file).exit;
      expect({ code: exit.code, counts: passed(exit.stdout) }, exit.stdout).toEqual({ code: 0, counts: [11, 0] });
      expect(server.requests).toHaveLength(0);
    });

    test('Test with faults: a program that takes a cut answer for a whole one is caught', async () => {
      await serve(() => ({}));
      const file = change(project, 'test-with-faults.mjs', { 'stream.finalText()': 'lenient(stream)' });
      const text = readFileSync(join(project.folder, file), 'utf8');
      writeFileSync(
        join(project.folder, file),
        `${text}\nasync function lenient(stream) { let all = ''; try { for await (const text of stream.textStream) all += text; } catch {} return all; }\n`,
      );
      const exit = await go(file).exit;
      expect({ code: exit.code, counts: passed(exit.stdout) }, exit.stdout).toEqual({ code: 1, counts: [5, 6] });
    });

    recipe('Lint in a test', async (file) => {
      await serve(() => reply(textEvents(['One, two, three.'])));
      const exit = await go(file).exit;
      expect({ code: exit.code, counts: passed(exit.stdout) }, exit.stdout).toEqual({ code: 0, counts: [1, 0] });
      expect(sent()).toMatchObject({ stream: true });
    });

    test('Lint in a test: a server that uses an index twice', async () => {
      const [first, ...rest] = textEvents(['One']);
      await serve(() => reply([first as object, textStart(0), textDelta(0, 'A'), blockStop(0), ...rest]));
      const exit = await go('lint-in-test.mjs').exit;
      expect({ code: exit.code, counts: passed(exit.stdout) }, exit.stdout).toEqual({ code: 1, counts: [0, 1] });
      expect(exit.stdout).toContain('index-reused');
    });
  });

  describe('curl', () => {
    const curl = spawnSync('curl', ['--version']).status === 0;

    recipe('Raw look', async (file, { skip }) => {
      if (!curl) skip('this machine has no curl');
      await serve(() => reply(textEvents(['Hi'])));
      // npm itself must not look for anything on the net.
      const exit = await go(file, { npm_config_offline: 'true', npm_config_update_notifier: 'false' }).exit;
      expect(exit).toMatchObject({ code: 0, stderr: '' });
      const types = exit.stdout
        .trimEnd()
        .split('\n')
        .map((line) => /\b(?:message|content_block|ping)\w*/.exec(line)?.[0]);
      expect(types.filter((type) => type !== undefined)).toEqual(textEvents(['Hi']).map(({ type }) => type));
      expect(server.requests[0]).toMatchObject({
        headers: { 'x-api-key': KEY, 'anthropic-version': '2023-06-01' },
        body: { stream: true, model: 'claude-opus-4-6' },
      });
    });
  });
});

describe('the page', () => {
  test('is fresh; UPDATE_README=1 makes it anew', async () => {
    if (process.env['UPDATE_README']) writeFileSync(PAGE, await renderPage());
    const page = readFileSync(PAGE, 'utf8');
    expect(page).toBe(await renderPage(page));
  });

  test('a size that is off by more than two percent makes it stale, one that is off by less does not', async () => {
    const [first] = RECIPES as [Recipe];
    const { bytes } = await sizedOf(first, '');
    const shownAs = (size: number): Promise<{ bytes: number }> => {
      const others = '## Another\n\nImports `ssemble`: 1.0 kB.\n';
      const cost = `Imports \`ssemble/fetch\`: ${(size / 1000).toFixed(1)} kB.`;
      return sizedOf(first, `\n${others}\n## ${first.title}\n\n${cost}\n\n${others}`);
    };
    for (const factor of [0.985, 1, 1.015]) {
      expect((await shownAs(bytes * factor)).bytes).toBeCloseTo(Math.round((bytes * factor) / 100) * 100);
    }
    for (const factor of [0.975, 1.025]) expect((await shownAs(bytes * factor)).bytes).toBe(bytes);
  });

  test('what a recipe costs is what it imports: less for less', async () => {
    const parser = `import { MessageParser } from 'ssemble';`;
    expect(importsOf(parser)).toEqual([['ssemble', '{ MessageParser }']]);
    expect(importsOf(`import * as all from 'ssemble/sse';\nimport x from 'hono';`)).toEqual([['ssemble/sse', '*']]);
    expect(await sizeOf(parser)).toBeLessThan(await sizeOf(`import { MessageStream } from 'ssemble';`));
    await expect(sizeOf(`import { nothing } from 'ssemble';`)).rejects.toThrow('nothing');
  });

  test('has every recipe, and those of this file have their tests', () => {
    const files = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isFile());
    const recipes = files.map(({ name }) => name).filter((name) => name !== 'README.md');
    expect(RECIPES.map(({ file }) => file).toSorted()).toEqual(recipes.toSorted());
    const here = [GROUPS['Requests'], GROUPS['Other carriers'], GROUPS['Look, record, test']].flat();
    expect(ran.toSorted()).toEqual(here.map(({ title }) => title).toSorted());
  });

  test('its links lead somewhere', () => {
    const page = readFileSync(PAGE, 'utf8');
    const headings = [...page.matchAll(/^###? (.+)$/gm)].map((found) =>
      (found[1] as string)
        .replaceAll('\\', '')
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map((found) => found[1]);
    expect(links).toEqual(headings);
  });

  test('no recipe is longer than 40 lines', () => {
    const long = RECIPES.filter(
      ({ file }) => readFileSync(join(FOLDER, file), 'utf8').trimEnd().split('\n').length > 40,
    );
    expect(long).toEqual([]);
  });
});
