/**
 * The server's own errors, before the stream (an HTTP status with a JSON body) or in it (an `error` event after a 200).
 *
 * The two tables are data (protocol notes §8.1): what HTTP status an `error.type` stands for, and the class that users
 * know for a status. The types "will grow over time", so one that is not listed has no status of its own.
 */

import { StreamError } from '../errors.ts';
import type { ErrorBody } from './events.ts';

/** The HTTP status that each documented `error.type` stands for. */
export const ERROR_STATUS: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** One counter of the server's, from its headers. What it did not say is absent. */
export interface RateLimit {
  /** How much is allowed in the window. */
  limit?: number;
  /** How much of it is left. Token counts are rounded to thousands by the server. */
  remaining?: number;
  /** When it is full again, in milliseconds since 1970, as `Date.now()` counts. */
  resetAtMs?: number;
}

/** The server's counters, from its headers. One that it did not mention is absent. */
export interface RateLimits {
  requests?: RateLimit;
  tokens?: RateLimit;
  inputTokens?: RateLimit;
  outputTokens?: RateLimit;
  /** Priority Tier. */
  priorityInputTokens?: RateLimit;
  /** Priority Tier. */
  priorityOutputTokens?: RateLimit;
}

/**
 * The server said no. Subclasses stand for the statuses; {@link ApiError.from} picks the right one.
 *
 * @example
 * const error = ApiError.from(undefined, { type: 'overloaded_error', message: 'Overloaded' });
 * error.message; // 'overloaded_error: Overloaded'
 * error.name; // 'OverloadedError'
 * error.status; // 529
 * error.retryable; // true
 */
export class ApiError extends StreamError {
  override name = 'ApiError';
  /** The HTTP status, or the one its `error.type` stands for; `undefined` for a type that is not known. */
  readonly status: number | undefined;
  /** `error.type`, such as `overloaded_error`. */
  readonly type: string;
  /** The error as the server sent it. */
  readonly body: ErrorBody;
  /** Whether sending the same request again may help. Never do so after content was delivered. */
  readonly retryable: boolean;
  /** How long the server asks to wait, in milliseconds. Read from the headers by `ssemble/fetch` and `ssemble/undici`. */
  retryAfterMs?: number;
  /** The server's counters, if it sent any. Read from the headers by `ssemble/fetch` and `ssemble/undici`. */
  rateLimits?: RateLimits;
  /**
   * The body of the HTTP error as it came, 64 kB of it at most, for what `body` has no place for. Kept by `ssemble/fetch`
   * and `ssemble/undici`; keys are blotted out. Absent for an `error` event.
   */
  bodyText?: string;

  constructor(body: ErrorBody, status?: number) {
    super(`${body.type}: ${body.message}`);
    this.body = body;
    this.type = body.type;
    this.status = status;
    this.retryable = status !== undefined && (status === 408 || status === 409 || status === 429 || status >= 500);
  }

  /**
   * The error for a JSON error body or an `error` event.
   *
   * @param status - the HTTP status if it tells (>= 400); else the one that `error.type` stands for is taken
   * @param body - `{ type, message }`, as in the `error` key
   * @example
   * const error = ApiError.from(undefined, { type: 'rate_limit_error', message: 'Slow down' }, 'req_1');
   * error instanceof RateLimitError; // true
   * error.requestId; // 'req_1'
   */
  static from(status: number | undefined, body: ErrorBody, requestId?: string): ApiError {
    const known =
      status !== undefined && status >= 400
        ? status
        : Object.hasOwn(ERROR_STATUS, body.type)
          ? ERROR_STATUS[body.type]
          : undefined;
    const Class =
      (known !== undefined && ERROR_CLASSES[known]) ||
      (known !== undefined && known >= 500 ? InternalServerError : ApiError);
    const error = new Class(body, known);
    if (requestId !== undefined) error.requestId = requestId;
    return error;
  }
}

/** 400 */
export class BadRequestError extends ApiError {
  override name = 'BadRequestError';
}
/** 401 */
export class AuthenticationError extends ApiError {
  override name = 'AuthenticationError';
}
/** 402 */
export class PaymentRequiredError extends ApiError {
  override name = 'PaymentRequiredError';
}
/** 403 */
export class PermissionDeniedError extends ApiError {
  override name = 'PermissionDeniedError';
}
/** 404 */
export class NotFoundError extends ApiError {
  override name = 'NotFoundError';
}
/** 408 */
export class RequestTimeoutError extends ApiError {
  override name = 'RequestTimeoutError';
}
/** 409 */
export class ConflictError extends ApiError {
  override name = 'ConflictError';
}
/** 412 */
export class PreconditionFailedError extends ApiError {
  override name = 'PreconditionFailedError';
}
/** 413 */
export class ContentTooLargeError extends ApiError {
  override name = 'ContentTooLargeError';
}
/** 422 */
export class UnprocessableEntityError extends ApiError {
  override name = 'UnprocessableEntityError';
}
/** 429 */
export class RateLimitError extends ApiError {
  override name = 'RateLimitError';
}
/** 431 */
export class RequestHeaderFieldsTooLargeError extends ApiError {
  override name = 'RequestHeaderFieldsTooLargeError';
}
/** 499: what a proxy notes when its client leaves */
export class ClientClosedRequestError extends ApiError {
  override name = 'ClientClosedRequestError';
}
/** 500, and every status above it that has no class of its own */
export class InternalServerError extends ApiError {
  override name = 'InternalServerError';
}
/** 501 */
export class NotImplementedError extends InternalServerError {
  override name = 'NotImplementedError';
}
/** 503 */
export class ServiceUnavailableError extends InternalServerError {
  override name = 'ServiceUnavailableError';
}
/** 504 */
export class GatewayTimeoutError extends InternalServerError {
  override name = 'GatewayTimeoutError';
}
/** 529 */
export class OverloadedError extends InternalServerError {
  override name = 'OverloadedError';
}

/** The class of each status. */
export const ERROR_CLASSES: Readonly<Record<number, new (body: ErrorBody, status?: number) => ApiError>> = {
  400: BadRequestError,
  401: AuthenticationError,
  402: PaymentRequiredError,
  403: PermissionDeniedError,
  404: NotFoundError,
  408: RequestTimeoutError,
  409: ConflictError,
  412: PreconditionFailedError,
  413: ContentTooLargeError,
  422: UnprocessableEntityError,
  429: RateLimitError,
  431: RequestHeaderFieldsTooLargeError,
  499: ClientClosedRequestError,
  501: NotImplementedError,
  503: ServiceUnavailableError,
  504: GatewayTimeoutError,
  529: OverloadedError,
};
