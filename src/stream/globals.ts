/**
 * What this room takes from the runtime, looked up when it is needed and never at import, so that the entry loads in
 * an engine that has none of it. The shapes are structural: neither the DOM's nor Node's types are asked for.
 */

export interface Globals {
  setTimeout?: (callback: () => void, ms: number) => unknown;
  clearTimeout?: (timer: unknown) => void;
  queueMicrotask?: (job: () => void) => void;
  ReadableStream?: new (
    source: { pull: (controller: StreamController) => Promise<void>; cancel: (reason?: unknown) => void },
    strategy: { highWaterMark: number },
  ) => ByteStream;
  TransformStream?: new <T>(transformer: {
    transform: (chunk: Uint8Array | string, controller: StreamController) => void;
    flush: (controller: StreamController) => void;
  }) => FromBytes<T>;
}

/** The part of the Web Streams controllers that is used. */
export interface StreamController {
  enqueue(chunk: unknown): void;
  close?(): void;
  error(reason: unknown): void;
}

// The Web's own names, merged with those of `lib.dom` or `@types/node` where the program has them, and all but empty where
// it has not. So `body.pipeThrough(streamEvents())` compiles with either, and this package asks for neither.
declare global {
  interface ReadableStream<R = any> {
    readonly locked: boolean;
  }
  interface TransformStream<I = any, O = any> {
    readonly readable: ReadableStream<O>;
  }
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/** A Web stream of bytes. Named here so that declarations which use it bring the names above with them. */
export type ByteStream = ReadableStream<Uint8Array>;

/** A Web transform from bytes or text. */
export type FromBytes<T> = TransformStream<Uint8Array | string, T>;

export const globals = (): Globals => globalThis as unknown as Globals;

/** Throws in a job of its own: the runtime reports it like any uncaught error, and whoever is at work goes on. */
export function throwApart(error: unknown): void {
  const rethrow = (): never => {
    throw error;
  };
  const { queueMicrotask, setTimeout } = globals();
  if (queueMicrotask !== undefined) queueMicrotask(rethrow);
  else if (setTimeout !== undefined) setTimeout(rethrow, 0);
  else void Promise.resolve().then(rethrow);
}

/** The longest time that `setTimeout` takes, in milliseconds: with a longer one it fires at once. */
export const MAX_TIMER_MS = 0x7fffffff;
