/** Which of two is higher. */
import { add, mul, sub } from "../ops/arithmetic.js";
import { neg } from "../ops/unary.js";
import { clamp } from "../ops/where.js";
import type { Tensor } from "../types/tensor.js";
import { checkSameShape, defineLoss, type LossProse } from "./definition.js";
import { areSigns } from "./values.js";

/** value = max(0, −y (a − b) + margin), y = 1: a shall be higher, −1: b. Default margin 0. All of one shape. */
export const marginRanking = defineLoss<[Tensor, Tensor, Tensor], { margin: number }>({
  name: "marginRanking",
  link: "identity",
  inputs: [
    { name: "predictionFirst", dtype: "float32" },
    { name: "predictionSecond", role: "prediction", dtype: "float32" },
    { name: "target", dtype: "value", values: areSigns },
  ],
  options: { margin: 0 },
  witnesses: { margin: 1 },
  samples: { pairs: (n, draw) => ({ inputs: [draw.real([n]), draw.real([n]), draw.signs([n])] }) },
  elements([a, b, target], { margin }) {
    checkSameShape("marginRanking", a, b, "second prediction");
    checkSameShape("marginRanking", a, target);
    return { value: clamp(add(neg(mul(target, sub(a, b))), margin), 0) };
  },
});

export const marginRankingProse: LossProse = {
  formula: "max(0, −y (a − b) + margin)",
  derivative: "∓y within the margin",
  expects: "two scores",
  targets: "±1, the same shape",
  use: "Learning to rank from pairs.",
  mean: "the count of pairs",
  outliers: "Pull alike, however wrong.",
};
