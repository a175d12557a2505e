/** Bags of rows of a table by index, each of which is summed, averaged, or has the largest of each column. */
import { ErmineError } from "../types/errors.js";
import { addSizes, formatShape, type Size } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { add, div, maximum, mul, sub } from "./arithmetic.js";
import { apply } from "./apply.js";
import { cast } from "./cast.js";
import { equal, greater, notEqual } from "./comparison.js";
import { concat } from "./concat.js";
import { full, iota, ones, zeros } from "./creation.js";
import { indexAdd, indexSelect } from "./gather.js";
import { builtinOp, type OptionalTensors } from "../ir/op.js";
import { amax, argMax, sum } from "./reduction.js";
import { broadcastTo, reshape } from "./shape.js";
import { sliceAxis } from "./slice.js";
import { cumsum } from "./sort.js";
import { where } from "./where.js";

/** What becomes of a bag's rows. */
export type EmbeddingBagMode = "sum" | "mean" | "max";

/** What `embeddingBagOp` is told. */
export type EmbeddingBagAttributes = {
  /** What becomes of a bag's rows. */
  readonly mode: EmbeddingBagMode;
  /** The index that counts for nothing; null: all count. */
  readonly paddingIdx: number | null;
  /** Is each row's gradient divided by how often the batch looks it up? */
  readonly scaleGradByFreq: boolean;
  /** How many bags there are. */
  readonly bags: Size;
  /** Indices of each bag; null: they begin where the offsets say. */
  readonly length: Size | null;
};

/**
 * The op of bags: inputs the table, int32 indices [n], the offsets at which bags begin [bags] and a weight for each index [n], both optional. Outputs the
 * bags [bags, d], of "max" also the places among the indices where each value is from, int32. An empty bag is 0.
 */
export const embeddingBagOp = builtinOp<EmbeddingBagAttributes>({
  name: "embeddingBag",
  inputs: [
    { name: "table", dtype: "float32" },
    { name: "indices", dtype: "int32", differentiable: false },
    { name: "offsets", dtype: "int32", differentiable: false, optional: true },
    { name: "weights", dtype: "float32", optional: true },
  ],
  lookup: ([table]) => ({ input: 1, size: table!.shape[0]! }),
  infer([table, indices], { mode, bags }) {
    if (table!.shape.length !== 2 || indices!.shape.length !== 1) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `embeddingBag takes a table of rows and a list of indices, got ${formatShape(table!.shape)} and ${formatShape(indices!.shape)}.`,
      );
    }
    const values = { ...table!, domain: "real", shape: [bags, table!.shape[1]!] } as const;
    return mode === "max" ? [values, { ...values, dtype: "int32" }] : [values];
  },
  decompose(inputs, attributes) {
    const [table, indices, , weights] = inputs;
    const { mode } = attributes;
    const rows = indexSelect(table!, 0, indices!);
    const counted = countedIn(indices!, attributes);
    const counts = sumOfBags(cast(counted, "float32"), inputs, attributes);
    if (mode === "max") return largest(where(counted, rows, -Infinity), greater(counts, 0), inputs, attributes);
    const weighed = weights === undefined ? rows : mul(rows, reshape(weights, [indices!.shape[0]!, 1]));
    const total = sumOfBags(where(counted, weighed, 0), inputs, attributes);
    return [mode === "sum" ? total : div(total, maximum(counts, 1))];
  },
});

/** @internal Which indices count, bool [n, 1]. */
export const countedIn = (indices: Tensor, { paddingIdx }: EmbeddingBagAttributes): Tensor =>
  paddingIdx === null
    ? ones([indices.shape[0]!, 1], { dtype: "bool" })
    : notEqual(reshape(indices, [indices.shape[0]!, 1]), paddingIdx);

/** @internal The bag of each index, int32 [n]. */
export function bagsOf([, indices, offsets]: OptionalTensors, { bags, length }: EmbeddingBagAttributes): Tensor {
  const count = indices!.shape[0]!;
  if (length !== null) return reshape(broadcastTo(reshape(iota(bags), [bags, 1]), [bags, length]), [count]);
  const begins = indexAdd(zeros([addSizes(count, 1)], { dtype: "int32" }), 0, offsets!, ones([bags], { dtype: "int32" }));
  return sub(sliceAxis(cumsum(begins, 0), 0, 0, count), 1);
}

/** @internal x [n, k] summed over each bag, [bags, k]. */
export function sumOfBags(x: Tensor, inputs: OptionalTensors, attributes: EmbeddingBagAttributes): Tensor {
  const { bags, length } = attributes;
  const width = x.shape[1]!;
  if (length !== null) return sum(reshape(x, [bags, length, width]), { axis: 1 });
  return indexAdd(zeros([bags, width]), 0, bagsOf(inputs, attributes), x);
}

/** @param some bool [bags, 1]: has the bag any index that counts? */
function largest(rows: Tensor, some: Tensor, inputs: OptionalTensors, attributes: EmbeddingBagAttributes): Tensor[] {
  const { bags, length } = attributes;
  const [count, width] = rows.shape as readonly [Size, Size];
  const inBags =
    length === null
      ? where(
          equal(reshape(bagsOf(inputs, attributes), [1, count, 1]), reshape(iota(bags), [bags, 1, 1])),
          reshape(rows, [1, count, width]),
          -Infinity,
        )
      : reshape(rows, [bags, length, width]);
  // One more, so that there is a largest of nothing.
  const candidates = concat([inBags, full([bags, 1, width], -Infinity)], 1);
  const at = argMax(candidates, { axis: 1 });
  const places = length === null ? at : add(at, mul(reshape(iota(bags), [bags, 1]), sizeTensor(length)));
  return [where(some, amax(candidates, { axis: 1 }), 0), where(some, places, 0)];
}

/** A size as an int32 scalar. */
const sizeTensor = (size: Size): Tensor | number => (typeof size === "number" ? size : sum(ones([size], { dtype: "int32" })));

/**
 * @internal Looks at offsets that are on the host: they begin with 0, none is less than the one before, and none is beyond the indices.
 *
 * @param isWhole is the last one the number of indices?
 */
export function checkOffsets(offsets: Tensor, count: Size, isWhole: boolean): void {
  if (typeof count !== "number" || offsets.state.kind !== "eager" || offsets.state.host === undefined) return;
  const values = Array.from(offsets.state.host);
  const wrong = values.findIndex((value, i) => (i === 0 ? value !== 0 : value < values[i - 1]!) || value > count);
  const isShort = isWhole && wrong < 0 && values.at(-1) !== count;
  if (wrong < 0 && !isShort) return;
  throw new ErmineError(
    "ERMINE_VALUE",
    `embeddingBag: offsets begin with 0, go up, and end ${isWhole ? "with" : "within"} the ${count} indices; offset ${isShort ? values.length - 1 : wrong} is ${values.at(wrong)}.`,
  );
}

/**
 * @internal Bags of rows: table [rows, size] at indices [n] → [bags, size].
 *
 * @param given where bags begin, and what each index counts for
 */
export const embeddingBag = (
  table: Tensor,
  indices: Tensor,
  given: { readonly offsets: Tensor | undefined; readonly weights: Tensor | undefined },
  attributes: EmbeddingBagAttributes,
): Tensor<"real"> => apply(embeddingBagOp, [table, indices, given.offsets, given.weights], attributes)[0]!;
