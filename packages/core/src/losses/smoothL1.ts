/** The absolute error with its corner rounded. */
import { ErmineError } from "../types/errors.js";
import { div, mul, sub } from "../ops/arithmetic.js";
import { less } from "../ops/comparison.js";
import { abs, sign } from "../ops/unary.js";
import { clamp, where } from "../ops/where.js";
import { residualLoss } from "./residual.js";

/** The options of `smoothL1`, next to those of every loss. */
export type SmoothL1Options = {
  /** Where the quadratic part ends; not below 0 (0 is l1). Default 1. */
  readonly beta: number;
};

/**
 * value = ½r² / beta for |r| < beta, |r| − ½beta beyond; beta 0 is l1.
 *
 * - formula: ½r²/β for |r| < β, else |r| − ½β
 * - derivative: r/β, held within ±1
 * - expects: any values
 * - targets: values of the same shape
 * - use: Regression of boxes and other values with outliers.
 * - mean: the number of elements
 * - outliers: Pull with 1 at most.
 * - source: Girshick 2015
 *
 * @param prediction any shape, float32
 * @param target values of the prediction's shape
 * @example
 * smoothL1(tensor([0, 0]), tensor([0.5, 3])).item(); // => 1.3125
 */
export const smoothL1 = residualLoss<SmoothL1Options>({
  name: "smoothL1",
  options: { beta: 1 },
  optionExamples: { beta: 0.5 },
  check({ beta }) {
    if (!(beta >= 0)) throw new ErmineError("ERMINE_OPTION", `smoothL1: beta must not be below 0, got ${beta}.`);
  },
  value(r, { beta }) {
    const size = abs(r);
    if (beta === 0) return size;
    const near = clamp(size, undefined, beta);
    return where(less(size, beta), div(mul(mul(near, 0.5), near), beta), sub(size, beta / 2));
  },
  slope: (g, r, { beta }) => mul(g, beta === 0 ? sign(r) : div(clamp(r, -beta, beta), beta)),
});
