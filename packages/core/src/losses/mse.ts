/** The mean squared error. */
import { mul } from "../ops/arithmetic.js";
import { residualLoss } from "./residual.js";

/**
 * The mean squared error: value = (prediction − target)² for each element. Both have one shape. With the option `weight` the mean divides by Σ weight.
 *
 * - formula: (ŷ − y)²
 * - derivative: 2(ŷ − y)
 * - expects: any values
 * - targets: values of the same shape
 * - use: Regression; its minimum is the mean.
 * - mean: the number of elements; with a weight, Σ weight
 * - outliers: One bad target pulls with its whole distance.
 *
 * @param prediction any shape, float32
 * @param target values of the prediction's shape
 * @example
 * mse(tensor([1, 2]), tensor([1, 4])).item(); // => 2
 */
export const mse = residualLoss({
  name: "mse",
  weightedMean: "weights",
  value: (r) => mul(r, r),
  slope: (g, r) => mul(mul(g, 2), r),
});
