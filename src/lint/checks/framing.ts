/** Lines: their ends, their fields, how they make an event. */

import { type Check, Habit, type Line, type LineEnd, type Report } from '../check.ts';
import type { Place } from '../finding.ts';

/** Checks the lines of the stream. */
export class FramingCheck implements Check {
  readonly #report: Report;
  readonly #noSpace = new Habit('no-space-after-colon', (times) => `No space after the colon of a field, ${times}`);
  readonly #comments = new Habit('comment-line', (times) => `A comment line came, ${times}`);
  readonly #ids = new Habit('id-line', (times) => `An id line came, ${times}`);
  readonly #retries = new Habit('retry-line', (times) => `A retry line came, ${times}`);
  readonly #unknown = new Habit(
    'unknown-field',
    (times) => `A line has a field that SSE does not know, ${times}: ignored`,
  );
  readonly #several = new Habit('multi-line-data', (times) => `The data of an event is spread over lines, ${times}`);
  readonly #dataless = new Habit(
    'event-without-data',
    (times) => `A group of lines has no data line, ${times}: by the standard it is no event`,
  );
  readonly #ends: Map<LineEnd, Place> = new Map();
  #eventLines = 0;
  #dataLines = 0;
  #objects = 0;
  #fields = 0;
  #group: Place | undefined = undefined;

  constructor(report: Report) {
    this.#report = report;
  }

  line(line: Line): void {
    if (!this.#ends.has(line.end)) this.#ends.set(line.end, line.at);
    if (line.field === undefined) return this.#endGroup();
    this.#group ??= line.at;
    this.#field(line);
    const spaced = line.field === 'event' || line.field === 'data';
    if (spaced && line.colon && !line.space && line.head !== '') this.#noSpace.see(line.at);
  }

  #field({ field, at, head }: Line): void {
    switch (field) {
      case '':
        return this.#comments.see(at);
      case 'event':
        this.#eventLines++;
        break;
      case 'data':
        this.#dataLines++;
        if (head === '{"') this.#objects++;
        break;
      case 'id':
        this.#ids.see(at);
        break;
      case 'retry':
        this.#retries.see(at);
        break;
      default:
        return this.#unknown.see(at, { actual: `a line with the field ${JSON.stringify(field)}` });
    }
    this.#fields++;
  }

  /** A blank line ended a group of lines. */
  #endGroup(): void {
    const at = this.#group;
    if (at !== undefined) this.#judgeGroup(at);
    this.#group = undefined;
    this.#eventLines = this.#dataLines = this.#objects = this.#fields = 0;
  }

  #judgeGroup(at: Place): void {
    const merged = this.#eventLines > 1 || this.#objects > 1;
    if (merged) {
      const lines = this.#eventLines > 1 ? `${this.#eventLines} event lines` : `${this.#objects} JSON objects`;
      this.#report({
        rule: 'merged-events',
        message: `One event has ${lines}: a blank line between events is missing`,
        at,
      });
    } else if (this.#dataLines > 1) this.#several.see(at);
    if (this.#dataLines === 0 && this.#fields > 0) this.#dataless.see(at);
  }

  badBytes(at: Place): void {
    const message = 'An event holds bytes that are no UTF-8: each became U+FFFD';
    this.#report({ rule: 'invalid-utf8', message, at });
  }

  end(): void {
    const habits = [
      this.#noSpace,
      this.#comments,
      this.#ids,
      this.#retries,
      this.#unknown,
      this.#several,
      this.#dataless,
    ];
    for (const habit of habits) habit.tell(this.#report);
    this.#tellEnds();
  }

  #tellEnds(): void {
    const kinds = [...this.#ends.keys()];
    const [first, second] = kinds;
    if (second !== undefined) {
      const message = `Lines end in different ways: ${kinds.join(', ')}`;
      this.#report({ rule: 'mixed-line-ends', message, at: this.#ends.get(second) as Place });
    } else if (first === 'CR LF' || first === 'CR') {
      const rule = first === 'CR' ? 'cr-line-ends' : 'crlf-line-ends';
      this.#report({ rule, message: `Lines end with ${first}`, at: this.#ends.get(first) as Place });
    }
  }
}
