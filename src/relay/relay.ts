import { globals, type ByteStream, type StreamController } from '../stream/globals.ts';
import type { RelayResult } from './feed.ts';
import { Outlet, type RelayOptions, type RelaySource } from './outlet.ts';

/** A stream for a client, and what becomes of it. */
export interface Relay {
  /** The bytes for the client. Reads its source only when it is read; cancelling it says that the client has left. */
  stream: ByteStream;
  /**
   * What the stream came to: the message as the API sent it (before any `transform`), what is known of its blocks, and how
   * it ended. Settles when the source has ended or was left, whether the client stayed or not. Never rejects: an end that
   * is no success is in `outcome`.
   */
  done: Promise<RelayResult>;
}

/**
 * Passes a stream on to a client, and keeps the message for the server.
 *
 * - Events of a byte source go out **byte for byte**, comments and padding included, a whole event at a time. Those of a
 *   `MessageStream` are encoded anew; if it was read before, the client first gets the message as far as it had come.
 * - A bad end becomes an `error` event, which the client's parser turns into an `ApiError`. What the API said is told word for
 *   word, but not what it said about this server's own account; connection errors are told in general words.
 * - Nothing is read before the client reads, and a slow client slows the source.
 * - When the client leaves (the stream is cancelled) the source is closed at once, or read on: see `onClientGone`.
 *
 * `strict`, `limits`, `idleTimeoutMs` and `onDiagnostic` are for byte sources; a `MessageStream` has its own.
 *
 * @throws TypeError for a source that holds no stream, or that somebody else reads, and where the runtime has no
 * `ReadableStream`. RangeError for an odd time.
 * @example
 * import { relay } from 'ssemble/relay';
 *
 * const upstream = new Response('event: ping\ndata: {"type": "ping"}\n\n');
 * const { stream, done } = relay(upstream);
 * const text = await new Response(stream).text();
 * text.startsWith('event: ping\ndata: {"type": "ping"}\n\nevent: error\n'); // true
 * (await done).outcome.status; // 'truncated'
 */
export function relay(source: RelaySource, options: RelayOptions = {}): Relay {
  const outlet = new Outlet(source, options);
  return { stream: toReadable(outlet), done: outlet.done };
}

/** @throws TypeError where the runtime has no `ReadableStream` */
export function toReadable(outlet: Outlet): ByteStream {
  const { ReadableStream } = globals();
  if (ReadableStream === undefined) throw new TypeError('relay() needs ReadableStream, this runtime has none');
  let cancelled = false;
  const cancel = (): void => {
    cancelled = true;
    outlet.leave();
  };
  const pull = async (controller: StreamController): Promise<void> => {
    const bytes = await outlet.next();
    if (cancelled) return;
    if (bytes === undefined) controller.close?.();
    else controller.enqueue(bytes);
  };
  // `highWaterMark: 0`: nothing is taken before the client wants it.
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
}
