/** The sigmoid linear unit, also called swish. */
import { add, mul } from "../ops/arithmetic.js";
import { neg } from "../ops/unary.js";
import { sigmoid } from "./sigmoid.js";
import { activationGradient, builtinActivation } from "./definition.js";

/**
 * f(x) = x · σ(x).
 *
 * - formula: x · σ(x)
 * - derivative: σ(x) · (1 + x · (1 − σ(x)))
 * - range: [−0.28, ∞)
 * - saturates: below
 * - role: Hidden layers of modern convolutional and language models.
 * - source: Elfwing et al. 2017; Ramachandran et al. 2017
 *
 * @param x values of any shape, float32
 * @example
 * silu(tensor([-1, 2])); // => [-0.2689, 1.7616]
 */
export const silu = builtinActivation({
  name: "silu",
  decompose: (x) => mul(x, sigmoid(x)),
});

/**
 * Another name of `silu`.
 *
 * @example
 * swish(tensor([-1, 2])); // => [-0.2689, 1.7616]
 */
export const swish = silu;

export const siluGradient = activationGradient<typeof silu>("silu", (g, x) => {
  // σ(−x) and not 1 − σ(x), which x magnifies.
  return mul(g, mul(sigmoid(x), add(mul(x, sigmoid(neg(x))), 1)));
});
