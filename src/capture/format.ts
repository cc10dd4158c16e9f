/**
 * The capture format: what went over the wire, to the byte, to the chunk, and to the microsecond.
 *
 * One JSON value a line (`.capture.jsonl`), so that a file can be appended to while the stream is live, cut by a crash and
 * still be read, grepped and compressed:
 *
 * ```
 * {"ssemble":"capture","version":1,"request":{…},"response":{…},"clock":{…}}    the header, once
 * [1250,"event: ping\ndata: {\"type\": \"ping\"}\n\n"]                            a chunk: µs, and its text
 * [1300,{"b64":"w6k="}]                                                          a chunk that is not whole UTF-8 text
 * {"end":"eof","us":1311}                                                        how it ended, once
 * ```
 *
 * A chunk is written as text exactly if encoding that text as UTF-8 gives its bytes back, else as base64; so no chunk
 * loses a byte, and a character that the network cut in two is still cut in the file. A file without its last line is a
 * recording that was interrupted: it is read as far as it goes, and `end` is missing.
 */

/** Headers as they came: order, spelling and repetitions kept. Values of secret ones are `[redacted]`. */
export type CaptureHeaders = readonly (readonly [name: string, value: string])[];

/** What was asked. */
export interface CapturedRequest {
  method?: string;
  /** Without user info; values of query parameters that carry a secret are `[redacted]`. */
  url?: string;
  headers?: CaptureHeaders;
  /** `sha256:` and the hex digest of the body's bytes: tells whether two captures answer the same request. */
  hash?: string;
  /** The body as text; kept only on request: it has the prompt. */
  body?: string;
}

/** What came back, without its body. */
export interface CapturedResponse {
  status?: number;
  headers?: CaptureHeaders;
  /** When the response's head was complete, in microseconds on the capture's clock. */
  us?: number;
  /**
   * The content encoding that was taken off: the chunks are the plain body, each at the time at which its compressed bytes
   * came, while `headers` still say what went over the wire. Absent: the chunks are the body as it was sent.
   */
  decoded?: string;
}

/** What the times in the file mean. Without a clock the file has none, and the `us` of its chunks is `null`. */
export interface CaptureClock {
  /** What happened at 0 µs: the request was sent, or the first chunk came. */
  zero: 'request' | 'first-chunk';
  /** The wall-clock time of 0 µs, as ISO 8601 in UTC. */
  origin?: string;
}

/** Where the capture was made from, if it was not recorded from a connection. */
export interface CaptureSource {
  /** Such as `sse`, `har`, `stream-json`, `cassette`, `chunk-list`, `bedrock`. */
  kind: string;
  /** The file it was made from, without its folder. */
  name?: string;
  /** Whether the chunks are those of the network, or a choice of the importer. */
  chunks: 'recorded' | 'made';
}

/** The first line of a capture. */
export interface CaptureHeader {
  ssemble: 'capture';
  version: 1;
  /** Program and version that wrote it, such as `ssemble/0.1.0`. */
  tool?: string;
  request?: CapturedRequest;
  response?: CapturedResponse;
  clock?: CaptureClock;
  source?: CaptureSource;
  /** What was taken out of the text, such as by `ssemble redact`; absent if nothing was. */
  redacted?: { pattern: string; count: number }[];
}

/** What the network gave at one moment. */
export interface CaptureChunk {
  /** Microseconds since the clock's zero; `undefined` where the capture has no times. Never goes back. */
  us: number | undefined;
  bytes: Uint8Array;
}

/** How the body ended: plainly; called off by the reader; cut by the network or the server; silent for too long. */
export type CaptureEnding = 'eof' | 'abort' | 'reset' | 'timeout';

/** The last line of a capture. */
export interface CaptureEnd {
  end: CaptureEnding;
  us?: number;
  /** What the network said, for `reset`; or why the rest of the body could not be decoded. */
  error?: string;
  /** How often a key of the request stood in the body: each of its bytes is `*` here. Absent: never. */
  masked?: number;
}

/** A whole capture. */
export interface Capture {
  header: CaptureHeader;
  chunks: CaptureChunk[];
  /** `undefined`: the recording was interrupted, so nobody knows how the stream ended. */
  end: CaptureEnd | undefined;
}
