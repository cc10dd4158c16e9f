import type { AssemblyObserver } from '../message/assembler.ts';
import type { Slot } from '../message/slot.ts';
import type { Diagnostic } from '../message/types.ts';
import type { Delta } from '../protocol/events.ts';

/** What assembly tells while an event is applied. */
export type Observer = Omit<AssemblyObserver, 'where'>;

/**
 * The ear of a stream in its assembler. The assembler takes its observer when it is made, the iterators that need one
 * come later: `listener` is that of the iterator that is open, if it needs one.
 */
export class Tap implements Observer {
  listener: Observer | undefined = undefined;
  /** Found, and not yet told to the caller: they are told when the event has been applied. */
  diagnostics: Diagnostic[] = [];

  delta(slot: Slot, delta: Delta): void {
    this.listener?.delta(slot, delta);
  }

  closed(slot: Slot): void {
    this.listener?.closed(slot);
  }

  finished(look: Parameters<Observer['finished']>[0]): void {
    this.listener?.finished(look);
  }
}
