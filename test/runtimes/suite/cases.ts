/**
 * The cases of the portable suite, as they stand in its one file: no bytes but text, no file but this. Bytes are written as a
 * string with one character of 0 to 255 for each, because JSON has no bytes and not every runtime has `atob`.
 */

/** One character for each byte. */
export type Binary = string;

/** An input of the SSE table and what comes of it. */
export interface SseCase {
  name: string;
  input: Binary;
  events: readonly unknown[];
  /** `[byte, line, from, end]` of each event, the unfinished one last. */
  at?: readonly (readonly number[])[];
  unfinished?: unknown;
}

/** A fixture with its goldens. */
export interface FixtureCase {
  name: string;
  body: Binary;
  /** The transcript: one line for each event. */
  log: string;
  message: unknown;
  expect: {
    status: string;
    stopReason: string | null;
    codes: readonly (readonly [string, number])[];
    infos: readonly string[];
    messages: number;
    blocks: readonly (readonly unknown[])[];
    /** What the linter says of it. */
    rules: readonly string[];
  };
}

/** All of them. */
export interface Cases {
  sse: readonly SseCase[];
  fixtures: readonly FixtureCase[];
  /** JSON texts for `PartialJson`; `offset` is where an invalid one breaks. */
  json: readonly { name: string; text: string; offset?: number }[];
}
