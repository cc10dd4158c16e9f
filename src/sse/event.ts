/** The words of the SSE room; they are WHATWG's (HTML standard §9.2, "Server-sent events"). */

/** One dispatched server-sent event. */
export interface SseEvent {
  /** The event type; `'message'` where there was no `event` line, or an empty one. */
  event: string;
  /** The `data` lines, joined by LF. */
  data: string;
  /** The last event ID: it stays until a later `id` line changes it; `''` before the first. */
  id: string;
  /** Milliseconds; only where a valid `retry` line came since the previous event. */
  retry?: number;
  /** Whether there was an `event` line. */
  named: boolean;
}

/** Where an event stood in the input as received. All offsets are bytes, for string input of its UTF-8 form. */
export interface Position {
  /** The number of the event, from 1. */
  event: number;
  /** Where its first field begins. A byte order mark counts: it moves the first field to byte 3. */
  byte: number;
  /** The line its first field is on, from 1. */
  line: number;
  /** The end of the previous event; 0 for the first. Comments lie between `from` and `byte`. */
  from: number;
  /** One past its blank line. */
  end: number;
}

/** What an SSE parser may be told. */
export interface SseOptions {
  /** Longest line in bytes, line end not counted. Default 64 MiB. */
  maxLineBytes?: number;
  /** Largest event in bytes, from its first field to the end of its last line. Default 64 MiB. */
  maxEventBytes?: number;
  /** Gets the text of each comment line (without the colon). Comments are not events and have no number. */
  onComment?: (comment: string) => void;
}
