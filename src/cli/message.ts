/** `ssemble message`: the final `Message` as JSON. A cut one is held back unless asked for. */

import type { Flags } from './args.ts';
import type { Job } from './reading.ts';
import { Reading } from './reading.ts';
import type { Ink } from './terminal.ts';
import { jsonText } from './terminal.ts';

/** Prints to `out` when the stream has ended. */
export function startMessage(out: Ink, flags: Flags): Job {
  const reading = new Reading();
  return {
    push: (chunk) => reading.push(chunk),
    end(error) {
      const verdict = reading.end(error);
      const chosen = flags.all ? reading.parser.messages : reading.parser.messages.slice(-1);
      const shown = chosen.filter((record) => flags.partial || record.outcome.status === 'complete');
      for (const { message } of shown) out.write(`${jsonText(message, flags.all || flags.compact ? 0 : 2)}\n`);
      const left = chosen.length - shown.length;
      return left === 0 ? verdict : { ...verdict, note: heldBack(left) };
    },
  };
}

function heldBack(count: number): string {
  const what = count === 1 ? 'A message that is not whole was' : `${count} messages that are not whole were`;
  return `${what} not printed; \`--partial\` prints what came.`;
}
