/** Small values set to 0. */
import { lessEqual } from "../ops/comparison.js";
import { abs } from "../ops/unary.js";
import { where } from "../ops/where.js";
import { ErmineError } from "../types/errors.js";
import { activationGradient, builtinActivation } from "./definition.js";

/** The options of `hardshrink`. */
export type HardshrinkOptions = {
  /** Values of at most this size become 0. Default 0.5. */
  readonly lambda: number;
};

/**
 * f(x) = x for |x| > λ, else 0.
 *
 * - formula: x for |x| > λ, else 0
 * - derivative: 1 for |x| > λ, else 0
 * - range: (−∞, ∞)
 * - saturates: between −λ and λ
 * - role: Sparse coding; the proximal step of l0.
 *
 * @param x values of any shape, float32
 * @example
 * hardshrink(tensor([-1, 0.2, 2])); // => [-1, 0, 2]
 */
export const hardshrink = builtinActivation<HardshrinkOptions>({
  name: "hardshrink",
  options: { lambda: 0.5 },
  optionExamples: { lambda: 0.1 },
  check({ lambda }) {
    if (lambda < 0)
      throw new ErmineError("ERMINE_OPTION", `hardshrink: lambda is a width and cannot be negative, got ${lambda}.`);
  },
  kinks: ({ lambda }) => [-lambda, lambda],
  decompose: (x, { lambda }) => where(lessEqual(abs(x), lambda), 0, x),
});

export const hardshrinkGradient = activationGradient<typeof hardshrink>("hardshrink", (g, x, _, { lambda }) =>
  where(lessEqual(abs(x), lambda), 0, g),
);
