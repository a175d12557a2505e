/** A column's values that are there. */
import type { Cell } from "@ermine/data";

/** How many values are there, and which different ones. */
export interface ColumnContents {
  readonly present: number;
  readonly distinct: ReadonlySet<Cell>;
}

export const isMissing = (cell: Cell): boolean => cell === null || (typeof cell === "number" && Number.isNaN(cell));

/** @param values null and NaN are missing */
export function contentsOf(values: ArrayLike<Cell>): ColumnContents {
  const distinct = new Set<Cell>();
  let present = 0;
  for (let row = 0; row < values.length; row++) {
    const cell = values[row]!;
    if (isMissing(cell)) continue;
    present++;
    distinct.add(cell);
  }
  return { present, distinct };
}
