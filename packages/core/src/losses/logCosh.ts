/** The logarithm of the hyperbolic cosine: squared near, absolute far, smooth everywhere. */
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { less } from "../ops/comparison.js";
import { abs, exp, expm1, log1p, tanh } from "../ops/unary.js";
import { clamp, where } from "../ops/where.js";
import { residualLoss } from "./residual.js";

/**
 * value = log cosh r, r = prediction − target. |r| + log(1 + e^−2|r|) − log 2 never overflows, and has no digits left near 0: there it is
 * log(1 + u² / (2 (1 + u))), u = e^|r| − 1.
 *
 * - formula: log cosh(ŷ − y)
 * - derivative: tanh(ŷ − y)
 * - expects: any values
 * - targets: values of the same shape
 * - use: Regression with some bad targets, smooth to the second derivative.
 * - mean: the number of elements
 * - outliers: Pull with 1 at most.
 *
 * @param prediction any shape, float32
 * @param target values of the prediction's shape
 * @example
 * logCosh(tensor([0, 0]), tensor([0.5, 3])).item(); // => 1.2147
 */
export const logCosh = residualLoss({
  name: "logCosh",
  value(r) {
    const size = abs(r);
    const u = expm1(clamp(size, undefined, 1));
    const near = log1p(div(mul(u, u), mul(add(u, 1), 2)));
    return where(less(size, 1), near, add(size, sub(log1p(exp(mul(size, -2))), Math.LN2)));
  },
  slope: (g, r) => mul(g, tanh(r)),
});
