/** Binary cross-entropy of probabilities, each number a question of its own. */
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { apply1 } from "../ops/apply.js";
import { builtinFusedOp } from "../ops/fused.js";
import { log, log1p, neg } from "../ops/unary.js";
import { clamp } from "../ops/where.js";
import { broadcastShapes, formatShape, sameShape, type Shape } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss } from "./definition.js";
import { inUnitInterval } from "./values.js";

/** The values of `bce` before the reduction. */
export const bceElementsOp = builtinFusedOp<Record<never, never>>({
  name: "bceElements",
  inputs: [
    { name: "probabilities", dtype: "float32" },
    { name: "target", dtype: "value", differentiable: false },
    { name: "weight", dtype: "value", optional: true, differentiable: false },
  ],
  infer: ([p]) => [{ ...p!, domain: "real" }],
  decompose([p, target, weight]) {
    // PyTorch holds each logarithm at −100, so that a probability of exactly 0 costs 100 and not infinity.
    const logP = clamp(log(p!), -100);
    const logQ = clamp(log1p(neg(p!)), -100);
    const value = neg(add(mul(target!, logP), mul(sub(1, target!), logQ)));
    return [weight === undefined ? value : mul(value, weight)];
  },
  gradient([g], [p, target, weight]) {
    const slope = div(sub(p!, target!), clamp(mul(p!, sub(1, p!)), 1e-12));
    const scaled = mul(g!, slope);
    return [weight === undefined ? scaled : mul(scaled, weight), undefined, undefined];
  },
});

/** @internal @throws ErmineError ERMINE_SHAPE where an option would change the shape of the value */
export function checkBroadcastsTo(loss: string, name: string, t: Tensor | undefined, shape: Shape): void {
  if (t === undefined || sameShape(broadcastShapes(loss, t.shape, shape), shape)) return;
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${loss}: ${name} ${formatShape(t.shape)} does not broadcast to the prediction ${formatShape(shape)}.`,
  );
}

/** The options of `bce`, next to those of every loss. */
export interface BceOptions {
  /** Multiplies the values; broadcasts to the prediction. The mean divides by the count all the same. Default: all 1. */
  readonly weight: Tensor | undefined;
}

/**
 * value = −w (y log p + (1 − y) log(1 − p)), each logarithm held at −100 as in PyTorch.
 *
 * - formula: −w (y log p + (1 − y) log(1 − p))
 * - derivative: w (p − y) / (p (1 − p))
 * - expects: probabilities
 * - targets: values in [0, 1], the same shape
 * - use: Where only probabilities are at hand; else bceWithLogits.
 * - mean: the number of elements, also with a weight
 * - outliers: At most 100 each.
 *
 * @param prediction probabilities: what `sigmoid` gives. Prefer logits and bceWithLogits, which is exact.
 * @param target values in [0, 1] of the same shape
 * @throws ErmineError ERMINE_DOMAIN for values that are not marked as probabilities
 * @example
 * bce(sigmoid(tensor([2, -1])), tensor([1, 0])).item(); // => 0.2201
 */
export const bce = defineLoss<[Tensor<"probabilities">, Tensor], BceOptions>({
  name: "bce",
  link: "identity",
  inputs: [
    {
      name: "prediction",
      dtype: "float32",
      domain: "probabilities",
      remedy:
        "Use bceWithLogits on the logits, or sigmoid first; asProbabilities(t) marks numbers that are probabilities already.",
    },
    { name: "target", dtype: "value", values: inUnitInterval },
  ],
  options: { weight: undefined },
  samples: {
    labels: (n, draw) => ({ inputs: [draw.probabilities([n, 3]), draw.labels([n, 3])] }),
    weighted: (n, draw) => ({
      inputs: [draw.probabilities([n, 3]), draw.probabilities([n, 3])],
      options: { weight: draw.positive([3]) },
    }),
  },
  elements([p, target], { weight }) {
    checkSameShape("bce", p, target);
    checkBroadcastsTo("bce", "weight", weight, p.shape);
    return { value: apply1(bceElementsOp, [p, target, weight], {}) };
  },
});
