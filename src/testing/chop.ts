/**
 * Where the network may cut a stream: choppers as data.
 *
 * A reader must give the same for every chunking. These are the ones that catch readers which do not: each cuts where some
 * reader in the wild looked at one chunk alone.
 */

import { eventSlices, isLineEnd, linePlaces } from './borders.ts';
import { diceFor } from './random.ts';

/** One way to cut. */
export interface Chopper {
  name: string;
  /** What stands for the number behind its name, such as `SEED`; absent where there is none. */
  argument?: string;
  /** What it does, in one line. */
  summary: string;
  /** The places to cut at, rising, each above 0 and below the length. `recorded` are those of the source. */
  places: (bytes: Uint8Array, argument: number, recorded: readonly number[]) => number[];
}

/**
 * Every chopper. The command line prints its help from this table.
 *
 * @example
 * CHOPPERS.map(({ name }) => name); // ['recorded', 'whole', 'event', 'line', 'byte', 'utf8', 'crlf', 'random', 'size']
 */
export const CHOPPERS: readonly Chopper[] = [
  {
    name: 'recorded',
    summary: 'as the source was cut; what was not recorded is one piece',
    places: (_bytes, _argument, recorded) => [...recorded],
  },
  { name: 'whole', summary: 'one piece', places: () => [] },
  { name: 'event', summary: 'behind every event', places: (bytes) => eventSlices(bytes).map(({ end }) => end) },
  { name: 'line', summary: 'behind every line end', places: linePlaces },
  { name: 'byte', summary: 'everywhere', places: (bytes) => placesWhere(bytes, () => true) },
  {
    name: 'utf8',
    summary: 'inside every character of more than one byte, at each of its bytes',
    places: (bytes) => placesWhere(bytes, (_before, byte) => (byte & 0xc0) === 0x80),
  },
  {
    name: 'crlf',
    summary: 'between CR and LF, and between the two line ends of a blank line',
    places: (bytes) => placesWhere(bytes, (before, byte) => isLineEnd(before) && isLineEnd(byte)),
  },
  { name: 'random', argument: 'SEED', summary: 'at random places, mostly close together', places: randomPlaces },
  { name: 'size', argument: 'N', summary: 'every N bytes', places: (bytes, size) => everyPlace(bytes.length, size) },
];

/**
 * Cuts bytes into chunks. The chunks joined are always the input; none is empty. They share its memory.
 *
 * @param how - a name of {@link CHOPPERS}, with its number where it takes one: `byte`, `random:7`, `size:100`
 * @param recorded - where the source was cut, for `recorded`: rising offsets in bytes. Default: nowhere
 * @throws RangeError for a chopper that does not exist, or a number that it cannot use
 * @example
 * import { decodeUtf8, encodeUtf8 } from 'ssemble/sse';
 * import { chop } from 'ssemble/testing';
 *
 * chop(encodeUtf8('data: a\r\n\r\n'), 'crlf').map((chunk) => decodeUtf8(chunk)); // ['data: a\r', '\n', '\r', '\n']
 * chop(encodeUtf8('data: a\n\n'), 'size:6').map((chunk) => chunk.length); // [6, 3]
 */
export function chop(bytes: Uint8Array, how: string, recorded: readonly number[] = []): Uint8Array[] {
  return cutAt(bytes, chopPlaces(bytes, how, recorded));
}

/** The bytes cut at the places, which rise; places that would leave an empty chunk count for nothing. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let from = 0;
  for (const place of [...places, bytes.length]) {
    if (place <= from || place > bytes.length) continue;
    chunks.push(bytes.subarray(from, place));
    from = place;
  }
  return chunks;
}

/** Where {@link chop} cuts. */
export function chopPlaces(bytes: Uint8Array, how: string, recorded: readonly number[]): number[] {
  const { chopper, argument } = parseChop(how);
  return chopper.places(bytes, argument, recorded).filter((place) => place > 0 && place < bytes.length);
}

/**
 * Reads the name of a chopper, and its number.
 *
 * @throws RangeError as {@link chop} does
 */
export function parseChop(how: string): { chopper: Chopper; argument: number } {
  const [name = '', number, ...rest] = how.split(':');
  const chopper = CHOPPERS.find((one) => one.name === name);
  if (chopper === undefined) throw new RangeError(`Cannot chop by "${how}": use one of ${chopNames()}`);
  const { argument } = chopper;
  const form = argument === undefined ? name : `${name}:${argument}`;
  if (rest.length > 0 || (number === undefined) !== (argument === undefined)) {
    throw new RangeError(`Cannot chop by "${how}": write it as ${form}`);
  }
  if (number === undefined) return { chopper, argument: 0 };
  const value = /^\d+$/.test(number) ? Number(number) : NaN;
  if (!Number.isSafeInteger(value) || (name === 'size' && value === 0)) {
    const least = name === 'size' ? 1 : 0;
    throw new RangeError(`Cannot chop by "${how}": ${argument} is a whole number from ${least} to 2^53 - 1`);
  }
  return { chopper, argument: value };
}

/** The names as one writes them. */
function chopNames(): string {
  return CHOPPERS.map(({ name, argument }) => (argument === undefined ? name : `${name}:${argument}`)).join(', ');
}

function placesWhere(bytes: Uint8Array, isPlace: (before: number, byte: number) => boolean): number[] {
  const places: number[] = [];
  for (let i = 1; i < bytes.length; i++) {
    if (isPlace(bytes[i - 1] as number, bytes[i] as number)) places.push(i);
  }
  return places;
}

function everyPlace(length: number, size: number): number[] {
  const places: number[] = [];
  for (let place = size; place < length; place += size) places.push(place);
  return places;
}

/** Half of the chunks have 1 to 8 bytes, which cuts lines and characters; the others up to 256, which hold events. */
function randomPlaces(bytes: Uint8Array, seed: number): number[] {
  const dice = diceFor(seed);
  const places: number[] = [];
  for (let place = 0; place < bytes.length;) {
    place += 1 + dice(dice(2) === 0 ? 8 : 256);
    places.push(place);
  }
  return places;
}
