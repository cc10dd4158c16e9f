/** Frames of Bedrock to events, in pull form: what the parser, the iterator and the importer are made of. */

import { ProtocolError } from '../errors.ts';
import { decodeEvent, isObject, type Wire } from '../protocol/decode.ts';
import type { ErrorEvent, StreamEvent } from '../protocol/events.ts';
import { fromBase64 } from '../sse/base64.ts';
import { decodeUtf8 } from '../sse/utf8.ts';
import { toChunk } from '../stream/source.ts';
import type { Carrier } from './carried-events.ts';
import { EventStreamDecoder, eventStreamText, type EventStreamMessage } from './event-stream.ts';

/**
 * The `error.type` that each exception of Bedrock stands for. The first six may come inside a stream, the others as the
 * answer to the request. One that is not listed is an `api_error`.
 *
 * Source: the Bedrock runtime API reference, `ResponseStream` and the errors of `InvokeModelWithResponseStream`.
 */
export const BEDROCK_ERROR_TYPES: Readonly<Record<string, string>> = {
  internalServerException: 'api_error',
  modelStreamErrorException: 'api_error',
  modelTimeoutException: 'timeout_error',
  serviceUnavailableException: 'overloaded_error',
  throttlingException: 'rate_limit_error',
  validationException: 'invalid_request_error',
  accessDeniedException: 'permission_error',
  modelErrorException: 'api_error',
  modelNotReadyException: 'overloaded_error',
  resourceNotFoundException: 'not_found_error',
  serviceQuotaExceededException: 'rate_limit_error',
};

/** The frames of `ConverseStream`: another protocol in the same envelope. */
const CONVERSE_EVENTS: ReadonlySet<string> = new Set([
  'messageStart',
  'contentBlockStart',
  'contentBlockDelta',
  'contentBlockStop',
  'messageStop',
  'metadata',
]);

/** Frames in, events out. After an error every further call throws the same one, until `reset()`. */
export class BedrockReader implements Carrier {
  readonly #decoder = new EventStreamDecoder();
  #failure: ProtocolError | undefined = undefined;
  /** The JSON text of the event that was given last, as the frame carried it; `undefined` if it carried none. */
  data: string | undefined = undefined;

  write(chunk: unknown): void {
    this.#check();
    this.#decoder.write((typeof chunk === 'string' ? chunk : toChunk(chunk)) as Uint8Array);
  }

  next(): StreamEvent | undefined {
    this.#check();
    const frame = this.#decoder.next();
    if (frame === undefined) return undefined;
    this.data = undefined;
    return this.#read(frame);
  }

  end(): void {
    this.#check();
    this.#decoder.end();
  }

  at(): { event: number; byte: number } {
    return this.#decoder.position();
  }

  reset(): void {
    this.#decoder.reset();
    this.#failure = undefined;
    this.data = undefined;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #read(frame: EventStreamMessage): StreamEvent {
    const kind = eventStreamText(frame, ':message-type');
    if (kind === 'exception' || kind === 'error') return errorOf(frame);
    const type = eventStreamText(frame, ':event-type');
    if (type !== undefined && CONVERSE_EVENTS.has(type)) throw this.#refuseConverse(type);
    const text = decodeUtf8(frame.payload);
    if (type !== undefined && type !== 'chunk') {
      return { type: 'unknown', reason: 'type', wire: { type, payload: parse(text) ?? text }, raw: text };
    }
    return this.#readChunk(text);
  }

  #readChunk(text: string): StreamEvent {
    const payload = parse(text);
    if (!isObject(payload)) return { type: 'unknown', reason: text.trim() === '' ? 'empty' : 'json', raw: text };
    const { bytes, ...others } = payload;
    // A gateway's sign of life: a frame with nothing in it.
    const blank = bytes === '' || (bytes === undefined && Object.keys(others).every((key) => key === 'p'));
    if (blank) return { type: 'unknown', reason: 'empty', raw: text };
    const data = typeof bytes === 'string' ? decodeBase64(bytes) : undefined;
    if (data === undefined) return { type: 'unknown', reason: 'shape', wire: payload, raw: text };
    if (/^\s*\{\s*\}\s*$/.test(data)) return { type: 'unknown', reason: 'empty', raw: data };
    this.data = data;
    return decodeEvent({ event: 'message', data, id: '', named: false });
  }

  #refuseConverse(type: string): ProtocolError {
    const at = this.at();
    const where = `event type ${type} (frame ${at.event}, byte ${at.byte})`;
    const what = 'Cannot read a ConverseStream: its events are not those of the Messages API';
    const hint = 'call InvokeModelWithResponseStream instead';
    return (this.#failure = new ProtocolError('converse-stream', `${what}; ${hint}. It has ${where}`, at));
  }
}

/** An exception frame (one that the API describes) or an error frame (one that it does not). */
function errorOf(frame: EventStreamMessage): ErrorEvent {
  const text = decodeUtf8(frame.payload);
  const code = eventStreamText(frame, ':exception-type') ?? eventStreamText(frame, ':error-code');
  return bedrockError(code, text, eventStreamText(frame, ':error-message'));
}

/** The `error` event for an exception of this name: the rest of its body is kept in `details`. */
export function bedrockError(code: string | undefined, text: string, said?: string): ErrorEvent {
  const parsed = parse(text);
  const body: Wire = isObject(parsed) ? parsed : {};
  const { message = body['Message'], ...others } = body;
  const name = exceptionName(code);
  const type = (Object.hasOwn(BEDROCK_ERROR_TYPES, name) && BEDROCK_ERROR_TYPES[name]) || 'api_error';
  const found = [message, said, isObject(parsed) ? '' : text, name].find(
    (each) => typeof each === 'string' && each !== '',
  );
  const details = { ...others, ...(name !== '' && { error_code: name }) };
  const error = { type, message: (found as string | undefined) ?? 'an exception without a name or a message', details };
  return { type: 'error', error };
}

/** `com.amazon#ThrottlingException:http://…` → `throttlingException`. */
function exceptionName(code: string | undefined): string {
  const name = /([^#]*#)?([^:]*)/.exec(code ?? '')?.[2] ?? '';
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function decodeBase64(text: string): string | undefined {
  try {
    return decodeUtf8(fromBase64(text));
  } catch {
    return undefined;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
