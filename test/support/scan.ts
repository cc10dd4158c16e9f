/** Runs `SseScanner` over chunks as the contract says, and writes down all that can be seen of it. */

import { ProtocolError } from '../../src/errors.ts';
import type { SseOptions } from '../../src/sse/event.ts';
import { SseScanner } from '../../src/sse/scanner.ts';
import type { ReferenceResult } from './reference-sse.ts';

export interface Scan extends ReferenceResult {
  /** The limit that ended the scan, if one did. */
  error: { code: string; at: unknown } | undefined;
}

export interface ScanOptions extends SseOptions {
  /** Stands between two steps of the scan, e.g. to save and restore the scanner. */
  between?: (scanner: SseScanner) => SseScanner;
}

/** Scans all chunks and the end of the input. */
export function scan(chunks: readonly (Uint8Array | string)[], options: ScanOptions = {}): Scan {
  const result: Scan = {
    events: [],
    positions: [],
    unfinished: undefined,
    lastEventId: '',
    reconnectionTime: undefined,
    comments: [],
    error: undefined,
  };
  const between = options.between ?? ((same) => same);
  let scanner = new SseScanner({ ...options, onComment: (comment) => result.comments.push(comment) });
  const take = (): void => {
    for (let event = scanner.next(); event !== undefined; event = scanner.next()) {
      result.events.push(event);
      result.positions.push(scanner.position());
      scanner = between(scanner);
    }
  };
  try {
    for (const chunk of chunks) {
      scanner.write(chunk);
      scanner = between(scanner);
      take();
      scanner = between(scanner);
    }
    result.unfinished = scanner.end();
    if (result.unfinished !== undefined) result.positions.push(scanner.position());
    scanner = between(scanner);
    // a bare CR at the very end was a blank line: its event comes now
    if (result.unfinished === undefined) take();
    scanner = between(scanner);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    result.error = { code: error.code, at: error.at };
  }
  result.lastEventId = scanner.lastEventId;
  result.reconnectionTime = scanner.reconnectionTime;
  return result;
}

/** As `scan`, in the terms of the twin: to be compared with `referenceSse`, where no limit is crossed. */
export function scanPlain(chunks: readonly (Uint8Array | string)[], options?: ScanOptions): ReferenceResult {
  const { error, ...rest } = scan(chunks, options);
  if (error !== undefined) throw new Error(`unexpected limit: ${error.code}`);
  return rest;
}

/** The bytes as text, where they are well-formed UTF-8; a BOM stays. */
export function asText(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString('utf8');
  return Buffer.compare(Buffer.from(text, 'utf8'), bytes) === 0 ? text : undefined;
}
