/** The binary body of a Bedrock stream: its frames become server-sent events. */

import { isEventStream } from '../../carriers/event-stream.ts';
import type { CaptureHeader } from '../format.ts';
import { cannotImport, captureOf, chunksOfBody, type Imported, type Importer, type ImportInput } from './importer.ts';

export const BEDROCK: Importer = {
  kind: 'bedrock',
  what: 'the binary event stream of Bedrock (application/vnd.amazon.eventstream)',
  detect: (input) => isEventStream(input.bytes) === true,
  read: readBedrock,
};

function readBedrock(input: ImportInput): Imported {
  if (isEventStream(input.bytes) !== true) {
    throw cannotImport(
      input,
      'its first 12 bytes are not those of a frame',
      'give the body as it was received, unchanged',
    );
  }
  const { chunks, broken } = chunksOfBody(input.bytes);
  if (chunks.length === 0 && broken !== undefined) {
    throw cannotImport(input, broken, 'there is no event before that, so nothing was made');
  }
  const header: CaptureHeader = { ssemble: 'capture', version: 1, ...input.source('bedrock', 'made') };
  const skipped = broken === undefined ? [] : [{ where: `after event ${chunks.length}`, why: broken }];
  return { captures: [captureOf(header, chunks, broken)], skipped };
}
