/** RMSprop. */
import type { Rate } from "../schedules/schedule.js";
import { builtinOptimizer, checkRange, decayLinks } from "./definition.js";
import type { RmspropOptions } from "./options.js";
import { scaleByRms } from "./transforms/adaptive.js";
import { applyMomentum } from "./transforms/momentum.js";
import { scaleByLearningRate } from "./transforms/scale.js";

/**
 * v ← αv + (1 − α)g²; θ ← θ − lr · g / (√v + ε); with momentum b ← μb + g/(√v + ε), θ ← θ − lr · b; centered: v − mean(g)² under the root.
 *
 * Defaults: learningRate 0.01, alpha 0.99, eps 1e-8, weightDecay 0 (L2), momentum 0, centered false, as PyTorch's.
 *
 * @example
 * rmsprop({ learningRate: 1e-3, momentum: 0.9 });
 */
export const rmsprop = builtinOptimizer<RmspropOptions>({
  name: "rmsprop",
  defaults: {
    learningRate: 0.01 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    alpha: 0.99,
    eps: 1e-8,
    momentum: 0 as Rate,
    centered: false,
  },
  momentum: "momentum",
  check(options) {
    checkRange("rmsprop", options, ["alpha", "eps", "momentum"], 0, Infinity);
  },
  links: ({ learningRate, weightDecay, alpha, eps, momentum, centered }) => [
    ...decayLinks(weightDecay),
    scaleByRms({ alpha, eps, centered }),
    ...(momentum === 0 ? [] : [applyMomentum(momentum)]),
    scaleByLearningRate(learningRate),
  ],
});
