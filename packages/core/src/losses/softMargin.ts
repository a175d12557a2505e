/** The logistic loss of labels ±1. */
import { logSigmoid } from "../activations/logSigmoid.js";
import { mul } from "../ops/arithmetic.js";
import { neg } from "../ops/unary.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss } from "./definition.js";
import { areSigns } from "./values.js";

/**
 * value = log(1 + e^(−y·x)), y = ±1 of x's shape: −log σ(y·x), which never overflows.
 *
 * - formula: log(1 + exp(−y·x))
 * - derivative: −y · σ(−y·x)
 * - expects: any values (no sigmoid)
 * - targets: ±1, the same shape
 * - use: Two classes written as ±1; the same as bceWithLogits on 0 and 1.
 * - mean: the number of elements
 * - outliers: Pull with 1 at most.
 *
 * @param prediction scores of any shape
 * @param target 1 or −1, of the prediction's shape
 * @example
 * softMargin(tensor([2, -1]), tensor([1, -1])).item(); // => 0.2201
 */
export const softMargin = defineLoss<[Tensor<"real">, Tensor]>({
  name: "softMargin",
  link: "sigmoid",
  inputs: [
    { name: "prediction", dtype: "float32", domain: "real" },
    { name: "target", dtype: "value", values: areSigns },
  ],
  samples: { signs: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.signs([n, 3])] }) },
  elements([x, target]) {
    checkSameShape("softMargin", x, target);
    return { value: neg(logSigmoid(mul(target, x))) };
  },
});
