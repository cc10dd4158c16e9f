/** `ssemble/sse`: server-sent events, bytes or strings in, events out, and back. */

export type { Position, SseEvent, SseOptions } from './event.ts';
export { encodeSse, type SseEventInit } from './encode.ts';
export { SseParser } from './parser.ts';
export { SseScanner, type SseScannerState } from './scanner.ts';
export { decodeUtf8, encodeUtf8, utf8Length } from './utf8.ts';
