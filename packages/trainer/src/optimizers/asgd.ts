/** Averaged stochastic gradient descent. */
import { portableMath } from "@ermine/core/define";
import { ageOf, rateAt, type Rate, type Time } from "../schedules/schedule.js";
import { builtinOptimizer, checkRange, decayLinks } from "./definition.js";
import type { AsgdOptions } from "./options.js";
import { descend } from "./transforms/scale.js";
import { addWeights, averageWeights } from "./transforms/weights.js";

/**
 * θ ← (1 − lambda · η)θ − η g, η = lr / (1 + lambda · lr · (t − 1))^alpha; the slot `average` follows θ with weight 1 / max(1, t − 1 − t0).
 *
 * Defaults: learningRate 0.01, lambda 1e-4, alpha 0.75, t0 1e6, weightDecay 0 (L2), as PyTorch's. Source: Polyak and Juditsky 1992.
 *
 * @example
 * asgd({ learningRate: 0.01 });
 */
export const asgd = builtinOptimizer<AsgdOptions>({
  name: "asgd",
  defaults: {
    learningRate: 0.01 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    lambda: 1e-4,
    alpha: 0.75,
    t0: 1e6,
  },
  check(options) {
    checkRange("asgd", options, ["lambda", "alpha", "t0"], 0, Infinity);
  },
  average: "average",
  links: ({ learningRate, weightDecay, lambda, alpha, t0 }) => [
    ...decayLinks(weightDecay),
    addWeights("lambda", [], () => lambda),
    descend([learningRate], (time) => {
      const rate = rateAt(learningRate, time);
      return rate / portableMath.pow(1 + lambda * rate * ageOf(time), alpha);
    }),
    averageWeights((time: Time) => (ageOf(time) === 0 ? 1 : 1 / Math.max(1, ageOf(time) - t0))),
  ],
});
