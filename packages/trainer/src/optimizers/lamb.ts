/** Adam whose step has the size of the weights: for very large batches. */
import type { Rate } from "../schedules/schedule.js";
import { builtinOptimizer, checkRange, decayLinks } from "./definition.js";
import type { LambOptions } from "./options.js";
import { scaleByAdam } from "./transforms/adaptive.js";
import { scaleByLearningRate, scaleByTrustRatio } from "./transforms/scale.js";

/**
 * r = m̂ / (√v̂ + ε) + λθ; θ ← θ − lr · (‖θ‖ / ‖r‖) · r, for each parameter; the ratio is 1 where one of them is 0.
 *
 * Defaults: learningRate 0.001, beta1 0.9, beta2 0.999, eps 1e-6, weightDecay 0. Source: You et al. 2020.
 *
 * @example
 * lamb({ learningRate: 1e-3 });
 */
export const lamb = builtinOptimizer<LambOptions>({
  name: "lamb",
  defaults: {
    learningRate: 0.001 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    beta1: 0.9 as Rate,
    beta2: 0.999,
    eps: 1e-6,
  },
  momentum: "beta1",
  check(options) {
    checkRange("lamb", options, ["beta1", "beta2"], 0, 1);
    checkRange("lamb", options, ["eps"], 0, Infinity);
  },
  links: ({ learningRate, weightDecay, beta1, beta2, eps }) => [
    scaleByAdam({ beta1, beta2, eps }),
    ...decayLinks(weightDecay),
    scaleByTrustRatio(),
    scaleByLearningRate(learningRate),
  ],
});
