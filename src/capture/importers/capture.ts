/** A capture as it is. */

import { isCapture, CaptureReader } from '../reader.ts';
import type { Imported, Importer, ImportInput } from './importer.ts';

export const CAPTURE: Importer = {
  kind: 'capture',
  what: 'a capture of `ssemble record`',
  detect: (input) => isCapture(input.bytes) === true,
  read: readOwn,
};

function readOwn(input: ImportInput): Imported {
  const reader = new CaptureReader();
  const chunks = [...reader.push(input.bytes), ...reader.end()];
  const { header, ending, unfinishedLine } = reader;
  // `end()` throws where there was no header.
  const captures = header === undefined ? [] : [{ header, chunks, end: ending }];
  const why = 'the file ends inside it: the recording was interrupted';
  return { captures, skipped: unfinishedLine ? [{ where: `the line after chunk ${chunks.length}`, why }] : [] };
}
