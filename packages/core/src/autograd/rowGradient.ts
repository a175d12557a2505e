/** The gradient of a table that was only looked up in: the rows that it has, and where. */
import { requireOptions } from "../types/options.js";
import { checkArguments, checkMapped } from "../types/arguments.js";
import { indexAdd } from "../ops/gather.js";
import { zeros } from "../ops/creation.js";
import { checkTensor, Tensor } from "../types/tensor.js";

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
export function isRowGradient(gradient: Tensor | RowGradient): gradient is RowGradient {
  if (arguments.length > 1) checkMapped("isRowGradient", arguments, 1);
  return !(gradient instanceof Tensor);
}

/** The same gradient with all of the table's rows. */
export function denseGradient(gradient: RowGradient): Tensor {
  if (arguments.length > 1) checkArguments("denseGradient", arguments, 1);
  requireOptions("denseGradient", gradient, { indices: "tensor", rows: "tensor", size: "integer" });
  const { indices, rows, size } = gradient;
  checkTensor("denseGradient", rows);
  return indexAdd(zeros([size, rows.shape[1] as number]), 0, indices, rows);
}
