/** Numbers about numbers. */

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function geomean(values) {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/**
 * The questions that a goal asks of the measured cells. A goal whose cells were not measured (a filter, the short form, no
 * captures) gets `undefined` and says so.
 *
 * Ratios are taken round by round and the median is of the ratios: what slows the machine down for a while slows both
 * sides of a round, because rounds are interleaved.
 */
export class Query {
  #cells;

  constructor(cells) {
    this.#cells = cells;
  }

  /** @returns the measured variant, or it throws {@link Missing} */
  #find({ input, chunking }, name) {
    const cell = this.#cells.find((c) => c.input === input && (chunking === undefined || c.chunking === chunking));
    const found = cell?.variants[name];
    if (found?.rounds === undefined || found.rounds.length === 0) throw new Missing();
    return found;
  }

  value(cell, name) {
    return median(this.#find(cell, name).rounds);
  }

  /** @returns {number} how many times `name` costs what `base` costs */
  ratio(cell, name, base) {
    return paired(this.#find(cell, name).rounds, this.#find(cell, base).rounds);
  }

  growth(small, large, name) {
    return paired(this.#find(large, name).rounds, this.#find(small, name).rounds);
  }

  less(cell, name, base) {
    return this.value(cell, name) - this.value(cell, base);
  }

  parts(cell, name, of) {
    return median(this.#find(cell, name).parts.map(of));
  }

  /** The smallest ratio over all measured cells, and where it was. */
  worst(name, base) {
    const all = this.#cells
      .filter(({ variants }) => variants[name]?.rounds?.length > 0 && variants[base]?.rounds?.length > 0)
      .map((cell) => ({ value: this.ratio(cell, name, base), where: `${cell.input}, ${cell.chunking}` }));
    if (all.length === 0) throw new Missing();
    return all.reduce((least, one) => (one.value < least.value ? one : least));
  }

  /** The largest of what was measured. */
  max(asks) {
    const values = asks.map((ask) => attempt(ask)).filter((value) => value !== undefined);
    if (values.length === 0) throw new Missing();
    return Math.max(...values);
  }

  geomean(values) {
    return geomean(values);
  }
}

class Missing extends Error {}

/** @returns what it gives, or undefined if a cell was not measured */
export function attempt(ask) {
  try {
    return ask();
  } catch (error) {
    if (error instanceof Missing) return undefined;
    throw error;
  }
}

/** A variant that takes seconds has one round: then it stands against the median of the other. */
function paired(above, below) {
  if (above.length !== below.length) return median(above) / median(below);
  return median(above.map((value, k) => value / below[k]));
}
