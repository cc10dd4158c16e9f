import type { ReadResult, Source } from './source.ts';

/** One read that both halves share. The list grows at the front reader and is let go behind the slower one. */
interface Node {
  result: Promise<ReadResult> | undefined;
  next: Node | undefined;
}

/**
 * Splits a source in two. Whichever half comes first to a place reads it, so the pace is that of the faster half; what
 * the slower one has not read yet hangs on its own end of the list, and nothing is held when it is cancelled. The source
 * is cancelled when both are.
 */
export function teeSource(source: Source): [Source, Source] {
  const first: Node = { result: undefined, next: undefined };
  let open = 2;
  const close = (reason: unknown): void => {
    open -= 1;
    if (open === 0) source.cancel(reason);
  };
  return [new Half(source, first, close), new Half(source, first, close)];
}

class Half implements Source {
  readonly #source: Source;
  readonly #close: (reason: unknown) => void;
  #node: Node | undefined;

  constructor(source: Source, node: Node, close: (reason: unknown) => void) {
    this.#source = source;
    this.#node = node;
    this.#close = close;
  }

  read(): Promise<ReadResult> {
    const node = this.#node;
    if (node === undefined) return Promise.resolve({ done: true });
    // A source that throws instead of rejecting must not leave this half and the other one with different answers.
    node.result ??= new Promise((resolve) => resolve(this.#source.read()));
    this.#node = node.next ??= { result: undefined, next: undefined };
    return node.result;
  }

  cancel(reason: unknown): void {
    if (this.#node === undefined) return;
    this.#node = undefined;
    this.#close(reason);
  }
}
