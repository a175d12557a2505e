/** The overlap of two sets, in probabilities. */
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { sum } from "../ops/reduction.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss } from "./definition.js";
import { inUnitInterval } from "./values.js";

/** The options of `dice`, next to those of every loss. */
export interface DiceOptions {
  /** Added to both sides of the quotient, so that empty masks have a value. Default 1. */
  readonly smooth: number;
}

/**
 * value = 1 − (2 Σ p·y + smooth) / (Σ p + Σ y + smooth), one for each sample; sums over all axes but the first.
 *
 * - formula: 1 − (2 Σ p·y + s) / (Σ p + Σ y + s)
 * - derivative: of the ratio
 * - expects: probabilities
 * - targets: 0 or 1, the same shape
 * - use: Segmentation, where the object is small.
 * - mean: N
 * - outliers: Bounded by 1.
 * - source: Milletari 2016
 *
 * @param prediction probabilities: what `sigmoid` or `softmax` gives
 * @param target 0 or 1, of the prediction's shape
 * @example
 * dice(sigmoid(tensor([[2, -1]])), tensor([[1, 0]])).item(); // => 0.1232
 */
export const dice = defineLoss<[Tensor<"probabilities">, Tensor], DiceOptions>({
  name: "dice",
  link: "identity",
  inputs: [
    {
      name: "prediction",
      dtype: "float32",
      domain: "probabilities",
      remedy: "Apply sigmoid; asProbabilities(t) marks numbers that are probabilities already.",
    },
    { name: "target", dtype: "value", values: inUnitInterval },
  ],
  options: { smooth: 1 },
  optionExamples: { smooth: 3 },
  samples: { labels: (n, draw) => ({ inputs: [draw.probabilities([n, 3]), draw.labels([n, 3])] }) },
  elements([p, target], { smooth }) {
    checkSameShape("dice", p, target);
    const axis = p.shape.slice(1).map((_, i) => i + 1);
    const overlap = add(mul(sum(mul(p, target), { axis }), 2), smooth);
    return { value: sub(1, div(overlap, add(add(sum(p, { axis }), sum(target, { axis })), smooth))) };
  },
});
