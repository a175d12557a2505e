/** What the normalizations share: mean 0 and variance 1 over some axes, then a weight and a bias. */
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { mean, variance } from "../ops/statistics.js";
import { sqrt } from "../ops/unary.js";
import type { Tensor } from "../types/tensor.js";
import type { Parameter } from "../dispatch/variable.js";

/** @internal (x − center) / √(spread + eps) */
export const scaleBy = (x: Tensor, center: Tensor, spread: Tensor, eps: number): Tensor<"real"> =>
  div(sub(x, center), sqrt(add(spread, eps)));

/** @internal (x − mean) / √(variance + eps) over the axes, the variance biased. */
export function standardize(x: Tensor, axis: readonly number[], eps: number): Tensor<"real"> {
  const over = { axis, keepDims: true };
  return scaleBy(x, mean(x, over), variance(x, { ...over, correction: 0 }), eps);
}

/** @internal x · weight + bias, each where it is there; `align` gives them x's axes. */
export function affine(
  x: Tensor,
  weight: Parameter | undefined,
  bias: Parameter | undefined,
  align: (t: Tensor) => Tensor,
): Tensor<"real"> {
  const scaled = weight === undefined ? x : mul(x, align(weight.value));
  return bias === undefined ? scaled : add(scaled, align(bias.value));
}
