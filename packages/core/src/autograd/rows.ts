/** The gradient of a table that was only looked up in: the rows that it has, and where. */
import { indexAdd } from "../ops/gather.js";
import { zeros } from "../ops/creation.js";
import { Tensor } from "../types/tensor.js";

/** Σ over i of rows[i] at indices[i]; an index may come several times. A plain object, so that scopes see its tensors. */
export interface RowGradient {
  /** int32 [n]. */
  readonly indices: Tensor;
  /** [n, d]. */
  readonly rows: Tensor;
  /** How many rows the table has. */
  readonly size: number;
}

/** Is the gradient that of looked-up rows alone? */
export const isRowGradient = (gradient: Tensor | RowGradient): gradient is RowGradient => !(gradient instanceof Tensor);

/** The same gradient with all of the table's rows. */
export const denseGradient = ({ indices, rows, size }: RowGradient): Tensor =>
  indexAdd(zeros([size, rows.shape[1] as number]), 0, indices, rows);
