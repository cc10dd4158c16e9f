/** A stretch of the timeline on the screen: what is seen of the whole, zoomed and moved, never past its ends. */

/** Maps values (milliseconds, or event numbers) to pixels. */
export class Scale {
  readonly #first: number;
  readonly #last: number;
  /** The least that may be seen. */
  readonly #least: number;
  from: number;
  to: number;
  width = 1;

  constructor(first: number, last: number, least: number) {
    this.#first = first;
    this.#last = Math.max(last, first + least);
    this.#least = least;
    this.from = this.#first;
    this.to = this.#last;
  }

  /** Whether all of it is seen. */
  get whole(): boolean {
    return this.from <= this.#first && this.to >= this.#last;
  }

  /** The pixel of a value. */
  x(value: number): number {
    return ((value - this.from) / (this.to - this.from)) * this.width;
  }

  /** The value at a pixel. */
  value(x: number): number {
    return this.from + (x / this.width) * (this.to - this.from);
  }

  /** Shows `1 / factor` of what is seen, and keeps the value at pixel `x` in its place. */
  zoom(factor: number, x: number): void {
    const fixed = this.value(x);
    const span = Math.min(Math.max((this.to - this.from) / factor, this.#least), this.#last - this.#first);
    this.#place(fixed - (x / this.width) * span, span);
  }

  /** Moves by pixels: what is right comes into sight for a positive number. */
  pan(pixels: number): void {
    const span = this.to - this.from;
    this.#place(this.from + (pixels / this.width) * span, span);
  }

  /** Moves just so far that the value is in sight. */
  reveal(value: number): void {
    if (value >= this.from && value <= this.to) return;
    const span = this.to - this.from;
    this.#place(value - span / 2, span);
  }

  /** Shows all. */
  fit(): void {
    this.from = this.#first;
    this.to = this.#last;
  }

  /** Round values in sight, about `pixels` apart. */
  ticks(pixels: number): number[] {
    const wanted = ((this.to - this.from) * pixels) / this.width;
    const power = 10 ** Math.floor(Math.log10(wanted));
    const step = power * ([1, 2, 5, 10].find((each) => each * power >= wanted) ?? 10);
    const ticks: number[] = [];
    for (let k = Math.ceil(this.from / step); k * step <= this.to; k++) ticks.push(k * step);
    return ticks;
  }

  #place(from: number, span: number): void {
    this.from = Math.min(Math.max(from, this.#first), this.#last - span);
    this.to = this.from + span;
  }
}
