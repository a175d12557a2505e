/** The mean squared error. */
import { mul } from "../ops/arithmetic.js";
import type { LossProse } from "./definition.js";
import { residualLoss } from "./residual.js";

/** value = (prediction − target)², of equal shapes. A weight of that shape: the mean divides by Σ weight. */
export const mse = residualLoss({
  name: "mse",
  weightedMean: "weights",
  value: (r) => mul(r, r),
  slope: (g, r) => mul(mul(g, 2), r),
});

export const mseProse: LossProse = {
  formula: "(ŷ − y)²",
  derivative: "2(ŷ − y)",
  expects: "any numbers",
  targets: "numbers of the same shape",
  use: "Regression; its minimum is the mean.",
  mean: "the count of numbers; with a weight, Σ weight",
  outliers: "One bad target pulls with its whole distance.",
};
