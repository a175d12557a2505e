/** Some rows of a table and not the others: what training an embedding touches. */
import { checkArgument, checkArguments } from "../types/arguments.js";
import type { TensorType } from "../types/storage.js";
import { ErmineError } from "../types/errors.js";
import { formatShape, sameShape } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { div } from "./arithmetic.js";
import { greater } from "./comparison.js";
import { ones, zeros } from "./creation.js";
import { apply, apply1 } from "./apply.js";
import { builtinOp } from "../ir/op.js";
import type { NoAttributes } from "./primitives.js";
import { indexAdd, indexSelect } from "./gather.js";
import { where } from "./where.js";

/** Attributes of `sumRowsOp`. */
export type SumRowsAttributes = {
  /** How many rows the output has. */
  readonly size: number;
};

function checkRows(name: string, indices: TensorType, rows: TensorType, width?: TensorType): void {
  const fits =
    indices.shape.length === 1 &&
    rows.shape.length === 2 &&
    sameShape(indices.shape, rows.shape.slice(0, 1)) &&
    (width === undefined || (width.shape.length === 2 && sameShape(width.shape.slice(1), rows.shape.slice(1))));
  if (fits) return;
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${name} takes indices [n] and a row for each${width === undefined ? "" : " as wide as the table's"}, got ` +
      `${formatShape(indices.shape)} and ${formatShape(rows.shape)}${width === undefined ? "" : ` for ${formatShape(width.shape)}`}.`,
  );
}

/** The op of `sumRows`. */
export const sumRowsOp = builtinOp<SumRowsAttributes>({
  name: "sumRows",
  inputs: [
    { name: "indices", dtype: "int32", differentiable: false },
    { name: "rows", dtype: "value" },
  ],
  lookup: (_, { size }) => ({ input: 0, size }),
  infer([indices, rows]) {
    checkRows("sumRows", indices!, rows!);
    return [
      { ...rows!, domain: "real" },
      { ...rows!, domain: "real", shape: [rows!.shape[0]!, 1] },
    ];
  },
  decompose([indices, rows], { size }) {
    const sums = indexAdd(zeros([size, rows!.shape[1] as number]), 0, indices!, rows!);
    const counts = indexAdd(zeros([size, 1]), 0, indices!, ones([rows!.shape[0]!, 1]));
    return [indexSelect(sums, 0, indices!), div(1, indexSelect(counts, 0, indices!))];
  },
});

/** The op of `setRows`. */
export const setRowsOp = builtinOp<NoAttributes>({
  name: "setRows",
  inputs: [
    { name: "table", dtype: "float32" },
    { name: "indices", dtype: "int32", differentiable: false },
    { name: "rows", dtype: "value" },
  ],
  lookup: ([table]) => ({ input: 1, size: table!.shape[0]! }),
  infer([table, indices, rows]) {
    checkRows("setRows", indices!, rows!, table!);
    return [{ ...table!, domain: "real" }];
  },
  decompose([table, indices, rows]) {
    const [size, width] = table!.shape as readonly [number, number];
    const counts = indexAdd(zeros([size, 1]), 0, indices!, ones([rows!.shape[0]!, 1]));
    const touched = greater(counts, 0);
    const sums = indexAdd(zeros([size, width]), 0, indices!, rows!);
    return [where(touched, div(sums, where(touched, counts, 1)), table!)];
  },
});

/**
 * For each of n rows (n, d) the sum of all that have its index, and 1 / how many these are, (n, 1): as a sparse gradient is
 * coalesced, with each sum standing as often as its index does.
 *
 * @param size how many rows the table has that the indices are of
 * @example
 * sumRows(tensor([0, 0], { dtype: "int32" }), tensor([[1, 2], [3, 4]]), 2).sums; // => [[4, 6], [4, 6]]
 */
export function sumRows(indices: Tensor, rows: Tensor, size: number): { sums: Tensor; share: Tensor } {
  if (arguments.length > 3) checkArguments("sumRows", arguments, 3);
  checkTensor("sumRows", indices);
  checkTensor("sumRows", rows);
  checkArgument("sumRows(indices, rows, size)", "size", size, "integer");
  const [sums, share] = apply(sumRowsOp, [indices, rows], { size });
  return { sums: sums!, share: share! };
}

/**
 * The table with rows[i] at indices[i], the others as they are. Rows of the same index must be the same.
 *
 * @example
 * setRows(zeros([3, 2]), tensor([1], { dtype: "int32" }), tensor([[5, 6]])); // => [[0, 0], [5, 6], [0, 0]]
 */
export function setRows(table: Tensor, indices: Tensor, rows: Tensor): Tensor {
  if (arguments.length > 3) checkArguments("setRows", arguments, 3);
  for (const t of [table, indices, rows]) checkTensor("setRows", t);
  return apply1(setRowsOp, [table, indices, rows], {});
}
