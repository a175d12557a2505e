/** The hinge of several labels: each label above each other class. */
import { relu } from "../activations/relu.js";
import type { TensorType } from "../types/storage.js";
import { ErmineError } from "../types/errors.js";
import { add, div, maximum, mul, sub } from "../ops/arithmetic.js";
import { cast } from "../ops/cast.js";
import { equal, greaterEqual, less, logicalOr } from "../ops/comparison.js";
import { gather } from "../ops/gather.js";
import { any, max, sum } from "../ops/reduction.js";
import { expandDims } from "../ops/shape.js";
import { cumsum } from "../ops/sort.js";
import { where } from "../ops/where.js";
import { formatShape, sameShape } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { defineLoss } from "./definition.js";
import { nanWhere } from "./invalidClasses.js";
import { oneHotAlong } from "./oneHotAlong.js";
import { wholeWithin, type ValueRule } from "./values.js";

function endedLists({ shape }: TensorType): ValueRule | undefined {
  const classes = shape.at(-1);
  return typeof classes === "number" ? wholeWithin("class indices", -1, classes - 1, "-1 ends a list.") : undefined;
}

/**
 * value = Σ_{j in labels} Σ_{i not in labels} max(0, 1 − x[j] + x[i]) / K.
 *
 * - formula: Σ_{j ∈ y} Σ_{i ∉ y} max(0, 1 − z[j] + z[i]) / K
 * - derivative: ±1/K within the margin
 * - expects: scores of the classes
 * - targets: lists of class indices, ended by −1
 * - use: Several labels at once, ranked above the rest.
 * - mean: N (each is a mean over the K classes)
 * - outliers: Pull alike, however wrong.
 *
 * @param prediction scores x, (N, K) or (K)
 * @param target int32 of the prediction's shape: class indices, ended by −1
 * @throws ErmineError ERMINE_SHAPE where the shapes differ, ERMINE_VALUE for a target on the host that is no class and not −1; one that is
 * computed makes value and gradient of its list NaN
 * @example
 * multiLabelMargin(tensor([[2, 1.5, 0]]), tensor([[0, -1, -1]], { dtype: "int32" })).item(); // => 0.1667
 */
export const multiLabelMargin = defineLoss<[Tensor<"real">, Tensor]>({
  name: "multiLabelMargin",
  link: "identity",
  inputs: [
    { name: "prediction", dtype: "float32", domain: "real" },
    { name: "target", dtype: "int32", values: (_, [prediction]) => endedLists(prediction!) },
  ],
  samples: { "lists of classes": (n, draw) => ({ inputs: [draw.real([n, 3]), draw.integers([n, 3], -1, 2)] }) },
  elements([prediction, target]) {
    if (!sameShape(prediction.shape, target.shape) || target.dtype !== "int32") {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `multiLabelMargin: the target lists class indices (int32), ended by -1, in the prediction's shape ${formatShape(prediction.shape)}; ` +
          `got ${target.dtype} ${formatShape(target.shape)}.`,
      );
    }
    const axis = prediction.rank - 1;
    const classes = prediction.shape[axis] as number;
    // Values that are neither a class nor the end of a list, where they are not read on the host.
    const isUnknown = logicalOr(less(target, -1), greaterEqual(target, classes));
    const x = nanWhere(any(isUnknown, { axis, keepDims: true }), prediction);
    // Entries after the first −1 are ignored.
    const counts = cast(equal(cumsum(cast(less(target, 0), "int32"), axis), 0), "float32");
    const labels = where(isUnknown, 0, maximum(target, 0));
    const isLabel = max(mul(oneHotAlong(labels, classes, axis + 1), expandDims(counts, axis + 1)), { axis });
    const gaps = relu(add(sub(expandDims(x, axis), expandDims(gather(x, axis, labels), axis + 1)), 1));
    const counted = mul(mul(gaps, expandDims(counts, axis + 1)), expandDims(sub(1, isLabel), axis));
    return { value: div(sum(counted, { axis: [axis, axis + 1] }), classes) };
  },
});
