/** The errors: names, classes by status, and what each error that ends a stream carries. */

import { describe, expect, test } from 'vitest';
import * as ssemble from '../src/index.ts';
import {
  AbortError,
  ApiError,
  ConnectionError,
  IdleTimeoutError,
  MessageParser,
  ProtocolError,
  StreamError,
} from '../src/index.ts';
import { ERROR_STATUS } from '../src/protocol/api-error.ts';
import * as m from './support/messages.ts';
import { sse } from './support/stream.ts';

type AnyError = new (...args: never[]) => Error;

const classes = Object.entries<unknown>(ssemble).filter(
  (entry): entry is [string, AnyError] => typeof entry[1] === 'function' && entry[1].prototype instanceof Error,
);

test('there are errors of every kind', () => {
  expect(classes.map(([name]) => name)).toEqual(
    expect.arrayContaining([
      'StreamError',
      'ProtocolError',
      'ApiError',
      'TruncatedError',
      'DamagedError',
      'ConnectionError',
      'IdleTimeoutError',
      'AbortError',
      'RateLimitError',
      'OverloadedError',
      'AuthenticationError',
    ]),
  );
  expect(classes.length).toBeGreaterThanOrEqual(20);
});

describe.each(classes)('%s', (name, Class) => {
  const error: Error =
    ApiError.isPrototypeOf(Class) || Class === (ApiError as unknown)
      ? new (Class as unknown as typeof ApiError)({ type: 'x', message: 'm' }, 418)
      : Class === (ProtocolError as unknown)
        ? new ProtocolError('code', 'm', { event: 1 })
        : new (Class as unknown as typeof StreamError)('m');

  test('sets its own name', () => {
    expect(error.name).toBe(name);
    expect(error.toString()).toMatch(new RegExp(`^${name}: `));
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(StreamError);
  });

  test('has a place for all that an ending carries', () => {
    for (const key of ['snapshot', 'blocks', 'outcome', 'requestId']) expect(error).toHaveProperty(key);
  });
});

describe('ApiError.from', () => {
  test.each<[status: number | undefined, type: string, name: string, expected: number | undefined, retryable: boolean]>(
    [
      [undefined, 'invalid_request_error', 'BadRequestError', 400, false],
      [undefined, 'authentication_error', 'AuthenticationError', 401, false],
      [undefined, 'billing_error', 'PaymentRequiredError', 402, false],
      [undefined, 'permission_error', 'PermissionDeniedError', 403, false],
      [undefined, 'not_found_error', 'NotFoundError', 404, false],
      [undefined, 'conflict_error', 'ConflictError', 409, true],
      [undefined, 'request_too_large', 'ContentTooLargeError', 413, false],
      [undefined, 'rate_limit_error', 'RateLimitError', 429, true],
      [undefined, 'api_error', 'InternalServerError', 500, true],
      [undefined, 'timeout_error', 'GatewayTimeoutError', 504, true],
      [undefined, 'overloaded_error', 'OverloadedError', 529, true],
      [undefined, 'quantum_error', 'ApiError', undefined, false],
      [undefined, 'constructor', 'ApiError', undefined, false],
      [200, 'overloaded_error', 'OverloadedError', 529, true],
      [503, 'overloaded_error', 'ServiceUnavailableError', 503, true],
      [408, 'x', 'RequestTimeoutError', 408, true],
      [422, 'x', 'UnprocessableEntityError', 422, false],
      [412, 'x', 'PreconditionFailedError', 412, false],
      [431, 'x', 'RequestHeaderFieldsTooLargeError', 431, false],
      [499, 'x', 'ClientClosedRequestError', 499, false],
      [501, 'x', 'NotImplementedError', 501, true],
      [502, 'x', 'InternalServerError', 502, true],
      [418, 'x', 'ApiError', 418, false],
      [429, 'invalid_request_error', 'RateLimitError', 429, true],
    ],
  )('status %s, type %s is %s (%s, retryable %s)', (status, type, name, expected, retryable) => {
    const body = { type, message: 'm', details: null };
    const error = ApiError.from(status, body, 'req_1');
    expect(error).toMatchObject({ name, status: expected, type, retryable, requestId: 'req_1' });
    expect(error.constructor.name).toBe(name);
    expect(error.body).toBe(body);
    expect(error.message).toBe(`${type}: m`);
  });

  test('every documented type has a status', () => {
    for (const [type, status] of Object.entries(ERROR_STATUS)) {
      expect(ApiError.from(undefined, { type, message: '' }).status).toBe(status);
    }
  });
});

const opened = [sse(m.start()), sse(m.textStart(0)), sse(m.textDelta(0, 'A'))].join('');
const abort = Object.assign(new Error('gone'), { name: 'AbortError' });

describe.each<[string, string, unknown, string, string]>([
  ['the end', opened, undefined, 'truncated', 'TruncatedError'],
  ['an idle timeout', opened, new IdleTimeoutError('idle'), 'stalled', 'IdleTimeoutError'],
  ['our abort', opened, new AbortError('stop'), 'aborted', 'AbortError'],
  ['an abort of the platform', opened, abort, 'aborted', 'AbortError'],
  ['a broken connection', opened, new ConnectionError('reset'), 'disconnected', 'ConnectionError'],
  ['any other error', opened, new TypeError('terminated'), 'disconnected', 'ConnectionError'],
  ['what is no error at all', opened, 'reset', 'disconnected', 'ConnectionError'],
  ['an error event', opened + sse(m.apiError()), undefined, 'errored', 'OverloadedError'],
  [
    'an error event, then a broken connection',
    opened + sse(m.apiError()),
    new Error('reset'),
    'errored',
    'OverloadedError',
  ],
  [
    'damage',
    opened + sse('{', 'x') + sse(m.blockStop(0)) + sse(m.messageDelta()) + sse(m.stop),
    undefined,
    'damaged',
    'DamagedError',
  ],
  ['nothing but the end', '', undefined, 'truncated', 'TruncatedError'],
  ['nothing but an error', sse(m.apiError()), undefined, 'errored', 'OverloadedError'],
  ['a body that is none', '<html>', undefined, 'errored', 'ProtocolError'],
])('%s', (_, body, given, status, name) => {
  test('settles the outcome with an error that carries what had arrived', () => {
    const parser = new MessageParser();
    parser.push(body);
    parser.end(given);
    const { outcome, message, blocks } = parser;
    expect(outcome.status).toBe(status);
    expect(outcome.error).toMatchObject({ name });
    const error = outcome.error as StreamError;
    expect(error.snapshot).toBe(message);
    expect(error.blocks).toEqual(blocks);
    expect(error.outcome).toEqual(outcome);
    if (given instanceof StreamError && status !== 'errored') expect(error).toBe(given);
    else if (given !== undefined && status !== 'errored') expect(error.cause).toBe(given);
  });
});

test('requestId comes from the error event', () => {
  const parser = new MessageParser();
  parser.push(opened + sse({ ...m.apiError(), request_id: 'req_9' }));
  parser.end();
  expect(parser.requestId).toBe('req_9');
  expect(parser.outcome.error).toMatchObject({ requestId: 'req_9' });
});

test('requestId that the owner knows goes onto every error, and stays', () => {
  const assembler = new ssemble.MessageAssembler();
  assembler.requestId = 'req_1';
  assembler.apply(ssemble.toStreamEvent({ ...m.apiError(), request_id: 'req_9' }));
  assembler.end();
  expect(assembler.outcome.error).toMatchObject({ requestId: 'req_1' });
  assembler.reset();
  expect(assembler.requestId).toBeUndefined();
});

test('a message says what could not be done, then the state and the place', () => {
  const parser = new MessageParser({}, { strict: true });
  const body = sse(m.start()) + sse(m.blockStart(1, { type: 'tool_use', id: 't', name: 'n', input: {} }));
  expect(() => parser.push(body + sse(m.textDelta(1, 'x')))).toThrow(
    `Cannot append text_delta to block 1: block is tool_use; put into an implied block (event 3, byte ${body.length})`,
  );
});

describe('as JSON, for a logger', () => {
  test('the error of a stream that ended early is whole, and no circle', () => {
    const parser = new MessageParser();
    parser.push('data: {"type":"message_start","message":{"id":"msg_1","content":[]}}\n\n');
    parser.end(new TypeError('terminated'));
    const { error } = parser.outcome;
    expect((error as StreamError).outcome?.error).toBe(error);
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      name: 'ConnectionError',
      message: error?.message,
      snapshot: { id: 'msg_1' },
      outcome: { status: 'disconnected', stopReason: null },
    });
    expect(() => JSON.stringify(parser.outcome)).not.toThrow();
  });
});
