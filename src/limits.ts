/**
 * Every ceiling of the library, its default, and the precedent that justifies it.
 *
 * A ceiling exists so that hostile or broken input costs bounded memory; each default is far above anything that the
 * API sends (the largest event in 984 recorded streams is 43 kB).
 */

/**
 * The longest line, in bytes without its line end. 64 MiB: protobuf-es reads messages up to 64 MiB, `ws` frames up to
 * 100 MiB; one base64 image in a tool result is a few MiB.
 */
export const MAX_LINE_BYTES: number = 64 * 1024 * 1024;

/** The largest event, in bytes from its first field to the end of its last line. The same precedents as for a line. */
export const MAX_EVENT_BYTES: number = 64 * 1024 * 1024;

/**
 * How deep a `PartialJson` reads, so also how deep tool input is seen while it grows; its final value has no such limit.
 * 512: PHP's `json_decode` default; Python's recursion limit is 1,000, serde_json's 128.
 */
export const MAX_DEPTH = 512;

/** How many diagnostics are kept; later ones are only counted. parse5 and linters cap at the same order. */
export const MAX_DIAGNOSTICS = 1000;

/** How much of an event's data a diagnostic quotes, in UTF-16 units: enough for any event but a search result. */
export const MAX_RAW_CHARS = 4096;

/** How much of a body that is not an event stream is kept to say what it is. API error bodies are under 1 kB. */
export const MAX_FOREIGN_BODY_BYTES: number = 64 * 1024;

/** Largest frame of a Bedrock event stream. What the format allows a payload to have, and aws-c-event-stream a message. */
export const MAX_FRAME_BYTES: number = 16 * 1024 * 1024;

/** The most that the headers of such a frame may take. The ceiling of the format. */
export const MAX_FRAME_HEADER_BYTES: number = 128 * 1024;

/** What a caller may lower or raise. Units are in the names. */
export interface Limits {
  /** Longest line in bytes, line end not counted. Default 64 MiB. */
  maxLineBytes?: number;
  /** Largest event in bytes, from its first field to the end of its last line. Default 64 MiB. */
  maxEventBytes?: number;
  /** Diagnostics kept; later ones are only counted. Default 1,000. */
  maxDiagnostics?: number;
}
