/** The rectifier that leaks. */
import { mul } from "../ops/arithmetic.js";
import { greater } from "../ops/comparison.js";
import { where } from "../ops/where.js";
import { activationGradient, builtinActivation } from "./definition.js";

/** The options of `leakyRelu`. */
export type LeakyReluOptions = {
  /** The slope below 0. Default 0.01. */
  readonly negativeSlope: number;
};

/**
 * f(x) = x for x > 0, negativeSlope · x elsewhere. The gradient at 0 is the slope.
 *
 * - formula: x for x > 0, else negativeSlope · x
 * - derivative: 1 for x > 0, else negativeSlope
 * - range: (−∞, ∞)
 * - saturates: no
 * - role: Hidden layers where relu units die.
 * - source: Maas et al. 2013
 *
 * @param x values of any shape, float32
 * @example
 * leakyRelu(tensor([-2, 3]), { negativeSlope: 0.1 }); // => [-0.2, 3]
 */
export const leakyRelu = builtinActivation<LeakyReluOptions>({
  name: "leakyRelu",
  options: { negativeSlope: 0.01 },
  optionExamples: { negativeSlope: 0.3 },
  kinks: () => [0],
  decompose: (x, { negativeSlope }) => where(greater(x, 0), x, mul(x, negativeSlope)),
});

export const leakyReluGradient = activationGradient<typeof leakyRelu>("leakyRelu", (g, x, _, { negativeSlope }) =>
  where(greater(x, 0), g, mul(g, negativeSlope)),
);
