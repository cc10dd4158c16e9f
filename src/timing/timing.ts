/** When things came: the named clocks of a stream, its gaps, its speed, and who made it stall. All times in milliseconds. */

/**
 * Moments, in milliseconds since the capture's zero (the request, or the first chunk where the request's time is not known).
 * "Time to first token" means a different one of these in every tool: here each has its own name. A moment that never came
 * is `undefined`.
 */
export interface NamedClocks {
  /** The response's head was complete. */
  headers: number | undefined;
  /** The first byte of the body. */
  firstByte: number | undefined;
  /** The chunk that brought `message_start`. */
  messageStart: number | undefined;
  /** The first content: text, thinking, tool input, or a block that came whole. OpenTelemetry's time to first chunk. */
  firstContent: number | undefined;
  /** The first text that a reader of the answer sees: not thinking, not tool input, not empty. */
  firstVisibleText: number | undefined;
  /** The last content. */
  lastContent: number | undefined;
  /** The chunk that brought `message_stop`. */
  messageStop: number | undefined;
  /** The end of the body. */
  end: number | undefined;
}

/** How long nothing came between one chunk and the next. */
export interface Gaps {
  count: number;
  p50: number;
  p95: number;
  max: number;
}

/**
 * A time without progress of at least the threshold, and who made it; `STALL_CAUSES` is the table. `server-silent`: nothing
 * came, and what came after it was no more than usual. `server-alive`: no progress, but pings or comments came: the model
 * was busy. `held-back`: after it came many deltas at once, so something collected them.
 */
export type StallCause = 'server-silent' | 'server-alive' | 'held-back';

/** One stall. */
export interface Stall {
  /** Number of the last event before it, pings included; 0 if none had come. */
  afterEvent: number;
  /** When it began, and how long it lasted. */
  from: number;
  ms: number;
  cause: StallCause;
  /** How many signs of life came meanwhile: pings, comments, empty deltas, events that nobody knows. */
  signs: number;
  /** How many events came at once after it (within `BURST_MS`); 0 if the stream ended in it. */
  eventsAfter: number;
  /** How many of those were tool input: the API itself collects it, unless fine-grained tool streaming is asked for. */
  toolInputAfter: number;
}

/** Everything about the timing of one stream. `undefined` fields: the input has no times, or the moment never came. */
export interface Timing {
  /** Whether the chunks had times; without them only the head may have one. */
  timed: boolean;
  clocks: NamedClocks;
  /** Between chunks. */
  gaps: Gaps | undefined;
  /** Between chunks that brought content: OpenTelemetry's time per output chunk. */
  contentGaps: Gaps | undefined;
  stalls: Stall[];
  /** How many chunks were stamped earlier than the one before them; they count as if they had come with it. */
  backwards: number;
  chunks: number;
  events: number;
  /** How many of the events were pings, and how many comments came besides. */
  pings: number;
  comments: number;
  bytes: number;
  /** The most events that one chunk brought. */
  mostEventsInChunk: number;
  /** As the last `message_delta` says; summed where the stream has several messages. */
  outputTokens: number | undefined;
  /**
   * Output tokens over the time from first to last content. Where the thinking was hidden (its block came, its text did
   * not), the time begins with its block: its tokens are counted too. `undefined` if all content came at one moment.
   */
  tokensPerSecond: number | undefined;
}
