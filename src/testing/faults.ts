/**
 * A stream with faults in it, as a list of steps that anything can play.
 *
 * Theory. The source is cut into **nodes**: a byte order mark, each event with the comments before it, and what is left. A
 * fault is either a **mark** at an offset (end here, wait here, insert this) or a **change of a node** (dropped, doubled,
 * damaged, moved). All places are found in the source before anything is changed, so no fault moves another; marks stay
 * with the node that they stand in. Then the nodes are written out in their new order as **atoms**: bytes with the recorded
 * chunk that they came in, and waits. What happens then is in `schedule.ts`.
 */

import { dataPlaces, eventSlices, headLength, isLineEnd, typeOfSlice, type EventSlice } from './borders.ts';
import {
  parseFaults,
  type Corruption,
  type Fault,
  type FaultList,
  type FaultPlace,
  type Insertion,
} from './fault-grammar.ts';
import { materialOf, type FaultSource, type Material, type PlayedEnding } from './material.ts';
import { schedule, type Atom, type Playback, type Written } from './schedule.ts';
import { checkSeed, diceFor, type Dice } from './random.ts';
import { encodeUtf8 } from '../sse/utf8.ts';

export type { Fault } from './fault-grammar.ts';

/** How a source is played. */
export interface PlayOptions {
  /** For `random` places and for corruption: the same seed breaks the same bytes. Default 1. */
  seed?: number;
  /** A chopper, see `CHOPPERS`. Default `recorded`. */
  chop?: string;
  /**
   * How fast recorded time runs: 1 as recorded, 2 twice as fast, `Infinity` (the default) without waiting. The time of a
   * `stall` is the one that was written, at every speed.
   */
  speed?: number;
}

/**
 * Breaks a source as told. Several faults are applied in the order of the stream, each at its place in the source as it was
 * given; the same source, faults and options always give the same steps.
 *
 * - A mark (`cut`, `reset`, `stall`, `insert`) stays with the event that it stands before: it moves along under `swap`, and
 *   stays under `drop`.
 * - `drop` wins over `dup`; `swap` of neighbours one after the other moves an event on.
 * - All bytes that no fault names are as they were. Inserted ones come in the chunk of what follows.
 *
 * @throws RangeError for a fault that is none, or a place that the source does not have; TypeError for what is no source
 * @example
 * import { decodeUtf8 } from 'ssemble/sse';
 * import { applyFaults } from 'ssemble/testing';
 *
 * const source = 'data: 1\n\ndata: 2\n\ndata: 3\n\n';
 * const { steps, ending } = applyFaults(source, ['swap@event:1', 'reset@event:3'], { chop: 'event' });
 * steps.map(({ bytes }) => decodeUtf8(bytes)); // ['data: 2\n\n', 'data: 1\n\n']
 * ending; // 'reset'
 */
export function applyFaults(source: FaultSource, faults: FaultList, options: PlayOptions = {}): Playback {
  return playMaterial(materialOf(source), parseFaults(faults), options);
}

/** {@link applyFaults} for what is ready. */
export function playMaterial(material: Material, faults: readonly Fault[], options: PlayOptions): Playback {
  const seed = checkSeed(options.seed);
  const speed = options.speed ?? Infinity;
  if (!(speed > 0)) throw new RangeError(`Cannot play at speed ${speed}: it is not a number above 0`);
  const broken = new Breaking(material.bytes);
  faults.forEach((fault, lane) => broken.apply(fault, diceFor(seed, lane)));
  return schedule(material, broken.atoms(material.chunks), options.chop ?? 'recorded', speed);
}

/** Something that happens at an offset of the source. */
type Mark = { offset: number } & ({ insert: Uint8Array } | { waitMs: number } | { ending: PlayedEnding });

/** A piece of the source that is moved as one. */
interface Node {
  from: number;
  end: number;
  dropped: boolean;
  copies: number;
  /** The damaged bytes: offset in the source, and the new byte. */
  damage: Map<number, number>;
  marks: Mark[];
}

/** A source while faults are applied to it. */
class Breaking {
  readonly #bytes: Uint8Array;
  readonly #slices: readonly EventSlice[];
  /** In the order of the source: the mark, the events, the rest. */
  readonly #nodes: readonly Node[];
  /** The same nodes in the order in which they come out. */
  readonly #order: Node[];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#slices = eventSlices(bytes);
    const head = headLength(bytes);
    const last = this.#slices.at(-1)?.end ?? head;
    this.#nodes = [
      makeNode(0, head),
      ...this.#slices.map(({ from, end }) => makeNode(from, end)),
      makeNode(last, bytes.length),
    ];
    this.#order = [...this.#nodes];
  }

  apply(fault: Fault, dice: Dice): void {
    switch (fault.kind) {
      case 'cut':
        return this.#mark(fault, dice, { ending: 'eof' });
      case 'reset':
        return this.#mark(fault, dice, { ending: 'reset' });
      case 'stall':
        return this.#mark(fault, dice, fault.ms === undefined ? { ending: 'hang' } : { waitMs: fault.ms });
      case 'insert':
        return this.#mark(fault, dice, { insert: encodeUtf8(INSERTIONS[fault.what]) });
      case 'drop':
        this.#node(this.#eventOf(fault, dice)).dropped = true;
        return undefined;
      case 'dup':
        this.#node(this.#eventOf(fault, dice)).copies += 1;
        return undefined;
      case 'swap':
        return this.#swap(fault, dice);
      case 'corrupt':
        return this.#corrupt(fault, dice);
    }
  }

  /** What comes out, up to the first mark that ends it. */
  *#written(): Generator<{ from: number; bytes: Uint8Array } | Mark> {
    for (const node of this.#order) {
      const bytes = damaged(this.#bytes, node);
      let at = node.from;
      for (const mark of node.marks) {
        if (!node.dropped) yield { from: at, bytes: bytes.subarray(at - node.from, mark.offset - node.from) };
        at = mark.offset;
        yield mark;
      }
      if (node.dropped) continue;
      yield { from: at, bytes: bytes.subarray(at - node.from) };
      for (let copy = 1; copy < node.copies; copy++) yield { from: node.from, bytes };
    }
  }

  /** The pieces, and the ending that a fault made, if one did. */
  atoms(chunks: Material['chunks']): Written {
    const atoms: Atom[] = [];
    for (const written of this.#written()) {
      if ('ending' in written) return { atoms, ending: written.ending };
      if ('from' in written) atoms.push(...byChunk(written.from, written.bytes, chunks));
      else if ('insert' in written) atoms.push({ bytes: written.insert, chunk: chunkAt(chunks, written.offset) });
      else atoms.push(written);
    }
    return { atoms, ending: undefined };
  }

  #mark(fault: Fault, dice: Dice, what: { insert: Uint8Array } | { waitMs: number } | { ending: PlayedEnding }): void {
    const offset = this.#offsetOf(fault, dice);
    const node = this.#nodeAt(offset);
    const at = node.marks.findIndex((mark) => mark.offset > offset);
    node.marks.splice(at < 0 ? node.marks.length : at, 0, { offset, ...what });
  }

  #swap(fault: Fault, dice: Dice): void {
    const count = this.#slices.length;
    const number = this.#eventOf(fault, dice, Math.max(1, count - 1));
    if (number >= count) refuse(fault, `there is no event behind event ${number}, which is the last`);
    const [a, b] = [this.#node(number), this.#node(number + 1)];
    const [i, j] = [this.#order.indexOf(a), this.#order.indexOf(b)];
    this.#order[i] = b;
    this.#order[j] = a;
  }

  #corrupt(fault: Fault & { kind: 'corrupt' }, dice: Dice): void {
    const places = fault.place.at === 'byte' ? [this.#byteOf(fault, fault.place.offset)] : this.#dataOf(fault, dice);
    const place = fault.how === 'json' ? (places[0] as number) : (places[dice(places.length)] as number);
    const { damage } = this.#nodeAt(place);
    const original = this.#bytes[place] as number;
    damage.set(place, corrupted(damage.get(place) ?? original, fault.how, dice));
  }

  #dataOf(fault: Fault, dice: Dice): number[] {
    const number = this.#eventOf(fault, dice);
    const places = dataPlaces(this.#bytes, this.#slices[number - 1] as EventSlice);
    return places.length > 0 ? places : refuse(fault, `event ${number} has no data`);
  }

  #byteOf(fault: Fault, offset: number): number {
    const { length } = this.#bytes;
    return offset < length
      ? offset
      : refuse(fault, `the stream has ${length} bytes, so the last is byte ${length - 1}`);
  }

  #offsetOf(fault: Fault, dice: Dice): number {
    const { place } = fault;
    const { length } = this.#bytes;
    if (place.at === 'end') return length;
    if (place.at === 'byte')
      return place.offset <= length ? place.offset : refuse(fault, `the stream has ${length} bytes`);
    return (this.#slices[this.#eventOf(fault, dice) - 1] as EventSlice).from;
  }

  /** The number of the event that is meant. */
  #eventOf(fault: Fault, dice: Dice, randomUpTo: number = this.#slices.length): number {
    const { place } = fault;
    const count = this.#slices.length;
    if (count === 0) return refuse(fault, 'the stream has no event');
    if (place.at === 'random') return 1 + dice(randomUpTo);
    if (place.at === 'type') return this.#eventOfType(fault, place);
    const number = place.at === 'event' ? place.number : count;
    return number <= count ? number : refuse(fault, `the stream has ${count === 1 ? '1 event' : `${count} events`}`);
  }

  #eventOfType(fault: Fault, { type, number }: FaultPlace & { at: 'type' }): number {
    let seen = 0;
    for (const [i, slice] of this.#slices.entries()) {
      if (typeOfSlice(slice) === type && ++seen === number) return i + 1;
    }
    return refuse(fault, `the stream has ${seen === 0 ? 'no event' : `only ${seen}`} of type ${type}`);
  }

  /** The node of an event. */
  #node(number: number): Node {
    return this.#nodes[number] as Node;
  }

  /** The node that holds the byte; the end of the source belongs to the last one. */
  #nodeAt(offset: number): Node {
    const found = this.#nodes.findIndex(({ from, end }) => from <= offset && offset < end);
    return this.#node(found < 0 ? this.#nodes.length - 1 : found);
  }
}

function makeNode(from: number, end: number): Node {
  return { from, end, dropped: false, copies: 1, damage: new Map(), marks: [] };
}

function refuse(fault: Fault, why: string): never {
  throw new RangeError(`Cannot apply ${fault.text}: ${why}`);
}

/** What is inserted: events as the API frames them, each with its blank line. */
const INSERTIONS: Readonly<Record<Insertion, string>> = {
  error:
    'event: error\ndata: {"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"}}\n\n',
  ping: 'event: ping\ndata: {"type": "ping"}\n\n',
  unknown: 'event: event_from_the_future\ndata: {"type":"event_from_the_future"}\n\n',
  comment: ': comment\n\n',
  done: 'data: [DONE]\n\n',
};

function damaged(source: Uint8Array, { from, end, damage }: Node): Uint8Array {
  if (damage.size === 0) return source.subarray(from, end);
  // Not `slice`: that of a Node `Buffer` shares its memory with the caller's.
  const bytes = new Uint8Array(source.subarray(from, end));
  for (const [place, byte] of damage) bytes[place - from] = byte;
  return bytes;
}

/** A line end may be damaged, but none is made: where lines end is another fault. */
function corrupted(byte: number, how: Corruption, dice: Dice): number {
  if (how === 'json') return 0x21;
  if (how === 'utf8') return 0xff;
  let bit = dice(8);
  while (isLineEnd(byte ^ (1 << bit))) bit = (bit + 1) % 8;
  return byte ^ (1 << bit);
}

/** The number of the recorded chunk that the byte came in; at the end of the source, the last one. */
function chunkAt(chunks: Material['chunks'], offset: number): number {
  let [low, high] = [0, Math.max(0, chunks.length - 1)];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((chunks[middle] as { end: number }).end > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A run of bytes that begins at the offset, cut where the recorded chunks were. */
function byChunk(offset: number, bytes: Uint8Array, chunks: Material['chunks']): Atom[] {
  const atoms: Atom[] = [];
  for (let at = 0, chunk = chunkAt(chunks, offset); at < bytes.length; chunk++) {
    const end = chunk < chunks.length - 1 ? (chunks[chunk] as { end: number }).end - offset : bytes.length;
    atoms.push({ bytes: bytes.subarray(at, end), chunk });
    at = end;
  }
  return atoms;
}
