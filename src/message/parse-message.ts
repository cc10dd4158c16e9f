import type { Message } from '../protocol/message.ts';
import { MessageParser } from './parser.ts';

/**
 * Parses a whole body in one call, for runtimes that only ever have the whole body.
 *
 * @param body - the body of a streaming response, as text or bytes
 * @returns the finished message; the last one, if the body holds several
 * @throws the outcome's error unless the outcome is `complete`: `TruncatedError`, `DamagedError`, an `ApiError`, a
 *   `ProtocolError` for a body that is no event stream. It carries `snapshot`, `blocks` and `outcome`.
 * @example
 * const message = parseMessage(
 *   'data: {"type":"message_start","message":{"id":"msg_1","model":"claude","content":[]}}\n\n' +
 *     'data: {"type":"message_stop"}\n\n',
 * );
 * message.id; // 'msg_1'
 */
export function parseMessage(body: string | Uint8Array): Message {
  const parser = new MessageParser();
  parser.push(body);
  parser.end();
  if (parser.outcome.error !== undefined) throw parser.outcome.error;
  return parser.message as Message;
}
