/** The scaled exponential linear unit. */
import { minimum, mul } from "../ops/arithmetic.js";
import { greater } from "../ops/comparison.js";
import { exp, expm1 } from "../ops/unary.js";
import { clamp, where } from "../ops/where.js";
import { activationGradient, builtinActivation } from "./definition.js";

const alpha = 1.6732632423543772;
const scale = 1.0507009873554805;

/**
 * f(x) = λx for x > 0, λα(eˣ − 1) elsewhere, with the λ and α that keep mean 0 and variance 1. The gradient at 0 is λα.
 *
 * - formula: λx for x > 0, else λα(eˣ − 1)
 * - derivative: λ for x > 0, else λαeˣ
 * - range: (−1.758, ∞)
 * - saturates: below
 * - role: Deep fully connected networks without normalization; with lecun-normal weights and alpha dropout.
 * - source: Klambauer et al. 2017
 *
 * @param x values of any shape, float32
 * @example
 * selu(tensor([-1, 2])); // => [-1.1113, 2.1014]
 */
export const selu = builtinActivation({
  name: "selu",
  kinks: () => [0],
  decompose: (x) => mul(where(greater(x, 0), x, mul(expm1(minimum(x, 0)), alpha)), scale),
});

// clamp: the second derivative at 0 is 0, as PyTorch’s.
export const seluGradient = activationGradient<typeof selu>("selu", (g, x) =>
  mul(g, where(greater(x, 0), scale, mul(exp(clamp(x, undefined, 0)), scale * alpha))),
);
