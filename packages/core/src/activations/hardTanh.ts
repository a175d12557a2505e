/** The piecewise linear tanh. */
import { greater, less, logicalAnd } from "../ops/comparison.js";
import { clamp, where } from "../ops/where.js";
import { ErmineError } from "../types/errors.js";
import { activationGradient, builtinActivation } from "./definition.js";

/** The options of `hardTanh`. */
export type HardTanhOptions = {
  /** The lower bound; below maxValue. Default −1. */
  readonly minValue: number;
  /** The upper bound. Default 1. */
  readonly maxValue: number;
};

/**
 * f(x) = min(max(x, minValue), maxValue). The gradient at both bounds is 0.
 *
 * - formula: min(max(x, minValue), maxValue)
 * - derivative: 1 between the bounds, else 0
 * - range: [minValue, maxValue]
 * - saturates: both sides
 * - role: Cheap bounded hidden layers.
 *
 * @param x values of any shape, float32
 * @example
 * hardTanh(tensor([-3, 0.5, 3])); // => [-1, 0.5, 1]
 */
export const hardTanh = builtinActivation<HardTanhOptions>({
  name: "hardTanh",
  options: { minValue: -1, maxValue: 1 },
  optionExamples: { minValue: -0.5, maxValue: 0.5 },
  check({ minValue, maxValue }) {
    if (minValue >= maxValue)
      throw new ErmineError("ERMINE_OPTION", `hardTanh: minValue ${minValue} must be below maxValue ${maxValue}.`);
  },
  kinks: ({ minValue, maxValue }) => [minValue, maxValue],
  decompose: (x, { minValue, maxValue }) => clamp(x, minValue, maxValue),
});

export const hardTanhGradient = activationGradient<typeof hardTanh>("hardTanh", (g, x, _, { minValue, maxValue }) =>
  where(logicalAnd(greater(x, minValue), less(x, maxValue)), g, 0),
);
