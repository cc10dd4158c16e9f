/** `toMatchStream`, in the test runner that it is for. */

import { describe, expect, it } from 'vitest';
import { formatCapture } from '../src/capture/writer.ts';
import { parseMessage } from '../src/index.ts';
import { applyFaults, streamMatchers, type StreamMatchers } from '../src/testing/index.ts';
import { textBody, textEvents } from './support/messages.ts';

declare module 'vitest' {
  // oxlint-disable-next-line typescript/no-empty-object-type
  interface Matchers<T> extends StreamMatchers<T> {}
}

expect.extend(streamMatchers);

const body = textBody(['Hello ', 'world']);
const capture = {
  header: { ssemble: 'capture', version: 1 } as const,
  chunks: applyFaults(body, [], { chop: 'byte' }).steps.map(({ bytes }) => ({ us: undefined, bytes })),
  end: { end: 'eof' } as const,
};

describe('toMatchStream()', () => {
  it('takes streams in every form, and does not look at how they were cut', () => {
    const events = textEvents(['Hello world']);
    for (const one of [
      body,
      new TextEncoder().encode(body),
      capture,
      formatCapture(capture),
      events,
      parseMessage(body),
    ]) {
      expect(one).toMatchStream(body);
      expect(body).toMatchStream(one);
      expect(one).not.toMatchStream(textBody(['Hello moon']));
    }
    expect(JSON.stringify(parseMessage(body))).toMatchStream(body);
  });

  it('leaves ids aside unless they are asked for', () => {
    const other = textBody(['Hello world'], 'msg_2');
    expect(other).toMatchStream(body);
    expect(other).not.toMatchStream(body, { ids: true });
  });

  it('says what differs, and where', () => {
    const message = (received: string, expected: string): string =>
      streamMatchers.toMatchStream(received, expected).message();
    const changed = message(textBody(['Hello moon']), body);
    expect(changed).toMatch(/^The streams differ:\n--- expected .*\n\+\+\+ received /);
    expect(changed).toMatch(/@@ -4\.\.5 \+4 @@ content_block_delta text_delta.*\n.*\[-world-\]\n.*\{\+moon\+\}/);
    const more = `${body}event: odd\ndata: {"type":"odd"}\n\n`;
    expect(message(body, more)).toMatch(/@@ -9 @@ .*odd.*\n- .*odd/);
    expect(message(more, body)).toMatch(/@@ \+9 @@ .*odd.*\n\+ .*odd/);
    expect(message(body.slice(0, body.indexOf('event: message_stop')), body)).toMatch(
      /received .*truncated[^]*differ at: outcome/,
    );
    expect(() => expect(body).not.toMatchStream(body)).toThrow(/The streams are the same:\nsame: expected/);
  });

  it('keeps the message short', () => {
    const many = (word: string): string =>
      Array.from(
        { length: 40 },
        (_, i) => `data: {"type":"odd","index":${i},"is":"${word.repeat(i * 200 + 1)}"}\n\n`,
      ).join('');
    const text = streamMatchers.toMatchStream(many('a'), many('b')).message();
    expect(text).toMatch(/and 30 more differences/);
    expect(text.length).toBeLessThan(30_000);
  });

  it('refuses what is no stream', () => {
    expect(() => expect(7).toMatchStream(body)).toThrow(TypeError);
  });
});
