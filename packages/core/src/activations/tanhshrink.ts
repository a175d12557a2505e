/** The residual of tanh, x − tanh(x). */
import { add, div, mul, sub } from "../ops/arithmetic.js";
import { less } from "../ops/comparison.js";
import { abs, tanh } from "../ops/unary.js";
import { clamp, where } from "../ops/where.js";
import type { Tensor } from "../types/tensor.js";
import { activationGradient, builtinActivation } from "./definition.js";

/**
 * x − tanh x without the cancellation: x·K / (1 + K), K = x²/(3 + x²/(5 + x²/(7 + …))), of which |x| < 1 needs eight levels in double precision.
 * Source: Lambert's continued fraction, Abramowitz & Stegun 4.5.70.
 */
function near(x: Tensor): Tensor {
  const square = clamp(mul(x, x), 0, 1);
  let level: Tensor | number = 19;
  for (let n = 17; n >= 3; n -= 2) level = add(div(square, level), n);
  const k = div(square, level);
  return div(mul(x, k), add(k, 1));
}

/**
 * f(x) = x − tanh x.
 *
 * - formula: x − tanh x
 * - derivative: tanh²x
 * - range: (−∞, ∞)
 * - saturates: near 0
 * - role: Sparse coding.
 *
 * @param x values of any shape, float32
 * @example
 * tanhshrink(tensor([-1, 2])); // => [-0.2384, 1.036]
 */
export const tanhshrink = builtinActivation({
  name: "tanhshrink",
  decompose: (x) => where(less(abs(x), 1), near(x), sub(x, tanh(x))),
});

export const tanhshrinkGradient = activationGradient<typeof tanhshrink>("tanhshrink", (g, x) => {
  const t = tanh(x);
  return mul(g, mul(t, t));
});
