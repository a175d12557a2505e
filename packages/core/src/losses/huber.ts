/** Squared near, absolute far. */
import { ErmineError } from "../types/errors.js";
import { mul, sub } from "../ops/arithmetic.js";
import { lessEqual } from "../ops/comparison.js";
import { abs } from "../ops/unary.js";
import { clamp, where } from "../ops/where.js";
import type { LossProse } from "./definition.js";
import { residualLoss } from "./residual.js";

/** value = ½r² for |r| ≤ delta, delta · (|r| − ½delta) beyond; r = prediction − target. It is delta · smoothL1. A weight of that shape multiplies, and the mean divides by the count, as PyTorch's. */
export const huber = residualLoss({
  name: "huber",
  weightedMean: "count",
  options: { delta: 1 },
  witnesses: { delta: 0.5 },
  check({ delta }) {
    if (!(delta > 0)) throw new ErmineError("ERMINE_OPTION", `huber: delta must be above 0, got ${delta}.`);
  },
  value(r, { delta }) {
    const size = abs(r);
    const near = clamp(size, undefined, delta);
    return where(lessEqual(size, delta), mul(mul(near, 0.5), near), mul(sub(size, delta / 2), delta));
  },
  slope: (g, r, { delta }) => mul(g, clamp(r, -delta, delta)),
});

export const huberProse: LossProse = {
  formula: "½r² for |r| ≤ δ, else δ(|r| − ½δ)",
  derivative: "r, held within ±δ",
  expects: "any numbers",
  targets: "numbers of the same shape",
  use: "Regression with some bad targets.",
  mean: "the count of numbers, also with a weight",
  outliers: "Pull with δ at most.",
  source: "Huber 1964",
};
