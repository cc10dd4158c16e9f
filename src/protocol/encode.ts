import { encodeSse } from '../sse/encode.ts';
import type { StreamEvent } from './events.ts';

/** What can be sent: an event of the protocol, or one of the application's own, which any tolerant client passes over. */
export type EncodableEvent = StreamEvent | { readonly type: string; readonly [key: string]: unknown };

/**
 * Writes one event as server-sent-event bytes, as the API frames it: the name is its `type`. An event that could not be
 * read (`unknown`) goes out as it came.
 *
 * @param given - the name that an unknown event came under: it is a part of what is wrong with it. Default: its `type`
 * @throws TypeError for an event that JSON cannot write, or without a `type` that can be an event name.
 * @example
 * import { encodeEvent } from 'ssemble/relay';
 * import { decodeUtf8 } from 'ssemble/sse';
 *
 * decodeUtf8(encodeEvent({ type: 'ping' })); // 'event: ping\ndata: {"type":"ping"}\n\n'
 */
export function encodeEvent(event: EncodableEvent, given?: string): Uint8Array {
  if (isUnknown(event)) return encodeUnknown(event, given);
  const data: string | undefined = JSON.stringify(event);
  const { type } = event ?? {};
  if (data === undefined || typeof type !== 'string') {
    throw new TypeError('Cannot encode an event: it needs a `type`, and a form in JSON');
  }
  return encodeSse({ event: type, named: true, data });
}

function isUnknown(event: EncodableEvent): event is StreamEvent & { type: 'unknown' } {
  return event?.type === 'unknown' && typeof (event as { raw?: unknown }).raw === 'string';
}

/** The data is what came. A name that SSE cannot carry stays in the data alone, where readers look first anyway. */
function encodeUnknown(event: StreamEvent & { type: 'unknown' }, given: string | undefined): Uint8Array {
  const name = given ?? (event.wire as { type?: unknown } | null | undefined)?.type;
  // SSE has no CR in data: the parser gives none, but an event that came decoded may hold one.
  const data = event.raw.replaceAll(/\r\n?/g, '\n');
  if (typeof name !== 'string' || name === '' || /[\r\n]/.test(name)) return encodeSse({ data });
  return encodeSse({ event: name, named: true, data });
}
