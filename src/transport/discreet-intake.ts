/** What the server says in an error, told without the keys of the request. */

import type { StreamError } from '../errors.ts';
import type { MessageAssembler } from '../message/assembler.ts';
import type { StreamEvent } from '../protocol/events.ts';
import type { Intake } from '../stream/pump.ts';
import { blotError, blotEvent } from './secrets.ts';

/**
 * An intake whose errors hold no key: neither the `error` events that it gives, nor the error in which the message ends. It
 * looks at nothing else, so that content stays as it came, and costs nothing.
 */
export class DiscreetIntake implements Intake {
  readonly assembler: MessageAssembler;
  readonly #inner: Intake;
  readonly #secrets: RegExp;

  constructor(inner: Intake, secrets: RegExp) {
    this.assembler = inner.assembler;
    this.#inner = inner;
    this.#secrets = secrets;
  }

  get eventName(): string | undefined {
    return this.#inner.eventName;
  }

  write(item: unknown): void {
    this.#inner.write(item);
  }

  next(): StreamEvent | undefined {
    try {
      const event = this.#inner.next();
      return event?.type === 'error' ? this.#blotted(event) : event;
    } catch (error) {
      if (error instanceof Error) blotError(error, this.#secrets);
      throw error;
    }
  }

  endInput(error?: StreamError): StreamEvent | undefined {
    if (error !== undefined) blotError(error, this.#secrets);
    try {
      return this.#blotted(this.#inner.endInput(error));
    } catch (thrown) {
      if (thrown instanceof Error) blotError(thrown, this.#secrets);
      throw thrown;
    }
  }

  #blotted(event: StreamEvent | undefined): StreamEvent | undefined {
    if (event?.type === 'error') blotEvent(event, this.#secrets);
    const { error } = this.assembler.outcome;
    if (error !== undefined) blotError(error, this.#secrets);
    return event;
  }
}
