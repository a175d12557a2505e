/** The rectifier. */
import { maximum } from "../ops/arithmetic.js";
import { lessEqual } from "../ops/comparison.js";
import { where } from "../ops/where.js";
import { activationGradient, builtinActivation } from "./definition.js";

/**
 * f(x) = max(x, 0), element by element. The gradient at 0 is 0.
 *
 * - formula: max(x, 0)
 * - derivative: 1 for x > 0, else 0
 * - range: [0, ∞)
 * - saturates: below
 * - role: Hidden layers; the default. A unit that is negative for every sample never learns again (a dead unit).
 * - source: Nair and Hinton 2010
 *
 * @param x values of any shape, float32
 * @example
 * relu(tensor([-1, 0, 2])); // => [0, 0, 2]
 */
export const relu = builtinActivation({
  name: "relu",
  kinks: () => [0],
  decompose: (x) => maximum(x, 0),
});

export const reluGradient = activationGradient<typeof relu>("relu", (g, x) => where(lessEqual(x, 0), 0, g));
