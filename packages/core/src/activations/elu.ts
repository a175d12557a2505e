/** The exponential linear unit. */
import { minimum, mul } from "../ops/arithmetic.js";
import { greater } from "../ops/comparison.js";
import { exp, expm1 } from "../ops/unary.js";
import { clamp, where } from "../ops/where.js";
import { activationGradient, builtinActivation } from "./definition.js";

/** The options of `elu`. */
export type EluOptions = {
  /** The result approaches −alpha for x → −∞. Default 1. */
  readonly alpha: number;
};

/**
 * f(x) = x for x > 0, α(eˣ − 1) elsewhere. The gradient at 0 is α.
 *
 * - formula: x for x > 0, else α(eˣ − 1)
 * - derivative: 1 for x > 0, else αeˣ
 * - range: (−α, ∞)
 * - saturates: below
 * - role: Hidden layers; outputs centred nearer to 0 than relu's.
 * - source: Clevert et al. 2015
 *
 * @param x values of any shape, float32
 * @example
 * elu(tensor([-1, 2])); // => [-0.6321, 2]
 */
export const elu = builtinActivation<EluOptions>({
  name: "elu",
  options: { alpha: 1 },
  optionExamples: { alpha: 0.5 },
  kinks: ({ alpha }) => (alpha === 1 ? [] : [0]),
  decompose: (x, { alpha }) => where(greater(x, 0), x, mul(expm1(minimum(x, 0)), alpha)),
});

// clamp: the second derivative at 0 is 0, as PyTorch’s.
export const eluGradient = activationGradient<typeof elu>("elu", (g, x, _, { alpha }) =>
  where(greater(x, 0), g, mul(g, mul(exp(clamp(x, undefined, 0)), alpha))),
);
