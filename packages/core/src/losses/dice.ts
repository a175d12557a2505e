/** The overlap of two sets, in probabilities. */
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { sum } from "../ops/reduction.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss, type LossProse } from "./definition.js";
import { inUnitInterval } from "./values.js";

/**
 * value = 1 − (2 Σ p·y + smooth) / (Σ p + Σ y + smooth), one for each sample; sums over all axes but the first.
 *
 * @param prediction probabilities: what `sigmoid` or `softmax` gives
 * @param options.smooth default 1
 */
export const dice = defineLoss<[Tensor<"probabilities">, Tensor], { smooth: number }>({
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
  witnesses: { smooth: 3 },
  samples: { labels: (n, draw) => ({ inputs: [draw.probabilities([n, 3]), draw.labels([n, 3])] }) },
  elements([p, target], { smooth }) {
    checkSameShape("dice", p, target);
    const axis = p.shape.slice(1).map((_, i) => i + 1);
    const overlap = add(mul(sum(mul(p, target), { axis }), 2), smooth);
    return { value: sub(1, div(overlap, add(add(sum(p, { axis }), sum(target, { axis })), smooth))) };
  },
});

export const diceProse: LossProse = {
  formula: "1 − (2 Σ p·y + s) / (Σ p + Σ y + s)",
  derivative: "of the ratio",
  expects: "probabilities",
  targets: "0 or 1, the same shape",
  use: "Segmentation, where the object is small.",
  mean: "N",
  outliers: "Bounded by 1.",
  source: "Milletari 2016",
};
