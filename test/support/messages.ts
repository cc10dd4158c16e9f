/** Small, well-formed streams for tests that are about something other than their content. */

/** One event as the API frames it. */
export function frame(event: { type: string }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

export const start = (id = 'msg_1'): { type: 'message_start' } & Record<string, unknown> => ({
  type: 'message_start',
  message: {
    id,
    type: 'message',
    role: 'assistant',
    model: 'claude-test',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 3, output_tokens: 1 },
  },
});

export const blockStart = (index: number, block: object): { type: string } & Record<string, unknown> => ({
  type: 'content_block_start',
  index,
  content_block: block,
});
export const textStart = (index: number, text = ''): { type: string } => blockStart(index, { type: 'text', text });
export const delta = (index: number, value: object): { type: string } & Record<string, unknown> => ({
  type: 'content_block_delta',
  index,
  delta: value,
});
export const textDelta = (index: number, text: string): { type: string } => delta(index, { type: 'text_delta', text });
export const blockStop = (index: number): { type: string } & Record<string, unknown> => ({
  type: 'content_block_stop',
  index,
});
export const messageDelta = (reason = 'end_turn'): { type: string } & Record<string, unknown> => ({
  type: 'message_delta',
  delta: { stop_reason: reason, stop_sequence: null },
  usage: { output_tokens: 7 },
});
export const stop = { type: 'message_stop' };
export const ping = { type: 'ping' };
export const apiError = (
  type = 'overloaded_error',
  message = 'Overloaded',
): { type: string } & Record<string, unknown> => ({
  type: 'error',
  error: { type, message },
});

/** A text message of the given pieces. */
export function textEvents(pieces: readonly string[], id?: string): { type: string }[] {
  return [
    start(id),
    textStart(0),
    ping,
    ...pieces.map((piece) => textDelta(0, piece)),
    blockStop(0),
    messageDelta(),
    stop,
  ];
}

/** The same as one body. */
export const textBody = (pieces: readonly string[], id?: string): string => textEvents(pieces, id).map(frame).join('');

/** Encodes text in chunks of `size` bytes, so that characters and events are cut anywhere. */
export function cut(text: string, size: number): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}
