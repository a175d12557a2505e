/** The logarithm of the hyperbolic cosine: squared near, absolute far, smooth everywhere. */
import { add, mul, sub } from "../ops/arithmetic.js";
import { abs, exp, log1p, tanh } from "../ops/unary.js";
import type { LossProse } from "./definition.js";
import { residualLoss } from "./residual.js";

/** value = log cosh r = |r| + log(1 + e^−2|r|) − log 2, r = prediction − target: never overflows. */
export const logCosh = residualLoss({
  name: "logCosh",
  value(r) {
    const size = abs(r);
    return add(size, sub(log1p(exp(mul(size, -2))), Math.LN2));
  },
  slope: (g, r) => mul(g, tanh(r)),
});

export const logCoshProse: LossProse = {
  formula: "log cosh(ŷ − y)",
  derivative: "tanh(ŷ − y)",
  expects: "any numbers",
  targets: "numbers of the same shape",
  use: "Regression with some bad targets, smooth to the second derivative.",
  mean: "the count of numbers",
  outliers: "Pull with 1 at most.",
};
