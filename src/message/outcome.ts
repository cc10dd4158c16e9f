/** How a stream ends: the error for each status, and errors as plain JSON for saved states. */

import {
  AbortError,
  ConnectionError,
  DamagedError,
  IdleTimeoutError,
  ProtocolError,
  StreamError,
  TruncatedError,
} from '../errors.ts';
import { ApiError } from '../protocol/api-error.ts';
import type { ErrorBody } from '../protocol/events.ts';
import type { At, Outcome, OutcomeStatus } from './types.ts';

/** The status that an error given to `end(error)` stands for. */
export function statusOf(error: unknown): OutcomeStatus {
  if (error instanceof IdleTimeoutError) return 'stalled';
  if (error instanceof AbortError || (error as { name?: unknown })?.name === 'AbortError') return 'aborted';
  if (error instanceof ApiError || error instanceof ProtocolError) return 'errored';
  if (error instanceof TruncatedError) return 'truncated';
  return error instanceof DamagedError ? 'damaged' : 'disconnected';
}

/** One of ours stays itself; any other error becomes one of ours, with the original in `cause`. */
export function toStreamError(error: unknown): StreamError {
  if (error instanceof StreamError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (statusOf(error) === 'aborted') return new AbortError(`The stream was aborted: ${message}`, { cause: error });
  return new ConnectionError(`The connection broke: ${message}`, { cause: error });
}

/** An error as plain JSON. The stack and the cause are left out. */
export interface SavedError {
  name: string;
  message: string;
  code: string | undefined;
  at: At | undefined;
  status: number | undefined;
  body: ErrorBody | undefined;
  requestId: string | undefined;
}

/** An outcome as plain JSON. */
export interface SavedOutcome {
  status: OutcomeStatus;
  stopReason: Outcome['stopReason'];
  error: SavedError | undefined;
}

/** The JSON form of an error. */
export function saveError(error: Error): SavedError {
  const { name, message, code, at, status, body, requestId } = error as Error & SavedError;
  return { name, message, code, at, status, body, requestId };
}

const ENDINGS: Readonly<Record<string, new (message: string) => StreamError>> = {
  TruncatedError,
  DamagedError,
  ConnectionError,
  IdleTimeoutError,
  AbortError,
};

/** The error that {@link saveError} saved: the same class and fields. */
export function loadError(saved: SavedError): StreamError {
  let error: StreamError;
  if (saved.body !== undefined) error = ApiError.from(saved.status, saved.body);
  else if (saved.code !== undefined) error = new ProtocolError(saved.code, saved.message, saved.at ?? { event: 0 });
  else error = new (ENDINGS[saved.name] ?? StreamError)(saved.message);
  error.requestId = saved.requestId;
  return error;
}

/** The JSON form of an outcome. */
export function saveOutcome({ status, stopReason, error }: Outcome): SavedOutcome {
  return { status, stopReason, error: error && saveError(error) };
}

/** The outcome that {@link saveOutcome} saved. */
export function loadOutcome({ status, stopReason, error }: SavedOutcome): Outcome {
  return { status, stopReason, ...(error !== undefined && { error: loadError(error) }) };
}
