/** Adadelta. */
import type { Rate } from "../schedules/schedule.js";
import { builtinOptimizer, checkRange, decayLinks } from "./definition.js";
import type { AdadeltaOptions } from "./options.js";
import { scaleByAdadelta } from "./transforms/adaptive.js";
import { scaleByLearningRate } from "./transforms/scale.js";

/**
 * v ← ρv + (1 − ρ)g²; Δ = √(u + ε) / √(v + ε) · g; u ← ρu + (1 − ρ)Δ²; θ ← θ − lr · Δ.
 *
 * Defaults: learningRate 1, rho 0.9, eps 1e-6, weightDecay 0 (L2), as PyTorch's. Source: Zeiler 2012.
 *
 * @example
 * adadelta({ rho: 0.95 });
 */
export const adadelta = builtinOptimizer<AdadeltaOptions>({
  name: "adadelta",
  defaults: {
    learningRate: 1 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    rho: 0.9,
    eps: 1e-6,
  },
  check(options) {
    checkRange("adadelta", options, ["rho"], 0, 1);
    checkRange("adadelta", options, ["eps"], 0, Infinity);
  },
  links: ({ learningRate, weightDecay, rho, eps }) => [
    ...decayLinks(weightDecay),
    scaleByAdadelta({ rho, eps }),
    scaleByLearningRate(learningRate),
  ],
});
