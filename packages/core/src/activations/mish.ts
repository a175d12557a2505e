/** x weighed by the tanh of its softplus. */
import { add, div, minimum, mul } from "../ops/arithmetic.js";
import { neg, tanh } from "../ops/unary.js";
import { sigmoid } from "./sigmoid.js";
import { softplus } from "./softplus.js";
import { activationGradient, builtinActivation } from "./definition.js";

/**
 * f(x) = x · tanh(log(1 + eˣ)).
 *
 * - formula: x · tanh(softplus(x))
 * - derivative: tanh(s) + x · σ(x) · (1 − tanh²(s)), s = softplus(x)
 * - range: [−0.31, ∞)
 * - saturates: below
 * - role: Hidden layers of detectors.
 * - source: Misra 2019
 *
 * @param x values of any shape, float32
 * @example
 * mish(tensor([-1, 2])); // => [-0.3034, 1.944]
 */
export const mish = builtinActivation({
  name: "mish",
  decompose: (x) => mul(x, tanh(softplus(x))),
});

export const mishGradient = activationGradient<typeof mish>("mish", (g, x) => {
  // With q = σ(−x): tanh(softplus x) = (1 − q²) / (1 + q²), and 1 less its square is 4q² / (1 + q²)², where nothing cancels.
  const [s, q] = [sigmoid(x), sigmoid(neg(x))];
  const square = mul(q, q);
  const sum = add(square, 1);
  const share = div(s, sum);
  // Beyond 40 it is 0 even in double precision, and at ∞ 0 · ∞ would be NaN.
  const bend = mul(mul(share, div(mul(square, 4), sum)), minimum(x, 40));
  return mul(g, add(mul(share, add(q, 1)), bend));
});
