/** `ssemble`: the Claude streaming protocol, from raw bytes to a finished `Message`. */

export * from './errors.ts';
export type { Limits } from './limits.ts';

export type * from './protocol/blocks.ts';
export { isKnownBlock, KNOWN_BLOCK_TYPES } from './protocol/blocks.ts';
export type * from './protocol/message.ts';
export { STOP_REASONS } from './protocol/message.ts';
export type * from './protocol/events.ts';
export { isKnownDelta, KNOWN_DELTA_TYPES, KNOWN_EVENT_TYPES } from './protocol/events.ts';
export * from './protocol/api-error.ts';
export { type DiagnosticCode, SEVERITIES, type Severity } from './protocol/codes.ts';
export { decodeEvent, toStreamEvent } from './protocol/decode.ts';

export type * from './message/types.ts';
export {
  type AssemblerOptions,
  type Envelope,
  MessageAssembler,
  type MessageAssemblerState,
} from './message/assembler.ts';
export {
  type MessageHandlers,
  MessageParser,
  type MessageParserOptions,
  type MessageParserState,
} from './message/parser.ts';
export { parseMessage } from './message/parse-message.ts';
export { type DroppedBlock, type DropReason, salvage, type Salvaged } from './message/salvage.ts';
export {
  type ContinuableRequest,
  continuation,
  CONTINUATION_RULES,
  type ContinuationMode,
  continuationMode,
  type ContinuationOptions,
  type ContinuationRules,
  modelVersion,
} from './message/continuation.ts';

export type {
  AbortSignalLike,
  ByteSource,
  Chunk,
  EventIterator,
  ReadableStreamLike,
  ReadableStreamReaderLike,
  ResponseLike,
} from './stream/source.ts';
export { MessageStream, type MessageStreamOptions } from './stream/message-stream.ts';
export { type MessageStore, store, type StoreOptions, type StoreSnapshot } from './stream/store.ts';
export { TextPacer, type TextPacerOptions } from './stream/pacing.ts';
