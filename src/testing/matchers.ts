/** A matcher for test runners with jest's `expect.extend` (vitest, jest, bun): two streams say the same. */

import { isCapture, parseCapture } from '../capture/reader.ts';
import { diffStreams, type DiffInput, type DiffOptions } from '../diff/diff.ts';
import { formatDiff } from '../diff/text.ts';

/** What {@link streamMatchers} compare: whatever `diffStreams` takes, and the text or bytes of a capture file. */
export type MatchInput = DiffInput;

/** What a matcher gives its test runner. */
export interface MatchResult {
  pass: boolean;
  message: () => string;
}

/** More differences than this, of events and of messages each, say no more. */
const SHOWN = 10;

/**
 * Matchers for `expect.extend`. `expect(stream).toMatchStream(expected, options)` passes if the two are the same stream, how
 * it was cut and when it came left aside; ids and whatever else `DiffOptions` names count only where asked for. Either side
 * is the text or bytes of a body or of a capture, a capture, a list of events, or a `Message` (then messages are compared).
 *
 * In vitest, say the type once: `declare module 'vitest' { interface Matchers<T> extends StreamMatchers<T> {} }`.
 *
 * @example
 * const body = 'data: {"type":"message_start","message":{"content":[]}}\n\ndata: {"type":"message_stop"}\n\n';
 * const { toMatchStream } = streamMatchers;
 * toMatchStream(body.replaceAll('\n', '\r\n'), body).pass; // true
 * toMatchStream('data: {"type":"ping"}\n\n', body).message().split('\n')[1]; // '--- expected  2 events, complete'
 */
export const streamMatchers: Readonly<{
  toMatchStream: (received: MatchInput, expected: MatchInput, options?: DiffOptions) => MatchResult;
}> = {
  toMatchStream(received, expected, options = {}) {
    const diff = diffStreams(opened(expected), opened(received), options);
    const head = `The streams ${diff.same ? 'are the same' : 'differ'}:\n`;
    return {
      pass: diff.same,
      message: () => head + formatDiff(diff, { names: ['expected', 'received'], most: SHOWN }),
    };
  },
};

/** The matchers as a test runner's types know them. */
export interface StreamMatchers<R = unknown> {
  /** See {@link streamMatchers}. */
  toMatchStream(expected: MatchInput, options?: DiffOptions): R;
}

/** A capture file counts as the capture that it holds. */
function opened(input: MatchInput): DiffInput {
  const isFile = (typeof input === 'string' || input instanceof Uint8Array) && isCapture(input) === true;
  return isFile ? parseCapture(input) : input;
}
