/** The rectifier that stops at 6. */
import { greater, less, logicalAnd } from "../ops/comparison.js";
import { clamp, where } from "../ops/where.js";
import { activationGradient, builtinActivation } from "./definition.js";

/**
 * f(x) = min(max(x, 0), 6). The gradient at 0 and at 6 is 0.
 *
 * - formula: min(max(x, 0), 6)
 * - derivative: 1 for 0 < x < 6, else 0
 * - range: [0, 6]
 * - saturates: both sides
 * - role: Mobile networks that are quantized later.
 * - source: Howard et al. 2017
 *
 * @param x values of any shape, float32
 * @example
 * relu6(tensor([-1, 3, 8])); // => [0, 3, 6]
 */
export const relu6 = builtinActivation({
  name: "relu6",
  kinks: () => [0, 6],
  decompose: (x) => clamp(x, 0, 6),
});

export const relu6Gradient = activationGradient<typeof relu6>("relu6", (g, x) =>
  where(logicalAnd(greater(x, 0), less(x, 6)), g, 0),
);
