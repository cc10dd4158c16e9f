/** The numbers of the linter: from when on something is called late, long or much; each with its reason. */

/** Silence: load balancers commonly close after 60 s (BerriAI/litellm#37322); half of it still leaves time to act. */
export const SILENCE_MS: number = 30_000;

/** A ping that comes later than this after the last byte is late: a third of {@link SILENCE_MS}, so two may get lost. */
export const LATE_PING_MS: number = 10_000;

/** From the request to the first byte. The same limit as for silence: to a reader it is the same silence. */
export const LATE_FIRST_BYTE_MS: number = 30_000;

/** A gap this long before a chunk of many events counts as held back. Native streams burst every 400 to 650 ms. */
export const HELD_BACK_MS: number = 2_000;

/** All content within this time was not streamed: one delta every 10 ms is faster than any model that was measured. */
export const BURST_MS: number = 20;

/** So many content events make an answer long enough to be told from a short one that came fast. */
export const BURST_EVENTS: number = 20;

/** So many blocks of one type in a row, each with at most one short delta, are a block per token. */
export const TOKEN_BLOCKS: number = 5;

/** What such a block holds at most, in UTF-16 units: 99 of 100 native text deltas are shorter than 91. */
export const TOKEN_CHARS: number = 20;

/** An answer without content that the API really gives costs two to three output tokens; more was lost on the way. */
export const EMPTY_ANSWER_TOKENS: number = 4;

/** Findings kept of one stream; the rest is counted. The same order as `MAX_DIAGNOSTICS`. */
export const MAX_FINDINGS: number = 1000;
