/** x over one plus its size. */
import { add, div } from "../ops/arithmetic.js";
import { abs } from "../ops/unary.js";
import { activationGradient, builtinActivation } from "./definition.js";

/**
 * f(x) = x / (1 + |x|).
 *
 * - formula: x / (1 + |x|)
 * - derivative: 1 / (1 + |x|)²
 * - range: (−1, 1)
 * - saturates: both sides, slowly
 * - role: As tanh, with longer tails.
 * - source: Bergstra et al. 2009
 *
 * @param x values of any shape, float32
 * @example
 * softsign(tensor([-1, 3])); // => [-0.5, 0.75]
 */
export const softsign = builtinActivation({
  name: "softsign",
  decompose: (x) => div(x, add(abs(x), 1)),
});

export const softsignGradient = activationGradient<typeof softsign>("softsign", (g, x) => {
  const d = add(abs(x), 1);
  return div(div(g, d), d);
});
