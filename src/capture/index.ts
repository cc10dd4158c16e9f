/** `ssemble/capture`: the lossless, timed record of a stream, written and read in any runtime. */

export type {
  Capture,
  CaptureChunk,
  CaptureClock,
  CaptureEnd,
  CaptureEnding,
  CaptureHeader,
  CaptureHeaders,
  CaptureSource,
  CapturedRequest,
  CapturedResponse,
} from './format.ts';
export { importCaptures, type Imported, type ImportKind, type ImportOptions, type Skipped } from './importers/index.ts';
export { CaptureReader, isCapture, parseCapture, readCapture, type CaptureStream } from './reader.ts';
export { CaptureRecorder, type RecorderOptions } from './recorder.ts';
export { recordingFetch, type OpenRecording } from './recording-fetch.ts';
export {
  customPattern,
  redact,
  redactBody,
  REDACTION_PATTERNS,
  wordPattern,
  type RedactionCount,
  type RedactionPattern,
  type RedactOptions,
} from './redact.ts';
export { findSecrets, publicBody, publicHeaders, publicUrl, type HeadersLike } from './secrets.ts';
export { chunkLine, endLine, formatCapture, headerLine } from './writer.ts';
