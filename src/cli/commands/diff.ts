/** `ssemble diff`: two streams side by side; what differs from run to run anyway is left out unless it is asked for. */

import { ASPECTS, type DiffAspect, diffStreams, type StreamDiff } from '../../diff/diff.ts';
import { type DiffSpan, diffLines, markedText } from '../../diff/text.ts';
import type { CaptureChunk } from '../../capture/format.ts';
import type { Call, Command } from '../command.ts';
import { CLEAN, FINDINGS, INPUT_OUTPUT, INTERRUPTED } from '../exit.ts';
import { openOrTell } from '../input.ts';
import { UsageError } from '../usage.ts';
import { jsonText, oneLine, type Style, wantsColor } from '../terminal.ts';

/** The command. */
export const DIFF: Command = {
  name: 'diff',
  summary: 'compare two streams, or a stream with a Message',
  usage: '[options] <a> <b>',
  about: [
    'Each is a stream, a capture, a Message as JSON (then the assembled messages are compared), or `-`.',
    'Deltas of one block are compared as one text. Changed words stand in [-…-] and {+…+}, or have colours.',
    'Exit code 0: the same; 1: they differ, whether or not they are whole.',
  ],
  options: [
    { name: 'ids', summary: 'compare ids, too' },
    { name: 'usage', summary: 'compare token counts, too' },
    { name: 'timing', summary: 'compare when events came, from the first one on; both must have times' },
    {
      name: 'within',
      value: 'MS',
      summary: 'with --timing: up to so many milliseconds are no difference (default: 100)',
    },
    { name: 'chunking', summary: 'compare how text is cut into deltas, and the white space of tool input' },
    { name: 'pings', summary: 'compare pings, too' },
    { name: 'signatures', summary: 'compare signatures and other sealed values, too' },
    { name: 'json', summary: 'print one line of JSON' },
  ],
  examples: [
    ['ssemble diff direct.sse proxied.sse', 'what a proxy changed'],
    ['ssemble diff --chunking --pings --ids --usage a.sse b.sse', 'everything but times and signatures'],
    ['ssemble diff answer.sse message.json', 'does the stream make the same message?'],
  ],
  readsInput: false,
  run: diff,
};

const ASKABLE = Object.keys(ASPECTS) as DiffAspect[];

async function diff(call: Call): Promise<number> {
  const { words, options, world, out, err } = call;
  const [a, b] = twoOf(words);
  const withinMs = options.number('within');
  const sides = [await readAll(a, call), await readAll(b, call)] as const;
  if (sides[0] === undefined || sides[1] === undefined) return INPUT_OUTPUT;
  const asked = Object.fromEntries(ASKABLE.map((aspect) => [aspect, options.has(aspect)]));
  const found = diffStreams(sides[0], sides[1], { ...asked, withinMs });
  if (options.has('json')) out.write(`${jsonText({ names: [a, b], ...found })}\n`);
  else print(found, [oneLine(a), oneLine(b)], call);
  await out.flush();
  if (options.has('timing') && found.ignored.includes('timing')) {
    err.write('Times were not compared: only captures and live streams have them, and both sides must.\n');
  }
  if (world.interrupt.aborted) return INTERRUPTED;
  return found.same ? CLEAN : FINDINGS;
}

function twoOf(words: readonly string[]): readonly [string, string] {
  const [a, b] = words;
  if (a === undefined || b === undefined || words.length > 2) {
    throw new UsageError(`\`diff\` takes two inputs, ${words.length} given`, 'Try `ssemble diff a.sse b.sse`.');
  }
  if (a === '-' && b === '-') {
    throw new UsageError('Both inputs are standard input', 'Name a file for one of them.');
  }
  return [a, b];
}

/** All chunks of one side; `undefined` if it cannot be opened, which was told. */
async function readAll(name: string, call: Call): Promise<{ chunks: CaptureChunk[] } | undefined> {
  const input = await openOrTell(name, call);
  if (input === undefined) return undefined;
  const chunks: CaptureChunk[] = [];
  for await (const chunk of input.chunks(call.world.interrupt)) chunks.push(chunk);
  return { chunks };
}

const STYLES: Readonly<Record<DiffSpan['tone'], Style>> = {
  plain: 'plain',
  head: 'bold',
  dim: 'dim',
  a: 'red',
  'word-a': 'red',
  b: 'cyan',
  'word-b': 'cyan',
};

/** With colours the changed words need no marks. */
function print(found: StreamDiff, names: readonly [string, string], { world, out }: Call): void {
  const colored = wantsColor(world.stdout, world.env);
  for (const line of diffLines(found, { names })) {
    for (const span of line) out.write(colored ? span.text : markedText(span), STYLES[span.tone]);
    out.write('\n');
  }
}
