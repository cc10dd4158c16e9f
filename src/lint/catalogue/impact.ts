/** Four ways to say what a broken rule does to a client; see `Effect`. */

import type { Impact } from '../finding.ts';

/** It reads on, nothing is lost. */
export function ok(note: string): Impact {
  return { effect: 'ok', note };
}

/** It goes on without what is lost, and does not say so. */
export function loses(note: string): Impact {
  return { effect: 'loses', note };
}

/** It throws or reports an error. */
export function fails(note: string): Impact {
  return { effect: 'fails', note };
}

/** It waits without end. */
export function hangs(note: string): Impact {
  return { effect: 'hangs', note };
}
