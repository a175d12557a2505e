/** Normalization by what is known beforehand (running statistics): a scale and a shift. */
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { sqrt } from "../ops/unary.js";
import type { Tensor } from "../types/tensor.js";
import type { Parameter } from "../dispatch/variable.js";

/** @internal (x − center) / √(spread + eps) */
export const scaleBy = (x: Tensor, center: Tensor, spread: Tensor, eps: number): Tensor<"real"> =>
  div(sub(x, center), sqrt(add(spread, eps)));

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
