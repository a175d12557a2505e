/** Adam with the largest gradient in the place of the mean square. */
import type { Rate } from "../schedules/schedule.js";
import { builtinOptimizer, checkRange, decayLinks } from "./definition.js";
import type { AdamaxOptions } from "./options.js";
import { scaleByAdamax } from "./transforms/adaptive.js";
import { scaleByLearningRate } from "./transforms/scale.js";

/**
 * m ← β₁m + (1 − β₁)g; u ← max(β₂u, |g| + ε); θ ← θ − lr / (1 − β₁ᵗ) · m / u.
 *
 * Defaults: learningRate 0.002, beta1 0.9, beta2 0.999, eps 1e-8, weightDecay 0 (L2), as PyTorch's. Source: Kingma and Ba 2015.
 *
 * @example
 * adamax({ learningRate: 2e-3 });
 */
export const adamax = builtinOptimizer<AdamaxOptions>({
  name: "adamax",
  defaults: {
    learningRate: 0.002 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    beta1: 0.9 as Rate,
    beta2: 0.999,
    eps: 1e-8,
  },
  momentum: "beta1",
  check(options) {
    checkRange("adamax", options, ["beta1", "beta2"], 0, 1);
    checkRange("adamax", options, ["eps"], 0, Infinity);
  },
  links: ({ learningRate, weightDecay, beta1, beta2, eps }) => [
    ...decayLinks(weightDecay),
    scaleByAdamax({ beta1, beta2, eps }),
    scaleByLearningRate(learningRate),
  ],
});
