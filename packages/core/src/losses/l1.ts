/** The mean absolute error. */
import { mul } from "../ops/arithmetic.js";
import { abs, sign } from "../ops/unary.js";
import { residualLoss } from "./residual.js";

/**
 * value = |prediction − target|, of equal shapes. The gradient at 0 is 0. A weight of that shape: the mean divides by Σ weight.
 *
 * - formula: |ŷ − y|
 * - derivative: sign(ŷ − y)
 * - expects: any values
 * - targets: values of the same shape
 * - use: Regression; its minimum is the median.
 * - mean: the number of elements; with a weight, Σ weight
 * - outliers: All pull alike, however far.
 *
 * @param prediction any shape, float32
 * @param target values of the prediction's shape
 * @example
 * l1(tensor([1, 2]), tensor([1, 4])).item(); // => 1
 */
export const l1 = residualLoss({
  name: "l1",
  weightedMean: "weights",
  value: (r) => abs(r),
  slope: (g, r) => mul(g, sign(r)),
});

/**
 * Another name of `l1`.
 *
 * @example
 * mae(tensor([1, 2]), tensor([1, 4])).item(); // => 1
 */
export const mae = l1;
