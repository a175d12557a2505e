/** Numbers moved towards 0. */
import { add, sub } from "../ops/arithmetic.js";
import { greater, less, lessEqual } from "../ops/comparison.js";
import { abs } from "../ops/unary.js";
import { where } from "../ops/where.js";
import { ErmineError } from "../types/errors.js";
import { activationGradient, builtinActivation } from "./definition.js";

/** The options of `softshrink`. */
export type SoftshrinkOptions = {
  /** Half the width of the interval that becomes 0; not below 0. Default 0.5. */
  readonly lambda: number;
};

/**
 * f(x) = x − λ above λ, x + λ below −λ, 0 between.
 *
 * - formula: sign(x) · max(|x| − λ, 0)
 * - derivative: 1 for |x| > λ, else 0
 * - range: (−∞, ∞)
 * - saturates: between −λ and λ
 * - role: Sparse coding; the proximal step of l1.
 *
 * @param x values of any shape, float32
 * @example
 * softshrink(tensor([-1, 0.2, 2])); // => [-0.5, 0, 1.5]
 */
export const softshrink = builtinActivation<SoftshrinkOptions>({
  name: "softshrink",
  options: { lambda: 0.5 },
  optionExamples: { lambda: 0.1 },
  check({ lambda }) {
    if (lambda < 0)
      throw new ErmineError("ERMINE_OPTION", `softshrink: lambda is a width and cannot be negative, got ${lambda}.`);
  },
  kinks: ({ lambda }) => [-lambda, lambda],
  decompose: (x, { lambda }) => where(greater(x, lambda), sub(x, lambda), where(less(x, -lambda), add(x, lambda), 0)),
});

export const softshrinkGradient = activationGradient<typeof softshrink>("softshrink", (g, x, _, { lambda }) =>
  where(lessEqual(abs(x), lambda), 0, g),
);
