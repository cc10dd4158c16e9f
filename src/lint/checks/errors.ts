/** Error events. */

import type { Check, Report, SeenEvent } from '../check.ts';
import { isObject } from '../../protocol/decode.ts';
import { ERROR_STATUS } from '../../protocol/api-error.ts';

/** Checks error events. */
export class ErrorsCheck implements Check {
  readonly #report: Report;
  readonly #fromMiddle: boolean;
  #begun = false;

  constructor(report: Report, fromMiddle: boolean) {
    this.#report = report;
    this.#fromMiddle = fromMiddle;
  }

  event(seen: SeenEvent): void {
    const { event, at, name, data } = seen;
    if (event.type !== 'error') {
      if (event.type !== 'ping' && event.type !== 'unknown') this.#begun = true;
      return;
    }
    const { type, message } = event.error;
    const said = `${type}: ${message}`.slice(0, 200);
    this.#report({ rule: 'error-event', message: `The server reports an error: ${said}`, at, raw: data });
    if (!this.#begun && !this.#fromMiddle) {
      this.#report({ rule: 'error-before-start', message: 'The error came before message_start', at });
    }
    if (name !== 'error') {
      const actual = name === undefined ? 'no event line' : `event: ${name.slice(0, 60)}`;
      this.#report({
        rule: 'misnamed-error',
        message: `The error does not come under the name error: ${actual}`,
        at,
        actual,
      });
    }
    this.#checkShape(seen, type);
  }

  #checkShape({ at, data }: SeenEvent, type: string): void {
    const error = errorIn(data);
    if (error === undefined) {
      const message = 'The error has no object with type and message: read as well as it goes';
      this.#report({ rule: 'malformed-error', message, at, raw: data });
    } else if (!Object.hasOwn(ERROR_STATUS, type)) {
      const actual = `"type":${JSON.stringify(type.slice(0, 60))}`;
      this.#report({ rule: 'unknown-error-type', message: 'The type of the error is none that is known', at, actual });
    }
  }
}

/** The error as it was sent, if it has the documented shape. */
function errorIn(data: string): object | undefined {
  let wire: unknown;
  try {
    wire = JSON.parse(data);
  } catch {
    return undefined;
  }
  const error = isObject(wire) ? wire['error'] : undefined;
  const whole = isObject(error) && typeof error['type'] === 'string' && typeof error['message'] === 'string';
  return whole ? error : undefined;
}
