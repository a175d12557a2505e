/** The smooth rectifier. */
import { div, minimum, mul } from "../ops/arithmetic.js";
import { greater } from "../ops/comparison.js";
import { exp, log1p } from "../ops/unary.js";
import { where } from "../ops/where.js";
import { ErmineError } from "../types/errors.js";
import { sigmoid } from "./sigmoid.js";
import { activationGradient, builtinActivation } from "./definition.js";

/** The options of `softplus`. */
export type SoftplusOptions = {
  /** The sharpness of the bend; not 0. Default 1. */
  readonly beta: number;
  /** Where beta · x is above it, the result is x itself. Default 20. */
  readonly threshold: number;
};

/**
 * f(x) = log(1 + e^(βx)) / β, and x itself where βx > threshold, so that it cannot overflow.
 *
 * - formula: log(1 + e^(βx)) / β
 * - derivative: σ(βx)
 * - range: (0, ∞)
 * - saturates: below
 * - role: Outputs that must be positive: variances, rates.
 * - source: Dugas et al. 2001
 *
 * @param x values of any shape, float32
 * @example
 * softplus(tensor([-1, 2])); // => [0.3133, 2.1269]
 */
export const softplus = builtinActivation<SoftplusOptions>({
  name: "softplus",
  options: { beta: 1, threshold: 20 },
  optionExamples: { beta: 2, threshold: 0.5 },
  check({ beta }) {
    if (beta === 0) throw new ErmineError("ERMINE_OPTION", "softplus: beta divides, so it cannot be 0.");
  },
  kinks: ({ beta, threshold }) => [threshold / beta],
  decompose: (x, { beta, threshold }) =>
    where(greater(mul(x, beta), threshold), x, div(log1p(exp(minimum(mul(x, beta), threshold))), beta)),
});

export const softplusGradient = activationGradient<typeof softplus>("softplus", (g, x, _, { beta, threshold }) =>
  where(greater(mul(x, beta), threshold), g, mul(g, sigmoid(mul(x, beta)))),
);
