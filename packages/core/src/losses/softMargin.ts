/** The logistic loss of labels ±1. */
import { add, mul } from "../ops/arithmetic.js";
import { abs, exp, log1p, neg } from "../ops/unary.js";
import { clamp } from "../ops/where.js";
import type { Tensor } from "../tensor/tensor.js";
import { checkSameShape, defineLoss, type LossProse } from "./definition.js";

/** value = log(1 + e^(−y·x)), y = ±1 of x's shape; computed as max(−yx, 0) + log(1 + e^−|yx|). */
export const softMargin = defineLoss<[Tensor<"real">, Tensor]>({
  name: "softMargin",
  link: "sigmoid",
  inputs: [{ name: "prediction", domain: "real" }, { name: "target" }],
  elements([x, target]) {
    checkSameShape("softMargin", x, target);
    const away = neg(mul(target, x));
    return { value: add(clamp(away, 0), log1p(exp(neg(abs(away))))) };
  },
});

export const softMarginProse: LossProse = {
  formula: "log(1 + exp(−y·x))",
  derivative: "−y · σ(−y·x)",
  expects: "any numbers (no sigmoid)",
  targets: "±1, the same shape",
  use: "Two classes written as ±1; the same as bceWithLogits on 0 and 1.",
  outliers: "Pull with 1 at most.",
};
