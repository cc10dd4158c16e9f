/** Frames of Amazon's event stream, as Bedrock writes them. */

import { encodeEventStreamMessage } from '../../src/carriers/event-stream.ts';
import { encodeUtf8 } from '../../src/sse/utf8.ts';

/** A frame with string headers; an `event` unless the headers say otherwise, or are to be as given. */
export function frame(headers: Readonly<Record<string, string>>, payload: string, asGiven = false): Uint8Array {
  const all = asGiven ? headers : { ':content-type': 'application/json', ':message-type': 'event', ...headers };
  return encodeEventStreamMessage({
    headers: Object.entries(all).map(([name, value]) => ({ name, type: 'string', value })),
    payload: encodeUtf8(payload),
  });
}

/** A `chunk` frame round an event, or round a text that is none. */
export function chunkFrame(event: unknown): Uint8Array {
  const json = typeof event === 'string' ? event : JSON.stringify(event);
  const bytes = Buffer.from(json).toString('base64');
  return frame({ ':event-type': 'chunk' }, JSON.stringify({ bytes, p: 'abcdefgh'.slice(0, json.length % 8) }));
}

export function exceptionFrame(name: string, payload: string): Uint8Array {
  return frame({ ':message-type': 'exception', ':exception-type': name }, payload);
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
