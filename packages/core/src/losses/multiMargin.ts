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
import { defineLoss, type LossProse } from "./definition.js";
import { lookedUp, ofKnownClasses } from "./knownClasses.js";
import { oneHotAlong } from "./oneHotAlong.js";

/**
 * value = Σ_{j ≠ y} w[y] · max(0, margin − x[y] + x[j])^p / K; x (N, K) or (K), y class indices (N) or ().
 *
 * @param options.p 1 (default) or 2
 * @param options.margin default 1
 * @param options.weight one number a class; the mean divides by N all the same, as PyTorch's
 */
export const multiMargin = defineLoss<[Tensor<"real">, Tensor], { p: number; margin: number; weight: Tensor | undefined }>({
  name: "multiMargin",
  link: "softmax",
  inputs: [
    { name: "prediction", dtype: "float32", domain: "real" },
    { name: "target", dtype: "int32", values: (_, [prediction]) => areClasses(prediction!, null) },
  ],
  options: { p: 1, margin: 1, weight: undefined },
  kinds: { p: "integer" },
  witnesses: { p: 2, margin: 0.5 },
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
    const x = ofKnownClasses(scores, expandDims(target, axis), classes, null);
    const indices = lookedUp(target, classes);
    const own = gather(x, axis, expandDims(indices, axis));
    const gap = relu(add(sub(x, own), margin));
    const others = mul(p === 2 ? square(gap) : gap, sub(1, oneHotAlong(indices, classes, axis)));
    const value = div(sum(others, { axis }), classes);
    if (weight === undefined) return { value };
    return { value: mul(value, reshape(indexSelect(weight, 0, reshape(indices, [-1])), target.shape)) };
  },
});

export const multiMarginProse: LossProse = {
  formula: "Σ_{j ≠ y} max(0, margin − z[y] + z[j])^p / K",
  derivative: "±1/K within the margin (p = 1)",
  expects: "scores of the classes",
  targets: "class indices (int32)",
  use: "A support vector machine of several classes.",
  mean: "N",
  outliers: "Pull alike, however wrong (p = 1).",
  source: "Weston and Watkins 1999",
};
