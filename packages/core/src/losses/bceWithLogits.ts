/** Binary cross-entropy of logits: sigmoid and logarithm in one, which cannot overflow. */
import { sigmoid } from "../activations/sigmoid.js";
import { add, maximum, mul, sub } from "../ops/arithmetic.js";
import { apply1 } from "../ops/apply.js";
import { builtinFusedOp } from "../ops/fused.js";
import { abs, exp, log1p, neg } from "../ops/unary.js";
import type { Tensor } from "../types/tensor.js";
import { checkBroadcastsTo } from "./bce.js";
import { checkSameShape, defineLoss } from "./definition.js";
import { inUnitInterval } from "./values.js";

/** The values of `bceWithLogits` before the reduction. */
export const bceWithLogitsElementsOp = builtinFusedOp<Record<never, never>>({
  name: "bceWithLogitsElements",
  inputs: [
    { name: "logits", dtype: "float32" },
    { name: "target", dtype: "value", differentiable: false },
    { name: "weight", dtype: "value", optional: true, differentiable: false },
    { name: "posWeight", dtype: "value", optional: true, differentiable: false },
  ],
  infer: ([z]) => [{ ...z!, domain: "real" }],
  decompose([z, target, weight, posWeight]) {
    // With t = log(1 + e^−|z|): (1 − y)(t + max(z, 0)) + c·y (t + max(−z, 0)); for labels in [0, 1] nothing cancels.
    const tail = log1p(exp(neg(abs(z!))));
    const right = posWeight === undefined ? target! : mul(posWeight, target!);
    const wrong = sub(1, target!);
    const whole = posWeight === undefined ? tail : mul(tail, add(wrong, right));
    const value = add(whole, add(mul(wrong, maximum(z!, 0)), mul(right, maximum(neg(z!), 0))));
    return [weight === undefined ? value : mul(value, weight)];
  },
  gradient([g], [z, target, weight, posWeight]) {
    // (1 − y) σ(z) − c·y σ(−z): σ(z) − y has no digits left where it is nearly 0.
    const right = posWeight === undefined ? target! : mul(posWeight, target!);
    const slope = sub(mul(sub(1, target!), sigmoid(z!)), mul(right, sigmoid(neg(z!))));
    const scaled = mul(g!, slope);
    return [weight === undefined ? scaled : mul(scaled, weight), undefined, undefined, undefined];
  },
});

/** The options of `bceWithLogits`, next to those of every loss. */
export interface BceWithLogitsOptions {
  /** Multiplies the values; broadcasts to the prediction. The mean divides by the count all the same. Default: all 1. */
  readonly weight: Tensor | undefined;
  /** The weight of positive targets; broadcasts to the prediction, usually one value for each label. Default: all 1. */
  readonly posWeight: Tensor | undefined;
}

/**
 * value = −w (c · y log σ(z) + (1 − y) log(1 − σ(z))), c = posWeight; for several labels each is a question of its own.
 *
 * - formula: −w (c·y log σ(z) + (1 − y) log(1 − σ(z)))
 * - derivative: w (σ(z) − y) where c is 1
 * - expects: logits (no sigmoid)
 * - targets: values in [0, 1], the same shape
 * - use: Yes-or-no questions, one or many a sample.
 * - mean: the number of elements, also with weights
 * - outliers: Grows with |z|: a confident wrong answer pulls with its whole weight.
 *
 * @param prediction logits: do not apply sigmoid
 * @param target values in [0, 1] of the same shape
 * @throws ErmineError ERMINE_DOMAIN for probabilities
 * @example
 * bceWithLogits(tensor([2, -1]), tensor([1, 0])).item(); // => 0.2201
 */
export const bceWithLogits = defineLoss<[Tensor<"real">, Tensor], BceWithLogitsOptions>({
  name: "bceWithLogits",
  link: "sigmoid",
  inputs: [
    {
      name: "prediction",
      dtype: "float32",
      domain: "real",
      remedy: "Remove the sigmoid: bceWithLogits has it inside; or use bce.",
    },
    { name: "target", dtype: "value", values: inUnitInterval },
  ],
  options: { weight: undefined, posWeight: undefined },
  samples: {
    labels: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.labels([n, 3])] }),
    weighted: (n, draw) => ({ inputs: [draw.real([n, 3]), draw.labels([n, 3])], options: { weight: draw.positive([n, 1]) } }),
    "weighted by label": (n, draw) => ({
      inputs: [draw.real([n, 3]), draw.labels([n, 3])],
      options: { posWeight: draw.positive([3]) },
    }),
  },
  elements([z, target], { weight, posWeight }) {
    checkSameShape("bceWithLogits", z, target);
    checkBroadcastsTo("bceWithLogits", "weight", weight, z.shape);
    checkBroadcastsTo("bceWithLogits", "posWeight", posWeight, z.shape);
    return { value: apply1(bceWithLogitsElementsOp, [z, target, weight, posWeight], {}) };
  },
});
