/** Captures made of what others have saved. The table is data: `convert`, its help and the README read it. */

import { encodeUtf8 } from '../../sse/utf8.ts';
import { BEDROCK } from './bedrock.ts';
import { CAPTURE } from './capture.ts';
import { CASSETTE } from './cassette.ts';
import { CHUNK_LIST } from './chunk-list.ts';
import { HAR } from './har.ts';
import { cannotImport, type Imported, type Importer, type ImportKind, ImportInput } from './importer.ts';
import { SSE } from './sse.ts';
import { STREAM_JSON } from './stream-json.ts';

export type { Imported, Importer, ImportKind, Skipped } from './importer.ts';

/** Every kind, in the order in which they are tried: from those that cannot be mistaken to those that can. */
export const IMPORTERS: readonly Importer[] = [CAPTURE, BEDROCK, HAR, CASSETTE, CHUNK_LIST, STREAM_JSON, SSE];

/** What {@link importCaptures} may be told. */
export interface ImportOptions {
  /** What the input is. Default: its shape tells. */
  kind?: ImportKind | undefined;
  /** The file's name, without its folder: it goes into the captures, and into errors. */
  name?: string | undefined;
}

/**
 * Makes captures of a file that something else has saved: one of each stream in it. Secrets in URLs and headers are taken
 * out. What is no stream is listed in `skipped`, so that nothing is left out in silence.
 *
 * Chunks and times are those of the network only where the file has them (`header.source.chunks` is `'recorded'`); else a
 * chunk is an event.
 *
 * @returns the captures, what was skipped, and as what the input was read
 * @throws ProtocolError `cannot-import` for what is of no known kind, or not of the one that was asked for;
 *   `invalid-capture` for a capture that is broken
 * @example
 * import { importCaptures } from 'ssemble/capture';
 *
 * const { kind, captures } = importCaptures('HTTP/1.1 200 OK\r\nx-api-key: abc\r\n\r\nevent: ping\ndata: {}\n\n');
 * kind; // 'sse'
 * captures[0]?.header.response; // { status: 200, headers: [['x-api-key', '[redacted]']] }
 * captures[0]?.chunks.length; // 1
 */
export function importCaptures(
  file: Uint8Array | string,
  options: ImportOptions = {},
): Imported & { kind: ImportKind } {
  const input = new ImportInput(typeof file === 'string' ? encodeUtf8(file) : file, options.name);
  const importer = IMPORTERS.find((each) =>
    options.kind === undefined ? each.detect(input) : each.kind === options.kind,
  );
  if (importer === undefined) throw unknown(input, options.kind);
  return { kind: importer.kind, ...importer.read(input) };
}

function unknown(input: ImportInput, kind: string | undefined): Error {
  const kinds = IMPORTERS.map((each) => each.kind).join(', ');
  if (kind !== undefined) return new TypeError(`Cannot import as ${JSON.stringify(kind)}: the kinds are ${kinds}`);
  const { bytes } = input;
  if (bytes.length === 0) return cannotImport(input, 'it is empty', 'give a file that has a stream in it');
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    return cannotImport(input, 'it is compressed (gzip)', 'decompress it first (gunzip)');
  }
  if (input.json !== undefined) {
    return cannotImport(input, 'it is JSON, but of no known shape', `say what it is (${kinds}), or save only the body`);
  }
  return cannotImport(input, 'it is of no kind that is known here', `the kinds are ${kinds}`);
}
