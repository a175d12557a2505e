/** Rows of a table by index, with a gradient of its own where some rows count otherwise. */
import { ErmineError } from "../types/errors.js";
import { formatShape } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { div } from "./arithmetic.js";
import { equal } from "./comparison.js";
import { checkIndices, ones, zeros } from "./creation.js";
import { apply1 } from "./apply.js";
import { builtinOp } from "../ir/op.js";
import { indexAdd, indexSelect } from "./gather.js";
import { reshape } from "./shape.js";
import { where } from "./where.js";

/** paddingIdx null: no row is left out. */
export type EmbeddingAttributes = {
  /** The row that gets no gradient; null: none. */
  readonly paddingIdx: number | null;
  /** Is each row's gradient divided by how often the batch looks it up? */
  readonly scaleGradByFreq: boolean;
};

/** The op of a lookup in a table: inputs the table and int32 indices. */
export const embeddingOp = builtinOp<EmbeddingAttributes>({
  name: "embedding",
  inputs: [
    { name: "table", dtype: "float32" },
    { name: "indices", dtype: "int32", differentiable: false },
  ],
  lookup: ([table]) => ({ input: 1, size: table!.shape[0]! }),
  infer([table, indices]) {
    if (table!.shape.length !== 2 || indices!.shape.length !== 1) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `embedding takes a table of rows and a list of indices, got ${formatShape(table!.shape)} and ${formatShape(indices!.shape)}.`,
      );
    }
    return [{ ...table!, shape: [indices!.shape[0]!, table!.shape[1]!] }];
  },
  decompose: ([table, indices]) => [indexSelect(table!, 0, indices!)],
});

/** The gradient of each looked-up row. */
export function rowsOf(g: Tensor, table: Tensor, indices: Tensor, { paddingIdx, scaleGradByFreq }: EmbeddingAttributes): Tensor {
  const column = reshape(indices, [indices.shape[0]!, 1]);
  let rows = g;
  if (scaleGradByFreq) {
    const counts = indexAdd(zeros([table.shape[0]!, 1]), 0, indices, ones(column.shape));
    rows = div(rows, indexSelect(counts, 0, indices));
  }
  return paddingIdx === null ? rows : where(equal(column, paddingIdx), 0, rows);
}

/**
 * @internal table [rows, size] at indices [n] → [n, size]. The row `paddingIdx` gets no gradient; with `scaleGradByFreq` a row's is
 * divided by how often it was looked up.
 */
export function embedding(
  table: Tensor,
  indices: Tensor,
  options: { readonly paddingIdx?: number; readonly scaleGradByFreq?: boolean },
): Tensor<"real"> {
  const { paddingIdx = null, scaleGradByFreq = false } = options;
  if (paddingIdx === null && !scaleGradByFreq) return indexSelect(table, 0, indices);
  checkIndices("embedding", indices, table.shape[0]!, false);
  return apply1(embeddingOp, [table, indices], { paddingIdx, scaleGradByFreq });
}
