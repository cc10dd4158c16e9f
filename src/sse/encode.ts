import { encodeUtf8 } from './utf8.ts';

/** What {@link encodeSse} takes: an `SseEvent`, or as little as its data. */
export interface SseEventInit {
  data: string;
  /** Written unless absent, or `'message'` with `named` not true. */
  event?: string;
  /** Written unless absent or empty. */
  id?: string;
  /** Milliseconds, written where present. */
  retry?: number;
  /** `true` writes the `event` line even for `'message'`. */
  named?: boolean;
}

/**
 * Writes one event as SSE bytes: `event`, `id`, `retry`, one `data` line per line of data, a blank line; LF only, one
 * space after each colon. For every event that the parser can emit, parsing the bytes gives it back.
 *
 * @throws TypeError for what SSE cannot carry: a line end in the event type or id, NUL in the id, CR in the data, an
 *   event type that is empty, a `retry` that is not an integer from 0 to 2^53 - 1.
 * @example
 * const bytes = encodeSse({ event: 'ping', data: '{"type": "ping"}' });
 * decodeUtf8(bytes); // 'event: ping\ndata: {"type": "ping"}\n\n'
 */
export function encodeSse(event: SseEventInit): Uint8Array {
  const { data, id = '', retry, event: name = 'message' } = event;
  if (typeof data !== 'string') throw new TypeError(`Cannot encode an event: data is ${typeof data}, not a string`);
  let text = '';
  if (event.named === true || name !== 'message') {
    if (name === '' || /[\r\n]/.test(name)) {
      throw new TypeError('Cannot encode an event type that is empty or holds a line end');
    }
    text += `event: ${name}\n`;
  }
  if (id !== '') {
    if (/[\0\r\n]/.test(id)) throw new TypeError('Cannot encode an event id that holds a line end or NUL');
    text += `id: ${id}\n`;
  }
  if (retry !== undefined) {
    if (!Number.isSafeInteger(retry) || retry < 0) {
      throw new TypeError(`Cannot encode a retry of ${retry}: it is not an integer from 0 to 2^53 - 1`);
    }
    text += `retry: ${retry}\n`;
  }
  if (data.includes('\r')) throw new TypeError('Cannot encode data that holds CR: SSE would read it as a line end');
  return encodeUtf8(`${text}data: ${data.replaceAll('\n', '\ndata: ')}\n\n`);
}
