/** The rows of the timeline: a lane for each block, or for each type of block where there are too many for the eye. */

import type { Stream } from './entries.ts';
import { type Family, familyOfBlock } from './wording.ts';

/** More blocks than this share lanes by their type. */
export const MOST_LANES = 12;

/** One lane of the timeline. */
interface Row {
  label: string;
  family: Family;
}

/** The lanes, and which one each block is on. */
export interface Rows {
  rows: readonly Row[];
  /** By ordinal. */
  rowOf: ReadonlyMap<number, number>;
}

/** Deals the blocks out to lanes, in order of arrival; types past the last lane share it. */
export function rowsOf({ lanes }: Stream): Rows {
  const rows: Row[] = [];
  const rowOf = new Map<number, number>();
  if (lanes.length <= MOST_LANES) {
    for (const { ordinal, index, type, name } of lanes) {
      rowOf.set(ordinal, rows.length);
      rows.push({ label: `${index} ${name || type}`, family: familyOfBlock(type) });
    }
    return { rows, rowOf };
  }
  const byType = new Map<string, number>();
  for (const { ordinal, type } of lanes) {
    let row = byType.get(type);
    if (row === undefined) {
      row = Math.min(rows.length, MOST_LANES - 1);
      byType.set(type, row);
      if (row === rows.length) rows.push({ label: type, family: familyOfBlock(type) });
    }
    rowOf.set(ordinal, row);
  }
  for (const [row, { label }] of rows.entries()) {
    const blocks = [...rowOf.values()].filter((each) => each === row).length;
    (rows[row] as Row).label = `${label} ×${blocks}`;
  }
  return { rows, rowOf };
}
