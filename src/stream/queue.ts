/** How many empty places at its front a queue may keep before they are cut off. */
const MAX_EMPTY = 1024;

/**
 * First in, first out. The front is an index, because `Array.prototype.shift` moves all that is behind it: with a hundred
 * thousand in the queue that costs minutes.
 */
export class Queue<T> {
  #items: (T | undefined)[] = [];
  #front = 0;

  get length(): number {
    return this.#items.length - this.#front;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#front];
    this.#items[this.#front++] = undefined;
    // Cut only when more is empty than full: then each item is moved once at most.
    if (this.length === 0 || (this.#front > MAX_EMPTY && this.#front > this.length)) {
      this.#items = this.#items.slice(this.#front);
      this.#front = 0;
    }
    return item;
  }
}
