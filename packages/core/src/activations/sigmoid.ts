/** The logistic function: a probability for each number on its own. */
import { add, div, mul } from "../ops/arithmetic.js";
import { exp, neg } from "../ops/unary.js";
import type { Tensor } from "../types/tensor.js";
import { activationGradient, builtinActivation } from "./definition.js";

/**
 * σ(x) = 1 / (1 + e⁻ˣ). Its output is marked as probabilities.
 *
 * - formula: 1 / (1 + e⁻ˣ)
 * - derivative: σ(x) · (1 − σ(x))
 * - range: (0, 1)
 * - saturates: both sides
 * - role: Gates; reading a binary or multi-label model. Train on logits with bceWithLogits, not on its output.
 *
 * @param x values of any shape, float32
 * @example
 * sigmoid(tensor([-1, 0, 2])); // => [0.2689, 0.5, 0.8808]
 */
export const sigmoid = builtinActivation({
  name: "sigmoid",
  output: "probabilities" as const,
  decompose: (x) => div(1, add(exp(neg(x)), 1)),
});

// σ(−x) and not 1 − y, which has no digits left where y is nearly 1.
export const sigmoidGradient = activationGradient<typeof sigmoid>("sigmoid", (g, x, y): Tensor =>
  mul(g, mul(y, sigmoid(neg(x)))),
);
