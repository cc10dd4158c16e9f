/** `ssemble report`: one or more streams as a page to be opened, sent, and attached to an issue. */

import { readFile, writeFile } from 'node:fs/promises';
import type { Capture, CaptureChunk, CaptureHeader } from '../../capture/format.ts';
import { ProtocolError } from '../../errors.ts';
import { lint } from '../../lint/linter.ts';
import { PROFILES } from '../../lint/profiles.ts';
import { RULES } from '../../lint/rules.ts';
import type { ProfileName } from '../../lint/finding.ts';
import { type ReportData, reportStream, type ReportStream } from '../../report/data.ts';
import { embedJson, reportPage } from '../../report/page.ts';
import { timingOf } from '../../timing/timing-of.ts';
import type { Timing } from '../../timing/timing.ts';
import type { Call, Command } from '../command.ts';
import { CLEAN, heaviest, INPUT_OUTPUT, INTERRUPTED } from '../exit.ts';
import { InputError, openOrTell } from '../input.ts';
import { oneLine } from '../terminal.ts';
import { UsageError } from '../usage.ts';

/** The command. */
export const REPORT: Command = {
  name: 'report',
  summary: 'make one HTML file to look at: timeline, findings, bytes, and the message at every event',
  usage: '[options] [file…]',
  about: [
    'The file holds the captures themselves and asks for nothing over the network. Several files are tabs.',
    'It goes to the file named by -o, or to standard output if that is no terminal.',
    'The exit code says whether the report was made, not what is in it.',
  ],
  options: [
    { name: 'output', short: 'o', value: 'FILE', summary: 'write the page there; - is standard output' },
    {
      name: 'profile',
      value: 'NAME',
      choices: Object.keys(PROFILES),
      summary: 'how the linter judges; default: strict',
    },
    { name: 'from-middle', summary: 'the streams begin in the middle: say nothing of what is missing before' },
    { name: 'json', summary: "print the page's data as JSON instead of the page" },
  ],
  examples: [
    ['ssemble report answer.capture.jsonl -o answer.html', 'make a page of a capture'],
    ['ssemble report good.sse bad.sse -o both.html', 'two streams, a tab each'],
    ['curl -sN https://… | ssemble report > answer.html', 'straight from a server'],
  ],
  readsInput: true,
  run,
};

async function run(call: Call): Promise<number> {
  const target = targetOf(call);
  const names = call.words.length === 0 ? ['-'] : call.words;
  const streams: ReportStream[] = [];
  const codes: number[] = [CLEAN];
  for (const name of names) {
    const stream = await readOne(name, call);
    if (stream === undefined) codes.push(INPUT_OUTPUT);
    else streams.push(stream);
    if (call.world.interrupt.aborted) break;
  }
  if (call.world.interrupt.aborted) codes.push(INTERRUPTED);
  if (streams.length > 0) await write(call, target, streams);
  return heaviest(codes);
}

/** Where the page goes; `undefined`: to standard output. */
function targetOf({ options, world }: Call): string | undefined {
  const output = options.text('output');
  if (output === undefined && world.stdout.isTTY && !options.has('json')) {
    throw new UsageError('A page is nothing for a terminal', 'Name a file: `ssemble report … -o report.html`.');
  }
  return output === '-' ? undefined : output;
}

/** Reads an input to its end and judges it; what came before it broke off is shown. */
async function readOne(name: string, call: Call): Promise<ReportStream | undefined> {
  const input = await openOrTell(name, call);
  if (input === undefined) return undefined;
  const chunks: CaptureChunk[] = [];
  try {
    for await (const chunk of input.chunks(call.world.interrupt)) chunks.push(chunk);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    call.err.write('ssemble: ', 'bold').write(`${error.message}\n`);
    return undefined;
  }
  const made: CaptureHeader = {
    ssemble: 'capture',
    version: 1,
    source: { kind: 'sse', chunks: input.live ? 'recorded' : 'made' },
    ...(input.live && { clock: { zero: 'first-chunk' } }),
  };
  // Pieces of a file that was read are no chunks of any network.
  const parts = input.header === undefined && !input.live ? [joined(chunks)] : chunks;
  const capture: Capture = { header: input.header ?? made, chunks: parts, end: input.ending() };
  return judged(input.name, capture, call);
}

function judged(name: string, capture: Capture, { options }: Call): ReportStream {
  const profile = (options.text('profile') ?? 'strict') as ProfileName;
  const report = lint(capture, { profile, fromMiddle: options.has('from-middle'), name });
  return reportStream({ name, capture, lint: report, timing: timingOfCapture(capture), rules: RULES });
}

/** Past the scanner's limits there are no times: the findings say so. */
function timingOfCapture({ chunks, header, end }: Capture): Timing {
  try {
    return timingOf(chunks, { headersUs: header.response?.us, end: end?.us });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return timingOf([]);
  }
}

async function write(call: Call, target: string | undefined, streams: readonly ReportStream[]): Promise<void> {
  const { options, world, out, err } = call;
  const data: ReportData = { report: 'ssemble', version: 1, tool: `ssemble/${world.version}`, streams };
  const page = options.has('json') ? `${embedJson(data)}\n` : reportPage({ ...(await viewerParts()), data });
  if (target === undefined) {
    out.write(page);
    await out.flush();
    return;
  }
  await writeFile(target, page).catch((cause: unknown) => {
    const code = (cause as { code?: unknown } | null)?.code;
    throw new InputError(`Cannot write ${target}: ${typeof code === 'string' ? code : String(cause)}`, { cause });
  });
  err.write(`Wrote ${oneLine(target)} (${(page.length / 1e6).toFixed(1)} MB)\n`, 'dim');
}

/** The page's script and style sheet lie beside this file in the package; the build puts them there. */
async function viewerParts(): Promise<{ viewer: string; style: string }> {
  const read = (name: string): Promise<string> => {
    const url = new URL(`../../report/${name}`, import.meta.url);
    return readFile(url, 'utf8').catch((cause: unknown) => {
      throw new InputError(`Cannot read ${name}: it is missing from this installation`, { cause });
    });
  };
  const [viewer, style] = await Promise.all([read('viewer.js'), read('viewer.css')]);
  return { viewer, style };
}

function joined(chunks: readonly CaptureChunk[]): CaptureChunk {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk.bytes, at);
    at += chunk.bytes.length;
  }
  return { us: undefined, bytes };
}
