/** Chance that can be repeated: the same seed gives the same numbers in every runtime. */

/** Gives the next whole number from 0 up to, and without, `limit`. */
export type Dice = (limit: number) => number;

const GOLDEN = 0x9e3779b1;

/**
 * Dice for a seed. `lane` gives other dice of the same seed: each fault throws its own, so that one more fault in the list
 * changes nothing for the others.
 *
 * A counter goes through a mixer (xorshift and multiply, 32 bits), so every seed is a good one, 0 included.
 */
export function diceFor(seed: number, lane = 0): Dice {
  let counter = (Math.imul(seed | 0, GOLDEN) ^ Math.imul(Math.floor(seed / 2 ** 32) + lane + 1, 0x85ebca77)) | 0;
  return (limit) => {
    counter = (counter + GOLDEN) | 0;
    let mixed = counter;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
    mixed ^= mixed >>> 16;
    return Math.floor(((mixed >>> 0) / 2 ** 32) * limit);
  };
}

/**
 * The seed as given, or the default 1.
 *
 * @throws RangeError if it is no whole number from 0 to 2^53 - 1
 */
export function checkSeed(seed: number | undefined): number {
  if (seed === undefined) return 1;
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new RangeError(`Cannot use the seed ${String(seed)}: it is not a whole number from 0 to 2^53 - 1`);
}
