/** Adam with Nesterov's momentum. */
import type { Rate } from "../schedules/schedule.js";
import { builtinOptimizer, checkRange, decayLinks } from "./definition.js";
import type { NadamOptions } from "./options.js";
import { scaleByNadam } from "./transforms/adaptive.js";
import { scaleByLearningRate } from "./transforms/scale.js";

/**
 * m, v as adam's; μₜ = β₁(1 − ½ · 0.96^(t · momentumDecay));
 * θ ← θ − lr · ((1 − μₜ) g / (1 − Πμ) + μₜ₊₁ m / (1 − Πμ · μₜ₊₁)) / (√v̂ + ε).
 *
 * Defaults: learningRate 0.002, beta1 0.9, beta2 0.999, eps 1e-8, momentumDecay 0.004, weightDecay 0, decoupledWeightDecay false (L2), as
 * PyTorch's. Source: Dozat 2016.
 *
 * @example
 * nadam({ learningRate: 2e-3 });
 */
export const nadam = builtinOptimizer<NadamOptions>({
  name: "nadam",
  defaults: {
    learningRate: 0.002 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    momentumDecay: 0.004,
    decoupledWeightDecay: false,
  },
  check(options) {
    checkRange("nadam", options, ["beta1", "beta2"], 0, 1);
    checkRange("nadam", options, ["eps", "momentumDecay"], 0, Infinity);
  },
  links({ learningRate, weightDecay, beta1, beta2, eps, momentumDecay, decoupledWeightDecay }) {
    const [decay, scaled] = [decayLinks(weightDecay), scaleByNadam({ beta1, beta2, eps, momentumDecay })];
    return [...(decoupledWeightDecay ? [scaled, ...decay] : [...decay, scaled]), scaleByLearningRate(learningRate)];
  },
});
