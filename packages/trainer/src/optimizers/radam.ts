/** Adam whose first steps wait for the variance to be known. */
import type { Rate } from "../schedules/schedule.js";
import { builtinOptimizer, checkRange, decayLinks } from "./definition.js";
import type { RadamOptions } from "./options.js";
import { scaleByRadam } from "./transforms/adaptive.js";
import { scaleByLearningRate } from "./transforms/scale.js";

/**
 * m̂, v̂ as adam's; ρ = ρ∞ − 2t β₂ᵗ / (1 − β₂ᵗ), ρ∞ = 2 / (1 − β₂) − 1. Where ρ > 5: θ ← θ − lr · r · m̂ / √v̂,
 * r = √((ρ − 4)(ρ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρ)); before: θ ← θ − lr · m̂.
 *
 * Defaults: learningRate 0.001, beta1 0.9, beta2 0.999, eps 1e-8, weightDecay 0, decoupledWeightDecay false (L2), as PyTorch's.
 * Source: Liu et al. 2020.
 *
 * @example
 * radam({ learningRate: 1e-3 });
 */
export const radam = builtinOptimizer<RadamOptions>({
  name: "radam",
  defaults: {
    learningRate: 0.001 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    beta1: 0.9 as Rate,
    beta2: 0.999,
    eps: 1e-8,
    decoupledWeightDecay: false,
  },
  momentum: "beta1",
  check(options) {
    checkRange("radam", options, ["beta1", "beta2"], 0, 1);
    checkRange("radam", options, ["eps"], 0, Infinity);
  },
  links({ learningRate, weightDecay, beta1, beta2, eps, decoupledWeightDecay }) {
    const [decay, scaled] = [decayLinks(weightDecay), scaleByRadam({ beta1, beta2, eps })];
    return [...(decoupledWeightDecay ? [scaled, ...decay] : [...decay, scaled]), scaleByLearningRate(learningRate)];
  },
});
