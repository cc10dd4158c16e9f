/** Keys that no native stream has. */

import type { Check, Report, SeenEvent } from '../check.ts';
import { isObject } from '../../protocol/decode.ts';
import { BLOCK_KEYS, DELTA_KEYS, EVENT_KEYS, MESSAGE_DELTA_KEYS, MESSAGE_KEYS, USAGE_KEYS } from './known-keys.ts';

/** Each key is told once; a stream that makes up new ones without end is told of so many. */
const MOST_KEYS = 50;

/** Checks the keys of events. */
export class KeysCheck implements Check {
  readonly #report: Report;
  readonly #told: Set<string> = new Set();

  constructor(report: Report) {
    this.#report = report;
  }

  event(seen: SeenEvent): void {
    const { event } = seen;
    if (event.type === 'unknown') return;
    this.#look(seen, event.type, event, EVENT_KEYS[event.type]);
    switch (event.type) {
      case 'message_start':
        this.#look(seen, 'message', event.message, MESSAGE_KEYS);
        return this.#look(seen, 'usage', event.message.usage, USAGE_KEYS);
      case 'message_delta':
        this.#look(seen, 'delta', event.delta, MESSAGE_DELTA_KEYS);
        return this.#look(seen, 'usage', event.usage, USAGE_KEYS);
      case 'content_block_start':
        return this.#look(seen, 'content_block', event.content_block, keysOf(BLOCK_KEYS, event.content_block.type));
      case 'content_block_delta':
        return this.#look(seen, 'delta', event.delta, keysOf(DELTA_KEYS, event.delta.type));
      default:
    }
  }

  #look({ at }: SeenEvent, where: string, value: unknown, known: readonly string[] | undefined): void {
    if (known === undefined || !isObject(value)) return;
    for (const key of Object.keys(value)) {
      if (!known.includes(key)) this.#tell(`${where}.${key.slice(0, 60)}`, at);
    }
  }

  #tell(key: string, at: SeenEvent['at']): void {
    if (this.#told.has(key) || this.#told.size >= MOST_KEYS) return;
    this.#told.add(key);
    this.#report({ rule: 'foreign-keys', message: `No native stream has the key ${key}: kept`, at, actual: key });
  }
}

function keysOf(table: Readonly<Record<string, readonly string[]>>, type: string): readonly string[] | undefined {
  return Object.hasOwn(table, type) ? table[type] : undefined;
}
