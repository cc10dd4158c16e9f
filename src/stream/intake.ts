import type { StreamError } from '../errors.ts';
import type { MessageAssembler } from '../message/assembler.ts';
import type { MessageReader } from '../message/reader.ts';
import { ApiError } from '../protocol/api-error.ts';
import { toStreamEvent } from '../protocol/decode.ts';
import type { StreamEvent } from '../protocol/events.ts';
import { decodeUtf8 } from '../sse/utf8.ts';
import type { Intake } from './pump.ts';
import { addHeaders } from './response-headers.ts';
import { toChunk, type ResponseLike } from './source.ts';

/** How much of the body of a failed request is quoted, in bytes. */
const QUOTED_BYTES = 200;

/** Chunks into the reader. */
export class BytesIntake implements Intake {
  readonly #reader: MessageReader;
  /** The response, if its status is one of an error. */
  readonly #refusal: ResponseLike | undefined;
  #head = '';

  constructor(reader: MessageReader, response: ResponseLike | undefined) {
    this.#reader = reader;
    if (response === undefined) return;
    const { assembler } = reader;
    assembler.requestId = response.headers.get('request-id') ?? undefined;
    assembler.status = response.status;
    if (response.status >= 400) this.#refusal = response;
  }

  get assembler(): MessageAssembler {
    return this.#reader.assembler;
  }

  write(item: unknown): void {
    const chunk = toChunk(item);
    if (this.#refusal !== undefined && this.#head.length < QUOTED_BYTES) this.#head += headOf(chunk);
    this.#reader.write(chunk);
  }

  get eventName(): string | undefined {
    return this.#reader.eventName;
  }

  next(): StreamEvent | undefined {
    return this.#reader.next();
  }

  endInput(error?: StreamError): StreamEvent | undefined {
    if (error === undefined && this.#refusal !== undefined) this.#judgeStatus(this.#refusal.status);
    const last = this.#reader.endInput();
    const found = this.assembler.outcome.error;
    if (this.#refusal !== undefined && found instanceof ApiError) addHeaders(found, this.#refusal.headers);
    return last;
  }

  /** An error status with a body that is no JSON (nothing, a line of a proxy, a page): the status is what counts. */
  #judgeStatus(status: number): void {
    const { assembler } = this;
    const head = this.#head.trim();
    if (assembler.outcome.status !== 'open' || assembler.message !== undefined || head.startsWith('{')) return;
    const line = head.replace(/\s+/g, ' ').slice(0, QUOTED_BYTES);
    const message = line === '' ? `HTTP ${status} with an empty body` : `HTTP ${status}: ${line}`;
    assembler.fail(ApiError.from(status, { type: 'api_error', message }, assembler.requestId));
  }
}

/** Events that came without bytes, or from another stream. One is applied when it is taken, not before. */
export class EventsIntake implements Intake {
  readonly #reader: MessageReader;
  #waiting: StreamEvent | undefined = undefined;

  constructor(reader: MessageReader) {
    this.#reader = reader;
  }

  get assembler(): MessageAssembler {
    return this.#reader.assembler;
  }

  get eventName(): undefined {
    return undefined;
  }

  write(item: unknown): void {
    this.#waiting = toStreamEvent(item);
  }

  next(): StreamEvent | undefined {
    const event = this.#waiting;
    if (event === undefined) return undefined;
    this.#waiting = undefined;
    this.#reader.apply(event);
    return event;
  }

  endInput(): undefined {
    this.#reader.endInput();
  }
}

function headOf(chunk: Uint8Array | string): string {
  return typeof chunk === 'string' ? chunk.slice(0, QUOTED_BYTES) : decodeUtf8(chunk.subarray(0, QUOTED_BYTES));
}
