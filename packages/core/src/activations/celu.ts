/** The continuously differentiable exponential linear unit. */
import { div, minimum, mul } from "../ops/arithmetic.js";
import { greater } from "../ops/comparison.js";
import { exp, expm1 } from "../ops/unary.js";
import { clamp, where } from "../ops/where.js";
import { ErmineError } from "../types/errors.js";
import { activationGradient, builtinActivation } from "./definition.js";

/** The options of `celu`. */
export type CeluOptions = {
  /** The result approaches −alpha for x → −∞; not 0. Default 1. */
  readonly alpha: number;
};

/**
 * f(x) = max(x, 0) + min(0, α(e^(x/α) − 1)).
 *
 * - formula: max(x, 0) + min(0, α(e^(x/α) − 1))
 * - derivative: 1 for x > 0, else e^(x/α)
 * - range: (−α, ∞)
 * - saturates: below
 * - role: As elu, smooth at 0 for every α.
 * - source: Barron 2017
 *
 * @param x values of any shape, float32
 * @example
 * celu(tensor([-1, 2]), { alpha: 2 }); // => [-0.7869, 2]
 */
export const celu = builtinActivation<CeluOptions>({
  name: "celu",
  options: { alpha: 1 },
  optionExamples: { alpha: 0.5 },
  check({ alpha }) {
    if (alpha === 0) throw new ErmineError("ERMINE_OPTION", "celu: alpha divides x, so it cannot be 0.");
  },
  decompose: (x, { alpha }) => where(greater(x, 0), x, mul(expm1(div(minimum(x, 0), alpha)), alpha)),
});

// clamp: the second derivative at 0 is 0, as PyTorch’s.
export const celuGradient = activationGradient<typeof celu>("celu", (g, x, _, { alpha }) =>
  where(greater(x, 0), g, mul(g, exp(div(clamp(x, undefined, 0), alpha)))),
);
