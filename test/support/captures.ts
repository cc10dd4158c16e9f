/** The 852 real streams beside the project, where they are; they are test data and stay there. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../../shared/captures/', import.meta.url));

export interface Capture {
  file: string;
  authentic: boolean;
  fidelity: string;
  stopReason: string | null;
}

export const hasCaptures: boolean = existsSync(`${FOLDER}index.jsonl`);

if (!hasCaptures) console.warn('skipped: ../shared/captures is not here, so no real stream is replayed');

export const captures: readonly Capture[] = hasCaptures
  ? readFileSync(`${FOLDER}index.jsonl`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Capture)
  : [];

export function readCapture(file: string): Uint8Array {
  return new Uint8Array(readFileSync(FOLDER + file));
}
