/** An answer of the wire server that a test plays by hand: each event goes out when the test says so, and no sooner. */

import { reply, sse, type Reply, type Step } from './wire-server.ts';

export interface StagedReply {
  reply: Reply;
  /** Sends these events now, each as one chunk. */
  send: (...events: object[]) => void;
  /** Ends the answer. */
  finish: () => void;
}

/** Makes an answer that sends nothing but its head until it is told to. */
export function stagedReply(): StagedReply {
  const frames: string[] = [];
  let finished = false;
  let wake = (): void => {};

  async function* steps(): AsyncGenerator<Step> {
    for (;;) {
      const frame = frames.shift();
      if (frame !== undefined) yield frame;
      else if (finished) return;
      else yield { wait: new Promise<void>((resolve) => (wake = resolve)) };
    }
  }

  return {
    reply: reply([], { steps: steps() }),
    send(...events) {
      frames.push(...sse(events));
      wake();
    },
    finish() {
      finished = true;
      wake();
    },
  };
}
