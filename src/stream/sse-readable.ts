import { AbortError, IdleTimeoutError } from '../errors.ts';
import { ApiError } from '../protocol/api-error.ts';
import { encodeEvent } from '../protocol/encode.ts';
import type { ErrorBody } from '../protocol/events.ts';
import { encodeSse } from '../sse/encode.ts';
import type { NamedEvent } from './cursors.ts';
import { globals, type ByteStream, type StreamController } from './globals.ts';

/**
 * The events as SSE bytes in a Web stream: one event is read when one is wanted, `cancel` stops the iterator. An end in
 * an error is told in the stream, as an `error` event, unless one has passed already: whoever reads it on the other side
 * of a connection would otherwise take a cut message for a whole one. Only an abort breaks the stream itself, and an
 * event that JSON cannot write (it came decoded, and nests too deep): then the iterator is left, too.
 *
 * @throws TypeError where the runtime has no `ReadableStream`.
 */
export function toSseReadable(events: () => AsyncIterator<NamedEvent, undefined>): ByteStream {
  const { ReadableStream } = globals();
  if (ReadableStream === undefined)
    throw new TypeError('toReadableStream() needs ReadableStream, this runtime has none');
  const iterator = events();
  let told = false;
  const pull = async (controller: StreamController): Promise<void> => {
    let result: IteratorResult<NamedEvent, undefined>;
    try {
      result = await iterator.next();
    } catch (error) {
      if (error instanceof AbortError) throw error;
      if (!told) controller.enqueue(encodeError(error));
      return controller.close?.();
    }
    if (result.done === true) return controller.close?.();
    told ||= result.value.event.type === 'error';
    try {
      controller.enqueue(encodeEvent(result.value.event, result.value.name));
    } catch (error) {
      void iterator.throw?.(error);
      throw error;
    }
  };
  // `highWaterMark: 0`: no event is taken before the other side wants one.
  return new ReadableStream({ pull, cancel: () => void iterator.return?.() }, { highWaterMark: 0 });
}

function encodeError(cause: unknown): Uint8Array {
  return encodeSse({ event: 'error', data: JSON.stringify({ type: 'error', error: errorBody(cause as Error) }) });
}

/** What the server said, where it said it; our own errors under the API's names for such a thing. */
function errorBody(cause: Error): ErrorBody {
  if (cause instanceof ApiError) return cause.body;
  return { type: cause instanceof IdleTimeoutError ? 'timeout_error' : 'api_error', message: cause.message };
}
