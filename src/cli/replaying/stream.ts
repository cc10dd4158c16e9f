/** One stream to replay: read whole, broken as told. */

import { basename } from 'node:path';
import type { Capture, CaptureChunk, CaptureHeader } from '../../capture/format.ts';
import { formatCapture } from '../../capture/writer.ts';
import type { Fault } from '../../testing/fault-grammar.ts';
import { playMaterial, type PlayOptions } from '../../testing/faults.ts';
import { materialOf, type Material } from '../../testing/material.ts';
import type { Playback } from '../../testing/schedule.ts';
import { openInput } from '../input.ts';
import { UsageError } from '../usage.ts';
import type { World } from '../world.ts';

/** A stream, ready to be played any number of times. */
export interface ReplayedStream {
  /** The name of its file, without folder and ending. */
  name: string;
  /** As a capture says it; `undefined` for a body. */
  header: CaptureHeader | undefined;
  material: Material;
  playback: Playback;
}

/** How streams are played. */
export interface ReplayPlan extends PlayOptions {
  faults: readonly Fault[];
}

/**
 * Reads an input to its end and breaks it.
 *
 * @throws InputError if it cannot be read; UsageError for a fault that has no place in it
 */
export async function readReplayed(file: string, plan: ReplayPlan, world: World): Promise<ReplayedStream> {
  const input = await openInput(file, world);
  const chunks: CaptureChunk[] = [];
  for await (const chunk of input.chunks(world.interrupt)) chunks.push(chunk);
  const { header, live } = input;
  const { faults, ...options } = plan;
  try {
    const material =
      header === undefined && !live
        ? bodyOf(chunks)
        : materialOf({
            header: header ?? { ssemble: 'capture', version: 1 },
            chunks,
            end: input.ending() ?? plainEnd(header),
          });
    return { name: nameOf(file), header, material, playback: playMaterial(material, faults, options) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${error.message} (${file})`, 'See `ssemble events` for numbers and bytes.');
  }
}

/** How a file was read is no chunking. */
function bodyOf(chunks: readonly CaptureChunk[]): Material {
  return materialOf(Buffer.concat(chunks.map(({ bytes }) => bytes)));
}

/** A body that was read to its end ended plainly. A capture says itself how it did. */
function plainEnd(header: CaptureHeader | undefined): Capture['end'] {
  return header === undefined ? { end: 'eof' } : undefined;
}

const ENDINGS = /(?:\.capture)?\.(?:jsonl|json|sse|txt|log)$/;

function nameOf(file: string): string {
  return file === '-' ? 'stdin' : basename(file).replace(ENDINGS, '') || basename(file);
}

/** What would be sent, as a capture: the steps are its chunks. It has times if anything waits. */
export function captureOf({ name, header, playback }: ReplayedStream, tool: string): string {
  const { headMs, steps, ending } = playback;
  const timed = headMs > 0 || steps.some(({ waitMs }) => waitMs > 0);
  const { response, request } = header ?? {};
  const head = { ...response };
  delete head.us;
  let ms = headMs;
  const chunks = steps.map(({ waitMs, bytes }) => {
    ms += waitMs;
    return { us: timed ? Math.round(ms * 1000) : undefined, bytes };
  });
  return formatCapture({
    header: {
      ssemble: 'capture',
      version: 1,
      tool,
      ...(request !== undefined && { request }),
      ...(response !== undefined && { response: { ...head, ...(timed && { us: Math.round(headMs * 1000) }) } }),
      ...(timed && { clock: { zero: header?.clock?.zero ?? 'first-chunk' } }),
      source: { kind: 'replay', name, chunks: 'made' },
    },
    chunks: chunks.filter(({ bytes }) => bytes.length > 0),
    end: { end: ending === 'hang' ? 'timeout' : ending, ...(timed && { us: Math.round(ms * 1000) }) },
  });
}
