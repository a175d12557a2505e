/** The sign of a momentum. */
import type { Rate } from "../schedules/schedule.js";
import { builtinOptimizer, checkRange, decayLinks } from "./definition.js";
import type { LionOptions } from "./options.js";
import { scaleByLion } from "./transforms/momentum.js";
import { scaleByLearningRate } from "./transforms/scale.js";

/**
 * θ ← (1 − lr · λ)θ − lr · sign(β₁m + (1 − β₁)g); m ← β₂m + (1 − β₂)g. Take a learning rate 3 to 10 times below adamw's.
 *
 * Defaults: learningRate 1e-4, beta1 0.9, beta2 0.99, weightDecay 0 (decoupled). Source: Chen et al. 2023.
 *
 * @example
 * lion({ learningRate: 1e-4, weightDecay: 0.1 });
 */
export const lion = builtinOptimizer<LionOptions>({
  name: "lion",
  defaults: {
    learningRate: 0.0001 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    beta1: 0.9 as Rate,
    beta2: 0.99,
  },
  momentum: "beta1",
  check(options) {
    checkRange("lion", options, ["beta1", "beta2"], 0, 1);
  },
  links: ({ learningRate, weightDecay, beta1, beta2 }) => [
    scaleByLion({ beta1, beta2 }),
    ...decayLinks(weightDecay),
    scaleByLearningRate(learningRate),
  ],
});
