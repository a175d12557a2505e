/** The piecewise swish. */
import { add, div, mul } from "../ops/arithmetic.js";
import { greaterEqual, lessEqual } from "../ops/comparison.js";
import { clamp, where } from "../ops/where.js";
import { activationGradient, builtinActivation } from "./definition.js";

/**
 * f(x) = x · min(max(x + 3, 0), 6) / 6. The gradient is 0 at −3 and 1 at 3.
 *
 * - formula: x · hardSigmoid(x)
 * - derivative: x/3 + ½ for −3 < x < 3, else 0 or 1
 * - range: [−0.375, ∞)
 * - saturates: below
 * - role: Mobile networks.
 * - source: Howard et al. 2019
 *
 * @param x values of any shape, float32
 * @example
 * hardSwish(tensor([-4, 1, 4])); // => [0, 0.6667, 4]
 */
export const hardSwish = builtinActivation({
  name: "hardSwish",
  kinks: () => [-3, 3],
  decompose: (x) => mul(x, div(clamp(add(x, 3), 0, 6), 6)),
});

export const hardSwishGradient = activationGradient<typeof hardSwish>("hardSwish", (g, x) =>
  where(lessEqual(x, -3), 0, where(greaterEqual(x, 3), g, mul(g, div(add(clamp(x, -3, 3), 1.5), 3)))),
);
