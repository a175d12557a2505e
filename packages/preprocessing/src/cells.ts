/** The values that a step is given, and what it makes of them. */
import { ErmineError } from "@ermine/core";
import { show } from "@ermine/core/define";

/** One value of a column; null and NaN: it is missing. */
export type Cell = string | number | boolean | null;

/** The values of a column. */
export type Cells = ArrayLike<Cell>;

/** What a step makes of a column: so many values for each row. */
export interface Block {
  /** Row by row. */
  readonly values: Cells;
  /** Values in a row. */
  readonly width: number;
  /** What the model gets them as. */
  readonly dtype: "float32" | "int32";
}

export const isMissing = (cell: Cell | undefined): cell is null | undefined =>
  cell === null || cell === undefined || (typeof cell === "number" && Number.isNaN(cell));

/** Numbers of a column for `kind`. @throws ErmineError ERMINE_VALUE for what is missing, infinite or no number, with its row */
export function numbersOf(kind: string, cells: Cells): Float64Array {
  const numbers = new Float64Array(cells.length);
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row]!;
    if (isMissing(cell))
      throw new ErmineError("ERMINE_VALUE", `${kind}: row ${row} is missing. Fill it before: [impute(), ${kind}()].`);
    if (typeof cell === "string" || !Number.isFinite(Number(cell)))
      throw new ErmineError(
        "ERMINE_VALUE",
        `${kind}: row ${row} is ${show(cell)}, and finite numbers are scaled. Encode texts: oneHot() or embeddingIds().`,
      );
    numbers[row] = Number(cell);
  }
  return numbers;
}

/** One number a row. */
export const floats = (values: Float64Array): Block => ({ values, width: 1, dtype: "float32" });
