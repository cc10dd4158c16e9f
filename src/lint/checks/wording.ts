/** The JSON of events as text: who wrote it, and what happened to its characters. */

import { type Check, Habit, type Report, type SeenEvent } from '../check.ts';
import { DELTA_TEXT } from '../../protocol/decode.ts';

const TYPE_FIRST = /^\s*\{\s*"type"\s*:/;
const SURROGATE = /[\ud800-\udfff]/;
const PAIRS = /[\ud800-\udbff][\udc00-\udfff]/g;
/** An escape that the API does not use: of a printable character, or of a slash. */
const FOREIGN_ESCAPE = /^(?:\/|u(?!00[01]))/;

/** Checks how the data of events is written. */
export class WordingCheck implements Check {
  readonly #report: Report;
  #rewritten = false;
  #reordered = false;
  readonly #surrogates = new Habit(
    'lone-surrogate',
    (times) => `Half a surrogate pair stands alone in a delta, ${times}`,
  );
  readonly #replaced = new Habit('replacement-character', (times) => `A delta has U+FFFD in its text, ${times}`);

  constructor(report: Report) {
    this.#report = report;
  }

  event(seen: SeenEvent): void {
    const { event, at, data } = seen;
    if (event.type === 'unknown' || event.type === 'ping' || !/^\s*\{/.test(data)) return;
    if (!this.#rewritten) this.#checkWriting(seen);
    if (!this.#reordered && !TYPE_FIRST.test(data) && hasType(data)) {
      this.#reordered = true;
      this.#report({ rule: 'reordered-keys', message: 'The first key of the data is not type', at });
    }
    if (event.type === 'content_block_delta') this.#checkText(seen, event.delta as unknown as Record<string, unknown>);
  }

  #checkWriting({ at, data }: SeenEvent): void {
    const sign = signOfRewriting(data);
    if (sign === undefined) return;
    this.#rewritten = true;
    this.#report({
      rule: 're-serialised-json',
      message: `The JSON was written anew on the way: ${sign}`,
      at,
      actual: sign,
    });
  }

  #checkText({ event, at, damaged }: SeenEvent, delta: Record<string, unknown>): void {
    const { type } = delta;
    const field = typeof type === 'string' && Object.hasOwn(DELTA_TEXT, type) ? DELTA_TEXT[type] : undefined;
    const text = field === undefined ? undefined : delta[field];
    if (typeof text !== 'string') return;
    const index = (event as { index?: unknown }).index;
    const where = typeof index === 'number' ? { index } : {};
    if (!damaged && text.includes('\ufffd')) this.#replaced.see(at, where);
    if (SURROGATE.test(text) && SURROGATE.test(text.replace(PAIRS, ''))) this.#surrogates.see(at, where);
  }

  end(): void {
    this.#replaced.tell(this.#report);
    this.#surrogates.tell(this.#report);
  }
}

function hasType(data: string): boolean {
  try {
    return Object.hasOwn(JSON.parse(data) as object, 'type');
  } catch {
    return false;
  }
}

/** White space outside strings but before the last brace, or an escape that the API does not use; what was found first. */
function signOfRewriting(data: string): string | undefined {
  let inString = false;
  let blankAt = -1;
  for (let i = 0; i < data.length; i++) {
    const unit = data.charCodeAt(i);
    if (inString) {
      if (unit === 0x5c) {
        i++;
        if (FOREIGN_ESCAPE.test(data.slice(i, i + 5)))
          return `the escape \\${data.slice(i, data[i] === 'u' ? i + 5 : i + 1)}`;
      } else if (unit === 0x22) inString = false;
    } else if (unit === 0x22) {
      if (blankAt >= 0) return 'white space between its tokens';
      inString = true;
    } else if (unit === 0x20 || unit === 0x0a || unit === 0x09 || unit === 0x0d) {
      if (blankAt < 0) blankAt = i;
    } else if (blankAt >= 0 && i < data.length - 1) return 'white space between its tokens';
  }
  const padding = data.endsWith('}') || blankAt < 0;
  return padding ? undefined : 'white space behind it';
}
