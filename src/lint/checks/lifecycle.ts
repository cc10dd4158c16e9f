/** The message as a whole: its start, its message_delta, its end, and events of other protocols in between. */

import { type Check, Habit, type Report, type SeenEvent, type SeenMessage } from '../check.ts';
import type { Place } from '../finding.ts';
import { EMPTY_ANSWER_TOKENS } from '../thresholds.ts';
import { isObject, type Wire } from '../../protocol/decode.ts';
import type { MessageDeltaEvent, MessageStartEvent } from '../../protocol/events.ts';
import { STOP_REASONS } from '../../protocol/message.ts';
import type { Outcome } from '../../message/types.ts';

/** What message_start must have. `type` too, but it is left out in the wild and nobody reads it. */
const START_KEYS: readonly string[] = ['id', 'role', 'model', 'content', 'stop_reason', 'stop_sequence'];

/** Checks the life of the message. */
export class LifecycleCheck implements Check {
  readonly #report: Report;
  readonly #fromMiddle: boolean;
  readonly #earlyPings = new Habit('ping-before-start', (times) => `A ping came before message_start, ${times}`);
  readonly #chunks = new Habit(
    'openai-chunk',
    (times) => `A chunk of the Chat Completions API came, ${times}: not read`,
  );
  readonly #bare = new Habit('bare-text-delta', (times) => `A delta has text but no type, ${times}: not read`);
  #begun = false;
  #events = 0;
  #deltas = 0;
  #startReason: unknown = null;

  constructor(report: Report, fromMiddle: boolean) {
    this.#report = report;
    this.#fromMiddle = fromMiddle;
  }

  event(seen: SeenEvent): void {
    const { event, at } = seen;
    this.#events++;
    switch (event.type) {
      case 'ping':
        if (!this.#begun && !this.#fromMiddle) this.#earlyPings.see(at);
        return;
      case 'unknown':
        return this.#foreign(seen);
      case 'message_start':
        this.#start(event, at);
        break;
      case 'message_delta':
        this.#delta(event, at);
        break;
      case 'message_stop':
        this.#stop(at);
        break;
      default:
    }
    this.#begun = true;
  }

  #foreign({ event, at, data }: SeenEvent): void {
    const wire = (event as { wire?: unknown }).wire;
    if (!isObject(wire)) return;
    const raw = data;
    if (wire['type'] === 'message' && Array.isArray(wire['content'])) {
      const message = 'A whole Message came as one event: readers do not know its type, its content is lost';
      this.#report({ rule: 'whole-message-event', message, at, raw });
    } else if (Array.isArray(wire['choices'])) this.#chunks.see(at, { raw });
    const delta = wire['delta'];
    const bare = isObject(delta) && typeof delta['text'] === 'string' && delta['type'] === undefined;
    if (bare && wire['type'] === 'content_block_delta') this.#bare.see(at, { raw });
  }

  #start(event: MessageStartEvent, at: Place): void {
    const message = event.message as unknown as Wire;
    this.#deltas = 0;
    this.#startReason = message['stop_reason'] ?? null;
    const missing = START_KEYS.filter(
      (key) => message[key] === undefined || (key === 'content' && message[key] === null),
    );
    if (missing.length > 0) {
      const actual = `without ${missing.join(', ')}`;
      this.#report({ rule: 'incomplete-message-start', message: `message_start came ${actual}`, at, actual });
    }
    const { id } = message;
    if (typeof id === 'string' && !id.startsWith('msg_')) {
      const actual = `"id":${JSON.stringify(id.slice(0, 60))}`;
      this.#report({
        rule: 'foreign-message-id',
        message: 'The id of the message does not begin with msg_',
        at,
        actual,
      });
    }
    this.#reason(message['stop_reason'], at);
  }

  #delta(event: MessageDeltaEvent, at: Place): void {
    this.#deltas++;
    if (this.#deltas === 2) {
      this.#report({ rule: 'several-message-deltas', message: 'A second message_delta came for the same message', at });
    }
    this.#reason((event.delta as unknown as Wire)['stop_reason'], at);
  }

  #reason(reason: unknown, at: Place): void {
    if (reason === '') {
      this.#report({ rule: 'empty-stop-reason', message: 'The stop reason is an empty string', at });
    } else if (typeof reason === 'string' && !(STOP_REASONS as readonly string[]).includes(reason)) {
      const actual = `"stop_reason":${JSON.stringify(reason.slice(0, 60))}`;
      this.#report({ rule: 'unknown-stop-reason', message: 'The stop reason is none that is known', at, actual });
    }
  }

  #stop(at: Place): void {
    const unseen = this.#fromMiddle && this.#events === 1;
    if (this.#begun && this.#deltas === 0 && this.#startReason === null && !unseen) {
      this.#report({
        rule: 'missing-message-delta',
        message: 'message_stop came without a message_delta before it',
        at,
      });
    }
    // What comes after the stop is another message, or nothing.
    this.#startReason = '';
  }

  message({ message, outcome, at }: SeenMessage): void {
    const content = Array.isArray(message.content) ? message.content : [];
    if (outcome.status !== 'complete' || message.stop_reason !== 'end_turn' || !content.every(isEmptyText)) return;
    const tokens: unknown = (message.usage as { output_tokens?: unknown } | undefined)?.output_tokens;
    if (typeof tokens === 'number' && tokens > 0 && tokens <= EMPTY_ANSWER_TOKENS) return;
    const actual = typeof tokens === 'number' ? `${tokens} output tokens` : 'no count of output tokens';
    this.#report({
      rule: 'empty-answer',
      message: `The message ended with end_turn and has no content, but ${actual}`,
      at,
      actual,
    });
  }

  end({ status, error }: Outcome, at: Place): void {
    for (const habit of [this.#earlyPings, this.#chunks, this.#bare]) habit.tell(this.#report);
    if (status !== 'truncated' && status !== 'stalled' && status !== 'disconnected') return;
    const message = error?.message ?? 'The stream ended before message_stop';
    if (this.#begun) this.#report({ rule: 'missing-message-stop', message, at });
    else if (!this.#fromMiddle) this.#report({ rule: 'empty-stream', message, at });
  }
}

function isEmptyText(block: unknown): boolean {
  const { type, text } = block as Wire;
  return type === 'text' && (text === undefined || text === null || (typeof text === 'string' && text.trim() === ''));
}
