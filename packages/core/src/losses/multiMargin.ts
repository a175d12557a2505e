/** The multi-class hinge. */
import { relu } from "../activations/relu.js";
import { ErmineError } from "../types/errors.js";
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { gather, indexSelect } from "../ops/gather.js";
import { sum } from "../ops/reduction.js";
import { expandDims, reshape } from "../ops/shape.js";
import { square } from "../ops/unary.js";
import type { Tensor } from "../types/tensor.js";
import { areClasses, checkClassTarget, checkClassWeight, classCount } from "./classes.js";
import { defineLoss } from "./definition.js";
import { invalidClassToZero, invalidClassToNaN } from "./invalidClasses.js";
import { oneHotAlong } from "./oneHotAlong.js";

/** The options of `multiMargin`, next to those of every loss. */
export interface MultiMarginOptions {
  /** The power: 1 or 2. Default 1. */
  readonly p: number;
  /** By how much the right class must be ahead of another to cost nothing. Default 1. */
  readonly margin: number;
  /** The weight of each class, (K); the mean divides by N all the same, as PyTorch's. Default: all 1. */
  readonly weight: Tensor | undefined;
}

/**
 * value = Σ_{j ≠ y} w[y] · max(0, margin − x[y] + x[j])^p / K.
 *
 * - formula: Σ_{j ≠ y} max(0, margin − z[y] + z[j])^p / K
 * - derivative: ±1/K within the margin (p = 1)
 * - expects: scores of the classes
 * - targets: class indices (int32)
 * - use: A support vector machine of several classes.
 * - mean: N
 * - outliers: Pull alike, however wrong (p = 1).
 * - source: Weston and Watkins 1999
 *
 * @param prediction scores (N, K) or (K)
 * @param target int32 class indices (N) or ()
 * @example
 * multiMargin(tensor([[2, 1.5, 0]]), tensor([0], { dtype: "int32" })).item(); // => 0.1667
 */
export const multiMargin = defineLoss<[Tensor<"real">, Tensor], MultiMarginOptions>({
  name: "multiMargin",
  link: "softmax",
  inputs: [
    { name: "prediction", dtype: "float32", domain: "real" },
    { name: "target", dtype: "int32", values: (_, [prediction]) => areClasses(prediction!, null) },
  ],
  options: { p: 1, margin: 1, weight: undefined },
  kinds: { p: "integer" },
  optionExamples: { p: 2, margin: 0.5 },
  samples: {
    classes: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.integers([n], 0, 2)] }),
    weighted: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.integers([n], 0, 2)], options: { weight: draw.positive([3]) } }),
  },
  check({ p }) {
    if (p !== 1 && p !== 2) throw new ErmineError("ERMINE_OPTION", `multiMargin: p is 1 or 2, got ${p}.`);
  },
  elements([scores, target], { p, margin, weight }) {
    checkClassTarget("multiMargin", scores, target, false);
    const classes = classCount(scores.shape) as number;
    checkClassWeight("multiMargin", classes, weight);
    const axis = scores.rank - 1;
    const x = invalidClassToNaN(scores, expandDims(target, axis), classes, null);
    const indices = invalidClassToZero(target, classes);
    const targetScore = gather(x, axis, expandDims(indices, axis));
    const gap = relu(add(sub(x, targetScore), margin));
    const perClass = mul(p === 2 ? square(gap) : gap, sub(1, oneHotAlong(indices, classes, axis)));
    const value = div(sum(perClass, { axis }), classes);
    if (weight === undefined) return { value };
    return { value: mul(value, reshape(indexSelect(weight, 0, reshape(indices, [-1])), target.shape)) };
  },
});
