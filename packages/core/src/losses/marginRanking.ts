/** Which of two is higher. */
import { add, mul, sub } from "../ops/arithmetic.js";
import { neg } from "../ops/unary.js";
import { clamp } from "../ops/where.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss } from "./definition.js";
import { areSigns } from "./values.js";

/** The options of `marginRanking`, next to those of every loss. */
export interface MarginRankingOptions {
  /** By how much the right one must be higher to cost nothing. Default 0. */
  readonly margin: number;
}

/**
 * value = max(0, −y (a − b) + margin), y = 1: a should be higher, −1: b.
 *
 * - formula: max(0, −y (a − b) + margin)
 * - derivative: ∓y within the margin
 * - expects: two scores
 * - targets: ±1, the same shape
 * - use: Learning to rank from pairs.
 * - mean: the count of pairs
 * - outliers: Pull alike, however wrong.
 *
 * @param first scores a
 * @param second scores b, of the shape of a
 * @param target 1 (a should be higher) or −1 (b should be higher), of that shape
 * @example
 * marginRanking(tensor([1, 2]), tensor([0, 3]), tensor([1, 1])).item(); // => 0.5
 */
export const marginRanking = defineLoss<[Tensor, Tensor, Tensor], MarginRankingOptions>({
  name: "marginRanking",
  link: "identity",
  inputs: [
    { name: "predictionFirst", dtype: "float32" },
    { name: "predictionSecond", role: "prediction", dtype: "float32" },
    { name: "target", dtype: "value", values: areSigns },
  ],
  options: { margin: 0 },
  optionExamples: { margin: 1 },
  samples: { pairs: (n, draw) => ({ inputs: [draw.real([n]), draw.real([n]), draw.signs([n])] }) },
  elements([a, b, target], { margin }) {
    checkSameShape("marginRanking", a, b, "second prediction");
    checkSameShape("marginRanking", a, target);
    return { value: clamp(add(neg(mul(target, sub(a, b))), margin), 0) };
  },
});
