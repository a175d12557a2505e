/** Squared near, absolute far. */
import { ErmineError } from "../types/errors.js";
import { mul, sub } from "../ops/arithmetic.js";
import { lessEqual } from "../ops/comparison.js";
import { abs } from "../ops/unary.js";
import { clamp, where } from "../ops/where.js";
import { residualLoss } from "./residual.js";

/** The options of `huber`, next to those of every loss. */
export type HuberOptions = {
  /** Where the quadratic part ends; above 0. Default 1. */
  readonly delta: number;
};

/**
 * value = ½r² for |r| ≤ delta, delta · (|r| − ½delta) beyond; r = prediction − target. It is delta · smoothL1. With the option `weight` the mean divides by the count, as PyTorch's.
 *
 * - formula: ½r² for |r| ≤ δ, else δ(|r| − ½δ)
 * - derivative: r, held within ±δ
 * - expects: any values
 * - targets: values of the same shape
 * - use: Regression with some bad targets.
 * - mean: the number of elements, also with a weight
 * - outliers: Pull with δ at most.
 * - source: Huber 1964
 *
 * @param prediction any shape, float32
 * @param target values of the prediction's shape
 * @example
 * huber(tensor([0, 0]), tensor([0.5, 3])).item(); // => 1.3125
 */
export const huber = residualLoss<HuberOptions>({
  name: "huber",
  weightedMean: "count",
  options: { delta: 1 },
  optionExamples: { delta: 0.5 },
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
