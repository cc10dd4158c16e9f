/** Token counts. */

import { type Check, Habit, type Report, type SeenEvent, type SeenMessage } from '../check.ts';
import type { Place } from '../finding.ts';
import { isObject, type Wire } from '../../protocol/decode.ts';
import type { MessageStartEvent } from '../../protocol/events.ts';

const INPUT = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'] as const;
const TOTALS = ['input_tokens', 'output_tokens'] as const;

/** Checks usage. */
export class UsageCheck implements Check {
  readonly #report: Report;
  readonly #nulls = new Habit('null-usage', (times) => `A token count is null, ${times}: the count before it stands`);
  /** Whether the message that is open has a start that leaves its counts to message_delta. */
  #startOpen = false;
  #output = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  event({ event, at }: SeenEvent): void {
    if (event.type === 'message_start') this.#start(event, at);
    else if (event.type === 'message_delta' && isObject(event.usage)) this.#delta(event.usage, at);
  }

  #start(event: MessageStartEvent, at: Place): void {
    const { usage, stop_reason } = event.message;
    this.#output = 0;
    this.#startOpen = (stop_reason ?? null) === null;
    if ('usage' in event) {
      const message = 'message_start has a usage beside its message';
      this.#report({ rule: 'usage-misplaced', message, at });
    }
    if (!isObject(usage)) return;
    if (TOTALS.some((key) => usage[key] === null)) this.#nulls.see(at);
    const counts = [...INPUT, 'output_tokens' as const].map((key) => (usage as Wire)[key]);
    if (this.#startOpen && usage['input_tokens'] === 0 && counts.every((count) => (count ?? 0) === 0)) {
      this.#report({ rule: 'zero-usage-in-start', message: 'Every token count of message_start is zero', at });
    }
  }

  #delta(usage: Wire, at: Place): void {
    if ([...INPUT, 'output_tokens'].some((key) => usage[key] === null)) this.#nulls.see(at);
    const output = usage['output_tokens'];
    if (typeof output !== 'number') return;
    if (output < this.#output) {
      const actual = `output_tokens ${output} after ${this.#output}`;
      const message = `The count of output tokens fell from ${this.#output} to ${output}: it must be a total`;
      this.#report({ rule: 'usage-decreasing', message, at, actual });
    }
    this.#output = output;
  }

  message({ message, outcome, at }: SeenMessage): void {
    const usage = message.usage as unknown;
    if (outcome.status !== 'complete' || !this.#startOpen) return;
    this.#startOpen = false;
    if (isObject(usage) && INPUT.some((key) => typeof usage[key] === 'number' && usage[key] > 0)) return;
    this.#report({
      rule: 'input-tokens-unknown',
      message: 'The stream does not say how many input tokens there were',
      at,
    });
  }

  end(): void {
    this.#nulls.tell(this.#report);
  }
}
