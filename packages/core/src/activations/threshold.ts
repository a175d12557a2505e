/** x above a threshold, a constant below. */
import { greater } from "../ops/comparison.js";
import { where } from "../ops/where.js";
import { activationGradient, builtinActivation } from "./definition.js";

/** The options of `threshold`. */
export type ThresholdOptions = {
  /** Values above it are kept. Default 0. */
  readonly threshold: number;
  /** The result for all other values. Default 0. */
  readonly value: number;
};

/**
 * f(x) = x for x > threshold, else value.
 *
 * - formula: x for x > threshold, else value
 * - derivative: 1 for x > threshold, else 0
 * - range: (−∞, ∞)
 * - saturates: below
 * - role: The general rectifier.
 *
 * @param x values of any shape, float32
 * @example
 * threshold(tensor([-1, 0.5, 2]), { threshold: 1, value: -3 }); // => [-3, -3, 2]
 */
export const threshold = builtinActivation<ThresholdOptions>({
  name: "threshold",
  options: { threshold: 0, value: 0 },
  optionExamples: { threshold: 0.5, value: -2 },
  kinks: (options) => [options.threshold],
  decompose: (x, options) => where(greater(x, options.threshold), x, options.value),
});

export const thresholdGradient = activationGradient<typeof threshold>("threshold", (g, x, _, options) =>
  where(greater(x, options.threshold), g, 0),
);
