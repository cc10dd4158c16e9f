/**
 * `ssemble/web`: the lower layers as Web `TransformStream`s, for pipes that are built of them. They decode; they do not
 * assemble and do not judge the end: whether the message was complete is what `MessageStream` tells.
 */

import { decodeEvent } from '../protocol/decode.ts';
import type { StreamEvent } from '../protocol/events.ts';
import type { SseEvent, SseOptions } from '../sse/event.ts';
import { SseScanner } from '../sse/scanner.ts';
import { globals, type FromBytes, type StreamController } from './globals.ts';
import { toChunk } from './source.ts';

/** What the streams of this entry may be told. */
export interface SseStreamOptions extends SseOptions {
  /**
   * Gets the last event if the input ended before its blank line. By the rules of SSE it does not count, so the stream
   * does not hand it out.
   */
  onUnfinished?: (event: SseEvent) => void;
}

/**
 * A `TransformStream` from bytes (or strings) to server-sent events. Past a limit it errors with a `ProtocolError`.
 *
 * @throws TypeError where the runtime has no `TransformStream`.
 * @example
 * ```ts
 * import { sseEvents } from 'ssemble/web';
 *
 * const events = new Blob(['event: ping\ndata: {"type": "ping"}\n\n']).stream().pipeThrough(sseEvents());
 * const { value } = await events.getReader().read();
 * console.log(value); // { event: 'ping', data: '{"type": "ping"}', id: '', named: true }
 * ```
 */
export function sseEvents(options: SseStreamOptions = {}): FromBytes<SseEvent> {
  return transform(options, (event) => event);
}

/**
 * A `TransformStream` from bytes (or strings) to stream events, `ping`, `error` and `unknown` included. An `error` event
 * is handed out like any other.
 *
 * @throws TypeError where the runtime has no `TransformStream`.
 * @example
 * ```ts
 * import { streamEvents } from 'ssemble/web';
 *
 * const events = new Blob(['event: ping\ndata: {"type": "ping"}\n\n']).stream().pipeThrough(streamEvents());
 * const { value } = await events.getReader().read();
 * console.log(value); // { type: 'ping' }
 * ```
 */
export function streamEvents(options: SseStreamOptions = {}): FromBytes<StreamEvent> {
  return transform(options, decodeEvent);
}

function transform<T>(options: SseStreamOptions, decode: (event: SseEvent) => T): FromBytes<T> {
  const { TransformStream } = globals();
  if (TransformStream === undefined)
    throw new TypeError('This needs TransformStream, which this runtime does not have');
  const scanner = new SseScanner(options);
  const drain = (controller: StreamController): void => {
    let given = 0;
    try {
      for (let event = scanner.next(); event !== undefined; event = scanner.next(), given++) {
        controller.enqueue(decode(event));
      }
    } catch (error) {
      // An error drops what waits in the stream: let these events be taken; the scanner throws it again next time.
      if (given === 0) throw error;
    }
  };
  return new TransformStream({
    transform: (chunk, controller) => {
      scanner.write(toChunk(chunk));
      drain(controller);
    },
    flush: (controller) => {
      const unfinished = scanner.end();
      drain(controller);
      if (unfinished !== undefined) options.onUnfinished?.(unfinished);
    },
  });
}
