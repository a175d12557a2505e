/** The piecewise linear sigmoid. */
import { add, div } from "../ops/arithmetic.js";
import { greater, less, logicalAnd } from "../ops/comparison.js";
import { clamp, where } from "../ops/where.js";
import { activationGradient, builtinActivation } from "./definition.js";

/**
 * f(x) = min(max(x / 6 + ½, 0), 1). The gradient at −3 and 3 is 0.
 *
 * - formula: min(max(x/6 + ½, 0), 1)
 * - derivative: 1/6 for −3 < x < 3, else 0
 * - range: [0, 1]
 * - saturates: both sides
 * - role: Gates on small devices.
 * - source: Howard et al. 2019
 *
 * @param x values of any shape, float32
 * @example
 * hardSigmoid(tensor([-4, 0, 1.5])); // => [0, 0.5, 0.75]
 */
export const hardSigmoid = builtinActivation({
  name: "hardSigmoid",
  output: "probabilities" as const,
  kinks: () => [-3, 3],
  decompose: (x) => div(clamp(add(x, 3), 0, 6), 6),
});

export const hardSigmoidGradient = activationGradient<typeof hardSigmoid>("hardSigmoid", (g, x) =>
  where(logicalAnd(greater(x, -3), less(x, 3)), div(g, 6), 0),
);
