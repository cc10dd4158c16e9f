/** `ssemble message`: the final `Message` as JSON. A cut one is held back unless asked for. */

import type { Command, Options } from '../command.ts';
import { FAIL_ON } from '../options.ts';
import type { Job } from '../reading.ts';
import { Reading } from '../reading.ts';
import { readStreams } from '../read-streams.ts';
import type { Ink } from '../terminal.ts';
import { jsonText } from '../terminal.ts';

/** The command. */
export const MESSAGE: Command = {
  name: 'message',
  summary: 'print the final Message as JSON',
  usage: '[options] [file…]',
  about: [
    'A stream that did not complete prints nothing and exits with 4, so that a cut answer is never taken for a whole one.',
    'If a stream has several messages, the last one is printed.',
  ],
  options: [
    { name: 'partial', summary: 'print it even if the stream did not complete' },
    { name: 'all', summary: 'print every message of the stream, one line of JSON each' },
    { name: 'compact', summary: 'print on one line' },
    { name: 'json', summary: 'accepted as everywhere; the output is JSON anyway' },
    FAIL_ON,
  ],
  examples: [
    ['ssemble message answer.sse', 'what the non-streaming API would have returned'],
    ["ssemble message answer.sse | jq -r '.content[].text // empty'", 'only the text'],
    ['ssemble message --partial cut.sse', 'what came of a broken stream'],
  ],
  readsInput: true,
  // What came is printed, or the job's note says how to get it.
  run: (call) => readStreams(call, { start: startMessage, title: 'never', offerPartial: false }),
};

/** Prints to `out` when the stream has ended. */
function startMessage(out: Ink, options: Options): Job {
  const [all, partial] = [options.has('all'), options.has('partial')];
  const reading = new Reading();
  return {
    push: (chunk) => reading.push(chunk),
    end(error) {
      const verdict = reading.end(error);
      const chosen = all ? reading.parser.messages : reading.parser.messages.slice(-1);
      const shown = chosen.filter((record) => partial || record.outcome.status === 'complete');
      for (const { message } of shown) out.write(`${jsonText(message, all || options.has('compact') ? 0 : 2)}\n`);
      const left = chosen.length - shown.length;
      return left === 0 ? verdict : { ...verdict, note: heldBack(left) };
    },
  };
}

function heldBack(count: number): string {
  const what = count === 1 ? 'A message that is not whole was' : `${count} messages that are not whole were`;
  return `${what} not printed; \`--partial\` prints what came.`;
}
