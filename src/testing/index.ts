/** `ssemble/testing`: chop a stream, break it, and play it to a client, without a network. */

export { CHOPPERS, chop, type Chopper } from './chop.ts';
export {
  FAULTS,
  parseFault,
  type Corruption,
  type Fault,
  type FaultKind,
  type FaultList,
  type FaultPlace,
  type FaultRule,
  type Insertion,
} from './fault-grammar.ts';
export { applyFaults, type PlayOptions } from './faults.ts';
export type { Playback, Step } from './schedule.ts';
export {
  faultFetch,
  faultReadable,
  faultStream,
  type FaultFetch,
  type FaultFetchOptions,
  type FaultRequest,
  type FaultResponse,
  type FaultStreamOptions,
} from './fault-fetch.ts';
export type { FaultSource, PlayedEnding } from './material.ts';
export {
  chunkings,
  faults,
  streams,
  type ArbitraryLike,
  type Drawable,
  type DrawnStream,
  type FastCheck,
  type ValueLike,
} from './arbitraries.ts';
export { streamMatchers, type MatchInput, type MatchResult, type StreamMatchers } from './matchers.ts';
export type { DiffInput, DiffOptions } from '../diff/diff.ts';
